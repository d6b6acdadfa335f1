"""Rides, Lines -> Halts: where single vehicles stood, and where riders got on and off."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from transitmap.config import StopsConfig
from transitmap.geo import Plane
from transitmap.model import STILL, WALK, BoolArray, FloatArray, Halts, IntArray, Legs, Lines, Ride

SLOW_SPAN_S = 3.0
"""Speed is measured over at least so long: over a second, jitter is speed."""
LINE_S = 1e8
"""More seconds than any line lasts: clocks of all lines, one after the other, make one search."""


def find_halts(rides: Sequence[Ride], legs: Legs, lines: Lines, plane: Plane, config: StopsConfig) -> Halts:
    """One row for each time that a vehicle stood, a rider got on or off, or tapped a stop.

    A single ride cannot tell a stop from a signal: that is for the evidence of many.
    """
    slow = _slow_runs(lines, config)
    ends = _ride_ends(rides, legs, lines)
    taps = _taps(rides, lines, plane)
    line_index, start_s, duration_s = (
        np.concatenate([part[k] for part in (slow, ends, taps)]) for k in range(3)
    )
    line_index = line_index.astype(np.int64)
    kind = np.repeat([0, 1, 2], [len(slow[0]), len(ends[0]), len(taps[0])])
    return Halts(
        line_index=line_index,
        ride_index=lines.ride_index[line_index],
        xy_m=np.concatenate([slow[3], ends[3], taps[3]]),
        heading=_headings(lines, line_index, start_s),
        start_s=start_s,
        duration_s=duration_s,
        is_ride_end=kind == 1,
        is_tap=kind == 2,
    )


_Rows = tuple[IntArray, FloatArray, FloatArray, FloatArray]
"""Line, start, duration and place of some halts."""


def _slow_runs(lines: Lines, config: StopsConfig) -> _Rows:
    """Runs of fixes slower than `config.slow_m_s` from one to the next at least `SLOW_SPAN_S` later.

    A phone that writes every 10 s or more shows a halt when two of its fixes lie close together.
    """
    line_of = np.repeat(np.arange(len(lines)), np.diff(lines.fix_start))
    time_s, xy_m, n = lines.fix_s, lines.fix_m, len(lines.fix_s)
    if not n:
        return np.zeros(0, dtype=np.int64), np.zeros(0), np.zeros(0), np.zeros((0, 2))
    clock_s = _clock_s(lines, line_of, time_s)
    later = np.searchsorted(clock_s, clock_s + SLOW_SPAN_S - 1e-6)
    has = later < lines.fix_start[1:][line_of]
    later = np.minimum(later, n - 1)
    step_m = np.hypot(*(xy_m[later] - xy_m).T)
    is_slow = has & (step_m < config.slow_m_s * (time_s[later] - time_s))
    change = np.bincount(np.flatnonzero(is_slow), minlength=n + 1)
    change -= np.bincount(later[is_slow] + 1, minlength=n + 1)[: n + 1]
    stands: BoolArray = np.cumsum(change)[:n] > 0
    new = np.concatenate([[True], (np.diff(line_of) != 0) | (stands[1:] != stands[:-1])])
    first = np.flatnonzero(new & stands)
    run = np.cumsum(new & stands)[stands] - 1
    last = first + np.bincount(run, minlength=len(first)) - 1
    place_m = np.column_stack([medians(run, xy_m[stands, axis], len(first)) for axis in (0, 1)])
    return line_of[first], time_s[first], time_s[last] - time_s[first], place_m


def medians(group: IntArray, value: FloatArray, n: int) -> FloatArray:
    """The median of each of `n` groups, none of them empty."""
    value = value[np.lexsort((value, group))]
    count = np.bincount(group, minlength=n)
    first = np.cumsum(count) - count
    return np.asarray((value[first + (count - 1) // 2] + value[first + count // 2]) / 2)


def _ride_ends(rides: Sequence[Ride], legs: Legs, lines: Lines) -> _Rows:
    """First and last fix of lines where somebody got on or off: a walk or a wait comes before or after, or
    the recording itself begins or ends there and nobody has cut its ends off."""
    on_foot = np.isin(legs.mode, (WALK, STILL))
    is_whole = np.array([not ride.dropped.get("trimmed") for ride in rides], dtype=bool)
    leg, ride = lines.leg_index, lines.ride_index
    found = []
    for step, edge in ((-1, lines.fix_start[:-1]), (1, lines.fix_start[1:] - 1)):
        other = np.clip(leg + step, 0, len(legs) - 1)
        is_outer = (other == leg) | (legs.ride_index[other] != ride)
        is_end = np.where(is_outer, is_whole[ride], on_foot[other])
        found.append(np.column_stack([np.flatnonzero(is_end), edge[is_end]]))
    line, fix = np.concatenate(found).astype(np.int64).T
    return line, lines.fix_s[fix], np.zeros(len(fix)), lines.fix_m[fix]


def _taps(rides: Sequence[Ride], lines: Lines, plane: Plane, slack_s: float = 5.0) -> _Rows:
    """Stops the rider marked while a vehicle carried them."""
    rows, times, places = [np.zeros(0, dtype=np.int64)], [np.zeros(0)], [np.zeros((0, 2))]
    for line, ride_index in enumerate(lines.ride_index):
        taps = rides[ride_index].taps
        if len(taps):
            first_s, last_s = lines.fix_s[lines.fix_start[line]], lines.fix_s[lines.fix_start[line + 1] - 1]
            during = np.flatnonzero((taps.time_s >= first_s - slack_s) & (taps.time_s <= last_s + slack_s))
            rows.append(np.full(len(during), line))
            times.append(taps.time_s[during])
            places.append(plane.to_metres(taps.lat_deg[during], taps.lon_deg[during]))
    time_s = np.concatenate(times)
    return np.concatenate(rows), time_s, np.zeros(len(time_s)), np.concatenate(places)


def _headings(lines: Lines, line_index: IntArray, start_s: FloatArray) -> FloatArray:
    """The way the vehicle faced: that of its line's point reached next."""
    return np.asarray(lines.heading[point_at(lines, line_index, start_s)])


def point_at(lines: Lines, line_index: IntArray, time_s: FloatArray) -> IntArray:
    """The row of the point that each line reached at a time or next."""
    line_of = np.repeat(np.arange(len(lines)), np.diff(lines.point_start))
    clock_s = np.maximum.accumulate(_clock_s(lines, line_of, lines.time_s))
    point = np.searchsorted(clock_s, _clock_s(lines, line_index, time_s))
    return np.clip(point, lines.point_start[line_index], lines.point_start[line_index + 1] - 1)


def _clock_s(lines: Lines, line_index: IntArray, time_s: FloatArray) -> FloatArray:
    """Times on one clock that never runs back: that of each line begins `LINE_S` after the one before."""
    begin_s = lines.fix_s[lines.fix_start[:-1]] if len(lines) else np.zeros(0)
    return np.asarray(line_index * LINE_S + (time_s - begin_s[line_index]))
