from dataclasses import replace

import numpy as np
import pytest

from tests.infer.roads import MORNING_S, NO_TAPS, PLANE, bus, drive, ride_of
from transitmap import geo
from transitmap.config import Config, LegsConfig
from transitmap.infer.legs import split_legs
from transitmap.infer.lines import draw_lines
from transitmap.infer.stops import find_stops
from transitmap.infer.stops.candidates import SIGNS
from transitmap.infer.stops.halts import find_halts
from transitmap.infer.stops.scorecard import confidence_of, learned, read_scorecard
from transitmap.infer.stops.streets import distinct_streets
from transitmap.infer.vehicles import find_vehicles
from transitmap.infer.witnesses import number_riders
from transitmap.model import Crowd, Taps

ROAD = np.array([(0, 0), (6000, 0)], dtype=float)
CONFIG = Config()
STOPS_M = (600, 1900, 3300, 5000)


def stops_of(rides, shapes_m=(ROAD,)):
    legs = split_legs(rides, LegsConfig())
    lines = draw_lines(rides, legs, np.zeros(len(rides), dtype=bool), PLANE, CONFIG.lines)
    day = np.array([ride.fixes.time_s[0] // 86_400 for ride in rides], dtype=np.int64)
    crowd = Crowd(number_riders(rides), day, find_vehicles(lines))
    stops, calls = find_stops(rides, legs, lines, crowd, shapes_m, PLANE, CONFIG.stops)
    return stops, calls, PLANE.to_metres(stops.lat_deg, stops.lon_deg)


def fleet(n, road_m=ROAD, extra=(), seed=0):
    """Rides from stop to stop of a road whose buses halt at each stop three times in four for 2 to 20 s, and
    at `extra` (metres, share)."""
    rng = np.random.default_rng(seed)
    knot_m, rides = geo.along_m(road_m), []
    for k in range(n):
        first_m, last_m = np.sort(rng.choice((0.0, *STOPS_M, knot_m[-1]), 2, replace=False))
        halts = [(at_m, float(rng.uniform(2, 20))) for at_m in STOPS_M if rng.random() < 0.75]
        halts += [(at_m, 15.0) for at_m, share in extra if rng.random() < share]
        aboard = [(at_m - first_m, dwell_s) for at_m, dwell_s in halts if first_m < at_m < last_m]
        part_m = geo.at(road_m, knot_m, np.array([first_m, last_m]))
        start_s = MORNING_S + 700.0 * k
        rides.append(bus(part_m, f"bus {seed} {k}", start_s=start_s, halts=aboard, noise_m=2.0, seed=k))
    return rides


def terminal_fleet(n, road_m=ROAD, seed=0):
    """Rides over all of a road by buses like those of `fleet`."""
    rng = np.random.default_rng(seed)
    rides = []
    for k in range(n):
        halts = [(at_m, float(rng.uniform(2, 20))) for at_m in STOPS_M if rng.random() < 0.75]
        start_s = MORNING_S + 700.0 * k
        rides.append(
            bus(road_m, f"bus {seed} {k}", start_s=start_s, halts=halts, noise_m=2.0, seed=100 * seed + k)
        )
    return rides


@pytest.mark.parametrize(("n", "fleet_of", "least"), [(16, terminal_fleet, 0.6), (24, fleet, 0.9)])
def test_short_halts_of_many_buses_add_up_to_stops(n, fleet_of, least):
    """Where nobody gets on or off between, halts alone speak, and a signal has halts too."""
    stops, calls, _ = stops_of(fleet_of(n))
    called_m = calls.along_m[1:-1]
    assert np.abs(called_m - np.array(STOPS_M)).max() < 15
    assert np.allclose(calls.along_m[[0, -1]], [0.0, 6000.0], atol=20), "the ends of a way are calls"
    inner = calls.stop_index[1:-1]
    assert (stops.confidence[inner] > least).all()
    assert (stops.n_rides[inner] >= 8).all() and (stops.spread_m < 10).all()
    assert np.allclose(stops.heading_deg, 90, atol=5)


@pytest.mark.parametrize("n", [12, 16, 24, 30])
def test_where_all_ride_from_terminal_to_terminal_the_stops_between_are_found(n):
    near_terminal = []
    for seed in range(3):
        stops, calls, _ = stops_of(terminal_fleet(n, seed=seed))
        off_m = np.abs(calls.along_m[:, None] - np.array(STOPS_M)).min(axis=0)
        near_terminal.append(off_m[0] < 15)
        assert (off_m < 15).sum() >= 3
        assert (stops.n_rides >= n / 2).all()
        assert len(calls.along_m) <= 2 + len(STOPS_M), "none is invented"
    assert sum(near_terminal) >= 2, "the terminal 600 m away does not hide it"


def test_where_few_of_many_halt_is_no_stop():
    _, calls, _ = stops_of(fleet(30, extra=[(4200, 0.1)]))
    assert np.abs(calls.along_m - 4200).min() > 500


@pytest.mark.parametrize(("n", "fleet_of"), [(12, terminal_fleet), (24, fleet)])
def test_the_two_sides_of_a_street_are_two_stops(n, fleet_of):
    there, back = fleet_of(n), fleet_of(n, road_m=ROAD[::-1], seed=5)
    stops, _, xy_m = stops_of(there + back, (ROAD, ROAD[::-1]))
    east = np.abs(stops.heading_deg - 90) < 10
    assert east.sum() == 6 and (~east).sum() == 6
    assert np.abs(xy_m[east][:, 0] - 600).min() < 15
    assert np.abs(xy_m[~east][:, 0] - 5400).min() < 15


def test_paths_that_share_a_street_share_its_stops():
    stops, calls, _ = stops_of(terminal_fleet(14), (ROAD, ROAD))
    first, second = (calls.stop_index[a:b] for a, b in zip(calls.start, calls.start[1:], strict=False))
    assert first.tolist() == second.tolist()
    assert len(stops) == len(first)


def test_round_a_corner_a_vehicle_calls_once():
    across_m = np.array([(1885, -1890), (1885, 4110)], dtype=float)
    round_m = np.array([(0, 0), (1885, 0), (1885, 4110)], dtype=float)
    rides = fleet(24) + fleet(24, across_m, seed=5)
    _, calls, xy_m = stops_of(rides, (ROAD, across_m, round_m))
    called = [calls.stop_index[a:b] for a, b in zip(calls.start[:-1], calls.start[1:], strict=True)]
    on_road, on_across, on_round = (one[np.hypot(*(xy_m[one] - (1885, 0)).T) < 60].tolist() for one in called)
    assert len(on_road) == len(on_across) == 1
    assert on_road != on_across, "each street has a stop of its own"
    assert on_round in (on_road, on_across)


def test_a_loop_begins_and_ends_at_one_pole():
    loop_m = np.array([(0, 0), (6000, 0), (6000, 800), (0, 800), (0, 0)], dtype=float)
    halts = [(0.0, 9.0), (geo.along_m(loop_m)[-1], 9.0)]
    rides = [
        bus(loop_m, f"loop {k}", start_s=MORNING_S + 3000.0 * k, halts=halts, noise_m=1.0, seed=k)
        for k in range(12)
    ]
    stops, calls, _ = stops_of(rides, (loop_m,))
    assert calls.stop_index[0] == calls.stop_index[-1]
    assert len(stops) == len(calls.stop_index) - 1


def test_a_tapped_stop_needs_no_halt():
    def tapping(k):
        lat_deg, lon_deg = PLANE.to_degrees(np.array([(2600.0, 4.0)]))
        start_s = MORNING_S + 700.0 * k
        taps = Taps(np.array([start_s + 2600 / 8.0]), lat_deg, lon_deg, ("parada",))
        return ride_of(*drive(ROAD, start_s=start_s, noise_m=2.0, seed=k), ride_id=f"{k}", taps=taps)

    _, calls, _ = stops_of([tapping(k) for k in range(4)])
    assert np.abs(calls.along_m - 2600).min() < 15
    _, without, _ = stops_of([bus(ROAD, noise_m=2.0, seed=k, taps=NO_TAPS) for k in range(4)])
    assert len(without.along_m) == 2


def test_a_long_wait_of_few_phones_that_write_rarely_is_seen():
    rides = [bus(ROAD, f"{k}", halts=[(3000, 40.0)], every_s=15.0, noise_m=2.0, seed=k) for k in range(3)]
    legs = split_legs(rides, LegsConfig())
    lines = draw_lines(rides, legs, np.zeros(3, dtype=bool), PLANE, CONFIG.lines)
    halts = find_halts(rides, legs, lines, PLANE, CONFIG.stops)
    stood = halts.duration_s > 0
    assert stood.sum() == 3
    assert np.abs(halts.xy_m[stood, 0] - 3000).max() < 20
    assert (~stood & halts.is_ride_end).sum() == 6, "a whole recording begins and ends with its ride"


def test_ends_that_were_cut_off_are_no_ends():
    ride = bus(ROAD, "cut", halts=[(3000, 10.0)])
    ride = replace(ride, dropped={"trimmed": 7})
    legs = split_legs([ride], LegsConfig())
    lines = draw_lines([ride], legs, np.zeros(1, dtype=bool), PLANE, CONFIG.lines)
    assert not find_halts([ride], legs, lines, PLANE, CONFIG.stops).is_ride_end.any()


def test_streets_hold_what_paths_share_once():
    fork = np.array([(0, 0), (3000, 0), (3000, 2000)], dtype=float)
    streets = distinct_streets([ROAD, fork, ROAD + 3.0, ROAD[::-1]], CONFIG.stops)
    own_m = [5.0 * (street.last - street.first) for street in streets]
    assert np.allclose(own_m, [6000, 2000, 6000], atol=60)
    assert streets[1].first > 0, "the fork shows the street it leaves"


def test_a_scorecard_adds_points_up_and_refuses_other_signs():
    card = read_scorecard('{"base": -1, "signs": {"halts": {"edges": [0.5, 2], "points": [-1, 1, 3]}}}')
    sure = confidence_of(np.array([[0.0], [0.5], [1.0], [9.0]]), ["halts"], card)
    assert np.allclose(sure, 1 / (1 + np.exp([2.0, 2.0, 0.0, -2.0])))
    with pytest.raises(ValueError, match="missing or unknown"):
        confidence_of(np.zeros((1, 1)), ["other"], card)
    with pytest.raises(ValueError, match="rising edges"):
        read_scorecard('{"base": 0, "signs": {"halts": {"edges": [2, 1], "points": [1, 1, 1]}}}')


def test_the_card_that_is_shipped_knows_the_signs():
    card = learned()
    assert card.names == SIGNS
    ends = card.points[card.names.index("ends")]
    assert (np.diff(ends) >= -1e-9).all() and ends[-1] > ends[0] + 1, "who gets on or off speaks for a stop"


def class_in_one_bus(n_phones, at_m, road_m=ROAD):
    """One bus that stands 12 s at a place where six others drive through, with so many phones in it."""
    rides = [bus(road_m, f"by {k}", start_s=MORNING_S + 700.0 * k, noise_m=2.0, seed=k) for k in range(6)]
    start_s = MORNING_S + 9_000.0
    return rides + [
        bus(road_m, f"in {k}", start_s=start_s, halts=[(at_m, 12.0)], noise_m=2.0, seed=50 + k)
        for k in range(n_phones)
    ]


@pytest.mark.parametrize("n_phones", [1, 10])
def test_a_class_in_one_bus_is_one_witness(n_phones):
    _, _, xy_m = stops_of(class_in_one_bus(n_phones, 2000.0))
    assert np.abs(xy_m[:, 0] - 2000.0).min() > 500.0


def test_days_are_those_of_the_crowd():
    evening = [bus(ROAD, f"bus {k}", start_s=MORNING_S + 700.0 * k, halts=[(2000, 15)]) for k in range(12)]
    stops, _, xy_m = stops_of(evening)
    assert stops.n_days[np.argmin(np.abs(xy_m[:, 0] - 2000.0))] == 1


def tapping(*rides_taps_m):
    """Rides through without a halt, each with taps at some metres."""
    rides = []
    for k, taps_m in enumerate(rides_taps_m):
        time_s, xy_m = drive(ROAD, start_s=MORNING_S + 700.0 * k, noise_m=2.0, seed=k)
        at_s = np.array([np.interp(at_m, xy_m[:, 0], time_s) for at_m in taps_m])
        lat_deg, lon_deg = PLANE.to_degrees(np.column_stack([taps_m, np.zeros(len(taps_m))]).reshape(-1, 2))
        taps = Taps(at_s, lat_deg, lon_deg, ("",) * len(taps_m))
        rides.append(ride_of(time_s, xy_m, f"bus {k}", taps=taps if len(taps_m) else NO_TAPS))
    return rides


def test_a_finger_that_taps_twice_is_one_rider():
    _, _, twice_m = stops_of(tapping((2000.0, 2003.0), (), (), (), (), ()))
    assert np.abs(twice_m[:, 0] - 2000.0).min() > 500.0
    _, _, two_m = stops_of(tapping((2000.0,), (2003.0,), (), (), (), ()))
    assert np.abs(two_m[:, 0] - 2000.0).min() < 30.0
