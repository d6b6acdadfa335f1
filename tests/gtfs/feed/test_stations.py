"""Terminals: two ends of lines at one place are one station, two kerbs on the way are not."""

from tests.gtfs.feed.test_tables import rows
from tests.gtfs.small_city import small_feed


def test_ends_of_lines_at_one_place_are_a_station():
    stops = {row["stop_id"]: row for row in rows(small_feed(), "stops")}
    assert stops["S1"]["parent_station"] == stops["S10"]["parent_station"] == "TS1"
    assert stops["S4"]["parent_station"] == stops["S7"]["parent_station"] == "TS4"
    assert stops["TS1"]["location_type"] == "1"
    assert stops["TS1"]["stop_name"] == stops["S1"]["stop_name"]
    middle = (float(stops["S1"]["stop_lat"]) + float(stops["S10"]["stop_lat"])) / 2
    assert abs(float(stops["TS1"]["stop_lat"]) - middle) < 2e-6


def test_two_kerbs_on_the_way_are_two_stops():
    stops = {row["stop_id"]: row for row in rows(small_feed(), "stops")}
    assert stops["S3"]["parent_station"] == stops["S8"]["parent_station"] == ""


def test_a_station_is_not_called_at():
    tables = small_feed()
    assert not {"TS1", "TS4"} & set(tables["stop_times.txt"]["stop_id"])
