"""Other rules on the same history: who would have gained and who would have lost, before anybody decides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from transitmap import store
from transitmap.archive import Archive, unpack_ride
from transitmap.config import Config
from transitmap.examined import bench
from transitmap.keys import segment_key
from transitmap.model import Rules
from transitmap.points.rules import load_rules
from transitmap.replay import BY_PEOPLE, Ledger, pay_again
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

    The rides are those that were understood, in their order and on their days; missions, findings and what
    people decided are left as they were. Nobody would have ridden otherwise: what riders would do under
    other rules no history tells. Changes nothing. Riders who opted out of boards are there, by number.
    """
    rows = store.rides_after(session)
    recorded = store.ledger_rows(session)
    rides = {row.id: unpack_ride(archive.get(row.packed_sha256)) for row in rows if row.packed_sha256}
    looked_at = bench(session, rows, rides, segment_key(session, archive))
    campaigns = store.all_campaigns(session)
    own = rules if campaign_id == store.OWN_CAMPAIGN else load_rules()
    paid_by = rules_of(campaigns, own) | {campaign_id: rules}
    ledger = Ledger(campaigns, paid_by, {row.key: row for row in recorded}, looked_at)
    ledger.ties = store.ties(session)
    pay_again(session, archive, rows, rides, config, ledger)
    by_people = [row for row in recorded if row.kind in BY_PEOPLE]
    after = _fold([line.told for line in ledger.lines.values()] + [_told(row) for row in by_people])
    before = _fold([_told(row) for row in recorded])
    names = {user.id: "" if user.is_hidden else user.name for user in store.users(session)}
    changes = [
        Change(who, names.get(who, ""), before.get(who, (0, 0))[0], after.get(who, (0, 0))[0],
               before.get(who, (0, 0))[1], after.get(who, (0, 0))[1])
        for who in before.keys() | after.keys()
    ]  # fmt: skip
    return tuple(sorted(changes, key=lambda one: (one.before - one.after, one.user_id)))


def _told(row: store.LedgerRow) -> dict[str, int]:
    names = ("user_id", "millipoints", "verified_millipoints")
    return {name: getattr(row, name) for name in names}


def _fold(lines: list[dict[str, int]]) -> dict[int, tuple[int, int]]:
    """(points, verified points) by rider."""
    sums: dict[int, tuple[int, int]] = {}
    for line in lines:
        points, verified = sums.get(line["user_id"], (0, 0))
        sums[line["user_id"]] = points + line["millipoints"], verified + line["verified_millipoints"]
    return sums
