"""Networks and rides drawn by hand in metres around one place, for the tests of points."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

import numpy as np

from transitmap import geo
from transitmap.config import CollectConfig
from transitmap.model import BUS, Fixes, Headways, Network, Patterns, Ride, Routes, Shapes, Stops, Taps, Trips

PLANE = geo.Plane(19.4, -99.1)
NOON_S = 1_750_010_400.0  # 2025-06-15 18:00 UTC, 12:00 in Mexico City
DAY_S = 86_400.0
IN_NO_HURRY = CollectConfig(max_inline_s=250.0)
"""A file is understood while its sender waits, on a busy machine too."""
NO_TAPS = Taps(np.zeros(0), np.zeros(0), np.zeros(0), ())


def network_of(
    *patterns: tuple[int, int, Sequence[tuple[float, float]]], timezone: str = "America/Mexico_City"
):
    """A network of (route_index, direction_id, corners in metres); stops at both ends of each pattern."""
    lines = [np.array(corners, dtype=float) for _, _, corners in patterns]
    ends = [line[[0, -1]] for line in lines]
    stop_lat, stop_lon = PLANE.to_degrees(np.concatenate([np.zeros((0, 2)), *ends]))
    lat, lon = PLANE.to_degrees(np.concatenate([np.zeros((0, 2)), *lines]))
    n, n_stops = len(patterns), 2 * len(patterns)
    lengths = [geo.along_m(line)[-1] for line in lines]
    many = np.full(n_stops, 3)
    return Network(
        stops=Stops(
            stop_lat,
            stop_lon,
            np.zeros(n_stops),
            np.full(n_stops, 5.0),
            many,
            many,
            many,
            np.full(n_stops, 0.9),
            tuple(f"Stop {i}" for i in range(n_stops)),
        ),
        routes=_routes(patterns),
        patterns=Patterns(
            np.array([p[0] for p in patterns], dtype=np.int64),
            np.array([p[1] for p in patterns], dtype=np.int64),
            np.arange(n, 0, -1),
            np.full(n, 3),
            np.full(n, 3),
            np.full(n, 0.9),
            ("",) * n,
            np.arange(0, 2 * n + 1, 2),
            np.arange(n_stops),
            np.array([x for m in lengths for x in (0.0, m)]),
            np.array([x for m in lengths for x in (0.0, m / 8)]),
            np.full(n_stops, np.nan),
            np.full(n_stops, 3),
        ),
        shapes=Shapes(
            np.concatenate([[0], np.cumsum([len(line) for line in lines])]).astype(np.int64),
            lat,
            lon,
            np.concatenate([np.zeros(0), *[geo.along_m(line) for line in lines]]),
        ),
        headways=Headways(
            *[np.zeros(0, dtype=np.int64)] * 4,
            *[np.zeros(0)] * 3,
            np.zeros(0, dtype=np.int64),
            np.zeros(0, dtype=bool),
        ),
        timezone=timezone,
        first_day="2025-06-15",
        last_day="2025-06-15",
    )


def _routes(patterns) -> Routes:
    n = 1 + max((p[0] for p in patterns), default=-1)
    return Routes(tuple(str(i + 1) for i in range(n)), ("",) * n, np.full(n, np.nan))


def ride_along(
    corners: Sequence[tuple[float, float]],
    start_s: float = NOON_S,
    interval_s: float = 5.0,
    speed_m_s: float = 8.0,
    accuracy_m: float = 5.0,
    noise_m: float = 0.0,
    seed: int = 0,
    ride_id: str = "ride",
) -> Ride:
    """A ride at one speed along corners in metres, a fix every `interval_s`."""
    line = np.array(corners, dtype=float)
    distance_m = geo.along_m(line)
    n = max(2, int(distance_m[-1] / speed_m_s / interval_s) + 1)
    time_s = start_s + interval_s * np.arange(n)
    xy = geo.at(line, distance_m, speed_m_s * interval_s * np.arange(n))
    xy = xy + np.random.default_rng(seed).normal(0, noise_m, xy.shape)
    lat, lon = PLANE.to_degrees(xy)
    return Ride(ride_id, Fixes(time_s, lat, lon, np.full(n, accuracy_m)), NO_TAPS)


def part_of(ride: Ride, first: int, last: int) -> Ride:
    """The fixes `first:last` of a ride, as a ride."""
    fixes = ride.fixes
    part = slice(first, last)
    columns = (fixes.time_s[part], fixes.lat_deg[part], fixes.lon_deg[part], fixes.accuracy_m[part])
    return Ride(f"{ride.ride_id}[{first}:{last}]", Fixes(*columns), NO_TAPS)


def trips_of(*rows: tuple[int, float, float], mode: int = BUS) -> Trips:
    """Trips of (pattern_index, first_m, last_m), on board from the first fix to the last."""
    n = len(rows)
    pattern = np.array([row[0] for row in rows], dtype=np.int64)
    calls = np.where(pattern >= 0, 0, -1)
    return Trips(
        pattern,
        np.full(n, mode, dtype=np.int64),
        np.array([row[1] for row in rows], dtype=float),
        np.array([row[2] for row in rows], dtype=float),
        calls,
        np.where(pattern >= 0, 1, -1),
        np.full(n, np.nan),
        np.full(n, np.nan),
        np.full(n, 0.9),
        ("",) * n,
    )


NONE = (-1, np.nan, np.nan)


def gpx_of(ride: Ride, label: str = "") -> bytes:
    """The ride as a GPX 1.1 file, times to the millisecond, positions to 1e-7 degrees."""
    fixes = ride.fixes
    points = "".join(
        f'<trkpt lat="{lat:.7f}" lon="{lon:.7f}"><time>{_utc(time_s)}</time></trkpt>'
        for time_s, lat, lon in zip(
            fixes.time_s.tolist(), fixes.lat_deg.tolist(), fixes.lon_deg.tolist(), strict=True
        )
    )
    return (
        '<?xml version="1.0"?><gpx version="1.1" creator="test" xmlns="http://www.topografix.com/GPX/1/1">'
        f"<trk><name>{label}</name><trkseg>{points}</trkseg></trk></gpx>"
    ).encode()


def _utc(time_s: float) -> str:
    moment = datetime.datetime.fromtimestamp(time_s, datetime.UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


STOPS_M = tuple(range(0, 3001, 375))


def bus_ride(
    corners: Sequence[tuple[float, float]],
    start_s: float = NOON_S,
    seed: int = 0,
    first: int = 0,
    last: int = 8,
) -> Ride:
    """A ride of a bus that halts some 20 s every 375 m, between two of its stops; a fix every 2 s.

    No two vehicles move alike: how long it halts and how fast it goes on is drawn by the seed.
    """
    line = np.array(corners, dtype=float)
    distance_m = geo.along_m(line)
    along_m = []
    driver = np.random.default_rng([seed, 1])
    for stop in range(first, last):
        step_m = float(driver.uniform(12.0, 20.0))
        along_m += [STOPS_M[stop]] * int(driver.integers(6, 15))
        along_m += np.arange(STOPS_M[stop], STOPS_M[stop + 1], step_m).tolist()
    along_m += [STOPS_M[last]] * 10
    random = np.random.default_rng(seed)
    xy = geo.at(line, distance_m, np.array(along_m, dtype=float))
    slow = np.repeat(random.normal(0, 2.0, (len(xy) // 20 + 1, 2)), 20, axis=0)[: len(xy)]
    xy = xy + slow + random.normal(0, 0.5, xy.shape)
    lat, lon = PLANE.to_degrees(xy)
    time_s = start_s + 2.0 * np.arange(len(xy))
    return Ride("bus", Fixes(time_s, lat, lon, np.full(len(xy), np.nan)), NO_TAPS)
