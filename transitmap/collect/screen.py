"""Stage 3. A ride as its file tells it -> the fixes that can be true, in time order, the others counted."""

from __future__ import annotations

import datetime
from dataclasses import replace

import numpy as np

from transitmap.config import CollectConfig
from transitmap.errors import UploadRefused
from transitmap.model import Fixes, FloatArray, IntArray, Ride

YEAR_S = 365.25 * 86_400.0
GPS_EPOCH_S = 315_964_800.0  # 1980-01-06: no satellite gave a time before
GPS_ROLLOVER_S = 1024 * 7 * 86_400.0  # old receivers lose count of 1024 weeks
MAX_SHARE_BACKWARDS = 0.05
NULL_ISLAND_DEG = 1e-5

_REFUSALS = {
    "no_time": ("no_timestamps", "no point has a time; record the trip with times"),
    "bad_time": ("no_timestamps", "no point has a time that can be read"),
    "too_old": ("too_old", "all points are older than {past:g} years"),
    "future_date": ("future_date", "all points are more than {ahead:g} hours in the future"),
}


def screen(ride: Ride, config: CollectConfig, now_s: float) -> Ride:
    """The ride with the fixes that can be true, sorted by time; each other one is counted in `dropped`.

    Dropped are positions that are not finite, out of range or exactly at 0, 0; fixes without a time, of the
    future or too old; and all but the first of one time. A phone that stands still is kept as it is. Warnings
    tell of times that step back (`time_jump`) and of a clock less than a day ahead (`future_time`).

    Raises:
        UploadRefused: `no_timestamps`, `too_old`, `implausible_date`, `future_date`, `swapped_coordinates`,
            `unsorted_time` (more than 5 % of the steps go back), `too_short`, or the one reason all share.
    """
    fixes = ride.fixes
    reason = _reasons(fixes, config, now_s)
    rows = np.flatnonzero(reason == "")
    dropped = _add(ride.dropped, reason)
    if len(rows) < config.min_fixes:
        raise _refusal(fixes, dropped, len(rows), config, now_s)
    backwards = np.count_nonzero(np.diff(fixes.time_s[rows]) < 0)
    if backwards > max(1.0, MAX_SHARE_BACKWARDS * (len(rows) - 1)):
        detail = f"time goes back at {backwards} of {len(rows) - 1} steps; export the trace in time order"
        raise UploadRefused("unsorted_time", detail)
    rows = rows[np.argsort(fixes.time_s[rows], kind="stable")]
    first = np.concatenate([[True], np.diff(fixes.time_s[rows]) > 0])
    dropped = _add(dropped, np.where(first, "", "duplicate_time"))
    rows = rows[first]
    if len(rows) < config.min_fixes:
        raise _refusal(fixes, dropped, len(rows), config, now_s)
    ahead = fixes.time_s[rows[-1]] > now_s
    warnings = {*ride.warnings, *(["time_jump"] if backwards else []), *(["future_time"] if ahead else [])}
    return replace(ride, fixes=_pick(fixes, rows), dropped=dropped, warnings=tuple(sorted(warnings)))


def _reasons(fixes: Fixes, config: CollectConfig, now_s: float) -> np.ndarray[tuple[int], np.dtype[np.str_]]:
    """Why each fix is dropped, empty where it is not; the first reason that applies."""
    oldest_s = now_s - config.max_past_years * YEAR_S if config.max_past_years else GPS_EPOCH_S
    lat_deg, lon_deg, time_s = fixes.lat_deg, fixes.lon_deg, fixes.time_s
    checks = {
        "not_finite": ~(np.isfinite(lat_deg) & np.isfinite(lon_deg)),
        "out_of_range": (np.abs(lat_deg) > 90) | (np.abs(lon_deg) > 180),
        "null_island": (np.abs(lat_deg) < NULL_ISLAND_DEG) & (np.abs(lon_deg) < NULL_ISLAND_DEG),
        "no_time": ~np.isfinite(time_s),
        "future_date": time_s > now_s + config.max_future_s,
        "too_old": time_s < oldest_s,
    }
    return np.select(list(checks.values()), list(checks), "")


def _add(dropped: dict[str, int], reason: np.ndarray[tuple[int], np.dtype[np.str_]]) -> dict[str, int]:
    """The counts with those of `reason` added."""
    names, counts = np.unique(reason[reason != ""], return_counts=True)
    total = dict(dropped)
    for name, count in zip(names.tolist(), counts.tolist(), strict=True):
        total[name] = total.get(name, 0) + count
    return total


def _refusal(
    fixes: Fixes, dropped: dict[str, int], n_kept: int, config: CollectConfig, now_s: float
) -> UploadRefused:
    """Why too little is left: the reason of most of the dropped where nothing is, `too_short` otherwise."""
    counts = ", ".join(f"{name} {count}" for name, count in sorted(dropped.items()))
    tally = f"{n_kept} usable points, need {config.min_fixes}" + (f" (dropped: {counts})" if counts else "")
    if n_kept or not dropped:
        return UploadRefused("too_short", tally)
    main = max(sorted(dropped), key=lambda name: dropped[name])
    if main == "out_of_range" and _is_swapped(fixes):
        return UploadRefused("swapped_coordinates", f"looks like longitude before latitude; {tally}")
    if main == "too_old" and (date := _rolled_over(fixes.time_s, config, now_s)):
        return UploadRefused("implausible_date", f"device date off by 1024 weeks? It may be {date}; {tally}")
    code, words = _REFUSALS.get(main, (main, "no point can be used"))
    words = words.format(past=config.max_past_years, ahead=config.max_future_s / 3600)
    return UploadRefused(code, f"{words}; {tally}")


def _is_swapped(fixes: Fixes) -> bool:
    """Whether every position out of range is in range with its axes exchanged."""
    finite = np.isfinite(fixes.lat_deg) & np.isfinite(fixes.lon_deg)
    lat_deg, lon_deg = fixes.lon_deg[finite], fixes.lat_deg[finite]
    return bool(np.all((np.abs(lat_deg) <= 90) & (np.abs(lon_deg) <= 180)))


def _rolled_over(time_s: FloatArray, config: CollectConfig, now_s: float) -> str:
    """The ISO date 1024 weeks after the first fix, empty where that is no date an upload may have."""
    moved_s = float(np.nanmin(time_s)) + GPS_ROLLOVER_S
    if not now_s - config.max_past_years * YEAR_S <= moved_s <= now_s + config.max_future_s:
        return ""
    return datetime.datetime.fromtimestamp(moved_s, datetime.UTC).date().isoformat()


def _pick(fixes: Fixes, rows: IntArray) -> Fixes:
    """The given rows; accuracies that are none become NaN."""
    accuracy_m = fixes.accuracy_m[rows]
    accuracy_m = np.where(np.isfinite(accuracy_m) & (accuracy_m > 0), accuracy_m, np.nan)
    return Fixes(fixes.time_s[rows], fixes.lat_deg[rows], fixes.lon_deg[rows], accuracy_m)
