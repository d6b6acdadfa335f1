"""A rough line, fixes -> straight pieces through the fixes, which cross where the street has its corners.

A median pull cuts corners, and every corner cut shortens the line: on streets of 90 degrees by some 2 % in
all. Pieces fitted to the fixes beside them cross at the corner itself, however few fixes lie in it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from transitmap import geo
from transitmap.config import ShapesConfig
from transitmap.model import BoolArray, FloatArray, IntArray

WORTH_M2 = 10.0
"""A corner stays if it explains this much: half the square of one ride's usual error (4.4 m)."""
HOLD = 1.0
"""How firmly a corner stays where it was, in rides: where the fixes say little it moves little."""
MAX_MOVE_M = 15.0
HEADING_STEP_M = 5.0


class Seen(NamedTuple):
    """Fixes of the vehicles that ran the way: place, heading (unit vectors) and which line each is of."""

    xy_m: FloatArray
    heading: FloatArray
    line_index: IntArray


class _At(NamedTuple):
    """Where on the pieces each fix lies: which piece, its share of it, and the distance."""

    piece: IntArray
    share: FloatArray
    gap_m: FloatArray


def fit_pieces(line_m: FloatArray, seen: Seen, config: ShapesConfig) -> FloatArray:
    """The line as (n, 2) corners of straight pieces, moved to where the fixes say, without needless ones.

    Robust least squares of the distances across the pieces; a ride counts once in each `config.stretch_m`.

    Source: Gauss-Newton with the weights of Geman and McClure 1987.
    """
    line_m = simplify(line_m[_apart(line_m)], config.simplify_m)
    near, piece, where_m = _nearest(line_m, seen, config.last_reach_m + config.step_m)
    if len(line_m) < 3 or not len(near):
        return line_m
    xy_m = seen.xy_m[near]
    weight = _once_a_stretch(seen.line_index[near], where_m, config.stretch_m)
    for turn in range(2 * config.fits):
        at = _locate(line_m, xy_m, piece)
        if turn % 2 and turn < 2 * config.fits - 2:
            line_m, piece = _without_needless(line_m, xy_m, at, weight, config.outlier_m)
        else:
            line_m, piece = _moved(line_m, xy_m, at, weight, config), at.piece
    return line_m[_apart(line_m)]


def _apart(line_m: FloatArray) -> IntArray:
    """Rows without those that repeat the one before."""
    return np.flatnonzero(np.concatenate([[True], geo.steps_m(line_m) > 0.5]))


def _nearest(line_m: FloatArray, seen: Seen, reach_m: float) -> tuple[IntArray, IntArray, FloatArray]:
    """Fixes within reach of the line that run its way, the piece each is on, and how far along."""
    from scipy.spatial import cKDTree

    knot_m = geo.along_m(line_m)
    dense_m = geo.resample(line_m, HEADING_STEP_M)
    where_m = np.linspace(0.0, knot_m[-1], len(dense_m))
    ahead = geo.headings(dense_m, 2)
    gap_m, nearest = cKDTree(dense_m).query(seen.xy_m, k=min(4, len(dense_m)), distance_upper_bound=reach_m)
    near = np.isfinite(gap_m)
    nearest = np.where(near, nearest, 0)
    alike = near & ((ahead[nearest] * seen.heading[:, None, :]).sum(axis=2) > 0.5)
    row = np.flatnonzero(alike.any(axis=1))
    along_m = where_m[nearest[row, alike[row].argmax(axis=1)]]
    piece = np.clip(np.searchsorted(knot_m, along_m, side="right") - 1, 0, len(line_m) - 2)
    return row, piece, along_m


def _once_a_stretch(line_index: IntArray, where_m: FloatArray, stretch_m: float) -> FloatArray:
    """Weights that add up to one for each line in each stretch: its errors there are one error."""
    stretch = (where_m / stretch_m).astype(np.int64)
    _, group, count = np.unique(
        line_index * (stretch.max(initial=0) + 1) + stretch, return_inverse=True, return_counts=True
    )
    return np.asarray(1.0 / count[group])


def _locate(line_m: FloatArray, xy_m: FloatArray, piece: IntArray) -> _At:
    """The nearest of each fix's piece and the two beside it."""
    best = _At(piece, *_onto(xy_m, line_m[piece], line_m[piece + 1]))
    for step in (-1, 1):
        other = np.clip(piece + step, 0, len(line_m) - 2)
        share, gap_m = _onto(xy_m, line_m[other], line_m[other + 1])
        nearer = gap_m < best.gap_m
        best = _At(
            np.where(nearer, other, best.piece),
            np.where(nearer, share, best.share),
            np.where(nearer, gap_m, best.gap_m),
        )
    return best


def _onto(xy_m: FloatArray, start_m: FloatArray, end_m: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Share along a piece of the place nearest to each point, and the distance."""
    delta_m, relative_m = end_m - start_m, xy_m - start_m
    share = np.clip(_dot(relative_m, delta_m) / np.maximum(_dot(delta_m, delta_m), 1e-9), 0.0, 1.0)
    gap_m = relative_m - share[:, None] * delta_m
    return share, np.sqrt(_dot(gap_m, gap_m))


def _dot(a: FloatArray, b: FloatArray) -> FloatArray:
    return np.asarray(a[:, 0] * b[:, 0] + a[:, 1] * b[:, 1])


def _moved(
    line_m: FloatArray, xy_m: FloatArray, at: _At, weight: FloatArray, config: ShapesConfig
) -> FloatArray:
    """The corners where the fixes' distances across the pieces are least; fixes in a corner say nothing.

    A fix in a corner may belong to either piece: the nearer one draws the corner outwards. Each fix speaks
    for the corners of its own piece, so the equations have a narrow band.
    """
    from scipy.linalg import solveh_banded

    n, length_m = len(line_m), np.maximum(geo.steps_m(line_m), 1e-6)[at.piece]
    ahead = (line_m[at.piece + 1] - line_m[at.piece]) / length_m[:, None]
    left = np.column_stack([-ahead[:, 1], ahead[:, 0]])
    off_m = _dot(xy_m - line_m[at.piece], left)
    inner_m = np.minimum(at.share, 1.0 - at.share) * length_m
    sure = np.clip((inner_m + 1.0) / np.minimum(config.corner_m, length_m / 3.0), 0.02, 1.0)
    weight = weight * sure / (1.0 + (off_m / config.outlier_m) ** 2) ** 2
    pull = np.concatenate([(1.0 - at.share)[:, None] * left, at.share[:, None] * left], axis=1)
    band, wanted = np.zeros((4, 2 * n)), np.zeros(2 * n)
    for a in range(4):
        wanted += np.bincount(2 * at.piece + a, weight * pull[:, a] * off_m, 2 * n)
        for b in range(a, 4):
            band[3 - b + a] += np.bincount(2 * at.piece + b, weight * pull[:, a] * pull[:, b], 2 * n)
    band[3] += HOLD
    move_m = solveh_banded(band, wanted).reshape(n, 2)
    return np.asarray(line_m + np.clip(move_m, -MAX_MOVE_M, MAX_MOVE_M))


def _without_needless(
    line_m: FloatArray, xy_m: FloatArray, at: _At, weight: FloatArray, outlier_m: float
) -> tuple[FloatArray, IntArray]:
    """The line without corners that explain next to nothing, cut ones made whole; each fix's piece in it."""
    n = len(line_m)
    cost = np.bincount(at.piece, weight * _rho(at.gap_m, outlier_m), n - 1)
    crossing_m, may_cross = _crossings(line_m)
    gain = np.full((2, n), np.inf)
    gain[0, 1:-1] = -cost[:-1] - cost[1:]
    gain[1, 1:-2] = np.where(may_cross, -cost[:-2] - cost[1:-1] - cost[2:], np.inf)
    for step in (0, 1):
        corner = at.piece + step
        row = np.flatnonzero((corner >= 1) & (corner < n - 1))
        k = corner[row]
        gap_m = _onto(xy_m[row], line_m[k - 1], line_m[k + 1])[1]
        gain[0] += np.bincount(k, weight[row] * _rho(gap_m, outlier_m), n)
    for step in (-1, 0, 1):
        corner = at.piece + step
        row = np.flatnonzero((corner >= 1) & (corner < n - 2))
        row = row[may_cross[corner[row] - 1]]
        k = corner[row]
        before_m = _onto(xy_m[row], line_m[k - 1], crossing_m[k - 1])[1]
        after_m = _onto(xy_m[row], crossing_m[k - 1], line_m[k + 2])[1]
        gain[1] += np.bincount(k, weight[row] * _rho(np.minimum(before_m, after_m), outlier_m), n)
    return _without(line_m, crossing_m, gain, at.piece)


def _rho(gap_m: FloatArray, outlier_m: float) -> FloatArray:
    return np.asarray(gap_m**2 / (1.0 + (gap_m / outlier_m) ** 2))


def _crossings(line_m: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Where the pieces on both sides of each inner piece would cross, and whether it may be their cut corner.

    It may where both turns go one way, by 120 degrees at most together, so that no piece grows into a spike.
    """
    start_m, first_m, second_m, end_m = line_m[:-3], line_m[1:-2], line_m[2:-1], line_m[3:]
    in_m, out_m, cut_m = first_m - start_m, end_m - second_m, second_m - first_m
    turn = _cross(in_m, out_m)
    share = _cross(end_m - start_m, out_m) / np.where(np.abs(turn) < 1e-9, 1e-9, turn)
    crossing_m = start_m + share[:, None] * in_m
    cut = np.hypot(cut_m[:, 0], cut_m[:, 1])
    near = [np.hypot(*(crossing_m - end).T) <= 1.05 * cut for end in (first_m, second_m)]
    way = _dot(in_m, out_m) / np.maximum(np.hypot(*in_m.T) * np.hypot(*out_m.T), 1e-9)
    same_turn = _cross(in_m, cut_m) * _cross(cut_m, out_m) > 0
    return crossing_m, near[0] & near[1] & same_turn & (way > -0.5)


def _cross(a: FloatArray, b: FloatArray) -> FloatArray:
    return np.asarray(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0])


def _without(
    line_m: FloatArray, crossing_m: FloatArray, gain: FloatArray, piece: IntArray
) -> tuple[FloatArray, IntArray]:
    """The line without the corners that cost least to lose, none within three of another in one go."""
    n = len(line_m)
    line_m, least = line_m.copy(), gain.min(axis=0)
    kept = np.ones(n, dtype=bool)
    last = -3
    beside = np.pad(least, 3, constant_values=np.inf)
    lowest = least <= np.min([beside[k : k + n] for k in range(7)], axis=0)
    for k in np.flatnonzero(lowest & (least < WORTH_M2)).tolist():
        if k - last < 3:
            continue
        last = k
        if gain[1, k] < gain[0, k]:
            line_m[k] = crossing_m[k - 1]
            kept[k + 1] = False
        else:
            kept[k] = False
    return line_m[kept], np.clip((np.cumsum(kept) - 1)[piece], 0, int(kept.sum()) - 2)


def simplify(line_m: FloatArray, tolerance_m: float) -> FloatArray:
    """The line with fewer points, nowhere further than `tolerance_m` from what it was.

    Source: Douglas and Peucker 1973; iterative, so that long lines need no deep recursion.
    """
    kept: BoolArray = np.zeros(len(line_m), dtype=bool)
    kept[[0, -1]] = True
    stack = [(0, len(line_m) - 1)]
    while stack:
        first, last = stack.pop()
        if last - first < 2:
            continue
        off_m = _off_chord_m(line_m[first + 1 : last], line_m[first], line_m[last])
        worst = int(np.argmax(off_m))
        if off_m[worst] > tolerance_m:
            middle = first + 1 + worst
            kept[middle] = True
            stack += [(first, middle), (middle, last)]
    return line_m[kept]


def _off_chord_m(xy_m: FloatArray, start_m: FloatArray, end_m: FloatArray) -> FloatArray:
    chord_m = end_m - start_m
    length2 = max(float((chord_m**2).sum()), 1e-12)
    share = np.clip(((xy_m - start_m) @ chord_m) / length2, 0.0, 1.0)
    return np.asarray(np.hypot(*(xy_m - start_m - share[:, None] * chord_m).T))
