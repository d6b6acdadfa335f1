"""How two lines lie to each other: what of one runs along the other the same way, and how far off."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from transitmap import geo
from transitmap.model import BoolArray, FloatArray, IntArray

STEP_M = 5.0
REACH_M = 40.0
"""Two lines this close, headings within 60 degrees, are the same street in the same direction."""
SAME_WAY = 0.5
N_SECTORS = 36
NEIGHBOURS = 40
"""Points of a line within reach of a place, for two passes of one street and some to spare."""


class Way(NamedTuple):
    """A line with a point every STEP_M, the way it heads there, and an index of its points."""

    xy_m: FloatArray
    heading: FloatArray
    along_m: FloatArray
    tree: Any


def way_of(line_m: FloatArray) -> Way:
    """A line made ready to be compared."""
    from scipy.spatial import cKDTree

    dense_m = geo.resample(line_m, STEP_M)
    return Way(dense_m, geo.headings(dense_m, 2), geo.along_m(dense_m), cKDTree(dense_m))


def off_m(xy_m: FloatArray, heading: FloatArray, way: Way, reach_m: float = REACH_M) -> FloatArray:
    """Metres from each point to the nearest place of a line that heads its way; inf beyond `reach_m`.

    The place may lie between two points of the line, so two samplings of one line are 0 m apart.
    """
    low_m, high_m = way.xy_m.min(axis=0) - reach_m, way.xy_m.max(axis=0) + reach_m
    found_m = np.full(len(xy_m), np.inf)
    row = np.flatnonzero(((xy_m >= low_m) & (xy_m <= high_m)).all(axis=1))
    if not len(row) or len(way.xy_m) < 2:
        return found_m
    k = min(NEIGHBOURS, len(way.xy_m))
    distance_m, point = way.tree.query(xy_m[row], k=k, distance_upper_bound=reach_m + STEP_M)
    is_near = np.isfinite(distance_m)
    point = np.where(is_near, point, 0)
    same = is_near & ((way.heading[point] * heading[row][:, None, :]).sum(axis=2) > SAME_WAY)
    first = np.argmax(same, axis=1)
    row, point = row[same.any(axis=1)], point[np.arange(len(row)), first][same.any(axis=1)]
    nearest_m = np.minimum(
        _to_segment_m(xy_m[row], way.xy_m[np.maximum(point - 1, 0)], way.xy_m[point]),
        _to_segment_m(xy_m[row], way.xy_m[point], way.xy_m[np.minimum(point + 1, len(way.xy_m) - 1)]),
    )
    found_m[row] = np.where(nearest_m <= reach_m, nearest_m, np.inf)
    return found_m


def on_streets(ways: Sequence[Way], others: Sequence[Way]) -> list[BoolArray]:
    """For each point of each way whether any of the others runs within REACH_M the same way.

    The same way is within 60 degrees, give or take half a sector. Memory O(points of all ways).
    """
    from scipy.spatial import cKDTree

    xy_m = np.concatenate([way.xy_m for way in ways])
    sector = _sector(np.concatenate([way.heading for way in ways]))
    other_m = np.concatenate([way.xy_m for way in others])
    turn = _sector(np.concatenate([way.heading for way in others]))
    is_street = np.zeros(len(xy_m), dtype=bool)
    for one in range(N_SECTORS):
        apart = (turn - one + N_SECTORS // 2) % N_SECTORS - N_SECTORS // 2
        same, mine = other_m[np.abs(apart) * 360 <= 60 * N_SECTORS], sector == one
        if len(same) and mine.any():
            off = cKDTree(same).query(xy_m[mine], distance_upper_bound=REACH_M)[0]
            is_street[mine] = np.isfinite(off)
    return np.split(is_street, np.cumsum([len(way.xy_m) for way in ways])[:-1])


def _sector(heading: FloatArray) -> IntArray:
    return np.floor(geo.heading_deg(heading) / 360.0 * N_SECTORS).astype(np.int64) % N_SECTORS


def _to_segment_m(xy_m: FloatArray, start_m: FloatArray, end_m: FloatArray) -> FloatArray:
    along, relative = end_m - start_m, xy_m - start_m
    length2 = np.maximum((along**2).sum(axis=1), 1e-12)
    share = np.clip((relative * along).sum(axis=1) / length2, 0.0, 1.0)
    return np.asarray(np.hypot(*(relative - share[:, None] * along).T))
