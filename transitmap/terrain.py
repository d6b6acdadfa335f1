"""What one feed version knows, ready to recognise rides and to say what they are evidence of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from transitmap import pipeline, store
from transitmap.archive import Archive, unpack_columns
from transitmap.config import Config
from transitmap.errors import ConfigError
from transitmap.keys import segment_key
from transitmap.model import Headways, Network, Patterns, Ride, Routes, Rules, Segments, Shapes, Stops, Trips
from transitmap.points import evidence

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


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


# --- rides on it ---------------------------------------------------------------------------------


def recognise_each(terrain: Terrain, rides: Sequence[Ride], config: Config, rules: Rules) -> Found:
    """What each ride is, looked at alone: company must not change what a ride is worth."""
    return found_in(terrain, rides, _recognised(terrain, rides, config), rules)


def _recognised(terrain: Terrain, rides: Sequence[Ride], config: Config) -> Trips:
    return join_trips([pipeline.recognise(terrain.known.network, [ride], config) for ride in rides])


def recognise_again(
    terrain: Terrain, rides: Mapping[str, Ride], after: Sequence[Ride], config: Config, rules: Rules
) -> Found:
    """The rides behind a feed version as it recorded them, those that are there, then those `after` it."""
    known = terrain.known
    behind = [index for index, ride_id in enumerate(known.ride_id) if ride_id in rides]
    trips = [known.trips.take(np.array(behind, dtype=np.int64)), _recognised(terrain, after, config)]
    every = [rides[known.ride_id[index]] for index in behind] + list(after)
    return found_in(terrain, every, join_trips(trips), rules)


def found_in(terrain: Terrain, rides: Sequence[Ride], trips: Trips, rules: Rules) -> Found:
    """What rides are evidence of, given what each of them was."""
    return Found(tuple(rides), trips, evidence.gather(terrain.ground, trips, rides, rules, terrain.key))


def join_found(one: Found, other: Found) -> Found:
    """The rides of both, one after the other."""
    names = [name for name in Segments.__dataclass_fields__ if name != "ride_index"]
    columns = {name: [getattr(both.segments, name) for both in (one, other)] for name in names}
    rides = np.concatenate([one.segments.ride_index, other.segments.ride_index + len(one.rides)])
    segments = Segments(rides, **{name: np.concatenate(both) for name, both in columns.items()})
    return Found(one.rides + other.rides, join_trips([one.trips, other.trips]), segments)


def join_trips(many: Sequence[Trips]) -> Trips:
    """The rows of several Trips, one after the other."""
    if not many:
        return _no_trips()
    arrays = [name for name in Trips.__dataclass_fields__ if name != "reason"]
    columns = {name: np.concatenate([getattr(trips, name) for trips in many]) for name in arrays}
    return Trips(**columns, reason=tuple(reason for trips in many for reason in trips.reason))


def _no_trips() -> Trips:
    none, rows = np.zeros(0), np.zeros(0, dtype=np.int64)
    return Trips(rows, rows, none, none, rows, rows, none, none, none, ())


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
