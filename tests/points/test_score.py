from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transitmap.model import Segments, Terms
from transitmap.points.rules import load_rules
from transitmap.points.score import FRESH, MORE, NEW, NOBODY, Score, score, weight_of

RULES = load_rules()
TODAY = 20_254
Row = tuple[int, int, int, int]
"""(segment, day, length_mm, worth_mm)."""


def segments_of(rows: list[Row]) -> Segments:
    columns = np.array(rows, dtype=np.int64).reshape(-1, 4)
    route = np.zeros(len(rows), dtype=np.int64)
    return Segments(route, route, route, *columns.T)


def street(n: int, first: int = 0, day: int = TODAY, worth_mm: int = 100_000) -> list[Row]:
    return [(segment, day, 100_000, worth_mm) for segment in range(first, first + n)]


class Campaign:
    """Rides scored one after the other, as the service does it."""

    def __init__(self) -> None:
        self.observers: dict[int, list[tuple[int, int]]] = {}
        self.ledger: list[tuple[int, str, int]] = []

    def ride(self, user_id: int, rows: list[Row]) -> Score:
        result = score(segments_of(rows), user_id, self.observers, RULES, "7")
        for segment, who, day in result.observed:
            self.observers.setdefault(segment, []).append((who, day))
        fulls = [(award.rule, award.evidence["full_millipoints"]) for award in result.awards]
        self.ledger += [(user_id, rule, full) for rule, full in fulls]
        return result

    def points(self, user_id: int, rows: list[Row]) -> int:
        return sum(award.evidence["full_millipoints"] for award in self.ride(user_id, rows).awards)


def test_a_new_kilometre_is_ten_points() -> None:
    result = Campaign().ride(1, street(10))
    (award,) = result.awards
    assert (award.rule, award.millipoints, award.evidence["full_millipoints"]) == (NEW, 2_500, 10_000)
    assert award.evidence["length_m"] == 1000
    assert award.text_es.startswith(
        "1.0 km nuevos de la ruta 7, que nadie había registrado; calidad 100 %: 2.5 p"
    )
    assert award.text_en.startswith("1.0 km of route 7 that nobody had recorded; quality 100 %: ")
    assert award.text_en.endswith("2.5 points now and 7.5 more once confirmed.")
    assert len(result.observed) == 10


def test_later_observers_get_0_8_then_0_4_then_halves() -> None:
    campaign = Campaign()
    got = [campaign.points(user, street(10, day=TODAY + user)) for user in range(1, 15)]
    assert got == [10_000, 8_000, 4_000, 2_000, 1_000, 500, 250, 120, 60, 30, 10, 0, 0, 0]
    assert max(len(observers) for observers in campaign.observers.values()) == 11  # the table stays small


def test_quality_multiplies() -> None:
    assert Campaign().points(1, street(10, worth_mm=37_500)) == 3_750


@pytest.mark.parametrize(
    ("user_id", "day", "words"),
    [
        (1, TODAY, "ya habías registrado"),
        (1, TODAY + 9, "ya habías registrado"),
        (2, TODAY, "otra persona registró este tramo ese mismo día"),
    ],
)
def test_nothing_new_is_no_points_and_says_why(user_id: int, day: int, words: str) -> None:
    campaign = Campaign()
    campaign.ride(1, street(10))
    result = campaign.ride(user_id, street(10, day=day))
    (award,) = result.awards
    assert (award.rule, award.millipoints) == (NEW, 0)
    assert words in award.text_es
    assert award.text_en.startswith("No points")
    assert result.observed == ()


def test_a_ride_of_nothing_has_its_line_too() -> None:
    (award,) = Campaign().ride(1, []).awards
    assert (award.rule, award.millipoints) == (NEW, 0)
    assert "no reconocimos" in award.text_es


def test_new_and_confirmed_metres_are_two_awards() -> None:
    campaign = Campaign()
    campaign.ride(1, street(10))
    new, more = campaign.ride(2, street(15, day=TODAY + 1)).awards
    assert (new.rule, new.evidence["full_millipoints"]) == (NEW, 5_000)
    assert (more.rule, more.evidence["full_millipoints"]) == (MORE, 8_000)
    assert more.evidence["length_m_by_earlier_observers"] == {"1": 1000}
    assert "500 m nuevos" in new.text_es
    assert "1.0 km confirmados" in more.text_es
    only_more = Campaign()
    only_more.ride(1, street(10))
    none, more = only_more.ride(2, street(10, day=TODAY + 1)).awards
    assert (none.millipoints, more.millipoints) == (0, 2_000)


def test_a_touch_of_a_segment_takes_its_pot_of_that_day_and_is_no_observation() -> None:
    campaign = Campaign()
    touched = campaign.ride(1, [(5, TODAY, 19_999, 19_999)])
    assert touched.observed == ((5, NOBODY, TODAY),)
    assert touched.worth_mm == (0,)
    assert all(award.evidence["full_millipoints"] == 0 for award in touched.awards)
    same_day = campaign.ride(2, street(1, first=5))
    assert same_day.observed == ()
    assert "on the same day" in same_day.awards[0].text_en
    assert campaign.ride(3, [(5, TODAY, 1, 0)]).observed == ()  # one touch a day says it all
    assert campaign.points(1, street(1, first=5, day=TODAY + 1)) == 1_000  # who touched it may come again
    assert campaign.points(2, street(1, first=5, day=TODAY + 2)) == 800


def test_who_rode_close_by_counts_as_an_observer_unpaid() -> None:
    campaign = Campaign()
    (award,) = campaign.ride(1, [(5, TODAY, 0, 0)]).awards
    assert award.millipoints == 0
    assert campaign.points(2, street(1, first=5, day=TODAY + 1)) == 800


def test_what_nobody_saw_for_long_pays_anybody_again() -> None:
    campaign = Campaign()
    campaign.ride(1, street(10))
    got = {days: campaign.points(2, street(1, first=days % 10, day=TODAY + days)) for days in (29, 30)}
    assert got == {29: 800, 30: 800}  # the second observer's weight is higher
    fresh = Campaign()
    fresh.ride(1, street(10))
    assert fresh.points(1, street(10, day=TODAY + 29)) == 0
    (new, again) = fresh.ride(1, street(10, day=TODAY + 45)).awards
    assert (new.evidence["full_millipoints"], again.rule) == (0, FRESH)
    assert again.evidence["full_millipoints"] == 3_000
    assert "puestos al día" in again.text_es
    assert fresh.points(1, street(10, day=TODAY + 46)) == 0
    assert fresh.points(1, street(10, day=TODAY + 400)) == 6_000


def test_missions_and_places_multiply_and_a_day_has_its_limit() -> None:
    terms = Terms(mission_id=7, mission_permille=1500, equity_permille=1200, left_millipoints=17_000)
    (award,) = score(segments_of(street(10)), 1, {}, RULES, "7", terms).awards
    assert (award.millipoints, award.evidence["full_millipoints"]) == (4_250, 17_000)
    assert award.evidence["over_the_day_millipoints"] == 1_000
    assert award.evidence["mission_id"] == 7
    assert "misión ×1.50" in award.text_es
    assert "priority area ×1.20" in award.text_en
    assert "tope del día" in award.text_es


def test_what_may_be_confirmed_is_told_beside_each_observation() -> None:
    result = score(segments_of(street(3, worth_mm=50_000)), 2, {1: [(9, TODAY)]}, RULES)
    assert (result.observed, result.worth_mm) == (((0, 2, TODAY), (2, 2, TODAY)), (50_000, 50_000))


def test_weights_never_rise() -> None:
    weights = [weight_of(n, (1000, 800, 400)) for n in range(200)]
    assert weights == sorted(weights, reverse=True)
    assert weights[-1] == 0


rows = st.lists(
    st.tuples(st.integers(0, 12), st.integers(TODAY, TODAY + 2), st.integers(0, 100), st.integers(0, 1000)),
    max_size=15,
    unique_by=lambda row: row[:2],
).map(lambda many: [(s, day, m * 1000, m * permille) for s, day, m, permille in many])
histories = st.lists(st.tuples(st.integers(1, 4), rows), max_size=8)


@given(histories)
def test_the_board_is_the_sum_of_the_ledger_in_any_order(history: list[tuple[int, list[Row]]]) -> None:
    campaign = Campaign()
    got: dict[int, int] = {}
    for user_id, ride in history:
        got[user_id] = got.get(user_id, 0) + campaign.points(user_id, ride)
    backwards: dict[int, int] = {}
    for user_id, _, millipoints in reversed(campaign.ledger):
        backwards[user_id] = backwards.get(user_id, 0) + millipoints
    assert backwards == got
    assert all(millipoints >= 0 for _, _, millipoints in campaign.ledger)


@given(histories, st.integers(1, 4), rows)
def test_riding_the_same_again_brings_nothing(
    history: list[tuple[int, list[Row]]], user_id: int, ride: list[Row]
) -> None:
    campaign = Campaign()
    for who, earlier in history:
        campaign.ride(who, earlier)
    campaign.ride(user_id, ride)
    once_more = [(segment, TODAY + 5, length, worth) for segment, _, length, worth in ride]
    observed = {
        segment for segment in campaign.observers if (user_id in {w for w, _ in campaign.observers[segment]})
    }
    assert campaign.points(user_id, [row for row in once_more if row[0] in observed]) == 0
    same_day = campaign.points(user_id, ride)
    assert same_day == 0


@given(
    histories,
    rows,
    st.lists(st.booleans(), min_size=15, max_size=15),
    st.lists(st.integers(0, 100), min_size=15),
)
def test_cutting_a_ride_in_two_never_gains(
    history: list[tuple[int, list[Row]]], ride: list[Row], side: list[bool], percent: list[int]
) -> None:
    """Rows go to one part, or are cut in two: neither part covers more of a segment than the whole did."""
    whole, cut = Campaign(), Campaign()
    for user_id, earlier in history:
        whole.ride(user_id, earlier)
        cut.ride(user_id, earlier)
    first = [(s, d, n * p // 100, w * p // 100) for (s, d, n, w), p in zip(ride, percent, strict=False)]
    second = [row for row, both in zip(ride, side, strict=False) if both]
    assert cut.points(9, first) + cut.points(9, second) <= whole.points(9, ride)


@given(histories, rows, st.integers(0, 15))
def test_sharing_a_ride_among_accounts_never_gains(
    history: list[tuple[int, list[Row]]], ride: list[Row], at: int
) -> None:
    """One phone, two accounts, one day: each part pays at most once for what the whole would have paid."""
    ride = [
        (segment, TODAY, length, worth)
        for segment, _, length, worth in {row[0]: row for row in ride}.values()
    ]
    one, two = Campaign(), Campaign()
    for user_id, earlier in history:
        one.ride(user_id, earlier)
        two.ride(user_id, earlier)
    assert two.points(8, ride[:at]) + two.points(9, ride[max(0, at - 1) :]) <= one.points(8, ride)


@given(rows, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(ride: list[Row], shuffle) -> None:
    mixed = ride[:]
    shuffle.shuffle(mixed)
    assert Campaign().ride(1, ride) == Campaign().ride(1, mixed)
