"""One ride as its rider's phone wrote it, with waits, walks, taps, and the truth about it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from transitmap import geo
from transitmap.model import FloatArray
from transitmap.simulate.network import City
from transitmap.simulate.operation import Departures
from transitmap.simulate.pace import Run
from transitmap.simulate.people import Journey, Riders
from transitmap.simulate.phones import Phone, Recorded, Track, at_times, record
from transitmap.simulate.recordings import Waypoint, draw_label

WALK_M_S = (1.1, 1.5)
FORGETS_SHARE = 0.06
TIMED_SHARE = 0.3
"""Riders who know when their vehicle comes; the others come at any time and wait for the next one."""
MAX_WAIT_S = 1_800.0


@dataclass(frozen=True)
class TrueRide:
    """What a recording was; of kind `ride`: the departure (row), its pattern, calls (-1 hailed), places."""

    kind: str
    copy_of: str = ""
    departure: int = -1
    pattern_index: int = -1
    board_call: int = -1
    alight_call: int = -1
    board_m: float = float("nan")
    alight_m: float = float("nan")
    board_time_s: float = float("nan")
    alight_time_s: float = float("nan")


@dataclass(frozen=True, eq=False)
class Draft:
    """A recording before it has a name. `original` is the draft it copies."""

    rider: int
    fixes: Recorded
    taps: tuple[Waypoint, ...]
    label: str
    dialect: int
    tells_accuracy: bool
    uploaded_at: float
    truth: TrueRide
    original: int = -1


def record_ride(
    city: City,
    riders: Riders,
    departures: Departures,
    run: Run,
    journey: Journey,
    rng: np.random.Generator,
) -> Draft:
    """What the rider's phone wrote of a journey in a vehicle, with the walks to and from it."""
    row = journey.departure
    start_s = float(departures.leave_s[row])
    pattern = int(departures.pattern_index[row])
    board_s, alight_s = _ride_times_s(run, journey)
    truth = TrueRide(
        kind="ride",
        departure=row,
        pattern_index=pattern,
        board_call=journey.board_call,
        alight_call=journey.alight_call,
        board_m=journey.board_m,
        alight_m=journey.alight_m,
        board_time_s=start_s + board_s,
        alight_time_s=start_s + alight_s,
    )
    aboard = _aboard(city, pattern, run, start_s, truth)
    wait_s = _wait_s(departures, row, rng)
    track = _with_walks(city, aboard, _ends_m(city, pattern, journey), wait_s, rng)
    track = _cut_late(track, aboard, city.config.late_share, rng)
    fixes = record(track, phone_of(city, riders, journey.rider), rng)
    taps = _tap(fixes, _served_s(run, journey, start_s), rng) if riders.taps[journey.rider] else ()
    label = draw_label(city, pattern, rng)
    return make_draft(riders, journey.rider, fixes, label, truth, rng, taps)


def _ride_times_s(run: Run, journey: Journey) -> tuple[float, float]:
    """Seconds after the departure at which the vehicle leaves with the rider, and halts to let them off."""
    place_s = np.interp([journey.board_m, journey.alight_m], run.motion.distance_m, run.motion.time_s)
    board_s = run.depart_s[journey.board_call] if journey.board_call >= 0 else place_s[0]
    alight_s = run.arrive_s[journey.alight_call] if journey.alight_call >= 0 else place_s[1]
    return float(board_s), float(alight_s)


def _aboard(city: City, pattern: int, run: Run, start_s: float, truth: TrueRide) -> Track:
    """The part of the vehicle's motion with the rider in it."""
    line = city.patterns[pattern].line
    time_s = start_s + run.motion.time_s
    inside = (time_s > truth.board_time_s) & (time_s < truth.alight_time_s)
    time_s = np.concatenate([[truth.board_time_s], time_s[inside], [truth.alight_time_s]])
    distance_m = np.interp(time_s - start_s, run.motion.time_s, run.motion.distance_m)
    return Track(time_s, geo.at(line.xy_m, line.along_m, distance_m))


def _ends_m(city: City, pattern: int, journey: Journey) -> FloatArray:
    """Where the rider waits and where they get off, (2, 2): the stops, or the roadside."""
    true = city.patterns[pattern]
    ends_m = geo.at(true.line.xy_m, true.line.along_m, np.array([journey.board_m, journey.alight_m])) + 2.0
    for k, call in enumerate((journey.board_call, journey.alight_call)):
        if call >= 0:
            ends_m[k] = city.stops.xy_m[true.stop_index[call]]
    return ends_m


def _wait_s(departures: Departures, row: int, rng: np.random.Generator) -> float:
    """How long the rider stood at the stop: part of the gap ahead of the vehicle, however they came."""
    same = row > 0 and all(
        column[row] == column[row - 1] for column in (departures.pattern_index, departures.day_index)
    )
    gap_s = float(departures.leave_s[row] - departures.leave_s[row - 1]) if same else MAX_WAIT_S
    timed_s = float(rng.lognormal(np.log(140.0), 0.8))
    any_s = float(rng.uniform(0.0, gap_s))
    wait_s = min(timed_s, gap_s) if rng.random() < TIMED_SHARE else any_s
    return min(max(wait_s, 8.0), MAX_WAIT_S)


def _with_walks(
    city: City, aboard: Track, ends_m: FloatArray, wait_s: float, rng: np.random.Generator
) -> Track:
    """The ride with a wait, with walks at the ends of some recordings, and a phone left running on a few."""
    time_s, xy_m = [aboard.time_s], [aboard.xy_m]
    if rng.random() < city.config.walk_share:
        walk_s, walk_m = _walk(ends_m[0], rng)
        time_s.insert(0, aboard.time_s[0] - wait_s - walk_s[::-1])
        xy_m.insert(0, walk_m[::-1])
    elif rng.random() < 0.7:
        time_s.insert(0, aboard.time_s[:1] - min(wait_s, rng.uniform(5.0, 90.0)))
        xy_m.insert(0, ends_m[:1])
    if rng.random() < city.config.walk_share:
        walk_s, walk_m = _walk(ends_m[1], rng)
        time_s.append(aboard.time_s[-1] + rng.uniform(2.0, 15.0) + walk_s)
        xy_m.append(walk_m)
    if rng.random() < FORGETS_SHARE:
        time_s.append(time_s[-1][-1:] + rng.uniform(200.0, 1_500.0))
        xy_m.append(xy_m[-1][-1:])
    return Track(np.concatenate(time_s), np.concatenate(xy_m))


def _cut_late(track: Track, aboard: Track, share: float, rng: np.random.Generator) -> Track:
    """The movement as recorded by somebody who starts the phone on the way, or stops it before alighting."""
    if not share:
        return track
    first_s, last_s = track.time_s[0], track.time_s[-1]
    most_s = min(240.0, 0.3 * (aboard.time_s[-1] - aboard.time_s[0]))
    if rng.random() < share / 2:
        first_s = aboard.time_s[0] + rng.uniform(0.0, most_s)
    if rng.random() < share / 2:
        last_s = aboard.time_s[-1] - rng.uniform(0.0, most_s)
    inside = (track.time_s > first_s) & (track.time_s < last_s)
    time_s = np.concatenate([[first_s], track.time_s[inside], [last_s]])
    return Track(time_s, at_times(track, time_s))


def _walk(from_m: FloatArray, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """A walk away from a stop round one corner: seconds since its start, places."""
    angle, length_m = (
        rng.uniform(0, 2 * np.pi),
        float(np.clip(rng.lognormal(np.log(220.0), 0.6), 40.0, 900.0)),
    )
    bend = angle + rng.choice([-1.0, 1.0]) * np.pi / 2
    legs_m = length_m * rng.uniform(0.3, 0.8) * np.array([np.cos(angle), np.sin(angle)])
    rest_m = legs_m + 0.4 * length_m * np.array([np.cos(bend), np.sin(bend)])
    xy_m = from_m + np.array([[0.0, 0.0], legs_m, rest_m])
    return geo.along_m(xy_m) / rng.uniform(*WALK_M_S), xy_m


def phone_of(city: City, riders: Riders, rider: int) -> Phone:
    """How this rider's phone records in this city."""
    phones, config = riders.phones, city.config
    noise_m = config.noise_m * float(phones.noise[rider])
    return Phone(
        float(phones.interval_s[rider]),
        float(phones.filter_m[rider]),
        noise_m,
        config.canyon_factor,
        config.gap_share,
    )


def _served_s(run: Run, journey: Journey, start_s: float) -> FloatArray:
    """Times at which the vehicle stood at a stop with the rider aboard, getting on and off included."""
    call_m = np.interp(run.arrive_s, run.motion.time_s, run.motion.distance_m)
    inside = run.is_served & (call_m >= journey.board_m - 30.0) & (call_m <= journey.alight_m + 30.0)
    return np.asarray(start_s + (run.arrive_s + run.depart_s)[inside] / 2)


def _tap(fixes: Recorded, stand_s: FloatArray, rng: np.random.Generator) -> tuple[Waypoint, ...]:
    """Most stops marked as waypoints, a little late, where the phone thought it was."""
    time_s = stand_s[rng.random(len(stand_s)) < 0.8] + rng.uniform(0.0, 4.0)
    time_s = time_s[(time_s >= fixes.time_s[0]) & (time_s <= fixes.time_s[-1])]
    seen_m = at_times(Track(fixes.time_s, fixes.xy_m), time_s)
    is_counted = rng.random() < 0.5
    return tuple(
        Waypoint(float(when_s), float(x), float(y), f"Parada {k + 1}" if is_counted else "parada")
        for k, (when_s, (x, y)) in enumerate(zip(time_s, seen_m, strict=True))
    )


def make_draft(
    riders: Riders,
    rider: int,
    fixes: Recorded,
    label: str,
    truth: TrueRide,
    rng: np.random.Generator,
    taps: tuple[Waypoint, ...] = (),
) -> Draft:
    """The recording, uploaded at once, in the evening or days later."""
    late_s = rng.choice(
        [rng.uniform(20, 900), rng.uniform(3_600, 36_000), rng.uniform(86_400, 345_600)], p=[0.6, 0.25, 0.15]
    )
    uploaded_at = float(np.round(fixes.time_s[-1] + late_s))
    dialect, tells = int(riders.phones.dialect[rider]), bool(riders.phones.tells_accuracy[rider])
    return Draft(rider, fixes, taps, label, dialect, tells, uploaded_at, truth)
