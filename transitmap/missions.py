"""The story of missions: what a new map lacks -> missions, a forecast, who has which, what rides are paid."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from transitmap import store
from transitmap.archive import Archive, unpack_network, unpack_ride
from transitmap.config import Config
from transitmap.gtfs.feed.names import name_things
from transitmap.keys import segment_key
from transitmap.model import Ids, Rules
from transitmap.points import missions
from transitmap.points.campaigns import campaign_of
from transitmap.points.forecast import Forecast, forecast
from transitmap.points.missions import MissionRules, Way
from transitmap.terms import city_day
from transitmap.terrain import Found, Terrain, recognise_again, terrain_of

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

COVERAGE = "coverage"
"""The fact that holds what is known of cells: forecasts, and when each published route was last ridden."""
TARGETS = (500, 800, 900)
DAY_S = 86_400

Asked = tuple[str, int, str]
"""(route_id, direction_id, day part): what a mission asks for, in public words."""


@dataclass(frozen=True)
class Refreshed:
    """What a publication did to missions."""

    n_gaps: int
    n_made: int
    n_done: int
    n_closed: int


def mission_rules(rules: Rules) -> MissionRules:
    """What the published rules say of missions; the rest is as `MissionRules` has it."""
    above = rules.mission_permille - missions.PAID_ONCE
    return MissionRules(
        n_observers=rules.confirm_voices,
        stale_days=rules.fresh_full_days,
        max_bonus_permille=rules.mission_permille,
        stale_bonus_permille=missions.PAID_ONCE + above * rules.fresh_permille // 1_000,
    )


@dataclass(frozen=True, eq=False)
class Seen:
    """What is known under the feed that holds: its row, its ground, every ride so far, and who is who.

    `voice_of` names the voice of each account (see `points.voices`); who is not there is their own. Rides
    that are `withheld` observe nothing.
    """

    version: store.FeedVersion
    terrain: Terrain
    found: Found
    voice_of: Mapping[int, int] = field(default_factory=dict)
    withheld: Collection[str] = ()


def refresh(
    session: Session, archive: Archive, seen: Seen, config: Config, rules: Rules, now_s: float
) -> Refreshed:
    """Ends the missions whose cell has enough, keeps the rest, makes new ones of the gaps, forecasts.

    Call it once a feed holds, under the ledger's lock; the caller commits. Missions are of the campaign that
    rides there count in now.
    """
    asked, timezone = mission_rules(rules), seen.terrain.ground.timezone
    rides = seen.found.rides
    riders = [int(ride.rider_id) for ride in rides]
    voice = np.array([seen.voice_of.get(rider, rider) for rider in riders], dtype=np.int64)
    began_s = [float(ride.fixes.time_s[0]) for ride in rides]
    parts = [
        "" if ride.ride_id in seen.withheld else missions.day_part_of(at_s, timezone)
        for ride, at_s in zip(rides, began_s, strict=True)
    ]
    n_segments = _lengths(seen.terrain)
    cells, observed = missions.count_cells(seen.found.segments, voice, parts, n_segments, asked)
    today = city_day(now_s, timezone)
    gaps = missions.gaps_of(cells, today, asked)
    ways = public_ways(archive, seen.version, seen.terrain, config)
    lacking = {_asked(gap.cell, ways): gap for gap in gaps if _key(gap.cell) in ways}
    n_done, n_closed = _end(session, lacking, set(ways.values()), now_s)
    seed = check_seed(seen.terrain.key, seen.version.number)
    n_made = _make(session, gaps, ways, seed, asked, now_s)
    days = np.array([city_day(at_s, timezone) for at_s in began_s], dtype=np.int64)
    told = [forecast(observed, voice, days, len(cells), target, asked.n_observers) for target in TARGETS]
    _note_coverage(
        session, cells, ways, told, {"stale_days": asked.stale_days, "day": today, "timezone": timezone}
    )
    return Refreshed(len(gaps), n_made, n_done, n_closed)


def _lengths(terrain: Terrain) -> dict[missions.Key, int]:
    """How many segments each route has in each direction."""
    found: dict[missions.Key, set[int]] = {}
    for line in terrain.ground.lines:
        found.setdefault((line.route_index, line.direction_id), set()).update(line.segment.tolist())
    return {key: len(segments) for key, segments in found.items()}


def public_ways(
    archive: Archive, version: store.FeedVersion, terrain: Terrain, config: Config
) -> dict[missions.Key, Way]:
    """Routes and directions of the whole network as the public knows them; those held back are left out."""
    network, ids = unpack_network(archive.get(version.network_sha256)), Ids.from_json(json.dumps(version.ids))
    names, patterns = name_things(network, ids, config.feed.lang), network.patterns
    best: dict[tuple[str, int], int] = {}
    for row in np.argsort(-patterns.n_rides, kind="stable").tolist():
        best.setdefault((ids.route_id[patterns.route_index[row]], int(patterns.direction_id[row])), row)
    ways = {}
    for key in {(line.route_index, line.direction_id) for line in terrain.ground.lines}:
        row = best.get((terrain.known.route_id[key[0]], key[1]))
        if row is not None:
            calls = patterns.stop_index[patterns.call_start[row] : patterns.call_start[row + 1]]
            places = zip(
                network.stops.lat_deg[calls].tolist(), network.stops.lon_deg[calls].tolist(), strict=True
            )
            route = int(patterns.route_index[row])
            name = names.route_short[route] or ids.route_id[route]
            ways[key] = Way(ids.route_id[route], name, key[1], names.headsign[row], tuple(places))
    return ways


def _key(cell: missions.Cell) -> missions.Key:
    return cell.route_index, cell.direction_id


def _asked(cell: missions.Cell, ways: Mapping[missions.Key, Way]) -> Asked:
    return ways[_key(cell)].route_id, cell.direction_id, cell.day_part


def _end(
    session: Session, lacking: Mapping[Asked, missions.Gap], ways: set[Way], now_s: float
) -> tuple[int, int]:
    """Ends what has enough (done), what is over and what asks for something else by now (closed)."""
    public = {(way.route_id, way.direction_id) for way in ways}
    there = store.unfinished_missions(session)
    held = {
        hold.mission_id
        for hold in store.reservations_of(session, [one.id for one in there])
        if hold.until_s > now_s
    }
    n_done = n_closed = 0
    for one in there:
        gap = lacking.get((one.route_id, one.direction_id, one.day_part))
        is_over = one.closes_s is not None and one.closes_s <= now_s
        if one.is_check or (gap is None and (one.route_id, one.direction_id) not in public):
            is_done, is_closed = False, is_over or not one.is_check
        else:
            is_done = gap is None
            is_closed = is_over or (one.id not in held and gap is not None and gap.n_needed != one.n_needed)
        if is_done or is_closed:
            store.end_mission(one, "done" if is_done else "closed", now_s)
        n_done, n_closed = n_done + is_done, n_closed + (is_closed and not is_done)
    session.flush()
    return n_done, n_closed


def _make(
    session: Session,
    gaps: Sequence[missions.Gap],
    ways: Mapping[missions.Key, Way],
    seed: bytes,
    rules: MissionRules,
    now_s: float,
) -> int:
    """New missions, in an order that tells nothing, each in the campaign that a ride there counts in."""
    campaigns = store.all_campaigns(session)
    there = store.open_missions(session, now_s)
    made = missions.make_missions(gaps, ways, rules, there)
    n_all = len(made) + sum(not one.is_check for one in there)
    n_checks = missions.n_checks(n_all, rules) - sum(one.is_check for one in there)
    made += missions.draw_checks(made, ways.values(), max(n_checks, 0), seed)
    told = {"seed_sha256": missions.commitment(seed)}
    for nth in np.random.default_rng(list(seed)).permutation(len(made)).tolist():
        row = asdict(made[nth])
        row["evidence"] = made[nth].evidence | told
        where = campaign_of(campaigns, now_s, made[nth].lat_deg, made[nth].lon_deg, at_s=now_s)
        store.add_missions(session, where, [row], now_s, now_s + rules.open_days * DAY_S)
    return len(made)


def check_seed(key: bytes, number: int) -> bytes:
    """What the checks of a feed are drawn from: secret until somebody tells, provable by its sha256."""
    return hashlib.blake2b(f"checks|{number}".encode(), digest_size=32, key=key).digest()


def _note_coverage(
    session: Session,
    cells: Sequence[missions.Cell],
    ways: Mapping[missions.Key, Way],
    told: Sequence[Forecast],
    more: Mapping[str, int | str],
) -> None:
    """Keeps what pages say of the whole: forecasts, when each published route was last ridden, and `more`."""
    last: dict[str, int] = {}
    for cell in cells:
        if _key(cell) in ways:
            route_id = ways[_key(cell)].route_id
            last[route_id] = max(last.get(route_id, -1), cell.last_day)
    fact = {"forecasts": [asdict(one) for one in told], "last_day": last, **more}
    store.set_fact(session, COVERAGE, json.dumps(fact, sort_keys=True))


def coverage(session: Session) -> dict[str, Any]:
    """What the latest publication noted; empty before the first."""
    text = store.fact(session, COVERAGE)
    found: dict[str, Any] = json.loads(text) if text else {}
    return found


def told(session: Session, now_s: float) -> list[dict[str, Any]]:
    """The open missions as anybody may read them: nothing says which are checks."""
    rows = store.open_missions(session, now_s)
    holds = store.reservations_of(session, [one.id for one in rows])
    held = {hold.mission_id for hold in holds if hold.from_s <= now_s < hold.until_s}
    return [
        {
            "id": one.id,
            "campaign_id": one.campaign_id,
            "route_id": one.route_id,
            "name": one.evidence["name"],
            "headsign": one.evidence["headsign"],
            "direction_id": one.direction_id,
            "day_part": one.day_part,
            "n_needed": one.n_needed,
            "bonus": one.bonus_permille / 1_000,
            "why": one.evidence["why"],
            "closes_s": one.closes_s,
            "is_reserved": one.id in held,
            "places": one.evidence["places"],
            "seed_sha256": one.evidence["seed_sha256"],
        }
        for one in rows
    ]


# --- between two publications --------------------------------------------------------------------


def refresh_when_due(
    session: Session, archive: Archive, config: Config, rules: Rules, now_s: float
) -> Refreshed | None:
    """As `refresh_now` on a new day of the city, and where a mission's time is over; else None.

    A city where nobody rides any more needs it most: what is known grows old there, and missions end.
    """
    known = coverage(session)
    is_new_day = known.get("day") != city_day(now_s, known.get("timezone", ""))
    if not is_new_day and not store.is_mission_over(session, now_s):
        return None
    return refresh_now(session, archive, config, rules, now_s)


def refresh_now(
    session: Session, archive: Archive, config: Config, rules: Rules, now_s: float
) -> Refreshed | None:
    """As a publication does for the feed that holds now; None before the first feed, or where another came.

    Only circles of friends are not looked for again: accounts of one person are one voice, others their own.
    `session` is committed before the slow part, which keeps no writer waiting; the caller commits the rest.
    """
    version = store.latest_feed(session)
    if version is None:
        return None
    terrain = terrain_of(version, archive, config, rules, segment_key(session, archive))
    rows = store.rides_after(session)
    session.commit()
    rides = {row.id: unpack_ride(archive.get(row.packed_sha256)) for row in rows}
    behind = set(terrain.known.ride_id)
    after = [rides[row.id] for row in rows if row.id not in behind]
    found = recognise_again(terrain, rides, after, config, rules)
    store.lock_ledger(session)
    latest = store.latest_feed(session)
    if latest is None or latest.id != version.id or not set(rides) <= store.ride_ids(session):
        return None
    voice_of = store.read_under(store.bound_riders(session))
    seen = Seen(version, terrain, found, voice_of, store.people_decided(session)["withheld"])
    return refresh(session, archive, seen, config, rules, now_s)


def ended_seeds(session: Session, archive: Archive) -> list[tuple[int, str, str]]:
    """(feed, seed, its sha256) of the checks of which none is open any more: what may be told now."""
    key, version = segment_key(session, archive), store.latest_feed(session)
    numbers = range(1, version.number + 1 if version else 1)
    seeds = {
        missions.commitment(seed): (number, seed) for number in numbers for seed in [check_seed(key, number)]
    }
    rows = store.all_missions(session)
    still = {one.evidence["seed_sha256"] for one in rows if one.state == "open"}
    over = {one.evidence["seed_sha256"] for one in rows} - still
    return sorted((*_plain(seeds[sha256]), sha256) for sha256 in over & set(seeds))


def _plain(seed: tuple[int, bytes]) -> tuple[int, str]:
    return seed[0], seed[1].hex()


# --- riders --------------------------------------------------------------------------------------


def reserve(
    session: Session, mission_id: int, user_id: int, now_s: float, rules: MissionRules | None = None
) -> str:
    """Reserves a mission for a rider, first come; else why not (`points.missions`). The caller commits.

    Others who want this mission, and this rider's other requests, wait for the commit.
    """
    rules = rules or MissionRules()
    mission = store.mission_by_id(session, mission_id, locked=True)
    if mission is None:
        return missions.NOT_OPEN
    store.lock_user(session, user_id)
    holds = store.reservations_of(session, [mission_id])
    holds += [hold for hold in store.reservations_of_user(session, user_id) if hold.mission_id != mission_id]
    ridden_s = store.last_earned_s(session, user_id)
    reason = missions.why_not(mission, user_id, holds, now_s, rules, ridden_s)
    if not reason:
        until_s = min(now_s + rules.hold_s, mission.closes_s or np.inf)
        store.add_reservation(session, mission_id, user_id, now_s, until_s)
    return reason


def stale_of(session: Session, adopted: Sequence[str], now_s: float) -> list[tuple[str, int]]:
    """(route_id, days since anybody rode it) of those routes that somebody looks after which grew old."""
    known = coverage(session)
    today, last = city_day(now_s, known.get("timezone", "")), known.get("last_day", {})
    ages = [(route_id, today - last.get(route_id, today)) for route_id in adopted]
    return [(route_id, age) for route_id, age in ages if age >= known.get("stale_days", 0) > 0]
