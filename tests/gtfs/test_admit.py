"""What fewer people support than must is held back, and said so."""

from dataclasses import replace

import numpy as np
import pytest

from tests.gtfs.small_city import small_city
from transitmap.gtfs.admit import admit, admitted_patterns
from transitmap.gtfs.evidence import describe
from transitmap.model import Fares, HailStretches, HeldBack, HopWitnesses


def with_riders(stops=None, patterns=None):
    city = small_city()
    n_stop_riders, n_pattern_riders = city.stops.n_riders.copy(), city.patterns.n_riders.copy()
    for row, n in (stops or {}).items():
        n_stop_riders[row] = n
    for row, n in (patterns or {}).items():
        n_pattern_riders[row] = n
    return small_city(
        stops=replace(city.stops, n_riders=n_stop_riders),
        patterns=replace(city.patterns, n_riders=n_pattern_riders),
    )


def said(held_back):
    """In words, without the ways between stops: the network says nothing of those past a stop that goes."""
    return [describe(held, "en") for held in held_back if held.kind != "segments"]


def calls(network, pattern):
    patterns = network.patterns
    span = slice(patterns.call_start[pattern], patterns.call_start[pattern + 1])
    return patterns.stop_index[span], patterns.along_m[span], patterns.run_s[span]


def test_everything_stays_where_one_rider_is_enough():
    city = with_riders(stops={0: 0}, patterns={3: 0})
    admitted, held_back = admit(city, 1)
    assert held_back == []
    assert len(admitted.stops) == len(city.stops)
    assert np.array_equal(admitted.patterns.stop_index, city.patterns.stop_index)
    assert np.array_equal(admitted.headways.start_s, city.headways.start_s)


def test_a_pattern_goes_with_its_route_stops_shape_and_headways():
    city = with_riders(patterns={3: 2})
    admitted, held_back = admit(city, 3)
    assert len(admitted.patterns) == 3
    assert admitted.routes.short_name == ("Ruta 12",)
    assert len(admitted.stops) == 10
    assert admitted.shapes.point_start.tolist() == [0, 3, 6, 9]
    assert 3 not in admitted.headways.pattern_index
    assert said(held_back) == [
        "4 of 14 stops held back: no pattern left that calls there",
        "1 of 4 patterns held back: fewer than 3 riders",
        "1 of 2 routes held back: no pattern left",
    ]


def test_rows_are_renumbered_to_the_same_things():
    city = with_riders(patterns={0: 2})
    admitted, _ = admit(city, 3)
    old_stop, old_along_m, old_run_s = calls(city, 2)
    new_stop, new_along_m, new_run_s = calls(admitted, 1)
    assert np.allclose(admitted.stops.lat_deg[new_stop], city.stops.lat_deg[old_stop])
    assert np.allclose(new_along_m, old_along_m - old_along_m[0])
    assert np.allclose(new_run_s, old_run_s)
    assert admitted.headways.pattern_index.tolist() == [0, 1, 1, 2]
    assert admitted_patterns(city, 3).tolist() == [False, True, True, True]


def test_a_stop_of_too_few_leaves_every_pattern():
    city = with_riders(stops={1: 2})
    admitted, held_back = admit(city, 3)
    assert len(admitted.stops) == 13
    assert np.diff(admitted.patterns.call_start).tolist() == [3, 4, 4, 5]
    assert said(held_back) == ["1 of 14 stops held back: fewer than 3 riders"]


def test_without_its_first_stop_a_pattern_is_timed_from_the_second():
    city = with_riders(stops={0: 2})
    admitted, _ = admit(city, 3)
    _, along_m, run_s = calls(admitted, 0)
    assert along_m[0] == 0.0
    assert run_s[0] == 0
    assert run_s[1] == pytest.approx(780 / 6)
    shift_s = round(680 / 6)
    assert (admitted.headways.start_s - city.headways.start_s).tolist() == [shift_s] * 4 + [0] * 3
    assert (admitted.headways.end_s - city.headways.end_s).tolist() == [shift_s] * 4 + [0] * 3


def test_a_pattern_with_one_stop_left_is_held_back():
    admitted, held_back = admit(with_riders(stops={0: 1, 1: 1, 3: 1}), 2)
    assert len(admitted.patterns) == 3
    assert "1 of 4 patterns held back: fewer than 2 stops left" in said(held_back)


def test_nothing_may_be_left():
    admitted, held_back = admit(small_city(), 1000)
    assert [len(one) for one in (admitted.patterns, admitted.stops, admitted.routes)] == [0, 0, 0]
    assert len(admitted.headways) == 0
    assert "4 of 4 patterns held back: fewer than 1000 riders" in said(held_back)


def test_every_line_begins_and_ends_at_a_stop():
    admitted, _ = admit(small_city(), 1)
    start = admitted.shapes.point_start
    assert len(admitted.patterns) == 4
    for pattern in range(len(admitted.patterns)):
        _, along_m, _ = calls(admitted, pattern)
        line_m = admitted.shapes.along_m[start[pattern] : start[pattern + 1]]
        assert line_m[0] == along_m[0] == 0.0
        assert line_m[-1] == along_m[-1]
        assert (np.diff(line_m) > 0).all()


def test_the_road_that_only_one_person_rode_is_not_published():
    city = small_city()
    n_aboard = city.patterns.call_n_riders.copy()
    last = int(city.patterns.call_start[1])
    n_aboard[last - 1] = 1
    city = small_city(patterns=replace(city.patterns, call_n_riders=n_aboard))
    _, old_along_m, _ = calls(city, 0)
    admitted, _ = admit(city, 3)
    _, along_m, _ = calls(admitted, 0)
    assert len(along_m) == len(old_along_m) - 1
    line = slice(*admitted.shapes.point_start[:2])
    assert admitted.shapes.along_m[line][-1] == along_m[-1] == old_along_m[-2] - old_along_m[0]
    end = admitted.patterns.stop_index[admitted.patterns.call_start[1] - 1]
    gap_deg = abs(admitted.shapes.lat_deg[line][-1] - admitted.stops.lat_deg[end])
    assert gap_deg < 1e-3, "the line ends where the last published stop is"


def test_of_a_pattern_ridden_in_pieces_the_longest_supported_piece_stays():
    city = small_city()
    n_aboard = city.patterns.call_n_riders.copy()
    first, last = city.patterns.call_start[:2]
    n_aboard[first + 1] = 1
    city = small_city(patterns=replace(city.patterns, call_n_riders=n_aboard))
    admitted, _ = admit(city, 3)
    assert np.diff(admitted.patterns.call_start)[0] == last - first - 2


def hailed(rows):
    """Stretches of (pattern, first and last metre, riders)."""
    pattern, start_m, end_m, n_riders = (np.array(column) for column in zip(*rows, strict=True))
    return HailStretches(pattern, start_m, end_m, n_riders + 2, n_riders, np.full(len(rows), 0.9))


def test_hailing_is_told_of_enough_people_on_patterns_that_stay():
    stretches = hailed([(0, 800.0, 1400.0, 5), (1, 800.0, 1400.0, 2), (3, 900.0, 1600.0, 3)])
    city = replace(with_riders(patterns={0: 2}), hails=stretches)
    admitted, _ = admit(city, 3)
    assert admitted.hails.pattern_index.tolist() == [2], "pattern 0 is gone, of pattern 1 too few hailed"
    assert (admitted.hails.start_m.tolist(), admitted.hails.end_m.tolist()) == ([900.0], [1600.0])
    assert (admitted.hails.n_rides.tolist(), admitted.hails.n_riders.tolist()) == ([5], [3])


def test_hailing_is_told_between_the_stops_that_stay():
    stretches = hailed([(0, 100.0, 1400.0, 5), (0, 100.0, 600.0, 5)])
    city = replace(with_riders(stops={0: 2}), hails=stretches)
    admitted, _ = admit(city, 3)
    assert admitted.hails.start_m.tolist() == [0.0], "the second ended before the first stop that is left"
    assert admitted.hails.end_m.tolist() == [700.0]


def witnesses(*rows):
    """Rows of first call, next call and riders; as many vehicles, rides and days."""
    first, after, n = (np.array(column) for column in zip(*rows, strict=True))
    return HopWitnesses(first, after, n, n, n, n, np.full(len(rows), 20_000))


def test_a_way_past_a_stop_that_goes_is_told_by_who_rode_all_of_it():
    known = witnesses((0, 1, 9), (0, 2, 4), (1, 2, 9), (2, 3, 2), (4, 5, 9))
    city = replace(with_riders(stops={1: 2}), hop_witnesses=known)  # the second of the calls 0..3 and 4..8
    admitted, held_back = admit(city, 3)
    told = admitted.hop_witnesses
    assert (told.call_index.tolist(), told.next_index.tolist(), told.n_riders.tolist()) == ([0], [1], [4])
    n_hops = len(admitted.patterns.stop_index) - 4
    assert [one for one in held_back if one.kind == "segments"] == [
        HeldBack("segments", "few_riders", n_hops - 1, n_hops, 3)
    ]


def test_a_window_that_too_few_saw_goes_and_one_of_before_counting_stays():
    city = small_city()
    few = replace(city.headways, n_riders=np.array([4, 2, -1, 4, 4, 4, 4]))
    admitted, held_back = admit(small_city(headways=few), 3)
    assert len(admitted.headways) == 6 and -1 in admitted.headways.n_riders
    assert said(held_back) == ["1 of 7 headways held back: fewer than 3 riders"]


def test_what_one_person_said_of_a_fare_is_not_told():
    f, i = (lambda *v: np.array(v, dtype=float)), (lambda *v: np.array(v))
    fares = Fares(i(0, 1), f(8, 10), f(5, 10), f(800, 10), i(9, 4), f(0.8, 1))
    kept = admit(small_city(fares=fares), 3)[0].fares
    assert np.isnan(kept.low[0]) and np.isnan(kept.high[0]) and kept.price.tolist() == [8, 10]
    assert (kept.low[1], kept.high[1]) == (10, 10)
    assert admit(small_city(fares=fares), 1)[0].fares.high[0] == 800


def test_nothing_left_in_an_admitted_network_rests_on_fewer():
    rng = np.random.default_rng(5)
    for min_riders in (1, 2, 3, 5):
        city = with_riders(stops=dict(enumerate(rng.integers(1, 9, 14).tolist())))
        city = replace(city, hop_witnesses=replace(city.hop_witnesses, n_riders=rng.integers(0, 9, 14)))
        admitted, _ = admit(city, min_riders)
        tables = (admitted.stops, admitted.patterns, admitted.headways, admitted.hop_witnesses)
        for table in tables:
            assert not len(table) or table.n_riders.min() >= min_riders
        n_calls = len(admitted.patterns.stop_index)
        assert (admitted.hop_witnesses.next_index < n_calls).all()
