"""What a phone writes of a movement: sampled, noisy, with gaps, frozen fixes and cold starts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from transitmap import geo
from transitmap.model import Columns, FloatArray

CORRELATION_S = 35.0
"""Errors of neighbouring fixes are alike: they forget each other over this time."""
WHITE_M = 0.6
CANYON_M = 700.0
BURST_SHARE, FROZEN_SHARE, COLD_SHARE, SPIKE_SHARE = 0.2, 0.12, 0.35, 0.0015


@dataclass(frozen=True, eq=False)
class Track(Columns):
    """True knots of a movement, UTC seconds and metres on the city's plane, in time order."""

    time_s: FloatArray
    xy_m: FloatArray


@dataclass(frozen=True, eq=False)
class Recorded(Columns):
    """Fixes as the phone believed them, and the accuracy it believed to have."""

    time_s: FloatArray
    xy_m: FloatArray
    accuracy_m: FloatArray

    def __len__(self) -> int:
        return len(self.time_s)


@dataclass(frozen=True)
class Phone:
    """How one phone records. `filter_m` > 0: a fix whenever it has moved that far, checked each second."""

    interval_s: float
    filter_m: float
    noise_m: float
    canyon_factor: float
    gap_share: float


def record(track: Track, phone: Phone, rng: np.random.Generator) -> Recorded:
    """The fixes of one recording of a track; at least two, however short it was."""
    interval_s = 1.0 if phone.filter_m else phone.interval_s
    n = max(2, int((track.time_s[-1] - track.time_s[0]) / interval_s) + 1)
    time_s = np.ceil(track.time_s[0]) + interval_s * np.arange(n)
    true_m = at_times(track, time_s)
    spread_m = (
        phone.noise_m * rng.lognormal(0.0, 0.25) * np.where(_in_canyon(true_m), phone.canyon_factor, 1.0)
    )
    seen_m = true_m + _errors_m(time_s, interval_s, spread_m, rng)
    seen_m = _freeze(seen_m, interval_s, rng)
    accuracy_m = np.maximum(np.round(1.6 * spread_m * rng.lognormal(0.0, 0.25, n), 1), 2.0)
    keep = _awake(time_s, phone.gap_share, rng)
    if phone.filter_m:
        keep &= _moved(seen_m, phone.filter_m)
    keep[[0, -1]] = True
    return Recorded(time_s[keep], seen_m[keep], accuracy_m[keep])


def at_times(track: Track, time_s: FloatArray) -> FloatArray:
    """True places at times, (n, 2); beyond the ends, the ends."""
    return np.column_stack([np.interp(time_s, track.time_s, track.xy_m[:, k]) for k in range(2)])


def _in_canyon(xy_m: FloatArray) -> np.typing.NDArray[np.bool_]:
    """Tall buildings stand in the centre."""
    return np.asarray(np.hypot(xy_m[:, 0], xy_m[:, 1]) < CANYON_M)


def _errors_m(
    time_s: FloatArray, interval_s: float, spread_m: FloatArray, rng: np.random.Generator
) -> FloatArray:
    """Slowly wandering error, a little white noise, now and then a burst, a spike, a cold start."""
    error_m = _wander(len(time_s), interval_s, rng) * spread_m[:, None] + rng.normal(
        0.0, WHITE_M, (len(time_s), 2)
    )
    since_s = time_s - time_s[0]
    if rng.random() < COLD_SHARE:
        error_m = error_m + (_throw(rng, 12.0, 60.0) * np.exp(-since_s / rng.uniform(8.0, 40.0))[:, None])
    if rng.random() < BURST_SHARE:
        middle_s, half_s = rng.uniform(0.0, since_s[-1]), rng.uniform(8.0, 40.0)
        error_m = (
            error_m + _throw(rng, 25.0, 150.0) * np.exp(-0.5 * ((since_s - middle_s) / half_s) ** 2)[:, None]
        )
    spikes = np.flatnonzero(rng.random(len(time_s)) < SPIKE_SHARE * min(interval_s, 5.0))
    error_m[spikes] += rng.normal(0.0, 90.0, (len(spikes), 2))
    return np.asarray(error_m)


def _wander(n: int, interval_s: float, rng: np.random.Generator) -> FloatArray:
    """An AR(1) process of unit variance on both axes."""
    from scipy.signal import lfilter

    keep = float(np.exp(-interval_s / CORRELATION_S))
    kick = rng.standard_normal((n, 2)) * np.sqrt(1 - keep**2)
    kick[0] /= np.sqrt(1 - keep**2)
    return np.asarray(lfilter([1.0], [1.0, -keep], kick, axis=0))


def _throw(rng: np.random.Generator, least_m: float, most_m: float) -> FloatArray:
    """An offset in any direction."""
    angle, size_m = rng.uniform(0, 2 * np.pi), rng.uniform(least_m, most_m)
    return np.array([[size_m * np.cos(angle), size_m * np.sin(angle)]])


def _freeze(seen_m: FloatArray, interval_s: float, rng: np.random.Generator) -> FloatArray:
    """Sometimes a phone repeats its last fix for a while."""
    if rng.random() >= FROZEN_SHARE:
        return seen_m
    first = int(rng.integers(len(seen_m)))
    last = first + 1 + int(rng.uniform(10.0, 60.0) / interval_s)
    frozen_m = seen_m.copy()
    frozen_m[first:last] = seen_m[first]
    return frozen_m


def _awake(time_s: FloatArray, gap_share: float, rng: np.random.Generator) -> np.typing.NDArray[np.bool_]:
    """Which samples were taken: some recordings have one or two gaps of up to minutes."""
    awake = np.ones(len(time_s), bool)
    if rng.random() < gap_share:
        for _ in range(int(rng.integers(1, 3))):
            first_s = rng.uniform(time_s[0], time_s[-1])
            awake &= (time_s < first_s) | (time_s > first_s + rng.uniform(20.0, 200.0))
    return awake


def _moved(seen_m: FloatArray, filter_m: float) -> np.typing.NDArray[np.bool_]:
    """Samples that lie a further `filter_m` along the way than the one kept before."""
    step = np.floor(geo.along_m(seen_m) / filter_m)
    return np.concatenate([[True], np.diff(step) > 0])
