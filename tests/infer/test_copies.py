from dataclasses import replace

import numpy as np

from tests.infer.roads import MORNING_S, bus, drive, ride_of
from transitmap.config import CopiesConfig
from transitmap.infer.copies import find_copies
from transitmap.model import Fixes

ROAD = [(0, 0), (1500, 300), (3000, 0)]


def test_the_same_recording_filed_again_is_a_copy_of_the_first():
    first = bus(ROAD, noise_m=4, seed=1)
    assert find_copies([first, bus(ROAD, noise_m=4, seed=2), first], CopiesConfig()).tolist() == [-1, -1, 0]


def test_a_new_date_or_fewer_fixes_do_not_hide_a_copy():
    time_s, xy_m = drive(ROAD, noise_m=4, seed=1)
    later = ride_of(time_s + 86_400, xy_m)
    thinned = ride_of(time_s[::3], xy_m[::3])
    assert find_copies([ride_of(time_s, xy_m), later, thinned], CopiesConfig()).tolist() == [-1, 0, 0]


def test_a_copy_that_another_app_rounded_is_a_copy():
    first = bus(ROAD, noise_m=4, seed=1, every_s=5.0)
    columns = (np.round(column, 4) for column in (first.fixes.lat_deg, first.fixes.lon_deg))
    rounded = replace(first, fixes=Fixes(first.fixes.time_s + 3600, *columns, first.fixes.accuracy_m))
    other = bus(ROAD, noise_m=4, seed=2, every_s=5.0)
    assert find_copies([other, first, rounded], CopiesConfig()).tolist() == [-1, -1, 1]
    assert find_copies([rounded, other, first], CopiesConfig()).tolist() == [-1, -1, 0]


def test_a_short_copy_must_agree_on_every_position():
    time_s, xy_m = drive(ROAD, noise_m=4, seed=1, every_s=50.0)
    assert len(time_s) == 8
    moved_m = xy_m + np.where(np.arange(8) == 3, 30.0, 0.0)[:, None]
    rides = [ride_of(time_s, xy_m), ride_of(time_s + 60, xy_m), ride_of(time_s, moved_m)]
    assert find_copies(rides, CopiesConfig()).tolist() == [-1, 0, -1]


def test_two_phones_in_one_vehicle_are_no_copies():
    phones = [bus(ROAD, start_s=MORNING_S, noise_m=4, seed=seed) for seed in range(6)]
    assert find_copies(phones, CopiesConfig()).tolist() == [-1] * 6


def test_coarse_phones_on_one_street_are_no_copies():
    def coarse(seed, start_s=MORNING_S):
        time_s, xy_m = drive(
            [(0, 0), (4000, 0)], start_s=start_s, speed_m_s=7.0 + 0.3 * seed, noise_m=2, seed=seed
        )
        ride = ride_of(time_s, xy_m)
        rounded = (np.round(column, 4) for column in (ride.fixes.lat_deg, ride.fixes.lon_deg))
        return replace(ride, fixes=Fixes(ride.fixes.time_s, *rounded, ride.fixes.accuracy_m))

    rides = [coarse(seed) for seed in range(4)]
    assert find_copies([*rides, coarse(2, MORNING_S + 86_400)], CopiesConfig()).tolist() == [-1] * 4 + [2]


def test_phones_lying_still_are_no_copies():
    lying = ride_of(MORNING_S + np.arange(100.0), np.zeros((100, 2)))
    assert find_copies([lying, lying], CopiesConfig()).tolist() == [-1, -1]
    assert find_copies([], CopiesConfig()).tolist() == []
