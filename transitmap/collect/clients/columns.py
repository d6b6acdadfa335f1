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
_NONE = np.zeros(0)
_SIGNS = ("+", "-")
_NUMBERS = {float, int, type(None)}


Reasons = np.ndarray[Any, np.dtype[np.str_]]


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
    return heard_columns(*zip(*told, strict=True))


def heard_columns(
    lat: Sequence[Any],
    lon: Sequence[Any],
    time: Sequence[Any],
    accuracy: Sequence[Any],
    speed: Sequence[Any],
    speed_unit: Sequence[float],
    trip: Sequence[str],
    is_mock: Sequence[bool],
    why: Sequence[str],
    tap: Sequence[str],
) -> Heard:
    """The same of columns, the fields of `Told`: for batches, which come by the thousand."""
    lat_deg, lon_deg = numbers(lat), numbers(lon)
    time_s, is_naive = times_s(time)
    reason = _reasons(lat_deg, lon_deg, time, time_s, why)
    accuracy_m, claimed_m_s = (
        _known(numbers(accuracy), 0.0),
        _known(numbers(speed), -1.0) * np.array(speed_unit),
    )
    columns = [time_s, lat_deg, lon_deg, accuracy_m, claimed_m_s, np.array(is_mock, np.bool_), is_naive]
    if len(reason):
        rows = np.flatnonzero(reason == "")
        kept = rows.tolist()
        columns = [column[rows] for column in columns]
        trip, tap = [trip[row] for row in kept], [tap[row] for row in kept]
    fixes, n_naive = Fixes(*columns[:4]), int(columns[6].sum())
    return Heard(
        fixes=fixes,
        trip=tuple(trip),
        is_mock=columns[5],
        claimed_m_s=columns[4],
        taps=_taps(fixes, tap),
        dropped=_count(reason),
        flagged={"assumed_utc": n_naive} if n_naive else {},
    )


def nothing(reason: str = "", n: int = 1) -> Heard:
    """A message that tells no position; where it should, `n` of them are counted by the reason."""
    return Heard(
        fixes=Fixes(_NONE, _NONE, _NONE, _NONE),
        trip=(),
        is_mock=np.zeros(0, dtype=np.bool_),
        claimed_m_s=_NONE,
        taps=Taps(_NONE, _NONE, _NONE, ()),
        dropped={reason: n} if reason else {},
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
    is_iso = np.array([type(value) is str and ":" in value for value in values], dtype=np.bool_)
    if is_iso.all():
        time_s, is_naive = _iso_s(values)
    elif not is_iso.any():
        time_s, is_naive = _counted_s(numbers(values)), is_iso
    else:
        apart = [times_s([value]) for value in values]
        return np.concatenate([one for one, _ in apart]), np.concatenate([one for _, one in apart])
    return np.where((time_s >= EARLIEST_S) & (time_s < LATEST_S), time_s, np.nan), is_naive


def _counted_s(count: FloatArray) -> FloatArray:
    """Numbers in their several units as Unix seconds."""
    count = np.where(count > MS_ABOVE, count / 1000.0, count)
    return np.where((count >= 0) & (count < APPLE_BELOW_S), count + APPLE_EPOCH_S, count)


def _iso_s(values: Sequence[str]) -> tuple[FloatArray, BoolArray]:
    times = read_times([_mended(value) for value in values])
    return times.time_s, times.is_naive


def _mended(value: str) -> str:
    """ISO 8601 as most write it: a space may stand for the T, or for a plus that a query string lost."""
    if value[10:11] == "T" and value[-1:] == "Z":
        return value
    text = value.strip()
    if text[10:11] == " ":
        text = f"{text[:10]}T{text[11:]}"
    text = text.replace(" ", "+")
    return f"{text[:-2]}:{text[-2:]}" if text[-5:-4] in _SIGNS else text


def _reasons(
    lat_deg: FloatArray, lon_deg: FloatArray, time: Sequence[Any], time_s: FloatArray, why: Sequence[str]
) -> Reasons:
    """Why each position is no fix, empty where it is one; what its app says of it comes first.

    Without rows where all are fixes.
    """
    unplaced = ~(np.isfinite(lat_deg) & np.isfinite(lon_deg))
    far_out = (np.abs(lat_deg) > 90) | (np.abs(lon_deg) > 180)
    untimed = np.isnan(time_s)
    if not any(why) and not (unplaced | far_out | untimed).any():
        return np.zeros(0, dtype=np.str_)
    said = np.array(why, dtype=np.str_)
    absent = np.array([value is None or value == "" for value in time], dtype=np.bool_)
    checks = [said != "", unplaced, far_out, untimed & absent, untimed]
    return np.select(checks, [said, "no_position", "out_of_range", "no_time", "bad_time"], "")


def _count(reason: Reasons) -> dict[str, int]:
    if not len(reason):
        return {}
    names, counts = np.unique(reason[reason != ""], return_counts=True)
    return dict(zip(names.tolist(), counts.tolist(), strict=True))


def _known(values: FloatArray, unknown: float) -> FloatArray:
    """NaN for what is no more than `unknown`: phones write 0 or -1 where they do not know."""
    return np.where(values > unknown, values, np.nan)


def _taps(fixes: Fixes, names: Sequence[str]) -> Taps:
    """What was marked, where and when it was."""
    if not any(names):
        return Taps(_NONE, _NONE, _NONE, ())
    rows: IntArray = np.array([row for row, name in enumerate(names) if name], dtype=np.int64)
    marked = (fixes.time_s[rows], fixes.lat_deg[rows], fixes.lon_deg[rows])
    return Taps(*marked, tuple(name for name in names if name))


def text(value: Any, max_chars: int = MAX_TEXT_CHARS) -> str:
    """What a rider or an app wrote, on one line of printable characters; empty where it is no text."""
    if not isinstance(value, str):
        return ""
    value = value[: 4 * max_chars]
    if not value.isprintable():
        value = "".join(char if char.isprintable() else " " for char in value)
    return " ".join(value.split())[:max_chars]
