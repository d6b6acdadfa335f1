"""A network and an area -> what is known to lie inside: stops, routes, rides; how far the nearest stop is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from transitmap import geo
from transitmap.model import BoolArray, FloatArray, Network
from transitmap.points.campaigns import box_of

STEP_M = 50.0
"""A line is looked at so often whether it passes through an area."""


@dataclass(frozen=True)
class Inside:
    """What of a network lies in an area, of how much; rides are those of patterns that pass through it.

    `nearest_m` is how far the nearest stop is from the area: 0 where one is inside, infinite without any.
    """

    n_stops: int
    of_stops: int
    n_routes: int
    of_routes: int
    n_rides: int
    of_rides: int
    width_m: float
    height_m: float
    nearest_m: float

    @property
    def is_nothing(self) -> bool:
        """Whether it touches nothing that is known, though something is."""
        return self.of_stops > 0 and not (self.n_stops or self.n_routes)


def inside(network: Network | None, area: str) -> Inside:
    """What of a network lies in an area of four numbers; nothing of nothing before there is one."""
    south, west, north, east = box_of(area)
    middle_deg = (south + north) / 2
    (per_lon_m, per_lat_m), *_ = geo.Plane(middle_deg, 0.0).to_metres(np.array([middle_deg + 1]), np.ones(1))
    size_m = float((east - west) * per_lon_m), float((north - south) * per_lat_m)
    if network is None:
        return Inside(0, 0, 0, 0, 0, 0, *size_m, nearest_m=float("inf"))
    stops, patterns = network.stops, network.patterns
    off_m = np.hypot(
        (stops.lon_deg - stops.lon_deg.clip(west, east)) * per_lon_m,
        (stops.lat_deg - stops.lat_deg.clip(south, north)) * per_lat_m,
    )
    passes = _passing(network, np.array([south, west]), np.array([north, east]))
    return Inside(
        int((off_m == 0).sum()),
        len(off_m),
        len(np.unique(patterns.route_index[passes])),
        len(np.unique(patterns.route_index)),
        int(patterns.n_rides[passes].sum()),
        int(patterns.n_rides.sum()),
        *size_m,
        nearest_m=float(off_m.min(initial=np.inf)),
    )


def _passing(network: Network, low_deg: FloatArray, high_deg: FloatArray) -> BoolArray:
    """Which patterns pass through a box from south and west to north and east."""
    shapes = network.shapes
    plane = geo.Plane.around(shapes.lat_deg, shapes.lon_deg)
    xy_m = plane.to_metres(shapes.lat_deg, shapes.lon_deg)
    found = []
    for first, last in zip(shapes.point_start[:-1], shapes.point_start[1:], strict=True):
        line_deg = np.column_stack(plane.to_degrees(geo.resample(xy_m[first:last], STEP_M)))
        found.append(bool(((low_deg <= line_deg) & (line_deg <= high_deg)).all(axis=1).any()))
    return np.array(found, dtype=bool)
