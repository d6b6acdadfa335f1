"""What a feed runs -> layers of a map and flat tables: named columns with a type, and lines or points."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from transitmap.geo import Plane, along_m, piece
from transitmap.gtfs.export.patterns import Call, Pattern, Published, Route, number, whole
from transitmap.model import FloatArray

WEDNESDAY = 2
"""The day of the week whose departures are counted: an ordinary one."""
Values = list[Any]
Parts = tuple[FloatArray, ...]


class Column(NamedTuple):
    """Values of one type (str, int or float), None where nothing is known."""

    type: type
    values: Values


class Layer(NamedTuple):
    """A table of a map. `geometry` is Point, LineString, MultiLineString or empty for a table without.

    `parts` holds what each row is drawn as: arrays (n, 2) of longitude and latitude, one but for a
    MultiLineString.
    """

    name: str
    geometry: str
    columns: dict[str, Column]
    parts: tuple[Parts, ...]


def layers_of(feed: Published) -> tuple[Layer, ...]:
    """stops, patterns, routes and, as ways between two calls, the evidence with their geometry; calls and
    headways as tables.

    `n_rides`, `n_riders`, `n_days` and `confidence` are of the evidence, empty for a feed without. A number
    of departures is counted from the headways and therefore about right; hours whose headway nobody knows
    are not counted.
    """
    return (_stops(feed), _patterns(feed), _routes(feed), _calls(feed), _headways(feed), _evidence(feed))


def _table(rows: Iterable[Any], fields: dict[str, tuple[type, Callable[[Any], Any]]]) -> dict[str, Column]:
    """A column for each field: its type, and how a row tells it."""
    rows = list(rows)
    return {name: Column(kind, [told(row) for row in rows]) for name, (kind, told) in fields.items()}


def _seen(column: str, kind: type = int) -> tuple[type, Callable[[Any], Any]]:
    """A column of the evidence of a row."""
    read = whole if kind is int else number
    return kind, lambda row: read(row.evidence.get(column, ""))


SEEN = {
    "n_rides": _seen("n_rides"),
    "n_riders": _seen("n_riders"),
    "n_days": _seen("n_days"),
    "last_seen": (str, lambda row: row.evidence.get("last_seen") or None),
    "confidence": _seen("confidence", float),
}


def _stops(feed: Published) -> Layer:
    """A point a stop; what calls at the stops of a station calls at the station."""
    calling: dict[str, list[Pattern]] = {stop.stop_id: [] for stop in feed.stops}
    for pattern in feed.patterns:
        stops = dict.fromkeys(call.stop.stop_id for call in pattern.calls)
        stations = dict.fromkeys(call.stop.row.get("parent_station", "") for call in pattern.calls)
        for stop_id in stops | stations:
            calling.get(stop_id, []).append(pattern)
    fields = {
        "stop_id": (str, lambda stop: stop.stop_id),
        "stop_name": (str, lambda stop: stop.name),
        "stop_lat": (float, lambda stop: stop.lat_deg),
        "stop_lon": (float, lambda stop: stop.lon_deg),
        "location_type": (int, lambda stop: whole(stop.row.get("location_type", "")) or 0),
        "parent_station": (str, lambda stop: stop.row.get("parent_station") or None),
        "wheelchair_boarding": (int, lambda stop: whole(stop.row.get("wheelchair_boarding", ""))),
        "routes": (str, lambda stop: "; ".join(_names(calling[stop.stop_id])) or None),
        "n_routes": (int, lambda stop: len(_names(calling[stop.stop_id]))),
        "n_patterns": (int, lambda stop: len(calling[stop.stop_id])),
        "departures_wednesday": (int, lambda stop: _departures(feed, calling[stop.stop_id])),
        **SEEN,
        "spread_m": _seen("high", float),
    }
    points = tuple((np.array([[stop.lon_deg, stop.lat_deg]]),) for stop in feed.stops)
    return Layer("stops", "Point", _table(feed.stops, fields), points)


def _names(patterns: list[Pattern]) -> list[str]:
    """The routes of patterns, each once."""
    return list(dict.fromkeys(pattern.route.name for pattern in patterns))


def _departures(feed: Published, patterns: list[Pattern]) -> int | None:
    """How many vehicles leave on a Wednesday, None without a calendar or where nobody knows any headway."""
    running = {service for service, days in feed.days.items() if days[WEDNESDAY]}
    leaving = [service for one in patterns for service, _ in one.departures if service in running]
    windows = [window for one in patterns for window in one.windows if window.service_id in running]
    known = [window for window in windows if not window.is_unknown]
    if not feed.days or (windows and not known and not leaving):
        return None
    return len(leaving) + round(sum((one.end_s - one.start_s) / one.headway_s for one in known))


def _patterns(feed: Published) -> Layer:
    """A line a pattern, from its first stop to its last."""
    length_m = {pattern.pattern_id: _length_m(pattern.lon_lat) for pattern in feed.patterns}
    fields = {
        "pattern_id": (str, lambda one: one.pattern_id),
        "route_id": (str, lambda one: one.route.route_id),
        "route_short_name": (str, lambda one: one.route.short_name or None),
        "route_long_name": (str, lambda one: one.route.long_name or None),
        "route_color": (str, lambda one: one.route.colour or None),
        "trip_headsign": (str, lambda one: one.headsign or None),
        "direction_id": (int, lambda one: whole(one.direction_id)),
        "shape_id": (str, lambda one: one.shape_id or None),
        "first_stop": (str, lambda one: one.calls[0].stop.name),
        "last_stop": (str, lambda one: one.calls[-1].stop.name),
        "n_stops": (int, lambda one: len(one.calls)),
        "length_m": (float, lambda one: length_m[one.pattern_id]),
        "run_s": (int, lambda one: one.calls[-1].offset_s),
        "run_low_s": _seen("low"),
        "run_high_s": _seen("high"),
        "speed_km_h": (float, lambda one: _speed(length_m[one.pattern_id], one.calls[-1].offset_s)),
        "services": (str, lambda one: " ".join(one.services)),
        "headway_min_s": (int, lambda one: min(_known_s(one), default=None)),
        "headway_max_s": (int, lambda one: max(_known_s(one), default=None)),
        "departures_wednesday": (int, lambda one: _departures(feed, [one])),
        **SEEN,
    }
    lines = tuple((one.lon_lat,) for one in feed.patterns)
    return Layer("patterns", "LineString", _table(feed.patterns, fields), lines)


def _known_s(pattern: Pattern) -> list[int]:
    """The headways that somebody knows."""
    return [window.headway_s for window in pattern.windows if not window.is_unknown]


def _length_m(lon_lat: FloatArray) -> float:
    lat_deg, lon_deg = lon_lat[:, 1], lon_lat[:, 0]
    return round(float(along_m(Plane.around(lat_deg, lon_deg).to_metres(lat_deg, lon_deg))[-1]), 1)


def _speed(length_m: float, run_s: int | None) -> float | None:
    return round(length_m / run_s * 3.6, 1) if run_s else None


def _routes(feed: Published) -> Layer:
    """The lines of all patterns of a route as one; a route without a pattern is nowhere and left out."""
    of: dict[str, list[Pattern]] = {}
    for pattern in feed.patterns:
        of.setdefault(pattern.route.route_id, []).append(pattern)
    routes = [route for route in feed.routes if route.route_id in of]

    def mine(route: Route) -> list[Pattern]:
        return of[route.route_id]

    fields = {
        "route_id": (str, lambda route: route.route_id),
        "agency_id": (str, lambda route: route.row.get("agency_id") or None),
        "route_short_name": (str, lambda route: route.short_name or None),
        "route_long_name": (str, lambda route: route.long_name or None),
        "route_type": (int, lambda route: whole(route.row.get("route_type", ""))),
        "route_color": (str, lambda route: route.colour or None),
        "fare": (str, lambda route: route.fare or None),
        "n_patterns": (int, lambda route: len(mine(route))),
        "n_stops": (int, lambda route: len(_stops_of(mine(route)))),
        "departures_wednesday": (int, lambda route: _departures(feed, mine(route))),
        "n_rides": (int, lambda route: _total(mine(route), "n_rides")),
    }
    lines = tuple(tuple(one.lon_lat for one in mine(route)) for route in routes)
    return Layer("routes", "MultiLineString", _table(routes, fields), lines)


def _stops_of(patterns: list[Pattern]) -> set[str]:
    return {call.stop.stop_id for pattern in patterns for call in pattern.calls}


def _total(patterns: list[Pattern], column: str) -> int | None:
    """A sum over patterns (a ride belongs to one), None where one of them is not known."""
    counts = [whole(one.evidence.get(column, "")) for one in patterns]
    return None if None in counts else sum(count for count in counts if count is not None)


def _calls(feed: Published) -> Layer:
    """A row for each call of each pattern."""
    rows = [(one, k, call) for one in feed.patterns for k, call in enumerate(one.calls, start=1)]
    fields = {
        "pattern_id": (str, lambda row: row[0].pattern_id),
        "stop_sequence": (int, lambda row: row[1]),
        "stop_id": (str, lambda row: row[2].stop.stop_id),
        "stop_name": (str, lambda row: row[2].stop.name),
        "along_m": (float, lambda row: row[2].along_m),
        "since_first_s": (int, lambda row: row[2].offset_s),
        "hail_to_next": (int, lambda row: int(row[2].is_hail)),
    }
    return Layer("calls", "", _table(rows, fields), ())


def _headways(feed: Published) -> Layer:
    """A row for each window; where `headway_is` unknown, `headway_s` is a number the feed needs, no more."""
    rows = [(pattern, window) for pattern in feed.patterns for window in pattern.windows]
    fields = {
        "pattern_id": (str, lambda row: row[0].pattern_id),
        "service_id": (str, lambda row: row[1].service_id),
        "start_s": (int, lambda row: row[1].start_s),
        "end_s": (int, lambda row: row[1].end_s),
        "headway_s": (int, lambda row: row[1].headway_s),
        "headway_is": (str, lambda row: "unknown" if row[1].is_unknown else "about"),
        "low_s": (float, lambda row: row[1].low_s),
        "high_s": (float, lambda row: row[1].high_s),
        "n_vehicles": (int, lambda row: row[1].n_vehicles),
        "n_riders": (int, lambda row: whole(row[1].evidence.get("n_riders", ""))),
        "n_days": (int, lambda row: whole(row[1].evidence.get("n_days", ""))),
        "last_seen": (str, lambda row: row[1].evidence.get("last_seen") or None),
    }
    return Layer("headways", "", _table(rows, fields), ())


class _Way(NamedTuple):
    """From one call of a pattern to the next, and the evidence of it."""

    pattern: Pattern
    stop_sequence: int
    here: Call
    there: Call
    evidence: dict[str, str]


def _evidence(feed: Published) -> Layer:
    """A line for each way between two calls that the evidence knows: no row for a feed without."""
    ways = [
        _Way(pattern, k, here, there, here.onward)
        for pattern in feed.patterns
        for k, (here, there) in enumerate(pairwise(pattern.calls), start=1)
        if here.onward
    ]
    fields = {
        "segment_id": (str, lambda way: way.evidence["id"]),
        "pattern_id": (str, lambda way: way.pattern.pattern_id),
        "route_id": (str, lambda way: way.pattern.route.route_id),
        "route_short_name": (str, lambda way: way.pattern.route.short_name or None),
        "direction_id": (int, lambda way: whole(way.pattern.direction_id)),
        "stop_sequence": (int, lambda way: way.stop_sequence),
        "from_stop_id": (str, lambda way: way.here.stop.stop_id),
        "from_stop_name": (str, lambda way: way.here.stop.name),
        "to_stop_id": (str, lambda way: way.there.stop.stop_id),
        "to_stop_name": (str, lambda way: way.there.stop.name),
        "hail": (int, lambda way: int(way.here.is_hail)),
        **SEEN,
    }
    return Layer("evidence", "LineString", _table(ways, fields), tuple((_line(way),) for way in ways))


def _line(way: _Way) -> FloatArray:
    """The pattern's line between the calls, straight where nobody says how far along it they lie."""
    lon_lat, first_m, last_m = way.pattern.lon_lat, way.here.along_m, way.there.along_m
    if first_m is None or last_m is None or first_m >= last_m:
        return np.array([(one.stop.lon_deg, one.stop.lat_deg) for one in (way.here, way.there)])
    plane = Plane.around(lon_lat[:, 1], lon_lat[:, 0])
    line_m = plane.to_metres(lon_lat[:, 1], lon_lat[:, 0])
    lat_deg, lon_deg = plane.to_degrees(piece(line_m, along_m(line_m), first_m, last_m))
    return np.column_stack([lon_deg, lat_deg])
