"""The story of one upload: kept, read, recognised in the network that holds now, paid, told to its rider."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from transitmap import geo, late, pipeline, reading, store
from transitmap.archive import Archive, unpack_columns, unpack_ride
from transitmap.config import Config
from transitmap.errors import ConfigError, ReaderBusy, ReaderDied, UnpackedEnough, UploadRefused
from transitmap.examined import CLAIMED, keep_findings, look_at, withhold
from transitmap.model import (
    MODES,
    Finding,
    Headways,
    Network,
    Patterns,
    Ride,
    Routes,
    Rules,
    Segments,
    Shapes,
    Stops,
    Trips,
)
from transitmap.points import evidence
from transitmap.points.score import Score, score
from transitmap.sandbox import Read, sandbox
from transitmap.store import holder
from transitmap.terms import Deal, claimed_checks, deal_for

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.orm import Session

SEGMENT_KEY = "segment_key"
LEASE_S = 300.0
"""Whoever begins to understand an upload has it for so long; who was stopped leaves it to another."""
WITHIN_S = 120.0
"""The longest that a worker waits for the reading of one body."""
SENT_BEFORE = "sent_before"


@dataclass(frozen=True, eq=False)
class Known:
    """What one feed version knows, published or not: its network, and what every ride behind it was.

    `ride_id` names the rows of `trips`. The public ids are aligned with the network's rows, empty where the
    row was held back.
    """

    network: Network
    trips: Trips
    ride_id: tuple[str, ...]
    route_id: tuple[str, ...]
    pattern_id: tuple[str, ...]
    stop_id: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Terrain:
    """A feed version made ready to recognise and score rides; `version` is its id, "" before the first."""

    version: str
    known: Known
    ground: evidence.Ground
    key: bytes


@dataclass(frozen=True, eq=False)
class Found:
    """Rides, what they are under one feed version, and what they are evidence of."""

    rides: tuple[Ride, ...]
    trips: Trips
    segments: Segments

    def segments_of(self, index: int) -> Segments:
        """The rows of one ride."""
        chosen = self.segments.ride_index == index
        return Segments(*(getattr(self.segments, name)[chosen] for name in Segments.__dataclass_fields__))


@dataclass(frozen=True)
class PointsLine:
    """One line of the ledger as its rider reads it."""

    rule: str
    millipoints: int
    text_es: str
    text_en: str


@dataclass(frozen=True)
class RideReceipt:
    """What one ride of an upload was and what it was worth.

    `dropped` counts fixes by reason. `route_id` is empty where no route was recognised (`reason` says why)
    or too few people support it to publish it, and then `route_name` is too; `stretch` is the names of the
    first and last stop and the metres between. `lines` are in the order of the ledger; there is one even
    where nothing was earned.
    """

    ride_id: str
    name: str
    n_kept: int
    dropped: dict[str, int]
    warnings: tuple[str, ...]
    mode: str
    reason: str
    route_id: str
    route_name: str
    stretch: dict[str, Any]
    confidence: float
    lines: tuple[PointsLine, ...]

    @property
    def millipoints(self) -> int:
        """What the ride earned in all."""
        return sum(line.millipoints for line in self.lines)


@dataclass(frozen=True)
class LeftOut:
    """A trace of a file, or a member of an archive, that gave nothing new; `sent_before` was there."""

    name: str
    reason: str
    detail: str
    upload_id: str = ""


@dataclass(frozen=True)
class Receipt:
    """What became of one upload. `reason` and `detail` say why where it was refused; then it has no rides.

    An archive has `members`, each with its own receipt, and waits as long as one of them does.
    """

    upload_id: str
    is_new: bool
    state: str
    reason: str
    detail: str
    rides: tuple[RideReceipt, ...]
    name: str = ""
    left_out: tuple[LeftOut, ...] = ()
    members: tuple[Receipt, ...] = ()

    @property
    def millipoints(self) -> int:
        """What all its rides earned."""
        return sum(ride.millipoints for ride in self.rides) + sum(one.millipoints for one in self.members)


@dataclass(frozen=True, eq=False)
class Opened:
    """What is in an upload: its rides and the same packed, or the members of an archive.

    `marks` came without their ride: when each was made, and what it says.
    """

    rides: list[Ride]
    packed: list[bytes]
    members: list[Member]
    left_out: list[LeftOut]
    marks: list[late.Said]


Member = tuple[str, str, int]
"""A member of an archive that is kept: its name there, the SHA-256 of its body, and how long that is."""


def contribute(
    session: Session,
    archive: Archive,
    user: store.User,
    name: str,
    body: bytes,
    config: Config,
    rules: Rules,
    now_s: float,
    consent: str = "",
    trim_m: float | None = None,
    waits: bool = False,
) -> Receipt:
    """The receipt of one file; whatever it says is on the disk, and nobody else's upload waited for it.

    The body is kept before it is understood, also where it is refused. The same body by the same rider is
    the first upload again and earns nothing more. `session` must be a writing one; it is committed. Points
    follow the feed that holds now, and rides are scored one after the other. A body that is kept stays
    `received` for the worker where it may wait (`waits`), is large, or cannot be understood now (a busy
    database, a full disk, a feed of other rules, a reader that is slow or died). `trim_m` is what was chosen
    for its ends; None is what its rider always does.

    Raises:
        UploadRefused: `already_contributed` (by another rider) or `too_large`; nothing is kept then.
        OSError: the archive could not keep the body; nothing is acknowledged.
        store.TRY_AGAIN: the database could not keep the upload; nothing is acknowledged.
    """
    waits = waits or len(body) > config.collect.max_inline_bytes
    more: dict[str, Any] = {"consent": consent, "trim_m": trim_m, "lease_s": 0.0 if waits else LEASE_S}
    upload, is_new = accept(session, archive, user.id, name, body, config, now_s, **more)
    store.add_usage(session, user.id, now_s, n_uploads=int(is_new), n_bytes=len(body))
    session.commit()
    told = Receipt(upload.id, is_new, upload.state, upload.reason, upload.detail, (), upload.name)
    try:
        if upload.state == store.RECEIVED and not waits:
            mine = upload if is_new else store.lease_upload(session, now_s, LEASE_S, upload.id)
            session.commit()
            _understand_at_once(session, archive, mine, config, rules, now_s)
        return receipt_of(session, upload, is_new)
    except (*store.TRY_AGAIN, OSError):
        session.rollback()
        return told


def _understand_at_once(
    session: Session,
    archive: Archive,
    upload: store.Upload | None,
    config: Config,
    rules: Rules,
    now_s: float,
) -> None:
    """Understands an upload and the members in it, as far as that is possible while somebody waits."""
    until_s = time.monotonic() + config.collect.max_inline_s
    parent_id = upload.id if upload else ""
    while upload is not None:
        left_s = until_s - time.monotonic()
        try:
            understand(session, archive, upload, config, rules, now_s, within_s=left_s)
        except (*store.TRY_AGAIN, OSError, ConfigError, UnpackedEnough, ReaderBusy, ReaderDied) as error:
            session.rollback()
            death = error.reason if isinstance(error, ReaderDied) else ""
            store.give_back_upload(session, upload, now_s, counts=bool(death), reason=death)
            session.commit()
            return
        if time.monotonic() >= until_s:
            return
        upload = store.lease_upload(session, now_s, LEASE_S, parent_id=parent_id)
        session.commit()


def accept(
    session: Session,
    archive: Archive,
    user_id: int,
    name: str,
    body: bytes,
    config: Config,
    now_s: float,
    consent: str = "",
    kind: str = "file",
    token_id: int | None = None,
    trim_m: float | None = None,
    parent_id: str = "",
    lease_s: float = 0.0,
) -> tuple[store.Upload, bool]:
    """Keeps what somebody sent and does nothing else with it: its upload, and whether that is new.

    The bytes are on the disk when this returns, the row once the caller has committed: before that nothing
    may be acknowledged. The same bytes by the same rider are the first upload again. With `lease_s` the
    caller holds a new one for so long, to understand it himself.

    Raises:
        UploadRefused: `already_contributed` (by another rider) or `too_large`; there is no row then.
        OSError: the archive could not keep the body.
        store.TRY_AGAIN: the database could not keep the row.
    """
    limit = config.collect.max_upload_bytes
    if limit and len(body) > limit:
        raise UploadRefused("too_large", f"{len(body)} bytes, at most {limit}")
    more = {"kind": kind, "token_id": token_id, "trim_m": trim_m, "parent_id": parent_id}
    if lease_s:
        more |= {"lease_until_s": now_s + lease_s, "attempts": 1, "holder": holder.me()}
    sha256 = archive.put(body)
    return store.add_upload(session, user_id, sha256, name, len(body), now_s, consent, **more)


def keep(
    engine: Engine,
    archive: Archive,
    sender: store.Sender,
    name: str,
    body: bytes,
    config: Config,
    now_s: float,
    consent: str,
) -> store.Kept:
    """As `accept` for a device that waits for nothing, by the shortest way: on the disk when this returns.

    Raises:
        UploadRefused: `already_contributed` (by another rider) or `too_large`; there is no row then.
        OSError: the archive could not keep the body.
        store.TRY_AGAIN: the database could not keep the row.
    """
    limit = config.collect.max_upload_bytes
    if limit and len(body) > limit:
        raise UploadRefused("too_large", f"{len(body)} bytes, at most {limit}")
    return store.keep_upload(engine, sender, archive.put(body), name, len(body), now_s, consent)


def understand(
    session: Session,
    archive: Archive,
    upload: store.Upload,
    config: Config,
    rules: Rules,
    now_s: float,
    within_s: float = WITHIN_S,
    read: Read = reading.read,
) -> None:
    """Reads, recognises and pays an upload that is kept; does nothing where another worker has done it.

    An archive is unpacked: its members are uploads that wait to be understood. `read` runs in a child
    process. A body that it cannot read within its limits is refused the second time. Everything slow
    happens while no transaction is open. Where a new feed came out meanwhile, the rides are recognised
    again: a ride is always scored under the feed that holds at that moment.

    Raises:
        ConfigError: `rules` are not the ones of the feed that holds now.
        ReaderDied: the first time.
        ReaderBusy: the reader did not come to its end within `within_s`.
        UnpackedEnough: it is an archive, and must wait.
    """
    may_unpack = store.may_unpack(session, upload.user_id, config.quota, now_s)
    session.commit()
    try:
        opened = open_upload(archive, upload, config, within_s, read, may_unpack)
    except UploadRefused as refused:
        _refuse(session, upload, refused.reason, _where(refused))
        return
    except ReaderDied as died:
        if not upload.reason:
            raise
        _refuse(session, upload, died.reason, "")
        return
    if opened.members:
        _add_members(session, upload, opened, config, now_s)
    elif not opened.rides:
        _attach_alone(session, archive, upload, opened)
    else:
        _recognise_and_pay(session, archive, upload, opened, config, rules, now_s)


def _recognise_and_pay(
    session: Session,
    archive: Archive,
    upload: store.Upload,
    opened: Opened,
    config: Config,
    rules: Rules,
    now_s: float,
) -> None:
    packed_sha256 = [archive.put(packed) for packed in opened.packed]
    while True:
        terrain = terrain_now(session, archive, config, rules)
        session.commit()
        found = recognise_each(terrain, opened.rides, config, rules)
        is_waiting = _is_still_waiting(session, upload)
        feed = store.latest_feed(session)
        if not is_waiting or terrain.version == (feed.id if feed else store.NO_NETWORK):
            break
        session.commit()
    if is_waiting:
        _keep(session, archive, upload, terrain, found, packed_sha256, (config, rules), now_s)
        upload.refused = [asdict(one) for one in opened.left_out]
        upload.refused += late.attach(session, archive, upload, opened.marks)
        store.settle_upload(session, upload, store.UNDERSTOOD)
    session.commit()


def _attach_alone(session: Session, archive: Archive, upload: store.Upload, opened: Opened) -> None:
    """Settles marks that came without a ride: of use where their ride came before."""
    if _is_still_waiting(session, upload):
        told = late.attach(session, archive, upload, opened.marks)
        upload.refused = [asdict(one) for one in opened.left_out] + told
        is_of_use = any(one["reason"] == late.LATE for one in told)
        state, reason = (store.UNDERSTOOD, "") if is_of_use else (store.REFUSED, told[0]["reason"])
        store.settle_upload(session, upload, state, reason)
    session.commit()


def _is_still_waiting(session: Session, upload: store.Upload) -> bool:
    """Whether nobody has settled it meanwhile; nobody will before the session's commit."""
    store.lock_ledger(session)
    store.refresh_upload(session, upload)
    return upload.state == store.RECEIVED


def _refuse(session: Session, upload: store.Upload, reason: str, detail: str) -> None:
    """Settles an upload that is of no use, and the archive it was in where nothing else there is of any."""
    if _is_still_waiting(session, upload):
        store.settle_upload(session, upload, store.REFUSED, reason, detail)
        envelope = store.upload_by_id(session, upload.parent_id, None) if upload.parent_id else None
        if envelope is not None and _is_useless(session, envelope):
            store.settle_upload(session, envelope, store.REFUSED, reason, detail)
    session.commit()


def _is_useless(session: Session, envelope: store.Upload) -> bool:
    states = {member.state for member in store.members_of_upload(session, envelope.id)}
    return states == {store.REFUSED} and not any(one["reason"] == SENT_BEFORE for one in envelope.refused)


def _add_members(
    session: Session, envelope: store.Upload, opened: Opened, config: Config, now_s: float
) -> None:
    """Makes uploads of what an archive holds. What its rider sent before is named, not paid again."""
    if _is_still_waiting(session, envelope):
        left_out = list(opened.left_out)
        for number, member in enumerate(opened.members, 1):
            left_out += _add_member(session, envelope, number, member)
        envelope.refused = [asdict(one) for one in left_out]
        store.settle_upload(session, envelope, store.UNDERSTOOD)
        members = store.members_of_upload(session, envelope.id)
        n_bytes = sum(member.n_bytes for member in members)
        store.count_unpacked(session, envelope.user_id, n_bytes, config.quota, now_s)
        if not members and _all_refused(left_out):
            store.settle_upload(session, envelope, store.REFUSED, left_out[0].reason, left_out[0].detail)
    session.commit()


def _all_refused(left_out: Sequence[LeftOut]) -> bool:
    return all(one.reason != SENT_BEFORE for one in left_out)


def _add_member(session: Session, envelope: store.Upload, number: int, member: Member) -> list[LeftOut]:
    """The upload of one member, in the order of the archive; why there is none, if so."""
    name, sha256, n_bytes = member
    told = envelope.user_id, sha256, name, n_bytes, envelope.received_s, envelope.consent
    more: dict[str, Any] = {"id": f"{envelope.id}.{number:04d}", "parent_id": envelope.id}
    more |= {one: getattr(envelope, one) for one in ("kind", "token_id", "trim_m")}
    try:
        known, is_new = store.add_upload(session, *told, **more)
    except UploadRefused as refused:
        return [LeftOut(name, refused.reason, refused.detail)]
    return [] if is_new else [LeftOut(name, SENT_BEFORE, "", known.id)]


def _where(refused: UploadRefused) -> str:
    """The refusal in words, with the place in the file where it is known."""
    place = "" if refused.line is None else f" (line {refused.line}, column {refused.column})"
    return _shown(refused.detail, 1000) + place


def open_upload(
    archive: Archive,
    upload: store.Upload,
    config: Config,
    within_s: float = WITHIN_S,
    read: Read = reading.read,
    may_unpack: bool = True,
) -> Opened:
    """What is in an upload, read in a child process; what an archive holds is kept while it comes.

    Raises:
        UploadRefused: nothing in it can be used.
        ReaderDied: it crashed or took more than its limits.
        ReaderBusy: it did not come to its end within `within_s`.
        UnpackedEnough: it is an archive, and not `may_unpack`.
    """
    limits = config.collect
    chosen: dict[str, Any] = {} if upload.trim_m is None else {"trim_m": upload.trim_m}
    if upload.parent_id:  # its archive was small enough, and what that unpacks to has a limit of its own
        chosen["max_upload_bytes"] = 0
    config = replace(config, collect=replace(limits, **chosen))
    told = upload.id, str(upload.user_id), upload.kind, upload.name, archive.get(upload.sha256), config
    opened = Opened([], [], [], [], [])
    child = sandbox(limits.max_read_bytes, limits.max_read_cpu_s)
    for part, body in child.run(read, *told, upload.received_s, within_s=within_s):
        if "ride" in part:
            opened.rides.append(unpack_ride(body))
            opened.packed.append(body)
        elif "member" in part:
            if not may_unpack:
                raise UnpackedEnough
            opened.members.append((part["member"], archive.put(body), len(body)))
        elif "marks" in part:
            opened.marks.extend((float(time_s), _shown(str(what))) for time_s, what in json.loads(body))
        else:
            opened.left_out.append(LeftOut(**part["left_out"]))
    return opened


def collect_canonical(archive: Archive, upload: store.Upload, config: Config) -> list[Ride]:
    """The rides of an upload as everything later sees them: out of the raw body, rounded as the archive does.

    Raises:
        UploadRefused: nothing in it can be used.
        ReaderDied: it crashed or took more than its limits.
        ReaderBusy: the reader took too long.
    """
    return open_upload(archive, upload, config).rides


def recognise_each(terrain: Terrain, rides: Sequence[Ride], config: Config, rules: Rules) -> Found:
    """What each ride is, looked at alone: company must not change what a ride is worth."""
    trips = join_trips([pipeline.recognise(terrain.known.network, [ride], config) for ride in rides])
    return Found(tuple(rides), trips, evidence.gather(terrain.ground, trips, rides, rules, terrain.key))


def join_trips(many: Sequence[Trips]) -> Trips:
    """The rows of several Trips, one after the other."""
    if not many:
        return _no_trips()
    arrays = [name for name in Trips.__dataclass_fields__ if name != "reason"]
    columns = {name: np.concatenate([getattr(trips, name) for trips in many]) for name in arrays}
    return Trips(**columns, reason=tuple(reason for trips in many for reason in trips.reason))


# --- the feed that holds now ---------------------------------------------------------------------


def terrain_now(session: Session, archive: Archive, config: Config, rules: Rules) -> Terrain:
    """The feed that holds now, ready to recognise and score; the last two asked for stay in memory.

    Raises:
        ConfigError: `rules` are not the ones that the feed's observers were counted by.
    """
    key = segment_key(session, archive)
    feed = store.latest_feed(session)
    if feed is None:
        return terrain_before_any(archive, config, rules, key)
    if feed.rules_version != rules.version:
        raise ConfigError(
            "rules", rules.version, f"the feed was made under {feed.rules_version}; publish first"
        )
    return terrain_of(feed, archive, config, rules, key)


def terrain_of(
    feed: store.FeedVersion, archive: Archive, config: Config, rules: Rules, key: bytes
) -> Terrain:
    """One feed version, ready to recognise and score."""
    return _terrain(archive, feed.id, feed.known_sha256, config.feed.timezone, rules, key)


def terrain_before_any(archive: Archive, config: Config, rules: Rules, key: bytes) -> Terrain:
    """What rides are scored on before the first feed: no line is known."""
    return _terrain(archive, store.NO_NETWORK, "", config.feed.timezone, rules, key)


@lru_cache(maxsize=2)
def _terrain(
    archive: Archive, version: str, known_sha256: str, timezone: str, rules: Rules, key: bytes
) -> Terrain:
    known = unpack_columns(Known, archive.get(known_sha256)) if known_sha256 else nothing_known(timezone)
    return Terrain(version, known, evidence.survey(known.network, rules), key)


def segment_key(session: Session, archive: Archive) -> bytes:
    """The secret that this installation hashes segments with; made at its first use, kept in the archive."""
    sha256 = store.fact(session, SEGMENT_KEY)
    if sha256 is None:
        store.lock_ledger(session)
        sha256 = store.fact(session, SEGMENT_KEY)
    if sha256 is None:
        sha256 = archive.put(os.urandom(64))
        store.set_fact(session, SEGMENT_KEY, sha256)
        session.commit()
    return archive.get(sha256)


def nothing_known(timezone: str) -> Known:
    """What is known before the first feed: no line, all ground is new."""
    none, rows, start = np.zeros(0), np.zeros(0, dtype=np.int64), np.zeros(1, dtype=np.int64)
    network = Network(
        stops=Stops(none, none, none, none, rows, rows, rows, none, ()),
        routes=Routes((), (), none),
        patterns=Patterns(rows, rows, rows, rows, rows, none, (), start, rows, none, none, none, rows),
        shapes=Shapes(start, none, none, none),
        headways=Headways(rows, rows, rows, rows, none, none, none, rows, np.zeros(0, dtype=bool)),
        timezone=timezone,
        first_day="",
        last_day="",
    )
    return Known(network, _no_trips(), (), (), (), ())


def _no_trips() -> Trips:
    none, rows = np.zeros(0), np.zeros(0, dtype=np.int64)
    return Trips(rows, rows, none, none, rows, rows, none, none, none, ())


# --- rows and points -----------------------------------------------------------------------------


def _keep(
    session: Session,
    archive: Archive,
    upload: store.Upload,
    terrain: Terrain,
    found: Found,
    packed_sha256: Sequence[str],
    settings: tuple[Config, Rules],
    now_s: float,
) -> None:
    """Rides in their order: each one's row, its awards, and its observations before the next one's."""
    config, rules = settings
    for index, ride in enumerate(found.rides):
        recognised = found.trips, index, terrain.known.network
        examined = look_at(session, archive, upload, ride, recognised, terrain.key)
        row = _ride_row(session, upload, terrain, index, found, packed_sha256[index])
        store.add_rides(session, [row])
        keep_findings(session, row.id, examined, now_s)
        _keep_claims(session, row, ride, terrain.known.network.timezone, now_s)
        segments = found.segments_of(index)
        observers = store.observers(session, terrain.version, segments.segment.tolist())
        deal = deal_for(session, row, ride.fixes, terrain.known.network.timezone, config, rules, now_s)
        result = score(segments, upload.user_id, observers, deal.rules, row.route_name, deal.terms)
        if examined.is_withheld:
            result = Score((withhold(examined.findings, result.awards),), ())
        store.add_observations(session, terrain.version, result.observed, observers)
        when = {"created_s": now_s, "day": deal.day}
        lines = ledger_lines(result, row, deal.rules, deal.campaign_id)
        store.add_lines(session, [one | when for one in lines])
        _note_mission(session, row, deal)
        if any(one.code.startswith(store.COPY) for one in examined.findings):
            store.retie(session, now_s)


def _keep_claims(session: Session, row: store.RideRow, ride: Ride, timezone: str, now_s: float) -> None:
    """A ride on no known route that follows a mission on an invented one is looked at by people."""
    claimed = [] if row.route_id else claimed_checks(session, ride.fixes, timezone)
    if claimed:
        evidence = {"missions": claimed}
        store.add_findings(session, row.id, [Finding(CLAIMED, "soft", 1.0, evidence, "", "", "")], now_s)


def _note_mission(session: Session, row: store.RideRow, deal: Deal) -> None:
    if deal.terms.mission_id:
        store.note_ridden(session, deal.terms.mission_id, row.user_id)


def ledger_lines(result: Score, row: store.RideRow, rules: Rules, campaign_id: int) -> list[dict[str, Any]]:
    """The awards of one ride as lines of the ledger, without when they are written."""
    return [
        {
            "key": f"{award.rule}:{row.id}",
            "campaign_id": campaign_id,
            "kind": "award",
            "ride_id": row.id,
            "user_id": row.user_id,
            "rule": award.rule,
            "millipoints": award.millipoints,
            "verified_millipoints": 0,
            "rules_version": rules.version,
            "network_version": row.network_version,
            "evidence": award.evidence,
            "text_es": award.text_es,
            "text_en": award.text_en,
        }
        for award in result.awards
    ]


def _ride_row(
    session: Session, upload: store.Upload, terrain: Terrain, index: int, found: Found, packed_sha256: str
) -> store.RideRow:
    ride, trips = found.rides[index], found.trips
    fixes = ride.fixes
    xy_m = geo.Plane.around(fixes.lat_deg, fixes.lon_deg).to_metres(fixes.lat_deg, fixes.lon_deg)
    return store.RideRow(
        sequence=store.next_ride_sequence(session),
        id=ride.ride_id,
        upload_id=upload.id,
        user_id=upload.user_id,
        ordinal=index + 1,
        name=upload.name if index == 0 else f"{upload.name}#{index + 1}",
        label=_shown(ride.label),
        n_fixes=len(fixes),
        dropped=dict(ride.dropped),
        warnings=list(ride.warnings),
        mode=MODES[trips.mode[index]],
        reason=trips.reason[index],
        network_version=terrain.version,
        flagged=dict(ride.flagged),
        started_s=float(fixes.time_s[0]),
        ended_s=float(fixes.time_s[-1]),
        distance_m=float(geo.steps_m(xy_m).sum()),
        packed_sha256=packed_sha256,
        **recognised_as(terrain.known, index, trips),
    )


def _shown(text: str, n: int = 200) -> str:
    """At most `n` printable characters: others do not fit into every database."""
    return "".join(letter for letter in text if letter.isprintable())[:n]


def recognised_as(known: Known, index: int, trips: Trips) -> dict[str, Any]:
    """The columns that say which route a ride was; id and name are empty where the public may not know."""
    pattern = int(trips.pattern_index[index])
    if pattern < 0:
        return {"stretch": {}, "confidence": 0.0, "route_id": "", "route_name": "", "pattern_id": ""}
    patterns, routes = known.network.patterns, known.network.routes
    route = int(patterns.route_index[pattern])
    route_id = known.route_id[route]
    name = routes.short_name[route] or routes.long_name[route] or route_id
    return {
        "route_id": route_id,
        "route_name": name[:200] if route_id else "",  # it stands in the ledger, which everybody reads
        "direction_id": int(patterns.direction_id[pattern]),
        "pattern_id": known.pattern_id[pattern],
        "confidence": float(trips.confidence[index]),
        "stretch": _stretch(known, pattern, index, trips),
    }


def _stretch(known: Known, pattern: int, index: int, trips: Trips) -> dict[str, Any]:
    first = int(known.network.patterns.call_start[pattern])
    stretch: dict[str, Any] = {
        "first_m": round(float(trips.first_m[index]), 1),
        "last_m": round(float(trips.last_m[index]), 1),
    }
    for word, call in (("board", int(trips.board_call[index])), ("alight", int(trips.alight_call[index]))):
        if call >= 0:
            stop = int(known.network.patterns.stop_index[first + call])
            stretch[f"{word}_stop_id"] = known.stop_id[stop]
            stretch[f"{word}_stop_name"] = known.network.stops.name[stop]
    return stretch


# --- receipts ------------------------------------------------------------------------------------


def receipt_of(session: Session, upload: store.Upload, is_new: bool = False) -> Receipt:
    """The receipt of an upload as the database has it, today or in a year."""
    rides = [
        _ride_receipt(row, store.ledger_rows(session, ride_id=row.id))
        for row in store.rides_of_upload(session, upload.id)
    ]
    members = [receipt_of(session, member) for member in store.members_of_upload(session, upload.id)]
    return Receipt(
        upload_id=upload.id,
        is_new=is_new,
        state=store.RECEIVED if any(one.state == store.RECEIVED for one in members) else upload.state,
        reason=upload.reason,
        detail=upload.detail,
        rides=tuple(rides),
        name=upload.name,
        left_out=tuple(LeftOut(**one) for one in upload.refused),
        members=tuple(members),
    )


def _ride_receipt(row: store.RideRow, ledger: Iterable[store.LedgerRow]) -> RideReceipt:
    return RideReceipt(
        ride_id=row.id,
        name=row.name,
        n_kept=row.n_fixes,
        dropped=dict(row.dropped),
        warnings=tuple(row.warnings),
        mode=row.mode,
        reason=row.reason,
        route_id=row.route_id,
        route_name=row.route_name,
        stretch=dict(row.stretch),
        confidence=row.confidence,
        lines=tuple(PointsLine(line.rule, line.millipoints, line.text_es, line.text_en) for line in ledger),
    )
