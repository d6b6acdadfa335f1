import numpy as np

from transitmap import geo
from transitmap.simulate.kerb_stops import KERB_M


def test_stops_stand_on_the_right_hand_kerb(city):
    """2-9 m beside the vehicles' line; a corner's rounding may add or take two metres."""
    for pattern in city.patterns:
        stops_m = city.stops.xy_m[pattern.stop_index]
        line = pattern.line
        for stop_m, call_m in zip(stops_m, pattern.call_m, strict=True):
            near = np.abs(line.along_m - call_m) < 40
            _, off_m, _ = geo.project(stop_m[None], line.xy_m[near])
            assert -KERB_M[1] - 2.0 <= off_m[0] <= -KERB_M[0] + 2.0


def test_many_stops_have_an_opposite_one(city):
    """Porto Alegre: 40 % of stops have another within 30 m."""
    gap_m = np.hypot(*(city.stops.xy_m[:, None] - city.stops.xy_m[None]).transpose(2, 0, 1))
    np.fill_diagonal(gap_m, np.inf)
    assert 0.3 < (gap_m.min(axis=1) < 30).mean() < 0.65


def test_stops_are_formal_and_by_custom_and_named_after_crossings(city):
    assert 0.3 < city.stops.is_formal.mean() < 0.85
    between = [name for name, end in zip(city.stops.name, city.stops.is_terminal, strict=True) if not end]
    assert all(" y " in name or " e " in name or name.endswith("s/n") for name in between)
    assert any(name.startswith("Terminal ") for name in city.stops.name)
