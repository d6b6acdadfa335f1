"""Stage 4. Paths -> Routes and directions: paths that riders call one line, or that run back and forth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from transitmap import geo
from transitmap.config import RoutesConfig
from transitmap.model import FloatArray, IntArray, Paths, Routes


class Grouping(NamedTuple):
    """The routes, and for each path its route and its direction (0 or 1)."""

    routes: Routes
    route_index: IntArray
    direction_id: IntArray


def group_paths(paths: Paths, config: RoutesConfig) -> Grouping:
    """Routes with their name, the path with most riders first.

    A label joins two paths only where the streets agree too: they share `config.share_same_label` of the
    shorter one, the same way or back, or one ends where the other runs. Paths without a label join where
    one is the other's way back, or a variant that shares `config.share_variant` of the shorter one: what
    shares most first, and nothing that would make two labels one route.
    """
    same, back = _shared(paths, config)
    links = _label_pairs(paths, np.maximum(same, back), config)
    links += _way_backs(paths, back, config) + _variants(paths, same, config)
    groups = _joined(links, paths.label)
    route_index = np.zeros(len(paths), dtype=np.int64)
    direction_id = np.zeros(len(paths), dtype=np.int64)
    for k, group in enumerate(groups):
        route_index[group] = k
        direction_id[group] = _directions(group, same, back)
    return Grouping(_name(groups, paths), route_index, direction_id)


class _Link(NamedTuple):
    """Two paths of one route: `strength` is the share of streets that says so, 2 for a label."""

    strength: float
    i: int
    j: int


class _Way(NamedTuple):
    """A path's points, unit vectors along it, the squares it comes near, in order, and a search tree."""

    xy_m: FloatArray
    ahead: FloatArray
    square: IntArray
    near_square: IntArray
    tree: Any


def _shared(paths: Paths, config: RoutesConfig) -> tuple[FloatArray, FloatArray]:
    """(paths, paths): share of the shorter path that the other runs the same way, and the opposite way."""
    n = len(paths)
    same, back = np.eye(n), np.zeros((n, n))
    ways = [
        _way(paths.xy_m[a:b], config.near_m)
        for a, b in zip(paths.point_start[:-1], paths.point_start[1:], strict=True)
    ]
    for i in range(n):
        for j in range(i):
            short, long = (i, j) if len(ways[i].xy_m) <= len(ways[j].xy_m) else (j, i)
            n_same, n_back = _n_along(ways[short], ways[long], config.near_m)
            same[i, j] = same[j, i] = n_same / len(ways[short].xy_m)
            back[i, j] = back[j, i] = n_back / len(ways[short].xy_m)
    return same, back


def _way(xy_m: FloatArray, near_m: float) -> _Way:
    from scipy.spatial import cKDTree

    square = np.floor(xy_m / near_m).astype(np.int64)
    beside = [(square[:, 0] + i) * (1 << 32) + square[:, 1] + j for i in (-1, 0, 1) for j in (-1, 0, 1)]
    ahead = geo.headings(xy_m, 2)
    return _Way(xy_m, ahead, beside[4], np.unique(np.concatenate(beside)), cKDTree(xy_m))


def _n_along(way: _Way, other: _Way, near_m: float) -> tuple[int, int]:
    """How many points of a way the other runs along within `near_m`, the same way and back.

    The same way is within 60 degrees of one of the six nearest points; both have points closer to each other
    than `near_m`.
    """
    at = np.minimum(np.searchsorted(other.near_square, way.square), len(other.near_square) - 1)
    rows = np.flatnonzero(other.near_square[at] == way.square)
    if not len(rows) or len(other.xy_m) < 2:
        return 0, 0
    k = min(6, len(other.xy_m))
    distance_m, nearest = other.tree.query(way.xy_m[rows], k=k, distance_upper_bound=near_m)
    is_near = np.isfinite(distance_m)
    turn = other.ahead[np.where(is_near, nearest, 0)] * way.ahead[rows, None, :]
    cosine = np.where(is_near, turn.sum(axis=2), 0.0)
    is_same = (cosine > 0.5).any(axis=1)
    return int(is_same.sum()), int(((cosine < -0.5).any(axis=1) & ~is_same).sum())


def _label_pairs(paths: Paths, shared: FloatArray, config: RoutesConfig) -> list[_Link]:
    """Pairs of one name that share streets, or of which one ends where the other runs."""
    return [
        _Link(2.0, i, j)
        for i in range(len(paths))
        for j in range(i)
        if paths.label[i]
        and paths.label[i] == paths.label[j]
        and (shared[i, j] >= config.share_same_label or _ends_meet(paths, i, j, config.ends_meet_m))
    ]


def _ends_meet(paths: Paths, i: int, j: int, meet_m: float) -> bool:
    """Whether an end of one path lies within `meet_m` of the other: a street apart, the same terminal."""
    a, b = (paths.xy_m[paths.point_start[k] : paths.point_start[k + 1]] for k in (i, j))
    for ends_m, line_m in ((a[[0, -1]], b), (b[[0, -1]], a)):
        gap_m = np.hypot(*(ends_m[:, None, :] - line_m[None, :, :]).transpose(2, 0, 1))
        if gap_m.min() <= meet_m:
            return True
    return False


def _way_backs(paths: Paths, back: FloatArray, config: RoutesConfig) -> list[_Link]:
    """Pairs that are each other's best way back, where the labels do not forbid it."""
    pairs = []
    for i in range(len(paths)):
        score = [back[i, j] if _may_pair(paths, i, j) else 0.0 for j in range(len(paths))]
        j = int(np.argmax(score)) if score else i
        if score and score[j] >= config.share_way_back and j > i:
            mirrored = [back[j, k] if _may_pair(paths, j, k) else 0.0 for k in range(len(paths))]
            if mirrored[i] >= max(mirrored):
                pairs.append(_Link(float(score[j]), i, j))
    return pairs


def _variants(paths: Paths, same: FloatArray, config: RoutesConfig) -> list[_Link]:
    """Each path without a label and the one that it shares most with, if that is most of the shorter one."""
    pairs = []
    for i in np.flatnonzero([not label for label in paths.label]).tolist():
        score = np.where(np.arange(len(paths)) == i, 0.0, same[i])
        if len(score) and score.max() >= config.share_variant:
            pairs.append(_Link(float(score.max()), i, int(np.argmax(score))))
    return pairs


def _may_pair(paths: Paths, i: int, j: int) -> bool:
    return i != j and (not paths.label[i] or not paths.label[j] or paths.label[i] == paths.label[j])


def _joined(links: list[_Link], label: Sequence[str]) -> list[list[int]]:
    """Groups of paths, each in order: the strongest links first, without any that would join two labels."""
    import networkx as nx

    graph = nx.Graph()
    graph.add_nodes_from(range(len(label)))
    for link in sorted(links, key=lambda one: (-one.strength, one.i, one.j)):
        joined = nx.node_connected_component(graph, link.i) | nx.node_connected_component(graph, link.j)
        if len({label[path] for path in joined} - {""}) < 2:
            graph.add_edge(link.i, link.j)
    return sorted(sorted(group) for group in nx.connected_components(graph))


def _directions(group: list[int], same: FloatArray, back: FloatArray) -> list[int]:
    """0 for the best supported path and all that run its way, 1 for those that run back."""
    direction = {group[0]: 0}
    while len(direction) < len(group):
        links: list[tuple[float, int, int, int]] = []
        for known, unknown in ((a, b) for a in direction for b in group if b not in direction):
            way = 0 if same[known, unknown] >= back[known, unknown] else 1
            links.append((max(same[known, unknown], back[known, unknown]), -known, -unknown, way))
        _, known, unknown, way = max(links)
        direction[-unknown] = direction[-known] ^ way
    return [direction[path] for path in group]


def _name(groups: list[list[int]], paths: Paths) -> Routes:
    """The one label of its paths names a route."""
    names, shares = [], []
    for group in groups:
        name = max(paths.label[path] for path in group)
        own = float(paths.n_label[[path for path in group if paths.label[path]]].sum())
        labelled = float(paths.n_labelled[group].sum())
        names.append(name.upper())
        shares.append(own / labelled if own and labelled else float("nan"))
    return Routes(tuple(names), tuple("" for _ in names), np.array(shares, dtype=float))
