"""Stage 5. A clean ride -> the same without the places where it began and ended, which may be homes."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np

from transitmap.config import CollectConfig
from transitmap.errors import UploadRefused
from transitmap.geo import Plane
from transitmap.model import Fixes, FloatArray, Ride, Taps

LEVELS = {"none": (0.0, 0.0), "less": (0.5, 1.0), "usual": (1.0, 4.0), "more": (4.0, 8.0)}
"""How much of the ends a rider leaves out: from how many to how many times what the installation does."""
SHARES = {"": 1.0, "none": 0.0, "less": 0.5, "more": 2.0}
"""What may be chosen for one upload, in shares of what its rider always does."""


def trim(ride: Ride, config: CollectConfig) -> Ride:
    """The ride without its beginning near its first fix and its end near its last fix.

    Near is within `trim_m`; 0 keeps all. Only the beginning and the end are cut, a ride that
    passes home again keeps that. The same ride is always cut alike: a random cut could be averaged out. Taps
    in either circle, or before or after what is left, go too.

    Raises:
        UploadRefused: `too_short_after_trim`.
    """
    if config.trim_m <= 0 or not len(ride.fixes):
        return ride
    plane = Plane.around(ride.fixes.lat_deg, ride.fixes.lon_deg)
    xy_m = plane.to_metres(ride.fixes.lat_deg, ride.fixes.lon_deg)
    outside_start = np.flatnonzero(_distance_m(xy_m, xy_m[0]) > config.trim_m)
    outside_end = np.flatnonzero(_distance_m(xy_m, xy_m[-1]) > config.trim_m)
    first = int(outside_start[0]) if len(outside_start) else len(xy_m)
    last = int(outside_end[-1]) + 1 if len(outside_end) else 0
    if last - first < config.min_fixes:
        left = max(0, last - first)
        detail = f"{left} points left outside {config.trim_m:g} m of both ends, need {config.min_fixes}"
        raise UploadRefused("too_short_after_trim", detail)
    kept = ride.fixes
    fixes = Fixes(*(c[first:last] for c in (kept.time_s, kept.lat_deg, kept.lon_deg, kept.accuracy_m)))
    n_cut = len(kept) - len(fixes)
    dropped = {**ride.dropped, "trimmed": ride.dropped.get("trimmed", 0) + n_cut} if n_cut else ride.dropped
    taps = _trim_taps(ride.taps, plane, xy_m, fixes, config.trim_m)
    return replace(ride, fixes=fixes, taps=taps, dropped=dropped)


def draw_m(level: str, base_m: float) -> float:
    """A radius of one rider's own, in whole metres, at random within a level; drawn once, then kept.

    One radius for everybody is known to everybody, and one drawn for each ride is known after a few.
    """
    low, high = LEVELS[level]
    return float(round(base_m * random.SystemRandom().uniform(low, high)))


def level_of(trim_m: float, base_m: float) -> str:
    """The level that a radius lies in."""
    if trim_m <= 0 or base_m <= 0:
        return "none"
    return next((name for name, (_, high) in LEVELS.items() if trim_m < base_m * high), "more")


def chosen_m(choice: str, own_m: float, base_m: float) -> float:
    """The radius of one upload: a share of the rider's own (of what is usual here, where that is 0).

    A share, not a draw: other radii round the same home would tell where it is.
    """
    return SHARES[choice] * (own_m if own_m > 0 or not choice else base_m)


def _distance_m(xy_m: FloatArray, place_m: FloatArray) -> FloatArray:
    return np.asarray(np.hypot(xy_m[:, 0] - place_m[0], xy_m[:, 1] - place_m[1]))


def _trim_taps(taps: Taps, plane: Plane, xy_m: FloatArray, fixes: Fixes, trim_m: float) -> Taps:
    """The taps that tell nothing of the ends."""
    if not len(taps):
        return taps
    tap_m = plane.to_metres(taps.lat_deg, taps.lon_deg)
    away = (_distance_m(tap_m, xy_m[0]) > trim_m) & (_distance_m(tap_m, xy_m[-1]) > trim_m)
    outside = (taps.time_s < fixes.time_s[0]) | (taps.time_s > fixes.time_s[-1])  # False for NaN
    rows = np.flatnonzero(away & ~outside)
    names = tuple(taps.name[row] for row in rows.tolist())
    return Taps(taps.time_s[rows], taps.lat_deg[rows], taps.lon_deg[rows], names)
