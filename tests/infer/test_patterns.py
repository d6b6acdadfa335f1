from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.infer.roads import PLANE, bus
from transitmap import geo
from transitmap.config import Config, LegsConfig
from transitmap.infer.labels import clean_label
from transitmap.infer.legs import split_legs
from transitmap.infer.lines import draw_lines
from transitmap.infer.patterns import find_paths
from transitmap.infer.patterns.chain import Chain, nearness
from transitmap.infer.patterns.find import find_chains
from transitmap.infer.patterns.fold import with_halves
from transitmap.infer.patterns.pieces import NO_LABEL, cut_pieces, ranges

MAIN = np.array([(0, 0), (3000, 0), (3000, 3000), (6000, 3000)], dtype=float)
FORK = np.array([(0, 0), (3000, 0), (3000, 3000), (1000, 5500)], dtype=float)
CONFIG = Config()


def piece(road_m, first_m, last_m):
    distance_m = geo.along_m(road_m)
    inner = road_m[(distance_m > first_m) & (distance_m < last_m)]
    ends = geo.at(road_m, distance_m, np.array([first_m, last_m]))
    return np.concatenate([ends[:1], inner, ends[1:]])


def rides_on(road_m, stretches, label="", seed=0):
    return [
        bus(piece(road_m, a, b), label=label, noise_m=4, seed=seed + k) for k, (a, b) in enumerate(stretches)
    ]


def paths_of(rides):
    legs = split_legs(rides, LegsConfig())
    lines = draw_lines(rides, legs, np.zeros(len(rides), dtype=bool), PLANE, CONFIG.lines)
    labels = [clean_label(rides[k].label) for k in lines.ride_index]
    return find_paths(lines, labels, CONFIG.lines.near_m, CONFIG.patterns), lines


def lengths_m(paths):
    ends = zip(paths.point_start[:-1], paths.point_start[1:], strict=True)
    return sorted(float(geo.along_m(paths.xy_m[a:b])[-1]) for a, b in ends)


OVERLAPPING = [(0, 4500), (1500, 6500), (3000, 9000), (500, 5000), (4000, 9000), (2000, 8000)]


def test_partial_rides_are_joined_into_the_whole_way():
    paths, lines = paths_of(rides_on(MAIN, OVERLAPPING))
    assert len(paths) == 1
    assert abs(lengths_m(paths)[0] - 9000) < 400
    assert set(paths.line_index) == set(range(len(lines)))


def test_there_and_back_are_two_ways():
    paths, _ = paths_of(rides_on(MAIN, OVERLAPPING) + rides_on(MAIN[::-1], OVERLAPPING, seed=50))
    assert len(paths) == 2


def test_branches_part_where_rides_do():
    whole = [(0, 8500)] * 3
    paths, _ = paths_of(rides_on(MAIN, whole) + rides_on(FORK, whole, seed=20))
    assert len(paths) == 2
    trunk = rides_on(MAIN, [(500, 4000)], seed=70)
    with_trunk, _ = paths_of(rides_on(MAIN, whole) + rides_on(FORK, whole, seed=20) + trunk)
    on_trunk = with_trunk.path_index[with_trunk.line_index == 6]
    assert sorted(on_trunk) == [0, 1], "a ride on the trunk alone is evidence for both branches"


def test_a_way_run_once_is_no_path():
    paths, _ = paths_of(rides_on(MAIN, OVERLAPPING) + rides_on(FORK + 8000, [(0, 8000)], seed=9))
    assert len(paths) == 1


def test_a_short_overlap_joins_only_what_riders_call_the_same():
    first = [(0, 3600), (0, 3900), (300, 4100), (0, 4000)]
    second = [(3300, 9000), (3400, 8700), (3600, 9000), (3500, 9000)]
    elsewhere = [ride for k in range(4) for ride in rides_on(STREET - (0, 2000 * (k + 1)), [(0, 4000)] * 4)]

    def labels_of(first_label, second_label):
        rides = rides_on(MAIN, first, first_label) + rides_on(MAIN, second, second_label, seed=30)
        return sorted(paths_of(rides + elsewhere)[0].label)[4:]

    assert labels_of("", "") == ["", ""]
    assert labels_of("Ruta 7", "7 Centro") == ["7"]
    assert labels_of("7", "8") == ["7", "8"]


def test_one_wrong_label_does_not_make_a_route():
    rides = rides_on(MAIN, OVERLAPPING, "12") + rides_on(MAIN, [(1000, 7000)], "99", seed=40)
    paths, _ = paths_of(rides)
    assert paths.label == ("12",)


def test_no_rides_give_no_paths():
    paths, _ = paths_of([])
    assert len(paths) == 0


TRUNK = [(2000, 0), (2000, 2000), (5000, 2000)]
NORTH = np.array([(0, 0), *TRUNK, (5000, 5000)], dtype=float)
EAST = np.array([(500, -2500), *TRUNK, (7500, 1000)], dtype=float)
STREET = np.array([(0, 0), (4000, 0)], dtype=float)


def parts_of(road_m, n, seed, label="", least_m=2500.0):
    """Rides from anywhere to anywhere on a road; a third begin at its first stop, a third end at its last."""
    rng, length_m, stretches = np.random.default_rng(seed), geo.along_m(road_m)[-1], []
    while len(stretches) < n:
        first_m, last_m = np.sort(rng.uniform(0, length_m, 2))
        first_m = 0.0 if rng.random() < 0.35 else first_m
        last_m = length_m if rng.random() < 0.35 else last_m
        if last_m - first_m > least_m:
            stretches.append((first_m, last_m))
    return rides_on(road_m, stretches, label, seed=1000 * seed)


def assert_runs(paths, *roads_m):
    """One path a road, from its first place to its last, with no point elsewhere."""
    found = [paths.xy_m[a:b] for a, b in zip(paths.point_start[:-1], paths.point_start[1:], strict=True)]
    assert len(found) == len(roads_m)
    for road_m in roads_m:
        dense_m = geo.resample(road_m, 25.0)
        fits = [
            np.abs(geo.project(path_m, dense_m)[1]).max() < 40
            and np.hypot(*(path_m[[0, -1]] - road_m[[0, -1]]).T).max() < 200
            for path_m in found
        ]
        assert sum(fits) == 1


def test_where_all_get_off_a_line_ends_whatever_it_is_called():
    paths, _ = paths_of(rides_on(MAIN, [(0, 4000)] * 4, "7") + rides_on(MAIN, [(3400, 9000)] * 4, "7", 30))
    assert len(paths) == 2


@pytest.mark.parametrize("north, east", [("", ""), ("A1", "B2"), ("A1", "")])
def test_two_lines_in_one_street_stay_two(north, east):
    paths, _ = paths_of(parts_of(NORTH, 12, 1, north) + parts_of(EAST, 12, 2, east))
    assert_runs(paths, NORTH, EAST)
    if east:
        assert sorted(paths.label) == [north.lower(), east.lower()]


def test_riders_without_a_label_ride_on_the_lines_that_others_name():
    named = parts_of(NORTH, 6, 1, "A1") + parts_of(EAST, 6, 2, "B2")
    paths, lines = paths_of(named + parts_of(NORTH, 8, 3) + parts_of(EAST, 8, 4))
    assert_runs(paths, NORTH, EAST)
    assert set(paths.line_index) == set(range(len(lines)))


def test_two_lines_with_all_their_streets_in_common_are_told_by_label_alone():
    paths, _ = paths_of(parts_of(MAIN, 30, 5, "1") + parts_of(MAIN, 30, 6, "2"))
    assert sorted(paths.label) == ["1", "2"]
    assert paths.n_label.tolist() == [30, 30]
    unnamed, _ = paths_of(parts_of(NORTH, 8, 5) + parts_of(NORTH, 8, 6))
    assert_runs(unnamed, NORTH)


def test_two_lines_that_meet_where_nobody_stays_on_are_two():
    onward = np.array([(3700, 0), (4000, 0), (4000, 4000)], dtype=float)
    paths, _ = paths_of(parts_of(STREET, 10, 7, least_m=1500) + parts_of(onward, 10, 8, least_m=1500))
    assert_runs(paths, STREET, onward)


def test_there_and_back_are_two_though_some_stay_on_at_the_terminal():
    turn = np.array([(0, 0), (4000, 0), (4000, 60), (0, 60)], dtype=float)
    staying = rides_on(turn, [(0, 4300), (500, 4500), (1000, 4400)])
    there, back = parts_of(turn[:2], 10, 1), parts_of(turn[2:], 10, 2)
    paths, lines = paths_of(staying + there + back)
    assert len(paths) == 2
    assert max(lengths_m(paths)) < 4800, "no chimera of 8 km"
    assert set(paths.line_index) == set(range(len(lines)))


def test_a_detour_of_one_ride_is_mended():
    detour = np.array([(0, 0), (3000, 0), (3000, 1000), (3400, 1000), (3400, 2000), (3000, 2000), *MAIN[2:]])
    others = rides_on(MAIN, [(0, 4500), (1500, 6500), (500, 9000), (0, 8000), (2000, 9000)])
    paths, lines = paths_of([bus(detour, noise_m=4, seed=99), *others])
    assert_runs(paths, MAIN)
    assert set(paths.line_index) == set(range(len(lines))), "who took it rode on the line"
    only_way, _ = paths_of([bus(detour, noise_m=4, seed=90 + k) for k in range(4)] + others[:2])
    assert np.abs(geo.project(np.array([(3400.0, 1500.0)]), only_way.xy_m)[1]).min() < 20, "many: a way"


def test_one_wrong_label_in_twenty_five_makes_no_path():
    paths, lines = paths_of(parts_of(MAIN, 48, 11, "12") + parts_of(MAIN, 2, 12, "99"))
    assert_runs(paths, MAIN)
    assert paths.label == ("12",)
    assert set(paths.line_index) == set(range(len(lines)))


def test_where_one_of_many_goes_on_beyond_the_end_the_way_ends():
    beyond = np.concatenate([MAIN, [(6000.0, 5000.0)]])
    walker = bus(piece(beyond, 500, 11000), noise_m=4, seed=77)
    paths, _ = paths_of([*rides_on(MAIN, [(0, 9000)] * 14 + [(2000, 9000)] * 2, seed=3), walker])
    assert_runs(paths, MAIN)


@settings(max_examples=10, deadline=None)
@given(st.permutations(range(24)))
def test_the_order_of_the_rides_does_not_matter_to_what_is_found(order):
    rides = mixed()
    paths, lines = paths_of([rides[k] for k in order])
    expected, expected_lines = paths_of(rides)
    riders = riders_of(paths, [order[k] for k in lines.ride_index])
    assert riders == riders_of(expected, expected_lines.ride_index.tolist())
    assert np.allclose(lengths_m(paths), lengths_m(expected), atol=60)


def mixed():
    """Rides of a line, of its way back, of another that shares its trunk, and of one with a wrong label."""
    return [
        *parts_of(NORTH, 9, 1, "A1"),
        *parts_of(EAST, 7, 2),
        *parts_of(NORTH[::-1], 6, 3),
        *parts_of(NORTH, 2, 4, "X9"),
    ]


def riders_of(paths, ride_of_line):
    """The rides along each path."""
    lines = [paths.line_index[paths.path_index == path] for path in range(len(paths))]
    return sorted(sorted(ride_of_line[k] for k in line) for line in lines)


@cache
def pieces_of_mixed():
    rides = mixed()
    _, lines = paths_of(rides)
    labels = [clean_label(rides[k].label) for k in lines.ride_index]
    return cut_pieces(lines, labels, nearness(lines, CONFIG.lines.near_m), CONFIG.patterns)


def test_rides_grown_ahead_in_vain_change_nothing():
    pieces = pieces_of_mixed()
    grown = []

    def all_at_once(function, *columns):
        grown.extend(map(function, *[list(column) for column in columns]))
        return grown

    chains = find_chains(pieces, CONFIG.patterns)
    ahead = find_chains(pieces, CONFIG.patterns, all_at_once)
    assert len(grown) == len(pieces) > len(chains)
    assert [(one.row.tolist(), one.label) for one in ahead] == [
        (one.row.tolist(), one.label) for one in chains
    ]


def test_a_chain_that_turns_back_is_offered_in_halves_too():
    there_and_back = np.array([(0, 0), (4000, 0), (4000, 60), (0, 60)], dtype=float)
    _, lines = paths_of([bus(there_and_back, noise_m=4, seed=1), bus(MAIN, noise_m=4, seed=2)])
    near = nearness(lines, CONFIG.lines.near_m)
    pieces = cut_pieces(lines, ["", ""], near, CONFIG.patterns)
    whole = [np.arange(a, b) for a, b in zip(pieces.start[:-1], pieces.start[1:], strict=True)]
    chains = [Chain(pieces.row[way], pieces.place[way], pieces.reach(way), NO_LABEL) for way in whole]
    offered = with_halves(chains, lines, pieces, 100.0, CONFIG.patterns)
    assert len(offered) == 4 and offered[:2] == chains
    assert np.concatenate([half.row for half in offered[2:]]).tolist() == chains[0].row.tolist()
    assert abs(len(offered[2].row) - len(offered[3].row)) < 20
    assert (offered[2].reach & offered[3].reach).mean() < 0.1


def test_pieces_lie_end_to_end_and_know_what_was_seen_of_them():
    pieces = pieces_of_mixed()
    assert len(pieces) == 24
    assert pieces.start[0] == 0 and pieces.start[-1] == len(pieces.place) == len(pieces.owner)
    assert np.diff(pieces.start).min() >= CONFIG.patterns.min_points
    assert pieces.n_seen.tolist() == np.bincount(pieces.owner, pieces.is_seen).tolist()
    assert pieces.membership.sum() == pieces.is_seen.sum()


def test_a_gap_parts_a_line_into_pieces():
    rides = rides_on(MAIN, [(0, 9000)])
    _, lines = paths_of(rides)
    gap_m = lines.gap_m.copy()
    gap_m[100:110] = CONFIG.patterns.max_gap_m + 1
    near = nearness(lines, CONFIG.lines.near_m)
    pieces = cut_pieces(replace(lines, gap_m=gap_m), [""], near, CONFIG.patterns)
    assert pieces.line.tolist() == [0, 0]
    assert pieces.row.tolist() == [*range(100), *range(110, len(lines.place))]
    assert (pieces.label == NO_LABEL).all()


@given(st.data())
def test_who_passes_a_point(data):
    pieces = pieces_of_mixed()
    point = data.draw(st.integers(0, len(pieces.place) - 1))
    some = np.array(data.draw(st.lists(st.integers(0, len(pieces) - 1), min_size=1, unique=True)))
    passing = pieces.passing(np.array([point]), np.arange(len(pieces)))[0]
    assert passing[pieces.owner[point]], "a piece passes its own points"
    assert sorted(set(pieces.owner[pieces.around(point)])) == np.flatnonzero(passing).tolist()
    assert pieces.passing(np.array([point]), some)[0].tolist() == passing[some].tolist()
    assert pieces.n_passing(np.array([point])).tolist() == [passing.sum()]


@given(st.integers(0, 23))
def test_the_streets_of_a_piece_cover_it(piece):
    pieces = pieces_of_mixed()
    reach = pieces.reach(np.arange(pieces.start[piece], pieces.start[piece + 1]))
    covered = pieces.covered(reach)
    assert covered[piece] == pytest.approx(1.0)
    assert ((covered >= 0) & (covered < 1 + 1e-6)).all()
    assert pieces.covered(np.zeros_like(reach)).max() == 0


def test_a_mirror_image_is_the_same_backwards():
    pieces = pieces_of_mixed()
    mirror, last = pieces.mirrored(), len(pieces.place) - 1
    assert mirror.n_seen.tolist() == pieces.n_seen[::-1].tolist()
    assert mirror.label.tolist() == pieces.label[::-1].tolist()
    points = np.arange(0, last, 7)
    assert (mirror.owner[last - points] == len(pieces) - 1 - pieces.owner[points]).all()
    everybody = np.arange(len(pieces))
    assert (mirror.passing(last - points, everybody) == pieces.passing(points, everybody)[:, ::-1]).all()
    twice = mirror.mirrored()
    for name in ("row", "place", "is_seen", "start", "line", "label"):
        assert getattr(twice, name).tolist() == getattr(pieces, name).tolist()


@given(st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 9))))
def test_ranges_lie_end_to_end(wanted):
    start, count = np.array(wanted, dtype=np.int64).reshape(-1, 2).T
    assert ranges(start, count).tolist() == [k for a, n in wanted for k in range(a, a + n)]
