"""Stage 2. Rides, Legs -> Lines: vehicle legs as lines of directed places that can be compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from transitmap import geo
from transitmap.config import LinesConfig
from transitmap.model import BUS, CAR, OTHER, RAIL, BoolArray, FloatArray, IntArray, Legs, Lines, Ride

N_SECTORS = 8
JUMP_M = 300.0


class _Line(NamedTuple):
    """One leg on the plane."""

    leg_index: int
    xy_m: FloatArray
    heading: FloatArray
    time_s: FloatArray
    is_seen: BoolArray
    gap_m: FloatArray
    fix_s: FloatArray
    fix_m: FloatArray


def draw_lines(
    rides: Sequence[Ride], legs: Legs, is_left_out: BoolArray, plane: geo.Plane, config: LinesConfig
) -> Lines:
    """A line for each vehicle leg that moved, spikes taken out; standing legs and rides left out give none.

    Gaps are bridged by a straight line whose inner points are not `is_seen`: nobody knows the way there.
    """
    drawn = []
    is_vehicle = np.isin(legs.mode, (BUS, CAR, RAIL, OTHER)) & ~is_left_out[legs.ride_index]
    for leg_index in np.flatnonzero(is_vehicle):
        line = _draw(rides, legs, int(leg_index), plane, config)
        if line is not None:
            drawn.append(line)
    if not drawn:
        return _empty()
    xy_m = np.concatenate([line.xy_m for line in drawn])
    heading = np.concatenate([line.heading for line in drawn])
    leg_of = np.array([line.leg_index for line in drawn])
    return Lines(
        leg_index=leg_of,
        ride_index=legs.ride_index[leg_of],
        point_start=np.concatenate([[0], np.cumsum([len(line.xy_m) for line in drawn])]),
        xy_m=xy_m,
        heading=heading,
        time_s=np.concatenate([line.time_s for line in drawn]),
        is_seen=np.concatenate([line.is_seen for line in drawn]),
        gap_m=np.concatenate([line.gap_m for line in drawn]),
        place=_places(xy_m, heading, config),
        fix_start=np.concatenate([[0], np.cumsum([len(line.fix_s) for line in drawn])]),
        fix_s=np.concatenate([line.fix_s for line in drawn]),
        fix_m=np.concatenate([line.fix_m for line in drawn]),
    )


def _empty() -> Lines:
    none, pairs = np.zeros(0, dtype=np.int64), np.zeros((0, 2))
    start = np.zeros(1, dtype=np.int64)
    nothing = np.zeros(0)
    flags = np.zeros(0, dtype=bool)
    return Lines(none, none, start, pairs, pairs, nothing, flags, nothing, none, start, nothing, pairs)


def _draw(
    rides: Sequence[Ride], legs: Legs, leg_index: int, plane: geo.Plane, config: LinesConfig
) -> _Line | None:
    """One leg, thinned so that standing jitter adds no road, and resampled; None if it stays in one place."""
    fixes = rides[legs.ride_index[leg_index]].fixes
    piece = slice(legs.first[leg_index], legs.last[leg_index])
    xy_m, time_s = plane.to_metres(fixes.lat_deg[piece], fixes.lon_deg[piece]), fixes.time_s[piece]
    kept = without_spikes(time_s, xy_m, config.max_speed_m_s)
    whole = _longest_run(time_s[kept], xy_m[kept], config.max_speed_m_s)
    xy_m, time_s = xy_m[kept][whole], time_s[kept][whole]
    thin = _thin(xy_m, config.thin_m)
    if len(thin) < 3:
        return None
    knot_m = geo.along_m(xy_m[thin])
    where_m = np.linspace(0.0, knot_m[-1], max(2, int(round(knot_m[-1] / config.step_m)) + 1))
    line_m = geo.at(xy_m[thin], knot_m, where_m)
    right = np.clip(np.searchsorted(knot_m, where_m), 1, len(knot_m) - 1)
    gap_m = knot_m[right] - knot_m[right - 1]
    near_m = np.minimum(where_m - knot_m[right - 1], knot_m[right] - where_m)
    is_seen = (np.abs(near_m) <= config.seen_m) | (gap_m <= config.dense_m)
    line_s = np.interp(where_m, knot_m, time_s[thin])
    return _Line(leg_index, line_m, geo.headings(line_m, 2), line_s, is_seen, gap_m, time_s, xy_m)


def without_spikes(time_s: FloatArray, xy_m: FloatArray, max_speed_m_s: float) -> BoolArray:
    """Which fixes to keep: drops those that jump away from both neighbours and back, three passes."""
    kept = np.ones(len(time_s), dtype=bool)
    for _ in range(3):
        rows = np.flatnonzero(kept)
        if len(rows) < 5:
            break
        bad = _is_spike(time_s[rows], xy_m[rows], max_speed_m_s)
        if not bad.any():
            break
        kept[rows[bad]] = False
    return kept


def _is_spike(time_s: FloatArray, xy_m: FloatArray, max_speed_m_s: float) -> BoolArray:
    """Fixes whose detour over their neighbours is long, or impossibly fast, and off the running median."""
    n = len(time_s)
    row = np.arange(n)
    median_m = np.median([xy_m[np.clip(row + k, 0, n - 1)] for k in range(-2, 3)], axis=0)
    off_m = np.hypot(*(xy_m - median_m).T)
    before, after = np.maximum(row - 1, 0), np.minimum(row + 1, n - 1)
    in_m, out_m = np.hypot(*(xy_m - xy_m[before]).T), np.hypot(*(xy_m[after] - xy_m).T)
    straight_m = np.hypot(*(xy_m[after] - xy_m[before]).T)
    fast = np.maximum(
        in_m / np.maximum(time_s - time_s[before], 0.5), out_m / np.maximum(time_s[after] - time_s, 0.5)
    )
    detour = (in_m + out_m - straight_m > 80) & (in_m + out_m > 2.5 * straight_m) & (off_m > 30)
    return np.asarray(detour | ((fast > max_speed_m_s) & (off_m > 40)))


def _longest_run(time_s: FloatArray, xy_m: FloatArray, max_speed_m_s: float) -> slice:
    """The longest stretch without an impossible jump: a phone may wake up where it was last switched off."""
    step_m = geo.steps_m(xy_m)
    jump = (step_m > JUMP_M) & (step_m > max_speed_m_s * np.maximum(np.diff(time_s), 0.5))
    edges = np.concatenate([[0], np.flatnonzero(jump) + 1, [len(xy_m)]])
    longest = int(np.argmax(np.diff(edges)))
    return slice(int(edges[longest]), int(edges[longest + 1]))


def _thin(xy_m: FloatArray, thin_m: float) -> IntArray:
    """Rows at least `thin_m` from the row kept before."""
    kept = [0]
    x_m, y_m = xy_m[:, 0].tolist(), xy_m[:, 1].tolist()
    limit = thin_m * thin_m
    for row in range(1, len(x_m)):
        dx, dy = x_m[row] - x_m[kept[-1]], y_m[row] - y_m[kept[-1]]
        if dx * dx + dy * dy >= limit:
            kept.append(row)
    return np.array(kept, dtype=np.int64)


def _places(xy_m: FloatArray, heading: FloatArray, config: LinesConfig) -> IntArray:
    """One number for each square of the plane and eighth of the compass that a point lies in."""
    square = np.floor(xy_m / config.place_m).astype(np.int64)
    square -= square.min(axis=0)
    turn = np.arctan2(heading[:, 0], heading[:, 1]) / (2 * np.pi) * N_SECTORS
    key = (square[:, 0] * (square[:, 1].max() + 1) + square[:, 1]) * N_SECTORS + np.floor(turn) % N_SECTORS
    return np.unique(key.astype(np.int64), return_inverse=True)[1].reshape(-1)
