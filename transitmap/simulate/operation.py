"""Departures of all vehicles on all days: the timetable, unevenly kept."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np

from transitmap.model import Columns, FloatArray, IntArray
from transitmap.simulate.network import City

JITTER = 0.22
"""Standard deviation of a departure against its headway."""
CANCELLED = 0.03


@dataclass(frozen=True, eq=False)
class Departures(Columns):
    """Vehicles leaving their first stop, sorted by pattern, day and time.

    `departure_s` are seconds of the local day, `leave_s` the same in Unix time; `crowd` is the gap ahead over
    the planned headway: the later a vehicle, the more people wait for it.
    """

    pattern_index: IntArray
    day_index: IntArray
    departure_s: FloatArray
    leave_s: FloatArray
    crowd: FloatArray

    def __len__(self) -> int:
        return len(self.pattern_index)


def day_type(day: datetime.date) -> int:
    """Row of DAY_TYPES: 0 Monday to Friday, 1 Saturday, 2 Sunday."""
    return max(0, day.weekday() - 4)


def midnight_s(city: City, day: datetime.date) -> float:
    """Unix time at which the service day starts: noon minus twelve hours, local."""
    noon = datetime.datetime.combine(day, datetime.time(12), ZoneInfo(city.config.timezone))
    return noon.timestamp() - 43_200.0


def plan_departures(city: City, first_day: datetime.date, days: int, rng: np.random.Generator) -> Departures:
    """Every departure of `days` days from `first_day` on, with jitter, bunching pairs and cancelled runs."""
    dates = [first_day + datetime.timedelta(days=day) for day in range(days)]
    parts = []
    for pattern in range(len(city.patterns)):
        for day, date in enumerate(dates):
            time_s, crowd = _one_day(city.headway_s[pattern, day_type(date)], rng)
            parts.append(np.column_stack([0 * time_s + pattern, 0 * time_s + day, time_s, crowd]))
    pattern_index, day_index, departure_s, crowd = np.concatenate(parts).T
    start_s = np.array([midnight_s(city, date) for date in dates])
    leave_s = start_s[day_index.astype(int)] + departure_s
    return Departures(pattern_index.astype(np.int64), day_index.astype(np.int64), departure_s, leave_s, crowd)


def _one_day(headway_s: FloatArray, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Departure times of one pattern on one day, and how crowded each will be."""
    hour_s = np.arange(25) * 3600.0
    count = np.concatenate([[0.0], np.cumsum(3600.0 / headway_s)])
    if count[-1] < 1:
        return np.empty(0), np.empty(0)
    number = rng.random() + np.arange(int(count[-1]))
    planned_s = np.interp(number, count + 1e-9 * np.arange(25), hour_s)
    gap_s = headway_s[np.minimum(planned_s // 3600, 23).astype(int)]
    gap_s = np.where(np.isfinite(gap_s), gap_s, gap_s[np.isfinite(gap_s)].max(initial=600.0))
    time_s = planned_s + JITTER * gap_s * rng.standard_normal(len(number))
    keep = rng.random(len(number)) >= CANCELLED
    time_s, gap_s = np.round(np.sort(time_s[keep])), gap_s[keep]
    return time_s, np.clip(np.diff(time_s, prepend=time_s[:1] - gap_s[:1]) / gap_s, 0.15, 3.0)
