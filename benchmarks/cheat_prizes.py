"""What is won by acting once the draw's seed is known: `python -m benchmarks.cheat_prizes [N_SEEDS]`.

A campaign of 300 riders with lognormal points and 170,000 pesos. The cheat has 1 % of the points, and ten
friends with 20 each, who can leave the prizes and come back (a box to tick), be corrected by a reviewer, or
erase their account. Whoever closes the campaign chooses the second, if that is in the seed. Pesos of the
draw, means of seeds: without doing anything, and with what suits the cheat and the friends together best.
"""

from __future__ import annotations

import bisect
import hashlib
import sys
from dataclasses import replace
from itertools import combinations

import numpy as np

from transitmap.points.prizes import Entrant, award_prizes, load_prize_rules, seed_of

BUDGET = 17_000_000
N_RIDERS, N_FRIENDS, N_SECONDS = 300, 10, 3_600
RULES = replace(load_prize_rules(), first_permille=0, teams_permille=0, steps_permille=0, most_permille=1000)
PRIZE = RULES.prize_centavos
N_PRIZES = BUDGET * RULES.draw_permille // 1000 // PRIZE
AWAY = [set(some) for n in range(N_FRIENDS + 1) for some in combinations(range(2, N_FRIENDS + 2), n)]
"""Which friends leave: nobody first."""


def main() -> None:
    """Print a line a way of drawing and a way to cheat."""
    n_seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    people = campaign()
    for name, draw in (("one drum, tickets by modulo", by_modulo), ("a number for each ticket", by_number)):
        found = [draw(people, seed_of("centro", str(one))) for one in range(n_seeds)]
        honest, best = [those[0] for those in found], [max(those) for those in found]
        print(f"{name}: {pesos(honest)}; with friends who leave as suits best {pesos(best)}")
    grind = [
        max(one_draw(people, f"{number}|{second}") for second in range(N_SECONDS))
        for number in range(n_seeds)
    ]
    print(f"one drum, the second of the close chosen out of an hour: {pesos(grind)}")


def campaign() -> list[Entrant]:
    """The cheat is account 1, the friends follow."""
    points = 100_000 * np.random.default_rng(1).lognormal(0.0, 1.0, N_RIDERS)
    mine = [round(points.sum() / 100), *[20_000] * N_FRIENDS]
    return [Entrant(who, int(have)) for who, have in enumerate([*mine, *points.tolist()], 1)]


def by_modulo(people: list[Entrant], seed: str) -> list[int]:
    """How it was: centavos of the cheat and the friends, for each way to leave."""
    return [one_draw([one for one in people if one.user_id not in away], seed) for away in AWAY]


def one_draw(people: list[Entrant], seed: str) -> int:
    """Thousandths of points in a row; ticket k is a hash modulo how many there are."""
    ends = np.cumsum([one.verified_millipoints for one in people]).tolist()
    won = 0
    for number in range(N_PRIZES):
        ticket = int(hashlib.sha256(f"{seed}|{number}".encode()).hexdigest(), 16) % ends[-1]
        won += PRIZE * (people[bisect.bisect_right(ends, ticket)].user_id <= N_FRIENDS + 1)
    return won


def by_number(people: list[Entrant], seed: str) -> list[int]:
    """How it is. A ticket that leaves hands its prize to the next lowest, so all are drawn once, and more."""
    order = [one.user_id for one in award_prizes(people, 2 * BUDGET, RULES, seed).drawn]
    left = [[who for who in order if who not in away][:N_PRIZES] for away in AWAY]
    return [PRIZE * sum(who <= N_FRIENDS + 1 for who in those) for those in left]


def pesos(centavos: list[int]) -> str:
    """The mean."""
    return f"{np.mean(centavos) / 100:,.0f} pesos"


if __name__ == "__main__":
    main()
