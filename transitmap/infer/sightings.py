"""Stage 6. Lines, shapes -> Sightings: when each vehicle was where along which path."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from transitmap import geo
from transitmap.model import BoolArray, FloatArray, IntArray, Lines, Paths, Sightings

STEP_M = 5.0
OFF_M = 50.0
TURN_M = 50.0
"""What a turn of 60 degrees away from the shape counts as in metres off it: a bus on the way back along its
own street (180 degrees) is then never nearer to the way out."""


def see_vehicles(lines: Lines, paths: Paths, shapes_m: Sequence[FloatArray]) -> Sightings:
    """The fixes of every line on every path it supports, as distance along the path's shape.

    Fixes off the shape, or that run back, are left out; what is left never runs back. Where a shape runs
    along one street twice, out and back, a fix is on the arm that leads its way.
    """
    rows, times_s, alongs_m = [], [], []
    for path, shape_m in enumerate(shapes_m):
        tree, where_m = _index(shape_m)
        for row in np.flatnonzero(paths.path_index == path).tolist():
            line = int(paths.line_index[row])
            fixes = slice(lines.fix_start[line], lines.fix_start[line + 1])
            time_s, along_m = _along(lines.fix_s[fixes], _directed(lines, line), tree, where_m)
            if len(time_s) >= 2:
                rows.append(row)
                times_s.append(time_s)
                alongs_m.append(along_m)
    kept = np.array(rows, dtype=np.int64)
    line_index = paths.line_index[kept]
    return Sightings(
        line_index=line_index,
        ride_index=lines.ride_index[line_index],
        path_index=paths.path_index[kept],
        weight=paths.weight[kept],
        is_own=_own(line_index, paths.weight[kept] * paths.covered[kept]),
        fix_start=np.concatenate([[0], np.cumsum([len(t) for t in times_s])]).astype(np.int64),
        time_s=np.concatenate(times_s) if times_s else np.zeros(0),
        along_m=np.concatenate(alongs_m) if alongs_m else np.zeros(0),
    )


def _index(shape_m: FloatArray) -> tuple[Any, FloatArray]:
    from scipy.spatial import cKDTree

    dense_m = geo.resample(shape_m, STEP_M)
    return cKDTree(np.hstack([dense_m, TURN_M * geo.headings(dense_m, 2)])), geo.along_m(dense_m)


def _directed(lines: Lines, line: int) -> FloatArray:
    """The fixes of a line as places and ways, (n, 4): a fix goes the way the line goes at that time."""
    fixes = slice(lines.fix_start[line], lines.fix_start[line + 1])
    points = slice(lines.point_start[line], lines.point_start[line + 1])
    time_s = lines.time_s[points]
    at = np.minimum(np.searchsorted(time_s, lines.fix_s[fixes]), len(time_s) - 1)
    return np.hstack([lines.fix_m[fixes], TURN_M * lines.heading[points][at]])


def _along(
    time_s: FloatArray, directed: FloatArray, tree: Any, where_m: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Times and distances along the shape of the fixes near it, in order of travel."""
    _, nearest = tree.query(directed, distance_upper_bound=np.hypot(OFF_M, TURN_M))
    near = nearest < tree.n
    near[near] = np.hypot(*(tree.data[nearest[near]] - directed[near]).T[:2]) <= OFF_M
    time_s, along_m = time_s[near], where_m[nearest[near]]
    keep = _running_on(along_m)
    return time_s[keep], np.maximum.accumulate(along_m[keep]) if keep.any() else along_m[keep]


def _running_on(along_m: FloatArray, slack_m: float = 60.0) -> BoolArray:
    """Fixes that agree with the running median of their neighbours: a loop's other arm does not."""
    n = len(along_m)
    if n < 5:
        return np.ones(n, dtype=bool)
    row = np.arange(n)
    median_m = np.median([along_m[np.clip(row + k, 0, n - 1)] for k in range(-4, 5)], axis=0)
    step_m = np.abs(np.gradient(median_m))
    behind = median_m < np.maximum.accumulate(median_m) - slack_m
    return np.asarray((np.abs(along_m - median_m) <= slack_m + 4 * step_m) & ~behind)


def _own(line_index: IntArray, score: FloatArray) -> BoolArray:
    """Marks each line's best row, the first of equals (paths come best supported first)."""
    own = np.zeros(len(line_index), dtype=bool)
    order = np.lexsort((np.arange(len(score)), -np.round(score, 6), line_index))
    if len(order):
        first = np.concatenate([[True], np.diff(line_index[order]) > 0])
        own[order[first]] = True
    return own
