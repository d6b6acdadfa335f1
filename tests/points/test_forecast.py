"""The coverage forecast: what it is of, when it says nothing, and that it holds about as often as it says."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.forecast_calibration import look, simulate
from transitmap.points.forecast import forecast


def rides(rng, n, n_cells=100, n_people=10_000):
    return rng.integers(0, n_cells, n), rng.integers(0, n_people, n), np.arange(n) // 20


def test_nothing_lacks_where_it_is_so_far():
    cell, voice = np.repeat(np.arange(10), 2), np.tile([1, 2], 10)
    told = forecast(cell, voice, voice, 10, 900)
    assert (told.share_permille, told.low, told.expected, told.high) == (1_000, 0, 0, 0)
    assert forecast(cell[:0], voice[:0], voice[:0], 0, 900).high == 0


def test_one_voice_and_one_day_are_one_observer():
    cell = np.repeat(np.arange(10), 2)
    assert forecast(cell, np.ones(20, dtype=int), np.tile([1, 2], 10), 10, 500).share_permille == 0
    assert forecast(cell, np.tile([1, 2], 10), np.ones(20, dtype=int), 10, 500).share_permille == 0


def test_who_rode_nothing_that_is_asked_for_tells_nothing():
    none = np.full(5, -1)
    told = forecast(none, np.arange(5), np.arange(5), 10, 900)
    assert (told.n_rides, told.share_permille, told.low, told.high) == (5, 0, None, None)


def test_even_cells_and_new_people_fill_as_balls_fill_boxes():
    """500 rides on 100 cells leave few; to have 99 % twice takes about 7.1 rides a cell in all."""
    told = forecast(*rides(np.random.default_rng(3), 300), 100, 990)
    assert 150 < told.low < 400 < told.high < 900


def test_a_higher_share_takes_longer_and_the_ends_lie_around_the_middle():
    columns = rides(np.random.default_rng(4), 150)
    told = [forecast(*columns, 100, target) for target in (700, 800, 900)]
    assert all(one.low <= one.expected <= one.high for one in told)
    assert told[0].expected < told[1].expected < told[2].expected


def test_the_same_seed_gives_the_same():
    columns = rides(np.random.default_rng(5), 150)
    assert forecast(*columns, 100, 900, seed=1) == forecast(*columns, 100, 900, seed=1)
    assert forecast(*columns, 100, 900, seed=1) != forecast(*columns, 100, 900, seed=2)


@pytest.mark.parametrize("target", [600, 900])
def test_it_holds_about_as_often_as_it_says(target):
    rng, held = np.random.default_rng(11), []
    for nth in range(10):
        campaign = simulate(rng, 20)
        told = look(campaign, campaign.n_cells // 2, target, nth)
        held += [told[0] == "held"] if told else []
    assert len(held) >= 8
    assert sum(held) >= 0.6 * len(held)
