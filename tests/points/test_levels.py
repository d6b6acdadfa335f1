"""Levels, badges and weeks: for what others confirmed alone, and nothing reached is ever lost."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transitmap.points.levels import (
    LEVELS,
    MAX_FREEZES,
    Deed,
    badges,
    deeds_of,
    level,
    week_of,
    weeks,
)

MONDAY = 20_773  # 2026-11-16, of the week of this deed
DEED = Deed(day=20_776, hour=9, route_id="R1", direction_id=0, metres={0: 5_000}, permille=1000)
DEEDS = st.builds(
    Deed,
    st.integers(20_000, 20_400),
    st.integers(0, 23),
    st.sampled_from(["", "R1", "R2", "R3"]),
    st.sampled_from([None, 0, 1]),
    st.dictionaries(st.integers(0, 3), st.integers(1, 40_000), max_size=3),
    st.integers(0, 1000),
    st.booleans(),
    st.booleans(),
)


def n_of(deeds, code):
    return next(badge.n for badge in badges(deeds) if badge.code == code)


def test_a_level_takes_confirmed_metres_and_says_how_many():
    reached = level([DEED, replace(DEED, permille=500), replace(DEED, metres={1: 5_600})])
    assert (reached.number, reached.name_es, reached.name_en) == (3, "Ruta", "Route")
    assert (reached.known_m, reached.waiting_m, reached.next_m) == (13_100, 2_500, 40_000)
    assert reached.text_es == (
        "13.1 km que alguien más confirmó. Faltan 26.9 km para el nivel 4, Corredor. "
        "Otros 2.5 km tuyos esperan a una segunda persona."
    )
    assert "26.9 km to level 4, Corridor" in reached.text_en


def test_what_nobody_confirmed_gives_no_level_and_no_badge():
    alone = [replace(DEED, permille=0, metres={0: 900_000}) for _ in range(60)]
    assert (level(alone).number, level(alone).known_m) == (0, 0)
    assert [badge.n for badge in badges(alone)] == [0] * len(badges(alone))


def test_the_last_level_has_no_next():
    assert level([replace(DEED, metres={0: 700_000})]).next_m == 0
    assert level([replace(DEED, metres={0: 700_000})]).number == len(LEVELS)


def test_each_badge_counts_what_it_says():
    night, back = replace(DEED, hour=23, route_id="R2"), replace(DEED, direction_id=1)
    sunday, saturday = replace(DEED, day=DEED.day + 3), replace(DEED, day=DEED.day + 2)
    assert n_of([DEED, back], "new_ground") == 2
    assert n_of([DEED, replace(DEED, metres={1: 30})], "second_voice") == 1
    assert n_of([DEED, night, replace(DEED, route_id="")], "many_routes") == 2
    assert n_of([DEED, night, replace(night, hour=4), replace(night, hour=5)], "night_route") == 1
    assert n_of([DEED, back, replace(night, direction_id=1)], "both_ways") == 1
    assert n_of([DEED, back, sunday, saturday], "all_week") == 3
    assert n_of([DEED, replace(DEED, for_mission=True)], "mission") == 1
    assert n_of([replace(DEED, for_adopted=True)] * 2, "adopted_route") == 1


def test_a_badge_explains_itself_with_numbers():
    badge = next(one for one in badges([DEED] * 7) if one.code == "new_ground")
    assert (badge.grade, badge.needed) == (1, 10)
    assert badge.text_es.endswith(": 7 de 10.")
    assert badge.text_en.endswith(": 7 of 10.")
    done = next(one for one in badges([DEED] * 60) if one.code == "new_ground")
    assert (done.grade, done.needed, done.text_en[-4:]) == (3, 50, " 60.")


@given(st.lists(DEEDS, max_size=12), DEEDS, st.integers(0, 99))
def test_more_rides_take_nothing_away_and_order_is_nothing(deeds, one_more, seed):
    mixed = random.Random(seed).sample(deeds, len(deeds))
    assert (level(mixed), badges(mixed)) == (level(deeds), badges(deeds))
    assert level([*deeds, one_more]).number >= level(deeds).number
    for before, after in zip(badges(deeds), badges([*deeds, one_more]), strict=True):
        assert after.n >= before.n
        assert after.grade >= before.grade


@dataclass(frozen=True)
class Ride:
    started_s: float
    awards: tuple[tuple[str, dict[str, Any]], ...] = ()
    route_id: str = "R1"
    direction_id: int | None = 0
    permille: int = 500


NEW = {"length_m": 900, "length_m_by_earlier_observers": {"0": 900}, "known_m": 50}
MORE = {"length_m": 300, "length_m_by_earlier_observers": {"1": 200, "2": 100}, "mission_id": 7}
OLD = {"length_m": 400, "length_m_by_earlier_observers": {"3": 400}}


def test_what_a_ride_told_is_read_from_its_awards():
    late_s = 1_795_150_800.0  # 2026-11-19 23:00 in Mexico City, the 20th in Greenwich
    ride = Ride(late_s, (("new_metres", NEW), ("more_observers", MORE), ("fresh_metres", OLD)))
    (deed,) = deeds_of([ride], {"R1": late_s}, "America/Mexico_City")
    assert (deed.day, deed.hour) == (DEED.day, 23)
    assert (deed.metres, deed.fresh_m) == ({0: 900, 1: 200, 2: 100}, 400)
    assert (deed.told_m, deed.known_m, deed.waiting_m) == (1_600, 800, 800)
    assert (deed.for_mission, deed.for_adopted) == (True, True)
    assert not deeds_of([ride], {"R1": late_s + 1}, "UTC")[0].for_adopted
    assert deeds_of([ride], {}, "UTC")[0].day == DEED.day + 1


def test_a_ride_of_known_ground_was_a_ride():
    known = {"length_m": 0, "length_m_by_earlier_observers": {}, "yours_before_m": 800}
    (deed,) = deeds_of([Ride(0.0, (("new_metres", known),))], {}, "UTC")
    assert (deed.told_m, deed.seen_m) == (0, 800)
    assert deeds_of([Ride(0.0)], {}, "UTC")[0].seen_m == 0


# --- weeks ---------------------------------------------------------------------------------------


def days_of(*which):
    """A day in each of these weeks."""
    return [MONDAY + 7 * week + 2 for week in which]


def seen_in(week):
    return MONDAY + 7 * week + 4


def test_weeks_begin_on_monday():
    sunday = 20_772  # 2026-11-15
    assert week_of(sunday) + 1 == week_of(sunday + 1) == week_of(sunday + 7)


@pytest.mark.parametrize(
    ("ridden", "now", "n", "in_a_row", "best", "freezes"),
    [
        ([], 0, 0, 0, 0, 0),
        ([0], 0, 1, 1, 1, 0),
        ([0, 0, 1], 1, 2, 2, 2, 0),
        ([0, 1], 2, 2, 2, 2, 0),  # the week that has begun is not empty yet
        ([0, 1], 3, 2, 0, 2, 0),  # no freeze yet: the row rests, the rest stays
        ([0, 1, 2, 3], 4, 4, 4, 4, 1),
        ([0, 1, 2, 3], 5, 4, 4, 4, 0),  # bridged by the freeze
        ([0, 1, 2, 3, 5], 5, 5, 5, 5, 0),
        ([0, 1, 2, 3, 6], 6, 5, 1, 4, 0),
        (range(20), 19, 20, 20, 20, MAX_FREEZES),
    ],
)
def test_weeks_with_a_trip(ridden, now, n, in_a_row, best, freezes):
    found = weeks(days_of(*ridden), seen_in(now))
    assert (found.n, found.in_a_row, found.best, found.freezes) == (n, in_a_row, best, freezes)


def test_weeks_are_told_kindly():
    rests = weeks(days_of(0, 1, 2), seen_in(9))
    assert rests.text_es == (
        "Semanas con viaje: 3. Tu mejor serie: 3, y nadie te la quita. Sigue cuando quieras."
    )
    bridged = weeks(days_of(0, 1, 2, 3), seen_in(5))
    assert "Pausas que no contaron en contra: 1." in bridged.text_es
    assert "You can rest 1 more" in weeks(days_of(0, 1, 2, 3), seen_in(4)).text_en


@given(st.lists(st.integers(0, 60), max_size=30), st.integers(0, 60), st.integers(0, 30))
def test_a_pause_takes_nothing_away(ridden, now, pause):
    before = weeks(days_of(*[week for week in ridden if week <= now]), seen_in(now))
    after = weeks(days_of(*[week for week in ridden if week <= now]), seen_in(now + pause))
    assert (after.n, after.best) == (before.n, before.best)
    resumed = weeks(days_of(*[week for week in ridden if week <= now], now + pause), seen_in(now + pause))
    assert resumed.n >= before.n
    assert resumed.best >= before.best
    assert resumed.in_a_row >= 1
