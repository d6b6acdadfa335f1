"""A feed as the rules ask for it: columns that are always there, numbers, calls in order."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import SupportsInt

import numpy as np

from transitmap.model import FloatArray, IntArray, Notice, Tables

Box = tuple[float, float, float, float]
PLAIN = re.compile(r"[A-Za-z0-9.:-]*")


class FeedView:
    """Tables and the questions every rule has; numbers that cannot be read are NaN."""

    def __init__(self, tables: Tables, today: datetime.date | None, box: Box | None) -> None:
        self.tables, self.today, self.box = tables, today, box
        self._numbers: dict[tuple[str, str], FloatArray] = {}

    def n_rows(self, file: str) -> int:
        """Rows of a table, 0 where it is missing."""
        return len(next(iter(self.tables.get(file, {}).values()), []))

    def column(self, file: str, name: str) -> list[str]:
        """A column's values; empty strings where the column is missing."""
        return self.tables.get(file, {}).get(name) or [""] * self.n_rows(file)

    def numbers(self, file: str, name: str) -> FloatArray:
        """A column of numbers."""
        if (file, name) not in self._numbers:
            self._numbers[file, name] = _as_numbers(self.column(file, name))
        return self._numbers[file, name]

    def seconds(self, file: str, name: str) -> FloatArray:
        """A column of times (H:MM:SS) as seconds of the service day."""
        known: dict[str, float] = {}
        for value in self.column(file, name):
            if value not in known:
                known[value] = _seconds(value)
        return np.array([known[value] for value in self.column(file, name)], dtype=np.float64)

    def lookup(self, file: str, key: str, value: str) -> dict[str, str]:
        """From the values of one column to those of another in the same row."""
        return dict(zip(self.column(file, key), self.column(file, value), strict=True))

    @cached_property
    def odd_values(self) -> list[tuple[str, str, int, str]]:
        """File, column, first row and value of all different values, of the columns that are not plain.

        Ids, numbers, times and dates are plain: nothing about their text can be wrong but that.
        """
        return [
            (file, name, row, value)
            for file, columns in self.tables.items()
            for name, values in columns.items()
            if not PLAIN.fullmatch("-".join(values))
            for value, row in dict(zip(reversed(values), range(len(values) - 1, -1, -1), strict=True)).items()
        ]

    @cached_property
    def calls(self) -> dict[str, IntArray]:
        """For each trip its rows of stop_times.txt, by stop_sequence."""
        return self._groups("stop_times.txt", "trip_id", "stop_sequence")

    @cached_property
    def points(self) -> dict[str, IntArray]:
        """For each shape its rows of shapes.txt, by shape_pt_sequence."""
        return self._groups("shapes.txt", "shape_id", "shape_pt_sequence")

    @cached_property
    def windows(self) -> dict[str, IntArray]:
        """For each trip its rows of frequencies.txt, by start_time."""
        rows = self._groups("frequencies.txt", "trip_id", "trip_id")
        start_s = self.seconds("frequencies.txt", "start_time")
        return {trip: one[np.argsort(start_s[one], kind="stable")] for trip, one in rows.items()}

    @cached_property
    def arrival_s(self) -> FloatArray:
        """Arrivals of stop_times.txt."""
        return self.seconds("stop_times.txt", "arrival_time")

    @cached_property
    def departure_s(self) -> FloatArray:
        """Departures of stop_times.txt."""
        return self.seconds("stop_times.txt", "departure_time")

    @cached_property
    def position_deg(self) -> dict[str, tuple[float, float]]:
        """Latitude and longitude of each stop."""
        lat_deg, lon_deg = self.numbers("stops.txt", "stop_lat"), self.numbers("stops.txt", "stop_lon")
        places = zip(lat_deg.tolist(), lon_deg.tolist(), strict=True)
        return dict(zip(self.column("stops.txt", "stop_id"), places, strict=True))

    def _groups(self, file: str, key: str, order: str) -> dict[str, IntArray]:
        rank = self.numbers(file, order)
        rows: dict[str, list[int]] = {}
        for row, value in enumerate(self.column(file, key)):
            rows.setdefault(value, []).append(row)
        found = {value: np.asarray(one, dtype=np.int64) for value, one in rows.items()}
        return {value: one[np.argsort(rank[one], kind="stable")] for value, one in found.items()}


Rule = Callable[[FeedView], Iterator[Notice]]


def at_row(rule: str, severity: str, file: str, row: SupportsInt, message: str, *values: str) -> Notice:
    """A notice about a row of a table (counted from 0; the file's first line is its header)."""
    return Notice(rule, severity, file, int(row) + 2, message, values)


def _as_numbers(values: list[str]) -> FloatArray:
    """Numbers of a column: all at once, or one by one where some cannot be read."""
    try:
        return np.array(values).astype(np.float64)
    except ValueError:
        return np.array([_number(value) for value in values], dtype=np.float64)


def _number(value: str) -> float:
    try:
        return float(value)
    except ValueError:
        return float("nan")


def _seconds(value: str) -> float:
    parts = value.split(":")
    if len(parts) != 3 or not all(part.isdigit() for part in parts):
        return float("nan")
    return int(parts[0]) * 3600.0 + int(parts[1]) * 60 + int(parts[2])
