"""The tables: who, when, state and ledger. Positions never come here."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

ROLES = ("rider", "reviewer", "planner", "organiser")
RECEIVED, UNDERSTOOD, REFUSED = UPLOAD_STATES = ("received", "understood", "refused")
NO_NETWORK = ""
"""The network version of rides that came before the first feed."""


class Base(DeclarativeBase):
    """The tables, with names for every constraint so that migrations can speak of them."""

    metadata = sa.MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {
        float: sa.Double(),
        dict[str, Any]: sa.JSON(),
        list[Any]: sa.JSON(),
    }


class User(Base):
    """A pseudonym. `name_key` is what makes two names the same: case and width do not count.

    `trim_m` is how much of a ride's ends this rider leaves out; None is what the installation does.
    `prize_consent` names the words agreed to for taking part in prizes, empty where they were not. Of
    somebody who was erased (`erased_s`) the row alone is left, under a name that says nobody. `turn` grows
    with each upload that the worker took of anybody: whose is lowest is next.
    """

    __tablename__ = "users"
    __table_args__ = (sa.CheckConstraint(f"role IN {ROLES!r}", name="role"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(80))
    name_key: Mapped[str] = mapped_column(sa.String(160), unique=True)
    password_hash: Mapped[str] = mapped_column(sa.String(255), default="")
    role: Mapped[str] = mapped_column(sa.String(16), default="rider")
    is_hidden: Mapped[bool] = mapped_column(default=False, index=True)
    locale: Mapped[str] = mapped_column(sa.String(16), default="es_MX")
    trim_m: Mapped[float | None] = mapped_column(default=None)
    prize_consent: Mapped[str] = mapped_column(sa.String(32), default="")
    erased_s: Mapped[float | None] = mapped_column(default=None)
    turn: Mapped[int] = mapped_column(default=0, index=True)
    created_s: Mapped[float]


class Login(Base):
    """One browser where somebody is logged in: a cookie without its row opens nothing."""

    __tablename__ = "logins"

    id_sha256: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)
    opened_s: Mapped[float]


class Token(Base):
    """A write-only key of one device: only its hash is kept.

    `app` is the program the key was made for. What came with it is counted for its owner: messages, fixes
    in them, those left out by reason, and when the last came (`heard_s`). `consent` names the words that
    were beside the button that made the key.
    """

    __tablename__ = "tokens"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)
    token_sha256: Mapped[str] = mapped_column(sa.String(64), unique=True)
    name: Mapped[str] = mapped_column(sa.String(80))
    created_s: Mapped[float]
    revoked_s: Mapped[float | None] = mapped_column(default=None)
    last_used_s: Mapped[float | None] = mapped_column(default=None)
    app: Mapped[str] = mapped_column(sa.String(20), default="")
    heard_s: Mapped[float | None] = mapped_column(default=None)
    n_messages: Mapped[int] = mapped_column(default=0)
    n_fixes: Mapped[int] = mapped_column(default=0)
    dropped: Mapped[dict[str, Any]] = mapped_column(default=dict)
    consent: Mapped[str] = mapped_column(sa.String(32), default="")


class MessageRow(Base):
    """One request of a live phone as it came, waiting to become part of a ride.

    The same request again is this one. Once its ride is an upload (`upload_id`) the bytes are there and
    `packed` is empty; the row stays for a while, to know a repetition. `n_bytes` is the length of its body.
    `is_finish`: it says that a trip is over. The span is that of its fixes, and of its marks.
    """

    __tablename__ = "messages"
    __table_args__ = (
        sa.UniqueConstraint("token_id", "sha256"),
        sa.Index("ix_messages_waiting", "upload_id", "token_id", "received_s"),
        sa.Index(
            "ix_messages_finish",
            "upload_id",
            "received_s",
            sqlite_where=sa.text("is_finish = 1"),
            postgresql_where=sa.text("is_finish"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    token_id: Mapped[int] = mapped_column(sa.ForeignKey("tokens.id", ondelete="CASCADE"))
    sha256: Mapped[str] = mapped_column(sa.String(64))
    received_s: Mapped[float] = mapped_column(index=True)
    dialect: Mapped[str] = mapped_column(sa.String(16))
    n_bytes: Mapped[int] = mapped_column(default=0)
    n_fixes: Mapped[int]
    first_fix_s: Mapped[float | None] = mapped_column(default=None)
    last_fix_s: Mapped[float | None] = mapped_column(default=None)
    is_finish: Mapped[bool] = mapped_column(default=False)
    packed: Mapped[bytes]
    upload_id: Mapped[str] = mapped_column(sa.String(32), default="")


class Bucket(Base):
    """A rate limit's bucket: `level` tokens were in it at `updated_s`."""

    __tablename__ = "buckets"

    key: Mapped[str] = mapped_column(sa.String(96), primary_key=True)
    level: Mapped[float]
    updated_s: Mapped[float]


class Usage(Base):
    """What one rider sent on one day (UTC, days since 1970-01-01): what quotas are compared with."""

    __tablename__ = "usage"

    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    day: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    n_uploads: Mapped[int] = mapped_column(default=0)
    n_messages: Mapped[int] = mapped_column(default=0)
    n_bytes: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    n_fixes: Mapped[int] = mapped_column(sa.BigInteger, default=0)


class Upload(Base):
    """Bytes somebody sent. `state` is received, understood or refused; `detail` says why, for the rider.

    `kind` is `file`, or `live` for what a phone sent message by message (by device `token_id`). Members of an
    archive are uploads of their own, `parent_id` is the archive's. `refused` are the traces in it that gave
    no ride: name, reason, detail. `trim_m` is what was chosen for its ends, None what holds for the
    installation. Whoever works on it (`holder`) holds it until `lease_until_s`; `attempts` counts those who
    began.

    The same bytes are one upload a rider, and one rider's upload: only refused ones, which earned
    nothing, may come from several people (everybody's empty file has the same bytes).
    """

    __tablename__ = "uploads"
    __table_args__ = (
        sa.UniqueConstraint("user_id", "sha256"),
        sa.CheckConstraint(f"state IN {UPLOAD_STATES!r}", name="state"),
        sa.Index(
            "uq_uploads_contributed",
            "sha256",
            unique=True,
            sqlite_where=sa.text("state <> 'refused'"),
            postgresql_where=sa.text("state <> 'refused'"),
        ),
    )

    id: Mapped[str] = mapped_column(sa.String(32), primary_key=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id"), index=True)
    sha256: Mapped[str] = mapped_column(sa.String(64), index=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    n_bytes: Mapped[int]
    received_s: Mapped[float] = mapped_column(index=True)
    state: Mapped[str] = mapped_column(sa.String(16), default=RECEIVED, index=True)
    reason: Mapped[str] = mapped_column(sa.String(64), default="")
    detail: Mapped[str] = mapped_column(sa.Text, default="")
    consent: Mapped[str] = mapped_column(sa.String(32), default="")
    kind: Mapped[str] = mapped_column(sa.String(8), default="file")
    parent_id: Mapped[str] = mapped_column(sa.String(32), default="", index=True)
    token_id: Mapped[int | None] = mapped_column(default=None)
    trim_m: Mapped[float | None] = mapped_column(default=None)
    refused: Mapped[list[Any]] = mapped_column(default=list)
    lease_until_s: Mapped[float | None] = mapped_column(default=None)
    attempts: Mapped[int] = mapped_column(default=0)
    holder: Mapped[str] = mapped_column(sa.String(128), default="")


class RideRow(Base):
    """One ride of an upload: what was kept and what it was recognised as. Its fixes are in the archive.

    `sequence` is the order in which rides were understood, without gaps: the order of scoring.
    `stretch` names the calls between which the rider was on board (see `terrain`). `late_sha256` are the
    marks that came after it was understood, empty where there are none.
    """

    __tablename__ = "rides"
    __table_args__ = (
        sa.UniqueConstraint("upload_id", "ordinal"),
        sa.Index("ix_rides_user_id_route_id", "user_id", "route_id"),
    )

    sequence: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    id: Mapped[str] = mapped_column(sa.String(48), unique=True)
    upload_id: Mapped[str] = mapped_column(sa.ForeignKey("uploads.id"), index=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id"), index=True)
    ordinal: Mapped[int]
    name: Mapped[str] = mapped_column(sa.String(240))
    label: Mapped[str] = mapped_column(sa.String(200), default="")
    n_fixes: Mapped[int]
    dropped: Mapped[dict[str, Any]]
    warnings: Mapped[list[Any]]
    mode: Mapped[str] = mapped_column(sa.String(16))
    reason: Mapped[str] = mapped_column(sa.String(64), default="")
    network_version: Mapped[str] = mapped_column(sa.String(32), default=NO_NETWORK)
    route_id: Mapped[str] = mapped_column(sa.String(64), default="")
    route_name: Mapped[str] = mapped_column(sa.String(200), default="")
    direction_id: Mapped[int | None] = mapped_column(default=None)
    pattern_id: Mapped[str] = mapped_column(sa.String(64), default="")
    stretch: Mapped[dict[str, Any]]
    confidence: Mapped[float] = mapped_column(default=0.0)
    started_s: Mapped[float]
    ended_s: Mapped[float | None] = mapped_column(default=None)
    flagged: Mapped[dict[str, Any]] = mapped_column(default=dict)
    distance_m: Mapped[float]
    packed_sha256: Mapped[str] = mapped_column(sa.String(64))
    late_sha256: Mapped[str] = mapped_column(sa.String(64), default="")


class FeedVersion(Base):
    """One published feed: the blobs it consists of, and the ids that the next one carries on.

    `network_sha256` is what everybody may see, `known_sha256` everything the rides showed (see `terrain`):
    what new rides are compared with, and never handed out. `changes_sha256` is what changed since the one
    before (empty where there is none), `change_counts` how much of it by kind and what happened. Where an
    earlier feed was brought back, `restores` is its id; `note` says why. A version without `feed_sha256` says
    that nothing is published any more, or was taken back then (see `erasure.withdraw_feeds`).
    """

    __tablename__ = "feed_versions"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    id: Mapped[str] = mapped_column(sa.String(32), unique=True)
    made_s: Mapped[float]
    feed_sha256: Mapped[str] = mapped_column(sa.String(64))
    network_sha256: Mapped[str] = mapped_column(sa.String(64))
    evidence_sha256: Mapped[str] = mapped_column(sa.String(64))
    known_sha256: Mapped[str] = mapped_column(sa.String(64), default="")
    ids: Mapped[dict[str, Any]]
    rules_version: Mapped[str] = mapped_column(sa.String(64))
    n_rides: Mapped[int]
    notices: Mapped[list[Any]]
    change_counts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    changes_sha256: Mapped[str] = mapped_column(sa.String(64), default="")
    restores: Mapped[str] = mapped_column(sa.String(32), default="")
    note: Mapped[str] = mapped_column(sa.Text, default="")

    @property
    def is_withdrawn(self) -> bool:
        """Whether there is no feed to hand out."""
        return not self.feed_sha256


class FeedRefusal(Base):
    """A feed that was made of so many rides and not published, with all that was found in it."""

    __tablename__ = "feed_refusals"

    rules_version: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    n_rides: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    made_s: Mapped[float]
    notices: Mapped[list[Any]]


class LedgerRow(Base):
    """One line of the ledger. Never changed, never deleted (triggers refuse both); a correction is a new row.

    `millipoints` are whole thousandths of a point, so that a sum has one value in any order; of them
    `verified_millipoints` count where money is paid. `key` names what the line is for, and no two lines are
    for the same. `kind` is award, confirmation, reversal, release, decision, review, label or mission. A line
    that is about no ride has none. `day` is that of `created_s` on the city's clock, since 1970-01-01.
    `network_version` is a FeedVersion.id, or NO_NETWORK. `sha256` seals the line and all before it
    (`transitmap.chain`).
    """

    __tablename__ = "ledger"
    __table_args__ = (sa.Index("ix_ledger_user_id_day", "user_id", "day"),)

    sequence: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    key: Mapped[str] = mapped_column(sa.String(160), unique=True)
    campaign_id: Mapped[int] = mapped_column(default=1)
    kind: Mapped[str] = mapped_column(sa.String(16), default="award")
    ride_id: Mapped[str | None] = mapped_column(sa.ForeignKey("rides.id"), index=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id"))
    rule: Mapped[str] = mapped_column(sa.String(32))
    millipoints: Mapped[int] = mapped_column(sa.BigInteger)
    verified_millipoints: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    rules_version: Mapped[str] = mapped_column(sa.String(64))
    network_version: Mapped[str] = mapped_column(sa.String(32))
    evidence: Mapped[dict[str, Any]]
    text_es: Mapped[str] = mapped_column(sa.Text)
    text_en: Mapped[str] = mapped_column(sa.Text)
    created_s: Mapped[float] = mapped_column(index=True)
    day: Mapped[int]
    sha256: Mapped[str] = mapped_column(sa.String(64))


class Sum(Base):
    """What one rider has in one campaign: the fold of the ledger, kept with every line of it.

    `period` is 0 for all of a campaign, else the day number (since 1970-01-01, on the city's clock) of a
    week's Monday. `n_rides` counts the rides that were awarded anything, be it 0 points; a line of kind
    decision awards nothing. What somebody has in all campaigns together is kept as that of campaign 0
    (`tables_game.ALL_CAMPAIGNS`), without weeks.
    """

    __tablename__ = "sums"
    __table_args__ = (
        sa.Index("ix_sums_board", "campaign_id", "period", "millipoints", "user_id"),
        sa.Index("ix_sums_user_id", "user_id"),
        {"sqlite_with_rowid": False},
    )

    campaign_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    period: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id"), primary_key=True)
    millipoints: Mapped[int] = mapped_column(sa.BigInteger)
    verified_millipoints: Mapped[int] = mapped_column(sa.BigInteger)
    n_rides: Mapped[int]


class Observation(Base):
    """Who counted as an observer of which segment under which network: derived, rebuilt by a replay.

    `segment` is a keyed hash of (route, direction, cell); the key is in the archive, so the rows tell
    nobody where anyone was. `day` counts local days since 1970-01-01, `place` the observers before this one.
    Of somebody who was erased a row keeps its place, as the `user_id` of nobody: -1 - `place`. Whoever only
    touched a segment is 0: nobody else is paid there on that day, and that is all.
    """

    __tablename__ = "observations"
    __table_args__ = {"sqlite_with_rowid": False}

    network_version: Mapped[str] = mapped_column(sa.String(32), primary_key=True)
    segment: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True)
    user_id: Mapped[int] = mapped_column(primary_key=True)
    day: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    place: Mapped[int]


class Fact(Base):
    """Single facts of an installation, by name; the row named `ledger` is what awards queue for."""

    __tablename__ = "facts"

    name: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    value: Mapped[str] = mapped_column(sa.Text)
