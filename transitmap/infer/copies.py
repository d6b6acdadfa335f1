"""Stage 0. Rides -> which ride each one copies: one recording filed twice is one observation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from transitmap.config import CopiesConfig
from transitmap.model import BoolArray, IntArray, Ride

DEG_STEP = 1e-5
"""About a metre: two phones in one vehicle agree on few fixes to a metre, a copy on nearly all."""
COARSE = 10
"""Four decimals, in steps: about eleven metres."""
PRIME = 1_000_003
"""Spreads places so that seconds can be added; a wrap round does no harm."""
CROWD = 50


def find_copies(rides: Sequence[Ride], config: CopiesConfig) -> IntArray:
    """For each ride the index of the earlier ride that it copies, -1 where it is its own.

    Times do not matter, so an old recording under a new date is found too; thinned copies are, as long as
    `config.share_same` of their distinct positions are the other's (all of them, where there are fewer than
    twice `config.min_positions`). Noise added on purpose is not. Where a phone or an app writes four decimals
    or fewer, streets repeat positions by themselves: then the seconds since the start must agree too.
    """
    copy_of = np.full(len(rides), -1, dtype=np.int64)
    if not rides:
        return copy_of
    is_coarse = _are_coarse(rides)
    pairs = _alike(*_positions(rides, 1), len(rides), config)
    pairs = [pair for pair in pairs if not is_coarse[list(pair)].any()]
    if is_coarse.any():
        rough = _alike(*_positions(rides, COARSE), len(rides), config)
        pairs += [pair for pair in rough if is_coarse[list(pair)].any()]
    for ride, earlier in sorted(pairs):
        if copy_of[ride] < 0:
            copy_of[ride] = earlier if copy_of[earlier] < 0 else copy_of[earlier]
    return copy_of


def _are_coarse(rides: Sequence[Ride]) -> BoolArray:
    """Which rides have four decimals or fewer in nine of ten positions."""
    owner, lat, lon, _ = _fixes(rides)
    fine = np.bincount(owner, (lat % COARSE != 0) | (lon % COARSE != 0), len(rides))
    return np.asarray(fine < 0.1 * np.bincount(owner, minlength=len(rides)))


def _fixes(rides: Sequence[Ride]) -> tuple[IntArray, IntArray, IntArray, IntArray]:
    """Ride, latitude and longitude in steps, and seconds since its start of every fix."""
    owner = np.repeat(np.arange(len(rides)), [len(ride.fixes) for ride in rides])
    lat = np.round(np.concatenate([ride.fixes.lat_deg for ride in rides]) / DEG_STEP).astype(np.int64)
    lon = np.round(np.concatenate([ride.fixes.lon_deg for ride in rides]) / DEG_STEP).astype(np.int64)
    since_s = np.concatenate([ride.fixes.time_s - ride.fixes.time_s[:1] for ride in rides]).astype(np.int64)
    return owner, lat, lon, since_s


def _positions(rides: Sequence[Ride], step: int) -> tuple[IntArray, IntArray]:
    """Ride and number of each distinct position of each ride, the numbers in order and rides within them.

    Positions of more than one step are told apart by the second at which they were reached, too.
    """
    owner, lat, lon, since_s = _fixes(rides)
    place = np.round(lat / step).astype(np.int64) * 100_000_000 + np.round(lon / step).astype(np.int64)
    order = np.lexsort((since_s, place, owner))
    first = order[_is_new(owner[order], place[order])]
    owner, place, since_s = owner[first], place[first], since_s[first]
    number = place * PRIME + since_s if step > 1 else place
    order = np.lexsort((owner, number))
    return owner[order], number[order]


def _is_new(owner: IntArray, place: IntArray) -> BoolArray:
    """Which rows differ from the row before them."""
    return np.concatenate([[True], (np.diff(owner) != 0) | (np.diff(place) != 0)])[: len(owner)]


def _alike(owner: IntArray, position: IntArray, n_rides: int, config: CopiesConfig) -> list[tuple[int, int]]:
    """Pairs (ride, earlier ride) that share enough of the positions of the later one."""
    n_distinct = np.bincount(owner, minlength=n_rides)
    few = n_distinct < 2 * config.min_positions
    least = np.maximum(config.min_positions, np.where(few, 1.0, config.share_same) * n_distinct)
    pairs, n_shared = _shared_counts(owner, position, n_rides)
    enough = n_shared >= least[pairs[:, 0]]
    return [(ride, earlier) for ride, earlier in pairs[enough].tolist()]


def _shared_counts(owner: IntArray, position: IntArray, n_rides: int) -> tuple[IntArray, IntArray]:
    """Pairs of a ride and an earlier one, and how many positions they share; positions come sorted, rides
    within them. A position of more than `CROWD` rides tells nothing."""
    group = np.concatenate([[0], np.cumsum(np.diff(position) != 0)])[: len(position)]
    n_there = np.bincount(group)[group]
    shared = (n_there > 1) & (n_there <= CROWD)
    owner, group = owner[shared], group[shared]
    keys = []
    for lag in range(1, CROWD):
        same = group[lag:] == group[:-lag]
        if not same.any():
            break
        keys.append(owner[lag:][same] * n_rides + owner[:-lag][same])
    key, n_shared = np.unique(np.concatenate(keys or [owner[:0]]), return_counts=True)
    return np.column_stack([key // n_rides, key % n_rides]), n_shared
