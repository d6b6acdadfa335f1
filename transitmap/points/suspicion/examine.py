"""A ride, those before it, what it was recognised as -> Findings: what of it cannot be, or wants a look."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from transitmap import geo
from transitmap.model import RAIL, Finding, Fixes, Network, Ride, Trips
from transitmap.points.suspicion.copies import Likeness, compare, share_of_places
from transitmap.points.suspicion.followed import Followed, follow
from transitmap.points.suspicion.marks import Traced, place_at, trace
from transitmap.points.suspicion.motion import Motion, motion_of
from transitmap.points.suspicion.sentences import SENTENCES
from transitmap.points.suspicion.vehicle import halting_of

HARD, SOFT = "hard", "soft"

SAME_M = 0.6
"""Two receivers differ by more than this, in a half minute's mean and fix by fix, however alike they err."""
ALIKE_M = ((3, 2.0), (6, 7.0), (8, 12.0), (10, 14.0), (14, 20.0), (20, 30.0))
"""From how many half minutes on: rides are one movement where nine of ten differ by less than this. Rides in
two vehicles never do; the decision on copies tells how far they are from it."""
NEARLY = 1.4
"""Up to so many times that, people should look."""
SAME_PLACES, PLACES_S = 0.5, 90.0
"""In rides so long no phones of two vehicles are at half of the same metres; a quarter at most was seen."""
RUN_M, RUN_WINDOWS = 20.0, 16
"""So many half minutes in a row closer than this are a piece of another ride."""
TOGETHER_S = 60.0
"""Two phones in one vehicle have clocks that agree so well."""
CLOCK_S, ZONE_S, ZONE_SLACK_S, MAX_ZONE_S = 900.0, 900.0, 20.0, 50_400.0
"""A clock may be minutes wrong; an app may write local times: whole quarters of an hour, up to 14 hours."""

PUSH_M_S2 = 4.0
"""A quarter of all accelerations; of a phone whose fixes jump about more than a tenth are nobody's."""
FAST_M_S = {RAIL: 100.0}
FAST_ROAD_M_S = 50.0
EVEN, MOST_EVEN, EVEN_WINDOWS = 0.006, 0.18, 8
"""The spread of a bus's speed for each window looked at, and the most that is asked for: over few it may be
even by chance, over thirty it varies by a quarter."""
WALK_M_S, EVEN_M_S = 3.0, 20.0
"""Who walks or drives on a motorway is even, too."""
ON_LINE, FORGOTTEN_M, MIN_ACROSS, SMOOTH_M = 0.7, 0.9, 40, 0.1
FORGETFUL, MEMORY, SURE = 0.3, 0.5, 3.0
"""Errors that are less like those of the fix before are no receiver's; of few fixes only what lies so many
standard deviations below what receivers have that measure every six seconds and forget most."""
MADE_UP = 0.4
"""Fixes put in between others to look like a phone that measures often: half of them and more; honest 4 %."""
APART_M, APART_S = 1_000.0, 120.0
TRAVEL_M, TRAVEL_M_S = 2_000.0, 83.0
FUTURE_S, OLD_S = 300.0, 90 * 86_400.0
MOCK_SHARE = 0.5
SERVED_BUS, SERVED_CAR, MIN_CALLS, CAR_SCORE = 0.45, 0.10, 5, -3.4


class Alone(NamedTuple):
    """A ride looked at by itself: made ready to be compared, its mode as recognised, what was found."""

    ride: Ride
    traced: Traced
    mode: int
    findings: tuple[Finding, ...]


class Beside(NamedTuple):
    """What one earlier ride tells of a ride: whether it was copied, or its rider elsewhere, as findings.

    `share` of the ride's fixes are at the other's very positions.
    """

    other_id: str
    copied: Finding | None
    share: float
    elsewhere: Finding | None


def examine(
    ride: Ride, before: Sequence[Ride], trips: Trips, index: int, network: Network, received_s: float
) -> tuple[Finding, ...]:
    """What is wrong with a ride: hard findings first, none for nearly every ride.

    `before` are rides understood earlier: those it may copy (see `marks_of`), and those of the same rider
    around the same time. Row `index` of `trips` is what the ride was recognised as in `network`; `received_s`
    is when it came. Depends on nothing else, so that a replay finds the same.
    """
    alone = look_alone(ride, trips, index, network, received_s)
    return found_in_all(alone, [look_beside(alone, other) for other in before])


def look_alone(ride: Ride, trips: Trips, index: int, network: Network, received_s: float) -> Alone:
    """What is wrong with a ride by itself. Needs no other ride, so it is best asked for before they are."""
    followed = follow(ride, trips, index, network)
    motion = motion_of(followed.fixes, followed.along_m, followed.off_m)
    mode = int(trips.mode[index])
    found = [
        *_flagged(ride, received_s),
        *_impossible(motion, mode),
        *_drawn(motion, mode),
        *_driven(followed, mode),
    ]
    return Alone(ride, trace(ride.fixes), mode, tuple(found))


def look_beside(alone: Alone, other: Ride) -> Beside:
    """A ride beside an earlier one. Of the same two it is always the same."""
    mine, theirs = alone.traced, trace(other.fixes)
    alike = compare(mine, theirs)
    copied = _judged(alike, alone.mode, other.ride_id) if alike is not None else None
    is_own = other.rider_id == alone.ride.rider_id and bool(other.rider_id)
    elsewhere = _elsewhere(alone.ride, other) if is_own else None
    return Beside(other.ride_id, copied, share_of_places(mine, theirs), elsewhere)


def found_in_all(alone: Alone, beside: Sequence[Beside]) -> tuple[Finding, ...]:
    """What is wrong with a ride, the hardest first: by itself, and of two rides what has the least doubt."""
    found = [*alone.findings, *_first_elsewhere(beside), *_copied(alone, beside)]
    return tuple(sorted(found, key=lambda one: (one.tier != HARD, -one.score, one.code)))


def _finding(code: str, tier: str, score: float, evidence: dict[str, Any], other: str = "") -> Finding:
    text_es, text_en = SENTENCES[code]
    numbers = {
        name: round(value, 3) if isinstance(value, float) else value for name, value in evidence.items()
    }
    return Finding(code, tier, round(score, 3), numbers, other, text_es, text_en)


# --- what the phone and the clock say ------------------------------------------------------------


def _flagged(ride: Ride, received_s: float) -> list[Finding]:
    n_mock, n = ride.flagged.get("mock", 0), len(ride.fixes)
    found = []
    if n_mock >= MOCK_SHARE * n:
        found.append(_finding("mock", HARD, n_mock / n, {"n_mock": n_mock, "n_fixes": n}))
    ahead_s = float(ride.fixes.time_s[-1]) - received_s
    if ahead_s > FUTURE_S:
        found.append(_finding("future", HARD, 1.0, {"ahead_s": ahead_s}))
    if -ahead_s > OLD_S:
        found.append(_finding("old", SOFT, 0.5, {"age_days": int(-ahead_s // 86_400)}))
    return found


# --- motion --------------------------------------------------------------------------------------


def _impossible(motion: Motion, mode: int) -> list[Finding]:
    found = []
    if motion.jump_m > 0:
        found.append(_finding("jump", HARD, 1.0, {"jump_m": motion.jump_m}))
    most_m_s = FAST_M_S.get(mode, FAST_ROAD_M_S)
    if motion.push_m_s2 > PUSH_M_S2 or (motion.fast_m_s > most_m_s and not found):
        numbers = {"push_m_s2": motion.push_m_s2, "fast_m_s": motion.fast_m_s}
        known = {name: value for name, value in numbers.items() if np.isfinite(value)}
        found.append(_finding("too_fast", HARD, 1.0, known))
    return found


def _drawn(motion: Motion, mode: int) -> list[Finding]:
    """Traces that no receiver wrote: even speed, exactly on the line, errors that forget at once."""
    found = []
    if motion.evenness < min(MOST_EVEN, EVEN * motion.n_windows) and motion.n_windows >= EVEN_WINDOWS:
        numbers = {"evenness": motion.evenness, "n_windows": motion.n_windows, "speed_m_s": motion.speed_m_s}
        is_sure = WALK_M_S < motion.speed_m_s < EVEN_M_S and mode != RAIL
        kind = ("even_speed", HARD) if is_sure else ("steady", SOFT)
        found.append(_finding(*kind, 1.0 - motion.evenness, numbers))
    if motion.n_across >= MIN_ACROSS:
        numbers = {"on_line": motion.on_line, "memory": motion.memory, "n_across": motion.n_across}
        if motion.on_line > ON_LINE:
            found.append(_finding("on_line", HARD, motion.on_line, numbers))
        elif motion.memory < _forgetful(motion.n_across) and motion.spread_m > FORGOTTEN_M:
            found.append(_finding("white_noise", HARD, 1.0 - max(motion.memory, 0.0), numbers))
        elif motion.rough_m < SMOOTH_M:
            found.append(_finding("smooth", SOFT, 0.5, {"rough_m": motion.rough_m, **numbers}))
    if motion.between > MADE_UP and not any(one.code == "smooth" for one in found):
        found.append(_finding("smooth", SOFT, motion.between, {"between": motion.between}))
    return found


def _forgetful(n_across: int) -> float:
    """Below which memory errors are no receiver's.

    Source: Fisher 1921, On the probable error of a coefficient of correlation (the deviation of its arctanh).
    """
    return min(FORGETFUL, float(np.tanh(np.arctanh(MEMORY) - SURE / np.sqrt(n_across - 3))))


def _driven(ride: Followed, mode: int) -> list[Finding]:
    """A car along a bus line: it passes the stops where buses halt."""
    halting = halting_of(ride)
    if halting.n_calls < MIN_CALLS or mode == RAIL:
        return []
    odds = _car_score(halting.n_calls, halting.n_served)
    if odds >= CAR_SCORE:
        return []
    numbers = {"n_calls": halting.n_calls, "n_served": halting.n_served, "n_elsewhere": halting.n_elsewhere}
    return [_finding("car", SOFT, 1.0 / (1.0 + float(np.exp(odds))), numbers)]


def _car_score(n_calls: int, n_served: int) -> float:
    """Logarithm of how much likelier a bus is than a car to halt at so many of its stops."""
    n_passed = n_calls - n_served
    served, passed = np.log(SERVED_BUS / SERVED_CAR), np.log((1 - SERVED_BUS) / (1 - SERVED_CAR))
    return float(n_served * served + n_passed * passed)


# --- other rides ---------------------------------------------------------------------------------


def _first_elsewhere(beside: Sequence[Beside]) -> list[Finding]:
    """The same rider at two places at once, or between two rides faster than anything there."""
    ordered = sorted(beside, key=lambda one: one.other_id)
    return [one.elsewhere for one in ordered if one.elsewhere is not None][:1]


def _elsewhere(ride: Ride, other: Ride) -> Finding | None:
    apart_m, for_s = _apart(ride.fixes, other.fixes)
    if for_s >= APART_S:
        numbers = {"apart_m": apart_m, "for_s": for_s}
        return _finding("two_places", HARD, 1.0, numbers, other.ride_id)
    if not for_s and apart_m > TRAVEL_M:
        return _finding("two_places", HARD, 1.0, {"apart_m": apart_m, "for_s": 0.0}, other.ride_id)
    return None


def _apart(mine: Fixes, other: Fixes) -> tuple[float, float]:
    """How far apart two rides are and for how many seconds; of rides that do not overlap, how far the second
    begins from where the first ended where nobody could get there, and 0 seconds."""
    plane = geo.Plane.around(mine.lat_deg, mine.lon_deg)
    places = [plane.to_metres(one.lat_deg, one.lon_deg) for one in (mine, other)]
    first_s = max(mine.time_s[0], other.time_s[0])
    last_s = min(mine.time_s[-1], other.time_s[-1])
    if first_s >= last_s:
        ends = (0, -1) if mine.time_s[0] >= other.time_s[-1] else (-1, 0)
        away_m = float(np.hypot(*(places[0][ends[0]] - places[1][ends[1]])))
        return (away_m if away_m > TRAVEL_M_S * max(first_s - last_s, 1.0) else 0.0), 0.0
    tick_s = np.arange(first_s, last_s + 1.0, 10.0)
    both = [place_at(one.time_s, xy, tick_s) for one, xy in zip((mine, other), places, strict=True)]
    far_m = np.hypot(*(both[0] - both[1]).T)
    far = far_m > APART_M
    return (geo.median(far_m[far]) if far.any() else 0.0), 10.0 * float(np.count_nonzero(far))


def _copied(alone: Alone, beside: Sequence[Beside]) -> list[Finding]:
    """The ride that this one copies with the least doubt, if any."""
    found = [one.copied for one in beside if one.copied is not None]
    best = sorted(found, key=lambda one: (one.tier != HARD, -one.score, one.other_ride_id))
    return best[:1] or _at_same_places(alone, beside)


def _at_same_places(alone: Alone, beside: Sequence[Beside]) -> list[Finding]:
    """The ride whose very positions this one has, whatever the clocks: made of it, or to stand before it."""
    share, name = max(((one.share, one.other_id) for one in beside), default=(0.0, ""))
    fixes = alone.ride.fixes
    if share < SAME_PLACES or fixes.time_s[-1] - fixes.time_s[0] < PLACES_S:
        return []
    return [_finding("alike", SOFT, share / 2, {"share": share, "n_fixes": len(fixes)}, name)]


def _judged(alike: Likeness, mode: int, other_id: str) -> Finding | None:
    """What one likeness means. Company in a vehicle is no reason for anything: there the same receiver must
    have written both."""
    is_together = alike.factor == 1.0 and abs(alike.lag_s) <= TOGETHER_S
    if is_together and alike.near_m > SAME_M:
        return None
    n, far_m = len(alike.slow_m), float(np.percentile(alike.slow_m, 90))
    covers = 2 * n >= alike.n_windows
    if covers and n >= ALIKE_M[0][0] and far_m <= SAME_M and alike.near_m <= SAME_M:
        return _finding("copy", HARD, 1.0, _numbers(alike, far_m), other_id)
    if is_together:
        return None
    most_m = max((most_m for least, most_m in ALIKE_M if n >= least), default=0.0)
    is_piece = _longest_run(alike.slow_m <= RUN_M) >= RUN_WINDOWS
    if not is_piece and not (covers and most_m and far_m <= NEARLY * most_m):
        return None
    is_sure = (is_piece or far_m <= most_m) and mode != RAIL and not _is_clock(alike)
    score = 1.0 if is_piece else 1.0 - far_m / (2 * NEARLY * most_m)
    kind = ("copy_redated", HARD) if is_sure else ("alike", SOFT)
    return _finding(*kind, score, _numbers(alike, far_m), other_id)


def _numbers(alike: Likeness, far_m: float) -> dict[str, Any]:
    """What a finding about two rides rests on."""
    n = len(alike.slow_m)
    return {
        "lag_s": round(alike.lag_s, 1),
        "factor": alike.factor,
        "n_windows": n,
        "share": n / max(alike.n_windows, 1),
        "near_m": alike.near_m,
        "slow_m": geo.median(alike.slow_m),
        "far_m": far_m,
        "moved_m": round(float(alike.moved_m.sum())),
    }


def _is_clock(alike: Likeness) -> bool:
    """Whether one of two phones in one vehicle may have had a wrong clock or a wrong time zone."""
    off_s = abs(alike.lag_s)
    over_s = abs(off_s - ZONE_S * round(off_s / ZONE_S))
    return alike.factor == 1.0 and (off_s <= CLOCK_S or (over_s <= ZONE_SLACK_S and off_s <= MAX_ZONE_S))


def _longest_run(flags: np.typing.NDArray[np.bool_]) -> int:
    edge = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return int((edge[1::2] - edge[::2]).max(initial=0))
