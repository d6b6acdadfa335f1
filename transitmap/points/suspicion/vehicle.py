"""Where a ride stood -> whether it is a bus of its line or a car that drives along it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from transitmap import geo
from transitmap.points.suspicion.followed import Followed
from transitmap.points.suspicion.marks import place_at

AT_CALL_M = 25.0
STAND_M_S = 1.5
STAND_S = 4.0
TICK_S = 2.0
MAX_INTERVAL_S = 10.0


class Halting(NamedTuple):
    """Of `n_calls` that a ride passed it stood at `n_served`; it stood `n_elsewhere` times at other places.

    `speed_m_s` is its speed while it moved. `n_calls` is 0 where fixes are too rare to tell.
    """

    n_calls: int
    n_served: int
    n_elsewhere: int
    speed_m_s: float


def halting_of(ride: Followed) -> Halting:
    """Where a ride stood along its pattern."""
    usable = np.isfinite(ride.along_m)
    time_s, along_m = ride.fixes.time_s[usable], ride.along_m[usable]
    if len(time_s) < 20 or geo.median(np.diff(time_s)) > MAX_INTERVAL_S:
        return Halting(0, 0, 0, np.nan)
    tick_s = np.arange(time_s[0], time_s[-1], TICK_S)
    xy_m = np.column_stack([along_m, np.zeros(len(along_m))])
    place_m = place_at(time_s, xy_m, tick_s)
    speed = _smooth(geo.steps_m(place_m) / TICK_S)
    halts_m = _halts_m(place_m[:-1, 0], speed < STAND_M_S)
    passed = ride.call_m[(ride.call_m > along_m.min()) & (ride.call_m < along_m.max())]
    if not len(passed):
        return Halting(0, 0, len(halts_m), float(speed[speed >= STAND_M_S].mean()))
    apart_m = np.abs(halts_m[:, None] - passed[None, :])
    served = (apart_m <= AT_CALL_M).any(axis=0) if len(halts_m) else np.zeros(len(passed), dtype=bool)
    away = (apart_m > AT_CALL_M).all(axis=1) if len(halts_m) else np.zeros(0, dtype=bool)
    moving = speed[speed >= STAND_M_S]
    mean_m_s = float(moving.mean()) if len(moving) else np.nan
    return Halting(len(passed), int(served.sum()), int(away.sum()), mean_m_s)


def _smooth(values: np.typing.NDArray[np.float64]) -> np.typing.NDArray[np.float64]:
    """A mean over three."""
    return np.convolve(np.pad(values, 1, mode="edge"), np.ones(3) / 3, "valid")


def _halts_m(
    along_m: np.typing.NDArray[np.float64], stands: np.typing.NDArray[np.bool_]
) -> np.typing.NDArray[np.float64]:
    """The middle of each stand of at least `STAND_S`, all medians at once."""
    edge = np.flatnonzero(np.diff(np.concatenate([[False], stands, [False]]).astype(np.int8)))
    first, last = edge[::2], edge[1::2]
    long = (last - first) * TICK_S >= STAND_S
    first, n = first[long], (last - first)[long]
    start = np.cumsum(n) - n
    own_m = along_m[np.repeat(first - start, n) + np.arange(n.sum())]
    own_m = own_m[np.lexsort((own_m, np.repeat(first, n)))]
    return np.asarray((own_m[start + (n - 1) // 2] + own_m[start + n // 2]) / 2)
