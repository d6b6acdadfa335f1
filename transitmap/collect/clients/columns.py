"""Positions as phones tell them -> the columns of `Heard`: numbers, times, and why some are no fix."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from transitmap.collect.formats.text import read_numbers, read_times
from transitmap.model import BoolArray, Fixes, FloatArray, Heard, IntArray, Taps

KM_H = 1 / 3.6
KNOT = 1852 / 3600
"""Metres a second of the units in which phones claim a speed."""

MAX_TEXT_CHARS = 200
MAX_TRIP_CHARS = 64
MS_ABOVE = 1e11
APPLE_BELOW_S = 9.4e8
APPLE_EPOCH_S = 978_307_200.0  # 2001-01-01, from which Overland counts in one of its modes
EARLIEST_S, LATEST_S = 1_262_304_000.0, 4_102_444_800.0  # 2010 and 2100
_NUMBERS = {float, int, type(None)}


class Told(NamedTuple):
    """One position as it was told, in the values of its JSON or form.

    `speed` is in units of `speed_unit` metres a second, `why` the reason why it is no fix (empty where it is
    one), `tap` what its rider marked there.
    """

    lat: Any
    lon: Any
    time: Any
    accuracy: Any = None
    speed: Any = None
    speed_unit: float = 1.0
    trip: str = ""
    is_mock: bool = False
    why: str = ""
    tap: str = ""


def heard(told: Sequence[Told]) -> Heard:
    """The fixes among what was told, in its order; each other one is counted by its reason."""
    if not told:
        return nothing()
    lat, lon, time, accuracy, speed, unit, trip, is_mock, why, tap = zip(*told, strict=True)
    lat_deg, lon_deg = numbers(lat), numbers(lon)
    time_s, is_naive = times_s(time)
    reason = _reasons(lat_deg, lon_deg, time, time_s, why)
    rows = np.flatnonzero(reason == "")
    kept, flagged = rows.tolist(), int(is_naive[rows].sum())
    fixes = Fixes(time_s[rows], lat_deg[rows], lon_deg[rows], _positive(numbers(accuracy))[rows])
    return Heard(
        fixes=fixes,
        trip=tuple([trip[row] for row in kept]),
        is_mock=np.array(is_mock, dtype=np.bool_)[rows],
        claimed_m_s=(_not_negative(numbers(speed)) * np.array(unit))[rows],
        taps=_taps(fixes, [tap[row] for row in kept]),
        dropped=_count(reason),
        flagged={"assumed_utc": flagged} if flagged else {},
    )


def nothing(reason: str = "") -> Heard:
    """A message that tells no position, counted by its reason where that is any."""
    none = np.zeros(0)
    return Heard(
        fixes=Fixes(none, none, none, none),
        trip=(),
        is_mock=np.zeros(0, dtype=np.bool_),
        claimed_m_s=none,
        taps=Taps(none, none, none, ()),
        dropped={reason: 1} if reason else {},
    )


def numbers(values: Sequence[Any]) -> FloatArray:
    """Numbers, or decimal text that is one; NaN for all else and what is not finite."""
    kinds = set(map(type, values))
    if kinds <= _NUMBERS:
        return np.array(values, dtype=np.float64)
    if kinds == {str}:
        found = read_numbers(values)[0]
        return np.where(np.isfinite(found), found, np.nan)
    return np.array([number(value) for value in values], dtype=np.float64)


def number(value: Any) -> float:
    """One number as `numbers` reads it."""
    if type(value) is str:
        value = float(read_numbers([value])[0][0])
    if type(value) not in (float, int) or not math.isfinite(value):
        return math.nan
    return float(value)


def times_s(values: Sequence[Any]) -> tuple[FloatArray, BoolArray]:
    """Unix seconds (NaN where there are none), and which came without a zone and were taken as UTC.

    Numbers are seconds, milliseconds where so large that they must be, seconds since 2001 where so small
    that no phone was on the road; text is such a number or ISO 8601.
    """
    if all(type(value) is str and ":" in value for value in values):
        iso = read_times([_mended(value) for value in values])
        return _plausible(iso.time_s), iso.is_naive
    is_iso = [type(value) is str and ":" in value for value in values]
    texts = read_times([_mended(value) if told else "" for value, told in zip(values, is_iso, strict=True)])
    count = numbers([None if told else value for value, told in zip(values, is_iso, strict=True)])
    count = np.where(count > MS_ABOVE, count / 1000.0, count)
    count = np.where((count >= 0) & (count < APPLE_BELOW_S), count + APPLE_EPOCH_S, count)
    return _plausible(np.where(is_iso, texts.time_s, count)), texts.is_naive


def _mended(value: str) -> str:
    """ISO 8601 with the T and the plus that a space may stand for: a query string loses the plus."""
    text = value.strip()
    if text[10:11] == " ":
        text = f"{text[:10]}T{text[11:]}"
    return text.replace(" ", "+")


def _plausible(time_s: FloatArray) -> FloatArray:
    return np.where((time_s >= EARLIEST_S) & (time_s < LATEST_S), time_s, np.nan)


def _reasons(
    lat_deg: FloatArray, lon_deg: FloatArray, time: Sequence[Any], time_s: FloatArray, why: Sequence[str]
) -> np.ndarray[Any, np.dtype[np.str_]]:
    """Why each position is no fix, empty where it is one; what its app says of it comes first."""
    reason = np.array(why, dtype=np.str_)
    unplaced = ~(np.isfinite(lat_deg) & np.isfinite(lon_deg))
    far_out = (np.abs(lat_deg) > 90) | (np.abs(lon_deg) > 180)
    untimed = np.isnan(time_s)
    if not (unplaced | far_out | untimed).any():
        return reason
    absent = np.array([value is None or value == "" for value in time], dtype=np.bool_)
    checks = [reason != "", unplaced, far_out, untimed & absent, untimed]
    return np.select(checks, [reason, "no_position", "out_of_range", "no_time", "bad_time"], "")


def _count(reason: np.ndarray[Any, np.dtype[np.str_]]) -> dict[str, int]:
    if not reason.any():
        return {}
    names, counts = np.unique(reason[reason != ""], return_counts=True)
    return dict(zip(names.tolist(), counts.tolist(), strict=True))


def _positive(values: FloatArray) -> FloatArray:
    """Unknown accuracies are told as 0 or -1."""
    return np.where(values > 0, values, np.nan)


def _not_negative(values: FloatArray) -> FloatArray:
    return np.where(values >= 0, values, np.nan)


def _taps(fixes: Fixes, names: Sequence[str]) -> Taps:
    """What was marked, where and when it was."""
    rows: IntArray = np.array([row for row, name in enumerate(names) if name], dtype=np.int64)
    marked = (fixes.time_s[rows], fixes.lat_deg[rows], fixes.lon_deg[rows])
    return Taps(*marked, tuple(name for name in names if name))


def text(value: Any, max_chars: int = MAX_TEXT_CHARS) -> str:
    """What a rider or an app wrote, on one line of printable characters; empty where it is no text."""
    if not isinstance(value, str):
        return ""
    printable = "".join(char if char.isprintable() else " " for char in value[: 4 * max_chars])
    return " ".join(printable.split())[:max_chars]
