"""Published feeds, those that were refused, and single facts of the installation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, defer

from transitmap.store.tables import Fact, FeedRefusal, FeedVersion, LedgerRow, RideRow, Upload, User

HELD_FEED = "held_feed"


def add_feed(session: Session, feed: FeedVersion) -> FeedVersion:
    """Publishes: from this session's commit on it is the latest feed. Call it under `lock_ledger`."""
    session.add(feed)
    session.flush()
    return feed


def feed_like(feed: FeedVersion, **changes: Any) -> FeedVersion:
    """A row for a new feed with the columns of another, but for the `changes`."""
    columns = {one.key: getattr(feed, one.key) for one in sa.inspect(FeedVersion).column_attrs}
    return FeedVersion(**(columns | changes))


def latest_feed(session: Session) -> FeedVersion | None:
    """The feed that holds now; None before the first."""
    return session.scalar(sa.select(FeedVersion).order_by(FeedVersion.number.desc()).limit(1))


def feed_by_id(session: Session, feed_id: str) -> FeedVersion | None:
    """One published feed, however old."""
    return session.scalar(sa.select(FeedVersion).where(FeedVersion.id == feed_id))


def feeds(session: Session, limit: int = 100) -> list[FeedVersion]:
    """The published feeds, newest first; their ids are read where somebody asks for them."""
    question = sa.select(FeedVersion).order_by(FeedVersion.number.desc()).limit(limit)
    return list(session.scalars(question.options(defer(FeedVersion.ids))))


def hold_feed(session: Session, feed_id: str) -> None:
    """No other feed is to be published while this one is the latest; an empty id lets go."""
    set_fact(session, HELD_FEED, feed_id)


def is_held(session: Session) -> bool:
    """Whether the feed that holds now was brought back, and nobody has let go of it."""
    latest = latest_feed(session)
    return latest is not None and fact(session, HELD_FEED) == latest.id


def add_refusal(
    session: Session, rules_version: str, n_rides: int, notices: Sequence[Mapping[str, Any]], now_s: float
) -> None:
    """Keeps what was found in a feed that may not be published; the same feed again takes its place."""
    session.merge(
        FeedRefusal(
            rules_version=rules_version, n_rides=n_rides, made_s=now_s, notices=[dict(one) for one in notices]
        )
    )
    session.flush()


def refusals(session: Session, since_s: float = 0.0) -> list[FeedRefusal]:
    """The feeds that were refused after a moment, newest first."""
    question = sa.select(FeedRefusal).where(FeedRefusal.made_s > since_s)
    return list(session.scalars(question.order_by(FeedRefusal.made_s.desc())))


def last_ride_s(session: Session) -> float | None:
    """When the latest ride of anybody began; None without any."""
    return session.scalar(sa.select(sa.func.max(RideRow.started_s)))


def counts(session: Session) -> dict[str, int]:
    """How many rows each table has: users, uploads, rides, feed_versions, ledger."""
    tables = (User, Upload, RideRow, FeedVersion, LedgerRow)
    return {
        table.__tablename__: session.scalar(sa.select(sa.func.count()).select_from(table)) or 0
        for table in tables
    }


def rides_and_users(session: Session) -> tuple[int, int]:
    """How many rides were understood, by the place of the last one, and how many riders there are."""
    last, n_users = sa.select(sa.func.max(RideRow.sequence)), sa.select(sa.func.count(User.id))
    n_rides, n = session.execute(sa.select(last.scalar_subquery(), n_users.scalar_subquery())).one()
    return n_rides or 0, n or 0


def fact(session: Session, name: str) -> str | None:
    """A single fact of this installation; None where nobody set it."""
    row = session.get(Fact, name)
    return None if row is None else row.value


def set_fact(session: Session, name: str, value: str) -> None:
    """Sets a single fact of this installation."""
    session.merge(Fact(name=name, value=value))
    session.flush()
