"""Kept sums are the fold of the ledger: of riders in each campaign and in all, and of teams."""

from __future__ import annotations

import random

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from tests.test_store import NOW_S, add_ride, award
from transitmap import store
from transitmap.points.standings import board, ranked

CITY, RACE = 1, 2
DAY = int(NOW_S // 86_400)
WEEK = store.monday(DAY)
KINDS = ("award", "confirmation", "reversal", "decision")


class Season:
    """Riders who ride, decide, make teams, join, leave and are erased, by the dice."""

    def __init__(self, session: Session, seed: int) -> None:
        self.session, self.dice, self.n, self.weeks = session, random.Random(seed), 0, 0
        names = {"slug": "race", "name_es": "Carrera", "name_en": "Race", "state": "open", "made_s": NOW_S}
        session.add(store.Campaign(id=RACE, **names))
        self.people = [store.add_user(session, f"Persona {n}", "", NOW_S) for n in range(8)]
        self.rides = [add_ride(session, one, sha256=f"{one.id:064x}") for one in self.people]

    def step(self) -> None:
        """Something happens, of this week or a later one."""
        who = self.dice.choice([one for one in self.people if one.erased_s is None])
        what = self.dice.choices((self.earn, self.play, self.erase, self.wait), (12, 6, 0.3, 1))[0]
        what(who)

    def wait(self, who: store.User) -> None:
        self.weeks += 1

    def earn(self, who: store.User) -> None:
        """Lines of several riders at once, some of them for what was long ago."""
        rows = []
        for ride in self.dice.sample(self.rides, 3):
            self.n += 1
            kind = self.dice.choice(KINDS)
            points = 0 if kind == "decision" else self.dice.randrange(-3, 9) * 500
            told = {
                "kind": kind,
                "campaign_id": self.dice.choice((CITY, RACE)),
                "verified_millipoints": points // 2,
            }
            day = DAY + 7 * max(0, self.weeks - self.dice.choice((0, 0, 1)))
            rows.append(award(ride, points, f"rule {self.n}", day=day, **told))
        store.add_lines(self.session, rows)

    def play(self, who: store.User) -> None:
        """A rider leaves a team, or asks one and is let in, or makes one."""
        campaign_id, week = self.dice.choice((CITY, RACE)), WEEK + 7 * self.weeks
        teams = store.team_board(self.session, campaign_id).page.rows
        if store.member_of(self.session, campaign_id, who.id):
            store.leave_team(self.session, campaign_id, who.id)
        elif teams and self.dice.random() < 0.7:
            team = store.team_by_id(self.session, self.dice.choice(teams).user_id)
            assert team is not None
            assert store.ask_to_join(self.session, team, who.id, NOW_S)
            if self.dice.random() < 0.9:
                assert store.accept_member(self.session, team, who.id, week, NOW_S)
        else:
            self.n += 1
            store.add_team(self.session, campaign_id, f"Equipo {self.n}", who.id, week, NOW_S)

    def erase(self, who: store.User) -> None:
        store.empty_user(self.session, who, store.trail_of(self.session, who), NOW_S)
        self.session.flush()


@pytest.mark.parametrize("seed", range(4))
def test_all_kept_sums_are_folds(session, seed):
    season = Season(session, seed)
    for _ in range(80):
        season.step()
    assert season.weeks
    check_riders(session)
    check_teams(session, [0, *range(WEEK, WEEK + 7 * season.weeks + 7, 7)])


def check_riders(session: Session) -> None:
    lines = store.ledger_rows(session)
    for campaign_id in (CITY, RACE, store.ALL_CAMPAIGNS):
        own = [row for row in lines if campaign_id in (row.campaign_id, store.ALL_CAMPAIGNS)]
        rides = {(row.campaign_id, row.ride_id, row.user_id) for row in own if row.kind != "decision"}
        folds = {
            who: (
                sum(row.millipoints for row in own if row.user_id == who),
                sum(row.verified_millipoints for row in own if row.user_id == who),
                sum(user_id == who for _, _, user_id in rides),
            )
            for who in {row.user_id for row in own}
        }
        kept = sa.select(store.Sum).where(store.Sum.campaign_id == campaign_id, store.Sum.period == 0)
        assert folds == {
            row.user_id: (row.millipoints, row.verified_millipoints, row.n_rides)
            for row in session.scalars(kept.execution_options(populate_existing=True))
        }
        of_all = store.sums_of_campaign(session, campaign_id)
        assert store.size_of_campaign(session, campaign_id) == (len(of_all), sum(row[3] for row in of_all))
    part = store.board_page(session, store.BoardScope(store.ALL_CAMPAIGNS))
    told = [
        (one.rank, one.user_id, one.millipoints) for one in ranked(part.rows, part.n_better, part.n_before)
    ]
    assert told == [(one.rank, one.user_id, one.millipoints) for one in board(store.standings_rows(session))]
    assert told


def check_teams(session: Session, periods: list[int]) -> None:
    """Each team against the sum over its members of what they have now less what they had at joining."""
    n = 0
    for campaign_id in (CITY, RACE):
        for period in periods:
            part = store.team_board(session, campaign_id, period).page
            folds = []
            for row in part.rows:
                team = store.team_by_id(session, row.user_id)
                assert team is not None
                members = store.member_standings(session, team, period)
                points = sum(one.millipoints for one in members)
                folds.append(
                    (row.user_id, points, sum(one.verified_millipoints for one in members), len(members))
                )
            folds.sort(key=lambda fold: (-fold[1], fold[0]))
            rows = part.rows
            assert folds == [
                (one.user_id, one.millipoints, one.verified_millipoints, one.n_rides) for one in rows
            ]
            check_around(session, campaign_id, period)
            n += sum(one.millipoints != 0 for one in rows)
    assert n


def check_around(session: Session, campaign_id: int, period: int) -> None:
    part = store.team_board(session, campaign_id, period).page
    places = ranked(part.rows)
    assert part.n == len(places)
    for at, row in enumerate(part.rows):
        told = store.team_board(session, campaign_id, period, 2, at, row.user_id, 1)
        around = told.around
        assert around is not None
        assert ranked(around.rows, around.n_better, around.n_before) == places[max(0, at - 1) : at + 2]
        assert ranked(told.page.rows, told.page.n_better, told.page.n_before) == places[at : at + 2]
        better = [one.millipoints for one in places if one.millipoints > row.millipoints]
        assert told.to_next == (min(better) - row.millipoints if better else 0)
    nothing = store.team_board(session, campaign_id, period, 5, 10**6, 10**6)
    assert (nothing.page.rows, nothing.around) == ((), None)
