"""A grown way -> the same without what hardly anybody else ran: one ride's detour is not the way."""

from __future__ import annotations

import numpy as np

from transitmap.config import PatternsConfig
from transitmap.infer.patterns.pieces import Pieces
from transitmap.model import BoolArray, IntArray

LONELY = 0.25
"""A point run by less than this share of the rides around it is lonely."""


def mend(way: IntArray, pieces: Pieces, config: PatternsConfig) -> IntArray:
    """The way with each lonely stretch replaced by that of a ride that runs on both sides of it.

    The first and last stretch stay: fewer people ride to the ends, and there is no other way to compare.
    """
    inside = np.flatnonzero(pieces.covered(pieces.reach(way)) >= config.share_fit)
    if len(inside) < 3:
        return way
    mended = way
    for first, last in reversed(_lonely(pieces.passing(way, inside).sum(axis=1))):
        other = _other_way(int(way[first - 1]), int(way[last + 1]), inside, pieces)
        if other is not None:
            mended = np.concatenate([mended[:first], other, mended[last + 1 :]])
    return mended


def _lonely(support: IntArray) -> list[tuple[int, int]]:
    """First and last point of each inner stretch with next to no support between well supported ones."""
    lonely: BoolArray = support <= max(1.0, LONELY * float(np.median(support)))
    if support.max(initial=0) < 3:
        return []
    edges = np.flatnonzero(np.diff(np.concatenate([[False], lonely, [False]]).astype(np.int8)))
    stretches = zip(edges[::2].tolist(), (edges[1::2] - 1).tolist(), strict=True)
    return [(a, b) for a, b in stretches if a > 0 and b < len(support) - 1]


def _other_way(before: int, after: int, inside: IntArray, pieces: Pieces) -> IntArray | None:
    """The shortest seen way of another ride between two places; None unless two rides know one."""
    leaving = _last_or_first(pieces.around(before), inside, pieces, np.maximum, -1)
    arriving = _last_or_first(pieces.around(after), inside, pieces, np.minimum, len(pieces.place))
    does = (leaving >= 0) & (leaving < arriving) & (arriving < len(pieces.place))
    first, end = leaving[does], arriving[does] + 1
    is_seen = pieces.seen_before[end] - pieces.seen_before[first] == end - first
    if is_seen.sum() < 2:
        return None
    best = int(np.argmin((end - first)[is_seen]))
    return np.arange(first[is_seen][best], end[is_seen][best])


def _last_or_first(
    points: IntArray, inside: IntArray, pieces: Pieces, extreme: np.ufunc, none: int
) -> IntArray:
    """The last (maximum) or first (minimum) of some points on each of the pieces, `none` where none is."""
    found = np.full(len(pieces), none, dtype=np.int64)
    extreme.at(found, pieces.owner[points], points)
    return found[inside]
