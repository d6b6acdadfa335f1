"""CheatBench: attacks on the points against honest riders, co-riders included; seeded.

python -m benchmarks.cheat_bench [N_RIDERS] [--town FIRST] [--honest | --figure docs/figures/copies.svg]
python -m benchmarks.cheat_bench edge|hide

Prints for each attack n, the share withheld and the share held for a reviewer, with Wilson intervals (95 %),
and what it is paid against the ride it was made from; for honest riders the shares held by mistake; for noise
that wanders as a phone's does the curve; and what examining costs.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from benchmarks import attacks
from benchmarks import honest_riders as honest
from transitmap.model import Finding, Fixes, Network, Ride, Rules, Segments, Trips
from transitmap.points import evidence
from transitmap.points.rules import load_rules
from transitmap.points.score import Observers, score
from transitmap.points.suspicion.examine import HARD, SOFT, examine
from transitmap.points.suspicion.marks import MOST, candidates, marks_of
from transitmap.simulate import City

KEY = b"benchmark"
DAYS, FIRST_HOUR, LAST_HOUR = 10, 6.0, 21.0
SHARED = (0.0, 0.5, 0.8, 0.95)
"""What share of their errors' variance phones in one vehicle have in common."""
COMMUTES, ONE_IN_COMMUTES = 5, 25
N_A_TOWN = 500
N_TRIED = 40
"""How many of each attack are tried in a town."""
NEXT_S = 3_600.0
"""An upload comes so long after its ride ended, or after the ride that it copies."""


@dataclass
class Court:
    """All rides of a town in their order, and what is found about each that comes.

    `rides` are those of which the truth is known, `seen` all that later ones are compared with.
    """

    network: Network
    rides: list[honest.Honest] = field(default_factory=list)
    seen: list[Ride] = field(default_factory=list)
    marked: dict[int, list[int]] = field(default_factory=dict)
    spent_s: list[float] = field(default_factory=list)

    def judge(self, one: honest.Honest, received_s: float | None = None) -> tuple[Finding, ...]:
        """The findings about a ride that was recognised without an error."""
        return self.look(one.ride, honest.trips_of(one), 0, received_s)

    def look(
        self, ride: Ride, trips: Trips, row: int, received_s: float | None = None
    ) -> tuple[Finding, ...]:
        """The findings about a ride that is row `row` of trips, with those seen so far before it."""
        began_s = time.process_time()
        own_marks = marks_of(ride.fixes, KEY)
        count = Counter(k for band in own_marks.asked.tolist() for k in self.marked.get(band, ()))
        rows = candidates(count, own_marks.n_least)
        own = [k for k, other in enumerate(self.seen) if _is_near(ride, other)]
        before = [self.seen[k] for k in dict.fromkeys([*rows, *own])]
        came_s = float(ride.fixes.time_s[-1]) + NEXT_S if received_s is None else received_s
        found = examine(ride, before, trips, row, self.network, came_s)
        self.spent_s.append(time.process_time() - began_s)
        return found

    def keep(self, one: honest.Honest) -> None:
        """Adds a ride to those that later ones are compared with."""
        self.rides.append(one)
        self.see(one.ride)

    def see(self, ride: Ride) -> None:
        """The same of a ride of which nobody knows the truth."""
        for band in marks_of(ride.fixes, KEY).kept.tolist():
            self.marked.setdefault(band, []).append(len(self.seen))
        self.seen.append(ride)


def _is_near(ride: Ride, other: Ride) -> bool:
    """Whether two rides of one rider are less than two hours apart."""
    if ride.rider_id != other.rider_id:
        return False
    gap_s = max(ride.fixes.time_s[0], other.fixes.time_s[0]) - min(
        ride.fixes.time_s[-1], other.fixes.time_s[-1]
    )
    return bool(gap_s < 7_200.0)


@dataclass
class Tally:
    """How many were tried, withheld, held for a reviewer; and for what."""

    n: int = 0
    hard: int = 0
    soft: int = 0
    codes: Counter[str] = field(default_factory=Counter)

    def note(self, found: tuple[Finding, ...]) -> bool:
        """Counts one ride; says whether its points are withheld."""
        tiers = {one.tier for one in found}
        self.n += 1
        self.hard += HARD in tiers
        self.soft += tiers == {SOFT}
        self.codes.update({one.code for one in found})
        return HARD in tiers

    def line(self, name: str) -> str:
        """One line of the report."""
        codes = ", ".join(f"{code} {n}" for code, n in self.codes.most_common(4))
        return f"{name:38s} {self.n:5d}  {said(self.hard, self.n)}  {said(self.soft, self.n)}  {codes}"


def wilson(n_hits: int, n: int, z: float = 1.96) -> tuple[float, float]:
    """The interval of a share.

    Source: Wilson 1927, Probable inference, the law of succession, and statistical inference.
    """
    if not n:
        return 0.0, 1.0
    share, over = n_hits / n, z * z / n
    middle = (share + over / 2) / (1 + over)
    half = z * np.sqrt(share * (1 - share) / n + over / (4 * n)) / (1 + over)
    return max(0.0, float(middle - half)), min(1.0, float(middle + half))


def said(n_hits: int, n: int) -> str:
    """A share with its interval."""
    low, high = wilson(n_hits, n)
    return f"{n_hits / max(n, 1):7.2%} ({low:6.2%} to {high:7.2%})"


def crowd(city: City, n: int, seed: int) -> Iterator[tuple[str, honest.Honest]]:
    """`n` honest riders by turns alone and in companies of two and three, with what they are; then some who
    ride the same stretch at the same hour of `COMMUTES` days."""
    rng = np.random.default_rng([seed, 1])
    made = 0
    while made < n:
        pattern, day = int(rng.integers(len(city.patterns))), int(rng.integers(DAYS))
        hour = float(rng.uniform(FIRST_HOUR, LAST_HOUR))
        if rng.random() < 0.4:
            names, kind = [f"{seed}-{made:05d}"], "alone"
            found = [honest.solo(city, pattern, day, hour, names[0], rng)]
        else:
            shared = SHARED[int(rng.integers(len(SHARED)))]
            names = [f"{seed}-{made + k:05d}" for k in range(int(rng.integers(2, 4)))]
            found, kind = (
                honest.company(city, pattern, day, hour, names, shared, rng),
                f"co-riders {shared:g}",
            )
        made += len(found)
        yield from ((kind, one) for one in found)
    for k in range(n // ONE_IN_COMMUTES):
        pattern, hour = int(rng.integers(len(city.patterns))), float(rng.uniform(FIRST_HOUR, LAST_HOUR))
        who = f"{seed}-commuter-{k:03d}"
        for one in honest.commute(city, pattern, range(COMMUTES), hour, who, rng):
            yield "the same way each day", one


def courts(n_riders: int, first: int = 0) -> Iterator[tuple[City, Court, dict[str, Tally], int]]:
    """Towns with honest riders judged and kept, at most `N_A_TOWN` each, and what was held by mistake."""
    for seed in range(first, first + max(1, round(n_riders / N_A_TOWN))):
        city, network = honest.town(seed, 3)
        court, tallies = Court(network), dict[str, Tally]()
        for kind, one in crowd(city, min(n_riders, N_A_TOWN), seed):
            tallies.setdefault(kind, Tally()).note(court.judge(one))
            court.keep(one)
        yield city, court, tallies, seed


# --- attacks -------------------------------------------------------------------------------------


def copies(
    court: Court, transforms: dict[str, attacks.Transform], seed: int, step: int = 1
) -> Iterator[tuple[str, Tally]]:
    """Each transform of honest rides, put on another day, by the same rider and by others."""
    for number, (name, transform) in enumerate(transforms.items()):
        rng, tally = np.random.default_rng([seed, 2, number]), Tally()
        for k, one in enumerate(court.rides[::step]):
            who = one.ride.rider_id if k % 2 else "thief"
            ride = attacks.copy_of(one.ride, attacks.redated(transform), "copy", who, rng)
            if len(ride.fixes) >= 2 and worth(ride.fixes) > 0:
                tally.note(court.judge(replace(one, ride=ride)))
        yield f"other day: {name}", tally


def worth(fixes: Fixes) -> float:
    """The share of a ride's time that the rules pay at all: beyond two minutes a fix is no evidence."""
    step_s = np.diff(fixes.time_s)
    return float(step_s[step_s <= load_rules().max_interval_s].sum() / max(step_s.sum(), 1.0))


def at_once(court: Court, seed: int, step: int = 1) -> Iterator[tuple[str, Tally]]:
    """The same transforms on the same day under another account: worthless, so only the same file is held."""
    for number, (name, transform) in enumerate(attacks.TRANSFORMS.items()):
        rng, tally = np.random.default_rng([seed, 3, number]), Tally()
        for one in court.rides[::step]:
            ride = attacks.copy_of(one.ride, transform, "copy", "thief", rng)
            if len(ride.fixes) >= 2:
                tally.note(court.judge(replace(one, ride=ride)))
        yield f"same day: {name}", tally


def masked(court: Court, seed: int, step: int = 1) -> Iterator[tuple[str, Tally]]:
    """Noisy copies after as many decoys as are compared, by other accounts: no movement is like theirs."""
    rng, tally = np.random.default_rng([seed, 8]), Tally()
    for one in court.rides[::step]:
        apart = Court(court.network)
        apart.keep(one)
        copy = attacks.copy_of(one.ride, attacks.redated(attacks.correlated(1.0)), "copy", "thief", rng)
        for nth in range(MOST):
            name = f"decoy {nth}"
            apart.keep(replace(one, ride=attacks.copy_of(copy, attacks.decoy, name, name, rng)))
        if worth(copy.fixes) > 0:
            tally.note(apart.judge(replace(one, ride=copy)))
    yield "other day: behind four decoys", tally


def filled(court: Court, seed: int, step: int = 1) -> Iterator[tuple[str, Tally]]:
    """Rides measured now and then, with fixes put in between; and the share of their length that is paid."""
    rng = np.random.default_rng([seed, 9])
    for every_s in (15.0, 30.0, 60.0):
        tally, shares = Tally(), list[list[float]]()
        for one in court.rides[::step]:
            sparse = attacks.copy_of(one.ride, attacks.thinned_to(every_s), "sparse", "cheat", rng)
            ride = attacks.copy_of(sparse, attacks.filled, "filled", "cheat", rng)
            if len(ride.fixes) >= 60:
                tally.note(Court(court.network).judge(replace(one, ride=ride)))
                shares.append([quality(sparse.fixes), quality(ride.fixes)])
        before, after = np.mean(shares, axis=0)
        yield f"filled: {every_s:g} s, worth {before:.2f} to {after:.2f}", tally


def quality(fixes: Fixes) -> float:
    """The share of a ride's length that the rules pay."""
    steps = evidence._steps(fixes, None, "UTC", load_rules())
    return float((steps.permille * steps.length_m).sum() / (1000 * steps.length_m.sum()))


def drawings(
    city: City, court: Court, styles: Iterable[str], seed: int, n: int
) -> Iterator[tuple[str, Tally]]:
    """Traces that a program made."""
    for number, style in enumerate(styles):
        rng, tally = np.random.default_rng([seed, 4, number]), Tally()
        for k in range(n):
            one = attacks.drawn(city, k % len(city.patterns), style, DAYS + 1, 7.0 + k % 12, "drawn", rng)
            tally.note(court.judge(one))
        yield f"drawn: {style}", tally


def others(court: Court, seed: int, step: int = 1) -> Iterator[tuple[str, Tally]]:
    """Jumps, played fast, two places at once, mock positions, clocks set forward."""
    rng, tallies = np.random.default_rng([seed, 5]), dict[str, Tally]()
    for one in court.rides[::step]:
        new = replace(one.ride, ride_id="new", rider_id="new")
        later = replace(new, fixes=replace(new.fixes, time_s=new.fixes.time_s + 100 * attacks.DAY_S))
        tried = {
            "two lines sewn together": (attacks.teleporting(later, rng), None),
            "played 6 to 10 times as fast": (attacks.too_fast(later, rng), None),
            "two places at once": (attacks.elsewhere(one.ride, "new", rng), None),
            "mock positions": (replace(later, flagged={"mock": len(later.fixes)}), None),
            "clock an hour ahead": (later, float(later.fixes.time_s[-1]) - 3_600.0),
        }
        for name, (ride, came_s) in tried.items():
            tallies.setdefault(name, Tally()).note(court.judge(replace(one, ride=ride), came_s))
    yield from tallies.items()


def cars(city: City, court: Court, seed: int, n: int) -> tuple[Tally, list[float], list[float]]:
    """Cars along the lines, and the score of those and of the honest riders."""
    from transitmap.points.suspicion.examine import _car_score
    from transitmap.points.suspicion.followed import follow
    from transitmap.points.suspicion.vehicle import halting_of

    rng, tally = np.random.default_rng([seed, 6]), Tally()
    made = [
        attacks.by_car(city, k % len(city.patterns), DAYS + 1, float(rng.uniform(6, 21)), "car", rng)
        for k in range(n)
    ]
    for one in made:
        tally.note(court.judge(one))
    scores: list[list[float]] = []
    for many in (court.rides, made):
        halts = [halting_of(follow(one.ride, honest.trips_of(one), 0, court.network)) for one in many]
        scores.append([_car_score(halt.n_calls, halt.n_served) for halt in halts if halt.n_calls >= 5])
    return tally, scores[0], scores[1]


def auc(buses: list[float], cars: list[float]) -> float:
    """How often a bus scores higher than a car."""
    bus, car = np.array(buses)[:, None], np.array(cars)[None, :]
    return float(np.mean((bus > car) + 0.5 * (bus == car)))


# --- what it pays --------------------------------------------------------------------------------


def pays(city: City, network: Network, seed: int, n: int) -> dict[str, list[float]]:
    """What the n-th copy and the n-th honest co-rider are paid, in shares of the first ride; on a known line
    and on new ground. All the copies of one day are by accounts of their own."""
    rules, rng = load_rules(), np.random.default_rng([seed, 7])
    known = evidence.survey(network, rules)
    nothing = evidence.survey(_no_patterns(network), rules)
    found: dict[str, list[float]] = {}
    for k in range(n):
        names = [f"{k}-{j}" for j in range(4)]
        party = honest.company(city, k % len(city.patterns), 0, 8.0 + k % 10, names, 0.5, rng)
        for name, ground in (("known line", known), ("new ground", nothing)):
            one = party[0]
            found.setdefault(f"{name}: honest co-riders", []).extend(_paid(ground, party, rules))
            for title, transform in {**attacks.TRANSFORMS, "correlated 5 m": attacks.correlated(5.0)}.items():
                rides = [attacks.copy_of(one.ride, transform, who, who, rng) for who in names[1:]]
                many = [one, *(replace(one, ride=ride) for ride in rides if len(ride.fixes) > 1)]
                found.setdefault(f"{name}: {title}", []).extend(_paid(ground, many, rules))
    return found


def _paid(ground: evidence.Ground, party: list[honest.Honest], rules: evidence.Rules) -> list[float]:
    """What each after the first is paid, in shares of what the first is."""
    observers: dict[int, list[tuple[int, int]]] = {}
    points: list[int] = []
    for who, one in enumerate(party):
        trips = honest.trips_of(one)
        if not ground.lines:
            trips = replace(trips, pattern_index=np.array([-1]))
        segments = evidence.gather(ground, trips, [one.ride], rules, KEY)
        result = score(segments, 1 + who, _observers(observers), rules)
        for segment, user, day in result.observed:
            observers.setdefault(segment, []).append((user, day))
        points.append(sum(award.millipoints for award in result.awards))
    return [more / points[0] for more in points[1:]] if points[0] else []


def _observers(observers: dict[int, list[tuple[int, int]]]) -> Observers:
    return observers


def _no_patterns(network: Network) -> Network:
    from transitmap.terrain import nothing_known

    return nothing_known(network.timezone).network


# --- report --------------------------------------------------------------------------------------


def untouched(segments: Segments, rules: Rules) -> Segments:
    """Rows without those that only take a day's pot: what rides were paid by before there were any."""
    touches = (segments.length_mm > 0) & (segments.length_mm < rules.min_segment_m * 1000)
    return segments.take(~touches)


def edge(n_rides: int = 400) -> None:
    """What it costs honest riders that a touch takes the day's pot: points of two towns, a quarter as many
    riders as rides, two of five rides in company; and what share of them a floor by length would cost."""
    rules = load_rules()
    for seed in (0, 1):
        city, network = honest.town(seed, 7)
        rides = commuters(city, n_rides, seed)
        for name, ground in (("known line", network), ("new ground", _no_patterns(network))):
            found = evidence.survey(ground, rules)
            parts = [_paid_in_order(found, rides, rules, is_before) for is_before in (True, False)]
            before, after = (sum(full for full, _ in part) for part in parts)
            floors = [
                f"{floor:.0%}: {sum(full for full, new in parts[0] if new < floor) / before:.2%}"
                for floor in (0.02, 0.03, 0.05, 0.08, 0.1, 0.2)
            ]
            lost = f"{before / 1000:.0f} points, {1 - after / before:.2%} lost by touches"
            print(f"town {seed}, {name}: {lost}; by a floor of {', '.join(floors)}", flush=True)


def commuters(city: City, n: int, seed: int) -> list[honest.Honest]:
    """Rides of `n / 4` riders on 17 days, alone and in company, in the order in which they end."""
    rng, rides = np.random.default_rng([seed, 99]), list[honest.Honest]()
    while len(rides) < n:
        way = int(rng.integers(len(city.patterns))), int(rng.integers(17)), float(rng.uniform(6, 21))
        k = 1 if rng.random() < 0.6 else int(rng.integers(2, 4))
        names = [str(who) for who in rng.choice(n // 4, k, replace=False)]
        shared = SHARED[int(rng.integers(len(SHARED)))] if k > 1 else 0.0
        rides += honest.company(city, *way, names, shared, rng)
    return sorted(rides, key=lambda one: float(one.ride.fixes.time_s[-1]))


def _paid_in_order(
    ground: evidence.Ground, rides: list[honest.Honest], rules: Rules, is_before: bool
) -> list[tuple[int, float]]:
    """What each ride is worth, and which share of its length is paid."""
    observers: dict[int, list[tuple[int, int]]] = {}
    paid = []
    for one in rides:
        trips = honest.trips_of(one)
        if not ground.lines:
            trips = replace(trips, pattern_index=np.array([-1]))
        segments = evidence.gather(ground, trips, [one.ride], rules, KEY)
        segments = untouched(segments, rules) if is_before else segments
        result = score(segments, 1 + int(one.ride.rider_id), observers, rules)
        for segment, who, day in result.observed:
            observers.setdefault(segment, []).append((who, day))
        length_m = max(1.0, float(segments.length_mm.sum()) / 1000)
        new_m = sum(award.evidence["length_m"] for award in result.awards)
        paid.append((sum(award.evidence["full_millipoints"] for award in result.awards), new_m / length_m))
    return paid


def hide() -> None:
    """Copies behind decoys and rides filled up, of a town of 600 riders."""
    for _, court, _, seed in courts(600, 300):
        for name, tally in (*masked(court, seed, 12), *filled(court, seed, 12)):
            print(tally.line(name), flush=True)


def main(words: list[str]) -> None:
    """Prints the report; the figure is written where it is asked for."""
    if words[:1] in (["edge"], ["hide"]):
        return edge() if words[0] == "edge" else hide()
    n_riders = int(words[0]) if words and words[0].isdecimal() else 2_000
    first = int(words[words.index("--town") + 1]) if "--town" in words else 0
    if "--honest" in words:
        return print_honest(n_riders, first)
    kinds: dict[str, Tally] = {}
    tried: dict[str, Tally] = {}
    curve: dict[str, Tally] = {}
    buses, driven, spent_s = list[float](), list[float](), list[float]()
    for city, court, tallies, seed in courts(n_riders, first):
        _merge(kinds, tallies.items())
        spent_s += court.spent_s
        step = max(1, len(court.rides) // N_TRIED)
        _merge(tried, copies(court, attacks.TRANSFORMS, seed, step))
        _merge(tried, at_once(court, seed, 2 * step))
        _merge(tried, drawings(city, court, attacks.STYLES, seed, N_TRIED))
        _merge(tried, others(court, seed, step))
        _merge(curve, copies(court, attacks.HARDER, seed, step))
        _merge(curve, masked(court, seed, 2 * step))
        _merge(curve, filled(court, seed, 2 * step))
        _merge(curve, drawings(city, court, attacks.FORGERIES, seed, N_TRIED))
        tally, bus, car = cars(city, court, seed, 2 * N_TRIED)
        _merge(curve, [("car along the line", tally)])
        buses, driven = buses + bus, driven + car
    print(f"{'':38s} {'n':>5s}  withheld (95 %)               held for a reviewer            findings")
    hard = {name: tally for name, tally in tried.items() if not name.startswith("same day")}
    total: dict[str, Tally] = {}
    _merge(total, [("all that must be withheld", tally) for tally in hard.values()])
    for name, tally in [*_with_all(kinds), *tried.items(), *total.items(), *curve.items()]:
        print(tally.line(name))
    print(f"cars against buses, AUC: {auc(buses, driven):.3f} ({len(driven)} cars, {len(buses)} buses)")
    city, network = honest.town(0, 3)
    for name, shares in pays(city, network, 0, 16).items():
        mean, most = np.mean(shares), np.max(shares)
        print(f"paid of the first: {name:48s} mean {mean:6.2%} most {most:6.2%} n {len(shares)}")
    ms = 1000 * np.array(spent_s)
    print(f"examining: median {np.median(ms):.1f} ms, 99 % below {np.percentile(ms, 99):.1f} ms of CPU")
    if "--figure" in words:
        draw(curve, Path(words[words.index("--figure") + 1]))
    return None


def print_honest(n_riders: int, first: int) -> None:
    """What is held of honest riders, without any attack."""
    kinds: dict[str, Tally] = {}
    for _, _, tallies, _ in courts(n_riders, first):
        _merge(kinds, tallies.items())
    for name, tally in _with_all(kinds):
        print(tally.line(name))


def _with_all(kinds: dict[str, Tally]) -> Iterator[tuple[str, Tally]]:
    total: dict[str, Tally] = {}
    _merge(total, [("all", tally) for tally in kinds.values()])
    yield from ((f"honest: {name}", tally) for name, tally in [*sorted(kinds.items()), *total.items()])


def _merge(into: dict[str, Tally], more: Iterable[tuple[str, Tally]]) -> None:
    for name, tally in more:
        known = into.setdefault(name, Tally())
        known.n, known.hard, known.soft = known.n + tally.n, known.hard + tally.hard, known.soft + tally.soft
        known.codes += tally.codes


def draw(curve: dict[str, Tally], out: Path) -> None:
    """The share of copies on another day that is withheld, by the noise put on them."""
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    plt.rcParams["svg.hashsalt"] = "transitmap"
    points = sorted(
        (float(name.split()[-2]), tally)
        for name, tally in curve.items()
        if "correlated" in name and "day" in name
    )
    noise_m = [one for one, _ in points]
    hard = [tally.hard / tally.n for _, tally in points]
    both = [(tally.hard + tally.soft) / tally.n for _, tally in points]
    ends = np.array([wilson(tally.hard, tally.n) for _, tally in points]).T
    figure, axes = plt.subplots(figsize=(6.4, 3.6))
    axes.fill_between(noise_m, *ends, color="#0072B2", alpha=0.2, lw=0)
    axes.plot(noise_m, hard, "o-", color="#0072B2", label="withheld")
    axes.plot(noise_m, both, "s--", color="#D55E00", label="withheld or held for a reviewer")
    axes.set(xlabel="correlated noise on each axis, m", ylabel="share of copies", ylim=(0, 1.02))
    axes.legend(loc="lower left")
    axes.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(out, metadata={"Date": None})


if __name__ == "__main__":
    main(sys.argv[1:])
