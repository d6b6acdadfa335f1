"""Sightings, calls -> running times: how long vehicles take from call to call."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from transitmap.config import TimesConfig
from transitmap.geo import first_reached
from transitmap.model import FloatArray, IntArray, Sightings

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
        there = np.flatnonzero(sightings.path_index == path)
        at_call_s = at_calls_s(sightings, there, call_along_m[calls])
        hop_s, hop_spread_s = _hops(at_call_s, np.diff(call_along_m[calls]), config)
        run_s[calls] = np.concatenate([[0.0], np.cumsum(hop_s)])
        spread_s[calls] = np.concatenate([[0.0], np.sqrt(np.cumsum(hop_spread_s**2))])
    return RunningTimes(run_s, spread_s)


def at_calls_s(sightings: Sightings, rows: IntArray, along_m: FloatArray) -> FloatArray:
    """When the vehicles of some rows passed each call of their path, (rows, calls)."""
    passed = [passed_s(sightings, row, along_m) for row in rows.tolist()]
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
                hop_s[k], spread_s[k] = middle(timed_s)
    known = np.isfinite(hop_s)
    pace_m_s = hop_m[known].sum() / hop_s[known].sum() if known.any() else config.unknown_speed_m_s
    hop_s = np.where(known, hop_s, hop_m / max(pace_m_s, 0.5))
    return np.maximum(hop_s, np.maximum(1.0, hop_m / config.max_speed_m_s)), spread_s


def middle(timed_s: FloatArray) -> tuple[float, float]:
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
