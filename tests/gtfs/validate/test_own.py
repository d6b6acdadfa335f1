"""A feed folder per fault: exactly that notice, and none on a sound feed."""

import copy
import io
import zipfile

import numpy as np
import pytest

from tests.gtfs.feed.test_fares import said
from tests.gtfs.small_city import TODAY, small_city, small_feed
from transitmap.gtfs.feed import expand
from transitmap.gtfs.pack import pack
from transitmap.gtfs.read import read_tables
from transitmap.gtfs.validate import validate
from transitmap.gtfs.validate.own import RULES
from transitmap.gtfs.validate.rules.rows import REQUIRED
from transitmap.model import HailStretches

HAILED = HailStretches(
    np.array([0]), np.array([600.0]), np.array([2900.0]), np.array([9]), np.array([5]), np.array([0.9])
)
SOUND = small_feed(small_city(fares=said(8.0, 9.5), hails=HAILED), fares="both")
BOX = (19.50, -97.00, 19.544, -96.80)


def put(file, row, **values):
    """A fault: values of one row replaced."""

    def spoil(tables):
        for name, value in values.items():
            tables[file].setdefault(name, [""] * len(next(iter(tables[file].values()))))[row] = value

    return spoil


def add(file, like, at=None, **values):
    """A fault: a row inserted (at the end without `at`), like another but for some values."""

    def spoil(tables):
        for name, column in tables[file].items():
            column.insert(len(column) if at is None else at, values.get(name, column[like]))

    return spoil


def drop(file, name=None):
    """A fault: a column gone, or the whole table."""

    def spoil(tables):
        if name:
            del tables[file][name]
        else:
            del tables[file]

    return spoil


def fill(file, name, value):
    """A fault: one value throughout a column."""

    def spoil(tables):
        tables[file][name] = [value] * len(tables[file][name])

    return spoil


def swap(file, one, other):
    """A fault: two rows in each other's place."""

    def spoil(tables):
        for column in tables[file].values():
            column[one], column[other] = column[other], column[one]

    return spoil


def cut(file, row):
    """A fault: a row gone."""

    def spoil(tables):
        for column in tables[file].values():
            del column[row]

    return spoil


def scaled(file, name, factor):
    """A fault: numbers in another unit."""

    def spoil(tables):
        tables[file][name] = [f"{float(value) * factor:.4f}" for value in tables[file][name]]

    return spoil


def rounded(file, name):
    """A fault: numbers with three decimals."""

    def spoil(tables):
        tables[file][name] = [f"{float(value):.3f}" for value in tables[file][name]]

    return spoil


def expanded(spoil):
    """The feed of single departures, then a fault."""

    def spoil_all(tables):
        single = expand(tables)
        tables.clear()
        tables.update(single)
        spoil(tables)

    return spoil_all


def all_of(*spoils):
    """Several edits that make one fault."""

    def spoil(tables):
        for one in spoils:
            one(tables)

    return spoil


def clear(file):
    """A fault: a table of headers."""

    def spoil(tables):
        tables[file] = {name: [] for name in tables[file]}

    return spoil


def at(clock):
    """Arrival and departure at one time."""
    return {"arrival_time": clock, "departure_time": clock}


NEIGHBOUR = {"stop_id": "S99", "stop_name": "Esquina"}
TWIN_CALL = {"trip_id": "P1-WD", "stop_id": "S99", "stop_sequence": "2", **at("00:02:10")}
TWIN_TRIP = (
    add("trips.txt", 0, trip_id="P9-WD"),
    add("frequencies.txt", 0, trip_id="P9-WD"),
    *(add("stop_times.txt", row, trip_id="P9-WD") for row in range(4)),
)
FAR_POINT = {"shape_pt_sequence": "4", "shape_dist_traveled": "3004.0", "shape_pt_lon": "-96.870000"}


def feed_ends(date):
    """Another last day of the feed, as it says itself."""
    return put("feed_info.txt", 0, feed_end_date=date)


def shape_renamed(shape_id):
    """The first shape under another id, wherever it stands."""

    def spoil(tables):
        for file in ("shapes.txt", "trips.txt"):
            column = tables[file]["shape_id"]
            column[:] = [shape_id if value == "P1-line" else value for value in column]

    return spoil


# rule, notices, file, line of the first, fault
FAULTS = [
    (
        "no_service_today",
        1,
        "calendar.txt",
        0,
        all_of(
            fill("calendar.txt", "end_date", "20261121"), drop("calendar_dates.txt"), feed_ends("20261121")
        ),
    ),
    (
        "service_ends_soon",
        3,
        "calendar.txt",
        2,
        all_of(
            fill("calendar.txt", "end_date", "20261221"), drop("calendar_dates.txt"), feed_ends("20261221")
        ),
    ),
    (
        "service_without_days",
        1,
        "calendar.txt",
        3,
        all_of(put("calendar.txt", 1, saturday="0"), drop("calendar_dates.txt")),
    ),
    (
        "service_without_days",
        1,
        "calendar.txt",
        3,
        all_of(put("calendar.txt", 1, end_date="20260930"), drop("calendar_dates.txt")),
    ),
    ("idle_exception", 1, "calendar_dates.txt", 2, put("calendar_dates.txt", 0, date="20270502")),
    ("idle_exception", 1, "calendar_dates.txt", 3, put("calendar_dates.txt", 1, date="20261122")),
    ("idle_exception", 1, "calendar_dates.txt", 2, put("calendar_dates.txt", 0, service_id="XX")),
    ("feed_dates_without_service", 1, "feed_info.txt", 2, feed_ends("20270522")),
    (
        "feed_dates_without_service",
        1,
        "feed_info.txt",
        2,
        put("feed_info.txt", 0, feed_start_date="20260930"),
    ),
    ("no_journey", 1, "trips.txt", 0, fill("stop_times.txt", "stop_id", "S999")),
    ("html_in_value", 1, "stops.txt", 5, put("stops.txt", 3, stop_name="<b>Centro</b>")),
    ("html_in_value", 1, "stops.txt", 5, put("stops.txt", 3, stop_name="Sol &amp; Sombra")),
    ("control_character", 1, "stops.txt", 5, put("stops.txt", 3, stop_name="Centro\tSur")),
    ("control_character", 1, "routes.txt", 2, put("routes.txt", 0, route_long_name="Centro\nSur")),
    ("headsign_to", 1, "trips.txt", 2, put("trips.txt", 0, trip_headsign="To Centro")),
    ("headsign_to", 1, "trips.txt", 2, put("trips.txt", 0, trip_headsign="hacia Centro")),
    ("headsign_is_route", 1, "trips.txt", 2, put("trips.txt", 0, trip_headsign="12")),
    ("filler_name", 1, "stops.txt", 5, put("stops.txt", 3, stop_name="Parada 7")),
    ("filler_name", 1, "stops.txt", 5, put("stops.txt", 3, stop_name="Bus stop")),
    ("url_not_https", 1, "agency.txt", 2, put("agency.txt", 0, agency_url="http://example.org")),
    ("id_not_ascii", 2, "shapes.txt", 2, shape_renamed("línea")),
    ("id_not_ascii", 2, "shapes.txt", 2, shape_renamed("line 1")),
    ("personal_data", 1, "trips.txt", 0, put("trips.txt", 0, rider_id="7f3a")),
    ("personal_data", 1, "stops.txt", 0, put("stops.txt", 3, uploader="lucia")),
    ("personal_data", 1, "stops.txt", 5, put("stops.txt", 3, stop_desc="Pregunta a lucia@example.org")),
    ("personal_data", 1, "stops.txt", 5, put("stops.txt", 3, stop_desc="Llama al 228 812 3456")),
    ("unknown_timezone", 1, "agency.txt", 2, put("agency.txt", 0, agency_timezone="Mexico/Xalapa")),
    ("missing_version", 1, "feed_info.txt", 2, put("feed_info.txt", 0, feed_version="")),
    ("missing_licence", 1, "attributions.txt", 2, put("attributions.txt", 0, attribution_url="")),
    ("unused_route", 1, "routes.txt", 4, add("routes.txt", 1, route_id="R9", route_long_name="Nueva")),
    ("unused_service", 1, "calendar.txt", 5, add("calendar.txt", 1, service_id="XX")),
    ("shape_of_two_directions", 1, "trips.txt", 3, put("trips.txt", 1, direction_id="1")),
    (
        "hail_without_shape",
        1,
        "trips.txt",
        7,
        all_of(put("routes.txt", 1, continuous_pickup="3"), put("trips.txt", 5, shape_id="")),
    ),
    (
        "hail_without_shape",
        2,
        "trips.txt",
        2,
        all_of(put("trips.txt", 0, shape_id=""), put("trips.txt", 1, shape_id="")),
    ),
    ("call_at_station", 1, "stop_times.txt", 5, put("stop_times.txt", 3, stop_id="TS4")),
    (
        "empty_station",
        1,
        "stops.txt",
        16,
        all_of(*(put("stops.txt", row, parent_station="") for row in (0, 9))),
    ),
    (
        "translation_of_nothing",
        1,
        "translations.txt",
        4,
        put("translations.txt", 2, field_value="Otra parte"),
    ),
    ("translation_of_nothing", 1, "translations.txt", 4, put("translations.txt", 2, table_name="levels")),
    ("translation_of_nothing", 1, "translations.txt", 4, put("stops.txt", 2, stop_name="Ahora con nombre")),
    ("fare_of_nothing", 1, "fare_rules.txt", 2, put("fare_rules.txt", 0, route_id="R9")),
    ("fare_of_nothing", 1, "route_networks.txt", 2, put("route_networks.txt", 0, route_id="R9")),
    ("fare_of_everything", 1, "fare_attributes.txt", 2, cut("fare_rules.txt", 0)),
    ("fare_of_everything", 2, "fare_attributes.txt", 2, drop("fare_rules.txt")),
    ("missing_agency_id", 1, "agency.txt", 2, drop("agency.txt", "agency_id")),
    ("missing_agency_id", 1, "routes.txt", 3, put("routes.txt", 1, agency_id="")),
    ("missing_agency_id", 1, "fare_attributes.txt", 2, drop("fare_attributes.txt", "agency_id")),
    ("twin_trips", 1, "trips.txt", 8, all_of(*TWIN_TRIP)),
    ("trip_without_calls", 1, "trips.txt", 8, add("trips.txt", 0, trip_id="P9-WD")),
    (
        "trip_without_calls",
        1,
        "trips.txt",
        8,
        all_of(
            add("trips.txt", 0, trip_id="P9-WD"),
            add("stop_times.txt", 0, trip_id="P9-WD", arrival_time="05:00:00", departure_time="05:00:00"),
        ),
    ),
    ("time_runs_back", 1, "stop_times.txt", 5, put("stop_times.txt", 3, **at("00:03:59"))),
    ("time_runs_back", 1, "stop_times.txt", 4, put("stop_times.txt", 2, departure_time="00:04:02")),
    (
        "all_times_equal",
        1,
        "stop_times.txt",
        27,
        all_of(
            *(
                put("stop_times.txt", row, arrival_time="00:00:00", departure_time="00:00:00")
                for row in range(21, 26)
            )
        ),
    ),
    ("fast_hop", 1, "stop_times.txt", 3, put("stop_times.txt", 1, arrival_time="00:00:30")),
    ("missing_timepoint", 1, "stop_times.txt", 2, drop("stop_times.txt", "timepoint")),
    ("missing_timepoint", 1, "stop_times.txt", 2, expanded(drop("stop_times.txt", "timepoint"))),
    ("fast_hop", 1, "stop_times.txt", 3, expanded(put("stop_times.txt", 1, arrival_time="06:00:30"))),
    ("missing_timepoint", 1, "stop_times.txt", 6, put("stop_times.txt", 4, timepoint="")),
    (
        "template_not_at_midnight",
        1,
        "stop_times.txt",
        2,
        put("stop_times.txt", 0, arrival_time="00:00:30", departure_time="00:00:30"),
    ),
    ("missing_exact_times", 1, "frequencies.txt", 2, drop("frequencies.txt", "exact_times")),
    ("missing_exact_times", 1, "frequencies.txt", 4, put("frequencies.txt", 2, exact_times="")),
    ("overlapping_windows", 1, "frequencies.txt", 3, put("frequencies.txt", 1, start_time="08:59:59")),
    ("overlapping_windows", 1, "frequencies.txt", 3, add("frequencies.txt", 0, 1)),
    ("implausible_headway", 1, "frequencies.txt", 2, put("frequencies.txt", 0, headway_secs="1")),
    ("implausible_headway", 1, "frequencies.txt", 2, put("frequencies.txt", 0, headway_secs="0")),
    ("implausible_headway", 1, "frequencies.txt", 2, put("frequencies.txt", 0, headway_secs="86400")),
    ("frequency_without_calls", 1, "frequencies.txt", 9, add("frequencies.txt", 0, trip_id="P9-WD")),
    ("lost_frequency", 6, "stop_times.txt", 2, drop("frequencies.txt")),
    (
        "lost_frequency",
        1,
        "stop_times.txt",
        23,
        put("frequencies.txt", 6, trip_id="P1-SA", start_time="20:00:00"),
    ),
    (
        "stops_at_one_point",
        1,
        "stops.txt",
        18,
        all_of(
            add("stops.txt", 1, **NEIGHBOUR),
            add("stop_times.txt", 1, 2, **TWIN_CALL, shape_dist_traveled="701.0"),
        ),
    ),
    ("shape_order", 1, "stop_times.txt", 5, put("stop_times.txt", 3, shape_dist_traveled="3003.4")),
    (
        "shape_order",
        1,
        "stop_times.txt",
        4,
        all_of(
            add("stops.txt", 1, **NEIGHBOUR, stop_lon="-96.912900"),
            add("stop_times.txt", 1, 2, **TWIN_CALL, shape_dist_traveled="699.0"),
        ),
    ),
    ("shape_order", 1, "shapes.txt", 4, add("shapes.txt", 1, 2)),
    ("stop_off_shape", 1, "stop_times.txt", 26, put("stops.txt", 13, stop_lat="19.516300")),
    ("outside_box", 1, "stops.txt", 18, add("stops.txt", 1, **NEIGHBOUR, stop_lat="-19.529928")),
    ("missing_distance", 1, "stop_times.txt", 2, drop("stop_times.txt", "shape_dist_traveled")),
    ("missing_distance", 1, "shapes.txt", 2, drop("shapes.txt", "shape_dist_traveled")),
    (
        "distance_not_metres",
        4,
        "shapes.txt",
        4,
        all_of(*(scaled(f"{name}.txt", "shape_dist_traveled", 0.001) for name in ("shapes", "stop_times"))),
    ),
    ("distance_not_metres", 1, "shapes.txt", 5, add("shapes.txt", 2, 3, **FAR_POINT)),
    ("coarse_position", 1, "shapes.txt", 0, rounded("shapes.txt", "shape_pt_lat")),
    ("rows_out_of_order", 1, "stop_times.txt", 4, swap("stop_times.txt", 1, 2)),
    ("rows_out_of_order", 2, "stop_times.txt", 6, swap("stop_times.txt", 3, 4)),
    ("rows_out_of_order", 1, "shapes.txt", 4, swap("shapes.txt", 1, 2)),
]


@pytest.mark.parametrize(
    ("rule", "times", "file", "line", "spoil"), FAULTS, ids=[f"{n}-{one[0]}" for n, one in enumerate(FAULTS)]
)
def test_a_fault_gives_its_notice_and_no_other(rule, times, file, line, spoil, tmp_path):
    tables = copy.deepcopy(SOUND)
    spoil(tables)
    write_folder(tables, tmp_path)
    notices = validate(read_tables(tmp_path), TODAY)
    assert [one.rule for one in notices] == [rule] * times
    assert (notices[0].file, notices[0].row) == (file, line)
    assert notices[0].message


def write_folder(tables, folder):
    """A feed as a folder of tables."""
    with zipfile.ZipFile(io.BytesIO(pack(tables))) as archive:
        archive.extractall(folder)


def test_space_around_a_name_is_seen_before_the_reader_strips_it():
    tables = copy.deepcopy(SOUND)
    put("stops.txt", 3, stop_name=" Centro")(tables)
    (notice,) = validate(tables, TODAY)
    assert (notice.rule, notice.file, notice.row) == ("surrounding_space", "stops.txt", 5)


def test_there_are_thirty_faults_and_more_that_differ():
    assert len({(rule, file, line) for rule, _, file, line, _ in FAULTS}) >= 60


@pytest.mark.parametrize("file", [f"{name}.txt" for name in REQUIRED])
@pytest.mark.parametrize("fault", [clear, drop])
def test_a_table_without_rows_is_one_notice(file, fault, tmp_path):
    tables = copy.deepcopy(SOUND)
    tables.pop("calendar_dates.txt")  # a feed of exceptions alone has service too
    tables.pop("translations.txt")  # of values that would be gone as well
    fault(file)(tables)
    write_folder(tables, tmp_path)
    (notice,) = validate(read_tables(tmp_path), TODAY)
    assert (notice.rule, notice.severity, notice.file) == ("empty_table", "error", file)


def test_a_sound_feed_gets_none(tmp_path):
    for variant, tables in {"frequencies": SOUND, "expanded": expand(SOUND)}.items():
        write_folder(tables, tmp_path / variant)
        assert validate(read_tables(tmp_path / variant), TODAY) == validate(tables) == []


def test_templates_of_other_hours_are_no_twins():
    later = {"trip_id": "P9-WD", "start_time": "22:00:00", "end_time": "23:00:00"}
    tables = copy.deepcopy(SOUND)
    for change in (TWIN_TRIP[0], add("frequencies.txt", 0, **later), *TWIN_TRIP[2:]):
        change(tables)
    assert "twin_trips" not in {notice.rule for notice in validate(tables)}


def test_a_stop_outside_the_box():
    notices = validate(SOUND, TODAY, BOX)
    assert [(one.rule, one.severity, one.file, one.row) for one in notices] == [
        ("outside_box", "error", "stops.txt", 7)
    ]


def test_without_a_box_a_stop_far_from_all_others_is_outside():
    tables = copy.deepcopy(SOUND)
    put("stops.txt", 13, stop_lat="-19.517425")(tables)
    assert {one.rule for one in validate(tables, TODAY)} == {"outside_box", "fast_hop", "stop_off_shape"}


def test_every_rule_has_a_fault():
    tested = {rule for rule, *_ in FAULTS} | {"empty_table", "surrounding_space"}
    assert {rule.__name__ for rule in RULES} == tested
    assert all(rule.__doc__ for rule in RULES)


def test_errors_come_first():
    tables = copy.deepcopy(SOUND)
    all_of(put("stops.txt", 3, stop_name=" x"), put("frequencies.txt", 1, start_time="08:00:00"))(tables)
    assert [one.severity for one in validate(tables, TODAY)] == ["error", "warning"]


@pytest.mark.parametrize("broken", [{}, {"stops.txt": {}}, {"agency.txt": {"agency_id": ["A1"]}}])
def test_tables_that_are_hardly_a_feed_do_not_stop_the_rules(broken):
    assert "empty_table" in {one.rule for one in validate(broken, TODAY)}


@pytest.mark.parametrize("value", ["", "x", "-1", "NaN"])
def test_unreadable_numbers_do_not_stop_the_rules(value):
    for file, columns in SOUND.items():
        for name in columns:
            tables = copy.deepcopy(SOUND)
            put(file, 0, **{name: value})(tables)
            assert isinstance(validate(tables, TODAY), list)
