"""Sightings, calls -> running times: how long vehicles take from call to call."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from transitmap.config import TimesConfig
from transitmap.geo import first_reached
from transitmap.infer.times.clock import HOUR_S, day_types, local_clock
from transitmap.model import BoolArray, FloatArray, HopTimes, IntArray, Sightings

END_SLACK_M = 30.0
"""Two fixes of a moving bus lie this far apart: a ride to the terminal may end so far before its point."""
MIN_TIMED = 5
"""Fewer times of a hop have no spread worth telling: the range of four leaves out a third of all others."""


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
        at_call_s = _at_calls_s(sightings, sightings.path_index == path, call_along_m[calls])
        hop_s, hop_spread_s = _hops(at_call_s, np.diff(call_along_m[calls]), config)
        run_s[calls] = np.concatenate([[0.0], np.cumsum(hop_s)])
        spread_s[calls] = np.concatenate([[0.0], np.sqrt(np.cumsum(hop_spread_s**2))])
    return RunningTimes(run_s, spread_s)


def _at_calls_s(sightings: Sightings, is_there: BoolArray, along_m: FloatArray) -> FloatArray:
    """When each vehicle of a path passed each call, (vehicles, calls)."""
    passed = [passed_s(sightings, int(row), along_m) for row in np.flatnonzero(is_there)]
    return np.array(passed).reshape(-1, len(along_m))


def passed_s(sightings: Sightings, row: int, along_m: FloatArray) -> FloatArray:
    """When a vehicle passed places of its path; just beyond its first and last fix counts as there."""
    fixes = slice(sightings.fix_start[row], sightings.fix_start[row + 1])
    seen_m = sightings.along_m[fixes]
    within_m = np.clip(along_m, seen_m[0], seen_m[-1])
    where_m = np.where(np.abs(along_m - within_m) <= END_SLACK_M, within_m, along_m)
    return first_reached(seen_m, sightings.time_s[fixes], where_m)


def _hops(at_call_s: FloatArray, hop_m: FloatArray, config: TimesConfig) -> tuple[FloatArray, FloatArray]:
    """Seconds of each hop and half its 10-90 % range (NaN where fewer than two vehicles were timed)."""
    hop_s, spread_s = np.full(len(hop_m), np.nan), np.full(len(hop_m), np.nan)
    if len(at_call_s):
        for k, timed_s in enumerate(np.diff(at_call_s, axis=1).T):
            timed_s = timed_s[np.isfinite(timed_s) & (timed_s > 0)]
            if len(timed_s):
                hop_s[k], spread_s[k] = _middle(timed_s)
    known = np.isfinite(hop_s)
    pace_m_s = hop_m[known].sum() / hop_s[known].sum() if known.any() else config.unknown_speed_m_s
    hop_s = np.where(known, hop_s, hop_m / max(pace_m_s, 0.5))
    return np.maximum(hop_s, np.maximum(1.0, hop_m / config.max_speed_m_s)), spread_s


def _middle(timed_s: FloatArray) -> tuple[float, float]:
    """Mean of the times with the extremes drawn in to the middle 80 %, and half the range of those."""
    low_s, high_s = _quantile(np.sort(timed_s), 0.1), _quantile(np.sort(timed_s), 0.9)
    spread_s = (high_s - low_s) / 2 if len(timed_s) > 1 else np.nan
    return float(np.clip(timed_s, low_s, high_s).mean()), float(spread_s)


def _quantile(rising: FloatArray, share: float) -> float:
    """As `np.percentile`, at a tenth of its price."""
    at = share * (len(rising) - 1)
    low, high = rising[int(at)], rising[min(int(at) + 1, len(rising) - 1)]
    part = at - int(at)
    return float(low + (high - low) * part if part < 0.5 else high - (high - low) * (1 - part))


def time_hops(
    sightings: Sightings,
    rider: IntArray,
    call_start: IntArray,
    call_along_m: FloatArray,
    timezone: str,
    min_riders: int,
) -> HopTimes:
    """Times of the hops between calls by day type and window of a path, where they can be told.

    Hours are put together until the path's hops were timed `MIN_TIMED` times each in the mean; a hop that
    fewer than that or fewer than `min_riders` people timed in a window has no row. `rider` numbers the
    rider of each ride.
    """
    found: list[tuple[float, ...]] = []
    for path in range(len(call_start) - 1):
        is_there = (sightings.path_index == path) & sightings.is_own
        calls = slice(call_start[path], call_start[path + 1])
        at_call_s = _at_calls_s(sightings, is_there, call_along_m[calls])
        row, hop = np.nonzero(np.diff(at_call_s, axis=1) > 0)
        day, second_s = local_clock(at_call_s[row, hop], timezone)
        who, run_s = rider[sightings.ride_index[is_there][row]], np.diff(at_call_s, axis=1)[row, hop]
        kind, hour = day_types(day), (second_s // HOUR_S).astype(np.int64)
        for day_type in np.unique(kind).tolist():
            of_day = np.flatnonzero(kind == day_type)
            window = _windows(hour[of_day], MIN_TIMED * (calls.stop - calls.start - 1))
            for start, end in window:
                inside = of_day[(hour[of_day] >= start) & (hour[of_day] < end)]
                for at, timed in _by_hop(hop[inside], who[inside], max(MIN_TIMED, min_riders)):
                    told = (start * HOUR_S, end * HOUR_S, *_middle(run_s[inside[timed]]), len(timed))
                    found.append((calls.start + at, day_type, *told))
    return _columns(np.array(found, dtype=float).reshape(-1, 7))


def _windows(hour: IntArray, enough: int) -> list[tuple[int, int]]:
    """First hour and hour after the last of windows with `enough` rows; what is left joins the last."""
    count = np.bincount(hour)
    found: list[tuple[int, int]] = []
    start, since = 0, 0
    for now in np.flatnonzero(count).tolist():
        start, since = now if since == 0 else start, since + int(count[now])
        if since >= enough:
            found.append((start, now + 1))
            since = 0
    return [*found[:-1], (found[-1][0], len(count))] if found else found


def _by_hop(hop: IntArray, who: IntArray, enough: int) -> Iterator[tuple[int, IntArray]]:
    """Each hop that `enough` people timed, and the rows of it."""
    order = np.argsort(hop, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(hop[order])) + 1):
        if len(np.unique(who[rows])) >= enough:
            yield int(hop[rows[0]]), rows


def _columns(rows: FloatArray) -> HopTimes:
    call, day_type, start_s, end_s, run_s, spread_s, n_vehicles = rows.T
    return HopTimes(
        call_index=call.astype(np.int64),
        day_type=day_type.astype(np.int64),
        start_s=start_s.astype(np.int64),
        end_s=end_s.astype(np.int64),
        run_s=run_s,
        spread_s=spread_s,
        n_vehicles=n_vehicles.astype(np.int64),
    )
