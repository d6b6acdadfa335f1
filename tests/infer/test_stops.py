import numpy as np

from tests.infer.roads import MORNING_S, NO_TAPS, PLANE, bus, drive, ride_of
from transitmap.config import Config, LegsConfig
from transitmap.infer.legs import split_legs
from transitmap.infer.lines import draw_lines
from transitmap.infer.stops import find_stops
from transitmap.model import Taps

ROAD = np.array([(0, 0), (6000, 0)], dtype=float)
CONFIG = Config()
STOPS_M = (600, 1900, 3300, 5000)


def stops_of(rides, shapes_m=(ROAD,)):
    legs = split_legs(rides, LegsConfig())
    lines = draw_lines(rides, legs, np.zeros(len(rides), dtype=bool), PLANE, CONFIG.lines)
    stops, calls = find_stops(rides, legs, lines, shapes_m, PLANE, CONFIG.stops)
    return stops, calls, PLANE.to_metres(stops.lat_deg, stops.lon_deg)


def fleet(n, road_m=ROAD, extra=(), seed=0, **more):
    """Buses that halt at each stop three times in four for 2 to 20 s, and at `extra` (metres, share)."""
    rng = np.random.default_rng(seed)
    buses = []
    for k in range(n):
        halts = [(at_m, float(rng.uniform(2, 20))) for at_m in STOPS_M if rng.random() < 0.75]
        halts += [(at_m, 15.0) for at_m, share in extra if rng.random() < share]
        start_s = MORNING_S + 700.0 * k
        buses.append(bus(road_m, f"bus {k}", start_s=start_s, halts=halts, noise_m=2.0, seed=k, **more))
    return buses


def test_short_halts_of_many_buses_add_up_to_stops():
    stops, calls, xy_m = stops_of(fleet(16))
    called_m = calls.along_m[1:-1]
    assert np.abs(called_m - np.array(STOPS_M)).max() < 15
    assert calls.along_m[[0, -1]].tolist() == [0.0, 6000.0], "the ends of a way are calls"
    inner = stops.n_rides > 0
    assert (stops.confidence[inner] > 0.9).all()
    assert (stops.n_rides[inner] >= 8).all() and (stops.spread_m[inner] < 10).all()
    assert np.allclose(stops.heading_deg, 90, atol=5)


def test_where_few_of_many_halt_is_no_stop():
    _, calls, _ = stops_of(fleet(30, extra=[(4200, 0.1)]))
    assert np.abs(calls.along_m - 4200).min() > 500


def test_the_two_sides_of_a_street_are_two_stops():
    there, back = fleet(12), fleet(12, road_m=ROAD[::-1], seed=5)
    stops, _, xy_m = stops_of(there + back, (ROAD, ROAD[::-1]))
    east = np.abs(stops.heading_deg - 90) < 10
    assert east.sum() == 6 and (~east).sum() == 6
    assert np.abs(xy_m[east][:, 0] - 600).min() < 15
    assert np.abs(xy_m[~east][:, 0] - 5400).min() < 15


def test_paths_that_share_a_street_share_its_stops():
    stops, calls, _ = stops_of(fleet(14), (ROAD, ROAD))
    first, second = (calls.stop_index[a:b] for a, b in zip(calls.start, calls.start[1:], strict=False))
    assert first.tolist() == second.tolist()
    assert len(stops) == len(first)


def test_a_tapped_stop_needs_no_halt():
    def tapping(k):
        lat_deg, lon_deg = PLANE.to_degrees(np.array([(2600.0, 4.0)]))
        taps = Taps(np.array([MORNING_S + 2600 / 8.0]), lat_deg, lon_deg, ("parada",))
        return ride_of(*drive(ROAD, noise_m=2.0, seed=k), ride_id=f"{k}", taps=taps)

    _, calls, _ = stops_of([tapping(k) for k in range(4)])
    assert np.abs(calls.along_m - 2600).min() < 15
    _, without, _ = stops_of([bus(ROAD, noise_m=2.0, seed=k, taps=NO_TAPS) for k in range(4)])
    assert len(without.along_m) == 2
