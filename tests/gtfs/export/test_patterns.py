"""What a feed runs is read as it stands, with the evidence beside it; what is not there is not made up."""

import pytest

from tests.gtfs.small_city import small_feed
from transitmap.gtfs.export.patterns import FeedIncomplete, natural, read_published


def test_trips_of_one_chain_are_a_pattern_with_all_its_windows(tables, evidence):
    feed = read_published(tables, evidence)
    assert [one.pattern_id for one in feed.patterns] == ["P1", "P2", "P3", "P4"]
    first = feed.patterns[0]
    assert first.services == ["SA", "WD"]  # two trips of the feed, one pattern
    assert [(w.service_id, w.start_s, w.headway_s, w.is_unknown) for w in first.windows] == [
        ("SA", 7 * 3600, 1200, True),
        ("WD", 6 * 3600, 480, False),
        ("WD", 9 * 3600, 720, False),
    ]
    assert (first.windows[1].low_s, first.windows[1].high_s, first.windows[1].n_vehicles) == (420, 560, 18)
    assert [call.offset_s for call in first.calls] == [0, 113, 243, 494]  # metres between calls at 6 m/s
    assert first.evidence["n_rides"] == "40"
    assert first.departures == ()


def test_without_evidence_nothing_is_known_of_it(tables):
    window = read_published(tables).patterns[0].windows[1]
    assert (window.low_s, window.high_s, window.n_vehicles, window.is_unknown) == (None, None, None, False)


def test_every_trip_without_windows_is_a_departure():
    tables = small_feed()
    del tables["frequencies.txt"]
    for k, clock in enumerate(["06:10:00", "05:40:00"]):
        tables = one_more_trip(tables, f"P1-WD-{k}", clock)
    pattern = read_published(tables).patterns[0]
    assert pattern.windows == ()
    assert pattern.departures == (("SA", 0), ("WD", 0), ("WD", 20400), ("WD", 22200))
    assert pattern.pattern_id == "P1"


def test_exact_times_are_departures_too():
    tables = small_feed()
    tables["frequencies.txt"]["exact_times"] = ["1"] * len(tables["frequencies.txt"]["trip_id"])
    pattern = read_published(tables).patterns[1]
    assert pattern.windows == ()
    assert pattern.departures[:3] == (("WD", 21600), ("WD", 23100), ("WD", 24600))
    assert pattern.departures[-1][1] < 22 * 3600


def one_more_trip(tables, trip_id, clock):
    """P1 on a weekday once more, at another hour."""
    trips = {name: [*values, values[0]] for name, values in tables["trips.txt"].items()}
    trips["trip_id"][-1] = trip_id
    calls = {name: [*values, *values[:4]] for name, values in tables["stop_times.txt"].items()}
    calls["trip_id"][-4:] = [trip_id] * 4
    calls["departure_time"][-4:] = calls["arrival_time"][-4:] = [f"{clock[:4]}{k}:00" for k in range(4)]
    calls["departure_time"][-4] = clock
    return {**tables, "trips.txt": trips, "stop_times.txt": calls}


def test_names_are_translated_where_the_feed_has_them():
    tables = small_feed()
    tables["translations.txt"] = {
        "table_name": ["stops", "trips"],
        "field_name": ["stop_name", "trip_headsign"],
        "language": ["en", "en"],
        "translation": ["Market", "North"],
        "record_id": ["S1", ""],
        "field_value": ["", tables["trips.txt"]["trip_headsign"][0]],
    }
    english, spanish = read_published(tables, lang="en"), read_published(tables, lang="es")
    assert english.stops[0].name == "Market" != spanish.stops[0].name
    assert english.patterns[0].headsign == "North" != spanish.patterns[0].headsign
    assert english.stops[1].name == spanish.stops[1].name


def test_people_count_nine_before_ten():
    assert sorted(["10", "9", "A2", "a10", "9B"], key=natural) == ["9", "9B", "10", "A2", "a10"]


@pytest.mark.parametrize("lang", ["es", "en"])
def test_a_stop_called_by_its_kilometre_has_no_name_of_its_own(lang):
    own = {stop.own_name for stop in read_published(small_feed(lang=lang)).stops}
    assert own == {"", "Central camionera", "Mercado Jáuregui", '"El Árbol", esquina'}


def test_a_route_has_a_fare_where_one_holds():
    tables = small_feed()
    tables["fare_attributes.txt"] = {
        "fare_id": ["F8", "F10"],
        "price": ["8.00", "10.00"],
        "currency_type": ["MXN"] * 2,
    }
    tables["fare_rules.txt"] = {"fare_id": ["F8", "F10", "F8"], "route_id": ["R1", "R2", "R2"]}
    assert {one.route_id: one.fare for one in read_published(tables).routes} == {"R1": "8.00 MXN", "R2": ""}
    del tables["fare_rules.txt"]
    tables["fare_attributes.txt"] = {name: one[:1] for name, one in tables["fare_attributes.txt"].items()}
    assert {one.fare for one in read_published(tables).routes} == {"8.00 MXN"}


@pytest.mark.parametrize("file", ["stops.txt", "routes.txt", "trips.txt", "stop_times.txt"])
def test_a_feed_that_lacks_a_table_is_refused(file):
    tables = small_feed()
    del tables[file]
    with pytest.raises(FeedIncomplete, match=file):
        read_published(tables)


def test_a_call_at_a_stop_that_is_nowhere_is_refused():
    tables = small_feed()
    tables["stop_times.txt"]["stop_id"][0] = "S99"
    with pytest.raises(FeedIncomplete, match="S99"):
        read_published(tables)
    with pytest.raises(FeedIncomplete, match="kind"):
        read_published(small_feed(), "a,b\n1,2\n")
