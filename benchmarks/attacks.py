"""The attacks on the points: what a cheat makes of somebody's ride, of a map, or of a car. Seeded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from benchmarks import honest_riders as honest
from transitmap import geo
from transitmap.model import Fixes, FloatArray, Ride
from transitmap.simulate import City
from transitmap.simulate.pace import Halts, Motion, move
from transitmap.simulate.phones import Recorded, Track, at_times

Rng = np.random.Generator
Transform = Callable[[Fixes, Rng], Fixes]
DAY_S = 86_400.0
MAP_M, MAP_MEMORY_M = 1.5, 150.0
"""How far a street map's line wanders from ours, on each axis, and over which length."""


# --- A1, A2, A3: what is done to the fixes of a ride ---------------------------------------------


def same(fixes: Fixes, rng: Rng) -> Fixes:
    """The same fixes: other bytes, other names, another app's file."""
    return fixes


def coarser(fixes: Fixes, rng: Rng) -> Fixes:
    """Written with five decimals and whole seconds."""
    return replace(
        fixes,
        time_s=np.round(fixes.time_s),
        lat_deg=np.round(fixes.lat_deg, 5),
        lon_deg=np.round(fixes.lon_deg, 5),
    )


def shifted(fixes: Fixes, rng: Rng) -> Fixes:
    """Some seconds to minutes earlier or later."""
    return _later(fixes, float(np.round(rng.uniform(-300.0, 300.0))))


def thinned(fixes: Fixes, rng: Rng) -> Fixes:
    """Half of the points dropped at random."""
    return fixes.take(np.flatnonzero(rng.random(len(fixes)) < 0.5))


def every_fifth(fixes: Fixes, rng: Rng) -> Fixes:
    """Four of five points dropped."""
    return fixes.take(np.arange(int(rng.integers(5)), len(fixes), 5))


def smoothed(span_s: float) -> Transform:
    """A moving mean over a span of time, written again every two seconds."""

    def smooth(fixes: Fixes, rng: Rng) -> Fixes:
        seconds = np.arange(fixes.time_s[0] + rng.random(), fixes.time_s[-1])
        n = int(span_s / 2) * 2 + 1
        each_m = at_times(Track(fixes.time_s, _metres(fixes)), seconds)
        padded = np.pad(each_m, ((n // 2, n // 2), (0, 0)), mode="edge")
        mean_m = np.column_stack([np.convolve(padded[:, k], np.ones(n) / n, "valid") for k in range(2)])
        return _fixes(fixes, seconds[::2], mean_m[::2])

    return smooth


def moved_aside(fixes: Fixes, rng: Rng) -> Fixes:
    """All of it moved by some metres in one direction."""
    angle = rng.uniform(0.0, 2 * np.pi)
    return _plus(fixes, rng.uniform(3.0, 8.0) * np.array([[np.cos(angle), np.sin(angle)]]))


def first_half(fixes: Fixes, rng: Rng) -> Fixes:
    """One half of the ride."""
    half = len(fixes) // 2
    return fixes.take(np.arange(half) + (half if rng.random() < 0.5 else 0))


def white(sigma_m: float) -> Transform:
    """White noise on every point."""
    return lambda fixes, rng: _plus(fixes, rng.normal(0.0, sigma_m, (len(fixes), 2)))


def correlated(sigma_m: float) -> Transform:
    """Noise that wanders as that of a phone does."""

    def noisy(fixes: Fixes, rng: Rng) -> Fixes:
        span_s = float(fixes.time_s[-1] - fixes.time_s[0])
        error_m = sigma_m * honest.wander(int(span_s) + 2, 1.0, rng)
        seconds = fixes.time_s[0] + np.arange(len(error_m))
        return _plus(fixes, at_times(Track(seconds, error_m), fixes.time_s))

    return noisy


def stretched(fixes: Fixes, rng: Rng) -> Fixes:
    """Faster or slower by three to fifteen hundredths."""
    factor = 1.0 + rng.uniform(0.03, 0.15) * rng.choice([-1.0, 1.0])
    return replace(fixes, time_s=np.round(fixes.time_s[0] + factor * (fixes.time_s - fixes.time_s[0]), 3))


def redated(transform: Transform) -> Transform:
    """Also put on another day, at nearly the same time of day."""

    def later(fixes: Fixes, rng: Rng) -> Fixes:
        days, minutes = int(rng.integers(1, 15)), float(np.round(rng.uniform(-20.0, 20.0) * 60.0))
        return _later(transform(fixes, rng), DAY_S * days + minutes * (rng.random() < 0.7))

    return later


def thinned_to(every_s: float) -> Transform:
    """What a phone that measures so often would have written."""

    def thin(fixes: Fixes, rng: Rng) -> Fixes:
        when_s = np.arange(fixes.time_s[0], fixes.time_s[-1], every_s)
        return fixes.take(np.unique(np.searchsorted(fixes.time_s, when_s)))

    return thin


def filled(fixes: Fixes, rng: Rng) -> Fixes:
    """Lines between the fixes, written every five seconds, exact to five metres."""
    time_s = np.arange(fixes.time_s[0], fixes.time_s[-1], 5.0)
    lat_deg, lon_deg = (np.interp(time_s, fixes.time_s, one) for one in (fixes.lat_deg, fixes.lon_deg))
    return Fixes(time_s, lat_deg, lon_deg, np.full(len(time_s), 5.0))


def decoy(fixes: Fixes, rng: Rng) -> Fixes:
    """The same places with a halt every three minutes, on an earlier day: it shares more marks with a copy
    that is to come than the original does, and is no copy in its movement. Four of them hide the original."""
    halts_s = np.floor((fixes.time_s - fixes.time_s[0]) / 180.0) * rng.uniform(60.0, 140.0)
    return replace(fixes, time_s=np.round(fixes.time_s - DAY_S * int(rng.integers(1, 5)) + halts_s, 3))


TRANSFORMS: dict[str, Transform] = {
    "same": same,
    "five decimals": coarser,
    "seconds to minutes later": shifted,
    "half of the points": thinned,
    "every fifth point": every_fifth,
    "smoothed over 10 s, resampled": smoothed(10.0),
    "moved aside 3-8 m": moved_aside,
    "half of the ride": first_half,
    "white 0.5 m": white(0.5),
    "white 2 m": white(2.0),
    "white 5 m": white(5.0),
    "correlated 1 m": correlated(1.0),
    "correlated 2 m": correlated(2.0),
    "3-15 % faster or slower": stretched,
}


HARDER: dict[str, Transform] = {
    "smoothed over 60 s": smoothed(60.0),
    **{f"correlated {sigma_m:g} m": correlated(sigma_m) for sigma_m in (3.0, 4.0, 5.0, 6.0, 8.0, 10.0)},
}
"""What is no longer a copy beyond doubt: told as a curve."""


def copy_of(ride: Ride, transform: Transform, name: str, who: str, rng: Rng) -> Ride:
    """A ride made of another one."""
    fixes = transform(ride.fixes, rng)
    rounded = replace(fixes, lat_deg=np.round(fixes.lat_deg, 6), lon_deg=np.round(fixes.lon_deg, 6))
    return replace(ride, ride_id=name, rider_id=who, fixes=rounded)


def _later(fixes: Fixes, by_s: float) -> Fixes:
    return replace(fixes, time_s=fixes.time_s + by_s)


def _metres(fixes: Fixes) -> FloatArray:
    return geo.Plane.around(fixes.lat_deg, fixes.lon_deg).to_metres(fixes.lat_deg, fixes.lon_deg)


def _plus(fixes: Fixes, error_m: FloatArray) -> Fixes:
    plane = geo.Plane.around(fixes.lat_deg, fixes.lon_deg)
    lat_deg, lon_deg = plane.to_degrees(plane.to_metres(fixes.lat_deg, fixes.lon_deg) + error_m)
    return replace(fixes, lat_deg=lat_deg, lon_deg=lon_deg)


def _fixes(like: Fixes, time_s: FloatArray, xy_m: FloatArray) -> Fixes:
    lat_deg, lon_deg = geo.Plane.around(like.lat_deg, like.lon_deg).to_degrees(xy_m)
    accuracy_m = np.interp(time_s, like.time_s, like.accuracy_m)
    return Fixes(np.round(time_s, 3), lat_deg, lon_deg, accuracy_m)


# --- A5, A6: traces that nobody recorded ---------------------------------------------------------


def drawn(city: City, pattern: int, style: str, day: int, hour: float, name: str, rng: Rng) -> honest.Honest:
    """A trace that nobody recorded, made along the published shape of a pattern or a street map's line."""
    line = city.patterns[pattern].line
    line_m = line.xy_m
    if "street map" in style:
        line_m = line_m + MAP_M * honest.wander(len(line_m), geo.steps_m(line_m).mean(), rng, MAP_MEMORY_M)
    first_m, last_m = honest.stretch(city, pattern, rng)
    every_s = float(rng.choice([1.0, 1.0, 2.0, 5.0]))
    start_s = honest.FIRST_DAY_S + DAY_S * day + 3600.0 * hour
    motion = _physics(city, pattern, rng) if "physics" in style else _even(first_m, last_m, rng)
    inside = (motion.distance_m >= first_m) & (motion.distance_m <= last_m)
    run_s, distance_m = motion.time_s[inside], motion.distance_m[inside]
    time_s = np.arange(run_s[0], run_s[-1], every_s)
    at_m = np.interp(time_s, run_s, distance_m)
    if "speeds" in style:
        at_m = _wobbly(at_m, first_m, rng)
    xy_m = geo.at(line_m, line.along_m, at_m) + _noise_m(style, len(at_m), every_s, rng)
    recorded = Recorded(start_s + time_s - time_s[0], xy_m, np.full(len(at_m), 4.0))
    ride = honest.ride_of(city, recorded, name, name)
    return honest.Honest(ride, Track(recorded.time_s, xy_m), pattern, first_m, last_m)


STYLES = (
    "even speed",
    "even speed, white 0.5 m",
    "even speed, white 3 m",
    "speeds vary",
    "speeds vary, white 1 m",
    "speeds vary, white 4 m",
    "physics, on the line",
    "physics, white 3 m",
    "even speed, street map, white 0.5 m",
    "speeds vary, street map",
    "physics, street map, white 3 m",
)
FORGERIES = ("physics, street map", "physics, correlated 4 m")
"""What no look at positions can tell from a ride beyond doubt."""


def _even(first_m: float, last_m: float, rng: Rng) -> Motion:
    return Motion(np.array([0.0, (last_m - first_m) / rng.uniform(5.0, 9.0)]), np.array([first_m, last_m]))


def _physics(city: City, pattern: int, rng: Rng) -> Motion:
    """Stops at some calls, brakes and accelerates as a bus does."""
    true = city.patterns[pattern]
    served = true.call_m[1:-1][rng.random(len(true.call_m) - 2) < 0.6]
    halts = Halts(served, rng.uniform(8.0, 30.0, len(served)), np.full(len(served), -1))
    ends_m = (0.0, float(true.line.along_m[-1]))
    return move(true.line, ends_m, np.minimum(0.7 * true.line.limit_m_s, 11.0), halts, rng)[0]


def _wobbly(at_m: FloatArray, first_m: float, rng: Rng) -> FloatArray:
    """The same way at a speed drawn anew for every point."""
    steps_m = np.diff(at_m) * rng.uniform(0.7, 1.3, len(at_m) - 1)
    steps_m *= (at_m[-1] - first_m) / max(steps_m.sum(), 1e-9)
    return np.concatenate([[first_m], first_m + np.cumsum(steps_m)])


def _noise_m(style: str, n: int, every_s: float, rng: Rng) -> FloatArray:
    words = style.split()
    if "white" in words:
        return rng.normal(0.0, float(words[words.index("white") + 1]), (n, 2))
    if "correlated" in words:
        return float(words[words.index("correlated") + 1]) * honest.wander(n, every_s, rng)
    return np.zeros((n, 2))


# --- A7, A11: cars, and phones that are where their rider is not ---------------------------------


def by_car(city: City, pattern: int, day: int, hour: float, name: str, rng: Rng) -> honest.Honest:
    """Somebody drives along a bus line with a phone on."""
    motion = honest.car(city, pattern, day, hour, rng)
    first_m, last_m = honest.stretch(city, pattern, rng)
    track = honest.aboard(city, pattern, motion, first_m, last_m)
    fixes = honest.record(track, honest.draw_phone(city, rng), rng)
    return honest.Honest(honest.ride_of(city, fixes, name, name), track, pattern, first_m, last_m)


def teleporting(ride: Ride, rng: Rng) -> Ride:
    """The second half is moved by kilometres: two pieces of different lines sewn together."""
    half = len(ride.fixes) // 2
    away_m = rng.uniform(4_000.0, 9_000.0) * np.array([[1.0, 0.0]])
    error_m = np.where(np.arange(len(ride.fixes))[:, None] < half, 0.0, away_m)
    return replace(ride, fixes=_plus(ride.fixes, error_m))


def too_fast(ride: Ride, rng: Rng) -> Ride:
    """Played at six to ten times its speed, to be done before lunch."""
    fixes, factor = ride.fixes, rng.uniform(6.0, 10.0)
    time_s = np.round(fixes.time_s[0] + (fixes.time_s - fixes.time_s[0]) / factor, 3)
    return replace(ride, fixes=replace(fixes, time_s=time_s))


def elsewhere(ride: Ride, name: str, rng: Rng) -> Ride:
    """The same account at the same time some kilometres away: a second phone, or a forgery."""
    plane = geo.Plane.around(ride.fixes.lat_deg, ride.fixes.lon_deg)
    moved = _plus(
        _later(ride.fixes, float(np.round(rng.uniform(-200.0, 200.0)))), np.array([[3_000.0, 2_500.0]])
    )
    lat_deg, lon_deg = plane.to_degrees(plane.to_metres(moved.lat_deg, moved.lon_deg)[::-1])
    return replace(ride, ride_id=name, fixes=replace(moved, lat_deg=lat_deg, lon_deg=lon_deg))
