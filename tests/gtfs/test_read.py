"""What was written is what partridge reads: a reader that is not ours."""

import warnings
import zipfile

import pytest

from tests.gtfs.small_city import small_feed
from transitmap.gtfs.pack import pack
from transitmap.gtfs.read import FeedUnreadable, read_tables


@pytest.fixture
def packed(tmp_path):
    path = tmp_path / "feed.zip"
    path.write_bytes(pack(small_feed()))
    return path


def test_the_feed_comes_back_value_by_value(packed):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_tables(packed) == small_feed()


def test_a_folder_reads_like_its_zip(packed, tmp_path):
    with zipfile.ZipFile(packed) as archive:
        archive.extractall(tmp_path / "feed")
    assert read_tables(tmp_path / "feed") == read_tables(packed)


def test_orphans_are_not_pruned(tmp_path):
    tables = small_feed()
    tables["trips.txt"]["route_id"][0] = "R99"
    path = tmp_path / "orphan.zip"
    path.write_bytes(pack(tables))
    assert read_tables(path)["trips.txt"]["route_id"][0] == "R99"


def test_headers_without_rows_are_columns_without_rows(tmp_path):
    path = tmp_path / "empty.zip"
    path.write_bytes(pack({"agency.txt": {"agency_id": [], "agency_name": []}}))
    assert read_tables(path) == {"agency.txt": {"agency_id": [], "agency_name": []}}


@pytest.mark.parametrize("body", [b"", b"no zip", pack({"stops.txt": {"a": ["x"]}})[:60]])
def test_what_is_no_zip_is_refused(tmp_path, body):
    path = tmp_path / "feed.zip"
    path.write_bytes(body)
    with pytest.raises(ValueError, match=r"feed\.zip: no readable feed"):
        read_tables(path)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"none\.zip: no readable feed"):
        read_tables(tmp_path / "none.zip")


def test_a_zip_of_a_method_nobody_knows_is_unreadable(packed):
    body = bytearray(packed.read_bytes())
    for signature, at in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):  # APPNOTE 4.3.7 and 4.3.12
        start = body.find(signature)
        while start >= 0:
            body[start + at : start + at + 2] = (99).to_bytes(2, "little")
            start = body.find(signature, start + 1)
    packed.write_bytes(body)
    with pytest.raises(FeedUnreadable, match="compression"):
        read_tables(packed)
