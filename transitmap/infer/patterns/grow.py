"""A ride -> the way it is part of: it goes on as the rides go on that began on it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from transitmap.config import PatternsConfig
from transitmap.infer.patterns.pieces import NO_LABEL, Pieces, ranges
from transitmap.model import BoolArray, FloatArray, IntArray

STEP = 20
"""Points added at a time: half a kilometre, less than the way between two forks usually is."""
BACK = 8
"""Points before the end of the way at which is asked who goes on and who has got off: two stops."""
SAME_LABEL, OTHER_LABEL = 20.0, 0.05
"""Votes of a ride whose rider calls it as the seed's does, or otherwise, against one without a label: where
anybody of the line is there, those who cannot tell in a shared street hardly count."""
MIN_NEW = 3
"""A ride goes on if this many of its points were seen beyond the way."""
MAX_VOTERS = 60


class _Passers(NamedTuple):
    """Pieces that come by a point: number, last point there, seen points before on and off the way, and seen
    points within a step beyond that are not on the way yet."""

    piece: IntArray
    point: IntArray
    n_on: IntArray
    n_off: IntArray
    n_new: IntArray

    def take(self, rows: IntArray | BoolArray) -> _Passers:
        """Some of them."""
        return _Passers(*(column[rows] for column in self))


class Way(NamedTuple):
    """Points from the first place to the last; between `first` and `last` it surely is one line's, beyond it
    goes on only because of rides that may be another's."""

    points: IntArray
    first: int
    last: int

    def surely(self) -> IntArray:
        """The points that surely belong together."""
        return self.points[self.first : self.last + 1]


def grow(seed: IntArray, label: int, pieces: Pieces, mirror: Pieces, config: PatternsConfig) -> Way:
    """The way that a seed's points are part of.

    `mirror` is `pieces.mirrored()`, `label` the number of the seed's label. At each end the rides that began
    on the way and go beyond it vote on where it goes; one that shares more of the way has more say, because
    only riders who came along the way's own streets know which line they sit in when it leaves a shared one.
    """
    last = len(pieces.place) - 1
    onward, n_sure_on = _extend(seed, label, pieces, config)
    back, n_sure_back = _extend(last - onward[::-1], label, mirror, config)
    n_added_on, n_added_back = len(onward) - len(seed), len(back) - len(onward)
    sure_on, sure_back = n_sure_on - len(seed), n_sure_back - len(onward)
    first, end = n_added_back - sure_back, len(back) - 1 - (n_added_on - sure_on)
    return Way(last - back[::-1], first, end)


def _extend(way: IntArray, label: int, pieces: Pieces, config: PatternsConfig) -> tuple[IntArray, int]:
    """The way with what lies beyond its last point, and how many of its points are sure."""
    reach = np.zeros(pieces.near.shape[0], dtype=bool)
    n_on = np.zeros(len(pieces), dtype=np.int64)
    _reach_more(way, pieces, reach, n_on)
    n_sure = 0
    while True:
        beyond, may_end = _next_step(way, label, pieces, reach, n_on, config)
        if may_end and not n_sure:
            n_sure = len(way)
        if len(beyond) < MIN_NEW:
            return way, n_sure or len(way)
        way = np.concatenate([way, beyond])
        _reach_more(beyond, pieces, reach, n_on)


def _reach_more(points: IntArray, pieces: Pieces, reach: BoolArray, n_on: IntArray) -> None:
    """Marks the places near more points as reached, and counts the seen points of all pieces there."""
    around = pieces.near_places(np.unique(pieces.place[points]))
    fresh = np.unique(around[~reach[around]])
    reach[fresh] = True
    there = pieces.in_places(fresh)
    n_on += np.bincount(pieces.owner[there[pieces.is_seen[there]]], minlength=len(pieces))


def _next_step(
    way: IntArray, label: int, pieces: Pieces, reach: BoolArray, n_on: IntArray, config: PatternsConfig
) -> tuple[IntArray, bool]:
    """The points to add, none where the way ends; and whether it may end here."""
    here = _began_on_way(_passers(int(way[-1]), pieces, reach, n_on), len(way), label, pieces, config)
    going = here.take(here.n_new >= MIN_NEW)
    if not len(going.piece):
        return way[:0], False
    back = _passers(int(way[max(0, len(way) - BACK)]), pieces, reach, n_on)
    back = _began_on_way(back, len(way), label, pieces, config)
    stopping = back.take(back.n_new < MIN_NEW)
    if _goes_on(going, stopping, label, config.share_asked, pieces, config) < config.share_goes_on:
        return way[:0], False
    may_end = _goes_on(going, stopping, label, 0.0, pieces, config) < config.share_goes_on
    deepest = min(int(here.n_on.max()), config.max_context)
    weight = np.minimum(going.n_on / deepest, 1.0) ** 2 * _label_weight(going.piece, label, pieces)
    best = np.argsort(-weight, kind="stable")[:MAX_VOTERS]
    return _elect(going.take(best), weight[best], pieces), may_end


def _passers(point: int, pieces: Pieces, reach: BoolArray, n_on: IntArray) -> _Passers:
    around = pieces.around(point)
    owner = pieces.owner[around]
    last = around[np.concatenate([owner[1:] != owner[:-1], [True]])] if len(around) else around
    piece = pieces.owner[last]
    before = pieces.seen_before[last + 1] - pieces.seen_before[pieces.start[piece]]
    on = np.minimum(n_on[piece], before)
    count = np.minimum(pieces.start[piece + 1] - last - 1, STEP)
    ahead = ranges(last + 1, count)
    is_new = pieces.is_seen[ahead] & ~reach[pieces.place[ahead]]
    n_new = np.bincount(np.repeat(np.arange(len(last)), count), is_new, len(last)).astype(np.int64)
    return _Passers(piece, last, on, before - on, n_new)


def _began_on_way(
    found: _Passers, n_way: int, label: int, pieces: Pieces, config: PatternsConfig
) -> _Passers:
    """Those that came from nowhere else and share enough of the way; of the same line, little will do."""
    straight = found.n_off <= np.maximum(4, (1 - config.share_contained) * (found.n_on + found.n_off))
    share = config.share_overlap * np.minimum(pieces.n_seen[found.piece], n_way)
    same = (pieces.label[found.piece] == label) & (label != NO_LABEL)
    return found.take(straight & (found.n_on >= config.min_overlap) & (same | (found.n_on >= share)))


def _label_weight(piece: IntArray, label: int, pieces: Pieces) -> FloatArray:
    if label == NO_LABEL:
        return np.ones(len(piece))
    said = pieces.label[piece]
    return np.where(said == label, SAME_LABEL, np.where(said == NO_LABEL, 1.0, OTHER_LABEL))


def _goes_on(
    going: _Passers, stopping: _Passers, label: int, share: float, pieces: Pieces, config: PatternsConfig
) -> float:
    """The share that goes on among those who came furthest along the way: a share of all, three at least.

    Where they all get off the way ends, and the others only start here.
    """
    n_on = np.concatenate([going.n_on, stopping.n_on])
    weight = _label_weight(np.concatenate([going.piece, stopping.piece]), label, pieces)
    goes = np.arange(len(n_on)) < len(going.piece)
    deepest = np.lexsort((~goes, -n_on))
    asked = np.cumsum(weight[deepest])
    enough = max(config.min_support * float(weight.max()), share * float(asked[-1]))
    n = min(int(np.searchsorted(asked, enough)), len(asked) - 1) + 1
    return float((weight * goes)[deepest[:n]].sum() / asked[n - 1])


def _elect(voters: _Passers, weight: FloatArray, pieces: Pieces) -> IntArray:
    """The next step of the ride that most agree with, as far as others confirm it."""
    count = np.minimum(pieces.start[voters.piece + 1] - voters.point - 1, STEP)
    ahead, owner = ranges(voters.point + 1, count), np.repeat(np.arange(len(count)), count)
    place, at = np.unique(pieces.place[ahead], return_inverse=True)
    counted = np.bincount(owner * len(place) + at, pieces.is_seen[ahead], len(count) * len(place))
    n_seen = np.asarray(counted.reshape(len(count), len(place)), dtype=float)
    near = _near_each_other(place, pieces)
    reached = _reached(n_seen, near)
    agree = _agreement(n_seen, reached)
    votes = (weight[:, None] * (agree >= 0.8)).sum(axis=0)
    best = int(np.argmax(votes + 1e-3 * count / STEP))
    chosen = np.arange(voters.point[best] + 1, voters.point[best] + 1 + count[best])
    with_it = agree[:, best] >= 0.8
    there = reached[np.ix_(at[owner == best], with_it)].T > 0
    gone_so_far = np.maximum.accumulate(there[:, ::-1], axis=1)[:, ::-1]
    support = (weight[with_it, None] * gone_so_far).sum(axis=0)
    confirmed = support >= 0.1 * support[0]
    if with_it.sum() >= 3:
        confirmed &= gone_so_far.sum(axis=0) >= 2
    return chosen[: int(np.flatnonzero(confirmed)[-1]) + 1] if confirmed.any() else chosen[:0]


def _near_each_other(place: IntArray, pieces: Pieces) -> tuple[IntArray, IntArray]:
    """Which of some places, which come in order, are near each: rows of them, ragged by the first array."""
    near = pieces.near_places(place)
    row = np.repeat(np.arange(len(place)), np.diff(pieces.near.indptr)[place])
    column = np.minimum(np.searchsorted(place, near), len(place) - 1)
    known = place[column] == near
    return np.searchsorted(row[known], np.arange(len(place) + 1)), column[known]


def _reached(n_seen: FloatArray, near: tuple[IntArray, IntArray]) -> FloatArray:
    """(places, voters): ones near what each voter saw."""
    reached = np.zeros(n_seen.T.shape)
    start, column = near
    voter, row = np.nonzero(n_seen)
    n_near = start[row + 1] - start[row]
    reached[column[ranges(start[row], n_near)], np.repeat(voter, n_near)] = 1.0
    return reached


def _agreement(n_seen: FloatArray, reached: FloatArray) -> FloatArray:
    """(voters, voters): share of what one saw that the other reached; each saw something.

    Entry by entry: next to all are zero, and a product of whole matrices wakes threads for nothing.
    """
    voter, row = np.nonzero(n_seen)
    first = np.searchsorted(voter, np.arange(len(n_seen)))
    shared = np.add.reduceat(n_seen[voter, row][:, None] * reached[row], first)
    return np.asarray(shared / n_seen.sum(axis=1)[:, None])
