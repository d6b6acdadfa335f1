"""Stage 5. Paths, fixes -> shapes: consensus lines, the median of all vehicles that ran the way."""

from __future__ import annotations

import numpy as np

from transitmap import geo
from transitmap.config import ShapesConfig
from transitmap.model import BoolArray, FloatArray, IntArray, Lines, Paths


def draw_shapes(paths: Paths, lines: Lines, config: ShapesConfig) -> list[FloatArray]:
    """One (n, 2) line in metres a path, from the first to the last place where a ride was seen.

    The path's own line is moved, pass by pass, to the median of the lines that support it; every line counts
    once in each stretch of `config.step_m`, so a vehicle that stood long does not pull. A detour of one ride
    among several is outvoted.
    """
    return [_draw(paths, path, lines, config) for path in range(len(paths))]


def _draw(paths: Paths, path: int, lines: Lines, config: ShapesConfig) -> FloatArray:
    shape_m = geo.resample(paths.xy_m[paths.point_start[path] : paths.point_start[path + 1]], config.step_m)
    supporting = paths.line_index[paths.path_index == path]
    rows = _seen_rows(lines, supporting)
    xy_m, heading = lines.xy_m[rows], lines.heading[rows]
    for reach_m in np.linspace(config.first_reach_m, config.last_reach_m, config.passes):
        shape_m = _pull(smooth(shape_m), xy_m, heading, float(reach_m), config.step_m)
    return simplify(smooth(shape_m), config.simplify_m)


def _seen_rows(lines: Lines, supporting: IntArray) -> IntArray:
    ranges = [np.arange(lines.point_start[k], lines.point_start[k + 1]) for k in supporting]
    rows = np.concatenate(ranges) if ranges else np.zeros(0, dtype=np.int64)
    return np.asarray(rows[lines.is_seen[rows]])


def _pull(
    shape_m: FloatArray, xy_m: FloatArray, heading: FloatArray, reach_m: float, step_m: float
) -> FloatArray:
    """The line moved sideways to the median of the points within reach that run its way."""
    from scipy.spatial import cKDTree

    shape_m = geo.resample(shape_m, step_m)
    ahead = geo.headings(shape_m, 2)
    distance_m, nearest = cKDTree(shape_m).query(xy_m, distance_upper_bound=reach_m + step_m)
    near = np.isfinite(distance_m)
    nearest, xy_m, heading = nearest[near], xy_m[near], heading[near]
    alike = (ahead[nearest] * heading).sum(axis=1) > 0.5
    nearest, relative_m = nearest[alike], (xy_m - shape_m[nearest])[alike]
    side_m = ahead[nearest, 0] * relative_m[:, 1] - ahead[nearest, 1] * relative_m[:, 0]
    offset_m = _medians(nearest, side_m, len(shape_m))
    offset_m = np.convolve(np.pad(offset_m, 2, mode="edge"), np.full(5, 0.2), mode="valid")
    left = np.column_stack([-ahead[:, 1], ahead[:, 0]])
    return np.asarray(shape_m + left * np.clip(offset_m, -reach_m, reach_m)[:, None])


def _medians(group: IntArray, value: FloatArray, n: int) -> FloatArray:
    """Median of the values within two groups to either side; interpolated where there are none."""
    group = np.concatenate([group + k for k in range(-2, 3)])
    value = np.tile(value, 5)
    inside = (group >= 0) & (group < n)
    group, value = group[inside], value[inside]
    order = np.lexsort((value, group))
    value = value[order]
    count = np.bincount(group, minlength=n)
    has = np.flatnonzero(count)
    if not len(has):
        return np.zeros(n)
    first = np.concatenate([[0], np.cumsum(count)])[has]
    low, high = first + (count[has] - 1) // 2, first + count[has] // 2
    return np.interp(np.arange(n), has, (value[low] + value[high]) / 2)


def smooth(line_m: FloatArray) -> FloatArray:
    """The line with each inner point at the weighted mean of itself and its neighbours (1, 2, 1)."""
    if len(line_m) < 3:
        return line_m
    inner_m = (line_m[:-2] + 2 * line_m[1:-1] + line_m[2:]) / 4
    return np.concatenate([line_m[:1], inner_m, line_m[-1:]])


def simplify(line_m: FloatArray, tolerance_m: float) -> FloatArray:
    """The line with fewer points, nowhere further than `tolerance_m` from what it was.

    Source: Douglas and Peucker 1973; iterative, so that long lines need no deep recursion.
    """
    kept: BoolArray = np.zeros(len(line_m), dtype=bool)
    kept[[0, -1]] = True
    stack = [(0, len(line_m) - 1)]
    while stack:
        first, last = stack.pop()
        if last - first < 2:
            continue
        off_m = _off_chord_m(line_m[first + 1 : last], line_m[first], line_m[last])
        worst = int(np.argmax(off_m))
        if off_m[worst] > tolerance_m:
            middle = first + 1 + worst
            kept[middle] = True
            stack += [(first, middle), (middle, last)]
    return line_m[kept]


def _off_chord_m(xy_m: FloatArray, start_m: FloatArray, end_m: FloatArray) -> FloatArray:
    chord_m = end_m - start_m
    length2 = max(float((chord_m**2).sum()), 1e-12)
    share = np.clip(((xy_m - start_m) @ chord_m) / length2, 0.0, 1.0)
    return np.asarray(np.hypot(*(xy_m - start_m - share[:, None] * chord_m).T))
