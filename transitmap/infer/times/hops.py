"""Vehicles -> HopTimes: how long they take from call to call by the time of day."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from transitmap.infer.times.clock import HOUR_S, day_types, local_clock
from transitmap.infer.times.durations import at_calls_s, middle
from transitmap.infer.times.fleet import Seen
from transitmap.model import Crowd, FloatArray, HopTimes, IntArray, Sightings

MIN_TIMED = 5
"""Fewer times of a hop have no spread worth telling: the range of four leaves out a third of all others."""


def time_hops(
    sightings: Sightings,
    seen: Seen,
    crowd: Crowd,
    call_start: IntArray,
    call_along_m: FloatArray,
    min_riders: int,
) -> HopTimes:
    """Times of the hops between calls by day type and window of a path, where they can be told.

    Hours are put together until the path's hops were timed by `MIN_TIMED` vehicles each in the mean; a hop
    that fewer vehicles than that ran in a window, or fewer than `min_riders` people timed, has no row. Riders
    of one vehicle time it together.
    """
    found: list[tuple[float, ...]] = []
    for path in range(len(call_start) - 1):
        calls = slice(call_start[path], call_start[path + 1])
        there = seen.take(seen.path == path)
        at_call_s = at_calls_s(sightings, there.sighting_index, call_along_m[calls])
        row, hop = np.nonzero(np.diff(at_call_s, axis=1) > 0)
        who, run = crowd.rider[there.ride_index[row]], there.vehicle[row] * len(call_along_m) + hop
        run = np.unique(run, return_inverse=True)[1].reshape(-1)
        day, second_s = local_clock(_means(at_call_s[row, hop], run), crowd.zone)
        run_s = _means(np.diff(at_call_s, axis=1)[row, hop], run)
        kind, hour = day_types(day), (second_s // HOUR_S).astype(np.int64)
        for day_type in np.unique(kind).tolist():
            of_day = kind == day_type
            for start, end in _windows(hour[of_day], MIN_TIMED * (calls.stop - calls.start - 1)):
                inside = np.flatnonzero((of_day & (hour >= start) & (hour < end))[run])
                for at, rows in _by_hop(hop, inside):
                    runs = np.unique(run[rows])
                    if len(runs) >= MIN_TIMED and len(np.unique(who[rows])) >= min_riders:
                        told = (start * HOUR_S, end * HOUR_S, *middle(run_s[runs]), len(runs))
                        found.append((calls.start + at, day_type, *told))
    return _columns(np.array(found, dtype=float).reshape(-1, 7))


def _means(value: FloatArray, group: IntArray) -> FloatArray:
    """The mean of each group."""
    return np.asarray(np.bincount(group, value) / np.bincount(group))


def _windows(hour: IntArray, enough: int) -> list[tuple[int, int]]:
    """First hour and hour after the last of windows with `enough` rows; what is left joins the last."""
    count = np.bincount(hour)
    found: list[tuple[int, int]] = []
    start, since = 0, 0
    for now in np.flatnonzero(count).tolist():
        start, since = now if since == 0 else start, since + int(count[now])
        if since >= enough:
            found.append((start, now + 1))
            since = 0
    return [*found[:-1], (found[-1][0], len(count))] if found else found


def _by_hop(hop: IntArray, rows: IntArray) -> Iterator[tuple[int, IntArray]]:
    """Each hop among some rows, and those of them that timed it."""
    rows = rows[np.argsort(hop[rows], kind="stable")]
    for part in np.split(rows, np.flatnonzero(np.diff(hop[rows])) + 1):
        if len(part):
            yield int(hop[part[0]]), part


def _columns(rows: FloatArray) -> HopTimes:
    call, day_type, start_s, end_s, run_s, spread_s, n_vehicles = rows.T
    return HopTimes(
        call_index=call.astype(np.int64),
        day_type=day_type.astype(np.int64),
        start_s=start_s.astype(np.int64),
        end_s=end_s.astype(np.int64),
        run_s=run_s,
        spread_s=spread_s,
        n_vehicles=n_vehicles.astype(np.int64),
    )
