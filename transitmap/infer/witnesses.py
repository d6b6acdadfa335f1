"""Stage 11. Trips, calls -> who bears witness to each pattern, call, hop and name: rides, people, days."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from transitmap.model import BoolArray, Crowd, FloatArray, HopWitnesses, IntArray, Lines, Ride, Routes, Trips

AT_CALL_M = 50.0
"""A ride that starts or ends this far from a stop was at it."""
MIN_RIDDEN = 0.5
"""Of a hop shorter than twice that, a ride has seen so much, or it would be one that nobody rode along."""


class Witnesses(NamedTuple):
    """Vehicles, rides, riders, days and the last day behind each pattern, and how many people were aboard at
    each call."""

    n_vehicles: IntArray
    n_rides: IntArray
    n_riders: IntArray
    n_days: IntArray
    last_day: IntArray
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
        last_day=_last(pattern, crowd.day[ride], n),
        call_n_riders=_n_aboard(trips, ride, crowd.rider, call_start, call_along_m),
    )


def _n_distinct(group: IntArray, value: IntArray, n_groups: int) -> IntArray:
    """How many values other than each other every group has."""
    width = int(value.max(initial=0)) + 1
    return np.bincount(np.unique(group * width + value) // width, minlength=n_groups).astype(np.int64)


def _last(group: IntArray, value: IntArray, n_groups: int) -> IntArray:
    """The greatest value of every group, -1 without any."""
    last = np.full(n_groups, -1, dtype=np.int64)
    np.maximum.at(last, group, value)
    return last


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


def count_hop_witnesses(
    trips: Trips,
    lines: Lines,
    crowd: Crowd,
    call_start: IntArray,
    call_along_m: FloatArray,
    is_supported: BoolArray,
) -> HopWitnesses:
    """Who rode all the way from each call to the next, and from a supported one to the next supported one.

    Calls at stops that too few people used are not published: what is told of the way past them has to be
    counted here, where it is known who rode what. Ways that nobody rode have no row.
    """
    ways = _ways(call_start, is_supported)
    ride = np.flatnonzero(trips.pattern_index >= 0)
    line = np.flatnonzero(trips.pattern_index[lines.ride_index] >= 0)
    way, row = _ridden(trips, ride, call_along_m, ways)
    line_way, line_row = _ridden(trips, lines.ride_index[line], call_along_m, ways)
    n, ride = len(ways.first), ride[row]
    n_rides = np.bincount(way, minlength=n).astype(np.int64)
    return HopWitnesses(
        call_index=ways.first,
        next_index=ways.last,
        n_vehicles=np.minimum(_n_distinct(line_way, crowd.vehicle[line[line_row]], n), n_rides),
        n_rides=n_rides,
        n_riders=_n_distinct(way, crowd.rider[ride], n),
        n_days=_n_distinct(way, crowd.day[ride], n),
        last_day=_last(way, crowd.day[ride], n),
    ).take(n_rides > 0)


class _Ways(NamedTuple):
    """From which call to which, by pattern and call, and the first row of each pattern."""

    first: IntArray
    last: IntArray
    start: IntArray


def _ways(call_start: IntArray, is_supported: BoolArray) -> _Ways:
    """Every call with the next one, and supported calls with others between."""
    pattern = np.repeat(np.arange(len(call_start) - 1), np.diff(call_start))
    kept = np.flatnonzero(is_supported)
    pairs = np.concatenate([np.column_stack([one[:-1], one[1:]]) for one in (np.arange(len(pattern)), kept)])
    pairs = np.unique(pairs[pattern[pairs[:, 0]] == pattern[pairs[:, 1]]], axis=0)
    start = np.searchsorted(pairs[:, 0], call_start).astype(np.int64)
    return _Ways(pairs[:, 0], pairs[:, 1], start)


def _ridden(trips: Trips, ride: IntArray, call_along_m: FloatArray, ways: _Ways) -> tuple[IntArray, IntArray]:
    """Which ways each of some rides, all on a pattern, ran along: rows of the ways and of `ride`."""
    pattern = trips.pattern_index[ride]
    n_ways = np.diff(ways.start)[pattern]
    row = np.repeat(np.arange(len(ride)), n_ways)
    way = np.arange(len(row)) + np.repeat(ways.start[pattern] - np.cumsum(n_ways) + n_ways, n_ways)
    from_m, to_m = call_along_m[ways.first[way]], call_along_m[ways.last[way]]
    first_m, last_m = trips.first_m[ride[row]], trips.last_m[ride[row]]
    ridden_m = np.minimum(last_m, to_m) - np.maximum(first_m, from_m)
    is_along = (first_m <= from_m + AT_CALL_M) & (last_m >= to_m - AT_CALL_M)
    rode = is_along & (ridden_m >= MIN_RIDDEN * (to_m - from_m))
    return way[rode], row[rode]


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
