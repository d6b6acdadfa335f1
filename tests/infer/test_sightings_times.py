import numpy as np

from tests.infer.roads import MORNING_S, PLANE, bus
from transitmap.config import Config, LegsConfig
from transitmap.infer.legs import split_legs
from transitmap.infer.lines import draw_lines
from transitmap.infer.sightings import see_vehicles
from transitmap.infer.times import find_vehicles, time_hops, time_runs
from transitmap.model import Crowd, Paths

CONFIG = Config()
THERE_AND_BACK = np.array([(0, 0), (4000, 0), (4000, 8), (0, 8)], dtype=float)
SPEED_M_S = 8.0


def seen_on(road_m, rides):
    """The rides as sightings of one path along the road."""
    n = len(rides)
    lines = draw_lines(rides, split_legs(rides, LegsConfig()), np.zeros(n, dtype=bool), PLANE, CONFIG.lines)
    row, one = np.arange(n), np.ones(n)
    zero = np.zeros(n, dtype=np.int64)
    paths = Paths(np.array([0, len(road_m)]), road_m, ("",), one[:1], one[:1], row, zero, one, one)
    return see_vehicles(lines, paths, [road_m])


def test_a_vehicle_is_on_the_arm_of_its_way_where_a_line_comes_back_along_its_street():
    rides = [bus(THERE_AND_BACK, f"{k}", seed=k, noise_m=4.0, start_s=MORNING_S + 900 * k) for k in range(4)]
    seen = seen_on(THERE_AND_BACK, rides)
    for row in range(4):
        fixes = slice(seen.fix_start[row], seen.fix_start[row + 1])
        driven_m = SPEED_M_S * (seen.time_s[fixes] - MORNING_S - 900 * row)
        assert fixes.stop - fixes.start > 900
        assert np.abs(seen.along_m[fixes] - driven_m).max() < 40


def test_running_times_of_a_line_there_and_back_are_those_driven():
    rides = [bus(THERE_AND_BACK, f"{k}", seed=k, noise_m=4.0, start_s=MORNING_S + 900 * k) for k in range(4)]
    calls_m = np.array([0.0, 1000.0, 3000.0, 5000.0, 8000.0])
    run = time_runs(seen_on(THERE_AND_BACK, rides), np.array([0, 5]), calls_m, CONFIG.times)
    assert np.abs(run.run_s - calls_m / SPEED_M_S).max() < 6


ROAD = np.array([(0, 0), (6000, 0)], dtype=float)
CALLS_M = np.array([0.0, 2000.0, 4000.0, 6000.0])


def hops_of(rides, min_riders=1, rider=None):
    rider = np.arange(len(rides)) if rider is None else np.array(rider)
    sightings, start = seen_on(ROAD, rides), np.array([0, 4])
    seen = find_vehicles(sightings, start, CALLS_M, CALLS_M / SPEED_M_S, "UTC", CONFIG.times)
    return time_hops(sightings, seen, Crowd(rider, rider, rider), start, CALLS_M, min_riders)


def morning_and_noon():
    """Six vehicles an hour: 8 m/s from 08:30, 4 m/s from 12:30."""
    starts_s = [(MORNING_S + 600 * k, 8.0) for k in range(3)] + [
        (MORNING_S + 1800 + 600 * k, 8.0) for k in range(3)
    ]
    starts_s += [(MORNING_S + 4 * 3600 + 300 * k, 4.0) for k in range(6)]
    return [
        bus(ROAD, f"{k}", start_s=s, speed_m_s=v, seed=k, noise_m=2.0) for k, (s, v) in enumerate(starts_s)
    ]


def test_hops_are_timed_by_the_time_of_day():
    hops = hops_of(morning_and_noon())
    early, late = hops.start_s < 11 * 3600, hops.start_s >= 11 * 3600
    assert set(hops.call_index[early]) == set(hops.call_index[late]) == {0, 1, 2}
    assert np.abs(hops.run_s[early] - 250).max() < 10 and np.abs(hops.run_s[late] - 500).max() < 15
    assert (hops.spread_s < 20).all() and (hops.n_vehicles >= 5).all()
    assert (hops.start_s < hops.end_s).all() and (hops.day_type == 0).all()


def test_hops_of_too_few_people_have_no_row():
    rides = morning_and_noon()
    assert len(hops_of(rides[:4])) == 0
    assert len(hops_of(rides, min_riders=7)) == 0
    assert len(hops_of(rides, rider=[0] * len(rides), min_riders=2)) == 0


def test_one_rider_of_many_vehicles_times_their_hops():
    rides = morning_and_noon()
    assert len(hops_of(rides, rider=[0] * len(rides))) == len(hops_of(rides)) == 6


def test_phones_in_one_vehicle_time_it_once():
    phones = [bus(ROAD, f"p{k}", start_s=MORNING_S + k, seed=k, noise_m=2.0) for k in range(5)]
    assert len(hops_of(phones)) == 0
    others = [bus(ROAD, f"{k}", start_s=MORNING_S + 300 * k, speed_m_s=9, noise_m=2.0) for k in range(1, 6)]
    hops = hops_of(phones + others)
    assert (hops.n_vehicles == 6).all() and (hops.run_s < 2000 / 8.5).all()
