"""A feed on disk -> FeedMap: its stops, patterns, lines and headways as columns on a plane."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np

from transitmap import geo
from transitmap.gtfs.read import FeedUnreadable, read_tables
from transitmap.model import BoolArray, Columns, FloatArray, IntArray, Tables

EVER = (date(1900, 1, 1), date(9999, 12, 1))
"""First and last day of what runs without one."""
HOURS = 30
"""Hours of a service day that headways are told for: GTFS days run past midnight."""
SHAPE_STEP_M = 10.0


@dataclass(frozen=True, eq=False)
class FeedMap(Columns):
    """What a feed says: stops that some trip calls at; patterns, ragged by `call_start` and `point_start`.

    A pattern is a route, a direction, a line and a chain of stops; `trip_ids` are its trips. `offset_s` are
    seconds since the first call (NaN where the feed is silent), `call_m` how far along its line a call lies.
    `headway_s` (patterns, HOURS) is that of a Wednesday, NaN where nothing is said. `n_visits`, `n_rides` and
    `n_aboard` stand in the truth of simulated rides only and are NaN elsewhere.
    """

    stop_id: tuple[str, ...]
    stop_m: FloatArray
    n_visits: FloatArray
    route_id: tuple[str, ...]
    route_name: tuple[str, ...]
    trip_ids: tuple[tuple[str, ...], ...]
    route_index: IntArray
    direction: tuple[str, ...]
    n_rides: FloatArray
    call_start: IntArray
    stop_index: IntArray
    call_m: FloatArray
    offset_s: FloatArray
    n_aboard: FloatArray
    point_start: IntArray
    point_m: FloatArray
    headway_s: FloatArray

    def __len__(self) -> int:
        return len(self.route_index)

    def line_m(self, pattern: int) -> FloatArray:
        """The (n, 2) line of a pattern."""
        return self.point_m[self.point_start[pattern] : self.point_start[pattern + 1]]

    def calls(self, pattern: int) -> slice:
        """Rows of the calls of a pattern."""
        return slice(int(self.call_start[pattern]), int(self.call_start[pattern + 1]))

    def pattern_of(self) -> dict[str, int]:
        """The pattern of each trip."""
        return {trip: pattern for pattern, trips in enumerate(self.trip_ids) for trip in trips}


class _Calls(NamedTuple):
    """Rows of stop_times.txt in the order of trips and calls; trip i has `start[i]:start[i + 1]`."""

    trip_id: list[str]
    start: IntArray
    stop_index: IntArray
    arrival_s: FloatArray
    departure_s: FloatArray
    n_aboard: FloatArray


class _Stops(NamedTuple):
    """Stops that are called at: rows of stops.txt, ids and places."""

    row: IntArray
    stop_id: tuple[str, ...]
    xy_m: FloatArray


def read_feed_map(path: Path, plane: geo.Plane | None = None) -> tuple[FeedMap, geo.Plane]:
    """A feed on a plane, its own (around its stops) unless one is given.

    Trips without two calls are left out; a trip without a line of its own runs straight from stop to stop.

    Raises:
        FeedUnreadable: no feed, or one that lacks stops, trips, calls or a column they need.
    """
    tables = read_tables(path)
    table = _Reader(path.name, tables)
    used = sorted(set(table.texts("stop_times.txt", "stop_id")))
    row_of = {stop_id: row for row, stop_id in enumerate(table.texts("stops.txt", "stop_id"))}
    if missing := [stop_id for stop_id in used if stop_id not in row_of]:
        raise FeedUnreadable(f"{path.name}: stop_times.txt has stop {missing[0]}, stops.txt has not")
    rows = np.array([row_of[stop_id] for stop_id in used], dtype=np.int64)
    degrees = [table.numbers("stops.txt", name)[rows] for name in ("stop_lat", "stop_lon")]
    if not len(rows) or not np.isfinite(degrees).all():
        raise FeedUnreadable(f"{path.name}: {len(rows)} stops in use, or one of them has no place")
    plane = plane or geo.Plane.around(*degrees)
    stops = _Stops(rows, tuple(used), plane.to_metres(*degrees))
    return _map(table, stops, _read_calls(table, {one: k for k, one in enumerate(used)}), plane), plane


class _Reader:
    """Columns of tables; a table or column that must be there and is not ends the reading."""

    def __init__(self, name: str, tables: Tables) -> None:
        self.name, self.tables = name, tables

    def texts(self, file: str, column: str, default: str | None = None) -> list[str]:
        """A column's values, all `default` where it is missing."""
        table = self.tables.get(file, {})
        if column in table:
            return table[column]
        if default is None:
            raise FeedUnreadable(f"{self.name}: {file} has no column {column}")
        return [default] * len(next(iter(table.values()), []))

    def numbers(self, file: str, column: str, default: str | None = None) -> FloatArray:
        """A column of numbers, NaN where there is none."""
        return np.array([_number(text) for text in self.texts(file, column, default)], dtype=float)

    def seconds(self, file: str, column: str, default: str | None = None) -> FloatArray:
        """A column of times of the day, NaN where there is none."""
        texts = self.texts(file, column, default)
        known = {text: _seconds(text) for text in set(texts)}
        return np.array([known[text] for text in texts], dtype=float)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def _seconds(text: str) -> float:
    parts = [_number(part) for part in text.split(":")]
    return parts[0] * 3600 + parts[1] * 60 + parts[2] if len(parts) == 3 else float("nan")


def _read_calls(table: _Reader, index: dict[str, int]) -> _Calls:
    file = "stop_times.txt"
    names, trip = np.unique(np.array(table.texts(file, "trip_id")), return_inverse=True)
    order = np.lexsort((table.numbers(file, "stop_sequence"), trip))
    start = np.searchsorted(trip[order], np.arange(len(names) + 1))
    stop_index = np.array([index[stop_id] for stop_id in table.texts(file, "stop_id")], dtype=np.int64)
    return _Calls(
        trip_id=names.tolist(),
        start=start.astype(np.int64),
        stop_index=stop_index[order],
        arrival_s=table.seconds(file, "arrival_time", "")[order],
        departure_s=table.seconds(file, "departure_time", "")[order],
        n_aboard=table.numbers(file, "riders_aboard", "")[order],
    )


def _map(table: _Reader, stops: _Stops, calls: _Calls, plane: geo.Plane) -> FeedMap:
    """Trips put together into patterns."""
    spans = {trip: slice(calls.start[k], calls.start[k + 1]) for k, trip in enumerate(calls.trip_id)}
    trips_of = _patterns(table, calls, spans)
    trip_ids, firsts = tuple(trips_of.values()), [spans[trips[0]] for trips in trips_of.values()]
    stop_index = [calls.stop_index[span] for span in firsts]
    stop_m = [stops.xy_m[chain] for chain in stop_index]
    lines = _lines(table, [key.shape_id for key in trips_of], stop_m, plane)
    route_id = tuple(sorted({key.route_id for key in trips_of}))
    trip = table.texts("trips.txt", "trip_id")
    rides = dict(zip(trip, table.numbers("trips.txt", "rides", ""), strict=True))
    return FeedMap(
        stop_id=stops.stop_id,
        stop_m=stops.xy_m,
        n_visits=table.numbers("stops.txt", "expected_visits", "")[stops.row],
        route_id=route_id,
        route_name=_route_names(table, route_id),
        trip_ids=trip_ids,
        route_index=np.array([route_id.index(key.route_id) for key in trips_of], dtype=np.int64),
        direction=tuple(key.direction for key in trips_of),
        n_rides=np.array([rides[trips[0]] for trips in trip_ids], dtype=float),
        call_start=_starts(stop_index),
        stop_index=np.concatenate(stop_index),
        call_m=np.concatenate([place_calls(*pair) for pair in zip(stop_m, lines, strict=True)]),
        offset_s=np.concatenate([_offsets_s(calls, [spans[one] for one in trips]) for trips in trip_ids]),
        n_aboard=np.concatenate([calls.n_aboard[span] for span in firsts]),
        point_start=_starts(lines),
        point_m=np.concatenate(lines),
        headway_s=_headways_s(table, calls, trip_ids, spans),
    )


class _Key(NamedTuple):
    """What the trips of a pattern have in common."""

    route_id: str
    direction: str
    shape_id: str
    chain: bytes


def _patterns(table: _Reader, calls: _Calls, spans: dict[str, slice]) -> dict[_Key, tuple[str, ...]]:
    """The trips of each pattern, in the order of the feed."""
    columns = [table.texts("trips.txt", "trip_id"), table.texts("trips.txt", "route_id")]
    columns += [table.texts("trips.txt", name, "") for name in ("direction_id", "shape_id")]
    found: dict[_Key, list[str]] = {}
    for trip, route_id, direction, shape_id in zip(*columns, strict=True):
        span = spans.get(trip)
        if span is not None and span.stop - span.start >= 2:
            key = _Key(route_id, direction, shape_id, calls.stop_index[span].tobytes())
            found.setdefault(key, []).append(trip)
    if not found:
        raise FeedUnreadable(f"{table.name}: no trip has two calls")
    return {key: tuple(trips) for key, trips in found.items()}


def _starts(parts: list[FloatArray] | list[IntArray]) -> IntArray:
    return np.concatenate([[0], np.cumsum([len(part) for part in parts])]).astype(np.int64)


def _route_names(table: _Reader, route_ids: tuple[str, ...]) -> tuple[str, ...]:
    """The short name of each route, else the long one, else its id."""
    columns = [table.texts("routes.txt", "route_id")]
    columns += [table.texts("routes.txt", f"route_{kind}_name", "") for kind in ("short", "long")]
    names = {route_id: short or long for route_id, short, long in zip(*columns, strict=True)}
    return tuple(names.get(route_id) or route_id for route_id in route_ids)


def _lines(
    table: _Reader, shape_ids: list[str], stop_m: list[FloatArray], plane: geo.Plane
) -> list[FloatArray]:
    """The line of each pattern: its shape, else straight from stop to stop."""
    shapes: dict[str, FloatArray] = {}
    if table.tables.get("shapes.txt"):
        names = ("shape_pt_lat", "shape_pt_lon", "shape_pt_sequence")
        lat_deg, lon_deg, place = (table.numbers("shapes.txt", name) for name in names)
        ids, shape = np.unique(np.array(table.texts("shapes.txt", "shape_id")), return_inverse=True)
        order = np.lexsort((place, shape))
        xy_m = plane.to_metres(lat_deg[order], lon_deg[order])
        pieces = np.split(xy_m, np.searchsorted(shape[order], np.arange(1, len(ids))))
        shapes = {
            name: piece[np.isfinite(piece).all(axis=1)] for name, piece in zip(ids, pieces, strict=True)
        }
    lines = [shapes.get(shape_id, straight_m) for shape_id, straight_m in zip(shape_ids, stop_m, strict=True)]
    return [line if len(line) >= 2 else straight for line, straight in zip(lines, stop_m, strict=True)]


def place_calls(stop_m: FloatArray, line_m: FloatArray) -> FloatArray:
    """How far along a line each of its stops lies, never running back: least distance off in total.

    Memory O(stops x metres of line / SHAPE_STEP_M).
    """
    dense_m = geo.resample(line_m, SHAPE_STEP_M)
    off_m = np.hypot(*(stop_m[:, None, :] - dense_m[None, :, :]).transpose(2, 0, 1))
    total_m = np.empty_like(off_m)
    total_m[0] = off_m[0]
    for call in range(1, len(stop_m)):
        total_m[call] = off_m[call] + np.minimum.accumulate(total_m[call - 1])
    place = np.empty(len(stop_m), dtype=np.int64)
    last = len(dense_m) - 1
    for call in range(len(stop_m) - 1, -1, -1):
        last = int(np.argmin(total_m[call, : last + 1]))
        place[call] = last
    return geo.along_m(dense_m)[place]


def _offsets_s(calls: _Calls, trips: list[slice]) -> FloatArray:
    """Mean seconds since the first call over the trips of a pattern."""
    since_s = np.array([calls.arrival_s[one] - calls.departure_s[one.start] for one in trips])
    known: BoolArray = np.isfinite(since_s)
    total_s = np.where(known, since_s, 0.0).sum(axis=0)
    return np.where(known.any(axis=0), total_s / np.maximum(known.sum(axis=0), 1), np.nan)


def _headways_s(
    table: _Reader, calls: _Calls, patterns: tuple[tuple[str, ...], ...], spans: dict[str, slice]
) -> FloatArray:
    """(patterns, HOURS): an hour over the departures in it, or what frequencies.txt says of its middle."""
    runs = _on_a_wednesday(table)
    row_of = {trip: row for row, trips in enumerate(patterns) for trip in trips if trip in runs}
    windows = _windows(table)
    middle_s = 3600.0 * np.arange(HOURS) + 1800.0
    rate = np.zeros((len(patterns), HOURS))
    for trip, start_s, end_s, headway_s in windows:
        if trip in row_of and headway_s > 0:
            rate[row_of[trip]] += ((middle_s >= start_s) & (middle_s < end_s)) / headway_s
    for trip in row_of.keys() - {trip for trip, *_ in windows}:
        leave_s = calls.departure_s[spans[trip].start]
        if 0 <= leave_s < 3600 * HOURS:
            rate[row_of[trip], int(leave_s // 3600)] += 1.0 / 3600.0
    return np.where(rate > 0, 1.0 / np.maximum(rate, 1e-12), np.nan)


def _windows(table: _Reader) -> list[tuple[str, float, float, float]]:
    """Rows of frequencies.txt: trip, start, end, headway."""
    file = "frequencies.txt"
    if not table.tables.get(file):
        return []
    times_s = [table.seconds(file, name).tolist() for name in ("start_time", "end_time")]
    said_s = table.numbers(file, "headway_secs").tolist()
    return list(zip(table.texts(file, "trip_id"), *times_s, said_s, strict=True))


def _on_a_wednesday(table: _Reader) -> set[str]:
    """Trips of the Wednesday on which most run, by calendar.txt and calendar_dates.txt; all of them where
    none runs on any."""
    columns = [table.texts("trips.txt", name, "") for name in ("trip_id", "service_id")]
    trips = list(zip(*columns, strict=True))
    n_trips = Counter(service for _, service in trips)
    weekly, other = _weekly(table), _exceptions(table)
    best: set[str] = set()
    for day in _wednesdays(weekly, other):
        runs = {service for service, first, last in weekly if first <= day <= last}
        runs = (runs | other.get((day, "1"), set())) - other.get((day, "2"), set())
        best = max(best, runs, key=lambda services: sum(n_trips[service] for service in services))
    return {trip for trip, service in trips if service in best} or {trip for trip, _ in trips}


def _weekly(table: _Reader) -> list[tuple[str, date, date]]:
    """Services of calendar.txt that run on Wednesdays, with their first and last day."""
    names = "service_id", "wednesday", "start_date", "end_date"
    columns = [table.texts("calendar.txt", name, "") for name in names]
    return [
        (service, _day(first) or EVER[0], min(_day(last) or EVER[1], EVER[1]))
        for service, runs_then, first, last in zip(*columns, strict=True)
        if runs_then == "1"
    ]


def _exceptions(table: _Reader) -> dict[tuple[date, str], set[str]]:
    """Services of calendar_dates.txt by day and kind: "1" runs, "2" does not."""
    names = "date", "exception_type", "service_id"
    columns = [table.texts("calendar_dates.txt", name, "") for name in names]
    found: dict[tuple[date, str], set[str]] = {}
    for said, kind, service in zip(*columns, strict=True):
        day = _day(said)
        if day is not None:
            found.setdefault((day, kind), set()).add(service)
    return found


def _wednesdays(weekly: list[tuple[str, date, date]], other: dict[tuple[date, str], set[str]]) -> list[date]:
    """The first Wednesday after each change of what runs: no other has a service of its own."""
    days = [first for _, first, _ in weekly] + [last + timedelta(days=1) for _, _, last in weekly]
    days += [day + timedelta(days=more) for day, _ in other for more in (0, 1)]
    return sorted({day + timedelta(days=(2 - day.weekday()) % 7) for day in days})


def _day(text: str) -> date | None:
    """The day of YYYYMMDD; None where it is none."""
    try:
        return date.fromisoformat(text) if len(text) == 8 else None
    except ValueError:
        return None
