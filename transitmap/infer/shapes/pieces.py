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
    tree = cKDTree(np.concatenate([dense_m, reach_m * ahead], axis=1))
    # a turn of 60 degrees counts as far away as the reach: what runs another way is out of it
    place = np.concatenate([seen.xy_m, reach_m * seen.heading], axis=1)
    gap_m, nearest = tree.query(place, distance_upper_bound=reach_m)
    row = np.flatnonzero(np.isfinite(gap_m))
    along_m = where_m[nearest[row]]
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
    best = _At(piece, *_onto(xy_m, line_m, piece))
    for step in (-1, 1):
        other = np.clip(piece + step, 0, len(line_m) - 2)
        share, gap_m = _onto(xy_m, line_m, other)
        nearer = gap_m < best.gap_m
        best = _At(
            np.where(nearer, other, best.piece),
            np.where(nearer, share, best.share),
            np.where(nearer, gap_m, best.gap_m),
        )
    return best


def _onto(xy_m: FloatArray, line_m: FloatArray, piece: IntArray) -> tuple[FloatArray, FloatArray]:
    """Share along its piece of the place nearest to each point, and the distance."""
    x_m, y_m = line_m.T
    along_x, along_y = x_m[1:] - x_m[:-1], y_m[1:] - y_m[:-1]
    length2 = np.maximum(along_x**2 + along_y**2, 1e-9)
    right_m, up_m = xy_m[:, 0] - x_m[piece], xy_m[:, 1] - y_m[piece]
    along_x, along_y, length2 = along_x[piece], along_y[piece], length2[piece]
    share = np.clip((right_m * along_x + up_m * along_y) / length2, 0.0, 1.0)
    return share, np.sqrt((right_m - share * along_x) ** 2 + (up_m - share * along_y) ** 2)


def _dot(a: FloatArray, b: FloatArray) -> FloatArray:
    return np.asarray(a[:, 0] * b[:, 0] + a[:, 1] * b[:, 1])


def _lefts(line_m: FloatArray) -> FloatArray:
    """Unit vectors to the left of each piece."""
    ahead = np.diff(line_m, axis=0) / np.maximum(geo.steps_m(line_m), 1e-6)[:, None]
    return np.column_stack([-ahead[:, 1], ahead[:, 0]])


def _moved(
    line_m: FloatArray, xy_m: FloatArray, at: _At, weight: FloatArray, config: ShapesConfig
) -> FloatArray:
    """The corners where the fixes' distances across the pieces are least; fixes in a corner say nothing.

    A fix in a corner may belong to either piece: the nearer one draws the corner outwards. Each fix speaks
    for the corners of its own piece, so the equations have a narrow band.
    """
    from scipy.linalg import solveh_banded

    n, length_m, left = len(line_m), np.maximum(geo.steps_m(line_m), 1e-6), _lefts(line_m)
    beside_m = _dot(line_m[:-1], left)
    off_m = xy_m[:, 0] * left[:, 0][at.piece] + xy_m[:, 1] * left[:, 1][at.piece] - beside_m[at.piece]
    inner_m = np.minimum(at.share, 1.0 - at.share) * length_m[at.piece]
    sure = np.clip((inner_m + 1.0) / np.minimum(config.corner_m, length_m / 3.0)[at.piece], 0.02, 1.0)
    weight = weight * sure / (1.0 + (off_m / config.outlier_m) ** 2) ** 2
    share = (1.0 - at.share, at.share)
    band, wanted = np.zeros((4, n, 2)), np.zeros((n, 2))
    for a in (0, 1):
        pulled_m = np.bincount(at.piece, weight * share[a] * off_m, n - 1)
        wanted[a : n - 1 + a] += pulled_m[:, None] * left
        for b in range(a, 2):
            held = np.bincount(at.piece, weight * share[a] * share[b], n - 1)
            for i, j in ((0, 0), (0, 1), (1, 0), (1, 1)):
                if (apart := 2 * (b - a) + j - i) >= 0:
                    band[3 - apart, b : n - 1 + b, j] += held * left[:, i] * left[:, j]
    band[3] += HOLD
    move_m = solveh_banded(band.reshape(4, -1), wanted.reshape(-1)).reshape(n, 2)
    return np.asarray(line_m + np.clip(move_m, -MAX_MOVE_M, MAX_MOVE_M))


def _without_needless(
    line_m: FloatArray, xy_m: FloatArray, at: _At, weight: FloatArray, outlier_m: float
) -> tuple[FloatArray, IntArray]:
    """The line without corners that explain next to nothing, cut ones made whole; each fix's piece in it.

    The fixes of a half piece are weighed together: of distances from any line their moments say all.
    """
    half = _halves(line_m, xy_m, at, weight / (1.0 + (at.gap_m / outlier_m) ** 2) ** 2)
    own = _costs(half, np.repeat(line_m[:-1], 2, axis=0), np.repeat(line_m[1:], 2, axis=0))
    crossing_m, may_cross = _crossings(line_m)
    gain = np.full((2, len(line_m)), np.inf)
    k = 2 * np.arange(1, len(line_m) - 1)
    gain[0, 1:-1] = sum(
        _costs(half[:, k + one], line_m[:-2], line_m[2:]) - own[k + one] for one in (-2, -1, 0, 1)
    )
    gain[1, 1:-2] = np.where(may_cross, 0.0, np.inf)
    bends_m = np.stack([line_m[:-3], crossing_m, line_m[3:]], axis=1).reshape(-1, 2)
    for step in (-1, 0, 1):
        row = np.flatnonzero(np.pad(may_cross, (1, 2))[np.maximum(at.piece + step, 0)])
        k = at.piece[row] + step
        gap_m = np.minimum(*(_onto(xy_m[row], bends_m, 3 * (k - 1) + arm)[1] for arm in (0, 1)))
        lost = _rho(gap_m, outlier_m) - _rho(at.gap_m[row], outlier_m)
        gain[1] += np.bincount(k, weight[row] * lost, len(line_m))
    return _without(line_m, crossing_m, gain, at.piece)


def _halves(line_m: FloatArray, xy_m: FloatArray, at: _At, weight: FloatArray) -> FloatArray:
    """For both halves of each piece: weight, mean place (x, y), moments about it (xx, xy, yy)."""
    half, n = 2 * at.piece + (at.share > 0.5), 2 * (len(line_m) - 1)
    total = np.bincount(half, weight, n)
    x_m, y_m = (np.bincount(half, weight * one, n) / np.maximum(total, 1e-9) for one in xy_m.T)
    right_m, up_m = xy_m[:, 0] - x_m[half], xy_m[:, 1] - y_m[half]
    squares = ((right_m, right_m), (right_m, up_m), (up_m, up_m))
    return np.stack([total, x_m, y_m, *(np.bincount(half, weight * a * b, n) for a, b in squares)])


def _rho(gap_m: FloatArray, outlier_m: float) -> FloatArray:
    return np.asarray(gap_m**2 / (1.0 + (gap_m / outlier_m) ** 2))


def _costs(half: FloatArray, start_m: FloatArray, end_m: FloatArray) -> FloatArray:
    """The squared distances of the fixes of half pieces from the straight lines through start and end."""
    total, x_m, y_m, across2, product, up2 = half
    along_x, along_y = (end_m - start_m).T
    length2 = np.maximum(along_x**2 + along_y**2, 1e-9)
    off_m = along_x * (y_m - start_m[:, 1]) - along_y * (x_m - start_m[:, 0])
    spread = along_y**2 * across2 - 2.0 * along_x * along_y * product + along_x**2 * up2
    return np.asarray((spread + total * off_m**2) / length2)


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

    Source: Douglas and Peucker 1973; all chords at once, so that long lines need no deep recursion.
    """
    kept: BoolArray = np.zeros(len(line_m), dtype=bool)
    kept[[0, -1]] = True
    while True:
        knot = np.flatnonzero(kept)
        chord = np.repeat(np.arange(len(knot) - 1), np.diff(knot))
        off_m = _off_chord_m(line_m[:-1], line_m[knot[chord]], line_m[knot[chord + 1]])
        worst_m = np.maximum.reduceat(off_m, knot[:-1]) if len(knot) > 1 else off_m
        at = np.flatnonzero((off_m == worst_m[chord]) & (off_m > tolerance_m))
        if not len(at):
            return line_m[kept]
        kept[at[np.unique(chord[at], return_index=True)[1]]] = True


def _off_chord_m(xy_m: FloatArray, start_m: FloatArray, end_m: FloatArray) -> FloatArray:
    chord_m = end_m - start_m
    length2 = np.maximum(_dot(chord_m, chord_m), 1e-12)
    share = np.clip(_dot(xy_m - start_m, chord_m) / length2, 0.0, 1.0)
    gap_m = xy_m - start_m - share[:, None] * chord_m
    return np.asarray(np.hypot(gap_m[:, 0], gap_m[:, 1]))
