"""Gaps, missions, checks and who is paid for them, on rows written by hand."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transitmap.model import Segments
from transitmap.points import missions
from transitmap.points.missions import (
    Cell,
    MissionRules,
    Way,
    bonus_of,
    claims_check,
    count_cells,
    day_part_of,
    draw_checks,
    gaps_of,
    make_missions,
    near,
    why_not,
)

RULES = MissionRules()
TODAY = 20_000
WHOLE = 10  # segments of the one way that these tests know
MORNING = "weekday_morning"


def segments_of(*rows):
    """Segments of rows (ride, segment, day), all of route 0 in direction 0."""
    ride, segment, day = (np.array(column, dtype=np.int64) for column in zip(*rows, strict=True))
    many = np.full(len(rows), 100_000)
    return Segments(ride, np.zeros_like(ride), np.zeros_like(ride), segment, day, many, many)


def ridden(*rides):
    """Cells after rides (voice, day, day part, segments) of route 0 in direction 0."""
    rows = [(nth, one, day) for nth, (_, day, _, many) in enumerate(rides) for one in many]
    voice = np.array([ride[0] for ride in rides])
    cells, _ = count_cells(segments_of(*rows), voice, [ride[2] for ride in rides], {(0, 0): WHOLE}, RULES)
    return {cell.day_part: cell for cell in cells}


@dataclass(frozen=True)
class Offer:
    id: int = 1
    route_id: str = "R1"
    direction_id: int = 0
    day_part: str = MORNING
    bonus_permille: int = 1_800
    is_check: bool = False
    made_s: float = 1_000.0
    closes_s: float = 2_000.0
    evidence: dict[str, Any] = field(default_factory=lambda: {"places": [[19.4, -99.1]]})


@dataclass(frozen=True)
class Hold:
    mission_id: int
    user_id: int
    from_s: float
    until_s: float


@pytest.mark.parametrize(
    ("moment", "part"),
    [
        ("2026-11-23 05:00", MORNING),
        ("2026-11-23 09:59", MORNING),
        ("2026-11-23 10:00", "weekday_midday"),
        ("2026-11-23 16:00", "weekday_evening"),
        ("2026-11-23 20:59", "weekday_evening"),
        ("2026-11-23 21:00", "night"),
        ("2026-11-23 04:59", "night"),
        ("2026-11-28 12:00", "saturday"),
        ("2026-11-29 20:00", "sunday"),
        ("2026-11-29 23:00", "night"),
    ],
)
def test_a_day_has_parts_by_the_clock_of_the_city(moment, part):
    local = datetime.datetime.fromisoformat(f"{moment}-06:00")
    assert day_part_of(local.timestamp(), "America/Mexico_City") == part


def test_two_people_on_two_days_are_two_observers():
    whole = range(WHOLE)
    assert ridden((1, 1, MORNING, whole), (2, 2, MORNING, whole))[MORNING] == Cell(
        0, 0, MORNING, 2, 2, 1_000, 2
    )
    same_day = ridden((1, 1, MORNING, whole), (2, 1, MORNING, whole))[MORNING]
    same_voice = ridden((1, 1, MORNING, whole), (1, 2, MORNING, whole))[MORNING]
    assert same_day.n_observers == same_voice.n_observers == 1
    assert same_day.seen_permille == same_voice.seen_permille == 500


def test_parts_of_the_day_are_cells_of_their_own_and_nights_are_none():
    cells = ridden((1, 1, MORNING, range(WHOLE)), (2, 2, "sunday", range(WHOLE)), (3, 3, "night", range(3)))
    assert [cells[part].n_observers for part in missions.ASKED] == [1, 0, 0, 0, 1]
    assert set(cells) == set(missions.ASKED)


def test_a_short_ride_is_no_observer_of_a_route_but_has_seen_its_stretch():
    cell = ridden((1, 1, MORNING, [0]))[MORNING]
    assert (cell.n_rides, cell.n_observers, cell.seen_permille) == (1, 0, 50)
    assert ridden((1, 1, MORNING, [0, 1]))[MORNING].n_observers == 1


def test_without_a_ride_every_cell_is_empty():
    none = np.zeros(0, dtype=np.int64)
    cells, _ = count_cells(Segments(*[none] * 7), none, [], {(0, 0): 9, (0, 1): 9}, RULES)
    assert len(cells) == 2 * len(missions.ASKED)
    assert {(cell.n_rides, cell.n_observers, cell.seen_permille, cell.last_day) for cell in cells} == {
        (0, 0, 0, -1)
    }


def test_every_ride_is_an_observer_of_one_cell_at_most():
    segments = segments_of(*[(0, one, 1) for one in range(5)], (1, 0, 1), *[(2, one, 2) for one in range(9)])
    parts = [MORNING, MORNING, "sunday"]
    voice = np.arange(3)
    assert count_cells(segments, voice, parts, {(0, 0): WHOLE}, RULES)[1].tolist() == [0, -1, 4]


@given(
    st.lists(
        st.tuples(
            st.integers(0, 4),
            st.integers(0, 3),
            st.sampled_from(missions.ASKED[:2]),
            st.sets(st.integers(0, WHOLE - 1), min_size=1),
        ),
        min_size=1,
        max_size=12,
    ),
    st.randoms(),
)
def test_cells_do_not_depend_on_the_order_of_rides_and_only_grow(rides, random):
    mixed = rides.copy()
    random.shuffle(mixed)
    cells = ridden(*rides)
    assert ridden(*mixed) == cells
    for part, before in ridden(*rides[:-1]).items() if len(rides) > 1 else ():
        assert before.n_observers <= cells[part].n_observers
        assert before.seen_permille <= cells[part].seen_permille


def cell_of(n_observers=0, seen=0, last_day=TODAY, route=0, part=MORNING):
    return Cell(route, 0, part, n_observers, n_observers, seen, last_day)


def test_what_lacks_and_what_it_is_worth():
    cells = [
        replace(cell_of(), n_rides=0),
        replace(cell_of(0, 50), n_rides=3),
        cell_of(1, 450),
        cell_of(2, 700),
        cell_of(2, 900),
        cell_of(2, 1_000, TODAY - 89),
        cell_of(2, 1_000, TODAY - 90),
    ]
    gaps = gaps_of(cells, TODAY, RULES)
    assert [(gap.why, gap.n_needed, gap.bonus_permille) for gap in gaps] == [
        ("nobody", 2, 2_000),
        ("partly", 2, 1_950),
        ("one", 1, 1_550),
        ("partly", 1, 1_300),
        ("stale", 1, 1_600),
    ]


@given(st.integers(0, 1_000), st.integers(0, 1_000), st.integers(0, 3), st.integers(0, 400))
def test_a_bonus_never_rises_with_coverage_nor_above_twice(seen, more, n_observers, age):
    first, second = (
        gaps_of([cell_of(n_observers, share, TODAY - age)], TODAY, RULES) for share in sorted((seen, more))
    )
    assert all(1_000 <= gap.bonus_permille <= 2_000 for gap in first + second)
    if first and second:
        assert first[0].bonus_permille >= second[0].bonus_permille or second[0].why == "stale"


def way_of(route, lat_deg=19.40, n=6, lon_deg=-99.10):
    places = tuple((lat_deg, lon_deg + 0.003 * k) for k in range(n))
    return Way(f"R{route + 1}", str(route + 1), 0, "Centro", places)


def test_each_area_spends_its_budget_on_what_is_worth_most():
    ways = {(route, 0): way_of(route, 19.40 if route < 10 else 19.60) for route in range(11)}
    cells = [cell_of(1, 50 * route, route=route) for route in range(11)]
    made = make_missions(gaps_of(cells, TODAY, RULES), ways, RULES)
    here = [one for one in made if one.lat_deg == 19.40]
    assert sum(one.bonus_permille - 1_000 for one in here) == 7_750 <= RULES.area_budget_permille
    assert [one.route_id for one in made[:3]] == ["R1", "R2", "R3"]
    assert {one.lat_deg for one in made} == {19.40, 19.60}
    little = make_missions(gaps_of(cells, TODAY, RULES), ways, replace(RULES, area_budget_permille=1_900))
    assert [one.route_id for one in little] == ["R1", "R3", "R11"]  # 1000 + 900 here, 500 elsewhere


def test_what_the_public_does_not_know_has_no_mission_and_what_has_one_no_second():
    gaps = gaps_of([cell_of(route=0), cell_of(route=1)], TODAY, RULES)
    ways = {(0, 0): way_of(0)}
    assert [one.route_id for one in make_missions(gaps, ways, RULES)] == ["R1"]
    assert make_missions(gaps, ways, RULES, [Offer()]) == ()


def test_what_is_open_has_spent_its_part_of_the_budget():
    gaps = gaps_of([cell_of(route=1)], TODAY, RULES)
    tight = replace(RULES, area_budget_permille=1_000)
    there = Offer(evidence={"places": [[19.4, -99.1]]})
    assert len(make_missions(gaps, {(1, 0): way_of(1)}, tight)) == 1
    assert make_missions(gaps, {(1, 0): way_of(1)}, tight, [there]) == ()


# --- checks --------------------------------------------------------------------------------------


def town():
    """Eight parallel lines a few hundred metres apart, in both directions."""
    ways = [way_of(route, 19.40 + 0.004 * route, 12) for route in range(8)]
    gaps = gaps_of([cell_of(route % 2, 100 * route, route=route) for route in range(8)], TODAY, RULES)
    roomy = replace(RULES, area_budget_permille=10**6)
    return ways, make_missions(gaps, {(route, 0): way for route, way in enumerate(ways)}, roomy)


def test_checks_follow_from_the_seed_and_from_nothing_else():
    ways, made = town()
    first = draw_checks(made, ways, 5, b"one")
    assert len(first) == 5
    assert draw_checks(made, list(reversed(ways)), 5, b"one") == first
    assert draw_checks(made, ways, 5, b"two") != first
    assert missions.commitment(b"one") != missions.commitment(b"two")


def test_no_known_route_runs_as_a_check_says():
    ways, made = town()
    known = {way.route_id for way in ways} | {way.name for way in ways}
    for check in draw_checks(made, ways, 20, b"seed"):
        places = [tuple(place) for place in check.evidence["places"]]
        assert check.is_check
        assert check.route_id not in known and check.evidence["name"] not in known
        assert all(2 * len(set(places) & set(way.places)) < len(places) for way in ways)


def test_a_check_looks_like_any_mission():
    """Same keys and types, values that missions have too: nothing in a row but `is_check` tells."""
    ways, made = town()
    stops = {place for way in ways for place in way.places}
    for check in draw_checks(made, ways, 20, b"seed"):
        assert set(check.evidence) == set(made[0].evidence)
        assert (check.lat_deg, check.lon_deg) in stops
        told = {(round(lat, 5), round(lon, 5)) for lat, lon in stops}
        assert {tuple(place) for place in check.evidence["places"]} <= told
        told = [check.n_needed, check.bonus_permille, check.evidence["why"], check.day_part]
        assert told in [[m.n_needed, m.bonus_permille, m.evidence["why"], m.day_part] for m in made]
        assert check.evidence["headsign"] in {way.headsign for way in ways}


def test_a_small_list_has_no_check_that_it_could_not_hide():
    assert [missions.n_checks(n, RULES) for n in (0, 9, 10, 49, 50, 100)] == [0, 0, 1, 1, 2, 4]
    assert missions.n_checks(100, replace(RULES, check_permille=0)) == 0
    assert draw_checks((), [way_of(0)], 3, b"seed") == ()


def test_who_claims_a_check_passed_its_places_in_order():
    ways, made = town()
    check = replace(Offer(), evidence=draw_checks(made, ways, 1, b"seed")[0].evidence)
    places = np.array(check.evidence["places"])
    fixes = np.concatenate([np.linspace(a, b, 20) for a, b in zip(places, places[1:], strict=False)])
    assert claims_check(check, fixes)
    assert not claims_check(check, fixes[::-1])
    assert not claims_check(check, np.array(ways[0].places) + 0.1)
    assert not claims_check(check, fixes[:1])


# --- riders and missions -------------------------------------------------------------------------

RIDE = ("R1", 0, MORNING)


def test_a_ride_of_a_mission_is_worth_more_while_it_is_open():
    told = [bonus_of(*RIDE, 7, time_s, [Offer()], []) for time_s in (999.9, 1_000.0, 1_999.9, 2_000.0)]
    assert told == [(1_000, None), (1_800, 1), (1_800, 1), (1_000, None)]


@pytest.mark.parametrize(
    "ride", [("R2", 0, MORNING), ("R1", 1, MORNING), ("R1", 0, "sunday"), ("", None, MORNING)]
)
def test_a_ride_of_another_cell_is_of_no_mission(ride):
    assert bonus_of(*ride, 7, 1_500.0, [Offer()], []) == (1_000, None)


def test_who_reserved_a_mission_has_it_alone_for_a_while():
    hold = [Hold(1, 7, 1_200.0, 1_400.0)]
    assert bonus_of(*RIDE, 7, 1_300.0, [Offer()], hold) == (1_800, 1)
    assert bonus_of(*RIDE, 8, 1_300.0, [Offer()], hold) == (1_000, None)
    assert bonus_of(*RIDE, 8, 1_400.0, [Offer()], hold) == (1_800, 1)
    assert bonus_of(*RIDE, 8, 1_300.0, [Offer()], [replace(hold[0], mission_id=2)]) == (1_800, 1)


def test_a_check_pays_nothing_and_the_best_mission_counts():
    both = [Offer(1, bonus_permille=1_300), Offer(2, bonus_permille=1_700), Offer(3, is_check=True)]
    assert bonus_of(*RIDE, 7, 1_500.0, both, []) == (1_700, 2)
    assert bonus_of(*RIDE, 7, 1_500.0, list(reversed(both)), []) == (1_700, 2)
    assert bonus_of(*RIDE, 7, 1_500.0, [both[2]], []) == (1_000, None)


def test_reasons_why_a_mission_cannot_be_reserved():
    mine = [Hold(nth, 7, 1_000.0, 1_900.0) for nth in (11, 12, 13)]
    rules = replace(RULES, hold_s=100.0)
    assert why_not(Offer(), 7, [], 1_500.0, rules) == ""
    assert why_not(Offer(), 7, [], 2_000.0, rules) == "not_open"
    assert why_not(Offer(), 7, [Hold(1, 8, 1_450.0, 1_550.0)], 1_500.0, rules) == "held"
    assert why_not(Offer(), 7, [Hold(1, 7, 1_450.0, 1_550.0)], 1_500.0, rules) == "mine"
    assert why_not(Offer(), 7, mine, 1_500.0, rules) == "too_many"
    assert why_not(Offer(), 7, mine[:2], 1_500.0, rules) == ""
    assert why_not(Offer(), 7, [Hold(1, 7, 1_300.0, 1_450.0)], 1_500.0, rules) == "lapsed"
    assert why_not(Offer(), 7, [Hold(1, 7, 1_300.0, 1_350.0)], 1_500.0, rules) == ""
    assert why_not(Offer(), 8, [Hold(1, 7, 1_300.0, 1_450.0)], 1_500.0, rules) == ""


def test_who_never_rides_holds_missions_once():
    """Accounts by turns could else hold every mission for ever, and ride alone for twice the points."""
    let_go = [Hold(nth, 7, 100.0 * nth, 100.0 * nth + 50) for nth in (11, 12, 13)]
    rules = replace(RULES, hold_s=100.0)
    assert why_not(Offer(), 7, let_go, 1_500.0, rules) == "ride_first"
    assert why_not(Offer(), 7, let_go, 1_500.0, rules, ridden_s=1_100.0) == "ride_first"
    assert why_not(Offer(), 7, let_go, 1_500.0, rules, ridden_s=1_101.0) == ""
    assert why_not(Offer(), 7, let_go[:2], 1_500.0, rules) == ""


def test_the_nearest_way_comes_first_and_stays_together():
    here = {"places": [[19.40, -99.10], [19.40, -99.05]]}
    far = {"places": [[19.50, -99.10]]}
    three = [
        Offer(1, "R1", bonus_permille=1_200, evidence=far),
        Offer(2, "R2", bonus_permille=1_200, evidence=here),
        Offer(3, "R2", day_part="sunday", evidence=here),
    ]
    found = near(three, 19.40, -99.05)
    assert [one.id for _, one in found] == [3, 2, 1]
    assert found[0][0] < 1 and 12_000 < found[2][0] < 13_000
