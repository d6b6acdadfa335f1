"""What of a rider's points still waits, and why: by the ledger, what people said, and the last settlement."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from transitmap import store
from transitmap.examined import WAITS
from transitmap.points.campaigns import CLOSED

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

OVER, LOOK, ACCOUNT, ONE_PERSON, FIRST_MAP, NEXT_MAP, OTHERS = WHYS = (
    "closed", "look", "account", "one_person", "first_map", "next_map", "others",
)  # fmt: skip
"""Its campaign is closed; a person looks at the ride; its account waits for a person's word; it waited, and a
person said one; there is no map yet; the last map was made without it; nobody independent was seen there.

The first that holds is told. Whether nobody else was there or only people who are one voice is not: that
would say who rode where.
"""
DISMISSED, UPHELD, WHOLE = "dismissed", "upheld", 1000


@dataclass(frozen=True)
class Wait:
    """What of one ride is not paid yet, in thousandths of a point, how much of it is confirmed, and why."""

    ride_id: str
    campaign_id: int
    why: str
    millipoints: int
    permille: int


@dataclass(frozen=True)
class Account:
    """What holds of a rider: whether the account waits, and whether somebody of the staff knows who it is."""

    waits: bool
    is_met: bool


def waits_of(session: Session, user_id: int, lines: Sequence[store.LedgerRow]) -> list[Wait]:
    """The rides among these lines of a rider of which something waits, in the order of the ledger.

    What a ride can bring is what its first lines say; what it has brought is the sum of all. Where a person
    found that it earns nothing, nothing waits.
    """
    by_ride: dict[str, list[store.LedgerRow]] = {}
    for line in lines:
        if line.ride_id and line.user_id == user_id:
            by_ride.setdefault(line.ride_id, []).append(line)
    left = {ride_id: _left(those) for ride_id, those in by_ride.items()}
    open_rides = [
        ride_id for ride_id, (millipoints, permille) in left.items() if millipoints > 0 > permille - WHOLE
    ]
    why = _whys(session, user_id, {one: by_ride[one] for one in open_rides})
    return [Wait(one, by_ride[one][0].campaign_id, why[one], *left[one]) for one in open_rides if why[one]]


def _left(lines: Iterable[store.LedgerRow]) -> tuple[int, int]:
    """Thousandths of a point that are still to come of one ride, and how many thousandths are confirmed."""
    full = paid = permille = 0
    for line in lines:
        paid += line.millipoints
        if line.kind == "award":
            full += line.evidence.get("full_millipoints") or line.evidence.get("withheld_millipoints", 0)
        permille = max(permille, line.evidence.get("permille", 0))
    return full - paid, permille


def _whys(session: Session, user_id: int, by_ride: dict[str, list[store.LedgerRow]]) -> dict[str, str]:
    """Why each ride waits; empty where a person found that it earns nothing."""
    if not by_ride:
        return {}
    closed = {one.id for one in store.all_campaigns(session) if one.state == CLOSED}
    doubts: dict[str, set[str]] = {}
    for finding in store.doubts_of_rides(session, list(by_ride)):
        doubts.setdefault(finding.ride_id, set()).add(finding.state)
    account_waits, unpaid = account_of(session, user_id).waits, _unpaid(session, by_ride)
    unsettled = _unsettled(session, user_id, by_ride)
    found = {}
    for ride_id, lines in by_ride.items():
        states = doubts.get(ride_id, set()) - {DISMISSED}
        reasons = (
            (OVER, lines[0].campaign_id in closed),
            (LOOK, bool(states)),
            (ACCOUNT, account_waits),
            (ONE_PERSON, ride_id in unpaid),
            (unsettled.get(ride_id, ""), ride_id in unsettled),
        )
        why = next((reason for reason, holds in reasons if holds), OTHERS)
        found[ride_id] = "" if UPHELD in states else why
    return found


def account_of(session: Session, user_id: int) -> Account:
    """What holds of a rider now; who is known is known under each account of that person."""
    bound = store.tied(store.ties(session))
    accounts = {user_id} | {one for pair in store.both_ways(bound) if user_id in pair for one in pair}
    return Account(user_id in store.waiting(bound), not accounts.isdisjoint(store.people_met(session)))


def _unpaid(session: Session, by_ride: dict[str, list[store.LedgerRow]]) -> set[str]:
    """The rides that waited with their account, and stay unpaid as both accounts are one person's."""
    waited = {one for one, lines in by_ride.items() if any(WAITS in _codes(line) for line in lines)}
    return waited & store.waiting_rides(session) if waited else waited


def _codes(line: store.LedgerRow) -> Sequence[str]:
    codes: Sequence[str] = line.evidence.get("codes", ())
    return codes


def _unsettled(session: Session, user_id: int, ride_ids: Iterable[str]) -> dict[str, str]:
    """The rides that the last settlement did not count: they came later, or waited for a person then."""
    last = store.last_settlement(session)
    if last is None:
        return dict.fromkeys(ride_ids, FIRST_MAP)
    left_out = {*last.inputs["withheld"], *last.inputs["held"]}
    left_out |= store.rides_since(session, user_id, last.through_sequence)
    return {one: NEXT_MAP for one in ride_ids if one in left_out}
