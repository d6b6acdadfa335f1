"""Teams of a campaign: made, asked, accepted, left; and what their members earned since they joined."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from transitmap.errors import ConfigError, NameTaken
from transitmap.store.opening import try_add
from transitmap.store.people import name_key
from transitmap.store.points import Standing
from transitmap.store.tables import Sum, User
from transitmap.store.tables_game import Member, Team
from transitmap.store.uploads import lock_ledger

REQUESTED, MEMBER = ("requested", "member")


def add_team(
    session: Session, campaign_id: int, name: str, user_id: int, week: int, now_s: float
) -> Team | None:
    """The new team with its first member; None where that rider is in a team already or has asked one.

    `week` is the Monday of this week on the city's clock, as a day since 1970-01-01.

    Raises:
        NameTaken: a team of the campaign has that name, in whatever case.
        ConfigError: the name is empty or too long.
    """
    name = " ".join(name.split())
    if not 1 <= len(name) <= 80 or len(name_key(name)) > 160 or not name.isprintable():
        raise ConfigError("team", len(name), "needs 1 to 80 printable characters")
    if member_of(session, campaign_id, user_id) is not None:
        return None
    team = Team(campaign_id=campaign_id, name=name, name_key=name_key(name), made_by=user_id, made_s=now_s)
    if not try_add(session, team):
        raise NameTaken(name)
    if not ask_to_join(session, team, user_id, now_s):
        session.delete(team)
        return None
    accept_member(session, team, user_id, week, now_s)
    return team


def ask_to_join(session: Session, team: Team, user_id: int, now_s: float) -> bool:
    """False, and nothing changed, where this rider is in a team of the campaign or has asked one."""
    asks = Member(
        campaign_id=team.campaign_id, user_id=user_id, team_id=team.id, state=REQUESTED, since_s=now_s
    )
    return member_of(session, team.campaign_id, user_id) is None and try_add(session, asks)


def accept_member(session: Session, team: Team, user_id: int, week: int, now_s: float) -> bool:
    """Whether this rider had asked the team; from now on what the rider earns counts for it."""
    lock_ledger(session)  # no line may come between what is noted and the moment of joining
    asks = member_of(session, team.campaign_id, user_id)
    if asks is None or asks.team_id != team.id or asks.state != REQUESTED:
        return False
    asks.state, asks.since_s, asks.week = MEMBER, now_s, week
    so_far, this_week = (session.get(Sum, (team.campaign_id, period, user_id)) for period in (0, week))
    if so_far is not None:
        asks.before_millipoints = so_far.millipoints
        asks.before_verified_millipoints = so_far.verified_millipoints
    if this_week is not None:
        asks.week_millipoints = this_week.millipoints
        asks.week_verified_millipoints = this_week.verified_millipoints
    session.flush()
    return True


def deny_member(session: Session, team: Team, user_id: int) -> bool:
    """Whether this rider had asked the team; the rider may ask again, or another one."""
    asks = member_of(session, team.campaign_id, user_id)
    if asks is None or asks.team_id != team.id or asks.state != REQUESTED:
        return False
    session.delete(asks)
    session.flush()
    return True


def leave_team(session: Session, campaign_id: int, user_id: int) -> bool:
    """Whether this rider was in a team or had asked one: no more, and the rider's points go along.

    A team without a member is no more, and its name is free.
    """
    mine = member_of(session, campaign_id, user_id)
    if mine is None:
        return False
    team_id = mine.team_id
    session.delete(mine)
    session.flush()
    members = sa.select(Member.user_id).where(Member.team_id == team_id, Member.state == MEMBER)
    if session.scalars(members.limit(1)).first() is None:
        session.execute(sa.delete(Member).where(Member.team_id == team_id))
        session.execute(sa.delete(Team).where(Team.id == team_id))
    return True


def team_by_id(session: Session, team_id: int) -> Team | None:
    """The team of that id."""
    return session.get(Team, team_id)


def member_of(session: Session, campaign_id: int, user_id: int) -> Member | None:
    """The rider's row in a campaign: of the team the rider is in or has asked."""
    return session.get(Member, (campaign_id, user_id), populate_existing=True)


def riders_asking(session: Session, team_id: int) -> list[User]:
    """Who asks to join, longest first."""
    question = sa.select(User).join(Member, Member.user_id == User.id)
    asked = question.where(Member.team_id == team_id, Member.state == REQUESTED)
    return list(session.scalars(asked.order_by(Member.since_s, User.id)))


def team_standings(session: Session, campaign_id: int, period: int = 0) -> list[Standing]:
    """Every team of a campaign, most points first: by its id, with its number of members in place of rides.

    Those who take no place on boards count with the others: a team's sum names nobody.
    """
    points, verified = (sa.func.coalesce(sa.func.sum(one), 0) for one in _earned(period))
    n_members = sa.func.count(Member.user_id)
    question = (
        sa.select(Team.id, Team.name, points, verified, n_members)
        .join(Member, Member.team_id == Team.id)
        .outerjoin(Sum, _sum_of_member(period))
        .where(Team.campaign_id == campaign_id, Member.state == MEMBER)
        .group_by(Team.id, Team.name)
        .order_by(points.desc(), Team.id)
    )
    rows = session.execute(question)
    return [Standing(team_id, name, False, int(mp), n, int(known)) for team_id, name, mp, known, n in rows]


def member_standings(session: Session, team: Team, period: int = 0) -> list[Standing]:
    """What each member earned for the team, most first; hidden riders, too."""
    points, verified = (sa.func.coalesce(one, 0) for one in _earned(period))
    n_rides = sa.func.coalesce(Sum.n_rides, 0)
    question = (
        sa.select(User.id, User.name, User.is_hidden, points, n_rides, verified)
        .join(Member, Member.user_id == User.id)
        .outerjoin(Sum, _sum_of_member(period))
        .where(Member.team_id == team.id, Member.state == MEMBER)
        .order_by(points.desc(), User.id)
    )
    return [
        Standing(user_id, name, is_hidden, int(mp), int(n), int(known))
        for user_id, name, is_hidden, mp, n, known in session.execute(question)
    ]


def _sum_of_member(period: int) -> sa.ColumnElement[bool]:
    theirs = Sum.campaign_id == Member.campaign_id, Sum.period == period, Sum.user_id == Member.user_id
    return sa.and_(*theirs, Member.week <= period) if period else sa.and_(*theirs)


def _earned(period: int) -> Sequence[sa.ColumnElement[Any]]:
    """Points and verified points since joining, of a week or, 0, of all the campaign."""
    if not period:
        return (
            Sum.millipoints - Member.before_millipoints,
            Sum.verified_millipoints - Member.before_verified_millipoints,
        )
    began = Member.week == period
    return (
        Sum.millipoints - sa.case((began, Member.week_millipoints), else_=0),
        Sum.verified_millipoints - sa.case((began, Member.week_verified_millipoints), else_=0),
    )
