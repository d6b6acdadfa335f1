"""The story of one upload: kept, read, recognised in the network that holds now, paid, told to its rider."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from transitmap import geo, late, reading, store
from transitmap.archive import Archive, unpack_ride
from transitmap.config import Config
from transitmap.errors import ConfigError, ReaderBusy, ReaderDied, UnpackedEnough, UploadRefused
from transitmap.examined import (
    CLAIMED,
    Examined,
    Look,
    keep_findings,
    look_ahead,
    look_at,
    prepare,
    repeated,
    withhold,
    without,
)
from transitmap.model import MODES, Finding, Ride, Rules
from transitmap.points.score import Observers, Score, score
from transitmap.receipt import LeftOut, Receipt, receipt_of
from transitmap.sandbox import Read, sandbox
from transitmap.store import holder
from transitmap.terms import Deal, claimed_checks, deal_for
from transitmap.terrain import Found, Terrain, recognise_each, recognised_as, terrain_now

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.orm import Session

LEASE_S = 300.0
"""Whoever begins to understand an upload has it for so long; who was stopped leaves it to another."""
WITHIN_S = 120.0
"""The longest that a worker waits for the reading of one body."""
SENT_BEFORE = "sent_before"


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
    lease_s = 0.0 if waits else LEASE_S
    upload, is_new = accept(session, archive, user.id, name, body, config, now_s, consent, trim_m, lease_s)
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
    trim_m: float | None = None,
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
    _check_size(body, config)
    more: dict[str, Any] = {"trim_m": trim_m}
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
    _check_size(body, config)
    return store.keep_upload(engine, sender, archive.put(body), name, len(body), now_s, consent)


def _check_size(body: bytes, config: Config) -> None:
    limit = config.collect.max_upload_bytes
    if limit and len(body) > limit:
        raise UploadRefused("too_large", f"{len(body)} bytes, at most {limit}")


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
        looks = _looked_ahead(session, archive, upload, terrain, found)
        is_waiting = _is_still_waiting(session, upload)
        feed = store.latest_feed(session)
        if not is_waiting or terrain.version == (feed.id if feed else store.NO_NETWORK):
            break
        session.commit()
    if is_waiting:
        _keep(session, archive, upload, terrain, found, looks, packed_sha256, (config, rules), now_s)
        upload.refused = [asdict(one) for one in opened.left_out]
        upload.refused += late.attach(session, archive, upload, opened.marks)
        store.settle_upload(session, upload, store.UNDERSTOOD)
    session.commit()


def _looked_ahead(
    session: Session, archive: Archive, upload: store.Upload, terrain: Terrain, found: Found
) -> list[Look]:
    """Rides looked at as far as that is possible while others are paid; `session` is in no transaction."""
    network, key, came_s = terrain.known.network, terrain.key, upload.received_s
    rides = enumerate(found.rides)
    looks = [prepare(ride, (found.trips, index, network), key, came_s) for index, ride in rides]
    with store.reading(session) as apart:
        look_ahead(apart, archive, upload, looks)
    return looks


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


# --- rows and points -----------------------------------------------------------------------------


def _keep(
    session: Session,
    archive: Archive,
    upload: store.Upload,
    terrain: Terrain,
    found: Found,
    looks: Sequence[Look],
    packed_sha256: Sequence[str],
    settings: tuple[Config, Rules],
    now_s: float,
) -> None:
    """Rides in their order: each one's row, its awards, and its observations before the next one's."""
    config, rules = settings
    for index, ride in enumerate(found.rides):
        examined = look_at(session, archive, upload, looks[index])
        row = _ride_row(session, upload, terrain, index, found, packed_sha256[index])
        store.add_rides(session, [row])
        deal = deal_for(session, row, ride.fixes, terrain.known.network.timezone, config, rules, now_s)
        examined = examined.under(deal.rules)
        keep_findings(session, row.id, examined, now_s)
        _keep_claims(session, row, ride, terrain.known.network.timezone, now_s)
        segments = found.segments_of(index)
        before = store.observers(session, terrain.version, segments.segment.tolist())
        observers = _but_repeated(session, row, examined, before)
        result = score(segments, upload.user_id, observers, deal.rules, row.route_name, deal.terms)
        if examined.is_withheld or deal.waits:
            result = Score((withhold(examined.findings, result.awards),), ())
        store.add_observations(session, terrain.version, result.observed, before)
        when = {"created_s": now_s, "day": deal.day}
        lines = ledger_lines(result, row, deal.rules, deal.campaign_id)
        store.add_lines(session, [one | when for one in lines])
        _note_mission(session, row, deal)
        if any(one.code.startswith(store.COPY) for one in examined.findings):
            store.retie(session, now_s)


def _but_repeated(
    session: Session, row: store.RideRow, examined: Examined, observers: Observers
) -> Observers:
    """The observers by whom a ride is scored: of a copy without the rider whose ride it repeats."""
    repeats = repeated(examined.findings)
    original = store.ride_by_id(session, repeats) if repeats else None
    if original is None or original.user_id == row.user_id:
        return observers
    return without(observers, original.user_id)


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
