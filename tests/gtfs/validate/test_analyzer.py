"""The grave findings of a second validator are errors of ours, and both variants of a feed have none."""

import copy
import sys

import pytest

from tests.gtfs.small_city import TODAY
from tests.gtfs.validate.test_own import SOUND, all_of, drop, put, write_folder
from transitmap.errors import FeedInvalid
from transitmap.gtfs.feed import expand
from transitmap.gtfs.pack import pack
from transitmap.gtfs.validate import analyzer


def check(tables, tmp_path):
    path = tmp_path / "feed.zip"
    path.write_bytes(pack(tables))
    return analyzer(path, TODAY)


@pytest.mark.parametrize("variant", [lambda tables: tables, expand], ids=["frequencies", "expanded"])
def test_a_feed_with_everything_in_it_has_no_grave_notice(variant, tmp_path):
    assert check(variant(SOUND), tmp_path) == []


@pytest.mark.parametrize(
    ("rule", "spoil"),
    [
        ("STM_028", put("stop_times.txt", 3, arrival_time="00:01:00", departure_time="00:01:00")),
        ("TRP_019", all_of(put("routes.txt", 1, continuous_pickup="0"), put("trips.txt", 5, shape_id=""))),
        ("ARC_032", put("stops.txt", 3, stop_name="<b>Centro</b>")),
        ("ARC_031", drop("feed_info.txt")),
        ("FRQ_011", put("frequencies.txt", 1, start_time="08:00:00")),
    ],
)
def test_what_it_calls_critical_or_high_is_an_error(rule, spoil, tmp_path):
    tables = copy.deepcopy(SOUND)
    spoil(tables)
    found = {one.rule: one for one in check(tables, tmp_path)}
    assert found[rule].severity == "error" and found[rule].message


def test_a_folder_is_as_good_as_its_zip(tmp_path):
    tables = copy.deepcopy(SOUND)
    put("stops.txt", 3, stop_name="<b>Centro</b>")(tables)
    write_folder(tables, tmp_path / "feed")
    assert analyzer(tmp_path / "feed", TODAY) == check(tables, tmp_path) != []


def test_a_feed_it_cannot_read_is_invalid(tmp_path):
    path = tmp_path / "feed.zip"
    path.write_bytes(b"no zip")
    with pytest.raises(FeedInvalid, match=r"ZIP"):
        analyzer(path, TODAY)


def test_where_it_is_not_installed_it_finds_nothing(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "gtfs_analyzer", None)
    assert analyzer(tmp_path / "not there.zip", TODAY) == []
