"""Stage 0. Rides -> which ride each one copies: one recording filed twice is one observation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from transitmap.config import CopiesConfig
from transitmap.model import BoolArray, FloatArray, IntArray, Ride

DEG_STEP = 1e-5
"""About a metre: two phones in one vehicle agree on few fixes to a metre, a copy on nearly all."""
COARSE = 10
"""Four decimals, in steps: about eleven metres."""
WORLD = 100_000_000
"""More than there are steps round the world."""
PRIME = 1_000_003
"""Spreads places so that seconds can be added; a wrap round does no harm."""
SCATTER = np.uint64(0x9E3779B97F4A7C15)
"""2^64 over the golden ratio, odd.

Source: Knuth 1973, The Art of Computer Programming 3, 6.4 (multiplicative hashing).
"""
CROWD = 50
ASKED = 32
"""Positions of a ride, or up to twice as many, by which its original is looked for."""


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
    fixes = _fixes(rides)
    is_coarse = _are_coarse(fixes, len(rides))
    pairs = _alike(*_places(fixes, len(rides)), len(rides), config)
    pairs = [pair for pair in pairs if not is_coarse[list(pair)].any()]
    if is_coarse.any():
        rough = _alike(*_moments(fixes), len(rides), config)
        pairs += [pair for pair in rough if is_coarse[list(pair)].any()]
    for ride, earlier in sorted(pairs):
        if copy_of[ride] < 0:
            copy_of[ride] = earlier if copy_of[earlier] < 0 else copy_of[earlier]
    return copy_of


class _Fixes(NamedTuple):
    """Ride, latitude and longitude in steps, and seconds since its start of every fix, by ride and time."""

    owner: IntArray
    lat: IntArray
    lon: IntArray
    since_s: IntArray


def _fixes(rides: Sequence[Ride]) -> _Fixes:
    owner = np.repeat(np.arange(len(rides)), [len(ride.fixes) for ride in rides])
    lat = np.round(np.concatenate([ride.fixes.lat_deg for ride in rides]) / DEG_STEP).astype(np.int64)
    lon = np.round(np.concatenate([ride.fixes.lon_deg for ride in rides]) / DEG_STEP).astype(np.int64)
    since_s = np.concatenate([ride.fixes.time_s - ride.fixes.time_s[:1] for ride in rides]).astype(np.int64)
    return _Fixes(owner, lat, lon, since_s)


def _are_coarse(fixes: _Fixes, n_rides: int) -> BoolArray:
    """Which rides have four decimals or fewer in nine of ten positions."""
    fine = np.bincount(fixes.owner, (fixes.lat % COARSE != 0) | (fixes.lon % COARSE != 0), n_rides)
    return np.asarray(fine < 0.1 * np.bincount(fixes.owner, minlength=n_rides))


def _places(fixes: _Fixes, n_rides: int) -> tuple[IntArray, IntArray]:
    """Ride and number of each distinct position of each ride, the numbers in order and rides within them.

    A number and its ride share one word, which sorts ten times faster than two columns do. Scattered over the
    bits that rides leave, two of ten million positions have one number by chance: that does no harm.
    """
    n_bits = n_rides.bit_length()
    place = (fixes.lat * WORLD + fixes.lon).astype(np.uint64) * SCATTER >> np.uint64(n_bits + 1)
    word = np.sort((place << np.uint64(n_bits) | fixes.owner.astype(np.uint64)).astype(np.int64))
    word = word[np.concatenate([[True], np.diff(word) != 0])[: len(word)]]
    return word & ((1 << n_bits) - 1), word >> n_bits


def _moments(fixes: _Fixes) -> tuple[IntArray, IntArray]:
    """The same for positions of four decimals, told apart by the second at which they were reached, too."""
    owner, lat, lon, since_s = fixes
    place = np.round(lat / COARSE).astype(np.int64) * WORLD + np.round(lon / COARSE).astype(np.int64)
    order = np.lexsort((since_s, place, owner))
    first = order[_is_new(owner[order], place[order])]
    owner, number = owner[first], place[first] * PRIME + since_s[first]
    order = np.lexsort((owner, number))
    return owner[order], number[order]


def _is_new(owner: IntArray, place: IntArray) -> BoolArray:
    """Which rows differ from the row before them."""
    return np.concatenate([[True], (np.diff(owner) != 0) | (np.diff(place) != 0)])[: len(owner)]


def _alike(owner: IntArray, position: IntArray, n_rides: int, config: CopiesConfig) -> list[tuple[int, int]]:
    """Pairs (ride, earlier ride) that share enough of the positions of the later one; positions come sorted,
    rides within them. A position of more than `CROWD` rides tells nothing."""
    n_distinct = np.bincount(owner, minlength=n_rides)
    few = n_distinct < 2 * config.min_positions
    share = np.where(few, 1.0, config.share_same)
    first = np.flatnonzero(np.concatenate([[True], np.diff(position) != 0])[: len(position)])
    n_there = np.diff(np.append(first, len(position)))
    first, n_there = np.repeat(first, n_there), np.repeat(n_there, n_there)
    telling = (n_there > 1) & (n_there <= CROWD)
    pairs = _likely(owner, position, np.where(telling, first, np.arange(len(owner))), n_distinct, share)
    n_shared = _n_shared(pairs, owner[telling], position[telling])
    least = np.maximum(config.min_positions, share * n_distinct)
    return [tuple(pair) for pair in pairs[n_shared >= least[pairs[:, 0]]].tolist()]


def _likely(
    owner: IntArray, position: IntArray, first: IntArray, n_distinct: IntArray, share: FloatArray
) -> IntArray:
    """(pairs, 2): rides and earlier ones that share half as much as they should of a few positions of the
    later one. `first` is the row from which on other rides have the position.

    In one city thousands of rides share a position here and there: to count them all is to compare all pairs.
    """
    one_in = np.maximum(n_distinct // ASKED, 1)[owner].astype(np.uint64)
    row = np.flatnonzero((position.astype(np.uint64) * SCATTER >> np.uint64(32)) % one_in == 0)
    n_asked = np.bincount(owner[row], minlength=len(n_distinct))
    count = row - first[row]
    other = np.repeat(first[row] - (np.cumsum(count) - count), count) + np.arange(int(count.sum()))
    key = np.sort(np.repeat(owner[row], count) * len(n_distinct) + owner[other])
    edge = np.flatnonzero(np.concatenate([[True], np.diff(key) != 0])[: len(key)])
    key, n_alike = key[edge], np.diff(np.append(edge, len(key)))
    pairs = np.column_stack([key // len(n_distinct), key % len(n_distinct)])
    return np.asarray(pairs[n_alike >= (share * n_asked / 2)[pairs[:, 0]]])


def _n_shared(pairs: IntArray, owner: IntArray, position: IntArray) -> IntArray:
    """How many positions the rides of each pair share."""
    row = np.flatnonzero(np.isin(owner, pairs))
    if not len(row):
        return np.zeros(len(pairs), dtype=np.int64)
    order = row[np.argsort(owner[row], kind="stable")]
    ride, first = np.unique(owner[order], return_index=True)
    of = dict(zip(ride.tolist(), np.split(position[order], first[1:]), strict=True))
    none = position[:0]
    shared = [np.intersect1d(of.get(a, none), of.get(b, none), True) for a, b in pairs.tolist()]
    return np.array([len(one) for one in shared], dtype=np.int64)
