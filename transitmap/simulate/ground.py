"""Streets: a bent and broken grid with diagonals, a river, a park, one-way pairs, signals and speed bumps."""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from transitmap.model import Columns, FloatArray, IntArray
from transitmap.simulate.config import SimulateConfig
from transitmap.simulate.fictional_names import draw_streets

BoolArray = npt.NDArray[np.bool_]

AVENUE_M_S, STREET_M_S = 13.9, 9.0
TURN_COST_S, SIGNAL_COST_S = 18.0, 8.0


@dataclass(frozen=True, eq=False)
class Ground(Columns):
    """A directed street graph in metres around the town's centre.

    Edge i runs from node `edge_from[i]` to `edge_to[i]` along its points, ragged by `point_start`; `twin` is
    the opposite edge of a two-way street, -1 on one-way streets; `bump_share` is the place of a speed bump
    along the edge (NaN none). Edges that leave node n are `out_edge[out_start[n]:out_start[n + 1]]`.
    """

    node_xy_m: FloatArray
    is_signal: BoolArray
    edge_from: IntArray
    edge_to: IntArray
    twin: IntArray
    street: IntArray
    is_avenue: BoolArray
    length_m: FloatArray
    limit_m_s: FloatArray
    bump_share: FloatArray
    point_start: IntArray
    point_xy_m: FloatArray
    out_start: IntArray
    out_edge: IntArray
    street_name: tuple[str, ...]
    radius_m: float

    def edge_line_m(self, edge: int) -> FloatArray:
        """The points of one edge, in its direction."""
        return self.point_xy_m[self.point_start[edge] : self.point_start[edge + 1]]


@dataclass(frozen=True, eq=False)
class _Blocks:
    """The undirected draft: nodes on the bent grid and the blocks' sides between them."""

    grid: IntArray
    xy_m: FloatArray
    jitter_m: FloatArray
    ends: IntArray
    street: IntArray
    is_avenue: BoolArray


def lay_streets(config: SimulateConfig, rng: np.random.Generator) -> Ground:
    """The streets of a town: every node can reach every other, and no street is quite straight."""
    shape = (int(config.width_m / config.block_m) + 1, int(config.height_m / config.block_m) + 1)
    waves = _draw_waves(rng)
    blocks = _draft(config, shape, waves, rng)
    keep = _kept(config, blocks, rng)
    sides = _Blocks(
        blocks.grid,
        blocks.xy_m,
        blocks.jitter_m,
        blocks.ends[keep],
        blocks.street[keep],
        blocks.is_avenue[keep],
    )
    directed = _directions(config, sides)
    directed = directed[_in_core(len(sides.xy_m), sides.ends, directed)]
    names = draw_streets(int(blocks.street.max()) + 1, rng)
    return _graph(config, sides, directed, waves, names, rng)


def _draw_waves(rng: np.random.Generator) -> FloatArray:
    """Five long waves (direction x and y, phase, push x and y) that bend the grid; steep enough to see."""
    length_m = rng.uniform(2_200.0, 6_500.0, 5)
    angle, push = rng.uniform(0, 2 * np.pi, 5), rng.uniform(0, 2 * np.pi, 5)
    k, size_m = 2 * np.pi / length_m, 0.027 * length_m
    columns = [k * np.cos(angle), k * np.sin(angle), rng.uniform(0, 2 * np.pi, 5)]
    return np.column_stack([*columns, size_m * np.cos(push), size_m * np.sin(push)])


def _bend(flat_m: FloatArray, waves: FloatArray) -> FloatArray:
    """Where points of the flat grid lie in the bent town."""
    swing = np.sin(flat_m @ waves[:, :2].T + waves[:, 2])
    return np.asarray(flat_m + swing @ waves[:, 3:5])


def _flat(grid: FloatArray, config: SimulateConfig) -> FloatArray:
    """Grid numbers to metres, centred."""
    return np.asarray(grid * config.block_m - np.array([config.width_m, config.height_m]) / 2)


def _draft(
    config: SimulateConfig, shape: tuple[int, int], waves: FloatArray, rng: np.random.Generator
) -> _Blocks:
    """All nodes and sides before anything is cut out: rows, columns and three diagonal avenues."""
    n_x, n_y = shape
    grid = np.stack(np.meshgrid(np.arange(n_x), np.arange(n_y), indexing="ij"), axis=-1).reshape(-1, 2)
    jitter_m = rng.normal(0.0, 0.06 * config.block_m, (len(grid), 2))
    is_main_x, is_main_y = _avenues(n_x, rng), _avenues(n_y, rng)
    node = np.arange(n_x * n_y).reshape(n_x, n_y)
    rows = np.column_stack([node[:-1].ravel(), node[1:].ravel()])
    columns = np.column_stack([node[:, :-1].ravel(), node[:, 1:].ravel()])
    street = [grid[rows[:, 0], 1], n_y + grid[columns[:, 0], 0]]
    main = [is_main_y[grid[rows[:, 0], 1]], is_main_x[grid[columns[:, 0], 0]]]
    ends = [rows, columns]
    for k in range(3):
        line = _diagonal(node, k, rng)
        ends.append(line)
        street.append(np.full(len(line), n_x + n_y + k))
        main.append(np.ones(len(line), bool))
    xy_m = _bend(_flat(grid.astype(float), config), waves) + jitter_m
    return _Blocks(grid, xy_m, jitter_m, np.concatenate(ends), np.concatenate(street), np.concatenate(main))


def _avenues(n: int, rng: np.random.Generator) -> BoolArray:
    """Which of n parallel streets are avenues: every third to sixth."""
    chosen = np.cumsum(rng.integers(3, 7, n)) - 1
    return np.isin(np.arange(n), chosen)


def _diagonal(node: IntArray, k: int, rng: np.random.Generator) -> IntArray:
    """Node pairs of a diagonal through the inner town, rising or falling by turns."""
    n_x, n_y = node.shape
    length = int(0.8 * min(n_x, n_y))
    x, y = int(rng.integers(0, n_x - length + 1)), int(rng.integers(0, n_y - length + 1))
    step = np.arange(length)
    path = node[x + step, y + step] if k % 2 == 0 else node[x + step, y + length - 1 - step]
    return np.column_stack([path[:-1], path[1:]])


def _kept(config: SimulateConfig, blocks: _Blocks, rng: np.random.Generator) -> BoolArray:
    """Sides that exist: within the ragged edge of town, outside the park, over the river by bridges."""
    radius_m = np.array([config.width_m, config.height_m]) / 2
    angle = np.arctan2(blocks.xy_m[:, 1] / radius_m[1], blocks.xy_m[:, 0] / radius_m[0])
    edge = (
        0.95 + 0.1 * np.sin(2 * angle + rng.uniform(0, 6.3)) + 0.07 * np.sin(5 * angle + rng.uniform(0, 6.3))
    )
    turn = rng.uniform(0, 2 * np.pi)
    park_m = 0.45 * radius_m * np.array([np.cos(turn), np.sin(turn)])
    stands = np.hypot(*(blocks.xy_m / radius_m).T) < edge
    stands &= np.hypot(*(blocks.xy_m - park_m).T) > 2.2 * config.block_m
    a, b = blocks.ends.T
    bank = _north_of_river(config, blocks.xy_m, rng)
    has_bridge = blocks.is_avenue | (rng.random(len(a)) < 0.04)
    torn = ~blocks.is_avenue & (rng.random(len(a)) < 0.11)
    return np.asarray(stands[a] & stands[b] & ((bank[a] == bank[b]) | has_bridge) & ~torn)


def _north_of_river(config: SimulateConfig, xy_m: FloatArray, rng: np.random.Generator) -> BoolArray:
    """Which nodes lie north of a winding river that crosses the town off its centre."""
    bed_m = config.height_m * (
        0.18 * rng.choice([-1.0, 1.0]) + 0.05 * np.sin(xy_m[:, 0] / 900.0 + rng.uniform(0, 6))
    )
    return np.asarray(xy_m[:, 1] > bed_m + rng.uniform(-0.15, 0.15) * xy_m[:, 0])


def _directions(config: SimulateConfig, blocks: _Blocks) -> IntArray:
    """Directed edges as (side, 0 drawn / 1 reversed).

    In the inner town all streets run one way by turns, but diagonals and a third of the avenues do not.
    """
    middle_m = blocks.xy_m[blocks.ends].mean(axis=1)
    inner = np.hypot(*middle_m.T) < 0.42 * min(config.width_m, config.height_m) / 2
    diagonal = int(config.width_m / config.block_m) + int(config.height_m / config.block_m) + 2
    one_way = inner & (blocks.street < diagonal) & (~blocks.is_avenue | (blocks.street % 3 != 0))
    backward = one_way & (blocks.street % 2 == 1)
    side = np.arange(len(blocks.ends))
    return np.concatenate(
        [
            np.column_stack([side[~backward], 0 * side[~backward]]),
            np.column_stack([side[~one_way | backward], 0 * side[~one_way | backward] + 1]),
        ]
    )


def _in_core(n_nodes: int, ends: IntArray, directed: IntArray) -> BoolArray:
    """Edges between nodes of the largest part in which every node reaches every other."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    a, b = _from_to(ends, directed)
    links = coo_array((np.ones(len(a)), (a, b)), shape=(n_nodes, n_nodes))
    _, part = connected_components(links, directed=True, connection="strong")
    core = np.bincount(part).argmax()
    return np.asarray((part[a] == core) & (part[b] == core))


def _from_to(ends: IntArray, directed: IntArray) -> tuple[IntArray, IntArray]:
    side, back = directed.T
    row = np.arange(len(side))
    return ends[side][row, back], ends[side][row, 1 - back]


def _graph(
    config: SimulateConfig,
    blocks: _Blocks,
    directed: IntArray,
    waves: FloatArray,
    names: list[str],
    rng: np.random.Generator,
) -> Ground:
    """The directed edges with their lines, limits, bumps and the signals of their nodes."""
    a, b = _from_to(blocks.ends, directed)
    side, back = directed.T
    lines = _lines(config, blocks, waves, rng)[side]
    lines = np.where((back == 1)[:, None, None], lines[:, ::-1], lines)
    step_m = np.diff(lines, axis=1)
    used, index = np.unique(np.concatenate([a, b]), return_inverse=True)
    a, b = index[: len(a)], index[len(a) :]
    order = np.argsort(a, kind="stable")
    main = blocks.is_avenue[side]
    return Ground(
        node_xy_m=blocks.xy_m[used],
        is_signal=_signals(config, blocks.xy_m[used], a, b, main, rng),
        edge_from=a,
        edge_to=b,
        twin=_twins(side),
        street=blocks.street[side],
        is_avenue=main,
        length_m=np.hypot(step_m[..., 0], step_m[..., 1]).sum(axis=1),
        limit_m_s=np.where(main, AVENUE_M_S, STREET_M_S),
        bump_share=_bumps(blocks, rng, side, back),
        point_start=np.arange(len(a) + 1) * lines.shape[1],
        point_xy_m=lines.reshape(-1, 2),
        out_start=np.searchsorted(a[order], np.arange(len(used) + 1)),
        out_edge=order,
        street_name=_street_names(blocks, names),
        radius_m=min(config.width_m, config.height_m) / 2,
    )


def _lines(
    config: SimulateConfig, blocks: _Blocks, waves: FloatArray, rng: np.random.Generator
) -> FloatArray:
    """Nine points a side: the bent grid, eased into the displaced corners, with a small bow of its own."""
    share = np.linspace(0.0, 1.0, 9)[None, :, None]
    a, b = blocks.ends.T
    grid = blocks.grid.astype(float)
    flat_m = _flat(grid[a][:, None] * (1 - share) + grid[b][:, None] * share, config)
    line = _bend(flat_m.reshape(-1, 2), waves).reshape(flat_m.shape)
    line = line + blocks.jitter_m[a][:, None] * (1 - share) + blocks.jitter_m[b][:, None] * share
    across = line[:, -1] - line[:, 0]
    across = np.column_stack([-across[:, 1], across[:, 0]]) / np.maximum(np.hypot(*across.T), 1.0)[:, None]
    bow_m = rng.normal(0.0, 5.0, len(a))[:, None, None] * np.sin(np.pi * share)
    return np.asarray(line + bow_m * across[:, None])


def _twins(side: IntArray) -> IntArray:
    """The other edge of the same side, -1 where there is none."""
    order = np.argsort(side, kind="stable")
    same = side[order][1:] == side[order][:-1]
    twin = np.full(len(side), -1)
    twin[order[:-1][same]], twin[order[1:][same]] = order[1:][same], order[:-1][same]
    return twin


def _signals(
    config: SimulateConfig,
    xy_m: FloatArray,
    a: IntArray,
    b: IntArray,
    main: BoolArray,
    rng: np.random.Generator,
) -> BoolArray:
    """Crossings with lights: most where avenues cross, some elsewhere in the inner town."""
    n_main = np.bincount(np.concatenate([a[main], b[main]]), minlength=len(xy_m))
    central = np.hypot(*xy_m.T) < 0.3 * min(config.width_m, config.height_m)
    chance = np.select([n_main > 4, (n_main > 0) & central, central], [0.75, 0.3, 0.06], 0.03)
    return np.asarray(rng.random(len(xy_m)) < config.signal_factor * chance)


def _bumps(blocks: _Blocks, rng: np.random.Generator, side: IntArray, back: IntArray) -> FloatArray:
    """Speed bumps, one place for both directions: on a fifth of small streets, rarely on avenues."""
    chance = np.where(blocks.is_avenue, 0.04, 0.2)
    place = np.where(rng.random(len(chance)) < chance, rng.uniform(0.3, 0.7, len(chance)), np.nan)
    return np.asarray(np.where(back == 1, 1.0 - place[side], place[side]))


def _street_names(blocks: _Blocks, names: list[str]) -> tuple[str, ...]:
    is_main = np.zeros(len(names), bool)
    is_main[blocks.street[blocks.is_avenue]] = True
    return tuple(f"{'Av.' if main else 'Calle'} {name}" for main, name in zip(is_main, names, strict=True))


def node_near(ground: Ground, xy_m: FloatArray) -> int:
    """The crossing nearest to a place, dead ends and mere bends left out."""
    is_crossing = np.diff(ground.out_start) >= 3
    return int(np.argmin(((ground.node_xy_m - xy_m) ** 2).sum(axis=1) + np.where(is_crossing, 0.0, 1e12)))


def edge_costs_s(ground: Ground) -> FloatArray:
    """Free driving time of each edge with the usual wait at the lights at its end."""
    return np.asarray(ground.length_m / ground.limit_m_s + SIGNAL_COST_S * ground.is_signal[ground.edge_to])


def find_path(ground: Ground, start: int, end: int, cost_s: FloatArray, after: int = -1) -> list[int]:
    """Edges of the quickest way between two nodes; turns cost time, nobody turns round but in a dead end.

    `after` is the edge driven before, which must not be driven back at once. Costs O(edges log edges).

    Raises:
        ValueError: start and end are the same node, or no way exists without turning round.
    """
    if start == end:
        raise ValueError(f"path from node {start} to itself")
    best: dict[int, float] = {}
    came: dict[int, int] = {}
    queue = [(cost, edge, after) for edge, cost in _next_edges(ground, start, after, cost_s)]
    heapq.heapify(queue)
    while queue:
        so_far, edge, before = heapq.heappop(queue)
        if edge in best:
            continue
        best[edge], came[edge] = so_far, before
        node = int(ground.edge_to[edge])
        if node == end:
            return _trace_back(came, edge, after)
        for onward, cost in _next_edges(ground, node, edge, cost_s):
            if onward not in best and onward != after:
                heapq.heappush(queue, (so_far + cost, onward, edge))
    raise ValueError(f"no way from node {start} to node {end}")


def _next_edges(ground: Ground, node: int, before: int, cost_s: FloatArray) -> list[tuple[int, float]]:
    """Edges out of a node with their cost, a turn off the street included."""
    edges = ground.out_edge[ground.out_start[node] : ground.out_start[node + 1]].tolist()
    if before < 0:
        return [(edge, float(cost_s[edge])) for edge in edges]
    back, street = ground.twin[before], ground.street[before]
    onward = [edge for edge in edges if edge != back] or edges
    return [(edge, float(cost_s[edge]) + TURN_COST_S * (ground.street[edge] != street)) for edge in onward]


def _trace_back(came: dict[int, int], edge: int, after: int) -> list[int]:
    path = [edge]
    while came[path[-1]] != after:
        path.append(came[path[-1]])
    return path[::-1]


def path_line_m(ground: Ground, path: list[int]) -> FloatArray:
    """The centre line along a path of edges, joints once."""
    pieces = [ground.edge_line_m(edge)[:-1] for edge in path]
    return np.concatenate([*pieces, ground.edge_line_m(path[-1])[-1:]])
