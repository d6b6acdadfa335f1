"""Lines -> the vehicle each rode in: phones at one place at one time saw one vehicle, not many."""

from __future__ import annotations

import numpy as np

from transitmap.model import FloatArray, IntArray, Lines

TOGETHER_S = 15.0
"""Phones in one vehicle tell its time at a place to a few seconds, to ten where they write every half minute;
vehicles that follow each other nearer than that are one platoon, and stop because the first one did."""
MIN_PLACES = 5
"""Shared places enough to tell a way together from a meeting: 100 m of road."""
BEHIND = 4
"""How many that came after are compared at a place: a class in one bus is a chain of neighbours in time."""


def find_vehicles(lines: Lines) -> IntArray:
    """For each line the number of its vehicle, from 0; lines of one number rode in one.

    Two lines are together where the middle of the differences of their times at common places is at most
    TOGETHER_S. O(points log points).
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n = len(lines)
    first, second = _together(*_visits(lines), n)
    pairs = coo_array((np.ones(len(first)), (first, second)), shape=(n, n))
    return np.asarray(connected_components(pairs, directed=False)[1], dtype=np.int64)


def _visits(lines: Lines) -> tuple[IntArray, FloatArray, IntArray]:
    """Place, time and line of the first time that each line is seen at a place, by place and time."""
    line = np.repeat(np.arange(len(lines)), np.diff(lines.point_start))[lines.is_seen]
    place, time_s = lines.place[lines.is_seen], lines.time_s[lines.is_seen]
    order = np.lexsort((time_s, line, place))
    place, time_s, line = place[order], time_s[order], line[order]
    is_first = np.concatenate([[True], (np.diff(place) != 0) | (np.diff(line) != 0)])[: len(place)]
    place, time_s, line = place[is_first], time_s[is_first], line[is_first]
    order = np.lexsort((time_s, place))
    return place[order], time_s[order], line[order]


def _together(place: IntArray, time_s: FloatArray, line: IntArray, n_lines: int) -> tuple[IntArray, IntArray]:
    """Pairs of lines that were at the same places at the same times."""
    pair, apart_s = [np.zeros(0, dtype=np.int64)], [np.zeros(0)]
    for behind in range(1, BEHIND + 1):
        later_s = time_s[behind:] - time_s[:-behind]
        near = np.flatnonzero(place[behind:] == place[:-behind])
        near = near[later_s[near] <= 4 * TOGETHER_S]
        low, high = np.sort([line[near], line[near + behind]], axis=0)
        pair.append(low * n_lines + high)
        apart_s.append(later_s[near])
    keys, seconds = np.concatenate(pair), np.concatenate(apart_s)
    order = np.lexsort((seconds, keys))
    known, first, count = np.unique(keys[order], return_index=True, return_counts=True)
    middle_s = seconds[order][first + (count - 1) // 2]
    together = known[(count >= MIN_PLACES) & (middle_s <= TOGETHER_S)]
    return together // max(n_lines, 1), together % max(n_lines, 1)
