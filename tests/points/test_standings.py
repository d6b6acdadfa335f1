from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from transitmap.points.standings import MIN_NEAR_ROUTES, board, ranked, touching


@dataclass(frozen=True)
class Row:
    user_id: int
    millipoints: int
    name: str = "somebody"
    is_hidden: bool = False
    n_rides: int = 1
    verified_millipoints: int = 0


def test_rows_of_a_rider_add_up_and_ties_share_a_rank() -> None:
    places = board([Row(3, 500), Row(1, 200), Row(2, 900), Row(1, 300), Row(4, 100)])
    assert [(place.rank, place.user_id, place.millipoints, place.n_rides) for place in places] == [
        (1, 2, 900, 1),
        (2, 1, 500, 2),
        (2, 3, 500, 1),
        (4, 4, 100, 1),
    ]


def test_what_others_confirmed_is_added_up_for_itself() -> None:
    places = board([Row(1, 500, verified_millipoints=200), Row(1, 100, verified_millipoints=100)])
    assert [(place.millipoints, place.verified_millipoints) for place in places] == [(600, 300)]


def test_who_opted_out_is_seen_by_nobody_else() -> None:
    rows = [Row(1, 900, is_hidden=True), Row(2, 500)]
    assert [(place.rank, place.user_id) for place in board(rows)] == [(1, 2)]
    assert [(place.rank, place.user_id) for place in board(rows, viewer_id=1)] == [(1, 1), (2, 2)]


def test_a_board_of_nobody_is_empty() -> None:
    assert board([]) == ()


def test_routes_touch_where_they_share_a_cell() -> None:
    cells = {f"R{n}": {(n, 0), (n + 1, 0)} for n in range(20)}
    mine = ["R3", "R4", "R9", "unknown"]
    assert touching(cells, mine) == {"R2", "R3", "R4", "R5", "R8", "R9", "R10"}
    assert touching(cells, []) == frozenset()


def test_too_few_routes_tell_nothing() -> None:
    cells = {f"R{n}": {(0, 0)} for n in range(MIN_NEAR_ROUTES)}
    assert len(touching(cells, ["R1"])) == MIN_NEAR_ROUTES
    del cells["R0"]
    assert touching(cells, ["R1"]) == frozenset()


@given(st.lists(st.integers(0, 8), min_size=1, max_size=30), st.data())
def test_a_part_of_a_board_has_the_ranks_of_the_whole(points: list[int], data) -> None:
    places = board([Row(user, each) for user, each in enumerate(points)])
    start = data.draw(st.integers(0, len(places) - 1))
    part = places[start : start + 5]
    n_better = sum(place.millipoints > part[0].millipoints for place in places)
    rows = [Row(place.user_id, place.millipoints) for place in part]
    assert ranked(rows, n_better, start) == part


@given(
    st.lists(st.builds(Row, st.integers(1, 6), st.integers(-500, 5_000))), st.randoms(use_true_random=False)
)
def test_the_board_is_a_fold_of_its_rows(rows: list[Row], shuffle) -> None:
    places = board(rows)
    assert sum(place.millipoints for place in places) == sum(row.millipoints for row in rows)
    assert sum(place.n_rides for place in places) == len(rows)
    for place in places:
        assert place.rank == 1 + sum(other.millipoints > place.millipoints for other in places)
    mixed = rows[:]
    shuffle.shuffle(mixed)
    assert board(mixed) == places
