"""Where a shape begins and ends: where rides did, and as published at its first and last stop."""

from __future__ import annotations

import numpy as np

from transitmap import geo
from transitmap.model import FloatArray


def place_ends(line_m: FloatArray, first_m: FloatArray, last_m: FloatArray, reach_m: float) -> FloatArray:
    """The line from the median place where rides began to that where rides ended.

    `first_m` and `last_m` are first and last fixes of rides; those within `reach_m` of an end count. The line
    runs straight on where they lie beyond it.
    """
    line_m = _place_first(line_m, first_m, reach_m)
    return _place_first(line_m[::-1], last_m, reach_m)[::-1]


def _place_first(line_m: FloatArray, first_m: FloatArray, reach_m: float) -> FloatArray:
    near_m = first_m[np.hypot(*(first_m - line_m[0]).T) <= reach_m]
    length_m = geo.along_m(line_m)[-1]
    if not len(near_m) or length_m <= 4 * reach_m:
        return line_m
    back = line_m[0] - line_m[1]
    longer_m = np.concatenate([[line_m[0] + back * reach_m / np.hypot(*back)], line_m])
    knot_m = geo.along_m(longer_m)
    beginning = np.searchsorted(knot_m, 3 * reach_m) + 1
    start_m = float(np.median(geo.project(near_m, longer_m[:beginning])[0]))
    return _between(longer_m, start_m, float(knot_m[-1]))


def between_ends(shape_m: FloatArray, call_along_m: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The shape from its first to its last call, and the calls along it; itself where it has fewer than two.

    `call_along_m` are metres along the shape, in order. What lies before the first stop and after the last
    is where riders' phones were started late or stopped late, not where the vehicle serves anybody.
    """
    if len(call_along_m) < 2 or call_along_m[-1] - call_along_m[0] < 1.0:
        return shape_m, call_along_m
    first_m, last_m = float(call_along_m[0]), float(call_along_m[-1])
    return _between(shape_m, first_m, last_m), np.asarray(call_along_m - first_m)


def _between(line_m: FloatArray, first_m: float, last_m: float) -> FloatArray:
    """The line between two distances along it."""
    knot_m = geo.along_m(line_m)
    inner = (knot_m > first_m + 1e-6) & (knot_m < last_m - 1e-6)
    ends_m = geo.at(line_m, knot_m, np.array([first_m, last_m]))
    return np.concatenate([ends_m[:1], line_m[inner], ends_m[1:]])
