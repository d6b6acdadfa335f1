"""Marks: copies share them at any date and noise, other vehicles hardly do, and they tell no place."""

from __future__ import annotations

import functools
from dataclasses import replace

import numpy as np
import pytest

from benchmarks import attacks
from benchmarks import honest_riders as honest
from transitmap.points.suspicion.marks import candidates, marks_of, ways_of

KEY = b"installation"


@functools.cache
def town_and_rides():
    city, network = honest.town(1, 2)
    rng = np.random.default_rng(1)
    rides = [honest.solo(city, k % len(city.patterns), k % 5, 7.0 + k / 3, f"r{k}", rng) for k in range(24)]
    return city, network, rides


@pytest.mark.parametrize(
    "name", ["same", "five decimals", "half of the points", "correlated 2 m", "white 2 m"]
)
def test_a_copy_on_another_day_shares_enough_marks(name):
    _, _, rides = town_and_rides()
    rng = np.random.default_rng(2)
    transform = attacks.redated(attacks.TRANSFORMS[name])
    for one in rides:
        copy = marks_of(attacks.copy_of(one.ride, transform, "copy", "thief", rng).fixes, KEY)
        shared = np.intersect1d(copy.asked, marks_of(one.ride.fixes, KEY).kept)
        assert len(shared) >= copy.n_least


def test_marks_are_few_and_each_installation_has_its_own():
    _, _, rides = town_and_rides()
    for one in rides:
        marks, other = marks_of(one.ride.fixes, KEY), marks_of(one.ride.fixes, b"another")
        assert 1 <= len(marks.kept) <= 56 + 32
        assert set(marks.kept.tolist()) <= set(marks.asked.tolist())
        assert not set(marks.asked.tolist()) & set(other.asked.tolist())


def test_who_shares_most_is_compared_first_and_among_equals_the_earlier():
    assert candidates({7: 3, 2: 9, 5: 3, 9: 1, 4: 3, 8: 3}, 2) == [2, 4, 5, 7]
    assert candidates({7: 3}, 4) == []


def test_the_same_ride_anywhere_on_earth_has_marks():
    _, _, rides = town_and_rides()
    fixes = rides[0].ride.fixes
    for lat_deg in (-70.0, 0.0, 65.0):
        moved = replace(fixes, lat_deg=fixes.lat_deg - fixes.lat_deg[0] + lat_deg)
        assert len(marks_of(moved, KEY).kept) > 0


def test_a_ride_of_two_fixes_has_marks_of_its_positions_only():
    _, _, rides = town_and_rides()
    assert len(marks_of(rides[0].ride.fixes.take(np.array([0, 5])), KEY).kept) == 2


def test_a_ride_too_short_for_ways_of_two_minutes_has_shorter_ones():
    """Seventy seconds of a ride, moved 4 m: no position is the same, and still it is found."""
    _, _, rides = town_and_rides()
    one = max((one.ride for one in rides), key=lambda ride: len(ride.fixes))
    fixes = one.fixes
    is_moving = np.hypot(np.diff(fixes.lat_deg), np.diff(fixes.lon_deg)) > 4e-5
    middle = int(np.argmax(np.convolve(is_moving, np.ones(70), "same")))
    near = np.flatnonzero(np.abs(fixes.time_s - fixes.time_s[middle]) <= 35.0)
    short = fixes.take(near)
    ways = ways_of(short)
    assert len(ways.anchor) > 0
    assert len(ways_of(fixes).anchor) >= 8
    aside = marks_of(replace(short, lat_deg=short.lat_deg + 3.6e-5), KEY)
    assert len(np.intersect1d(aside.asked, marks_of(short, KEY).kept)) >= aside.n_least
