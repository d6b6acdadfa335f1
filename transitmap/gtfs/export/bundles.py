"""Lines on a plane -> where to draw each of them so that routes in one street lie side by side."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from transitmap.geo import headings, resample
from transitmap.model import BoolArray, FloatArray, IntArray

TURN_RADIUS = 2
"""Points to either side that a heading is taken over."""
SMOOTH_STEPS = 12
"""Points to either side over which a line moves from one place in a bundle to another."""
SHORT_STEPS = 6
"""A piece shorter than this, drawn or left out between two others, is noise."""


class Bundled(NamedTuple):
    """Pieces of a pattern's line to draw: points on a plane, and the vector of one line's width times place.

    Where it is drawn is `xy_m + aside * width`; `aside` has no unit.
    """

    xy_m: FloatArray
    aside: FloatArray


class _Points(NamedTuple):
    """Points of all lines, a row each, `start` of each line; `ref` is the point whose street this is."""

    xy_m: FloatArray
    way: FloatArray
    line: IntArray
    route: IntArray
    start: IntArray


def bundle(lines_m: list[FloatArray], route: list[int], step_m: float, near_m: float) -> list[list[Bundled]]:
    """For each line the pieces to draw: what an earlier line of its route has drawn already is left out.

    `route` is the place of each line's route in the order of all routes, which is their order in a street,
    seen along the first line there. Lines are in one street where they run within `near_m` of each other, one
    way or the other, at less than about 30 degrees. Memory O(points of `step_m` x lines in one street).
    """
    points = _sample(lines_m, route, step_m)
    near, other = _pairs(points, near_m)
    ref = _references(points, near, other)
    slot = _slots(points, near, other, ref)
    left = np.column_stack([-points.way[ref, 1], points.way[ref, 0]])
    is_new = _is_new(points, near, other)
    found = []
    for first, last in zip(points.start[:-1].tolist(), points.start[1:].tolist(), strict=True):
        rows = slice(first, last)
        xy_m = _smooth(points.xy_m[ref[rows]], 1)
        aside = _smooth(left[rows] * slot[rows, None], SMOOTH_STEPS)
        found.append([Bundled(xy_m[a:b], aside[a:b]) for a, b in _runs(is_new[rows])])
    return found


def _sample(lines_m: list[FloatArray], route: list[int], step_m: float) -> _Points:
    dense = [resample(line, step_m) for line in lines_m]
    sizes = [len(line) for line in dense]
    return _Points(
        xy_m=np.concatenate(dense),
        way=np.concatenate([headings(line, TURN_RADIUS) for line in dense]),
        line=np.repeat(np.arange(len(dense)), sizes),
        route=np.repeat(np.array(route, dtype=np.int64), sizes),
        start=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
    )


def _pairs(points: _Points, near_m: float) -> tuple[IntArray, IntArray]:
    """Pairs of points of different lines in one street, each both ways round.

    Headings are doubled, so that both ways of a street are one, and take part in the distance.
    """
    from scipy.spatial import cKDTree

    x, y = points.way.T
    doubled = np.column_stack([x * x - y * y, 2 * x * y]) * near_m
    tree = cKDTree(np.column_stack([points.xy_m, doubled]))
    pairs = tree.query_pairs(near_m, output_type="ndarray").astype(np.int64)
    pairs = pairs[points.line[pairs[:, 0]] != points.line[pairs[:, 1]]]
    both = np.concatenate([pairs, pairs[:, ::-1]])
    return both[:, 0], both[:, 1]


def _references(points: _Points, near: IntArray, other: IntArray) -> IntArray:
    """For each point the nearest one of the first line in its street, itself where that is its own line."""
    gap_m = np.hypot(*(points.xy_m[near] - points.xy_m[other]).T)
    order = np.lexsort((other, gap_m, points.line[other], near))
    rows, first = np.unique(near[order], return_index=True)
    best = other[order][first]
    ref = np.arange(len(points.xy_m))
    is_earlier = points.line[best] < points.line[rows]
    ref[rows[is_earlier]] = best[is_earlier]
    return ref[ref]


def _slots(points: _Points, near: IntArray, other: IntArray, ref: IntArray) -> FloatArray:
    """The place of each point's route among those in its street, 0 in the middle, one apart."""
    n_routes = int(points.route.max()) + 1
    own = np.arange(len(points.xy_m)) * n_routes
    keys = np.unique(np.concatenate([near * n_routes + points.route[other], own + points.route]))
    begin, end = np.searchsorted(keys, [own[ref], own[ref] + n_routes])
    rank = np.searchsorted(keys, own[ref] + points.route) - begin
    return np.asarray(rank - (end - begin - 1) / 2)


def _is_new(points: _Points, near: IntArray, other: IntArray) -> BoolArray:
    """Whether no earlier line of the same route runs here; noise of some points is smoothed away."""
    again = (points.route[near] == points.route[other]) & (points.line[other] < points.line[near])
    is_new = np.ones(len(points.xy_m), dtype=bool)
    is_new[near[again]] = False
    for first, last in zip(points.start[:-1].tolist(), points.start[1:].tolist(), strict=True):
        _fill(is_new[first:last])
    return is_new


def _fill(is_new: BoolArray) -> None:
    """Turns short pieces between two of the other kind, the ones left out first, in place."""
    for kind in (False, True):
        edges = np.flatnonzero(np.diff(is_new.astype(np.int8))) + 1
        bounds = [0, *edges.tolist(), len(is_new)]
        for a, b in zip(bounds[:-1], bounds[1:], strict=True):
            if is_new[a] == kind and b - a < SHORT_STEPS and (a > 0 or b < len(is_new)):
                is_new[a:b] = not kind


def _runs(is_new: BoolArray) -> list[tuple[int, int]]:
    """First and last (exclusive) of each piece to draw, a point longer than it is so that it joins."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], is_new, [False]]).astype(np.int8)))
    last = len(is_new)
    return [
        (max(a - 1, 0), min(b + 1, last))
        for a, b in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
    ]


def _smooth(values: FloatArray, half: int) -> FloatArray:
    """Moving mean over `half` points to either side, over fewer at the ends."""
    total = np.concatenate([np.zeros((1, 2)), np.cumsum(values, axis=0)])
    k = np.arange(len(values))
    low, high = np.maximum(k - half, 0), np.minimum(k + half + 1, len(values))
    return np.asarray((total[high] - total[low]) / (high - low)[:, None])
