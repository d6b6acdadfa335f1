"""Stage 2. Rides, Legs -> Lines: vehicle legs as lines of directed places that can be compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from transitmap import geo
from transitmap.config import LinesConfig
from transitmap.model import BUS, OTHER, RAIL, BoolArray, FloatArray, IntArray, Legs, Lines, Ride

N_SECTORS = 8
JUMP_M = 300.0
STANDSTILL_M = 15.0
GAIN_M_S2 = 2.0
"""What has stood is at most this much quicker each second: half of it, times the square of the time, is how
far it gets."""
PASSES = 3
LEAP_M, LEAP_RATIO, LEAP_M_S = 100.0, 3.0, 15.0
"""What gets that far so many times as quick as on average, and that quick at least, did not drive there."""
ELSEWHERE_S = 120.0


class _Tracks(NamedTuple):
    """Fixes of several legs, ragged: those of leg `leg_index[k]` are rows `start[k]:start[k + 1]`."""

    leg_index: IntArray
    start: IntArray
    time_s: FloatArray
    xy_m: FloatArray


def draw_lines(
    rides: Sequence[Ride], legs: Legs, is_left_out: BoolArray, plane: geo.Plane, config: LinesConfig
) -> Lines:
    """A line for each vehicle leg that moved, told as no car by its rider, frozen fixes and spikes taken out.

    Standing legs and rides left out give none. Gaps are bridged by a straight line whose inner points are not
    `is_seen`: nobody knows the way there.
    """
    is_vehicle = np.isin(legs.mode, (BUS, RAIL, OTHER)) & ~is_left_out[legs.ride_index]
    tracks = _collect(rides, legs, np.flatnonzero(is_vehicle), plane)
    tracks = _keep(tracks, ~is_frozen(tracks.start, tracks.time_s, tracks.xy_m))
    tracks = _keep(tracks, ~is_elsewhere(tracks.start, tracks.time_s, tracks.xy_m, config.max_speed_m_s))
    tracks = _keep(tracks, without_spikes(tracks.start, tracks.time_s, tracks.xy_m, config.max_speed_m_s))
    tracks = _keep(tracks, _longest_runs(tracks, config.max_speed_m_s))
    knots = _keep(tracks, thin(tracks.start, tracks.xy_m, config.thin_m))
    moved = np.diff(knots.start) >= 3
    return _resample(_choose(tracks, moved), _choose(knots, moved), legs, config)


def _collect(rides: Sequence[Ride], legs: Legs, leg_index: IntArray, plane: geo.Plane) -> _Tracks:
    """The fixes of the chosen legs on the plane."""
    parts = [
        (rides[ride].fixes, slice(first, last))
        for ride, first, last in zip(
            legs.ride_index[leg_index], legs.first[leg_index], legs.last[leg_index], strict=True
        )
    ]
    nothing = np.zeros(0)
    lat_deg = np.concatenate([fixes.lat_deg[part] for fixes, part in parts] or [nothing])
    lon_deg = np.concatenate([fixes.lon_deg[part] for fixes, part in parts] or [nothing])
    time_s = np.concatenate([fixes.time_s[part] for fixes, part in parts] or [nothing])
    n_fixes = (legs.last - legs.first)[leg_index]
    return _Tracks(leg_index, _starts(n_fixes), time_s, plane.to_metres(lat_deg, lon_deg))


def _starts(n: IntArray) -> IntArray:
    """Offsets of things of these sizes."""
    return np.concatenate([[0], np.cumsum(n)]).astype(np.int64)


def _owners(start: IntArray) -> IntArray:
    """Which thing each row belongs to."""
    return np.repeat(np.arange(len(start) - 1), np.diff(start))


def _keep(tracks: _Tracks, kept: BoolArray) -> _Tracks:
    """The tracks with some of their fixes."""
    n = np.concatenate([[0], np.cumsum(kept)])[tracks.start]
    return _Tracks(tracks.leg_index, n.astype(np.int64), tracks.time_s[kept], tracks.xy_m[kept])


def _choose(tracks: _Tracks, chosen: BoolArray) -> _Tracks:
    """Some of the tracks."""
    fixes = np.repeat(chosen, np.diff(tracks.start))
    start = _starts(np.diff(tracks.start)[chosen])
    return _Tracks(tracks.leg_index[chosen], start, tracks.time_s[fixes], tracks.xy_m[fixes])


# --- cleaning ------------------------------------------------------------------------------------


def is_frozen(start: IntArray, time_s: FloatArray, xy_m: FloatArray) -> BoolArray:
    """Which fixes repeat the position before them though the vehicle ran on: the next other position is
    farther off than anything gets that stood. `start` are the offsets of the tracks."""
    n = len(time_s)
    owner = _owners(start)
    same = np.zeros(n, dtype=bool)
    if not n:
        return same
    same[1:] = (np.abs(np.diff(xy_m, axis=0)) < 1e-3).all(axis=1) & (np.diff(owner) == 0)
    moves = np.flatnonzero(~same)
    run = np.cumsum(~same) - 1
    last = np.append(moves[1:], n) - 1
    after = np.minimum(last + 1, n - 1)
    gone_m = np.hypot(*(xy_m[after] - xy_m[last]).T)
    took_s = time_s[after] - time_s[last]
    ran_on = (owner[after] == owner[last]) & (gone_m > STANDSTILL_M + GAIN_M_S2 / 2 * took_s**2)
    return np.asarray(same & ran_on[run])


def without_spikes(start: IntArray, time_s: FloatArray, xy_m: FloatArray, max_speed_m_s: float) -> BoolArray:
    """Which fixes to keep: drops those that jump away from both neighbours and back, in a few passes.

    `start` are the offsets of the tracks; a pass looks again at those only in which the last found any.
    """
    kept = np.ones(len(time_s), dtype=bool)
    again = np.ones(len(start) - 1, dtype=bool)
    owner = _owners(start)
    for _ in range(PASSES):
        again &= np.bincount(owner[kept], minlength=len(again)) >= 5
        rows = np.flatnonzero(kept & again[owner])
        if not len(rows):
            break
        bad = rows[_is_spike(owner[rows], time_s[rows], xy_m[rows], max_speed_m_s)]
        kept[bad] = False
        again[:] = False
        again[owner[bad]] = True
    return kept


def _is_spike(owner: IntArray, time_s: FloatArray, xy_m: FloatArray, max_speed_m_s: float) -> BoolArray:
    """Fixes whose detour over their neighbours is long, or impossibly fast, and off the running median."""
    step_m = np.where(np.diff(owner) == 0, geo.steps_m(xy_m), 0.0)
    speed_m_s = step_m / np.maximum(np.diff(time_s), 0.5)
    way_m = np.append(step_m, 0.0) + np.append(0.0, step_m)
    fast = np.maximum(np.append(speed_m_s, 0.0), np.append(0.0, speed_m_s)) > max_speed_m_s
    doubtful = np.flatnonzero((way_m > 80) | fast)
    first, last = (
        np.searchsorted(owner, owner[doubtful]),
        np.searchsorted(owner, owner[doubtful], "right") - 1,
    )
    near_m = xy_m[[np.clip(doubtful + k, first, last) for k in range(-2, 3)]]
    way_m, straight_m = way_m[doubtful], np.hypot(*(near_m[3] - near_m[1]).T)
    off_m = np.hypot(*(near_m[2] - np.median(near_m, axis=0)).T)
    detour = (way_m - straight_m > 80) & (way_m > 2.5 * straight_m)
    bad = np.zeros(len(owner), dtype=bool)
    bad[doubtful] = (detour & (off_m > 30)) | (fast[doubtful] & (off_m > 40))
    return bad


def is_elsewhere(start: IntArray, time_s: FloatArray, xy_m: FloatArray, max_speed_m_s: float) -> BoolArray:
    """Which fixes lie between a leap away and one back within two minutes: between high walls, or placed by a
    mast, a phone is out by hundreds of metres for a while. `start` are the offsets of the tracks."""
    owner = _owners(start)
    step_m, step_s = geo.steps_m(xy_m), np.maximum(np.diff(time_s), 0.5)
    same = np.diff(owner) == 0
    limit_m_s = _leap_speeds(owner, np.where(same, step_m, 0.0), np.where(same, step_s, 0.0), max_speed_m_s)
    is_leap = same & (step_m > LEAP_M) & (step_m > limit_m_s[owner[1:]] * step_s)
    leap = np.flatnonzero(is_leap)
    away, back = leap[:-1], leap[1:]
    out_m, home_m = xy_m[away + 1] - xy_m[away], xy_m[back + 1] - xy_m[back]
    gone_s, apart_m = time_s[back + 1] - time_s[away], np.hypot(*(xy_m[back + 1] - xy_m[away]).T)
    returns = (owner[away] == owner[back]) & (gone_s <= ELSEWHERE_S)
    returns &= (out_m * home_m).sum(axis=1) < -0.5 * step_m[away] * step_m[back]
    returns &= apart_m <= limit_m_s[owner[away]] * gone_s
    returns &= ~(np.append(False, is_leap)[away] | np.append(is_leap, False)[back + 1])  # a fast road
    # Leaps in a row lead away, back, away, back: every second pair of them is the way between two errors.
    row = np.arange(len(returns))
    returns &= (row - np.maximum.accumulate(np.where(returns, 0, row + 1))) % 2 == 0
    depth = np.zeros(len(owner) + 1, dtype=np.int64)
    depth[away[returns] + 1] += 1
    depth[back[returns] + 1] -= 1
    return np.asarray(np.cumsum(depth)[:-1] > 0)


def _leap_speeds(owner: IntArray, step_m: FloatArray, step_s: FloatArray, max_speed_m_s: float) -> FloatArray:
    """The speed of each track above which a long step is a leap."""
    way_m = np.bincount(owner[1:], np.minimum(step_m, LEAP_M), owner.max(initial=-1) + 1)
    lasted_s = np.bincount(owner[1:], step_s, len(way_m))
    return np.clip(LEAP_RATIO * way_m / np.maximum(lasted_s, 1.0), LEAP_M_S, max_speed_m_s)


def _longest_runs(tracks: _Tracks, max_speed_m_s: float) -> BoolArray:
    """The fixes of the longest stretch of each track without an impossible jump: a phone may wake up where it
    was last switched off."""
    owner = _owners(tracks.start)
    step_m, step_s = geo.steps_m(tracks.xy_m), np.diff(tracks.time_s)
    jump = (step_m > JUMP_M) & (step_m > max_speed_m_s * np.maximum(step_s, 0.5))
    run = np.concatenate([[0], np.cumsum(jump | (np.diff(owner) != 0))])[: len(owner)]
    first = np.unique(run, return_index=True)[1]
    n_fixes = np.bincount(run)
    order = np.lexsort((first, -n_fixes[: len(first)], owner[first]))
    best = order[np.diff(owner[first][order], prepend=-1) > 0]
    return np.isin(run, best)


def thin(start: IntArray, xy_m: FloatArray, thin_m: float) -> BoolArray:
    """Which fixes lie at least `thin_m` from the one kept before, so that standing jitter adds no road.

    Walks through all tracks at once, a fix of each at a time, the longest first: the shorter fall away.
    """
    kept = np.zeros(len(xy_m), dtype=bool)
    order = np.argsort(-np.diff(start), kind="stable")
    first, n_fixes = start[:-1][order], np.diff(start)[order]
    there = first[n_fixes > 0]
    kept[there] = True
    x_m, y_m = np.ascontiguousarray(xy_m[:, 0]), np.ascontiguousarray(xy_m[:, 1])
    at_x_m, at_y_m = x_m[there], y_m[there]
    n_active = np.searchsorted(-n_fixes, -np.arange(1, n_fixes.max(initial=0)), "left")
    for k, n in enumerate(n_active.tolist(), 1):
        row = first[:n] + k
        dx_m, dy_m = x_m[row] - at_x_m[:n], y_m[row] - at_y_m[:n]
        far = np.flatnonzero(dx_m * dx_m + dy_m * dy_m >= thin_m * thin_m)
        at_x_m[far], at_y_m[far] = x_m[row[far]], y_m[row[far]]
        kept[row[far]] = True
    return kept


# --- lines ---------------------------------------------------------------------------------------


def _resample(tracks: _Tracks, knots: _Tracks, legs: Legs, config: LinesConfig) -> Lines:
    """A point every `config.step_m` or so along each track's knots, its ends included."""
    owner = _owners(knots.start)
    along_m = geo.along_m(knots.xy_m) if len(owner) else np.zeros(0)
    along_m = along_m + owner  # keeps the end of one apart from the start of the next
    first_m, last_m = along_m[knots.start[:-1]], along_m[knots.start[1:] - 1]
    n_points = np.maximum(2, np.round((last_m - first_m) / config.step_m).astype(np.int64) + 1)
    start = _starts(n_points)
    line = _owners(start)
    share = (np.arange(len(line)) - start[line]) / (n_points - 1)[line]
    where_m = first_m[line] + share * (last_m - first_m)[line]
    right = np.clip(np.searchsorted(along_m, where_m), knots.start[line] + 1, knots.start[line + 1] - 1)
    gap_m = along_m[right] - along_m[right - 1]
    near_m = np.minimum(where_m - along_m[right - 1], along_m[right] - where_m)
    xy_m = geo.at(knots.xy_m, along_m, where_m) if len(owner) else np.zeros((0, 2))
    heading = _headings(xy_m, start, line)
    return Lines(
        leg_index=tracks.leg_index,
        ride_index=legs.ride_index[tracks.leg_index],
        point_start=start,
        xy_m=xy_m,
        heading=heading,
        time_s=np.interp(where_m, along_m, knots.time_s) if len(owner) else where_m,
        is_seen=(np.abs(near_m) <= config.seen_m) | (gap_m <= config.dense_m),
        gap_m=gap_m,
        place=_places(xy_m, heading, config),
        fix_start=tracks.start,
        fix_s=tracks.time_s,
        fix_m=tracks.xy_m,
    )


def _headings(xy_m: FloatArray, start: IntArray, line: IntArray, half_window: int = 2) -> FloatArray:
    """Unit vectors along each line, over `half_window` points to either side."""
    row = np.arange(len(line))
    ahead = np.minimum(row + half_window, start[line + 1] - 1)
    behind = np.maximum(row - half_window, start[line])
    delta_m = xy_m[ahead] - xy_m[behind]
    return np.asarray(delta_m / np.maximum(np.hypot(delta_m[:, 0], delta_m[:, 1]), 1e-9)[:, None])


def _places(xy_m: FloatArray, heading: FloatArray, config: LinesConfig) -> IntArray:
    """One number for each square of the plane and eighth of the compass that a point lies in."""
    if not len(xy_m):
        return np.zeros(0, dtype=np.int64)
    square = np.floor(xy_m / config.place_m).astype(np.int64)
    square -= square.min(axis=0)
    turn = np.arctan2(heading[:, 0], heading[:, 1]) / (2 * np.pi) * N_SECTORS
    key = (square[:, 0] * (square[:, 1].max() + 1) + square[:, 1]) * N_SECTORS + np.floor(turn) % N_SECTORS
    return np.unique(key.astype(np.int64), return_inverse=True)[1].reshape(-1)
