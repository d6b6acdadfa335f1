"""Tables -> Chart: what a rider finds in a feed, as columns: stops, routes, patterns, times, headways."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from transitmap.gtfs.diff.asking import numbers, seconds, texts
from transitmap.gtfs.diff.cadence import Trips, Windows, find_windows
from transitmap.model import BoolArray, Columns, FloatArray, IntArray, Tables


@dataclass(frozen=True, eq=False)
class Chart(Columns):
    """Stops that vehicles call at, routes, and patterns ragged by `call_start` and `point_start`.

    A pattern is a route, a direction, a shape and a chain of stops, whatever the number of its trips;
    `run_s` is the median of their running times from end to end, `call_s` that of each call since the first
    departure (NaN where the feed tells none). Patterns that `is_timetabled` have their windows from
    departures, the others from frequencies.txt.
    """

    stop_id: tuple[str, ...]
    stop_name: tuple[str, ...]
    stop_lat_deg: FloatArray
    stop_lon_deg: FloatArray
    route_id: tuple[str, ...]
    route_short: tuple[str, ...]
    route_long: tuple[str, ...]
    pattern_id: tuple[str, ...]
    shape_id: tuple[str, ...]
    route_index: IntArray
    direction: tuple[str, ...]
    headsign: tuple[str, ...]
    run_s: FloatArray
    is_timetabled: BoolArray
    call_start: IntArray
    stop_index: IntArray
    call_s: FloatArray
    point_start: IntArray
    lat_deg: FloatArray
    lon_deg: FloatArray
    windows: Windows

    def route_name(self, route: int) -> str:
        """The short name of a route, else the long one, else its id."""
        return self.route_short[route] or self.route_long[route] or self.route_id[route]

    def told_name(self, route: int) -> str:
        """What people call a route, in small letters; empty where nobody told."""
        return (self.route_short[route] or self.route_long[route]).casefold()

    def route_names(self, route: int) -> str:
        """Both names of a route."""
        return " · ".join(filter(None, (self.route_short[route], self.route_long[route])))

    def calls(self, pattern: int) -> IntArray:
        """The stops of a pattern, in order."""
        return self.stop_index[self.call_start[pattern] : self.call_start[pattern + 1]]

    def line(self, pattern: int) -> tuple[FloatArray, FloatArray]:
        """Latitudes and longitudes of a pattern's line."""
        span = slice(self.point_start[pattern], self.point_start[pattern + 1])
        return self.lat_deg[span], self.lon_deg[span]


class _Key(NamedTuple):
    """What the trips of a pattern have in common."""

    route: int
    direction: str
    shape_id: str
    chain: tuple[int, ...]


def draw_chart(tables: Tables) -> Chart:
    """What a rider finds in a feed; rows that refer to nothing, or cannot be read, are left out.

    Stations and entrances are no stops here. Pure, and in the order of ids: two feeds of one content give
    one chart, however their rows are sorted. Memory O(rows of stop_times.txt).
    """
    stops, routes = _stops(tables), _routes(tables)
    keys, trips = _trips(tables, stops, routes)
    lines = _lines(tables, stops, keys)
    ids = _pattern_ids(keys, trips)
    windows, is_timetabled = find_windows(tables, trips, len(keys))
    return Chart(
        stop_id=tuple(stops),
        stop_name=tuple(name for name, _, _ in stops.values()),
        stop_lat_deg=np.array([lat for _, lat, _ in stops.values()], dtype=float),
        stop_lon_deg=np.array([lon for _, _, lon in stops.values()], dtype=float),
        route_id=tuple(routes),
        route_short=tuple(short for short, _ in routes.values()),
        route_long=tuple(long for _, long in routes.values()),
        pattern_id=ids,
        shape_id=tuple(key.shape_id for key in keys),
        route_index=np.array([key.route for key in keys], dtype=np.int64),
        direction=tuple(key.direction for key in keys),
        headsign=_headsigns(trips, len(keys)),
        run_s=_medians(trips, len(keys)),
        is_timetabled=is_timetabled,
        call_start=_starts([key.chain for key in keys]),
        stop_index=np.array([stop for key in keys for stop in key.chain], dtype=np.int64),
        call_s=_call_medians(trips, keys),
        point_start=_starts(lines),
        lat_deg=np.concatenate([np.zeros(0), *(line[:, 0] for line in lines)]),
        lon_deg=np.concatenate([np.zeros(0), *(line[:, 1] for line in lines)]),
        windows=windows,
    )


def _starts(parts: Sequence[Sequence[int]] | Sequence[FloatArray]) -> IntArray:
    return np.cumsum([0, *(len(part) for part in parts)]).astype(np.int64)


def _stops(tables: Tables) -> dict[str, tuple[str, float, float]]:
    """Name and place of every stop, by its id."""
    rows = zip(
        texts(tables, "stops.txt", "stop_id"),
        texts(tables, "stops.txt", "stop_name"),
        numbers(tables, "stops.txt", "stop_lat").tolist(),
        numbers(tables, "stops.txt", "stop_lon").tolist(),
        texts(tables, "stops.txt", "location_type"),
        strict=True,
    )
    return {
        stop_id: (name, lat, lon)
        for stop_id, name, lat, lon, kind in sorted(rows)
        if kind in ("", "0") and np.isfinite(lat) and np.isfinite(lon)
    }


def _routes(tables: Tables) -> dict[str, tuple[str, str]]:
    """Short and long name of every route, by its id."""
    names = ("route_id", "route_short_name", "route_long_name")
    rows = zip(*(texts(tables, "routes.txt", name) for name in names), strict=True)
    return {route_id: (short, long) for route_id, short, long in sorted(rows)}


def _trips(
    tables: Tables, stops: dict[str, tuple[str, float, float]], routes: dict[str, tuple[str, str]]
) -> tuple[list[_Key], Trips]:
    """The patterns of a feed, sorted, and the trips that run them."""
    row_of = {stop_id: row for row, stop_id in enumerate(stops)}
    route_of = {route_id: row for row, route_id in enumerate(routes)}
    calls = _calls(tables, row_of)
    names = ("trip_id", "route_id", "service_id", "trip_headsign", "direction_id", "shape_id")
    rows = sorted(zip(*(texts(tables, "trips.txt", name) for name in names), strict=True))
    found = [
        (_Key(route_of[route], direction, shape, calls[trip][0]), trip, service, headsign, calls[trip][1])
        for trip, route, service, headsign, direction, shape in rows
        if trip in calls and route in route_of
    ]
    keys = sorted({key for key, *_ in found})
    index = {key: row for row, key in enumerate(keys)}
    return keys, Trips(
        trip_id=[trip for _, trip, *_ in found],
        service=[service for _, _, service, *_ in found],
        headsign=[headsign for _, _, _, headsign, _ in found],
        pattern=np.array([index[key] for key, *_ in found], dtype=np.int64),
        leave_s=np.array([call_s[0] for *_, call_s in found], dtype=float),
        call_s=[call_s - call_s[0] for *_, call_s in found],
    )


def _calls(tables: Tables, row_of: dict[str, int]) -> dict[str, tuple[tuple[int, ...], FloatArray]]:
    """For each trip of two calls or more its chain of stops, its first departure and later arrivals."""
    file = "stop_times.txt"
    trip_id, trip = np.unique(np.array(texts(tables, file, "trip_id"), dtype=str), return_inverse=True)
    stop = np.array([row_of.get(one, -1) for one in texts(tables, file, "stop_id")], dtype=np.int64)
    order = np.lexsort((numbers(tables, file, "stop_sequence"), trip))
    order = order[stop[order] >= 0]
    start = np.searchsorted(trip[order], np.arange(len(trip_id) + 1))
    leave_s = seconds(tables, file, "departure_time")[order]
    arrive_s = seconds(tables, file, "arrival_time")[order]
    is_first = np.isin(np.arange(len(order)), start)
    call_s, chain = np.where(is_first, leave_s, arrive_s), stop[order].tolist()
    return {
        name: (tuple(chain[first:last]), call_s[first:last])
        for name, first, last in zip(trip_id.tolist(), start[:-1], start[1:], strict=True)
        if last - first >= 2
    }


def _pattern_ids(keys: list[_Key], trips: Trips) -> tuple[str, ...]:
    """The shape's id where only this pattern has the shape, else the first of its trips."""
    n_patterns = Counter(key.shape_id for key in keys)
    first = dict(zip(reversed(trips.pattern.tolist()), reversed(trips.trip_id), strict=True))
    return tuple(
        key.shape_id if key.shape_id and n_patterns[key.shape_id] == 1 else first[row]
        for row, key in enumerate(keys)
    )


def _headsigns(trips: Trips, n: int) -> tuple[str, ...]:
    """The headsign most trips of each pattern show."""
    shown: list[dict[str, int]] = [{} for _ in range(n)]
    for pattern, headsign in zip(trips.pattern.tolist(), trips.headsign, strict=True):
        shown[pattern][headsign] = shown[pattern].get(headsign, 0) + 1
    return tuple(max(sorted(one), key=one.__getitem__) for one in shown)


def _medians(trips: Trips, n: int) -> FloatArray:
    """The median running time of each pattern, NaN where no trip tells one."""
    run_s = np.array([call_s[-1] for call_s in trips.call_s], dtype=float)
    told = np.isfinite(run_s)
    parts = [run_s[told & (trips.pattern == row)] for row in range(n)]
    return np.array([np.median(part) if len(part) else np.nan for part in parts], dtype=float)


def _call_medians(trips: Trips, keys: Sequence[_Key]) -> FloatArray:
    """The median time of each call of each pattern since the first departure, NaN where a trip tells none."""
    rows: list[list[FloatArray]] = [[] for _ in keys]
    for pattern, call_s in zip(trips.pattern.tolist(), trips.call_s, strict=True):
        rows[pattern].append(call_s)
    return np.concatenate([np.zeros(0), *(np.median(np.array(one), axis=0) for one in rows)])


def _lines(tables: Tables, stops: dict[str, tuple[str, float, float]], keys: list[_Key]) -> list[FloatArray]:
    """(n, 2) latitudes and longitudes of each pattern: its shape, else straight from stop to stop."""
    places = np.array([(lat, lon) for _, lat, lon in stops.values()], dtype=float).reshape(-1, 2)
    names = ("shape_pt_sequence", "shape_pt_lat", "shape_pt_lon")
    rank, lat_deg, lon_deg = (numbers(tables, "shapes.txt", name) for name in names)
    ids = np.array(texts(tables, "shapes.txt", "shape_id"), dtype=str)
    shape_id, shape = np.unique(ids, return_inverse=True)
    order = np.lexsort((rank, shape))
    order = order[np.isfinite(lat_deg[order]) & np.isfinite(lon_deg[order])]
    pieces = np.split(order, np.searchsorted(shape[order], np.arange(1, max(len(shape_id), 1))))
    shapes = {name: piece for name, piece in zip(shape_id.tolist(), pieces, strict=False) if len(piece) > 1}
    return [
        np.column_stack([lat_deg[shapes[key.shape_id]], lon_deg[shapes[key.shape_id]]])
        if key.shape_id in shapes
        else places[list(key.chain)]
        for key in keys
    ]
