"""A grown way -> the ways in it: cut where no ride crosses, or where nobody calls it by its name."""

from __future__ import annotations

import numpy as np

from transitmap.config import PatternsConfig
from transitmap.infer.patterns.pieces import NO_LABEL, Pieces
from transitmap.model import BoolArray, FloatArray, IntArray

ZONE = 8
"""Rides that end or begin within this many points of a place did so there: two stops."""
MIN_HOLE = 20
"""A line's riders may miss half a kilometre of it by chance."""
FEW, MANY = 5, 8
HUB, SURPRISE = 48, 9.0
"""A thousandth: a way has some hundred places at which it may seem cut."""


def cut(way: IntArray, pieces: Pieces, config: PatternsConfig) -> list[IntArray]:
    """The parts of a way of which nothing speaks against being one vehicle's, each long enough to be one."""
    inside = np.flatnonzero(pieces.covered(pieces.reach(way)) >= config.share_contained)
    spans = _spans(pieces.passing(way, inside))
    return [part for part in np.split(way, _breaks(len(way), spans)) if len(part) >= config.min_points]


def _spans(passing: BoolArray) -> IntArray:
    """(runs, 2): first and last point of each run of the way along which a piece passes: a ride that leaves
    the way and comes back to it runs twice."""
    piece, at = np.nonzero(passing.T)
    is_new = (np.diff(piece, prepend=-1) != 0) | (np.diff(at, prepend=0) > 4)
    first = np.flatnonzero(is_new)
    n_points = np.diff(np.append(first, len(at)))
    long = n_points >= ZONE
    return np.column_stack([at[first[long]], at[(first + n_points - 1)[long]]]).astype(np.int64)


def _breaks(n: int, spans: IntArray) -> list[int]:
    """Points at which to cut: many rides end there, or others begin, and next to nobody crosses.

    Riders get off all along a line, but at no place nearly all of them: with five who end and five who begin,
    or eight of either, one who crosses in ten is a walker or a wrong track. Where nobody crosses at all fewer
    will do, and a wider zone counts, the longer people ride: `_surprise`.
    """
    if not len(spans):
        return []
    n_end, n_begin, crossing = _traffic(n, spans)
    fewer, more = np.minimum(n_end, n_begin), np.maximum(n_end, n_begin)
    broken = ((fewer >= FEW) & (crossing <= 0.1 * fewer)) | ((more >= MANY) & (crossing <= 0.1 * more))
    broken |= _surprise(spans, n_end, n_begin, crossing) > SURPRISE
    broken[:ZONE] = broken[-ZONE:] = False
    edges = np.flatnonzero(np.diff(np.concatenate([[0], broken.astype(np.int64), [0]])))
    return [int(a + np.argmin(crossing[a:b])) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _traffic(n: int, spans: IntArray) -> tuple[IntArray, IntArray, IntArray]:
    """For each point: rides that come from before its zone and end in it, that begin in it and go beyond, and
    that cross it."""
    at = np.arange(n)
    first, last = spans[:, :1], spans[:, 1:]
    from_before, to_beyond = first <= at - ZONE, last >= at + ZONE
    n_end = (from_before & (last >= at - ZONE) & (last < at + ZONE)).sum(axis=0)
    n_begin = (to_beyond & (first > at - ZONE) & (first <= at + ZONE)).sum(axis=0)
    return n_end, n_begin, (from_before & to_beyond).sum(axis=0)


def _surprise(spans: IntArray, n_end: IntArray, n_begin: IntArray, crossing: IntArray) -> FloatArray:
    """How unlikely it is that nobody crosses each point if it lies within a line, as a logarithm.

    Where people ride for a mean of m points, one who comes to a stretch of z points ends in it with
    probability 1 - exp(-z / m); `HUB` points more allow for the places where many change.
    """
    mean = max(float(np.mean(spans[:, 1] - spans[:, 0])), 1.0)
    each = -np.log1p(-np.exp(-(2 * ZONE + HUB) / mean))
    return np.where((crossing == 0) & (np.minimum(n_end, n_begin) >= 1), (n_end + n_begin) * each, 0.0)


def named_parts(
    way: IntArray, label: int, inside: BoolArray, pieces: Pieces, config: PatternsConfig
) -> list[IntArray]:
    """The parts of a way that its own riders, those `inside` it, run: without what a single ride of many
    runs, and without streets that only riders of other lines run.

    Where the line has a label, a part counts if riders with it are there, or if nobody else's are. A rider
    without a label counts as far as the labelled ones on her streets are of the line.
    """
    passing, said = pieces.passing(way, np.flatnonzero(inside)), pieces.label[inside]
    n_same, n_unsaid = passing[:, said == label].sum(axis=1), passing[:, said == NO_LABEL].sum(axis=1)
    n_other = passing.sum(axis=1) - n_same - n_unsaid
    own = passing.sum(axis=1).astype(float)
    kept = np.ones(len(way), dtype=bool)
    if label != NO_LABEL and (said == label).sum() >= 3:
        share = np.where(n_same + n_other > 0, n_same / np.maximum(n_same + n_other, 1), 1.0)
        unsaid = passing[:, said == NO_LABEL]
        worth = (share[:, None] * unsaid).sum(axis=0) / np.maximum(unsaid.sum(axis=0), 1)
        own = n_same + unsaid @ worth
        kept = _is_called(own, n_other)
    lonely = (own <= 1) & (own <= 0.1 * np.median(own))
    kept &= ~_long_or_end(lonely)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], kept.astype(np.int64), [0]])))
    parts = [way[a:b] for a, b in zip(edges[::2], edges[1::2], strict=True)]
    return [part for part in parts if len(part) >= config.min_points]


def _long_or_end(flag: BoolArray) -> BoolArray:
    """The stretches of a flag that touch an end or are as long as `MIN_HOLE`."""
    kept = np.zeros(len(flag), dtype=bool)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flag.astype(np.int64), [0]])))
    for a, b in zip(edges[::2], edges[1::2], strict=True):
        kept[a:b] = a == 0 or b == len(flag) or b - a >= MIN_HOLE
    return kept


def _is_called(own: FloatArray, n_other: IntArray) -> BoolArray:
    """Where the line's name is heard: false at ends and in long holes where only other names are.

    One in sixteen, or one among fewer than five, is no wrong label: those are one in twenty-five, and spread
    over all lines.
    """
    heard = (own >= np.maximum(1.0, n_other / 16)) & ((own >= 1.5) | (n_other <= 4))
    called = np.ones(len(heard), dtype=bool)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], (~heard).astype(np.int64), [0]])))
    for a, b in zip(edges[::2], edges[1::2], strict=True):
        is_end = a == 0 or b == len(heard)
        called[a:b] = n_other[a:b].max() < 3 or not (is_end or b - a >= MIN_HOLE)
    return called
