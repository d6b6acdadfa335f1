"""What somebody can find out of what is public: homes of riders, and which two pseudonyms are one person."""

from __future__ import annotations

import datetime
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from transitmap.model import FloatArray
from transitmap.simulate import City, SimulateConfig, simulate_city
from transitmap.simulate.operation import plan_departures
from transitmap.simulate.people import Riders, draw_riders, plan_journeys

FIRST_DAY = datetime.date(2026, 3, 2)
DAYS = 56
NEAR_M = 250.0
WALK_M = (50.0, 400.0)
KNOWN = 4
"""So many rides of somebody an observer has seen: who boarded which line on which day."""


class Known(NamedTuple):
    """One ride as the ledger has it: whose, which route, which day, and what it was worth."""

    rider: int
    route: int
    day: int
    millipoints: int


View = Callable[[Known], Hashable]
"""What of a ride somebody else is shown."""


def by_line(ride: Known) -> Hashable:
    """A line a ride with its route and its day."""
    return ride.route, ride.day


def by_month(ride: Known) -> Hashable:
    """A sum a month (28 days here)."""
    return ride.day // 28


class Town(NamedTuple):
    """Riders with homes near the stop where their day begins, and what they rode."""

    city: City
    home_m: FloatArray
    rides: list[Known]


def town(seed: int, n_riders: int, rides_each: int, n_routes: int = 12) -> Town:
    """A fictional town; each rides as `simulate` lets people ride, and lives a short walk from a stop."""
    city = simulate_city(seed, SimulateConfig(n_routes=n_routes, width_m=16_000.0, height_m=14_000.0))
    rng = np.random.default_rng([seed, 11])
    departures = plan_departures(city, FIRST_DAY, DAYS, rng)
    riders = draw_riders(city, departures, n_riders, rng)
    journeys = plan_journeys(city, riders, departures, n_riders * rides_each, FIRST_DAY, DAYS, rng)
    rides = []
    for one in journeys:
        pattern = city.patterns[departures.pattern_index[one.departure]]
        worth = int(one.alight_m - one.board_m) * 10
        rides.append(Known(one.rider, pattern.route_index, int(departures.day_index[one.departure]), worth))
    return Town(city, _homes(city, riders, rng), rides)


def _homes(city: City, riders: Riders, rng: np.random.Generator) -> FloatArray:
    stops = []
    for out, _back in riders.habits:
        stops.append(city.patterns[out.pattern].stop_index[out.board_call])
    away_m, bearing = rng.uniform(*WALK_M, len(stops)), rng.uniform(0, 2 * np.pi, len(stops))
    walk_m = away_m[:, None] * np.column_stack([np.cos(bearing), np.sin(bearing)])
    return np.asarray(city.stops.xy_m[np.array(stops)] + walk_m)


def linked_by_rides(rides: Sequence[Known], view: View, seed: int) -> float:
    """The share of riders whom four of their rides, seen on the street, single out among all pseudonyms."""
    rng = np.random.default_rng([seed, 12])
    shown: dict[Hashable, set[int]] = defaultdict(set)
    own: dict[int, list[Known]] = defaultdict(list)
    for ride in rides:
        shown[view(ride)].add(ride.rider)
        own[ride.rider].append(ride)
    asked = [rider for rider in sorted(own) if len(own[rider]) >= KNOWN]
    single = 0
    for rider in asked:
        seen = rng.choice(len(own[rider]), KNOWN, replace=False)
        fits = set.intersection(*(shown[view(own[rider][k])] for k in seen))
        single += fits == {rider}
    return single / len(asked)


def linked_by_habit(rides: Sequence[Known], has_routes: bool) -> tuple[float, float]:
    """The share of riders whose second pseudonym (from the 29th day on) is the likeliest one, and by chance.

    By the routes they ride where these are shown, else by what a month's points sum up to.
    """
    halves: tuple[dict[int, Counter[int]], dict[int, Counter[int]]] = (
        defaultdict(Counter),
        defaultdict(Counter),
    )
    for ride in rides:
        key = ride.route if has_routes else 0
        halves[ride.day >= DAYS // 2][ride.rider][key] += 1 if has_routes else ride.millipoints
    both = sorted(set(halves[0]) & set(halves[1]))
    n_keys = 1 + max(key for half in halves for counts in half.values() for key in counts)
    table = [
        np.array([[half[rider][key] for key in range(n_keys)] for rider in both], float) for half in halves
    ]
    far = _far(*table) if has_routes else np.abs(np.log(table[0]) - np.log(table[1]).T)
    return float((far.argmin(axis=1) == np.arange(len(both))).mean()), 1 / len(both)


def _far(first: FloatArray, second: FloatArray) -> FloatArray:
    """One less the cosine, each with each."""
    first, second = (one / np.linalg.norm(one, axis=1, keepdims=True) for one in (first, second))
    return np.asarray(1 - first @ second.T)


def homes_found(told: Town, has_routes: bool, seed: int) -> tuple[int, int, int]:
    """Homes within 250 m of the best guess, within 250 m of somebody else's guess (chance), and of how many.

    The guess is the stop where most people get on, of those on the two routes that somebody rides most; of
    all stops where nobody says which routes.
    """
    routes: dict[int, Counter[int]] = defaultdict(Counter)
    for ride in told.rides:
        routes[ride.rider][ride.route] += 1
    guess_m = {rider: _guess_m(told.city, counts if has_routes else {}) for rider, counts in routes.items()}
    riders = sorted(guess_m)
    others = np.random.default_rng([seed, 13]).permutation(riders)
    hits, chance = (
        sum(bool(np.hypot(*(guess_m[whose] - told.home_m[rider])) <= NEAR_M) for rider, whose in pairs)
        for pairs in (zip(riders, riders, strict=True), zip(riders, others, strict=True))
    )
    return hits, chance, len(riders)


def _guess_m(city: City, counts: Mapping[int, int]) -> FloatArray:
    top = sorted(counts, key=lambda route: -counts[route])[:2]
    served = [
        set(np.concatenate([p.stop_index for p in city.patterns if p.route_index == route]).tolist())
        for route in top
    ]
    allowed = (
        sorted(set.intersection(*served) or served[0]) if served else list(range(len(city.stops.weight)))
    )
    return np.asarray(city.stops.xy_m[max(allowed, key=lambda stop: float(city.stops.weight[stop]))])


def main(n_riders: int = 1_000, rides_each: int = 20, seed: int = 7) -> None:
    """Prints what each attack finds where every line is shown, and where sums by month are."""
    told = town(seed, n_riders, rides_each)
    print(f"{n_riders} riders, {len(told.rides)} rides in {DAYS} days on {len(told.city.routes)} routes")
    for name, view, has_routes in (("a line a ride", by_line, True), ("sums by month", by_month, False)):
        linked, chance = linked_by_habit(told.rides, has_routes)
        hits, by_chance, n = homes_found(told, has_routes, seed)
        print(f"{name}: {linked_by_rides(told.rides, view, seed):.1%} singled out by {KNOWN} rides seen")
        print(f"  second pseudonym found: {linked:.1%} (chance {chance:.1%})")
        print(f"  homes within {NEAR_M:g} m: {hits} of {n} (guess of somebody else: {by_chance})")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
