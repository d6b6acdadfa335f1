"""Chains -> the same without what hardly anybody else ran: one ride's detour is not the way."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from transitmap.infer.patterns.chain import Chain, reach_of
from transitmap.model import BoolArray, IntArray, Lines

LONELY = 0.25
"""A point run by less than this share of the rides around it is lonely."""


def mend(chain: Chain, lines: Lines, near: Any) -> Chain:
    """The chain with each lonely stretch replaced by the way of a ride that runs on both sides of it.

    The first and last stretch stay: fewer people ride to the ends, and there is no other way to compare.
    """
    rows_of = {k: np.arange(lines.point_start[k], lines.point_start[k + 1]) for k in sorted(chain.lines)}
    reach_by = {k: reach_of(lines.place[rows], near) for k, rows in rows_of.items()}
    support = sum(reach[chain.place].astype(np.int64) for reach in reach_by.values())
    row = chain.row
    for first, last in reversed(_lonely(np.asarray(support))):
        other = _other_way(chain.place[first - 1], chain.place[last + 1], rows_of, lines, near)
        if other is not None:
            row = np.concatenate([row[:first], other, row[last + 1 :]])
    if len(row) == len(chain.row) and (row == chain.row).all():
        return chain
    place = lines.place[row]
    return replace(chain, row=row, place=place, is_seen=lines.is_seen[row], reach=reach_of(place, near))


def _lonely(support: IntArray) -> list[tuple[int, int]]:
    """First and last point of each inner stretch with next to no support between well supported ones."""
    lonely: BoolArray = support <= max(1.0, LONELY * float(np.median(support)))
    if support.max(initial=0) < 3:
        return []
    edges = np.flatnonzero(np.diff(np.concatenate([[False], lonely, [False]]).astype(np.int8)))
    stretches = zip(edges[::2].tolist(), (edges[1::2] - 1).tolist(), strict=True)
    return [(a, b) for a, b in stretches if a > 0 and b < len(support) - 1]


def _other_way(
    before: int, after: int, rows_of: dict[int, IntArray], lines: Lines, near: Any
) -> IntArray | None:
    """The shortest seen way of another ride between two places; None unless two rides know one."""
    starts, ends = near[before].indices, near[after].indices
    ways = []
    for rows in rows_of.values():
        leaving = np.flatnonzero(np.isin(lines.place[rows], starts))
        arriving = np.flatnonzero(np.isin(lines.place[rows], ends))
        if len(leaving) and len(arriving) and leaving[-1] < arriving[0]:
            way = rows[leaving[-1] : arriving[0] + 1]
            if lines.is_seen[way].all():
                ways.append(way)
    return min(ways, key=len) if len(ways) > 1 else None
