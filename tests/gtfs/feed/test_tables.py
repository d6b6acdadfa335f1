"""The exporter's rules, one test each, on the small city and on networks made to break them."""

import datetime
import re
import zoneinfo
from collections import Counter, defaultdict
from dataclasses import replace

import numpy as np
import pytest

from tests.gtfs.small_city import CENTRE, TODAY, small_city, small_feed
from transitmap.config import FeedConfig
from transitmap.gtfs.admit import admit
from transitmap.gtfs.carry_ids import carry_ids
from transitmap.gtfs.feed import build_tables, published_trip_id, unscheduled
from transitmap.model import HailStretches, Headways, Routes, StepFree

KM_H = 3.6


def rows(tables, file):
    columns = tables[f"{file}.txt"]
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def by_trip(tables, file="stop_times"):
    grouped = defaultdict(list)
    for row in rows(tables, file):
        grouped[row["trip_id"]].append(row)
    return grouped


def day_s(clock):
    hours, minutes, seconds = map(int, clock.split(":"))
    return hours * 3600 + minutes * 60 + seconds


def without_headways(pattern=None, day_type=None):
    headways = small_city().headways
    drop = np.ones(len(headways), dtype=bool)
    if pattern is not None:
        drop &= headways.pattern_index == pattern
    if day_type is not None:
        drop &= headways.day_type == day_type
    return Headways(*(getattr(headways, name)[~drop] for name in headways.__dataclass_fields__))


def test_every_table_has_rows():
    tables = small_feed()
    assert {name: len(rows(tables, name.removesuffix(".txt"))) for name in tables} == {
        "agency.txt": 1,
        "attributions.txt": 1,
        "calendar.txt": 3,
        "calendar_dates.txt": 12,
        "feed_info.txt": 1,
        "frequencies.txt": 7,
        "routes.txt": 2,
        "shapes.txt": 14,
        "stop_times.txt": 26,
        "stops.txt": 14 + 2,
        "translations.txt": 13,
        "trips.txt": 6,
    }


def test_keys_are_exact_used_and_ascii():
    tables = small_feed()
    trips = tables["trips.txt"]
    assert set(tables["routes.txt"]["route_id"]) == set(trips["route_id"])
    assert set(tables["calendar.txt"]["service_id"]) == set(trips["service_id"])
    assert set(tables["shapes.txt"]["shape_id"]) == set(trips["shape_id"])
    assert set(tables["stop_times.txt"]["trip_id"]) == set(trips["trip_id"])
    called = set(tables["stop_times.txt"]["stop_id"])
    assert set(tables["stops.txt"]["stop_id"]) == called | set(tables["stops.txt"]["parent_station"]) - {""}
    ids = [one for table in tables.values() for name in table if name.endswith("_id") for one in table[name]]
    assert all(re.fullmatch(r"[\x21-\x7e]+", one) for one in ids)
    assert len(set(trips["trip_id"])) == len(trips["trip_id"])


def test_the_agency_is_whole_and_speaks_the_feeds_language():
    tables = small_feed()
    (agency,), (info,) = rows(tables, "agency"), rows(tables, "feed_info")
    assert {row["agency_id"] for row in rows(tables, "routes")} == {agency["agency_id"]}
    assert agency["agency_timezone"] in zoneinfo.available_timezones()
    assert agency["agency_url"].startswith("https://")
    assert agency["agency_lang"] == info["feed_lang"] == "es"
    assert rows(small_feed(timezone="America/Bogota"), "agency")[0]["agency_timezone"] == "America/Bogota"


@pytest.mark.parametrize(
    "names",
    [
        (("12", "12"), ("", "")),
        (("RUTA LARGUÍSIMA DEL NORTE", "12"), ("", "12 - Centro")),
        (("", ""), ("", "")),
        (("<b>7</b>", "7"), ("Centro", "Centro")),
    ],
)
def test_route_names_are_short_unique_and_do_not_repeat(names):
    found = rows(small_feed(small_city(routes=Routes(*names, np.ones(2)))), "routes")
    for route in found:
        short, long = route["route_short_name"], route["route_long_name"]
        assert short or long
        assert len(short) <= 12
        assert not short or not re.match(rf"{re.escape(short)}\b", long, re.IGNORECASE)
        assert route["route_type"] == "3"
    assert len({(route["route_short_name"], route["route_long_name"]) for route in found}) == 2


def test_both_directions_and_the_branch_are_one_route():
    tables = small_feed()
    trips = {row["trip_id"]: row for row in rows(tables, "trips")}
    assert {trips[one]["route_id"] for one in ("P1-WD", "P2-WD", "P3-WD")} == {"R1"}
    assert [trips[one]["direction_id"] for one in ("P1-WD", "P2-WD", "P3-WD")] == ["0", "0", "1"]
    assert len({trips[one]["shape_id"] for one in ("P1-WD", "P2-WD", "P3-WD")}) == 3
    loop = by_trip(tables)["P4-WD"]
    assert loop[0]["stop_id"] == loop[-1]["stop_id"]
    assert not any(re.match(r"to\b|hacia\b", row["trip_headsign"], re.IGNORECASE) for row in trips.values())
    assert all(row["trip_headsign"] for row in trips.values())


def test_template_trips_start_at_midnight_and_time_passes():
    for calls in by_trip(small_feed()).values():
        times = [day_s(row["arrival_time"]) for row in calls]
        assert times[0] == 0
        assert len(times) >= 2
        assert np.all(np.diff(times) > 0)
        assert [row["arrival_time"] for row in calls] == [row["departure_time"] for row in calls]
        assert [int(row["stop_sequence"]) for row in calls] == list(range(1, len(calls) + 1))


def test_no_hop_is_faster_than_80_km_h_whatever_the_evidence_says():
    city = small_city()
    tables = small_feed(small_city(patterns=replace(city.patterns, run_s=city.patterns.run_s / 50)))
    places = {
        row["stop_id"]: (float(row["stop_lat"]), float(row["stop_lon"])) for row in rows(tables, "stops")
    }
    fastest_km_h = 0.0
    for calls in by_trip(tables).values():
        lat_deg, lon_deg = np.array([places[row["stop_id"]] for row in calls]).T
        crow_m = np.hypot(*np.diff(CENTRE.to_metres(lat_deg, lon_deg), axis=0).T)
        along_m = np.diff([float(row["shape_dist_traveled"]) for row in calls])
        hop_s = np.diff([day_s(row["arrival_time"]) for row in calls])
        fastest_km_h = max(fastest_km_h, (np.maximum(crow_m, along_m) / hop_s * KM_H).max())
    assert 70 < fastest_km_h < 80


def test_frequencies_are_the_observed_windows_and_no_promise():
    tables = small_feed()
    windows = rows(tables, "frequencies")
    assert {row["exact_times"] for row in windows} == {"0"}
    assert {row["timepoint"] for row in rows(tables, "stop_times")} == {"0"}
    assert {row["pickup_type"] + row["drop_off_type"] for row in rows(tables, "stop_times")} == {"00"}
    assert windows[1] == {
        "trip_id": "P1-WD",
        "start_time": "09:00:00",
        "end_time": "22:00:00",
        "headway_secs": "720",
        "exact_times": "0",
    }
    assert max(row["end_time"] for row in windows) == "24:30:00"
    for calls in by_trip(tables, "frequencies").values():
        assert all(a["end_time"] <= b["start_time"] for a, b in zip(calls, calls[1:], strict=False))
        assert all(int(row["headway_secs"]) > 0 for row in calls)


def test_a_day_nobody_observed_has_no_trip():
    tables = small_feed(small_city(headways=without_headways(day_type=1)))
    assert "P1-SA" not in tables["trips.txt"]["trip_id"]
    assert tables["calendar.txt"]["service_id"] == ["WD", "SU"]


def test_a_pattern_without_a_headway_is_left_out_and_said():
    city = small_city(headways=without_headways(pattern=3))
    ids = carry_ids(city, None)
    tables = build_tables(city, ids, FeedConfig(), TODAY)
    assert tables["routes.txt"]["route_id"] == ["R1"]
    assert "P4-line" not in tables["shapes.txt"]["shape_id"]
    called = set(tables["stop_times.txt"]["stop_id"])
    assert set(tables["stops.txt"]["stop_id"]) == called | set(tables["stops.txt"]["parent_station"]) - {""}
    assert unscheduled(city, ids) == ["pattern P4 is not in the feed: no headway observed"]
    assert published_trip_id(city, ids, 3, 0) == ""
    assert unscheduled(small_city(), ids) == []


def test_a_pattern_without_a_line_is_left_out_and_said():
    city = small_city()
    along_m = city.shapes.along_m.copy()
    along_m[-5:] = 0.0
    flat = small_city(shapes=replace(city.shapes, along_m=along_m))
    ids = carry_ids(flat, None)
    assert "P4-WD" not in build_tables(flat, ids, FeedConfig(), TODAY)["trips.txt"]["trip_id"]
    assert unscheduled(flat, ids) == ["pattern P4 is not in the feed: it has no line"]


def test_trip_ids_are_named_in_one_place():
    city = small_city()
    ids = carry_ids(city, None)
    assert ids.trip_id(2, 2) == "P3-SU" == published_trip_id(city, ids, 2, 2)
    # Nobody observed the branch on a Sunday: its weekday trip stands in.
    assert published_trip_id(city, ids, 1, 2) == "P2-WD"


def test_distances_rise_in_metres_and_end_on_the_shape():
    tables = small_feed()
    shape_of = dict(zip(tables["trips.txt"]["trip_id"], tables["trips.txt"]["shape_id"], strict=True))
    length_m = {}
    for row in rows(tables, "shapes"):
        assert re.fullmatch(r"\d+\.\d", row["shape_dist_traveled"])
        assert float(row["shape_dist_traveled"]) > length_m.get(row["shape_id"], -1)
        length_m[row["shape_id"]] = float(row["shape_dist_traveled"])
    for trip_id, calls in by_trip(tables).items():
        along = [row["shape_dist_traveled"] for row in calls]
        assert all(re.fullmatch(r"\d+\.\d", one) for one in along)
        assert np.all(np.diff([float(one) for one in along]) > 0)
        assert float(along[-1]) <= length_m[shape_of[trip_id]]


def test_calls_that_crowd_at_the_end_of_a_shape_stay_on_it():
    city = small_city()
    along_m = city.patterns.along_m.copy()
    along_m[2:4] = 3003.33, 3010.0
    calls = by_trip(small_feed(small_city(patterns=replace(city.patterns, along_m=along_m))))["P1-WD"]
    assert [row["shape_dist_traveled"] for row in calls] == ["20.0", "700.0", "3003.2", "3003.3"]


def test_coordinates_have_six_decimals():
    tables = small_feed()
    values = [*tables["stops.txt"]["stop_lat"], *tables["stops.txt"]["stop_lon"]]
    values += [*tables["shapes.txt"]["shape_pt_lat"], *tables["shapes.txt"]["shape_pt_lon"]]
    assert all(re.fullmatch(r"-?\d+\.\d{6}", one) for one in values)


@pytest.mark.parametrize(
    ("first_day", "start"),
    [("2026-10-01", "20261001"), ("2026-11-22", "20261116"), ("2027-01-01", "20261116"), ("", "20261116")],
)
def test_service_has_begun_on_every_weekday_and_holds_ahead(first_day, start):
    tables = small_feed(small_city(first_day=first_day), valid_days=40)
    assert set(tables["calendar.txt"]["start_date"]) == {start}
    end = f"{TODAY + datetime.timedelta(days=40):%Y%m%d}"
    assert set(tables["calendar.txt"]["end_date"]) == {end}
    assert (tables["feed_info.txt"]["feed_start_date"], tables["feed_info.txt"]["feed_end_date"]) == (
        [start],
        [end],
    )


def test_the_version_is_the_day_and_the_content():
    (version,) = small_feed()["feed_info.txt"]["feed_version"]
    assert re.fullmatch(r"20261122-[0-9a-f]{8}", version)
    assert small_feed()["feed_info.txt"]["feed_version"] == [version]
    city = small_city()
    other = small_city(patterns=replace(city.patterns, run_s=city.patterns.run_s * 1.1))
    assert small_feed(other)["feed_info.txt"]["feed_version"] != [version]


def test_contributors_are_attributed_as_one_body():
    (row,) = rows(small_feed(contact_email="mapa@example.org"), "attributions")
    assert row["is_producer"] == "1"
    assert row["attribution_url"].startswith("https://opendatacommons.org/")
    assert row["attribution_email"] == "mapa@example.org"


def test_stops_have_their_own_names_or_share_what_riders_said():
    stops = [row for row in rows(small_feed(), "stops") if row["location_type"] == "0"]
    assert all(row["stop_name"] for row in stops)
    assert set(Counter(row["stop_name"] for row in stops).values()) == {1}


def test_a_city_without_anything_gives_tables_without_rows():
    empty, _ = admit(small_city(), 1000)
    tables = small_feed(empty)
    assert set(tables) == set(small_feed()) - {"calendar_dates.txt", "translations.txt"}
    assert {name for name, columns in tables.items() if not any(columns.values())} == {
        f"{name}.txt"
        for name in ("stops", "routes", "trips", "stop_times", "calendar", "frequencies", "shapes")
    }


def test_routes_are_sorted_as_people_count():
    city = small_city(routes=Routes(("10", "9A"), ("", ""), np.ones(2)))
    assert small_feed(city)["routes.txt"]["route_sort_order"] == ["2", "1"]


@pytest.mark.parametrize(("color", "ink"), [("FFD400", "000000"), ("00205B", "FFFFFF"), ("777777", "FFFFFF")])
def test_a_colour_of_the_street_gets_an_ink_that_stands_out(color, ink):
    (route, other) = rows(small_feed(route_colors={"12": color}), "routes")
    assert (route["route_color"], route["route_text_color"]) == (color, ink)
    assert (other["route_color"], other["route_text_color"]) == ("", "")


def test_a_stop_is_step_free_where_riders_agree():
    said = StepFree(np.array([0, 4]), np.array([True, False]), np.array([3, 2]))
    stops = {row["stop_id"]: row for row in rows(small_feed(small_city(step_free=said)), "stops")}
    assert [stops[one]["wheelchair_boarding"] for one in ("S1", "S5", "S2", "TS1")] == ["1", "2", "0", "0"]


def test_where_people_hail_each_call_says_so():
    stretch = HailStretches(
        np.array([0]), np.array([600.0]), np.array([2900.0]), np.array([9]), np.array([5]), np.array([0.9])
    )
    calls = by_trip(small_feed(small_city(hails=stretch)))
    assert [row["continuous_pickup"] for row in calls["P1-WD"]] == ["1", "0", "0", "1"]
    assert [row["continuous_drop_off"] for row in calls["P1-WD"]] == ["1", "0", "0", "1"]
    assert {row["continuous_pickup"] for row in calls["P4-WD"]} == {"1"}
    assert "continuous_pickup" not in small_feed()["stop_times.txt"]
