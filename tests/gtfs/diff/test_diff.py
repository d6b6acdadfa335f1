"""What changed between two feeds: one seeded change, exactly its row; whatever no rider sees, none."""

import copy
import json
import random

import numpy as np
import pytest

from tests.beside import SHARED, needs_shared
from tests.gtfs.small_city import CENTRE, small_feed
from transitmap.config import DiffConfig
from transitmap.errors import NotEnoughData
from transitmap.gtfs.diff import as_geojson, as_json, describe, diff, from_json, sentence
from transitmap.gtfs.diff.chart import draw_chart
from transitmap.gtfs.read import read_tables

CONFIG = DiffConfig()
ALL = DiffConfig(moved_m=0.3, line_m=0.3, run_s=1.0, share_run=0.0, share_headway=1e-6)


@pytest.fixture
def feed():
    return small_feed()


def edit(tables, file, key, value, **cells):
    """A copy of the feed with some cells changed in the rows where `key` is `value`."""
    other = copy.deepcopy(tables)
    table = other[file]
    rows = [row for row, one in enumerate(table[key]) if one == value]
    assert rows
    for column, cell in cells.items():
        for row in rows:
            table[column][row] = cell
    return other


def without(tables, file, key, value):
    """A copy of the feed without the rows where `key` is `value`."""
    other = copy.deepcopy(tables)
    kept = [row for row, one in enumerate(other[file][key]) if one != value]
    assert len(kept) < len(other[file][key])
    other[file] = {name: [column[row] for row in kept] for name, column in other[file].items()}
    return other


def rows(old, new, config=CONFIG):
    return [(one.kind, one.what, one.old_id, one.new_id) for one in diff(old, new, config).changes]


def only(old, new, config=CONFIG):
    (change,) = diff(old, new, config).changes
    return change


# --- nothing changed ---------------------------------------------------------------------------------


def test_a_feed_is_equal_to_itself_in_any_order_of_rows(feed):
    shuffled = {}
    for file, table in feed.items():
        order = list(range(len(next(iter(table.values())))))
        random.Random(file).shuffle(order)
        shuffled[file] = {name: [column[row] for row in order] for name, column in table.items()}
    found = diff(feed, shuffled, ALL)
    assert (found.changes, found.smaller, found.by_ids) == ((), {}, True)
    assert list(describe(found, "es")) == ["Nada cambió para quien viaja."]
    assert list(describe(found, "en")) == ["Nothing changed for those who ride."]


def renumbered(tables):
    """The same feed by another hand: no id in common."""
    other = copy.deepcopy(tables)
    for table in other.values():
        for name, column in table.items():
            if name in ("stop_id", "route_id", "trip_id", "shape_id", "service_id"):
                table[name] = [f"x{len(value)}-{value[::-1]}" for value in column]
    return other


def test_the_same_feed_under_other_ids_is_equal(feed):
    found = diff(feed, renumbered(feed), ALL)
    assert (found.changes, found.smaller, found.by_ids) == ((), {}, False)


def test_ids_that_mean_other_places_are_not_believed(feed):
    ids = feed["stops.txt"]["stop_id"]
    turned = dict(zip(ids, [*ids[3:], *ids[:3]], strict=True))
    other = copy.deepcopy(feed)
    for file in ("stops.txt", "stop_times.txt"):
        other[file]["stop_id"] = [turned[one] for one in other[file]["stop_id"]]
    found = diff(feed, other, ALL)
    assert (found.changes, found.by_ids) == ((), False)


def expanded(tables):
    """Every departure a trip of its own, half open as frequencies.txt is."""
    other = copy.deepcopy(tables)
    trips, calls = tables["trips.txt"], tables["stop_times.txt"]
    other["trips.txt"] = {name: [] for name in trips}
    other["stop_times.txt"] = {name: [] for name in calls}
    columns = [
        tables["frequencies.txt"][name] for name in ("trip_id", "start_time", "end_time", "headway_secs")
    ]
    for trip, start, end, headway in zip(*columns, strict=True):
        for leave_s in range(seconds(start), seconds(end), int(headway)):
            for name, column in trips.items():
                cell = column[trips["trip_id"].index(trip)]
                other["trips.txt"][name].append(f"{trip}@{leave_s}" if name == "trip_id" else cell)
            for row in (k for k, one in enumerate(calls["trip_id"]) if one == trip):
                for name, column in calls.items():
                    cell = f"{trip}@{leave_s}" if name == "trip_id" else column[row]
                    moved = clock(seconds(cell) + leave_s) if name.endswith("_time") else cell
                    other["stop_times.txt"][name].append(moved)
    del other["frequencies.txt"]
    return other


def seconds(text):
    hours, minutes, rest = text.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + int(rest)


def clock(day_s):
    return f"{day_s // 3600:02d}:{day_s // 60 % 60:02d}:{day_s % 60:02d}"


def test_departures_and_frequencies_that_say_the_same_are_equal(feed):
    assert diff(feed, expanded(feed), CONFIG).changes == ()


def test_departures_of_short_windows_with_long_headways_are_equal_too(feed):
    """An hour of a bus every 40 min has two, the next one at the hour: by rates that would be 30 min."""
    other = copy.deepcopy(feed)
    windows = other["frequencies.txt"]
    for hour, headway in enumerate((2400, 2700, 3600, 1), start=5):
        cells = {"trip_id": "P2-WD", "start_time": f"0{hour}:00:00", "end_time": f"0{hour + 1}:00:00"}
        for name, cell in {**cells, "headway_secs": str(headway), "exact_times": "0"}.items():
            windows[name].append(cell)
    row = windows["trip_id"].index("P2-WD")
    windows["start_time"][row] = "09:00:00"
    assert diff(other, expanded(other), ALL).changes == ()


def test_departures_that_come_more_often_are_told_by_the_hour(feed):
    busier = edit(feed, "frequencies.txt", "headway_secs", "480", headway_secs="240")
    change = only(feed, expanded(busier))
    assert (change.what, change.new_id) == ("retimed", "P1-line")
    six, eight, nine = (hour * 3600 for hour in (6, 8, 9))
    # the last bus before nine has the next one, of the next window, 4 minutes behind it
    windows = [["weekday", six, eight, 480, 240], ["weekday", eight, nine, 450, 240]]
    assert change.values == {"windows": windows}


# --- one change, one row -----------------------------------------------------------------------------


def test_a_stop_that_moved(feed):
    row = feed["stops.txt"]["stop_id"].index("S5")
    lat, lon = (float(feed["stops.txt"][f"stop_{name}"][row]) for name in ("lat", "lon"))
    (lat2,), (lon2,) = CENTRE.to_degrees(CENTRE.to_metres(np.array([lat]), np.array([lon])) + (12.0, 0.0))
    moved = edit(feed, "stops.txt", "stop_id", "S5", stop_lat=f"{lat2:.6f}", stop_lon=f"{lon2:.6f}")
    change = only(feed, moved)
    assert (change.kind, change.what, change.old_id, change.new_id) == ("stop", "moved", "S5", "S5")
    assert change.values["moved_m"] == pytest.approx(12.0, abs=0.3)
    assert change.lines == (((lat, lon), (round(lat2, 6), round(lon2, 6))),)
    assert sentence(change, "es").endswith("(S5): se movió 12 m.")
    quiet = diff(feed, moved, DiffConfig(moved_m=20.0))
    assert (quiet.changes, quiet.smaller) == ((), {"stop moved": 1})


def test_names_that_changed(feed):
    other = edit(feed, "stops.txt", "stop_id", "S1", stop_name="Otro Mercado")
    other = edit(other, "routes.txt", "route_id", "R1", route_short_name="15")
    other = edit(other, "trips.txt", "shape_id", "P2-line", trip_headsign="Otro Norte")
    found = diff(feed, other, CONFIG).changes
    assert [(one.kind, one.what, one.new_id) for one in found] == [
        ("route", "renamed", "R1"),
        ("pattern", "renamed", "P2-line"),
        ("stop", "renamed", "S1"),
    ]
    old = feed["stops.txt"]["stop_name"][0]
    assert found[2].values == {"old": old, "new": "Otro Mercado"}
    assert sentence(found[2], "en") == f"Stop Otro Mercado (S1): was called {old}, now Otro Mercado."


def drop_pattern(tables, shape_id):
    trips = tables["trips.txt"]
    for trip, shape in zip(trips["trip_id"], trips["shape_id"], strict=True):
        if shape == shape_id:
            tables = without(tables, "stop_times.txt", "trip_id", trip)
            tables = without(tables, "frequencies.txt", "trip_id", trip)
    return without(tables, "trips.txt", "shape_id", shape_id)


def test_a_pattern_that_is_gone_and_one_that_is_new(feed):
    less = drop_pattern(feed, "P2-line")
    assert rows(feed, less) == [("pattern", "removed", "P2-line", "")]
    change = only(less, feed)
    assert (change.kind, change.what, change.old_id, change.new_id) == ("pattern", "added", "", "P2-line")
    assert len(change.lines[0]) == 3


def test_a_route_that_is_gone_takes_its_patterns_and_stops(feed):
    less = drop_pattern(feed, "P4-line")
    less = without(less, "routes.txt", "route_id", "R2")
    used = set(less["stop_times.txt"]["stop_id"])
    for stop in set(less["stops.txt"]["stop_id"]) - used:
        less = without(less, "stops.txt", "stop_id", stop)
    found = rows(feed, less)
    assert [row[:2] for row in found[:2]] == [("route", "removed"), ("pattern", "removed")]
    assert {row[:2] for row in found[2:]} == {("stop", "removed")}
    assert len(found) == 2 + len(set(feed["stop_times.txt"]["stop_id"])) - len(used)


def test_a_pattern_that_calls_at_fewer_stops_or_elsewhere(feed):
    called = feed["stop_times.txt"]
    other = copy.deepcopy(feed)
    for trip in ("P3-WD", "P3-SU"):
        row = list(zip(called["trip_id"], called["stop_sequence"], strict=True)).index((trip, "2"))
        was, other["stop_times.txt"]["stop_id"][row] = called["stop_id"][row], "S1"
    change = only(feed, other)
    assert (change.what, change.new_id) == ("other_stops", "P3-line")
    assert [stop for stop, _ in change.values["gained"]] == ["S1"]
    assert [stop for stop, _ in change.values["lost"]] == [was]
    assert "para también en" in sentence(change, "es")
    assert "Ya no para en" in sentence(change, "es")


def test_a_pattern_of_another_route_and_another_way(feed):
    other = edit(feed, "trips.txt", "shape_id", "P2-line", route_id="R2")
    assert ("pattern", "other_route", "P2-line", "P2-line") in rows(feed, other)
    shapes = copy.deepcopy(feed)
    row = feed["shapes.txt"]["shape_id"].index("P2-line") + 1
    shapes["shapes.txt"]["shape_pt_lat"][row] = (
        f"{float(feed['shapes.txt']['shape_pt_lat'][row]) - 0.001:.6f}"
    )
    change = only(feed, shapes)
    assert (change.what, change.new_id) == ("moved", "P2-line")
    assert change.values["moved_m"] == pytest.approx(110.6, rel=0.1)


def test_times_that_changed(feed):
    other = copy.deepcopy(feed)
    for row, trip in enumerate(feed["stop_times.txt"]["trip_id"]):
        if trip == "P2-WD":
            for name in ("arrival_time", "departure_time"):
                was = seconds(feed["stop_times.txt"][name][row])
                other["stop_times.txt"][name][row] = clock(round(was * 1.4))
    other = edit(other, "frequencies.txt", "trip_id", "P2-WD", headway_secs="1800", end_time="21:00:00")
    change = only(feed, other)
    old_s, new_s = change.values["run_s"]
    assert new_s == pytest.approx(1.4 * old_s, abs=1)
    assert change.values["windows"] == [
        ["weekday", 6 * 3600, 21 * 3600, 1500, 1800],
        ["weekday", 21 * 3600, 22 * 3600, 1500, None],
    ]
    assert sentence(change, "es").endswith(
        "Entre semana, de 06:00 a 21:00: cada 30 min; antes cada 25 min. "
        "Entre semana, de 21:00 a 22:00: sin servicio; antes cada 25 min."
    )
    slight = edit(feed, "frequencies.txt", "trip_id", "P2-WD", headway_secs="1510")
    assert diff(feed, slight, CONFIG).smaller == {"pattern retimed": 1}
    assert [one.what for one in diff(feed, slight, ALL).changes] == ["retimed"]


def test_of_two_hands_what_one_does_not_tell_is_no_difference(feed):
    silent = renumbered(feed)
    silent["trips.txt"]["trip_headsign"] = [""] * len(silent["trips.txt"]["trip_id"])
    del silent["frequencies.txt"]
    for name in ("arrival_time", "departure_time"):
        silent["stop_times.txt"][name] = [""] * len(silent["stop_times.txt"]["trip_id"])
    assert diff(feed, silent, CONFIG).changes == ()


def test_a_growing_feed_read_backwards_loses_what_it_gained(feed):
    less = drop_pattern(feed, "P1-line")
    forth, back = diff(less, feed, CONFIG).counts(), diff(feed, less, CONFIG).counts()
    assert {kind: counts.get("added", 0) for kind, counts in forth.items()} == {
        kind: counts.get("removed", 0) for kind, counts in back.items()
    }


# --- calendars and oddities --------------------------------------------------------------------------


def test_a_service_of_dates_alone_runs_on_its_days(feed):
    dated = copy.deepcopy(feed)
    del dated["calendar.txt"]
    days = [("WD", f"2026112{n}") for n in range(3, 8)] + [("SA", "20261128"), ("SU", "20261129")]
    dated["calendar_dates.txt"] = {
        "service_id": [service for service, _ in days],
        "date": [date for _, date in days],
        "exception_type": ["1"] * len(days),
    }
    assert diff(feed, dated, ALL).changes == ()
    dated["calendar_dates.txt"]["date"][-1] = "20261399"  # no date: Sundays have no service any more
    assert [one.what for one in diff(feed, dated, CONFIG).changes] == ["retimed"]


def test_what_is_no_feed_is_refused_and_a_feed_without_rows_is_not(feed):
    with pytest.raises(NotEnoughData, match="old feed"):
        diff({}, feed, CONFIG)
    empty = {file: {name: [] for name in table} for file, table in feed.items()}
    found = diff(empty, feed, CONFIG).counts()
    assert found == {"route": {"added": 2}, "pattern": {"added": 4}, "stop": {"added": 14}}
    assert diff(empty, empty, CONFIG).changes == ()


def test_rows_that_refer_to_nothing_are_left_out(feed):
    broken = edit(feed, "stop_times.txt", "trip_id", "P4-WD", stop_id="nowhere")
    assert "P4-line" not in draw_chart(broken).pattern_id


# --- as JSON and on a map ----------------------------------------------------------------------------


def test_json_keeps_all_and_the_map_says_it(feed):
    other = edit(drop_pattern(feed, "P4-line"), "stops.txt", "stop_id", "S1", stop_name="X")
    found = diff(feed, other, CONFIG)
    plain = json.loads(json.dumps(as_json(found, with_lines=True)))
    assert from_json(plain) == found
    assert "lines" not in as_json(found)["changes"][0]
    features = as_geojson(found, "en")["features"]
    assert [one["geometry"]["type"] for one in features] == ["LineString", "Point"]
    assert features[0]["properties"]["text"] == sentence(found.changes[0], "en")
    lon, lat = features[1]["geometry"]["coordinates"]
    assert (lat, lon) == pytest.approx((19.53, -96.92), abs=0.1)


def test_every_change_has_words_in_both_languages(feed):
    other = edit(drop_pattern(feed, "P1-line"), "trips.txt", "shape_id", "P2-line", route_id="R2")
    for old, new in ((feed, other), (other, feed)):
        for change in diff(old, new, ALL).changes:
            es, en = sentence(change, "es_MX"), sentence(change, "en")
            assert es != en
            assert "{" not in es + en


@needs_shared
def test_a_feed_of_riders_against_the_truth_of_their_city(tmp_path):
    """No id in common, names of its own: nearly all patterns of the truth are found again by place."""
    truth = read_tables(SHARED / "rides" / "sim-accra-commuter" / "truth.zip")
    half = drop_half(truth)
    found = diff(half, renumbered(truth), CONFIG)
    n = len(draw_chart(truth).pattern_id)
    assert not found.by_ids
    assert found.counts()["pattern"] == {"added": n - len(draw_chart(half).pattern_id)}


def drop_half(tables):
    for route in sorted(tables["routes.txt"]["route_id"])[::2]:
        for trip, of in zip(tables["trips.txt"]["trip_id"], tables["trips.txt"]["route_id"], strict=True):
            if of == route:
                tables = without(tables, "stop_times.txt", "trip_id", trip)
        tables = without(without(tables, "trips.txt", "route_id", route), "routes.txt", "route_id", route)
    return tables
