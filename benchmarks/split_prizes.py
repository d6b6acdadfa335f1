"""What a second account gains under three kinds of prizes: `python -m benchmarks.split_prizes [N_RIDERS]`.

Riders with verified points as a campaign has them (lognormal, a few have most), 170,000 pesos. One of them
has his points in k accounts instead of one. Money of the mean over all draws, in pesos: ours, a list of 200
prizes by rank, and a draw in which nobody wins twice. That one is drawn 400 times, ours is exact.
"""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np

from transitmap.points.prizes import Entrant, award_prizes, load_prize_rules

BUDGET = 17_000_000
ACCOUNTS = (2, 5, 20)
N_DRAWS = 400


def main() -> None:
    """Print a line a rider and number of accounts."""
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 3_500
    random = np.random.default_rng(1)
    points = np.sort((100_000 * random.lognormal(0.0, 1.2, n)).astype(np.int64))[::-1]
    first, tenth = points[[0, 9]] / points.sum()
    print(f"{n} riders, the first has {first:.2%} of all points, the tenth {tenth:.2%}")
    for rank in (1, 4, 10, 100, n // 2):
        own, others = int(points[rank - 1]), np.delete(points, rank - 1)
        for k in ACCOUNTS:
            parts = [own // k + (1 if i < own % k else 0) for i in range(k)]
            told = [
                f"{name} {pays(others, [own]) / 100:,.0f} -> {pays(others, parts) / 100:,.0f}"
                for name, pays in (("ours", ours), ("200 ranks", by_rank), ("no winner twice", once_each))
            ]
            print(f"rank {rank}, {k} accounts: {'; '.join(told)}")


def ours(others, mine) -> float:
    """Centavos of the mean: the draw pays each ticket alike, up to what one person may get."""
    rules = load_prize_rules()
    those = [Entrant(i, int(have)) for i, have in enumerate([*mine, *others], 1)]
    found = award_prizes(those, BUDGET, replace(rules, draw_permille=0), "")
    most = BUDGET * rules.most_permille // 1000
    n_prizes = BUDGET * rules.draw_permille // 1000 // rules.prize_centavos
    sure = dict.fromkeys(range(1, len(mine) + 1), 0)
    for prize in found.prizes:
        if prize.user_id in sure:
            sure[prize.user_id] += prize.amount_centavos
    total = 0.0
    for i, amount in sure.items():
        if i not in found.out:
            share = mine[i - 1] // 1000 / found.n_tickets
            total += min(most, amount + n_prizes * rules.prize_centavos * share)
    return total


def by_rank(others, mine) -> float:
    """Centavos of 200 prizes by rank, each a little smaller than the one before."""
    prizes = BUDGET * np.arange(200, 0, -1) / np.arange(1, 201).sum()
    ranks = [int((others > have).sum()) + place for place, have in enumerate(sorted(mine, reverse=True))]
    return float(sum(prizes[rank] for rank in ranks if rank < len(prizes)))


def once_each(others, mine) -> float:
    """Centavos of the mean of 850 prizes of 200 pesos, where who has won is out."""
    random = np.random.default_rng(2)
    weights = np.array([*mine, *others], dtype=float)
    n_won = 0
    for _ in range(N_DRAWS):
        first = np.argsort(random.exponential(size=len(weights)) / weights)[:850]
        n_won += int((first < len(mine)).sum())
    return n_won / N_DRAWS * 20_000


if __name__ == "__main__":
    main()
