import numpy as np
import pytest

from tests.infer.roads import MORNING_S, PLANE, bus
from transitmap import geo
from transitmap.config import Config
from transitmap.infer.legs import split_legs
from transitmap.infer.lines import draw_lines
from transitmap.infer.sightings import see_vehicles
from transitmap.model import Paths

CONFIG = Config()
OUT_AND_BACK = [(0, 0), (3000, 0), (3000, 4), (0, 4)]
LOLLIPOP = [(0, 0), (2000, 0), (2000, 800), (3200, 800), (3200, -800), (2000, -800), (2000, 5), (0, 5)]
EIGHT = [(0, 0), (2400, 0), (2400, 1200), (1200, 1200), (1200, -1500)]
SPEED_M_S = 8.0
ROADS = [OUT_AND_BACK, LOLLIPOP, EIGHT]


def seen(roads_m, shape_m, **driving):
    """Sightings of one vehicle a road, all on one path of the shape."""
    rides = [bus(road_m, speed_m_s=SPEED_M_S, seed=k, **driving) for k, road_m in enumerate(roads_m)]
    legs = split_legs(rides, CONFIG.legs)
    lines = draw_lines(rides, legs, np.zeros(len(rides), dtype=bool), PLANE, CONFIG.lines)
    n = len(lines)
    one, zero = np.ones(n), np.zeros(n, dtype=np.int64)
    shape_m = np.asarray(shape_m, dtype=float)
    paths = Paths(np.array([0, len(shape_m)]), shape_m, ("",), one[:1], one[:1], np.arange(n), zero, one, one)
    return see_vehicles(lines, paths, [shape_m])


@pytest.mark.parametrize("road_m", ROADS)
@pytest.mark.parametrize("every_s", [1.0, 5.0, 15.0])
def test_a_vehicle_that_comes_by_again_is_seen_where_it_is(road_m, every_s):
    sighting = seen([road_m], road_m, noise_m=3.0, every_s=every_s)
    true_m = (sighting.time_s - MORNING_S) * SPEED_M_S
    length_m = geo.along_m(np.asarray(road_m, dtype=float))[-1]
    assert len(sighting.time_s) > 0.9 * length_m / SPEED_M_S / every_s
    assert np.percentile(np.abs(sighting.along_m - true_m), 95) < 20.0
    assert (np.diff(sighting.along_m) >= 0).all()


def test_a_ride_on_the_way_back_is_seen_on_the_way_back():
    sighting = seen([OUT_AND_BACK[2:]], OUT_AND_BACK, noise_m=3.0)
    assert sighting.along_m.min() > 2950.0
    assert sighting.along_m.max() > 5900.0


def test_each_vehicle_of_a_path_has_its_own_times():
    pieces = [[(0, 0), (2000, 0)], OUT_AND_BACK, [(1500, 4), (0, 4)]]
    sighting = seen(pieces, OUT_AND_BACK)
    ends = [
        sighting.along_m[a:b][[0, -1]]
        for a, b in zip(sighting.fix_start, sighting.fix_start[1:], strict=False)
    ]
    assert np.allclose(ends, [(0, 2000), (0, 6004), (4504, 6004)], atol=12.0)


def test_fixes_far_from_the_shape_are_not_on_it():
    aside_m = [(0, 0), (1000, 0), (1000, 300), (2000, 300), (2000, 0), (3000, 0)]
    sighting = seen([aside_m], [(0, 0), (3000, 0)])
    assert not ((sighting.along_m > 1060) & (sighting.along_m < 1940)).any()


def test_metres_along_are_those_of_the_shape_and_not_of_its_points():
    stairs = [(0, 0)]
    for k in range(60):
        x, y = stairs[-1]
        stairs += [(x + 62, y), (x + 62, y + 63)] if k % 2 else [(x, y + 63), (x + 62, y + 63)]
    sighting = seen([stairs], stairs)
    length_m = geo.along_m(np.asarray(stairs, dtype=float))[-1]
    assert abs(sighting.along_m[-1] - length_m) < 20.0
