"""Fixes -> marks: some 64-bit numbers that a ride shares with its copies, whatever their date and noise."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from transitmap.model import BoolArray, Fixes, FloatArray, IntArray

WordArray = npt.NDArray[np.uint64]

EARTH_M_PER_DEG = 111_195.0
GRID_M = 100.0
CELL_M = 50.0
PROBE_M = 8.0
"""A place that lies so near to another cell is asked for there too: noise moves it over the border."""
AHEAD_S, SOON_S, FEW_WAYS = 60.0, 20.0, 8
"""One and two minutes ahead; of rides too short or torn for so many such ways, a third of that, too."""
MOVED_M_S = 1.0
"""In each of the two spans after a crossing the vehicle was at least so fast: all stand alike."""
MAX_GAP_S = 60.0
VERTEX_DEG = 1e-5
MAX_WAYS, MAX_VERTICES = 32, 24
SHIFTS_M = np.array([(0.0,) * 4, *itertools.product((-PROBE_M, PROBE_M), repeat=4)]).reshape(-1, 2, 2)
"""By how much places are moved to be asked for: not at all, then to each corner in both of them."""
SCATTER = np.uint64(0x9E3779B97F4A7C15)
"""2^64 over the golden ratio, odd.

Source: Knuth 1973, The Art of Computer Programming 3, 6.4 (multiplicative hashing).
"""


MOST = 4
ONE_IN_SHARED = 16


class Marks(NamedTuple):
    """Keyed hashes: those to keep with the ride, and those under which its originals may have been kept."""

    kept: IntArray
    asked: IntArray

    @property
    def n_least(self) -> int:
        """How many marks a ride must share with this one to be compared: a sixteenth; copies share most."""
        return max(1, len(self.kept) // ONE_IN_SHARED)


def candidates(n_shared: Mapping[int, int], n_least: int) -> list[int]:
    """The rides to compare one with, by how many marks they share with it: at most `MOST`, those that share
    most first, among equals the earlier. Rides are told by their place in the order of scoring."""
    enough = [place for place, n in n_shared.items() if n >= n_least]
    return sorted(enough, key=lambda place: (-n_shared[place], place))[:MOST]


class Ways(NamedTuple):
    """How a ride went on from where it crossed a line of the grid, a row each.

    `time_s` is when it crossed, `anchor` a word for which line it was and where, `place_m` (n, 2, 2) where
    the ride was one and two minutes later (20 and 40 s, where `ways_of` says so).
    """

    time_s: FloatArray
    anchor: WordArray
    place_m: FloatArray


class Words(NamedTuple):
    """The distinct words of a column in order, the row where each is first, and how many rows have it."""

    word: WordArray
    row: IntArray
    n: IntArray


class Traced(NamedTuple):
    """A ride as copies are looked for in it: its fixes, its ways and their anchors, its positions."""

    fixes: Fixes
    ways: Ways
    anchors: Words
    vertices: Words


def trace(fixes: Fixes) -> Traced:
    """A ride made ready to be compared with any number of others."""
    ways = ways_of(fixes)
    return Traced(fixes, ways, _distinct(ways.anchor), _distinct(vertices_of(fixes)))


def _distinct(words: WordArray) -> Words:
    return Words(*np.unique(words, return_index=True, return_counts=True))


def marks_of(fixes: Fixes, key: bytes) -> Marks:
    """The marks of a ride's fixes, see `marks_in`."""
    return marks_in(trace(fixes), key)


def marks_in(ride: Traced, key: bytes) -> Marks:
    """What a ride is found by. Copies share marks with it at any date, however short a part of it they are.

    The earth has lines every 100 m. Where the ride crossed one, and in which cells of 50 m it was one and two
    minutes later, is a mark: another vehicle on the same road has others. So are its positions to a metre,
    for copies that were thinned. Some of the crossings and positions are chosen, by what they are and not by
    where in the ride. `key` (at most 64 bytes) keeps whoever reads the marks from looking
    up the places they stand for.
    """
    chosen = np.isin(ride.ways.anchor, ride.anchors.word[:MAX_WAYS])
    anchor, place_m = ride.ways.anchor[chosen], ride.ways.place_m[chosen]
    words = _words(anchor, place_m + SHIFTS_M[:, None]).reshape(len(SHIFTS_M), -1)
    asked, own = np.unique(words), np.unique(words[0])
    places, hashed = _hashed(ride.vertices.word[:MAX_VERTICES], key), _hashed(asked, key)
    kept = np.concatenate([places, hashed[np.searchsorted(asked, own)]])
    return Marks(np.sort(kept), np.sort(np.concatenate([places, hashed])))


def _words(anchor: WordArray, place_m: FloatArray) -> WordArray:
    """A word for each row of (k, n, 2, 2) places: the line and the cells of 50 m."""
    cells = np.floor(place_m / CELL_M).astype(np.int64).reshape(-1, 4)
    return mix(np.tile(anchor.astype(np.int64), len(place_m)), *cells.T)


def _hashed(words: WordArray, key: bytes) -> IntArray:
    texts = [
        hashlib.blake2b(word.to_bytes(8, "big"), digest_size=8, key=key).digest() for word in words.tolist()
    ]
    return np.frombuffer(b"".join(texts), ">i8").astype(np.int64)


def vertices_of(fixes: Fixes) -> WordArray:
    """A word for the position of each fix, to about a metre."""
    steps = [np.round(column / VERTEX_DEG).astype(np.int64) for column in (fixes.lat_deg, fixes.lon_deg)]
    return mix(*steps)


def ways_of(fixes: Fixes) -> Ways:
    """The crossings of a ride after which it was moving for two minutes, without a gap.

    Of a ride with fewer than `FEW_WAYS` of these also those after which it was moving for 40 seconds.
    """
    xy_m = on_earth_m(fixes)
    time_s, line, along_m = _crossings(fixes.time_s, xy_m)
    place_m, is_way = _ahead(fixes.time_s, xy_m, time_s, AHEAD_S)
    if np.count_nonzero(is_way) < FEW_WAYS:
        soon_m, is_soon = _ahead(fixes.time_s, xy_m, time_s, SOON_S)
        place_m, is_way = np.where(is_way[:, None, None], place_m, soon_m), is_way | is_soon
    anchor = mix(line, np.floor(along_m / GRID_M).astype(np.int64))
    return Ways(time_s[is_way], anchor[is_way], place_m[is_way])


def _ahead(
    time_s: FloatArray, xy_m: FloatArray, from_s: FloatArray, step_s: float
) -> tuple[FloatArray, BoolArray]:
    """(n, 2, 2) places one and two steps later, and whether the ride moved in both and was seen."""
    ahead_s = from_s[:, None] + step_s * np.arange(3)
    place_m = place_at(time_s, xy_m, ahead_s.ravel()).reshape(-1, 3, 2)
    moved_m = np.hypot(*np.moveaxis(np.diff(place_m, axis=1), 2, 0))
    is_seen = _is_seen(time_s, ahead_s[:, 0], ahead_s[:, 2])
    return place_m[:, 1:], is_seen & (moved_m >= MOVED_M_S * step_s).all(axis=1)


def on_earth_m(fixes: Fixes) -> FloatArray:
    """Metres on a grid of the whole earth, (n, 2): the same for every ride, cut at each half degree north."""
    band_deg = np.round(2 * fixes.lat_deg) / 2
    east_m = fixes.lon_deg * np.cos(np.radians(band_deg)) * EARTH_M_PER_DEG
    return np.column_stack([east_m, fixes.lat_deg * EARTH_M_PER_DEG])


def place_at(time_s: FloatArray, xy_m: FloatArray, when_s: FloatArray) -> FloatArray:
    """Places at times, (n, 2), in straight lines between fixes; beyond the ends, the ends."""
    return np.column_stack([np.interp(when_s, time_s, xy_m[:, k]) for k in range(2)])


def _crossings(time_s: FloatArray, xy_m: FloatArray) -> tuple[FloatArray, IntArray, FloatArray]:
    """When the ride crossed lines of the grid, which (of x or of y, up or down), and where along them."""
    when, what, where = [np.zeros(0)], [np.zeros(0, dtype=np.int64)], [np.zeros(0)]
    for axis in range(2):
        here = np.floor(xy_m[:, axis] / GRID_M)
        row = np.flatnonzero(np.abs(np.diff(here)) == 1)
        line = np.maximum(here[row], here[row + 1])
        share = (line * GRID_M - xy_m[row, axis]) / (xy_m[row + 1, axis] - xy_m[row, axis])
        when.append(time_s[row] + share * (time_s[row + 1] - time_s[row]))
        what.append((4 * line + 2 * axis + (here[row + 1] > here[row])).astype(np.int64))
        where.append(xy_m[row, 1 - axis] + share * (xy_m[row + 1, 1 - axis] - xy_m[row, 1 - axis]))
    return np.concatenate(when), np.concatenate(what), np.concatenate(where)


def _is_seen(time_s: FloatArray, from_s: FloatArray, to_s: FloatArray) -> BoolArray:
    """Whether there is no gap between two times, and a fix after."""
    gaps = np.concatenate([[0], np.cumsum(np.diff(time_s) > MAX_GAP_S)])
    first = np.searchsorted(time_s, from_s, "right") - 1
    last = np.searchsorted(time_s, to_s)
    inside = last < len(time_s)
    return np.asarray(inside & (gaps[np.where(inside, last, 0)] == gaps[first]))


def mix(*columns: IntArray) -> WordArray:
    """Columns of whole numbers to one well mixed word a row.

    Source: Steele, Lea, Flood 2014, Fast splittable pseudorandom number generators (the finaliser).
    """
    word = np.zeros(len(columns[0]), dtype=np.uint64)
    for column in columns:
        word = (word ^ column.astype(np.uint64)) + SCATTER
        word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        word = word ^ (word >> np.uint64(31))
    return word
