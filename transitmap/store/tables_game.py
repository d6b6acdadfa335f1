"""The tables of the game: campaigns, settlements, teams, missions, suspicion, reviews, rules, prizes."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from transitmap.store.tables import Base

CAMPAIGN_STATES = ("draft", "open", "frozen", "closed")
OWN_CAMPAIGN = 1
"""The installation's own campaign: always open, for all places, without prizes."""
ALL_CAMPAIGNS = 0
"""Where sums of all campaigns together are kept; no campaign has this number."""


class Campaign(Base):
    """A game of its own: where and when rides count in it, by which rules, for which prizes.

    `area` is "south,west,north,east" in degrees, or empty for everywhere; `opens_s <= start of a ride <
    closes_s`. Rules and prizes are TOML; empty rules are the published ones. From `open` on neither changes.
    """

    __tablename__ = "campaigns"
    __table_args__ = (sa.CheckConstraint(f"state IN {CAMPAIGN_STATES!r}", name="state"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(sa.String(64), unique=True)
    name_es: Mapped[str] = mapped_column(sa.String(200))
    name_en: Mapped[str] = mapped_column(sa.String(200))
    area: Mapped[str] = mapped_column(sa.String(120), default="")
    opens_s: Mapped[float | None] = mapped_column(default=None)
    closes_s: Mapped[float | None] = mapped_column(default=None)
    locale: Mapped[str] = mapped_column(sa.String(16), default="es_MX")
    currency: Mapped[str] = mapped_column(sa.String(3), default="MXN")
    budget_centavos: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    rules_version: Mapped[str] = mapped_column(sa.String(64), default="")
    rules_toml: Mapped[str] = mapped_column(sa.Text, default="")
    prizes_toml: Mapped[str] = mapped_column(sa.Text, default="")
    state: Mapped[str] = mapped_column(sa.String(16), default="draft")
    made_s: Mapped[float]
    opened_s: Mapped[float | None] = mapped_column(default=None)
    frozen_s: Mapped[float | None] = mapped_column(default=None)
    closed_s: Mapped[float | None] = mapped_column(default=None)
    snapshot_sha256: Mapped[str] = mapped_column(sa.String(64), default="")
    signature: Mapped[str] = mapped_column(sa.String(200), default="")


class Settlement(Base):
    """One time at which confirmed knowledge was paid: which rides and decisions it knew of.

    `inputs` is what people had decided by then, and no ride tells: who is `staff`, which accounts are
    `linked`, which rides are `withheld` or `held` for a reviewer; and where the lines of the `official` feed
    are kept, if there was one.
    """

    __tablename__ = "settlements"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    network_version: Mapped[str] = mapped_column(sa.String(32))
    through_sequence: Mapped[int]
    through_decision: Mapped[int]
    made_s: Mapped[float]
    n_lines: Mapped[int]
    inputs: Mapped[dict[str, Any]]


class Share(Base):
    """How much of what a ride is worth is confirmed so far, in whole thousandths; it never falls."""

    __tablename__ = "shares"
    __table_args__ = {"sqlite_with_rowid": False}

    ride_id: Mapped[str] = mapped_column(sa.ForeignKey("rides.id"), primary_key=True)
    permille: Mapped[int]


class Team(Base):
    """Riders who play together in one campaign."""

    __tablename__ = "teams"
    __table_args__ = (sa.UniqueConstraint("campaign_id", "name_key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(sa.ForeignKey("campaigns.id"))
    name: Mapped[str] = mapped_column(sa.String(80))
    name_key: Mapped[str] = mapped_column(sa.String(160))
    made_by: Mapped[int] = mapped_column(sa.ForeignKey("users.id"))
    made_s: Mapped[float]


class Member(Base):
    """One rider's team in a campaign; points count for it from `since_s` on. `state`: requested or member.

    What the rider had by then is noted: in the campaign, and in that `week` (its Monday as a day).
    """

    __tablename__ = "members"
    __table_args__ = (sa.Index("ix_members_team_id", "team_id"),)

    campaign_id: Mapped[int] = mapped_column(sa.ForeignKey("campaigns.id"), primary_key=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    team_id: Mapped[int] = mapped_column(sa.ForeignKey("teams.id", ondelete="CASCADE"))
    state: Mapped[str] = mapped_column(sa.String(16))
    since_s: Mapped[float]
    before_millipoints: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    before_verified_millipoints: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    week: Mapped[int] = mapped_column(default=0)
    week_millipoints: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    week_verified_millipoints: Mapped[int] = mapped_column(sa.BigInteger, default=0)


class TeamSum(Base):
    """What a team has in a period (see Sum): what its members earned in it since each joined.

    Kept with every line of the ledger, and with every member who leaves. A team without a row has nothing.
    """

    __tablename__ = "team_sums"
    __table_args__ = {"sqlite_with_rowid": False}

    team_id: Mapped[int] = mapped_column(sa.ForeignKey("teams.id", ondelete="CASCADE"), primary_key=True)
    period: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    millipoints: Mapped[int] = mapped_column(sa.BigInteger)
    verified_millipoints: Mapped[int] = mapped_column(sa.BigInteger)


class Mission(Base):
    """Something the map lacks: a route in a direction at a part of the day, `n_needed` rides of it.

    The place is where such a ride begins. `is_check` marks one on a route that does not exist. `state`: open,
    done or closed.
    """

    __tablename__ = "missions"
    __table_args__ = (sa.Index("ix_missions_state", "state", "campaign_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(sa.ForeignKey("campaigns.id"))
    route_id: Mapped[str] = mapped_column(sa.String(64))
    direction_id: Mapped[int]
    day_part: Mapped[str] = mapped_column(sa.String(16))
    lat_deg: Mapped[float]
    lon_deg: Mapped[float]
    n_needed: Mapped[int]
    bonus_permille: Mapped[int]
    is_check: Mapped[bool] = mapped_column(default=False)
    made_s: Mapped[float]
    closes_s: Mapped[float | None] = mapped_column(default=None)
    state: Mapped[str] = mapped_column(sa.String(16), default="open")
    evidence: Mapped[dict[str, Any]] = mapped_column(default=dict)


class Reservation(Base):
    """A rider means to ride a mission between two moments. `state`: held, done or left."""

    __tablename__ = "reservations"
    __table_args__ = (sa.Index("ix_reservations_mission_id", "mission_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    mission_id: Mapped[int] = mapped_column(sa.ForeignKey("missions.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)
    from_s: Mapped[float]
    until_s: Mapped[float]
    state: Mapped[str] = mapped_column(sa.String(16), default="held")


class Adoption(Base):
    """A rider looks after a route: keeps what is known of it fresh."""

    __tablename__ = "adoptions"

    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    route_id: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    since_s: Mapped[float]


class Mark(Base):
    """Where to look for copies: rides that share a band are alike. Keyed hashes, they tell no place."""

    __tablename__ = "marks"
    __table_args__ = (sa.Index("ix_marks_ride_id", "ride_id"), {"sqlite_with_rowid": False})

    band: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    ride_id: Mapped[str] = mapped_column(sa.ForeignKey("rides.id"), primary_key=True)


class FindingRow(Base):
    """What is odd about a ride. `tier` is hard, soft or shadow, `state` open, upheld or dismissed."""

    __tablename__ = "findings"
    __table_args__ = (sa.UniqueConstraint("ride_id", "code"), sa.Index("ix_findings_state", "state"))

    id: Mapped[int] = mapped_column(primary_key=True)
    ride_id: Mapped[str] = mapped_column(sa.ForeignKey("rides.id"))
    code: Mapped[str] = mapped_column(sa.String(32))
    tier: Mapped[str] = mapped_column(sa.String(8))
    score: Mapped[float]
    evidence: Mapped[dict[str, Any]]
    other_ride_id: Mapped[str] = mapped_column(sa.String(48), default="")
    made_s: Mapped[float]
    state: Mapped[str] = mapped_column(sa.String(16), default="open")


class Tie(Base):
    """From ride number `from_sequence` on an account is tied to another one whose ride it sent, or no longer.

    Both ways they are one person's. A difference to what was noted before: no row is changed, so a replay
    knows what held at each ride.
    """

    __tablename__ = "ties"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id"), index=True)
    other_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id"))
    is_one: Mapped[bool]
    from_sequence: Mapped[int]
    made_s: Mapped[float]


class Decision(Base):
    """What a person decided about a finding, a ride, an appeal, a payout or a campaign. Never changed."""

    __tablename__ = "decisions"
    __table_args__ = (sa.Index("ix_decisions_subject", "subject_kind", "subject_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    subject_kind: Mapped[str] = mapped_column(sa.String(16))
    subject_id: Mapped[str] = mapped_column(sa.String(64))
    verdict: Mapped[str] = mapped_column(sa.String(16))
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id"), index=True)
    reason: Mapped[str] = mapped_column(sa.String(64), default="")
    note: Mapped[str] = mapped_column(sa.Text, default="")
    made_s: Mapped[float]


class Appeal(Base):
    """A rider asks for a second look at a ride. `state`: open, accepted or refused."""

    __tablename__ = "appeals"
    __table_args__ = (sa.Index("ix_appeals_state", "state"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id"), index=True)
    ride_id: Mapped[str] = mapped_column(sa.ForeignKey("rides.id"))
    text: Mapped[str] = mapped_column(sa.Text)
    made_s: Mapped[float]
    state: Mapped[str] = mapped_column(sa.String(16), default="open")


class Proposal(Base):
    """Other rules, for riders to read, to try on history and to vote on. `preview` is who gains and loses."""

    __tablename__ = "proposals"

    id: Mapped[int] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(sa.ForeignKey("campaigns.id"))
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id"))
    rules_version: Mapped[str] = mapped_column(sa.String(64))
    rules_toml: Mapped[str] = mapped_column(sa.Text)
    note: Mapped[str] = mapped_column(sa.Text, default="")
    preview: Mapped[dict[str, Any]] = mapped_column(default=dict)
    made_s: Mapped[float]
    state: Mapped[str] = mapped_column(sa.String(16), default="open")


class Comment(Base):
    """What somebody says of a proposal."""

    __tablename__ = "comments"
    __table_args__ = (sa.Index("ix_comments_proposal_id", "proposal_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    proposal_id: Mapped[int] = mapped_column(sa.ForeignKey("proposals.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id"))
    text: Mapped[str] = mapped_column(sa.Text)
    made_s: Mapped[float]
    is_hidden: Mapped[bool] = mapped_column(default=False)


class Vote(Base):
    """One rider's vote on a proposal: -1, 0 or 1."""

    __tablename__ = "votes"

    proposal_id: Mapped[int] = mapped_column(
        sa.ForeignKey("proposals.id", ondelete="CASCADE"), primary_key=True
    )
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    vote: Mapped[int]
    made_s: Mapped[float]


class Check(Base):
    """A question whose answer is known: who agrees with it says the truth."""

    __tablename__ = "checks"

    id: Mapped[int] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(sa.ForeignKey("campaigns.id"))
    kind: Mapped[str] = mapped_column(sa.String(16))
    route_id: Mapped[str] = mapped_column(sa.String(64), default="")
    stop_id: Mapped[str] = mapped_column(sa.String(64), default="")
    answer: Mapped[str] = mapped_column(sa.String(200))
    made_s: Mapped[float]


class Payout(Base):
    """A prize for somebody. `state`: held, approved (by two people), paid or refused."""

    __tablename__ = "payouts"
    __table_args__ = (sa.UniqueConstraint("campaign_id", "user_id", "award"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(sa.ForeignKey("campaigns.id"))
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id"))
    award: Mapped[str] = mapped_column(sa.String(64))
    amount_centavos: Mapped[int] = mapped_column(sa.BigInteger)
    state: Mapped[str] = mapped_column(sa.String(16), default="held")
    hold_until_s: Mapped[float]
    evidence: Mapped[dict[str, Any]] = mapped_column(default=dict)
