"""Which accounts are taken for one person's, from which ride on, and whom the staff has met."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from transitmap.store.tables import RideRow
from transitmap.store.tables_game import Decision, FindingRow, Tie
from transitmap.store.uploads import next_ride_sequence

COPY = "copy"
"""What the codes of findings begin with that say: these two rides are one."""
PERSON, SAME, TWO = "person", "same", "two"
MET, NOT_MET = "met", "not_met"


def linked_riders(session: Session) -> list[list[int]]:
    """Pairs of accounts that are one person's, as far as anybody knows now.

    One sent a copy of what the other rode, or somebody said so; not where somebody said that they are two.
    """
    words = said_of_people(session)
    pairs = {pair for pair, verdict in words.items() if verdict == SAME}
    pairs |= {pair for pair in _copiers(session) if pair not in words}
    return [list(pair) for pair in sorted(pairs)]


def accounts_of(session: Session, user_id: int) -> set[int]:
    """All accounts that are taken for the same person's now, this one with them."""
    pairs, found = linked_riders(session), {user_id}
    while more := {account for pair in pairs if found & set(pair) for account in pair} - found:
        found |= more
    return found


def said_of_people(session: Session) -> dict[tuple[int, int], str]:
    """What people said last of pairs of accounts: `same` or `two`."""
    question = sa.select(Decision).where(Decision.subject_kind == PERSON).order_by(Decision.id)
    return {(int(one.reason), int(one.subject_id)): one.verdict for one in session.scalars(question)}


def say_people(
    session: Session, user_id: int, other_id: int, verdict: str, decided_by: int, now_s: float, note: str = ""
) -> None:
    """Writes down that two accounts are one person's (`same`), or two people's; under `lock_ledger`."""
    older, younger = sorted((user_id, other_id))
    told = {"subject_kind": PERSON, "subject_id": str(younger), "reason": str(older), "verdict": verdict}
    session.add(Decision(**told, user_id=decided_by, note=note, made_s=now_s))
    session.flush()
    retie(session, now_s)


def say_same_person(
    session: Session, user_id: int, other_id: int, decided_by: int, now_s: float, note: str = ""
) -> None:
    """Writes down that two accounts are one person's, as somebody found who saw whom a prize would go to."""
    say_people(session, user_id, other_id, SAME, decided_by, now_s, note)


def same_people(session: Session) -> dict[int, int]:
    """The oldest account of the same person, by account, as people said; others are not there."""
    leads: dict[int, int] = {}
    for pair, verdict in said_of_people(session).items():
        one, other = sorted(_oldest(leads, account) for account in pair)
        if verdict == SAME and one != other:
            leads[other] = one
    return {account: _oldest(leads, account) for account in leads}


def say_met(session: Session, user_id: int, is_met: bool, decided_by: int, now_s: float) -> None:
    """Writes down that somebody of the staff knows the person of an account, or no longer; under
    `lock_ledger`. What is confirmed on trust follows at the next publication."""
    told = {"subject_kind": MET, "subject_id": str(user_id), "verdict": MET if is_met else NOT_MET}
    session.add(Decision(**told, user_id=decided_by, reason="", note="", made_s=now_s))
    session.flush()


def people_met(session: Session) -> list[int]:
    """The accounts whose people somebody of the staff knows; sorted."""
    question = sa.select(Decision).where(Decision.subject_kind == MET).order_by(Decision.id)
    last = {int(one.subject_id): one.verdict == MET for one in session.scalars(question)}
    return sorted(user_id for user_id, is_met in last.items() if is_met)


def _oldest(leads: dict[int, int], account: int) -> int:
    while account in leads:
        account = leads[account]
    return account


def _copiers(session: Session) -> set[tuple[int, int]]:
    """Pairs of riders of whom one sent a copy of what the other rode."""
    one, other = aliased(RideRow), aliased(RideRow)
    question = (
        sa.select(one.user_id, other.user_id)
        .join(FindingRow, FindingRow.ride_id == one.id)
        .join(other, FindingRow.other_ride_id == other.id)
        .where(
            FindingRow.code.startswith(COPY), FindingRow.state != "dismissed", one.user_id != other.user_id
        )
    )
    return {(min(pair), max(pair)) for pair in session.execute(question)}


def linking_findings(session: Session, user_id: int) -> list[FindingRow]:
    """The copies by which this rider's account and another are taken for one person's."""
    one, other = aliased(RideRow), aliased(RideRow)
    question = (
        sa.select(FindingRow)
        .join(one, FindingRow.ride_id == one.id)
        .join(other, FindingRow.other_ride_id == other.id)
        .where(FindingRow.code.startswith(COPY), one.user_id != other.user_id)
        .where(sa.or_(one.user_id == user_id, other.user_id == user_id))
    )
    return list(session.scalars(question.order_by(FindingRow.id)))


def retie(session: Session, now_s: float) -> None:
    """Notes what changed of who is one person, from the next ride on. Call it under `lock_ledger`."""
    told = tied(ties(session))
    now = {(one, other) for one, other in linked_riders(session)}
    sequence = next_ride_sequence(session)
    for one, other in sorted(told ^ now):
        is_one = (one, other) in now
        session.add(Tie(user_id=one, other_id=other, is_one=is_one, from_sequence=sequence, made_s=now_s))
    session.flush()


def ties(session: Session) -> list[Tie]:
    """All that was noted of who is one person, in its order."""
    return list(session.scalars(sa.select(Tie).order_by(Tie.id)))


def tied(noted: list[Tie], sequence: int | None = None) -> set[tuple[int, int]]:
    """The pairs that are one person when the ride of that number is understood; without one, now."""
    last = {
        (one.user_id, one.other_id): one.is_one
        for one in noted
        if sequence is None or one.from_sequence <= sequence
    }
    return {pair for pair, is_one in last.items() if is_one}
