"""A street, halts and lines -> its Profile: what all vehicles do in each few metres of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from transitmap import geo
from transitmap.config import StopsConfig
from transitmap.infer.stops.halts import point_at
from transitmap.infer.stops.streets import Street
from transitmap.model import BoolArray, Crowd, FloatArray, Halts, IntArray, Lines, Ride

DWELL_S, DWELL_SHARE = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0), (0.0, 0.25, 0.5, 0.75, 0.9, 0.99, 1.0)
"""Dwells at stops as riders noted them in Xalapa (2, 5, 10, 20 s); the tails are set by hand."""
BRAKING_S = 8.0
"""A vehicle that brakes and starts at 1 m/s2 is slower than 4 m/s for so long besides its dwell."""
SPARSE_S = 4.0
"""Phones that write less often miss short halts; where their fixes fall tells how long vehicles stay."""
LONGEST_STAY_S = 30.0
LASTING_S = (1.5, 6.0, 14.0, 25.0)
"""Bounds of the classes of halts: half of the dwells are below 5 s, few above 20 s; reds last a minute."""
SQUARE_M = 100.0
HALT, POINT, FIX = range(3)


class Seen(NamedTuple):
    """Everything seen, for the profiles of all streets, sorted by `square`: halts, points of lines, and fixes
    of phones that write rarely. `row` counts within the halts, and is the line of points and fixes.

    By line: its voice in what its vehicle says, the share of halts that its phone would show, whether it
    writes rarely, whether its rider taps.
    """

    xy_m: FloatArray
    heading: FloatArray
    kind: IntArray
    row: IntArray
    stay_s: FloatArray
    square: IntArray
    halts: Halts
    voice: FloatArray
    share_seen: FloatArray
    is_sparse: BoolArray
    has_taps: BoolArray


class Profile(NamedTuple):
    """A street in bins. `n_lasting` (classes, bins) are the halts by how long they took, one a vehicle and
    place, and `shift_m` the sum of their places within the bin, squares and cubes (3, bins).

    `n_passing` are vehicles, `n_seen` how many halts their phones would show if each of them halted,
    `n_tapping` those whose rider taps, `n_sparse` those whose phone writes rarely and `stay_s` the time that
    these were there. The evidence are all halts, ends of rides and taps in the order of `evidence_m`, their
    places along the street: `side_m` to its left, `evidence` their rows.
    """

    n_passing: FloatArray
    n_seen: FloatArray
    n_tapping: FloatArray
    n_sparse: FloatArray
    n_lasting: FloatArray
    shift_m: FloatArray
    n_ends: FloatArray
    n_taps: FloatArray
    stay_s: FloatArray
    turn_rad: FloatArray
    evidence: IntArray
    evidence_m: FloatArray
    side_m: FloatArray


def see_all(rides: Sequence[Ride], halts: Halts, lines: Lines, crowd: Crowd) -> Seen:
    """What was seen of all vehicles, ready to be looked up by place."""
    line_of = np.repeat(np.arange(len(lines)), np.diff(lines.point_start))
    gap_s = np.diff(lines.fix_s, append=0.0)
    gap_s[lines.fix_start[1:] - 1] = 0.0
    before_s = np.concatenate([[0.0], gap_s[:-1]])
    fix = np.flatnonzero(np.maximum(gap_s, before_s) >= SPARSE_S)
    fix_line = np.repeat(np.arange(len(lines)), np.diff(lines.fix_start))[fix]
    fix_heading = lines.heading[point_at(lines, fix_line, lines.fix_s[fix])]
    xy_m = np.concatenate([halts.xy_m, lines.xy_m, lines.fix_m[fix]])
    stay_s = np.minimum((gap_s + before_s)[fix] / 2, LONGEST_STAY_S)
    square = _squares(np.floor(xy_m / SQUARE_M).astype(np.int64))
    order = np.argsort(square, kind="stable")
    between_s = _typical_gaps_s(lines, gap_s)
    return Seen(
        xy_m=xy_m[order],
        heading=np.concatenate([halts.heading, lines.heading, fix_heading])[order],
        kind=np.repeat([HALT, POINT, FIX], [len(halts), len(line_of), len(fix)])[order],
        row=np.concatenate([np.arange(len(halts)), line_of, fix_line])[order],
        stay_s=np.concatenate([np.zeros(len(halts) + len(line_of)), stay_s])[order],
        square=square[order],
        halts=halts,
        voice=crowd.voice(),
        share_seen=_share_seen(between_s),
        is_sparse=between_s >= SPARSE_S,
        has_taps=np.array([len(rides[k].taps) > 0 for k in lines.ride_index], dtype=bool),
    )


def _squares(square: IntArray) -> IntArray:
    """One number for each pair of numbers of a square."""
    return np.asarray(square[:, 0] * (1 << 24) + square[:, 1])


def _typical_gaps_s(lines: Lines, gap_s: FloatArray) -> FloatArray:
    """The median time between the fixes of each line."""
    return np.array(
        [
            np.median(gap_s[first : last - 1]) if last - first > 1 else LONGEST_STAY_S
            for first, last in zip(lines.fix_start[:-1], lines.fix_start[1:], strict=True)
        ]
    )


def _share_seen(gap_s: FloatArray) -> FloatArray:
    """The share of halts that show as two close fixes at a time between fixes: those with a whole gap in
    the time that a vehicle stands or crawls, by the dwells of `DWELL_S`."""
    dwell_s = np.exp(np.interp(np.arange(0.005, 1.0, 0.01), DWELL_SHARE, np.log(DWELL_S)))
    wait_s = np.maximum(gap_s, 3.0)[:, None]
    return np.asarray(np.clip((dwell_s + BRAKING_S - wait_s) / wait_s, 0.0, 1.0).mean(axis=1))


def profile_of(street: Street, seen: Seen, config: StopsConfig) -> Profile:
    """What all vehicles on the street do along it, whatever route they serve, its way only."""
    n_bins, bin_m = len(street.line_m), config.bin_m
    row, where_m, side_m = _beside(street.line_m, seen, config)
    kind, of = seen.kind[row], seen.row[row]
    is_halt, is_point, is_fix = kind == HALT, kind == POINT, kind == FIX
    halt, halt_m = of[is_halt], where_m[is_halt]
    is_end, is_tap = seen.halts.is_ride_end[halt], seen.halts.is_tap[halt]
    said = seen.voice[seen.halts.line_index[halt]]
    stood, tapped = (
        rows[_once_a_vehicle(halt[rows], halt_m[rows], seen.halts, config.once_m)]
        for rows in (np.flatnonzero(~is_end & ~is_tap), np.flatnonzero(is_tap))
    )
    lasting = np.searchsorted(LASTING_S, seen.halts.duration_s[halt[stood]])
    passing = _passing(of[is_point], where_m[is_point], n_bins, bin_m)
    ahead = geo.headings(street.line_m, 3)

    def count(where_m: FloatArray, weight: FloatArray) -> FloatArray:
        return np.bincount(_bins(where_m, n_bins, bin_m), weight, n_bins).astype(float)

    within_m = halt_m[stood] - (_bins(halt_m[stood], n_bins, bin_m) + 0.5) * bin_m
    order = np.argsort(halt_m, kind="stable")
    return Profile(
        n_passing=passing(seen.voice),
        n_seen=passing(seen.voice * seen.share_seen),
        n_tapping=passing(seen.voice * seen.has_taps),
        n_sparse=passing(seen.voice * seen.is_sparse),
        n_lasting=np.array(
            [count(halt_m[stood], said[stood] * (lasting == k)) for k in range(len(LASTING_S) + 1)]
        ),
        shift_m=np.array([count(halt_m[stood], said[stood] * within_m**power) for power in (1, 2, 3)]),
        n_ends=count(halt_m[is_end], said[is_end]),
        n_taps=count(halt_m[tapped], said[tapped]),
        stay_s=count(where_m[is_fix], seen.stay_s[row[is_fix]] * seen.voice[of[is_fix]]),
        turn_rad=np.unwrap(np.arctan2(ahead[:, 1], ahead[:, 0])),
        evidence=halt[order],
        evidence_m=halt_m[order],
        side_m=side_m[is_halt][order],
    )


def _bins(where_m: FloatArray, n_bins: int, bin_m: float) -> IntArray:
    return np.minimum((where_m / bin_m).astype(np.int64), n_bins - 1)


def _beside(line_m: FloatArray, seen: Seen, config: StopsConfig) -> tuple[IntArray, FloatArray, FloatArray]:
    """Rows of what was seen beside the street facing its way, how far along it and how far to its left."""
    from scipy.spatial import cKDTree

    ahead = geo.headings(line_m, 3)
    row = _around(line_m, seen.square)
    off_m = 1.6 * config.off_m
    distance_m, nearest = cKDTree(line_m).query(seen.xy_m[row], distance_upper_bound=off_m)
    near = distance_m <= np.where(seen.kind[row] == HALT, config.off_m, off_m)
    row, nearest = row[near], nearest[near]
    alike = (ahead[nearest] * seen.heading[row]).sum(axis=1) > 0.5
    row, nearest = row[alike], nearest[alike]
    relative_m = seen.xy_m[row] - line_m[nearest]
    past_m = np.clip((relative_m * ahead[nearest]).sum(axis=1), -config.bin_m, config.bin_m)
    side_m = ahead[nearest, 0] * relative_m[:, 1] - ahead[nearest, 1] * relative_m[:, 0]
    where_m = geo.along_m(line_m)
    return row, np.clip(where_m[nearest] + past_m, 0.0, where_m[-1]), side_m


def _around(line_m: FloatArray, sorted_square: IntArray) -> IntArray:
    """Rows in the squares that the line runs through and those next to them."""
    own = np.unique(np.floor(line_m / SQUARE_M).astype(np.int64), axis=0)
    shift = np.array([(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1)])
    square = np.unique(_squares((own[:, None] + shift).reshape(-1, 2)))
    first = np.searchsorted(sorted_square, square)
    count = np.searchsorted(sorted_square, square, side="right") - first
    return np.asarray(np.repeat(first - (np.cumsum(count) - count), count) + np.arange(count.sum()))


def _once_a_vehicle(halt: IntArray, where_m: FloatArray, halts: Halts, once_m: float) -> IntArray:
    """Of the halts of one vehicle that follow each other within `once_m`, the longest: a vehicle that creeps
    up in a queue has no more say than one that drives in."""
    if not len(halt):
        return halt
    order = np.lexsort((where_m, halts.line_index[halt]))
    line, along_m = halts.line_index[halt[order]], where_m[order]
    group = np.concatenate([[0], np.cumsum((np.diff(line) != 0) | (np.diff(along_m) > once_m))])
    best = np.lexsort((-halts.duration_s[halt[order]], group))
    first = np.concatenate([[True], np.diff(group[best]) > 0])
    return np.asarray(order[best[first]])


def _passing(
    line: IntArray, where_m: FloatArray, n_bins: int, bin_m: float, gap_m: float = 80.0
) -> Callable[[FloatArray], FloatArray]:
    """Weights of the lines that pass each bin, summed: the stretches of each line along the street."""
    order = np.lexsort((where_m, line))
    line, place = line[order], _bins(where_m[order], n_bins, bin_m)
    apart = (np.diff(line) != 0) | (np.diff(where_m[order]) > gap_m)
    first = np.flatnonzero(np.concatenate([[len(line) > 0], apart])[: len(line)])
    last = np.concatenate([first[1:] - 1, [len(line) - 1]])[: len(first)]

    def total(weight: FloatArray) -> FloatArray:
        of = weight[line[first]]
        change = np.bincount(place[first], of, n_bins + 1) - np.bincount(place[last] + 1, of, n_bins + 1)
        return np.maximum(np.cumsum(change)[:n_bins], 0.0)

    return total
