"""Stage 6. Lines, shapes -> Sightings: when each vehicle was where along which path."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from transitmap import geo
from transitmap.model import BoolArray, FloatArray, IntArray, Lines, Paths, Sightings

STEP_M = 5.0
OFF_M = 50.0
TURN_M = 60.0
"""A turn of 60 degrees counts as this far away, the way back as twice as far: out of reach."""
SLACK_M = 60.0


class _Track(NamedTuple):
    """A shape as points every few metres: place, unit vector ahead, distance along."""

    xy_m: FloatArray
    ahead: FloatArray
    along_m: FloatArray


class _Rows(NamedTuple):
    """Elements of several lines one after the other: which of the lines each is of, and its own row."""

    row: IntArray
    element: IntArray


def see_vehicles(lines: Lines, paths: Paths, shapes_m: Sequence[FloatArray]) -> Sightings:
    """The fixes of every line on every path it supports, as distance along the path's shape.

    A line's points are found on the shape by place and heading, so that a way back on the same street is
    another place; its fixes lie between its points. Fixes off the shape, or that run back, are left out; what
    is left never runs back.
    """
    rows, counts, times_s, alongs_m = [], [], [], []
    for path, shape_m in enumerate(shapes_m):
        supported = np.flatnonzero(paths.path_index == path)
        row, time_s, along_m = _along(lines, paths.line_index[supported], _track(shape_m))
        n_fixes = np.bincount(row, minlength=len(supported))
        rows.append(supported[n_fixes >= 2])
        counts.append(n_fixes[n_fixes >= 2])
        is_seen = n_fixes[row] >= 2
        times_s.append(time_s[is_seen])
        alongs_m.append(along_m[is_seen])
    kept = np.concatenate([np.zeros(0, dtype=np.int64), *rows])
    line_index = paths.line_index[kept]
    return Sightings(
        line_index=line_index,
        ride_index=lines.ride_index[line_index],
        path_index=paths.path_index[kept],
        weight=paths.weight[kept],
        is_own=_own(line_index, paths.weight[kept] * paths.covered[kept]),
        fix_start=np.concatenate([[0], *counts]).cumsum().astype(np.int64),
        time_s=np.concatenate([np.zeros(0), *times_s]),
        along_m=np.concatenate([np.zeros(0), *alongs_m]),
    )


def _track(shape_m: FloatArray) -> _Track:
    dense_m = geo.resample(shape_m, STEP_M)
    # along the shape itself: the points cut its corners, and their own lengths would drift from the calls
    where_m = np.linspace(0.0, geo.along_m(shape_m)[-1], len(dense_m))
    return _Track(dense_m, geo.headings(dense_m, 2), where_m)


def _along(lines: Lines, line_index: IntArray, track: _Track) -> tuple[IntArray, FloatArray, FloatArray]:
    """The fixes of the lines near the track, in order of travel: whose, when and how far along."""
    point, point_m = _points(lines, line_index, track)
    is_found = np.bincount(point.row, minlength=len(line_index)) >= 2
    fix = _rows(lines.fix_start, np.where(is_found, line_index, -1))
    if not len(fix.row):
        return fix.row, np.zeros(0), np.zeros(0)
    time_s, xy_m = lines.fix_s[fix.element], lines.fix_m[fix.element]
    about_m = _interpolated(fix.row, time_s, point.row, lines.time_s[point.element], point_m)
    along_m, off_m = _onto(track, xy_m, about_m)
    near = (off_m <= OFF_M) & (np.abs(along_m - about_m) <= SLACK_M)
    return fix.row[near], time_s[near], _never_back(fix.row[near], along_m[near])


def _points(lines: Lines, line_index: IntArray, track: _Track) -> tuple[_Rows, FloatArray]:
    """The points of the lines that run along the track, and how far along they are: one search a path."""
    from scipy.spatial import cKDTree

    point = _rows(lines.point_start, line_index)
    tree = cKDTree(np.concatenate([track.xy_m, TURN_M * track.ahead], axis=1))
    place = np.concatenate([lines.xy_m[point.element], TURN_M * lines.heading[point.element]], axis=1)
    gap_m, nearest = tree.query(place, distance_upper_bound=OFF_M + TURN_M / 2)
    near = np.flatnonzero(np.isfinite(gap_m) & lines.is_seen[point.element])
    on = _running_on(point.row[near], track.along_m[nearest[near]])
    row, along_m = point.row[near[on]], track.along_m[nearest[near[on]]]
    return _Rows(row, point.element[near[on]]), _never_back(row, along_m)


def _rows(start: IntArray, line_index: IntArray) -> _Rows:
    """All elements of the lines, ragged by `start`; a line -1 has none."""
    count = np.where(line_index >= 0, start[line_index + 1] - start[line_index], 0)
    row = np.repeat(np.arange(len(line_index)), count)
    return _Rows(row, np.arange(len(row)) + (start[line_index] - np.cumsum(count) + count)[row])


def _running_on(row: IntArray, along_m: FloatArray, slack_m: float = SLACK_M) -> BoolArray:
    """Points that agree with the running median of their line's: a loop's other arm does not."""
    n = np.arange(len(row))
    start = np.concatenate([[0], np.cumsum(np.bincount(row))])
    first, last = start[row], start[row + 1] - 1
    beside = np.clip(n + np.arange(-4, 5)[:, None], first, last)
    median_m = np.partition(along_m[beside], 4, axis=0)[4]
    low, high = np.maximum(n - 1, first), np.minimum(n + 1, last)
    step_m = np.abs(median_m[high] - median_m[low]) / np.maximum(high - low, 1)
    behind = median_m < _never_back(row, median_m) - slack_m
    agrees = (np.abs(along_m - median_m) <= slack_m + 4 * step_m) & ~behind
    return np.asarray(agrees | (last - first < 4))


def _never_back(row: IntArray, along_m: FloatArray) -> FloatArray:
    """How far each line has got, in its order."""
    longest_m = float(along_m.max(initial=0.0)) + 1.0
    return np.asarray(np.maximum.accumulate(along_m + longest_m * row) - longest_m * row)


def _interpolated(
    row: IntArray, time_s: FloatArray, known_row: IntArray, known_s: FloatArray, known_m: FloatArray
) -> FloatArray:
    """How far along each line is at its times, from times at which it is known; as then before and after."""
    start = np.concatenate([[0], np.cumsum(np.bincount(known_row))])
    first_s, last_s = known_s[start[row]], known_s[start[row + 1] - 1]
    since_s = known_s - known_s[start[known_row]]
    longest_s = float(since_s.max()) + 1.0
    clock_s = np.clip(time_s, first_s, last_s) - first_s + longest_s * row
    return np.asarray(np.interp(clock_s, since_s + longest_s * known_row, known_m))


def _onto(track: _Track, xy_m: FloatArray, about_m: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Distance along and off the track of points of which it is known about where they lie.

    Twice along the tangent: once brings a point to its piece, the second time to its place on it.
    """
    x_m, y_m = np.ascontiguousarray(xy_m.T)
    ahead_x, ahead_y = np.ascontiguousarray(track.ahead.T)
    past_m = track.along_m - (track.xy_m * track.ahead).sum(axis=1)
    aside_m = track.xy_m[:, 1] * ahead_x - track.xy_m[:, 0] * ahead_y
    end_m = track.along_m[-1]
    step_m = end_m / max(len(track.along_m) - 1, 1)
    along_m = about_m
    for _ in range(2):
        k = np.rint(along_m / max(step_m, 1e-9)).astype(np.int64)
        along_m = np.clip(x_m * ahead_x[k] + y_m * ahead_y[k] + past_m[k], 0.0, end_m)
    return along_m, np.abs(y_m * ahead_x[k] - x_m * ahead_y[k] - aside_m[k])


def _own(line_index: IntArray, score: FloatArray) -> BoolArray:
    """Marks each line's best row, the first of equals (paths come best supported first)."""
    own = np.zeros(len(line_index), dtype=bool)
    order = np.lexsort((np.arange(len(score)), -np.round(score, 6), line_index))
    if len(order):
        first = np.concatenate([[True], np.diff(line_index[order]) > 0])
        own[order[first]] = True
    return own
