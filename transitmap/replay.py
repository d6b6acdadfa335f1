"""The audit: raw uploads, feed versions and rules give the ledger once more, line by line."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from transitmap import store
from transitmap.archive import Archive, pack_ride, unpack_ride
from transitmap.config import Config
from transitmap.contribute import collect_canonical, ledger_lines
from transitmap.decided import RULE_NAMES, lines_of_decisions
from transitmap.errors import UploadRefused
from transitmap.examined import WITHHELD, Bench, bench
from transitmap.keys import segment_key
from transitmap.model import Ride, Rules, Terms
from transitmap.points import settle
from transitmap.points.campaigns import campaign_of
from transitmap.points.score import FRESH, MORE, NEW, NOBODY, Observers, Score, score
from transitmap.points.voices import one_person
from transitmap.publish import officially_known
from transitmap.said import LABEL, said_lines
from transitmap.settling import Count, confirmed, lines_of
from transitmap.terms import also_of, halfway, recorded_terms, rules_of
from transitmap.terrain import (
    Found,
    Terrain,
    recognise_again,
    recognised_as,
    terrain_before_any,
    terrain_of,
)

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

COMPARED = (
    "campaign_id", "kind", "ride_id", "user_id", "rule", "millipoints", "verified_millipoints",
    "rules_version", "network_version", "evidence", "text_es", "text_en",
)  # fmt: skip
"""What a replay compares of a line: all but its place, when it was written, and its seal."""
EVERY = 1_000_000
BY_PEOPLE = ("decision", "release", "reversal", "review")
"""Kinds of lines that follow from what people decided; the chain and the decisions prove them.

Those about rules, prizes and people are made again from their decisions.
"""


@dataclass(frozen=True)
class Difference:
    """Something that does not follow from the raw uploads: what the database says and what it should."""

    ride_id: str
    what: str
    recorded: Any
    recomputed: Any


@dataclass(frozen=True)
class Line:
    """A line of the ledger as a replay makes it."""

    ride_id: str
    campaign_id: int
    user_id: int
    evidence: dict[str, Any]
    told: dict[str, Any]


@dataclass
class Ledger:
    """The ledger as far as it is made again: lines by key, what is confirmed, what riders got on a day.

    Where another account of a rider's was erased (`gone`), what a ride observed is as recorded (`seen`), and
    its lines are left as they are (`blurred`). `inputs` are what settlements, by number, are to have known
    instead of what they did: nothing for an audit.
    """

    campaigns: list[store.Campaign]
    rules: dict[int, Rules]
    recorded: dict[str, store.LedgerRow]
    bench: Bench
    lines: dict[str, Line] = field(default_factory=dict)
    shares: dict[str, int] = field(default_factory=dict)
    of_day: dict[tuple[int, int], int] = field(default_factory=dict)
    ties: list[store.Tie] = field(default_factory=list)
    gone: frozenset[int] = frozenset()
    seen: frozenset[tuple[int, int, int]] = frozenset()
    blurred: set[str] = field(default_factory=set)
    differences: list[Difference] = field(default_factory=list)
    inputs: dict[int, dict[str, Any]] = field(default_factory=dict)

    def inputs_of(self, settlement: store.Settlement) -> dict[str, Any]:
        """What a settlement knew beside the rides."""
        return self.inputs.get(settlement.number, settlement.inputs)


def replay(session: Session, archive: Archive, config: Config, rules: Rules) -> list[Difference]:
    """Where the ledger differs from what raw uploads, feed versions and rules give; nowhere, if all is well.

    Every upload is read again, every ride recognised again in the feed version it was scored under, paid
    again after the rides before it, and confirmed again where a feed was published. Looks at everything and
    changes nothing; see the decision on replays. Lines of rides that were erased are left as they are; who
    rode there goes on to count for others.
    """
    rows, differences = store.rides_after(session), list[Difference]()
    rides = _collect_again(session, archive, rows, config, differences)
    looked_at = bench(session, rows, rides, segment_key(session, archive))
    recorded = {row.key: row for row in store.ledger_rows(session)}
    campaigns = store.all_campaigns(session)
    paid_by = rules_of(campaigns, rules)
    ledger = Ledger(campaigns, paid_by, recorded, looked_at, differences=differences)
    ledger.ties = store.ties(session)
    ledger.gone = frozenset(user.id for user in store.users(session) if user.erased_s is not None)
    pay_again(session, archive, rows, rides, config, ledger)
    decided = _compare_decided(recorded, lines_of_decisions(session))
    blurred = store.erased_ride_ids(session) | ledger.blurred
    return ledger.differences + _compare(ledger, blurred) + decided


def pay_again(
    session: Session,
    archive: Archive,
    rows: Sequence[store.RideRow],
    rides: dict[str, Ride],
    config: Config,
    ledger: Ledger,
) -> None:
    """Writes the lines of rides into `ledger`, version by version, by its rules."""
    rules = ledger.rules
    for version, settlement in _versions(session, rows):
        terrain = _terrain_again(session, archive, version, config, rules[store.OWN_CAMPAIGN])
        _under_version(session, archive, terrain, rows, rides, settlement, config, ledger)
    found = ledger.bench.differences()
    ledger.differences += [Difference(name, "findings", *both) for name, *both in found]


def _versions(
    session: Session, rows: Sequence[store.RideRow]
) -> Iterator[tuple[str, store.Settlement | None]]:
    """The feed versions under which anything was paid, the first first, with what was settled at each."""
    settled = {one.network_version: one for one in store.settlements(session)}
    used = {row.network_version for row in rows} | set(settled)
    order = {feed.id: feed.number for feed in store.feeds(session, EVERY)} | {store.NO_NETWORK: 0}
    for version in sorted(used, key=lambda version: order.get(version, 0)):
        yield version, settled.get(version)


# --- rides again -----------------------------------------------------------------------------------


def _collect_again(
    session: Session, archive: Archive, rows: Sequence[store.RideRow], config: Config, found: list[Difference]
) -> dict[str, Ride]:
    """The rides of all uploads, out of their raw bodies."""
    rides: dict[str, Ride] = {}
    for upload_id in dict.fromkeys(row.upload_id for row in rows):
        upload = store.upload_by_id(session, upload_id, None)
        try:
            collected = collect_canonical(archive, upload, config) if upload else []
        except (UploadRefused, KeyError):
            collected = _as_kept(archive, upload, rows)
        rides |= {ride.ride_id: ride for ride in collected}
    for row in rows:
        packed = pack_ride(rides[row.id]) if row.id in rides else b""
        sha256 = hashlib.sha256(packed).hexdigest() if packed else ""
        if sha256 != row.packed_sha256:
            found.append(Difference(row.id, "collected", row.packed_sha256, sha256))
    return rides


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
    terrain: Terrain,
    rows: Sequence[store.RideRow],
    rides: dict[str, Ride],
    settlement: store.Settlement | None,
    config: Config,
    rules: Rules,
) -> Found:
    """The rides behind a feed version, then those after it, up to the last that it knew of."""
    scored = (row.sequence for row in rows if row.network_version == terrain.version)
    last = max(scored, default=settlement.through_sequence if settlement else 0)
    seen = set(terrain.known.ride_id)
    after = [rides[row.id] for row in rows if row.id in rides and row.id not in seen and row.sequence <= last]
    return recognise_again(terrain, rides, after, config, rules)


# --- points again ----------------------------------------------------------------------------------


def _under_version(
    session: Session,
    archive: Archive,
    terrain: Terrain,
    rows: Sequence[store.RideRow],
    rides: dict[str, Ride],
    settlement: store.Settlement | None,
    config: Config,
    ledger: Ledger,
) -> None:
    """Pays the rides scored under one feed version, and before them what it confirmed."""
    rules = ledger.rules[store.OWN_CAMPAIGN]
    found = _recognise_again(terrain, rows, rides, settlement, config, rules)
    of = {row.id: row for row in rows}
    erased = _erased(session, terrain.version)
    if ledger.gone:
        ledger.seen = frozenset(store.all_observations(session, terrain.version))
    count = Count()
    _note_erased(count, erased, list(erased))
    withheld = set(ledger.inputs_of(settlement)["withheld"] if settlement else ())
    waiting = settlement
    for index, ride in enumerate(found.rides):
        if waiting and of[ride.ride_id].sequence > waiting.through_sequence:
            _settle_again(session, archive, terrain, waiting, count, erased, ledger)
            waiting, withheld = None, set()
        if ride.ride_id not in withheld:
            row = of[ride.ride_id]
            linked = waiting.inputs["linked"] if waiting else _one_person(ledger, row)
            result = _score_again(terrain, found, index, row, count, ledger, also_of(row.user_id, linked))
            where = found.segments_of(index).segment.tolist()
            if result.awards[0].rule == WITHHELD and not erased.keys().isdisjoint(where):
                ledger.blurred.add(row.id)  # those erased may have come later: nobody knows what it was worth
            _note_erased(count, erased, [segment for segment, _, _ in result.observed])
    if waiting:
        _settle_again(session, archive, terrain, waiting, count, erased, ledger)
    ledger.differences += _compare_observers(session, terrain.version, count)


def _one_person(ledger: Ledger, row: store.RideRow) -> list[tuple[int, int]]:
    """The accounts that were taken for one person's when a ride was understood, in pairs."""
    return store.both_ways(store.tied(ledger.ties, row.sequence))


def _score_again(
    terrain: Terrain,
    found: Found,
    index: int,
    row: store.RideRow,
    count: Count,
    ledger: Ledger,
    also: frozenset[int],
) -> Score:
    """Counts one ride, and pays it where this is the version under which it was paid; what it observed."""
    what = recognised_as(terrain.known, index, found.trips)
    is_paid = row.network_version == terrain.version
    campaign_id, day, terms = _deal_again(found.rides[index], row, ledger, also)
    rules = ledger.rules[campaign_id]
    mine = found.segments_of(index)
    if also & ledger.gone:
        ledger.blurred.add(row.id)
        where = zip(mine.segment.tolist(), mine.day.tolist(), strict=True)
        mine = mine.take(np.array([(one, row.user_id, day) in ledger.seen for one, day in where], dtype=bool))
    observers: Observers = count.observers
    if is_paid:
        ledger.bench.look_again(row.id, found.trips, index, terrain.known.network, rules)
        observers = ledger.bench.before(row, observers, mine.segment)
    result = score(mine, row.user_id, observers, rules, what["route_name"], terms)
    if is_paid:
        waits = row.user_id in store.waiting(store.tied(ledger.ties, row.sequence))
        result = ledger.bench.withheld(row.id, result, waits)  # later a settlement tells what people decided
    count.note(row.id, result)
    if not is_paid:
        return result
    for name, value in what.items():
        if getattr(row, name) != value:
            ledger.differences.append(Difference(row.id, name, getattr(row, name), value))
    for line in ledger_lines(result, row, rules, campaign_id):
        ledger.lines[line["key"]] = _line_of(line)
        full = line["evidence"]["full_millipoints"]
        ledger.of_day[row.user_id, day] = ledger.of_day.get((row.user_id, day), 0) + full
    return result


def _deal_again(
    ride: Ride, row: store.RideRow, ledger: Ledger, also: frozenset[int]
) -> tuple[int, int, Terms]:
    """The campaign of a ride, the day on which it was paid, and what its worth was multiplied by.

    When it was understood, and what missions and the grid of need said then, is told by its lines alone.
    """
    keys = [f"{rule}:{row.id}" for rule in (NEW, MORE, FRESH, WITHHELD)]
    paid = [ledger.recorded[key] for key in keys if key in ledger.recorded]
    at_s, day = (paid[0].created_s, paid[0].day) if paid else (0.0, 0)
    campaign_id = campaign_of(ledger.campaigns, row.started_s, *halfway(ride.fixes), at_s=at_s)
    most = ledger.rules[campaign_id].max_millipoints_per_day
    left = most - sum(ledger.of_day.get((account, day), 0) for account in (row.user_id, *also))
    return campaign_id, day, recorded_terms([line.evidence for line in paid], left, also)


def _line_of(line: dict[str, Any]) -> Line:
    return Line(line["ride_id"], line["campaign_id"], line["user_id"], line["evidence"], line)


def _settle_again(
    session: Session,
    archive: Archive,
    terrain: Terrain,
    settlement: store.Settlement,
    count: Count,
    erased: dict[int, dict[int, tuple[int, int]]],
    ledger: Ledger,
) -> None:
    """Pays what was confirmed then; what rests on riders who were erased since is left as it was."""
    over = {one.id for one in ledger.campaigns if (one.closed_s or np.inf) <= settlement.made_s}
    pays = {number: rules for number, rules in ledger.rules.items() if number not in over}
    awards = [line for line in ledger.lines.values() if line.told["kind"] == "award"]
    inputs = ledger.inputs_of(settlement)
    official = officially_known(archive, terrain, inputs, ledger.rules[store.OWN_CAMPAIGN])
    campaign_of = {line.ride_id: line.campaign_id for line in awards}
    now, voice_of = confirmed(count, inputs, official, campaign_of, pays)
    told = {
        str(row.ride_id): int(row.evidence["permille"])
        for row in ledger.recorded.values()
        if row.kind == "confirmation" and row.network_version == settlement.network_version
    }
    blurred = _blurred(count, erased, inputs["linked"], ledger.gone)
    now |= {ride_id: share for ride_id, share in told.items() if ride_id in blurred}
    for ride_id in blurred - set(told):
        now.pop(ride_id, None)
    rose = settle.rise(ledger.shares, now)
    silent = settlement.inputs["withheld"]
    rows = [row for row in ledger.bench.rows.values() if row.id not in silent]
    said = said_lines(
        session, terrain.known, rows, ledger.bench.rides, voice_of, pays, settlement.through_sequence
    )
    for line in lines_of(awards, ledger.shares, rose, pays) + said:
        line["network_version"] = settlement.network_version
        ledger.lines.setdefault(line["key"], _line_of(line))
    ledger.shares |= rose


def _blurred(
    count: Count,
    erased: dict[int, dict[int, tuple[int, int]]],
    linked: Sequence[Sequence[int]],
    gone: frozenset[int],
) -> set[str]:
    """Rides whose confirmed share may have hung on somebody who was erased, through whomever they met.

    What is confirmed of a person hangs on all that the person rode and on who confirms whom around; so do
    those who met them. It ends where nobody met anybody further on.
    """
    segments = {one for one, those in erased.items() if any(who < NOBODY for who, _ in those.values())}
    people, reached = one_person(linked), set(gone)
    reached.update(*(people.get(one, ()) for one in gone))
    n_before = -1
    while n_before != len(segments) + len(reached):
        n_before = len(segments) + len(reached)
        met = {who for _, who, segment, *_ in count.rows if segment in segments} - reached
        reached |= met.union(*(people.get(one, ()) for one in met))
        segments |= {segment for _, who, segment, *_ in count.rows if who in reached}
    return {count.ride_ids[ride] for ride, who, *_ in count.rows if who in reached}


def _erased(session: Session, version: str) -> dict[int, dict[int, tuple[int, int]]]:
    """Segment -> place -> observers who were erased: nobody knows who, their places count.

    Where anybody was, nobody knows whose touches are whose either: those stay where they are, too.
    """
    found: dict[int, dict[int, tuple[int, int]]] = {}
    if store.erased_ride_ids(session):
        for segment, who, day, place in store.nameless_observations(session, version):
            found.setdefault(segment, {})[place] = NOBODY if who == NOBODY else -1 - place, day
    return found


def _note_erased(
    count: Count, erased: dict[int, dict[int, tuple[int, int]]], segments: Sequence[int]
) -> None:
    """Whoever was erased follows at once on those before them: no ride between could tell the difference."""
    for segment in segments:
        places, those = erased.get(segment, {}), count.observers.get(segment, [])
        while len(those) in places:
            those.append(places[len(those)])
            count.observers[segment] = those


# --- what differs ----------------------------------------------------------------------------------


def _compare_observers(session: Session, version: str, count: Count) -> list[Difference]:
    recomputed = sorted((segment, who, day) for segment, many in count.observers.items() for who, day in many)
    recorded = store.all_observations(session, version)
    if recorded == recomputed:
        return []
    missing, extra = len(set(recomputed) - set(recorded)), len(set(recorded) - set(recomputed))
    return [
        Difference("", f"observers under {version or 'no feed'}", f"{extra} too many", f"{missing} missing")
    ]


def _compare(ledger: Ledger, erased: set[str]) -> list[Difference]:
    """The lines that differ, but for those of rides that were erased and those that people decided."""
    left = {*BY_PEOPLE, LABEL} if erased else set(BY_PEOPLE)  # whom nobody hears any more, nobody agrees with
    recorded = {
        key: {name: getattr(row, name) for name in COMPARED}
        for key, row in ledger.recorded.items()
        if row.ride_id not in erased and row.kind not in left
    }
    recomputed = {
        key: {name: line.told[name] for name in COMPARED}
        for key, line in ledger.lines.items()
        if line.ride_id not in erased and line.told["kind"] not in left
    }
    keys = sorted(recorded.keys() | recomputed.keys())
    return [
        Difference(_ride_of(key, recorded, recomputed), key, *_unlike(recorded.get(key), recomputed.get(key)))
        for key in keys
        if recorded.get(key) != recomputed.get(key)
    ]


def _compare_decided(
    recorded: dict[str, store.LedgerRow], again: Sequence[dict[str, Any]]
) -> list[Difference]:
    """The lines about rules, prizes and people that differ from what their decisions say."""
    there = {key: row for key, row in recorded.items() if row.rule in RULE_NAMES}
    told = {key: {name: getattr(row, name) for name in COMPARED} for key, row in there.items()}
    wanted = {line["key"]: {name: line[name] for name in COMPARED} for line in again}
    return [
        Difference("", key, *_unlike(told.get(key), wanted.get(key)))
        for key in sorted(told.keys() | wanted.keys())
        if told.get(key) != wanted.get(key)
    ]


def _unlike(one: dict[str, Any] | None, other: dict[str, Any] | None) -> tuple[Any, Any]:
    """Of two lines what differs; the whole line where the other is not there."""
    if one is None or other is None:
        return one, other
    names = [name for name in COMPARED if one[name] != other[name]]
    return {name: one[name] for name in names}, {name: other[name] for name in names}


def _ride_of(key: str, *lines: dict[str, dict[str, Any]]) -> str:
    return next((str(of[key]["ride_id"] or "") for of in lines if key in of), "")
