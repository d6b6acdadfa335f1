"""A ride on the line of its pattern: how far along it was at each fix, how far off, and what it passed."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from transitmap import geo
from transitmap.model import Fixes, FloatArray, Network, Ride, Trips

STEP_M = 5.0
OFF_LINE_M = 75.0


class Followed(NamedTuple):
    """The ridden fixes, and where they were: metres along the pattern's shape and left of it.

    Empty columns where no pattern was recognised. `call_m` are the calls within the ridden stretch.
    """

    fixes: Fixes
    along_m: FloatArray
    off_m: FloatArray
    call_m: FloatArray


def follow(ride: Ride, trips: Trips, index: int, network: Network) -> Followed:
    """The part of a ride between boarding and alighting, seen from its pattern."""
    fixes = ridden(ride.fixes, float(trips.board_time_s[index]), float(trips.alight_time_s[index]))
    pattern, none = int(trips.pattern_index[index]), np.zeros(0)
    if pattern < 0 or len(fixes) < 2:
        return Followed(fixes, none, none, none)
    shapes, patterns = network.shapes, network.patterns
    part = slice(int(shapes.point_start[pattern]), int(shapes.point_start[pattern + 1]))
    plane = geo.Plane.around(shapes.lat_deg[part], shapes.lon_deg[part])
    shape_m = plane.to_metres(shapes.lat_deg[part], shapes.lon_deg[part])
    first_m, last_m = float(trips.first_m[index]), float(trips.last_m[index])
    if not first_m < last_m or len(shape_m) < 2:
        return Followed(fixes, none, none, none)
    line_m = geo.resample(geo.piece(shape_m, geo.along_m(shape_m), first_m, last_m), STEP_M)
    along_m, off_m = _projected(plane.to_metres(fixes.lat_deg, fixes.lon_deg), line_m)
    calls = slice(int(patterns.call_start[pattern]), int(patterns.call_start[pattern + 1]))
    call_m = patterns.along_m[calls]
    inside = (call_m > first_m + STEP_M) & (call_m < last_m - STEP_M)
    return Followed(fixes, first_m + along_m, off_m, call_m[inside])


def ridden(fixes: Fixes, board_s: float, alight_s: float) -> Fixes:
    """The fixes between boarding and alighting; all of them where that is not known."""
    first = np.searchsorted(fixes.time_s, board_s) if np.isfinite(board_s) else 0
    last = np.searchsorted(fixes.time_s, alight_s, "right") if np.isfinite(alight_s) else len(fixes)
    return fixes.take(np.arange(int(first), int(last)))


def _projected(xy_m: FloatArray, line_m: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Metres along and left of a line with a point every few metres; NaN beyond `OFF_LINE_M`."""
    from scipy.spatial import cKDTree

    away_m, nearest = cKDTree(line_m).query(xy_m, distance_upper_bound=OFF_LINE_M)
    is_near = np.isfinite(away_m)
    row = np.minimum(nearest, len(line_m) - 1)
    unit = geo.headings(line_m)[row]
    gap_m = xy_m - line_m[row]
    ahead_m = (gap_m * unit).sum(axis=1)
    left_m = unit[:, 0] * gap_m[:, 1] - unit[:, 1] * gap_m[:, 0]
    along_m = geo.along_m(line_m)[row] + ahead_m
    return np.where(is_near, along_m, np.nan), np.where(is_near, left_m, np.nan)
