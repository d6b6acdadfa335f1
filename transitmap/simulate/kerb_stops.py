"""Stops on the kerbs: one side of a street each, formal or by custom, opposite ones often in pairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from transitmap import geo
from transitmap.model import Columns, FloatArray, IntArray
from transitmap.simulate.config import SimulateConfig
from transitmap.simulate.ground import BoolArray, Ground
from transitmap.simulate.itineraries import Itinerary

LANE_M = 2.5
"""Vehicles drive this far right of the street's centre line."""
KERB_M = (2.0, 9.0)
"""Stops stand this far right of the vehicles' line (range measured over feeds with measured stops)."""
TERMINAL_M = 16.0
OPPOSITE_SHARE = 0.45
MIN_GAP_M = 90.0


@dataclass(frozen=True, eq=False)
class KerbStops(Columns):
    """Stops by edge: `edge` and the metres along it, the place itself, and what draws people there.

    `weight` is the stop's demand, about 1 on average. `is_formal` stops have a sign: vehicles halt nearer
    to them than to places of custom.
    """

    edge: IntArray
    edge_m: FloatArray
    xy_m: FloatArray
    weight: FloatArray
    is_formal: BoolArray
    is_terminal: BoolArray
    name: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.edge)


@dataclass(frozen=True)
class _Place:
    edge: int
    edge_m: float
    is_terminal: bool
    name: str


def find_hail_edges(
    ground: Ground, itineraries: Sequence[Itinerary], config: SimulateConfig, rng: np.random.Generator
) -> set[int]:
    """Edges where vehicles halt wherever people wave: the outer streets of some routes."""
    routes = sorted({line.route_index for line in itineraries})
    hailed = {route for route in routes if rng.random() < config.hail_share}
    edges = sorted({edge for line in itineraries if line.route_index in hailed for edge in line.path})
    middle_m = (ground.node_xy_m[ground.edge_from] + ground.node_xy_m[ground.edge_to]) / 2
    return {edge for edge in edges if np.hypot(*middle_m[edge]) > 0.72 * ground.radius_m}


def set_stops(
    ground: Ground,
    itineraries: Sequence[Itinerary],
    hail_edges: set[int],
    config: SimulateConfig,
    rng: np.random.Generator,
) -> KerbStops:
    """The stops of all itineraries; lines that share a street share its stops."""
    places: dict[int, list[_Place]] = {}
    for line in itineraries:
        _add_terminals(ground, line, places)
    for line in itineraries:
        _add_between(ground, line, hail_edges, config.spacing_m, places, rng)
    rows = sorted((p for found in places.values() for p in found), key=lambda p: (p.edge, p.edge_m))
    xy_m = np.array([_kerb_m(ground, place, rng) for place in rows])
    is_terminal = np.array([place.is_terminal for place in rows])
    return KerbStops(
        edge=np.array([place.edge for place in rows]),
        edge_m=np.array([place.edge_m for place in rows]),
        xy_m=xy_m,
        weight=_demand(ground, xy_m, is_terminal, rng),
        is_formal=is_terminal | (rng.random(len(rows)) < 0.55),
        is_terminal=is_terminal,
        name=tuple(place.name or _crossing_name(ground, place) for place in rows),
    )


def _add_terminals(ground: Ground, line: Itinerary, places: dict[int, list[_Place]]) -> None:
    """The first and the last stop of a line, unless another line has put one there."""
    last_m = float(ground.length_m[line.path[-1]]) - TERMINAL_M
    for edge, edge_m, name in (
        (line.path[0], TERMINAL_M, line.origin),
        (line.path[-1], last_m, line.headsign),
    ):
        found = places.setdefault(edge, [])
        if not any(abs(place.edge_m - edge_m) < 1.0 for place in found):
            found.append(_Place(edge, edge_m, True, f"Terminal {name}" if line.variant != "short" else ""))


def _add_between(
    ground: Ground,
    line: Itinerary,
    hail_edges: set[int],
    spacing_m: tuple[float, float],
    places: dict[int, list[_Place]],
    rng: np.random.Generator,
) -> None:
    """Stops along a line about every `spacing_m`, counting those that are there already."""
    since_m, target_m = -TERMINAL_M, rng.uniform(*spacing_m)
    for edge in line.path:
        length_m = float(ground.length_m[edge])
        found = places.get(edge)
        if not found and edge not in hail_edges and since_m + length_m > target_m:
            found = places.setdefault(edge, [])
            found.append(_Place(edge, _spot_m(ground, edge, places, rng), False, ""))
            target_m = rng.uniform(*spacing_m)
        since_m = length_m - max(p.edge_m for p in found) if found else since_m + length_m


def _spot_m(ground: Ground, edge: int, places: dict[int, list[_Place]], rng: np.random.Generator) -> float:
    """Metres along an edge: opposite an existing stop if there is one, else mostly by a corner."""
    length_m = float(ground.length_m[edge])
    opposite = places.get(int(ground.twin[edge]))
    if opposite and rng.random() < OPPOSITE_SHARE:
        return float(np.clip(length_m - opposite[0].edge_m + rng.normal(0, 6.0), 12.0, length_m - 12.0))
    corner_m = rng.uniform(14.0, 26.0)
    return float(
        rng.choice([length_m - corner_m, corner_m, length_m * rng.uniform(0.35, 0.65)], p=[0.45, 0.3, 0.25])
    )


def _kerb_m(ground: Ground, place: _Place, rng: np.random.Generator) -> FloatArray:
    """The stop's own place, on the right of the street."""
    line_m = ground.edge_line_m(place.edge)
    distance_m = geo.along_m(line_m)
    where = np.clip([place.edge_m - 5.0, place.edge_m, place.edge_m + 5.0], 0.0, distance_m[-1])
    before, here, after = geo.at(line_m, distance_m, where)
    ahead = (after - before) / max(float(np.hypot(*(after - before))), 1e-9)
    return np.asarray(here + (LANE_M + rng.uniform(*KERB_M)) * np.array([ahead[1], -ahead[0]]))


def _demand(ground: Ground, xy_m: FloatArray, is_terminal: BoolArray, rng: np.random.Generator) -> FloatArray:
    """People wait in the centre, around a handful of magnets, at terminals; elsewhere few."""
    magnets_m = rng.normal(0.0, 0.45 * ground.radius_m, (6, 2))
    gap_m = np.hypot(*(xy_m[:, None] - magnets_m[None]).transpose(2, 0, 1))
    pull = 0.8 * np.exp(-0.5 * (gap_m / 350.0) ** 2).sum(axis=1)
    pull += np.exp(-0.5 * (np.hypot(*xy_m.T) / (0.3 * ground.radius_m)) ** 2) + 0.4 + 0.5 * is_terminal
    weight = pull * rng.lognormal(0.0, 0.5, len(xy_m))
    return np.asarray(weight / weight.mean())


def _crossing_name(ground: Ground, place: _Place) -> str:
    """The street and the nearest one that crosses it."""
    near_start = place.edge_m < ground.length_m[place.edge] / 2
    node = int((ground.edge_from if near_start else ground.edge_to)[place.edge])
    touching = np.flatnonzero((ground.edge_from == node) | (ground.edge_to == node))
    street = int(ground.street[place.edge])
    others = [int(s) for s in ground.street[touching] if s != street]
    name = ground.street_name[street]
    if not others:
        return f"{name} s/n"
    cross = ground.street_name[others[0]]
    return f"{name} {'e' if cross.split()[-1][0] in 'IÍ' else 'y'} {cross}"
