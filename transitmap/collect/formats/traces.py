"""Points as a file tells them to rides, unscreened: what formats share that hold plain columns."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple, cast

import numpy as np
import numpy.typing as npt

from transitmap.collect.formats.clock import read_clock
from transitmap.collect.formats.sheet import clean_mode, shorten
from transitmap.collect.formats.text import read_numbers
from transitmap.config import CollectConfig
from transitmap.errors import UploadRefused
from transitmap.model import BoolArray, Fixes, FloatArray, Ride, Taps

BLOCK_FIXES = 1 << 14
_FAULTS = ("no_position", "bad_number", "bad_time")


class Columns(NamedTuple):
    """Fixes as numbers; `fault` is 0, or 1 + the row of _FAULTS that says why a fix is dropped."""

    time_s: FloatArray
    lat_deg: FloatArray
    lon_deg: FloatArray
    accuracy_m: FloatArray
    fault: npt.NDArray[np.int8]


class Tap(NamedTuple):
    """A place marked on the way, each part as the file tells it."""

    time: object
    lat: object
    lon: object
    name: str


class Trace:
    """One trace as its file tells it: a number, a text or None a fix for each column, whatever they hold.

    The last few fixes are kept as they came, all before as numbers: 33 bytes a fix.
    """

    def __init__(self, label: str = "", mode: str = "") -> None:
        self.label, self.mode = label, mode
        self.taps: list[Tap] = []
        self.warnings: set[str] = set()
        self.dropped: Counter[str] = Counter()
        self.n_timed = 0
        self._block: tuple[list[object], ...] = ([], [], [], [])
        self._done: list[Columns] = []
        self._n_done = 0

    def __len__(self) -> int:
        return self._n_done + len(self._block[0])

    def add(self, time: object, lat: object, lon: object, accuracy: object = None) -> None:
        """One more fix."""
        times, lats, lons, accuracies = self._block
        times.append(time)
        lats.append(lat)
        lons.append(lon)
        accuracies.append(accuracy)
        self.n_timed += time is not None and time != ""
        if len(times) >= BLOCK_FIXES:
            self._flush()

    def columns(self) -> Columns:
        """All fixes as numbers."""
        self._flush()
        return Columns(*(np.concatenate(parts) for parts in zip(*self._done, strict=True)))

    def _flush(self) -> None:
        """Turns the last fixes into numbers."""
        time, lat, lon, accuracy = self._block
        (lat_deg, bad_lat), (lon_deg, bad_lon) = read_values(lat), read_values(lon)
        times = read_clock(time)
        unplaced = _is_blank(lat) | _is_blank(lon)
        fault = np.select([unplaced, bad_lat | bad_lon, times.is_bad], [1, 2, 3], 0).astype(np.int8)
        self._done.append(Columns(times.time_s, lat_deg, lon_deg, _accuracy_m(accuracy), fault))
        self._n_done += len(time)
        self.warnings |= {"assumed_utc"} if times.is_naive.any() else set()
        for column in self._block:
            column.clear()


def rides_of(name: str, traces: Sequence[Trace], config: CollectConfig) -> list[Ride]:
    """The rides of a file, one a trace with fixes.

    Fixes without a position, or with something else where a number or a time should be, are dropped and
    counted; impossible values come through to the screen.

    Raises:
        UploadRefused: `no_track_points`, `too_many_points`.
    """
    n_fixes = sum(map(len, traces))
    check_count(n_fixes, config)
    if not n_fixes:
        n_taps = sum(len(trace.taps) for trace in traces)
        raise UploadRefused("no_track_points", f"found {n_taps} marks, no track points; export the track")
    names = itertools.chain([name], (f"{name}#{number}" for number in itertools.count(2)))
    return [_ride(one, trace, config) for one, trace in zip(names, filter(len, traces), strict=False)]


def check_count(n_fixes: int, config: CollectConfig) -> None:
    """Ends the reading of a file that holds more fixes than one may.

    Raises:
        UploadRefused: `too_many_points`.
    """
    if n_fixes > config.max_fixes:
        raise UploadRefused("too_many_points", f"more than {config.max_fixes} points; split by day")


def read_values(values: Sequence[object]) -> tuple[FloatArray, BoolArray]:
    """Numbers, also those told as text, and which of the values are none (NaN there); nothing is none."""
    kinds = set(map(type, values))
    if kinds <= {int, float}:
        try:
            return np.array(values, dtype=np.float64), np.zeros(len(values), dtype=np.bool_)
        except OverflowError:
            pass
    is_all_text = kinds == {str}
    texts = values if is_all_text else [value if isinstance(value, str) else "" for value in values]
    if not any(texts):
        numbers, is_bad = np.full(len(values), np.nan), np.ones(len(values), np.bool_)
    else:
        numbers, is_bad = read_numbers(cast(Sequence[str], texts))
    if not is_all_text:
        for row, value in enumerate(values):
            if isinstance(value, int | float) and not isinstance(value, bool):
                numbers[row], is_bad[row] = _as_float(value), False
    return numbers, is_bad


def _as_float(value: int | float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _ride(ride_id: str, trace: Trace, config: CollectConfig) -> Ride:
    """One trace as a ride."""
    table = trace.columns()
    warnings = set(trace.warnings)
    taps = _taps(trace.taps, config, warnings)
    counts = np.bincount(table.fault, minlength=len(_FAULTS) + 1)[1:].tolist()
    lost = {reason: n for reason, n in zip(_FAULTS, counts, strict=True) if n}
    return Ride(
        ride_id=ride_id,
        fixes=Fixes(*(column[table.fault == 0] for column in table[:4])),
        taps=taps,
        label=shorten(trace.label, config.max_name_chars),
        declared_mode=clean_mode(trace.mode, config.max_name_chars),
        dropped=dict(trace.dropped + Counter(lost)),
        warnings=tuple(sorted(warnings)),
    )


def _is_blank(values: Sequence[object]) -> BoolArray:
    """Which entries tell nothing."""
    return np.array(
        [value is None or (isinstance(value, str) and not value.strip()) for value in values], np.bool_
    )


def _accuracy_m(values: Sequence[object]) -> FloatArray:
    """Metres; NaN where unknown, which many apps call 0 or -1."""
    accuracy_m, _ = read_values(values)
    return np.where(np.isfinite(accuracy_m) & (accuracy_m > 0), accuracy_m, np.nan)


def _taps(taps: Sequence[Tap], config: CollectConfig, warnings: set[str]) -> Taps:
    """The taps that have a place; the others are left out with a warning."""
    (lat_deg, _), (lon_deg, _) = (
        read_values([tap.lat for tap in taps]),
        read_values([tap.lon for tap in taps]),
    )
    time_s = read_clock([tap.time for tap in taps]).time_s
    names = tuple(shorten(tap.name, config.max_name_chars) for tap in taps)
    placed = (np.abs(lat_deg) <= 90) & (np.abs(lon_deg) <= 180)
    if not placed.all():
        warnings.add("bad_waypoint")
    return Taps(time_s, lat_deg, lon_deg, names).take(placed)
