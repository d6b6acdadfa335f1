import numpy as np
import pytest

from tests.infer.roads import PLANE, after, drive, ride_of
from transitmap.config import Config, LegsConfig
from transitmap.infer.legs import split_legs
from transitmap.infer.lines import draw_lines
from transitmap.infer.strays import call_cars, find_strays, leave_out, unnamed_odds, weigh
from transitmap.model import BUS, CAR, Sightings, Stops
from transitmap.pipeline import infer_network, recognise

CONFIG = Config()
ROAD = np.array([(0.0, 0.0), (6000.0, 0.0)])
STOPS_M = np.arange(400.0, 5800.0, 350.0)


def stops_at(along_m, heading_deg=90.0):
    n = len(along_m)
    lat_deg, lon_deg = PLANE.to_degrees(np.column_stack([along_m, np.full(n, -4.0)]))
    count, heading = np.full(n, 9), np.full(n, heading_deg)
    return Stops(lat_deg, lon_deg, heading, np.full(n, 5.0), count, count, count, np.ones(n), ("",) * n)


def on_foot(seed):
    return drive([(-250, 0), (0, 0)], speed_m_s=1.3, noise_m=0.3, seed=seed)


def bus(k, walks=True, every_s=1.0):
    """A vehicle that halts at about seven of ten stops, in which some walk to the stop before."""
    rng = np.random.default_rng(k)
    halts = [(m, rng.uniform(4, 15)) for m in STOPS_M if rng.random() < 0.7]
    ride = drive(ROAD, speed_m_s=8.5, halts=halts, noise_m=3, seed=k, every_s=every_s)
    time_s, xy_m = after(on_foot(k), ride) if walks and k % 4 else ride
    return ride_of(time_s + 900 * k, xy_m, f"bus {k}")


def car(k, every_s=1.0):
    """A vehicle that halts at three lights."""
    halts = [(m, 25.0) for m in (1250.0, 2300.0, 4400.0)]
    time_s, xy_m = drive(ROAD, speed_m_s=10, halts=halts, noise_m=3, seed=k, every_s=every_s)
    return ride_of(time_s + 900 * k, xy_m, f"car {k}")


def lined(rides):
    legs = split_legs(rides, LegsConfig())
    return legs, draw_lines(rides, legs, np.zeros(len(rides), dtype=bool), PLANE, CONFIG.lines)


def strays_of(rides, stops, is_named=None):
    legs, lines = lined(rides)
    named = np.zeros(len(lines), dtype=bool) if is_named is None else is_named[lines.ride_index]
    flags = np.zeros(len(rides), dtype=bool)
    flags[lines.ride_index[find_strays(legs, lines, stops, PLANE, named, CONFIG.strays)]] = True
    return flags.tolist()


@pytest.mark.parametrize("every_s", [1.0, 5.0, 10.0])
def test_a_car_that_passes_by_where_buses_halt_is_told(every_s):
    rides = [*(bus(k, every_s=every_s) for k in range(12)), car(20, every_s)]
    assert strays_of(rides, stops_at(STOPS_M)) == [False] * 12 + [True]


def test_where_nobody_records_a_walk_no_walk_says_nothing():
    rides = [*(bus(k, walks=False) for k in range(12)), car(20)]
    legs, lines = lined(rides)
    weighed = weigh(legs, lines, stops_at(STOPS_M), PLANE, CONFIG.strays)
    assert np.abs(weighed[:, 1]).max() < 0.1
    assert strays_of(rides, stops_at(STOPS_M)) == [False] * 12 + [True]


def test_stops_on_the_other_side_of_the_street_are_not_passed():
    legs, lines = lined([car(1), bus(2)])
    across = weigh(legs, lines, stops_at(STOPS_M, 270.0), PLANE, CONFIG.strays)
    assert (across[:, 0] == 0).all()
    assert weigh(legs, lines, stops_at(STOPS_M), PLANE, CONFIG.strays)[0, 0] < -3


def test_a_stop_where_hardly_anybody_halts_is_held_against_nobody():
    express = [ride_of(*drive(ROAD, noise_m=3, seed=k), f"{k}") for k in range(20)]
    assert not any(strays_of(express, stops_at(STOPS_M)))


def test_of_a_vehicle_of_which_nothing_is_known_nothing_is_said():
    assert strays_of([car(1)], stops_at(np.zeros(0))) == [False]
    legs, lines = lined([])
    assert strays_of([], stops_at(STOPS_M)) == []


def test_a_quiet_bus_among_few_is_no_car():
    """Four others halted at most stops, which are known from them alone; this one halts at four."""
    stops = stops_at(STOPS_M)
    halts = [(m, 10.0) for m in STOPS_M[[1, 5, 9, 14]]]
    quiet = ride_of(*drive(ROAD, speed_m_s=8.5, halts=halts, noise_m=3, seed=9), "quiet")
    assert strays_of([*(bus(k) for k in range(4)), quiet], stops) == [False] * 5


def wandering(k):
    """A quick way from street to street, never the same."""
    rng = np.random.default_rng(k)
    turns = np.cumsum(rng.uniform(150.0, 350.0, (20, 2)) * (np.arange(20)[:, None] % 2 == [0, 1]), axis=0)
    time_s, xy_m = drive(turns + (0, 20_000.0 * (k % 5)), speed_m_s=11, noise_m=3, seed=k)
    return ride_of(time_s + 900 * k, xy_m, f"wanderer {k}")


def straight(k):
    road = np.array([(0.0, 0.0), (5000.0, 0.0)]) + (0, 20_000.0 * (k % 5) + 9_000)
    time_s, xy_m = drive(road, speed_m_s=8, noise_m=3, seed=k)
    return ride_of(time_s + 900 * k, xy_m, f"straight {k}")


def test_where_buses_are_named_what_looks_like_none_of_them_is_a_car():
    rides = [*(straight(k) for k in range(24)), *(wandering(k) for k in range(30))]
    is_named = np.arange(54) < 16
    assert strays_of(rides, stops_at(np.zeros(0)), is_named) == [False] * 24 + [True] * 30


def test_names_given_to_all_kinds_of_rides_or_to_few_tell_nothing():
    legs, lines = lined([*(straight(k) for k in range(24)), *(wandering(k) for k in range(30))])
    for is_named in (np.arange(54) % 2 == 0, np.arange(54) < 9, np.ones(54, dtype=bool)):
        assert (unnamed_odds(lines, is_named, CONFIG.strays) == CONFIG.strays.odds).all()


def test_strays_are_cars_and_are_seen_no_more():
    legs, lines = lined([bus(1), car(2), bus(3)])
    is_stray = lines.ride_index == 1
    assert call_cars(legs, lines, is_stray).mode[lines.leg_index].tolist() == [BUS, CAR, BUS]
    index = np.arange(3)
    n_fixes = np.diff(lines.fix_start)
    sightings = Sightings(
        line_index=index,
        ride_index=lines.ride_index,
        path_index=np.zeros(3, dtype=np.int64),
        weight=np.ones(3),
        is_own=np.ones(3, dtype=bool),
        fix_start=lines.fix_start,
        time_s=lines.fix_s,
        along_m=lines.fix_m[:, 0],
    )
    kept = leave_out(sightings, is_stray)
    assert kept.ride_index.tolist() == [0, 2]
    assert np.diff(kept.fix_start).tolist() == [n_fixes[0], n_fixes[2]]
    assert kept.time_s[kept.fix_start[1]] == lines.fix_s[lines.fix_start[2]]
    assert len(kept.time_s) == kept.fix_start[-1] == len(kept.along_m)


def test_a_car_on_a_line_is_no_trip_and_moves_no_time():
    fleet = [bus(k) for k in range(10)]
    network, trips = infer_network([*fleet, car(20)], CONFIG)
    assert trips.reason == ("",) * 10 + ("by_car",)
    assert network.patterns.n_rides.sum() == 10
    alone, _ = infer_network(fleet, CONFIG)
    assert abs(network.patterns.run_s[-1] - alone.patterns.run_s[-1]) < 5
    later = ride_of(car(21).fixes.time_s, PLANE.to_metres(car(21).fixes.lat_deg, car(21).fixes.lon_deg))
    assert recognise(network, [later], CONFIG).reason == ("by_car",)
    assert recognise(network, [bus(30)], CONFIG).reason == ("",)
