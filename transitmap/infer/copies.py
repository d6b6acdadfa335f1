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


def find_copies(rides: Sequence[Ride], config: CopiesConfig) -> IntArray:
    """For each ride the index of the earlier ride that it copies, -1 where it is its own.

    Times do not matter, so an old recording under a new date is found too; thinned copies are, as long as
    `config.share_same` of their distinct positions are the other's. Noise added on purpose is not. Where a
    phone writes four decimals or fewer, streets repeat positions by themselves: then the seconds since the
    start must agree too.
    """
    copy_of = np.full(len(rides), -1, dtype=np.int64)
    owner, position = _positions(rides)
    shared = _shared_counts(owner, position, len(rides))
    n_distinct = np.bincount(owner, minlength=len(rides))
    for (ride, earlier), n in sorted(shared.items()):
        enough = n_distinct[ride] >= config.min_positions and n >= config.share_same * n_distinct[ride]
        if enough and copy_of[ride] < 0:
            copy_of[ride] = earlier if copy_of[earlier] < 0 else copy_of[earlier]
    return copy_of


def _positions(rides: Sequence[Ride]) -> tuple[IntArray, IntArray]:
    """Ride and number of each distinct position of each ride, rounded to about a metre."""
    if not rides:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    owner = np.repeat(np.arange(len(rides)), [len(ride.fixes) for ride in rides])
    lat = np.round(np.concatenate([ride.fixes.lat_deg for ride in rides]) / DEG_STEP).astype(np.int64)
    lon = np.round(np.concatenate([ride.fixes.lon_deg for ride in rides]) / DEG_STEP).astype(np.int64)
    since_s = np.concatenate([ride.fixes.time_s - ride.fixes.time_s[:1] for ride in rides]).astype(np.int64)
    place = lat * 100_000_000 + lon
    order = np.lexsort((since_s, place, owner))
    first = order[_is_new(owner[order], place[order])]
    is_fine = ((lat % COARSE != 0) | (lon % COARSE != 0))[first]
    owner, place, since_s = owner[first], place[first], since_s[first]
    fine = np.bincount(owner, is_fine, len(rides))
    is_coarse = fine < 0.1 * np.bincount(owner, minlength=len(rides))
    number = np.where(is_coarse[owner], place * PRIME + since_s, place)
    order = np.lexsort((owner, number))
    return owner[order], number[order]


def _is_new(owner: IntArray, place: IntArray) -> BoolArray:
    """Which rows differ from the row before them."""
    return np.concatenate([[True], (np.diff(owner) != 0) | (np.diff(place) != 0)])[: len(owner)]


def _shared_counts(owner: IntArray, position: IntArray, n_rides: int) -> dict[tuple[int, int], int]:
    """How many positions each ride shares with each earlier one; positions come sorted, rides within them."""
    count: dict[tuple[int, int], int] = {}
    edges = np.flatnonzero(np.diff(position)) + 1
    for group in np.split(owner, edges):
        if 1 < len(group) <= 50:
            rides = group.tolist()
            for k, ride in enumerate(rides[1:], 1):
                for earlier in rides[:k]:
                    count[ride, earlier] = count.get((ride, earlier), 0) + 1
    return count
