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
    starts, ends = pieces.near[pieces.place[before]].indices, pieces.near[pieces.place[after]].indices
    ways = []
    for piece in inside.tolist():
        points = np.arange(pieces.start[piece], pieces.start[piece + 1])
        leaving = np.flatnonzero(np.isin(pieces.place[points], starts))
        arriving = np.flatnonzero(np.isin(pieces.place[points], ends))
        if len(leaving) and len(arriving) and leaving[-1] < arriving[0]:
            way = points[leaving[-1] : arriving[0] + 1]
            if pieces.is_seen[way].all():
                ways.append(way)
    return min(ways, key=len) if len(ways) > 1 else None
