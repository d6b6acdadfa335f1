"""What riders said on the way: taps that name a fare or a step are statements, not stops, and people vote."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import NamedTuple

import numpy as np

from transitmap.geo import Plane
from transitmap.model import BoolArray, Fares, FloatArray, IntArray, Ride, StepFree, Stops, Trips

_FARE = re.compile(
    r"(?:tarifa|pasaje|fare|price|precio|costo)\W{0,3}(\d{1,6}(?:[.,]\d{1,2})?)\s*(?:[$]|[a-z]{3}|pesos?|reales|cedis?)?",
    re.IGNORECASE,
)
_STEP_FREE = re.compile(
    r"step[- ]?free|wheelchair|sin escal[oó]n(?:es)?|rampa|accesible|silla de ruedas", re.IGNORECASE
)
_STEPS = re.compile(
    r"not step[- ]?free|no wheelchair|steps|con escal[oó]n(?:es)?|sin rampa|no accesible", re.IGNORECASE
)
_CROWDING = re.compile(r"(?:aforo|crowding)\b.*", re.IGNORECASE)
AT_STOP_M = 50.0
"""A rider who says it while boarding stands within half a bus stop's zone and a phone's error of the stop."""
MIN_AGREEING = 2
"""One voice is no consensus, however few people a campaign asks for."""


class Sayings(NamedTuple):
    """Statements, one row each: of which ride, where, a fare (NaN if none), 1 step-free, 0 not."""

    ride_index: IntArray
    lat_deg: FloatArray
    lon_deg: FloatArray
    fare: FloatArray
    step_free: IntArray


def hear(rides: Sequence[Ride]) -> tuple[list[Ride], Sayings]:
    """The rides with those taps left that mark a place, and what the others said."""
    kept, rows = [], []
    for k, ride in enumerate(rides):
        said = [meaning(name) for name in ride.taps.name]
        is_stop = np.array([one is None for one in said], dtype=bool)
        kept.append(ride if is_stop.all() else replace(ride, taps=ride.taps.take(is_stop)))
        rows += [
            (k, ride.taps.lat_deg[i], ride.taps.lon_deg[i], *one)
            for i, one in enumerate(said)
            if one is not None
        ]
    table = np.array(rows, dtype=np.float64).reshape(-1, 5)
    return kept, Sayings(
        table[:, 0].astype(np.int64), table[:, 1], table[:, 2], table[:, 3], table[:, 4].astype(np.int64)
    )


def meaning(name: str) -> tuple[float, int] | None:
    """The fare (else NaN) and the step (1, 0, else -1) that a tap's name states; None where it is a place.

    How full a vehicle was is neither, and no place: nothing is made of it here.
    """
    text = name.strip()
    if fare := _FARE.fullmatch(text):
        return float(fare[1].replace(",", ".")), -1
    if _CROWDING.fullmatch(text):
        return np.nan, -1
    if _STEPS.fullmatch(text):
        return np.nan, 0
    return (np.nan, 1) if _STEP_FREE.fullmatch(text) else None


def agree(
    said: Sayings,
    trip: Trips,
    route_index: IntArray,
    stops: Stops,
    rider: IntArray,
    plane: Plane,
    min_riders: int,
) -> tuple[Fares, StepFree]:
    """What riders agree on: fares of routes (`route_index` is that of each pattern) and steps at stops."""
    return (
        agree_fares(said, trip, route_index, rider, min_riders),
        agree_step_free(said, stops, rider, plane, min_riders),
    )


def agree_fares(said: Sayings, trip: Trips, route_index: IntArray, rider: IntArray, min_riders: int) -> Fares:
    """The fare of each route of which anybody said one; `route_index` is the route of each pattern.

    A rider has one vote a route, the middle of what he said. The fare is what more than half of them say, and
    at least `min_riders` of them: fares that depend on how far one rides leave none, and nor does a slip of
    a finger (800 for 8) move it. Without such a fare the price is NaN and the row tells what was said.
    """
    rows = np.flatnonzero(np.isfinite(said.fare) & (trip.pattern_index[said.ride_index] >= 0))
    route = route_index[trip.pattern_index[said.ride_index[rows]]]
    who, fare = rider[said.ride_index[rows]], said.fare[rows]
    told = [
        _vote(
            int(one),
            [fare[(route == one) & (who == person)] for person in np.unique(who[route == one])],
            min_riders,
        )
        for one in np.unique(route)
    ]
    table = np.array(told, dtype=np.float64).reshape(-1, 6)
    index, count = table[:, 0].astype(np.int64), table[:, 4].astype(np.int64)
    return Fares(index, table[:, 1], table[:, 2], table[:, 3], count, table[:, 5])


def _vote(route: int, said: Sequence[FloatArray], min_riders: int) -> tuple[float, ...]:
    """Route, price, least and most said, riders, and the share of them who say the price."""
    votes = [Decimal(str(np.sort(one)[len(one) // 2])) for one in said]
    price, n_agreeing = Counter(sorted(votes)).most_common(1)[0]
    agreed = 2 * n_agreeing > len(votes) and n_agreeing >= max(min_riders, MIN_AGREEING)
    least, most = float(min(votes)), float(max(votes))
    return route, float(price) if agreed else np.nan, least, most, len(votes), n_agreeing / len(votes)


def agree_step_free(said: Sayings, stops: Stops, rider: IntArray, plane: Plane, min_riders: int) -> StepFree:
    """Whether a wheelchair can board at a stop, for the stops where enough riders said one thing.

    What is said belongs to the nearest stop within AT_STOP_M. A rider has one vote a stop, his last; the
    stop's answer is what more than half say, and at least `min_riders`.
    """
    stop, who, step_free = _at_stops(said, stops, rider, plane)
    rows = []
    for one in np.unique(stop):
        votes = dict(zip(who[stop == one].tolist(), step_free[stop == one].tolist(), strict=True))
        n_yes, n = sum(votes.values()), len(votes)
        if max(n_yes, n - n_yes) * 2 > n and max(n_yes, n - n_yes) >= max(min_riders, MIN_AGREEING):
            rows.append((int(one), int(2 * n_yes > n), n))
    table = np.array(rows, dtype=np.int64).reshape(-1, 3)
    is_free: BoolArray = table[:, 1] > 0
    return StepFree(table[:, 0], is_free, table[:, 2])


def _at_stops(
    said: Sayings, stops: Stops, rider: IntArray, plane: Plane
) -> tuple[IntArray, IntArray, IntArray]:
    """Stop, rider and answer of the statements about a step that were made at a stop."""
    from scipy.spatial import cKDTree

    rows = np.flatnonzero(said.step_free >= 0)
    if not len(stops) or not len(rows):
        return (np.zeros(0, dtype=np.int64),) * 3
    tree = cKDTree(plane.to_metres(stops.lat_deg, stops.lon_deg))
    off_m, stop = tree.query(plane.to_metres(said.lat_deg[rows], said.lon_deg[rows]))
    near = off_m <= AT_STOP_M
    return stop[near].astype(np.int64), rider[said.ride_index[rows[near]]], said.step_free[rows[near]]
