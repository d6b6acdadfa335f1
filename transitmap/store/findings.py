"""Where to look for copies, and what was found about rides."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from transitmap.model import SHADOW, Finding
from transitmap.store.tables import RideRow, Upload
from transitmap.store.tables_game import FindingRow, Mark


def sharing(session: Session, bands: Sequence[int]) -> dict[int, int]:
    """Sequence of each ride that has any of these marks -> how many of them."""
    found: dict[int, int] = {}
    for sequence, n in session.connection().execute(_SHARING, {"bands": list(bands)}):
        found[sequence] = n
    return found


_SHARING = (
    sa.select(RideRow.sequence, sa.func.count())
    .join(Mark, Mark.ride_id == RideRow.id)
    .where(Mark.band.in_(sa.bindparam("bands", expanding=True)))
    .group_by(RideRow.sequence)
)


def add_marks(session: Session, ride_id: str, bands: Sequence[int]) -> None:
    """Keeps by what a ride is found again; call it under `lock_ledger`, once a ride."""
    if bands:
        rows = [{"band": band, "ride_id": ride_id} for band in bands]
        session.connection().execute(_ADD_MARKS, rows)


_ADD_MARKS = sa.insert(Mark)


def rides_at(session: Session, sequences: Sequence[int]) -> list[RideRow]:
    """Rides by their place in the order of scoring, in that order; not those that were erased."""
    question = sa.select(RideRow).where(RideRow.sequence.in_(list(sequences)), RideRow.packed_sha256 != "")
    return list(session.scalars(question.order_by(RideRow.sequence)))


def rides_around(session: Session, user_id: int, from_s: float, until_s: float) -> list[RideRow]:
    """One rider's rides that touch a span of time, in the order of scoring."""
    question = sa.select(RideRow).where(
        RideRow.user_id == user_id,
        RideRow.ended_s >= from_s,
        RideRow.started_s <= until_s,
        RideRow.packed_sha256 != "",
    )
    return list(session.scalars(question.order_by(RideRow.sequence)))


def add_findings(session: Session, ride_id: str, findings: Sequence[Finding], now_s: float) -> None:
    """Keeps what was found about a ride, open; a code that was found before is passed over."""
    if not findings:
        return
    there = set(session.scalars(sa.select(FindingRow.code).where(FindingRow.ride_id == ride_id)))
    for one in findings:
        if one.code not in there:
            there.add(one.code)
            columns = {
                name: getattr(one, name) for name in ("code", "tier", "score", "evidence", "other_ride_id")
            }
            session.add(FindingRow(ride_id=ride_id, made_s=now_s, **columns))
    session.flush()


def findings(session: Session, ride_id: str | None = None) -> list[FindingRow]:
    """What was found, about one ride or all, in the order in which it was."""
    question = sa.select(FindingRow).order_by(FindingRow.id)
    if ride_id is not None:
        question = question.where(FindingRow.ride_id == ride_id)
    return list(session.scalars(question))


@dataclass(frozen=True)
class FoundRide:
    """A finding, the place of its ride in the order of scoring, and when that came."""

    finding: FindingRow
    sequence: int
    received_s: float


def found_rides(session: Session, codes: Iterable[str]) -> list[FoundRide]:
    """All findings of these codes with their rides, in the order of rides; not of those that were erased."""
    question = (
        sa.select(FindingRow, RideRow.sequence, Upload.received_s)
        .join(RideRow, RideRow.id == FindingRow.ride_id)
        .join(Upload, Upload.id == RideRow.upload_id)
        .where(FindingRow.code.in_(list(codes)), RideRow.packed_sha256 != "")
        .order_by(RideRow.sequence, FindingRow.id)
    )
    return [FoundRide(*row) for row in session.execute(question)]


def n_rides_from(session: Session, sequence: int, since_s: float = 0.0) -> int:
    """How many rides there are from a place in the order of scoring on that came since; not erased ones."""
    question = sa.select(sa.func.count(RideRow.sequence)).where(
        RideRow.sequence >= sequence, RideRow.packed_sha256 != ""
    )
    if since_s:
        question = question.join(Upload, Upload.id == RideRow.upload_id).where(Upload.received_s >= since_s)
    return session.scalar(question) or 0


def is_told() -> sa.ColumnElement[bool]:
    """Whether anything follows from a finding: not from one in shadow that no person upheld."""
    return sa.or_(FindingRow.tier != SHADOW, FindingRow.state == "upheld")
