"""Both ends are cut, alike every time, and only the ends."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.collect.made_up import CONFIG, START_S, ride_of
from transitmap.collect.trim import trim
from transitmap.config import CollectConfig
from transitmap.errors import UploadRefused
from transitmap.geo import Plane
from transitmap.model import Ride, Taps

M_PER_DEG = 110_640.0  # of latitude, at 19 degrees
TRIM = CollectConfig(trim_m=100.0)


def straight(metres: list[float]) -> Ride:
    """A ride due north with fixes at the given distances, one a second."""
    return ride_of([START_S + i for i in range(len(metres))], [19.0 + m / M_PER_DEG for m in metres])


def metres_of(ride: Ride) -> list[int]:
    return np.rint((ride.fixes.lat_deg - 19.0) * M_PER_DEG).astype(int).tolist()


def test_nought_trims_nothing() -> None:
    ride = straight([0, 50, 500])
    assert trim(ride, CONFIG) is ride


def test_both_ends_are_cut_and_counted() -> None:
    trimmed = trim(straight([0, 60, 90, 110, 500, 880, 910, 960, 1000]), TRIM)
    assert metres_of(trimmed) == [110, 500, 880]
    assert trimmed.dropped == {"trimmed": 6}


def test_what_was_dropped_before_stays_counted() -> None:
    ride = replace(straight([0, 110, 500, 880, 1000]), dropped={"no_time": 7})
    assert trim(ride, TRIM).dropped == {"no_time": 7, "trimmed": 2}


def test_a_ride_that_passes_its_beginning_again_keeps_that() -> None:
    trimmed = trim(straight([0, 50, 200, 30, 200, 600, 1000]), TRIM)
    assert metres_of(trimmed) == [200, 30, 200, 600]


@pytest.mark.parametrize("metres", [[0, 50, 90, 60], [0, 150], [0, 200, 30]])
def test_a_ride_that_is_only_ends_is_too_short(metres: list[float]) -> None:
    with pytest.raises(UploadRefused) as caught:
        trim(straight(metres), TRIM)
    assert caught.value.reason == "too_short_after_trim"
    assert "100 m" in caught.value.detail


def test_taps_near_the_ends_or_outside_the_rest_go_too() -> None:
    at_m = np.array([20.0, 20.0, 500.0, 500.0, 500.0, 990.0])
    after_s = np.array([np.nan, 3.0, np.nan, 0.2, 3.0, 8.0])
    names = ("home", "home again", "place", "too early", "stop", "work")
    ride = straight([0, 60, 110, 500, 880, 960, 1000])
    taps = Taps(START_S + after_s, 19.0 + at_m / M_PER_DEG, np.full(6, -99.1), names)
    assert trim(replace(ride, taps=taps), TRIM).taps.name == ("place", "stop")


walks = st.lists(st.tuples(st.integers(-300, 300), st.integers(-300, 300)), min_size=2, max_size=60)


@given(walks, st.integers(1, 500))
def test_only_a_beginning_and_an_end_go_and_neither_end_is_left(
    steps: list[tuple[int, int]], trim_m: int
) -> None:
    xy_m = np.cumsum(np.array(steps, dtype=float), axis=0)
    lat_deg, lon_deg = Plane(19.0, -99.0).to_degrees(xy_m)
    ride = ride_of([START_S + i for i in range(len(steps))], lat_deg.tolist(), lon_deg.tolist())
    config = CollectConfig(trim_m=float(trim_m))
    try:
        kept = trim(ride, config)
    except UploadRefused:
        return
    first = int(kept.fixes.time_s[0] - START_S)
    np.testing.assert_array_equal(kept.fixes.time_s, START_S + np.arange(first, first + len(kept.fixes)))
    assert len(kept.fixes) + kept.dropped["trimmed"] == len(steps)
    assert np.hypot(*(xy_m[first] - xy_m[0])) > 0.99 * trim_m
    assert np.hypot(*(xy_m[first + len(kept.fixes) - 1] - xy_m[-1])) > 0.99 * trim_m
    np.testing.assert_array_equal(trim(ride, config).fixes.time_s, kept.fixes.time_s)
