"""Teams of a campaign: made, asked, accepted, left; and what their members earned since they joined."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from transitmap.errors import ConfigError, NameTaken
from transitmap.store.opening import try_add
from transitmap.store.people import name_key
from transitmap.store.points import CHUNK, MEMBER, Standing, add_to_teams
from transitmap.store.standings import BoardPart
from transitmap.store.tables import Sum, User
from transitmap.store.tables_game import Member, Team, TeamSum
from transitmap.store.uploads import lock_ledger

REQUESTED = "requested"


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
    so_far, this_week = (
        session.get(Sum, (team.campaign_id, period, user_id), populate_existing=True) for period in (0, week)
    )
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
    lock_ledger(session)  # no line may come between what is taken along and the moment of leaving
    mine = member_of(session, campaign_id, user_id)
    if mine is None:
        return False
    team_id = mine.team_id
    take_along(session, mine)
    session.delete(mine)
    session.flush()
    members = sa.select(Member.user_id).where(Member.team_id == team_id, Member.state == MEMBER)
    if session.scalars(members.limit(1)).first() is None:
        session.execute(sa.delete(Member).where(Member.team_id == team_id))
        session.execute(sa.delete(Team).where(Team.id == team_id))
    return True


def take_along(session: Session, member: Member) -> None:
    """What a member earned is the team's no longer. Call it under `lock_ledger`."""
    since = sa.or_(Sum.period == 0, Member.week <= Sum.period)
    question = (
        sa.select(Sum.period, *_EARNED).join(Member, _IS_OF_MEMBER).where(Member.state == MEMBER, since)
    )
    theirs = question.where(Member.campaign_id == member.campaign_id, Member.user_id == member.user_id)
    lost = {(member.team_id, period): (-points, -known) for period, points, known in session.execute(theirs)}
    add_to_teams(session, lost)


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


_IS_OF_MEMBER = sa.and_(Sum.campaign_id == Member.campaign_id, Sum.user_id == Member.user_id)
_EARNED = tuple(
    getattr(Sum, name)
    - sa.case(
        (Sum.period == 0, getattr(Member, f"before_{name}")),
        (Sum.period == Member.week, getattr(Member, f"week_{name}")),
        else_=0,
    )
    for name in ("millipoints", "verified_millipoints")
)
"""Points and verified points of a member since joining, in a period of Sum."""


@dataclass(frozen=True)
class TeamBoard:
    """Some teams in their order, those around one's own where there is one, and what that lacks to the next.

    Teams stand by their id, with their number of members in place of rides. Those who take no place on boards
    count with the others: a team's sum names nobody.
    """

    page: BoardPart
    around: BoardPart | None
    to_next: int


def team_board(
    session: Session,
    campaign_id: int,
    period: int = 0,
    limit: int | None = None,
    first: int = 0,
    own_id: int = 0,
    n_each_side: int = 2,
) -> TeamBoard:
    """`limit` teams of a campaign from the one behind `first` others, or all of them, most points first.

    The order of all is read where one's own place is asked for, else the database sorts. Names and members
    are asked for of those that are shown alone.
    """
    if not own_id and limit is not None:
        return TeamBoard(_page(session, campaign_id, period, first, limit), None, 0)
    order = _rows(session, _ordered(campaign_id, period))
    page = _part(session, period, order, first, len(order) if limit is None else first + limit)
    mine = next((at for at, (team_id, _) in enumerate(order) if team_id == own_id), None)
    if mine is None:
        return TeamBoard(page, None, 0)
    n_better = _n_better(order, mine)
    around = _part(session, period, order, max(0, mine - n_each_side), mine + n_each_side + 1)
    return TeamBoard(page, around, order[n_better - 1][1] - order[mine][1] if n_better else 0)


def _page(session: Session, campaign_id: int, period: int, first: int, limit: int) -> BoardPart:
    """The same part of a board without the order of all."""
    some = _rows(session, _ordered(campaign_id, period).limit(limit).offset(first))
    if not some:
        return BoardPart((), 0, first, 0)
    better = sa.select(sa.func.count(Team.id)).outerjoin(TeamSum, _sum_of(period))
    better = better.where(Team.campaign_id == campaign_id, some[0][1] < _POINTS)
    n = sa.select(sa.func.count(Team.id)).where(Team.campaign_id == campaign_id)
    n_better = session.scalar(better) if first else 0
    return BoardPart(_told(session, period, some), n_better or 0, first, session.scalar(n) or 0)


def teams_named(
    session: Session, campaign_id: int, some: str, limit: int | None = None
) -> list[tuple[int, Standing]]:
    """Teams of a campaign with `some` in their name, most points first: how many have more, and the team."""
    order = _rows(session, _ordered(campaign_id, 0))
    has_them = Team.name_key.contains(name_key(some), autoescape=True)
    named = set(session.scalars(sa.select(Team.id).where(Team.campaign_id == campaign_id, has_them)))
    places = [at for at, (team_id, _) in enumerate(order) if team_id in named][:limit]
    teams = _told(session, 0, [order[at] for at in places])
    return [(_n_better(order, at), team) for at, team in zip(places, teams, strict=True)]


_POINTS = sa.func.coalesce(TeamSum.millipoints, 0)


def _ordered(campaign_id: int, period: int) -> sa.Select[int, int]:
    """Every team of a campaign and its points, most points first."""
    question = sa.select(Team.id, _POINTS).outerjoin(TeamSum, _sum_of(period))
    return question.where(Team.campaign_id == campaign_id).order_by(_POINTS.desc(), Team.id)


def _rows(session: Session, question: sa.Select[int, int]) -> Sequence[tuple[int, int]]:
    """All rows as the database gives them: an object behind each costs as much as the question."""
    session.flush()
    return session.connection().execute(question).all()


def _n_better(order: Sequence[tuple[int, int]], at: int) -> int:
    return bisect_left(order, -order[at][1], key=lambda one: -one[1])


def _sum_of(period: int) -> sa.ColumnElement[bool]:
    return sa.and_(TeamSum.team_id == Team.id, TeamSum.period == period)


def _part(
    session: Session, period: int, order: Sequence[tuple[int, int]], start: int, stop: int
) -> BoardPart:
    """The teams from one place to another."""
    teams = _told(session, period, order[start:stop])
    if not teams:
        return BoardPart((), 0, start, 0)
    return BoardPart(teams, _n_better(order, start), start, len(order))


def _told(session: Session, period: int, some: Sequence[tuple[int, int]]) -> tuple[Standing, ...]:
    """These teams and their points with name, members and verified points."""
    theirs = Member.team_id == Team.id, Member.state == MEMBER
    n_members = sa.select(sa.func.count(Member.user_id)).where(*theirs).scalar_subquery()
    verified = sa.func.coalesce(TeamSum.verified_millipoints, 0)
    question = sa.select(Team.id, Team.name, verified, n_members).outerjoin(TeamSum, _sum_of(period))
    told: dict[int, tuple[str, int, int]] = {}
    for at in range(0, len(some), CHUNK):
        which = Team.id.in_([team_id for team_id, _ in some[at : at + CHUNK]])
        for team_id, name, known, n in session.execute(question.where(which)):
            told[team_id] = name, known, n
    rows = ((team_id, points, *told[team_id]) for team_id, points in some)
    return tuple(Standing(who, name, False, points, n, known) for who, points, name, known, n in rows)


def member_standings(session: Session, team: Team, period: int = 0) -> list[Standing]:
    """What each member earned for the team, most first; hidden riders, too."""
    points, verified = (sa.func.coalesce(one, 0) for one in _EARNED)
    n_rides = sa.func.coalesce(Sum.n_rides, 0)
    since = sa.true() if period == 0 else Member.week <= period
    question = (
        sa.select(User.id, User.name, User.is_hidden, points, n_rides, verified)
        .join(Member, Member.user_id == User.id)
        .outerjoin(Sum, sa.and_(_IS_OF_MEMBER, Sum.period == period, since))
        .where(Member.team_id == team.id, Member.state == MEMBER)
        .order_by(points.desc(), User.id)
    )
    return [
        Standing(user_id, name, is_hidden, int(mp), int(n), int(known))
        for user_id, name, is_hidden, mp, n, known in session.execute(question)
    ]
