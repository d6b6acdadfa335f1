"""Network, ids, names -> one function a GTFS file, columns as they will be written."""

from __future__ import annotations

import datetime
import hashlib
import re

import numpy as np

from transitmap.config import FeedConfig
from transitmap.geo import Plane, steps_m
from transitmap.gtfs.feed.country import country_of
from transitmap.gtfs.feed.fares import fare_tables
from transitmap.gtfs.feed.hailing import ANYWHERE, continuous
from transitmap.gtfs.feed.names import Names, name_things
from transitmap.gtfs.feed.rows import Columns, TripKeys, as_columns, patterns_of
from transitmap.gtfs.feed.schedule import (
    call_decimetres,
    call_times,
    clock,
    shape_decimetres,
    whole_headway_s,
)
from transitmap.gtfs.feed.services import calendar, calendar_dates, service_span
from transitmap.gtfs.feed.stations import Station, find_stations
from transitmap.gtfs.feed.translations import translations
from transitmap.model import SERVICE_IDS, FloatArray, Ids, Network, Tables

AGENCY_ID = "A1"
ROUTE_TYPE_BUS = "3"
OTHER_LANG = {"es": "en", "en": "es"}
OPTIONAL = ("calendar_dates.txt", "translations.txt")
CONTRIBUTORS = {"es": "Personas que grabaron sus viajes, {}", "en": "People who recorded their rides, {}"}


def build_tables(network: Network, ids: Ids, config: FeedConfig, today: datetime.date) -> Tables:
    """The feed: one template trip a pattern and day type that was observed, windows in frequencies.txt.

    Only what a published trip uses is in it (see `unscheduled` for the rest). The service runs from the first
    day of evidence, a week ago at the latest, until `valid_days` after today; `feed_version` is today's date
    and a hash of everything else, so equal evidence gives an equal version on the same day.
    """
    trips = _published(network)
    country = config.country or country_of(config.timezone or network.timezone)
    other = OTHER_LANG.get(config.lang)
    tables = {
        "agency.txt": _agency(network, config),
        **_named(network, ids, name_things(network, ids, config.lang), config, trips),
        "stop_times.txt": _stop_times(network, ids, trips),
        "calendar.txt": calendar(network, config, today, trips),
        "calendar_dates.txt": calendar_dates(network, config, today, country, trips),
        "frequencies.txt": _frequencies(network, ids, trips),
        "shapes.txt": _shapes(network, ids, trips),
        "attributions.txt": _attributions(config),
        **fare_tables(network, ids, config, country, AGENCY_ID, trips),
    }
    if other:
        named = _named(network, ids, name_things(network, ids, other), config, trips)
        tables["translations.txt"] = translations(tables, named, other)
    tables = {name: table for name, table in tables.items() if name not in OPTIONAL or any(table.values())}
    return {**tables, "feed_info.txt": _feed_info(network, config, today, tables)}


def _named(network: Network, ids: Ids, names: Names, config: FeedConfig, trips: TripKeys) -> Tables:
    """The tables in which things have names."""
    return {
        "stops.txt": _stops(network, ids, names, trips),
        "routes.txt": _routes(network, ids, names, config, trips),
        "trips.txt": _trip_rows(network, ids, names, trips),
    }


def published_trip_id(network: Network, ids: Ids, pattern_index: int, day_type: int) -> str:
    """The trip in the feed that a ride of a pattern belongs to; empty where the pattern is not published.

    A day type on which nobody observed a headway has no trip of its own: the pattern's first one stands in.
    """
    days = np.unique(network.headways.day_type[network.headways.pattern_index == pattern_index]).tolist()
    if not days or not _is_drawn(network, pattern_index):
        return ""
    return ids.trip_id(pattern_index, day_type if day_type in days else days[0])


def unscheduled(network: Network, ids: Ids) -> list[str]:
    """A sentence for each pattern that `build_tables` leaves out, and why.

    No line means fewer than two stops, or a shape too short to tell them apart.
    """
    published = {pattern for pattern, _ in _published(network)}
    return [
        f"pattern {pattern_id} is not in the feed: "
        + ("no headway observed" if _is_drawn(network, i) else "it has no line")
        for i, pattern_id in enumerate(ids.pattern_id)
        if i not in published
    ]


def _published(network: Network) -> TripKeys:
    """Patterns and day types with a headway: nothing is invented for the others."""
    headways = network.headways
    pairs = set(zip(headways.pattern_index.tolist(), headways.day_type.tolist(), strict=True))
    drawn = {pattern: _is_drawn(network, pattern) for pattern, _ in pairs}
    return sorted((pattern, day) for pattern, day in pairs if drawn[pattern])


def _is_drawn(network: Network, pattern: int) -> bool:
    """Whether a pattern has two calls and a shape that is long enough to tell them apart."""
    n_calls = int(network.patterns.call_start[pattern + 1] - network.patterns.call_start[pattern])
    length = int(shape_decimetres(_shape_along(network, pattern))[1].max(initial=0))
    return n_calls >= 2 and length >= n_calls - 1


def _shape_along(network: Network, pattern: int) -> FloatArray:
    start = network.shapes.point_start
    return network.shapes.along_m[start[pattern] : start[pattern + 1]]


def _agency(network: Network, config: FeedConfig) -> Columns:
    row = (
        AGENCY_ID,
        config.agency_name,
        config.agency_url,
        config.timezone or network.timezone,
        config.lang,
        config.contact_email,
    )
    return as_columns("agency_id agency_name agency_url agency_timezone agency_lang agency_email", [row])


def _stops(network: Network, ids: Ids, names: Names, trips: TripKeys) -> Columns:
    """Stops by row, the terminals they belong to after them."""
    stops, patterns = network.stops, network.patterns
    spans = [slice(patterns.call_start[one], patterns.call_start[one + 1]) for one in patterns_of(trips)]
    used = sorted({int(stop) for span in spans for stop in patterns.stop_index[span]})
    stations = find_stations(network, ids, used)
    parent = {row: one.station_id for one in stations for row in one.rows}
    said = zip(network.step_free.stop_index.tolist(), network.step_free.is_step_free.tolist(), strict=True)
    boards = {stop: "1" if is_free else "2" for stop, is_free in said}
    rows = [
        (ids.stop_id[i], names.stop[i], *_place(stops.lat_deg[i], stops.lon_deg[i]), "0", parent.get(i, ""))
        + (boards.get(i, "0"),)
        for i in used
    ]
    rows += [
        (one.station_id, _station_name(one, network, names), *_place(*one[2:]), "1", "", "0")
        for one in stations
    ]
    return as_columns(
        "stop_id stop_name stop_lat stop_lon location_type parent_station wheelchair_boarding", rows
    )


def _place(lat_deg: float, lon_deg: float) -> tuple[str, str]:
    return f"{lat_deg:.6f}", f"{lon_deg:.6f}"


def _station_name(station: Station, network: Network, names: Names) -> str:
    """As the stop that most people use, one that riders named first."""
    stops = network.stops
    return names.stop[max(station.rows, key=lambda row: (bool(stops.name[row]), stops.n_rides[row], -row))]


def _routes(network: Network, ids: Ids, names: Names, config: FeedConfig, trips: TripKeys) -> Columns:
    """Routes by row; `route_sort_order` is the order in which people count: 2, 10, 10A, without a number."""
    used = sorted({int(network.patterns.route_index[pattern]) for pattern in patterns_of(trips)})
    by_name = sorted(used, key=lambda i: (_counted(names.route_short[i] or names.route_long[i]), i))
    order = {row: str(n) for n, row in enumerate(by_name, start=1)}
    rows = (
        (ids.route_id[i], AGENCY_ID, names.route_short[i], names.route_long[i], ROUTE_TYPE_BUS)
        + (*_colours(config.route_colors.get(names.route_short[i], "")), order[i])
        for i in used
    )
    header = "route_id agency_id route_short_name route_long_name route_type route_color route_text_color"
    return as_columns(f"{header} route_sort_order", rows)


def _counted(name: str) -> list[tuple[int, int, str]]:
    """Numbers in a name count, letters are spelled; names that begin with a number come first."""
    parts = re.findall(r"\d+|\D+", name.casefold())
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts]


def _colours(route_color: str) -> tuple[str, str]:
    """The route's colour and black or white, whichever stands out (W3C AERT 2.2)."""
    if not route_color:
        return "", ""
    red, green, blue = (int(route_color[k : k + 2], 16) for k in (0, 2, 4))
    return route_color, "000000" if 299 * red + 587 * green + 114 * blue > 127_500 else "FFFFFF"


def _trip_rows(network: Network, ids: Ids, names: Names, trips: TripKeys) -> Columns:
    patterns = network.patterns
    rows = (
        (
            ids.route_id[patterns.route_index[pattern]],
            SERVICE_IDS[day],
            ids.trip_id(pattern, day),
            names.headsign[pattern],
            str(int(patterns.direction_id[pattern])),
            ids.shape_id[pattern],
        )
        for pattern, day in trips
    )
    return as_columns("route_id service_id trip_id trip_headsign direction_id shape_id", rows)


def _stop_times(network: Network, ids: Ids, trips: TripKeys) -> Columns:
    """Calls of all trips; where anybody hails anywhere, each says whether one may until the next."""
    calls = {pattern: _calls(network, ids, pattern) for pattern in patterns_of(trips)}
    anywhere = {pattern: continuous(network, pattern) for pattern in calls}
    rows = (
        (ids.trip_id(pattern, day), time, time, stop_id, str(n), "0", "0", along, "0", hail, hail)
        for pattern, day in trips
        for n, ((time, stop_id, along), hail) in enumerate(
            zip(calls[pattern], anywhere[pattern], strict=True), 1
        )
    )
    table = as_columns(
        "trip_id arrival_time departure_time stop_id stop_sequence pickup_type drop_off_type"
        " shape_dist_traveled timepoint continuous_pickup continuous_drop_off",
        rows,
    )
    if not any(ANYWHERE in one for one in anywhere.values()):
        del table["continuous_pickup"], table["continuous_drop_off"]
    return table


def _calls(network: Network, ids: Ids, pattern: int) -> list[tuple[str, str, str]]:
    """Time, stop and metres along the shape of each call, the first at 00:00:00."""
    patterns, stops = network.patterns, network.stops
    span = slice(patterns.call_start[pattern], patterns.call_start[pattern + 1])
    rows = patterns.stop_index[span]
    length = int(shape_decimetres(_shape_along(network, pattern))[1][-1])
    tenths = call_decimetres(patterns.along_m[span], length)
    lat_deg, lon_deg = np.round(stops.lat_deg[rows], 6), np.round(stops.lon_deg[rows], 6)
    crow_m = steps_m(Plane.around(lat_deg, lon_deg).to_metres(lat_deg, lon_deg))
    # A stop lies beside the line: the way between two may be longer than the line tells, never shorter.
    seconds = call_times(patterns.run_s[span], np.maximum(np.diff(tenths) / 10, crow_m))
    return [
        (clock(time), ids.stop_id[stop], f"{along / 10:.1f}")
        for time, stop, along in zip(seconds.tolist(), rows, tenths.tolist(), strict=True)
    ]


def _frequencies(network: Network, ids: Ids, trips: TripKeys) -> Columns:
    headways, published = network.headways, set(trips)
    order = np.lexsort((headways.start_s, headways.day_type, headways.pattern_index)).tolist()
    keys = [(int(headways.pattern_index[i]), int(headways.day_type[i])) for i in order]
    rows = (
        (
            ids.trip_id(*key),
            clock(int(headways.start_s[i])),
            clock(int(headways.end_s[i])),
            str(whole_headway_s(float(headways.headway_s[i]))),
            "0",
        )
        for i, key in zip(order, keys, strict=True)
        if key in published
    )
    return as_columns("trip_id start_time end_time headway_secs exact_times", rows)


def _shapes(network: Network, ids: Ids, trips: TripKeys) -> Columns:
    shapes = network.shapes
    columns: list[list[str]] = [[], [], [], [], []]
    for pattern in patterns_of(trips):
        keep, tenths = shape_decimetres(_shape_along(network, pattern))
        points = keep + shapes.point_start[pattern]
        columns[0] += [ids.shape_id[pattern]] * len(keep)
        columns[1] += [f"{value:.6f}" for value in shapes.lat_deg[points].tolist()]
        columns[2] += [f"{value:.6f}" for value in shapes.lon_deg[points].tolist()]
        columns[3] += [str(n) for n in range(1, len(keep) + 1)]
        columns[4] += [f"{along / 10:.1f}" for along in tenths.tolist()]
    names = "shape_id shape_pt_lat shape_pt_lon shape_pt_sequence shape_dist_traveled"
    return dict(zip(names.split(), columns, strict=True))


def _attributions(config: FeedConfig) -> Columns:
    """The contributors as one body: nobody is named."""
    people = CONTRIBUTORS.get(config.lang.split("-")[0].lower(), CONTRIBUTORS["en"])
    name = people.format(config.publisher_name)
    row = ("contributors", name, "1", config.licence_url, config.contact_email)
    return as_columns("attribution_id organization_name is_producer attribution_url attribution_email", [row])


def _feed_info(network: Network, config: FeedConfig, today: datetime.date, tables: Tables) -> Columns:
    start, end = service_span(network, config, today)
    row = (
        config.publisher_name,
        config.agency_url,
        config.lang,
        f"{start:%Y%m%d}",
        f"{end:%Y%m%d}",
        f"{today:%Y%m%d}-{_content_hash(tables)}",
        config.contact_email,
    )
    return as_columns(
        "feed_publisher_name feed_publisher_url feed_lang feed_start_date feed_end_date feed_version"
        " feed_contact_email",
        [row],
    )


def _content_hash(tables: Tables) -> str:
    """Eight hexadecimal digits that change when any value of the tables does."""
    digest = hashlib.sha256()
    for file in sorted(tables):
        for column, values in tables[file].items():
            digest.update("\x1f".join((file, column, *values, "\x1e")).encode())
    return digest.hexdigest()[:8]
