"""Text to columns: strict numbers and times, in bulk where the layout is ordinary, one by one where not."""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from transitmap.model import FloatArray, IntArray

BoolArray = npt.NDArray[np.bool_]

MAX_NUMBER_CHARS = 32
MAX_TIME_CHARS = 64
MAX_OFFSET_HOURS = 14
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_NUMBER_BYTES = b"0123456789+-.eE\n"
_NOT_FINITE = ("nan", "inf", "infinity")
_PADDING = " \t\r\n"
_TIME = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt]([0-9]{2}):([0-9]{2}):([0-9]{2})"
    r"(?:[.,]([0-9]{1,12}))?([Zz]|[+-][0-9]{2}:?[0-9]{2})?"
)
_LAYOUTS = tuple("0000-00-00T00:00:00" + tail for tail in ("Z", ".000Z", "", "+00:00", ".000+00:00"))
_EPOCH_DAY = datetime.date(1970, 1, 1).toordinal()


class Times(NamedTuple):
    """Times read from text: `time_s` is NaN where there is none.

    `is_bad` marks text that is no time, `is_naive` times that name no zone and were taken as UTC.
    """

    time_s: FloatArray
    is_bad: BoolArray
    is_naive: BoolArray


def read_numbers(values: Sequence[str]) -> tuple[FloatArray, BoolArray]:
    """Decimal numbers of at most 32 ASCII characters, and which of the values are none (NaN there).

    `NaN`, `inf` and what overflows come back as such and are not marked: they are numbers, though not finite.
    """
    joined = "\n".join(values)
    if joined.isascii() and _is_plain(joined.encode()):
        try:
            return np.fromiter(map(float, values), np.float64, len(values)), np.zeros(len(values), np.bool_)
        except ValueError:
            pass
    numbers = [_read_number(value) for value in values]
    is_bad = np.array([number is None for number in numbers], dtype=np.bool_)
    return np.array([np.nan if number is None else number for number in numbers], dtype=np.float64), is_bad


def _is_plain(lines: bytes) -> bool:
    """Whether all lines are short and hold nothing that a decimal number cannot."""
    ends = np.flatnonzero(np.frombuffer(b"\n%b\n" % lines, np.uint8) == ord("\n"))
    longest = (ends[1:] - ends[:-1]).max() - 1
    return bool(longest <= MAX_NUMBER_CHARS) and not lines.translate(None, _NUMBER_BYTES)


def _read_number(value: str) -> float | None:
    """One number, None where the text is none; digits of other scripts and underscores are no numbers."""
    if len(value) > MAX_NUMBER_CHARS:
        return None
    bare = value.strip(_PADDING)
    if _NUMBER.fullmatch(bare) or bare.lower().lstrip("+-") in _NOT_FINITE:
        return float(bare)
    return None


def read_times(values: Sequence[str]) -> Times:
    """ISO 8601 date-times with whole milliseconds as Unix seconds, UTC; empty text is NaN and not bad.

    Accepted beyond the ordinary: lower case t and z, padding, a comma before the fraction, offsets up to
    14 h, 24:00:00 (the next day) and leap seconds (as :59.999). Without a zone: UTC, marked `is_naive`.
    """
    n = len(values)
    time_ms, is_read, is_naive = np.zeros(n, np.int64), np.zeros(n, np.bool_), np.zeros(n, np.bool_)
    chars = np.fromiter(map(len, values), np.int64, n)
    for layout in _LAYOUTS:
        rows = np.flatnonzero(chars == len(layout))
        if len(rows):
            alike = values if len(rows) == n else [values[row] for row in rows.tolist()]
            time_ms[rows], is_read[rows] = _read_layout(alike, layout)
            is_naive[rows] = len(layout) == 19
    is_bad = np.zeros(n, np.bool_)
    for row in np.flatnonzero(~is_read & (chars > 0)).tolist():
        one = _read_time(values[row])
        if one is not None:
            time_ms[row], is_naive[row], is_read[row] = *one, True
        else:
            is_bad[row] = bool(values[row][:MAX_TIME_CHARS].strip(_PADDING))
    return Times(np.where(is_read, time_ms / 1000.0, np.nan), is_bad, is_naive & is_read)


def _read_layout(values: Sequence[str], layout: str) -> tuple[IntArray, BoolArray]:
    """Milliseconds of values that all are as long as the layout, and which of them follow it."""
    text = np.frombuffer("".join(values).encode("ascii", "replace"), np.uint8).reshape(-1, len(layout))
    sign = layout.find("+")
    pattern = np.frombuffer(layout.encode(), np.uint8)
    is_digit = pattern == ord("0")
    is_literal = ~is_digit & (np.arange(len(layout)) != sign)
    digits = text - np.uint8(ord("0"))  # wraps round: what is no digit is above 9
    ok = (digits[:, is_digit] <= 9).all(axis=1) & (text[:, is_literal] == pattern[is_literal]).all(axis=1)
    day, ok_day = _day(_whole(digits, 0, 4), _whole(digits, 5, 7), _whole(digits, 8, 10))
    hour, minute, second = _whole(digits, 11, 13), _whole(digits, 14, 16), _whole(digits, 17, 19)
    ok &= ok_day & (hour < 24) & (minute < 60) & (second < 60)
    time_ms = (((day * 24 + hour) * 60 + minute) * 60 + second) * 1000
    if "." in layout:
        time_ms += _whole(digits, 20, 23)
    if sign > 0:
        off_hour, off_minute = _whole(digits, sign + 1, sign + 3), _whole(digits, sign + 4, sign + 6)
        east = text[:, sign] == ord("+")
        ok &= (east | (text[:, sign] == ord("-"))) & (off_hour <= MAX_OFFSET_HOURS) & (off_minute < 60)
        time_ms -= np.where(east, 1, -1) * (off_hour * 60 + off_minute) * 60_000
    return time_ms, ok


def _whole(digits: npt.NDArray[np.uint8], first: int, last: int) -> IntArray:
    """The whole numbers in columns first:last."""
    number = np.zeros(len(digits), np.int64)
    for column in range(first, last):
        number = number * 10 + digits[:, column]
    return number


def _day(year: IntArray, month: IntArray, day: IntArray) -> tuple[IntArray, BoolArray]:
    """Days since 1970-01-01 in the Gregorian calendar, and which of the dates exist."""
    ok = (year >= 1) & (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31)
    months = np.where(ok, (year - 1970) * 12 + month - 1, 0).astype("datetime64[M]")
    days = months.astype("datetime64[D]") + np.where(ok, day - 1, 0)
    return days.astype(np.int64), ok & (days.astype("datetime64[M]") == months)


def _read_time(value: str) -> tuple[int, bool] | None:
    """One time as milliseconds and whether it names no zone; None where the text is no time."""
    match = _TIME.fullmatch(value.strip(_PADDING)) if len(value) <= MAX_TIME_CHARS else None
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    millis = round(int((match[7] or "0").ljust(12, "0")) / 1e9)
    if second == 60:  # a leap second: Unix time has no room for it
        second, millis = 59, 999
    try:
        days = datetime.date(year, month, day).toordinal() - _EPOCH_DAY
    except ValueError:
        return None
    is_midnight = hour == 24 and minute == second == millis == 0
    offset = _offset_min(match[8])
    if offset is None or minute > 59 or second > 59 or (hour > 23 and not is_midnight):
        return None
    return (((days * 24 + hour) * 60 + minute - offset) * 60 + second) * 1000 + millis, match[8] is None


def _offset_min(zone: str | None) -> int | None:
    """Minutes east of UTC of `Z`, `+05:30` or nothing; None where no place on earth has that offset."""
    if zone is None or zone in "Zz":
        return 0
    hours, minutes = int(zone[1:3]), int(zone[-2:])
    if hours > MAX_OFFSET_HOURS or minutes > 59:
        return None
    return (hours * 60 + minutes) * (1 if zone[0] == "+" else -1)
