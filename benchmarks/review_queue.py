"""What an order of the review queue saves, and what second looks cost and catch.

Run: python -m benchmarks.review_queue

Findings of five rules that are right differently often, on rides of different worth. Nobody knows how often a
rule is right before people have looked; reviewers err in one case of twenty. Told is how much of what is at
risk is put right after so many looks: points an honest rider waits for, points a dishonest one was paid.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from transitmap.points.review import (
    DISMISSED,
    HARD,
    SOFT,
    UPHELD,
    Look,
    Looks,
    Suspect,
    agreement,
    is_double,
    outcome,
    queue,
)

RULES = (
    ("copy", HARD, 0.98),
    ("motion", HARD, 0.9),
    ("car", SOFT, 0.6),
    ("alike", SOFT, 0.3),
    ("old", SOFT, 0.1),
)
N, AT, SEEDS, ERR = 1_000, (50, 100, 200, 400), 20, 0.05


@dataclass(frozen=True)
class Case:
    """A finding and what nobody knows yet: whether it is right."""

    suspect: Suspect
    is_right: bool

    @property
    def at_stake(self) -> int:
        """What a look puts right."""
        return self.suspect.paid_millipoints if self.is_right else self.suspect.waiting_millipoints


def draw(rng: random.Random) -> list[Case]:
    """Findings in the order in which they came."""
    cases = []
    for number in range(N):
        code, tier, right = rng.choice(RULES)
        full = round(rng.lognormvariate(3.5, 1.0) * 1000)
        paid = 0 if tier == HARD else full // 4
        cases.append(
            Case(Suspect(number, code, tier, full - paid, paid, float(number)), rng.random() < right)
        )
    return cases


def at_risk(left: Sequence[Case], records: dict[str, tuple[int, int]]) -> list[int]:
    """As the queue has it."""
    return [item.finding_id for item in queue([case.suspect for case in left], records, 0.0)]


def by_age(left: Sequence[Case], records: dict[str, tuple[int, int]]) -> list[int]:
    """First come, first looked at."""
    return [case.suspect.finding_id for case in left]


def by_worth(left: Sequence[Case], records: dict[str, tuple[int, int]]) -> list[int]:
    """The most valuable ride first, however sure its rule is."""
    ranked = sorted(
        left, key=lambda case: -(case.suspect.waiting_millipoints + case.suspect.paid_millipoints)
    )
    return [case.suspect.finding_id for case in ranked]


def saved(cases: list[Case], order: Callable[..., list[int]], rng: random.Random) -> list[float]:
    """The share put right after each number of looks in AT."""
    left = {case.suspect.finding_id: case for case in cases}
    records: dict[str, tuple[int, int]] = {}
    whole, gained, shares = sum(case.at_stake for case in cases), 0, []
    while len(cases) - len(left) < AT[-1]:
        for number in order(list(left.values()), records)[:10]:
            case = left.pop(number)
            says_right = case.is_right != (rng.random() < ERR)
            upheld, dismissed = records.get(case.suspect.code, (0, 0))
            records[case.suspect.code] = (upheld + says_right, dismissed + (not says_right))
            gained += case.at_stake if says_right == case.is_right else 0
        if len(cases) - len(left) in AT:
            shares.append(gained / whole)
    return shares


def second_looks(permille: int, rng: random.Random) -> tuple[float, float, float | None]:
    """Looks a finding, share of wrong outcomes, kappa, where so many findings get a second look."""
    terms, key, n_looks, n_wrong, pairs = Looks(permille, 0), b"k" * 32, 0, 0, []
    for number in range(20 * N):
        truth = rng.random() < 0.5
        looks: list[Look] = []
        double = is_double(key, number, permille)
        while outcome(looks, double, terms) == "open":
            says = truth != (rng.random() < ERR)
            looks.append(Look(len(looks), UPHELD if says else DISMISSED))
        n_looks += len(looks)
        n_wrong += (outcome(looks, double, terms) == UPHELD) != truth
        if len(looks) > 1:
            pairs.append((looks[0].verdict, looks[1].verdict))
    return n_looks / (20 * N), n_wrong / (20 * N), agreement(pairs).kappa


def main() -> None:
    """Both tables."""
    print(f"{'put right after looks':24}" + "".join(f"{n:>8}" for n in AT))
    for name, order in (("by age", by_age), ("by worth", by_worth), ("at risk", at_risk)):
        runs = [saved(draw(random.Random(seed)), order, random.Random(seed)) for seed in range(SEEDS)]
        means = [sum(run[k] for run in runs) / SEEDS for k in range(len(AT))]
        print(f"{name:24}" + "".join(f"{share:8.1%}" for share in means))
    print(f"{'second looks':24}{'looks':>8}{'wrong':>8}{'kappa':>8}")
    for permille in (0, 100, 200, 500, 1000):
        looks, wrong, kappa = second_looks(permille, random.Random(1))
        told = "-" if kappa is None else f"{kappa:.2f}"
        print(f"{permille / 1000:<24.0%}{looks:8.2f}{wrong:8.2%}{told:>8}")


if __name__ == "__main__":
    main()
