from __future__ import annotations

import numpy as np
import pytest

from tests.points.hand import network_of
from transitmap.campaigns.figures import Ridden, by_voice, cost_centavos, map_figures

LINE = [(0.0, 0.0), (1_000.0, 0.0)]
CITY = network_of((0, 0, LINE), (0, 1, LINE[::-1]), (1, 0, [(0.0, 500.0), (4_000.0, 500.0)]))
IDS = ("R1", "R2")


def ridden(
    *rows: tuple[int, float, float, int, int, bool], linked: tuple[tuple[int, int], ...] = ()
) -> Ridden:
    """(pattern, first_m, last_m, rider, day, is_counted) a ride of 1,500 m."""
    pattern, first_m, last_m, rider, day, counted = zip(*rows, strict=True) if rows else ((),) * 6
    return Ridden(
        np.array(pattern, dtype=np.int64),
        np.array(first_m, dtype=float),
        np.array(last_m, dtype=float),
        np.array(rider, dtype=np.int64),
        by_voice(rider, linked),
        np.array(day, dtype=np.int64),
        np.full(len(rows), 1_500.0),
        np.array(counted, dtype=bool),
    )


def of(*rows, **more):
    return map_figures(CITY, IDS, ridden(*rows, **more))


def test_two_people_confirm_a_direction_and_one_does_not():
    found = of((0, 0, 1_000, 7, 10, True), (0, 0, 1_000, 8, 10, True), (1, 0, 1_000, 7, 11, True))
    assert (found.n_routes, found.n_directions, found.n_directions_of_map) == (1, 2, 3)
    assert (found.n_confirmed, found.n_confirmed_new, found.n_new) == (1, 1, 2)
    assert found.by_riders == (0, 1, 1, 0, 0)
    assert (found.n_rides, found.n_riders, found.n_days, found.recorded_m) == (3, 2, 2, 4_500.0)
    assert (found.median_rides, found.share_of_top_tenth) == (1.5, 0.0)


@pytest.mark.parametrize(
    ("stretches", "expected"),
    [
        ([(0, 1_000), (0, 1_000)], 2),
        ([(0, 1_000), (0, 400)], 1),  # the second rode less than half
        ([(0, 500), (500, 1_000)], 1),  # half of it each
        ([(0, 1_000), (0, 250), (250, 500)], 2),  # half of it was ridden twice
        ([(0, 450)], 0),
    ],
)
def test_so_many_know_a_line_as_rode_half_of_it(stretches, expected):
    rows = [(0, first, last, rider, 10, True) for rider, (first, last) in enumerate(stretches)]
    assert of(*rows).by_riders[expected] == 1


def test_those_who_are_linked_are_one_voice_but_two_riders():
    rows = [(0, 0, 1_000, 7, 10, True), (0, 0, 1_000, 8, 10, True)]
    assert of(*rows, linked=((7, 8),)).n_confirmed == 0
    assert of(*rows, linked=((7, 8),)).n_riders == 2
    assert of(*rows).n_confirmed == 1


def test_who_rides_twice_is_one_voice():
    assert of((0, 0, 1_000, 7, 10, True), (0, 0, 1_000, 7, 12, True)).n_confirmed == 0


def test_what_was_known_before_is_confirmed_but_not_by_the_campaign():
    before = [(0, 0, 1_000, 1, 3, False), (0, 0, 1_000, 2, 3, False), (2, 0, 4_000, 1, 3, False)]
    found = of(*before, (0, 0, 1_000, 7, 10, True), (2, 0, 4_000, 7, 10, True))
    assert (found.n_directions, found.n_confirmed, found.n_confirmed_new, found.n_new) == (2, 2, 1, 0)
    assert [(line.route_id, line.n_riders, line.n_riders_before) for line in found.lines] == [
        ("R1", 3, 2), ("R2", 2, 1),
    ]  # fmt: skip


def test_only_published_routes_have_a_line_and_all_are_counted():
    found = map_figures(CITY, ("", "R2"), ridden((0, 0, 1_000, 7, 10, True), (2, 0, 1_000, 7, 10, True)))
    assert [line.route_id for line in found.lines] == ["R2"]
    assert (found.n_directions, found.n_published, found.by_riders) == (2, 1, (1, 1, 0, 0, 0))
    assert found.ridden_m == 2_000.0 and found.lines[0].ridden_m == 1_000.0


def test_days_add_up_and_rides_of_no_line_are_told():
    found = of(
        (0, 0, 1_000, 7, 10, True),
        (1, 0, 1_000, 7, 12, True),
        (0, 0, 1_000, 8, 14, True),
        (-1, np.nan, np.nan, 8, 15, True),
    )
    assert found.growth.day == (10, 12, 14)
    assert (found.growth.n_reached, found.growth.n_confirmed) == ((1, 2, 2), (0, 0, 1))
    assert (found.n_rides_on_no_line, found.n_days) == (1, 4)


def test_stops_stand_in_their_class_of_confidence_and_unknown_intervals_are_counted():
    found = of((0, 0, 1_000, 7, 10, True))
    assert (found.n_stops, found.stops_by_confidence) == (2, (0, 0, 0, 2))
    assert (found.n_patterns, found.n_patterns_without_interval, found.n_windows) == (1, 1, 0)


def test_nobody_rode_and_nothing_is_known():
    found = of()
    assert (found.n_rides, found.n_directions, found.by_riders) == (0, 0, (0,) * 5)
    assert (found.n_directions_of_map, found.growth.day, found.lines) == (3, (), ())
    other = map_figures(CITY, IDS, ridden((0, 0, 1_000, 1, 3, False)))
    assert (other.n_rides, other.n_directions) == (0, 0)


def test_the_top_tenth_is_told_where_there_are_ten_people():
    rows = [(0, 0, 1_000, rider, 10, True) for rider in range(10)] + [(0, 0, 1_000, 3, 11, True)] * 5
    assert of(*rows).share_of_top_tenth == 6 / 15
    assert of(*rows[1:]).share_of_top_tenth == 0.0


def test_a_cost_is_rounded_up_and_unknown_without_anything_confirmed():
    assert (cost_centavos(17_000_000, 501), cost_centavos(0, 3), cost_centavos(5, 0)) == (33_933, 0, None)


def test_links_reach_on_and_their_order_does_not_matter():
    for linked in ([(1, 2), (2, 3), (9, 8)], [(9, 8), (2, 3), (1, 2)]):
        assert by_voice([3, 2, 1, 8, 9, 5], linked).tolist() == [1, 1, 1, 8, 8, 5]


def test_what_lies_where_need_is_marked():
    """The first half of the line east and of its way back; a ride and a direction count from half on."""
    east = np.arange(10) < 5
    marked = [east, east, np.zeros(40, dtype=bool)]
    rows = (
        (0, 0, 500, 7, 10, True),
        (0, 0, 1_000, 8, 10, True),
        (0, 450, 1_000, 9, 10, True),
        (1, 0, 400, 7, 10, True),
        (2, 0, 4_000, 9, 10, True),
        (0, 0, 1_000, 6, 10, False),
        (-1, 0, 0, 5, 10, True),
    )
    need = map_figures(CITY, IDS, ridden(*rows), marked=marked).need
    assert need is not None
    assert need.is_there.tolist() == [True, True, False, True, False, False, False]
    assert (need.n_riders, need.n_rides, need.n_directions, need.n_confirmed_new) == (2, 3, 2, 1)
    assert need.ridden_m == pytest.approx(500 + 400)
    assert of(*rows).need is None


def test_who_rode_in_this_campaign_alone():
    found = of((0, 0, 1_000, 7, 10, True), (0, 0, 1_000, 8, 10, True), (1, 0, 1_000, 7, 9, False))
    assert (found.n_riders, found.n_only_here) == (2, 1)
