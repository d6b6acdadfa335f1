"""Shapes, Streets -> shapes that take their corners and bends from a street map, where it fits them.

A hidden Markov model finds the pieces of street that a shape runs along. The shape keeps the lane that its
vehicles kept: the street is drawn as far to the side as the fixes say. Where the map does not fit, or has no
street, the shape stays as it was.

Source: Newson and Krumm 2009, Hidden Markov map matching through noise and sparseness.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from transitmap import geo
from transitmap.infer.shapes.pieces import simplify
from transitmap.model import BoolArray, FloatArray, IntArray, Streets

STEP_M = 20.0
REACH_M, TURN_M = 30.0, 30.0
"""How far a street may lie; a turn of 60 degrees counts as TURN_M."""
N_CANDIDATES = 8
SPREAD_M, DETOUR_M = 6.0, 4.0
"""Usual distance of a shape from its street, and by how much two steps along them differ."""
MOST_ROUTE_M = 100.0
FITS_M, LEAST_POINTS, N_LOOSE = 15.0, 8, 2
"""A stretch follows the street where it lies this close for at least this many points."""
SHARE_LONGER = 0.08
N_SIDE = 9
AT_ONCE = 200


class _Map(NamedTuple):
    """Streets on the plane: nodes, pieces, and a search tree of samples by place and heading.

    `graph` has the metres between the nodes `graph_node`, rising: all, or those near a shape.
    """

    node_m: FloatArray
    start: IntArray
    end: IntArray
    length_m: FloatArray
    sample_piece: IntArray
    tree: Any
    graph: Any
    graph_node: IntArray


class _Candidates(NamedTuple):
    """For each point of a shape, the pieces it may lie on (-1 none), how far along them and how far off."""

    piece: IntArray
    along_m: FloatArray
    off_m: FloatArray


def follow_streets(shapes_m: Sequence[FloatArray], streets: Streets, plane: geo.Plane) -> list[FloatArray]:
    """The shapes, on the streets where these fit; as long, in the same order and direction."""
    street = _lay(streets, plane)
    return [_follow(shape_m, street) for shape_m in shapes_m]


def _lay(streets: Streets, plane: geo.Plane) -> _Map:
    from scipy.sparse import csr_array
    from scipy.spatial import cKDTree

    node_m = plane.to_metres(streets.lat_deg, streets.lon_deg)
    start, end = streets.piece_from, streets.piece_to
    delta_m = node_m[end] - node_m[start]
    length_m = np.maximum(np.hypot(delta_m[:, 0], delta_m[:, 1]), 0.01)
    count = np.ceil(length_m / STEP_M).astype(np.int64)
    piece = np.repeat(np.arange(len(start)), count)
    order = np.arange(len(piece)) - np.repeat(np.cumsum(count) - count, count)
    share = ((order + 0.5) / count[piece])[:, None]
    place = np.concatenate(
        [node_m[start[piece]] + share * delta_m[piece], TURN_M * (delta_m / length_m[:, None])[piece]], axis=1
    )
    graph = csr_array((length_m, (start, end)), shape=(len(node_m), len(node_m)))
    return _Map(node_m, start, end, length_m, piece, cKDTree(place), graph, np.arange(len(node_m)))


def _follow(shape_m: FloatArray, street: _Map) -> FloatArray:
    """One shape: stretches that fit the map from it, the rest as it was."""
    point_m = geo.resample(shape_m, STEP_M)
    if len(point_m) < LEAST_POINTS:
        return shape_m
    found = _candidates(point_m, street)
    if (found.piece < 0).all():
        return shape_m
    street = _cropped(street, point_m, found)
    chosen = _best_chain(found, _routes_m(found, street), geo.steps_m(point_m))
    row = np.arange(len(point_m))
    fits = (chosen >= 0) & (found.off_m[row, chosen] <= FITS_M)
    knot_m = geo.along_m(shape_m)
    where_m = np.linspace(0.0, knot_m[-1], len(point_m))
    drawn, done_m = [], 0.0
    for first, last in _runs(fits):
        stretch = slice(first, last + 1)
        matched = found.piece[row, chosen][stretch], found.along_m[row, chosen][stretch]
        line_m = _street_line(point_m[stretch], *matched, street)
        if line_m is None:
            continue
        before = (knot_m >= done_m) & (knot_m < where_m[first])
        drawn += [shape_m[before], line_m]
        done_m = float(where_m[last]) + 1e-6
    return np.concatenate([*drawn, shape_m[knot_m >= done_m]]) if drawn else shape_m


def _candidates(point_m: FloatArray, street: _Map) -> _Candidates:
    """The nearest pieces that run the shape's way, each once a point."""
    place = np.concatenate([point_m, TURN_M * geo.headings(point_m, 1)], axis=1)
    k = max(2, min(2 * N_CANDIDATES, len(street.sample_piece)))  # of one alone no second axis would come
    gap_m, sample = street.tree.query(place, k=k, distance_upper_bound=REACH_M + TURN_M)
    piece = np.where(np.isfinite(gap_m), street.sample_piece[np.where(np.isfinite(gap_m), sample, 0)], -1)
    repeated = np.array([[value in row[:n] for n, value in enumerate(row)] for row in piece.tolist()])
    piece = np.where(repeated, -1, piece)
    order = np.argsort(piece < 0, axis=1, kind="stable")[:, :N_CANDIDATES]
    piece = np.take_along_axis(piece, order, axis=1)
    start_m = street.node_m[street.start[piece]]
    ahead = (street.node_m[street.end[piece]] - start_m) / street.length_m[piece][..., None]
    relative_m = point_m[:, None, :] - start_m
    along_m = np.clip((relative_m * ahead).sum(axis=2), 0.0, street.length_m[piece])
    off_m = np.hypot(*np.moveaxis(relative_m - along_m[..., None] * ahead, 2, 0))
    return _Candidates(np.where(off_m <= REACH_M, piece, -1), along_m, off_m)


def _cropped(street: _Map, point_m: FloatArray, found: _Candidates) -> _Map:
    """The map with the graph of the nodes near a shape only, so that no search depends on the map's size."""
    from scipy.spatial import cKDTree

    far_m = REACH_M + MOST_ROUTE_M
    low_m, high_m = point_m.min(axis=0) - far_m, point_m.max(axis=0) + far_m
    boxed = np.flatnonzero(((street.node_m >= low_m) & (street.node_m <= high_m)).all(axis=1))
    gap_m, _ = cKDTree(point_m).query(street.node_m[boxed], distance_upper_bound=far_m)
    piece = found.piece[found.piece >= 0]
    node = np.unique(np.concatenate([boxed[np.isfinite(gap_m)], street.start[piece], street.end[piece]]))
    return street._replace(graph=street.graph[node][:, node], graph_node=node)


def _routes_m(found: _Candidates, street: _Map) -> FloatArray:
    """Metres by street from each candidate to each of the next point, (n - 1, k, k); inf where too far."""
    piece, along_m = found.piece, found.along_m
    some = np.where(piece < 0, piece.max(), piece)
    here, there = some[:-1, :, None], some[1:, None, :]
    node = street.graph_node
    leave = np.broadcast_to(street.end[here], (*here.shape[:2], there.shape[2]))
    enter = np.broadcast_to(street.start[there], leave.shape)
    between_m = _between_nodes_m(
        street.graph, np.searchsorted(node, leave.ravel()), np.searchsorted(node, enter.ravel())
    ).reshape(leave.shape)
    left_m = (street.length_m[piece] - along_m)[:-1, :, None]
    route_m = left_m + between_m + along_m[1:, None, :]
    straight_m = along_m[1:, None, :] - along_m[:-1, :, None]
    route_m = np.where((here == there) & (straight_m > -STEP_M / 4), np.maximum(straight_m, 0.0), route_m)
    return np.where((piece[:-1, :, None] < 0) | (piece[1:, None, :] < 0), np.inf, route_m)


def _between_nodes_m(graph: Any, leave: IntArray, enter: IntArray) -> FloatArray:
    """Shortest way by street for pairs of nodes, inf beyond `MOST_ROUTE_M`; each start is searched once."""
    from scipy.sparse.csgraph import dijkstra

    sources, source = np.unique(leave, return_inverse=True)
    targets, target = np.unique(enter, return_inverse=True)
    order = np.argsort(source, kind="stable")
    bounds = np.searchsorted(source[order], np.arange(0, len(sources) + AT_ONCE, AT_ONCE))
    found_m = np.full(len(leave), np.inf)
    for k, first in enumerate(range(0, len(sources), AT_ONCE)):
        rows = order[bounds[k] : bounds[k + 1]]
        far_m = dijkstra(graph, indices=sources[first : first + AT_ONCE], limit=MOST_ROUTE_M)
        found_m[rows] = far_m[:, targets][source[rows] - first, target[rows]]
    return found_m


def _best_chain(found: _Candidates, route_m: FloatArray, step_m: FloatArray) -> IntArray:
    """The likeliest candidate of each point, -1 where it has none; the chain starts anew where it breaks."""
    near = np.where(found.piece >= 0, -0.5 * (found.off_m / SPREAD_M) ** 2, -np.inf)
    n = len(near)
    score, came_from = near[0], np.zeros((n, near.shape[1]), dtype=np.int64)
    chosen = np.full(n, -1, dtype=np.int64)
    began = 0
    for k in range(1, n + 1):
        if k < n:
            onward = score[:, None] - np.abs(route_m[k - 1] - step_m[k - 1]) / DETOUR_M
            came_from[k] = onward.argmax(axis=0)
            total = onward.max(axis=0) + near[k]
        if k == n or not np.isfinite(total).any():
            best = int(score.argmax()) if np.isfinite(score).any() else -1
            for back in range(k - 1, began - 1, -1):
                chosen[back] = best
                best = int(came_from[back][best])
            began, total = k, near[k] if k < n else near[-1]
        score = total
    return np.where(np.isfinite(near[np.arange(n), chosen]), chosen, -1)


def _runs(fits: BoolArray) -> list[tuple[int, int]]:
    """First and last point of the stretches that fit, long enough to be the same street.

    The last points before the fit ends are left out: there the shape may have begun to turn off.
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[False], fits, [False]]).astype(np.int8)))
    runs = [
        (first + (N_LOOSE if first > 0 else 0), last - (N_LOOSE if last < len(fits) else 0) - 1)
        for first, last in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
    ]
    return [(first, last) for first, last in runs if last - first + 1 >= LEAST_POINTS]


def _street_line(
    point_m: FloatArray, piece: IntArray, along_m: FloatArray, street: _Map
) -> FloatArray | None:
    """The street between the matched points, in the lane of the shape; None where it is a detour."""
    node = _nodes_between(piece, street)
    if node is None:
        return None
    ahead = (street.node_m[street.end[piece]] - street.node_m[street.start[piece]]) / street.length_m[piece][
        :, None
    ]
    on_m = street.node_m[street.start[piece]] + along_m[:, None] * ahead
    line_m = np.concatenate([on_m[:1], street.node_m[node], on_m[-1:]])
    line_m = line_m[np.concatenate([[True], geo.steps_m(line_m) > 0.1])]
    own_m, length_m = geo.along_m(point_m), geo.along_m(line_m)[-1]
    if len(line_m) < 2 or abs(length_m / own_m[-1] - 1.0) > SHARE_LONGER:
        return None
    aside_m = ahead[:, 0] * (point_m - on_m)[:, 1] - ahead[:, 1] * (point_m - on_m)[:, 0]
    padded = (
        np.pad(aside_m, N_SIDE, mode="reflect")
        if len(aside_m) > N_SIDE
        else np.pad(aside_m, N_SIDE, mode="edge")
    )
    aside_m = np.median(np.lib.stride_tricks.sliding_window_view(padded, 2 * N_SIDE + 1), axis=1)
    return _beside(line_m, own_m / own_m[-1], aside_m)


def _nodes_between(piece: IntArray, street: _Map) -> IntArray | None:
    """The nodes passed from the first piece to the last; None where two do not follow within reach."""
    from scipy.sparse.csgraph import dijkstra

    change = np.flatnonzero(np.diff(piece))
    nodes: list[int] = []
    leaving = np.searchsorted(street.graph_node, street.end[piece[change]])
    entering = np.searchsorted(street.graph_node, street.start[piece[change + 1]])
    for leave, enter in zip(leaving.tolist(), entering.tolist(), strict=True):
        way = [enter]
        if leave != enter:
            far_m, before = dijkstra(
                street.graph, indices=leave, limit=MOST_ROUTE_M, return_predecessors=True
            )
            if not np.isfinite(far_m[enter]):
                return None
            while way[-1] != leave:
                way.append(int(before[way[-1]]))
        nodes += way[::-1]
    return street.graph_node[np.array(nodes, dtype=np.int64)]


def _beside(line_m: FloatArray, share: FloatArray, aside_m: FloatArray) -> FloatArray:
    """The line moved to its left by `aside_m`, which is given at shares of its length; corners stay sharp."""
    knot_m = geo.along_m(line_m)
    step = np.diff(line_m, axis=0) / np.maximum(np.diff(knot_m), 1e-9)[:, None]
    left = np.column_stack([-step[:, 1], step[:, 0]])
    before, after = np.concatenate([left[:1], left]), np.concatenate([left, left[-1:]])
    middle = before + after
    size2 = np.maximum((middle**2).sum(axis=1), 1.0)
    moved_m = np.interp(knot_m / knot_m[-1], share, aside_m)
    return simplify(line_m + (2.0 * moved_m / size2)[:, None] * middle, 0.5)
