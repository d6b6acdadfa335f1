import numpy as np

from tests.infer.roads import PLANE, bus
from transitmap import geo
from transitmap.config import Config, LegsConfig
from transitmap.infer.labels import clean_label
from transitmap.infer.legs import split_legs
from transitmap.infer.lines import draw_lines
from transitmap.infer.patterns import find_paths

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
    first, second = [(0, 4000)] * 4, [(3400, 9000)] * 4
    unnamed, _ = paths_of(rides_on(MAIN, first) + rides_on(MAIN, second, seed=30))
    assert len(unnamed) == 2
    named, _ = paths_of(rides_on(MAIN, first, "Ruta 7") + rides_on(MAIN, second, "7 Centro", seed=30))
    assert len(named) == 1
    assert named.label == ("7",)
    apart, _ = paths_of(rides_on(MAIN, first, "7") + rides_on(MAIN, second, "8", seed=30))
    assert len(apart) == 2


def test_one_wrong_label_does_not_make_a_route():
    rides = rides_on(MAIN, OVERLAPPING, "12") + rides_on(MAIN, [(1000, 7000)], "99", seed=40)
    paths, _ = paths_of(rides)
    assert paths.label == ("12",)


def test_no_rides_give_no_paths():
    paths, _ = paths_of([])
    assert len(paths) == 0


def test_the_order_of_the_rides_does_not_matter_to_what_is_found():
    rides = rides_on(MAIN, OVERLAPPING, "12") + rides_on(FORK, OVERLAPPING, "14", seed=20)
    expected = lengths_m(paths_of(rides)[0])
    assert np.allclose(lengths_m(paths_of(rides[::-1])[0]), expected, atol=60)
