"""Rules on what refers to what: nothing unused, nothing about what is not there, a line where people hail."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from transitmap.gtfs.validate.feed_view import FeedView, Rule, at_row
from transitmap.model import Notice

HAIL = ("0", "2", "3")
STOPS = ("", "0", "4")  # a boarding area is part of a stop
STATION = "1"
TRANSLATIONS = "translations.txt"


def unused_route(view: FeedView) -> Iterator[Notice]:
    """Every route has a trip."""
    yield from _unused(view, "unused_route", "routes.txt", "route_id")


def unused_service(view: FeedView) -> Iterator[Notice]:
    """Every service has a trip."""
    yield from _unused(view, "unused_service", "calendar.txt", "service_id")


def shape_of_two_directions(view: FeedView) -> Iterator[Notice]:
    """All trips along one shape go in one direction."""
    directions: dict[str, str] = {}
    columns = (view.column("trips.txt", name) for name in ("shape_id", "direction_id"))
    for row, (shape, direction) in enumerate(zip(*columns, strict=True)):
        if shape and directions.setdefault(shape, direction) != direction:
            message = f"shape {shape} has trips of both directions"
            yield at_row("shape_of_two_directions", "warning", "trips.txt", row, message, shape)


def hail_without_shape(view: FeedView) -> Iterator[Notice]:
    """Where people may board between stops there is a shape to board along."""
    routes, trip_ids = view.column("trips.txt", "route_id"), view.column("trips.txt", "trip_id")
    hailed_routes = _hailed(view, "routes.txt", "route_id")
    hailed_trips = _hailed(view, "stop_times.txt", "trip_id")
    columns = zip(routes, trip_ids, view.column("trips.txt", "shape_id"), strict=True)
    for row, (route, trip_id, shape) in enumerate(columns):
        if not shape and (route in hailed_routes or trip_id in hailed_trips):
            message = f"trip {trip_id} of route {route} may be hailed anywhere, but has no shape"
            yield at_row("hail_without_shape", "error", "trips.txt", row, message, route)


def call_at_station(view: FeedView) -> Iterator[Notice]:
    """Vehicles call at stops; a station, an entrance or a crossing of ways is none."""
    kind = view.lookup("stops.txt", "stop_id", "location_type")
    for row, stop_id in enumerate(view.column("stop_times.txt", "stop_id")):
        if kind.get(stop_id, "0") not in STOPS:
            message = f"a trip calls at {stop_id}, which is no stop"
            yield at_row("call_at_station", "error", "stop_times.txt", row, message, stop_id)


def empty_station(view: FeedView) -> Iterator[Notice]:
    """Every station has a stop."""
    parents = set(view.column("stops.txt", "parent_station"))
    columns = zip(view.column("stops.txt", "stop_id"), view.column("stops.txt", "location_type"), strict=True)
    for row, (stop_id, kind) in enumerate(columns):
        if kind == STATION and stop_id not in parents:
            yield at_row(
                "empty_station", "warning", "stops.txt", row, f"station {stop_id} has no stop", stop_id
            )


def translation_of_nothing(view: FeedView) -> Iterator[Notice]:
    """A translated value stands somewhere in its column."""
    known: dict[tuple[str, str], set[str]] = {}
    columns = (view.column(TRANSLATIONS, name) for name in ("table_name", "field_name", "field_value"))
    for row, (table, field, value) in enumerate(zip(*columns, strict=True)):
        if (table, field) not in known:
            known[table, field] = set(view.column(f"{table}.txt", field))
        if value and value not in known[table, field]:
            message = f"no {field} of {table}.txt is {value!r}"
            yield at_row("translation_of_nothing", "warning", TRANSLATIONS, row, message, value)


def fare_of_nothing(view: FeedView) -> Iterator[Notice]:
    """A fare is for a route that there is."""
    routes = set(view.column("routes.txt", "route_id"))
    for file in ("fare_rules.txt", "route_networks.txt"):
        for row, route in enumerate(view.column(file, "route_id")):
            if route and routes and route not in routes:
                message = f"a fare for route {route}, which there is not"
                yield at_row("fare_of_nothing", "error", file, row, message, route)


def fare_of_everything(view: FeedView) -> Iterator[Notice]:
    """A fare without a rule holds on every route: where others have rules, its own were lost."""
    ruled = set(view.column("fare_rules.txt", "fare_id"))
    fares = view.column("fare_attributes.txt", "fare_id")
    for row, fare in enumerate(fares):
        if fare not in ruled and (ruled or len(fares) > 1):
            message = f"fare {fare} has no rule and would hold everywhere"
            yield at_row("fare_of_everything", "error", "fare_attributes.txt", row, message, fare)


def missing_agency_id(view: FeedView) -> Iterator[Notice]:
    """Agency, routes and fares say whose they are."""
    for file in ("agency.txt", "routes.txt", "fare_attributes.txt"):
        empty = [row for row, value in enumerate(view.column(file, "agency_id")) if not value]
        if empty:
            message = f"{len(empty)} of {view.n_rows(file)} rows have no agency_id"
            yield at_row("missing_agency_id", "warning", file, empty[0], message, str(len(empty)))


def twin_trips(view: FeedView) -> Iterator[Notice]:
    """No two trips of a route and service leave at one time for the same stops: a reader sees two buses.

    Templates of headways (frequencies.txt) leave first where their windows begin.
    """
    trips = zip(
        *(view.column("trips.txt", name) for name in ("trip_id", "route_id", "service_id")), strict=True
    )
    start_s, always = view.seconds("frequencies.txt", "start_time"), [0.0]
    stop_ids, first = np.array(view.column("stop_times.txt", "stop_id"), dtype=object), dict[object, str]()
    for row, (trip_id, route, service) in enumerate(trips):
        calls, windows = view.calls.get(trip_id), view.windows.get(trip_id)
        if calls is not None:
            same = (route, service, view.departure_s[calls].tobytes(), *stop_ids[calls])
            keys = [(start, same) for start in (always if windows is None else start_s[windows].tolist())]
            twin = next((first[key] for key in keys if key in first), trip_id)
            first.update(dict.fromkeys(keys, twin))
            if twin != trip_id:
                message = f"trips {twin} and {trip_id} are the same"
                yield at_row("twin_trips", "warning", "trips.txt", row, message, twin, trip_id)


def _hailed(view: FeedView, file: str, key: str) -> set[str]:
    """Values of a key in whose rows one may get on or off anywhere."""
    rows = zip(
        view.column(file, key),
        view.column(file, "continuous_pickup"),
        view.column(file, "continuous_drop_off"),
        strict=True,
    )
    return {value for value, pickup, drop_off in rows if pickup in HAIL or drop_off in HAIL}


def _unused(view: FeedView, rule: str, file: str, key: str) -> Iterator[Notice]:
    used = set(view.column("trips.txt", key))
    for row, value in enumerate(view.column(file, key)):
        if value not in used and used:
            yield at_row(rule, "warning", file, row, f"{key} {value} has no trip", value)


RULES: tuple[Rule, ...] = (
    unused_route,
    unused_service,
    shape_of_two_directions,
    hail_without_shape,
    call_at_station,
    empty_station,
    translation_of_nothing,
    fare_of_nothing,
    fare_of_everything,
    missing_agency_id,
    twin_trips,
)
