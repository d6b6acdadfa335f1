"""Findings that wait, what people said of them, and what riders ask."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from transitmap.store.findings import is_told
from transitmap.store.tables import REFUSED, LedgerRow, RideRow, Upload, User
from transitmap.store.tables_game import Appeal, Decision, FindingRow, Member

FINDING, LOOK, APPEAL = "finding", "look", "appeal"
"""Subjects of decisions: what holds of a finding, what one person said of it, what became of an appeal."""
WRONG_CLAIM = "wrong_claim"


def open_findings(session: Session) -> list[tuple[FindingRow, RideRow]]:
    """Findings that nobody has settled, with their rides, oldest first; not of rides that were erased."""
    question = (
        sa.select(FindingRow, RideRow)
        .join(RideRow, RideRow.id == FindingRow.ride_id)
        .where(FindingRow.state == "open", RideRow.packed_sha256 != "")
        .order_by(FindingRow.id)
    )
    return [(finding, ride) for finding, ride in session.execute(question)]


def finding_and_ride(session: Session, finding_id: int) -> tuple[FindingRow, RideRow] | None:
    """One finding and its ride, unless that was erased."""
    question = (
        sa.select(FindingRow, RideRow)
        .join(RideRow, RideRow.id == FindingRow.ride_id)
        .where(FindingRow.id == finding_id, RideRow.packed_sha256 != "")
    )
    found = session.execute(question).first()
    return (found[0], found[1]) if found else None


def findings_of_rides(session: Session, ride_ids: Sequence[str]) -> list[FindingRow]:
    """All that is odd about these rides, in whatever state."""
    question = sa.select(FindingRow).where(FindingRow.ride_id.in_(ride_ids)).order_by(FindingRow.id)
    return list(session.scalars(question))


def doubts_of_rides(session: Session, ride_ids: Sequence[str]) -> list[FindingRow]:
    """The same without what is noted alone: findings in shadow that no person upheld."""
    question = sa.select(FindingRow).where(FindingRow.ride_id.in_(ride_ids), is_told())
    return list(session.scalars(question.order_by(FindingRow.id)))


def findings_by_id(session: Session, finding_ids: Sequence[int]) -> list[FindingRow]:
    """These findings, in their order."""
    question = sa.select(FindingRow).where(FindingRow.id.in_(finding_ids)).order_by(FindingRow.id)
    return list(session.scalars(question))


def records(session: Session) -> dict[str, tuple[int, int]]:
    """How often people upheld and dismissed the findings of each code."""
    question = sa.select(FindingRow.code, FindingRow.state, sa.func.count()).group_by(
        FindingRow.code, FindingRow.state
    )
    found: dict[str, list[int]] = {}
    for code, state, n in session.execute(question):
        counts = found.setdefault(code, [0, 0])
        if state != "open":
            counts[state == "dismissed"] += n
    return {code: (upheld, dismissed) for code, (upheld, dismissed) in found.items()}


def ride_by_id(session: Session, ride_id: str) -> RideRow | None:
    """One ride, unless it was erased."""
    return session.scalar(sa.select(RideRow).where(RideRow.id == ride_id, RideRow.packed_sha256 != ""))


def lines_of_rides(session: Session, ride_ids: Sequence[str]) -> list[LedgerRow]:
    """The lines of the ledger about these rides, in its order."""
    question = sa.select(LedgerRow).where(LedgerRow.ride_id.in_(ride_ids)).order_by(LedgerRow.sequence)
    return list(session.scalars(question))


def claimed_ride_ids(session: Session) -> set[str]:
    """The rides that whoever sent them had not recorded, as people found."""
    claimed = sa.select(FindingRow.ride_id).where(
        FindingRow.code == WRONG_CLAIM, FindingRow.state == "upheld"
    )
    return set(session.scalars(claimed))


def withheld_lines(session: Session, user_ids: Iterable[int]) -> list[LedgerRow]:
    """The lines of the ledger of these riders that say what a ride would have been worth."""
    theirs = sa.select(LedgerRow).where(LedgerRow.rule == "withheld", LedgerRow.user_id.in_(user_ids))
    return list(session.scalars(theirs.order_by(LedgerRow.sequence)))


# --- decisions -----------------------------------------------------------------------------------


def add_decision(
    session: Session,
    kind: str,
    subject_id: int | str,
    verdict: str,
    user_id: int,
    now_s: float,
    reason: str = "",
    note: str = "",
) -> Decision:
    """What somebody decided, for ever. Call it under `lock_ledger`: ids are the order of decisions."""
    decision = Decision(
        subject_kind=kind,
        subject_id=str(subject_id),
        verdict=verdict,
        user_id=user_id,
        reason=reason,
        note=note,
        made_s=now_s,
    )
    session.add(decision)
    session.flush()
    return decision


def decisions_about(session: Session, kind: str, subject_ids: Iterable[int | str]) -> list[Decision]:
    """What was decided about subjects of a kind, in its order."""
    question = sa.select(Decision).where(
        Decision.subject_kind == kind, Decision.subject_id.in_([str(one) for one in subject_ids])
    )
    return list(session.scalars(question.order_by(Decision.id)))


def decisions_since(session: Session, kind: str, since_s: float) -> list[Decision]:
    """Everybody's decisions about a kind of subject since then, in their order."""
    question = sa.select(Decision).where(Decision.subject_kind == kind, Decision.made_s >= since_s)
    return list(session.scalars(question.order_by(Decision.id)))


def n_looked_before(session: Session, user_id: int, decision_id: int) -> int:
    """How many findings somebody had looked at before that decision."""
    question = sa.select(sa.func.count(sa.distinct(Decision.subject_id))).where(
        Decision.subject_kind == LOOK, Decision.user_id == user_id, Decision.id < decision_id
    )
    return session.scalar(question) or 0


def teams_of(session: Session, user_ids: Iterable[int]) -> set[int]:
    """The teams that any of these riders is in."""
    question = sa.select(Member.team_id).where(Member.user_id.in_(list(user_ids)), Member.state == "member")
    return set(session.scalars(question))


# --- findings and appeals that people make -------------------------------------------------------


def add_wrong_claim(
    session: Session, ride_id: str, other_ride_id: str, evidence: dict[str, Any], now_s: float
) -> FindingRow:
    """The finding that somebody sent a ride that another rider recorded; there is one a ride."""
    found = session.scalar(
        sa.select(FindingRow).where(FindingRow.ride_id == ride_id, FindingRow.code == WRONG_CLAIM)
    )
    if found is None:
        found = FindingRow(ride_id=ride_id, code=WRONG_CLAIM, tier="hard", score=1.0, made_s=now_s)
        session.add(found)
    found.evidence, found.other_ride_id = evidence, other_ride_id
    session.flush()
    return found


def add_appeal(session: Session, user_id: int, ride_id: str, text: str, now_s: float) -> Appeal:
    """Somebody asks for a second look at a ride."""
    appeal = Appeal(user_id=user_id, ride_id=ride_id, text=text, made_s=now_s)
    session.add(appeal)
    session.flush()
    return appeal


def appeal_by_id(session: Session, appeal_id: int) -> Appeal | None:
    """One appeal."""
    return session.get(Appeal, appeal_id)


def appeals_of_rides(session: Session, ride_ids: Sequence[str], user_id: int | None = None) -> list[Appeal]:
    """What was asked about these rides, by anybody or one rider, in its order."""
    question = sa.select(Appeal).where(Appeal.ride_id.in_(ride_ids)).order_by(Appeal.id)
    if user_id is not None:
        question = question.where(Appeal.user_id == user_id)
    return list(session.scalars(question))


def open_appeals(session: Session) -> list[tuple[Appeal, RideRow]]:
    """Appeals without an answer, with their rides, oldest first; not of rides that were erased."""
    question = (
        sa.select(Appeal, RideRow)
        .join(RideRow, RideRow.id == Appeal.ride_id)
        .where(Appeal.state == "open", RideRow.packed_sha256 != "")
        .order_by(Appeal.id)
    )
    return [(appeal, ride) for appeal, ride in session.execute(question)]


def names_of(session: Session, user_ids: Iterable[int]) -> dict[int, str]:
    """The pseudonyms of these riders."""
    question = sa.select(User.id, User.name).where(User.id.in_(list(user_ids)))
    return {row.id: row.name for row in session.execute(question)}


def ride_of_bytes(session: Session, sha256: str) -> RideRow | None:
    """The first ride of the upload with these bytes that was not refused."""
    question = (
        sa.select(RideRow)
        .join(Upload, Upload.id == RideRow.upload_id)
        .where(Upload.sha256 == sha256, Upload.state != REFUSED, RideRow.packed_sha256 != "")
        .order_by(RideRow.ordinal)
        .limit(1)
    )
    return session.scalar(question)
