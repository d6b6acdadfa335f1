"""Stage 10. Lines -> the side of the street that traffic keeps to, and that stops stand on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from transitmap.geo import Plane
from transitmap.model import CAR, Legs, Lines, Stops

RIGHT, LEFT, UNKNOWN = "right", "left", ""
KERB_M = 4.0
"""Official stops stand 2 to 9 m beside the way of their vehicles; phones aboard halt that far from them."""
OPPOSITE_M = 25.0
TURN_M = 60.0
MIN_POINTS = 10
ASKED = 1000
"""Vehicles that are asked: more tell no other side, and the search grows with them."""
SURE = 3.3
"""So many standard deviations from even (1 of 1,000 by chance): no side is better than a wrong one."""


def side_of_traffic(legs: Legs, lines: Lines) -> str:
    """`right`, `left`, or empty where it cannot be told: where right, those who come towards one are seen on
    one's left. Every pair of vehicles that met has one vote, however much of two-way streets they ran along.

    Votes that share a vehicle are no independent ones: where places within a street are chance, two agree in
    2 of 3 cases, a covariance of 1/3. Twenty vehicles that met the same one are little more than one.
    """
    from scipy.spatial import cKDTree

    line_of = np.repeat(np.arange(len(lines)), np.diff(lines.point_start))
    is_asked = np.zeros(len(lines), dtype=bool)
    is_asked[np.linspace(0, len(lines) - 1, min(ASKED, len(lines))).astype(np.int64)] = True
    seen = lines.is_seen & (is_asked & (legs.mode[lines.leg_index] != CAR))[line_of]
    xy_m, ahead, line_of = lines.xy_m[seen], lines.heading[seen], line_of[seen]
    if not len(xy_m):
        return UNKNOWN
    tree = cKDTree(np.column_stack([xy_m, TURN_M * ahead]))
    gap_m, other = tree.query(np.column_stack([xy_m, -TURN_M * ahead]), distance_upper_bound=OPPOSITE_M)
    met = np.flatnonzero(np.isfinite(gap_m))
    off_m = xy_m[other[met]] - xy_m[met]
    left_m = ahead[met, 0] * off_m[:, 1] - ahead[met, 1] * off_m[:, 0]
    one, two = np.sort([line_of[met], line_of[other[met]]], axis=0)
    pair, row, n = np.unique(one * len(lines) + two, return_inverse=True, return_counts=True)
    votes = np.sign(np.bincount(row.reshape(-1), np.sign(left_m), len(pair)))[n >= MIN_POINTS]
    total, pair = float(votes.sum()), pair[n >= MIN_POINTS]
    n_pairs = np.bincount(np.concatenate([pair // len(lines), pair % len(lines)]))
    if abs(total) <= SURE * np.sqrt((len(pair) + (n_pairs**2).sum()) / 3.0):
        return UNKNOWN
    return RIGHT if total > 0 else LEFT


def to_kerb(stops: Stops, side: str, plane: Plane) -> Stops:
    """The stops moved from where vehicles halt to where riders wait, `KERB_M` to that side of their way;
    where the side is not known, as they are."""
    if side == UNKNOWN:
        return stops
    heading = np.radians(stops.heading_deg)
    right = np.column_stack([np.cos(heading), -np.sin(heading)])
    xy_m = plane.to_metres(stops.lat_deg, stops.lon_deg) + (KERB_M if side == RIGHT else -KERB_M) * right
    lat_deg, lon_deg = plane.to_degrees(xy_m)
    return replace(stops, lat_deg=lat_deg, lon_deg=lon_deg)
