"""The same tables give the same bytes, and the small city's bytes are known."""

import csv
import hashlib
import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.gtfs.regenerate import GOLDEN, golden_files
from tests.gtfs.small_city import small_feed
from transitmap.gtfs.pack import pack

ROOT = Path(__file__).parents[2]
PRINT_HASH = (
    "import hashlib; from tests.gtfs.regenerate import golden_files;"
    "from tests.gtfs.small_city import small_feed;"
    "from transitmap.gtfs.pack import pack; digest = hashlib.sha256(pack(small_feed()));"
    "[digest.update(body) for body in golden_files().values()]; print(digest.hexdigest())"
)


def test_the_small_city_is_written_byte_by_byte():
    made = golden_files()
    assert sorted(made) == sorted(one.name for one in GOLDEN.iterdir())
    for name, body in made.items():
        assert body == (GOLDEN / name).read_bytes(), name


def test_another_process_with_another_hash_seed_writes_the_same_bytes():
    digest = hashlib.sha256(pack(small_feed()))
    for body in golden_files().values():
        digest.update(body)
    told = subprocess.run(
        [sys.executable, "-c", PRINT_HASH],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": "4242", "TZ": "Asia/Kathmandu"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.strip() == digest.hexdigest()


def test_members_are_sorted_dated_1980_and_at_the_root():
    with zipfile.ZipFile(io.BytesIO(pack(small_feed()))) as archive:
        members = archive.infolist()
        assert [one.filename for one in members] == sorted(small_feed())
        assert {one.date_time for one in members} == {(1980, 1, 1, 0, 0, 0)}
        assert {one.external_attr for one in members} == {0o100644 << 16}
        assert {one.create_system for one in members} == {3}
        assert {one.compress_type for one in members} == {zipfile.ZIP_DEFLATED}
        assert archive.testzip() is None


def test_the_order_in_which_tables_were_made_does_not_show():
    tables = small_feed()
    assert pack(dict(reversed(tables.items()))) == pack(tables)


@pytest.mark.parametrize("value", ["plain", 'a "b", c', "a\nb", "a\r\nb", "ñandú 🚌", "", " x "])
@pytest.mark.parametrize("n_columns", [1, 2])
def test_every_value_comes_back_from_the_standard_reader(value, n_columns):
    table = {f"c{i}": [value, "x"] for i in range(n_columns)}
    with zipfile.ZipFile(io.BytesIO(pack({"t.txt": table}))) as archive:
        text = archive.read("t.txt").decode("utf-8")
    assert list(csv.reader(io.StringIO(text, newline=""))) == [
        list(table),
        [value] * n_columns,
        ["x"] * n_columns,
    ]


def test_a_table_without_rows_keeps_its_header():
    with zipfile.ZipFile(io.BytesIO(pack({"t.txt": {"a": [], "b": []}}))) as archive:
        assert archive.read("t.txt") == b"a,b\r\n"


def test_columns_of_different_length_are_a_bad_call():
    with pytest.raises(ValueError, match=r"t\.txt: columns of \[0, 1\] rows"):
        pack({"t.txt": {"a": ["1"], "b": []}})
