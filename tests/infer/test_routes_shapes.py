import numpy as np

from tests.infer.roads import bus
from tests.infer.test_patterns import CONFIG, FORK, MAIN, OVERLAPPING, paths_of, rides_on
from transitmap import geo
from transitmap.infer.routes import group_paths
from transitmap.infer.shapes import draw_shapes
from transitmap.infer.shapes.pieces import simplify
from transitmap.model import Paths

WHOLE = [(0, 9000)] * 4


def grouped(rides):
    return group_paths(paths_of(rides)[0], CONFIG.routes)


def test_a_way_and_its_way_back_are_one_route_in_two_directions():
    found = grouped(rides_on(MAIN, WHOLE) + rides_on(MAIN[::-1], WHOLE, seed=50))
    assert found.route_index.tolist() == [0, 0]
    assert sorted(found.direction_id) == [0, 1]
    assert found.routes.short_name == ("",)


def test_a_label_alone_makes_no_route():
    elsewhere = MAIN + np.array([0, 20_000])
    found = grouped(rides_on(MAIN, WHOLE, "12") + rides_on(elsewhere, WHOLE, "12", seed=50))
    assert sorted(found.route_index) == [0, 1]


def test_one_name_on_one_way_streets_side_by_side_is_one_route():
    beside = MAIN[::-1] + np.array([0, 150])
    elsewhere = [ride for k in range(1, 5) for ride in rides_on(MAIN + 9000 * k, WHOLE)]
    named = rides_on(MAIN, WHOLE, "12") + rides_on(beside, WHOLE, "Ruta 12", seed=50)
    found = grouped(named + elsewhere)
    assert sorted(found.route_index) == [0, 0, 1, 2, 3, 4]
    assert found.routes.short_name[0] == "12"
    unnamed = grouped(rides_on(MAIN, WHOLE) + rides_on(beside, WHOLE, seed=50))
    assert sorted(unnamed.route_index) == [0, 1]


def test_labels_that_differ_keep_a_way_back_apart():
    found = grouped(rides_on(MAIN, WHOLE, "12") + rides_on(MAIN[::-1], WHOLE, "14", seed=50))
    assert sorted(found.route_index) == [0, 1]
    assert sorted(found.routes.short_name) == ["12", "14"]


def test_a_variant_without_a_label_is_of_the_route_that_it_shares_most_with():
    elsewhere = MAIN + np.array([1500, 700])
    ways = [rides_on(way, WHOLE, seed=30 * k) for k, way in enumerate((MAIN, FORK, elsewhere))]
    found = grouped([ride for way in ways for ride in way])
    assert sorted(np.bincount(found.route_index)) == [1, 2]
    assert (found.direction_id == 0).all()


def ways(roads_m, label):
    """Paths without rides, five of whose riders named each that has a label."""
    dense_m = [geo.resample(road_m, 25.0) for road_m in roads_m]
    n_label = np.array([5.0 * (name != "") for name in label])
    none = np.zeros(0, dtype=np.int64)
    start = np.concatenate([[0], np.cumsum([len(one) for one in dense_m])])
    return Paths(start, np.concatenate(dense_m), label, n_label, n_label, none, none, none, none)


def test_a_way_without_a_label_joins_one_of_two_that_have_one():
    part = MAIN[:0:-1]
    found = group_paths(ways([MAIN, MAIN[::-1], part], ("12", "77", "")), CONFIG.routes)
    assert found.routes.short_name == ("12", "77")
    both = group_paths(ways([MAIN, MAIN[::-1], part], ("12", "12", "")), CONFIG.routes)
    assert both.route_index.tolist() == [0, 0, 0]


def test_a_way_without_a_label_is_of_the_line_that_it_shares_more_with():
    part = np.concatenate([FORK[3:0:-1], [(1500, 0)]])
    for label in (("12", "77", ""), ("77", "12", "")):
        found = group_paths(ways([MAIN[:3], FORK[::-1], part], label), CONFIG.routes)
        assert found.route_index.tolist() == [0, 1, 1]


def test_most_riders_name_the_route():
    rides = rides_on(MAIN, WHOLE, "Ruta 5a") + rides_on(MAIN, [(0, 9000)], "6", seed=30)
    found = grouped(rides)
    assert found.routes.short_name == ("5A",)
    assert 0.7 < found.routes.share_label[0] <= 1.0


def off_road_m(line_m):
    """Metres from points of a line to MAIN, by hand: the nearest of its three straight pieces."""
    return np.abs(geo.project(geo.resample(line_m, 10.0), MAIN)[1])


def test_the_consensus_is_better_than_the_median_ride():
    rides = [bus(MAIN, noise_m=8, seed=seed) for seed in range(9)]
    paths, lines = paths_of(rides)
    shape_m = draw_shapes(paths, lines, CONFIG.shapes)[0]
    single = [
        off_road_m(lines.xy_m[a:b]) for a, b in zip(lines.point_start, lines.point_start[1:], strict=False)
    ]
    assert off_road_m(shape_m).mean() < 3.0
    assert off_road_m(shape_m).mean() < np.median([off_m.mean() for off_m in single])


def test_one_ride_s_detour_is_outvoted():
    detour = np.array(
        [(0, 0), (1000, 0), (1000, 120), (1400, 120), (1400, 0), *MAIN[1:].tolist()], dtype=float
    )
    paths, lines = paths_of(rides_on(MAIN, OVERLAPPING) + [bus(detour, noise_m=4, seed=77)])
    shape_m = draw_shapes(paths, lines, CONFIG.shapes)[0]
    assert np.percentile(off_road_m(shape_m), 95) < 12.0


def test_simplify_stays_within_its_tolerance():
    rng = np.random.default_rng(3)
    line_m = np.column_stack([np.arange(300) * 10.0, rng.normal(0, 6, 300).cumsum()])
    simple_m = simplify(line_m, 2.0)
    assert len(simple_m) < len(line_m)
    assert np.abs(geo.project(line_m, simple_m)[1]).max() <= 2.0 + 1e-9
    assert np.array_equal(simple_m[[0, -1]], line_m[[0, -1]])
