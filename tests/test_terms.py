"""Which place of a ride says in which campaign it counts."""

from __future__ import annotations

import numpy as np

from transitmap.model import Fixes
from transitmap.points.campaigns import is_in_area
from transitmap.terms import halfway

AREA = "19.0,-99.4,19.6,-98.9"


def ride(*lat_deg: float) -> Fixes:
    """Fixes along a meridian, a minute apart."""
    n = len(lat_deg)
    return Fixes(60.0 * np.arange(n), np.array(lat_deg), np.full(n, -99.1), np.full(n, 5.0))


def test_one_fix_in_the_area_is_not_enough() -> None:
    """Who begins in an area and rides on for thirty kilometres was paid for all of it by its campaign."""
    assert not is_in_area(AREA, *halfway(ride(19.6, 19.7, 19.8, 19.9)))
    assert not is_in_area(AREA, *halfway(ride(*[19.6] * 50, 19.9)))  # however long one waits there
    assert is_in_area(AREA, *halfway(ride(19.7, 19.6, 19.3, 19.2)))


def test_half_of_the_way() -> None:
    assert halfway(ride(19.1, 19.25, 19.3)) == (19.25, -99.1)
    assert halfway(ride(19.1)) == (19.1, -99.1)
    assert halfway(ride(19.1, 19.1)) == (19.1, -99.1)
