import csv
import io
import zipfile

import numpy as np
import pytest

from benchmarks.score_sets import load_scorer
from tests.beside import SCORER, needs_shared
from transitmap.simulate.truth import truth_tables


@pytest.fixture(scope="module")
def tables(dataset):
    return {name: list(csv.DictReader(io.StringIO(text))) for name, text in truth_tables(dataset).items()}


def test_riders_aboard_are_the_rides_that_pass(tables):
    """Counted again from rides.csv: rides whose stops are known cover the calls between them."""
    calls = {}
    for row in tables["stop_times.txt"]:
        calls.setdefault(row["trip_id"].replace("pattern", "shape"), []).append(row)
    least = {key: np.zeros(len(rows), int) for key, rows in calls.items()}
    hailed = dict.fromkeys(calls, 0)
    for ride in (row for row in tables["rides.csv"] if row["kind"] == "ride"):
        stops = [row["stop_id"] for row in calls[ride["shape_id"]]]
        if ride["board_stop"] and ride["alight_stop"]:
            spans = [
                (i, j)
                for i, a in enumerate(stops)
                for j, b in enumerate(stops)
                if i < j and (a, b) == (ride["board_stop"], ride["alight_stop"])
            ]
            assert spans
            if len(spans) == 1:
                least[ride["shape_id"]][spans[0][0] : spans[0][1] + 1] += 1
                continue
        hailed[ride["shape_id"]] += 1
    for key, rows in calls.items():
        aboard = np.array([int(row["riders_aboard"]) for row in rows])
        assert (least[key] <= aboard).all()
        assert (aboard <= least[key] + hailed[key]).all()


def test_ride_counts_agree_between_the_tables(tables):
    rides = [row for row in tables["rides.csv"] if row["kind"] == "ride"]
    assert sum(int(row["rides"]) for row in tables["trips.txt"]) == len(rides)
    assert {row["shape_id"] for row in rides} == {row["shape_id"] for row in tables["trips.txt"]}
    assert [row["ride"] for row in tables["riders.csv"]] == [row["ride"] for row in tables["rides.csv"]]
    blank = [row for row in tables["rides.csv"] if row["kind"] != "ride"]
    assert all(not row["route_id"] and bool(row["copy_of"]) == (row["kind"] == "copy") for row in blank)


def test_places_and_times_increase_along_every_trip(tables):
    for name, column in (("stop_times.txt", "shape_dist_traveled"), ("runtimes.csv", "mean_offset_s")):
        before = ("", -1.0)
        for row in tables[name]:
            here = (row["trip_id"], float(row[column]))
            assert here[0] != before[0] or here[1] > before[1]
            before = here
    assert all(row["mean_offset_s"] == "0.0" for row in tables["runtimes.csv"] if row["stop_sequence"] == "1")


def test_expected_visits_are_no_more_than_riders_passing(tables):
    passing = {}
    for row in tables["stop_times.txt"]:
        passing[row["stop_id"]] = passing.get(row["stop_id"], 0) + int(row["riders_aboard"])
    for stop in tables["stops.txt"]:
        assert 0 <= float(stop["expected_visits"]) <= passing[stop["stop_id"]] + 1e-9
    assert np.mean([float(stop["expected_visits"]) >= 3 for stop in tables["stops.txt"]]) > 0.4


def test_headways_are_near_the_plan_and_unlike_each_other(dataset, tables):
    ratio = []
    for row in tables["headways.csv"]:
        plan_s = dataset.city.headway_s[int(row["trip_id"].split("-")[1]), 0, int(row["hour"])]
        if np.isfinite(plan_s):
            ratio.append(float(row["headway_s"]) / plan_s)
    assert np.median(ratio) == pytest.approx(1.03, abs=0.06)
    assert len({row["headway_s"] for row in tables["headways.csv"]}) > 20


@needs_shared
def test_the_truth_scored_against_itself_is_perfect(folder):
    scores = load_scorer(SCORER).score(folder / "truth.zip", folder)
    for name in ("stop_f1@30", "pattern_f1", "sequence_f1", "route_f1"):
        assert scores[name] == 1.0
    assert scores["runtime_mape"] < 0.01
    assert scores["headway_mape"] < 0.01


def test_partridge_reads_the_truth(folder):
    import partridge

    feed = partridge.load_raw_feed(str(folder / "truth.zip"))
    assert len(feed.trips) == 24
    assert len(feed.stops) > 250
    with zipfile.ZipFile(folder / "truth.zip") as archive:
        assert archive.testzip() is None
