"""Boards by index give what the fold of all rows gives, whoever looks at them; so do all kept sums."""

from __future__ import annotations

import random

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from tests.test_store import NOW_S, add_ride
from transitmap import store
from transitmap.points.standings import Place, board, ranked
from transitmap.store import standings as boards

WEEK = 20_774  # a Monday
CITY, RACE = 1, 2


def fill(session: Session, seed: int, n: int = 40) -> list[store.User]:
    """Riders, one in five hidden, with sums in two campaigns and a week, many of them equal."""
    mixed = random.Random(seed)
    names = {"slug": "race", "name_es": "Carrera", "name_en": "Race", "state": "open", "made_s": NOW_S}
    session.add(store.Campaign(id=RACE, **names))
    people = [store.add_user(session, f"Persona {number}", "", NOW_S) for number in range(n)]
    for person in people:
        person.is_hidden = mixed.random() < 0.2
        for campaign_id, period in ((CITY, 0), (CITY, WEEK), (RACE, 0)):
            if mixed.random() < 0.8:
                points = mixed.randrange(12) * 500
                sums = {
                    "millipoints": points,
                    "verified_millipoints": points // 2,
                    "n_rides": mixed.randrange(9),
                }
                session.add(store.Sum(campaign_id=campaign_id, period=period, user_id=person.id, **sums))
    session.flush()
    return people


def all_rows(session: Session, campaigns: tuple[int, ...], period: int) -> list[store.Standing]:
    question = sa.select(store.Sum, store.User).join(store.User).where(
        store.Sum.campaign_id.in_(campaigns), store.Sum.period == period
    )  # fmt: skip
    return [
        store.Standing(
            user.id, user.name, user.is_hidden, one.millipoints, one.n_rides, one.verified_millipoints
        )
        for one, user in session.execute(question)
        if (one.millipoints, one.verified_millipoints, one.n_rides) != (0, 0, 0)
    ]


def around(places: tuple[Place, ...], mine: Place) -> tuple[Place, ...]:
    """A line of a board with the two above and below."""
    at = places.index(mine)
    return places[max(0, at - 2) : at + 3]


def to_next(places: tuple[Place, ...], mine: Place) -> int:
    """What a line lacks to the next better rank; 0 at the top."""
    better = [place.millipoints for place in places if place.millipoints > mine.millipoints]
    return min(better, default=mine.millipoints) - mine.millipoints


SCOPES = [
    (store.BoardScope(CITY), (CITY,), 0),
    (store.BoardScope(CITY, WEEK), (CITY,), WEEK),
    (store.BoardScope(RACE), (RACE,), 0),
]


@pytest.mark.parametrize(("scope", "campaigns", "period"), SCOPES)
def test_a_board_by_index_is_the_fold_of_all_rows(session, scope, campaigns, period):
    for person in [None, *fill(session, seed=campaigns[-1])]:
        viewer_id = person.id if person else None
        places = board(all_rows(session, campaigns, period), viewer_id)
        for first, limit in ((0, 50), (7, 5), (999, 5)):
            part = store.board_page(session, scope, viewer_id, limit, first)
            assert ranked(part.rows, part.n_better, part.n_before) == places[first : first + limit]
            assert part.n == (len(places) if part.rows else 0)
        mine = next((place for place in places if place.user_id == viewer_id), None)
        part = store.board_around(session, scope, viewer_id) if viewer_id else None
        assert (part is None) == (mine is None)
        if part and mine:
            assert ranked(part.rows, part.n_better, part.n_before) == around(places, mine)
            assert part.n == len(places)
            line = next(row for row in part.rows if row.user_id == viewer_id)
            assert store.points_to_next(session, scope, line) == to_next(places, mine)


def test_a_board_of_routes_holds_who_rode_them_and_nobody_else(session):
    people = fill(session, 3, n=12)
    for number, person in enumerate(people):
        route = f"R{number % 3}" if number % 4 else ""
        add_ride(session, person, sha256=f"{number:064x}", route_id=route, id=f"ride-{number}")
    scope = store.BoardScope(CITY, 0, frozenset({"R1", "R2"}))
    on_it = {row.user_id for row in store.board_page(session, scope, people[1].id).rows}
    everybody = {row.user_id for row in store.board_page(session, store.BoardScope(CITY), people[1].id).rows}
    rode = {person.id for number, person in enumerate(people) if number % 4 and number % 3}
    assert on_it == everybody & rode
    assert on_it < everybody
    nowhere = store.BoardScope(CITY, 0, frozenset())
    assert store.board_page(session, nowhere).rows == ()


def test_places_far_down_a_board_of_routes_are_not_counted(session, monkeypatch):
    monkeypatch.setattr(boards, "MANY", 3)
    people = [store.add_user(session, f"Persona {number}", "", NOW_S) for number in range(9)]
    for number, person in enumerate(people):
        add_ride(session, person, sha256=f"{number:064x}", route_id="R1", id=f"ride-{number}")
        sums = {"millipoints": 1_000 * number, "verified_millipoints": 0, "n_rides": 1}
        session.add(store.Sum(campaign_id=CITY, period=0, user_id=person.id, **sums))
    session.flush()
    scope = store.BoardScope(CITY, 0, frozenset({"R1"}))
    ranks = {}
    for person in people:
        part = store.board_around(session, scope, person.id, 1)
        places = ranked(part.rows, part.n_better, part.n_before)
        ranks[person.name] = [place.rank for place in places if place.user_id == person.id]
    assert ranks["Persona 8"] == [1]
    assert ranks["Persona 4"] == [5]
    assert ranks["Persona 3"] == ranks["Persona 0"] == [0]


def test_a_board_of_nobody_has_no_lines(session):
    assert store.board_page(session, store.BoardScope(CITY)) == store.BoardPart((), 0, 0, 0)
    assert store.board_around(session, store.BoardScope(CITY), 1) is None
