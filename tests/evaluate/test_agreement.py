"""Our scorer and the one that lies beside the project, where it does, mean the same by the same words."""

import pytest

from benchmarks.score_sets import load_scorer
from tests.beside import SCORER, needs_shared
from transitmap.evaluate import evaluate

pytestmark = needs_shared

SAME = "stop_f1@30 stop_f1@50 stop_precision@30 stop_recall@30 pattern_precision pattern_recall pattern_f1"
SAME += " sequence_f1 runtime_mape runtime_cover headway_mape ride_accuracy junk_precision junk_recall"
STOP_SHARE, OTHER_SHARE = 0.01, 0.03
"""Stops differ where one lies 30 m off to the decimetre; patterns where 85 % are covered to the point."""


@pytest.fixture(scope="module")
def scorer():
    return load_scorer(SCORER)


def check(ours, theirs):
    compared = 0
    for name in SAME.split():
        if theirs.get(name) is not None:
            slack = STOP_SHARE if name.startswith("stop") else OTHER_SHARE
            assert ours[name] == pytest.approx(theirs[name], abs=slack), name
            compared += 1
    assert compared >= 12
    assert ours["stop_error_m"] == pytest.approx(theirs["stop_error_m"], rel=0.02)
    assert ours["shape_error_mean_m"] < theirs["shape_error_mean_m"]


def test_on_a_town_of_our_own(town, scorer):
    ours = evaluate(town / "feed.zip", town, town / "report.csv").figures
    check(ours, scorer.score(town / "feed.zip", town, town / "report.csv"))
