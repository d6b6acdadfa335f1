"""Sightings -> vehicles: which riders sat in one, and when it left its first call."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from transitmap.config import TimesConfig
from transitmap.infer.times.clock import day_types, local_clock
from transitmap.infer.times.durations import passed_s
from transitmap.model import BoolArray, FloatArray, IntArray, Sightings

COMMON_M = 150.0
"""Two riders who shared so much of the way are compared on it; over less, noise is as long as the way."""
START_M = 150.0
"""A vehicle is timed this far behind the place where it was first seen: it may have stood there a while."""
BEHIND = 3
MAX_APART_S = 900.0
"""A rider is compared with the three before, no more than a quarter of an hour: running times err by less."""


class Seen(NamedTuple):
    """Vehicles as riders saw them, one row a sighting, by path and time of leaving the first call.

    `sighting_index` is the row of Sightings, `line_index` and `ride_index` are its own; `day` counts local
    days, `day_type` is a row of DAY_TYPES, `second_s` the local second of the day; rows of one `vehicle` sat
    in it and share them. `is_sure` is false for a rider who stayed where several paths run: the vehicle may
    be another path's.
    """

    sighting_index: IntArray
    line_index: IntArray
    ride_index: IntArray
    path: IntArray
    day: IntArray
    day_type: IntArray
    second_s: FloatArray
    vehicle: IntArray
    is_sure: BoolArray

    def take(self, rows: BoolArray | IntArray) -> Seen:
        """Some of the rows."""
        return Seen(
            self.sighting_index[rows],
            self.line_index[rows],
            self.ride_index[rows],
            self.path[rows],
            self.day[rows],
            self.day_type[rows],
            self.second_s[rows],
            self.vehicle[rows],
            self.is_sure[rows],
        )


def find_vehicles(
    sightings: Sightings,
    call_start: IntArray,
    call_along_m: FloatArray,
    run_s: FloatArray,
    timezone: str,
    config: TimesConfig,
) -> Seen:
    """The vehicles behind all sightings of their own path."""
    rows = np.flatnonzero(sightings.is_own)
    left_s = np.array([_left_s(sightings, int(row), call_start, call_along_m, run_s) for row in rows])
    known = np.isfinite(left_s)
    rows, left_s = rows[known], left_s[known]
    order = np.lexsort((left_s, sightings.path_index[rows]))
    rows, left_s = rows[order], left_s[order]
    vehicle = _together(sightings, rows, left_s, config)
    mean_s = np.bincount(vehicle, left_s) / np.bincount(vehicle)  # before any midnight parts them
    day, second_s = local_clock(mean_s[vehicle], timezone)
    n_paths = np.bincount(sightings.line_index)
    return Seen(
        sighting_index=rows,
        line_index=sightings.line_index[rows],
        ride_index=sightings.ride_index[rows],
        path=sightings.path_index[rows],
        day=day,
        day_type=day_types(day),
        second_s=second_s.astype(np.float64),
        vehicle=vehicle,
        is_sure=n_paths[sightings.line_index[rows]] == 1,
    )


def _left_s(
    sightings: Sightings, row: int, call_start: IntArray, call_along_m: FloatArray, run_s: FloatArray
) -> float:
    """When the vehicle left the path's first call, back from the place where it was first seen moving."""
    path = sightings.path_index[row]
    calls = slice(call_start[path], call_start[path + 1])
    first_m, last_m = _stretch_m(sightings, row)
    where_m = np.array([min(first_m + START_M, (first_m + last_m) / 2)])
    seen_s = passed_s(sightings, row, where_m)[0]
    return float(seen_s - np.interp(where_m[0], call_along_m[calls], run_s[calls]))


def _stretch_m(sightings: Sightings, row: int) -> tuple[float, float]:
    fixes = sightings.along_m[sightings.fix_start[row] : sightings.fix_start[row + 1]]
    return float(fixes[0]), float(fixes[-1])


def _together(sightings: Sightings, rows: IntArray, left_s: FloatArray, config: TimesConfig) -> IntArray:
    """One number for the riders of one vehicle: they pass the same places at the same times."""
    vehicle = np.arange(len(rows))
    path = sightings.path_index[rows]
    for later in range(1, len(rows)):
        for before in range(later - 1, max(-1, later - 1 - BEHIND), -1):
            if path[before] != path[later] or left_s[later] - left_s[before] > MAX_APART_S:
                break
            apart_s = _apart_s(sightings, int(rows[before]), int(rows[later]))
            if np.isnan(apart_s):
                apart_s = float(left_s[later] - left_s[before])
            if apart_s <= config.same_vehicle_s:
                vehicle[later] = vehicle[before]
                break
    return np.unique(vehicle, return_inverse=True)[1].reshape(-1).astype(np.int64)


def _apart_s(sightings: Sightings, row: int, other: int) -> float:
    """Seconds between two riders in the middle of what both rode; NaN where that is too little."""
    first_m = max(_stretch_m(sightings, row)[0], _stretch_m(sightings, other)[0])
    last_m = min(_stretch_m(sightings, row)[1], _stretch_m(sightings, other)[1])
    if last_m - first_m < COMMON_M:
        return float("nan")
    middle_m = np.array([(first_m + last_m) / 2])
    return float(abs(passed_s(sightings, row, middle_m)[0] - passed_s(sightings, other, middle_m)[0]))
