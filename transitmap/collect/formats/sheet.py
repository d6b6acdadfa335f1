"""What the readers of files share: fixes as text, turned into columns block by block and cut into rides."""

from __future__ import annotations

import re
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from transitmap.collect.formats.gpx_points import Points
from transitmap.collect.formats.text import read_numbers, read_times
from transitmap.errors import UploadRefused
from transitmap.model import Fixes, FloatArray, IntArray, Ride, Taps

BLOCK_FIXES = 1 << 14
MAX_ELEVATION_M = 100_000.0
_FAULTS = ("no_position", "bad_number", "bad_time")
_SAYS_NOTHING = frozenset(("unknown", "other", "none", "generic"))
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class FixSheet:
    """The fixes of a file in its order: the text of the last few, the numbers of all before.

    A block of text has a row a fix in `lat`, `lon` and `time`; the others name rows of the block: `accuracy`
    in metres, `hdop` times `metres_per_hdop`, `elevation` to be checked, `unplaced` without a position.
    Memory: 33 bytes a fix and one block of text, so that a million fixes take 34 MB.
    """

    def __init__(self, max_fixes: int, metres_per_hdop: float = 1.0) -> None:
        self.max_fixes, self.metres_per_hdop = max_fixes, metres_per_hdop
        self.lat: list[str] = []
        self.lon: list[str] = []
        self.time: list[str] = []
        self.accuracy: dict[int, str] = {}
        self.hdop: dict[int, str] = {}
        self.elevation: list[str] = []
        self.unplaced: list[int] = []
        self.n_done = 0
        self.room = min(BLOCK_FIXES, max_fixes)
        self.is_naive = self.has_bad_elevation = False
        self._columns = tuple(array("d") for _ in range(4))
        self._faulty: list[IntArray] = []
        self._fault: list[IntArray] = []

    def __len__(self) -> int:
        return self.n_done + len(self.lat)

    def make_room(self) -> None:
        """To be called where the block has `room` fixes, before another one comes.

        Raises:
            UploadRefused: `too_many_points`.
        """
        if len(self) >= self.max_fixes:
            raise UploadRefused("too_many_points", f"more than {self.max_fixes} points; split by day")
        self.flush()

    def add(self, lat: str, lon: str, time: str) -> None:
        """One fix; without a position where a coordinate is empty."""
        if len(self.lat) >= self.room:
            self.make_room()
        if not (lat and lon):
            self.unplaced.append(len(self.lat))
        self.lat.append(lat or "nan")
        self.lon.append(lon or "nan")
        self.time.append(time)

    def extend(self, points: Points) -> None:
        """Many fixes at once."""
        self.lat.extend(points.lat)
        self.lon.extend(points.lon)
        self.time.extend(points.time)
        rows = range(len(self.lat) - len(points.lat), len(self.lat))
        for column, values in ((self.hdop, points.hdop), (self.accuracy, points.accuracy)):
            if None not in values:
                column.update(zip(rows, values, strict=True))
            elif any(values):
                column.update(pair for pair in zip(rows, values, strict=True) if pair[1])
        if len(self.lat) >= self.room:
            self.flush()
        if len(self) > self.max_fixes:
            self.make_room()

    def flush(self) -> None:
        """Turns the block into numbers; what has no position, number or time is dropped and counted."""
        lat_deg, bad_lat = read_numbers(self.lat)
        lon_deg, bad_lon = read_numbers(self.lon)
        times = read_times(self.time)
        unplaced = np.zeros(len(lat_deg), np.bool_)
        unplaced[self.unplaced] = True
        fault = np.select([unplaced, bad_lat | bad_lon, times.is_bad], [1, 2, 3], 0)
        faulty = np.flatnonzero(fault)
        block = (times.time_s, lat_deg, lon_deg, self._accuracy_m())
        for column, values in zip(self._columns, block, strict=True):
            column.frombytes((np.delete(values, faulty) if len(faulty) else values).tobytes())
        if len(faulty):
            self._faulty.append(faulty + self.n_done)
            self._fault.append(fault[faulty])
        self.is_naive |= bool(times.is_naive.any())
        self._check_elevation()
        self.n_done += len(lat_deg)
        self.room = min(BLOCK_FIXES, self.max_fixes - self.n_done)
        for text in (self.lat, self.lon, self.time, self.elevation, self.unplaced):
            text.clear()
        self.accuracy.clear()
        self.hdop.clear()

    def _accuracy_m(self) -> FloatArray:
        """Metres of accuracy a fix: the phone's own where told, else from HDOP; NaN where unknown or 0."""
        accuracy_m = np.full(len(self.lat), np.nan)
        for column, metres in ((self.hdop, self.metres_per_hdop), (self.accuracy, 1.0)):
            if column:
                texts = list(set(column.values()))  # a phone tells few different ones
                value_of = dict(zip(texts, read_numbers(texts)[0].tolist(), strict=True))
                value = np.fromiter(map(value_of.__getitem__, column.values()), np.float64, len(column))
                known = np.isfinite(value) & (value > 0)
                accuracy_m[np.fromiter(column, np.int64, len(column))[known]] = value[known] * metres
        return accuracy_m

    def _check_elevation(self) -> None:
        """No fix depends on its elevation, but its rider may want to know that it makes no sense."""
        if self.elevation:
            value, is_bad = read_numbers(self.elevation)
            empty = np.array([not text for text in self.elevation], np.bool_)
            odd = is_bad | ~np.isfinite(value) | (np.abs(value) > MAX_ELEVATION_M)
            self.has_bad_elevation |= bool((odd & ~empty).any())

    def cut(self, first: IntArray, last: IntArray) -> list[tuple[Fixes, dict[str, int]]]:
        """The fixes in rows first:last of the file, and how many of those rows were dropped for what."""
        self.flush()
        faulty = np.concatenate([np.zeros(0, np.int64), *self._faulty])
        fault = np.concatenate([np.zeros(0, np.int64), *self._fault])
        columns = [np.frombuffer(column) if len(column) else np.zeros(0) for column in self._columns]
        found = []
        for bounds in zip(first.tolist(), last.tolist(), strict=True):
            gone = np.searchsorted(faulty, bounds)
            kept = slice(bounds[0] - int(gone[0]), bounds[1] - int(gone[1]))
            counts = np.bincount(fault[gone[0] : gone[1]], minlength=len(_FAULTS) + 1)[1:].tolist()
            dropped = {reason: n for reason, n in zip(_FAULTS, counts, strict=True) if n}
            found.append((Fixes(*(column[kept] for column in columns)), dropped))
        return found


@dataclass
class Trace:
    """A ride to be: the row of its first fix in the file, and what the file says of it."""

    first: int
    name: str = ""
    kind: str = ""


@dataclass
class Waypoint:
    """A place somebody marked, as text."""

    lat: str
    lon: str
    name: str = ""
    time: str = ""


@dataclass
class TraceFile:
    """What a file holds, in its order."""

    sheet: FixSheet
    traces: list[Trace] = field(default_factory=list)
    waypoints: list[Waypoint] = field(default_factory=list)
    warnings: set[str] = field(default_factory=set)

    def add_waypoint(self, waypoint: Waypoint) -> None:
        """One more, within the limit of fixes.

        Raises:
            UploadRefused: `too_many_points`.
        """
        if len(self.waypoints) >= self.sheet.max_fixes:
            detail = f"more than {self.sheet.max_fixes} waypoints"
            raise UploadRefused("too_many_points", detail)
        self.waypoints.append(waypoint)


def cut_rides(name: str, file: TraceFile, max_name_chars: int) -> list[Ride]:
    """The rides of a file, one a trace with fixes; waypoints become taps of the ride nearest in time."""
    sheet, warnings = file.sheet, set(file.warnings)
    traces = file.traces if file.traces and file.traces[0].first == 0 else [Trace(0), *file.traces]
    bounds = np.array([*(trace.first for trace in traces), len(sheet)], np.int64)
    rows = np.flatnonzero(np.diff(bounds) > 0)
    cuts = sheet.cut(bounds[rows], bounds[rows + 1])
    warnings |= {"assumed_utc"} if sheet.is_naive else set()
    warnings |= {"bad_elevation"} if sheet.has_bad_elevation else set()
    names = [trace.name for trace in file.traces] + [waypoint.name for waypoint in file.waypoints]
    if any(len(one) > max_name_chars for one in names):
        warnings.add("name_truncated")
    taps = _taps(file.waypoints, max_name_chars, warnings)
    owner = _nearest(taps.time_s, [fixes.time_s for fixes, _ in cuts])
    return [
        Ride(
            ride_id=name if number == 0 else f"{name}#{number + 1}",
            fixes=fixes,
            taps=_pick(taps, np.flatnonzero(owner == number)),
            label=shorten(traces[row].name, max_name_chars),
            declared_mode=clean_mode(traces[row].kind, max_name_chars),
            dropped=dropped,
            warnings=tuple(sorted(warnings)),
        )
        for number, (row, (fixes, dropped)) in enumerate(zip(rows.tolist(), cuts, strict=True))
    ]


def _taps(waypoints: Sequence[Waypoint], max_name_chars: int, warnings: set[str]) -> Taps:
    """The waypoints that have a place; the others are left out with a warning."""
    if not waypoints:
        return Taps(np.zeros(0), np.zeros(0), np.zeros(0), ())
    lat_deg, _ = read_numbers([waypoint.lat for waypoint in waypoints])
    lon_deg, _ = read_numbers([waypoint.lon for waypoint in waypoints])
    time_s = read_times([waypoint.time for waypoint in waypoints]).time_s
    placed = (np.abs(lat_deg) <= 90) & (np.abs(lon_deg) <= 180)
    if not placed.all():
        warnings.add("bad_waypoint")
    names = tuple(shorten(waypoint.name, max_name_chars) for waypoint in waypoints)
    return _pick(Taps(time_s, lat_deg, lon_deg, names), np.flatnonzero(placed))


def _pick(taps: Taps, rows: IntArray) -> Taps:
    names = tuple(taps.name[row] for row in rows.tolist())
    return Taps(taps.time_s[rows], taps.lat_deg[rows], taps.lon_deg[rows], names)


def _nearest(tap_s: FloatArray, ride_s: Sequence[FloatArray]) -> IntArray:
    """Which ride each tap belongs to: the nearest in time, or the first without a time."""
    owner, best_s = np.zeros(len(tap_s), np.int64), np.full(len(tap_s), np.inf)
    if len(ride_s) < 2 or not len(tap_s):
        return owner
    for number, time_s in enumerate(ride_s):
        known_s = time_s[np.isfinite(time_s)]
        if len(known_s):
            away_s = np.maximum(np.maximum(known_s.min() - tap_s, tap_s - known_s.max()), 0.0)
            nearer = away_s < best_s
            owner[nearer], best_s[nearer] = number, away_s[nearer]
    return owner


def shorten(text: str, max_chars: int) -> str:
    """A name on one line, cut, without control characters, which no database takes.

    The cut before the split keeps a name of a megabyte cheap.
    """
    return " ".join(_CONTROL.sub(" ", text[: 4 * max_chars]).split())[:max_chars]


def clean_mode(text: str, max_chars: int) -> str:
    """The declared mode as written, lower case; the activity numbers of some exporters say nothing here."""
    mode = shorten(text, max_chars).lower()
    return "" if mode.isdigit() or mode in _SAYS_NOTHING else mode
