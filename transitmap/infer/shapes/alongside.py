"""Fixes of other paths' vehicles -> those that run along this one: on a shared street all say where it is."""

from __future__ import annotations

import numpy as np

from transitmap import geo
from transitmap.infer.shapes.pieces import Seen
from transitmap.model import FloatArray

NEAR_M = 20.0
STEP_M = 5.0
JUMP_M = 300.0
SHARED_M = 600.0
"""A way shared for less is a crossing, or another street that happens to be near."""
TURNING_M = 100.0
"""So near to where its own way begins or ends, a vehicle may be turning already."""


def run_along(line_m: FloatArray, seen: Seen) -> Seen:
    """Of fixes in the order of each line's travel, those of lines that keep to this one for long.

    A vehicle keeps to it while all its fixes lie within `NEAR_M` and face its way.
    """
    from scipy.spatial import cKDTree

    dense_m = geo.resample(line_m, STEP_M)
    along_m = np.linspace(0.0, geo.along_m(line_m)[-1], len(dense_m))
    tree = cKDTree(np.concatenate([dense_m, NEAR_M * geo.headings(dense_m, 2)], axis=1))
    place = np.concatenate([seen.xy_m, NEAR_M * seen.heading], axis=1)
    gap_m, nearest = tree.query(place, distance_upper_bound=NEAR_M)
    is_near = np.isfinite(gap_m)
    where_m = along_m[np.where(is_near, nearest, 0)]
    is_new = (np.diff(seen.line_index) != 0) | (np.diff(is_near) != 0) | (np.abs(np.diff(where_m)) > JUMP_M)
    run = np.concatenate([[0], np.cumsum(is_new)])
    first = np.flatnonzero(np.diff(run, prepend=-1))
    last = np.append(first[1:], len(run)) - 1
    is_long = where_m[last] - where_m[first] >= SHARED_M
    inside = (where_m > where_m[first][run] + TURNING_M) & (where_m < where_m[last][run] - TURNING_M)
    kept = np.flatnonzero(is_near & is_long[run] & inside)
    return Seen(seen.xy_m[kept], seen.heading[kept], seen.line_index[kept])
