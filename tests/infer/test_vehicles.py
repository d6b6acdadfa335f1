"""Who sat in one vehicle: the same places at the same times."""

import numpy as np
import pytest

from tests.infer.roads import MORNING_S, PLANE, bus
from transitmap.config import Config
from transitmap.infer.legs import split_legs
from transitmap.infer.lines import draw_lines
from transitmap.infer.vehicles import find_vehicles
from transitmap.model import Crowd

ROAD = [(0, 0), (2000, 0), (2000, 3000)]
HALTS = [(500, 20), (1500, 15), (3000, 25)]
CONFIG = Config()


def vehicles(*rides):
    legs = split_legs(rides, CONFIG.legs)
    lines = draw_lines(rides, legs, np.zeros(len(rides), dtype=bool), PLANE, CONFIG.lines)
    found = np.full(len(rides), -1)
    found[lines.ride_index] = find_vehicles(lines)
    return found.tolist()


def riding(seed, start_s=0.0, every_s=2.0, road_m=ROAD, halts=HALTS):
    return bus(
        road_m,
        start_s=MORNING_S + start_s,
        halts=halts,
        noise_m=4.0,
        seed=seed,
        every_s=every_s,
        ride_id=str(seed),
    )


@pytest.mark.parametrize("every_s", [1.0, 5.0, 15.0, 30.0])
def test_phones_in_one_bus_are_one_vehicle(every_s):
    one, other, far = vehicles(riding(1), riding(2, every_s=every_s), riding(3, start_s=300.0))
    assert one == other != far


def test_a_whole_class_is_one_vehicle():
    assert len(set(vehicles(*(riding(seed) for seed in range(14))))) == 1


def test_who_boards_later_is_in_the_vehicle_too():
    late = riding(2, start_s=2000 / 8 + 35, road_m=[(2000, 0), (2000, 3000)], halts=[(1000, 25)])
    one, other = vehicles(riding(1), late)
    assert one == other


@pytest.mark.parametrize("apart_s", [45.0, 90.0, -60.0])
def test_the_bus_behind_is_another(apart_s):
    one, other = vehicles(riding(1), riding(2, start_s=apart_s))
    assert one != other


def test_who_meets_a_bus_that_comes_the_other_way_is_not_in_it():
    one, other = vehicles(riding(1), riding(2, road_m=ROAD[::-1], halts=[]))
    assert one != other


def test_the_lines_of_a_vehicle_share_one_voice():
    crowd = Crowd(np.arange(5), np.zeros(5, dtype=int), np.array([0, 1, 0, 2, 0]))
    assert crowd.voice().tolist() == pytest.approx([1 / 3, 1, 1 / 3, 1, 1 / 3])


def test_nobody_rode():
    assert vehicles(bus([(0, 0), (3, 0)])) == [-1]
