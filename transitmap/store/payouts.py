"""What the books are written from, and prizes on their way: held, approved by two people, paid."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from transitmap import chain
from transitmap.errors import PayoutRefused
from transitmap.store.tables import LedgerRow, RideRow, Sum, User
from transitmap.store.tables_game import ALL_CAMPAIGNS, Decision, FindingRow, Member, Payout
from transitmap.store.ties import accounts_of, same_people

CHUNK = 5_000
N_APPROVALS = 2
SENT_TWICE_S = 1.0
"""The clock of one recording is the same, whichever way it came."""
PAYOUT, APPROVED, REFUSED, PAID = "payout", "approved", "refused", "paid"


def sealed_lines(session: Session) -> Iterator[tuple[dict[str, Any], str]]:
    """What of each line is sealed, and its seal, in the ledger's order; some at a time in memory."""
    columns = [getattr(LedgerRow, name) for name in (*chain.SEALED, "sha256")]
    question = sa.select(*columns).order_by(LedgerRow.sequence).execution_options(yield_per=CHUNK)
    for row in session.execute(question):
        yield dict(zip(chain.SEALED, row, strict=False)), row[-1]


def seals(session: Session) -> Iterator[str]:
    """The seal of each line, in the ledger's order."""
    question = sa.select(LedgerRow.sha256).order_by(LedgerRow.sequence)
    yield from session.scalars(question.execution_options(yield_per=CHUNK))


def one_moment(session: Session) -> None:
    """Whatever a session that has not begun asks will be answered as of one moment."""
    if session.get_bind().dialect.name == "postgresql":
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})


def all_sums(session: Session) -> Iterator[tuple[int, int, int, int, int, int]]:
    """Campaign, period, rider, millipoints, verified ones and rides of every sum of a campaign, sorted."""
    question = sa.select(
        Sum.campaign_id, Sum.period, Sum.user_id, Sum.millipoints, Sum.verified_millipoints, Sum.n_rides
    )
    question = question.where(Sum.campaign_id != ALL_CAMPAIGNS)
    question = question.order_by(Sum.campaign_id, Sum.period, Sum.user_id)
    yield from session.execute(question.execution_options(yield_per=CHUNK))


@dataclass(frozen=True)
class EntrantRow:
    """What besides points decides on the prizes of one rider; `person_id` is 0 where nobody said anything.

    `before_millipoints` were verified before the rider joined the team.
    """

    user_id: int
    name: str
    is_hidden: bool
    role: str
    prize_consent: str
    is_erased: bool
    has_open_finding: bool
    team_id: int
    person_id: int
    verified_millipoints: int
    before_millipoints: int


def entrants(session: Session, campaign_id: int) -> list[EntrantRow]:
    """Everybody who has a line in a campaign, oldest account first."""
    accused = _accused(session)
    is_member = sa.and_(
        Member.user_id == User.id, Member.campaign_id == campaign_id, Member.state == "member"
    )
    question = (
        sa.select(User, Sum.verified_millipoints, Member)
        .join(Sum, sa.and_(Sum.user_id == User.id, Sum.campaign_id == campaign_id, Sum.period == 0))
        .join(Member, is_member, isouter=True)
        .order_by(User.id)
    )
    persons = same_people(session)
    return [
        EntrantRow(
            user_id=user.id,
            name=user.name,
            is_hidden=user.is_hidden,
            role=user.role,
            prize_consent=user.prize_consent,
            is_erased=user.erased_s is not None,
            has_open_finding=user.id in accused,
            team_id=member.team_id if member else 0,
            person_id=persons.get(user.id, 0),
            verified_millipoints=verified,
            before_millipoints=member.before_verified_millipoints if member else 0,
        )
        for user, verified, member in session.execute(question)
    ]


def _accused(session: Session) -> set[int]:
    """Riders about whom something grave is found that nobody has looked at.

    One recording that a rider sent twice, live and as a file, earns nothing the second time; that is all.
    """
    other = aliased(RideRow)
    question = (
        sa.select(RideRow.user_id, other.user_id, FindingRow)
        .join(FindingRow, FindingRow.ride_id == RideRow.id)
        .outerjoin(other, other.id == FindingRow.other_ride_id)
        .where(FindingRow.tier == "hard", FindingRow.state == "open")
    )
    rows = session.execute(question)
    return {rider for rider, owner, finding in rows if owner != rider or not _is_sent_twice(finding)}


def _is_sent_twice(finding: FindingRow) -> bool:
    """Whether a ride is the very recording of another of the same rider, at the same time."""
    return finding.code == "copy" and abs(finding.evidence.get("lag_s", math.inf)) <= SENT_TWICE_S


# --- payouts -------------------------------------------------------------------------------------


def put_payouts(
    session: Session,
    campaign_id: int,
    rows: Sequence[tuple[int, str, int, dict[str, Any]]],
    hold_until_s: float,
) -> list[Payout]:
    """Writes (rider, award, centavos, evidence) as a campaign's payouts and says which there are now.

    What is there already keeps its state where it is the same. A payout whose amount or evidence changed is
    held again, and one that is owed no longer is refused; what was paid stays paid.
    """
    there = {(row.user_id, row.award): row for row in payouts_of_campaign(session, campaign_id)}
    wanted = {(user_id, award): (amount, evidence) for user_id, award, amount, evidence in rows}
    for where, (amount, evidence) in sorted(wanted.items()):
        row = there.get(where)
        if row is None:
            row = Payout(campaign_id=campaign_id, user_id=where[0], award=where[1], amount_centavos=amount)
            row.state, row.hold_until_s, row.evidence = "held", hold_until_s, evidence
            session.add(row)
        elif row.state != PAID and (row.amount_centavos, row.evidence["prize"]) != (
            amount,
            evidence["prize"],
        ):
            row.amount_centavos, row.evidence, row.state = amount, evidence, "held"
            row.hold_until_s = hold_until_s
    for where in there.keys() - wanted.keys():
        if there[where].state != PAID:
            there[where].state, there[where].amount_centavos = REFUSED, 0
    session.flush()
    return payouts_of_campaign(session, campaign_id)


def payouts_of_campaign(session: Session, campaign_id: int) -> list[Payout]:
    """A campaign's payouts, the oldest account first."""
    question = sa.select(Payout).where(Payout.campaign_id == campaign_id)
    return list(session.scalars(question.order_by(Payout.user_id, Payout.award)))


def payouts_of_user(session: Session, user_id: int) -> list[Payout]:
    """The prizes of one rider in all campaigns, the latest campaign first."""
    question = sa.select(Payout).where(Payout.user_id == user_id)
    return list(session.scalars(question.order_by(Payout.campaign_id.desc(), Payout.id)))


def approve_payout(session: Session, payout_id: int, user: User, now_s: float, note: str = "") -> Payout:
    """Notes that somebody approves; it is approved once two different people do.

    Raises:
        PayoutRefused: `missing`, `own` (nobody approves what he is paid), `role` (riders approve nothing),
            `twice` (the same person again) or `state` (it is not held).
    """
    payout = _payout_for(session, payout_id, user, ("held",))
    if accounts_of(session, user.id) & set(approvals(session, [payout])[payout.id]):
        raise PayoutRefused("twice", f"payout {payout_id}: the second approval must be another person's")
    _decide(session, payout, APPROVED, user, now_s, note)
    if len(approvals(session, [payout])[payout.id]) >= N_APPROVALS:
        payout.state = APPROVED
    session.flush()
    return payout


def refuse_payout(session: Session, payout_id: int, user: User, now_s: float, note: str) -> Payout:
    """Refuses a payout that is not paid yet, and says why; it takes one person.

    Raises:
        PayoutRefused: as `approve_payout`, or `note` where there is none.
    """
    payout = _payout_for(session, payout_id, user, ("held", APPROVED))
    if not note.strip():
        raise PayoutRefused("note", f"payout {payout_id}: a refusal needs a reason")
    _decide(session, payout, REFUSED, user, now_s, note)
    payout.state = REFUSED
    session.flush()
    return payout


def pay_payout(session: Session, payout_id: int, user: User, now_s: float, note: str = "") -> Payout:
    """Notes that the money was handed over.

    Raises:
        PayoutRefused: as `approve_payout`, or `held` where it is too early.
    """
    payout = _payout_for(session, payout_id, user, (APPROVED,))
    if now_s < payout.hold_until_s:
        raise PayoutRefused("held", f"payout {payout_id}: {payout.hold_until_s - now_s:.0f} s too early")
    _decide(session, payout, PAID, user, now_s, note)
    payout.state = PAID
    session.flush()
    return payout


def approvals(session: Session, payouts: Sequence[Payout]) -> dict[int, list[int]]:
    """Who approved of the amount that each payout has now: a change lets all approvals go."""
    which = {str(one.id): one for one in payouts}
    found: dict[int, list[int]] = {one.id: [] for one in payouts}
    ids = list(which)
    for start in range(0, len(ids), CHUNK):
        question = sa.select(Decision).where(
            Decision.subject_kind == PAYOUT,
            Decision.subject_id.in_(ids[start : start + CHUNK]),
            Decision.verdict == APPROVED,
        )
        for one in session.scalars(question.order_by(Decision.id)):
            payout = which[one.subject_id]
            if one.reason == _what(payout) and one.user_id not in found[payout.id]:
                found[payout.id].append(one.user_id)
    return found


def _payout_for(session: Session, payout_id: int, user: User, states: Sequence[str]) -> Payout:
    """The payout, locked, if this person may decide on it now."""
    payout = session.get(Payout, payout_id, with_for_update=True, populate_existing=True)
    if payout is None:
        raise PayoutRefused("missing", f"there is no payout {payout_id}")
    if user.role == "rider":
        raise PayoutRefused("role", f"payout {payout_id}: riders decide on no payout")
    if payout.user_id in accounts_of(session, user.id):
        raise PayoutRefused("own", f"payout {payout_id}: nobody decides on his own")
    if payout.state not in states:
        raise PayoutRefused("state", f"payout {payout_id} is {payout.state}, not {' or '.join(states)}")
    return payout


def _decide(session: Session, payout: Payout, verdict: str, user: User, now_s: float, note: str) -> None:
    row = Decision(subject_kind=PAYOUT, subject_id=str(payout.id), verdict=verdict, user_id=user.id)
    row.reason, row.note, row.made_s = _what(payout), note, now_s
    session.add(row)
    session.flush()


def _what(payout: Payout) -> str:
    """What was decided on: the amount and the list it stands in."""
    return f"{payout.amount_centavos}|{payout.evidence['list'][:32]}"
