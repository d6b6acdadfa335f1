"""What is stated with some confidence, and whether it is so."""

import numpy as np
import pytest

from tests.evaluate.feeds import Trip, write_feed
from transitmap.evaluate import claims_of, evaluate, reliability
from transitmap.evaluate.calibration import Claim, Share

EVERY = list(range(100, 3900, 300))
HEAD = "kind,id,n_rides,n_riders,n_days,confidence,low,high,note\n"


def test_claims_are_told_right_from_wrong(tmp_path):
    lines = ([(0, 0), (4000, 0)], [(0, 1000), (4000, 1000)])
    trips = [Trip(f"P{k}-WD", "a", line, EVERY) for k, line in enumerate(lines)]
    truth = write_feed(
        tmp_path / "true", [Trip("x", "a", lines[0], EVERY)], [("x", "06:00:00", "08:00:00", 600)]
    )
    found = evaluate(write_feed(tmp_path / "feed", trips), truth)
    evidence = HEAD + "\n".join(
        [
            "stop,P0-WD-s3,1,1,1,0.90,0,5,",
            "stop,P1-WD-s3,1,1,1,0.70,0,5,",
            "stop,unpublished,1,1,1,0.70,0,5,",
            "pattern,P0,1,1,1,0.95,0,5,",
            "pattern,P1,1,1,1,0.55,0,5,",
            "headway,P0-WD 06:00-07:00,1,,,,500,700,",
            "headway,P0-WD 06:00-08:00,1,,,0.60,650,700,",
            "headway,P0-WD 09:00-10:00,1,,,,500,700,nobody knows",
            "headway,P0-SA 06:00-07:00,1,,,,500,700,nobody knows",
            "headway,P1-WD 06:00-07:00,1,,,,500,700,of a pattern that is none",
        ]
    )
    assert claims_of(found, evidence) == [
        Claim("stop", "P0-WD-s3", 0.9, True),
        Claim("stop", "P1-WD-s3", 0.7, False),
        Claim("pattern", "P0", 0.95, True),
        Claim("pattern", "P1", 0.55, False),
        Claim("headway", "P0-WD 06:00-07:00", 0.8, True),
        Claim("headway", "P0-WD 06:00-08:00", 0.6, False),
    ]


def test_reliability_counts_what_is_right_in_each_step():
    claims = [Claim("stop", str(k), stated, right) for k, (stated, right) in enumerate(
        [(0.1, False), (0.2, True), (0.9, True), (1.0, True), (0.95, False)])]  # fmt: skip
    low, high = reliability(claims, [0.0, 0.5, 1.0])
    assert low == Share(2, pytest.approx(0.15), 0.5)
    assert high == Share(3, pytest.approx(0.95), pytest.approx(2 / 3))
    assert reliability([], [0.0, 1.0]) == []


@pytest.mark.parametrize("kind", ["stop", "pattern", "headway"])
def test_of_what_is_stated_with_80_percent_most_is_right(town, kind):
    """With slack: one small town, and a share of few claims is wide."""
    found = evaluate(town / "feed.zip", town, town / "report.csv")
    claims = [claim for claim in claims_of(found, (town / "evidence.csv").read_text()) if claim.kind == kind]
    sure = [claim for claim in claims if claim.confidence >= 0.8]
    assert len(sure) >= 3
    assert np.mean([claim.is_right for claim in sure]) >= 0.65
