"""Network, ids, names -> one function a GTFS file, columns as they will be written."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Iterable

import numpy as np

from transitmap.config import FeedConfig
from transitmap.geo import Plane, steps_m
from transitmap.gtfs.feed.names import Names, name_things
from transitmap.gtfs.feed.schedule import (
    call_decimetres,
    call_times,
    clock,
    shape_decimetres,
    whole_headway_s,
)
from transitmap.model import SERVICE_IDS, FloatArray, Ids, Network, Tables

AGENCY_ID = "A1"
ROUTE_TYPE_BUS = "3"
WEEK = {"WD": "1111100", "SA": "0000010", "SU": "0000001"}
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
CONTRIBUTORS = {"es": "Personas que grabaron sus viajes, {}", "en": "People who recorded their rides, {}"}
Columns = dict[str, list[str]]
TripKeys = list[tuple[int, int]]  # pattern row, day type: what is published, sorted


def build_tables(network: Network, ids: Ids, config: FeedConfig, today: datetime.date) -> Tables:
    """The feed: one template trip a pattern and day type that was observed, windows in frequencies.txt.

    Only what a published trip uses is in it (see `unscheduled` for the rest). The service runs from the first
    day of evidence, a week ago at the latest, until `valid_days` after today; `feed_version` is today's date
    and a hash of everything else, so equal evidence gives an equal version on the same day.
    """
    trips = _published(network)
    names = name_things(network, ids, config.lang)
    tables = {
        "agency.txt": _agency(network, config),
        "stops.txt": _stops(network, ids, names, trips),
        "routes.txt": _routes(network, ids, names, trips),
        "trips.txt": _trip_rows(network, ids, names, trips),
        "stop_times.txt": _stop_times(network, ids, trips),
        "calendar.txt": _calendar(network, config, today, trips),
        "frequencies.txt": _frequencies(network, ids, trips),
        "shapes.txt": _shapes(network, ids, trips),
        "attributions.txt": _attributions(config),
    }
    return {**tables, "feed_info.txt": _feed_info(network, config, today, tables)}


def trip_id_of(ids: Ids, pattern_index: int, day_type: int) -> str:
    """The id of a pattern's template trip on a day type, whether it is published or not."""
    return ids.trip_id(pattern_index, day_type)


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


def _patterns(trips: TripKeys) -> list[int]:
    return sorted({pattern for pattern, _ in trips})


def _columns(names: str, rows: Iterable[Iterable[str]]) -> Columns:
    """Rows turned into columns; every column is there even without a row."""
    columns = [list(column) for column in zip(*rows, strict=True)]
    header = names.split()
    return dict(zip(header, columns or [[] for _ in header], strict=True))


def _agency(network: Network, config: FeedConfig) -> Columns:
    row = (
        AGENCY_ID,
        config.agency_name,
        config.agency_url,
        config.timezone or network.timezone,
        config.lang,
        config.contact_email,
    )
    return _columns("agency_id agency_name agency_url agency_timezone agency_lang agency_email", [row])


def _stops(network: Network, ids: Ids, names: Names, trips: TripKeys) -> Columns:
    stops, patterns = network.stops, network.patterns
    spans = [slice(patterns.call_start[one], patterns.call_start[one + 1]) for one in _patterns(trips)]
    used = sorted({int(stop) for span in spans for stop in patterns.stop_index[span]})
    rows = (
        (ids.stop_id[i], names.stop[i], f"{stops.lat_deg[i]:.6f}", f"{stops.lon_deg[i]:.6f}", "0", "0")
        for i in used
    )
    return _columns("stop_id stop_name stop_lat stop_lon location_type wheelchair_boarding", rows)


def _routes(network: Network, ids: Ids, names: Names, trips: TripKeys) -> Columns:
    used = sorted({int(network.patterns.route_index[pattern]) for pattern in _patterns(trips)})
    rows = (
        (ids.route_id[i], AGENCY_ID, names.route_short[i], names.route_long[i], ROUTE_TYPE_BUS) for i in used
    )
    return _columns("route_id agency_id route_short_name route_long_name route_type", rows)


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
    return _columns("route_id service_id trip_id trip_headsign direction_id shape_id", rows)


def _stop_times(network: Network, ids: Ids, trips: TripKeys) -> Columns:
    calls = {pattern: _calls(network, ids, pattern) for pattern in _patterns(trips)}
    rows = (
        (ids.trip_id(pattern, day), time, time, stop_id, str(n), "0", "0", along, "0")
        for pattern, day in trips
        for n, (time, stop_id, along) in enumerate(calls[pattern], start=1)
    )
    return _columns(
        "trip_id arrival_time departure_time stop_id stop_sequence pickup_type drop_off_type"
        " shape_dist_traveled timepoint",
        rows,
    )


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


def _calendar(network: Network, config: FeedConfig, today: datetime.date, trips: TripKeys) -> Columns:
    start, end = _span(network, config, today)
    used = sorted({day for _, day in trips})
    rows = ((SERVICE_IDS[day], *WEEK[SERVICE_IDS[day]], start, end) for day in used)
    return _columns("service_id " + " ".join(DAYS) + " start_date end_date", rows)


def _span(network: Network, config: FeedConfig, today: datetime.date) -> tuple[str, str]:
    """First and last day of service: it has begun on every weekday whatever the evidence's dates are.

    Canonical rule trip_coverage_not_active_for_next7_days takes the first day that most trips run: a feed
    made and begun on a Sunday would start on Monday.
    """
    week_ago = today - datetime.timedelta(days=6)
    first = datetime.date.fromisoformat(network.first_day) if network.first_day else week_ago
    end = today + datetime.timedelta(days=config.valid_days)
    return f"{min(first, week_ago):%Y%m%d}", f"{end:%Y%m%d}"


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
    return _columns("trip_id start_time end_time headway_secs exact_times", rows)


def _shapes(network: Network, ids: Ids, trips: TripKeys) -> Columns:
    shapes = network.shapes
    columns: list[list[str]] = [[], [], [], [], []]
    for pattern in _patterns(trips):
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
    return _columns("attribution_id organization_name is_producer attribution_url attribution_email", [row])


def _feed_info(network: Network, config: FeedConfig, today: datetime.date, tables: Tables) -> Columns:
    start, end = _span(network, config, today)
    row = (
        config.publisher_name,
        config.agency_url,
        config.lang,
        start,
        end,
        f"{today:%Y%m%d}-{_content_hash(tables)}",
        config.contact_email,
    )
    return _columns(
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
