import numpy as np
import pytest

from transitmap.simulate import SimulateConfig, simulate_city
from transitmap.simulate.kerb_stops import MIN_GAP_M


def test_same_seed_same_city_other_seed_another(city):
    again, other = simulate_city(7), simulate_city(8)
    pairs = zip(city.patterns, again.patterns, strict=True)
    assert all(np.array_equal(a.line.xy_m, b.line.xy_m) for a, b in pairs)
    assert city.stops.name == again.stops.name
    assert city.stops.name != other.stops.name


def test_calls_go_forward_and_lines_are_fine(city):
    for pattern in city.patterns:
        assert (np.diff(pattern.call_m) >= MIN_GAP_M - 15).all()
        assert (np.diff(pattern.line.along_m) > 0).all()
        assert np.diff(pattern.line.along_m).max() < 10
        assert 0 < pattern.call_m[0] < 40
        assert pattern.line.along_m[-1] - 40 < pattern.call_m[-1] < pattern.line.along_m[-1]
        assert len(pattern.call_m) >= 6


def test_most_ways_back_differ_from_the_way_there(city):
    """One-way streets and loops: on most routes the way back is not the way there reversed."""
    pairs = list(zip(city.patterns[::2], city.patterns[1::2], strict=True))
    assert all(there.route_index == back.route_index for there, back in pairs)
    apart = [set(back.edges.tolist()) - set(city.ground.twin[there.edges].tolist()) for there, back in pairs]
    assert np.mean([len(edges) >= 2 for edges in apart]) >= 0.5


def test_short_turns_run_in_weekday_peaks_only(city):
    for pattern, headway_s in zip(city.patterns, city.headway_s, strict=True):
        runs = np.isfinite(headway_s)
        assert not runs[:, :5].any()
        assert runs[0, 8]
        if pattern.variant == "short":
            assert not runs[2].any()
            assert not runs[0, 10]


@pytest.mark.parametrize("n_routes", [1, 9])
def test_other_sizes(n_routes):
    city = simulate_city(2, SimulateConfig(width_m=4_200, height_m=3_800, n_routes=n_routes))
    assert len(city.routes) == n_routes == len(set(city.routes.short_name))
