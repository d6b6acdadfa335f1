"""Itineraries over the streets: both directions, branches, short turns, shared trunks, loops and circles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from transitmap.model import FloatArray
from transitmap.simulate.config import SimulateConfig
from transitmap.simulate.fictional_names import draw_districts
from transitmap.simulate.ground import Ground, edge_costs_s, find_path, node_near

KINDS = ("branch_short", "loop", "branch", "short", "circle", "plain", "branch")
TRUNK_DISCOUNT = 0.72
HUBS = ("Centro", "Mercado de la Luna", "Hospital General")


@dataclass(frozen=True)
class Itinerary:
    """One way that vehicles of a route go: edges of the ground from `origin` to `headsign`.

    `variant` is main, branch or short; `share` is its part of the route's departures.
    """

    route_index: int
    direction_id: int
    variant: str
    share: float
    path: tuple[int, ...]
    origin: str
    headsign: str


class _Drawing:
    """The streets, with edges already served made cheaper, so that routes gather on trunks."""

    def __init__(self, ground: Ground, config: SimulateConfig, rng: np.random.Generator) -> None:
        self.ground, self.rng = ground, rng
        self.half_m = np.array([config.width_m, config.height_m]) / 2
        self.cost_s = edge_costs_s(ground).copy()
        self.used: set[int] = set()
        self.districts = draw_districts(3 * config.n_routes, rng)

    def node(self, angle: float, share: float) -> int:
        """The crossing at a direction and a share of the way out to the town's edge."""
        place_m: FloatArray = share * self.half_m * np.array([np.cos(angle), np.sin(angle)])
        return node_near(self.ground, place_m)

    def drive(self, nodes: list[int], path: list[int] | None = None) -> list[int]:
        """A path on through the nodes; its edges become part of the trunk network."""
        path = list(path or [])
        start = int(self.ground.edge_to[path[-1]]) if path else nodes.pop(0)
        for node in nodes:
            if node != start:
                path += find_path(self.ground, start, node, self.cost_s, path[-1] if path else -1)
                start = node
        fresh = set(path) - self.used
        self.cost_s[list(fresh)] *= TRUNK_DISCOUNT
        self.used |= fresh
        return path


def draw_itineraries(ground: Ground, config: SimulateConfig, rng: np.random.Generator) -> list[Itinerary]:
    """The itineraries of all routes, two or more a route, grouped by route.

    The kinds of route repeat in a fixed order, so that a city of seven routes has every kind.
    """
    drawing = _Drawing(ground, config, rng)
    builders = {"plain": _plain, "short": _short, "branch": _branch, "branch_short": _branch_short}
    builders |= {"loop": _loop, "circle": _circle}
    first = rng.uniform(0, 2 * np.pi)
    found: list[Itinerary] = []
    for route in range(config.n_routes):
        angle = first + 2.4 * route + rng.normal(0, 0.15)
        found += builders[KINDS[route % len(KINDS)]](drawing, route, angle)
    return found


def _hub(drawing: _Drawing) -> int:
    """A crossing of the inner town: routes cross there, not all in the same place."""
    return drawing.node(drawing.rng.uniform(0, 2 * np.pi), drawing.rng.uniform(0.02, 0.16))


def _pair(
    route: int, variant: str, share: float, out: list[int], back: list[int], ends: tuple[str, str]
) -> list[Itinerary]:
    return [
        Itinerary(route, 0, variant, share, tuple(out), ends[0], ends[1]),
        Itinerary(route, 1, variant, share, tuple(back), ends[1], ends[0]),
    ]


def _far_side(drawing: _Drawing, angle: float) -> float:
    """The direction of the other end: across the town, rarely straight across."""
    return float(angle + np.pi + drawing.rng.uniform(-0.6, 0.6))


def _plain(drawing: _Drawing, route: int, angle: float) -> list[Itinerary]:
    a, hub, b = drawing.node(angle, 0.84), _hub(drawing), drawing.node(_far_side(drawing, angle), 0.84)
    out, back = drawing.drive([a, hub, b]), drawing.drive([b, hub, a])
    return _pair(route, "main", 1.0, out, back, (drawing.districts.pop(), drawing.districts.pop()))


def _short(drawing: _Drawing, route: int, angle: float) -> list[Itinerary]:
    return _with_short_turn(drawing, route, _plain(drawing, route, angle))


def _branch_short(drawing: _Drawing, route: int, angle: float) -> list[Itinerary]:
    return _with_short_turn(drawing, route, _branch(drawing, route, angle))


def _with_short_turn(drawing: _Drawing, route: int, lines: list[Itinerary]) -> list[Itinerary]:
    """The lines and a short turn of the first: vehicles that turn back after some half of the way."""
    out, back = lines[0], lines[1]
    cut = int(len(out.path) * drawing.rng.uniform(0.5, 0.62))
    turn_m = drawing.ground.node_xy_m[drawing.ground.edge_to[out.path[cut - 1]]]
    gap_m = np.hypot(*(drawing.ground.node_xy_m[drawing.ground.edge_from[list(back.path)]] - turn_m).T)
    from_here = int(np.argmin(gap_m))
    name = HUBS[route % len(HUBS)]
    turns = _pair(route, "short", 0.5, list(out.path[:cut]), list(back.path[from_here:]), (out.origin, name))
    return lines + turns


def _branch(drawing: _Drawing, route: int, angle: float) -> list[Itinerary]:
    """Two ends beyond a fork; the trunk is the same until there."""
    other = _far_side(drawing, angle)
    a, hub, fork = drawing.node(angle, 0.84), _hub(drawing), drawing.node(other, 0.42)
    trunk = drawing.drive([a, hub, fork])
    origin = drawing.districts.pop()
    lines = []
    for k, variant in enumerate(("main", "branch")):
        end = drawing.node(other + (0.42, -0.42)[k], 0.84)
        out, back = drawing.drive([end], trunk), drawing.drive([end, fork, hub, a])
        lines += _pair(route, variant, 0.5, out, back, (origin, drawing.districts.pop()))
    return lines


def _loop(drawing: _Drawing, route: int, angle: float) -> list[Itinerary]:
    """Out on one side of a far district, back on the other."""
    other = _far_side(drawing, angle)
    a, hub, gate = drawing.node(angle, 0.8), _hub(drawing), drawing.node(other, 0.45)
    left, right, end = (
        drawing.node(other - 0.4, 0.68),
        drawing.node(other + 0.4, 0.68),
        drawing.node(other, 0.88),
    )
    out, back = drawing.drive([a, hub, gate, left, end]), drawing.drive([end, right, gate, hub, a])
    return _pair(route, "main", 1.0, out, back, (drawing.districts.pop(), drawing.districts.pop()))


def _circle(drawing: _Drawing, route: int, angle: float) -> list[Itinerary]:
    """Round the inner town, in both senses, back to the same terminal."""
    corners = [drawing.node(angle + turn, 0.36) for turn in np.arange(6) * np.pi / 3]
    out, back = drawing.drive([*corners, corners[0]]), drawing.drive([corners[0], *corners[::-1]])
    terminal = drawing.districts.pop()
    return [
        Itinerary(route, 0, "main", 1.0, tuple(out), terminal, "Circuito Exterior"),
        Itinerary(route, 1, "main", 1.0, tuple(back), terminal, "Circuito Interior"),
    ]
