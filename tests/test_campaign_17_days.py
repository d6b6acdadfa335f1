"""The simulated campaign behind docs/game.md: fair between both games, and able to say no."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.campaign_17_days import (
    KM,
    OURS,
    VARIANTS,
    Assumptions,
    Campaign,
    compare,
    make_city,
    run,
    times,
)
from transitmap.points.rules import load_rules

ROOT = Path(__file__).parent.parent
SMALL = Assumptions(n_directions=300, n_riders=900, n_outings=500, avoid=0.95)


def test_without_an_answer_both_games_are_the_same_to_the_ride():
    given = replace(SMALL, answers=0.0)
    city = make_city(given, 1)
    kilometre, ours = run(city, given, KM), run(city, given, OURS)
    assert replace(kilometre, supported=0.0) == replace(ours, supported=0.0)  # but what is paid
    assert kilometre.supported != ours.supported


def test_the_same_riders_spend_the_same_hours_on_the_same_days():
    kilometre, ours = (run(make_city(SMALL, 2), SMALL, game) for game in (KM, OURS))
    assert kilometre.n_trails > 400
    assert ours.hours == pytest.approx(kilometre.hours, rel=0.1)
    assert run(make_city(SMALL, 2), SMALL, OURS) == ours


def test_more_who_answer_confirm_more_and_see_less():
    outcomes = [run(make_city(SMALL, 3), replace(SMALL, answers=share), OURS) for share in (0.0, 0.5, 1.0)]
    assert sorted(outcomes, key=lambda one: one.n_confirmed) == outcomes
    assert sorted(outcomes, key=lambda one: -one.n_seen) == outcomes


def test_the_game_can_lose():
    """Where riders of pay by the kilometre avoid nothing, three times as many is out of reach."""
    assert times(*compare(replace(SMALL, avoid=0.0), (1, 2)), is_fitted=False) < 2


def test_confirmed_means_another_account_on_another_day():
    campaign = Campaign(make_city(SMALL, 1), replace(SMALL, usable=1.0), OURS, load_rules())
    for rider, day, n_observers in ((1, 0, 1), (1, 1, 1), (2, 0, 1), (2, 1, 2)):
        campaign.ride(rider, 7, day, 1.0, np.zeros(5))
        assert campaign.n_observers()[7] == n_observers


def test_each_variant_changes_something_that_there_is():
    for name, change in VARIANTS.items():
        assert replace(Assumptions(), **change) != Assumptions() or name == "as assumed"


def test_the_page_shows_every_variant():
    page = (ROOT / "docs" / "game.md").read_text(encoding="utf-8")
    rows = re.search(r"<!-- assumptions -->(.+)<!-- end of assumptions -->", page, re.DOTALL)
    assert rows and all(f"| {name} |" in rows[1] for name in VARIANTS)
