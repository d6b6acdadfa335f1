"""Stage 8. Lines, calls -> HailStretches: where people get on and off between the stops, anywhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from transitmap import geo
from transitmap.model import (
    CAR,
    STILL,
    WALK,
    BoolArray,
    FloatArray,
    HailStretches,
    IntArray,
    Legs,
    Lines,
    Ride,
)

STEP_M = 10.0
OFF_M = 30.0
TURN_M = 60.0
"""A turn of 60 degrees counts as this far away, the way back as twice as far: out of reach."""
AT_STOP_M = 60.0
"""Ends of rides so near a call belong to it: fixes lie within 15 m of the road, and legs are cut seconds off."""
LONG = 1.5
"""A way between two calls so many times the median one is long; the others tell what is usual off stops."""
SHARE_HAILED = 0.5
"""Where people hail, half as many get on and off a vehicle and km as everywhere on average, stops included."""
ODDS_NOTHING, ODDS_MISSED = 30.0, 3.0
"""How much likelier, before anything is seen of a long way, is that nobody gets on or off between its calls,
and that there are stops which nobody has found."""
GATHER_M = 40.0
"""Ends so near each other may be those of one stop: each lies within 20 m or so of it along the street."""
MIN_CONFIDENCE = 0.8
MIN_PEOPLE = 3
"""One person's habit is that person's place, not everybody's."""


class _Ends(NamedTuple):
    """Where somebody got on or off a vehicle. `is_foot` is 1 where a walk or a wait is on the other side of
    it, 0 where the recording begins or ends."""

    xy_m: FloatArray
    heading: FloatArray
    ride: IntArray
    is_foot: IntArray


class _Hops(NamedTuple):
    """Ways of one path between two calls: where they begin and end, vehicle km and ends of rides (n, 2) off
    stops, and of each end (ragged by `start`) the place along the path and the row in _Ends."""

    first_m: FloatArray
    last_m: FloatArray
    seen_km: FloatArray
    n_ends: FloatArray
    start: IntArray
    end_m: FloatArray
    end: IntArray


def find_hails(
    rides: Sequence[Ride],
    legs: Legs,
    lines: Lines,
    shapes_m: Sequence[FloatArray],
    call_start: IntArray,
    call_m: FloatArray,
    rider: IntArray,
    min_riders: int,
) -> HailStretches:
    """Stretches of paths, in metres along their shapes, where people get on and off without a stop.

    Rides that end off stops are compared, a vehicle and km, with those between calls that lie close together,
    where they are bad cuts and recordings begun late: a Poisson likelihood ratio for each long way between
    two calls. Ways in a row that speak for hailing are one stretch. `rider` numbers who rode each ride.
    """
    is_bus = legs.mode[lines.leg_index] != CAR
    ends = _ends(rides, legs, lines, is_bus)
    place_m, ahead, place_km = _places(lines, is_bus)
    things = np.column_stack([np.concatenate([place_m, ends.xy_m]), np.concatenate([ahead, ends.heading])])
    hops = [
        _hops_of(shape_m, call_m[first:last], things, place_km, ends)
        for shape_m, first, last in zip(shapes_m, call_start[:-1], call_start[1:], strict=True)
    ]
    kinds = np.array([np.sum(ends.is_foot == kind) for kind in (0, 1)], dtype=float)
    scores = _scores(hops, kinds / max(float(place_km.sum()), 1e-9))
    people = max(min_riders, MIN_PEOPLE)
    spacing_m = _spacing_m(hops)
    rows = [
        row
        for k, hop in enumerate(hops)
        for row in _stretches(k, hop, scores[k], spacing_m, ends, rider, people)
    ]
    table = np.array(rows, dtype=float).reshape(-1, 6)
    whole = table.astype(np.int64)
    return HailStretches(whole[:, 0], table[:, 1], table[:, 2], whole[:, 3], whole[:, 4], table[:, 5])


def _ends(rides: Sequence[Ride], legs: Legs, lines: Lines, is_bus: BoolArray) -> _Ends:
    """First and last fix of lines where a walk or a wait comes before or after, or nothing does and nobody
    has cut the ends of the recording off."""
    on_foot = np.isin(legs.mode, (WALK, STILL))
    is_whole = np.array([not ride.dropped.get("trimmed") for ride in rides], dtype=bool)
    leg, ride = lines.leg_index, lines.ride_index
    found = []
    for step, fix, point in (
        (-1, lines.fix_start[:-1], lines.point_start[:-1]),
        (1, lines.fix_start[1:] - 1, lines.point_start[1:] - 1),
    ):
        other = np.clip(leg + step, 0, len(legs) - 1)
        is_outer = (other == leg) | (legs.ride_index[other] != ride)
        is_end = is_bus & np.where(is_outer, is_whole[ride], on_foot[other])
        found.append(np.column_stack([fix, point, ride, ~is_outer])[is_end])
    fix, point, ride, is_foot = np.concatenate(found).astype(np.int64).T
    return _Ends(lines.fix_m[fix], lines.heading[point], ride, is_foot)


def _places(lines: Lines, is_bus: BoolArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Middle, heading and vehicle km of each place that vehicles were seen at."""
    line_of = np.repeat(np.arange(len(lines)), np.diff(lines.point_start))
    step_m = np.append(geo.steps_m(lines.xy_m), 0.0) if len(line_of) else np.zeros(0)
    step_m[lines.point_start[1:] - 1] = 0.0
    seen = lines.is_seen & is_bus[line_of]
    place, row = np.unique(lines.place[seen], return_inverse=True)
    count = np.maximum(np.bincount(row, minlength=len(place)), 1)

    def mean(values: FloatArray) -> FloatArray:
        return np.column_stack([np.bincount(row, axis, len(place)) / count for axis in values[seen].T])

    km = np.bincount(row, step_m[seen], len(place)) / 1000.0
    return mean(lines.xy_m), mean(lines.heading), km


def _hops_of(
    shape_m: FloatArray, call_m: FloatArray, things: FloatArray, place_km: FloatArray, ends: _Ends
) -> _Hops:
    """What was seen off stops on the ways between the calls of one path, of all vehicles that ran there."""
    thing, where_m = _along(shape_m, things)
    hop = np.clip(np.searchsorted(call_m, where_m, side="right") - 1, 0, len(call_m) - 2)
    near_m = np.minimum(np.abs(where_m - call_m[hop]), np.abs(where_m - call_m[hop + 1]))
    is_far = near_m > AT_STOP_M
    thing, where_m, hop = thing[is_far], where_m[is_far], hop[is_far]
    is_end = thing >= len(place_km)
    n = len(call_m) - 1
    end = thing[is_end] - len(place_km)
    order = np.lexsort((where_m[is_end], hop[is_end]))
    count = [np.bincount(hop[is_end], ends.is_foot[end] == kind, n) for kind in (0, 1)]
    first = np.concatenate([[0], np.cumsum(np.bincount(hop[is_end], minlength=n))])
    return _Hops(
        first_m=call_m[:-1],
        last_m=call_m[1:],
        seen_km=np.bincount(hop[~is_end], place_km[thing[~is_end]], n),
        n_ends=np.column_stack(count),
        start=first.astype(np.int64),
        end_m=where_m[is_end][order],
        end=end[order],
    )


def _along(shape_m: FloatArray, things: FloatArray) -> tuple[IntArray, FloatArray]:
    """Rows of the things beside a shape that face its way, and how far along it each of them lies."""
    from scipy.spatial import cKDTree

    line_m = geo.resample(shape_m, STEP_M)
    low, high = line_m.min(axis=0) - OFF_M, line_m.max(axis=0) + OFF_M
    row = np.flatnonzero(((things[:, :2] >= low) & (things[:, :2] <= high)).all(axis=1))
    scale = np.array([1.0, 1.0, TURN_M, TURN_M])
    tree = cKDTree(np.column_stack([line_m, geo.headings(line_m, 2)]) * scale)
    gap_m, nearest = tree.query(things[row] * scale, distance_upper_bound=OFF_M + TURN_M / 4)
    near = np.isfinite(gap_m)
    where_m = np.linspace(0.0, geo.along_m(shape_m)[-1], len(line_m))
    return row[near], where_m[nearest[near]]


def _scores(hops: Sequence[_Hops], usual: FloatArray) -> list[FloatArray]:
    """For each way the logarithm of how much likelier its ends are where people hail than where they do not;
    0 for ways that are not long. `usual` are ends of both kinds a vehicle and km everywhere."""
    long_m = LONG * _spacing_m(hops)
    is_long = [hop.last_m - hop.first_m > long_m for hop in hops]
    km = sum(float(hop.seen_km[~far].sum()) for hop, far in zip(hops, is_long, strict=True))
    n = sum((hop.n_ends[~far].sum(axis=0) for hop, far in zip(hops, is_long, strict=True)), np.zeros(2))
    # one more than were seen: a city without any bad cut would make the first one a proof
    stray = (n + 1.0) / max(km, 1e-9)
    hailed = np.maximum(SHARE_HAILED * usual, stray)
    return [
        np.where(far, hop.n_ends @ np.log(hailed / stray) - hop.seen_km * (hailed - stray).sum(), 0.0)
        for hop, far in zip(hops, is_long, strict=True)
    ]


def _spacing_m(hops: Sequence[_Hops]) -> float:
    """The median way between two calls."""
    length_m = np.concatenate([*(hop.last_m - hop.first_m for hop in hops), np.zeros(0)])
    return float(np.median(length_m)) if len(length_m) else 0.0


def _stretches(
    path: int,
    hops: _Hops,
    score: FloatArray,
    spacing_m: float,
    ends: _Ends,
    rider: IntArray,
    people: int,
) -> Iterator[tuple[float, ...]]:
    """Rows of HailStretches: runs of ways that speak for it, if together they say it loud enough."""
    change = np.flatnonzero(np.diff(np.concatenate([[False], score > 0, [False]]).astype(np.int8)))
    for first, last in change.reshape(-1, 2).tolist():
        here = slice(hops.start[first], hops.start[last])
        ride, end_m = ends.ride[hops.end[here]], hops.end_m[here]
        start_m, stop_m = hops.first_m[first] + AT_STOP_M, hops.last_m[last - 1] - AT_STOP_M
        n_rides, n_riders = len(np.unique(ride)), len(np.unique(rider[ride]))
        confidence = _confidence(score[first:last].sum(), _spread_score(end_m, stop_m - start_m, spacing_m))
        if confidence >= MIN_CONFIDENCE and n_riders >= people:
            yield (path, start_m, stop_m, n_rides, n_riders, confidence)


def _spread_score(end_m: FloatArray, length_m: float, spacing_m: float) -> float:
    """Logarithm of how much likelier sorted places are spread evenly than gathered at stops not yet found.

    Stops lie at the usual spacing and differ in how busy they are: the groups have the law of Ewens, with as
    many stops as fit for its concentration, and those of one group lie within `GATHER_M` either side.
    """
    from scipy.special import gammaln

    n, stops = len(end_m), max(length_m / spacing_m, 1.0)
    size = np.diff(np.flatnonzero(np.concatenate([[True], np.diff(end_m) > GATHER_M, [True]])))
    groups = len(size) * np.log(stops) + gammaln(size).sum() + gammaln(stops) - gammaln(stops + n)
    return -float(groups + (n - len(size)) * np.log(length_m / (2 * GATHER_M)))


def _confidence(score: float, spread_score: float) -> float:
    """Probability that people hail, of that, of nothing and of missed stops."""
    return 1.0 / (1.0 + ODDS_NOTHING * np.exp(-score) + ODDS_MISSED * np.exp(-spread_score))
