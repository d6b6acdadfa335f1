"""What the messages of one device say -> its rides, unscreened: each fix once, cut at silence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from transitmap.config import CollectConfig, LiveConfig
from transitmap.errors import UploadRefused
from transitmap.model import BoolArray, Fixes, FloatArray, Heard, IntArray, Ride, Taps

MS_PER_S = 1_000
PER_DEG = 10_000_000
"""What the archive keeps of a second and of a degree: fixes that it cannot tell apart are one."""
PLACED_WITHIN_S = 60.0
"""A mark without a place is where the phone was at the time, if it was heard of so close to that."""
NOWHERE_DEG = 999.0
_MIX = np.array([0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB], dtype=np.uint64)
_COLUMNS = ("time_s", "lat_deg", "lon_deg", "accuracy_m")


def gather(
    name: str, heard: Sequence[Heard], known: IntArray, limits: CollectConfig, live: LiveConfig
) -> list[Ride]:
    """The rides in what a device said, in time order; `ride_id` is the name, `name#2` for the second.

    In whatever order and however often messages came, the rides are the same: each (time, lat, lon) is there
    once, and of several places at one time the one told most exactly. Fixes whose key is `known` are left
    out. A ride ends where the device is silent for `silence_s` and where the app's trip changes; a fix alone
    is none. What was dropped is counted on the first ride.

    Raises:
        UploadRefused: `too_many_points`; `already_contributed` where all of it is known; `no_track_points`;
            `too_short`.
    """
    n_fixes = sum(len(one.fixes) for one in heard)
    if n_fixes > limits.max_fixes:
        raise UploadRefused("too_many_points", f"{n_fixes} points, limit {limits.max_fixes}")
    dropped = _sum(one.dropped for one in heard)
    table = _without_repetitions(_table(heard), known, dropped)
    if not len(table.fixes):
        raise _refusal(n_fixes, dropped)
    parts = [part for part in _parts(table, live.silence_s) if len(part[0]) >= limits.min_fixes]
    _add(dropped, "lone_fix", len(table.fixes) - sum(len(rows) for rows, _ in parts))
    if not parts:
        raise UploadRefused("too_short", f"{len(table.fixes)} points, none near another in time")
    taps = _taps(heard, table.fixes)
    owner = _owners(taps, table.fixes, [rows for rows, _ in parts], live.silence_s)
    _add(dropped, "lone_mark", int((owner < 0).sum()))
    label, mode = _last(one.label for one in heard), _last(one.mode for one in heard)
    flagged = [_flagged(table.take(rows)) for rows, _ in parts]
    flagged[0] = _sum([flagged[0], *(one.flagged for one in heard)])
    return [
        Ride(
            ride_id=f"{name}#{number + 1}" if number else name,
            fixes=table.fixes.take(rows),
            taps=taps.take(np.flatnonzero(owner == number)),
            label=label.get(trip, ""),
            declared_mode=mode.get(trip, "").lower(),
            dropped={} if number else dropped,
            flagged=flagged[number],
        )
        for number, (rows, trip) in enumerate(parts)
    ]


def fix_keys(fixes: Fixes) -> IntArray:
    """A number for each (time, latitude, longitude) as the archive rounds them: equal where these are."""
    key = np.zeros(len(fixes), dtype=np.uint64)
    for column, per_unit in ((fixes.time_s, MS_PER_S), (fixes.lat_deg, PER_DEG), (fixes.lon_deg, PER_DEG)):
        key = _mixed(key ^ _whole(column, per_unit).view(np.uint64))
    return key.view(np.int64)


def _whole(values: FloatArray, per_unit: int) -> IntArray:
    return np.rint(values * per_unit).astype(np.int64)


def _mixed(key: np.ndarray[Any, np.dtype[np.uint64]]) -> np.ndarray[Any, np.dtype[np.uint64]]:
    """Each number with its bits mixed into all others. Source: Steele, Lea, Flood 2014 (SplitMix64)."""
    key = key + _MIX[0]
    key = (key ^ (key >> np.uint64(30))) * _MIX[1]
    key = (key ^ (key >> np.uint64(27))) * _MIX[2]
    return key ^ (key >> np.uint64(31))


def _sum(counts: Iterable[dict[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for count in counts:
        total.update(count)
    return dict(sorted(total.items()))


def _add(counts: dict[str, int], reason: str, n: int) -> None:
    if n:
        counts[reason] = counts.get(reason, 0) + n


def _last(said: Iterable[dict[str, tuple[float, str]]]) -> dict[str, str]:
    """What was said last of each trip."""
    last: dict[str, tuple[float, str]] = {}
    for one in said:
        for trip, when in one.items():
            last[trip] = max(when, last.get(trip, when))
    return {trip: text for trip, (_, text) in last.items()}


@dataclass(frozen=True, eq=False)
class _Table:
    """Fixes with the trip of each (by its place in `names`, 0 is none), whether the phone made it up, and
    whether another place was told for its time."""

    fixes: Fixes
    names: tuple[str, ...]
    trip: IntArray
    is_mock: BoolArray
    is_disputed: BoolArray

    def take(self, rows: IntArray) -> _Table:
        """Some rows, in the given order."""
        return _Table(
            self.fixes.take(rows), self.names, self.trip[rows], self.is_mock[rows], self.is_disputed[rows]
        )


def _table(heard: Sequence[Heard]) -> _Table:
    """All fixes, one message after the other."""
    columns = [[getattr(one.fixes, column) for one in heard] for column in _COLUMNS]
    fixes = Fixes(*(np.concatenate([np.zeros(0), *parts]) for parts in columns))
    names = tuple(sorted({"", *(trip for one in heard for trip in one.trip)}))
    number = {name: k for k, name in enumerate(names)}
    trip = np.array([number[trip] for one in heard for trip in one.trip], dtype=np.int64)
    is_mock = np.concatenate([np.zeros(0, np.bool_), *(one.is_mock for one in heard)])
    return _Table(fixes, names, trip, is_mock, np.zeros(len(fixes), np.bool_))


def _without_repetitions(table: _Table, known: IntArray, dropped: dict[str, int]) -> _Table:
    """Each fix once, in time order, none that is known; what goes is added to `dropped`.

    Every choice is by what was told, never by when it arrived: phones send again, in any order.
    """
    key = fix_keys(table.fixes)
    order = np.lexsort([table.fixes.accuracy_m, -table.trip, ~table.is_mock, key])
    first = order[_is_first(key[order])]
    fresh = table.take(first[~np.isin(key[first], known)])
    _add(dropped, "duplicate_fix", len(table.fixes) - len(fresh.fixes))
    fixes, time_ms = fresh.fixes, _whole(fresh.fixes.time_s, MS_PER_S)
    order = np.lexsort([fixes.lon_deg, fixes.lat_deg, fixes.accuracy_m, time_ms])
    first = np.flatnonzero(_is_first(time_ms[order]))
    is_disputed = np.diff(first, append=len(order)) > 1
    _add(dropped, "duplicate_time", len(order) - len(first))
    return replace(fresh.take(order[first]), is_disputed=is_disputed)


def _is_first(values: IntArray) -> BoolArray:
    """Which of sorted values differ from the one before."""
    return np.concatenate([np.ones(min(1, len(values)), np.bool_), values[1:] != values[:-1]])


def _refusal(n_fixes: int, dropped: dict[str, int]) -> UploadRefused:
    """Why no fix is left."""
    if n_fixes:
        return UploadRefused("already_contributed", f"all {n_fixes} points came before")
    counts = ", ".join(f"{reason} {n}" for reason, n in dropped.items())
    return UploadRefused("no_track_points", f"no positions in the messages ({counts or 'none came'})")


def _parts(table: _Table, silence_s: float) -> list[tuple[IntArray, str]]:
    """The rows of each ride and the name of its trip, in the order in which they begin."""
    time_s, parts = table.fixes.time_s, []
    for rows in _between_silences(np.arange(len(time_s)), time_s, silence_s):
        trip = _carried_on(table.trip[rows])
        for one in np.unique(trip).tolist():
            own = _between_silences(rows[trip == one], time_s, silence_s)
            parts += [(some, table.names[one]) for some in own]
    return sorted(parts, key=lambda part: int(part[0][0]))


def _between_silences(rows: IntArray, time_s: FloatArray, silence_s: float) -> list[IntArray]:
    return np.split(rows, np.flatnonzero(np.diff(time_s[rows]) > silence_s) + 1)


def _carried_on(trip: IntArray) -> IntArray:
    """The trip of each fix; where the app names none, the one before, or the first: a wait belongs to it."""
    named = np.flatnonzero(trip > 0)
    if not len(named):
        return trip
    last = np.searchsorted(named, np.arange(len(trip)), side="right") - 1
    return np.asarray(trip[named[np.maximum(last, 0)]], dtype=np.int64)


def _flagged(table: _Table) -> dict[str, int]:
    """How many fixes of a ride are kept and not beyond doubt."""
    counts: dict[str, int] = {}
    _add(counts, "duplicate_time", int(table.is_disputed.sum()))
    _add(counts, "mock", int(table.is_mock.sum()))
    return counts


def _taps(heard: Sequence[Heard], fixes: Fixes) -> Taps:
    """Each tap once, in time order; one without a place is where the phone was then, or nowhere."""
    columns = [[getattr(one.taps, column) for one in heard] for column in _COLUMNS[:3]]
    time_s, lat_deg, lon_deg = (np.concatenate([np.zeros(0), *parts]) for parts in columns)
    lat_deg, lon_deg = _placed(time_s, lat_deg, lon_deg, fixes)
    names = [name for one in heard for name in one.taps.name]
    rows = sorted(set(zip(time_s.tolist(), lat_deg.tolist(), lon_deg.tolist(), names, strict=True)))
    places = np.array([row[:3] for row in rows], dtype=np.float64).reshape(-1, 3)
    return Taps(places[:, 0], places[:, 1], places[:, 2], tuple(row[3] for row in rows))


def _owners(taps: Taps, fixes: Fixes, parts: Sequence[IntArray], silence_s: float) -> IntArray:
    """The ride of each tap: the nearest in time; -1 beyond a long silence, or where it has no place."""
    begin_s = np.array([fixes.time_s[rows[0]] for rows in parts])
    end_s = np.array([fixes.time_s[rows[-1]] for rows in parts])
    before = np.maximum(np.searchsorted(begin_s, taps.time_s, side="right") - 1, 0)
    after = np.minimum(before + 1, len(parts) - 1)
    past_s = np.maximum(taps.time_s - end_s[before], begin_s[before] - taps.time_s)
    ahead_s = np.where(after > before, begin_s[after] - taps.time_s, np.inf)
    is_ours = (np.minimum(past_s, ahead_s) <= silence_s) & (taps.lat_deg < NOWHERE_DEG)
    return np.where(is_ours, np.where(past_s <= ahead_s, before, after), -1)


def _placed(
    time_s: FloatArray, lat_deg: FloatArray, lon_deg: FloatArray, fixes: Fixes
) -> tuple[FloatArray, FloatArray]:
    """The places of taps, those without one at the fix nearest in time, or NOWHERE_DEG where none is near."""
    after = np.minimum(np.searchsorted(fixes.time_s, time_s), len(fixes) - 1)
    before = np.maximum(after - 1, 0)
    is_before = np.abs(fixes.time_s[before] - time_s) < np.abs(fixes.time_s[after] - time_s)
    fix = np.where(is_before, before, after)
    is_there = np.abs(fixes.time_s[fix] - time_s) <= PLACED_WITHIN_S
    is_placed = np.isfinite(lat_deg) & np.isfinite(lon_deg)
    there = [np.where(is_there, column[fix], NOWHERE_DEG) for column in (fixes.lat_deg, fixes.lon_deg)]
    return np.where(is_placed, lat_deg, there[0]), np.where(is_placed, lon_deg, there[1])
