"""Simulated campaigns: does the coverage forecast hold as often as it says? Prints a table."""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np

from transitmap.points.forecast import forecast

TARGETS = (600, 800, 900)
LOOKS = (0.25, 0.5, 1.0)
"""Looks at the campaign after so many rides a cell."""
N_RIDES_A_CELL = 60


@dataclass(frozen=True)
class Campaign:
    """Rides in order: which cell, who, on which day."""

    cell: np.ndarray
    voice: np.ndarray
    day: np.ndarray
    n_cells: int


def simulate(rng: np.random.Generator, rides_a_cell: int = N_RIDES_A_CELL) -> Campaign:
    """Riders who join as it goes on, each with a few cells of their own that they ride again and again.

    What differs between campaigns: 100 to 800 cells, how unequal they are (spread of the logarithm 0.5 to
    1.5), how many cells a rider has, how much one rides.
    """
    n_cells = int(rng.integers(100, 801))
    popular = rng.lognormal(0.0, rng.uniform(0.5, 1.5), n_cells)
    popular /= popular.sum()
    mean_habits, mean_rides = rng.uniform(1.5, 6.0), rng.uniform(2.0, 20.0)
    rows, total, voice = [], 0, 0
    while total < rides_a_cell * n_cells:
        habits = rng.choice(n_cells, size=1 + rng.poisson(mean_habits), p=popular)
        n = 1 + rng.geometric(1 / mean_rides)
        joined = rng.uniform()
        when = joined + rng.exponential(0.05, n).cumsum()
        rows.append(np.column_stack([when, rng.choice(habits, n), np.full(n, voice)]))
        total, voice = total + n, voice + 1
    table = np.concatenate(rows)
    table = table[(table[:, 0] < 1.0)]
    table = table[np.argsort(table[:, 0], kind="stable")]
    day = np.floor(table[:, 0] * 60)
    return Campaign(table[:, 1].astype(int), table[:, 2].astype(int), day.astype(int), n_cells)


def rides_until(campaign: Campaign, target_permille: int, n_needed: int = 2) -> int:
    """The number of rides after which the share is reached; -1 where it never is."""
    people: list[set[int]] = [set() for _ in range(campaign.n_cells)]
    days: list[set[int]] = [set() for _ in range(campaign.n_cells)]
    n_done, wanted = 0, -(-campaign.n_cells * target_permille // 1000)
    rows = zip(campaign.cell.tolist(), campaign.voice.tolist(), campaign.day.tolist(), strict=True)
    for nth, (cell, voice, day) in enumerate(rows, 1):
        was = min(len(people[cell]), len(days[cell])) >= n_needed
        people[cell].add(voice)
        days[cell].add(day)
        n_done += not was and min(len(people[cell]), len(days[cell])) >= n_needed
        if n_done >= wanted:
            return nth
    return -1


def look(campaign: Campaign, n_rides: int, target: int, seed: int) -> tuple[str, float] | None:
    """(held, below, above or unreached; forecast to truth) of one forecast; None where it had come so far."""
    part = slice(0, n_rides)
    told = forecast(
        campaign.cell[part], campaign.voice[part], campaign.day[part], campaign.n_cells, target, seed=seed
    )
    if told.share_permille >= target:
        return None
    end = rides_until(campaign, target)
    true = end - n_rides if end >= 0 else np.inf
    known_until = len(campaign.cell) - n_rides
    if end < 0:
        verdict = "held" if told.high is None or told.high > known_until else "below"
    elif told.low is None or true < told.low:
        verdict = "above"
    else:
        verdict = "held" if told.high is None or true <= told.high else "below"
    return verdict, (told.expected or np.inf) / true if end >= 0 else np.nan


def main() -> None:
    """Prints how often the interval held, by how early one looked and by the share asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--campaigns", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    rng = np.random.default_rng(arguments.seed)
    found: dict[tuple[float, int], list[tuple[str, float]]] = {}
    for nth in range(arguments.campaigns):
        campaign = simulate(rng)
        for early in LOOKS:
            for target in TARGETS:
                one = look(campaign, round(early * campaign.n_cells), target, nth)
                if one:
                    found.setdefault((early, target), []).append(one)
    every = [one for many in found.values() for one in many]
    for name, many in [*sorted(found.items()), ("all", every)]:
        verdicts = [verdict for verdict, _ in many]
        shares = {word: verdicts.count(word) / len(many) for word in ("held", "below", "above")}
        middle = np.nanmedian([ratio for _, ratio in many])
        told = ", ".join(f"{word} {share:.0%}" for word, share in shares.items())
        print(f"{name}: n {len(many)}, {told}, median forecast / truth {middle:.2f}")


if __name__ == "__main__":
    main()
