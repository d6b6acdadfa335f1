"""The city: streets, stops, routes and patterns with their true lines and timetables, from one seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from transitmap.geo import Plane
from transitmap.model import Columns, FloatArray, IntArray, Routes
from transitmap.simulate.config import SimulateConfig
from transitmap.simulate.ground import Ground, lay_streets
from transitmap.simulate.itineraries import Itinerary, draw_itineraries
from transitmap.simulate.kerb_stops import MIN_GAP_M, KerbStops, find_hail_edges, set_stops
from transitmap.simulate.lines import Line, draw_line


@dataclass(frozen=True, eq=False)
class TruePattern(Columns):
    """What vehicles of one pattern do: the line they drive, its limits, and the stops they pass.

    `line` is what they drive; `stop_index` and `call_m` (metres along it) are the calls, `hail_m` (n, 2) the
    stretches where vehicles halt anywhere. `edges` is the path over the ground, `share` the pattern's part of
    its route's departures.
    """

    route_index: int
    direction_id: int
    variant: str
    share: float
    headsign: str
    edges: IntArray
    line: Line
    hail_m: FloatArray
    stop_index: IntArray
    call_m: FloatArray


@dataclass(frozen=True, eq=False)
class City:
    """Everything true about a fictional city. Pattern i is `patterns[i]`, with stops in rows of `stops`.

    `headway_s` (pattern, day type, hour) is the planned time between departures, inf where nothing runs.
    """

    config: SimulateConfig
    plane: Plane
    ground: Ground
    stops: KerbStops
    routes: Routes
    patterns: tuple[TruePattern, ...]
    headway_s: FloatArray


def simulate_city(seed: int, config: SimulateConfig | None = None) -> City:
    """A city of its own for each seed; the same seed and settings give the same city.

    Raises:
        ConfigError: the settings describe no possible city.
    """
    config = (config or SimulateConfig()).check()
    rng = np.random.default_rng([seed, 1])
    ground = lay_streets(config, rng)
    itineraries = draw_itineraries(ground, config, rng)
    hail_edges = find_hail_edges(ground, itineraries, config, rng)
    stops = set_stops(ground, itineraries, hail_edges, config, rng)
    patterns = tuple(_draw_pattern(ground, line, stops, hail_edges) for line in itineraries)
    routes = _name_routes(itineraries, rng)
    headway_s = _plan_headways(patterns, len(routes), rng)
    return City(config, Plane(config.lat_deg, config.lon_deg), ground, stops, routes, patterns, headway_s)


def _draw_pattern(
    ground: Ground, itinerary: Itinerary, stops: KerbStops, hail_edges: set[int]
) -> TruePattern:
    """What vehicles do on one itinerary: its line, and the stops and hailing stretches along it."""
    path = list(itinerary.path)
    line = draw_line(ground, path)
    street_m = np.concatenate([[0.0], np.cumsum(ground.length_m[path])])
    stop_index, call_m = _calls(stops, path, street_m)
    return TruePattern(
        route_index=itinerary.route_index,
        direction_id=itinerary.direction_id,
        variant=itinerary.variant,
        share=itinerary.share,
        headsign=itinerary.headsign,
        edges=np.array(path),
        line=line,
        hail_m=np.interp(_hail_m(path, street_m, hail_edges), line.street_m, line.along_m),
        stop_index=stop_index,
        call_m=np.interp(call_m, line.street_m, line.along_m),
    )


def _hail_m(path: list[int], street_m: FloatArray, hail_edges: set[int]) -> FloatArray:
    """First and last metre of each unbroken hail-and-ride stretch."""
    flag = np.concatenate([[False], [edge in hail_edges for edge in path], [False]]).astype(int)
    change = np.diff(flag)
    return np.column_stack([street_m[np.flatnonzero(change == 1)], street_m[np.flatnonzero(change == -1)]])


def _calls(stops: KerbStops, path: list[int], street_m: FloatArray) -> tuple[IntArray, FloatArray]:
    """Stops on the path in order; of two closer than `MIN_GAP_M` the later is passed, terminals never."""
    rows: list[int] = []
    places_m: list[float] = []
    for place, edge in enumerate(path):
        for row in np.flatnonzero(stops.edge == edge):
            rows.append(int(row))
            places_m.append(float(street_m[place] + stops.edge_m[row]))
    keep = [0]
    for call in range(1, len(rows) - 1):
        if places_m[call] - places_m[keep[-1]] >= MIN_GAP_M and places_m[-1] - places_m[call] >= MIN_GAP_M:
            keep.append(call)
    keep.append(len(rows) - 1)
    return np.array(rows)[keep], np.array(places_m)[keep]


def _name_routes(itineraries: Sequence[Itinerary], rng: np.random.Generator) -> Routes:
    """Route numbers as painted on windscreens, and names by their ends."""
    n = max(line.route_index for line in itineraries) + 1
    numbers = rng.choice(np.arange(1, max(60, 3 * n)), n, replace=False)
    first = {line.route_index: line for line in reversed(itineraries) if line.direction_id == 0}
    return Routes(
        tuple(str(number) for number in numbers),
        tuple(f"{first[route].origin} - {first[route].headsign}" for route in range(n)),
        np.full(n, np.nan),
    )


HOUR_DEMAND = np.array(
    [
        0,
        0,
        0,
        0,
        0,
        0.45,
        0.8,
        1,
        0.95,
        0.7,
        0.6,
        0.6,
        0.7,
        0.85,
        0.85,
        0.75,
        0.75,
        0.9,
        1,
        0.9,
        0.65,
        0.45,
        0.3,
        0,
    ]
)
"""Service by hour of the day against the peak; nothing from 23 to 5."""
DAY_DEMAND = np.array([1.0, 0.75, 0.55])
PEAK_HEADWAY_S = (300.0, 900.0)


def _plan_headways(patterns: Sequence[TruePattern], n_routes: int, rng: np.random.Generator) -> FloatArray:
    """Planned headways: a route's at the peak, split among its patterns; short turns run in peaks only."""
    peak_s = rng.uniform(*PEAK_HEADWAY_S, n_routes)
    share = np.array([pattern.share for pattern in patterns])
    is_short = np.array([pattern.variant == "short" for pattern in patterns])
    route = np.array([pattern.route_index for pattern in patterns])
    service = DAY_DEMAND[:, None] * HOUR_DEMAND[None, :]
    rests = is_short[:, None, None] & ((HOUR_DEMAND < 0.8) | (DAY_DEMAND[:, None] < 0.7))[None]
    rate = np.where(rests, 0.0, (share / peak_s[route])[:, None, None] * service[None])
    with np.errstate(divide="ignore"):
        return np.asarray(1.0 / rate)
