"""Hail-and-ride: found where people get on and off anywhere, not where stops or signals gather them."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.infer.roads import MORNING_S, PLANE, after, drive, ride_of
from transitmap.config import Config, HailsConfig
from transitmap.infer.legs import split_legs
from transitmap.infer.lines import draw_lines
from transitmap.infer.stretches import find_hails

ROAD = np.array([[0.0, 0.0], [8000.0, 0.0]])
STOPS_M = np.arange(100.0, 4801.0, 400.0)
CALLS_M = np.append(STOPS_M, 7900.0)
"""Stops every 400 m, then none for three kilometres, then the terminal."""
SIGNALS_M = np.array([5300.0, 6100.0, 6900.0])


def walk(from_m, to_m):
    """A walk, slow enough to be one."""
    return drive([from_m, to_m], speed_m_s=1.2)


def ride(k, board_m, alight_m, halts):
    """A walk, a ride from one place to another with a halt at both, and a walk."""
    inner = [(at_m - board_m, s) for at_m, s in halts if board_m + 30 < at_m < alight_m - 30]
    on_bus = drive([[board_m, 0.0], [alight_m, 0.0]], halts=inner, start_s=MORNING_S)
    time_s, xy_m = after(
        walk([board_m, 60.0], [board_m, 0.0]), on_bus, walk([alight_m, 0.0], [alight_m, 60.0])
    )
    noise_m = np.random.default_rng(k).normal(0.0, 3.0, xy_m.shape)
    return ride_of(time_s + 600.0 * k, xy_m + noise_m, ride_id=f"ride-{k}", rider_id=f"rider-{k % 25}")


def city(n=60, hailed=(), missed_m=(), seed=1):
    """Rides between stops; every third ends at one of `hailed`. Vehicles halt at half of the stops, where
    somebody hails, and at every other signal."""
    rng = np.random.default_rng(seed)
    rides = []
    for k in range(n):
        board_m, alight_m = STOPS_M[rng.integers(0, 6)], CALLS_M[rng.integers(8, len(CALLS_M))]
        if k % 3 == 0:
            alight_m = 7900.0
        if len(hailed) and k % 3 == 1:
            alight_m = float(rng.choice(hailed))
        stands = [(m, 12.0) for m in (*STOPS_M, *missed_m) if rng.random() < 0.6]
        stands += [(m, 40.0) for m in SIGNALS_M if rng.random() < 0.5]
        rides.append(ride(k, board_m, alight_m, stands))
    return rides


def hails_of(rides, rider=None, asked=None):
    config = Config()
    legs = split_legs(rides, config.legs)
    lines = draw_lines(rides, legs, np.zeros(len(rides), dtype=bool), PLANE, config.lines)
    rider = np.arange(len(rides)) if rider is None else rider
    return find_hails(
        rides, legs, lines, [ROAD], np.array([0, len(CALLS_M)]), CALLS_M, rider, asked or config.hails
    )


def anywhere(n=20):
    return np.random.default_rng(7).uniform(5000.0, 7700.0, n)


def test_people_who_get_off_anywhere_make_a_stretch():
    found = hails_of(city(hailed=anywhere()))
    assert found.pattern_index.tolist() == [0]
    assert 4500 <= found.start_m[0] <= 5000 and 7800 <= found.end_m[0] <= 7900
    assert found.n_riders[0] >= 10 and found.n_rides[0] >= found.n_riders[0] and found.confidence[0] > 0.9


def test_stops_and_signals_alone_make_none():
    assert len(hails_of(city())) == 0


def test_stops_nobody_has_found_are_not_hailing():
    """As many get off on the long way as in the first test, but all of them at three places."""
    missed_m = [5500.0, 6300.0, 7100.0]
    assert len(hails_of(city(hailed=missed_m, missed_m=missed_m))) == 0


def test_one_person_says_nothing_of_the_others():
    rides = city(hailed=anywhere())
    assert len(hails_of(rides, rider=np.zeros(len(rides), dtype=np.int64))) == 0
    assert len(hails_of(rides, asked=HailsConfig(min_riders=61))) == 0
    assert len(hails_of(rides, asked=HailsConfig(min_confidence=1.0))) == 0


def test_an_empty_network_has_none():
    found = find_hails(
        [],
        split_legs([], Config().legs),
        draw_lines(
            [],
            split_legs([], Config().legs),
            np.zeros(0, dtype=bool),
            PLANE,
            Config().lines,
        ),
        [],
        np.array([0]),
        np.zeros(0),
        np.zeros(0, dtype=np.int64),
        HailsConfig(),
    )
    assert len(found) == 0


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10_000), st.integers(3, 40))
def test_stretches_lie_between_calls_and_do_not_overlap(seed, n):
    hailed = np.random.default_rng(seed).uniform(5000.0, 7700.0, 10)
    found = hails_of(city(n, hailed=hailed, seed=seed))
    assert (found.end_m > found.start_m).all() and (found.start_m[1:] >= found.end_m[:-1]).all()
    assert ((found.start_m >= CALLS_M[0]) & (found.end_m <= CALLS_M[-1])).all()
    assert ((found.confidence >= 0) & (found.confidence <= 1)).all()
    assert (found.n_riders <= found.n_rides).all()
