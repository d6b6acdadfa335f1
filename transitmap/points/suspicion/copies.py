"""Two rides -> how alike their movements are, once the later one's clock is set as the earlier one's was."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from transitmap import geo
from transitmap.model import BoolArray, Fixes, FloatArray, IntArray
from transitmap.points.suspicion.marks import MAX_GAP_S, Traced, Words, place_at

WINDOW_S = 30.0
MOVING_M_S = 1.0
"""In a window in which the ride went slower it stood: all vehicles stand alike at a terminal."""
SCAN_FIXES, MIN_MOVING = 100, 5
NEAR_S = 6.0
MIN_AGREED = 0.35
"""So many crossings of a copy agree on a lag, or on a line; of rides in other vehicles half as many."""
APART_M, CLOSE_SHARE = 60.0, 0.4
"""Rides of which two fifths are further apart than this are not looked at more closely."""
STEADY = 0.01
"""A clock that runs off by less than this share was not stretched."""
MAX_FACTOR = 1.6
SCANS_S = ((8.0, 2.0), (1.6, 0.4), (0.32, 0.08))
"""How the lag is found more and more closely: so many seconds to either side, in such steps."""


class Clock(NamedTuple):
    """The time of the other ride: `lag_s + factor * (time - zero_s) + zero_s`."""

    zero_s: float
    lag_s: float
    factor: float

    def other_s(self, time_s: FloatArray) -> FloatArray:
        """Times of this ride on the other's clock."""
        return np.asarray(self.zero_s + self.lag_s + self.factor * (time_s - self.zero_s))


class Likeness(NamedTuple):
    """How one ride follows another under the clock that suits it best.

    `slow_m` has an entry for each window of half a minute in which the ride moved and the other was seen: the
    length of the mean difference; `moved_m` is how far the ride came in each, `unlike_m` how far it was there
    from where an even speed over the whole would have had it. `near_m` is the median distance fix by fix, and
    `n_windows` counts the windows in which the ride moved, seen or not.
    """

    lag_s: float
    factor: float
    slow_m: FloatArray
    moved_m: FloatArray
    near_m: float
    n_windows: int


def compare(mine: Traced, other: Traced) -> Likeness | None:
    """How alike two rides are; None where they crossed too little in common to be compared.

    O(fixes of both), some thirty times.
    """
    pairs, zero_s = _crossed(mine, other), float(mine.fixes.time_s[0])
    guesses = _guesses(pairs, zero_s) if len(pairs) >= 2 else []
    if not guesses:
        return None
    plane = geo.Plane.around(other.fixes.lat_deg, other.fixes.lon_deg)
    mine_m = plane.to_metres(mine.fixes.lat_deg, mine.fixes.lon_deg)
    other_m = plane.to_metres(other.fixes.lat_deg, other.fixes.lon_deg)
    found = []
    for lag_s, factor in guesses:
        clock = _refined(Clock(zero_s, lag_s, factor), mine.fixes, mine_m, other.fixes, other_m)
        if clock is not None:
            found.append(_likeness(clock, mine.fixes, mine_m, other.fixes, other_m))
    found = [one for one in found if len(one.slow_m)]
    return min(found, key=lambda one: geo.median(one.slow_m), default=None)


def share_of_places(mine: Traced, other: Traced) -> float:
    """The share of a ride's fixes whose very positions another one has, whatever the clocks."""
    rows, _ = _shared(mine.vertices, other.vertices)
    return float(mine.vertices.n[rows].sum() / len(mine.fixes))


def _crossed(mine: Traced, other: Traced) -> FloatArray:
    """(n, 2): times at which the rides crossed a line at one place, or were at one position, once each."""
    lines = _common(mine.anchors, other.anchors, mine.ways.time_s, other.ways.time_s)
    places = _common(mine.vertices, other.vertices, mine.fixes.time_s, other.fixes.time_s)
    return np.concatenate([lines, places])


def _common(mine: Words, other: Words, mine_s: FloatArray, other_s: FloatArray) -> FloatArray:
    """(n, 2): times of the words that each ride has once."""
    first, second = _shared(mine, other)
    once = (mine.n[first] == 1) & (other.n[second] == 1)
    return np.column_stack([mine_s[mine.row[first[once]]], other_s[other.row[second[once]]]])


def _shared(mine: Words, other: Words) -> tuple[IntArray, IntArray]:
    """Where in each the words are that both have, in their order."""
    place = np.searchsorted(other.word, mine.word)
    place[place == len(other.word)] = 0
    same = np.flatnonzero(other.word[place] == mine.word) if len(other.word) else place[:0]
    return same, place[same]


def _guesses(pairs: FloatArray, zero_s: float) -> list[tuple[float, float]]:
    """Lags and factors that the crossings speak for: the commonest lag, and a line through all."""
    lag_s = np.sort(pairs[:, 1] - pairs[:, 0])
    n_near = np.searchsorted(lag_s, lag_s + NEAR_S, "right") - np.arange(len(lag_s))
    best = int(np.argmax(n_near))
    agrees = n_near[best] >= MIN_AGREED * len(pairs)
    steady = [(geo.median(lag_s[best : best + n_near[best]]), 1.0)] if agrees else []
    return steady if n_near[best] >= 2 * MIN_AGREED * len(pairs) else steady + _stretched(pairs, zero_s)


def _stretched(pairs: FloatArray, zero_s: float) -> list[tuple[float, float]]:
    """The line through the crossings, by the median of slopes; none where the clock was hardly stretched.

    Source: Theil 1950, A rank-invariant method of linear and polynomial regression analysis.
    """
    pairs = pairs[np.argsort(pairs[:, 0], kind="stable")]
    half = len(pairs) // 2
    run = pairs[half : 2 * half] - pairs[:half]
    slopes = run[run[:, 0] > 60.0]
    if len(slopes) < 3:
        return []
    factor = geo.median(slopes[:, 1] / slopes[:, 0])
    if abs(factor - 1.0) < STEADY or not 1 / MAX_FACTOR < factor < MAX_FACTOR:
        return []
    lag_s = pairs[:, 1] - zero_s - factor * (pairs[:, 0] - zero_s)
    middle_s = geo.median(lag_s)
    agrees = np.mean(np.abs(lag_s - middle_s) <= NEAR_S) >= MIN_AGREED
    return [(middle_s, factor)] if agrees else []


def _refined(
    clock: Clock, mine: Fixes, mine_m: FloatArray, other: Fixes, other_m: FloatArray
) -> Clock | None:
    """The clock near a guess under which the rides are closest; None where they are far apart in any case."""
    some = _on_the_way(mine.time_s, mine_m)
    when_s, place_m = clock.other_s(mine.time_s[some]), mine_m[some]
    inside = (when_s >= other.time_s[0]) & (when_s <= other.time_s[-1])
    when_s, place_m = when_s[inside], place_m[inside]
    best_s = 0.0
    for half_s, step_s in SCANS_S if len(when_s) else ():
        tried_s = best_s + np.arange(-half_s, half_s + step_s / 2, step_s)
        apart_m = _apart_m((when_s + tried_s[:, None]), place_m, other.time_s, other_m)
        best = np.flatnonzero(apart_m == apart_m.min())
        best_s = float(tried_s[best[len(best) // 2]])
        if apart_m.min() > APART_M:
            return None
    return clock._replace(lag_s=clock.lag_s + best_s) if len(when_s) else None


def _on_the_way(time_s: FloatArray, xy_m: FloatArray) -> IntArray:
    """Rows of some fixes at which the ride moved, evenly chosen; of all where it hardly did.

    Standing suits every lag: where a ride stood for two fifths of its time the best lag was any.
    """
    ends_m = [place_at(time_s, xy_m, time_s + half_s) for half_s in (-WINDOW_S / 2, WINDOW_S / 2)]
    row = np.flatnonzero(np.hypot(*(ends_m[1] - ends_m[0]).T) >= MOVING_M_S * WINDOW_S)
    row = row if len(row) >= MIN_MOVING else np.arange(len(time_s))
    return row[np.linspace(0, len(row) - 1, min(len(row), SCAN_FIXES)).astype(np.int64)]


def _apart_m(when_s: FloatArray, place_m: FloatArray, time_s: FloatArray, xy_m: FloatArray) -> FloatArray:
    """For each row of times, how far apart two of five places are at most from those of the other ride."""
    gap_m = [np.interp(when_s, time_s, xy_m[:, k]) - place_m[:, k] for k in range(2)]
    squares = gap_m[0] ** 2 + gap_m[1] ** 2
    middle = int(CLOSE_SHARE * (squares.shape[1] - 1))
    return np.asarray(np.sqrt(np.partition(squares, middle, axis=1)[:, middle]))


def _likeness(clock: Clock, mine: Fixes, mine_m: FloatArray, other: Fixes, other_m: FloatArray) -> Likeness:
    window = np.floor((mine.time_s - mine.time_s[0]) / WINDOW_S).astype(np.int64)
    edge_s = mine.time_s[0] + WINDOW_S * np.arange(int(window[-1]) + 2)
    moved_m = geo.steps_m(place_at(mine.time_s, mine_m, edge_s))
    is_moving = moved_m >= MOVING_M_S * WINDOW_S
    when_s = clock.other_s(mine.time_s)
    inside = _is_seen(other.time_s, when_s)
    gap_m = place_at(other.time_s, other_m, when_s) - mine_m
    count = np.bincount(window[inside], minlength=len(moved_m))
    mean_m = [np.bincount(window[inside], gap_m[inside, k], len(moved_m)) for k in range(2)]
    slow_m = np.hypot(*mean_m) / np.maximum(count, 1)
    seen = (count > 0) & is_moving
    moving = inside & is_moving[window]
    near_m = geo.median(np.hypot(*gap_m[moving].T)) if moving.any() else np.inf
    n_windows = int(np.count_nonzero(is_moving & (np.bincount(window, minlength=len(moved_m)) > 0)))
    return Likeness(clock.lag_s, clock.factor, slow_m[seen], moved_m[seen], near_m, n_windows)


def _is_seen(time_s: FloatArray, when_s: FloatArray) -> BoolArray:
    """Whether the fixes before and after a time are no gap."""
    after = np.searchsorted(time_s, when_s)
    inside = (after > 0) & (after < len(time_s))
    gap_s = time_s[np.minimum(after, len(time_s) - 1)] - time_s[np.maximum(after - 1, 0)]
    return np.asarray(inside & (gap_s <= MAX_GAP_S))
