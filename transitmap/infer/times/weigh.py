"""Vehicles and waits of one path and day type -> how likely each headway is in each hour."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from transitmap.config import TimesConfig
from transitmap.infer.times.gaps import EVENNESS, gap_likelihood
from transitmap.infer.times.slots import N_PHASES, SLACK_S, slot_headways_s, slot_likelihood
from transitmap.infer.times.waits import Waits, wait_likelihood
from transitmap.model import FloatArray, IntArray

RANGE_S = (60.0, 7200.0)
N_GAP, N_FINE = 49, 145
PRIOR_S, PRIOR_SPREAD = 900.0, 0.85
"""Headways before any evidence, as in ten real feeds: a median of 15 minutes (in single feeds 8 to 30), four
of five between 5 and 45 minutes."""
SHARE_KEPT, SHARE_NEAR, NEAR = 0.3, 0.6, 0.35
"""From one hour to the next a headway is kept, or changes by about a third, or is any."""
SHARE_TIMETABLE = 0.5
TRUST = 0.6
"""Power of the likelihood. Riders of one habit are no independent witnesses: on simulated services 80 %
intervals hold 80 % of the truth with this, and two thirds with 1."""


class Passages(NamedTuple):
    """Vehicles of a path on days of one type, by day and time, with their riders; and waits with their hour.

    Seconds and hours are counted from the first of the `n_hours` hours in which anybody rode.
    """

    n_hours: int
    day: IntArray
    second_s: FloatArray
    n_riders: IntArray
    waits: Waits
    wait_hour: IntArray

    def riders_a_s(self) -> float:
        """How many riders recorded in a second, in the mean of those hours."""
        return float(self.n_riders.sum() / (3600.0 * self.n_hours * max(1, len(np.unique(self.day)))))


def fine_headways_s() -> FloatArray:
    """The headways whose probability is told."""
    return np.geomspace(*RANGE_S, N_FINE)


def weigh(passages: Passages, config: TimesConfig) -> FloatArray:
    """Probability of each of `fine_headways_s` in each hour, (hours, headways).

    Whether vehicles come when they come or keep a timetable, and how evenly, is told by which explains the
    whole day better. An hour holds whole departures: the headway of one hour differs from the rate by that.
    """
    by_gaps, gap_evidence = _by_gaps(passages, config)
    by_slots, slot_evidence = _by_slots(passages)
    evidence = np.concatenate(
        [gap_evidence + np.log(1 - SHARE_TIMETABLE), slot_evidence + np.log(SHARE_TIMETABLE)]
    )
    share = np.exp(evidence - evidence.max())
    share /= share.sum()
    n = len(gap_evidence)
    gap_s, slot_s = np.geomspace(*RANGE_S, N_GAP), slot_headways_s()
    found = np.tensordot(share[:n], by_gaps, 1) @ _spread(gap_s.tobytes())
    return np.asarray(found + np.tensordot(share[n:], by_slots, 1) @ _spread(slot_s.tobytes()))


def _by_gaps(passages: Passages, config: TimesConfig) -> tuple[FloatArray, FloatArray]:
    """Posterior (evenness, hours, headways) and log evidence of vehicles that come when they come."""
    headway_s = np.geomspace(*RANGE_S, N_GAP)
    gap_s = np.full(len(passages.day), np.inf)
    same_day = np.diff(passages.day) == 0
    gap_s[1:][same_day] = np.diff(passages.second_s)[same_day]
    hour = (passages.second_s // 3600).astype(np.int64)
    likely = np.zeros((len(EVENNESS), passages.n_hours, N_GAP))
    rows = gap_likelihood(gap_s, passages.n_riders, headway_s, config.leaving_error_s, passages.riders_a_s())
    waits = wait_likelihood(passages.waits, headway_s, EVENNESS)
    for i in range(len(EVENNESS)):
        np.add.at(likely[i], hour, rows[i])
        np.add.at(likely[i], passages.wait_hour, waits[i])
    prior = _prior(headway_s)
    step = _step(headway_s, prior) + SHARE_KEPT * np.eye(N_GAP)
    posterior, evidence = _smooth(likely * TRUST, prior, lambda p: p @ step, lambda p: p @ step.T)
    return posterior, evidence - np.log(len(EVENNESS))


def _by_slots(passages: Passages) -> tuple[FloatArray, FloatArray]:
    """Posterior (slack, hours, headways) and log evidence of vehicles that keep a timetable.

    Its phase is kept as long as its headway is.
    """
    headway_s = slot_headways_s()
    likely = slot_likelihood(
        passages.day, passages.second_s, passages.n_riders, passages.n_hours, passages.riders_a_s()
    )
    by_hour = np.zeros((passages.n_hours, len(headway_s)))
    np.add.at(by_hour, passages.wait_hour, wait_likelihood(passages.waits, headway_s, EVENNESS[-1:])[0])
    likely += by_hour[None, :, :, None]
    prior = _prior(headway_s)
    step = _step(headway_s, prior)
    posterior, evidence = _smooth(
        likely * TRUST,
        prior[:, None] / N_PHASES,
        lambda p: SHARE_KEPT * p + (p.sum(axis=2) @ step)[:, :, None] / N_PHASES,
        lambda p: SHARE_KEPT * p + (p.mean(axis=2) @ step.T)[:, :, None],
    )
    return posterior.sum(axis=3), evidence - np.log(len(SLACK_S))


def _prior(headway_s: FloatArray) -> FloatArray:
    """Probability of each headway before any evidence; each stands for its part of the logarithmic scale."""
    off = np.log(headway_s / PRIOR_S) / PRIOR_SPREAD
    likely = np.exp(-0.5 * off**2) * np.gradient(np.log(headway_s))
    return np.asarray(likely / likely.sum())


def _step(headway_s: FloatArray, prior: FloatArray) -> FloatArray:
    """Probability of a headway in the next hour if it is not kept, (now, next)."""
    near = np.exp(-0.5 * (np.log(headway_s / headway_s[:, None]) / NEAR) ** 2) * prior
    near /= near.sum(axis=1, keepdims=True)
    return np.asarray(SHARE_NEAR * near + (1 - SHARE_KEPT - SHARE_NEAR) * prior)


def _smooth(
    log_likely: FloatArray,
    prior: FloatArray,
    forward: Callable[[FloatArray], FloatArray],
    backward: Callable[[FloatArray], FloatArray],
) -> tuple[FloatArray, FloatArray]:
    """Forward and backward over the hours of (cases, hours, states...): posterior and log evidence a case."""
    states = tuple(range(2, log_likely.ndim))
    most = log_likely.max(axis=states, keepdims=True)
    likely = np.exp(log_likely - most)
    before, after = np.empty_like(likely), np.empty_like(likely)
    after[:, -1] = 1.0
    evidence = most.reshape(len(likely), -1).sum(axis=1)
    now = np.broadcast_to(prior, likely[:, 0].shape)
    over = tuple(range(1, likely.ndim - 1))
    for hour in range(likely.shape[1]):
        now = (forward(before[:, hour - 1]) if hour else now) * likely[:, hour]
        total = now.sum(axis=over, keepdims=True)
        before[:, hour] = now / total
        evidence = evidence + np.log(total.reshape(-1))
    for hour in range(likely.shape[1] - 2, -1, -1):
        later = backward(likely[:, hour + 1] * after[:, hour + 1])
        after[:, hour] = later / later.max(axis=over, keepdims=True)
    posterior = before * after
    return posterior / posterior.sum(axis=states, keepdims=True), evidence


@lru_cache(maxsize=2)
def _spread(headway_s: bytes) -> FloatArray:
    """Each headway as a bell over the fine ones: half a departure an hour either way, evenly, and half a
    step."""
    from_s, fine_s = np.frombuffer(headway_s), fine_headways_s()
    step = np.log(fine_s[1] / fine_s[0])
    wide = np.hypot(from_s / 3600 / np.sqrt(12), step)
    bell = np.exp(-0.5 * (np.log(fine_s / from_s[:, None]) / wide[:, None]) ** 2)
    return np.asarray(bell / bell.sum(axis=1, keepdims=True))
