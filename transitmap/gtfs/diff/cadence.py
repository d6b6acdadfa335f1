"""Tables and the trips of patterns -> Windows: how often each pattern runs, whoever tells it."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from transitmap.gtfs.diff.asking import numbers, seconds, texts
from transitmap.model import DAY_TYPES, BoolArray, Columns, FloatArray, IntArray, Tables

WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
DAY_TYPE_OF = (0, 0, 0, 0, 0, 1, 2)
LONGEST_WAIT_S = 7200.0
"""Departures further apart than this are no headway: the one before is taken to be good for an hour."""
LONE_S = 3600.0
RUNS = 0.5


@dataclass(frozen=True, eq=False)
class Windows(Columns):
    """How often a pattern runs: on a day type, from `start_s` to `end_s`, departures a second.

    Windows of one pattern may overlap, their departures add up. `day_type` indexes DAY_TYPES; `share` is that
    of its days on which the service runs.
    """

    pattern_index: IntArray
    day_type: IntArray
    start_s: FloatArray
    end_s: FloatArray
    rate: FloatArray
    share: FloatArray


class Trips(NamedTuple):
    """Trips of at least two known calls: of which pattern, when they leave, how long to each call."""

    trip_id: list[str]
    service: list[str]
    headsign: list[str]
    pattern: IntArray
    leave_s: FloatArray
    call_s: list[FloatArray]


def find_windows(tables: Tables, trips: Trips, n: int) -> tuple[Windows, BoolArray]:
    """How often each pattern runs, and which ones tell it by departures alone."""
    days = _service_days(tables)
    rows = list(_frequencies(tables, trips, days))
    is_timetabled = np.ones(n, dtype=bool)
    is_timetabled[sorted({row[0] for row in rows})] = False
    rows += _departures(tables, trips, days)
    return _as_windows(rows), is_timetabled


def no_windows() -> Windows:
    """No row: nothing is told of how often anything runs."""
    return _as_windows([])


def as_departures(windows: Windows) -> Windows:
    """The windows that a timetable would have in place of those of frequencies.txt, one a departure.

    A window has departures at its start and every headway after it, while before its end.
    """
    times_s: dict[tuple[int, int, float], set[float]] = {}
    columns = (windows.pattern_index, windows.day_type, windows.share)
    keys = zip(*(column.tolist() for column in columns), strict=True)
    spans = zip(windows.start_s, windows.end_s, windows.share / windows.rate, strict=True)
    for key, (start_s, end_s, headway_s) in zip(keys, spans, strict=True):
        times_s.setdefault(key, set()).update(np.arange(start_s, end_s, max(round(headway_s), 1)).tolist())
    return _as_windows(
        [
            (pattern, day_type, start_s, end_s, share * rate, share)
            for (pattern, day_type, share), times in sorted(times_s.items())
            for start_s, end_s, rate in _gaps(sorted(times))
        ]
    )


def headways_s(windows: Windows, edges: FloatArray) -> list[int | None]:
    """The headway between each edge and the next, None where vehicles run for less than half of that time."""
    start_s, end_s = windows.start_s[:, None], windows.end_s[:, None]
    overlap_s = np.maximum(np.minimum(end_s, edges[1:]) - np.maximum(start_s, edges[:-1]), 0.0)
    covered_s = np.minimum(overlap_s.sum(axis=0), np.diff(edges))
    departures = (overlap_s * windows.rate[:, None]).sum(axis=0)
    is_served = covered_s >= RUNS * np.diff(edges)
    return [
        round(float(one_s / n)) if is_on else None
        for one_s, n, is_on in zip(covered_s, departures, is_served & (departures > 0), strict=True)
    ]


def _as_windows(rows: Sequence[_Row]) -> Windows:
    pattern, day_type, *columns = (
        np.array(column, dtype=float) for column in zip(*rows, (0.0,) * 6, strict=True)
    )
    windows = Windows(pattern.astype(np.int64), day_type.astype(np.int64), *columns)
    return windows.take(np.arange(len(rows)))


_Row = tuple[int, int, float, float, float, float]


def _frequencies(tables: Tables, trips: Trips, days: dict[str, FloatArray]) -> Iterator[_Row]:
    file = "frequencies.txt"
    trip_of = {trip: row for row, trip in enumerate(trips.trip_id)}
    columns = [seconds(tables, file, name).tolist() for name in ("start_time", "end_time")]
    columns.append(numbers(tables, file, "headway_secs").tolist())
    for trip, start_s, end_s, headway_s in zip(texts(tables, file, "trip_id"), *columns, strict=True):
        row = trip_of.get(trip)
        if row is not None and end_s > start_s and headway_s > 0:
            for day_type, share in enumerate(days.get(trips.service[row], np.zeros(3)).tolist()):
                if share:
                    yield int(trips.pattern[row]), day_type, start_s, end_s, share / headway_s, share


def _departures(tables: Tables, trips: Trips, days: dict[str, FloatArray]) -> Iterator[_Row]:
    """Windows from one departure to the next, of the trips that frequencies.txt does not repeat."""
    repeated = set(texts(tables, "frequencies.txt", "trip_id"))
    leave_s: dict[tuple[int, str], list[float]] = {}
    for row, trip in enumerate(trips.trip_id):
        if trip not in repeated and np.isfinite(trips.leave_s[row]):
            leave_s.setdefault((int(trips.pattern[row]), trips.service[row]), []).append(trips.leave_s[row])
    for (pattern, service), times_s in sorted(leave_s.items()):
        for start_s, end_s, rate in _gaps(sorted(times_s)):
            for day_type, share in enumerate(days.get(service, np.zeros(3)).tolist()):
                if share:
                    yield pattern, day_type, start_s, end_s, share * rate, share


def _gaps(times_s: list[float]) -> Iterator[tuple[float, float, float]]:
    """A window a departure, as long as the wait for the next one; the last is as long as the one before."""
    gap_s = LONE_S
    for here_s, next_s in zip(times_s, [*times_s[1:], float("inf")], strict=True):
        if np.isfinite(next_s):
            gap_s = next_s - here_s if 0 < next_s - here_s <= LONGEST_WAIT_S else LONE_S
        yield here_s, here_s + gap_s, 1.0 / gap_s


def _service_days(tables: Tables) -> dict[str, FloatArray]:
    """For each service the share of weekdays, Saturdays and Sundays that it runs on.

    A service with a week in calendar.txt runs by it. One without runs on the dates of calendar_dates.txt, as
    a share of all dates that stand there for such services. Without either table every service runs daily.
    """
    columns = [texts(tables, "calendar.txt", day) for day in WEEK]
    weeks = {
        service: np.array([run == "1" for run in runs], dtype=float)
        for service, *runs in zip(texts(tables, "calendar.txt", "service_id"), *columns, strict=True)
    }
    weeks = {**_dated_weeks(tables, set(weeks)), **weeks}
    if not weeks:
        weeks = {service: np.ones(7) for service in texts(tables, "trips.txt", "service_id")}
    sizes = np.bincount(DAY_TYPE_OF, minlength=len(DAY_TYPES))
    return {service: np.bincount(DAY_TYPE_OF, weights=week) / sizes for service, week in weeks.items()}


def _dated_weeks(tables: Tables, known: set[str]) -> dict[str, FloatArray]:
    """For each service that has dates alone the share of each day of the week on which it runs."""
    names = ("service_id", "date", "exception_type")
    rows = zip(*(texts(tables, "calendar_dates.txt", name) for name in names), strict=True)
    dates: dict[str, set[str]] = {}
    for service, date, kind in rows:
        if service not in known and kind == "1":
            dates.setdefault(service, set()).add(date)
    everything = _by_weekday(set().union(*dates.values()))
    return {service: _by_weekday(days) / np.maximum(everything, 1.0) for service, days in dates.items()}


def _by_weekday(dates: set[str]) -> FloatArray:
    """How many of the dates (YYYYMMDD) fall on each day of the week; what is no date counts nowhere."""
    days = np.zeros(7)
    for date in dates:
        with suppress(ValueError):
            days[datetime.date.fromisoformat(date).weekday()] += 1.0
    return days
