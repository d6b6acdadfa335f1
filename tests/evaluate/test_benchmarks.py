"""The harness behind docs/evaluation.md: oracles say the truth, nothing stays changed, marks are there."""

import re
from pathlib import Path

import pytest

from benchmarks import answers, evaluate_page, oracles
from transitmap import build
from transitmap.config import Config
from transitmap.infer import legs, patterns

PAGE = Path(__file__).parent.parent.parent / "docs" / "evaluation.md"


@pytest.fixture(scope="module")
def collected(town):
    return build.collect_files([town / "rides.zip"], Config())


def test_with_every_stage_true_the_map_is_true(town, collected, monkeypatch):
    before = legs.split_legs, patterns.find_paths, build.collect_files
    monkeypatch.setattr(oracles, "ORACLES", {"all of them": oracles.ORACLES["all of them"]})
    (row,) = oracles.oracle_rows(town, collected)
    figures = dict(zip(oracles.FIGURES, row[1:], strict=True))
    for name in ("stops", "patterns", "sequence", "rides"):
        assert float(figures[name]) > 0.9, name
    assert float(figures["shape mean m"]) < 0.5
    assert before == (legs.split_legs, patterns.find_paths, build.collect_files)


def test_an_idea_that_is_gone_is_said_to_be(town, collected, monkeypatch):
    gone = {"a stage of old": (lambda ride: ride, {}, {"transitmap.infer.legs:nothing": None})}
    monkeypatch.setattr(oracles, "ABLATIONS", gone)
    monkeypatch.setattr(oracles, "_score", lambda *_: {"stop_f1@30": 0.5})
    today, row = oracles.ablation_rows(town, collected)
    assert today[1] == "0.50" and row[0] == "a stage of old" and row[1].startswith("gone: ")


def test_every_ride_of_the_truth_is_on_its_pattern(town, collected):
    truth = answers.Truth(town, collected[0])
    for row, pattern in zip(truth.rows, truth.pattern, strict=True):
        trip = truth.feed.trip_ids[pattern][0].removeprefix("pattern-") if pattern >= 0 else ""
        assert trip == row["shape_id"].removeprefix("shape-")


def test_the_page_has_a_place_for_every_table():
    marks = {"sets", "sets by our scorer", "cities", "calibration", "oracles", "ablations", "floor"}
    text = PAGE.read_text(encoding="utf-8")
    assert set(re.findall(r"<!-- (?!end of )(.+?) -->", text)) == marks
    assert set(re.findall(r"<!-- end of (.+?) -->", text)) == marks


def test_a_table_goes_between_its_marks_and_nowhere_else(tmp_path, monkeypatch):
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- a -->\nold\n<!-- end of a -->\nafter\n<!-- b -->\n<!-- end of b -->\n")
    monkeypatch.setattr(evaluate_page, "PAGE", page)
    evaluate_page.put("a", r"| \1 new |")
    assert page.read_text().startswith("before\n<!-- a -->\n| \\1 new |\n<!-- end of a -->\nafter\n")
    with pytest.raises(ValueError, match="no marks for c"):
        evaluate_page.put("c", "")
