"""Running times, distances -> whole seconds and decimetres that a vehicle can keep."""

from __future__ import annotations

import math

import numpy as np

from transitmap.model import FloatArray, IntArray

MAX_SPEED_M_S = 80 / 3.6  # the exporter rule: faster between stops is no bus in a city


def call_times(run_s: FloatArray, hop_m: FloatArray) -> IntArray:
    """Seconds since the first call, whole, strictly increasing, under 80 km/h on every hop of `hop_m` metres.

    The evidence is kept to the second where it can be; where two near stops would be too fast the later one
    waits, and the times after it take the seconds back as soon as they can. `run_s` has one value more than
    `hop_m`.
    """
    least_s = np.concatenate([[0], np.floor(hop_m / MAX_SPEED_M_S) + 1]).astype(np.int64)
    return _rise(np.rint(run_s - run_s[0]).astype(np.int64), least_s)


def shape_decimetres(along_m: FloatArray) -> tuple[IntArray, IntArray]:
    """Rows of a shape's points to keep, and their distances in tenths of a metre, rising from 0."""
    tenths = np.rint((along_m - along_m[:1]) * 10).astype(np.int64)
    keep = np.flatnonzero(np.concatenate([[True], np.diff(np.maximum.accumulate(tenths)) > 0])[: len(tenths)])
    return keep, tenths[keep]


def call_decimetres(along_m: FloatArray, length: int) -> IntArray:
    """Distances of calls in tenths of a metre, strictly increasing, from 0 to at most `length`.

    Raises:
        ValueError: the shape is too short for that many calls.
    """
    n = len(along_m)
    if length < n - 1:
        raise ValueError(f"shape of {length / 10} m for {n} calls")
    tenths = np.maximum(np.rint(along_m * 10).astype(np.int64), 0)
    rising = _rise(tenths, np.concatenate([[0], np.ones(n - 1, dtype=np.int64)]))
    return np.asarray(np.minimum(rising, length - np.arange(n)[::-1]))


def _rise(wanted: IntArray, least: IntArray) -> IntArray:
    """The values nearest above `wanted` that grow by `least` at every step."""
    floor = np.cumsum(least)
    return np.asarray(floor + np.maximum.accumulate(wanted - floor))


def clock(day_s: int) -> str:
    """HH:MM:SS of a service day, past 24 hours where the day goes on."""
    return f"{day_s // 3600:02d}:{day_s // 60 % 60:02d}:{day_s % 60:02d}"


def whole_headway_s(headway_s: float) -> int:
    """A headway in whole seconds, at least one."""
    return max(1, math.floor(headway_s + 0.5))
