"""Findings: each attack its own, honest riders and their company none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks import attacks, cheat_bench
from benchmarks import honest_riders as honest
from tests.points.hand import NOON_S, bus_ride, network_of, trips_of
from tests.points.suspicion.test_marks import town_and_rides
from transitmap import geo
from transitmap.model import RAIL
from transitmap.points.suspicion.examine import examine
from transitmap.points.suspicion.sentences import SENTENCES

HOUR_S, DAY_S = 3_600.0, 86_400.0


def look(one, before=(), came_s=None, mode=None):
    trips = honest.trips_of(one)
    if mode is not None:
        trips = replace(trips, mode=np.array([mode]))
    came_s = one.ride.fixes.time_s[-1] + HOUR_S if came_s is None else came_s
    return examine(one.ride, before, trips, 0, town_and_rides()[1], came_s)


def later(one, by_s, **changes):
    fixes = replace(one.ride.fixes, time_s=one.ride.fixes.time_s + by_s)
    return replace(one, ride=replace(one.ride, ride_id="later", rider_id="thief", fixes=fixes, **changes))


def codes(found):
    return {(one.code, one.tier) for one in found}


def long_ride():
    """The honest ride with most fixes."""
    return max(town_and_rides()[2], key=lambda one: len(one.ride.fixes))


def test_an_honest_ride_has_no_hard_finding():
    for one in town_and_rides()[2]:
        assert not [found for found in look(one) if found.tier == "hard"]


def test_the_same_fixes_are_a_copy_at_any_hour_and_by_anybody():
    one = long_ride()
    for by_s in (0.0, 20.0, 7 * DAY_S + 420.0):
        found = look(later(one, by_s), [one.ride])
        assert ("copy", "hard") in codes(found)
        assert found[0].other_ride_id == one.ride.ride_id
        assert found[0].text_es == SENTENCES["copy"][0]


def test_noise_does_not_hide_another_day():
    one, rng = long_ride(), np.random.default_rng(1)
    noisy = replace(one, ride=attacks.copy_of(one.ride, attacks.correlated(4.0), "noisy", "thief", rng))
    assert ("copy_redated", "hard") in codes(look(later(noisy, 3 * DAY_S + 600.0), [one.ride]))


def test_company_is_no_reason_and_a_wrong_time_zone_is_for_people():
    """Similarity of simultaneous rides punishes nobody; an app that writes local times is 6 hours off."""
    one, rng = long_ride(), np.random.default_rng(2)
    noisy = replace(one, ride=attacks.copy_of(one.ride, attacks.correlated(2.0), "noisy", "thief", rng))
    assert not codes(look(later(noisy, 0.0), [one.ride])) & {("copy_redated", "hard"), ("alike", "soft")}
    assert ("alike", "soft") in codes(look(later(noisy, 6 * HOUR_S), [one.ride]))
    assert ("copy_redated", "hard") in codes(look(later(noisy, 6 * HOUR_S + 300.0), [one.ride]))


def test_trains_keep_their_timetable_so_people_look():
    one, rng = long_ride(), np.random.default_rng(3)
    noisy = replace(one, ride=attacks.copy_of(one.ride, attacks.correlated(2.0), "noisy", "thief", rng))
    assert ("alike", "soft") in codes(look(later(noisy, DAY_S + 100.0), [one.ride], mode=RAIL))


def test_a_piece_of_another_ride_is_found_in_a_longer_one():
    one = long_ride()
    fixes = one.ride.fixes
    half = len(fixes) // 2
    tail = attacks._plus(fixes.take(np.arange(half, len(fixes))), np.array([[300.0, -400.0]]))
    columns = [
        np.concatenate([getattr(fixes, name)[:half], getattr(tail, name)])
        for name in ("time_s", "lat_deg", "lon_deg", "accuracy_m")
    ]
    patched = replace(one, ride=replace(one.ride, fixes=type(fixes)(*columns)))
    found = [x for x in look(later(patched, DAY_S + 700.0), [one.ride]) if x.code in ("copy", "copy_redated")]
    assert found
    assert found[0].tier == "hard"


@pytest.mark.parametrize("style", attacks.STYLES)
def test_drawn_traces_are_withheld(style):
    city, _, _ = town_and_rides()
    rng = np.random.default_rng(4)
    found = [look(attacks.drawn(city, k % 4, style, 3, 9.0, "drawn", rng)) for k in range(4)]
    assert sum(any(one.tier == "hard" for one in many) for many in found) >= 3


@pytest.mark.parametrize(("speed_m_s", "tier"), [(2.2, "soft"), (6.0, "hard"), (25.0, "soft")])
def test_who_walks_or_drives_on_a_motorway_may_be_even(speed_m_s, tier):
    """What a program draws at a bus's speed is withheld."""
    city, _, _ = town_and_rides()
    drawn = attacks.drawn(city, 0, "even speed", 3, 9.0, "drawn", np.random.default_rng(4))
    fixes, way_m = drawn.ride.fixes, geo.steps_m(attacks._metres(drawn.ride.fixes)).sum()
    share = (fixes.time_s - fixes.time_s[0]) / np.ptp(fixes.time_s)
    one = replace(
        drawn, ride=replace(drawn.ride, fixes=replace(fixes, time_s=NOON_S + share * way_m / speed_m_s))
    )
    even = [found for found in look(one) if found.code in ("even_speed", "steady")]
    assert [found.tier for found in even] == [tier]


def test_impossible_motion_is_withheld():
    one, rng = long_ride(), np.random.default_rng(5)
    assert ("jump", "hard") in codes(look(replace(one, ride=attacks.teleporting(one.ride, rng))))
    assert ("too_fast", "hard") in codes(look(replace(one, ride=attacks.too_fast(one.ride, rng))))


def test_one_wrong_fix_is_no_jump():
    one = long_ride()
    lat_deg = one.ride.fixes.lat_deg.copy()
    lat_deg[[0, len(lat_deg) // 2]] += 0.1
    wrong = replace(one, ride=replace(one.ride, fixes=replace(one.ride.fixes, lat_deg=lat_deg)))
    assert not [found for found in look(wrong) if found.tier == "hard"]


def test_two_places_at_once_are_one_place_too_many():
    one, rng = long_ride(), np.random.default_rng(6)
    away = attacks.elsewhere(one.ride, "away", rng)
    assert ("two_places", "hard") in codes(look(replace(one, ride=away), [one.ride]))
    other = replace(away, rider_id="somebody else")
    assert ("two_places", "hard") not in codes(look(replace(one, ride=other), [one.ride]))
    soon = attacks._later(away.fixes, float(one.ride.fixes.time_s[-1] - away.fixes.time_s[0] + 20.0))
    assert ("two_places", "hard") in codes(look(replace(one, ride=replace(away, fixes=soon)), [one.ride]))


def test_a_second_phone_of_the_same_rider_in_the_same_vehicle_is_welcome():
    city, _, _ = town_and_rides()
    a, b = honest.company(city, 0, 0, 9.0, ["a", "b"], 0.5, np.random.default_rng(7), ["me", "me"])
    assert not [found for found in look(b, [a.ride]) if found.tier == "hard"]


def test_what_the_phone_and_the_clock_say():
    one = long_ride()
    n = len(one.ride.fixes)
    assert ("mock", "hard") in codes(look(later(one, 0.0, flagged={"mock": n})))
    assert ("mock", "hard") not in codes(look(later(one, 0.0, flagged={"mock": n // 3})))
    end_s = float(one.ride.fixes.time_s[-1])
    assert ("future", "hard") in codes(look(one, came_s=end_s - 400.0))
    assert ("future", "hard") not in codes(look(one, came_s=end_s - 200.0))
    assert ("old", "soft") in codes(look(one, came_s=end_s + 91 * DAY_S))


def test_cars_are_for_people_and_never_withheld():
    city, _, _ = town_and_rides()
    rng = np.random.default_rng(8)
    found = [look(attacks.by_car(city, k % 4, 3, 14.0, "car", rng)) for k in range(30)]
    assert not [one for many in found for one in many if one.tier == "hard"]
    assert sum(("car", "soft") in codes(many) for many in found) >= 5


def test_new_ground_is_examined_without_a_line():
    ride = bus_ride([(0.0, 0.0), (3000.0, 0.0)], NOON_S, 1)
    nothing = network_of()
    assert examine(ride, [], trips_of((-1, np.nan, np.nan)), 0, nothing, NOON_S + DAY_S) == ()
    again = replace(ride, ride_id="again", rider_id="b", fixes=attacks._later(ride.fixes, DAY_S))
    found = examine(again, [ride], trips_of((-1, np.nan, np.nan)), 0, nothing, NOON_S + 2 * DAY_S)
    assert codes(found) == {("copy", "hard")}


def test_intervals_of_shares():
    low, high = cheat_bench.wilson(0, 2_000)
    assert low == 0.0
    assert 0.0019 < high < 0.0020
    assert cheat_bench.wilson(0, 0) == (0.0, 1.0)


def test_a_ride_of_a_few_moments_is_too_short_to_be_alike():
    """Of two half minutes nobody can say more than that they are the same, to the metre, on any street."""
    one = long_ride()
    start = int(np.argmax(one.ride.fixes.time_s > one.ride.fixes.time_s[0] + 300.0))
    few = np.flatnonzero(one.ride.fixes.time_s < one.ride.fixes.time_s[start] + 45.0)[start:]
    short = replace(one, ride=replace(one.ride, fixes=one.ride.fixes.take(few)))
    assert not codes(look(later(short, DAY_S + 100.0), [one.ride])) & {("copy", "hard"), ("alike", "soft")}
