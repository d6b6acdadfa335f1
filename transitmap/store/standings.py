"""Boards from the sums: a part of one, a rider's line with its neighbours, and how many stand before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from transitmap.store.points import Standing, stands
from transitmap.store.tables import LedgerRow, RideRow, Sum, User
from transitmap.store.tables_game import OWN_CAMPAIGN, Adoption, Campaign, Share

MANY = 1_000


@dataclass(frozen=True)
class BoardScope:
    """Which board: of a campaign, of a week in it (its Monday as a day) or, 0, of all its time.

    ALL_CAMPAIGNS has no weeks. With `route_ids` only those stand on it who rode any of these routes.
    """

    campaign_id: int
    period: int = 0
    route_ids: frozenset[str] | None = None


@dataclass(frozen=True)
class BoardPart:
    """Neighbouring lines of a board in its order: most points first, older accounts first among equals.

    `n_better` have more points than the first of them, `n_before` stand before it, `n` on all of the board.
    Where nobody counted `n` is 0. On a board of some routes `n_better` is None behind more than MANY others.
    """

    rows: tuple[Standing, ...]
    n_better: int | None
    n_before: int
    n: int


def board_page(
    session: Session,
    scope: BoardScope,
    viewer_id: int | None = None,
    limit: int = 50,
    first: int = 0,
    has_counts: bool = True,
) -> BoardPart:
    """`limit` lines of a board from the one behind `first` others.

    Riders who opted out are on it in their own view alone. Without `has_counts` nothing is counted.
    """
    order = _lines(scope, viewer_id).order_by(Sum.millipoints.desc(), Sum.user_id)
    rows = _standings(session, order.limit(limit).offset(first))
    if not rows:
        return BoardPart((), 0, first, 0)
    if scope.route_ids is not None or not has_counts:
        return BoardPart(tuple(rows), 0 if not first else None, first, 0)
    n_better, _, n = _counts(session, scope, viewer_id, rows[0])
    return BoardPart(tuple(rows), n_better, first, n)


def board_around(session: Session, scope: BoardScope, user_id: int, n_each_side: int = 2) -> BoardPart | None:
    """A rider's line with up to `n_each_side` before and behind it; None where the rider has none."""
    mine = _standings(session, _lines(scope, user_id).where(Sum.user_id == user_id))
    if not mine:
        return None
    before = _before(session, scope, mine[0], n_each_side)
    behind = _behind(session, scope, mine[0], n_each_side)
    rows = (*reversed(before), *mine, *behind)
    if scope.route_ids is None:
        return BoardPart(rows, *_counts(session, scope, user_id, rows[0]))
    n_better = _count_some(session, scope, user_id, _better(rows[0]))
    n_equal = _count_some(session, scope, user_id, _older(rows[0]))
    return BoardPart(rows, n_better, (n_better or 0) + (n_equal or 0), 0)


def points_to_next(session: Session, scope: BoardScope, mine: Standing) -> int:
    """Thousandths of a point from a rider's line to the next better rank; 0 at the top."""
    better = _lines(scope, mine.user_id).where(_better(mine)).order_by(Sum.millipoints).limit(1)
    found = _standings(session, better)
    return found[0].millipoints - mine.millipoints if found else 0


def sum_of(session: Session, campaign_id: int, user_id: int) -> Sum | None:
    """What a rider has in a campaign; None without a line there."""
    return session.get(Sum, (campaign_id, 0, user_id), populate_existing=True)


def _on_board(scope: BoardScope) -> list[sa.ColumnElement[bool]]:
    """What the sums of a board have in common."""
    on_it = [Sum.campaign_id == scope.campaign_id, Sum.period == scope.period]
    if scope.route_ids is not None:
        rode = RideRow.user_id == Sum.user_id, RideRow.route_id.in_(sorted(scope.route_ids))
        on_it.append(sa.exists().where(*rode))
    return on_it


def _lines(scope: BoardScope, viewer_id: int | None) -> sa.Select[int, str, bool, int, int, int]:
    """The lines of a board that a viewer may see, with names."""
    points = Sum.millipoints, Sum.n_rides, Sum.verified_millipoints
    may_see = sa.or_(User.is_hidden == sa.false(), User.id == viewer_id)
    lines = sa.select(User.id, User.name, User.is_hidden, *points)
    lines = lines.join(Sum, Sum.user_id == User.id)
    return lines.where(*_on_board(scope), _STANDS, may_see)


_STANDS = stands(Sum.millipoints, Sum.verified_millipoints, Sum.n_rides)


def _standings(session: Session, question: sa.Select[int, str, bool, int, int, int]) -> list[Standing]:
    return [Standing(*row) for row in session.execute(question)]


def _better(one: Standing) -> sa.ColumnElement[bool]:
    return Sum.millipoints > one.millipoints


def _older(one: Standing) -> sa.ColumnElement[bool]:
    return sa.and_(Sum.millipoints == one.millipoints, Sum.user_id < one.user_id)


def _before(session: Session, scope: BoardScope, mine: Standing, n: int) -> list[Standing]:
    """The nearest lines before one, nearest first: its equals by older accounts, then better ones."""
    lines = _lines(scope, mine.user_id)
    equal = lines.where(Sum.millipoints == mine.millipoints, Sum.user_id < mine.user_id)
    rows = _standings(session, equal.order_by(Sum.user_id.desc()).limit(n))
    better = lines.where(Sum.millipoints > mine.millipoints)
    better = better.order_by(Sum.millipoints, Sum.user_id.desc()).limit(n - len(rows))
    return rows + (_standings(session, better) if len(rows) < n else [])


def _behind(session: Session, scope: BoardScope, mine: Standing, n: int) -> list[Standing]:
    """The nearest lines behind one, nearest first."""
    lines = _lines(scope, mine.user_id)
    equal = lines.where(Sum.millipoints == mine.millipoints, Sum.user_id > mine.user_id)
    rows = _standings(session, equal.order_by(Sum.user_id).limit(n))
    worse = lines.where(Sum.millipoints < mine.millipoints)
    worse = worse.order_by(Sum.millipoints.desc(), Sum.user_id).limit(n - len(rows))
    return rows + (_standings(session, worse) if len(rows) < n else [])


def _counts(
    session: Session, scope: BoardScope, viewer_id: int | None, one: Standing
) -> tuple[int, int, int]:
    """How many have more points than one line, how many stand before it, and how many are on the board.

    All, by ranges of the index, less those who do not stand there: the hidden, and who has nothing. They are
    few and looked up one by one.
    """
    on_it, which = _on_board(scope), (_better(one), _older(one), sa.true())
    each = [sa.select(sa.func.count()).select_from(Sum).where(*on_it, w).scalar_subquery() for w in which]
    counts = [int(n) for n in session.execute(sa.select(*each)).one()]
    is_unseen = sa.and_(
        Sum.user_id.in_(sa.select(User.id).where(User.is_hidden == sa.true())),
        Sum.user_id != (viewer_id or 0),
    )
    has_nothing = sa.and_(Sum.millipoints == 0, ~_STANDS, ~is_unseen)
    for less in (is_unseen, has_nothing):
        some = [sa.func.coalesce(sa.func.sum(sa.case((w, 1), else_=0)), 0) for w in which]
        found = session.execute(sa.select(*some).select_from(Sum).where(*on_it, less)).one()
        counts = [n - int(less_n) for n, less_n in zip(counts, found, strict=True)]
    n_better, n_older, n = counts
    return n_better, n_better + n_older, n


def _count_some(
    session: Session, scope: BoardScope, viewer_id: int, which: sa.ColumnElement[bool]
) -> int | None:
    """How many lines of a board of some routes are so, one by one; None beyond MANY."""
    many = _lines(scope, viewer_id).where(which).limit(MANY + 1).subquery()
    n = session.scalar(sa.select(sa.func.count()).select_from(many)) or 0
    return n if n <= MANY else None


@dataclass(frozen=True)
class AwardedRide:
    """One ride with what the ledger says of it; of one that was reversed nothing is confirmed."""

    started_s: float
    route_id: str
    direction_id: int | None
    permille: int
    awards: tuple[tuple[str, dict[str, Any]], ...]


def awarded_rides(session: Session, user_id: int) -> list[AwardedRide]:
    """A rider's rides in their order, with the evidence of their awards."""
    awards: dict[str, list[tuple[str, dict[str, Any]]]] = {}
    verified: dict[str, int] = {}
    lines = sa.select(LedgerRow).where(LedgerRow.user_id == user_id, LedgerRow.ride_id.is_not(None))
    for line in session.scalars(lines.order_by(LedgerRow.sequence)):
        ride_id = str(line.ride_id)
        verified[ride_id] = verified.get(ride_id, 0) + line.verified_millipoints
        if line.kind == "award":
            awards.setdefault(ride_id, []).append((line.rule, line.evidence))
    rides = sa.select(RideRow, Share.permille).outerjoin(Share, Share.ride_id == RideRow.id)
    rows = session.execute(rides.where(RideRow.user_id == user_id).order_by(RideRow.sequence))
    return [
        AwardedRide(
            ride.started_s,
            ride.route_id,
            ride.direction_id,
            (permille or 0) if verified[ride.id] > 0 else 0,
            tuple(awards.get(ride.id, ())),
        )
        for ride, permille in rows
        if ride.id in verified
    ]


def adopted_s(session: Session, user_id: int) -> dict[str, float]:
    """The routes that a rider looks after, and since when."""
    question = sa.select(Adoption.route_id, Adoption.since_s).where(Adoption.user_id == user_id)
    return {row.route_id: row.since_s for row in session.execute(question)}


def routes_ridden(session: Session, user_id: int) -> list[str]:
    """The published routes that a rider rode."""
    ridden = RideRow.user_id == user_id, RideRow.route_id != ""
    return list(session.scalars(sa.select(RideRow.route_id).where(*ridden).distinct()))


def board_campaigns(session: Session) -> list[Campaign]:
    """Campaigns that riders may know of, the installation's own first, then the latest opened."""
    shown = sa.select(Campaign).where(Campaign.state != "draft")
    return list(
        session.scalars(shown.order_by(Campaign.id != OWN_CAMPAIGN, Campaign.opened_s.desc(), Campaign.id))
    )
