"""Stage 7b. Legs, Lines, Stops -> which vehicles are strays: cars that pass by where buses halt."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from transitmap.config import StraysConfig
from transitmap.geo import Plane
from transitmap.model import (
    CAR,
    STILL,
    WALK,
    BoolArray,
    FloatArray,
    IntArray,
    Legs,
    Lines,
    Sightings,
    Stops,
)

OPPOSITE_M = 100.0
"""Stops that face the other way count as this far off: a pair shares a street, not its passengers."""
USUAL, USUAL_WEIGHT = 0.6, 8.0
"""Of ten vehicles that pass a stop six halt; a stop says otherwise once more than eight have passed: it is
known because somebody halted, so the few others who did say little."""
UNUSUAL = 0.12
"""How often a car stands where people wait: lights and queues are where they are."""
SPREAD = 0.5
"""Vehicles differ (log odds, standard deviation): at a quiet hour a bus halts at few of its stops."""
N_MOODS = 9
CAR_FEET = 0.05
"""How often a car's recording seems to walk or wait at an end."""
MIN_NAMED, CLEAR, SURE = 10, 0.7, 4.0
"""Names tell cars where so many rides have one and so many have none, of two such the named one looks more
like a bus at least so often (half of the time by chance), and this is no chance (standard errors)."""
BEND_POINTS = 4
ZONE_M = 60.0
N_SECTORS = 4
WINDOW = 2
"""Pace is taken over this many points of a line to either side."""


def find_strays(
    legs: Legs, lines: Lines, stops: Stops, plane: Plane, is_named: BoolArray, config: StraysConfig
) -> BoolArray:
    """Which lines are cars: one flag a line, raised where a car is likelier than `config.min_share`.

    What is known of a vehicle (`weigh`) is added up with the weights of a logistic regression, learnt on
    simulated cities (`benchmarks/train_strays.py`), none of which anybody has seen. `is_named` tells the
    lines whose rider gave a route; where these look unlike the others, that counts too (`unnamed_odds`).
    """
    weight = np.array([config.calls, config.boarding, config.alighting, config.pace])
    odds = unnamed_odds(lines, is_named, config)
    log_odds = np.log(odds) - weigh(legs, lines, stops, plane, config) @ weight
    return np.asarray(1.0 / (1.0 + np.exp(-log_odds)) >= config.min_share)


def call_cars(legs: Legs, lines: Lines, is_stray: BoolArray) -> Legs:
    """The legs, those of strays told as cars."""
    mode = legs.mode.copy()
    mode[lines.leg_index[is_stray]] = CAR
    return replace(legs, mode=mode)


def leave_out(sightings: Sightings, is_stray: BoolArray) -> Sightings:
    """The sightings of all vehicles but strays."""
    kept = ~is_stray[sightings.line_index]
    fixes = np.repeat(kept, np.diff(sightings.fix_start))
    n_fixes = np.diff(sightings.fix_start)[kept]
    return Sightings(
        line_index=sightings.line_index[kept],
        ride_index=sightings.ride_index[kept],
        path_index=sightings.path_index[kept],
        weight=sightings.weight[kept],
        is_own=sightings.is_own[kept],
        fix_start=np.concatenate([[0], np.cumsum(n_fixes)]).astype(np.int64),
        time_s=sightings.time_s[fixes],
        along_m=sightings.along_m[fixes],
    )


def weigh(legs: Legs, lines: Lines, stops: Stops, plane: Plane, config: StraysConfig) -> FloatArray:
    """What is known of each line, (n, 4); above 0 speaks for a bus, 0 says nothing.

    Log odds that its halts at the stops it passed are a bus's, the same of feet before and after the ride,
    and how much slower it was than the others on the same streets, in standard errors or so. Each is
    measured against the other rides: where nobody's phone records a walk, no walk says nothing.
    """
    if not len(lines):
        return np.zeros((0, 4))
    pace_s_m = _paces(lines)
    before, after = _on_foot(legs, lines)
    return np.column_stack(
        [
            _calls(lines, stops, plane, pace_s_m, config),
            _feet(before),
            _feet(after),
            _slower(lines, pace_s_m),
        ]
    )


def _line_of(lines: Lines) -> IntArray:
    """The line of each point."""
    return np.repeat(np.arange(len(lines)), np.diff(lines.point_start))


def _paces(lines: Lines) -> FloatArray:
    """Seconds a metre around each point of each line."""
    line = _line_of(lines)
    row = np.arange(len(line))
    first = np.maximum(row - WINDOW, lines.point_start[line])
    last = np.minimum(row + WINDOW, lines.point_start[line + 1] - 1)
    length_m = (last - first) * _steps_m(lines)[line]
    return np.asarray((lines.time_s[last] - lines.time_s[first]) / np.maximum(length_m, 1.0))


def _steps_m(lines: Lines) -> FloatArray:
    """Metres between the points of each line, which are even."""
    first = lines.point_start[:-1]
    delta_m = lines.xy_m[np.minimum(first + 1, lines.point_start[1:] - 1)] - lines.xy_m[first]
    return np.asarray(np.hypot(delta_m[:, 0], delta_m[:, 1]))


# --- names ---------------------------------------------------------------------------------------


def unnamed_odds(lines: Lines, is_named: BoolArray, config: StraysConfig) -> FloatArray:
    """Odds of a car for each line by its look: `config.odds`, unless names tell what buses look like here.

    People name buses, not cars. Where many rides have a name, the others are buses that nobody named and
    cars; how many buses look like a ride is known from those named. Where names are given at random, or by
    none or by all, they tell nothing.
    Source: Elkan and Noto 2008, Learning classifiers from only positive and unlabeled data.
    """
    odds = np.full(len(lines), config.odds)
    n_named, n_others = np.count_nonzero(is_named), np.count_nonzero(~is_named)
    if min(n_named, n_others) < MIN_NAMED:
        return odds
    chance = _chance_named(_looks(lines), is_named)
    others = np.sort(chance[~is_named])
    above = np.searchsorted(others, chance[is_named]) + np.searchsorted(others, chance[is_named], "right")
    clear = float(above.mean()) / (2 * n_others)
    if clear < max(CLEAR, 0.5 + SURE * np.sqrt((1 / n_named + 1 / n_others) / 12)):
        return odds
    share = chance[is_named].mean()
    bus = np.clip((1 - share) / share * chance / (1 - chance), 0.02, 0.98)
    return np.asarray(np.where(is_named, odds, (1 - bus) / bus))


def _looks(lines: Lines) -> FloatArray:
    """How winding and how quick each way is, (n, 2), from a middle of 0 with a spread of 1, 3 at most."""
    line = _line_of(lines)
    ahead = np.minimum(np.arange(len(line)) + BEND_POINTS, lines.point_start[line + 1] - 1)
    bend = 1.0 - (lines.heading * lines.heading[ahead]).sum(axis=1)
    bends = np.bincount(line, np.maximum(bend, 0.0), len(lines)) / np.diff(lines.point_start)
    look = np.column_stack([np.sqrt(bends), np.log(_cruise(lines, _paces(lines)))])
    return np.asarray(np.clip((look - np.median(look, axis=0)) / (look.std(axis=0) + 1e-9), -3.0, 3.0))


def _chance_named(look: FloatArray, is_named: BoolArray) -> FloatArray:
    """The chance that a ride of this look has a name: a logistic regression by Newton's steps."""
    x = np.column_stack([np.ones(len(look)), look])
    damp = np.diag([1e-6, *np.ones(look.shape[1])])
    weight = np.zeros(x.shape[1])
    for _ in range(12):
        chance = 1.0 / (1.0 + np.exp(-(x @ weight)))
        curve = (x * (chance * (1.0 - chance))[:, None]).T @ x + damp
        weight = weight + np.linalg.solve(curve, x.T @ (is_named - chance) - damp @ weight)
    return np.asarray(1.0 / (1.0 + np.exp(-(x @ weight))))


# --- halts at stops ------------------------------------------------------------------------------


def _calls(
    lines: Lines, stops: Stops, plane: Plane, pace_s_m: FloatArray, config: StraysConfig
) -> FloatArray:
    """Log odds of each line's halts at the stops it passed, a bus's against a car's."""
    line, stop, point = _passes(lines, stops, plane, config)
    halts, is_seen = _halts(lines, line, point, stops_m(stops, plane)[stop], pace_s_m, config)
    line, stop, halts = line[is_seen], stop[is_seen], halts[is_seen]
    n_passing = np.bincount(stop, minlength=len(stops))[stop] - 1
    n_halting = np.bincount(stop, halts, len(stops))[stop] - halts
    bus = (n_halting + USUAL * USUAL_WEIGHT) / (n_passing + USUAL_WEIGHT)
    bus = np.clip(bus, 0.05, 0.95)
    car = np.minimum(UNUSUAL, bus / 2)
    likely = (_log_likely(line, halts, share, len(lines)) for share in (bus, car))
    return np.asarray(np.subtract(*likely))


def _log_likely(line: IntArray, halts: FloatArray, share: FloatArray, n_lines: int) -> FloatArray:
    """Log likelihood of each line's halts where vehicles halt with these shares, some of them more often
    (all along the way) and some less: many stops passed by are one odd vehicle, not as many proofs."""
    from scipy.special import expit, logit, logsumexp

    mood, weight = np.polynomial.hermite_e.hermegauss(N_MOODS)
    log_likely = []
    for shift in SPREAD * mood:
        chance = expit(logit(share) + shift)
        log_chance = halts * np.log(chance) + (1 - halts) * np.log1p(-chance)
        log_likely.append(np.bincount(line, log_chance, n_lines))
    return np.asarray(logsumexp(log_likely, axis=0, b=(weight / weight.sum())[:, None]))


def stops_m(stops: Stops, plane: Plane) -> FloatArray:
    """Stops on the plane, (n, 2)."""
    return plane.to_metres(stops.lat_deg, stops.lon_deg)


def _passes(
    lines: Lines, stops: Stops, plane: Plane, config: StraysConfig
) -> tuple[IntArray, IntArray, IntArray]:
    """Line, stop and nearest point for each stop that a line passes on its side; not at the line's ends,
    where a bus stands for its own rider and a car is parked."""
    from scipy.spatial import cKDTree

    none = np.zeros(0, dtype=np.int64)
    if not len(stops):
        return none, none, none
    turn = np.radians(stops.heading_deg)
    ahead = np.column_stack([np.sin(turn), np.cos(turn)])
    tree = cKDTree(np.column_stack([stops_m(stops, plane), ahead * OPPOSITE_M / 2]))
    line = _line_of(lines)
    row, step_m = np.arange(len(line)), _steps_m(lines)[line]
    inner_m = np.minimum(row - lines.point_start[line], lines.point_start[line + 1] - 1 - row) * step_m
    row = np.flatnonzero(lines.is_seen & (inner_m > config.end_m))
    features = np.column_stack([lines.xy_m[row], lines.heading[row] * OPPOSITE_M / 2])
    off_m, stop = tree.query(features, distance_upper_bound=config.beside_m)
    near = np.isfinite(off_m)
    row, stop, off_m = row[near], stop[near], off_m[near]
    order = np.lexsort((off_m, stop, line[row]))
    row, stop = row[order], stop[order]
    first = np.concatenate([[True], (np.diff(line[row]) != 0) | (np.diff(stop) != 0)])[: len(row)]
    return line[row[first]], stop[first], row[first]


def _halts(
    lines: Lines,
    line: IntArray,
    point: IntArray,
    stop_m: FloatArray,
    pace_s_m: FloatArray,
    config: StraysConfig,
) -> tuple[FloatArray, BoolArray]:
    """How surely (0 to 1) each pass lost about `config.lost_s` or more within `config.near_m` of the stop,
    and whether its phone saw enough of the way there to tell."""
    first, last = _windows(lines, line, point, config.near_m + config.beside_m)
    n = np.maximum(last - first, 0)
    owner = np.repeat(np.arange(len(line)), n)
    row = np.repeat(first, n) + np.arange(n.sum()) - np.repeat(np.cumsum(n) - n, n)
    start_m, step_m = lines.fix_m[row], lines.fix_m[row + 1] - lines.fix_m[row]
    inside = _share_inside(start_m - stop_m[owner], step_m, config.near_m)
    spent_s = np.bincount(owner, inside * (lines.fix_s[row + 1] - lines.fix_s[row]), len(line))
    seen_m = np.minimum(np.bincount(owner, inside * np.hypot(*step_m.T), len(line)), 2 * config.near_m)
    lost_s = spent_s - seen_m * _cruise(lines, pace_s_m)[line]
    return np.clip(lost_s / config.lost_s - 0.5, 0.0, 1.0), seen_m > 0.6 * config.near_m


def _windows(lines: Lines, line: IntArray, point: IntArray, reach_m: float) -> tuple[IntArray, IntArray]:
    """First and last fix of each pass: from `reach_m` before the point to as much after."""
    n_points = np.ceil(reach_m / np.maximum(_steps_m(lines)[line], 1.0)).astype(np.int64)
    opens = np.maximum(point - n_points, lines.point_start[line])
    closes = np.minimum(point + n_points, lines.point_start[line + 1] - 1)
    owner = np.repeat(np.arange(len(lines)), np.diff(lines.fix_start))
    origin_s = lines.fix_s[lines.fix_start[:-1]]
    span_s = float(np.max(lines.fix_s - origin_s[owner], initial=0.0)) + 1.0
    clock = lines.fix_s - origin_s[owner] + 2 * span_s * owner

    def nearest(point: IntArray, side: str) -> IntArray:
        when = lines.time_s[point] - origin_s[line] + 2 * span_s * line
        return np.searchsorted(clock, when, "left" if side == "left" else "right")

    first = np.maximum(nearest(opens, "right") - 1, lines.fix_start[line])
    last = np.minimum(nearest(closes, "left"), lines.fix_start[line + 1] - 1)
    return first, last


def _share_inside(from_m: FloatArray, step_m: FloatArray, radius_m: float) -> FloatArray:
    """The share of each straight step that lies within a circle round the origin."""
    a = np.maximum((step_m**2).sum(axis=1), 1e-9)
    b = (from_m * step_m).sum(axis=1)
    root = b**2 - a * ((from_m**2).sum(axis=1) - radius_m**2)
    half = np.sqrt(np.maximum(root, 0.0))
    return np.where(root > 0, np.clip((half - b) / a, 0, 1) - np.clip((-half - b) / a, 0, 1), 0.0)


def _cruise(lines: Lines, pace_s_m: FloatArray) -> FloatArray:
    """The pace that each vehicle keeps where nothing holds it: three tenths of its way were quicker."""
    order = np.lexsort((pace_s_m, _line_of(lines)))
    quick = lines.point_start[:-1] + (0.3 * np.diff(lines.point_start)).astype(np.int64)
    return np.maximum(pace_s_m[order][quick], 0.05)


# --- feet and pace -------------------------------------------------------------------------------


def _on_foot(legs: Legs, lines: Lines) -> tuple[BoolArray, BoolArray]:
    """Whether the rider walked or waited just before each line, and just after."""
    on_foot = np.isin(legs.mode, (WALK, STILL))
    same = np.diff(legs.ride_index) == 0
    before = np.concatenate([[False], on_foot[:-1] & same])
    after = np.concatenate([on_foot[1:] & same, [False]])
    return before[lines.leg_index], after[lines.leg_index]


def _feet(has_feet: BoolArray) -> FloatArray:
    """Log odds of feet at one end of a ride, with the share of rides here that have them."""
    share = max((np.count_nonzero(has_feet) + 2 * CAR_FEET) / (len(has_feet) + 2), CAR_FEET)
    odds = np.log([(1 - share) / (1 - CAR_FEET), share / CAR_FEET])
    return np.asarray(odds[has_feet.astype(np.int64)])


def _slower(lines: Lines, pace_s_m: FloatArray) -> FloatArray:
    """Mean log of each line's pace over that of the others on the same streets, times the root of how many
    points (at most 200) it is the mean of."""
    line, zone = _line_of(lines), _zones(lines)
    n_zones = int(zone.max(initial=-1)) + 1
    visit, of = np.unique(line * n_zones + zone, return_inverse=True)
    log_pace = np.log(np.clip(pace_s_m, 0.03, 2.0))
    n_points = np.bincount(of)
    log_pace = np.bincount(of, log_pace) / n_points
    line, zone = visit // n_zones, visit % n_zones
    others = np.bincount(zone, minlength=n_zones)[zone] - 1
    usual = (np.bincount(zone, log_pace, n_zones)[zone] - log_pace) / np.maximum(others, 1)
    n_points = np.where(others >= 3, n_points, 0)
    n = np.bincount(line, n_points, len(lines))
    mean = np.bincount(line, n_points * (log_pace - usual), len(lines)) / np.maximum(n, 1)
    return np.asarray(np.clip(mean, -1, 1) * np.sqrt(np.minimum(n, 200)))


def _zones(lines: Lines) -> IntArray:
    """One number for each square of ZONE_M and quarter of the compass."""
    square = np.floor(lines.xy_m / ZONE_M).astype(np.int64)
    square -= square.min(axis=0)
    turn = np.arctan2(lines.heading[:, 0], lines.heading[:, 1]) / (2 * np.pi) * N_SECTORS
    key = (square[:, 0] * (square[:, 1].max() + 1) + square[:, 1]) * N_SECTORS
    return np.unique(key + np.floor(turn + 0.5) % N_SECTORS, return_inverse=True)[1].reshape(-1)
