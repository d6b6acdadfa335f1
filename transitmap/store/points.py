"""The ledger, its sums, and who counts as an observer of what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from transitmap.store.tables import LedgerRow, Observation, User

CHUNK = 5_000


def add_awards(session: Session, rows: Sequence[Mapping[str, Any]]) -> list[LedgerRow]:
    """The awards that were new, as rows of the ledger; a (ride, rule) already paid is passed over.

    `rows` hold every column of LedgerRow but `sequence`. Call it under `lock_ledger`.
    """
    rides = {row["ride_id"] for row in rows}
    question = sa.select(LedgerRow.ride_id, LedgerRow.rule).where(LedgerRow.ride_id.in_(rides))
    paid = {(ride_id, rule) for ride_id, rule in session.execute(question)}
    sequence: int = session.scalar(sa.select(sa.func.max(LedgerRow.sequence))) or 0
    added: list[LedgerRow] = []
    for row in rows:
        if (row["ride_id"], row["rule"]) not in paid:
            paid.add((row["ride_id"], row["rule"]))
            added.append(LedgerRow(sequence=sequence + len(added) + 1, **row))
    session.add_all(added)
    session.flush()
    return added


def ledger_rows(
    session: Session, user_id: int | None = None, ride_id: str | None = None, limit: int | None = None
) -> list[LedgerRow]:
    """The ledger in its order, everybody's or one rider's or one ride's."""
    question = sa.select(LedgerRow).order_by(LedgerRow.sequence).limit(limit)
    if user_id is not None:
        question = question.where(LedgerRow.user_id == user_id)
    if ride_id is not None:
        question = question.where(LedgerRow.ride_id == ride_id)
    return list(session.scalars(question))


@dataclass(frozen=True)
class Standing:
    """What one rider earned in a period."""

    user_id: int
    name: str
    is_hidden: bool
    millipoints: int
    n_rides: int


def standings_rows(
    session: Session, since_s: float | None = None, until_s: float | None = None
) -> list[Standing]:
    """The ledger summed by rider over awards made in `since_s <= time < until_s`; hidden riders too.

    Riders without a row in the period are left out. `points.standings.board` makes ranks of it.
    """
    question = (
        sa.select(
            User.id,
            User.name,
            User.is_hidden,
            sa.func.sum(LedgerRow.millipoints),
            sa.func.count(sa.distinct(LedgerRow.ride_id)),
        )
        .join(LedgerRow, LedgerRow.user_id == User.id)
        .group_by(User.id, User.name, User.is_hidden)
        .order_by(User.id)
    )
    if since_s is not None:
        question = question.where(LedgerRow.created_s >= since_s)
    if until_s is not None:
        question = question.where(LedgerRow.created_s < until_s)
    return [
        Standing(i, name, hidden, int(points), n) for i, name, hidden, points, n in session.execute(question)
    ]


def observers(
    session: Session, network_version: str, segments: Sequence[int]
) -> dict[int, list[tuple[int, int]]]:
    """(user_id, day) of everyone who counted as an observer of these segments under a network."""
    found: dict[int, list[tuple[int, int]]] = {}
    for start in range(0, len(segments), CHUNK):
        question = sa.select(Observation.segment, Observation.user_id, Observation.day).where(
            Observation.network_version == network_version,
            Observation.segment.in_(segments[start : start + CHUNK]),
        )
        for segment, user_id, day in session.execute(question):
            found.setdefault(segment, []).append((user_id, day))
    return found


def add_observations(
    session: Session,
    network_version: str,
    rows: Sequence[tuple[int, int, int]],
    before: Mapping[int, Sequence[tuple[int, int]]] | None = None,
) -> None:
    """Stores (segment, user_id, day) of new observers in their order; call it under `lock_ledger`.

    `before` are those who counted already (see `observers`); without it there are none.
    """
    n_before = {segment: len(those) for segment, those in (before or {}).items()}
    values = []
    for segment, user_id, day in rows:
        place = n_before.get(segment, 0)
        n_before[segment] = place + 1
        row = {"network_version": network_version, "segment": segment, "user_id": user_id}
        values.append(row | {"day": day, "place": place})
    for start in range(0, len(values), CHUNK):
        session.execute(sa.insert(Observation), values[start : start + CHUNK])


def copy_observations(session: Session, network_version: str, to_version: str) -> None:
    """Who counts under a network counts under another that knows the same. Call it under `lock_ledger`."""
    columns = ("segment", "user_id", "day", "place")
    seen = sa.select(sa.literal(to_version), *(getattr(Observation, name) for name in columns)).where(
        Observation.network_version == network_version
    )
    into = sa.insert(Observation).from_select(("network_version", *columns), seen)
    session.execute(into)


def all_observations(session: Session, network_version: str) -> list[tuple[int, int, int]]:
    """(segment, user_id, day) of every observer under a network, sorted."""
    question = (
        sa.select(Observation.segment, Observation.user_id, Observation.day)
        .where(Observation.network_version == network_version)
        .order_by(Observation.segment, Observation.user_id)
    )
    return [(segment, user_id, day) for segment, user_id, day in session.execute(question)]
