"""Riders with habits and phones, and the rides they take: who boards which departure where."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from transitmap.model import Columns, FloatArray, IntArray
from transitmap.simulate.config import SimulateConfig
from transitmap.simulate.fictional_names import draw_pseudonyms
from transitmap.simulate.ground import BoolArray
from transitmap.simulate.network import DAY_DEMAND, HOUR_DEMAND, City
from transitmap.simulate.operation import Departures, day_type

HABIT_SHARE = 0.55
HAILS_SHARE = 0.2
"""Rides with an end away from any stop, on patterns where that is done."""
RIDE_M, RIDE_SPREAD = 3_800.0, 0.5
MIN_RIDE_M = 700.0
N_DIALECTS = 6


@dataclass(frozen=True, eq=False)
class Phones(Columns):
    """One phone a rider: seconds between fixes, or metres where `filter_m` > 0; its own noise; its app.

    `dialect` is the app that writes the file, `tells_accuracy` says whether it writes one.
    """

    interval_s: FloatArray
    filter_m: FloatArray
    noise: FloatArray
    dialect: IntArray
    tells_accuracy: BoolArray


@dataclass(frozen=True)
class Journey:
    """One ride as wanted: a departure (row), calls or hailed places (call -1), metres along the pattern."""

    rider: int
    departure: int
    board_call: int
    alight_call: int
    board_m: float
    alight_m: float


@dataclass(frozen=True)
class _Habit:
    pattern: int
    board_call: int
    alight_call: int
    hour: float


@dataclass(frozen=True, eq=False)
class Riders:
    """The people: pseudonyms, how often each records (`weight`), phones, habits, who marks stops."""

    pseudonym: tuple[str, ...]
    weight: FloatArray
    phones: Phones
    taps: BoolArray
    habits: tuple[tuple[_Habit, ...], ...]


def draw_riders(city: City, departures: Departures, n: int, rng: np.random.Generator) -> Riders:
    """`n` riders, a few of whom record much; each has two habits, there and back."""
    weight = rng.lognormal(0.0, 0.7, n)
    attraction = _attraction(city, departures)
    return Riders(
        pseudonym=tuple(draw_pseudonyms(n, rng)),
        weight=weight / weight.sum(),
        phones=_draw_phones(city.config, n, rng),
        taps=rng.random(n) < city.config.tap_share,
        habits=tuple(_draw_habits(city, attraction, rng) for _ in range(n)),
    )


def _attraction(city: City, departures: Departures) -> FloatArray:
    """How likely a ride is on each pattern: by the root of its departures, as campaigns seek the rare."""
    root = np.sqrt(np.bincount(departures.pattern_index, minlength=len(city.patterns)))
    return np.asarray(root / root.sum())


def _draw_phones(config: SimulateConfig, n: int, rng: np.random.Generator) -> Phones:
    weight = np.array(config.interval_weight) / np.sum(config.interval_weight)
    filtered = rng.random(n) < config.distance_filter_share
    return Phones(
        interval_s=rng.choice(np.array(config.interval_s), n, p=weight),
        filter_m=np.where(filtered, rng.choice([5.0, 10.0, 20.0], n), 0.0),
        noise=rng.lognormal(0.0, 0.35, n),
        dialect=rng.choice(N_DIALECTS, n, p=[0.28, 0.22, 0.16, 0.12, 0.12, 0.1]),
        tells_accuracy=rng.random(n) < 0.7,
    )


def _draw_habits(city: City, attraction: FloatArray, rng: np.random.Generator) -> tuple[_Habit, ...]:
    """A way out in the morning or at noon, and the way back some hours later."""
    pattern = int(rng.choice(len(city.patterns), p=attraction))
    board, alight = _draw_calls(city, pattern, rng)
    hour = float(np.clip(rng.normal(7.6, 1.2) if rng.random() < 0.75 else rng.normal(13.0, 2.0), 5.3, 20.0))
    out = _Habit(pattern, board, alight, hour)
    return out, _way_back(city, out, rng)


def _way_back(city: City, out: _Habit, rng: np.random.Generator) -> _Habit:
    """The same ride in the other direction, between the nearest stops there."""
    there = city.patterns[out.pattern]
    other = next(
        k
        for k, p in enumerate(city.patterns)
        if (p.route_index, p.variant, p.direction_id)
        == (there.route_index, there.variant, 1 - there.direction_id)
    )
    calls_m = city.stops.xy_m[city.patterns[other].stop_index]
    ends_m = city.stops.xy_m[there.stop_index[[out.alight_call, out.board_call]]]
    board, alight = (int(np.argmin(((calls_m - end_m) ** 2).sum(axis=1))) for end_m in ends_m)
    call_m = city.patterns[other].call_m
    if board >= alight or call_m[alight] - call_m[board] < MIN_RIDE_M:
        board, alight = _draw_calls(city, other, rng)
    return _Habit(other, board, alight, min(out.hour + float(rng.uniform(4.0, 10.5)), 21.5))


def _draw_calls(city: City, pattern: int, rng: np.random.Generator) -> tuple[int, int]:
    """Where to board and alight: busy stops more often, a few kilometres apart."""
    true = city.patterns[pattern]
    room_m = true.call_m[-1] - true.call_m
    length_m = float(np.clip(rng.lognormal(np.log(RIDE_M), RIDE_SPREAD), MIN_RIDE_M, 0.95 * room_m[0]))
    weight = np.where(room_m >= length_m, city.stops.weight[true.stop_index], 0.0)
    board = int(rng.choice(len(weight), p=weight / weight.sum()))
    alight = int(np.argmin(np.abs(true.call_m - true.call_m[board] - length_m)))
    return board, max(alight, board + 1)


def plan_journeys(
    city: City,
    riders: Riders,
    departures: Departures,
    n: int,
    first_day: datetime.date,
    days: int,
    rng: np.random.Generator,
) -> list[Journey]:
    """`n` rides; nobody sits in two vehicles at once."""
    day = [DAY_DEMAND[day_type(first_day + datetime.timedelta(days=k))] for k in range(days)]
    clock_s = departures.day_index * 86_400.0 + departures.departure_s
    rows = [np.flatnonzero(departures.pattern_index == k) for k in range(len(city.patterns))]
    attraction = _attraction(city, departures)
    busy: list[list[float]] = [[] for _ in riders.pseudonym]
    journeys: list[Journey] = []
    for k in range(n):
        for _ in range(8):
            rider = int(rng.choice(len(busy), p=riders.weight))
            habit = _wanted(city, riders, rider, k, attraction, rng)
            when_s = (
                rng.choice(days, p=np.array(day) / np.sum(day)) + habit.hour / 24
            ) * 86_400.0 + rng.normal(0, 900)
            row = int(rows[habit.pattern][_nearest(clock_s[rows[habit.pattern]], float(when_s))])
            if all(abs(clock_s[row] - other_s) > 7_200 for other_s in busy[rider]):
                break
        busy[rider].append(float(clock_s[row]))
        journeys.append(_with_hailing(city, rider, row, habit, rng))
    return journeys


def _wanted(
    city: City, riders: Riders, rider: int, k: int, attraction: FloatArray, rng: np.random.Generator
) -> _Habit:
    """The ride somebody has in mind: a habit or something new; whole patterns by turns in a campaign."""
    if city.config.mode == "campaign":
        in_service = np.flatnonzero(attraction)
        pattern = int(in_service[k % len(in_service)])
        return _Habit(pattern, 0, len(city.patterns[pattern].call_m) - 1, float(rng.uniform(6.0, 20.0)))
    habits = riders.habits[rider]
    if rng.random() < HABIT_SHARE:
        return habits[int(rng.integers(len(habits)))]
    pattern = int(rng.choice(len(city.patterns), p=attraction))
    hour = float(rng.choice(24, p=HOUR_DEMAND / HOUR_DEMAND.sum()) + rng.random())
    return _Habit(pattern, *_draw_calls(city, pattern, rng), hour)


def _nearest(sorted_s: FloatArray, when_s: float) -> int:
    place = int(np.clip(np.searchsorted(sorted_s, when_s), 1, len(sorted_s) - 1))
    return place - int(when_s - sorted_s[place - 1] < sorted_s[place] - when_s)


def _with_hailing(city: City, rider: int, row: int, habit: _Habit, rng: np.random.Generator) -> Journey:
    """The journey; on lines with hailing stretches one end is sometimes anywhere on them."""
    true = city.patterns[habit.pattern]
    board_m, alight_m = float(true.call_m[habit.board_call]), float(true.call_m[habit.alight_call])
    journey = Journey(rider, row, habit.board_call, habit.alight_call, board_m, alight_m)
    if city.config.mode == "campaign" or not len(true.hail_m) or rng.random() > HAILS_SHARE:
        return journey
    first_m, last_m = true.hail_m[int(rng.integers(len(true.hail_m)))]
    place_m = float(rng.uniform(max(first_m, true.call_m[0] + 20), min(last_m, true.call_m[-1] - 20)))
    if alight_m - place_m > MIN_RIDE_M:
        return Journey(rider, row, -1, habit.alight_call, place_m, alight_m)
    if place_m - board_m > MIN_RIDE_M:
        return Journey(rider, row, habit.board_call, -1, board_m, place_m)
    return journey


def wanted_halts(journeys: Sequence[Journey]) -> dict[int, tuple[set[int], set[float]]]:
    """By departure: the calls and hailed metres at which the riders known here get on or off."""
    found: dict[int, tuple[set[int], set[float]]] = {}
    for journey in journeys:
        calls, hailed = found.setdefault(journey.departure, (set(), set()))
        for call, place_m in ((journey.board_call, journey.board_m), (journey.alight_call, journey.alight_m)):
            if call >= 0:
                calls.add(call)
            else:
                hailed.add(place_m)
    return found
