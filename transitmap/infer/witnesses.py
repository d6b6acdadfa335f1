"""Stage 11. Trips, calls -> who bears witness to each pattern, call and name: rides, people, days."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from transitmap.model import Crowd, FloatArray, IntArray, Lines, Ride, Routes, Trips

AT_CALL_M = 50.0
"""A ride that starts or ends this far from a stop was at it."""


class Witnesses(NamedTuple):
    """Vehicles, rides, riders and days behind each pattern, and how many people were aboard at each call."""

    n_vehicles: IntArray
    n_rides: IntArray
    n_riders: IntArray
    n_days: IntArray
    call_n_riders: IntArray


def count_witnesses(
    trips: Trips, lines: Lines, crowd: Crowd, call_start: IntArray, call_along_m: FloatArray
) -> Witnesses:
    """Who was seen on each pattern. Those who sat in one vehicle saw one vehicle."""
    ride = np.flatnonzero(trips.pattern_index >= 0)
    pattern, n = trips.pattern_index[ride], len(call_start) - 1
    line_on = trips.pattern_index[lines.ride_index]
    line = np.flatnonzero(line_on >= 0)
    n_rides = np.bincount(pattern, minlength=n).astype(np.int64)
    return Witnesses(
        n_vehicles=np.minimum(_n_distinct(line_on[line], crowd.vehicle[line], n), n_rides),
        n_rides=n_rides,
        n_riders=_n_distinct(pattern, crowd.rider[ride], n),
        n_days=_n_distinct(pattern, crowd.day[ride], n),
        call_n_riders=_n_aboard(trips, ride, crowd.rider, call_start, call_along_m),
    )


def _n_distinct(group: IntArray, value: IntArray, n_groups: int) -> IntArray:
    """How many values other than each other every group has."""
    width = int(value.max(initial=0)) + 1
    return np.bincount(np.unique(group * width + value) // width, minlength=n_groups).astype(np.int64)


def _n_aboard(
    trips: Trips, ride: IntArray, rider: IntArray, call_start: IntArray, call_along_m: FloatArray
) -> IntArray:
    """For each call of each pattern, how many people of the pattern were aboard there."""
    pattern = trips.pattern_index[ride]
    n_calls = np.diff(call_start)[pattern]
    ride = np.repeat(ride, n_calls)
    call = np.arange(len(ride)) + np.repeat(call_start[pattern] - np.cumsum(n_calls) + n_calls, n_calls)
    along_m = call_along_m[call]
    is_there = (along_m >= trips.first_m[ride] - AT_CALL_M) & (along_m <= trips.last_m[ride] + AT_CALL_M)
    return _n_distinct(call[is_there], rider[ride[is_there]], len(call_along_m))


def number_riders(rides: Sequence[Ride]) -> IntArray:
    """One number for each rider; a ride whose rider nobody knows has a rider of its own."""
    who = [ride.rider_id or f"ride {k}" for k, ride in enumerate(rides)]
    return np.unique(np.array(who, dtype=str), return_inverse=True)[1].reshape(-1).astype(np.int64)


def without_lone_names(
    routes: Routes,
    names: Sequence[str],
    route_index: IntArray,
    trips: Trips,
    said: Sequence[str],
    rider: IntArray,
    min_riders: int,
) -> Routes:
    """The routes, without the names that fewer than `min_riders` people gave: free text may be anything.

    `names` are those of the routes and `said` those that each ride gave, both cleaned.
    """
    ride = np.flatnonzero(trips.pattern_index >= 0)
    row = route_index[trips.pattern_index[ride]]
    agrees = np.array([said[k] == names[r] for k, r in zip(ride.tolist(), row.tolist(), strict=True)], bool)
    n_riders = _n_distinct(row[agrees], rider[ride[agrees]], len(names))
    kept = zip(routes.short_name, n_riders, strict=True)
    return replace(routes, short_name=tuple(name if n >= min_riders else "" for name, n in kept))
