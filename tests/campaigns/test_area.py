"""What lies in the area of a campaign: counted on a network whose places are known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.gtfs.small_city import CENTRE, small_city
from transitmap.campaigns.area import inside

CITY = small_city()


def area(west_m: float, south_m: float, east_m: float, north_m: float) -> str:
    """The box of these metres around the centre of the small city."""
    (south, north), (west, east) = (
        values.tolist() for values in CENTRE.to_degrees(np.array([[west_m, south_m], [east_m, north_m]]))
    )
    return f"{south:.6f},{west:.6f},{north:.6f},{east:.6f}"


def test_everything_lies_in_an_area_around_it():
    found = inside(CITY, area(-500, -2000, 4000, 2500))
    assert (found.n_stops, found.n_routes, found.n_rides) == (found.of_stops, found.of_routes, found.of_rides)
    assert found.of_routes == 2
    assert found.of_stops == len(CITY.stops)
    assert found.nearest_m == 0 and not found.is_nothing
    assert (found.width_m, found.height_m) == (pytest.approx(4500, rel=0.01), pytest.approx(4500, rel=0.01))


def test_a_line_that_passes_between_its_stops_is_inside():
    """The loop stops at none of these metres, and has no corner there."""
    found = inside(CITY, area(300, -600, 500, -400))
    assert (found.n_stops, found.n_routes) == (0, 1)
    assert found.n_rides == int(CITY.patterns.n_rides[3])
    assert not found.is_nothing


def test_what_crosses_nothing_says_how_far_the_nearest_stop_is():
    found = inside(CITY, area(5985, 0, 8000, 200))
    assert (found.n_stops, found.n_routes, found.n_rides) == (0, 0, 0)
    assert found.is_nothing
    assert found.nearest_m == pytest.approx(3000, abs=15)


def test_before_there_is_a_map_nothing_is_known_and_nothing_wrong():
    found = inside(None, area(0, 0, 1000, 1000))
    assert (found.of_stops, found.is_nothing) == (0, False)
    assert found.nearest_m == math.inf


def test_an_area_may_be_wider_than_half_of_the_earth():
    found = inside(CITY, "-80,-170,80,170")
    assert found.n_stops == found.of_stops
    assert found.width_m > 37e6
