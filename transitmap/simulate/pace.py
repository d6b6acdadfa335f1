"""How a vehicle moves second by second: halts for people, lights, queues and jams, and speed between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from transitmap.model import Columns, FloatArray, IntArray
from transitmap.simulate.config import SimulateConfig
from transitmap.simulate.ground import BoolArray
from transitmap.simulate.lines import Line
from transitmap.simulate.network import HOUR_DEMAND, City

CONGESTION = np.array(
    [
        0,
        0,
        0,
        0,
        0,
        0.1,
        0.5,
        0.95,
        1,
        0.7,
        0.5,
        0.5,
        0.6,
        0.75,
        0.85,
        0.7,
        0.6,
        0.75,
        1,
        0.95,
        0.6,
        0.3,
        0.15,
        0,
    ]
)
"""How full the streets are by hour, 1 at the worst."""
BUMP_M_S = 2.8
HALT_SPREAD_M = (3.0, 8.0)
"""How exactly vehicles halt at formal stops and at places of custom (standard deviation)."""
QUEUE_STEP_M = 7.0
YIELD_S = 4.0
NEAR_M = np.array([-3.0, -1.4, -0.4, 0.0, 0.4, 1.4, 3.0])
"""Extra knots round every standstill, where speed changes within less than the line's step."""


@dataclass(frozen=True, eq=False)
class Halts(Columns):
    """Where a vehicle stands and how long, in any order; `call` is the call it serves, -1 none."""

    at_m: FloatArray
    wait_s: FloatArray
    call: IntArray


@dataclass(frozen=True, eq=False)
class Motion(Columns):
    """Knots of a movement: seconds since its start, metres along its line; standing repeats a place."""

    time_s: FloatArray
    distance_m: FloatArray


@dataclass(frozen=True, eq=False)
class Run(Columns):
    """One vehicle on one pattern: its motion since departure, and its times at every call (passing, if it
    did not halt), whether it halted and with which probability it had to."""

    motion: Motion
    arrive_s: FloatArray
    depart_s: FloatArray
    is_served: BoolArray
    chance: FloatArray


def run_vehicle(
    city: City,
    pattern: int,
    departure: tuple[float, float],
    wanted: tuple[set[int], set[float]],
    rng: np.random.Generator,
) -> Run:
    """A run of a pattern.

    `departure` is the second of the local day it leaves its first stop, and its crowd (see Departures).
    `wanted` are the calls and the hailed metres where somebody known gets on or off: it halts there for sure.
    """
    true = city.patterns[pattern]
    hour = int(departure[0] // 3600) % 24
    chance = _serving_chance(city, pattern, hour, departure[1], wanted[0])
    served = np.flatnonzero(rng.random(len(chance)) < chance)
    people = _people_halts(city, pattern, served, sorted(wanted[1]), rng)
    first_m, last_m = float(true.call_m[0]), float(true.call_m[-1])
    street = street_halts(true.line, hour, city.config, rng)
    halts = join([people, street, corner_halts(true.line, city.config, rng)], first_m, last_m)
    speed = _driver(true.line, hour, rng)
    motion, arrive_s = move(true.line, (first_m, last_m), speed, halts, rng)
    passing_s = np.interp(true.call_m, motion.distance_m, motion.time_s)
    depart_s = passing_s.copy()
    at_call = halts.call >= 0
    passing_s[halts.call[at_call]] = arrive_s[at_call]
    depart_s[halts.call[at_call]] = (arrive_s + halts.wait_s)[at_call]
    is_served = np.zeros(len(chance), bool)
    is_served[served] = True
    return Run(motion, passing_s, depart_s, is_served, chance)


def _serving_chance(city: City, pattern: int, hour: int, crowd: float, wanted: set[int]) -> FloatArray:
    """Probability to halt at each call; 1 at both ends and where somebody known wants it."""
    weight = city.stops.weight[city.patterns[pattern].stop_index]
    chance = 1.0 - np.exp(-city.config.demand * (0.4 + 0.6 * HOUR_DEMAND[hour]) * crowd**0.7 * weight)
    chance[[0, -1, *sorted(wanted)]] = 1.0
    return np.asarray(chance)


def _people_halts(
    city: City, pattern: int, served: IntArray, hailed_m: list[float], rng: np.random.Generator
) -> Halts:
    """Halts at the served calls, and anywhere on hailing stretches."""
    true = city.patterns[pattern]
    spread_m = np.where(city.stops.is_formal[true.stop_index[served]], *HALT_SPREAD_M)
    at_m = true.call_m[served] + spread_m * rng.standard_normal(len(served))
    at_m = np.where((served == 0) | (served == len(true.call_m) - 1), true.call_m[served], at_m)
    for first_m, last_m in true.hail_m:
        n = rng.poisson((last_m - first_m) / 600.0)
        hailed_m = hailed_m + rng.uniform(first_m, last_m, n).tolist()
    wait_s = draw_dwells_s(city.config.dwell_s, len(served) + len(hailed_m), rng)
    wait_s[: len(served)][(served == 0) | (served == len(true.call_m) - 1)] = 0.0
    call = np.concatenate([served, np.full(len(hailed_m), -1)])
    return Halts(np.concatenate([at_m, hailed_m]), wait_s, call)


def draw_dwells_s(
    quantiles_s: tuple[float, float, float, float], n: int, rng: np.random.Generator
) -> FloatArray:
    """Dwell times whose 25, 50, 75 and 90 % quantiles are those given; between them even in the logarithm."""
    level = np.array([0.0, 0.25, 0.5, 0.75, 0.9, 0.99, 1.0])
    value_s = np.array([0.5 * quantiles_s[0], *quantiles_s, 2.5 * quantiles_s[3], 5 * quantiles_s[3]])
    return np.asarray(np.exp(np.interp(rng.random(n), level, np.log(value_s))))


def street_halts(line: Line, hour: int, config: SimulateConfig, rng: np.random.Generator) -> Halts:
    """Halts at lights, back in their queues, and in jams."""
    n = len(line.signal_m)
    load = (
        config.traffic
        * CONGESTION[hour]
        * (0.25 + 0.75 * np.interp(line.signal_m, line.along_m, line.crowding))
    )
    is_red = rng.random(n) < config.red_share + 0.2 * load
    elapsed = rng.random(n)
    ahead = rng.poisson((0.6 + 9.0 * load) * elapsed)
    wait_s = (1.0 - elapsed) * config.red_s + 1.8 * ahead
    at_m = line.signal_m - QUEUE_STEP_M * ahead + rng.normal(0.0, 1.0, n)
    second = is_red & (rng.random(n) < 0.3 * load)
    jam_m = _jams(line, config.traffic * CONGESTION[hour], rng)
    return Halts(
        np.concatenate([at_m[is_red], at_m[second] - rng.uniform(30.0, 90.0, int(second.sum())), jam_m]),
        np.concatenate(
            [wait_s[is_red], rng.uniform(5.0, 40.0, int(second.sum())), rng.uniform(2.0, 15.0, len(jam_m))]
        ),
        np.full(int(is_red.sum() + second.sum() + len(jam_m)), -1),
    )


def corner_halts(line: Line, config: SimulateConfig, rng: np.random.Generator) -> Halts:
    """Short halts to give way at corners, and to people who cross on bumps; none where nobody does."""
    place_m = np.concatenate([line.yield_m, line.bump_m]) if config.yield_share else np.zeros(0)
    chance = config.yield_share * np.where(np.arange(len(place_m)) < len(line.yield_m), 1.0, 1.0 / 3.0)
    at_m = place_m[rng.random(len(place_m)) < chance]
    wait_s = 1.0 + rng.exponential(YIELD_S, len(at_m))
    return Halts(at_m + rng.normal(0.0, 1.0, len(at_m)), wait_s, np.full(len(at_m), -1))


def _jams(line: Line, load: float, rng: np.random.Generator) -> FloatArray:
    """Places of short standstills in traffic, more in the crowded parts."""
    place_m = rng.uniform(0.0, line.along_m[-1], rng.poisson(line.along_m[-1] / 700.0))
    chance = load * np.interp(place_m, line.along_m, line.crowding)
    return np.asarray(place_m[rng.random(len(place_m)) < chance])


def join(parts: list[Halts], first_m: float, last_m: float) -> Halts:
    """All halts strictly within a stretch; those at calls are moved into it."""
    at_m = np.concatenate([part.at_m for part in parts])
    wait_s, call = np.concatenate([p.wait_s for p in parts]), np.concatenate([p.call for p in parts])
    at_m = np.where(call >= 0, np.clip(at_m, first_m, last_m), at_m)
    inside = (call >= 0) | ((at_m > first_m + 3.0) & (at_m < last_m - 3.0))
    return Halts(at_m[inside], wait_s[inside], call[inside])


def _driver(line: Line, hour: int, rng: np.random.Generator) -> FloatArray:
    """Speed this driver would hold at each point of the line in this hour's traffic."""
    knots_m = np.arange(0.0, line.along_m[-1] + 400.0, 200.0)
    mood = np.interp(line.along_m, knots_m, rng.lognormal(0.0, 0.14, len(knots_m))) * rng.lognormal(0.0, 0.07)
    flow = 1.0 - 0.5 * CONGESTION[hour] * (0.3 + 0.7 * line.crowding)
    speed = np.minimum(line.limit_m_s * flow * mood, 19.0)
    speed[np.searchsorted(line.along_m, line.bump_m)] = BUMP_M_S
    return np.asarray(np.maximum(speed, 2.0))


def drive_car(line: Line, hour: int, config: SimulateConfig, rng: np.random.Generator) -> Motion:
    """A car along a line: no calls, quicker, the same lights."""
    ends_m = (0.0, float(line.along_m[-1]))
    halts = join([street_halts(line, hour, config, rng), corner_halts(line, config, rng)], *ends_m)
    return move(line, ends_m, 1.12 * _driver(line, hour, rng), halts, rng)[0]


def move(
    line: Line, ends_m: tuple[float, float], speed_m_s: FloatArray, halts: Halts, rng: np.random.Generator
) -> tuple[Motion, FloatArray]:
    """The motion between two places of a line and the arrival time at each halt.

    Speed is the greatest that keeps to the wanted speed, to this driver's acceleration and braking, and to
    standing at both ends and at every halt: two running minima over squared speed, no loop over time.
    """
    gain, brake = rng.uniform(0.8, 1.2), rng.uniform(0.9, 1.4)
    stands_m = np.concatenate([halts.at_m, ends_m])
    near_m = (stands_m[:, None] + NEAR_M[None]).ravel()
    grid_m = np.unique(np.clip(np.concatenate([line.along_m, near_m]), *ends_m))
    at = np.searchsorted(grid_m, halts.at_m)
    energy = np.interp(grid_m, line.along_m, speed_m_s) ** 2
    energy[at], energy[0], energy[-1] = 0.0, 0.0, 0.0
    energy = np.minimum.accumulate(energy - 2 * gain * grid_m) + 2 * gain * grid_m
    energy = np.minimum.accumulate((energy + 2 * brake * grid_m)[::-1])[::-1] - 2 * brake * grid_m
    speed = np.sqrt(np.maximum(energy, 0.0))
    step_s = 2 * np.diff(grid_m) / np.maximum(speed[:-1] + speed[1:], 0.4)
    wait_s = np.zeros(len(grid_m))
    np.add.at(wait_s, at, halts.wait_s)
    depart_s = np.concatenate([[0.0], np.cumsum(step_s)]) + np.cumsum(wait_s)
    arrive_s = depart_s - wait_s
    stands = 1 + (wait_s > 0)
    time_s = np.repeat(arrive_s, stands)
    time_s[np.cumsum(stands) - 1] = depart_s
    return Motion(time_s, np.repeat(grid_m, stands)), arrive_s[at]
