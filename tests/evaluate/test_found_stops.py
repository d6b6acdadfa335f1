"""Stops matched one to one."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.evaluate.feeds import Trip, write_feed
from transitmap.evaluate import found_stops
from transitmap.evaluate.feed_map import read_feed_map

STREET = [(0, 0), (2000, 0)]
EVERY = [100, 500, 900, 1300, 1700]
places = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=5)


def most_pairs(a_m, b_m, radius_m):
    """By trying everything: most pairs within a radius, and the least distance they can have in total."""
    best = (0, 0.0)
    for n in range(1, min(len(a_m), len(b_m)) + 1):
        for rows in itertools.combinations(range(len(a_m)), n):
            for columns in itertools.permutations(range(len(b_m)), n):
                off = [np.hypot(*(a_m[i] - b_m[j])) for i, j in zip(rows, columns, strict=True)]
                if max(off) <= radius_m and (-n, sum(off)) < (-best[0], best[1]):
                    best = (n, sum(off))
    return best


@settings(deadline=None, max_examples=60)
@given(places, places)
def test_most_pairs_then_nearest(a, b):
    a_m, b_m = (np.array(one, dtype=float).reshape(-1, 2) for one in (a, b))
    rows, columns, off_m = found_stops.match_points(a_m, b_m, 30.0)
    assert len(set(rows)) == len(rows) and len(set(columns)) == len(columns)
    n, total_m = most_pairs(a_m, b_m, 30.0)
    assert (len(rows), off_m.sum()) == (n, pytest.approx(total_m))


def feed_of(tmp_path, name, *trips):
    return read_feed_map(write_feed(tmp_path / name, trips))[0]


def test_a_stop_counts_once(tmp_path):
    reference = feed_of(tmp_path, "a", Trip("t", "r", STREET, EVERY))
    doubled = np.concatenate([reference.stop_m, reference.stop_m + 1.0])
    score = found_stops.score_stops(found_stops.match_stops(doubled, reference, 30), 10, reference)
    assert (score.precision, score.recall) == (0.5, 1.0)


def test_stops_that_nobody_used_need_not_be_found_but_may(tmp_path):
    reference = feed_of(tmp_path, "a", Trip("t", "r", STREET, EVERY, n_visits=(9, 9, 9, 1, 0)))
    for found, score in (((0, 1, 2), (1.0, 1.0)), ((0, 1, 2, 3, 4), (1.0, 1.0)), ((0, 3), (1.0, 1 / 3))):
        pairs = found_stops.match_stops(reference.stop_m[list(found)], reference, 30)
        assert found_stops.score_stops(pairs, len(found), reference)[:2] == pytest.approx(score)


def test_the_other_side_of_the_street_is_another_direction(tmp_path):
    there = feed_of(tmp_path, "a", Trip("t", "r", STREET, EVERY, side_m=5))
    back = feed_of(tmp_path, "b", Trip("t", "r", STREET[::-1], [2000 - m for m in EVERY[::-1]], side_m=5))
    assert len(found_stops.match_stops(back.stop_m, there, 30).found) == 5
    facing = found_stops.facings(back), found_stops.facings(there)
    assert len(found_stops.match_stops(back.stop_m, there, 30, facing).found) == 0
    assert len(found_stops.match_stops(there.stop_m, there, 30, facing[1:] * 2).found) == 5


def test_chance_finds_nothing_on_lines_without_length(tmp_path):
    reference = feed_of(tmp_path, "a", Trip("t", "r", [(0, 0), (0.001, 0)], [0, 0]))
    assert found_stops.chance_f1(reference, 5, 30) == 0.0


def test_chance_finds_little_and_always_the_same(tmp_path):
    reference = feed_of(tmp_path, "a", Trip("t", "r", STREET, EVERY))
    chance = found_stops.chance_f1(reference, 5, 30)
    assert 0.0 < chance < 0.5 and chance == found_stops.chance_f1(reference, 5, 30)
