"""Times as apps tell them: three kinds of numbers, numbers as text, ISO 8601 and its neighbours."""

import datetime
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transitmap.collect.formats.clock import read_clock

DAY_S = datetime.datetime(2026, 11, 22, 6, tzinfo=datetime.UTC).timestamp()


@pytest.mark.parametrize(
    ("value", "time_s"),
    [
        (1795371330, 1795371330.0),
        (1795371330.25, 1795371330.25),
        (1442068686579, 1442068686.579),
        ("1442068686579", 1442068686.579),
        (" 1795371330 ", 1795371330.0),
        (817000000, 1795307200.0),  # OwnTracks' mode of Overland counts from 2001
        ("817000000", 1795307200.0),
        ("2026-11-22T06:00:00Z", DAY_S),
        ("2026-11-22T06:00:00.862Z", DAY_S + 0.862),
        ("2026-11-22T06:00:00+00:00", DAY_S),
        ("2026-11-22T00:00:00-06:00", DAY_S),
        ("2026-11-22T00:00:00.000-0600", DAY_S),
        ("2026-11-22 06:00:00Z", DAY_S),
        ("2026/11/22 06:00:00+00", DAY_S),
        ("2026/11/22 00:00:00.000-06", DAY_S),
    ],
)
def test_a_time_is_told_by_its_size_or_its_shape(value: object, time_s: float) -> None:
    times = read_clock([value])
    assert times.time_s[0] == pytest.approx(time_s, abs=1e-6)
    assert not times.is_bad[0]
    assert not times.is_naive[0]


@pytest.mark.parametrize("value", ["2026-11-22T06:00:00", "2026-11-22 06:00:00", "2026/11/22 06:00:00"])
def test_without_a_zone_it_is_universal_time_and_says_so(value: str) -> None:
    times = read_clock([value])
    assert (times.time_s[0], times.is_bad[0], times.is_naive[0]) == (DAY_S, False, True)


@pytest.mark.parametrize("value", [None, "", "  "])
def test_nothing_is_no_time_and_no_fault(value: object) -> None:
    times = read_clock([value])
    assert math.isnan(times.time_s[0])
    assert not times.is_bad[0]


@pytest.mark.parametrize(
    "value",
    [
        0,
        -5,
        17,
        math.nan,
        math.inf,
        -math.inf,
        10**400,
        True,
        [],
        {},
        "soon",
        "12:00:00",
        "2026-02-30T06:00:00Z",
    ]
    + ["nan", "inf", "1e999", "17", "0", "-1", "٢٠٢٦-11-22T06:00:00Z", "2026-11-22T06:00:00+25:00"],
)
def test_what_is_no_time_is_bad(value: object) -> None:
    times = read_clock([value])
    assert math.isnan(times.time_s[0])
    assert times.is_bad[0]


def test_a_column_may_be_mixed() -> None:
    times = read_clock([1795371330, "2026-11-22T06:00:00Z", None, "x", "1795371330000"])
    np.testing.assert_array_equal(times.time_s, [1795371330.0, DAY_S, np.nan, np.nan, 1795371330.0])
    assert times.is_bad.tolist() == [False, False, False, True, False]


ANYTHING = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers())


@given(st.lists(ANYTHING, max_size=8))
def test_anything_is_a_time_or_none(values: list[object]) -> None:
    times = read_clock(values)
    assert len(times.time_s) == len(times.is_bad) == len(times.is_naive) == len(values)
    assert np.isnan(times.time_s[times.is_bad]).all()
    assert not np.isinf(times.time_s).any()
