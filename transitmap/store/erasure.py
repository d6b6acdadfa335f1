"""What must be asked and changed so that somebody is gone, and the sum of everybody's points is not."""

from __future__ import annotations

import json
import secrets
from collections.abc import Collection
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from transitmap.store.feed_versions import fact, hold_feed, latest_feed, set_fact
from transitmap.store.missions import end_mission
from transitmap.store.people import CARD
from transitmap.store.reviews import APPEAL, FINDING, LOOK
from transitmap.store.tables import (
    RECEIVED,
    REFUSED,
    Fact,
    FeedRefusal,
    FeedVersion,
    LedgerRow,
    Login,
    MessageRow,
    Observation,
    RideRow,
    Sum,
    Token,
    Upload,
    Usage,
    User,
)
from transitmap.store.tables_game import (
    Adoption,
    Appeal,
    Campaign,
    Comment,
    Decision,
    FindingRow,
    Mark,
    Member,
    Mission,
    Payout,
    Proposal,
    Reservation,
    Settlement,
    Team,
    Tie,
    Vote,
)
from transitmap.store.teams import take_along

ERASED = "erased"
"""The reason of the rows that stand for uploads and rides of somebody who was erased."""
EXPIRED = "expired"
"""The reason of an upload that was of use, whose raw bytes are kept no longer."""
NOBODY = "borrado-"
ERASED_UNDER = "erased_under"
ERASING = "erasing:"
CHUNK = 500
OF_A_USER: tuple[Any, ...] = (
    Token, Login, Usage, Upload, RideRow, LedgerRow, Sum, Member, Reservation, Adoption, Vote, Decision,
    Appeal, Proposal, Comment, Payout, Tie,
)  # fmt: skip
"""The tables whose rows name somebody as `user_id`."""
BLOBS_OF_A_FEED = ("feed_sha256", "network_sha256", "evidence_sha256", "known_sha256", "changes_sha256")


@dataclass(frozen=True)
class Trail:
    """What somebody left behind: blobs that nobody else needs, uploads and rides, and the name of nobody.

    `is_rest` is of what follows from an erasure: what old feeds knew before they forgot.
    """

    user_id: int
    name: str
    blobs: tuple[str, ...]
    upload_ids: tuple[str, ...] = ()
    ride_ids: tuple[str, ...] = ()
    is_rest: bool = False

    @classmethod
    def from_json(cls, text: str | bytes) -> Trail:
        """The trail that was noted."""
        table: dict[str, Any] = json.loads(text)
        for key in ("blobs", "upload_ids", "ride_ids"):
            table[key] = tuple(table[key])
        return cls(**table)

    def as_json(self) -> str:
        """To be noted."""
        return json.dumps(asdict(self), sort_keys=True)


def trail_of(session: Session, user: User, name: str = "") -> Trail:
    """What somebody would leave behind; `name` is what nobody is called, else a random one."""
    name = user.name if user.erased_s else name or NOBODY + secrets.token_hex(6)
    kept = sa.select(RideRow.id, RideRow.packed_sha256, RideRow.late_sha256).where(RideRow.user_id == user.id)
    rides = [(ride_id, sha) for ride_id, *both in session.execute(kept) for sha in both if sha]
    sent = sa.select(Upload.id, Upload.sha256).where(Upload.user_id == user.id, Upload.reason != ERASED)
    uploads = [(upload_id, sha) for upload_id, sha in session.execute(sent)]
    blobs = {sha for _, sha in (*rides, *uploads)}
    return Trail(
        user.id,
        name,
        tuple(sorted(blobs - needed(session, blobs, user.id))),
        tuple(upload_id for upload_id, _ in uploads),
        tuple(dict.fromkeys(ride_id for ride_id, _ in rides)),
    )


def needed(session: Session, blobs: Collection[str], but_user_id: int | None = None) -> set[str]:
    """Which of these blobs a row names: of a feed, a fact, a campaign, or of anybody but that user.

    The same bytes may be several people's (empty files), and anybody can send the public feed as a trace.
    """
    found: set[str] = set()
    columns = [getattr(FeedVersion, name) for name in BLOBS_OF_A_FEED]
    columns += [Fact.value, Campaign.snapshot_sha256]
    for column in columns:
        found |= set(session.scalars(sa.select(column))) & set(blobs)
    wanted = sorted(blobs)
    for start in range(0, len(wanted), CHUNK):
        some = wanted[start : start + CHUNK]
        for column, owner in (
            (Upload.sha256, Upload.user_id),
            (RideRow.packed_sha256, RideRow.user_id),
            (RideRow.late_sha256, RideRow.user_id),
        ):
            question = sa.select(column).where(column.in_(some))
            if but_user_id is not None:
                question = question.where(owner != but_user_id)
            found |= set(session.scalars(question))
    return found


def empty_user(session: Session, user: User, trail: Trail, now_s: float) -> None:
    """Takes out all that the rows say of somebody, but for what the sums of points need.

    The user becomes nobody, and each ride a number without content under one upload without content: the
    ledger, which nobody may change, points to them. Observations keep their place among others' and lose who
    they were. What is in the archive waits to be deleted (`erasing`). Call it under `lock_ledger`.
    """
    devices = sa.select(Token.id).where(Token.user_id == user.id)
    session.execute(sa.delete(MessageRow).where(MessageRow.token_id.in_(devices)))
    for member in session.scalars(sa.select(Member).where(Member.user_id == user.id)).all():
        take_along(session, member)
    for table in (Token, Login, Usage, Member, Reservation, Adoption, Vote):
        session.execute(sa.delete(table).where(table.user_id == user.id))
    session.execute(sa.delete(Fact).where(Fact.name == f"{CARD}{user.id}"))
    _empty_game(session, user.id)
    theirs = Observation.user_id == user.id
    session.execute(sa.update(Observation).where(theirs).values(user_id=-1 - Observation.place))
    _empty_uploads(session, user.id, trail.name)
    user.name = user.name_key = trail.name
    user.password_hash, user.role, user.locale = "", "rider", "es_MX"
    user.is_hidden, user.trim_m, user.prize_consent = True, None, ""
    user.created_s, user.erased_s = 0.0, user.erased_s or now_s
    latest = latest_feed(session)
    set_fact(session, ERASED_UNDER, latest.id if latest else "")
    hold_feed(session, "")
    note_erasing(session, trail)


def _empty_game(session: Session, user_id: int) -> None:
    """What was found about their rides goes, and what they wrote; that they decided or won stays.

    So does that others decided about them, but not what, in which words: numbers of findings come again.
    """
    has_members = sa.exists().where(Member.team_id == Team.id, Member.state == "member")
    session.execute(sa.delete(Team).where(~has_members))
    rides = sa.select(RideRow.id).where(RideRow.user_id == user_id)
    found = sa.select(sa.cast(FindingRow.id, sa.String)).where(FindingRow.ride_id.in_(rides))
    asked = sa.select(sa.cast(Appeal.id, sa.String)).where(Appeal.user_id == user_id)
    for kinds, subjects in (((FINDING, LOOK), found), ((APPEAL,), asked)):
        about = Decision.subject_kind.in_(kinds) & Decision.subject_id.in_(subjects)
        session.execute(sa.update(Decision).where(about).values(subject_id="", note=""))
    for table in (Mark, FindingRow):
        session.execute(sa.delete(table).where(table.ride_id.in_(rides)))
    others = FindingRow.other_ride_id.in_(rides)
    session.execute(sa.update(FindingRow).where(others).values(other_ride_id=""))
    for written in (Appeal, Comment):
        session.execute(sa.update(written).where(written.user_id == user_id).values(text=""))
    for noted in (Decision, Proposal):
        session.execute(sa.update(noted).where(noted.user_id == user_id).values(note=""))


def _empty_uploads(session: Session, user_id: int, name: str) -> None:
    """One upload that says nothing in the place of all, and rides in it that say as much."""
    nothing = {"n_bytes": 0, "received_s": 0.0, "state": REFUSED, "reason": ERASED, "name": ""}
    if session.get(Upload, name) is None:
        session.add(Upload(id=name, user_id=user_id, sha256=secrets.token_hex(32), **nothing))
        session.flush()
    emptied = {
        "upload_id": name,
        "ordinal": RideRow.sequence,
        "name": "",
        "label": "",
        "n_fixes": 0,
        "dropped": {},
        "warnings": [],
        "mode": "",
        "reason": ERASED,
        "route_id": "",
        "route_name": "",
        "direction_id": None,
        "pattern_id": "",
        "stretch": {},
        "confidence": 0.0,
        "started_s": 0.0,
        "ended_s": None,
        "flagged": {},
        "distance_m": 0.0,
        "packed_sha256": "",
        "late_sha256": "",
    }
    session.execute(sa.update(RideRow).where(RideRow.user_id == user_id).values(emptied))
    session.execute(sa.delete(Upload).where(Upload.user_id == user_id, Upload.id != name))


def erased_with_rest(session: Session) -> list[User]:
    """Those who were erased while something of theirs was still on its way in."""
    late = sa.select(Upload.user_id).where(Upload.reason != ERASED)
    return list(session.scalars(sa.select(User).where(User.erased_s.is_not(None), User.id.in_(late))))


def erased_ride_ids(session: Session) -> set[str]:
    """The rides of which only a number is left: their lines of the ledger rest on what was erased."""
    return set(session.scalars(sa.select(RideRow.id).where(RideRow.reason == ERASED)))


def n_erased_lines(session: Session) -> int:
    """How many lines of the ledger rest on rides that were erased."""
    rides = sa.select(RideRow.id).where(RideRow.reason == ERASED)
    return session.scalar(sa.select(sa.func.count()).where(LedgerRow.ride_id.in_(rides))) or 0


def must_forget(session: Session) -> bool:
    """Whether the feed that holds was made while somebody was there who has been erased since."""
    latest, under = latest_feed(session), fact(session, ERASED_UNDER)
    return latest is not None and under == latest.id


def withdraw_feeds(session: Session, but: FeedVersion, ids: dict[str, Any], rest: Trail) -> None:
    """Nothing published so far is handed out any more: too few people are left to be behind it.

    Versions stay as numbers, for rides were scored by what they knew; `ids` take the place of theirs, which
    remember places. What was refused goes, and where missions were. Blobs wait to be deleted with `rest`.
    """
    blobs = set(rest.blobs)
    others = FeedVersion.number != but.number
    for feed in session.scalars(sa.select(FeedVersion).where(others)):
        blobs |= {getattr(feed, name) for name in BLOBS_OF_A_FEED if name != "known_sha256"}
        feed.feed_sha256 = feed.network_sha256 = feed.evidence_sha256 = feed.changes_sha256 = ""
        feed.ids, feed.notices, feed.change_counts, feed.note = ids, [], {}, ""
    session.execute(sa.delete(FeedRefusal))
    for mission in session.scalars(sa.select(Mission)):
        kept = {"why": mission.evidence["why"], "seed_sha256": mission.evidence["seed_sha256"]}
        mission.evidence = {"name": "", "headsign": "", "places": [], **kept}
        mission.lat_deg = mission.lon_deg = 0.0
        if mission.state == "open":
            end_mission(mission, "closed", but.made_s)
    session.flush()
    note_erasing(session, replace(rest, blobs=tuple(sorted(blobs - {""}))))


def rows_of_user(session: Session, user_id: int) -> dict[str, list[dict[str, Any]]]:
    """Every row that speaks of somebody, by table: what an export tells, and what an erasure must reach."""
    devices = sa.select(Token.id).where(Token.user_id == user_id)
    asked: dict[str, sa.Select[Any]] = {
        table.__tablename__: sa.select(table).where(table.user_id == user_id) for table in OF_A_USER
    }
    latest, theirs = latest_feed(session), Observation.user_id == user_id
    now = Observation.network_version == (latest.id if latest else "")
    asked["observations"] = sa.select(Observation).where(theirs, now)
    asked["users"] = sa.select(User).where(User.id == user_id)
    rides = sa.select(RideRow.id).where(RideRow.user_id == user_id)
    asked["findings"] = sa.select(FindingRow).where(FindingRow.ride_id.in_(rides)).order_by(FindingRow.id)
    asked["messages"] = sa.select(MessageRow).where(MessageRow.token_id.in_(devices))
    return {
        name: [
            {column.key: getattr(row, column.key) for column in sa.inspect(type(row)).column_attrs}
            for row in session.scalars(question)
        ]
        for name, question in asked.items()
    }


# --- what is still to be deleted in the archive ------------------------------------------------------


def note_erasing(session: Session, trail: Trail) -> None:
    """Keeps what is to be deleted until it is: a crash on the way must leave nothing behind."""
    set_fact(session, ERASING + trail.name, trail.as_json())


def erasing(session: Session) -> list[Trail]:
    """The erasures whose blobs are not all deleted yet."""
    rows = session.scalars(sa.select(Fact.value).where(Fact.name.like(ERASING + "%")).order_by(Fact.name))
    return [Trail.from_json(row) for row in rows]


def forget_erasing(session: Session, trail: Trail) -> None:
    """Says that all blobs of an erasure are deleted."""
    session.execute(sa.delete(Fact).where(Fact.name == ERASING + trail.name))


def feeds_that_know(session: Session) -> list[FeedVersion]:
    """Every feed version that still has what it knew."""
    return list(session.scalars(sa.select(FeedVersion).where(FeedVersion.known_sha256 != "")))


def replace_known(session: Session, old_sha256: str, new_sha256: str) -> None:
    """What feed versions knew is in another blob from now on."""
    stale = FeedVersion.known_sha256 == old_sha256
    session.execute(sa.update(FeedVersion).where(stale).values(known_sha256=new_sha256))


def scored_versions(session: Session) -> set[str]:
    """The feed versions under which rides that are still there were scored, or confirm each other."""
    found = set(
        session.scalars(sa.select(RideRow.network_version).where(RideRow.reason != ERASED).distinct())
    )
    counts = sa.exists().where(Observation.network_version == FeedVersion.id, Observation.user_id >= 0)
    return found | set(session.scalars(sa.select(FeedVersion.id).where(counts)))


# --- what is kept no longer --------------------------------------------------------------------------


def uploads_past(session: Session, before_s: float, is_refused: bool) -> list[Upload]:
    """Uploads received before a moment whose raw bytes may still be there, refused ones or those of use."""
    which = Upload.state == REFUSED if is_refused else Upload.state.not_in((REFUSED, RECEIVED))
    gone = Upload.reason.in_((ERASED, EXPIRED))
    old = sa.select(Upload).where(which, Upload.received_s < before_s, ~gone)
    return list(session.scalars(old))


def expired_uploads(session: Session) -> list[str]:
    """The uploads of use whose raw bytes are kept no longer."""
    return list(session.scalars(sa.select(Upload.id).where(Upload.reason == EXPIRED).order_by(Upload.id)))


def raw_in_use(session: Session, blobs: Collection[str], but_upload_ids: Collection[str]) -> set[str]:
    """Which of these raw bodies some upload but those, a feed or a fact goes on to need."""
    found = needed(session, blobs) - set(session.scalars(sa.select(Upload.sha256)))
    uploads = session.execute(sa.select(Upload.id, Upload.sha256))
    return found | {sha for upload_id, sha in uploads if upload_id not in but_upload_ids and sha in blobs}


def all_blobs(session: Session) -> set[str]:
    """The names of all blobs that any row names, and of all that a fact does."""
    columns = [getattr(FeedVersion, name) for name in BLOBS_OF_A_FEED]
    columns += [
        Upload.sha256,
        RideRow.packed_sha256,
        RideRow.late_sha256,
        Fact.value,
        Campaign.snapshot_sha256,
    ]
    found: set[str] = set()
    for column in columns:
        found |= set(session.scalars(sa.select(column)))
    for inputs in session.scalars(sa.select(Settlement.inputs)):
        found.update(inputs.get("official", []))
    return {sha for sha in found if len(sha) == 64}


def scrub(session: Session) -> None:
    """Writes what was deleted out of the files: the log that runs beside SQLite, the dead rows of PostgreSQL.

    What is deleted on SQLite is overwritten at once (see `opening`); until this, the log may still hold it.
    """
    session.commit()
    engine = session.get_bind().engine
    if engine.dialect.name == "sqlite":
        with closing(engine.raw_connection()) as raw:
            raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").close()
        return
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for table in (User, MessageRow, Observation, Mark, FindingRow, *OF_A_USER):
            connection.exec_driver_sql(f"VACUUM {table.__tablename__}")
