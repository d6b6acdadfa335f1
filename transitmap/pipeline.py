"""The story: bytes -> clean rides -> a network -> a feed, stages called in order, top to bottom."""

from __future__ import annotations

import datetime
import logging
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from transitmap.collect import bundle, parse, screen, split, trim
from transitmap.config import Config
from transitmap.errors import UploadRefused
from transitmap.geo import Plane, along_m
from transitmap.gtfs import admit, carry_ids, claim_ids, diff, evidence, export, feed, pack, read, validate
from transitmap.infer import (
    areas,
    copies,
    labels,
    legs,
    lines,
    patterns,
    patterns_known,
    routes,
    sayings,
    shapes,
    sightings,
    sketches,
    strays,
    stretches,
    times,
    traffic,
    trips,
    vehicles,
    witnesses,
)
from transitmap.infer import stops as stops_stage
from transitmap.model import (
    Crowd,
    FloatArray,
    HailStretches,
    HeldBack,
    HopWitnesses,
    Ids,
    IntArray,
    Legs,
    Lines,
    Network,
    Notice,
    Passes,
    Paths,
    Patterns,
    Refusal,
    Ride,
    Routes,
    Shapes,
    Sightings,
    Spread,
    Stops,
    Streets,
    Tables,
    Trips,
)

log = logging.getLogger("transitmap.pipeline")
Progress = Callable[[str, float], None]
"""Called with the name of the stage that starts and the share of the work done."""


def collect_upload(name: str, body: bytes, config: Config, now_s: float) -> list[Ride]:
    """The clean rides of one file.

    Raises:
        UploadRefused: nothing in the file can be used; the reason says why.
    """
    collected = collect_file(name, body, config, now_s)
    rides = [one for one in collected if isinstance(one, Ride)]
    if not rides:
        refused = next(one for one in collected if isinstance(one, Refusal))
        raise UploadRefused(refused.reason, refused.detail)
    return rides


def collect_file(name: str, body: bytes, config: Config, now_s: float) -> list[Ride | Refusal]:
    """The clean rides of one file; a trace that cannot be used is a Refusal and costs no other trace.

    Raises:
        UploadRefused: the file as a whole cannot be read.
    """
    return _clean(parse.parse(name, body, config.collect), config, now_s)


def collect_live(name: str, body: bytes, config: Config, now_s: float) -> list[Ride | Refusal]:
    """The clean rides of one bundle of live messages, as of a file: the upload's kind says what it is.

    Raises:
        UploadRefused: there is no ride in it.
    """
    return _clean(bundle.read_bundle(name, body, config), config, now_s)


def collect_marks(name: str, body: bytes, config: Config) -> list[tuple[float, str]]:
    """What riders marked in a bundle of live messages while none of its rides was under way: when, and what.

    Raises:
        UploadRefused: it is no bundle.
    """
    return bundle.lone_marks(name, body, config)


def _clean(rides: Sequence[Ride], config: Config, now_s: float) -> list[Ride | Refusal]:
    """The rides screened, split and trimmed, or why they are none; numbered anew in their order."""
    collected: list[Ride | Refusal] = []
    for ride in rides:
        try:
            screened = screen.screen(ride, config.collect, now_s)
            parts = split.split(screened, config.collect, config.legs.max_silence_s)
        except UploadRefused as refused:
            collected.append(Refusal(ride.ride_id, refused.reason, refused.detail))
        else:
            collected += [_trimmed(part, config) for part in parts]
    first = rides[0].ride_id if rides else ""
    names = [f"{first}#{number + 1}" if number else first for number in range(len(collected))]
    return [replace(one, ride_id=name) for one, name in zip(collected, names, strict=True)]


def _trimmed(part: Ride | Refusal, config: Config) -> Ride | Refusal:
    """The part without its ends, or why it is no ride."""
    if isinstance(part, Refusal):
        return part
    try:
        return trim.trim(part, config.collect)
    except UploadRefused as refused:
        return Refusal(part.ride_id, refused.reason, refused.detail)


def infer_network(
    rides: Sequence[Ride],
    config: Config,
    progress: Progress | None = None,
    streets: Streets | None = None,
    spread: Spread = map,
) -> tuple[Network, Trips]:
    """Everybody's rides to a network, and what each ride was in it (one row a ride, in order).

    With `streets`, shapes follow these where they fit. Without a single vehicle leg the network is empty.
    Sketches have a row each and no say. Pure: the same rides give the same network, and so in whatever
    processes `spread` does part of the work.
    """
    drawn, is_sketch = sketches.set_aside(rides)
    network, trip = _infer(drawn, config, progress, streets, spread)
    return network, sketches.put_back(trip, rides, is_sketch)


def _infer(
    rides: Sequence[Ride], config: Config, progress: Progress | None, streets: Streets | None, spread: Spread
) -> tuple[Network, Trips]:
    """The network that these rides draw."""
    tell = _Teller(progress)
    tell("copies", 0.0)
    rides, said = sayings.hear(rides)
    plane, is_far = areas.find_area(rides, config.areas)
    copy_of = copies.find_copies(rides, config.copies)
    tell("legs", 0.05)
    leg = legs.split_legs(rides, config.legs)
    tell("lines", 0.3)
    line = lines.draw_lines(rides, leg, is_far | (copy_of >= 0), plane, config.lines)
    label = [labels.clean_label(rides[k].label) for k in line.ride_index]
    crowd = gather_crowd(rides, line, plane, config)
    tell("patterns", 0.4)
    path = patterns.find_paths(line, label, config.lines.near_m, config.patterns, spread)
    route = routes.group_paths(path, config.routes)
    tell("shapes", 0.6)
    shape_m = _draw(path, line, streets, plane, config, spread)
    sighting = sightings.see_vehicles(line, path, shape_m)
    tell("stops", 0.75)
    stop, call = stops_stage.find_stops(rides, leg, line, crowd, shape_m, plane, config.stops, spread)
    stop = traffic.to_kerb(stop, side := traffic.side_of_traffic(leg, line), plane)
    tell("strays", 0.85)
    leg, sighting = _without_cars(leg, line, sighting, stop, plane, label, config)
    hail = _hails(rides, leg, line, shape_m, call, crowd.rider, config, spread)
    tell("times", 0.9)
    run = times.time_runs(sighting, call.start, call.along_m, config.times)
    wait = times.find_waits(rides, leg, line, plane)
    seen = times.find_vehicles(sighting, call.start, call.along_m, run.run_s, crowd.zone, config.times)
    headway = times.find_headways(seen, wait, crowd.rider, config.feed.min_riders, config.times)
    hop = times.time_hops(sighting, seen, crowd, call.start, call.along_m, config.feed.min_riders)
    trip = trips.name_trips(rides, leg, sighting, call.start, call.along_m, copy_of, is_far)
    tell("network", 1.0)
    shape_m, call, trip = _between_ends(shape_m, call, trip)
    witness, ridden = _witnesses(trip, line, crowd, stop, call, config.feed.min_riders)
    pattern, days = _patterns(route, call, run, witness), times.first_and_last(crowd.day)
    named = _named(route, rides, trip, crowd.rider, config.feed.min_riders)
    agreed = sayings.agree(said, trip, route.route_index, stop, crowd.rider, plane, config.feed.min_riders)
    parts = (stop, named, pattern, _shapes(shape_m, plane), headway, crowd.zone, *days, hop, hail, side)
    return Network(*parts, *agreed, ridden), trip


def gather_crowd(rides: Sequence[Ride], line: Lines, plane: Plane, config: Config) -> Crowd:
    """Who rode, on which local day, and in which vehicle."""
    zone = config.feed.timezone or times.timezone_of(plane.lat_deg, plane.lon_deg)
    rider, day = witnesses.number_riders(rides), times.days_of(rides, zone)
    return Crowd(rider, day, vehicles.find_vehicles(line), zone)


def recognise(network: Network, rides: Sequence[Ride], config: Config) -> Trips:
    """What new rides are in a network already mapped; the network does not change. Sketches are nothing."""
    drawn, is_sketch = sketches.set_aside(rides)
    return sketches.put_back(_recognise(network, drawn, config), rides, is_sketch)


def _recognise(network: Network, rides: Sequence[Ride], config: Config) -> Trips:
    """What rides that are no sketches are in a network."""
    plane, is_far = areas.find_area(rides, config.areas)
    copy_of = copies.find_copies(rides, config.copies)
    leg = legs.split_legs(rides, config.legs)
    line = lines.draw_lines(rides, leg, is_far | (copy_of >= 0), plane, config.lines)
    label = [labels.clean_label(rides[k].label) for k in line.ride_index]
    called = [labels.clean_label(network.routes.short_name[k]) for k in network.patterns.route_index]
    shape_m = patterns_known.known_shapes(network, plane)
    path = patterns_known.match_lines(line, label, called, shape_m, config.lines, config.patterns)
    sighting = sightings.see_vehicles(line, path, shape_m)
    leg, sighting = _without_cars(leg, line, sighting, network.stops, plane, label, config)
    pattern = network.patterns
    return trips.name_trips(rides, leg, sighting, pattern.call_start, pattern.along_m, copy_of, is_far)


def _without_cars(
    leg: Legs,
    line: Lines,
    sighting: Sightings,
    stop: Stops,
    plane: Plane,
    label: Sequence[str],
    config: Config,
) -> tuple[Legs, Sightings]:
    """Legs with the cars among the vehicles called so, and what was seen of all others."""
    is_stray = strays.find_strays(leg, line, stop, plane, np.array(label, dtype=str) != "", config.strays)
    return strays.call_cars(leg, line, is_stray), strays.leave_out(sighting, is_stray)


@dataclass(frozen=True, eq=False)
class Feed:
    """A feed, packed and open, with its ids, its evidence table, what was held back and what is wrong.

    `seen` is what riders saw otherwise than the city's official feed has it, where there is one.
    """

    zip_bytes: bytes
    tables: Tables
    ids: Ids
    network: Network
    evidence_csv: str
    held_back: tuple[HeldBack, ...]
    notices: tuple[Notice, ...]
    seen: diff.Comparison | None = None


def make_feed(
    network: Network,
    config: Config,
    today: datetime.date,
    previous: Ids | None = None,
    official: Tables | None = None,
    trips: Trips | None = None,
) -> Feed:
    """A network to a feed, keeping the ids of the one before; `notices` are those of our own rules.

    What an `official` feed knows has its ids there, and `seen` tells what riders saw otherwise; `trips` (of
    the network) say how many of them passed.
    """
    admitted, held_back = admit.admit(network, config.feed.min_riders)
    ids, seen = carry_ids.carry_ids(admitted, previous), None
    if official is not None:
        passes = _passes(network, trips, config.feed.min_riders)
        ids, seen = _heed_official(admitted, ids, official, passes, config)
    tables = feed.build_tables(admitted, ids, config.feed, today)
    if n := len(feed.unscheduled(admitted, ids)):
        held_back.append(HeldBack("patterns", "no_headway", n, len(admitted.patterns), 0))
    return Feed(
        zip_bytes=pack.pack(tables),
        tables=tables,
        ids=ids,
        network=admitted,
        evidence_csv=evidence.evidence_table(admitted, ids, held_back),
        held_back=tuple(held_back),
        notices=tuple(validate.validate(tables, today)),
        seen=seen,
    )


def official_tables(config: Config) -> Tables | None:
    """The city's official feed, where the settings name one.

    Raises:
        FeedUnreadable: the path is no feed.
    """
    return read.read_tables(Path(config.reference.feed)) if config.reference.feed else None


def official_lines(official: Tables | None) -> Shapes | None:
    """Where the lines of the city's official feed run; None without one."""
    if official is None:
        return None
    chart = diff.draw_chart(official)
    return Shapes(chart.point_start, chart.lat_deg, chart.lon_deg, np.zeros(len(chart.lat_deg)))


def _heed_official(
    network: Network, ids: Ids, official: Tables, passes: Passes, config: Config
) -> tuple[Ids, diff.Comparison]:
    """The ids with the official ones where they match, and what riders saw otherwise."""
    called = feed.name_things(network, ids, config.feed.lang).route_short
    match = diff.match_official(official, network, ids, called, config.diff)
    ids = claim_ids.claim_ids(ids, match.claims)
    return ids, diff.compare_official(match, network, ids, called, passes, config.reference)


def _passes(network: Network, trips: Trips | None, min_riders: int) -> Passes:
    """The rides on what is admitted of a network, in metres of the shapes as they are published."""
    if trips is None:
        return Passes(np.zeros(0, dtype=np.int64), np.zeros(0), np.zeros(0))
    kept, calls = admit.admitted_patterns(network, min_riders), admit.supported_calls(network, min_riders)
    patterns = network.patterns
    begin_m = np.zeros(len(patterns))
    for row in np.flatnonzero(kept).tolist():
        span = slice(patterns.call_start[row], patterns.call_start[row + 1])
        begin_m[row] = patterns.along_m[span][calls[span]][0]
    ride = np.flatnonzero(trips.pattern_index >= 0)
    ride = ride[kept[trips.pattern_index[ride]]]
    on = trips.pattern_index[ride]
    public = np.asarray(np.cumsum(kept) - 1, dtype=np.int64)[on]
    return Passes(public, trips.first_m[ride] - begin_m[on], trips.last_m[ride] - begin_m[on])


def map_evidence(network: Network, ids: Ids, tables: Tables, held_back: Sequence[HeldBack] = ()) -> bytes:
    """What a feed and its admitted network rest on, as GeoJSON with the licence and source of the feed."""
    return evidence.evidence_geojson(network, ids, held_back, export.about(tables))


def check_feed(feed: Feed, config: Config, today: datetime.date) -> tuple[Notice, ...]:
    """What our own rules, the canonical ones and gtfs-analyzer find in a feed as packed, read back from disk.

    Raises:
        FeedInvalid, TransitmapError: another's validator broke, so its silence means nothing.
    """
    return check_zip(feed.zip_bytes, config, today)


def check_zip(zip_bytes: bytes, config: Config, today: datetime.date) -> tuple[Notice, ...]:
    """What the rules find today in a feed that may have been packed long ago.

    Raises:
        FeedInvalid, TransitmapError: as `check_feed`.
    """
    with tempfile.TemporaryDirectory(prefix="transitmap-check-") as folder:
        path = Path(folder) / "gtfs.zip"
        path.write_bytes(zip_bytes)
        own = validate.validate(read.read_tables(path), today)
        canonical = validate.canonical(path, today, config.feed.country)
        return (*own, *canonical, *validate.analyzer(path, today))


class _Teller:
    """Tells the caller which stage starts, and the log how long the last one took."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress, self._stage, self._since_s = progress, "", time.perf_counter()

    def __call__(self, stage: str, share: float) -> None:
        now_s = time.perf_counter()
        if self._stage:
            log.info("%s: %.2f s", self._stage, now_s - self._since_s)
        self._stage, self._since_s = stage, now_s
        if self._progress is not None:
            self._progress(stage, share)


def _draw(
    path: Paths, line: Lines, streets: Streets | None, plane: Plane, config: Config, spread: Spread
) -> list[FloatArray]:
    """The shapes, along the streets of a map where there is one."""
    shape_m = shapes.draw_shapes(path, line, config.shapes, spread)
    return shape_m if streets is None else shapes.follow_streets(shape_m, streets, plane)


def _between_ends(
    shape_m: Sequence[FloatArray], call: stops_stage.Calls, trip: Trips
) -> tuple[list[FloatArray], stops_stage.Calls, Trips]:
    """Shapes from their first to their last stop, with calls and trips in metres along these."""
    called_m = [call.along_m[call.start[k] : call.start[k + 1]] for k in range(len(shape_m))]
    cut = [shapes.between_ends(line_m, at_m) for line_m, at_m in zip(shape_m, called_m, strict=True)]
    cut_m = np.array([(at_m - kept_m)[0] for at_m, (_, kept_m) in zip(called_m, cut, strict=True)])
    length_m = np.array([along_m(line_m)[-1] for line_m, _ in cut])
    is_on = trip.pattern_index >= 0
    first_m, last_m = trip.first_m.copy(), trip.last_m.copy()
    for place_m in (first_m, last_m):
        pattern = trip.pattern_index[is_on]
        place_m[is_on] = np.clip(place_m[is_on] - cut_m[pattern], 0.0, length_m[pattern])
    call = call._replace(along_m=np.concatenate([*(kept_m for _, kept_m in cut), np.zeros(0)]))
    return [line_m for line_m, _ in cut], call, replace(trip, first_m=first_m, last_m=last_m)


def _hails(
    rides: Sequence[Ride],
    leg: Legs,
    line: Lines,
    shape_m: Sequence[FloatArray],
    call: stops_stage.Calls,
    rider: IntArray,
    config: Config,
    spread: Spread,
) -> HailStretches:
    """Where people get on and off anywhere, in metres from the first stop of each pattern."""
    found = stretches.find_hails(
        rides, leg, line, shape_m, call.start, call.along_m, rider, config.hails, spread
    )
    first_m = call.along_m[call.start[found.pattern_index]]
    return replace(found, start_m=found.start_m - first_m, end_m=found.end_m - first_m)


def _shapes(shape_m: Sequence[FloatArray], plane: Plane) -> Shapes:
    xy_m = np.concatenate([*shape_m, np.zeros((0, 2))])
    lat_deg, lon_deg = plane.to_degrees(xy_m)
    start = np.concatenate([[0], np.cumsum([len(line_m) for line_m in shape_m])]).astype(np.int64)
    distance_m = np.concatenate([*(along_m(line_m) for line_m in shape_m), np.zeros(0)])
    return Shapes(start, lat_deg, lon_deg, distance_m)


def _witnesses(
    trip: Trips, line: Lines, crowd: Crowd, stop: Stops, call: stops_stage.Calls, min_riders: int
) -> tuple[witnesses.Witnesses, HopWitnesses]:
    """Who bears witness to each pattern, and to each way between calls, also past stops of too few people."""
    is_supported = stop.n_riders[call.stop_index] >= min_riders
    return (
        witnesses.count_witnesses(trip, line, crowd, call.start, call.along_m),
        witnesses.count_hop_witnesses(trip, line, crowd, call.start, call.along_m, is_supported),
    )


def _patterns(
    route: routes.Grouping, call: stops_stage.Calls, run: times.RunningTimes, witness: witnesses.Witnesses
) -> Patterns:
    """The patterns with the rides, riders and days behind each."""
    n = witness.n_vehicles
    return Patterns(
        route_index=route.route_index,
        direction_id=route.direction_id,
        n_rides=witness.n_rides,
        n_riders=witness.n_riders,
        n_days=witness.n_days,
        confidence=np.asarray((n + 1.0) / (n + 3.0), dtype=np.float64),  # two may say no
        headsign=tuple("" for _ in n),
        call_start=call.start,
        stop_index=call.stop_index,
        along_m=call.along_m,
        run_s=run.run_s,
        run_spread_s=run.run_spread_s,
        call_n_riders=witness.call_n_riders,
        last_day=witness.last_day,
    )


def _named(
    route: routes.Grouping, rides: Sequence[Ride], trip: Trips, rider: IntArray, min_riders: int
) -> Routes:
    """The routes, with the names that enough people gave."""
    called = [labels.clean_label(name) for name in route.routes.short_name]
    said = [labels.clean_label(ride.label) for ride in rides]
    return witnesses.without_lone_names(
        route.routes, called, route.route_index, trip, said, rider, min_riders
    )
