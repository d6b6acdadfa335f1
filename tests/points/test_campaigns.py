from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transitmap.points.campaigns import (
    COMING,
    OVER,
    OWN,
    STATES,
    STEPS,
    box_of,
    campaign_of,
    is_in_area,
    phase,
    refusal,
)

DAY_S = 86_400.0
MEXICO = "19.0,-99.4,19.6,-98.9"


@dataclass(frozen=True)
class Row:
    id: int
    area: str = ""
    opens_s: float | None = 0.0
    closes_s: float | None = 10 * DAY_S
    state: str = "open"
    opened_s: float | None = 0.0
    frozen_s: float | None = None


OF_ALL = Row(OWN, opens_s=None, closes_s=None, opened_s=None)


def test_a_ride_counts_where_its_start_lies_in_dates_and_area() -> None:
    rows = [OF_ALL, Row(2, MEXICO)]
    assert campaign_of(rows, DAY_S, 19.4, -99.1) == 2
    assert campaign_of(rows, DAY_S, 20.4, -99.1) == OWN
    assert campaign_of(rows, 11 * DAY_S, 19.4, -99.1) == OWN
    assert campaign_of([], DAY_S, 19.4, -99.1) == OWN


def test_the_first_moment_and_the_edge_of_the_area_count_and_the_last_moment_does_not() -> None:
    rows = [Row(2, MEXICO, opens_s=DAY_S)]
    assert campaign_of(rows, DAY_S, 19.0, -99.4) == 2
    assert campaign_of(rows, DAY_S - 0.001, 19.0, -99.4) == OWN
    assert campaign_of(rows, 10 * DAY_S, 19.0, -99.4) == OWN
    assert campaign_of(rows, DAY_S, 19.6, -98.9) == 2
    assert campaign_of(rows, DAY_S, 19.6000001, -98.9) == OWN


@pytest.mark.parametrize("state", ["draft", "frozen", "closed"])
def test_only_an_open_campaign_pays(state: str) -> None:
    assert campaign_of([OF_ALL, Row(2, state=state)], DAY_S, 0.0, 0.0) == OWN


def test_of_several_the_latest_opened_counts_and_the_order_does_not_matter() -> None:
    rows = [Row(2, opened_s=5.0), Row(3, MEXICO, opened_s=9.0), Row(4, opened_s=7.0)]
    for order in (rows, rows[::-1]):
        assert campaign_of(order, DAY_S, 19.4, -99.1) == 3
        assert campaign_of(order, DAY_S, 40.0, 0.0) == 4
    assert campaign_of([Row(2, opened_s=5.0), Row(3, opened_s=5.0)], DAY_S, 0.0, 0.0) == 3


def test_a_moment_asks_what_was_open_then() -> None:
    """So that a replay after the end pays every ride in the campaign that it was paid in."""
    row = Row(2, state="closed", opened_s=2 * DAY_S, frozen_s=9 * DAY_S)
    for at_s, expected in ((DAY_S, OWN), (2 * DAY_S, 2), (9 * DAY_S - 1, 2), (9 * DAY_S, OWN)):
        assert campaign_of([row], DAY_S, 0.0, 0.0, at_s) == expected
    assert campaign_of([replace(row, opened_s=None)], DAY_S, 0.0, 0.0, 5 * DAY_S) == OWN


@given(st.floats(-90, 90), st.floats(-180, 180))
def test_the_whole_earth_holds_every_place(lat_deg: float, lon_deg: float) -> None:
    assert is_in_area("", lat_deg, lon_deg)


def test_an_area_reads_as_it_is_written() -> None:
    assert box_of(MEXICO) == (19.0, -99.4, 19.6, -98.9)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("state", STATES)
def test_a_step_leads_from_one_state_only(state: str, step: str) -> None:
    told = refusal(Row(2, state=state), step, DAY_S)
    assert told == ("" if state == STEPS[step][0] else f"not_{STEPS[step][0]}")


@pytest.mark.parametrize("step", STEPS)
def test_the_own_campaign_takes_no_step(step: str) -> None:
    assert refusal(replace(OF_ALL, state=STEPS[step][0]), step, DAY_S) == "own"


def test_what_is_over_is_not_opened_and_what_is_owed_keeps_it_from_closing() -> None:
    assert refusal(Row(2, state="draft"), "open", 10 * DAY_S) == "over"
    assert refusal(Row(2, state="draft"), "open", 10 * DAY_S - 1) == ""
    assert refusal(Row(2, state="frozen"), "close", DAY_S, n_appeals=1) == "appeals"
    assert refusal(Row(2, state="frozen"), "close", DAY_S, n_unsettled=1) == "unsettled"
    assert refusal(Row(2, state="open"), "freeze", DAY_S, 1, 1) == ""


def test_an_open_campaign_is_coming_before_its_first_day_and_over_after_its_last() -> None:
    row = Row(2, opens_s=DAY_S)
    at = {0.0: COMING, DAY_S: "open", 10 * DAY_S - 0.001: "open", 10 * DAY_S: OVER}
    assert {now_s: phase(row, now_s) for now_s in at} == at
    assert phase(OF_ALL, 1e12) == "open"
    for state in set(STATES) - {"open"}:
        assert {phase(replace(row, state=state), now_s) for now_s in at} == {state}
