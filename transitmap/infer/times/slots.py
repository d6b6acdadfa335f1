"""Times of leaving -> likelihood of the headway where vehicles keep a timetable.

A timetable is the same every day of its type and even for an hour or more: vehicles leave at phase + k h.
Days are laid over one another. A vehicle with n riders leaves near a slot, the closer the better, and its
riders have gathered since the slot before, or since the last vehicle if that was later. For the first of a
day that is a whole headway, and it counts how likely no more than its riders came in so long.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from transitmap.infer.times.gaps import MAX_RIDERS
from transitmap.model import FloatArray, IntArray

MINUTES = "2 3 4 5 6 400/60 7 7.5 8 9 10 11 12 13 14 15 16 18 20 22 24 25 26 28 30 35 40 45 50 60 75 90 120"
"""Timetables are written in whole minutes or in whole departures an hour."""
N_PHASES = 48
SLACK_S = (45.0, 90.0, 180.0)
"""Standard deviations of leaving against the timetable that are thought possible, our own error included."""
SHARE_EXTRA = 0.05
"""Vehicles that keep to no slot."""
SAME_SLOT_S = 150.0
"""Two vehicles of a day so close keep one slot, or riders of one were not known for such."""


def slot_headways_s() -> FloatArray:
    """The headways of timetables that are thought possible."""
    parts = [word.split("/") for word in MINUTES.split()]
    return np.array([60.0 * float(part[0]) / float(part[1] if part[1:] else 1) for part in parts])


def slot_likelihood(
    day: IntArray, second_s: FloatArray, n_riders: IntArray, n_hours: int, riders_a_s: float
) -> FloatArray:
    """Logarithm of the likelihood of the vehicles of each hour, (slack, hours, headways, phases).

    Rows are vehicles by day and time.
    """
    headway_s = slot_headways_s()
    hour = (second_s // 3600).astype(np.int64)
    phase = np.floor((second_s[:, None] / headway_s) % 1.0 * N_PHASES).astype(np.int64) % N_PHASES
    left = np.zeros((n_hours, len(headway_s), N_PHASES))
    np.add.at(left, (hour[:, None], np.arange(len(headway_s)), phase), 1.0)
    on_slot = np.matmul(left.transpose(1, 0, 2)[None], _ring()).transpose(0, 2, 1, 3)
    since_s = _since_s(day, second_s)[:, None]
    gathered_s = np.minimum(headway_s, since_s)
    n = np.minimum(n_riders, MAX_RIDERS)[:, None]
    before_s = np.where(np.isinf(since_s), headway_s, 0.0)
    rode = np.zeros((n_hours, len(headway_s)))
    np.add.at(rode, hour, n * np.log(gathered_s) - riders_a_s * before_s - np.log(headway_s))
    return np.asarray(on_slot + rode[None, :, :, None])


def _since_s(day: IntArray, second_s: FloatArray) -> FloatArray:
    """Seconds since the vehicle before that was in another slot; infinite for the first of a day."""
    clock_s = day * 864_000.0 + second_s
    before = np.searchsorted(clock_s, clock_s - SAME_SLOT_S) - 1
    since_s = clock_s - clock_s[np.maximum(before, 0)]
    return np.where((before >= 0) & (since_s < 86_400.0), since_s, np.inf)


@lru_cache(maxsize=1)
def _ring() -> FloatArray:
    """Logarithm of the density of leaving at a phase (against an even one), (slack, headways, left,
    phases)."""
    turn = (np.arange(N_PHASES)[:, None] + 0.5 - np.arange(N_PHASES)) / N_PHASES
    apart_s = ((turn + 0.5) % 1.0 - 0.5) * slot_headways_s()[:, None, None]
    near = np.zeros((len(SLACK_S), *apart_s.shape))
    for i, slack_s in enumerate(SLACK_S):
        for lap in range(-6, 7):
            off_s = apart_s + lap * slot_headways_s()[:, None, None]
            near[i] += np.exp(-0.5 * (off_s / slack_s) ** 2) / (slack_s * np.sqrt(2 * np.pi))
    near *= slot_headways_s()[:, None, None]
    return np.asarray(np.log((1.0 - SHARE_EXTRA) * near + SHARE_EXTRA))
