"""Who bears witness: rides, people and days by pattern, people by call, names by enough people."""

from dataclasses import replace

import numpy as np

from transitmap.infer.witnesses import count_hop_witnesses, count_witnesses, number_riders, without_lone_names
from transitmap.model import Crowd, Fixes, Lines, Ride, Routes, Taps, Trips

NONE = np.zeros(0)


def trips(pattern, first_m, last_m):
    n = len(pattern)
    count, number = np.full(n, -1), np.full(n, np.nan)
    first_m, last_m = np.array(first_m, dtype=float), np.array(last_m, dtype=float)
    return Trips(np.array(pattern), count, first_m, last_m, count, count, number, number, number, ("",) * n)


def lines(*ride):
    """Lines of some rides, of which nothing else matters here."""
    none, ride_index = np.zeros(0, dtype=np.int64), np.array(ride)
    return Lines(ride_index, ride_index, none, NONE, NONE, NONE, none > 0, NONE, none, none, NONE, NONE)


TRIPS = trips([0, 0, 0, 1, -1], [0, 0, 300, 0, np.nan], [200, 200, 600, 100, np.nan])
RIDER = np.array([7, 7, 3, 7, 5])
LINES = lines(0, 1, 2, 3)


def crowd(day, vehicle=(0, 1, 2, 3)):
    return Crowd(RIDER, np.array(day), np.array(vehicle))


def test_each_person_and_day_counts_once():
    call_m = np.array([0.0, 300.0, 600.0, 0.0, 100.0])
    found = count_witnesses(TRIPS, LINES, crowd([1, 2, 2, 1, 1]), np.array([0, 3, 5, 5]), call_m)
    assert found.n_rides.tolist() == [3, 1, 0]
    assert found.n_vehicles.tolist() == [3, 1, 0]
    assert found.n_riders.tolist() == [2, 1, 0]
    assert found.n_days.tolist() == [2, 1, 0]
    assert found.last_day.tolist() == [2, 1, -1]


def test_who_sat_in_one_vehicle_saw_one():
    call_m, starts = np.array([0.0, 600.0, 0.0, 100.0]), np.array([0, 2, 4])
    assert count_witnesses(TRIPS, LINES, crowd(RIDER, (5, 0, 5, 0)), starts, call_m).n_vehicles.tolist() == [
        2,
        1,
    ]
    # A ride of two legs on one pattern is one vehicle: both of its lines were in it.
    parted = lines(0, 0, 1, 2, 3)
    found = count_witnesses(TRIPS, parted, crowd(RIDER, (0, 1, 2, 3, 4)), starts, call_m)
    assert found.n_vehicles.tolist() == [3, 1]


def test_who_was_aboard_within_reach_of_a_call():
    call_m = np.array([0.0, 250.0, 251.0, 600.0, 0.0, 100.0])
    found = count_witnesses(TRIPS, LINES, crowd(RIDER), np.array([0, 4, 6]), call_m)
    assert found.call_n_riders.tolist() == [1, 2, 1, 1, 1, 1]


def hops_of(call_m, is_supported=None, start=(0, 4, 6), day=(1, 2, 4, 1, 1)):
    supported = np.ones(len(call_m), bool) if is_supported is None else np.array(is_supported)
    return count_hop_witnesses(TRIPS, LINES, crowd(day), np.array(start), np.array(call_m), supported)


def test_a_way_is_told_by_those_who_rode_all_of_it():
    # Rides 0 and 1 (one person) run from 0 to 200 m of the first pattern, ride 2 from 300 to 600.
    found = hops_of([0.0, 180.0, 320.0, 600.0, 0.0, 100.0])
    assert list(zip(found.call_index.tolist(), found.next_index.tolist(), strict=True)) == [
        (0, 1),
        (2, 3),
        (4, 5),
    ]  # nobody rode from 180 to 320
    assert found.n_rides.tolist() == [2, 1, 1]
    assert found.n_riders.tolist() == [1, 1, 1]
    assert found.n_vehicles.tolist() == [2, 1, 1]
    assert (found.n_days.tolist(), found.last_day.tolist()) == ([2, 1, 1], [2, 4, 1])


def test_to_be_near_both_ends_of_a_short_way_is_not_to_ride_it():
    # Ride 2 begins at 300 m: within reach of the calls at 270 and 310, but it ran along a quarter of the way.
    found = hops_of([0.0, 270.0, 310.0, 600.0, 0.0, 100.0])
    assert (1, 2) not in set(zip(found.call_index.tolist(), found.next_index.tolist(), strict=True))


def test_past_calls_that_are_not_supported_the_whole_way_counts():
    found = hops_of([0.0, 90.0, 200.0, 600.0, 0.0, 100.0], [True, False, True, True, True, True])
    pairs = list(zip(found.call_index.tolist(), found.next_index.tolist(), strict=True))
    assert pairs == [(0, 1), (0, 2), (1, 2), (4, 5)]
    assert found.n_rides.tolist() == [2, 2, 2, 1]


def test_without_a_pattern_no_way_is_told():
    none = np.zeros(0, dtype=np.int64)
    nobody = trips([-1], [np.nan], [np.nan])
    assert len(count_hop_witnesses(nobody, lines(0), crowd([1]), np.array([0]), NONE, none > 0)) == 0


def test_rides_of_nobody_known_are_of_different_people():
    fixes, taps = Fixes(NONE, NONE, NONE, NONE), Taps(NONE, NONE, NONE, ())
    rides = [Ride(str(k), fixes, taps, rider_id=who) for k, who in enumerate(["a", "", "a", ""])]
    rider = number_riders(rides)
    assert rider[0] == rider[2] and len(set(rider.tolist())) == 3


def test_a_name_needs_so_many_people():
    routes = Routes(("12", "POZOS"), ("", ""), np.array([1.0, 1.0]))
    said = ["12", "12", "12", "pozos", "pozos"]
    one_way = np.array([0, 1])
    named = without_lone_names(routes, ["12", "pozos"], one_way, TRIPS, said, RIDER, 2)
    assert named.short_name == ("12", "")
    moved = replace(TRIPS, pattern_index=np.array([0, 0, 1, 1, 1]))
    named = without_lone_names(routes, ["12", "pozos"], one_way, moved, said, RIDER, 2)
    assert named.short_name == ("", "POZOS"), "12 has one person, twice"
