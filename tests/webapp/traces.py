"""GPX written by hand for the tests of the service, and a ride along the small city's first line."""

from __future__ import annotations

import datetime

import numpy as np

from tests.gtfs.small_city import CENTRE, TRUNK
from transitmap.geo import along_m

START = datetime.datetime(2026, 11, 20, 14, 0, tzinfo=datetime.UTC)
SPEED_M_S = 7.0
DWELL_S = 15


def gpx(points: str, head: str = "") -> bytes:
    """A GPX file around track points."""
    return (
        f'<?xml version="1.0"?>{head}<gpx version="1.1" creator="test" '
        f'xmlns="http://www.topografix.com/GPX/1/1"><trk><trkseg>{points}</trkseg></trk></gpx>'
    ).encode()


def point(lat: object, lon: object, second: int) -> str:
    """One track point."""
    when = (START + datetime.timedelta(seconds=second)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return f'<trkpt lat="{lat}" lon="{lon}"><time>{when}</time></trkpt>'


def ride(seed: int = 1, days: int = 0) -> bytes:
    """A bus ride along the trunk of the small city, a fix a second, halts at its stops, 3 m of noise."""
    rng = np.random.default_rng(seed)
    line = np.array(TRUNK, dtype=float)
    total = along_m(line)
    where, here = [], 20.0
    for stop in (700.0, 1480.0, 2985.0):
        where += [*np.arange(here, stop, SPEED_M_S), *([stop] * DWELL_S)]
        here = stop
    xy = np.column_stack([np.interp(where, total, line[:, 0]), np.interp(where, total, line[:, 1])])
    lat_deg, lon_deg = CENTRE.to_degrees(xy + rng.normal(0, 3.0, xy.shape))
    rows = zip(np.round(lat_deg, 7), np.round(lon_deg, 7), strict=True)
    return gpx("".join(point(lat, lon, second + 86_400 * -days) for second, (lat, lon) in enumerate(rows)))
