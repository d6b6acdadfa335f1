"""`transitmap export` writes what the suffix asks for, whole or not at all, and refuses in a sentence."""

import json

import pytest
from click.testing import CliRunner

from tests.gtfs.small_city import small_feed
from transitmap.cli import main
from transitmap.gtfs.pack import pack


@pytest.fixture
def feed(tmp_path):
    path = tmp_path / "feed.zip"
    path.write_bytes(pack(small_feed()))
    return path


def run(*words):
    return CliRunner().invoke(main, ["export", *map(str, words)])


def test_the_suffix_tells_the_format(feed, tmp_path, evidence):
    beside = tmp_path / "evidence.csv"
    beside.write_text(evidence, encoding="utf-8")
    done = run(feed, "--to", tmp_path / "city.geojson", "--evidence", beside, "--layer", "stops")
    assert (done.exit_code, done.output.split(": ")[1][:7]) == (0, "geojson")
    features = json.loads((tmp_path / "city.geojson").read_text(encoding="utf-8"))["features"]
    assert len(features) == 16 and features[0]["properties"]["n_riders"] == 4


def test_the_format_can_be_told(feed, tmp_path):
    assert run(feed, "--to", tmp_path / "strips.zip", "--format", "strips", "--lang", "en").exit_code == 0
    assert (tmp_path / "strips.zip").read_bytes()[:2] == b"PK"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--to", "city.shp"), "suffix '.shp'"),
        (("--to", "city.gpx", "--format", "shape"), "no format 'shape'"),
        (("--to", "city.parquet"), "holds one layer"),
        (("--to", "city.gpx", "--layer", "stops"), "no layer 'stops' in gpx"),
    ],
)
def test_what_cannot_be_written_leaves_no_file(feed, tmp_path, monkeypatch, words, said):
    monkeypatch.chdir(tmp_path)
    done = run(feed, *words)
    assert done.exit_code == 2 and said in done.output
    assert [one.name for one in tmp_path.iterdir()] == ["feed.zip"]
