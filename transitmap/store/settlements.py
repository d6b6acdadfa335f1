"""Settlements: what of each ride is confirmed so far, and what people had decided when it was counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from transitmap.store.campaigns import note_ledger_parts
from transitmap.store.points import CHUNK
from transitmap.store.tables import ROLES, LedgerRow, RideRow, Upload, User
from transitmap.store.tables_game import OWN_CAMPAIGN, Check, Decision, FindingRow, Settlement, Share
from transitmap.store.ties import both_ways, bound_riders, people_met, waiting_rides

RIDER, *STAFF = ROLES


def people_decided(session: Session) -> dict[str, list[Any]]:
    """What a settlement must know beside the rides, as it is now; sorted, so that it can be compared."""
    staff = sa.select(User.id).where(User.role.in_(STAFF), User.erased_s.is_(None)).order_by(User.id)
    open_soft = sa.select(FindingRow.ride_id).where(FindingRow.tier == "soft", FindingRow.state == "open")
    upheld = sa.select(FindingRow.ride_id).where(FindingRow.state == "upheld")
    hard = sa.select(FindingRow.ride_id).where(FindingRow.tier == "hard", FindingRow.state != "dismissed")
    return {
        "staff": list(session.scalars(staff)),
        "linked": [list(pair) for pair in both_ways(bound_riders(session))],
        "met": people_met(session),
        "withheld": sorted({*session.scalars(sa.union(hard, upheld)), *waiting_rides(session)}),
        "held": sorted(set(session.scalars(open_soft))),
    }


def last_decision(session: Session) -> int:
    """The number of the last decision of anybody."""
    return session.scalar(sa.select(sa.func.max(Decision.id))) or 0


def add_settlement(session: Session, settlement: Settlement, shares: Mapping[str, int]) -> None:
    """Keeps a settlement and the shares that rose in it; call it under `lock_ledger`."""
    known = confirmed_shares(session)
    for ride_id, permille in shares.items():
        if ride_id in known:
            session.execute(sa.update(Share).where(Share.ride_id == ride_id).values(permille=permille))
        else:
            session.add(Share(ride_id=ride_id, permille=permille))
    session.add(settlement)
    session.flush()
    note_ledger_parts(session)


def settlements(session: Session) -> list[Settlement]:
    """All of them, the first first."""
    return list(session.scalars(sa.select(Settlement).order_by(Settlement.number)))


def confirmed_shares(session: Session) -> dict[str, int]:
    """How much of each ride is confirmed so far, in thousandths; rides of which nothing is are left out."""
    return {row.ride_id: row.permille for row in session.scalars(sa.select(Share))}


def awards_of(session: Session, ride_ids: Sequence[str]) -> list[LedgerRow]:
    """The awards of rides, in the order of the ledger."""
    found: list[LedgerRow] = []
    for start in range(0, len(ride_ids), CHUNK):
        some = LedgerRow.ride_id.in_(ride_ids[start : start + CHUNK])
        found += session.scalars(sa.select(LedgerRow).where(some, LedgerRow.kind == "award"))
    return sorted(found, key=lambda row: row.sequence)


def campaigns_of_rides(session: Session) -> dict[str, int]:
    """In which campaign each ride is paid that is not paid in the installation's own."""
    theirs = sa.select(LedgerRow.ride_id, LedgerRow.campaign_id).where(
        LedgerRow.kind == "award", LedgerRow.campaign_id != OWN_CAMPAIGN
    )
    return {str(ride_id): campaign_id for ride_id, campaign_id in session.execute(theirs.distinct())}


def worth_of_day(session: Session, user_id: int, day: int) -> int:
    """What one rider's rides of a day may be worth so far, in thousandths of a point."""
    theirs = sa.select(LedgerRow.evidence).where(
        LedgerRow.user_id == user_id, LedgerRow.day == day, LedgerRow.kind == "award"
    )
    return sum(evidence.get("full_millipoints", 0) for evidence in session.scalars(theirs))


def received_of_rides(session: Session, ride_ids: Sequence[str]) -> dict[str, float]:
    """When the upload of each ride came in."""
    found: dict[str, float] = {}
    for start in range(0, len(ride_ids), CHUNK):
        some = RideRow.id.in_(ride_ids[start : start + CHUNK])
        question = sa.select(RideRow.id, Upload.received_s).join(Upload, RideRow.upload_id == Upload.id)
        found |= {row.id: row.received_s for row in session.execute(question.where(some))}
    return found


def add_check(
    session: Session, campaign_id: int, kind: str, route_id: str, stop_id: str, answer: str, now_s: float
) -> Check:
    """Plants a truth: labels that come from now on are compared with it."""
    columns = {"route_id": route_id, "stop_id": stop_id, "answer": answer, "made_s": now_s}
    check = Check(campaign_id=campaign_id, kind=kind, **columns)
    session.add(check)
    session.flush()
    return check


def planted_checks(session: Session) -> list[tuple[str, str, str, float]]:
    """(kind, what it is about, answer, when) of every truth that was planted, the first first."""
    rows = session.scalars(sa.select(Check).order_by(Check.id))
    return [(row.kind, f"{row.route_id}|{row.stop_id}||", row.answer, row.made_s) for row in rows]
