"""Teams: one a rider and campaign, joined by asking, worth what members earn from joining on."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from tests.test_store import NOW_S, add_ride, award
from transitmap import store
from transitmap.errors import ConfigError, NameTaken

CITY = 1
DAY = int(NOW_S // 86_400)
WEEK = store.monday(DAY)


class Play:
    """A few riders who earn, join and leave."""

    def __init__(self, session: Session) -> None:
        self.session, self.n = session, 0
        self.ana, self.beto, self.caro = (
            store.add_user(session, name, "", NOW_S) for name in ("Ana", "Beto", "Caro")
        )

    def earn(self, user: store.User, millipoints: int, verified: int = 0, weeks: int = 0) -> None:
        """Points for a ride of this week, or of one so many weeks later."""
        self.n += 1
        ride = add_ride(self.session, user, sha256=f"{self.n:064x}", id=f"ride-{self.n}")
        more = {"verified_millipoints": verified, "day": DAY + 7 * weeks}
        store.add_lines(self.session, [award(ride, millipoints, **more)])

    def make(self, user: store.User, name: str = "Los de la 57", weeks: int = 0) -> store.Team:
        team = store.add_team(self.session, CITY, name, user.id, WEEK + 7 * weeks, NOW_S)
        assert team is not None
        return team

    def join(self, user: store.User, team: store.Team, weeks: int = 0) -> None:
        assert store.ask_to_join(self.session, team, user.id, NOW_S)
        assert store.accept_member(self.session, team, user.id, WEEK + 7 * weeks, NOW_S)

    def board(self, weeks: int | None = None) -> list[tuple[str, int, int, int]]:
        period = 0 if weeks is None else WEEK + 7 * weeks
        rows = store.team_board(self.session, CITY, period).page.rows
        return [(row.name, row.millipoints, row.verified_millipoints, row.n_rides) for row in rows]


@pytest.fixture
def play(session: Session) -> Play:
    return Play(session)


def test_a_team_has_what_its_members_earn_from_joining_on(play):
    play.earn(play.ana, 9_000, 3_000)
    team = play.make(play.ana)
    assert play.board() == [("Los de la 57", 0, 0, 1)]
    play.earn(play.ana, 1_000, 400)
    play.earn(play.beto, 5_000)
    play.join(play.beto, team)
    play.earn(play.beto, 200, 100)
    assert play.board() == play.board(0) == [("Los de la 57", 1_200, 500, 2)]
    members = store.member_standings(play.session, team)
    assert [(row.name, row.millipoints) for row in members] == [("Ana", 1_000), ("Beto", 200)]


def test_a_week_of_a_team_counts_from_joining_on_too(play):
    play.earn(play.ana, 9_000)
    team = play.make(play.ana, weeks=1)  # she joins a week after
    play.earn(play.ana, 700, weeks=1)
    assert play.board(0) == [("Los de la 57", 0, 0, 1)]
    assert play.board(1) == play.board() == [("Los de la 57", 700, 0, 1)]
    play.earn(play.beto, 300, weeks=1)
    play.join(play.beto, team, weeks=1)
    play.earn(play.beto, 50, weeks=2)
    assert play.board(1) == [("Los de la 57", 700, 0, 2)]
    assert play.board(2) == [("Los de la 57", 50, 0, 2)]
    assert play.board() == [("Los de la 57", 750, 0, 2)]


def test_teams_stand_by_points_and_the_older_first_among_equals(play):
    play.make(play.ana, "Uno")
    play.make(play.beto, "Dos")
    play.make(play.caro, "Tres")
    play.earn(play.caro, 500)
    assert [name for name, *_ in play.board()] == ["Tres", "Uno", "Dos"]


def test_whoever_leaves_takes_the_points_along_and_an_empty_team_is_gone(play):
    team = play.make(play.ana)
    play.join(play.beto, team)
    play.earn(play.ana, 1_000)
    play.earn(play.beto, 300)
    assert store.leave_team(play.session, CITY, play.ana.id)
    assert play.board() == [("Los de la 57", 300, 0, 1)]
    assert store.ask_to_join(play.session, team, play.caro.id, NOW_S)
    assert store.leave_team(play.session, CITY, play.beto.id)
    assert not store.leave_team(play.session, CITY, play.beto.id)
    assert play.board() == []
    assert store.member_of(play.session, CITY, play.caro.id) is None
    play.make(play.beto)  # the name is free again


def test_one_team_a_rider_and_campaign(play):
    team = play.make(play.ana)
    other = play.make(play.beto, "Otro")
    assert not store.ask_to_join(play.session, other, play.ana.id, NOW_S)
    assert store.add_team(play.session, CITY, "Tercero", play.ana.id, WEEK, NOW_S) is None
    assert store.ask_to_join(play.session, team, play.caro.id, NOW_S)
    assert not store.ask_to_join(play.session, other, play.caro.id, NOW_S)
    assert not store.accept_member(play.session, other, play.caro.id, WEEK, NOW_S)
    assert not store.deny_member(play.session, other, play.caro.id)
    assert [user.name for user in store.riders_asking(play.session, team.id)] == ["Caro"]
    assert store.deny_member(play.session, team, play.caro.id)
    assert store.riders_asking(play.session, team.id) == []
    assert not store.accept_member(play.session, team, play.caro.id, WEEK, NOW_S)
    assert store.ask_to_join(play.session, other, play.caro.id, NOW_S)


def test_asking_is_not_being_a_member(play):
    team = play.make(play.ana)
    assert store.ask_to_join(play.session, team, play.beto.id, NOW_S)
    play.earn(play.beto, 4_000)
    assert play.board() == [("Los de la 57", 0, 0, 1)]


def test_names_of_teams_are_told_apart_as_those_of_riders(play):
    play.make(play.ana, "Los de la 57")
    with pytest.raises(NameTaken):
        play.make(play.beto, "los  DE la 57")
    for bad in ("", "  ", "x" * 81, "a\x00b", "a\nb\x7f"):
        with pytest.raises(ConfigError):
            play.make(play.beto, bad)


def test_an_erased_rider_is_in_no_team_and_leaves_none_behind(play):
    team = play.make(play.ana)
    trail = store.trail_of(play.session, play.ana)
    store.empty_user(play.session, play.ana, trail, NOW_S)
    play.session.flush()
    assert play.session.scalar(sa.select(sa.func.count()).select_from(store.Member)) == 0
    assert store.team_by_id(play.session, team.id) is None or play.board() == []
    assert play.session.scalar(sa.select(sa.func.count()).select_from(store.Team)) == 0


def test_teams_are_found_by_letters_of_their_name_and_keep_their_rank(play):
    for who, name in ((play.ana, "Los de la 57"), (play.beto, "LA 57 %"), (play.caro, "Tres_")):
        play.make(who, name)
    play.earn(play.caro, 900)
    play.earn(play.beto, 500)

    def found(some, limit=None):
        return [
            (n, team.name, team.millipoints) for n, team in store.teams_named(play.session, CITY, some, limit)
        ]

    assert found("la  57") == [(1, "LA 57 %", 500), (2, "Los de la 57", 0)]
    assert found("la 57", 1) == [(1, "LA 57 %", 500)]
    assert found("%") == [(1, "LA 57 %", 500)]
    assert found("_") == [(0, "Tres_", 900)]
    assert found("nadie") == []
    assert store.teams_named(play.session, 2, "la") == []
