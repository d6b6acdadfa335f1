"""A town with honest riders, for benchmarks: vehicles, phones in them, companies of co-riders."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from transitmap import geo
from transitmap.model import (
    BUS,
    Fixes,
    FloatArray,
    Headways,
    Network,
    Patterns,
    Ride,
    Shapes,
    Stops,
    Taps,
    Trips,
)
from transitmap.simulate import City, SimulateConfig, simulate_city
from transitmap.simulate.pace import Motion, drive_car, run_vehicle
from transitmap.simulate.phones import CORRELATION_S, Recorded, Track, at_times, record
from transitmap.simulate.phones import Phone as Phone

NO_TAPS = Taps(np.zeros(0), np.zeros(0), np.zeros(0), ())
FIRST_DAY_S = 1_772_431_200.0  # 2026-03-02, midnight in central Mexico
DAY_S = 86_400.0
LENGTH_M = (2_000.0, 9_000.0)


@dataclass(frozen=True, eq=False)
class Honest:
    """A ride with what is true about it: its vehicle's track, its pattern, the stretch of it."""

    ride: Ride
    track: Track
    pattern: int
    first_m: float
    last_m: float


def town(seed: int, n_routes: int = 7) -> tuple[City, Network]:
    """A simulated town, and its network as a feed would know it."""
    city = simulate_city(seed, SimulateConfig(n_routes=n_routes))
    return city, network_of(city)


def vehicle(city: City, pattern: int, day: int, hour: float, rng: np.random.Generator) -> Motion:
    """One vehicle of a pattern from its first stop to its last, in UTC seconds."""
    run = run_vehicle(city, pattern, (3600.0 * hour, 1.0), (set(), set()), rng)
    return Motion(_start_s(day, hour) + run.motion.time_s, run.motion.distance_m)


def car(city: City, pattern: int, day: int, hour: float, rng: np.random.Generator) -> Motion:
    """A car along the line of a pattern."""
    motion = drive_car(city.patterns[pattern].line, int(hour), city.config, rng)
    return Motion(_start_s(day, hour) + motion.time_s, motion.distance_m)


def _start_s(day: int, hour: float) -> float:
    return float(FIRST_DAY_S + DAY_S * day + 3600.0 * hour)


def stretch(city: City, pattern: int, rng: np.random.Generator) -> tuple[float, float]:
    """Where somebody gets on and off: at calls, some kilometres apart."""
    call_m = city.patterns[pattern].call_m
    most_m = float(call_m[-1])
    length_m = min(float(rng.uniform(*LENGTH_M)), 0.98 * most_m)
    first_m = float(rng.uniform(0.0, most_m - length_m))
    ends = call_m[np.abs(call_m[:, None] - [first_m, first_m + length_m]).argmin(axis=0)]
    return (float(ends[0]), float(ends[1])) if ends[1] > ends[0] else (0.0, most_m)


def aboard(city: City, pattern: int, motion: Motion, first_m: float, last_m: float) -> Track:
    """The part of a movement between two places of its line, with a short wait before."""
    line = city.patterns[pattern].line
    inside = (motion.distance_m >= first_m) & (motion.distance_m <= last_m)
    time_s, distance_m = motion.time_s[inside], motion.distance_m[inside]
    time_s, distance_m = np.append(time_s[0] - 20.0, time_s), np.append(distance_m[0], distance_m)
    return Track(time_s, geo.at(line.xy_m, line.along_m, distance_m))


def draw_phone(city: City, rng: np.random.Generator, interval_s: float | None = None) -> Phone:
    """A phone as people carry them in this town."""
    config = city.config
    weight = np.array(config.interval_weight) / np.sum(config.interval_weight)
    filter_m = float(rng.choice([5.0, 10.0, 20.0])) if rng.random() < config.distance_filter_share else 0.0
    noise_m = config.noise_m * float(rng.lognormal(0.0, 0.35))
    every_s = float(rng.choice(np.array(config.interval_s), p=weight)) if interval_s is None else interval_s
    return Phone(
        every_s, filter_m if interval_s is None else 0.0, noise_m, config.canyon_factor, config.gap_share
    )


def ride_of(city: City, recorded: Recorded, ride_id: str, rider_id: str) -> Ride:
    """What was recorded, as a ride kept by the archive: whole milliseconds and 1e-6 degrees."""
    lat_deg, lon_deg = city.plane.to_degrees(recorded.xy_m)
    fixes = Fixes(
        np.round(recorded.time_s, 3), np.round(lat_deg, 6), np.round(lon_deg, 6), recorded.accuracy_m
    )
    return Ride(ride_id, fixes, NO_TAPS, rider_id=rider_id)


def solo(
    city: City, pattern: int, day: int, hour: float, name: str, rng: np.random.Generator, who: str = ""
) -> Honest:
    """One honest rider in a vehicle."""
    return company(city, pattern, day, hour, [name], 0.0, rng, [who or name])[0]


def company(
    city: City,
    pattern: int,
    day: int,
    hour: float,
    names: list[str],
    shared: float,
    rng: np.random.Generator,
    who: list[str] | None = None,
) -> list[Honest]:
    """Honest riders in one vehicle on one stretch, `shared` (0..1) of whose error's variance is common.

    Phones in one vehicle see the same satellites past the same houses: part of their error is the same.
    """
    motion = vehicle(city, pattern, day, hour, rng)
    first_m, last_m = stretch(city, pattern, rng)
    track = aboard(city, pattern, motion, first_m, last_m)
    common = _common(track, city.config.noise_m, rng)
    found = []
    for name, rider in zip(names, who or names, strict=True):
        phone = draw_phone(city, rng)
        own = record(track, replace(phone, noise_m=phone.noise_m * np.sqrt(1.0 - shared)), rng)
        more_m = np.sqrt(shared) * at_times(common, own.time_s)
        fixes = Recorded(own.time_s, own.xy_m + more_m, own.accuracy_m)
        found.append(Honest(ride_of(city, fixes, name, rider), track, pattern, first_m, last_m))
    return found


def commute(
    city: City, pattern: int, days: range, hour: float, who: str, rng: np.random.Generator
) -> list[Honest]:
    """One rider with one phone on one stretch, within minutes of the same hour, in each day's vehicle."""
    (first_m, last_m), phone = stretch(city, pattern, rng), draw_phone(city, rng)
    found = []
    for day in days:
        motion = vehicle(city, pattern, day, hour + float(rng.normal(0.0, 0.05)), rng)
        track = aboard(city, pattern, motion, first_m, last_m)
        ride = ride_of(city, record(track, phone, rng), f"{who}-{day}", who)
        found.append(Honest(ride, track, pattern, first_m, last_m))
    return found


def _common(track: Track, noise_m: float, rng: np.random.Generator) -> Track:
    """An error that wanders as that of one phone does, every second of a track."""
    time_s = np.arange(np.floor(track.time_s[0]), track.time_s[-1] + 2.0)
    return Track(time_s, noise_m * wander(len(time_s), 1.0, rng))


def wander(
    n: int, interval_s: float, rng: np.random.Generator, memory_s: float = CORRELATION_S
) -> FloatArray:
    """An AR(1) process of unit variance on both axes."""
    from scipy.signal import lfilter

    keep = float(np.exp(-interval_s / memory_s))
    kick = rng.standard_normal((n, 2)) * np.sqrt(1 - keep**2)
    kick[0] /= np.sqrt(1 - keep**2)
    return np.asarray(lfilter([1.0], [1.0, -keep], kick, axis=0))


def trips_of(*rides: Honest) -> Trips:
    """What the rides are, as recognised without an error."""
    n, unknown = len(rides), np.full(len(rides), np.nan)
    return Trips(
        pattern_index=np.array([one.pattern for one in rides], dtype=np.int64),
        mode=np.full(n, BUS, dtype=np.int64),
        first_m=np.array([one.first_m for one in rides]),
        last_m=np.array([one.last_m for one in rides]),
        board_call=np.full(n, -1, dtype=np.int64),
        alight_call=np.full(n, -1, dtype=np.int64),
        board_time_s=unknown,
        alight_time_s=unknown,
        confidence=np.full(n, 0.9),
        reason=("",) * n,
    )


def network_of(city: City) -> Network:
    """The town's patterns, shapes and stops as a network of a feed."""
    patterns = city.patterns
    n, n_stops = len(patterns), len(city.stops.xy_m)
    lat_deg, lon_deg = city.plane.to_degrees(city.stops.xy_m)
    calls = [len(one.stop_index) for one in patterns]
    lines = [city.plane.to_degrees(one.line.xy_m) for one in patterns]
    many, none = np.full(n, 3), np.zeros(0, dtype=np.int64)
    run_s = [one.call_m / 6.0 for one in patterns]
    return Network(
        stops=Stops(
            *(lat_deg, lon_deg, np.zeros(n_stops), np.full(n_stops, 5.0)),
            *([np.full(n_stops, 3)] * 3),
            np.full(n_stops, 0.9),
            tuple(f"Stop {k}" for k in range(n_stops)),
        ),
        routes=city.routes,
        patterns=Patterns(
            *(np.array([getattr(one, name) for one in patterns]) for name in ("route_index", "direction_id")),
            *(many, many, many, np.full(n, 0.9), tuple(one.headsign for one in patterns)),
            np.concatenate([[0], np.cumsum(calls)]),
            np.concatenate([one.stop_index for one in patterns]),
            np.concatenate([one.call_m for one in patterns]),
            np.concatenate(run_s),
            np.full(sum(calls), np.nan),
            np.full(sum(calls), 3),
        ),
        shapes=Shapes(
            np.concatenate([[0], np.cumsum([len(one.line.xy_m) for one in patterns])]),
            *(np.concatenate([line[k] for line in lines]) for k in range(2)),
            np.concatenate([one.line.along_m for one in patterns]),
        ),
        headways=Headways(*[none] * 4, *[np.zeros(0)] * 3, none, np.zeros(0, dtype=bool)),
        timezone=city.config.timezone,
        first_day="2026-03-02",
        last_day="2026-03-02",
    )
