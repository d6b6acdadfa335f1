"""Stage 8. Lines, calls -> HailStretches: where people get on and off between the stops, anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from transitmap import geo
from transitmap.config import HailsConfig
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
    Spread,
)

STEP_M = 10.0
OFF_M = 30.0
TURN_M = 60.0
"""A turn of 60 degrees counts as this far away, the way back as twice as far: out of reach."""
AT_STOP_M = 60.0
"""Ends of rides so near a call belong to it: fixes scatter by 15 m and legs are cut seconds off."""
LONG = 1.5
"""A way between two calls so many times the median one is long; the others tell what is usual off stops."""
SHARE_HAILED = 0.5
"""Where people hail, half as many get on and off a vehicle and km as on average, stops included."""
ODDS_NOTHING, ODDS_MISSED = 30_000.0, 3.0
"""How much likelier, before anything is seen of a long way, is that nobody gets on or off between its calls,
and that there are stops which nobody has found. A city has hundreds of ways, and ends are not independent
(habits, people in one vehicle), so the first is set where what is told is right on simulated cities."""
GATHER_M = 40.0
"""Ends so near each other may be those of one stop: each lies within 20 m or so of it along the street."""
SLOW_S_M = 0.2
"""A vehicle that takes longer for a metre (5 m/s) over some 50 m is slow: it halts, queues or crawls."""
SEEN_M = 25.0
MIN_SEEN = 5
"""Shares of fewer vehicles say more of chance than of the place."""


class _Ends(NamedTuple):
    """Where somebody got on or off a vehicle. `is_foot` is 1 where a walk or a wait is on the other side of
    it, 0 where the recording begins or ends."""

    xy_m: FloatArray
    heading: FloatArray
    ride: IntArray
    is_foot: IntArray


class _Places(NamedTuple):
    """Places that vehicles were seen at: middle, heading, vehicle km, how many passed and were slow."""

    xy_m: FloatArray
    heading: FloatArray
    km: FloatArray
    n_passed: FloatArray
    n_slow: FloatArray


class _Hops(NamedTuple):
    """Ways of one path between two calls: where they begin and end, vehicle km and ends of rides (n, 2) off
    stops, and of each end (ragged by `start`) the place along the path and the row in _Ends.

    `slow_*` (n, 2) are how many vehicles are slow, of how many: where each ride ends, at calls, elsewhere."""

    first_m: FloatArray
    last_m: FloatArray
    seen_km: FloatArray
    start: IntArray
    end_m: FloatArray
    end: IntArray
    is_foot: IntArray
    slow_end: IntArray
    slow_call: IntArray
    slow_between: IntArray


def find_hails(
    rides: Sequence[Ride],
    legs: Legs,
    lines: Lines,
    shapes_m: Sequence[FloatArray],
    call_start: IntArray,
    call_m: FloatArray,
    rider: IntArray,
    config: HailsConfig,
    spread: Spread = map,
) -> HailStretches:
    """Stretches of paths, in metres along their shapes, where people get on and off without a stop.

    Rides that end off stops are compared, a vehicle and km, with those between calls that lie close together,
    where they are bad cuts and recordings begun late: a Poisson likelihood ratio for each long way between
    two calls. Ways in a row that speak for hailing are one stretch, unless stops that nobody has found would
    explain it: they gather ends, and other vehicles halt at them too. `rider` numbers who rode each ride.
    """
    is_bus = legs.mode[lines.leg_index] != CAR
    ends = _ends(rides, legs, lines, is_bus)
    places = _places(lines, is_bus)
    calls_m = [call_m[first:last] for first, last in zip(call_start[:-1], call_start[1:], strict=True)]
    hops = list(spread(partial(_hops_of, places=places, ends=ends), shapes_m, calls_m))
    kinds = np.array([np.sum(ends.is_foot == kind) for kind in (0, 1)], dtype=float)
    spacing_m, shares = _spacing_m(hops), _shares(hops)
    hops = [_without_gathered(hop, shares) for hop in hops]
    scores = _scores(hops, spacing_m, kinds / max(float(places.km.sum()), 1e-9))
    rows = []
    for k, (hop, score) in enumerate(zip(hops, scores, strict=True)):
        for first, last in _runs(score):
            row = _stretch(hop, first, last, float(score[first:last].sum()), spacing_m, shares)
            ride = ends.ride[hop.end[hop.start[first] : hop.start[last]]]
            n_riders = len(np.unique(rider[ride]))
            if row[2] >= config.min_confidence and n_riders >= config.min_riders:
                rows.append((k, *row[:2], len(np.unique(ride)), n_riders, row[2]))
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


def _places(lines: Lines, is_bus: BoolArray) -> _Places:
    """What was seen by place. Points at the very ends of lines tell nothing of the other vehicles' pace."""
    n = len(lines.time_s)
    line_of = np.repeat(np.arange(len(lines)), np.diff(lines.point_start))
    step_m = np.append(geo.steps_m(lines.xy_m), 0.0)[:n]
    step_m[lines.point_start[1:] - 1] = 0.0
    rank = np.arange(n) - lines.point_start[line_of]
    is_inner = (rank >= 2) & (rank < np.diff(lines.point_start)[line_of] - 2)
    before, after = np.clip(np.arange(n) - 1, 0, n), np.clip(np.arange(n) + 1, 0, max(n - 1, 0))
    way_m = np.hypot(*(lines.xy_m[after] - lines.xy_m[before]).T)
    is_slow = is_inner & (lines.time_s[after] - lines.time_s[before] > SLOW_S_M * way_m)
    seen = lines.is_seen & is_bus[line_of]
    place, row = np.unique(lines.place[seen], return_inverse=True)

    def total(values: FloatArray) -> FloatArray:
        return np.bincount(row, values[seen], len(place)).astype(float)

    count = total(np.ones(n))
    return _Places(
        xy_m=np.column_stack([total(axis) / count for axis in lines.xy_m.T]),
        heading=np.column_stack([total(axis) / count for axis in lines.heading.T]),
        km=total(step_m) / 1000.0,
        n_passed=total(is_inner.astype(float)),
        n_slow=total(is_slow.astype(float)),
    )


def _hops_of(shape_m: FloatArray, call_m: FloatArray, places: _Places, ends: _Ends) -> _Hops:
    """What was seen off stops on the ways between the calls of one path, of all vehicles that ran there."""
    place, place_m = _along(shape_m, places.xy_m, places.heading)
    end, end_m = _along(shape_m, ends.xy_m, ends.heading)
    n = len(call_m) - 1
    place_hop, end_hop = _far_hops(place_m, call_m), _far_hops(end_m, call_m)
    order = np.lexsort((end_m, end_hop))
    order = order[end_hop[order] >= 0]
    end, end_m, end_hop = end[order], end_m[order], end_hop[order]
    is_far = place_hop >= 0
    grid_m = np.arange(0.0, call_m[-1], 2 * SEEN_M)

    def slow(at_m: FloatArray) -> IntArray:
        return _slow(at_m, place_m, places.n_slow[place], places.n_passed[place])

    return _Hops(
        first_m=call_m[:-1],
        last_m=call_m[1:],
        seen_km=np.bincount(place_hop[is_far], places.km[place[is_far]], n).astype(float),
        start=np.searchsorted(end_hop, np.arange(n + 1)),
        end_m=end_m,
        end=end,
        is_foot=ends.is_foot[end],
        slow_end=slow(end_m),
        slow_call=slow(call_m[1:-1]),
        slow_between=slow(grid_m[_far_hops(grid_m, call_m) >= 0]),
    )


def _far_hops(where_m: FloatArray, call_m: FloatArray) -> IntArray:
    """The way between calls that each place lies on, -1 near a call."""
    hop = np.clip(np.searchsorted(call_m, where_m, side="right") - 1, 0, len(call_m) - 2)
    near_m = np.minimum(np.abs(where_m - call_m[hop]), np.abs(where_m - call_m[hop + 1]))
    return np.where(near_m > AT_STOP_M, hop, -1)


def _slow(at_m: FloatArray, place_m: FloatArray, n_slow: FloatArray, n_passed: FloatArray) -> IntArray:
    """(n, 2) how many vehicles are slow within `SEEN_M` of places along a path, and how many pass."""
    order = np.argsort(place_m, kind="stable")
    first = np.searchsorted(place_m[order], at_m - SEEN_M)
    last = np.searchsorted(place_m[order], at_m + SEEN_M)
    totals = [np.concatenate([[0.0], np.cumsum(count[order])]) for count in (n_slow, n_passed)]
    return np.column_stack([total[last] - total[first] for total in totals]).astype(np.int64)


def _along(shape_m: FloatArray, xy_m: FloatArray, ahead: FloatArray) -> tuple[IntArray, FloatArray]:
    """Rows of what lies beside a shape and faces its way, and how far along it."""
    from scipy.spatial import cKDTree

    line_m = geo.resample(shape_m, STEP_M)
    low, high = line_m.min(axis=0) - OFF_M, line_m.max(axis=0) + OFF_M
    row = np.flatnonzero(((xy_m >= low) & (xy_m <= high)).all(axis=1))
    tree = cKDTree(np.column_stack([line_m, TURN_M * geo.headings(line_m, 2)]))
    gap_m, nearest = tree.query(
        np.column_stack([xy_m[row], TURN_M * ahead[row]]), distance_upper_bound=OFF_M + TURN_M / 4
    )
    near = np.isfinite(gap_m)
    where_m = np.linspace(0.0, geo.along_m(shape_m)[-1], len(line_m))
    return row[near], where_m[nearest[near]]


def _scores(hops: Sequence[_Hops], spacing_m: float, usual: FloatArray) -> list[FloatArray]:
    """For each way the logarithm of how much likelier its ends are where people hail than where they do not;
    0 for ways that are not long. `usual` are ends of both kinds a vehicle and km everywhere."""
    is_long = [hop.last_m - hop.first_m > LONG * spacing_m for hop in hops]
    n_ends = [_count_ends(hop) for hop in hops]
    km = sum(float(hop.seen_km[~far].sum()) for hop, far in zip(hops, is_long, strict=True))
    n = sum((count[~far].sum(axis=0) for count, far in zip(n_ends, is_long, strict=True)), np.zeros(2))
    # one more than were seen: a city without any bad cut would make the first one a proof
    stray = (n + 1.0) / max(km, 1e-9)
    hailed = np.maximum(SHARE_HAILED * usual, stray)
    return [
        np.where(far, count @ np.log(hailed / stray) - hop.seen_km * (hailed - stray).sum(), 0.0)
        for hop, count, far in zip(hops, n_ends, is_long, strict=True)
    ]


def _count_ends(hops: _Hops) -> IntArray:
    """(ways, 2) ends of recordings and of rides with a walk or a wait beyond."""
    feet = np.concatenate([[0], np.cumsum(hops.is_foot)])[hops.start]
    return np.column_stack([np.diff(hops.start) - np.diff(feet), np.diff(feet)])


def _spacing_m(hops: Sequence[_Hops]) -> float:
    """The median way between two calls."""
    length_m = np.concatenate([*(hop.last_m - hop.first_m for hop in hops), np.zeros(0)])
    return float(np.median(length_m)) if len(length_m) else 0.0


def _shares(hops: Sequence[_Hops]) -> tuple[FloatArray, FloatArray]:
    """Shares of the vehicles that are slow, from quiet to busy ones: at places off stops, and at calls."""
    found = []
    for slow in ([hop.slow_between for hop in hops], [hop.slow_call for hop in hops]):
        n_slow, n = np.concatenate([*slow, np.zeros((0, 2), dtype=np.int64)]).T
        share = (n_slow[n >= MIN_SEEN] + 0.5) / (n[n >= MIN_SEEN] + 1.0)
        found.append(np.quantile(share, (0.1, 0.3, 0.5, 0.7, 0.9)) if len(share) else np.full(5, 0.5))
    return found[0], found[1]


def _without_gathered(hops: _Hops, shares: tuple[FloatArray, FloatArray]) -> _Hops:
    """The ways without the ends at places where the other vehicles halt as they do at calls: fixed places,
    found as stops or not."""
    is_loose = _pace_scores(hops.slow_end, shares) >= 0
    return hops._replace(
        start=np.concatenate([[0], np.cumsum(is_loose)])[hops.start],
        end_m=hops.end_m[is_loose],
        end=hops.end[is_loose],
        is_foot=hops.is_foot[is_loose],
        slow_end=hops.slow_end[is_loose],
    )


def _runs(score: FloatArray) -> list[list[int]]:
    """First way and the one after the last of each run of ways that speak for it."""
    change = np.flatnonzero(np.diff(np.concatenate([[False], score > 0, [False]]).astype(np.int8)))
    found: list[list[int]] = change.reshape(-1, 2).tolist()
    return found


def _stretch(
    hops: _Hops,
    first: int,
    last: int,
    score: float,
    spacing_m: float,
    shares: tuple[FloatArray, FloatArray],
) -> tuple[float, float, float]:
    """First and last metre of a run of ways, and the probability that people hail there, of that, of nothing
    at all and of stops not yet found."""
    here = slice(hops.start[first], hops.start[last])
    start_m, end_m = hops.first_m[first] + AT_STOP_M, hops.last_m[last - 1] - AT_STOP_M
    size = _groups(hops.end_m[here])
    even = _spread_score(size, float(end_m - start_m), spacing_m)
    even += float(_pace_scores(hops.slow_end[here][np.cumsum(size) - (size + 1) // 2], shares).sum())
    odds = ODDS_NOTHING * np.exp(-score) + ODDS_MISSED * np.exp(-even)
    return float(start_m), float(end_m), float(1.0 / (1.0 + odds))


def _groups(end_m: FloatArray) -> IntArray:
    """How many of some sorted places belong to each group of them."""
    new = np.concatenate([[True], np.diff(end_m) > GATHER_M, [True]])
    return np.diff(np.flatnonzero(new))


def _spread_score(size: IntArray, length_m: float, spacing_m: float) -> float:
    """Logarithm of how much likelier places in such groups are spread evenly than gathered at stops.

    Stops lie at the usual spacing and differ in how busy they are: the groups have the law of Ewens, with as
    many stops as fit for its concentration, and those of one group lie within `GATHER_M` either side.
    """
    from scipy.special import gammaln

    n, stops = int(size.sum()), max(length_m / spacing_m, 1.0)
    groups = len(size) * np.log(stops) + gammaln(size).sum() + gammaln(stops) - gammaln(stops + n)
    return -float(groups + (n - len(size)) * np.log(length_m / (2 * GATHER_M)))


def _pace_scores(slow: IntArray, shares: tuple[FloatArray, FloatArray]) -> FloatArray:
    """Logarithm of how much likelier the vehicles that pass each place are slow as off stops than as at
    calls; the share of each place is one of those found elsewhere in the city."""
    from scipy.special import logsumexp

    n_slow, n = slow[:, :1], slow[:, 1:]
    between, at_call = (
        logsumexp(n_slow * np.log(share) + (n - n_slow) * np.log1p(-share), axis=1) for share in shares
    )
    return np.asarray(between - at_call)
