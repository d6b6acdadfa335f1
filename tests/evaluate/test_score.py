"""Two feeds compared: each fault costs its own figure and no other."""

from dataclasses import replace

import numpy as np
import pytest

from tests.evaluate.feeds import Trip, write_feed, write_table
from transitmap.evaluate import describe, evaluate

EVERY = list(range(100, 3900, 300))
NORTH = Trip("north", "a", [(0, 0), (2000, 0), (2000, 2000)], EVERY)
SOUTH = Trip("south", "a", [(2000, 2000), (2000, 0), (0, 0)], EVERY, direction="1")
FAR = Trip("far", "b", [(0, 5000), (4000, 5000)], EVERY)
ALL = [NORTH, SOUTH, FAR]
RIGHT = (
    "stop_f1@20",
    "stop_f1_directed@30",
    "street_precision",
    "street_recall",
    "pattern_f1",
    "sequence_f1",
)
RIGHT += ("route_f1", "runtime_cover")


def score(tmp_path, feed, reference, **more):
    feed, reference = (write_feed(tmp_path / n, t) for n, t in (("feed", feed), ("true", reference)))
    return evaluate(feed, reference, **more)


def test_a_feed_is_true_to_itself(tmp_path):
    found = score(tmp_path, ALL, ALL)
    assert [found.figures[name] for name in RIGHT] == pytest.approx([1.0] * len(RIGHT))
    for name in ("stop_error_m", "shape_error_mean_m", "runtime_mape", "headway_mape", "headway_unknown"):
        assert found.figures[name] == pytest.approx(0.0, abs=0.01), name
    assert [row.state for row in found.routes] == ["found", "found"] and found.invented == ()
    assert all(street.all() for street in (*found.true_streets, *found.found_streets))


def test_a_missed_route_costs_recall_only(tmp_path):
    found = score(tmp_path, ALL[:2], ALL)
    assert found.figures["pattern_precision"] == 1.0
    assert found.figures["pattern_recall"] == pytest.approx(2 / 3)
    assert found.figures["street_recall"] == pytest.approx(2 / 3, abs=0.01)
    assert [(row.name, row.state, row.n_found) for row in found.routes] == [
        ("A", "found", 2),
        ("B", "missed", 0),
    ]


def test_a_short_pattern_need_not_be_found_but_may(tmp_path):
    short = Trip("short", "c", [(0, -3000), (400, -3000)], [10, 390])
    for n, feed in enumerate(([*ALL, short], ALL)):
        found = score(tmp_path / str(n), feed, [*ALL, short])
        assert (found.figures["pattern_precision"], found.figures["pattern_recall"]) == (1.0, 1.0)


def test_an_invented_route_costs_precision_only(tmp_path):
    found = score(tmp_path, ALL, ALL[:2])
    assert (found.figures["pattern_precision"], found.figures["pattern_recall"]) == (
        pytest.approx(2 / 3),
        1.0,
    )
    assert found.figures["stop_recall@30"] == 1.0 and found.figures["stop_precision@30"] < 0.7
    assert found.invented == ("B",)


def test_the_other_direction_is_another_pattern(tmp_path):
    found = score(tmp_path, [SOUTH], [NORTH])
    assert found.figures["pattern_f1"] == 0.0 and found.figures["street_recall"] < 0.02
    assert found.figures["shape_error_mean_m"] is None and found.figures["runtime_mape"] is None


def test_one_pattern_twice_is_right_once(tmp_path):
    found = score(tmp_path, [NORTH, replace(NORTH, trip_id="again")], [NORTH])
    assert (found.figures["pattern_precision"], found.figures["pattern_recall"]) == (0.5, 1.0)


@pytest.mark.parametrize("side_m", [3.0, 12.0])
def test_a_line_beside_the_road_has_that_shape_error(tmp_path, side_m):
    moved = replace(FAR, line_m=[(0, 5000 + side_m), (4000, 5000 + side_m)], side_m=5 + side_m)
    found = score(tmp_path, [moved], [FAR])
    for name in ("shape_error_mean_m", "shape_error_p95_m", "shape_hausdorff_median_m"):
        assert found.figures[name] == pytest.approx(side_m, abs=0.1)
    assert found.figures["stop_error_m"] == pytest.approx(0.0, abs=0.1)


def test_a_line_cut_short_is_found_until_much_is_missing(tmp_path):
    for end_m, f1 in ((3600, 1.0), (3200, 0.0)):
        short = replace(FAR, line_m=[(0, 5000), (end_m, 5000)], stops_m=[m for m in EVERY if m < end_m])
        assert score(tmp_path / str(end_m), [short], [FAR]).figures["pattern_f1"] == f1


def test_twice_the_time_is_an_error_of_one(tmp_path):
    found = score(tmp_path, [replace(FAR, speed_m_s=2.5)], [FAR])
    assert found.figures["runtime_mape"] == pytest.approx(1.0, abs=0.02)


def test_half_of_the_stops_halve_the_sequence(tmp_path):
    found = score(tmp_path, [replace(FAR, stops_m=EVERY[::2])], [FAR])
    assert found.figures["sequence_f1"] == pytest.approx(2 * 7 / 13 / (1 + 7 / 13))


def test_headways_silent_and_wrong(tmp_path):
    reference = write_feed(tmp_path / "true", [FAR], [("far", "06:00:00", "10:00:00", 600)])
    feed = write_feed(tmp_path / "feed", [FAR], [("far", "06:00:00", "08:00:00", 900)])
    figures = evaluate(feed, reference).figures
    assert (figures["headway_hours"], figures["headway_unknown"]) == (4, 0.5)
    assert figures["headway_mape_known"] == pytest.approx(0.5)
    assert figures["headway_mape"] == pytest.approx(0.75)


def test_what_nobody_rode_need_not_be_found(tmp_path):
    ridden = replace(FAR, n_aboard=(5,) * 7 + (0,) * 6, n_visits=(9,) * 7 + (0,) * 6)
    first_half = replace(FAR, line_m=[(0, 5000), (1900, 5000)], stops_m=EVERY[:7])
    found = score(tmp_path, [first_half], [ridden])
    assert (found.figures["pattern_f1"], found.figures["stop_recall@30"]) == (1.0, 1.0)
    assert found.figures["sequence_f1"] == 1.0
    found = score(tmp_path / "whole", [first_half], [FAR])
    assert found.figures["pattern_f1"] == 0.0


def test_rides_and_junk(tmp_path):
    write_feed(tmp_path / "feed", ALL)
    report, truth = tmp_path / "report.csv", tmp_path / "truth.csv"
    said = ["in.zip/1.gpx used north", "in.zip/2.gpx used far", "3 ignored -", "4.gpx used far"]
    was = ["1 ride a 0", "2 ride a 0", "3 walk - -", "4 car - -", "5 ride b 0"]
    write_table(report, "ride status trip_id", [row.split() for row in said])
    write_table(truth, "ride kind route_id direction_id", [row.split() for row in was])
    figures = evaluate(tmp_path / "feed", tmp_path / "feed", report, truth).figures
    assert figures["ride_accuracy"] == pytest.approx(1 / 3)
    assert (figures["junk_precision"], figures["junk_recall"]) == (0.5, 0.5)


def test_words_name_every_route(tmp_path):
    text = "\n".join(describe(score(tmp_path, [NORTH, FAR], ALL[:2])))
    assert "A" in text and "1 of 2  partly" in text and "only in the feed: B" in text
    assert "headway_mape" in text and "nan" not in text


def test_figures_are_numbers_or_nothing(tmp_path):
    for name, value in score(tmp_path, ALL, ALL[:1]).figures.items():
        assert value is None or np.isfinite(value), name
