import numpy as np

from tests.infer.roads import NO_TAPS, PLANE, bus, ride_of
from transitmap.config import AreasConfig
from transitmap.geo import Plane, along_m
from transitmap.infer.areas import find_area
from transitmap.model import Fixes, Ride

ROAD = np.array([(0, 0), (5000, 0)], dtype=float)


def test_a_holiday_abroad_is_far_away():
    away = bus(ROAD + np.array([900_000.0, 0]), "away")
    area = find_area([away, *[bus(ROAD, f"{k}") for k in range(3)]], AreasConfig())
    assert area.is_far.tolist() == [True, False, False, False]
    assert abs(area.plane.lat_deg - PLANE.lat_deg) < 0.1 and abs(area.plane.lon_deg - PLANE.lon_deg) < 0.1


def test_no_rides_and_rides_without_fixes_have_a_plane_too():
    assert find_area([], AreasConfig()).is_far.tolist() == []
    empty = ride_of([], np.zeros((0, 2)))
    assert find_area([empty, bus(ROAD)], AreasConfig()).is_far.tolist() == [False, False]


def test_a_street_across_the_antimeridian_is_one_street():
    def ride(lon_deg):
        lon_deg = (np.asarray(lon_deg) + 180.0) % 360.0 - 180.0
        n = len(lon_deg)
        return Ride("r", Fixes(np.arange(n) * 10.0, np.full(n, -16.8), lon_deg, np.full(n, np.nan)), NO_TAPS)

    rides = [ride(np.linspace(179.95, 179.99, 30)), ride(np.linspace(180.0, 180.04, 30))]
    area = find_area(rides, AreasConfig())
    assert not area.is_far.any()
    assert abs((area.plane.lon_deg + 360.0) % 360.0 - 179.995) < 0.03
    across = ride(np.linspace(179.98, 180.02, 50)).fixes
    line_m = area.plane.to_metres(across.lat_deg, across.lon_deg)
    assert abs(along_m(line_m)[-1] - 0.04 * 106_600) < 100
    assert isinstance(Plane.around(across.lat_deg, across.lon_deg), Plane)
