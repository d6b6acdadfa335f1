"""The same tables give the same bytes, and the small city's bytes are known."""

import csv
import hashlib
import io
import os
import subprocess
import sys
import time
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from benchmarks.pack_feed import by_pandas, headway_feed, members
from tests.gtfs.regenerate import GOLDEN, golden_files
from tests.gtfs.small_city import small_feed
from tests.gtfs.validate.test_own import SOUND
from transitmap.gtfs.feed import expand
from transitmap.gtfs.pack import CHUNK_ROWS, pack

ROOT = Path(__file__).parents[2]
PRINT_HASH = "from tests.gtfs.test_pack import all_bytes; print(all_bytes())"


def all_bytes():
    """A digest of all that is written of the small city, fares and hailing included, in both variants."""
    digest = hashlib.sha256(pack(SOUND) + pack(expand(SOUND)))
    for body in golden_files().values():
        digest.update(body)
    return digest.hexdigest()


def test_the_small_city_is_written_byte_by_byte():
    made = golden_files()
    assert sorted(made) == sorted(one.name for one in GOLDEN.iterdir())
    for name, body in made.items():
        assert body == (GOLDEN / name).read_bytes(), name


def test_another_process_with_another_hash_seed_writes_the_same_bytes():
    assert {"fare_rules.txt", "fare_leg_rules.txt", "translations.txt", "frequencies.txt"} < set(SOUND)
    told = subprocess.run(
        [sys.executable, "-c", PRINT_HASH],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": "4242", "TZ": "Asia/Kathmandu", "LC_ALL": "C"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.strip() == all_bytes()


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


@pytest.mark.parametrize("value", ['a "b"', "a, b", "a\rb", "a\nb"])
@pytest.mark.parametrize("row", [0, CHUNK_ROWS - 1, CHUNK_ROWS, 2 * CHUNK_ROWS + 1])
def test_a_value_to_quote_is_quoted_wherever_it_stands(value, row):
    table = {"a": ["x"] * (2 * CHUNK_ROWS + 2), "b": ["1"] * (2 * CHUNK_ROWS + 2)}
    table["a"][row] = value
    text = members(pack({"t.txt": table}))["t.txt"].decode()
    lines = list(csv.reader(io.StringIO(text, newline="")))
    assert [line[0] for line in lines[1:]] == table["a"]
    assert text.count('"') == (2 if '"' not in value else 6)


def test_a_large_feed_is_the_one_that_pandas_writes_sooner_and_in_less_memory():
    tables = expand(headway_feed(150_000))
    theirs, slow_s = timed(lambda: by_pandas(tables, None))
    ours, fast_s = timed(lambda: pack(tables))
    assert members(ours) == members(theirs)
    assert slow_s > 3 * fast_s  # 7 times: `python -m benchmarks.pack_feed`
    tracemalloc.start()
    pack(tables)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < len(ours) * 2 + 2e6 < len(members(ours)["stop_times.txt"])


def timed(work):
    start_s = time.process_time()
    return work(), time.process_time() - start_s
