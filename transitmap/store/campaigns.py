"""Campaigns as rows: made, changed while a draft, taken a step further; and what counts in one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from transitmap.store.feed_versions import fact, set_fact
from transitmap.store.findings import is_told
from transitmap.store.opening import try_add
from transitmap.store.points import stands
from transitmap.store.tables import LedgerRow, RideRow, Sum
from transitmap.store.tables_game import (
    Appeal,
    Campaign,
    FindingRow,
    Member,
    Payout,
    Settlement,
)


def add_campaign(session: Session, settings: Mapping[str, Any], now_s: float) -> Campaign | None:
    """A draft with these columns; None where another campaign has its address."""
    campaign = Campaign(state="draft", made_s=now_s, **settings)
    return campaign if try_add(session, campaign) else None


def change_campaign(session: Session, campaign: Campaign, columns: Mapping[str, Any]) -> bool:
    """Sets columns of a campaign; False, and nothing changed, where another one has its address."""
    slug = columns.get("slug", campaign.slug)
    other = sa.select(Campaign.id).where(Campaign.slug == slug, Campaign.id != campaign.id)
    if session.scalar(other) is not None:
        return False
    for name, value in columns.items():
        setattr(campaign, name, value)
    session.flush()
    return True


def all_campaigns(session: Session) -> list[Campaign]:
    """All campaigns, the installation's own first, then by when rides begin to count, the latest first."""
    found = list(session.scalars(sa.select(Campaign).order_by(Campaign.id)))
    return found[:1] + sorted(found[1:], key=lambda one: (-(one.opens_s or 0.0), one.id))


def campaign_by_slug(session: Session, slug: str) -> Campaign | None:
    """The campaign at an address."""
    return session.scalar(sa.select(Campaign).where(Campaign.slug == slug))


def refreshed_campaign(session: Session, campaign_id: int) -> Campaign:
    """A campaign as it is in the database now. Call it under `lock_ledger` to decide by it."""
    return session.get_one(Campaign, campaign_id, populate_existing=True)


def sums_of_campaign(session: Session, campaign_id: int) -> list[tuple[int, int, int, int]]:
    """(rider, millipoints, verified millipoints, rides) of everybody with a ride or a point in a campaign."""
    counts = stands(Sum.millipoints, Sum.verified_millipoints, Sum.n_rides)
    question = (
        sa.select(Sum.user_id, Sum.millipoints, Sum.verified_millipoints, Sum.n_rides)
        .where(Sum.campaign_id == campaign_id, Sum.period == 0, counts)
        .order_by(Sum.user_id)
    )
    return [(user_id, points, verified, n) for user_id, points, verified, n in session.execute(question)]


def size_of_campaign(session: Session, campaign_id: int) -> tuple[int, int]:
    """How many people `sums_of_campaign` has, and their rides."""
    counts = stands(Sum.millipoints, Sum.verified_millipoints, Sum.n_rides)
    n_rides = sa.func.coalesce(sa.func.sum(Sum.n_rides), 0)
    question = sa.select(sa.func.count(Sum.user_id), n_rides).where(
        Sum.campaign_id == campaign_id, Sum.period == 0, counts
    )
    n_riders, n = session.execute(question).one()
    return n_riders, int(n)


LEDGER_PARTS = "ledger_parts"
Part = tuple[int, int, int]
"""The first line of a campaign, the last one, and how many it has."""


@dataclass(frozen=True)
class LedgerPart:
    """Which lines of the ledger are a campaign's, and the seal over all lines so far."""

    first_sequence: int
    last_sequence: int
    n_lines: int
    head_sequence: int
    head_sha256: str


def ledger_part(session: Session, campaign_id: int) -> LedgerPart:
    """The lines of a campaign, as numbers; 0 and an empty seal where there are none."""
    through, parts = _noted_parts(session)
    for one, first, last, n in session.execute(
        _lines_after(through).where(LedgerRow.campaign_id == campaign_id)
    ):
        parts[one] = _joined(parts.get(one), (first, last, n))
    newest = sa.select(LedgerRow.sequence, LedgerRow.sha256).order_by(LedgerRow.sequence.desc()).limit(1)
    head = session.execute(newest).first()
    return LedgerPart(*parts.get(campaign_id, (0, 0, 0)), *(head or (0, "")))


def note_ledger_parts(session: Session) -> None:
    """Notes which lines are whose by now: none ever goes, so nobody need count them again.

    Call it under `lock_ledger`.
    """
    through, parts = _noted_parts(session)
    for campaign_id, first, last, n in session.execute(_lines_after(through)):
        parts[campaign_id] = _joined(parts.get(campaign_id), (first, last, n))
        through = max(through, last)
    noted = {"through": through, "parts": [[one, *part] for one, part in sorted(parts.items())]}
    set_fact(session, LEDGER_PARTS, json.dumps(noted))


def _lines_after(sequence: int) -> sa.Select[int, int, int, int]:
    """The first and the last line of each campaign behind a place in the ledger, and how many."""
    line = LedgerRow.sequence
    columns = LedgerRow.campaign_id, sa.func.min(line), sa.func.max(line), sa.func.count(line)
    return sa.select(*columns).where(line > sequence).group_by(LedgerRow.campaign_id)


def _noted_parts(session: Session) -> tuple[int, dict[int, Part]]:
    """Until which line the ledger was counted, and each campaign's first, last and number by then."""
    noted = json.loads(fact(session, LEDGER_PARTS) or '{"through": 0, "parts": []}')
    return noted["through"], {one: (first, last, n) for one, first, last, n in noted["parts"]}


def _joined(before: Part | None, more: Part) -> Part:
    return (before[0], more[1], before[2] + more[2]) if before else more


def steps_of(session: Session, campaign_id: int) -> list[LedgerRow]:
    """The lines that say who opened, froze and closed a campaign, as far as somebody did."""
    keys = [f"campaign:{campaign_id}:{step}" for step in ("open", "freeze", "close")]
    question = sa.select(LedgerRow).where(LedgerRow.key.in_(keys))
    return list(session.scalars(question.order_by(LedgerRow.sequence)))


def corrections_of(session: Session, campaign_id: int) -> list[LedgerRow]:
    """The lines by which people gave points of a closed campaign or took them after its end; none before."""
    closed = sa.select(LedgerRow.sequence).where(LedgerRow.key == f"campaign:{campaign_id}:close")
    changes = sa.or_(LedgerRow.millipoints != 0, LedgerRow.verified_millipoints != 0)
    question = sa.select(LedgerRow).where(
        LedgerRow.campaign_id == campaign_id, LedgerRow.sequence > closed.scalar_subquery(), changes
    )
    return list(session.scalars(question.order_by(LedgerRow.sequence)))


@dataclass(frozen=True)
class Counted:
    """A ride that counts in some campaign: nothing of where it went."""

    ride_id: str
    sequence: int
    user_id: int
    started_s: float
    distance_m: float


def counted_rides(session: Session, campaign_id: int | None = None) -> list[Counted]:
    """The rides of a campaign in their order, or of all; rides of people who were erased are none.

    A ride is a campaign's where a line of the ledger says so, be it of 0 points. Rides with a hard finding
    that no reviewer dismissed, or any that one upheld, are left out: nobody may say that they were ridden.
    """
    columns = RideRow.id, RideRow.sequence, RideRow.user_id, RideRow.started_s, RideRow.distance_m
    is_hard = sa.and_(FindingRow.tier == "hard", FindingRow.state != "dismissed")
    withheld = sa.select(FindingRow.ride_id).where(sa.or_(is_hard, FindingRow.state == "upheld"))
    question = sa.select(*columns).where(RideRow.packed_sha256 != "", RideRow.id.not_in(withheld))
    if campaign_id is not None:
        question = question.where(RideRow.id.in_(_rides_of(campaign_id)))
    return [Counted(*row) for row in session.execute(question.order_by(RideRow.sequence))]


def _rides_of(campaign_id: int) -> sa.Select[Any]:
    """The ids of all rides with a line in a campaign."""
    return (
        sa.select(LedgerRow.ride_id)
        .where(LedgerRow.campaign_id == campaign_id, LedgerRow.ride_id.is_not(None))
        .distinct()
    )


def _is_of(ride_id: Any, campaign_id: int) -> sa.ColumnElement[bool]:
    """Whether one ride has a line in a campaign: by the few lines of that ride, for some rides of many."""
    return sa.exists().where(LedgerRow.ride_id == ride_id, LedgerRow.campaign_id == campaign_id)


def n_open_appeals(session: Session, campaign_id: int, until_s: float) -> int:
    """Riders who by then asked for a second look at a ride of a campaign and have no answer yet."""
    question = sa.select(sa.func.count(Appeal.id)).where(
        Appeal.state == "open", Appeal.made_s <= until_s, _is_of(Appeal.ride_id, campaign_id)
    )
    return session.scalar(question) or 0


def n_open_findings(session: Session, campaign_id: int) -> int:
    """Findings about rides of a campaign that nobody reviewed yet, without those noted in shadow."""
    question = sa.select(sa.func.count(FindingRow.id)).where(
        FindingRow.state == "open", is_told(), _is_of(FindingRow.ride_id, campaign_id)
    )
    return session.scalar(question) or 0


def n_unsettled_rides(session: Session, campaign_id: int) -> int:
    """Rides of a campaign that came after the last time at which confirmed knowledge was paid."""
    last = session.scalar(sa.select(sa.func.max(Settlement.through_sequence))) or 0
    return session.scalar(_unsettled(campaign_id, last)) or 0


def _unsettled(campaign_id: int, last: int) -> sa.Select[int]:
    rides = sa.select(sa.func.count(RideRow.id))
    return rides.where(RideRow.sequence > last, _is_of(RideRow.id, campaign_id))


def last_settlement(session: Session) -> Settlement | None:
    """The last time at which confirmed knowledge was paid; None before the first."""
    return session.scalar(sa.select(Settlement).order_by(Settlement.number.desc()).limit(1))


def payout_centavos(session: Session, campaign_id: int) -> dict[str, int]:
    """The prizes that were decided for a campaign, summed by state."""
    question = (
        sa.select(Payout.state, sa.func.sum(Payout.amount_centavos))
        .where(Payout.campaign_id == campaign_id)
        .group_by(Payout.state)
        .order_by(Payout.state)
    )
    return {state: int(centavos) for state, centavos in session.execute(question)}


def points_of_rides(session: Session, campaign_id: int) -> dict[str, tuple[int, int]]:
    """What the lines of each ride in a campaign add up to, and how much of it counts for prizes."""
    sums = sa.func.sum(LedgerRow.millipoints), sa.func.sum(LedgerRow.verified_millipoints)
    question = (
        sa.select(LedgerRow.ride_id, *sums)
        .where(LedgerRow.campaign_id == campaign_id, LedgerRow.ride_id.is_not(None))
        .group_by(LedgerRow.ride_id)
    )
    return {str(one): (int(points), int(verified)) for one, points, verified in session.execute(question)}


def n_teams(session: Session, campaign_id: int) -> int:
    """Teams of a campaign with a member."""
    question = sa.select(sa.func.count(sa.distinct(Member.team_id))).where(
        Member.campaign_id == campaign_id, Member.state == "member"
    )
    return session.scalar(question) or 0


def rules_by_version(session: Session, version: str, but_slug: str = "") -> Sequence[str]:
    """The different rules that campaigns, all but one, have under a version."""
    question = sa.select(Campaign.rules_toml).where(
        Campaign.rules_version == version, Campaign.rules_toml != "", Campaign.slug != but_slug
    )
    return sorted(set(session.scalars(question)))
