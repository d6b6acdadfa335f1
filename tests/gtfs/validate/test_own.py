"""A feed per fault: exactly that notice, and none on a sound feed."""

import copy

import pytest

from tests.gtfs.small_city import TODAY, small_feed
from transitmap.gtfs.validate import validate
from transitmap.gtfs.validate.own import RULES
from transitmap.gtfs.validate.rules.rows import REQUIRED

SOUND = small_feed()
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


NEIGHBOUR = {"stop_id": "S99", "stop_name": "Esquina"}
TWIN_CALL = {"trip_id": "P1-WD", "stop_id": "S99", "stop_sequence": "2", "arrival_time": "00:02:10"}
# rule, notices, file, line of the first, fault
FAULTS = [
    ("no_service_today", 1, "calendar.txt", 0, fill("calendar.txt", "end_date", "20261121")),
    ("no_journey", 1, "trips.txt", 0, fill("stop_times.txt", "stop_id", "S999")),
    ("html_in_value", 1, "stops.txt", 3, put("stops.txt", 1, stop_name="<b>Centro</b>")),
    ("html_in_value", 1, "stops.txt", 3, put("stops.txt", 1, stop_name="Sol &amp; Sombra")),
    ("control_character", 1, "stops.txt", 3, put("stops.txt", 1, stop_name="Centro\tSur")),
    ("control_character", 1, "routes.txt", 2, put("routes.txt", 0, route_long_name="Centro\n")),
    ("surrounding_space", 1, "stops.txt", 3, put("stops.txt", 1, stop_name=" Centro")),
    ("headsign_to", 1, "trips.txt", 2, put("trips.txt", 0, trip_headsign="To Centro")),
    ("headsign_to", 1, "trips.txt", 2, put("trips.txt", 0, trip_headsign="hacia Centro")),
    ("headsign_is_route", 1, "trips.txt", 2, put("trips.txt", 0, trip_headsign="12")),
    ("filler_name", 1, "stops.txt", 3, put("stops.txt", 1, stop_name="Parada 7")),
    ("filler_name", 1, "stops.txt", 3, put("stops.txt", 1, stop_name="Bus stop")),
    ("url_not_https", 1, "agency.txt", 2, put("agency.txt", 0, agency_url="http://example.org")),
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
    ("implausible_headway", 1, "frequencies.txt", 2, put("frequencies.txt", 0, headway_secs="1")),
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
]


@pytest.mark.parametrize(("rule", "times", "file", "line", "spoil"), FAULTS)
def test_a_fault_gives_its_notice_and_no_other(rule, times, file, line, spoil):
    tables = copy.deepcopy(SOUND)
    spoil(tables)
    notices = validate(tables, TODAY)
    assert [one.rule for one in notices] == [rule] * times
    assert (notices[0].file, notices[0].row) == (file, line)
    assert notices[0].message


@pytest.mark.parametrize("file", [f"{name}.txt" for name in REQUIRED])
@pytest.mark.parametrize("fault", [clear, drop])
def test_a_table_without_rows_is_one_notice(file, fault):
    tables = copy.deepcopy(SOUND)
    tables.pop("calendar_dates.txt")  # a feed of exceptions alone has service too
    fault(file)(tables)
    (notice,) = validate(tables, TODAY)
    assert (notice.rule, notice.severity, notice.file) == ("empty_table", "error", file)


def test_a_sound_feed_gets_none():
    assert validate(SOUND, TODAY) == []
    assert validate(SOUND) == []


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
    tested = {rule for rule, *_ in FAULTS} | {"empty_table", "outside_box"}
    assert {rule.__name__ for rule in RULES} == tested
    assert all(rule.__doc__ for rule in RULES)


def test_errors_come_first():
    tables = copy.deepcopy(SOUND)
    all_of(put("stops.txt", 1, stop_name=" x"), put("frequencies.txt", 1, start_time="08:00:00"))(tables)
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
