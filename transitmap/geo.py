"""Metres: a local plane, distances, headings, resampling and positions along a line."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from transitmap.model import FloatArray, IntArray

WGS84_A_M = 6378137.0
WGS84_E2 = 6.69437999014e-3


@dataclass(frozen=True)
class Plane:
    """A flat map in metres around one place, x east and y north.

    Uses the WGS 84 radii of curvature at the centre: within 15 km a distance is off by at most 0.4 %
    up to 60 degrees of latitude, within 50 km by 1.4 %. One plane a city.
    """

    lat_deg: float
    lon_deg: float

    @classmethod
    def around(cls, lat_deg: FloatArray, lon_deg: FloatArray) -> Plane:
        """The plane at the median of the positions, which a few stray fixes cannot move.

        Longitudes are compared with the first one, so a street across the antimeridian stays one street. Of
        nothing it is the plane at 0, 0.
        """
        if not len(lat_deg):
            return cls(0.0, 0.0)
        east_deg = median((lon_deg - lon_deg[0] + 180.0) % 360.0 - 180.0)
        return cls(median(lat_deg), (float(lon_deg[0]) + east_deg + 180.0) % 360.0 - 180.0)

    def _metres_per_deg(self) -> tuple[float, float]:
        s2 = np.sin(np.radians(self.lat_deg)) ** 2
        meridian_m = WGS84_A_M * (1 - WGS84_E2) / (1 - WGS84_E2 * s2) ** 1.5
        normal_m = WGS84_A_M / np.sqrt(1 - WGS84_E2 * s2)
        parallel_m = normal_m * np.cos(np.radians(self.lat_deg))
        return float(np.radians(meridian_m)), float(np.radians(parallel_m))

    def to_metres(self, lat_deg: FloatArray, lon_deg: FloatArray) -> FloatArray:
        """Degrees to an (n, 2) array of x, y in metres; the shorter way round across the antimeridian."""
        per_lat_m, per_lon_m = self._metres_per_deg()
        dlon_deg = (np.asarray(lon_deg) - self.lon_deg + 180.0) % 360.0 - 180.0
        return np.column_stack([dlon_deg * per_lon_m, (np.asarray(lat_deg) - self.lat_deg) * per_lat_m])

    def to_degrees(self, xy_m: FloatArray) -> tuple[FloatArray, FloatArray]:
        """An (n, 2) array of metres back to latitude and longitude."""
        per_lat_m, per_lon_m = self._metres_per_deg()
        lon_deg = (self.lon_deg + xy_m[:, 0] / per_lon_m + 180.0) % 360.0 - 180.0
        return self.lat_deg + xy_m[:, 1] / per_lat_m, lon_deg


def median(values: FloatArray) -> float:
    """The median of at least one value, NaN where any is: as numpy tells it, in a fifth of the time."""
    middle = len(values) // 2
    ordered = np.partition(values, (middle - 1, middle, -1))
    if np.isnan(ordered[-1]):
        return float("nan")
    return float(ordered[middle] if len(values) % 2 else (ordered[middle - 1] + ordered[middle]) / 2)


def steps_m(xy_m: FloatArray) -> FloatArray:
    """Lengths of the n - 1 steps of a line of n points."""
    delta_m = np.diff(xy_m, axis=0)
    return np.hypot(delta_m[:, 0], delta_m[:, 1])


def along_m(xy_m: FloatArray) -> FloatArray:
    """Distance along a line of n points, n values from 0 up."""
    return np.concatenate([[0.0], np.cumsum(steps_m(xy_m))])


def resample(xy_m: FloatArray, step_m: float) -> FloatArray:
    """The line with points every `step_m` metres, both ends kept.

    A line of one point, or of no length, gives its first point.
    """
    distance_m = along_m(xy_m)
    if len(xy_m) < 2 or distance_m[-1] <= 0:
        return xy_m[:1]
    n = max(2, int(round(distance_m[-1] / step_m)) + 1)
    return at(xy_m, distance_m, np.linspace(0.0, distance_m[-1], n))


def at(xy_m: FloatArray, distance_m: FloatArray, where_m: FloatArray) -> FloatArray:
    """Points of a line at distances along it; beyond the ends, the ends."""
    return np.column_stack(
        [np.interp(where_m, distance_m, xy_m[:, 0]), np.interp(where_m, distance_m, xy_m[:, 1])]
    )


def piece(points: FloatArray, distance_m: FloatArray, first_m: float, last_m: float) -> FloatArray:
    """The piece of a line from one distance along it to another; infinite ones are its ends."""
    first_m, last_m = max(first_m, float(distance_m[0])), min(last_m, float(distance_m[-1]))
    inner_m = distance_m[(distance_m > first_m) & (distance_m < last_m)]
    return at(points, distance_m, np.concatenate([[first_m], inner_m, [last_m]]))


def headings(xy_m: FloatArray, half_window: int = 1) -> FloatArray:
    """Unit vectors along the line at each point, over `half_window` points to either side."""
    n = len(xy_m)
    ahead = np.minimum(np.arange(n) + half_window, n - 1)
    behind = np.maximum(np.arange(n) - half_window, 0)
    delta_m = xy_m[ahead] - xy_m[behind]
    return np.asarray(delta_m / np.maximum(np.hypot(delta_m[:, 0], delta_m[:, 1]), 1e-9)[:, None])


def heading_deg(direction: FloatArray) -> FloatArray:
    """Unit vectors (n, 2) to degrees clockwise from north, 0 <= heading < 360."""
    return np.degrees(np.arctan2(direction[:, 0], direction[:, 1])) % 360.0


def project(xy_m: FloatArray, line_m: FloatArray) -> tuple[FloatArray, FloatArray, IntArray]:
    """Nearest place on a line for each point: distance along, distance off (left positive), segment.

    Memory O(points x segments): for lines of some thousand vertices, or points already cut to a piece.

    Raises:
        ValueError: the line has fewer than two points.
    """
    if len(line_m) < 2:
        raise ValueError(f"line has {len(line_m)} points, need 2")
    start_m, delta_m = line_m[:-1], np.diff(line_m, axis=0)
    length2 = np.maximum((delta_m**2).sum(axis=1), 1e-12)
    relative_m = xy_m[:, None, :] - start_m[None, :, :]
    share = np.clip((relative_m * delta_m).sum(axis=2) / length2, 0.0, 1.0)
    gap_m = relative_m - share[:, :, None] * delta_m
    segment = np.argmin((gap_m**2).sum(axis=2), axis=1)
    row = np.arange(len(xy_m))
    side = (
        delta_m[segment, 0] * relative_m[row, segment, 1] - delta_m[segment, 1] * relative_m[row, segment, 0]
    )
    off_m = np.hypot(gap_m[row, segment, 0], gap_m[row, segment, 1]) * np.where(side < 0, -1.0, 1.0)
    distance_m = along_m(line_m)
    return distance_m[segment] + share[row, segment] * np.sqrt(length2[segment]), off_m, segment


def first_reached(along_m: FloatArray, time_s: FloatArray, where_m: FloatArray) -> FloatArray:
    """When something that never runs back first reached each of the places; NaN where it was not seen.

    `along_m` and `time_s` are its sightings, in order.
    """
    first = np.concatenate([[0], np.flatnonzero(np.diff(along_m) > 0) + 1])
    if len(along_m) < 2 or len(first) < 2:
        return np.full(len(where_m), np.nan)
    return np.asarray(np.interp(where_m, along_m[first], time_s[first], left=np.nan, right=np.nan))


def running_along(line_m: FloatArray, other_m: FloatArray, near_m: float) -> IntArray:
    """For each point of a line: 1 where the other runs within `near_m` the same way, -1 back, 0 elsewhere.

    Both lines need points closer to each other than `near_m`; the same way is within 60 degrees.
    """
    from scipy.spatial import cKDTree

    way = np.zeros(len(line_m), dtype=np.int64)
    if (line_m.min(axis=0) > other_m.max(axis=0) + near_m).any() or len(other_m) < 2:
        return way
    distance_m, nearest = cKDTree(other_m).query(line_m, k=min(6, len(other_m)), distance_upper_bound=near_m)
    is_near = np.isfinite(distance_m)
    turn = headings(other_m, 2)[np.where(is_near, nearest, 0)] * headings(line_m, 2)[:, None, :]
    cosine = np.where(is_near, turn.sum(axis=2), 0.0)
    way[(cosine < -0.5).any(axis=1)] = -1
    way[(cosine > 0.5).any(axis=1)] = 1
    return way
