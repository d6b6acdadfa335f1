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
