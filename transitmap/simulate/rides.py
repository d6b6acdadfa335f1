"""The story: departures, riders, journeys, vehicles, phones, and the files that people upload."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

import numpy as np

from transitmap import geo
from transitmap.model import FloatArray
from transitmap.simulate.ground import edge_costs_s, find_path
from transitmap.simulate.lines import draw_line
from transitmap.simulate.network import HOUR_DEMAND, City
from transitmap.simulate.operation import Departures, plan_departures
from transitmap.simulate.pace import Run, drive_car, run_vehicle
from transitmap.simulate.people import N_DIALECTS, Journey, Riders, draw_riders, plan_journeys, wanted_halts
from transitmap.simulate.phones import Phone, Recorded, Track, at_times, record
from transitmap.simulate.recordings import Waypoint, draw_label, write_gpx

JUNK = ("car", "walk", "still", "copy")
JUNK_WEIGHT = (0.36, 0.26, 0.16, 0.22)
WALK_M_S = (1.1, 1.5)
FORGETS_SHARE = 0.06


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


@dataclass(frozen=True)
class SimulatedRide:
    """One upload: its name, its GPX, whose it is, when it came (UTC seconds), and the truth about it."""

    ride: str
    gpx: bytes
    rider: str
    uploaded_at: float
    truth: TrueRide


@dataclass(frozen=True, eq=False)
class Dataset:
    """All uploads of a campaign in the order they came, and the vehicles (by departure row) behind them."""

    city: City
    first_day: datetime.date
    days: int
    departures: Departures
    runs: dict[int, Run]
    rides: tuple[SimulatedRide, ...]


@dataclass(frozen=True, eq=False)
class _Draft:
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


def simulate_rides(
    city: City,
    seed: int,
    n_rides: int = 400,
    n_riders: int = 60,
    first_day: datetime.date = datetime.date(2026, 3, 2),
    days: int = 14,
) -> Dataset:
    """`n_rides` recordings by `n_riders` people in `days` days, junk included; the same seed, the same bytes.

    Raises:
        ValueError: no rides, riders or days are wanted.
    """
    if min(n_rides, n_riders, days) < 1:
        raise ValueError(f"{n_rides} rides by {n_riders} riders in {days} days: each must be at least 1")
    rng = np.random.default_rng([seed, 2])
    departures = plan_departures(city, first_day, days, rng)
    riders = draw_riders(city, departures, n_riders, rng)
    n_junk = int(round(city.config.junk_share * n_rides))
    journeys = plan_journeys(city, riders, departures, n_rides - n_junk, first_day, days, rng)
    runs = _run_vehicles(city, departures, journeys, seed)
    drafts = [
        _record_ride(city, riders, departures, runs, journey, first_day, np.random.default_rng([seed, 4, k]))
        for k, journey in enumerate(journeys)
    ]
    for k in range(n_junk):
        drafts.append(
            _record_junk(city, riders, drafts, first_day, days, np.random.default_rng([seed, 5, k]))
        )
    return Dataset(city, first_day, days, departures, runs, _name(city, riders, drafts))


def _run_vehicles(
    city: City, departures: Departures, journeys: Sequence[Journey], seed: int
) -> dict[int, Run]:
    """The vehicles that somebody known rode, once each, however many rode it."""
    return {
        row: run_vehicle(
            city,
            int(departures.pattern_index[row]),
            (float(departures.departure_s[row]), float(departures.crowd[row])),
            wanted,
            np.random.default_rng([seed, 3, row]),
        )
        for row, wanted in sorted(wanted_halts(journeys).items())
    }


def midnight_s(city: City, day: datetime.date) -> float:
    """Unix time at which the service day starts: noon minus twelve hours, local."""
    noon = datetime.datetime.combine(day, datetime.time(12), ZoneInfo(city.config.timezone))
    return noon.timestamp() - 43_200.0


def _record_ride(
    city: City,
    riders: Riders,
    departures: Departures,
    runs: dict[int, Run],
    journey: Journey,
    first_day: datetime.date,
    rng: np.random.Generator,
) -> _Draft:
    """What the rider's phone wrote of a journey, with the walks to and from it."""
    row = journey.departure
    day = first_day + datetime.timedelta(days=int(departures.day_index[row]))
    start_s = midnight_s(city, day) + float(departures.departure_s[row])
    pattern = int(departures.pattern_index[row])
    board_s, alight_s = _ride_times_s(runs[row], journey)
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
    aboard = _aboard(city, pattern, runs[row], start_s, truth)
    track = _with_walks(city, aboard, _ends_m(city, pattern, journey), rng)
    fixes = record(track, _phone(city, riders, journey.rider), rng)
    taps = _tap(fixes, _served_s(runs[row], journey, start_s), rng) if riders.taps[journey.rider] else ()
    label = draw_label(city, pattern, rng)
    return _draft(riders, journey.rider, fixes, label, truth, rng, taps)


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


def _with_walks(city: City, aboard: Track, ends_m: FloatArray, rng: np.random.Generator) -> Track:
    """The ride with a wait, with walks at the ends of some recordings, and a phone left running on a few."""
    wait_s = float(np.clip(rng.lognormal(np.log(140.0), 0.8), 8.0, 900.0))
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


def _phone(city: City, riders: Riders, rider: int) -> Phone:
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


def _draft(
    riders: Riders,
    rider: int,
    fixes: Recorded,
    label: str,
    truth: TrueRide,
    rng: np.random.Generator,
    taps: tuple[Waypoint, ...] = (),
) -> _Draft:
    """The recording, uploaded at once, in the evening or days later."""
    late_s = rng.choice(
        [rng.uniform(20, 900), rng.uniform(3_600, 36_000), rng.uniform(86_400, 345_600)], p=[0.6, 0.25, 0.15]
    )
    uploaded_at = float(np.round(fixes.time_s[-1] + late_s))
    dialect, tells = int(riders.phones.dialect[rider]), bool(riders.phones.tells_accuracy[rider])
    return _Draft(rider, fixes, taps, label, dialect, tells, uploaded_at, truth)


def _record_junk(
    city: City,
    riders: Riders,
    drafts: Sequence[_Draft],
    first_day: datetime.date,
    days: int,
    rng: np.random.Generator,
) -> _Draft:
    """A recording that is no bus ride: a car trip, a walk, a phone at rest, a copy of somebody's ride."""
    kind = str(rng.choice(JUNK, p=JUNK_WEIGHT))
    rider = int(rng.choice(len(riders.pseudonym), p=riders.weight))
    originals = [k for k, draft in enumerate(drafts) if draft.truth.kind == "ride"]
    if kind == "copy" and originals:
        return _copy(drafts, int(rng.choice(originals)), rider, rng)
    hour = float(rng.choice(24, p=HOUR_DEMAND / HOUR_DEMAND.sum()) + rng.random())
    day = first_day + datetime.timedelta(days=int(rng.integers(days)))
    track = _other_track(city, kind, midnight_s(city, day) + 3_600.0 * hour, int(hour), rng)
    fixes = record(track, _phone(city, riders, rider), rng)
    label = draw_label(city, int(rng.integers(len(city.patterns))), rng) if rng.random() < 0.15 else ""
    return _draft(riders, rider, fixes, label, TrueRide(kind if kind != "copy" else "still"), rng)


def _other_track(city: City, kind: str, start_s: float, hour: int, rng: np.random.Generator) -> Track:
    """A car or a walker along streets; anything else rests in one place."""
    n = len(city.ground.node_xy_m)
    start = int(rng.integers(n))
    if kind not in ("car", "walk"):
        return Track(
            start_s + np.array([0.0, rng.uniform(600, 2_400)]), city.ground.node_xy_m[[start, start]] + 15.0
        )
    away_m = np.hypot(*(city.ground.node_xy_m - city.ground.node_xy_m[start]).T)
    low_m, high_m = (2_000.0, 8_000.0) if kind == "car" else (350.0, 1_500.0)
    end = int(rng.choice(np.flatnonzero((away_m > low_m) & (away_m < high_m))))
    line = draw_line(city.ground, find_path(city.ground, start, end, edge_costs_s(city.ground)))
    if kind == "car":
        motion = drive_car(line, hour, rng)
        return Track(start_s + motion.time_s, geo.at(line.xy_m, line.along_m, motion.distance_m))
    pause_s = np.cumsum(
        np.where(rng.random(len(line.along_m)) < 0.01, rng.uniform(5, 60, len(line.along_m)), 0.0)
    )
    return Track(start_s + line.along_m / rng.uniform(*WALK_M_S) + pause_s, line.xy_m)


def _copy(drafts: Sequence[_Draft], original: int, rider: int, rng: np.random.Generator) -> _Draft:
    """Somebody's file again: as it was, saved by another app, or with every second fix left out."""
    base = drafts[original]
    later = replace(
        base,
        rider=rider,
        original=original,
        truth=TrueRide("copy"),
        uploaded_at=base.uploaded_at + float(np.round(rng.uniform(600, 172_800))),
    )
    way = rng.random()
    if way < 0.5:
        return later
    fixes = base.fixes
    if way > 0.8 and len(fixes) > 20:
        fixes = Recorded(fixes.time_s[::2], fixes.xy_m[::2], fixes.accuracy_m[::2])
    return replace(later, fixes=fixes, label="", taps=(), dialect=int((base.dialect + 1) % N_DIALECTS))


def _name(city: City, riders: Riders, drafts: Sequence[_Draft]) -> tuple[SimulatedRide, ...]:
    """The uploads in order of arrival, named by it."""
    order = sorted(range(len(drafts)), key=lambda k: (drafts[k].uploaded_at, k))
    names = {k: f"ride-{place:05d}" for place, k in enumerate(order)}
    return tuple(
        SimulatedRide(
            names[k],
            write_gpx(draft.fixes, draft.taps, draft.label, draft.dialect, draft.tells_accuracy, city.plane),
            riders.pseudonym[draft.rider],
            draft.uploaded_at,
            replace(draft.truth, copy_of=names[draft.original]) if draft.original >= 0 else draft.truth,
        )
        for k, draft in ((k, drafts[k]) for k in order)
    )
