"""A small city's feed with its evidence, as read back from the zip, and a feed of timetables."""

import pytest

from tests.gtfs.small_city import small_city, small_feed
from transitmap.gtfs.carry_ids import carry_ids
from transitmap.gtfs.evidence import evidence_table
from transitmap.gtfs.pack import pack
from transitmap.gtfs.read import read_tables


@pytest.fixture(scope="package")
def tables(tmp_path_factory):
    path = tmp_path_factory.mktemp("export") / "feed.zip"
    path.write_bytes(pack(small_feed()))
    return read_tables(path)


@pytest.fixture(scope="package")
def evidence():
    city = small_city()
    return evidence_table(city, carry_ids(city, None))


@pytest.fixture
def with_station():
    """The feed with S1 and S2 in one station."""
    feed = small_feed()
    stops = {name: [*values, values[0]] for name, values in feed["stops.txt"].items()}
    n = len(stops["stop_id"])
    stops["stop_id"][-1], stops["stop_name"][-1], stops["location_type"][-1] = "TS1", "Centro", "1"
    stops["parent_station"] = ["TS1", "TS1", *[""] * (n - 2)]
    return {**feed, "stops.txt": stops}
