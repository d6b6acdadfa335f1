"""How two lines lie to each other."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transitmap import geo
from transitmap.evaluate.ways import REACH_M, off_m, on_streets, way_of

STREET = np.array([(0.0, 0.0), (1000.0, 0.0), (1000.0, 800.0)])
CENTIMETRE = 0.01


def points_of(line_m, step_m=7.0):
    points_m = geo.resample(np.asarray(line_m, dtype=float), step_m)
    return points_m, geo.headings(points_m, 2)


@given(st.floats(0.1, 24.9))
def test_two_samplings_of_one_line_lie_nowhere_apart(phase_m):
    start = geo.at(STREET, geo.along_m(STREET), np.arange(phase_m, 1800.0, 25.0))
    assert off_m(start, geo.headings(start, 1), way_of(STREET)).max() < CENTIMETRE


@given(st.floats(0.5, REACH_M - 0.5))
def test_a_line_beside_lies_as_far_off_as_it_was_moved(side_m):
    moved, heading = points_of(STREET[:2] + (0.0, side_m))
    assert off_m(moved, heading, way_of(STREET[:2])) == pytest.approx(side_m, abs=CENTIMETRE)


def test_too_far_or_the_other_way_is_not_there():
    way = way_of(STREET)
    assert np.isinf(off_m(*points_of(STREET[:2] + (0.0, -REACH_M - 1)), way)).all()
    assert np.isinf(off_m(*points_of(STREET[::-1]), way)).all()


def test_both_ways_of_one_street_are_told_apart():
    there_and_back = np.array([(0.0, 0.0), (1000.0, 0.0), (1000.0, 3.0), (0.0, 3.0)])
    back, heading = points_of([(900.0, 3.0), (100.0, 3.0)])
    assert off_m(back, heading, way_of(there_and_back)).max() < CENTIMETRE


def test_streets_are_covered_by_any_line_that_runs_there():
    whole = [way_of(STREET)]
    halves = [way_of(STREET[:2]), way_of(STREET[1:])]
    (covered,) = on_streets(whole, halves)
    assert covered.all()
    (covered,) = on_streets(whole, halves[:1])
    x_m = whole[0].xy_m[:, 0]
    assert covered[x_m < 990].all() and not covered[whole[0].xy_m[:, 1] > REACH_M].any()
    (covered,) = on_streets(whole, [way_of(STREET[::-1])])
    assert not covered[5:-5].any()
