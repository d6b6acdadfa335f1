"""The side of the street: learned from those who come the other way."""

import numpy as np
import pytest

from tests.infer.roads import PLANE, bus
from transitmap.config import Config
from transitmap.infer.legs import split_legs
from transitmap.infer.lines import draw_lines
from transitmap.infer.traffic import KERB_M, side_of_traffic, to_kerb
from transitmap.model import Stops


def side_of(rides):
    legs = split_legs(rides, Config().legs)
    lines = draw_lines(rides, legs, np.zeros(len(rides), dtype=bool), PLANE, Config().lines)
    return side_of_traffic(legs, lines)


def street(off_m, n=12, both=True):
    """Buses east and, `off_m` to their left, buses west, seen 4 m off or so."""
    east = np.array([[0.0, 0.0], [3000.0, 0.0]])
    west = np.array([[3000.0, off_m], [0.0, off_m]])
    ways = (east, west) if both else (east,)
    return [
        bus(way, ride_id=f"{k}-{j}", noise_m=4.0, seed=2 * k + j)
        for k in range(n)
        for j, way in enumerate(ways)
    ]


@pytest.mark.parametrize(("off_m", "side"), [(5.0, "right"), (-5.0, "left"), (0.0, "")])
def test_side_is_told_by_those_who_come_the_other_way(off_m, side):
    assert side_of(street(off_m)) == side


@pytest.mark.parametrize("strays_m", [-6.0, 6.0])
def test_twenty_who_met_the_same_one_are_one_witness(strays_m):
    east, west = np.array([[0.0, 0.0], [3000.0, 0.0]]), np.array([[3000.0, strays_m], [0.0, strays_m]])
    rides = [bus(east, ride_id=f"{k}", noise_m=2.0, seed=k) for k in range(20)]
    assert side_of([*rides, bus(west, ride_id="back", noise_m=2.0)]) == ""


def test_nothing_is_said_of_one_way_streets_of_few_rides_or_none():
    assert side_of(street(5.0, both=False)) == side_of(street(5.0, n=2)) == side_of([]) == ""


@pytest.mark.parametrize(("side", "sign"), [("right", -1.0), ("left", 1.0), ("", 0.0)])
def test_stops_move_to_the_kerb_of_their_way_where_it_is_known(side, sign):
    """Two stops that face each other come apart; an eastbound vehicle has its right-hand kerb south."""
    at_m, one = np.array([[100.0, 50.0], [100.0, 50.0]]), np.ones(2)
    none = np.zeros(2, dtype=np.int64)
    stops = Stops(*PLANE.to_degrees(at_m), np.array([90.0, 270.0]), one, none, none, none, one, ("", ""))
    moved = to_kerb(stops, side, PLANE)
    off_m = PLANE.to_metres(moved.lat_deg, moved.lon_deg) - at_m
    assert np.allclose(off_m, [[0.0, sign * KERB_M], [0.0, -sign * KERB_M]], atol=1e-6)
