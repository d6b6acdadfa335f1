"""Fixes -> what their motion is like: jumps, speed, its changes, and the errors that every receiver makes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from transitmap import geo
from transitmap.model import Fixes, FloatArray
from transitmap.points.suspicion.marks import place_at

JUMP_M, JUMP_M_S = 1_000.0, 70.0
BESIDE_S, BESIDE_M = 120.0, 300.0
"""A jump counts where the ride went on for so long and so far on both sides: else a fix was merely wrong."""
TICK_S = 2.0
MIN_PUSHES = 12
FAST_S = 20.0
WINDOWS_S = (30.0, 15.0)
FEW_WINDOWS = 8
MOVING_M_S = 2.0
ON_LINE_M = 0.5
MAX_GAP_S = 60.0
NORMAL = 0.6745
"""Of a normal distribution half lies within so many standard deviations."""
SMOOTH_S, MIN_ROUGH = 2.0, 60
REACH_S, FAR_S, BETWEEN_M, MIN_BETWEEN = 3.0, 30.0, 0.3, 20


class Motion(NamedTuple):
    """Numbers of a movement; NaN where there was too little to tell.

    `jump_m` is the longest jump, 0 without any. `fast_m_s` is the third fastest twenty seconds, `push_m_s2`
    the acceleration that a quarter of all moments exceed. `evenness` is the spread of speed, in shares of its
    mean, over half minutes (quarters, of short rides) from the first movement to the last, `speed_m_s` that
    mean, `n_windows` how many those were. `on_line` is the share of moving fixes within half a metre of the
    pattern's line, `memory` the correlation of neighbouring errors across it by ranks, `spread_m` their size,
    `n_across` how many fixes those rest on. `rough_m` is the median distance across the line of a fix from
    the middle of its neighbours, where they are 2 s apart at most. `between` is the share of moving fixes
    that an even movement between those three seconds before and after would have put within 0.3 m.
    """

    jump_m: float
    fast_m_s: float
    push_m_s2: float
    evenness: float
    speed_m_s: float
    n_windows: int
    on_line: float
    memory: float
    n_across: int
    spread_m: float
    rough_m: float
    between: float


def motion_of(fixes: Fixes, along_m: FloatArray, off_m: FloatArray) -> Motion:
    """The numbers of ridden fixes; how far along their pattern's line and left of it they are, or nothing."""
    xy_m = geo.Plane.around(fixes.lat_deg, fixes.lon_deg).to_metres(fixes.lat_deg, fixes.lon_deg)
    evenness, speed_m_s, n_windows = _evenness(fixes.time_s, xy_m, along_m)
    on_line, memory, spread_m, n_across = _across(fixes.time_s, xy_m, off_m)
    return Motion(
        jump_m=_jump_m(fixes.time_s, xy_m),
        fast_m_s=_fast_m_s(fixes.time_s, xy_m),
        push_m_s2=_push_m_s2(fixes.time_s, xy_m),
        evenness=evenness,
        speed_m_s=speed_m_s,
        n_windows=n_windows,
        on_line=on_line,
        memory=memory,
        n_across=n_across,
        spread_m=spread_m,
        rough_m=_rough_m(fixes.time_s, xy_m, off_m),
        between=_between(fixes.time_s, xy_m),
    )


def _jump_m(time_s: FloatArray, xy_m: FloatArray) -> float:
    """The longest step that nothing on a street can make, between two parts that both moved."""
    step_m, step_s = geo.steps_m(xy_m), np.diff(time_s)
    jumps = np.flatnonzero((step_m >= JUMP_M) & (step_m > JUMP_M_S * step_s))
    bounds = [0, *(jumps + 1).tolist(), len(time_s)]
    longest_m = 0.0
    for k, jump in enumerate(jumps.tolist()):
        before, after = slice(bounds[k], jump + 1), slice(jump + 1, bounds[k + 2])
        if _moved(time_s[before], xy_m[before]) and _moved(time_s[after], xy_m[after]):
            longest_m = max(longest_m, float(step_m[jump]))
    return longest_m


def _moved(time_s: FloatArray, xy_m: FloatArray) -> bool:
    reach_m = np.subtract(*np.percentile(xy_m, (90, 10), axis=0))
    return bool(time_s[-1] - time_s[0] >= BESIDE_S and np.hypot(*reach_m) >= BESIDE_M)


def _fast_m_s(time_s: FloatArray, xy_m: FloatArray) -> float:
    """The speed of the third fastest twenty seconds."""
    speed = _speeds(time_s, xy_m, FAST_S)
    speed = np.sort(speed[np.isfinite(speed)])
    return float(speed[-3]) if len(speed) >= 3 else np.nan


def _speeds(time_s: FloatArray, xy_m: FloatArray, every_s: float) -> FloatArray:
    """Speed over the ground in equal pieces of time, without those that lie in a gap."""
    edge_s = np.arange(time_s[0], time_s[-1], every_s)
    speed = geo.steps_m(place_at(time_s, xy_m, edge_s)) / every_s
    after = np.minimum(np.searchsorted(time_s, edge_s[:-1], "right"), len(time_s) - 1)
    speed[(time_s[after] - time_s[np.maximum(after - 1, 0)]) > MAX_GAP_S] = np.nan
    return speed


def _push_m_s2(time_s: FloatArray, xy_m: FloatArray) -> float:
    """What a quarter of all accelerations exceed, over two seconds or the interval of the fixes."""
    if len(time_s) < MIN_PUSHES:
        return np.nan
    every_s = max(TICK_S, geo.median(np.diff(time_s)))
    change = np.abs(np.diff(_speeds(time_s, xy_m, every_s))) / every_s
    change = change[np.isfinite(change)]
    return float(np.percentile(change, 75)) if len(change) >= MIN_PUSHES else np.nan


def _evenness(time_s: FloatArray, xy_m: FloatArray, along_m: FloatArray) -> tuple[float, float, int]:
    """Spread of speed over its mean, the mean, how many windows; over the ground or along the line.

    The way over the ground is shorter round corners, that along the line jumps where a line meets itself:
    the evener of the two counts.
    """
    found = [_spread(time_s, xy_m)]
    known = np.isfinite(along_m)
    if 2 * np.count_nonzero(known) > len(time_s):
        flat_m = np.column_stack([along_m[known], np.zeros(int(known.sum()))])
        found.append(_spread(time_s[known], flat_m))
    return min(found, key=lambda one: one[0] if np.isfinite(one[0]) else np.inf)


def _spread(time_s: FloatArray, xy_m: FloatArray) -> tuple[float, float, int]:
    """The same for one way; short windows where else there are too few."""
    speed = np.zeros(0)
    for window_s in WINDOWS_S:
        speed = _speeds(time_s, xy_m, window_s)
        moving = np.flatnonzero(speed >= MOVING_M_S)
        speed = speed[moving[0] + 1 : moving[-1]] if len(moving) else speed[:0]
        speed = speed[np.isfinite(speed)]
        if len(speed) >= FEW_WINDOWS:
            break
    if len(speed) < 2 or speed.mean() <= 0:
        return np.nan, np.nan, len(speed)
    return float(speed.std() / speed.mean()), float(speed.mean()), len(speed)


def _across(time_s: FloatArray, xy_m: FloatArray, off_m: FloatArray) -> tuple[float, float, float, int]:
    """Share of moving fixes on the line, correlation of neighbours across it, spread, and how many those are.

    A receiver's error wanders over half a minute: neighbours a few seconds apart err alike.
    """
    if len(off_m) < 3:
        return np.nan, np.nan, np.nan, 0
    step_s = np.diff(time_s)
    moving = (geo.steps_m(xy_m) >= MOVING_M_S * step_s) & (step_s <= 6.0)
    pairs = np.flatnonzero(moving & np.isfinite(off_m[:-1]) & np.isfinite(off_m[1:]))
    pairs = pairs[(np.abs(off_m[pairs]) < 30.0) & (np.abs(off_m[pairs + 1]) < 30.0)]
    if len(pairs) < 20:
        return np.nan, np.nan, np.nan, len(pairs)
    here, there = off_m[pairs], off_m[pairs + 1]
    spread_m = geo.median(np.abs(here - geo.median(here))) / NORMAL
    return float(np.mean(np.abs(here) < ON_LINE_M)), _alike(here, there), spread_m, len(pairs)


def _alike(here: FloatArray, there: FloatArray) -> float:
    """The correlation of two columns by their ranks, as it is of normal ones: no spike counts for much.

    Source: Pearson 1907, On further methods of determining correlation.
    """
    from scipy.stats import rankdata

    ranks = [rankdata(column) - (len(column) + 1) / 2 for column in (here, there)]
    spread = float(np.sqrt((ranks[0] ** 2).sum() * (ranks[1] ** 2).sum()))
    return 2.0 * float(np.sin(np.pi / 6 * (ranks[0] @ ranks[1]) / spread)) if spread else np.nan


def _rough_m(time_s: FloatArray, xy_m: FloatArray, off_m: FloatArray) -> float:
    """How far fixes lie across the line from the middle of their neighbours, the median; NaN of too few."""
    if len(off_m) < 3:
        return np.nan
    step_s = np.diff(time_s)
    moving = (geo.steps_m(xy_m) >= MOVING_M_S * step_s) & (step_s <= SMOOTH_S)
    bend_m = np.abs(off_m[1:-1] - (off_m[:-2] + off_m[2:]) / 2)[moving[:-1] & moving[1:]]
    bend_m = bend_m[np.isfinite(bend_m)]
    return geo.median(bend_m) if len(bend_m) >= MIN_ROUGH else np.nan


def _between(time_s: FloatArray, xy_m: FloatArray) -> float:
    """The share of moving fixes that tell nothing which others nearby did not; NaN of too few."""
    before = np.searchsorted(time_s, time_s - REACH_S, "right") - 1
    after = np.searchsorted(time_s, time_s + REACH_S)
    row = np.flatnonzero((before >= 0) & (after < len(time_s)))
    before, after = before[row], after[row]
    span_s, way_m = time_s[after] - time_s[before], xy_m[after] - xy_m[before]
    is_moving = (np.hypot(*way_m.T) >= MOVING_M_S * span_s) & (span_s <= FAR_S)
    share = (time_s[row] - time_s[before]) / span_s
    off_m = np.hypot(*(xy_m[row] - xy_m[before] - share[:, None] * way_m).T)[is_moving]
    return float(np.mean(off_m < BETWEEN_M)) if len(off_m) >= MIN_BETWEEN else np.nan
