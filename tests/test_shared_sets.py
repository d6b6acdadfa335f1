"""Real and simulated rides that lie beside the project, where they do: built, scored against their truth."""

import datetime
from dataclasses import replace

import pytest

from benchmarks import cheat_elsewhere
from benchmarks.score_sets import load_scorer
from tests.beside import SCORER, SHARED, needs_shared
from tests.evaluate.test_agreement import check
from tests.gtfs.gate import pass_gate
from transitmap.build import build_feed
from transitmap.collect import intake
from transitmap.config import Config
from transitmap.evaluate import evaluate

pytestmark = needs_shared

FLOORS = {
    "sim-accra-commuter": (0.86, 0.94, 0.90),
    "sim-accra-campaign": (0.88, 0.94, 0.93),
    "sim-cairns-branches": (0.83, 0.82, 0.85),
    "sim-saopaulo-headway": (0.92, 0.95, 0.95),
}
"""Stop F1 at 30 m, pattern F1, ride accuracy: a little below what is reached."""


def build(name, folder):
    built = build_feed([SHARED / "rides" / name / "rides.zip"], Config())
    (folder / "feed.zip").write_bytes(built.feed.zip_bytes)
    (folder / "rides.csv").write_text(built.report_csv)
    return built


@pytest.fixture(scope="module", params=FLOORS)
def city(request, tmp_path_factory):
    """The name of a set, what was built of it, and where the feed and the report lie."""
    folder = tmp_path_factory.mktemp(request.param)
    return request.param, build(request.param, folder), folder


def test_a_city_is_mapped_as_well_as_before_and_both_scorers_agree(city):
    name, _, folder = city
    score = load_scorer(SCORER).score(folder / "feed.zip", SHARED / "rides" / name, folder / "rides.csv")
    if name == "sim-accra-campaign":
        check(evaluate(folder / "feed.zip", SHARED / "rides" / name, folder / "rides.csv").figures, score)
    reached = score["stop_f1@30"], score["pattern_f1"], score["ride_accuracy"]
    assert all(have > floor for have, floor in zip(reached, FLOORS[name], strict=True)), reached


@pytest.mark.parametrize("variant", ["frequencies", "expanded"])
def test_its_feed_passes_all_rules_in_both_variants(city, variant, tmp_path):
    pass_gate(city[1].feed.tables, variant, datetime.datetime.now(datetime.UTC).date(), tmp_path)


def test_real_rides_build_without_an_error(tmp_path):
    built = build("real-chicago", tmp_path)
    assert built.summary()["errors"] == 0
    assert built.summary()["patterns"] > 0


def test_of_real_rides_copies_alone_are_withheld():
    """But for one of 34 rides in buses: its fixes were 78 m/s fast for a minute."""
    config = replace(Config(), collect=intake.for_files(Config().collect))
    _, _, tallies = cheat_elsewhere.judged(SHARED / "rides" / "real-aracaju" / "rides.zip", config)
    assert (tallies["copy"].hard, tallies["copy"].n) == (15, 17)
    assert (tallies["ride"].hard, tallies["car"].hard, tallies["still"].hard) == (1, 0, 0)
