from math import gamma

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.infer.roads import MORNING_S, PLANE, after, drive, ride_of
from transitmap.config import Config, LegsConfig, TimesConfig
from transitmap.infer.legs import split_legs
from transitmap.infer.lines import draw_lines
from transitmap.infer.times import Waits, find_headways, find_vehicles, find_waits
from transitmap.infer.times.gaps import EVENNESS, gap_likelihood
from transitmap.infer.times.waits import wait_likelihood
from transitmap.model import DAY_TYPES, Sightings

LENGTH_M, SPEED_M_S = 6000.0, 8.0
CALLS_M = np.array([0.0, 3000.0, LENGTH_M])
DAY_S = 86_400.0
MIDNIGHT_S = MORNING_S - 8.5 * 3600


def sighted(left_s, path=None, line=None):
    """Riders who rode a whole path, in vehicles that left its first call at those times."""
    left_s = np.sort(np.asarray(left_s, dtype=float)) if path is None else np.asarray(left_s, dtype=float)
    n = len(left_s)
    line = np.arange(n) if line is None else np.array(line)
    path = np.zeros(n, dtype=np.int64) if path is None else np.array(path)
    along_m = np.linspace(0.0, LENGTH_M, 31)
    own = np.concatenate([[True], np.diff(line) > 0])
    time_s = (left_s[:, None] + along_m / SPEED_M_S).ravel()
    one = np.ones(n)
    return Sightings(line, line, path, one, own, 31 * np.arange(n + 1), time_s, np.tile(along_m, n))


def stated(sightings, wait_s=None, rider=None, min_riders=1):
    n_paths = int(sightings.path_index.max()) + 1
    n = int(sightings.line_index.max()) + 1
    waits = Waits(np.full(n, np.nan) if wait_s is None else wait_s, np.zeros(n, dtype=bool))
    rider = np.arange(n) if rider is None else np.array(rider)
    start, along_m = 3 * np.arange(n_paths + 1), np.tile(CALLS_M, n_paths)
    run_s = along_m / SPEED_M_S
    seen = find_vehicles(sightings, start, along_m, run_s, "UTC", TimesConfig())
    return find_headways(seen, waits, rider, min_riders, TimesConfig())


def even(headway_s, n_rides, days, seed, hours=(7, 20)):
    """Riders who come at any time to an even service with another phase each day, and what they waited."""
    rng = np.random.default_rng(seed)
    day, phase_s = rng.integers(0, days, n_rides), rng.uniform(0, headway_s, days)
    came_s = rng.uniform(hours[0] * 3600, hours[1] * 3600, n_rides)
    left_s = np.ceil((came_s - phase_s[day]) / headway_s) * headway_s + phase_s[day]
    order = np.argsort(left_s + DAY_S * day)
    return (MIDNIGHT_S + DAY_S * day + left_s)[order], (left_s - came_s)[order]


@pytest.mark.parametrize("headway_s", [300.0, 640.0, 1500.0])
def test_a_headway_is_found_though_most_vehicles_were_not_seen(headway_s):
    left_s, wait_s = even(headway_s, 120, 3, seed=1)
    found = stated(sighted(left_s), wait_s)
    assert not found.is_bound.any()
    assert np.abs(np.log(found.headway_s / headway_s)).mean() < 0.15
    assert ((found.low_s < headway_s) & (headway_s < found.high_s)).mean() > 0.7


def test_waits_narrow_what_vehicles_leave_open():
    left_s, wait_s = even(900.0, 25, 5, seed=3)
    blind, told = stated(sighted(left_s)), stated(sighted(left_s), wait_s)
    assert (told.high_s / told.low_s < blind.high_s / blind.low_s).all()
    assert ((told.low_s < 900) & (told.high_s > 900)).mean() > 0.8


def test_a_timetable_shows_when_few_ride_on_each_of_many_days():
    rng = np.random.default_rng(5)
    slot = rng.integers(7 * 2, 20 * 2, 40)  # every half hour
    left_s = MIDNIGHT_S + 240.0 + 1800.0 * slot + DAY_S * rng.integers(0, 4, 40) + rng.normal(0, 40, 40)
    found = stated(sighted(left_s))
    assert ((found.low_s < 1800) & (found.high_s > 1800)).all()
    assert np.abs(np.log(found.headway_s[~found.is_bound] / 1800)).max() < 0.2
    assert (~found.is_bound).mean() > 0.5


def test_one_ride_cannot_tell_a_headway():
    found = stated(sighted([MORNING_S]))
    assert found.is_bound.tolist() == [True]
    assert found.headway_s[0] == min(found.high_s[0], 3600.0) and found.high_s[0] > 4 * found.low_s[0]
    assert (found.start_s[0], found.end_s[0]) == (8 * 3600, 9 * 3600)
    assert DAY_TYPES[found.day_type[0]] == "weekday"


def test_riders_where_two_paths_run_tell_neither():
    left_s, wait_s = even(300.0, 80, 3, seed=2)
    twice = np.repeat(np.arange(80), 2)
    shared = sighted(left_s[twice], path=np.tile([0, 1], 80), line=twice)
    assert not stated(sighted(left_s), wait_s).is_bound.any()
    assert stated(shared, wait_s).is_bound.all()


def test_phones_in_one_vehicle_are_one_vehicle():
    assert stated(sighted([MORNING_S, MORNING_S + 5, MORNING_S + 9])).n_vehicles.tolist() == [1]
    assert stated(sighted([MORNING_S, MORNING_S + 5, MORNING_S + 300])).n_vehicles.tolist() == [2]


@pytest.mark.parametrize("crowded", [0, 5, 11])
@pytest.mark.parametrize("n_phones", [14, 45])
def test_a_class_in_one_vehicle_moves_no_headway(crowded, n_phones):
    left_s = MORNING_S - 1800.0 + 600.0 * np.arange(12)
    found = stated(sighted(np.concatenate([left_s, left_s[crowded] + 0.2 * np.arange(n_phones)])))
    assert not found.is_bound.any()
    assert np.abs(np.log(found.headway_s / 600)).max() < 0.15


def test_riders_of_one_vehicle_who_never_met_are_known_for_such():
    seen = sighted([MORNING_S, MORNING_S + 4])
    rear = np.concatenate([np.arange(0, 14), 31 + np.arange(17, 31)])
    halves = Sightings(
        seen.line_index,
        seen.ride_index,
        seen.path_index,
        seen.weight,
        seen.is_own,
        np.array([0, 14, 28]),
        seen.time_s[rear],
        seen.along_m[rear],
    )
    assert stated(halves).n_vehicles.tolist() == [1]


def test_a_vehicle_that_leaves_at_midnight_is_of_one_day():
    left_s = MIDNIGHT_S + DAY_S + np.array([-3600.0, -5.0, 12.0, 3600.0])
    found = stated(sighted(left_s))
    assert list(zip(found.start_s // 3600, found.n_vehicles, strict=True)) == [(0, 1), (1, 1), (23, 1)]
    assert found.n_vehicles.sum() == 3


def test_an_hour_of_fewer_people_than_must_is_told_with_its_neighbours():
    seen = sighted(MORNING_S + 1700.0 * np.arange(8))  # two in each hour from 08:30 to 11:50

    def windows(rider, min_riders):
        found = stated(seen, rider=rider, min_riders=min_riders)
        return list(zip(found.start_s // 3600, found.end_s // 3600, found.n_vehicles, strict=True))

    assert windows(range(8), 3) == [(8, 10, 4), (10, 12, 4)]
    assert windows([0] * 8, 3) == []
    assert windows(range(8), 1) == [(8, 9, 2), (9, 10, 2), (10, 11, 2), (11, 12, 2)]


@given(
    st.lists(st.floats(0, 6 * DAY_S), min_size=1, max_size=30),
    st.lists(st.one_of(st.just(float("nan")), st.floats(0, 5000)), min_size=30, max_size=30),
)
def test_an_interval_holds_what_is_stated(left_s, wait_s):
    found = stated(sighted(MIDNIGHT_S + np.array(left_s)), np.array(wait_s[: len(left_s)]))
    assert len(found) and np.isfinite(found.headway_s).all()
    assert (found.low_s < found.high_s).all() and (found.high_s <= 7200.01).all()
    told = ~found.is_bound
    assert ((found.low_s <= found.headway_s) & (found.headway_s <= found.high_s))[told].all()
    assert (found.headway_s[found.is_bound] <= 3600).all()


def test_the_likelihood_of_a_gap_is_the_integral_it_stands_for():
    h, gap_s, n = 600.0, 900.0, 2
    likely = gap_likelihood(np.array([gap_s]), np.array([n]), np.array([h]), 1e-6, 0.0)
    step_s = 1.0
    g = np.arange(step_s / 2, 12 * h, step_s)
    for i, a in enumerate(EVENNESS):
        density = a / h * (a * g / h) ** (a - 1) * np.exp(-a * g / h) / gamma(a)
        with_riders = g**n * density
        seen = with_riders[int(gap_s)]
        missed = density
        for _ in range(12):
            seen += step_s * np.sum(missed[: int(gap_s)] * with_riders[: int(gap_s)][::-1])
            missed = step_s * np.convolve(missed, density)[: len(g)]
        assert likely[i, 0, 0] == pytest.approx(np.log(seen), abs=0.03)


@pytest.mark.parametrize("n", [1, 3])
def test_of_the_first_vehicle_of_a_day_every_gap_is_thought_possible(n):
    h, rate = 900.0, 1 / 400
    likely = gap_likelihood(np.array([np.inf]), np.array([n]), np.array([h]), 1e-6, rate)
    g = np.arange(0.5, 40 * h)
    for i, a in enumerate(EVENNESS):
        density = a / h * (a * g / h) ** (a - 1) * np.exp(-a * g / h) / gamma(a)
        assert likely[i, 0, 0] == pytest.approx(
            np.log(np.sum(g**n * np.exp(-rate * g) * density) / h), abs=0.01
        )


@pytest.mark.parametrize("headway_s", [240.0, 1200.0, 3000.0])
def test_the_likelihood_of_waits_adds_up_to_one(headway_s):
    wait_s = np.arange(0.5, 40_000.0)
    likely = wait_likelihood(Waits(wait_s, wait_s < 0), np.array([headway_s]), EVENNESS)
    assert np.allclose(np.exp(likely).sum(axis=1), 1.0 + 0.03 * (40_000 / 3600 - 1), atol=0.01)
    longer = wait_likelihood(Waits(np.array([0.0]), np.array([True])), np.array([headway_s]), EVENNESS)
    assert np.allclose(longer, 0.0, atol=1e-9)


def waits_of(*parts):
    rides = [ride_of(*after(*parts))]
    legs = split_legs(rides, LegsConfig())
    lines = draw_lines(rides, legs, np.zeros(1, dtype=bool), PLANE, Config().lines)
    return find_waits(rides, legs, lines, PLANE), lines


RIDE = drive([(0, 0), (3000, 0)])


def still(seconds):
    return MORNING_S + np.arange(float(seconds)), np.zeros((seconds, 2))


def test_a_wait_is_what_lies_between_the_walk_and_the_ride():
    walk = drive([(0, 300), (0, 0)], speed_m_s=1.3)
    waits, _ = waits_of(walk, still(400), RIDE)
    assert not waits.is_least[0] and abs(waits.wait_s[0] - 400) < 25


def test_a_recording_that_begins_at_the_stop_tells_the_least_wait():
    waits, _ = waits_of(still(100), RIDE)
    assert waits.is_least[0] and abs(waits.wait_s[0] - 100) < 15


def test_who_stood_at_the_stop_for_over_an_hour_did_not_wait():
    assert np.isnan(waits_of(still(3700), RIDE)[0].wait_s[0])
    assert waits_of(still(3500), RIDE)[0].wait_s[0] > 3400


def test_who_changes_vehicles_tells_no_wait():
    waits, lines = waits_of(RIDE, still(400), drive([(0, 0), (0, 3000)]))
    assert len(lines) == 2 and np.isnan(waits.wait_s[1])


def test_of_headways_told_with_80_percent_four_of_five_are_right():
    rng = np.random.default_rng(8)
    held, ratio = [], []
    for service in range(40):
        headway_s, n_rides = float(rng.lognormal(np.log(800), 0.6)), int(rng.choice([15, 50, 150]))
        evenness = (0.05, 0.22, 0.6)[service % 3]
        left_s, wait_s = even(headway_s, n_rides, int(rng.choice([3, 6])), seed=service)
        vehicle = np.unique(left_s, return_inverse=True)[1]
        left_s = left_s + evenness * headway_s * rng.standard_normal(len(left_s))[vehicle]
        order = np.argsort(left_s)
        found = stated(sighted(left_s[order]), np.where(rng.random(n_rides) < 0.5, wait_s[order], np.nan))
        ratio.append((found.high_s / found.low_s)[~found.is_bound])
        held.append(((found.low_s <= headway_s) & (headway_s <= found.high_s))[~found.is_bound])
    share = np.concatenate(held).mean()
    assert share > 0.75
    assert np.median(np.concatenate(ratio)) < 2.5
