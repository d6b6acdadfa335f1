"""The story of one feed: everybody's rides -> network -> feed, gated, kept, and from then on what holds."""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from transitmap import pipeline, store, versions
from transitmap.archive import Archive, pack_columns, pack_network, pack_ride, unpack_ride
from transitmap.config import Config
from transitmap.contribute import (
    Found,
    Known,
    Terrain,
    collect_canonical,
    join_trips,
    recognise_each,
    recognised_as,
    segment_key,
    terrain_before_any,
    terrain_of,
)
from transitmap.errors import FeedInvalid, RidesWithdrawn, UploadRefused
from transitmap.gtfs.admit import admitted_patterns
from transitmap.model import Ids, Network, Notice, Ride, Rules, Trips
from transitmap.points import evidence
from transitmap.points.rules import load_rules
from transitmap.points.score import score

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

ERROR = "error"
"""The severity that keeps a feed from being published."""

Line = tuple[int, dict[str, Any], str, str, str, str]
"""What a replay compares of a line of the ledger: points, evidence, versions and sentences."""

Observers = dict[int, list[tuple[int, int]]]


def publish(
    session: Session,
    archive: Archive,
    config: Config,
    today: datetime.date,
    now_s: float,
    rules: Rules | None = None,
    progress: pipeline.Progress | None = None,
) -> store.FeedVersion:
    """The new feed, made of all rides understood so far. `session` must be a writing one; it is committed.

    Rides that come in while the feed is made are recognised under it before it holds, so that nothing is
    lost between two feeds. Where somebody else published meanwhile, theirs is returned and this one dropped.

    Raises:
        FeedInvalid: our own rules or the canonical ones found errors; the feed before goes on to hold, and
            what was found is kept.
        FeedUnreadable: the official feed that the settings name cannot be read.
        RidesWithdrawn: somebody was erased while the feed was made; nothing is published.
    """
    rules = rules or load_rules()
    key = segment_key(session, archive)
    before, rows = store.latest_feed(session), store.rides_after(session)
    session.commit()
    rides = _rides_of(archive, rows)
    network, trips = pipeline.infer_network(rides, config, progress)
    official = pipeline.official_tables(config)
    feed = pipeline.make_feed(network, config, today, _previous_ids(before), official, trips)
    notices = _gate(session, feed, config, today, (rules.version, len(rows), now_s))
    known = _known(network, trips, rides, feed, config.feed.min_riders)
    version = _version(archive, replace(feed, notices=notices), known, before, rules, now_s)
    versions.note_changes(archive, version, before, config.diff)
    terrain = terrain_of(version, archive, config, rules, key)
    observed = count_observers(_found(terrain, rides, trips, rules), rules, {})
    return _hold(session, archive, version, terrain, observed, rows, config, rules)


def _rides_of(archive: Archive, rows: Sequence[store.RideRow]) -> list[Ride]:
    """The fixes of rides.

    Raises:
        RidesWithdrawn: those of one are gone.
    """
    try:
        return [unpack_ride(archive.get(row.packed_sha256)) for row in rows]
    except KeyError as gone:
        raise RidesWithdrawn(len(rows)) from gone


def _gate(
    session: Session, feed: pipeline.Feed, config: Config, today: datetime.date, made: tuple[str, int, float]
) -> tuple[Notice, ...]:
    """What the rules find in a feed; the report of one that may not pass is kept with how it was `made`.

    Raises:
        FeedInvalid: they found errors, or the canonical validator broke, so its silence means nothing.
    """
    try:
        notices = tuple(dict.fromkeys((*feed.notices, *pipeline.check_feed(feed, config, today))))
        errors = [notice for notice in notices if notice.severity == ERROR]
    except FeedInvalid as broken:
        notices = (*feed.notices, *broken.notices)
        errors = broken.notices
    if errors:
        rules_version, n_rides, now_s = made
        store.add_refusal(session, rules_version, n_rides, [asdict(one) for one in notices], now_s)
        session.commit()
        raise FeedInvalid(errors)
    return notices


def _previous_ids(before: store.FeedVersion | None) -> Ids | None:
    return Ids.from_json(json.dumps(before.ids)) if before else None


def _known(
    network: Network, trips: Trips, rides: Sequence[Ride], feed: pipeline.Feed, min_riders: int
) -> Known:
    """The whole network with the public ids of what is published of it."""
    route_id, pattern_id, stop_id = (
        [""] * n for n in (len(network.routes), len(network.patterns), len(network.stops))
    )
    admitted = np.flatnonzero(admitted_patterns(network, min_riders)).tolist()
    for public, row in enumerate(admitted):
        pattern_id[row] = feed.ids.pattern_id[public]
        route_id[int(network.patterns.route_index[row])] = feed.ids.route_id[
            int(feed.network.patterns.route_index[public])
        ]
    place = {here: stop for stop, here in zip(feed.ids.stop_id, _places(feed.network), strict=True)}
    stop_id = [place.get(here, "") for here in _places(network)]
    ride_id = tuple(ride.ride_id for ride in rides)
    return Known(network, trips, ride_id, tuple(route_id), tuple(pattern_id), tuple(stop_id))


def _places(network: Network) -> Iterator[tuple[float, float, float]]:
    stops = network.stops
    return zip(stops.lat_deg.tolist(), stops.lon_deg.tolist(), stops.heading_deg.tolist(), strict=True)


def _version(
    archive: Archive,
    feed: pipeline.Feed,
    known: Known,
    before: store.FeedVersion | None,
    rules: Rules,
    now_s: float,
) -> store.FeedVersion:
    """The row of the feed; what it names is in the archive before the row is anywhere."""
    number = before.number + 1 if before else 1
    feed_sha256 = archive.put(feed.zip_bytes)
    return store.FeedVersion(
        number=number,
        id=f"{number}-{feed_sha256[:12]}",
        made_s=now_s,
        feed_sha256=feed_sha256,
        network_sha256=archive.put(pack_network(feed.network)),
        evidence_sha256=archive.put(feed.evidence_csv.encode()),
        known_sha256=archive.put(pack_columns(known)),
        ids=json.loads(feed.ids.to_json()),
        rules_version=rules.version,
        n_rides=len(known.ride_id),
        notices=[asdict(notice) for notice in feed.notices],
    )


def _hold(
    session: Session,
    archive: Archive,
    version: store.FeedVersion,
    terrain: Terrain,
    observed: Observers,
    rows: Sequence[store.RideRow],
    config: Config,
    rules: Rules,
) -> store.FeedVersion:
    """One transaction: the rides that came meanwhile, the observers so far, and the feed that holds now."""
    store.lock_ledger(session)
    latest = store.latest_feed(session)
    if latest is not None and latest.number >= version.number:
        session.commit()
        return latest
    if not {row.id for row in rows} <= store.ride_ids(session):
        session.commit()
        raise RidesWithdrawn(len(rows))
    late = store.rides_after(session, rows[-1].sequence if rows else 0)
    rides = _rides_of(archive, late)
    observed = count_observers(recognise_each(terrain, rides, config, rules), rules, observed)
    counted = [(segment, who, day) for segment, many in observed.items() for who, day in many]
    store.add_observations(session, version.id, counted)
    store.add_feed(session, version)
    session.commit()
    return version


def _found(terrain: Terrain, rides: Sequence[Ride], trips: Trips, rules: Rules) -> Found:
    return Found(tuple(rides), trips, evidence.gather(terrain.ground, trips, rides, rules, terrain.key))


def count_observers(found: Found, rules: Rules, observers: Observers) -> Observers:
    """Who counts as an observer of what after these rides, in their order; nobody is paid by this."""
    for index, ride in enumerate(found.rides):
        _note(observers, score(found.segments_of(index), int(ride.rider_id), observers, rules).observed)
    return observers


def _note(observers: Observers, observed: Sequence[tuple[int, int, int]]) -> None:
    for segment, who, day in observed:
        observers.setdefault(segment, []).append((who, day))


# --- replay --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Difference:
    """Something that does not follow from the raw uploads: what the database says and what it should."""

    ride_id: str
    what: str
    recorded: Any
    recomputed: Any


def replay(session: Session, archive: Archive, config: Config, rules: Rules) -> list[Difference]:
    """Where the ledger differs from what raw uploads, feed versions and rules give; nowhere, if all is well.

    Every upload is read again, every ride recognised again in the feed version it was scored under, and paid
    again after the rides before it. Looks at everything and changes nothing; see the decision on replays.
    Lines of rides that were erased are left as they are; who rode there goes on to count for others.
    """
    rows = store.rides_after(session)
    rides, differences = _collect_again(session, archive, rows, config)
    recomputed: dict[tuple[str, str], Line] = {}
    for version in dict.fromkeys(row.network_version for row in rows):
        terrain = _terrain_again(session, archive, version, config, rules)
        found = _recognise_again(terrain, rows, rides, config, rules)
        differences += _score_again(session, terrain, rows, found, rules, recomputed)
    return differences + _compare(session, recomputed, store.erased_ride_ids(session))


def _collect_again(
    session: Session, archive: Archive, rows: Sequence[store.RideRow], config: Config
) -> tuple[dict[str, Ride], list[Difference]]:
    """The rides of all uploads, out of their raw bodies."""
    rides: dict[str, Ride] = {}
    for upload_id in dict.fromkeys(row.upload_id for row in rows):
        upload = store.upload_by_id(session, upload_id, None)
        try:
            collected = collect_canonical(archive, upload, config) if upload else []
        except (UploadRefused, KeyError):
            collected = _as_kept(archive, upload, rows)
        rides |= {ride.ride_id: ride for ride in collected}
    differences = []
    for row in rows:
        packed = pack_ride(rides[row.id]) if row.id in rides else b""
        sha256 = hashlib.sha256(packed).hexdigest() if packed else ""
        if sha256 != row.packed_sha256:
            differences.append(Difference(row.id, "collected", row.packed_sha256, sha256))
    return rides, differences


def _as_kept(archive: Archive, upload: store.Upload | None, rows: Sequence[store.RideRow]) -> list[Ride]:
    """The clean rides of an upload whose raw bytes went in their time; none where they are lost."""
    if upload is None or upload.reason != store.EXPIRED:
        return []
    own = [row for row in rows if row.upload_id == upload.id]
    return [unpack_ride(archive.get(row.packed_sha256)) for row in own if archive.has(row.packed_sha256)]


def _terrain_again(session: Session, archive: Archive, version: str, config: Config, rules: Rules) -> Terrain:
    key, feed = segment_key(session, archive), store.feed_by_id(session, version)
    if feed is None:
        return terrain_before_any(archive, config, rules, key)
    return terrain_of(feed, archive, config, rules, key)


def _recognise_again(
    terrain: Terrain, rows: Sequence[store.RideRow], rides: dict[str, Ride], config: Config, rules: Rules
) -> Found:
    """The rides behind a feed version as it recorded them, then those after it, up to the last it scored."""
    known = terrain.known
    behind = [(index, rides[ride_id]) for index, ride_id in enumerate(known.ride_id) if ride_id in rides]
    last = max(row.sequence for row in rows if row.network_version == terrain.version)
    seen = set(known.ride_id)
    after = [rides[row.id] for row in rows if row.id in rides and row.id not in seen and row.sequence <= last]
    trips = join_trips(
        [
            known.trips.take(np.array([index for index, _ in behind], dtype=np.int64)),
            recognise_each(terrain, after, config, rules).trips,
        ]
    )
    return _found(terrain, [ride for _, ride in behind] + after, trips, rules)


def _score_again(
    session: Session,
    terrain: Terrain,
    rows: Sequence[store.RideRow],
    found: Found,
    rules: Rules,
    recomputed: dict[tuple[str, str], Line],
) -> list[Difference]:
    """Adds the lines of the rides scored under one feed version; differences in what was recognised."""
    scored = {row.id: row for row in rows if row.network_version == terrain.version}
    observers: Observers = {}
    erased = _erased(session, terrain.version)
    _note_erased(observers, erased, list(erased))
    differences = []
    for index, ride in enumerate(found.rides):
        what = recognised_as(terrain.known, index, found.trips)
        result = score(found.segments_of(index), int(ride.rider_id), observers, rules, what["route_name"])
        _note(observers, result.observed)
        _note_erased(observers, erased, [segment for segment, _, _ in result.observed])
        row = scored.get(ride.ride_id)
        if row is None:
            continue
        differences += [
            Difference(row.id, name, getattr(row, name), value)
            for name, value in what.items()
            if getattr(row, name) != value
        ]
        for award in result.awards:
            texts = award.text_es, award.text_en
            recomputed[row.id, award.rule] = (
                award.millipoints,
                award.evidence,
                terrain.version,
                rules.version,
                *texts,
            )
    return differences + _compare_observers(session, terrain.version, observers)


def _erased(session: Session, version: str) -> dict[int, dict[int, int]]:
    """Segment -> place -> day of observers who were erased: nobody knows who, their places count."""
    found: dict[int, dict[int, int]] = {}
    for segment, who, day in store.all_observations(session, version):
        if who < 0:
            found.setdefault(segment, {})[-1 - who] = day
    return found


def _note_erased(observers: Observers, erased: dict[int, dict[int, int]], segments: Sequence[int]) -> None:
    """Whoever was erased follows at once on those before them: no ride between could tell the difference."""
    for segment in segments:
        places, those = erased.get(segment, {}), observers.get(segment, [])
        while len(those) in places:
            those.append((-1 - len(those), places[len(those)]))
            observers[segment] = those


def _compare_observers(session: Session, version: str, observers: Observers) -> list[Difference]:
    recomputed = sorted((segment, who, day) for segment, many in observers.items() for who, day in many)
    recorded = store.all_observations(session, version)
    if recorded == recomputed:
        return []
    missing, extra = len(set(recomputed) - set(recorded)), len(set(recorded) - set(recomputed))
    return [
        Difference("", f"observers under {version or 'no feed'}", f"{extra} too many", f"{missing} missing")
    ]


def _compare(session: Session, recomputed: dict[tuple[str, str], Line], erased: set[str]) -> list[Difference]:
    recorded: dict[tuple[str, str], Line] = {
        (line.ride_id or "", line.rule): (
            line.millipoints,
            line.evidence,
            line.network_version,
            line.rules_version,
            line.text_es,
            line.text_en,
        )
        for line in store.ledger_rows(session)
        if line.ride_id not in erased
    }
    return [
        Difference(ride_id, rule, recorded.get((ride_id, rule)), recomputed.get((ride_id, rule)))
        for ride_id, rule in sorted(recorded.keys() | recomputed.keys())
        if recorded.get((ride_id, rule)) != recomputed.get((ride_id, rule))
    ]
