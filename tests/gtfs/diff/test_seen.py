"""What riders saw otherwise than the official feed: one seeded difference, exactly its finding."""

import csv
import io
import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.gtfs.official_copy import (
    add_route,
    add_stop,
    as_offices_publish,
    call_there,
    official_copy,
    trips_of,
    without_stop,
)
from tests.gtfs.small_city import TODAY, small_city
from tests.gtfs.test_carry_ids import STOPS, grid_city
from transitmap.config import Config
from transitmap.errors import NotEnoughData
from transitmap.gtfs.carry_ids import carry_ids
from transitmap.gtfs.diff import describe_seen, seen_as_csv, seen_as_json
from transitmap.gtfs.diff.network_chart import chart_network
from transitmap.gtfs.diff.partners import find_places, inverse
from transitmap.gtfs.validate import validate
from transitmap.model import Trips
from transitmap.pipeline import make_feed

CONFIG = Config()
N = len(small_city().stops)


def rode(*rides):
    """Rides from one metre to another of a pattern."""
    pattern, first_m, last_m = (np.array(one) for one in zip(*rides, strict=True))
    none = np.zeros(len(rides))
    rows = np.zeros(len(rides), dtype=np.int64)
    first_m, last_m = first_m.astype(float), last_m.astype(float)
    return Trips(pattern, rows, first_m, last_m, rows, rows, none, none, none, ("",) * len(rides))


def feed_of(official, trips=None, previous=None):
    return make_feed(small_city(), CONFIG, TODAY, previous, official, trips)


def seen(official, trips=None):
    """Kind, what and ids of each finding, but for names: riders call route A-12 and B-1 otherwise."""
    found = feed_of(official, trips).seen.findings
    return [(one.kind, one.what, one.id, one.official_id) for one in found if one.what != "renamed"]


def test_the_same_city_by_another_hand_has_nothing_else_and_its_ids_hold():
    feed = feed_of(official_copy(moved_m=15.0))
    assert feed.seen.known == {"route": (2, 2, 2), "pattern": (4, 4, 4), "stop": (N, N, N)}
    assert [one.what for one in feed.seen.findings] == ["renamed"]  # the loop has no name of its own
    assert feed.tables["routes.txt"]["route_id"] == ["11", "12"]
    assert set(feed.tables["stops.txt"]["stop_id"]) >= {f"K{n}" for n in range(1, N)}
    assert set(feed.tables["shapes.txt"]["shape_id"]) == {"L1", "L2", "L3", "L4"}
    assert [one for one in validate(feed.tables, TODAY) if one.severity == "error"] == []


def test_official_feeds_as_offices_publish_them_say_the_same():
    """Single departures, calendar_dates alone, stations: the same finds, the same ids."""
    plain, office = official_copy(), as_offices_publish(official_copy())
    assert "frequencies.txt" not in office and "calendar.txt" not in office
    assert "1" in office["stops.txt"]["location_type"]
    assert seen(office) == seen(plain) == []
    assert feed_of(office).ids.to_json() == feed_of(plain).ids.to_json()


def test_a_stop_that_riders_use_and_the_official_feed_lacks():
    official = official_copy()
    lost = official["stop_times.txt"]["stop_id"][1]
    without_stop(official, lost)
    ((kind, what, own, other),) = seen(official)
    assert (kind, what, other) == ("stop", "not_official", "")
    assert own.startswith("S") and own in feed_of(official).tables["stops.txt"]["stop_id"]


@pytest.mark.parametrize(("n", "what"), [(25, "no_halt"), (19, "not_ridden"), (0, "not_ridden")])
def test_an_official_stop_where_nobody_halts_is_told_after_enough_rides(n, what):
    official = official_copy()
    add_stop(official, "N1", 1100, -8)
    call_there(official, "L1", "N1", 3)
    off_at_it, passed = (0, 0.0, 1090.0), (0, 0.0, 2900.0)
    trips = rode(*[passed] * n, *[off_at_it] * 30, *[(2, 0.0, 2900.0)] * 30)
    assert seen(official, trips) == [("stop", what, "", "N1")]
    (finding,) = [one for one in feed_of(official, trips).seen.findings if one.kind == "stop"]
    assert finding.n_rides == n


def test_stops_that_lie_elsewhere_are_told_with_how_sure_that_is():
    found = [one for one in feed_of(official_copy(moved_m=30.0)).seen.findings if one.kind == "stop"]
    assert len(found) == N and {one.what for one in found} == {"moved"}
    assert found[0].seen == pytest.approx(30.0, abs=0.2)
    assert (found[0].low, found[0].high) == (pytest.approx(23.5, abs=0.2), pytest.approx(36.5, abs=0.2))


def test_what_nobody_rode_is_unknown_and_not_wrong():
    official = official_copy()
    add_route(official, "77")
    found = seen(official)
    assert found[:2] == [("route", "not_ridden", "", "77"), ("pattern", "not_ridden", "", "z")]
    assert [one[:2] for one in found[2:]] == [("stop", "not_ridden")] * 3


def test_routes_and_patterns_that_are_ridden_and_not_official():
    official = official_copy()
    gone = trips_of(official, "L4")
    for file in ("trips.txt", "stop_times.txt", "frequencies.txt"):
        kept = [row for row, one in enumerate(official[file]["trip_id"]) if one not in gone]
        official[file] = {name: [column[row] for row in kept] for name, column in official[file].items()}
    official["routes.txt"] = {name: column[:1] for name, column in official["routes.txt"].items()}
    assert seen(official)[:2] == [("route", "not_official", "R2", ""), ("pattern", "not_official", "P4", "")]


def test_running_times_are_told_outside_the_interval_of_the_riders():
    """Riders take 494 s, 464 to 524 for four in five: what is a minute off and a tenth is no rounding."""
    for seconds, is_told in ((540, False), (600, True), (420, True)):
        official = official_copy()
        for trip in trips_of(official, "L1"):
            calls = official["stop_times.txt"]
            row = max(row for row, one in enumerate(calls["trip_id"]) if one == trip)
            time = f"00:{seconds // 60:02d}:{seconds % 60:02d}"
            calls["arrival_time"][row] = calls["departure_time"][row] = time
        assert seen(official) == ([("pattern", "running_time", "L1", "L1")] if is_told else [])


def test_headways_are_told_outside_the_interval_of_the_riders():
    """Riders know 480 s, 420 to 560, of weekdays 6 to 9 on the trunk."""
    for headway_s, is_told in ((430, False), (600, False), (700, True), (300, True)):
        official = official_copy()
        rows = official["frequencies.txt"]
        row = rows["headway_secs"].index("480")
        rows["headway_secs"][row] = str(headway_s)
        assert seen(official) == ([("pattern", "headway", "L1", "L1")] if is_told else [])
    (finding,) = [one for one in feed_of(official).seen.findings if one.what == "headway"]
    assert (finding.seen, finding.low, finding.high, finding.official) == (480, 420, 560, 300)
    assert finding.values == {"day": "weekday", "start_s": 21600, "end_s": 32400}


def test_later_builds_give_the_same_ids_with_and_without_the_official_feed():
    official = official_copy(moved_m=30.0)
    without_stop(official, official["stop_times.txt"]["stop_id"][1])
    first = feed_of(official)
    assert feed_of(official, previous=first.ids).ids.to_json() == first.ids.to_json()
    assert feed_of(None, previous=first.ids).ids.to_json() == first.ids.to_json()


def test_an_official_feed_in_our_own_numbers_takes_them():
    """S1 of the city is another stop than our S1: the city's holds."""
    own = feed_of(None)
    official = official_copy(ids={"stop_id": "S{}", "route_id": "R{}", "shape_id": "P{}-line"})
    was = official["stops.txt"]["stop_id"]
    new = dict(zip(was, reversed(was), strict=True))
    for file in ("stops.txt", "stop_times.txt"):
        official[file]["stop_id"] = [new[one] for one in official[file]["stop_id"]]
    found = feed_of(official, previous=own.ids).tables
    assert lat_by_id(found) == lat_by_id(official) != lat_by_id(own.tables)


def lat_by_id(tables):
    """Where the stops are, but for stations."""
    columns = (tables["stops.txt"][name] for name in ("stop_id", "stop_lat", "location_type"))
    return {one: lat for one, lat, kind in zip(*columns, strict=True) if kind == "0"}


def test_the_official_feed_may_not_be_empty():
    with pytest.raises(NotEnoughData):
        feed_of({"routes.txt": {"route_id": ["1"]}})
    feed = feed_of({"stops.txt": {}})
    assert feed.seen.known["stop"] == (N, 0, 0)
    assert all(one.what == "not_official" for one in feed.seen.findings)


@pytest.fixture
def comparison():
    """A finding of nearly every sort."""
    official = official_copy(moved_m=30.0)
    without_stop(official, official["stop_times.txt"]["stop_id"][1])
    add_stop(official, "N1", 1100, -8)
    call_there(official, "L1", "N1", 3)
    add_route(official, "77")
    official["frequencies.txt"]["headway_secs"] = ["3600"] * len(official["frequencies.txt"]["trip_id"])
    return feed_of(official, rode(*[(0, 0.0, 2900.0)] * 25)).seen


def test_a_planner_reads_it_in_spanish_and_in_english(comparison):
    spanish, english = ("\n".join(describe_seen(comparison, lang)) for lang in ("es-MX", "en"))
    assert spanish.startswith("Rutas: 2 en los viajes, 3 en el feed oficial, 2 en ambos")
    assert "Parada Nuevo N1 (N1): pasaron 25 viajes y no se encontró parada ahí" in spanish
    assert (
        "entre semana, de 06:00 a 09:00: cada 8 min (de 7 a 9.3); según el feed oficial cada 60." in spanish
    )
    assert "Ruta Z9 (77): nadie ha pasado: no se sabe." in spanish
    assert "Stop Nuevo N1 (N1): 25 rides passed and no stop was found there" in english
    assert "vehicles halt 30 m from the official place (24 to 37 m)" in english
    assert spanish.count("\n") == english.count("\n")


def test_programs_read_it_as_json_and_as_csv(comparison):
    plain = json.loads(json.dumps(seen_as_json(comparison), allow_nan=False))
    assert plain["known"]["route"] == {"seen": 2, "official": 3, "both": 2}
    rows = list(csv.DictReader(io.StringIO(seen_as_csv(comparison))))
    assert len(rows) == len(plain["findings"]) == len(comparison.findings)
    assert [row["official_id"] for row in rows] == [one["official_id"] for one in plain["findings"]]
    (halt,) = [row for row in rows if row["what"] == "no_halt"]
    assert (halt["n_rides"], halt["low"], halt["lat"][:2]) == ("25", "", "19")
    assert halt["es"].startswith("Parada") and halt["en"].startswith("Stop")


cities = st.tuples(st.sets(st.sampled_from(STOPS), min_size=1, max_size=15), st.integers(0, 9))


@given(cities, cities, st.booleans())
def test_nothing_is_two_things_and_who_has_an_official_id_keeps_it(official, ours, is_numbered_alike):
    old, new = (grid_city(sorted(stops), seed) for stops, seed in (official, ours))
    ids = [carry_ids(city[0], None) for city in (old, new)]
    if not is_numbered_alike:
        ids[1] = replace(ids[1], stop_id=tuple(f"K{one}" for one in ids[1].stop_id))
    charts = [
        chart_network(city[0], one, ("",) * len(one.route_id))
        for city, one in zip((old, new), ids, strict=True)
    ]
    found = find_places(*charts, CONFIG.diff)
    for partner, n in ((found.stop, len(new[1])), (found.pattern, len(new[2])), (found.route, len(new[3]))):
        matched = partner[partner >= 0].tolist()
        assert len(set(matched)) == len(matched) and all(row < n for row in matched)
    back = inverse(found.stop, len(new[1])).tolist()
    stop_id = tuple(charts[0].stop_id[a] if a >= 0 else f"new {b}" for b, a in enumerate(back))
    named = replace(charts[1], stop_id=stop_id)
    again = find_places(charts[0], named, CONFIG.diff)
    assert again.stop.tolist() == found.stop.tolist()
