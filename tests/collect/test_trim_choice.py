"""How much of the ends of a trip a rider leaves out: drawn once, chosen in words, never drawn again."""

from __future__ import annotations

import statistics

import pytest

from transitmap.collect.trim import LEVELS, SHARES, chosen_m, draw_m, level_of


@pytest.mark.parametrize("level", LEVELS)
def test_a_drawn_radius_lies_within_its_level(level: str) -> None:
    low, high = LEVELS[level]
    drawn = [draw_m(level, 100.0) for _ in range(400)]
    assert all(100 * low <= radius <= 100 * high for radius in drawn)
    assert all(level_of(radius, 100.0) == level for radius in drawn if 100 * low < radius < 100 * high)
    assert level == "none" or statistics.pstdev(drawn) > 0.2 * 100 * (high - low)


def test_riders_have_radii_of_their_own() -> None:
    assert len({draw_m("usual", 100.0) for _ in range(200)}) > 100


def test_a_choice_for_one_trip_is_a_share_of_ones_own_and_no_draw() -> None:
    assert [chosen_m(choice, 230.0, 100.0) for choice in SHARES] == [230.0, 0.0, 115.0, 460.0]
    assert [chosen_m(choice, 0.0, 100.0) for choice in SHARES] == [0.0, 0.0, 50.0, 200.0]
    assert [chosen_m(choice, 0.0, 0.0) for choice in SHARES] == [0.0] * 4


def test_where_nothing_is_cut_here_nobody_cuts() -> None:
    assert level_of(0.0, 100.0) == "none"
    assert level_of(300.0, 0.0) == "none"
    assert draw_m("more", 0.0) == 0.0
    assert level_of(5000.0, 100.0) == "more"
