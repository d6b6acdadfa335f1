"""Paths, fixes -> shapes: the median of all vehicles that ran the way, as straight pieces between stands."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import numpy as np

from transitmap import geo
from transitmap.config import ShapesConfig
from transitmap.infer.shapes.alongside import run_along
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
    seen, places = _thinned(lines, config.thin_m), _places(lines)
    draw = partial(_draw, paths, lines=lines, thinned=seen, places=places, config=config)
    return list(spread(draw, range(len(paths))))


class _Thinned(NamedTuple):
    """Fixes a few metres apart, ragged by `start` for the lines; `ridden_m` is the length of each line."""

    start: IntArray
    xy_m: FloatArray
    heading: FloatArray
    ridden_m: FloatArray


class _Places(NamedTuple):
    """The directed places of all lines in rising order, and whose each is."""

    place: IntArray
    line: IntArray


def _places(lines: Lines) -> _Places:
    order = np.argsort(lines.place, kind="stable")
    return _Places(lines.place[order], np.repeat(np.arange(len(lines)), np.diff(lines.point_start))[order])


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
    along_m = geo.along_m(lines.xy_m)
    ridden_m = along_m[lines.point_start[1:] - 1] - along_m[lines.point_start[:-1]]
    return _Thinned(start, lines.fix_m[row], lines.heading[point], ridden_m)


def _clock(line: IntArray, time_s: FloatArray) -> FloatArray:
    """Times of all lines as one rising number."""
    return np.asarray(line * DECADE_S + time_s % DECADE_S)


def _draw(
    paths: Paths, path: int, lines: Lines, thinned: _Thinned, places: _Places, config: ShapesConfig
) -> FloatArray:
    shape_m = geo.resample(paths.xy_m[paths.point_start[path] : paths.point_start[path + 1]], config.step_m)
    supporting = paths.line_index[paths.path_index == path]
    if not len(supporting):
        return simplify(smooth(shape_m), config.simplify_m)
    length_m = float(geo.along_m(shape_m)[-1])
    for reach_m in np.linspace(config.first_reach_m, config.last_reach_m, config.passes):
        # a wide reach is there to find the street, which takes fewer than to lie in its middle
        depth = config.depth * config.last_reach_m / reach_m
        some = _some(supporting, thinned.ridden_m, length_m, depth)
        rows = _seen_rows(lines, some)
        shape_m = _pull(smooth(shape_m), lines.xy_m[rows], lines.heading[rows], float(reach_m), config.step_m)
    others = _others(supporting, lines, thinned.ridden_m, places, config.depth * length_m)
    shape_m = smooth(shape_m)
    shape_m = fit_pieces(shape_m, _together(_seen(thinned, some), shape_m, _seen(thinned, others)), config)
    first_m, last_m = (
        lines.fix_m[lines.fix_start[supporting]],
        lines.fix_m[lines.fix_start[supporting + 1] - 1],
    )
    return place_ends(shape_m, first_m, last_m, config.end_m)


def _some(supporting: IntArray, ridden_m: FloatArray, length_m: float, depth: float) -> IntArray:
    """Every second, third ... line where more than `depth` run side by side, one at least: it is enough."""
    share = depth * length_m / max(float(ridden_m[supporting].sum()), 1.0)
    count = np.floor(np.arange(1, len(supporting) + 1) * min(1.0, max(share, 1 / len(supporting))) + 1e-9)
    return np.asarray(supporting[np.diff(count, prepend=0.0) > 0])


def _others(
    supporting: IntArray, lines: Lines, ridden_m: FloatArray, places: _Places, wanted_m: float
) -> IntArray:
    """Lines of other paths on the same streets, those that share most first, until enough was ridden."""
    place = np.unique(lines.place[_seen_rows(lines, supporting)])
    low, high = (np.searchsorted(places.place, place, side=side) for side in ("left", "right"))
    wanted_m -= float(ridden_m[supporting].sum())
    if wanted_m <= 0.0:
        return supporting[:0]
    row = np.repeat(low - np.cumsum(high - low) + high - low, high - low) + np.arange((high - low).sum())
    n_shared = np.bincount(places.line[row], minlength=len(lines))
    n_shared[supporting] = 0
    others = np.argsort(-n_shared, kind="stable")[: np.count_nonzero(n_shared)]
    shared_m = (n_shared * ridden_m / np.diff(lines.point_start))[others]
    return np.sort(others[np.cumsum(shared_m) <= wanted_m])


def _together(own: Seen, shape_m: FloatArray, others: Seen) -> Seen:
    """The fixes of a path's own vehicles and of the others, as far as these run along it."""
    if not len(others.xy_m):
        return own
    return Seen(*(np.concatenate(pair) for pair in zip(own, run_along(shape_m, others), strict=True)))


def _seen(thinned: _Thinned, supporting: IntArray) -> Seen:
    ranges = [np.arange(thinned.start[k], thinned.start[k + 1]) for k in supporting]
    rows = np.concatenate([np.zeros(0, dtype=np.int64), *ranges])
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
    span = 2.0 * float(np.abs(value).max(initial=0.0)) + 1.0
    rising = np.sort(np.add.outer(np.arange(-2, 3) * span, group * span + value).ravel())
    found = np.rint(rising / span).astype(np.int64)
    has, first = np.unique(found, return_index=True)
    inside = (has >= 0) & (has < n)
    if not inside.any():
        return np.zeros(n)
    count = np.diff(first, append=len(found))
    low, high = first + (count - 1) // 2, first + count // 2
    median = (rising[low] + rising[high]) / 2 - has * span
    return np.asarray(np.interp(np.arange(n), has[inside], median[inside]))


def smooth(line_m: FloatArray) -> FloatArray:
    """The line with each inner point at the weighted mean of itself and its neighbours (1, 2, 1)."""
    if len(line_m) < 3:
        return line_m
    inner_m = (line_m[:-2] + 2 * line_m[1:-1] + line_m[2:]) / 4
    return np.concatenate([line_m[:1], inner_m, line_m[-1:]])
