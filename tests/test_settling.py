from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from transitmap.points.rules import load_rules
from transitmap.settling import Count, confirm_of, confirmed

RULES = load_rules()
NOTHING: dict[str, Any] = {
    "staff": [], "linked": [], "withheld": [], "held": [], "met": [1, 2], "n_people": 10,
}  # fmt: skip
NO_SEGMENTS = np.zeros(0, dtype=np.int64)


def two_strangers() -> Count:
    """Two people who ride the same two ways of ten kilometres each, nobody else; a crowd rides elsewhere."""
    rows = [
        (2 * way + who, 1 + who, 1000 * way + cell, 20_000 + way + who, 100_000, who)
        for way in range(2)
        for who in range(2)
        for cell in range(100)
    ]
    crowd = [(4, user, 5000 + user, 20_000, 100_000, 0) for user in range(10, 18)]
    return Count({}, ["a", "b", "c", "d", "crowd"], [*rows, *crowd])


def test_each_ride_is_confirmed_by_the_rules_of_its_own_campaign() -> None:
    generous = replace(RULES, version="mine", trust_millipoints=1_000_000)
    campaign_of = {"c": 2, "d": 2, "crowd": 2}
    own, _ = confirmed(two_strangers(), NOTHING, NO_SEGMENTS, campaign_of, {1: RULES, 2: generous})
    assert own == {"a": 500, "b": 625, "c": 1000, "d": 1000}
    over, _ = confirmed(two_strangers(), NOTHING, NO_SEGMENTS, campaign_of, {1: RULES})
    assert over == {"a": 500, "b": 625, "c": 500, "d": 625}  # 2 pays no longer: the installation's rules


def test_whoever_waits_for_a_reviewer_is_not_confirmed_and_confirms_nobody() -> None:
    """Else a copy of the same evening, put half a day later, confirms the ride that it was made of."""
    held, _ = confirmed(two_strangers(), NOTHING | {"held": ["a"]}, NO_SEGMENTS, {}, {1: RULES})
    assert held == {"c": 500, "d": 625}
    found, _ = confirmed(two_strangers(), NOTHING | {"staff": [2]}, NO_SEGMENTS, {}, {1: RULES})
    assert found["a"] == found["c"] == 1000


def test_nothing_of_a_rider_whom_nobody_met_is_confirmed_on_trust() -> None:
    some, _ = confirmed(two_strangers(), NOTHING | {"met": [1]}, NO_SEGMENTS, {}, {1: RULES})
    assert some == {"a": 500}
    linked, _ = confirmed(two_strangers(), NOTHING | {"linked": [[1, 2]]}, NO_SEGMENTS, {}, {1: RULES})
    assert linked == {}, "one voice confirms nobody"


def test_what_is_trusted_is_in_points_of_base_pay() -> None:
    dear = replace(RULES, millipoints_per_km=2 * RULES.millipoints_per_km)
    assert 2 * confirm_of(dear).trust_worth == confirm_of(RULES).trust_worth
    assert confirm_of(RULES).trust_worth == 5 * 10**9  # five kilometres
