"""Other rules on the same history: who would have gained and who would have lost, before anybody decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from transitmap import store
from transitmap.archive import Archive, unpack_ride
from transitmap.config import Config
from transitmap.examined import bench
from transitmap.keys import segment_key
from transitmap.model import DETECTORS, SHADOW, Rules
from transitmap.points.review import DECIDED_KINDS, DISMISSED, HARD, OPEN, SOFT, UPHELD, Amount
from transitmap.points.rules import load_rules
from transitmap.replay import BY_PEOPLE, Ledger, pay_again
from transitmap.review import changes_due
from transitmap.terms import rules_of

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


@dataclass(frozen=True)
class Change:
    """One rider's points as they are and as they would be, in thousandths, and what of them is verified."""

    user_id: int
    name: str
    before: int
    after: int
    before_verified: int
    after_verified: int


def preview(
    session: Session,
    archive: Archive,
    config: Config,
    rules: Rules,
    campaign_id: int = store.OWN_CAMPAIGN,
) -> tuple[Change, ...]:
    """Every rider under other rules for one campaign, those who would gain most first.

    The rides are those that were understood, in their order and on their days; missions, who is one person
    and what people decided are left as they were, and so are findings but for what the rules put in shadow or
    take out of it. Nobody would have ridden otherwise: what riders would do under other rules no history
    tells. Changes nothing. Riders who opted out of boards are there, by number.
    """
    rows = store.rides_after(session)
    recorded = store.ledger_rows(session)
    rides = {row.id: unpack_ride(archive.get(row.packed_sha256)) for row in rows if row.packed_sha256}
    looked_at = bench(session, rows, rides, segment_key(session, archive))
    campaigns = store.all_campaigns(session)
    own = rules if campaign_id == store.OWN_CAMPAIGN else load_rules()
    paid_by = rules_of(campaigns, own) | {campaign_id: rules}
    ledger = Ledger(campaigns, paid_by, {row.key: row for row in recorded}, looked_at)
    ledger.ties, moved = store.ties(session), _moved(session, ledger)
    ledger.inputs = _inputs(session, moved)
    pay_again(session, archive, rows, rides, config, ledger)
    by_people = [row for row in recorded if row.kind in BY_PEOPLE and not _is_decided_again(row, moved)]
    told = [line.told for line in ledger.lines.values()] + [_told(row) for row in by_people]
    after = _fold(told + _decided_again(ledger, moved))
    before = _fold([_told(row) for row in recorded])
    names = {user.id: "" if user.is_hidden else user.name for user in store.users(session)}
    changes = [
        Change(who, names.get(who, ""), before.get(who, (0, 0))[0], after.get(who, (0, 0))[0],
               before.get(who, (0, 0))[1], after.get(who, (0, 0))[1])
        for who in before.keys() | after.keys()
    ]  # fmt: skip
    return tuple(sorted(changes, key=lambda one: (one.before - one.after, one.user_id)))


# --- findings in another tier ----------------------------------------------------------------------


Moved = Mapping[str, Sequence[store.FindingRow]]
"""All findings of the rides that have some in another tier than was recorded: by ride, in their new tiers."""


def _moved(session: Session, ledger: Ledger) -> Moved:
    campaign_of = {row.ride_id: row.campaign_id for row in ledger.recorded.values() if row.kind == "award"}
    before: dict[str, list[store.FindingRow]] = {}
    for one in store.findings(session):
        before.setdefault(one.ride_id, []).append(one)
    after = {
        ride_id: [_in_tier(one, ledger.rules[campaign_of.get(ride_id, store.OWN_CAMPAIGN)]) for one in some]
        for ride_id, some in before.items()
    }
    tiers = {name: [one.tier for one in some] for name, some in before.items()}
    return {name: some for name, some in after.items() if [one.tier for one in some] != tiers[name]}


def _in_tier(row: store.FindingRow, rules: Rules) -> store.FindingRow:
    """A copy of a finding as these rules would have kept it."""
    tier = SHADOW if row.code in rules.shadow else DETECTORS.get(row.code, row.tier)
    columns = {name: getattr(row, name) for name in ("id", "ride_id", "code", "state", "evidence")}
    return store.FindingRow(**columns, tier=tier)


def _inputs(session: Session, moved: Moved) -> dict[int, dict[str, Any]]:
    """What settlements would have known: which rides were withheld or waited, by what was decided then."""
    ids = [one.id for some in moved.values() for one in some]
    decided = store.decisions_about(session, store.FINDING, ids)
    found = {}
    for settlement in store.settlements(session) if moved else ():
        states = {one.subject_id: one.verdict for one in decided if one.id <= settlement.through_decision}
        effects = {name: {_effect(one, states) for one in some} for name, some in moved.items()}
        found[settlement.number] = settlement.inputs | {
            what: sorted(
                set(settlement.inputs[what]) - set(moved) | {name for name in moved if what in effects[name]}
            )
            for what in ("withheld", "held")
        }
    return found


def _effect(one: store.FindingRow, states: Mapping[str, str]) -> str:
    """What a finding does to its ride in a settlement; what people find alone is there once they decided."""
    state = states.get(str(one.id), DISMISSED if one.code == store.WRONG_CLAIM else OPEN)
    if state == UPHELD or (one.tier == HARD and state == OPEN):
        return "withheld"
    return "held" if one.tier == SOFT and state == OPEN else ""


def _is_decided_again(row: store.LedgerRow, moved: Moved) -> bool:
    return row.kind in DECIDED_KINDS and row.ride_id in moved


def _decided_again(ledger: Ledger, moved: Moved) -> list[dict[str, Any]]:
    """What people's decisions would take from these rides, or give."""
    lines: dict[str, list[store.LedgerRow]] = {}
    for line in ledger.lines.values():
        lines.setdefault(line.ride_id, []).append(store.LedgerRow(**line.told))
    told = []
    for ride_id, findings in moved.items():
        of = lines.get(ride_id, [])
        if of:
            changes = changes_due(of, findings, of[0].user_id, ledger.rules[of[0].campaign_id])
            told += [_change(user_id, amount) for user_id, amount in changes.items()]
    return told


def _change(user_id: int, amount: Amount) -> dict[str, Any]:
    return {
        "user_id": user_id,
        "millipoints": amount.millipoints,
        "verified_millipoints": amount.verified,
    }


# --- sums ------------------------------------------------------------------------------------------


def _told(row: store.LedgerRow) -> dict[str, Any]:
    names = ("user_id", "millipoints", "verified_millipoints")
    return {name: getattr(row, name) for name in names}


def _fold(lines: Sequence[Mapping[str, Any]]) -> dict[int, tuple[int, int]]:
    """(points, verified points) by rider."""
    sums: dict[int, tuple[int, int]] = {}
    for line in lines:
        points, verified = sums.get(line["user_id"], (0, 0))
        sums[line["user_id"]] = points + line["millipoints"], verified + line["verified_millipoints"]
    return sums
