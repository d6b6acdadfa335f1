"""Paths, fixes -> shapes: the median of all vehicles that ran the way, as straight pieces between stands."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import numpy as np

from transitmap import geo
from transitmap.config import ShapesConfig
from transitmap.infer.shapes.ends import place_ends
from transitmap.infer.shapes.pieces import Seen, fit_pieces, simplify
from transitmap.model import FloatArray, IntArray, Lines, Paths, Spread

DECADE_S = 1e9
"""Longer than any ride, and than the rides of one campaign lie apart."""


def draw_shapes(paths: Paths, lines: Lines, config: ShapesConfig, spread: Spread = map) -> list[FloatArray]:
    """One (n, 2) line in metres a path, from the first to the last place where a ride was seen.

    The path's own line is moved, pass by pass, to the median of the lines that support it, and then made
    straight pieces through their fixes. Every line counts once in each stretch, so a vehicle that stood long
    does not pull; a detour of one ride among several is outvoted.
    """
    seen = _thinned(lines, config.thin_m)
    draw = partial(_draw, paths, lines=lines, thinned=seen, config=config)
    return list(spread(draw, range(len(paths))))


class _Thinned(NamedTuple):
    """Fixes a few metres apart, ragged by `start` for the lines."""

    start: IntArray
    xy_m: FloatArray
    heading: FloatArray


def _thinned(lines: Lines, thin_m: float) -> _Thinned:
    """The fixes of all lines, one for each `thin_m` travelled, facing as their line does at that time.

    The fixes themselves, not the line drawn through them: between sparse fixes that cuts the corners.
    """
    line = np.repeat(np.arange(len(lines)), np.diff(lines.fix_start))
    delta_m = np.diff(lines.fix_m, axis=0, prepend=lines.fix_m[:1])
    stretch = np.floor(np.cumsum(np.hypot(delta_m[:, 0], delta_m[:, 1])) / thin_m)
    row = np.flatnonzero(np.diff(line, prepend=-1) + np.diff(stretch, prepend=-1) > 0)
    point_line = np.repeat(np.arange(len(lines)), np.diff(lines.point_start))
    point = np.searchsorted(_clock(point_line, lines.time_s), _clock(line[row], lines.fix_s[row]))
    point = np.clip(point, lines.point_start[line[row]], lines.point_start[line[row] + 1] - 1)
    start = np.searchsorted(line[row], np.arange(len(lines) + 1)).astype(np.int64)
    return _Thinned(start, lines.fix_m[row], lines.heading[point])


def _clock(line: IntArray, time_s: FloatArray) -> FloatArray:
    """Times of all lines as one rising number."""
    return np.asarray(line * DECADE_S + time_s % DECADE_S)


def _draw(paths: Paths, path: int, lines: Lines, thinned: _Thinned, config: ShapesConfig) -> FloatArray:
    shape_m = geo.resample(paths.xy_m[paths.point_start[path] : paths.point_start[path + 1]], config.step_m)
    supporting = paths.line_index[paths.path_index == path]
    if not len(supporting):
        return simplify(smooth(shape_m), config.simplify_m)
    some = _some(supporting, lines, float(geo.along_m(shape_m)[-1]), config)
    rows = _seen_rows(lines, some)
    xy_m, heading = lines.xy_m[rows], lines.heading[rows]
    for reach_m in np.linspace(config.first_reach_m, config.last_reach_m, config.passes):
        shape_m = _pull(smooth(shape_m), xy_m, heading, float(reach_m), config.step_m)
    shape_m = fit_pieces(smooth(shape_m), _seen(thinned, some), config)
    first_m, last_m = (
        lines.fix_m[lines.fix_start[supporting]],
        lines.fix_m[lines.fix_start[supporting + 1] - 1],
    )
    return place_ends(shape_m, first_m, last_m, config.end_m)


def _some(supporting: IntArray, lines: Lines, length_m: float, config: ShapesConfig) -> IntArray:
    """Every second, third ... line where more than `config.depth` run side by side: they are enough."""
    ridden_m = sum(_length_m(lines, k) for k in supporting.tolist())
    share = min(1.0, config.depth * length_m / max(ridden_m, 1.0))
    count = np.floor(np.arange(1, len(supporting) + 1) * share)
    return np.asarray(supporting[np.diff(count, prepend=0.0) > 0])


def _length_m(lines: Lines, line: int) -> float:
    return float(geo.along_m(lines.xy_m[lines.point_start[line] : lines.point_start[line + 1]])[-1])


def _seen(thinned: _Thinned, supporting: IntArray) -> Seen:
    rows = np.concatenate([np.arange(thinned.start[k], thinned.start[k + 1]) for k in supporting])
    line_index = np.repeat(supporting, thinned.start[supporting + 1] - thinned.start[supporting])
    return Seen(thinned.xy_m[rows], thinned.heading[rows], line_index)


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
