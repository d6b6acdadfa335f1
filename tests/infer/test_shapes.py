import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter1d

from tests.infer.roads import PLANE, bus
from tests.infer.test_patterns import CONFIG, paths_of
from transitmap import geo
from transitmap.infer.shapes import between_ends, draw_shapes, follow_streets
from transitmap.infer.shapes.alongside import run_along
from transitmap.infer.shapes.ends import place_ends
from transitmap.infer.shapes.pieces import Seen, simplify
from transitmap.model import Streets
from transitmap.simulate.config import SimulateConfig
from transitmap.simulate.network import simulate_city

STAIRS = np.array([(0, 0), (600, 0), (600, 400), (1200, 400), (1200, 900), (2000, 900)], dtype=float)
CORNER = np.array([(0, 0), (1000, 0), (1000, 1000)], dtype=float)


def drawn(rides):
    paths, lines = paths_of(rides)
    return draw_shapes(paths, lines, CONFIG.shapes)[0]


def length_m(line_m):
    return float(geo.along_m(line_m)[-1])


def off_m(line_m, road_m):
    return np.abs(geo.project(geo.resample(line_m, 5.0), road_m)[1])


@pytest.mark.parametrize("every_s", [1.0, 5.0, 10.0])
def test_corners_stay_sharp_and_lengths_true(every_s):
    rides = [bus(STAIRS, noise_m=5, seed=k, every_s=every_s, speed_m_s=7.0 + 0.3 * k) for k in range(9)]
    shape_m = drawn(rides)
    to_end_m = float(np.hypot(*(shape_m[-1] - STAIRS[-1])))  # the last fix lies a sample before the end
    assert abs((length_m(shape_m) + to_end_m) / length_m(STAIRS) - 1.0) < 0.012
    assert np.median(np.abs(geo.project(STAIRS[1:-1], shape_m)[1])) < 6.5


def test_a_vehicle_that_stood_long_does_not_pull():
    rides = [bus(STAIRS, noise_m=2, seed=k) for k in range(4)]
    stood = bus(STAIRS + np.array([0, 9.0]), noise_m=2, seed=9, halts=[(300, 200)])
    shape_m = drawn([*rides, stood])
    assert off_m(shape_m, STAIRS).max() < 9.0


def test_vehicles_of_other_paths_help_where_they_share_the_street():
    ours = [bus(STAIRS, noise_m=5, seed=k, label="1") for k in range(3)]
    longer_m = np.concatenate([[(-2500.0, 0.0)], STAIRS, [(2000.0, 4500.0)]])
    others = [bus(longer_m, noise_m=5, seed=10 + k, label="2") for k in range(12)]

    def error_m(rides):
        paths, lines = paths_of(rides)
        shapes_m = draw_shapes(paths, lines, CONFIG.shapes)
        shape_m = min(shapes_m, key=lambda one_m: abs(length_m(one_m) - length_m(STAIRS)))
        return np.mean(off_m(shape_m, STAIRS))

    assert error_m([*ours, *others]) < 0.75 * error_m(ours)


def ridden(line, *ways_m):
    """Fixes every 20 m of a vehicle that ran one way after the other."""
    xy_m = np.concatenate([geo.resample(np.array(way_m, dtype=float), 20.0) for way_m in ways_m])
    return Seen(xy_m, geo.headings(xy_m), np.full(len(xy_m), line))


def test_only_who_keeps_to_a_way_for_long_runs_along_it():
    shape_m = np.array([(0.0, 0.0), (3000.0, 0.0)])
    shares, back = ridden(1, [(500, 5), (1700, 5)]), ridden(2, [(1700, 5), (500, 5)])
    crosses, short = ridden(3, [(800, -900), (800, 900)]), ridden(4, [(800, 5), (1300, 5)])
    seen = Seen(*(np.concatenate(parts) for parts in zip(shares, back, crosses, short, strict=True)))
    kept = run_along(shape_m, seen)
    assert set(kept.line_index) == {1}
    assert kept.xy_m[:, 0].min() == pytest.approx(620.0)  # not where it may have turned in
    assert kept.xy_m[:, 0].max() == pytest.approx(1580.0)


@given(st.lists(st.tuples(st.floats(-500, 500), st.floats(-500, 500)), min_size=2, max_size=40))
def test_a_simpler_line_is_nowhere_far_from_what_it_was(corners_m):
    line_m = np.array(corners_m)
    simple_m = simplify(line_m, 25.0)
    assert np.array_equal(simple_m[[0, -1]], line_m[[0, -1]])
    if len(simple_m) > 1:
        assert np.abs(geo.project(line_m, simple_m)[1]).max() <= 25.0 + 1e-6


def test_the_ends_lie_where_most_rides_began_and_ended():
    line_m = np.array([(40.0, 0.0), (5000.0, 0.0)])
    first_m = np.array([(-3.0, 2.0), (0.0, 0.0), (2.0, 9.0), (60.0, 0.0), (900.0, 0.0)])
    placed_m = place_ends(line_m, first_m, np.array([(4970.0, 0.0)]), 60.0)
    assert np.allclose(placed_m[[0, -1]], [(1.0, 0.0), (4970.0, 0.0)])


def test_a_line_nobody_began_at_keeps_its_ends():
    line_m = np.array([(0.0, 0.0), (5000.0, 0.0)])
    placed_m = place_ends(line_m, np.zeros((0, 2)), np.array([(2500.0, 0.0)]), 60.0)
    assert np.allclose(placed_m[[0, -1]], line_m)
    assert np.array_equal(place_ends(line_m, np.zeros((0, 2)), np.zeros((0, 2)), 60.0), line_m)


@given(st.lists(st.floats(0.0, 2500.0), min_size=2, max_size=8).map(sorted))
def test_between_its_ends_a_shape_is_what_it_was(called_m):
    called_m = np.array(called_m)
    shape_m, along_m = between_ends(STAIRS, called_m)
    assert len(along_m) == len(called_m)
    if called_m[-1] - called_m[0] < 1.0:
        assert shape_m is STAIRS
        return
    assert along_m[0] == 0.0
    assert length_m(shape_m) == pytest.approx(called_m[-1] - called_m[0])
    before = geo.at(STAIRS, geo.along_m(STAIRS), called_m)
    assert np.allclose(geo.at(shape_m, geo.along_m(shape_m), along_m), before, atol=1e-6)


def streets_of(*roads_m, both_ways=True):
    """A map of roads, a node every point."""
    at = np.concatenate(roads_m)
    bounds = np.cumsum([0, *(len(road_m) for road_m in roads_m)])
    start = np.concatenate([np.arange(a, b - 1) for a, b in zip(bounds, bounds[1:], strict=False)])
    lat_deg, lon_deg = PLANE.to_degrees(at)
    if not both_ways:
        return Streets(lat_deg, lon_deg, start, start + 1)
    return Streets(lat_deg, lon_deg, np.concatenate([start, start + 1]), np.concatenate([start + 1, start]))


def rounded(road_m, by_m=20.0):
    return gaussian_filter1d(geo.resample(road_m, 2.0), by_m / 2.0, axis=0, mode="nearest")


def test_a_shape_takes_its_corner_from_the_map():
    shape_m = rounded(CORNER)
    followed_m = follow_streets([shape_m], streets_of(CORNER), PLANE)[0]
    assert np.abs(geo.project(CORNER[1:2], shape_m)[1])[0] > 8.0
    assert np.abs(geo.project(CORNER[1:2], followed_m)[1])[0] < 1.0
    assert off_m(followed_m, CORNER).max() < 1.0


def test_a_shape_keeps_its_lane_on_the_map():
    lane_m = np.array([(0, -4), (1004, -4), (1004, 1000)], dtype=float)
    followed_m = follow_streets([rounded(lane_m)], streets_of(CORNER), PLANE)[0]
    assert off_m(followed_m, lane_m).max() < 2.0


@pytest.mark.parametrize("aside", [np.array([0.0, 300.0]), np.array([0.0, 45.0])])
def test_a_shape_stays_where_the_map_has_no_street(aside):
    shape_m = rounded(CORNER)
    followed_m = follow_streets([shape_m], streets_of(CORNER[:2] + aside), PLANE)[0]
    assert np.array_equal(followed_m, shape_m)


def test_a_street_that_runs_the_other_way_only_is_not_followed():
    shape_m = rounded(CORNER)
    against = streets_of(CORNER[::-1], both_ways=False)
    assert np.array_equal(follow_streets([shape_m], against, PLANE)[0], shape_m)


def test_a_map_of_one_short_street_leaves_all():
    shape_m = rounded(CORNER)
    short = streets_of(np.array([(500.0, 0.0), (510.0, 0.0)]), both_ways=False)
    assert np.array_equal(follow_streets([shape_m], short, PLANE)[0], shape_m)


def test_a_map_that_ends_halfway_leaves_the_rest():
    shape_m = rounded(STAIRS)
    followed_m = follow_streets([shape_m], streets_of(STAIRS[:3]), PLANE)[0]
    assert off_m(followed_m, STAIRS).max() <= off_m(shape_m, STAIRS).max() + 0.5
    assert np.array_equal(followed_m[-100:], shape_m[-100:])


def city_map(city, share, rng):
    """The simulated town's streets, a share of them."""
    ground = city.ground
    kept = np.flatnonzero(rng.random(len(ground.edge_from)) < share)
    node_m, start, end, n = [ground.node_xy_m], [], [], len(ground.node_xy_m)
    for edge in kept:
        inner_m = ground.edge_line_m(int(edge))[1:-1]
        nodes = [int(ground.edge_from[edge]), *range(n, n + len(inner_m)), int(ground.edge_to[edge])]
        node_m.append(inner_m)
        start += nodes[:-1]
        end += nodes[1:]
        n += len(inner_m)
    lat_deg, lon_deg = city.plane.to_degrees(np.concatenate(node_m))
    return Streets(lat_deg, lon_deg, np.array(start), np.array(end))


@settings(deadline=None, max_examples=4)
@given(st.sampled_from([31, 32]), st.sampled_from([1.0, 0.5]))
def test_in_a_simulated_town_a_map_makes_no_shape_worse(seed, share):
    """Shapes as a consensus of few rides has them: off by some 2 m for hundreds of metres, corners cut."""
    config = SimulateConfig(n_routes=2, width_m=5000.0, height_m=4000.0)
    city, rng = simulate_city(seed, config), np.random.default_rng(seed)
    true_m = [pattern.line.xy_m for pattern in city.patterns]
    shapes_m = []
    for line_m in true_m:
        dense_m = geo.resample(line_m, 5.0)
        wander = gaussian_filter1d(rng.standard_normal(dense_m.shape), 25, axis=0, mode="nearest")
        shapes_m.append(rounded(dense_m + 2.0 * wander / wander.std(), 15.0))
    followed_m = follow_streets(shapes_m, city_map(city, share, rng), city.plane)
    before_m = np.concatenate([off_m(a, b) for a, b in zip(shapes_m, true_m, strict=True)])
    after_m = np.concatenate([off_m(a, b) for a, b in zip(followed_m, true_m, strict=True)])
    assert after_m.mean() < before_m.mean() * (0.9 if share == 1.0 else 1.0)
    assert np.percentile(after_m, 99) <= np.percentile(before_m, 99) + 1.0
