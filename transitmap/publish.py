"""The story of one feed: everybody's rides -> network -> feed, gated, kept, and from then on what holds."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from transitmap import erase, missions, pipeline, store, versions
from transitmap.archive import Archive, pack_columns, pack_network, unpack_columns, unpack_ride
from transitmap.config import Config
from transitmap.errors import FeedInvalid, NothingToPublish, RidesWithdrawn
from transitmap.gtfs.admit import admitted_patterns
from transitmap.gtfs.carry_ids import forget
from transitmap.keys import segment_key
from transitmap.late import with_late
from transitmap.model import Ids, IntArray, Network, Notice, Ride, Rules, Shapes, Trips
from transitmap.points import evidence, settle
from transitmap.points.rules import load_rules
from transitmap.said import said_lines
from transitmap.settling import Count, confirmed, count_rides, lines_of
from transitmap.terms import city_day, paying_rules
from transitmap.terrain import Found, Known, Terrain, found_in, join_found, recognise_each, terrain_of

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

ERROR = "error"
"""The severity that keeps a feed from being published."""


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
        NothingToPublish: no pattern has enough riders yet, and there is no feed before that this would empty.
            Where there is one and somebody was erased since, a version without a feed takes it back.
        FeedInvalid: our own rules or the canonical ones found errors; the feed before goes on to hold, and
            what was found is kept.
        FeedUnreadable: the official feed that the settings name cannot be read.
        RidesWithdrawn: somebody was erased while the feed was made; nothing is published.
    """
    rules = rules or load_rules()
    key = segment_key(session, archive)
    before, rows = store.latest_feed(session), _in_order(session)
    must_forget, names = store.must_forget(session), store.read_under(store.bound_riders(session))
    session.commit()
    rides = _rides_of(archive, rows)
    late = _with_late(archive, rows, rides)
    network, trips = pipeline.infer_network(by_person(late, names), config, progress)
    official = pipeline.official_tables(config)
    feed = pipeline.make_feed(network, config, today, _previous_ids(before), official, trips)
    is_empty = not feed.tables["trips.txt"]["trip_id"]
    if is_empty and not must_forget and (before is None or before.is_withdrawn):
        raise NothingToPublish(len(rides), config.feed.min_riders)
    known = _known(network, trips, rides, feed, config.feed.min_riders)
    if is_empty and must_forget and before is not None:
        version = _without_feed(archive, feed, known, before, rules, now_s)
    else:
        notices = _gate(session, feed, config, today, (rules.version, len(rows), now_s))
        version = _version(archive, replace(feed, notices=notices), known, before, rules, now_s)
    versions.note_changes(archive, version, before, config.diff)
    terrain = terrain_of(version, archive, config, rules, key)
    decided = store.people_decided(session)
    lines = pipeline.official_lines(official)
    decided["official"] = [] if lines is None else [archive.put(pack_columns(lines))]
    session.commit()
    found = found_in(terrain, rides, trips, rules)
    count = count_rides(found, rules, Count(), decided["withheld"], decided["linked"])
    return _hold(session, archive, version, terrain, (found, count, decided), rows, config, rules)


def _in_order(session: Session) -> list[store.RideRow]:
    """All rides as they came, but those last that were claimed wrongly: a copy is the later of two, and
    whoever recorded it is no copy of whoever did not."""
    claimed = store.claimed_ride_ids(session)
    return sorted(store.rides_after(session), key=lambda row: (row.id in claimed, row.sequence))


def _rides_of(archive: Archive, rows: Sequence[store.RideRow]) -> list[Ride]:
    """The fixes of rides.

    Raises:
        RidesWithdrawn: those of one are gone.
    """
    try:
        return [unpack_ride(archive.get(row.packed_sha256)) for row in rows]
    except KeyError as gone:
        raise RidesWithdrawn(len(rows)) from gone


def by_person(rides: Sequence[Ride], names: Mapping[int, int]) -> list[Ride]:
    """Rides as inference reads them: tied accounts are the rider that they are read under."""
    name_of = {str(account): str(name) for account, name in names.items()}
    return [replace(ride, rider_id=name_of.get(ride.rider_id, ride.rider_id)) for ride in rides]


def _with_late(archive: Archive, rows: Sequence[store.RideRow], rides: Sequence[Ride]) -> list[Ride]:
    """Rides with the marks that came late: for the map alone, as others may have been read by then.

    Raises:
        RidesWithdrawn: those of one are gone.
    """
    try:
        return [with_late(archive, row, ride) for row, ride in zip(rows, rides, strict=True)]
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


def _without_feed(
    archive: Archive,
    feed: pipeline.Feed,
    known: Known,
    before: store.FeedVersion,
    rules: Rules,
    now_s: float,
) -> store.FeedVersion:
    """The row that says that nothing is published: too few people are left since somebody was erased."""
    number = before.number + 1
    return store.FeedVersion(
        number=number,
        id=f"{number}-withdrawn",
        made_s=now_s,
        feed_sha256="",
        network_sha256=archive.put(pack_network(feed.network)),
        evidence_sha256="",
        known_sha256=archive.put(pack_columns(known)),
        ids=json.loads(forget(feed.ids).to_json()),
        rules_version=rules.version,
        n_rides=len(known.ride_id),
        notices=[],
    )


def _hold(
    session: Session,
    archive: Archive,
    version: store.FeedVersion,
    terrain: Terrain,
    counted: tuple[Found, Count, dict[str, Any]],
    rows: Sequence[store.RideRow],
    config: Config,
    rules: Rules,
) -> store.FeedVersion:
    """One transaction: rides that came meanwhile, the observers so far, what they confirm, and the feed."""
    store.lock_ledger(session)
    latest = store.latest_feed(session)
    if latest is not None and latest.number >= version.number:
        session.commit()
        return latest
    if not {row.id for row in rows} <= store.ride_ids(session):
        session.commit()
        raise RidesWithdrawn(len(rows))
    late = store.rides_after(session, max((row.sequence for row in rows), default=0))
    rides = _rides_of(archive, late)
    found, count, decided = counted
    late_found = recognise_each(terrain, rides, config, rules)
    come, now = {row.id for row in late}, store.people_decided(session)
    decided = decided | {
        name: sorted({*decided[name], *(come & set(now[name]))}) for name in ("withheld", "held")
    }
    count_rides(late_found, rules, count, decided["withheld"], decided["linked"])
    decided["n_people"] = count.n_people
    seen = [(segment, who, day) for segment, many in count.observers.items() for who, day in many]
    store.add_observations(session, version.id, seen)
    store.add_feed(session, version)
    through = max((row.sequence for row in [*rows, *late]), default=0)
    everything = join_found(found, late_found)
    voice_of = _settle(session, archive, version, terrain, everything, (count, decided), through, rules)
    _ask_for_more(session, archive, version, terrain, everything, (decided, voice_of), config, rules)
    if version.is_withdrawn:
        erase.withdraw(session, archive, version)
    session.commit()
    return version


def _settle(
    session: Session,
    archive: Archive,
    version: store.FeedVersion,
    terrain: Terrain,
    found: Found,
    counted: tuple[Count, dict[str, Any]],
    through_sequence: int,
    rules: Rules,
) -> Mapping[int, int]:
    """Pays what is confirmed now and was not before, and what was said; which rider is whose voice."""
    (count, decided), before = counted, store.confirmed_shares(session)
    known, paid_by = terrain.known, paying_rules(session, rules, version.made_s)
    official = officially_known(archive, terrain, decided, rules)
    shares, voice_of = confirmed(count, decided, official, store.campaigns_of_rides(session), paid_by)
    rose = settle.rise(before, shares)
    awards = store.awards_of(session, sorted(rose))
    lines = lines_of(awards, before, rose, paid_by)
    rides = {ride.ride_id: ride for ride in found.rides}
    silent = set(decided["withheld"])
    rows = [row for row in store.rides_after(session) if row.id not in silent]
    lines += said_lines(session, known, rows, rides, voice_of, paid_by, through_sequence)
    day = city_day(version.made_s, known.network.timezone)
    when = {"network_version": version.id, "created_s": version.made_s, "day": day}
    added = store.add_lines(session, [line | when for line in lines])
    settlement = store.Settlement(
        number=version.number,
        network_version=version.id,
        through_sequence=through_sequence,
        through_decision=store.last_decision(session),
        made_s=version.made_s,
        n_lines=len(added),
        inputs=decided,
    )
    store.add_settlement(session, settlement, rose)
    return voice_of


def officially_known(
    archive: Archive, terrain: Terrain, decided: Mapping[str, Any], rules: Rules
) -> IntArray:
    """The segments that the official feed knew whose lines a settlement kept."""
    found = [
        evidence.official_segments(
            terrain.ground, unpack_columns(Shapes, archive.get(sha256)), rules, terrain.key
        )
        for sha256 in decided["official"]
    ]
    return np.concatenate([np.zeros(0, dtype=np.int64), *found])


def _ask_for_more(
    session: Session,
    archive: Archive,
    version: store.FeedVersion,
    terrain: Terrain,
    found: Found,
    heard: tuple[dict[str, Any], Mapping[int, int]],
    config: Config,
    rules: Rules,
) -> None:
    """Missions of what the feed that holds now lacks; those that are done end."""
    decided, voice_of = heard
    seen = missions.Seen(version, terrain, found, voice_of, decided["withheld"])
    missions.refresh(session, archive, seen, config, rules, version.made_s)
