"""Who rode which cell so far -> how many more rides until a share of all cells is known, with an interval."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from transitmap.model import BoolArray, FloatArray, IntArray

DRAWS = 400
LOW, HIGH = 0.1, 0.9
"""Of all forecasts 80 % are to hold."""
SHAPES, SPREADS = np.geomspace(0.1, 20.0, 30), np.linspace(0.1, 2.5, 30)
"""How alike cells may be: shapes of a gamma distribution, and spreads of the logarithm."""
N_RATES = 160
MAX_TIMES = 50.0
"""A forecast of more than so many times the rides there were is no forecast."""


@dataclass(frozen=True)
class Forecast:
    """Rides that lack until `target_permille` of `n_cells` have enough observers; `share_permille` have now.

    Of all true numbers 80 % are to lie from `low` to `high`. None is out of sight: more than MAX_TIMES the
    rides so far, as where some cells cannot be ridden at all. All are 0 where it is so far already.
    """

    n_cells: int
    n_rides: int
    share_permille: int
    target_permille: int
    low: int | None
    expected: int | None
    high: int | None


def forecast(
    cell: IntArray,
    voice: IntArray,
    day: IntArray,
    n_cells: int,
    target_permille: int,
    n_needed: int = 2,
    seed: int = 0,
) -> Forecast:
    """What lacks, if riders go on as they did: columns have an entry a ride, in order; `cell` is -1 for none.

    A cell is observed anew by each voice that had not ridden it. How often that happens to a cell is drawn
    from what was seen there and from how cells of this city differ, which gives those that nobody rode yet
    their chance; the draws tell when enough cells have what they need. As people ride their own line again,
    pairs of voice and cell grow more slowly than rides, by a power seen so far.
    """
    n_rides, known = len(cell), cell >= 0
    first = _first_rides(cell, voice, known)
    n_people = np.bincount(cell[first], minlength=n_cells)
    n_days = np.bincount(_first_cells(cell, day, known), minlength=n_cells)
    observers = np.minimum(n_people, n_days)
    share = 1_000 * int((observers >= n_needed).sum()) // max(n_cells, 1)
    told = n_cells, n_rides, share, target_permille
    last = math.ceil(n_cells * target_permille / 1_000) - 1
    if n_cells == 0 or int((observers >= n_needed).sum()) > last:
        return Forecast(*told, 0, 0, 0)
    if not len(first):
        return Forecast(*told, None, None, None)
    rng = np.random.default_rng(seed)
    lacking = np.maximum(n_needed - observers, 0)
    n_voices = len(np.unique(voice[first]))
    spans = _spans(rng, n_people, lacking, last, len(first) / n_voices)
    rides = n_rides * ((1.0 + spans) ** (1.0 / _growth(rng, first, n_rides)) - 1.0)
    return Forecast(*told, *(_in_sight(rides, share, n_rides) for share in (LOW, 0.5, HIGH)))


def _first_rides(cell: IntArray, voice: IntArray, known: BoolArray) -> IntArray:
    """The rides by which a voice came to a cell for the first time, in order."""
    rows = np.flatnonzero(known)
    both = np.column_stack([cell[rows], voice[rows]])
    return np.sort(rows[np.unique(both, axis=0, return_index=True)[1]])


def _first_cells(cell: IntArray, day: IntArray, known: BoolArray) -> IntArray:
    """A cell for each of its days."""
    rows = np.flatnonzero(known)
    return np.asarray(np.unique(np.column_stack([cell[rows], day[rows]]), axis=0)[:, 0], dtype=np.int64)


def _spans(
    rng: np.random.Generator, n_people: IntArray, lacking: IntArray, last: int, cells_a_voice: float
) -> FloatArray:
    """For each draw how much longer it takes until the cell number `last` has what it lacks; the past took 1.

    Cells that one voice rode came together: the counts say as much as so many fewer would.
    """
    rates, priors = _priors(float(n_people.mean()))
    counts, row = np.unique(n_people, return_inverse=True)
    log_likely = counts[:, None] * np.log(rates) - rates - np.vectorize(math.lgamma)(counts + 1.0)[:, None]
    evidence = np.log(priors @ np.exp(log_likely).T + 1e-300) @ np.bincount(row.reshape(-1)) / cells_a_voice
    weights = np.exp(evidence - evidence.max())
    chosen = rng.choice(len(priors), size=DRAWS, p=weights / weights.sum())
    spans = np.empty(DRAWS)
    for nth, prior in enumerate(chosen.tolist()):
        posterior = np.cumsum(priors[prior] * np.exp(log_likely), axis=1)
        posterior /= posterior[:, -1:]
        drawn = (posterior[row.reshape(-1)] < rng.uniform(size=len(n_people))[:, None]).sum(axis=1)
        rate = rates[np.minimum(drawn, len(rates) - 1)]
        wait = np.where(lacking > 0, rng.gamma(np.maximum(lacking, 1)) / rate, 0.0)
        spans[nth] = np.partition(wait, last)[last]
    return spans


def _priors(mean: float) -> tuple[FloatArray, FloatArray]:
    """Rates at which voices come to a cell, and how usual each is by every way in which cells may differ."""
    rates = mean * np.geomspace(1e-4, 1e3, N_RATES)
    ways = [SHAPES[:, None] * (np.log(rates / mean) - rates / mean)]  # gamma
    ways += [-((np.log(rates / mean) + SPREADS[:, None] ** 2 / 2) ** 2) / (2 * SPREADS[:, None] ** 2)]
    priors = np.exp(np.concatenate(ways) - np.concatenate(ways).max(axis=1, keepdims=True))
    return rates, np.asarray(priors / priors.sum(axis=1, keepdims=True), dtype=np.float64)


def _growth(rng: np.random.Generator, first: IntArray, n_rides: int) -> FloatArray:
    """The power of the number of rides by which pairs of voice and cell grow: 1 where nobody rides again."""
    late = int((first >= n_rides / 2).sum())
    growth = np.log2(1.0 + rng.gamma(late + 0.5, size=DRAWS) / (len(first) - late + 0.5))
    return np.asarray(np.clip(growth, 0.1, 1.0), dtype=np.float64)


def _in_sight(rides: FloatArray, share: float, n_rides: int) -> int | None:
    value = float(np.quantile(rides, share))
    return math.ceil(value) if value <= MAX_TIMES * n_rides else None
