"""Network and its public ids -> what pages and the map show of it: rows to read, and GeoJSON."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from transitmap.gtfs.feed.names import Names
from transitmap.model import DAY_TYPES, FloatArray, Ids, Network

DEGREE_DIGITS = 6


@dataclass(frozen=True)
class StopView:
    """One stop, by the name that the feed gives it."""

    id: str
    name: str
    lat_deg: float
    lon_deg: float
    heading_deg: float
    spread_m: float
    n_rides: int
    n_riders: int
    n_days: int
    confidence: float


@dataclass(frozen=True)
class CallView:
    """A pattern at one of its stops; `minutes` since the first."""

    stop: StopView
    minutes: int


@dataclass(frozen=True)
class HeadwayView:
    """How often a pattern comes on one kind of day between two clock times."""

    day_type: str
    start: str
    end: str
    minutes: int
    is_bound: bool


@dataclass(frozen=True)
class PatternView:
    """One direction or branch of a route."""

    id: str
    direction_id: int
    headsign: str
    n_rides: int
    n_riders: int
    n_days: int
    confidence: float
    length_m: float
    calls: tuple[CallView, ...]
    headways: tuple[HeadwayView, ...]
    points: list[list[float]]


@dataclass(frozen=True)
class RouteView:
    """One line. `name` is its short name, else its id; `colour` counts routes from 0."""

    id: str
    name: str
    long_name: str
    colour: int
    share_label: float | None
    patterns: tuple[PatternView, ...]

    @property
    def n_rides(self) -> int:
        """Rides of all its patterns."""
        return sum(pattern.n_rides for pattern in self.patterns)

    @property
    def n_stops(self) -> int:
        """Different stops of all its patterns."""
        return len({call.stop.id for pattern in self.patterns for call in pattern.calls})

    @property
    def headsigns(self) -> tuple[str, ...]:
        """Where it goes: the best known destination of each direction."""
        first: dict[int, str] = {}
        for pattern in self.patterns:
            first.setdefault(pattern.direction_id, pattern.headsign)
        return tuple(dict.fromkeys(first.values()))


@dataclass(frozen=True)
class Atlas:
    """A published network, ready to be shown. Days are ISO dates, local."""

    feed_id: str
    timezone: str
    first_day: str
    last_day: str
    routes: tuple[RouteView, ...]
    stops: tuple[StopView, ...]

    def route(self, route_id: str) -> RouteView | None:
        """The route of that id, None where there is none."""
        return next((route for route in self.routes if route.id == route_id), None)

    def stop(self, stop_id: str) -> StopView | None:
        """The stop of that id, None where there is none."""
        return next((stop for stop in self.stops if stop.id == stop_id), None)

    def geojson(self) -> str:
        """Patterns as lines and stops as points, RFC 7946, degrees to about 0.1 m."""
        features = [_line(route, pattern) for route in self.routes for pattern in route.patterns]
        features += [_point(stop) for stop in self.stops]
        collection = {"type": "FeatureCollection", "feed_version": self.feed_id, "features": features}
        return json.dumps(collection, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def make_atlas(network: Network, ids: Ids, names: Names, feed_id: str) -> Atlas:
    """The network in the order riders read it: routes and stops by name, 2 before 10."""
    stops = _stops(network, ids, names)
    patterns = [_pattern(network, row, ids, names, stops) for row in range(len(network.patterns))]
    shown = [short or ids.route_id[row] for row, short in enumerate(names.route_short)]
    order = sorted(range(len(shown)), key=lambda row: _natural(shown[row]))
    routes = tuple(
        RouteView(
            id=ids.route_id[row],
            name=shown[row],
            long_name=names.route_long[row],
            colour=colour,
            share_label=_known(network.routes.share_label[row]),
            patterns=_patterns_of(network, row, patterns),
        )
        for colour, row in enumerate(order)
    )
    listed = sorted(stops, key=lambda stop: _natural(stop.name))
    return Atlas(feed_id, network.timezone, network.first_day, network.last_day, routes, tuple(listed))


def _natural(name: str) -> list[tuple[int, int, str]]:
    """Sorts numbers inside names as numbers."""
    words = re.findall(r"[0-9]+|[^0-9]+", name)
    return [(0, int(word), "") if word[0] in "0123456789" else (1, 0, word.casefold()) for word in words]


def _stops(network: Network, ids: Ids, names: Names) -> list[StopView]:
    stops = network.stops
    columns = (
        ids.stop_id,
        names.stop,
        stops.lat_deg.tolist(),
        stops.lon_deg.tolist(),
        stops.heading_deg.tolist(),
        stops.spread_m.tolist(),
        stops.n_rides.tolist(),
        stops.n_riders.tolist(),
        stops.n_days.tolist(),
        stops.confidence.tolist(),
    )
    return [StopView(*row) for row in zip(*columns, strict=True)]


def _patterns_of(network: Network, route: int, patterns: list[PatternView]) -> tuple[PatternView, ...]:
    """The patterns of a route, each direction's best known first."""
    rows = np.flatnonzero(network.patterns.route_index == route)
    return tuple(sorted((patterns[row] for row in rows), key=lambda one: (one.direction_id, -one.n_rides)))


def _pattern(network: Network, row: int, ids: Ids, names: Names, stops: list[StopView]) -> PatternView:
    patterns, shapes = network.patterns, network.shapes
    calls = slice(patterns.call_start[row], patterns.call_start[row + 1])
    points = slice(shapes.point_start[row], shapes.point_start[row + 1])
    run_min = np.round(patterns.run_s[calls] / 60).astype(int).tolist()
    return PatternView(
        id=ids.pattern_id[row],
        direction_id=int(patterns.direction_id[row]),
        headsign=names.headsign[row],
        n_rides=int(patterns.n_rides[row]),
        n_riders=int(patterns.n_riders[row]),
        n_days=int(patterns.n_days[row]),
        confidence=float(patterns.confidence[row]),
        length_m=float(shapes.along_m[points][-1]),
        calls=tuple(
            CallView(stops[stop], minutes)
            for stop, minutes in zip(patterns.stop_index[calls], run_min, strict=True)
        ),
        headways=_headways(network, row),
        points=_positions(shapes.lat_deg[points], shapes.lon_deg[points]),
    )


def _headways(network: Network, pattern: int) -> tuple[HeadwayView, ...]:
    headways = network.headways
    rows = np.flatnonzero(headways.pattern_index == pattern)
    rows = rows[np.lexsort((headways.start_s[rows], headways.day_type[rows]))]
    return tuple(
        HeadwayView(
            DAY_TYPES[headways.day_type[row]],
            _clock(int(headways.start_s[row])),
            _clock(int(headways.end_s[row])),
            max(1, round(float(headways.headway_s[row]) / 60)),
            bool(headways.is_bound[row]),
        )
        for row in rows
    )


def _clock(day_s: int) -> str:
    return f"{day_s // 3600 % 24:02d}:{day_s // 60 % 60:02d}"


def _positions(lat_deg: FloatArray, lon_deg: FloatArray) -> list[list[float]]:
    """Longitude first, as GeoJSON wants it."""
    return [
        [float(lon), float(lat)] for lon, lat in np.round(np.column_stack([lon_deg, lat_deg]), DEGREE_DIGITS)
    ]


def _known(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _line(route: RouteView, pattern: PatternView) -> dict[str, Any]:
    properties = {
        "kind": "pattern",
        "pattern_id": pattern.id,
        "route_id": route.id,
        "name": route.name,
        "long_name": route.long_name,
        "direction_id": pattern.direction_id,
        "headsign": pattern.headsign,
        "colour": route.colour,
        "n_rides": pattern.n_rides,
        "n_riders": pattern.n_riders,
        "n_days": pattern.n_days,
        "confidence": round(pattern.confidence, 3),
        "stop_ids": [call.stop.id for call in pattern.calls],
    }
    return {
        "type": "Feature",
        "id": pattern.id,
        "properties": properties,
        "geometry": {"type": "LineString", "coordinates": pattern.points},
    }


def _point(stop: StopView) -> dict[str, Any]:
    spread = _known(stop.spread_m)
    heading = _known(stop.heading_deg)
    properties = {
        "kind": "stop",
        "stop_id": stop.id,
        "name": stop.name,
        "heading_deg": None if heading is None else round(heading),
        "spread_m": None if spread is None else round(spread, 1),
        "n_rides": stop.n_rides,
        "n_riders": stop.n_riders,
        "n_days": stop.n_days,
        "confidence": round(stop.confidence, 3),
    }
    place = [round(stop.lon_deg, DEGREE_DIGITS), round(stop.lat_deg, DEGREE_DIGITS)]
    return {
        "type": "Feature",
        "id": stop.id,
        "properties": properties,
        "geometry": {"type": "Point", "coordinates": place},
    }
