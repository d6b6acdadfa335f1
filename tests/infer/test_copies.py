import numpy as np

from tests.infer.roads import MORNING_S, bus, drive, ride_of
from transitmap.config import CopiesConfig
from transitmap.infer.copies import find_copies

ROAD = [(0, 0), (1500, 300), (3000, 0)]


def test_the_same_recording_filed_again_is_a_copy_of_the_first():
    first = bus(ROAD, noise_m=4, seed=1)
    assert find_copies([first, bus(ROAD, noise_m=4, seed=2), first], CopiesConfig()).tolist() == [-1, -1, 0]


def test_a_new_date_or_fewer_fixes_do_not_hide_a_copy():
    time_s, xy_m = drive(ROAD, noise_m=4, seed=1)
    later = ride_of(time_s + 86_400, xy_m)
    thinned = ride_of(time_s[::3], xy_m[::3])
    assert find_copies([ride_of(time_s, xy_m), later, thinned], CopiesConfig()).tolist() == [-1, 0, 0]


def test_two_phones_in_one_vehicle_are_no_copies():
    phones = [bus(ROAD, start_s=MORNING_S, noise_m=4, seed=seed) for seed in range(6)]
    assert find_copies(phones, CopiesConfig()).tolist() == [-1] * 6


def test_phones_lying_still_are_no_copies():
    lying = ride_of(MORNING_S + np.arange(100.0), np.zeros((100, 2)))
    assert find_copies([lying, lying], CopiesConfig()).tolist() == [-1, -1]
    assert find_copies([], CopiesConfig()).tolist() == []
