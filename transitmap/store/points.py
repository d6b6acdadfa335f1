"""The ledger, its sums, and who counts as an observer of what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from transitmap import chain
from transitmap.store.tables import LedgerRow, Observation, Sum, User
from transitmap.store.tables_game import OWN_CAMPAIGN

CHUNK = 5_000
DAY_S = 86_400


def add_lines(session: Session, rows: Sequence[Mapping[str, Any]]) -> list[LedgerRow]:
    """The lines that were new, sealed in this order; one whose key is there already is passed over.

    `rows` hold the columns of LedgerRow without `sequence` and `sha256`; left out, `key` is "rule:ride_id",
    `kind` award, `campaign_id` the installation's own, `verified_millipoints` 0 and `day` that of `created_s`
    in UTC. Sums follow in the same transaction. Call it under `lock_ledger`.
    """
    lines = [_whole(row) for row in rows]
    paid = _keys_paid(session, [line["key"] for line in lines])
    last = session.execute(
        sa.select(LedgerRow.sequence, LedgerRow.sha256).order_by(LedgerRow.sequence.desc()).limit(1)
    ).first()
    sequence, before = last or (0, chain.GENESIS)
    added: list[LedgerRow] = []
    for line in lines:
        if line["key"] in paid:
            continue
        paid.add(line["key"])
        line["sequence"] = sequence + len(added) + 1
        before = line["sha256"] = chain.seal(before, line)
        added.append(LedgerRow(**line))
    _add_to_sums(session, added)
    session.add_all(added)
    session.flush()
    return added


def _whole(row: Mapping[str, Any]) -> dict[str, Any]:
    """A line with all its columns but its place and its seal."""
    line = {"campaign_id": OWN_CAMPAIGN, "kind": "award", "ride_id": None, "verified_millipoints": 0, **row}
    line.setdefault("key", f"{line['rule']}:{line['ride_id']}")
    line.setdefault("day", int(line["created_s"] // DAY_S))
    return line


def _keys_paid(session: Session, keys: Sequence[str]) -> set[str]:
    found: set[str] = set()
    for start in range(0, len(keys), CHUNK):
        question = sa.select(LedgerRow.key).where(LedgerRow.key.in_(keys[start : start + CHUNK]))
        found |= set(session.scalars(question))
    return found


def monday(day: int) -> int:
    """The Monday of the week of a day; both count days since 1970-01-01, which was a Thursday."""
    return day - (day + 3) % 7


def _add_to_sums(session: Session, added: Sequence[LedgerRow]) -> None:
    """Folds new lines into the sums of their campaign and week; a ride counts with its first line."""
    change: dict[tuple[int, int, int], list[int]] = {}
    for row in added:
        for period in (0, monday(row.day)):
            sums = change.setdefault((row.campaign_id, period, row.user_id), [0, 0, 0])
            sums[0] += row.millipoints
            sums[1] += row.verified_millipoints
    for (campaign_id, period, user_id), n in _n_new_rides(session, added).items():
        change[campaign_id, period, user_id][2] = n
    for where, (points, verified, n_rides) in sorted(change.items()):
        kept = session.get(Sum, where)
        if kept is None:
            names = ("campaign_id", "period", "user_id", "millipoints", "verified_millipoints", "n_rides")
            session.add(Sum(**dict(zip(names, (*where, points, verified, n_rides), strict=True))))
        else:
            kept.millipoints += points
            kept.verified_millipoints += verified
            kept.n_rides += n_rides


def _n_new_rides(session: Session, added: Sequence[LedgerRow]) -> dict[tuple[int, int, int], int]:
    """How many rides have their first line of a campaign, and of a week in it, among these."""
    rides = list({row.ride_id for row in added if row.ride_id})
    seen: set[tuple[int, int, str]] = set()
    for start in range(0, len(rides), CHUNK):
        question = sa.select(LedgerRow.campaign_id, LedgerRow.day, LedgerRow.ride_id).where(
            LedgerRow.ride_id.in_(rides[start : start + CHUNK])
        )
        for campaign_id, day, ride_id in session.execute(question):
            seen |= {(campaign_id, 0, str(ride_id)), (campaign_id, monday(day), str(ride_id))}
    n: dict[tuple[int, int, int], int] = {}
    for row in added:
        for period in (0, monday(row.day)) if row.ride_id else ():
            this = row.campaign_id, period, str(row.ride_id)
            if this not in seen:
                seen.add(this)
                n[row.campaign_id, period, row.user_id] = n.get((row.campaign_id, period, row.user_id), 0) + 1
    return n


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
    verified_millipoints: int = 0


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
            sa.func.sum(LedgerRow.verified_millipoints),
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
        Standing(i, name, hidden, int(points), n, int(verified))
        for i, name, hidden, points, n, verified in session.execute(question)
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
        .order_by(Observation.segment, Observation.user_id, Observation.day)
    )
    return [(segment, user_id, day) for segment, user_id, day in session.execute(question)]


def nameless_observations(session: Session, network_version: str) -> list[tuple[int, int, int, int]]:
    """(segment, user_id, day, place) of those under a network who were erased, and of mere touches."""
    question = sa.select(Observation.segment, Observation.user_id, Observation.day, Observation.place)
    question = question.where(Observation.network_version == network_version, Observation.user_id <= 0)
    return [(segment, who, day, place) for segment, who, day, place in session.execute(question)]
