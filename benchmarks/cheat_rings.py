"""What accounts gain by confirming one another: `python -m benchmarks.cheat_rings [A9|A10|A13|R1|drawn|...]`.

Campaigns are simulated segment by segment: riders with homes, routes by popularity and distance, stretches of
them on days of their own, counted first come as the service does it; A13 runs the whole pipeline on a town.
All of it is seeded. "Gain" is verified points, those that prizes look at, unless it says otherwise.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from benchmarks import attacks, cheat_bench
from benchmarks import honest_riders as honest_rides
from transitmap.config import Config
from transitmap.model import Confirm, IntArray, Network, Observed, Ride, Segments, Terms, Voices
from transitmap.points import settle
from transitmap.points.rules import load_rules
from transitmap.points.score import score
from transitmap.points.voices import one_person, voices
from transitmap.publish import by_person
from transitmap.settling import confirm_of
from transitmap.store import read_under

MIN_RIDERS = 3  # as on a server
RINGS = (2, 4, 10, 20)
DAYS, RING, NOBODY = 17, 1_000_000, frozenset[int]()
NO_SEGMENTS = np.zeros(0, dtype=np.int64)
CAMPAIGNS = {
    "thin": (1000, 1000, 600),
    "sparse": (619, 1000, 2000),
    "middling": (619, 1500, 6000),
    "dense": (619, 3500, 20_000),
}
"""Route-directions (619 are as many as Mapatón published), riders, usable rides (646 were)."""
RULES = load_rules()
CONFIRM = confirm_of(RULES)
DRAWN = (
    ("no feed, no trust", 0, 0),
    ("no feed, 50 points", 50, 0),
    ("feed, 50 points", 50, None),
    ("feed, no limit", 10**6, None),
)
SPLIT_OVER = range(101, 108)
LIKE = ("copy", "copy_redated", "alike")
TRUST_POINTS = (0, 20, 50, 100, 200)
"""What is tried of `confirm.trust_points`."""


@dataclass(frozen=True)
class Drive:
    """One ride: who, on which day, over which segments, each worth so much."""

    user_id: int
    day: int
    segments: range
    worth_mm: int = 80_000


@dataclass(frozen=True)
class Paid:
    """What is verified of each rider, in millimetres times thousandths, and how much of it was faked."""

    verified: dict[int, int]
    faked: int
    pot: int
    observed: Observed
    voices: Voices


def town(seed: int, n_ways: int, n_riders: int, n_rides: int) -> tuple[list[Drive], IntArray]:
    """An honest campaign, and where each route-direction's segments begin."""
    random = np.random.default_rng(seed)
    lengths = np.clip(random.lognormal(np.log(110), 0.45, n_ways), 20, 350).astype(np.int64)
    start = np.concatenate([[0], np.cumsum(lengths)])
    centre_km, home_km = random.random((n_ways, 2)) * 20, random.random((n_riders, 2)) * 20
    popular, active = random.lognormal(0, 0.6, n_ways), random.lognormal(0, 1.0, n_riders)
    drives = []
    for day in np.sort(random.integers(0, DAYS, n_rides)).tolist():
        rider = int(random.choice(n_riders, p=active / active.sum()))
        near = popular * np.exp(-np.hypot(*(centre_km - home_km[rider]).T) / 3)
        way = int(random.choice(n_ways, p=near / near.sum()))
        n = max(10, int(lengths[way] * random.uniform(0.4, 1)))
        first = int(start[way] + random.integers(0, max(1, lengths[way] - n + 1)))
        worth_mm = int(random.uniform(0.5, 1) * 100_000)
        drives.append(Drive(rider + 1, day, range(first, min(first + n, int(start[way + 1]))), worth_mm))
    return drives, start


def count(drives: Sequence[Drive]) -> Observed:
    """Who counts as an observer of what: first come, nobody twice, no day twice, eleven at most."""
    seen: dict[int, list[tuple[int, int]]] = {}
    rows = []
    for ride, drive in enumerate(drives):
        for segment in drive.segments:
            those = seen.setdefault(segment, [])
            if len(those) < 11 and all(drive.user_id != who and drive.day != day for who, day in those):
                rows.append((ride, drive.user_id, segment, drive.day, drive.worth_mm, len(those)))
                those.append((drive.user_id, drive.day))
    return Observed(*np.array(rows, dtype=np.int64).reshape(-1, 6).T)


def settle_all(
    drives: Sequence[Drive] | Observed,
    confirm: Confirm = CONFIRM,
    linked: Sequence[tuple[int, int]] = (),
    fake_from: int = sys.maxsize,
    heard: Voices | None = None,
    official: IntArray = NO_SEGMENTS,
    met: Sequence[int] | None = None,
) -> Paid:
    """What a settlement verifies of a campaign; segments from `fake_from` on are invented. Without
    a word of whom the staff has `met`, it has met everybody."""
    observed = drives if isinstance(drives, Observed) else count(drives)
    heard = voices(observed, linked, NOBODY, confirm, met) if heard is None else heard
    verdict = settle.judge(observed, heard, NOBODY, official, confirm)
    part = 1000 * verdict.is_open + verdict.allowed * verdict.is_inside
    paid = observed.worth_mm * confirm.weights(observed.place) * part // 1000
    users, back = np.unique(observed.user_id, return_inverse=True)
    verified = np.zeros(len(users), dtype=np.int64)
    np.add.at(verified, back, paid)
    faked = int(paid[observed.segment >= fake_from].sum())
    by_user = dict(zip(users.tolist(), verified.tolist(), strict=True))
    return Paid(by_user, faked, int(paid.sum()), observed, heard)


def trusting(points: float) -> Confirm:
    """The rules with another `trust_points`."""
    return confirm_of(replace(RULES, trust_millipoints=round(1000 * points)))


def with_ring(
    honest: Sequence[Drive],
    start: IntArray,
    n: int,
    n_honest: int,
    design: str,
    seed: int = 7,
    n_fake: int = 6,
) -> tuple[list[Drive], int]:
    """A campaign with a ring of `n`: each fakes `n_fake` rides of invented routes, and makes `n_honest`.

    In `pairs` two confirm each route, other two each time, in a `chain` always neighbours; in `all` everybody
    confirms it, each on a day of their own.
    """
    random = np.random.default_rng(seed)
    base = segment = int(start[-1]) + 10
    extra = []
    pairs = [(i, j) for i in range(n) for j in range(i)]
    chain = [(i, (i + 1) % n) for i in range(n)]
    for route in range(n_fake if design == "all" else n_fake * n // 2):
        two = pairs[route % len(pairs)] if design == "pairs" else chain[route % n]
        crew = [(route + k) % n for k in range(min(n, DAYS))] if design == "all" else list(two)
        days = random.permutation(DAYS)[: len(crew)].tolist()
        ways = range(segment, segment + 120)
        extra += [Drive(RING + who, day, ways, 100_000) for who, day in zip(crew, days, strict=True)]
        segment += 120
    for who in range(n):
        for way in random.integers(len(start) - 1, size=n_honest).tolist():
            part = range(int(start[way]), int(start[way + 1]))
            extra.append(Drive(RING + who, int(random.integers(DAYS)), part))
    return sorted([*honest, *extra], key=lambda drive: drive.day), base


# --- R1, A9: accounts of one person --------------------------------------------------------------


def little_world(random: np.random.Generator) -> tuple[list[Drive], int]:
    """Some twenty rides of others on four short routes, and one rider (1) with up to eight."""
    drives = []
    for k in range(int(random.integers(10, 28))):
        first = 40 * int(random.integers(4)) + int(random.integers(20))
        who = 1 if k < 8 else int(random.integers(2, 9))
        part = range(first, first + int(random.integers(5, 20)))
        drives.append(Drive(who, int(random.integers(8)), part, int(random.integers(1, 100)) * 1000))
    random.shuffle(drives)
    return drives, 8


def earned(
    drives: Sequence[Drive], who: set[int], linked: Sequence[tuple[int, int]], confirm: Confirm = CONFIRM
) -> tuple[int, int]:
    """Millipoints of some accounts, paid at once and verified: by the real awards and settlement.

    What is known of `linked` accounts is known from the first ride on. The staff has met everybody, and knows
    each by one account: that of the rider who splits is 1.
    """
    observers: dict[int, list[tuple[int, int]]] = {}
    rows, full, at_once, people = [], [], 0, one_person(linked)
    for ride, drive in enumerate(drives):
        n = len(drive.segments)
        zeros, segment = np.zeros(n, dtype=np.int64), np.array(drive.segments, dtype=np.int64)
        day, worth = np.full(n, 20_000 + drive.day), np.full(n, drive.worth_mm)
        length = np.full(n, 100_000)
        terms = Terms(also=people.get(drive.user_id, frozenset()) - {drive.user_id})
        found = Segments(zeros, zeros, zeros, segment, day, length, worth)
        result = score(found, drive.user_id, observers, RULES, terms=terms)
        at_once += sum(award.millipoints for award in result.awards) if drive.user_id in who else 0
        full.append(sum(award.evidence["full_millipoints"] for award in result.awards))
        for where, user_id, when in result.observed:
            those = observers.setdefault(where, [])
            rows.append((ride, user_id, where, when, drive.worth_mm, len(those)))
            those.append((user_id, when))
    observed = Observed(*np.array(rows, dtype=np.int64).reshape(-1, 6).T)
    met = {drive.user_id for drive in drives} - set(SPLIT_OVER)
    heard = voices(observed, linked, NOBODY, confirm, met)
    shares = settle.shares(observed, heard, NOBODY, NO_SEGMENTS, confirm, len(drives))
    return at_once, sum(
        settle.pay(points, 0, share, confirm)[1]
        for drive, points, share in zip(drives, full, shares.tolist(), strict=True)
        if drive.user_id in who
    )


def splits(n: int, is_linked: bool, seed: int = 1, confirm: Confirm = CONFIRM) -> IntArray:
    """What `n` random splits of one rider's rides over 2 to 8 accounts gain, in millipoints: (n, 2), paid at
    once and verified."""
    random = np.random.default_rng(seed)
    gains = []
    for _ in range(n):
        drives, _ = little_world(random)
        accounts = [1, *SPLIT_OVER[: int(random.integers(1, 8))]]
        split = [
            replace(drive, user_id=int(random.choice(accounts))) if drive.user_id == 1 else drive
            for drive in drives
        ]
        links = [(1, other) for other in accounts[1:]] if is_linked else []
        alone = earned(drives, {1}, [], confirm)
        gains.append(np.subtract(earned(split, set(accounts), links, confirm), alone))
    return np.array(gains, dtype=np.int64)


def print_splits(n: int = 10_000) -> None:
    """R1."""
    print("R1: one rider's rides split over 2 to 8 accounts at random, millipoints")
    for name, is_linked, k, points in (
        ("one phone or copies (linked), no trust", True, n, 0),
        ("one phone or copies (linked)", True, n, RULES.trust_millipoints / 1000),
        ("never linked, no trust", False, n // 10, 0),
        ("never linked", False, n // 10, RULES.trust_millipoints / 1000),
    ):
        gains = splits(k, is_linked, confirm=trusting(points))
        for what, gain in zip(("at once", "verified"), gains.T, strict=True):
            told = f"{(gain > 0).sum()} gain, most {gain.max()}, mean {gain.mean():.0f}"
            print(f"  {name}, {what}: {k} splits, {told}", flush=True)


@dataclass(frozen=True)
class Told:
    """How well the accounts of one person are told from those of `n_honest` riders.

    `n_linked` of them are one person for us. `index` is the adjusted Rand index of that, `best` what it is if
    nobody else is joined to anybody. `merged` honest riders are one person with somebody else, `grouped` ones
    are in a group with one of the accounts. `got` is what those are paid, in thousandths of a millimetre.
    """

    n: int
    n_linked: int
    n_honest: int
    index: float
    best: float
    merged: int
    grouped: int
    got: int = 0


def tell(heard: Voices, mine: Sequence[int], others: Sequence[int], got: int = 0) -> Told:
    """How well `mine`, all of one person, are told from `others`, each a person."""
    from sklearn.metrics import adjusted_rand_score

    users = [*mine, *others]
    person = {user_id: heard.person.get(user_id, user_id) for user_id in users}
    group = {user_id: heard.group.get(user_id, user_id) for user_id in users}
    index = adjusted_rand_score([min(user_id, RING) for user_id in users], list(person.values()))
    names = list(person.values())
    n_linked = max(names.count(name) for name in {person[one] for one in mine})
    merged = sum(names.count(person[one]) > 1 for one in others)
    grouped = len([one for one in others if group[one] in {group[who] for who in mine}])
    best = best_index(len(mine), n_linked, len(others))
    return Told(len(mine), n_linked, len(others), float(index), best, merged, grouped, got)


def best_index(n: int, n_linked: int, n_honest: int) -> float:
    """The adjusted Rand index of `n` accounts of one person, `n_linked` of them joined and nobody else.

    It is the most that can be had without joining an honest rider, where nothing tells the other accounts
    from honest ones.
    Source: Hubert, Arabie 1985, Comparing partitions.
    """
    true, found, pairs = (k * (k - 1) / 2 for k in (n, n_linked, n + n_honest))
    by_chance = true * found / pairs
    middle = (true + found) / 2
    return 1.0 if middle == by_chance else (found - by_chance) / (middle - by_chance)


def sybils(n: int, found_share: float, design: str, n_wrong: int = 2) -> Told:
    """What `n` accounts of one person get, and how well they are told from others.

    The person rides the same route once a day, with the next account each time: one of their own, or one that
    others ride. Each account is linked to the first with chance `found_share`, and where any are, `n_wrong`
    of 200 honest riders to another, wrongly (a phone that was sold, a family's).
    """
    random = np.random.default_rng(n)
    drives, start = town(3, 100, 200, 1200)
    part = range(10**7, 10**7 + 100) if design == "own route" else range(int(start[5]), int(start[6]))
    mine = [Drive(RING + k % n, k % DAYS, part) for k in range(max(n, DAYS))]
    linked = [(RING, RING + k) for k in range(1, n) if random.random() < found_share]
    linked += [(int(one), int(one) + 1) for one in random.integers(1, 200, n_wrong if found_share else 0)]
    paid = settle_all(sorted([*drives, *mine], key=lambda drive: drive.day), linked=linked)
    got = sum(points for user_id, points in paid.verified.items() if user_id >= RING)
    others = sorted({drive.user_id for drive in drives})
    return tell(paid.voices, [RING + k for k in range(n)], others, got)


def copyists(
    n: int,
    transforms: Sequence[attacks.Transform],
    n_honest: int = 300,
    seed: int = 50,
    codes: tuple[str, ...] = ("copy", "copy_redated"),
) -> Told:
    """The same, no link assumed: one rides on five days, `n` - 1 accounts each send a copy of one of those.

    The copies are made by one of `transforms` each and put on other days; they come among `n_honest` rides of
    others, co-riders and commuters too. Whom `examine` finds to have copied whom, by findings of these
    `codes`, is linked.
    """
    rng, (city, network) = np.random.default_rng([seed, n]), honest_rides.town(seed, 3)
    court, named = cheat_bench.Court(network), {"own": RING}
    own = [honest_rides.solo(city, k, k, 8.0 + k, f"own {k}", rng, "own") for k in range(5)]
    others = [one for _, one in cheat_bench.crowd(city, n_honest, seed)]
    sent = [_sent(own[int(rng.integers(5))], f"sent {k}", transforms, rng) for k in range(1, n)]
    rest = [*others, *sent]
    linked, rider_of = [], dict[str, str]()
    for one in [*own, *(rest[k] for k in rng.permutation(len(rest)).tolist())]:
        who = one.ride.rider_id
        named.setdefault(who, (RING if who.startswith("sent") else 1) + len(named))
        copied = [found.other_ride_id for found in court.judge(one) if found.code in codes]
        linked += [(named[rider_of[other]], named[who]) for other in copied if rider_of[other] != who]
        rider_of[one.ride.ride_id] = who
        court.keep(one)
    heard = voices(count([]), linked, NOBODY, CONFIRM)
    mine = sorted(user_id for user_id in named.values() if user_id >= RING)
    return tell(heard, mine, sorted(set(named.values()) - set(mine)))


def _sent(
    one: honest_rides.Honest, who: str, transforms: Sequence[attacks.Transform], rng: np.random.Generator
) -> honest_rides.Honest:
    """A copy that is worth something."""
    while True:
        transform = attacks.redated(transforms[int(rng.integers(len(transforms)))])
        ride = attacks.copy_of(one.ride, transform, who, who, rng)
        if len(ride.fixes) > 1 and cheat_bench.worth(ride.fixes) > 0:
            return replace(one, ride=ride)


def print_sybils() -> None:
    """A9."""
    print("A9: one person rides the same way once a day under n accounts, two honest pairs linked wrongly")
    for design in ("own route", "others' route"):
        for share in (1.0, 0.95, 0.0):
            for n in (1, 2, 5, 12, 30, 100, 200):
                print_told(f"{design}, {share:.0%} linked", sybils(n, share, design))
    print("A9: n accounts send copies of one person's five rides, among 300 honest rides; links as found")
    plain = [*attacks.TRANSFORMS.values()]
    for n in (12, 30, 100, 200):
        print_told("14 transforms", copyists(n, plain))
        harder = [*plain, *attacks.HARDER.values()]
        print_told("and noise of 3 to 10 m, smoothed over 60 s", copyists(n, harder))
        print_told("and people uphold every likeness", copyists(n, harder, codes=LIKE))


def print_told(name: str, told: Told) -> None:
    """One line of A9."""
    print(
        f"  {name:42s} n={told.n:3d} linked {told.n_linked:3d}  ARI {told.index:.3f} (best {told.best:.3f})  "
        f"of {told.n_honest} honest riders merged {told.merged}, grouped {told.grouped}  "
        f"{told.got / 1e9:.2f} km verified",
        flush=True,
    )


# --- A10: rings ----------------------------------------------------------------------------------


def print_rings(names: Sequence[str] = tuple(CAMPAIGNS), sizes: Sequence[int] = RINGS) -> None:
    """A10, and what the rule costs honest riders, for each of TRUST_POINTS."""
    for name in names:
        honest, start = town(1, *CAMPAIGNS[name])
        print_waiting(name, honest)
        columns = " ".join(f"{points:6d}" for points in TRUST_POINTS)
        print("  faked, in % of the pot: of two accounts that suffice, and with so many points on trust")
        print(f"  design ring honest-rides-each  two {columns}", flush=True)
        for design in ("pairs", "all"):
            for n in sizes:
                for n_honest in (0, 3, 6):
                    print_ring(honest, start, design, n, n_honest)


def print_ring(honest: Sequence[Drive], start: IntArray, design: str, n: int, n_honest: int) -> None:
    """One line of A10."""
    drives, base = with_ring(honest, start, n, n_honest, design)
    observed = count(drives)
    heard = voices(observed, (), NOBODY, CONFIRM)
    naive = settle_all(observed, CONFIRM, fake_from=base, heard=Voices())
    paid = [settle_all(observed, trusting(points), (), base, heard) for points in TRUST_POINTS]
    faked = " ".join(f"{100 * one.faked / one.pot:6.2f}" for one in paid)
    print(
        f"  {design:6s} {n:3d} {n_honest:2d}   {100 * naive.faked / naive.pot:17.1f} {faked}",
        flush=True,
    )


def print_waiting(name: str, honest: list[Drive]) -> None:
    """What waits of honest riders of whom two accounts would confirm anything."""
    observed = count(honest)
    heard = voices(observed, (), NOBODY, CONFIRM)
    naive = settle_all(observed, heard=Voices())
    n_alone = sum(not points for points in naive.verified.values())
    print(f"{name}: {len(naive.verified)} riders, {n_alone} where nobody else rides; of the others wait for")
    for points in TRUST_POINTS:
        paid = settle_all(observed, trusting(points), heard=heard)
        everything, half, lost = waits_of(paid, naive)
        print(
            f"  {points:3d} points on trust: everything {everything:.1%}, more than half {half:.1%}; "
            f"points that wait {lost:.1%}, verified {paid.pot / (1e9 / 10):,.0f}",
            flush=True,
        )


def waiting(honest: Sequence[Drive], confirm: Confirm = CONFIRM) -> tuple[float, float, float]:
    """Shares of honest riders of whom all waits, half of what two accounts would confirm; of points."""
    return waits_of(settle_all(honest, confirm), settle_all(honest, confirm, heard=Voices()))


def waits_of(paid: Paid, naive: Paid) -> tuple[float, float, float]:
    """As `waiting`."""
    could = np.array([points for points in naive.verified.values() if points])
    got = np.array([paid.verified[user_id] for user_id, points in naive.verified.items() if points])
    return float((got == 0).mean()), float((got < could / 2).mean()), 1 - paid.pot / naive.pot


# --- rides drawn along an official line ----------------------------------------------------------


def print_drawn(n_accounts: Sequence[int] = (1, 10)) -> None:
    """What accounts get that draw rides along lines which an official feed knows, without being there."""
    honest, start = town(1, *CAMPAIGNS["thin"])
    official = np.arange(int(start[-1]))
    print("drawn: rides along lines of a thin campaign that an official feed knows, in % of the pot")
    for n in n_accounts:
        for n_rides in (6, 60):
            drives, _ = with_ring(honest, start, n, n_rides, "pairs", n_fake=0)
            observed = count(drives)
            heard = voices(observed, (), NOBODY, CONFIRM)
            for name, points, known in DRAWN:
                paid = settle_all(observed, trusting(points), heard=heard, official=official[:known])
                mine = sum(verified for who, verified in paid.verified.items() if who >= RING)
                print(
                    f"  {n} accounts, {n_rides} rides each, {name}: {mine / paid.pot:.2%} "
                    f"({(paid.pot - mine) / 1e8:,.0f} points of honest riders)",
                    flush=True,
                )


# --- who gets the pot of a segment and day -------------------------------------------------------


def print_pot() -> None:
    """What a second account on the same vehicle brings if a day's pot goes to the first, or is shared."""
    print("pot of a segment and day: what a second account on the same vehicle gains, % of the pot")
    for n_others in range(7):
        first = second_account(n_others, is_shared=False)
        shared = second_account(n_others, is_shared=True)
        print(
            f"  {n_others} others that day: to the first {100 * first:.1f}, in equal parts {100 * shared:.1f}"
        )


def second_account(n_others: int, is_shared: bool) -> float:
    """The mean gain over all places among the others; the second account comes right after the first."""
    gains = []
    for place in range(n_others + 1):
        others = [f"other {k}" for k in range(n_others)]
        one = [*others[:place], "mine", *others[place:]]
        two = [*others[:place], "mine", "mine, too", *others[place:]]
        gains.append(_mine(two, is_shared) - _mine(one, is_shared))
    return sum(gains) / len(gains)


def _mine(order: list[str], is_shared: bool) -> float:
    mine = [who.startswith("mine") for who in order]
    return sum(mine) / len(order) if is_shared else float(mine[0])


# --- A14: griefing -------------------------------------------------------------------------------


def griefing(
    n_attackers: int, seed: int = 11, campaign: tuple[int, int, int] = CAMPAIGNS["middling"]
) -> tuple[int, int, float]:
    """Attackers ride after ten riders wherever these ride, and fake much, to be one group.

    Of how many honest riders more waits than before, by over a hundredth and a tenth of what two accounts
    would confirm; and the most.
    """
    honest, _ = town(1, *campaign)
    random = np.random.default_rng(seed)
    victims = random.choice(sorted({drive.user_id for drive in honest}), 10, replace=False).tolist()
    shadow = [
        replace(drive, user_id=RING + k % n_attackers, day=min(drive.day + 1 + k % 3, DAYS - 1))
        for k, drive in enumerate([drive for drive in honest if drive.user_id in victims] * 2)
    ]
    fake = with_ring([], np.array([10**7]), n_attackers, 0, "all")[0]
    before, after = waits(honest), waits(sorted([*honest, *shadow, *fake], key=lambda drive: drive.day))
    more = np.array([after.get(who, 0.0) - share for who, share in before.items()])
    return int((more > 0.01).sum()), int((more > 0.1).sum()), float(more.max())


def waits(drives: Sequence[Drive]) -> dict[int, float]:
    """The share of what two accounts would confirm of each rider that waits for somebody else."""
    paid, naive = settle_all(drives), settle_all(drives, heard=Voices())
    return {who: 1 - paid.verified[who] / points for who, points in naive.verified.items() if points}


def print_griefing() -> None:
    """A14."""
    for n in (2, 10):
        some, much, most = griefing(n)
        print(
            f"A14: {n} accounts follow ten riders: of {some} of some 1,200 honest riders more waits, "
            f"of {much} by over a tenth, at most {most:.0%}; nobody is blocked, what was confirmed stays",
            flush=True,
        )


# --- A13: vandals --------------------------------------------------------------------------------


def vandals(share: float, how: str, n_rides: int = 360, n_riders: int = 100) -> tuple[int, int, int, int]:
    """Stops and patterns published that no honest rider made, and honest ones that are gone.

    A share more contributors send six rides each: of others moved aside by some 400 m, each by a way of its
    own (`alone`) or all by one (`alike`), that with the accounts that are found to copy one another as one
    rider (`linked`), as `one voice`, or, to compare with, `honest` ones.
    """
    from transitmap import pipeline
    from transitmap.gtfs.admit import admit
    from transitmap.simulate import SimulateConfig, simulate_city, simulate_rides

    config = Config()
    data = simulate_rides(simulate_city(7, SimulateConfig()), 7, n_rides + 60, n_riders)
    rides = [
        replace(ride, rider_id=one.rider)
        for one in data.rides
        for ride in pipeline.collect_upload(one.ride, one.gpx, config, one.uploaded_at)
    ]
    rides, more = rides[:-60], rides[-60:]
    random = np.random.default_rng(13)
    bad = more[: 6 * round(share * n_riders)] if how == "honest" else []
    are_one = how != "alone"
    for k in range(0 if bad else round(share * n_riders)):
        north, east = (0.0036, 0.0036) if are_one else random.normal(0, 0.0036, 2)
        mine = (
            rides[:6] if are_one else [rides[i] for i in random.choice(len(rides), 6, replace=False).tolist()]
        )
        for ride in mine:
            fixes = replace(
                ride.fixes,
                time_s=ride.fixes.time_s + 86_400.0 * (k + 1),
                lat_deg=ride.fixes.lat_deg + north + random.normal(0, 2e-5, len(ride.fixes)),
                lon_deg=ride.fixes.lon_deg + east + random.normal(0, 2e-5, len(ride.fixes)),
            )
            bad.append(
                replace(
                    ride,
                    ride_id=f"bad-{k}-{ride.ride_id}",
                    rider_id=str(RING if how == "one voice" else RING + k),
                    fixes=fixes,
                )
            )
    bad = by_person(bad, read_under(copiers(bad, config))) if how == "linked" else bad
    clean = admit(pipeline.infer_network(rides, config)[0], MIN_RIDERS)[0]
    dirty = admit(pipeline.infer_network([*rides, *bad], config)[0], MIN_RIDERS)[0]
    return (
        *strangers(places(dirty), places(clean), 60.0),
        len(dirty.patterns) - len(clean.patterns),
        len(clean.stops),
    )


def copiers(rides: Sequence[Ride], config: Config) -> list[tuple[int, int]]:
    """(who sent a copy, whose ride it was), as the service finds them; on new ground, in their order."""
    from transitmap import pipeline
    from transitmap.points.suspicion.examine import HARD, examine
    from transitmap.points.suspicion.marks import candidates, marks_of
    from transitmap.terrain import nothing_known

    network = nothing_known("America/Mexico_City").network
    marked: dict[int, list[int]] = {}
    links = set[tuple[int, int]]()
    for k, ride in enumerate(rides):
        marks = marks_of(ride.fixes, b"benchmark")
        count = Counter(row for band in marks.asked.tolist() for row in marked.get(band, ()))
        before = {rides[row].ride_id: rides[row] for row in candidates(count, marks.n_least)}
        trips, came_s = pipeline.recognise(network, [ride], config), float(ride.fixes.time_s[-1]) + 3_600.0
        for one in examine(ride, list(before.values()), trips, 0, network, came_s):
            other = before.get(one.other_ride_id, ride)
            if one.tier == HARD and one.code.startswith("copy") and other.rider_id != ride.rider_id:
                links.add((int(ride.rider_id), int(other.rider_id)))
        for band in marks.kept.tolist():
            marked.setdefault(band, []).append(k)
    return sorted(links)


def places(network: Network) -> np.ndarray:
    """(n, 2) stops in metres, about."""
    stops = network.stops
    return np.column_stack([stops.lat_deg * 111_195, stops.lon_deg * 111_195 * np.cos(np.radians(22.9))])


def strangers(new: np.ndarray, old: np.ndarray, limit_m: float) -> tuple[int, int]:
    """How many new places are far from all old ones, and the other way round."""
    from scipy.spatial import cKDTree

    return (
        int((cKDTree(old).query(new)[0] > limit_m).sum()),
        int((cKDTree(new).query(old)[0] > limit_m).sum()),
    )


def print_vandals() -> None:
    """A13."""
    for share in (0.01, 0.1):
        for how in ("honest", "alone", "alike", "linked", "one voice"):
            new, gone, patterns, n = vandals(share, how)
            print(
                f"A13: {share:.0%} of 100 people send six rides each, {how}: of {n} "
                f"published stops {gone} gone, {new} invented, patterns {patterns:+d}",
                flush=True,
            )


def main() -> None:
    """Print the tables that are asked for, or all; `A10 dense 10` prints one campaign's, rings of ten."""
    if sys.argv[1:2] == ["A10"]:
        names = [word for word in sys.argv[2:] if word in CAMPAIGNS]
        sizes = [int(word) for word in sys.argv[2:] if word.isdecimal()]
        return print_rings(names or tuple(CAMPAIGNS), sizes or RINGS)
    tables = {
        "R1": print_splits,
        "A9": print_sybils,
        "A10": print_rings,
        "drawn": print_drawn,
        "pot": print_pot,
        "A13": print_vandals,
        "A14": print_griefing,
    }
    for name in sys.argv[1:] or tables:
        tables[name]()
    return None


if __name__ == "__main__":
    main()
