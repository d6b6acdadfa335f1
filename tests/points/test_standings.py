from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from transitmap.points.standings import board, near


@dataclass(frozen=True)
class Row:
    user_id: int
    millipoints: int
    name: str = "somebody"
    is_hidden: bool = False
    n_rides: int = 1


def test_rows_of_a_rider_add_up_and_ties_share_a_rank() -> None:
    places = board([Row(3, 500), Row(1, 200), Row(2, 900), Row(1, 300), Row(4, 100)])
    assert [(place.rank, place.user_id, place.millipoints, place.n_rides) for place in places] == [
        (1, 2, 900, 1),
        (2, 1, 500, 2),
        (2, 3, 500, 1),
        (4, 4, 100, 1),
    ]
    assert [place.n_tied for place in places] == [1, 2, 2, 1]


def test_who_opted_out_is_seen_by_nobody_else() -> None:
    rows = [Row(1, 900, is_hidden=True), Row(2, 500)]
    assert [(place.rank, place.user_id) for place in board(rows)] == [(1, 2)]
    assert [(place.rank, place.user_id) for place in board(rows, viewer_id=1)] == [(1, 1), (2, 2)]


def test_my_row_and_neighbours() -> None:
    places = board([Row(user, 1000 - user) for user in range(10)])
    assert [place.user_id for place in near(places, 5)] == [3, 4, 5, 6, 7]
    assert [place.user_id for place in near(places, 0)] == [0, 1, 2]
    assert [place.user_id for place in near(places, 9, 1)] == [8, 9]
    assert near(places, 99) == ()


def test_a_board_of_nobody_is_empty() -> None:
    assert board([]) == ()


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
