"""Gaps between vehicles -> likelihood of the headway where vehicles come when they come.

Vehicles are taken as a renewal process: gaps are independent, of mean h and Gamma distributed with shape a
(1 as rain drops fall, 20 almost even). Riders who record come at any time, so that a gap g brings n of them
with probability (c g)^n exp(-c g) / n!, whatever c is. The vehicles nobody recorded are unknown: their number
m is summed out. As sums and products of Gamma densities are Gamma densities, all this has a closed form:
after d seconds a vehicle with n riders has the likelihood

    h^n G(a + n) / (G(a) a^n n!) * sum over m of gamma_pdf(d; shape (m + 1) a + n, scale h / a)

up to factors that do not depend on h and a (c among them: nobody needs to know which share of riders
records). It holds what co-riders say (many in few vehicles: these are most of them) and what close or far
gaps say. Of the first vehicle of a day the gap is not known, and how long its riders gathered follows from c:
the sum is then replaced by (1 + c h / a)^-(a + n). Without that a class of pupils in the first bus of the day
would tell of hours without one.
"""

from __future__ import annotations

from functools import lru_cache
from math import lgamma

import numpy as np

from transitmap.model import FloatArray, IntArray

EVENNESS = (1.0, 2.0, 4.0, 9.0, 20.0)
"""Shapes a that are thought possible: gaps that vary by 100 to 22 %."""
MAX_RIDERS = 30
"""More riders in one vehicle are counted as that many."""
STEP = 0.02
MAX_GAPS = 8.0
"""Beyond so many headways a gap says nothing any more."""
TINY = 1e-300
"""Less is taken as that much. It must be no floor for the density of many riders, which is rightly small."""
NODES = ((-2.857, -1.356, 0.0, 1.356, 2.857), (0.01126, 0.22208, 0.53332, 0.22208, 0.01126))
"""Five places and weights that stand for a normal error (Gauss and Hermite)."""


def gap_likelihood(
    gap_s: FloatArray, n_riders: IntArray, headway_s: FloatArray, noise_s: float, riders_a_s: float
) -> FloatArray:
    """Logarithm of the likelihood, (evenness, vehicles, headways).

    `gap_s` is the time since the vehicle before, infinite for the first of a day. `noise_s` is the standard
    error with which one vehicle's leaving is known, `riders_a_s` how many come and record in a second.
    """
    density, factor = _table()
    n = np.minimum(n_riders, MAX_RIDERS)
    first = ~np.isfinite(gap_s)
    seen = np.zeros((len(EVENNESS), len(gap_s), len(headway_s)))
    for node, weight in zip(*NODES, strict=True):
        place = (np.where(first, 0.0, gap_s) + node * np.sqrt(2.0) * noise_s)[:, None] / (headway_s * STEP)
        inside = np.clip(np.rint(place).astype(np.int64), 0, density.shape[2] - 1)
        seen += weight * np.where(place < 0, 0.0, density[:, n[:, None], inside])
    evenness = np.array(EVENNESS)[:, None, None]
    unknown = -(evenness + n[:, None]) * np.log1p(riders_a_s * headway_s / evenness)
    log_seen = np.where(first[:, None], unknown, np.log(np.maximum(seen, TINY)))
    return np.asarray(log_seen + (n[:, None] - 1) * np.log(headway_s) + factor[:, n][:, :, None])


@lru_cache(maxsize=1)
def _table() -> tuple[FloatArray, FloatArray]:
    """Density of a gap in units of the headway, (evenness, riders, gap), and the factor (evenness,
    riders)."""
    gap = STEP * np.arange(int(MAX_GAPS / STEP) + 1)
    gap[0] = STEP / 20
    missed = np.arange(60)[:, None]
    density = np.ones((len(EVENNESS), MAX_RIDERS + 1, len(gap)))
    factor = np.zeros((len(EVENNESS), MAX_RIDERS + 1))
    for i, a in enumerate(EVENNESS):
        for n in range(1, MAX_RIDERS + 1):
            shape = (missed + 1) * a + n
            log_gamma = np.array([lgamma(value) for value in shape[:, 0]])[:, None]
            terms = np.exp(np.log(a) + (shape - 1) * np.log(a * gap) - a * gap - log_gamma)
            density[i, n] = terms.sum(axis=0)
            factor[i, n] = lgamma(a + n) - lgamma(a) - n * np.log(a)
    return density, factor
