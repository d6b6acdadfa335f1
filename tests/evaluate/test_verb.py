"""`transitmap evaluate` on the command line."""

import json

import pytest
from click.testing import CliRunner

from tests.evaluate.feeds import Trip, write_feed
from transitmap.cli import main

EVERY = list(range(100, 3900, 300))
ONE = Trip("one", "a", [(0, 0), (4000, 0)], EVERY)
TWO = Trip("two", "b", [(0, 1000), (4000, 1000)], EVERY)


@pytest.fixture
def feeds(tmp_path):
    return write_feed(tmp_path / "feed", [ONE]), write_feed(tmp_path / "true", [ONE, TWO])


def run(*words):
    return CliRunner().invoke(main, ["evaluate", *(str(word) for word in words)])


def test_figures_and_routes_in_words_and_for_programs(feeds):
    said = run(*feeds)
    assert said.exit_code == 0 and "pattern_f1" in said.output and "missed" in said.output
    figures = json.loads(run(*feeds, "--json").output)
    assert figures["pattern_recall"] == 0.5 and figures["route_table"][1]["state"] == "missed"
    assert figures["invented"] == []


def test_a_picture_in_the_language_of_the_campaign(feeds, tmp_path):
    config = tmp_path / "english.toml"
    config.write_text('[feed]\nlang = "en"\n')
    for more, word in (((), "Referencia"), (("--config", config), "Reference<")):
        assert run(*feeds, "--picture", tmp_path / "map.svg", *more).exit_code == 0
        assert word in (tmp_path / "map.svg").read_text()


def test_a_feed_alone_is_only_drawn(feeds, tmp_path):
    said = run(feeds[0], "--picture", tmp_path / "map.svg")
    assert (said.exit_code, said.output) == (0, "")
    assert "1 recorridos" in (tmp_path / "map.svg").read_text()
    assert run(feeds[0]).exit_code == 2


@pytest.mark.parametrize("text", [b"", b"no zip at all", b"PK\x03\x04 cut off"])
def test_what_is_no_feed_is_a_sentence_and_exit_2(feeds, tmp_path, text):
    (tmp_path / "bad.zip").write_bytes(text)
    for words in ((tmp_path / "bad.zip", feeds[1]), (feeds[0], tmp_path / "bad.zip")):
        said = run(*words)
        assert said.exit_code == 2 and said.output.startswith("transitmap: bad.zip: no readable feed")


def test_a_report_needs_its_truth(feeds, tmp_path):
    report = tmp_path / "report.csv"
    report.write_text("ride,status\n1,used\n")
    assert run(*feeds, "--report", report).exit_code == 2
    truth = tmp_path / "truth.csv"
    truth.write_text("ride,kind,route_id,direction_id\n1,ride,a,0\n")
    said = run(*feeds, "--report", report, "--truth", truth)
    assert said.exit_code == 2 and "report.csv: no column trip_id" in said.output
