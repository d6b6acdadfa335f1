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


def see_vehicles(lines: Lines, paths: Paths, shapes_m: Sequence[FloatArray]) -> Sightings:
    """The fixes of every line on every path it supports, as distance along the path's shape.

    A line's points are found on the shape by place and heading, so that a way back on the same street is
    another place; its fixes lie between its points. Fixes off the shape, or that run back, are left out; what
    is left never runs back.
    """
    rows, times_s, alongs_m = [], [], []
    for path, shape_m in enumerate(shapes_m):
        track = _track(shape_m)
        supported = np.flatnonzero(paths.path_index == path)
        for row, points_m in zip(supported, _find(lines, paths.line_index[supported], track), strict=True):
            time_s, along_m = _along(lines, int(paths.line_index[row]), points_m, track)
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


def _track(shape_m: FloatArray) -> _Track:
    dense_m = geo.resample(shape_m, STEP_M)
    # along the shape itself: the points cut its corners, and their own lengths would drift from the calls
    where_m = np.linspace(0.0, geo.along_m(shape_m)[-1], len(dense_m))
    return _Track(dense_m, geo.headings(dense_m, 2), where_m)


def _find(lines: Lines, line_index: IntArray, track: _Track) -> list[FloatArray]:
    """Distance along the track of the points of each line, NaN off it or against it: one search a path."""
    from scipy.spatial import cKDTree

    if not len(line_index):
        return []
    rows = [np.arange(lines.point_start[k], lines.point_start[k + 1]) for k in line_index]
    row = np.concatenate(rows)
    tree = cKDTree(np.concatenate([track.xy_m, TURN_M * track.ahead], axis=1))
    place = np.concatenate([lines.xy_m[row], TURN_M * lines.heading[row]], axis=1)
    gap_m, nearest = tree.query(place, distance_upper_bound=OFF_M + TURN_M / 2)
    near = np.isfinite(gap_m) & lines.is_seen[row]
    found_m = np.where(near, track.along_m[np.where(near, nearest, 0)], np.nan)
    return np.split(found_m, np.cumsum([len(points) for points in rows])[:-1])


def _along(lines: Lines, line: int, points_m: FloatArray, track: _Track) -> tuple[FloatArray, FloatArray]:
    """Times and distances along the track of a line's fixes near it, in order of travel."""
    fixes = slice(lines.fix_start[line], lines.fix_start[line + 1])
    time_s, xy_m = lines.fix_s[fixes], lines.fix_m[fixes]
    point_s = lines.time_s[lines.point_start[line] : lines.point_start[line + 1]]
    known = np.flatnonzero(np.isfinite(points_m))
    known = known[_running_on(points_m[known])]
    if len(known) < 2:
        return time_s[:0], time_s[:0]
    about_m = np.interp(time_s, point_s[known], np.maximum.accumulate(points_m[known]))
    along_m, off_m = _onto(track, xy_m, about_m)
    near = (off_m <= OFF_M) & (np.abs(along_m - about_m) <= SLACK_M)
    return time_s[near], np.maximum.accumulate(along_m[near]) if near.any() else along_m[near]


def _onto(track: _Track, xy_m: FloatArray, about_m: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Distance along and off the track of points of which it is known about where they lie.

    Twice along the tangent: once brings a point to its piece, the second time to its place on it.
    """
    end_m = track.along_m[-1]
    step_m = end_m / max(len(track.along_m) - 1, 1)
    along_m = about_m
    for _ in range(2):
        k = np.rint(along_m / max(step_m, 1e-9)).astype(np.int64)
        relative_m = xy_m - track.xy_m[k]
        past_m = np.einsum("ij,ij->i", relative_m, track.ahead[k])
        along_m = np.clip(track.along_m[k] + past_m, 0.0, end_m)
    off_m = relative_m - past_m[:, None] * track.ahead[k]
    return along_m, np.hypot(off_m[:, 0], off_m[:, 1])


def _running_on(along_m: FloatArray, slack_m: float = SLACK_M) -> BoolArray:
    """Points that agree with the running median of their neighbours: a loop's other arm does not."""
    n = len(along_m)
    if n < 5:
        return np.ones(n, dtype=bool)
    beside = np.clip(np.arange(n) + np.arange(-4, 5)[:, None], 0, n - 1)
    median_m = np.partition(along_m[beside], 4, axis=0)[4]
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
