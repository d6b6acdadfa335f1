"""Rides, legs -> waits before boarding, and what a wait says of the headway.

Who comes to a stop without a timetable in mind comes at any time, and waits as long as the rest of the gap:
evenly from nothing to the headway where vehicles come evenly. Who knows the timetable waits a few minutes
whatever the headway is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from transitmap.geo import Plane
from transitmap.model import BUS, CAR, RAIL, BoolArray, FloatArray, Legs, Lines, Ride

STOP_M = 50.0
"""Somebody within this distance of where they board is at the stop: phones that stand stray that far."""
WALK_M_S = 1.3
MAX_UNSEEN_S = 90.0
SHARE_ANY_TIME = 0.7
TIMED_WAIT_S = 180.0
"""Those who know the timetable: the share of riders and their mean wait are guesses of the right order, kept
wide."""
SHARE_ODD = 0.03
MAX_WAIT_S = 3600.0
"""Waits that are none (an errand at the stop): any length up to an hour; longer ones are not heeded."""


class Waits(NamedTuple):
    """Seconds that the rider of each line waited, NaN where nobody can tell. `is_least`: at least so long."""

    wait_s: FloatArray
    is_least: BoolArray


def find_waits(rides: Sequence[Ride], legs: Legs, lines: Lines, plane: Plane) -> Waits:
    """The wait before each line's first fix, from when the rider came near the place.

    A recording that began there tells the least wait. A rider who changes vehicles, or whose vehicle stood so
    long that its leg was cut, tells none; nor does who was there for more than `MAX_WAIT_S`.
    """
    wait_s, is_least = np.full(len(lines), np.nan), np.zeros(len(lines), dtype=bool)
    is_vehicle = np.isin(legs.mode, (BUS, CAR, RAIL))
    first_vehicle = np.unique(np.where(is_vehicle, legs.ride_index, -1), return_index=True)[1]
    rows = np.flatnonzero(np.isin(lines.leg_index, first_vehicle))
    for row in rows.tolist():
        fixes = rides[lines.ride_index[row]].fixes
        board_s = float(lines.fix_s[lines.fix_start[row]])
        until = int(np.searchsorted(fixes.time_s, board_s)) + 1
        xy_m = plane.to_metres(fixes.lat_deg[:until], fixes.lon_deg[:until])
        wait_s[row], is_least[row] = _wait_s(fixes.time_s[:until], xy_m)
    return Waits(np.where(wait_s > MAX_WAIT_S, np.nan, wait_s), is_least)


def _wait_s(time_s: FloatArray, xy_m: FloatArray) -> tuple[float, bool]:
    """How long somebody was at the last of the places, and whether they may have been there longer."""
    if len(time_s) < 2:
        return float("nan"), True
    off_m = np.hypot(*(xy_m - xy_m[-1]).T)
    n = len(off_m)
    beside = np.clip(np.arange(n) + np.arange(-2, 3)[:, None], 0, n - 1)
    steady_m = np.partition(off_m[beside], 2, axis=0)[2]  # the median
    away = np.flatnonzero(steady_m > STOP_M)
    if not len(away):
        return float(time_s[-1] - time_s[0]), True
    came = min(int(away[-1]) + 1, n - 1)
    stood_s = float(time_s[-1] - time_s[came])
    if time_s[came] - time_s[came - 1] > MAX_UNSEEN_S:
        return stood_s, True
    return max(0.0, stood_s - STOP_M / WALK_M_S), False


def wait_likelihood(waits: Waits, headway_s: FloatArray, evenness: Sequence[float]) -> FloatArray:
    """Logarithm of the likelihood of each wait, (evenness, waits, headways).

    The rest of a gap that a rider falls into has the density P(gap > w) / h. With gaps as in `gaps`, P(gap >
    w) is an incomplete Gamma function.
    """
    from scipy.special import gammaincc

    wait_s, is_least = waits.wait_s[:, None], waits.is_least[:, None]
    timed = np.exp(-wait_s / TIMED_WAIT_S)
    odd = np.clip(1.0 - wait_s / MAX_WAIT_S, 0.0, 1.0)
    likely = np.zeros((len(evenness), len(waits.wait_s), len(headway_s)))
    for i, a in enumerate(evenness):
        share = wait_s / headway_s
        longer = gammaincc(a, a * share)
        beyond = gammaincc(a + 1, a * share) - share * longer
        exact = SHARE_ANY_TIME * longer / headway_s + (1 - SHARE_ANY_TIME) * timed / TIMED_WAIT_S
        least = SHARE_ANY_TIME * beyond + (1 - SHARE_ANY_TIME) * timed
        likely[i] = np.where(
            is_least,
            (1 - SHARE_ODD) * least + SHARE_ODD * odd,
            (1 - SHARE_ODD) * exact + SHARE_ODD / MAX_WAIT_S,
        )
    return np.asarray(np.log(np.maximum(likely, 1e-12)))
