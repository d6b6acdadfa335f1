"""Stage 3. A ride as its file tells it -> the fixes that can be true, in the order of its clock."""

from __future__ import annotations

import datetime
import itertools
from dataclasses import replace

import numpy as np

from transitmap.config import CollectConfig
from transitmap.errors import UploadRefused
from transitmap.model import BoolArray, Fixes, FloatArray, IntArray, Ride

YEAR_S = 365.25 * 86_400.0
GPS_EPOCH_S = 315_964_800.0  # 1980-01-06: no satellite gave a time before
GPS_ROLLOVER_S = 1024 * 7 * 86_400.0  # old receivers lose count of 1024 weeks
MAX_SHARE_BACKWARDS = 0.05
MAX_LATE_FIXES = 3
"""So many fixes in a row that come late are put in their place; more of them tell of a clock set back."""
NULL_ISLAND_DEG = 1e-5

_REFUSALS = {
    "no_time": ("no_timestamps", "no point has a time; record the trip with times"),
    "bad_time": ("no_timestamps", "no point has a time that can be read"),
    "too_old": ("too_old", "all points are older than {past:g} years"),
    "future_date": ("future_date", "all points are more than {ahead:g} hours in the future"),
}


def screen(ride: Ride, config: CollectConfig, now_s: float) -> Ride:
    """The ride with the fixes that can be true, in time order; each other one is counted in `dropped`.

    Dropped are positions that are not finite, out of range or exactly at 0, 0; fixes without a time, of the
    future or too old; and all but the first of one time. Where the clock was set back the times start anew:
    each part between is in time order, none is mixed with another, and `split` makes rides of them. Warnings
    tell of times that step back (`time_jump`) and of a clock less than a day ahead (`future_time`); flagged
    are fixes kept at a time that another place was told for (`duplicate_time`) and fixes ahead of the clock.

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
    if _is_swapped(fixes.take(rows), config):
        raise UploadRefused("swapped_coordinates", "only with its axes exchanged would it lie in the area")
    backwards = np.count_nonzero(np.diff(fixes.time_s[rows]) < 0)
    if backwards > max(1.0, MAX_SHARE_BACKWARDS * (len(rows) - 1)):
        detail = f"time goes back at {backwards} of {len(rows) - 1} steps; export the trace in time order"
        raise UploadRefused("unsorted_time", detail)
    rows, is_first, n_rivals = _in_order(fixes, rows)
    dropped = _add(dropped, np.where(is_first, "", "duplicate_time"))
    rows = rows[is_first]
    if len(rows) < config.min_fixes:
        raise _refusal(fixes, dropped, len(rows), config, now_s)
    n_ahead = int(np.count_nonzero(fixes.time_s[rows] > now_s))
    warnings = {*ride.warnings, *(["time_jump"] if backwards else []), *(["future_time"] if n_ahead else [])}
    flagged = _count(ride.flagged, {"duplicate_time": n_rivals, "future_time": n_ahead})
    kept = _pick(fixes, rows)
    return replace(ride, fixes=kept, dropped=dropped, warnings=tuple(sorted(warnings)), flagged=flagged)


def _in_order(fixes: Fixes, rows: IntArray) -> tuple[IntArray, BoolArray, int]:
    """The rows by time in each part between clocks set back, whether each is the first of its time there,
    and how many of those have a rival at another place."""
    part = np.searchsorted(_set_back(fixes.time_s[rows]), np.arange(len(rows)), side="right")
    order = np.lexsort((fixes.time_s[rows], part))
    rows, part = rows[order], part[order]
    time_s, lat_deg, lon_deg = fixes.time_s[rows], fixes.lat_deg[rows], fixes.lon_deg[rows]
    is_first = np.concatenate([[True], (np.diff(time_s) > 0) | (np.diff(part) > 0)])
    own = np.flatnonzero(is_first)[np.cumsum(is_first) - 1]  # the first of its time
    rivals = (lat_deg != lat_deg[own]) | (lon_deg != lon_deg[own])
    return rows, is_first, len(np.unique(own[rivals]))


def _set_back(time_s: FloatArray) -> IntArray:
    """Where the clock was set back: from there on more than MAX_LATE_FIXES are behind what came before."""
    bounds = [0, *(np.flatnonzero(np.diff(time_s) < 0) + 1).tolist(), len(time_s)]
    cuts: list[int] = []
    latest_s = behind_latest_s = -np.inf
    behind_first = n_behind = 0
    for first, last in itertools.pairwise(bounds):  # times rise from first to last
        n_late = int(np.searchsorted(time_s[first:last], latest_s))
        if n_late and not n_behind:
            behind_first, behind_latest_s = first, -np.inf
        n_behind += n_late
        behind_latest_s = max(behind_latest_s, time_s[last - 1])
        if n_behind > MAX_LATE_FIXES:
            cuts.append(behind_first)
            latest_s, n_behind = behind_latest_s, 0
            continue
        latest_s = max(latest_s, time_s[last - 1])
        n_behind = n_behind if n_late == last - first else 0
    return np.array(cuts, dtype=np.int64)


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
    return _count(dropped, dict(zip(names.tolist(), counts.tolist(), strict=True)))


def _count(counts: dict[str, int], more: dict[str, int]) -> dict[str, int]:
    """Both counts added up, without what is none."""
    total = {name: counts.get(name, 0) + int(more.get(name, 0)) for name in [*counts, *more]}
    return {name: n for name, n in total.items() if n}


def _refusal(
    fixes: Fixes, dropped: dict[str, int], n_kept: int, config: CollectConfig, now_s: float
) -> UploadRefused:
    """Why too little is left: the reason of most of the dropped where nothing is, `too_short` otherwise."""
    counts = ", ".join(f"{name} {count}" for name, count in sorted(dropped.items()))
    tally = f"{n_kept} usable points, need {config.min_fixes}" + (f" (dropped: {counts})" if counts else "")
    if n_kept or not dropped:
        return UploadRefused("too_short", tally)
    main = max(sorted(dropped), key=lambda name: dropped[name])
    if main == "out_of_range" and _is_swapped(fixes, config):
        return UploadRefused("swapped_coordinates", f"looks like longitude before latitude; {tally}")
    if main == "too_old" and (date := _rolled_over(fixes.time_s, config, now_s)):
        return UploadRefused("implausible_date", f"device date off by 1024 weeks? It may be {date}; {tally}")
    code, words = _REFUSALS.get(main, (main, "no point can be used"))
    words = words.format(past=config.max_past_years, ahead=config.max_future_s / 3600)
    return UploadRefused(code, f"{words}; {tally}")


def _is_swapped(fixes: Fixes, config: CollectConfig) -> bool:
    """Whether no position lies in the operator's area (the earth, where it is not set), but each would with
    its axes exchanged."""
    finite = np.isfinite(fixes.lat_deg) & np.isfinite(fixes.lon_deg)
    lat_deg, lon_deg = fixes.lat_deg[finite], fixes.lon_deg[finite]
    is_in, would_be = _is_in_area(lat_deg, lon_deg, config), _is_in_area(lon_deg, lat_deg, config)
    return bool(would_be.all() and not is_in.any())


def _is_in_area(lat_deg: FloatArray, lon_deg: FloatArray, config: CollectConfig) -> BoolArray:
    south, west, north, east = map(float, (config.area or "-90,-180,90,180").split(","))
    return np.asarray((lat_deg >= south) & (lat_deg <= north) & (lon_deg >= west) & (lon_deg <= east))


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
