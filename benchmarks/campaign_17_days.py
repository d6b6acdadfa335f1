"""Simulates 17 days of 3,500 riders under our rules and under pay by the kilometre, for docs/game.md.

python -m benchmarks.campaign_17_days [--quick] [--out docs/figures/campaign.svg]

The same city, riders, days, hours and dice in both games; evidence and our pay come from the engine itself
(`points.score`). Every assumption about people is a field of `Assumptions`, and `VARIANTS` turns each the
other way. Pay by the kilometre is fitted to what Mapatón's feed shows: 25 of 619 directions with a second
trail. Without words it writes the tables and the picture of the page; `--quick` prints those of one city,
`--settled` what the settlement confirms of our game.

Needs matplotlib (`pip install 'transitmap[plot]'`).
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from pathlib import Path

import numpy as np

from benchmarks.cities import table
from benchmarks.evaluate_page import put
from transitmap.model import IntArray, Observed, Rules, Segments, Terms
from transitmap.points.rules import load_rules
from transitmap.points.score import score, weight_of
from transitmap.points.settle import shares
from transitmap.points.voices import voices
from transitmap.settling import confirm_of

OUT, PAGE = Path("docs/figures/campaign.svg"), Path("docs/game.md")
DAYS, POT_PESOS = 17, 170_000
KM, OURS = "pay by the kilometre", "our rules"
TOLD_SHARE = 25 / 619
"""Of Mapatón's directions with a published trail, those with two (counted on its feed of 2016-03-11)."""
N_DAY_PARTS = 5
"""Of a direction that are asked for: one rider fills one."""
PIECE_KM = 1.0
"""Rides go from terminal to terminal, so that pieces of this length sum up to what segments of 100 m do."""
SEEDS, FEW_SEEDS, QUICK_SEEDS = tuple(range(1, 13)), (1, 2, 3, 4), (1,)
TRIED = tuple(1 - 0.5**k for k in (0, 2, 3, 4, 5, 6, 8))
"""Values of `avoid` between which the fitted one is sought."""
ANSWERS, GOAL = (0.0, 0.1, 0.25, 0.5, 0.75, 1.0), 3.0
BLUE, ORANGE, GREEN = "#0072B2", "#D55E00", "#009E73"
SETTLED_AVOID = 0.94
"""The fitted value for 1,900 outings."""
TRUST_POINTS, RING, RING_WAYS = (0, 20, 50, 100, 200), 10, 3
"""What is tried of `confirm.trust_points`; a ring that confirms itself, and how many ways each invents."""
CHANCES = 8
"""Rides on one outing at most; nobody gets near."""


@dataclass(frozen=True)
class Assumptions:
    """The city and its people: what a source says of Mapatón, and guesses where none says anything."""

    # More than the 619 that were published, fewer than the press counts.
    n_directions: int = 1_000
    # 3,557 users (El Periódico).
    n_riders: int = 3_500
    # Makes some 2,250 trails; told are 2,102 to 2,765.
    n_outings: int = 1_900
    # 646 trails were published of those. The same in both games, though ours takes parts of routes too.
    usable: float = 0.27
    # Sigma of log activity, a guess: 3 riders of 4 never go, most others once or twice, a few 20 times.
    unequal: float = 1.5
    # Median; with sigma 0.65 a mean of 12.3, and the published trails have one of 12.6.
    length_km: float = 10.2
    # A direction with four times the riders is chosen twice as often: a guess.
    ridership: float = 0.5
    # A terminal so much farther from home is chosen 2.7 times more seldom: a guess.
    reach_km: float = 6.0
    # Share of rides that are the rider's own commute, whatever it pays: a guess.
    habit: float = 0.3
    # Share of riders who go by what the game asks and pays. Nobody knows it: it is the axis of the plot.
    answers: float = 0.5
    # Those choose what pays twice as much by the hour 2 ** strength times as often; at 1 in proportion.
    strength: float = 1.0
    # What a point that waits for somebody else's ride counts for them beside a paid one: a guess.
    trust: float = 0.5
    # A direction is on the map, and on the list of what lacks a ride, from so many observers; 0 where an
    # official feed names all. Servers publish nothing that fewer than three people rode (feed.min_riders).
    shown_from: int = 3
    # Bonus of a listed direction while some part of the day lacks a ride; at most the rules' `max_bonus`.
    mission: float = 2.0
    # Chance to pass over a direction that is on the map already; below 0: fitted to TOLD_SHARE.
    avoid: float = -1.0
    # Whether those who answer to our game pass over mapped directions all the same.
    avoid_always: bool = False


PEOPLE = ("usable", "habit", "answers", "strength", "trust", "shown_from", "mission", "avoid", "avoid_always")
"""The assumptions that leave the city as it is."""


VARIANTS: dict[str, dict[str, float]] = {
    "as assumed": {},
    "nobody answers to points or list": {"answers": 0.0},
    "1 of 10 riders answers": {"answers": 0.1},
    "1 of 4 riders answers": {"answers": 0.25},
    "everybody answers": {"answers": 1.0},
    "they avoid nothing, points do not move them": {"strength": 0.0},
    "points move them half as strongly": {"strength": 0.5},
    "points move them twice as strongly": {"strength": 2.0},
    "points move them, but all still avoid what is mapped": {"avoid_always": True},
    "directions seen once are shown": {"shown_from": 1},
    "the same, 1 of 4 riders answers": {"shown_from": 1, "answers": 0.25},
    "the same, points move them twice as strongly": {"shown_from": 1, "strength": 2.0},
    "an official feed names all directions": {"shown_from": 0},
    "no bonus for missions": {"mission": 1.0},
    "points that wait count nothing to riders": {"trust": 0.0},
    "points that wait count as if paid": {"trust": 1.0},
    "all rides free to choose": {"habit": 0.0},
    "6 of 10 rides are the commute": {"habit": 0.6},
    "riders reach 3 km": {"reach_km": 3.0},
    "riders reach 12 km": {"reach_km": 12.0},
    "ridership does not matter": {"ridership": 0.0},
    "choice in proportion to ridership": {"ridership": 1.0},
    "activity more equal": {"unequal": 0.75},
    "activity less equal": {"unequal": 2.25},
    "620 directions": {"n_directions": 620},
    "2,000 directions": {"n_directions": 2_000},
    "3,000 directions": {"n_directions": 3_000},
    "half as many outings": {"n_outings": 950},
    "twice as many outings": {"n_outings": 3_800},
    "half of the trails usable": {"usable": 0.5},
    "nobody avoided anything: names hid Mapatón's repeats": {"avoid": 0.0},
    "that, and directions seen once are shown": {"avoid": 0.0, "shown_from": 1},
    "that, everybody answers, twice as strongly": {
        "avoid": 0.0,
        "shown_from": 1,
        "answers": 1.0,
        "strength": 2.0,
    },
    "that, 3,000 directions": {
        "avoid": 0.0,
        "shown_from": 1,
        "answers": 1.0,
        "strength": 2.0,
        "n_directions": 3_000,
    },
}

CURVES: dict[str, dict[str, float]] = {
    "the rules as they are": {},
    "directions seen once are shown": {"shown_from": 1},
    "the same, points move twice as strongly": {"shown_from": 1, "strength": 2.0},
    "nobody avoided anything (last rows)": {"avoid": 0.0},
}


@dataclass(frozen=True, eq=False)
class City:
    """Directions, the riders who go out at all, outings in order of time, and the dice of each ride."""

    km: np.ndarray
    hours: np.ndarray  # riders x directions: the way to the terminal, the wait and the ride
    liking: np.ndarray  # as hours: how often chosen if nothing were paid
    commute: np.ndarray  # riders x 2 directions
    resolve: np.ndarray  # a rider answers to the game where this is below Assumptions.answers
    rider: np.ndarray
    day: np.ndarray
    free_hours: np.ndarray
    dice: np.ndarray  # outings x CHANCES x 5


@dataclass(frozen=True)
class Outcome:
    """What 17 days brought. `by_day` holds (directions seen, directions confirmed) at the end of each."""

    n_directions: int
    n_trails: int
    n_usable: int
    hours: float
    km: float
    n_seen: int
    n_confirmed: int
    idle: float
    supported: float
    by_day: tuple[tuple[int, int], ...]

    @property
    def share(self) -> float:
        """Of all directions of the city, those with two independent rides."""
        return self.n_confirmed / self.n_directions

    @property
    def share_of_seen(self) -> float:
        """The same of the directions with a ride at all, as Mapatón's feed can be read."""
        return self.n_confirmed / max(1, self.n_seen)

    @property
    def pesos(self) -> float:
        """Of the pot, for each direction with two independent rides."""
        return POT_PESOS / max(1, self.n_confirmed)


# --- the city ------------------------------------------------------------------------------------


def make_city(given: Assumptions, seed: int) -> City:
    """A city and its campaign; the same assumptions and seed give the same, whatever its PEOPLE are like."""
    plain = Assumptions()
    return _make_city(replace(given, **{name: getattr(plain, name) for name in PEOPLE}), seed)


@lru_cache(maxsize=len(SEEDS))
def _make_city(given: Assumptions, seed: int) -> City:
    random = np.random.default_rng(seed)
    start_km, km, riders = _lines(given, random)
    activity = np.exp(random.normal(0, given.unequal, given.n_riders))
    everybody = random.choice(given.n_riders, given.n_outings, p=activity / activity.sum())
    home_km = random.normal(0, 13, (given.n_riders, 2))
    active, rider = np.unique(everybody, return_inverse=True)
    home_km = home_km[active]
    access_km = np.hypot(*np.moveaxis(home_km[:, None] - start_km[None], 2, 0))
    liking = riders**given.ridership * np.exp(-access_km / given.reach_km)
    often = (riders * np.exp(-access_km / given.reach_km)).cumsum(axis=1)
    dice = random.random((len(active), 2)) * often[:, -1:]
    commute = np.array([np.searchsorted(row, pair) for row, pair in zip(often, dice, strict=True)])
    return City(
        km=km,
        hours=km / 14.5 + 0.25 + access_km / 15,  # 14.5 km/h is Mapatón's own speed
        liking=liking,
        commute=commute,
        resolve=random.random(len(active)),
        rider=rider,
        day=np.sort(random.integers(0, DAYS, given.n_outings)),
        free_hours=np.exp(random.normal(np.log(1.8), 0.4, given.n_outings)),
        dice=random.random((given.n_outings, CHANCES, 5)),
    )


def _lines(given: Assumptions, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Start and length (km) and ridership of each direction: lines out of 45 unequal terminals, and back.

    Terminals fall off as Mapatón's do: 37 routes at the first, 26 at the third.
    """
    n_lines = given.n_directions // 2
    size = 1 / np.arange(1, 46) ** 0.7
    terminal_km = random.normal(0, 11, (45, 2))[random.choice(45, n_lines, p=size / size.sum())]
    length_km = np.exp(random.normal(np.log(given.length_km), 0.65, n_lines)).clip(3, 90)
    turn = random.uniform(0, 2 * np.pi, n_lines)
    far_km = terminal_km + 0.75 * length_km[:, None] * np.column_stack([np.cos(turn), np.sin(turn)])
    back_km = length_km * np.exp(random.normal(0, 0.05, n_lines))
    riders = np.exp(random.normal(0, 1, n_lines))
    return (
        np.concatenate([terminal_km, far_km]),
        np.concatenate([length_km, back_km]),
        np.concatenate([riders, riders]),
    )


# --- one campaign --------------------------------------------------------------------------------


class Campaign:
    """The state of one game: who observed what by the engine's rules, and what every rider can see of it."""

    def __init__(self, city: City, given: Assumptions, game: str, rules: Rules) -> None:
        self.city, self.given, self.game, self.rules = city, given, game, rules
        n = len(city.km)
        first = np.concatenate([[0], np.cumsum(np.maximum(1, np.round(city.km / PIECE_KM)).astype(np.int64))])
        self.segments = [np.arange(first[k], first[k + 1]) for k in range(n)]
        self.observers: dict[int, list[tuple[int, int]]] = {}
        self.seen_by: dict[int, list[int]] = {}
        self.n_known = np.zeros(n, dtype=np.int64)  # as the map of last night says
        self.is_taken = np.zeros(n, dtype=bool)  # reserved or ridden today
        self.weights = np.array([weight_of(k, rules.observer_weights) / 1000 for k in range(100)])
        self.paid = np.zeros(n)  # points once confirmed; kilometres where those are paid
        self.n_trails = self.n_usable = self.n_idle = 0
        self.hours = self.km = 0.0

    def n_observers(self) -> np.ndarray:
        """How many independent observers each direction has."""
        return np.array([len(self.observers.get(int(own[0]), ())) for own in self.segments])

    def outing(self, k: int) -> None:
        """One rider goes out and rides while there is time."""
        rider, left = int(self.city.rider[k]), float(self.city.free_hours[k])
        for turn, dice in enumerate(self.city.dice[k]):
            direction = self.choose(rider, dice)
            hours = float(self.city.hours[rider, direction])
            if turn and hours > left + 0.5:
                return
            left -= hours
            self.ride(rider, direction, int(self.city.day[k]), hours, dice)
            if left < 0.5:
                return

    def choose(self, rider: int, dice: np.ndarray) -> int:
        """The direction of a rider's next ride."""
        given, listens = self.given, self.city.resolve[rider] < self.given.answers
        is_steered = bool(listens and self.game == OURS)
        avoids = 0.0 if is_steered and not given.avoid_always else given.avoid
        if dice[0] < given.habit:
            own = int(self.city.commute[rider, int(2 * dice[1])])
            if self.n_known[own] == 0 or dice[2] >= avoids:
                return own
        weight = self.city.liking[rider] * np.where(self.n_known > 0, 1 - avoids, 1.0)
        if listens:
            pay = self.offer(rider) if is_steered else self.city.km
            weight = weight * (pay / self.city.hours[rider]) ** given.strength
        total = np.cumsum(weight)
        return int(min(np.searchsorted(total, dice[1] * total[-1]), len(total) - 1))

    def offer(self, rider: int) -> np.ndarray:
        """What our rules seem to pay this rider for each direction, in kilometres at full value."""
        at_once = self.rules.provisional_permille / 1000
        waits = at_once + (1 - at_once) * self.given.trust
        is_shown = self.n_known >= self.given.shown_from
        worth = self.weights[self.n_known] * np.where(self.n_known == 0, waits, 1.0)
        worth = worth * self.bonus()
        worth = np.where(is_shown, worth, waits)  # for all a rider knows nobody rode there
        worth[self.is_taken & is_shown] = 0.0
        worth[self.seen_by.get(rider, [])] = 0.0
        return worth * self.city.km

    def bonus(self) -> np.ndarray:
        """What a ride of each direction is multiplied by, if a mission asks for it."""
        has_mission = (self.n_known >= self.given.shown_from) & (self.n_known < N_DAY_PARTS)
        most = min(self.given.mission, self.rules.mission_permille / 1000)
        return np.where(has_mission, most, 1.0)

    def ride(self, rider: int, direction: int, day: int, hours: float, dice: np.ndarray) -> None:
        """A ride from terminal to terminal; if the trail is usable the engine says what it adds."""
        km = float(self.city.km[direction])
        self.n_trails, self.hours = self.n_trails + 1, self.hours + hours
        self.km += km
        self.is_taken[direction] = True
        if dice[3] >= self.given.usable:
            return
        own = self.segments[direction]
        length_mm = np.full(len(own), int(km * 1e6 / len(own)))
        rows = {"ride_index": 0, "route_index": direction // 2, "direction_id": direction % 2, "day": day}
        columns = {name: np.full(len(own), value) for name, value in rows.items()}
        worth_mm = length_mm * (700 + int(300 * dice[4])) // 1000  # quality 0.7 to 1.0 in both games
        segments = Segments(segment=own, length_mm=length_mm, worth_mm=worth_mm, **columns)
        terms = Terms(mission_permille=round(1000 * self.bonus()[direction]))
        result = score(segments, rider, self.observers, self.rules, terms=terms)
        for segment, who, when in result.observed:
            self.observers.setdefault(segment, []).append((who, when))
        self.seen_by.setdefault(rider, []).append(direction)
        points = sum(award.evidence["full_millipoints"] for award in result.awards) / 1000
        self.paid[direction] += points if self.game == OURS else km
        self.n_usable += 1
        self.n_idle += not result.observed

    def night(self) -> tuple[int, int]:
        """The map is made anew; how many directions are seen and confirmed."""
        self.n_known = self.n_observers()
        self.is_taken[:] = False
        return int(np.sum(self.n_known > 0)), int(np.sum(self.n_known > 1))


def run(city: City, given: Assumptions, game: str) -> Outcome:
    """Seventeen days of one game."""
    campaign, by_day = Campaign(city, given, game, load_rules()), []
    for day in range(DAYS):
        for k in np.flatnonzero(city.day == day).tolist():
            campaign.outing(k)
        by_day.append(campaign.night())
    seen, confirmed = by_day[-1]
    return Outcome(
        n_directions=len(city.km),
        n_trails=campaign.n_trails,
        n_usable=campaign.n_usable,
        hours=campaign.hours,
        km=campaign.km,
        n_seen=seen,
        n_confirmed=confirmed,
        idle=campaign.n_idle / max(1, campaign.n_usable),
        supported=float(campaign.paid[campaign.n_known > 1].sum() / max(1e-9, campaign.paid.sum())),
        by_day=tuple(by_day),
    )


# --- what is compared ----------------------------------------------------------------------------


def compare(given: Assumptions, seeds: tuple[int, ...]) -> tuple[list[Outcome], list[Outcome]]:
    """Pay by the kilometre and our rules in the same cities."""
    ready = replace(given, avoid=fitted(given, seeds[: len(FEW_SEEDS)]))
    cities = [make_city(ready, seed) for seed in seeds]
    return [run(city, ready, KM) for city in cities], [run(city, ready, OURS) for city in cities]


def fitted(given: Assumptions, seeds: tuple[int, ...]) -> float:
    """The `avoid` at which pay by the kilometre leaves TOLD_SHARE of the directions seen with two observers.

    Where riders answer as assumed; on a straight line through the logarithms of what was TRIED near it.
    """
    if given.avoid >= 0:
        return given.avoid
    plain = Assumptions()
    same = ("answers", "strength", "trust", "shown_from", "mission", "avoid_always")
    return _fitted(replace(given, **{name: getattr(plain, name) for name in same}), seeds)


@cache
def _fitted(given: Assumptions, seeds: tuple[int, ...]) -> float:
    points = []
    for avoid in TRIED:
        found = [run(make_city(given, seed), replace(given, avoid=avoid), KM) for seed in seeds]
        share = sum(one.n_confirmed for one in found) / sum(one.n_seen for one in found)
        points.append((abs(np.log(max(share, 1e-6) / TOLD_SHARE)), np.log(share + 1e-6), np.log(1 - avoid)))
    nearest = sorted(points)[:4]
    slope, base = np.polyfit([share for _, share, _ in nearest], [left for _, _, left in nearest], 1)
    return float(np.clip(1 - np.exp(base + slope * np.log(TOLD_SHARE)), 0, 1))


def mean(outcomes: list[Outcome], name: str) -> float:
    """Over the cities."""
    return float(np.mean([getattr(one, name) for one in outcomes]))


def times(kilometre: list[Outcome], ours: list[Outcome], is_fitted: bool = True) -> float:
    """How many times as many directions our rules confirm, all cities together.

    Where the dice left pay by the kilometre with less than TOLD_SHARE of what it saw, it is given that.
    """
    least = TOLD_SHARE * mean(kilometre, "n_seen") if is_fitted else 0.0
    return mean(ours, "n_confirmed") / max(mean(kilometre, "n_confirmed"), least)


# --- what is shown -------------------------------------------------------------------------------


def main(words: list[str]) -> None:
    """The tables and the picture of the page; with `--quick` they are printed and nothing is written."""
    if "--settled" in words:
        print(settled_table())
        return
    is_quick = "--quick" in words
    seeds, few = (QUICK_SEEDS, QUICK_SEEDS) if is_quick else (SEEDS, FEW_SEEDS)
    kilometre, ours = compare(Assumptions(), seeds)
    compared = {name: (replace(Assumptions(), **change), few) for name, change in VARIANTS.items()}
    found = {name: compare(*one) for name, one in compared.items()}
    avoided = {name: fitted(*one) for name, one in compared.items()}
    tables = {"campaign": base_table(kilometre, ours), "assumptions": variant_table(found, avoided)}
    if is_quick:
        print("\n\n".join(tables.values()))
        return
    for marker, text in tables.items():
        put(marker, text, PAGE)
    out = Path(words[words.index("--out") + 1]) if "--out" in words else OUT
    draw(kilometre, ours, {name: curve(change, few) for name, change in CURVES.items()}, found, out)


def settled_table() -> str:
    """What the settlement confirms of the rides on directions that two or more rode, by how many go out.

    For each of TRUST_POINTS, all riders honest; in brackets what a ring of ten would have of the pot.
    """
    rows = []
    for n_outings in (1_900, 3_800, 7_600, 19_000):
        given = replace(Assumptions(), n_outings=n_outings, avoid=SETTLED_AVOID)
        city = make_city(given, QUICK_SEEDS[0])
        n_twice, found = settled(city, given)
        told = [f"{share:.0%} ({ring:.1%})" for share, ring in found]
        rows.append([f"{n_outings:,}", str(n_twice), *told])
    header = ["outings", "directions seen twice", *(f"{points} points on trust" for points in TRUST_POINTS)]
    return table(header, rows)


def settled(city: City, given: Assumptions) -> tuple[int, list[tuple[float, float]]]:
    """Directions with two observers; what of their rides is confirmed, and a ring's share of the pot."""
    rules = load_rules()
    campaign = Campaign(city, given, OURS, rules)
    for day in range(DAYS):
        for k in np.flatnonzero(city.day == day).tolist():
            campaign.outing(k)
        campaign.night()
    rows = [(s, *who, n) for s, many in campaign.observers.items() for n, who in enumerate(many)]
    segment, user, day, place = np.array(rows).T
    direction = np.searchsorted([own[0] for own in campaign.segments], segment, "right") - 1
    known, ride = np.unique(np.column_stack([day, direction, user]), axis=0, return_inverse=True)
    seen = Observed(ride.reshape(-1), user, segment, day, np.full(len(rows), 850_000), place)
    is_twice = campaign.n_known[known[:, 1]] > 1
    honest = [one[is_twice].mean() / 1000 for one, _ in _trusted(seen, rules)]
    faked = [worth[-1] / worth.sum() for _, worth in _trusted(_with_ring(seen), rules)]
    return int(np.sum(campaign.n_known > 1)), list(zip(honest, faked, strict=True))


def _with_ring(seen: Observed) -> Observed:
    """Ten people more who send three rides each of ways that they invent, each way in two of their names."""
    n_km, first = 12, int(seen.segment.max()) + 1
    way, half, km = (axis.ravel() for axis in np.indices((RING * RING_WAYS, 2, n_km)))
    user = int(seen.user_id.max()) + 1 + (way + half * (1 + way // RING)) % RING
    ride = int(seen.ride_index.max()) + 1 + 2 * way + half
    extra = (ride, user, first + way * n_km + km, way % DAYS + half, np.full(len(km), 850_000), half)
    names = Observed.__dataclass_fields__
    return Observed(
        *(np.concatenate([getattr(seen, name), one]) for name, one in zip(names, extra, strict=True))
    )


def _trusted(seen: Observed, rules: Rules) -> list[tuple[IntArray, IntArray]]:
    """For each of TRUST_POINTS the confirmed thousandths of each ride, and what is verified in all.

    That is of all riders but the last ten, and of these, in millimetres times thousandths.
    """
    found, nobody = [], np.empty(0, dtype=np.int64)
    said = voices(seen, (), frozenset(), confirm_of(rules))
    for points in TRUST_POINTS:
        confirm = confirm_of(replace(rules, trust_millipoints=1000 * points))
        share = shares(seen, said, frozenset(), nobody, confirm)
        worth = seen.worth_mm * confirm.weights(seen.place) * share[seen.ride_index] // 1000
        is_last = seen.user_id > int(seen.user_id.max()) - RING
        found.append((share, np.array([worth[~is_last].sum(), worth[is_last].sum()])))
    return found


def curve(change: dict[str, float], seeds: tuple[int, ...]) -> list[float]:
    """How many times as many, for each share of ANSWERS."""
    given = replace(Assumptions(), **change)
    return [times(*compare(replace(given, answers=answers), seeds), given.avoid < 0) for answers in ANSWERS]


def base_table(kilometre: list[Outcome], ours: list[Outcome]) -> str:
    """The two games side by side, means over the cities; the range of what counts."""
    said = {
        "trails recorded": ("n_trails", "{:,.0f}"),
        "hours of riders": ("hours", "{:,.0f}"),
        "usable trails": ("n_usable", "{:,.0f}"),
        "of these, with nothing new in them": ("idle", "{:.0%}"),
        "directions seen at least once": ("n_seen", "{:,.0f}"),
        "**directions with two independent rides**": ("n_confirmed", "**{:,.0f}**"),
        "lowest and highest of the cities": ("n_confirmed", ""),
        "share of all directions": ("share", "{:.1%}"),
        "share of the seen": ("share_of_seen", "{:.1%}"),
        "share of all that was paid, for such directions": ("supported", "{:.0%}"),
        "pesos of the pot for each such direction": ("pesos", "{:,.0f}"),
    }
    rows = []
    for label, (name, form) in said.items():
        pair = [form.format(mean(side, name)) if form else _range(side, name) for side in (kilometre, ours)]
        rows.append([label, *pair])
    rows.append(["times as many", "1", f"{times(kilometre, ours):.1f}"])
    return table([f"means of {len(ours)} simulated cities", KM, OURS], rows)


def _range(outcomes: list[Outcome], name: str) -> str:
    values = [getattr(one, name) for one in outcomes]
    return f"{min(values)} to {max(values)}"


def variant_table(found: dict[str, tuple[list[Outcome], list[Outcome]]], avoided: dict[str, float]) -> str:
    """A row for each variant; those that miss the goal are marked."""
    header = ["what is assumed otherwise", "mapped ones avoided", f"{KM}: seen", "twice"]
    header += [f"{OURS}: seen", "twice", "times as many"]
    rows = []
    for name, (kilometre, ours) in found.items():
        ratio = times(kilometre, ours, "avoid" not in VARIANTS[name])
        counts = [f"{mean(s, n):.0f}" for s in (kilometre, ours) for n in ("n_seen", "n_confirmed")]
        told = f"{ratio:.1f}" if ratio >= GOAL else f"**{ratio:.1f}, missed**"
        rows.append([name, f"{avoided[name]:.0%}", *counts, told])
    return table(header, rows)


def draw(
    kilometre: list[Outcome],
    ours: list[Outcome],
    curves: dict[str, list[float]],
    found: dict[str, tuple[list[Outcome], list[Outcome]]],
    out: Path,
) -> None:
    """Day by day, by the strength of the answer, and every variant; the same numbers give the same bytes."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.hashsalt": "transitmap", "svg.fonttype": "none", "font.size": 9})
    from matplotlib import pyplot

    places = [["days", "all"], ["curve", "all"]]
    figure, axes = pyplot.subplot_mosaic(places, figsize=(11, 7.4), layout="tight")
    _draw_days(axes["days"], kilometre, ours)
    _draw_curves(axes["curve"], curves)
    _draw_variants(
        axes["all"], {name: times(*pair, "avoid" not in VARIANTS[name]) for name, pair in found.items()}
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, metadata={"Date": None, "Creator": None})
    pyplot.close(figure)


def _draw_days(axes, kilometre: list[Outcome], ours: list[Outcome]) -> None:
    days = np.arange(1, DAYS + 1)
    for outcomes, label, colour in ((ours, OURS, BLUE), (kilometre, KM, ORANGE)):
        lines = np.mean([one.by_day for one in outcomes], axis=0) / outcomes[0].n_directions
        axes.plot(days, lines[:, 1], color=colour, marker="o", markersize=3, label=f"{label}: two rides")
        axes.plot(days, lines[:, 0], color=colour, linestyle=":", label=f"{label}: seen at all")
    axes.yaxis.set_major_formatter("{x:.0%}")
    axes.set(title="share of route-directions, as assumed", xlabel="day of the campaign", ylim=0)
    axes.legend(fontsize=8)


def _draw_curves(axes, curves: dict[str, list[float]]) -> None:
    for (name, ratios), colour, mark in zip(
        curves.items(), (BLUE, GREEN, GREEN, ORANGE), "o^vX", strict=True
    ):
        axes.plot(ANSWERS, ratios, color=colour, marker=mark, label=name)
    axes.axhline(GOAL, color=ORANGE, linewidth=1)
    axes.axhline(1, color="#999999", linewidth=1, linestyle="--")
    axes.xaxis.set_major_formatter("{x:.0%}")
    top = 1.4 * max(max(ratios) for ratios in curves.values())
    axes.set(title="times as many directions with two rides", xlabel="riders who answer", ylim=(0, top))
    axes.legend(fontsize=8)


def _draw_variants(axes, ratios: dict[str, float]) -> None:
    names, places = list(ratios), np.arange(len(ratios))[::-1]
    for place, name in zip(places, names, strict=True):
        is_met = ratios[name] >= GOAL
        axes.plot([1, ratios[name]], [place, place], color="#cccccc", linewidth=1, zorder=1)
        axes.plot(ratios[name], place, "o" if is_met else "X", color=BLUE if is_met else ORANGE)
        axes.text(ratios[name] + 0.15, place, f"{ratios[name]:.1f}", va="center")
    axes.axvline(GOAL, color=ORANGE, linewidth=1)
    axes.axvline(1, color="#999999", linewidth=1, linestyle="--")
    axes.set_yticks(places, names)
    axes.set(title="times as many, one assumption changed", xlim=(0, max(ratios.values()) * 1.12))


if __name__ == "__main__":
    main(sys.argv[1:])
