"""GPX texts and rides for the tests of collect."""

from __future__ import annotations

import datetime

import numpy as np

from transitmap.collect.parse import parse
from transitmap.config import CollectConfig
from transitmap.model import Fixes, Ride, Taps

CONFIG = CollectConfig()
NOW_S = datetime.datetime(2026, 11, 22, tzinfo=datetime.UTC).timestamp()
START_S = datetime.datetime(2026, 3, 2, 10, tzinfo=datetime.UTC).timestamp()


def point(second: int = 0, lat: str | None = None, lon: str | None = None, time: str | None = None) -> str:
    """One `trkpt`, about 11 m after the one of the second before."""
    lat = f"{19.4 + second * 1e-4:.7f}" if lat is None else lat
    lon = "-99.1000000" if lon is None else lon
    time = f"2026-03-02T10:{second // 60:02}:{second % 60:02}Z" if time is None else time
    return f'<trkpt lat="{lat}" lon="{lon}"><time>{time}</time></trkpt>'


POINTS = "\n".join(point(second) for second in range(5))


def gpx(points: str = POINTS, inside: str = "", root: str = 'version="1.1" creator="made up"') -> str:
    """A file of one track; `inside` comes before it."""
    head = f'<?xml version="1.0" encoding="UTF-8"?>\n<gpx {root} xmlns="http://www.topografix.com/GPX/1/1">\n'
    return f"{head}{inside}<trk><trkseg>\n{points}\n</trkseg></trk></gpx>\n"


def read(text: str | bytes, config: CollectConfig = CONFIG) -> list[Ride]:
    return parse("ride.gpx", text.encode() if isinstance(text, str) else text, config)


def read_one(text: str | bytes, config: CollectConfig = CONFIG) -> Ride:
    (ride,) = read(text, config)
    return ride


def ride_of(
    time_s: list[float], lat_deg: list[float] | None = None, lon_deg: list[float] | None = None
) -> Ride:
    """A ride of the given columns; positions run north where not given."""
    n = len(time_s)
    lat = np.array([19.4 + i * 1e-4 for i in range(n)] if lat_deg is None else lat_deg, dtype=float)
    lon = np.full(n, -99.1) if lon_deg is None else np.array(lon_deg, dtype=float)
    none = np.zeros(0)
    fixes = Fixes(np.array(time_s, dtype=float), lat, lon, np.full(n, np.nan))
    return Ride("ride.gpx", fixes, Taps(none, none, none, ()))
