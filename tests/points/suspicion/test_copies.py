"""Two rides compared: lag and factor are found, other vehicles are far, company is near and no copy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks import attacks
from benchmarks import honest_riders as honest
from tests.points.suspicion.test_marks import town_and_rides
from transitmap.points.suspicion.copies import compare
from transitmap.points.suspicion.marks import Traced, trace


def traced(ride) -> Traced:
    return trace(ride.fixes)


def test_the_lag_of_a_copy_is_found_to_a_tenth_of_a_second():
    _, _, rides = town_and_rides()
    rng = np.random.default_rng(3)
    for one in rides[:8]:
        later = attacks.copy_of(one.ride, lambda fixes, _: attacks._later(fixes, 90_061.0), "copy", "x", rng)
        found = compare(traced(later), traced(one.ride))
        assert found is not None
        assert found.lag_s == pytest.approx(-90_061.0, abs=0.1)
        assert found.factor == 1.0
        assert found.near_m < 0.1


def test_the_lag_of_a_copy_is_found_though_it_stood_for_most_of_its_time():
    """Twenty minutes at a terminal in the middle of the ride: standing there suits every lag."""
    one = max(town_and_rides()[2], key=lambda one: len(one.ride.fixes)).ride
    half, fixes = len(one.fixes) // 2, one.fixes
    rows = np.concatenate([np.arange(half), np.full(4 * half, half), np.arange(half, 2 * half)])
    waited_s = np.concatenate([np.zeros(half), 2.0 * np.arange(4 * half), np.full(half, 8.0 * half)])
    stood = replace(fixes.take(rows), time_s=fixes.time_s[rows] + waited_s)
    later = replace(one, fixes=attacks._later(stood, 90_061.0))
    found = compare(traced(later), traced(replace(one, fixes=stood)))
    assert found is not None
    assert found.lag_s == pytest.approx(-90_061.0, abs=0.1)
    assert found.near_m < 0.1


def test_a_stretched_clock_is_found():
    _, _, rides = town_and_rides()
    rng = np.random.default_rng(4)
    for one in rides[:8]:
        copy = attacks.copy_of(one.ride, attacks.redated(attacks.stretched), "copy", "x", rng)
        found = compare(traced(copy), traced(one.ride))
        span = (one.ride.fixes.time_s[-1] - one.ride.fixes.time_s[0]) / (
            copy.fixes.time_s[-1] - copy.fixes.time_s[0]
        )
        assert found is not None
        assert found.factor == pytest.approx(span, rel=0.01)
        assert np.median(found.slow_m) < 5.0


def test_rides_in_other_vehicles_of_the_line_are_far_apart_at_any_lag():
    city, _, _ = town_and_rides()
    rng = np.random.default_rng(5)
    rides = [honest.solo(city, 0, k, 9.0, f"r{k}", rng) for k in range(8)]
    for mine in rides:
        for other in rides:
            found = compare(traced(mine.ride), traced(other.ride)) if mine is not other else None
            assert found is None or len(found.slow_m) < 3 or np.percentile(found.slow_m, 90) > 20.0


def test_two_phones_in_one_vehicle_are_near_at_no_lag_but_not_the_same():
    city, _, _ = town_and_rides()
    rng = np.random.default_rng(6)
    for shared in (0.0, 0.5, 0.95):
        a, b = honest.company(city, 1, 0, 8.0, ["a", "b"], shared, rng)
        found = compare(traced(b.ride), traced(a.ride))
        assert found is not None
        assert abs(found.lag_s) < 10.0
        assert found.near_m > 0.6


def test_rides_that_never_met_cannot_be_compared():
    city, _, rides = town_and_rides()
    far = attacks._plus(rides[0].ride.fixes, np.array([[50_000.0, 0.0]]))
    ride = attacks.replace(rides[0].ride, fixes=far)
    assert compare(traced(ride), traced(rides[0].ride)) is None
