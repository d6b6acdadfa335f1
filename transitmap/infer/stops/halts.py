"""Rides, Lines -> Halts: where single vehicles stood, and where riders got on and off."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from transitmap.config import StopsConfig
from transitmap.geo import Plane
from transitmap.model import STILL, WALK, FloatArray, Halts, IntArray, Legs, Lines, Ride


class _Halt(NamedTuple):
    line_index: int
    xy_m: FloatArray
    start_s: float
    duration_s: float
    is_ride_end: bool
    is_tap: bool


def find_halts(rides: Sequence[Ride], legs: Legs, lines: Lines, plane: Plane, config: StopsConfig) -> Halts:
    """One row for each time that a vehicle stood, a rider got on or off, or tapped a stop.

    A single ride cannot tell a stop from a signal: that is for the peaks.
    """
    found: list[_Halt] = []
    for line in range(len(lines)):
        fixes = slice(lines.fix_start[line], lines.fix_start[line + 1])
        time_s, xy_m = lines.fix_s[fixes], lines.fix_m[fixes]
        found += _slow_halts(line, time_s, xy_m, config)
        found += _ride_ends(line, legs, int(lines.leg_index[line]), time_s, xy_m)
        found += _tapped(line, rides[lines.ride_index[line]], time_s, plane)
    line_index = np.array([halt.line_index for halt in found], dtype=np.int64)
    xy_m = np.array([halt.xy_m for halt in found], dtype=float).reshape(-1, 2)
    start_s = np.array([halt.start_s for halt in found], dtype=float)
    return Halts(
        line_index=line_index,
        ride_index=lines.ride_index[line_index],
        xy_m=xy_m,
        heading=_headings(lines, line_index, start_s),
        start_s=start_s,
        duration_s=np.array([halt.duration_s for halt in found], dtype=float),
        is_ride_end=np.array([halt.is_ride_end for halt in found], dtype=bool),
        is_tap=np.array([halt.is_tap for halt in found], dtype=bool),
    )


def _slow_halts(line: int, time_s: FloatArray, xy_m: FloatArray, config: StopsConfig) -> list[_Halt]:
    """Runs of fixes slower than `config.slow_m_s`, over at least 3 s so that jitter is no speed."""
    if len(time_s) < 3:
        return []
    before = np.searchsorted(time_s, time_s - 1.5, side="right") - 1
    after = np.minimum(np.searchsorted(time_s, time_s + 1.5), len(time_s) - 1)
    before = np.minimum(before, np.maximum(np.arange(len(time_s)) - 1, 0))
    step_m = np.hypot(*(xy_m[after] - xy_m[before]).T)
    slow = step_m / np.maximum(time_s[after] - time_s[before], 0.5) < config.slow_m_s
    edges = np.flatnonzero(np.diff(np.concatenate([[False], slow, [False]]).astype(np.int8)))
    halts = []
    for first, last in zip(edges[::2], edges[1::2], strict=True):
        duration_s = float(time_s[last - 1] - time_s[first])
        place_m = np.median(xy_m[first:last], axis=0)
        halts.append(_Halt(line, place_m, float(time_s[first]), duration_s, False, False))
    return halts


def _ride_ends(line: int, legs: Legs, leg: int, time_s: FloatArray, xy_m: FloatArray) -> list[_Halt]:
    """Where the leg before or after was on foot: the vehicle halted there for this rider."""
    halts = []
    on_foot = (WALK, STILL)
    if leg > 0 and legs.ride_index[leg - 1] == legs.ride_index[leg] and legs.mode[leg - 1] in on_foot:
        halts.append(_Halt(line, xy_m[0], float(time_s[0]), 0.0, True, False))
    last = leg + 1
    if last < len(legs) and legs.ride_index[last] == legs.ride_index[leg] and legs.mode[last] in on_foot:
        halts.append(_Halt(line, xy_m[-1], float(time_s[-1]), 0.0, True, False))
    return halts


def _tapped(line: int, ride: Ride, time_s: FloatArray, plane: Plane) -> list[_Halt]:
    """Stops the rider marked while this vehicle carried her."""
    taps = ride.taps
    during = np.flatnonzero((taps.time_s >= time_s[0] - 5) & (taps.time_s <= time_s[-1] + 5))
    xy_m = plane.to_metres(taps.lat_deg[during], taps.lon_deg[during])
    return [
        _Halt(line, place_m, float(taps.time_s[k]), 0.0, False, True)
        for k, place_m in zip(during, xy_m, strict=True)
    ]


def _headings(lines: Lines, line_index: IntArray, start_s: FloatArray) -> FloatArray:
    """The way the vehicle faced: that of its line's point nearest in time."""
    heading = np.zeros((len(line_index), 2))
    for line in np.unique(line_index):
        points = slice(lines.point_start[line], lines.point_start[line + 1])
        rows = np.flatnonzero(line_index == line)
        nearest = np.searchsorted(lines.time_s[points], start_s[rows]).clip(0, points.stop - points.start - 1)
        heading[rows] = lines.heading[points][nearest]
    return heading
