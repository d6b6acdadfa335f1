"""Whole seconds and decimetres: rising, no faster than a bus, as near to the evidence as that allows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transitmap.gtfs.feed.schedule import (
    MAX_SPEED_M_S,
    call_decimetres,
    call_times,
    clock,
    shape_decimetres,
    whole_headway_s,
)

hops = st.lists(st.tuples(st.floats(0, 3000), st.floats(0, 600)), min_size=1, max_size=40)


@given(hops)
def test_times_rise_and_no_hop_is_faster_than_80_km_h(pairs):
    hop_m, hop_s = (np.array(column) for column in zip(*pairs, strict=True))
    times = call_times(np.concatenate([[0], np.cumsum(hop_s)]), hop_m)
    assert times[0] == 0
    assert (np.diff(times) >= 1).all()
    assert (hop_m < np.diff(times) * MAX_SPEED_M_S).all()


def test_evidence_is_kept_where_it_can_be():
    assert call_times(np.array([0, 59.6, 200.4]), np.array([300.0, 900.0])).tolist() == [0, 60, 200]


def test_a_hop_too_fast_waits_and_the_rest_catches_up():
    # 1000 m in 10 s would be 360 km/h: 46 s is the least; the next call is late enough to be on time.
    assert call_times(np.array([0, 10, 120]), np.array([1000.0, 500.0])).tolist() == [0, 46, 120]


@given(st.lists(st.floats(0, 5000), min_size=2, max_size=40), st.integers(0, 100))
def test_call_distances_rise_and_stay_on_the_shape(along, extra):
    along_m = np.sort(np.array(along))
    length = int(along_m[-1] * 10) + len(along) + extra
    tenths = call_decimetres(along_m, length)
    assert (np.diff(tenths) >= 1).all()
    assert tenths[0] >= 0
    assert tenths[-1] <= length
    assert np.abs(tenths / 10 - along_m).max() <= len(along) / 10 + 0.1


def test_a_shape_too_short_is_a_bad_call():
    with pytest.raises(ValueError, match=r"0\.1 m for 3 calls"):
        call_decimetres(np.array([0.0, 0.0, 0.1]), 1)


def test_shape_points_that_round_to_one_place_are_one():
    keep, tenths = shape_decimetres(np.array([5.0, 5.02, 6.0, 6.04, 9.0]))
    assert keep.tolist() == [0, 2, 4]
    assert tenths.tolist() == [0, 10, 40]


def test_clock_goes_past_midnight():
    assert [clock(s) for s in (0, 3661, 90000)] == ["00:00:00", "01:01:01", "25:00:00"]


@pytest.mark.parametrize(("headway_s", "whole"), [(0.2, 1), (479.5, 480), (480.49, 480)])
def test_headways_are_whole_seconds(headway_s, whole):
    assert whole_headway_s(headway_s) == whole
