"""Which accounts a copy or a person's word ties, from which ride on, and whom the staff has met."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from transitmap.store.findings import is_told
from transitmap.store.tables import RideRow
from transitmap.store.tables_game import Decision, FindingRow, Tie
from transitmap.store.uploads import next_ride_sequence

COPY, ALIKE = "copy", "alike"
"""What the codes of findings begin with that say: these two rides are one; and of what only a person can."""
PERSON, SAME, TWO = "person", "same", "two"
MET, NOT_MET = "met", "not_met"
Pairs = Collection[tuple[int, int]]


def bound_riders(session: Session) -> list[tuple[int, int]]:
    """(account, other): one sent a copy of the other's ride; both ways of one person's accounts; sorted.

    What a person said last of two accounts beats what was found: both ways where they are one person's, none
    where they are two people's.
    """
    words = said_of_people(session)
    pairs = {pair for pair, verdict in words.items() if verdict == SAME}
    pairs |= {(other, one) for one, other in pairs}
    pairs |= {pair for pair in _copiers(session) if (min(pair), max(pair)) not in words}
    return sorted(pairs)


def both_ways(bound: Pairs) -> list[tuple[int, int]]:
    """The pairs (older, younger) that are one person's."""
    return sorted((one, other) for one, other in bound if one < other and (other, one) in bound)


def waiting(bound: Pairs) -> set[int]:
    """The accounts that wait for a person's word: sent a copy of another's ride, which sent none back."""
    return {one for one, other in bound if (other, one) not in bound}


def read_under(bound: Pairs) -> dict[int, int]:
    """As whose the rides of tied accounts are read: the oldest one's of those who recorded what they sent.

    Whose ride was copied is read as nobody else, or a stranger's copies could make two riders one.
    """
    wait, found = waiting(bound), dict[int, int]()
    for account in {one for one, _ in bound}:
        reached, n_before = {account}, 0
        while n_before < len(reached):
            n_before = len(reached)
            reached |= {other for one, other in bound if one in reached}
        found[account] = min(reached - wait or reached)
    return found


def accounts_of(session: Session, user_id: int) -> set[int]:
    """All accounts that may be the same person's, this one with them: those known to be, and whoever sent a
    copy of what one of them rode, or rode what one of them sent. Who copied two others makes them not one."""
    bound, found = bound_riders(session), {user_id}
    known = both_ways(bound)
    while more := {account for pair in known if found & set(pair) for account in pair} - found:
        found |= more
    return found | {account for pair in bound if found & set(pair) for account in pair}


def said_of_people(session: Session) -> dict[tuple[int, int], str]:
    """What people said last of pairs of accounts: `same` or `two`."""
    question = sa.select(Decision).where(Decision.subject_kind == PERSON).order_by(Decision.id)
    return {(int(one.reason), int(one.subject_id)): one.verdict for one in session.scalars(question)}


def same_people(session: Session) -> dict[int, int]:
    """The oldest account of the same person, by account, as people said; others are not there."""
    leads: dict[int, int] = {}
    for pair, verdict in said_of_people(session).items():
        one, other = sorted(_oldest(leads, account) for account in pair)
        if verdict == SAME and one != other:
            leads[other] = one
    return {account: _oldest(leads, account) for account in leads}


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
    """(rider, other) where the rider sent a copy of what the other rode; likeness is one once upheld."""
    one, other = aliased(RideRow), aliased(RideRow)
    question = (
        sa.select(one.user_id, other.user_id)
        .join(FindingRow, FindingRow.ride_id == one.id)
        .join(other, FindingRow.other_ride_id == other.id)
        .where(_is_copy(), one.user_id != other.user_id)
    )
    return {(rider, owner) for rider, owner in session.execute(question)}


def _is_copy() -> sa.ColumnElement[bool]:
    """Whether a finding says that a ride is another one, and nobody found that wrong."""
    sure = FindingRow.code.startswith(COPY) & (FindingRow.state != "dismissed") & is_told()
    return sure | ((FindingRow.code == ALIKE) & (FindingRow.state == "upheld"))


def linking_findings(session: Session, user_id: int) -> list[FindingRow]:
    """The copies that tie this rider's account and another."""
    one, other = aliased(RideRow), aliased(RideRow)
    question = (
        sa.select(FindingRow)
        .join(one, FindingRow.ride_id == one.id)
        .join(other, FindingRow.other_ride_id == other.id)
        .where(sa.or_(_is_copy(), FindingRow.code.startswith(COPY) & is_told()))
        .where(one.user_id != other.user_id)
        .where(sa.or_(one.user_id == user_id, other.user_id == user_id))
    )
    return list(session.scalars(question.order_by(FindingRow.id)))


def waiting_rides(session: Session) -> set[str]:
    """The rides that count nowhere until a person says of their account that it is nobody else's.

    All rides of an account that waits; and what waited when it was understood, where the account has turned
    out to be one person with the one that it waited for, who was paid meanwhile.
    """
    now, noted = set(bound_riders(session)), ties(session)
    wait = waiting(now)
    question = sa.select(RideRow.id, RideRow.user_id, RideRow.sequence).where(
        RideRow.user_id.in_({one for one, _ in now})
    )
    return {
        ride_id
        for ride_id, who, sequence in session.execute(question)
        if who in wait or _waited(tied(noted, sequence), who, now)
    }


def _waited(then: Pairs, who: int, now: Pairs) -> bool:
    """Whether an account waited, and is tied to the one that it waited for by now."""
    return any(one == who and (other, one) not in then and (one, other) in now for one, other in then)


def retie(session: Session, now_s: float) -> None:
    """Notes what changed of who is tied to whom, from the next ride on. Call it under `lock_ledger`."""
    told, now = tied(ties(session)), set(bound_riders(session))
    sequence = next_ride_sequence(session)
    for one, other in sorted(told ^ now):
        is_one = (one, other) in now
        session.add(Tie(user_id=one, other_id=other, is_one=is_one, from_sequence=sequence, made_s=now_s))
    session.flush()


def ties(session: Session) -> list[Tie]:
    """All that was noted of who is tied to whom, in its order."""
    return list(session.scalars(sa.select(Tie).order_by(Tie.id)))


def tied(noted: list[Tie], sequence: int | None = None) -> set[tuple[int, int]]:
    """As `bound_riders`, when the ride of that number is understood; without one, now."""
    last = {
        (one.user_id, one.other_id): one.is_one
        for one in noted
        if sequence is None or one.from_sequence <= sequence
    }
    return {pair for pair, is_one in last.items() if is_one}
