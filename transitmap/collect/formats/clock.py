"""Times as apps tell them to Unix seconds: numbers of three kinds, numbers as text, ISO 8601."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from transitmap.collect.formats.text import Times, read_numbers, read_times
from transitmap.model import BoolArray, FloatArray

LEAST_MILLISECONDS = 1e11
"""A greater number counts milliseconds: as seconds it would be after the year 5138."""
LEAST_UNIX_S = 9.4e8
"""A smaller number counts from 2001, as iPhones do: as Unix seconds it would be before October 1999. This
holds until October 2030."""
LEAST_APPLE_S = 2e8
"""No phone counted from 2001 before May 2007: a smaller number is a stopwatch's, or "unknown"."""
APPLE_EPOCH_S = 978_307_200.0
_PADDING = " \t\r\n"


def read_clock(values: Sequence[object]) -> Times:
    """Times in Unix seconds of whatever JSON or CSV holds in their place; None and blank are NaN, not bad.

    Numbers, also as text, are milliseconds above 1e11, seconds since 2001 below 9.4e8, else Unix seconds.
    Text is ISO 8601 as `read_times` has it; a space may stand for its T, slashes for its hyphens.
    """
    texts = [_text(value) for value in values]
    is_blank = np.array(
        [value is None or text == "" for value, text in zip(values, texts, strict=True)], bool
    )
    time_s, is_bad = _by_size(np.array([_number(value) for value in values], dtype=np.float64))
    is_naive = np.zeros(len(values), np.bool_)
    rows = np.flatnonzero(np.array([bool(text) for text in texts], dtype=np.bool_))
    if len(rows):
        time_s[rows], is_bad[rows], is_naive[rows] = _read_texts([texts[row] or "" for row in rows.tolist()])
    return Times(time_s, is_bad & ~is_blank, is_naive)


def _text(value: object) -> str | None:
    """The text without its padding; None where the value is none."""
    return value.strip(_PADDING) if isinstance(value, str) else None


def _number(value: object) -> float:
    """The number, NaN where the value is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _by_size(numbers: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Unix seconds of numbers that say by their size what they count, and which cannot be times."""
    is_none = ~(numbers >= LEAST_APPLE_S) | np.isinf(numbers)
    time_s = np.where(numbers > LEAST_MILLISECONDS, numbers / 1000.0, numbers)
    time_s = np.where(numbers < LEAST_UNIX_S, numbers + APPLE_EPOCH_S, time_s)
    return np.where(is_none, np.nan, time_s), is_none


def _read_texts(texts: list[str]) -> Times:
    """Texts that are not blank: dates where they look like one, else numbers."""
    dated = np.array([text[4:5] in ("-", "/") for text in texts], dtype=np.bool_)
    times = read_times([_iso(text) if is_date else "" for text, is_date in zip(texts, dated, strict=True)])
    counted = np.flatnonzero(~dated)
    if len(counted):
        numbers, _ = read_numbers([texts[row] for row in counted.tolist()])
        times.time_s[counted], times.is_bad[counted] = _by_size(numbers)
    return times


def _iso(text: str) -> str:
    """`2014/06/04 09:10:11` as ISO 8601 writes it, and an offset of hours alone."""
    if text[4:5] == "/":
        text = text[:10].replace("/", "-") + text[10:]
    if text[-3:-2] in ("+", "-") and len(text) > len("2014-06-04 09"):
        text += ":00"
    return f"{text[:10]}T{text[11:].lstrip()}" if text[10:11] == " " else text
