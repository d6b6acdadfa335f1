"""Stage 8. Sightings, Calls -> running times and Headways, each with what the evidence allows."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from transitmap.config import TimesConfig
from transitmap.geo import first_reached
from transitmap.model import BoolArray, FloatArray, Headways, IntArray, Sightings

HOUR_S = 3600
END_SLACK_M = 30.0
"""Two fixes of a moving bus lie this far apart: a ride to the terminal may end so far before its point."""


class RunningTimes(NamedTuple):
    """Seconds since the first call and their spread, aligned with the calls of all paths."""

    run_s: FloatArray
    run_spread_s: FloatArray


def time_runs(
    sightings: Sightings, call_start: IntArray, call_along_m: FloatArray, config: TimesConfig
) -> RunningTimes:
    """Running times of every path, from all vehicles timed on each hop between two calls.

    A hop is the mean of its middle 80 %: one vehicle that broke down does not slow a city. Where nobody was
    timed the hop takes the path's own pace and has no spread.
    """
    run_s, spread_s = np.zeros(len(call_along_m)), np.full(len(call_along_m), np.nan)
    for path in range(len(call_start) - 1):
        calls = slice(call_start[path], call_start[path + 1])
        rows = np.flatnonzero(sightings.path_index == path)
        passed_s = np.array([_passed_s(sightings, int(row), call_along_m[calls]) for row in rows])
        hop_s, hop_spread_s = _hops(passed_s, np.diff(call_along_m[calls]), config)
        run_s[calls] = np.concatenate([[0.0], np.cumsum(hop_s)])
        spread_s[calls] = np.concatenate([[0.0], np.sqrt(np.cumsum(hop_spread_s**2))])
    return RunningTimes(run_s, spread_s)


def _passed_s(sightings: Sightings, row: int, along_m: FloatArray) -> FloatArray:
    """When a vehicle passed places of its path; just beyond its first and last fix counts as there."""
    fixes = slice(sightings.fix_start[row], sightings.fix_start[row + 1])
    seen_m = sightings.along_m[fixes]
    within_m = np.clip(along_m, seen_m[0], seen_m[-1])
    where_m = np.where(np.abs(along_m - within_m) <= END_SLACK_M, within_m, along_m)
    return first_reached(seen_m, sightings.time_s[fixes], where_m)


def _hops(passed_s: FloatArray, hop_m: FloatArray, config: TimesConfig) -> tuple[FloatArray, FloatArray]:
    """Seconds of each hop and half its 10-90 % range (NaN where fewer than two vehicles were timed)."""
    hop_s, spread_s = np.full(len(hop_m), np.nan), np.full(len(hop_m), np.nan)
    if len(passed_s):
        for k, timed_s in enumerate(np.diff(passed_s, axis=1).T):
            timed_s = timed_s[np.isfinite(timed_s) & (timed_s > 0)]
            if len(timed_s):
                low_s, high_s = np.percentile(timed_s, [10, 90])
                hop_s[k] = float(np.mean(np.clip(timed_s, low_s, high_s)))
                spread_s[k] = (high_s - low_s) / 2 if len(timed_s) > 1 else np.nan
    known = np.isfinite(hop_s)
    pace_m_s = hop_m[known].sum() / hop_s[known].sum() if known.any() else config.unknown_speed_m_s
    hop_s = np.where(known, hop_s, hop_m / max(pace_m_s, 0.5))
    return np.maximum(hop_s, np.maximum(1.0, hop_m / config.max_speed_m_s)), spread_s


def find_headways(
    sightings: Sightings,
    rider: IntArray,
    call_start: IntArray,
    call_along_m: FloatArray,
    run_s: FloatArray,
    timezone: str,
    min_riders: int,
    config: TimesConfig,
) -> Headways:
    """Upper bounds of the headway per path, day type and window, from distinct vehicles seen.

    Riders see a share of the vehicles that nobody knows, so the gap between sightings bounds the headway
    from above and is flagged so; no headway over an hour is stated, and a time at which nobody rode has no
    row. `low_s` is the shortest headway
    thought possible, `high_s` the bound if one vehicle fewer had been met. A window is an hour, or as many
    as it takes until `min_riders` people rode in it: nobody's own hour is told. `rider` numbers the rider
    of each ride.
    """
    rows = np.flatnonzero(sightings.is_own)
    first_s = np.array([_first_call_s(sightings, int(r), call_start, call_along_m, run_s) for r in rows])
    known = np.isfinite(first_s)
    rows, first_s = rows[known], first_s[known]
    day, second_s = local_clock(first_s, timezone)
    day_type, path = _day_types(day), sightings.path_index[rows]
    n_days = [len(np.unique(day[day_type == k])) for k in range(3)]
    windows: list[list[float]] = []
    for pattern, kind in np.unique(np.column_stack([path, day_type]), axis=0).reshape(-1, 2).tolist():
        cell = np.flatnonzero((path == pattern) & (day_type == kind))
        for start, end, inside in _windows(
            second_s[cell] // HOUR_S, rider[sightings.ride_index[rows[cell]]], min_riders
        ):
            n_vehicles = len(
                _distinct_vehicles(path[cell[inside]], first_s[cell[inside]], config.same_vehicle_s)
            )
            seen_s = float((end - start) * HOUR_S * n_days[kind])
            windows.append([pattern, kind, start * HOUR_S, end * HOUR_S, seen_s, n_vehicles])
    return _headways(np.array(windows, dtype=float).reshape(-1, 6), config)


def _windows(hour: IntArray, rider: IntArray, min_riders: int) -> list[tuple[int, int, IntArray]]:
    """First hour, hour after the last, and rows of each window in which enough people rode, in order.

    Hours are put together from the first on; what is left over at the end goes to the window before it.
    """
    found: list[tuple[int, int, IntArray]] = []
    start, rows = 0, np.zeros(0, dtype=np.int64)
    for now in np.unique(hour).tolist():
        start = start if len(rows) else now
        rows = np.concatenate([rows, np.flatnonzero(hour == now)])
        if len(np.unique(rider[rows])) >= min_riders:
            found.append((start, now + 1, rows))
            rows = rows[:0]
    if len(rows) and found:
        start, _, before = found.pop()
        found.append((start, int(hour.max()) + 1, np.concatenate([before, rows])))
    return found


def _headways(windows: FloatArray, config: TimesConfig) -> Headways:
    """Columns of rows: path, day type, start and end, seconds watched on all days, vehicles."""
    path, kind, start_s, end_s, watched_s, n_vehicles = windows.T
    return Headways(
        pattern_index=path.astype(np.int64),
        day_type=kind.astype(np.int64),
        start_s=start_s.astype(np.int64),
        end_s=end_s.astype(np.int64),
        headway_s=np.clip(watched_s / np.maximum(n_vehicles, 1), config.min_headway_s, HOUR_S),
        low_s=np.full(len(windows), config.min_headway_s),
        high_s=watched_s / np.maximum(n_vehicles - 1, 0.5),
        n_vehicles=n_vehicles.astype(np.int64),
        is_bound=np.ones(len(windows), dtype=bool),
    )


def _first_call_s(
    sightings: Sightings, row: int, call_start: IntArray, call_along_m: FloatArray, run_s: FloatArray
) -> float:
    """When the vehicle left the path's first call: back from the middle of what was seen of it."""
    path = sightings.path_index[row]
    calls = slice(call_start[path], call_start[path + 1])
    fixes = slice(sightings.fix_start[row], sightings.fix_start[row + 1])
    middle_m = np.array([(sightings.along_m[fixes][0] + sightings.along_m[fixes][-1]) / 2])
    seen_s = _passed_s(sightings, row, middle_m)[0]
    return float(seen_s - np.interp(middle_m[0], call_along_m[calls], run_s[calls]))


def _distinct_vehicles(path: IntArray, first_s: FloatArray, same_s: float) -> IntArray:
    """One row of each group of sightings of a path that follow each other within `same_s`."""
    order = np.lexsort((first_s, path))
    apart: BoolArray = np.ones(len(order), dtype=bool)
    apart[1:] = (np.diff(path[order]) != 0) | (np.diff(first_s[order]) > same_s)
    return order[apart]


def local_clock(time_s: FloatArray, timezone: str) -> tuple[IntArray, IntArray]:
    """Local day (days since 1970-01-01) and second of that day of Unix times."""
    zone = ZoneInfo(timezone)
    offset_s = {}
    for hour in np.unique(time_s // HOUR_S):
        shift = datetime.fromtimestamp(float(hour) * HOUR_S, zone).utcoffset()
        offset_s[hour] = shift.total_seconds() if shift else 0.0
    local_s = time_s + np.array([offset_s[hour] for hour in time_s // HOUR_S], dtype=float)
    return (local_s // 86_400).astype(np.int64), (local_s % 86_400).astype(np.int64)


def _day_types(day: IntArray) -> IntArray:
    """0 weekday, 1 Saturday, 2 Sunday; 1970-01-01 was a Thursday."""
    weekday = (day + 3) % 7
    return np.where(weekday < 5, 0, weekday - 4).astype(np.int64)


def timezone_of(lat_deg: float, lon_deg: float) -> str:
    """The IANA time zone of a place, "UTC" at sea."""
    from tzfpy import get_tz

    name = get_tz(lon_deg, lat_deg)
    return name if name and not name.startswith("Etc/") else "UTC"
