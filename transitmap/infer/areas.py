"""Stage 0. Rides -> the plane of the campaign, and which rides lie too far away to belong to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from transitmap.config import AreasConfig
from transitmap.geo import Plane
from transitmap.model import BoolArray, Ride


class Area(NamedTuple):
    """One plane for the city, and a flag for each ride whose middle lies outside it."""

    plane: Plane
    is_far: BoolArray


def find_area(rides: Sequence[Ride], config: AreasConfig) -> Area:
    """The area where most rides are, `config.reach_m` around the middle of its rides.

    A plane is good for a city: a holiday abroad, or a second city in the same upload, is left out and said so
    instead of bending the map. Without a ride the plane lies at 0, 0.
    """
    middles = [Plane.around(r.fixes.lat_deg, r.fixes.lon_deg) for r in rides if len(r.fixes)]
    if not middles:
        return Area(Plane(0.0, 0.0), np.zeros(len(rides), dtype=bool))
    lat_deg = np.array([middle.lat_deg for middle in middles])
    lon_deg = np.array([middle.lon_deg for middle in middles])
    square = np.column_stack([np.floor(lat_deg), np.floor(lon_deg)])
    squares, which, count = np.unique(square, axis=0, return_inverse=True, return_counts=True)
    densest = which.reshape(-1) == int(np.argmax(count))
    first = Plane.around(lat_deg[densest], lon_deg[densest])
    near = np.hypot(*first.to_metres(lat_deg, lon_deg).T) <= config.reach_m
    plane = Plane.around(lat_deg[near], lon_deg[near])
    is_far = np.zeros(len(rides), dtype=bool)
    is_far[[k for k, ride in enumerate(rides) if len(ride.fixes)]] = ~near
    return Area(plane, is_far)
