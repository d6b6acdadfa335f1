from collections import defaultdict

import numpy as np
import pytest

from transitmap.simulate import simulate_city


@pytest.mark.parametrize("seed", [7, 11])
def test_every_kind_of_route_exists(seed):
    city = simulate_city(seed)
    by_route = defaultdict(list)
    for pattern in city.patterns:
        by_route[pattern.route_index].append(pattern)
    assert len(by_route) == 7
    for patterns in by_route.values():
        assert {p.direction_id for p in patterns} == {0, 1}
    variants = [sorted({p.variant for p in patterns}) for patterns in by_route.values()]
    assert sum("branch" in v for v in variants) == 3
    assert sum("short" in v for v in variants) == 2


def test_branches_share_a_trunk_and_part(city):
    outward = [p for p in city.patterns if p.direction_id == 0 and p.route_index == 0]
    main, branch = (next(p for p in outward if p.variant == v) for v in ("main", "branch"))
    assert main.route_index == branch.route_index
    shared = int(np.argmin(main.edges[: len(branch.edges)] == branch.edges[: len(main.edges)]))
    assert shared >= 8
    assert not set(main.edges[shared:]) & set(branch.edges[shared:])


def test_short_turns_are_parts_of_a_longer_pattern(city):
    shorts = [p for p in city.patterns if p.variant == "short"]
    assert {p.direction_id for p in shorts} == {0, 1}
    for short in shorts:
        full = next(
            p
            for p in city.patterns
            if (p.route_index, p.direction_id, p.variant) == (short.route_index, short.direction_id, "main")
        )
        n = len(short.edges)
        part = full.edges[:n] if short.direction_id == 0 else full.edges[-n:]
        assert (part == short.edges).all()
        assert n < 0.85 * len(full.edges)


def test_routes_share_streets(city):
    users = defaultdict(set)
    for pattern in city.patterns:
        for edge in pattern.edges:
            users[int(edge)].add(pattern.route_index)
    shared = sum(len(routes) > 1 for routes in users.values())
    assert shared > 0.15 * len(users)


def test_a_circle_ends_where_it_began(city):
    circles = [p for p in city.patterns if p.headsign.startswith("Circuito")]
    assert len(circles) == 2
    for circle in circles:
        assert np.hypot(*(circle.line.xy_m[0] - circle.line.xy_m[-1])) < 30
