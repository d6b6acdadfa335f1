import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from transitmap import geo
from transitmap.simulate import SimulateConfig
from transitmap.simulate.ground import Ground, edge_costs_s, find_path, lay_streets, node_near, path_line_m


@pytest.fixture(scope="module")
def ground(city) -> Ground:
    return city.ground


def test_twins_are_the_same_street_the_other_way(ground):
    two_way = np.flatnonzero(ground.twin >= 0)
    twin = ground.twin[two_way]
    assert (ground.edge_from[two_way] == ground.edge_to[twin]).all()
    assert (ground.twin[twin] == two_way).all()
    first = int(two_way[0])
    assert np.allclose(ground.edge_line_m(first), ground.edge_line_m(int(ground.twin[first]))[::-1])


def test_the_town_is_no_perfect_grid(ground):
    """One-way streets, curves, lights and bumps exist; headings spread over the whole circle."""
    assert (ground.twin < 0).sum() > 50
    assert ground.is_signal.sum() > 20
    assert np.isfinite(ground.bump_share).sum() > 100
    ends_m = ground.node_xy_m[ground.edge_to] - ground.node_xy_m[ground.edge_from]
    detour = ground.length_m / np.hypot(*ends_m.T)
    assert detour.min() >= 1.0 - 1e-9
    assert np.percentile(detour, 75) > 1.001
    heading = np.degrees(np.arctan2(*ends_m.T)) % 90
    assert ((heading > 10) & (heading < 80)).mean() > 0.15


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_a_path_joins_its_ends_and_never_turns_back_but_in_dead_ends(ground, a, b):
    start, end = a % len(ground.node_xy_m), b % len(ground.node_xy_m)
    if start == end:
        with pytest.raises(ValueError, match="to itself"):
            find_path(ground, start, end, edge_costs_s(ground))
        return
    path = find_path(ground, start, end, edge_costs_s(ground))
    assert ground.edge_from[path[0]] == start
    assert ground.edge_to[path[-1]] == end
    assert (ground.edge_to[path[:-1]] == ground.edge_from[path[1:]]).all()
    for before, after in zip(path, path[1:], strict=False):
        node = ground.edge_to[before]
        assert ground.twin[before] != after or ground.out_start[node + 1] - ground.out_start[node] == 1
    assert geo.along_m(path_line_m(ground, path))[-1] == pytest.approx(ground.length_m[path].sum())


def test_nearest_crossing_is_a_crossing(ground):
    node = node_near(ground, np.array([0.0, 0.0]))
    assert np.hypot(*ground.node_xy_m[node]) < 600
    assert ground.out_start[node + 1] - ground.out_start[node] >= 3


def test_a_narrow_town_can_be_laid_out():
    narrow = SimulateConfig(width_m=3_500, height_m=6_000)
    assert len(lay_streets(narrow, np.random.default_rng(2)).edge_from) > 100
