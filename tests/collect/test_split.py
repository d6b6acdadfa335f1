"""Several trips in one trace are several rides; a wait, however silent, is none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.collect.made_up import NOW_S, START_S, ride_of
from transitmap.collect.screen import screen
from transitmap.collect.split import split
from transitmap.config import CollectConfig, LegsConfig
from transitmap.errors import UploadRefused
from transitmap.model import Fixes, Refusal, Ride, Taps

CONFIG, SILENCE_S = CollectConfig(), LegsConfig().max_silence_s
SERVER = CollectConfig(min_reach_m=200.0)
METRE_DEG = 1 / 110_700  # of latitude


def moved(*steps: tuple[float, float]) -> Ride:
    """A ride north by (seconds, metres)."""
    second, metre = np.cumsum(np.array(steps), axis=0).T
    return ride_of((START_S + second).tolist(), (19.4 + metre * METRE_DEG).tolist())


def lengths(ride: Ride, config: CollectConfig = CONFIG) -> list[int | str]:
    found = split(ride, config, SILENCE_S)
    return [len(one.fixes) if isinstance(one, Ride) else one.reason for one in found]


BUS = [(10.0, 100.0)] * 5


def test_one_trip_is_one_ride_as_it_is() -> None:
    ride = moved(*BUS)
    (same,) = split(ride, CONFIG, SILENCE_S)
    assert isinstance(same, Ride)
    assert same.fixes is ride.fixes


def test_a_long_silence_ends_a_ride() -> None:
    assert SILENCE_S == 1800
    assert lengths(moved(*BUS, (1801.0, 5000.0), *BUS[1:])) == [5, 5]
    assert lengths(moved(*BUS, (1801.0, 0.0), *BUS[1:])) == [5, 5]
    assert lengths(moved(*BUS, (1800.0, 5000.0), *BUS[1:])) == [10]


def test_a_clock_set_back_begins_another_ride() -> None:
    time_s = START_S + np.arange(30.0)
    ride = ride_of([*time_s, *(time_s - 10)])
    first, second = split(screen(ride, CONFIG, NOW_S), CONFIG, SILENCE_S)
    assert isinstance(first, Ride)
    assert isinstance(second, Ride)
    assert first.fixes.time_s.tolist() == time_s.tolist()
    assert second.fixes.lat_deg.tolist() == ride.fixes.lat_deg[30:].tolist()
    assert first.warnings == second.warnings == ("time_jump",)


def test_a_fix_alone_between_silences_is_dropped_and_counted_once() -> None:
    ride = replace(moved(*BUS, (2000.0, 9.0), (2000.0, 9.0), *BUS[1:]), dropped={"no_time": 2, "lone_fix": 1})
    first, second = split(ride, CONFIG, SILENCE_S)
    assert isinstance(first, Ride)
    assert isinstance(second, Ride)
    assert (first.dropped, second.dropped) == ({"no_time": 2, "lone_fix": 2}, {})
    assert len(first.fixes) + len(second.fixes) == 10


def test_fixes_that_are_all_alone_are_too_short() -> None:
    try:
        split(moved(*[(2000.0, 900.0)] * 4), CONFIG, SILENCE_S)
    except UploadRefused as refusal:
        assert refusal.reason == "too_short"
        assert "4 points" in refusal.detail
    else:
        raise AssertionError("four places hours apart are no ride")


def test_taps_go_to_the_ride_they_were_made_on() -> None:
    ride = moved(*BUS, (4000.0, 900.0), *BUS[1:])
    tap_s = np.array([START_S + 30, START_S + 4040, np.nan])
    ride = replace(ride, taps=Taps(tap_s, np.full(3, 19.4), np.full(3, -99.1), ("a", "b", "c")))
    first, second = split(ride, CONFIG, SILENCE_S)
    assert isinstance(first, Ride)
    assert isinstance(second, Ride)
    assert (first.taps.name, second.taps.name) == (("a", "c"), ("b",))


def test_on_a_server_who_went_nowhere_is_told_so() -> None:
    standing = moved(*[(60.0, 0.0)] * 480)
    assert lengths(standing, SERVER) == ["stationary"]
    assert lengths(standing) == [480]
    assert lengths(moved(*[(5.0, 30.0)] * 6), SERVER) == ["too_short"]
    assert lengths(moved(*[(5.0, 30.0)] * 8), SERVER) == [8]


def test_a_wandering_position_is_no_movement_and_a_long_wait_no_standing() -> None:
    metres = np.random.default_rng(1).normal(0, 15, 2000)
    metres[1000] = 900.0  # one stray fix
    wandering = ride_of((START_S + np.arange(2000.0)).tolist(), (19.4 + metres * METRE_DEG).tolist())
    assert lengths(wandering, SERVER) == ["stationary"]
    assert lengths(moved(*[(1.0, 0.0)] * 2400, *[(1.0, 10.0)] * 60), SERVER) == [2460]


def test_a_day_of_trips_gives_the_trips_and_says_what_the_rest_was() -> None:
    home = [(60.0, 0.0)] * 60
    day = replace(moved(*home, (4000.0, 900.0), *BUS[1:], (4000.0, 900.0), *home), dropped={"no_time": 1})
    found = split(day, SERVER, SILENCE_S)
    assert lengths(day, SERVER) == ["stationary", 5, "stationary"]
    assert isinstance(found[1], Ride)
    assert found[1].dropped == {"no_time": 1}


steps = st.tuples(
    st.sampled_from([1.0, 60.0, 1799.0, 1801.0, 2500.0, -500.0]), st.sampled_from([0.0, 50.0, 900.0])
)


@given(st.lists(steps, min_size=1, max_size=60))
def test_nothing_is_lost_mixed_or_made_up(written: list[tuple[float, float]]) -> None:
    try:
        screened = screen(moved(*written), CONFIG, NOW_S)
        found = split(screened, CONFIG, SILENCE_S)
    except UploadRefused:
        return
    assert not any(isinstance(one, Refusal) for one in found)
    rides = [one for one in found if isinstance(one, Ride)]
    n_dropped = sum(n for one in rides for n in one.dropped.values())
    assert sum(len(one.fixes) for one in rides) + n_dropped == len(written)
    for one in rides:
        assert len(one.fixes) >= 2
        assert np.all(np.diff(one.fixes.time_s) > 0)
    joined = Fixes(
        *(
            np.concatenate([getattr(one.fixes, c) for one in rides])
            for c in ("time_s", "lat_deg", "lon_deg", "accuracy_m")
        )
    )
    rows = np.flatnonzero(np.isin(screened.fixes.time_s, joined.time_s))
    assert len(rows) >= len(joined)
