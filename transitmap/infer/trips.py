"""Stage 9. Sightings, Patterns -> Trips: which vehicle run each ride was, and why the others are none."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from transitmap.geo import first_reached
from transitmap.model import (
    CAR,
    NO_PATTERN,
    OTHER,
    STILL,
    WALK,
    BoolArray,
    FloatArray,
    IntArray,
    Legs,
    Ride,
    Sightings,
    Trips,
)

FAR, COPY, TOO_SHORT = "far_away", "copy", "too_short"
JUNK = {WALK: "walking", STILL: "standing", CAR: "by_car", OTHER: TOO_SHORT}
"""Why a ride of this mode is no ride on a line."""

FAR_CALL_M = 100.0
"""A rider seen aboard this far before the nearest known call, or after it, got on or off elsewhere."""


def name_trips(
    rides: Sequence[Ride],
    legs: Legs,
    sightings: Sightings,
    call_start: IntArray,
    call_along_m: FloatArray,
    copy_of: IntArray,
    is_far: BoolArray,
) -> Trips:
    """One row a ride: the pattern that its longest vehicle leg ran, where it was boarded and left, and when.

    Rides that support no pattern say why. Junk has a reason of its own: far from all others, a copy of
    another ride, only standing or walking, a car, too few fixes. What is left is a ride whose way too few
    others ran: evidence of something not mapped yet (a route seen once, a detour).
    """
    best = _best_rows(sightings, len(rides))
    rows = [
        _trip(best[k], sightings, call_start, call_along_m)
        if best[k] >= 0 and copy_of[k] < 0
        else [-1.0, np.nan, np.nan, -1.0, -1.0, np.nan, np.nan, 0.0]
        for k in range(len(rides))
    ]
    table = np.array(rows, dtype=float).reshape(-1, 8)
    pattern_index = table[:, 0].astype(np.int64)
    mode = _modes(legs, rides)
    return Trips(
        pattern_index=pattern_index,
        mode=mode,
        first_m=table[:, 1],
        last_m=table[:, 2],
        board_call=table[:, 3].astype(np.int64),
        alight_call=table[:, 4].astype(np.int64),
        board_time_s=table[:, 5],
        alight_time_s=table[:, 6],
        confidence=table[:, 7],
        reason=tuple(
            ""
            if pattern_index[k] >= 0
            else FAR
            if is_far[k]
            else _reason(int(copy_of[k]), int(mode[k]), len(ride.fixes))
            for k, ride in enumerate(rides)
        ),
    )


def _best_rows(sightings: Sightings, n_rides: int) -> IntArray:
    """The own sighting of each ride that covers most road; -1 where there is none."""
    best = np.full(n_rides, -1, dtype=np.int64)
    seen_m = np.zeros(n_rides)
    for row in np.flatnonzero(sightings.is_own):
        fixes = slice(sightings.fix_start[row], sightings.fix_start[row + 1])
        length_m = float(np.ptp(sightings.along_m[fixes]))
        ride = sightings.ride_index[row]
        if length_m > seen_m[ride]:
            best[ride], seen_m[ride] = row, length_m
    return best


def _trip(row: int, sightings: Sightings, call_start: IntArray, call_along_m: FloatArray) -> list[float]:
    """Pattern, stretch, calls, times and confidence of one sighting."""
    fixes = slice(sightings.fix_start[row], sightings.fix_start[row + 1])
    along_m, time_s = sightings.along_m[fixes], sightings.time_s[fixes]
    path = int(sightings.path_index[row])
    calls_m = call_along_m[call_start[path] : call_start[path + 1]]
    board = int(np.argmin(np.abs(calls_m - along_m[0])))
    alight = int(np.argmin(np.abs(calls_m - along_m[-1])))
    if alight <= board:
        board, alight = (board, board + 1) if board + 1 < len(calls_m) else (board - 1, board)
    passed_s = first_reached(along_m, time_s, calls_m[[board, alight]])
    early, late = calls_m[board] - along_m[0] > FAR_CALL_M, along_m[-1] - calls_m[alight] > FAR_CALL_M
    board_s = passed_s[0] if np.isfinite(passed_s[0]) and not early else time_s[0]
    alight_s = passed_s[1] if np.isfinite(passed_s[1]) and not late else time_s[-1]
    rivals = sightings.weight[sightings.line_index == sightings.line_index[row]].sum()
    sure = sightings.weight[row] / max(rivals, 1e-9)
    stretch_m = float(along_m[0]), float(along_m[-1])
    return [path, *stretch_m, board, alight, float(board_s), float(alight_s), float(sure)]


def _modes(legs: Legs, rides: Sequence[Ride]) -> IntArray:
    """The vehicle that carried a ride longest, else what its rider did longest."""
    mode = np.full(len(rides), OTHER, dtype=np.int64)
    longest_s = np.zeros(len(rides))
    for leg in range(len(legs)):
        ride, way = int(legs.ride_index[leg]), int(legs.mode[leg])
        time_s = rides[ride].fixes.time_s
        lasted_s = float(time_s[legs.last[leg] - 1] - time_s[legs.first[leg]])
        lasted_s *= 1.0 if way in (WALK, STILL) else 1e6
        if lasted_s > longest_s[ride]:
            mode[ride], longest_s[ride] = way, lasted_s
    return mode


def _reason(copy_of: int, mode: int, n_fixes: int) -> str:
    if copy_of >= 0:
        return COPY
    return JUNK.get(mode, NO_PATTERN) if n_fixes >= 2 else TOO_SHORT
