"""Numbers and times from text: strict, and alike in bulk and one by one."""

import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transitmap.collect.formats.text import read_numbers, read_times

NAIVE_EPOCH = datetime.datetime.fromtimestamp(0, datetime.UTC).replace(tzinfo=None)
AGES = datetime.timedelta(days=365 * 1900)


def seconds(*parts: int) -> float:
    return datetime.datetime(*parts, tzinfo=datetime.UTC).timestamp()


@pytest.mark.parametrize("text", ["52.1", "-52.1", "+52.1", ".5", "5.", "1e-3", "1E+2", "0", " 52.1\n"])
def test_a_decimal_number_is_read(text: str) -> None:
    (value,), (is_bad,) = read_numbers([text])
    assert value == float(text)
    assert not is_bad


@pytest.mark.parametrize(
    "text",
    [
        "52,1",
        "",
        "abc",
        "0x1p3",
        "5_2.1",
        "٥٢",
        "5²",
        "1e",
        "--5",
        "5 2",
        "5\n2",
        "1" * 33,
        "9" * 100_000,
        "nano",
    ],
)
def test_what_is_no_ascii_decimal_is_bad_and_spoils_no_other(text: str) -> None:
    values, is_bad = read_numbers(["1.5", text, "2.5"])
    assert is_bad.tolist() == [False, True, False]
    assert values[[0, 2]].tolist() == [1.5, 2.5]
    assert np.isnan(values[1])


@pytest.mark.parametrize("text", ["NaN", "inf", "-Infinity", "1e400"])
def test_numbers_that_are_not_finite_come_through_as_such(text: str) -> None:
    (value,), (is_bad,) = read_numbers([text])
    assert not np.isfinite(value)
    assert not is_bad


@given(st.lists(st.one_of(st.floats(width=32).map(repr), st.text(alphabet="0123456789.eE+-_ ,", max_size=8))))
def test_numbers_in_bulk_are_the_numbers_one_by_one(texts: list[str]) -> None:
    values, is_bad = read_numbers(texts)
    alone = [read_numbers([text]) for text in texts]
    np.testing.assert_array_equal(values, [value[0] for value, _ in alone])
    np.testing.assert_array_equal(is_bad, [bad[0] for _, bad in alone])


@pytest.mark.parametrize(
    ("text", "expected_s"),
    [
        ("2026-03-02T10:00:05Z", seconds(2026, 3, 2, 10, 0, 5)),
        ("2026-03-02T10:00:05z", seconds(2026, 3, 2, 10, 0, 5)),
        (" \n2026-03-02T10:00:05Z\t", seconds(2026, 3, 2, 10, 0, 5)),
        ("2026-03-02T10:00:05.250Z", seconds(2026, 3, 2, 10, 0, 5, 250_000)),
        ("2026-03-02T10:00:05.123456789Z", seconds(2026, 3, 2, 10, 0, 5, 123_000)),
        ("2026-03-02T10:00:05,5Z", seconds(2026, 3, 2, 10, 0, 5, 500_000)),
        ("2026-03-02T10:00:05.9996Z", seconds(2026, 3, 2, 10, 0, 6)),
        ("2026-03-02T10:00:05+05:30", seconds(2026, 3, 2, 4, 30, 5)),
        ("2026-03-02T10:00:05-0600", seconds(2026, 3, 2, 16, 0, 5)),
        ("2026-03-02T10:00:05.250-06:00", seconds(2026, 3, 2, 16, 0, 5, 250_000)),
        ("2016-12-31T23:59:60Z", seconds(2016, 12, 31, 23, 59, 59, 999_000)),
        ("2026-03-02T24:00:00Z", seconds(2026, 3, 3)),
        ("2024-02-29T00:00:00Z", seconds(2024, 2, 29)),
        ("1969-12-31T23:59:59.500Z", -0.5),
    ],
)
def test_a_time_is_read_as_utc_to_the_millisecond(text: str, expected_s: float) -> None:
    times = read_times([text])
    assert times.time_s.tolist() == [expected_s]
    assert not times.is_bad[0]
    assert not times.is_naive[0]


@pytest.mark.parametrize(
    "text",
    [
        *("2026-03-02T10:00:00+25:00", "2026-03-02T10:00:00+05:60", "2026-03-02T10:00:00A05"),
        *("2026-03-02T10:00:00005", "2026-02-30T10:00:00Z", "2025-02-29T10:00:00Z", "2026-13-01T10:00:00Z"),
        *("2026-00-01T10:00:00Z", "2026-03-00T10:00:00Z", "0000-01-01T00:00:00Z", "1772445600", "2026-W10-1"),
        *("2026-03-02T25:00:00Z", "2026-03-02T24:00:01Z", "2026-03-02T10:60:00Z", "2026-03-02T10:00:61Z"),
        *(
            "2026-03-02",
            "yesterday",
            "٢٠٢٦-03-02T10:00:00Z",
            "2026-03-02T10:00:0٥Z",
            "2026-03-02T10:00:00Z" * 4,
        ),
        *(
            "2026/03/02T10:00:00Z",
            "2026-03-02T10:00:00.Z",
            "-026-03-02T10:00:00Z",
            "2026-03-02T10:00:00*05:30",
        ),
    ],
)
def test_what_is_no_time_is_bad_and_spoils_no_other(text: str) -> None:
    times = read_times(["2026-03-02T10:00:00Z", text, "2026-03-02T10:00:02Z"])
    assert times.is_bad.tolist() == [False, True, False]
    assert np.isnan(times.time_s[1])
    assert np.isfinite(times.time_s[[0, 2]]).all()


def test_no_text_is_no_time_but_not_a_bad_one() -> None:
    times = read_times(["", "  \n", "2026-03-02T10:00:00Z"])
    assert times.is_bad.tolist() == [False, False, False]
    assert np.isnan(times.time_s).tolist() == [True, True, False]


def test_a_time_without_zone_is_utc_and_marked() -> None:
    times = read_times(
        ["2026-01-01T00:00:00", "2026-01-01T00:00:00.5", "2026-01-01T00:00:00Z", "2026-01-01T0:00:00"]
    )
    assert times.time_s[:3].tolist() == [seconds(2026, 1, 1), seconds(2026, 1, 1) + 0.5, seconds(2026, 1, 1)]
    assert times.is_naive.tolist() == [True, True, False, False]


@given(
    st.lists(
        st.tuples(
            st.datetimes(NAIVE_EPOCH - AGES, NAIVE_EPOCH + AGES),
            st.sampled_from(["Z", "+00:00", "-06:00", "+05:30", "+14:00"]),
            st.sampled_from(["seconds", "milliseconds", "microseconds"]),
        ),
        max_size=20,
    )
)
def test_times_agree_with_the_standard_library(
    parts: list[tuple[datetime.datetime, str, str]],
) -> None:
    texts = [moment.isoformat(timespec=spec) + zone for moment, zone, spec in parts]
    epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
    exact = [(datetime.datetime.fromisoformat(text) - epoch).total_seconds() for text in texts]
    times = read_times(texts)
    assert not times.is_bad.any()
    np.testing.assert_allclose(times.time_s, exact, rtol=0, atol=0.00051)
