"""Two Charts and their Partners -> Difference: what was added, removed, moved, renamed and retimed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from transitmap.config import DiffConfig
from transitmap.geo import Plane, resample
from transitmap.gtfs.diff.cadence import Windows, as_departures, headways_s
from transitmap.gtfs.diff.chart import Chart
from transitmap.gtfs.diff.partners import Partners
from transitmap.model import DAY_TYPES

KINDS = ("route", "pattern", "stop")
WHATS = ("added", "removed", "renamed", "other_route", "other_stops", "moved", "retimed")
STEP_M = 10.0
NOTHING_M = 0.2  # less than two units of the sixth decimal of a degree
HOUR_S = 3600.0
Line = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Change:
    """One difference between two feeds.

    `kind` is one of KINDS, `what` one of WHATS; an id is empty in the feed that lacks the thing. `values`
    hold what the sentence needs: `moved_m`; `old` and `new` names; `run_s` (old and new seconds from end to
    end); `windows` (day type, start and end in seconds of the day, old and new headway in seconds, None
    without service); `gained` and `lost` stops (id and name). `lines` are where it is: (latitude, longitude),
    one line of one point for a stop, of two for one that moved.
    """

    kind: str
    what: str
    old_id: str
    new_id: str
    name: str
    values: dict[str, Any] = field(default_factory=dict)
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True)
class Difference:
    """All that differs, by kind and then by what happened; `smaller` counts, as "stop moved", the differences
    that are too small to be told. `by_ids` says whether the two feeds use the same ids."""

    changes: tuple[Change, ...]
    smaller: dict[str, int]
    by_ids: bool

    def counts(self) -> dict[str, dict[str, int]]:
        """How many changes there are, by kind and what happened."""
        found = Counter((one.kind, one.what) for one in self.changes)
        return {kind: {what: found[kind, what] for what in WHATS if found[kind, what]} for kind in KINDS}


def find_shifts(old: Chart, new: Chart, partners: Partners, config: DiffConfig) -> Difference:
    """What a rider or a planner would notice, sorted; see DiffConfig for what is too small to be told."""
    found = [
        *_routes(old, new, partners),
        *_patterns(old, new, partners),
        *_stops(old, new, partners),
    ]
    told = [one for one in found if not _is_small(one, config)]
    smaller = Counter(f"{one.kind} {one.what}" for one in found if _is_small(one, config))
    told = [_without_small(one, config) for one in told]
    told.sort(
        key=lambda one: (KINDS.index(one.kind), WHATS.index(one.what), one.name, one.old_id, one.new_id)
    )
    return Difference(tuple(told), dict(sorted(smaller.items())), partners.by_ids)


def _is_small(change: Change, config: DiffConfig) -> bool:
    if change.what == "moved":
        least_m = config.moved_m if change.kind == "stop" else config.line_m
        return bool(change.values["moved_m"] < least_m)
    if change.what == "retimed":
        return not _without_small(change, config).values
    return False


def _without_small(change: Change, config: DiffConfig) -> Change:
    """A change of times without the parts of it that are too small to be told."""
    if change.what != "retimed":
        return change
    values = dict(change.values)
    if "run_s" in values and _is_small_run(values["run_s"], config):
        del values["run_s"]
    windows = [row for row in values.pop("windows", []) if not _is_small_wait(row[3:], config)]
    return Change(**{**vars(change), "values": values | ({"windows": windows} if windows else {})})


def _is_small_run(seconds: Sequence[float | None], config: DiffConfig) -> bool:
    old_s, new_s = seconds
    if old_s is None or new_s is None:
        return False
    return abs(new_s - old_s) < max(config.run_s, config.share_run * old_s)


def _is_small_wait(seconds: Sequence[float | None], config: DiffConfig) -> bool:
    old_s, new_s = seconds
    if old_s is None or new_s is None:
        return False
    return max(old_s, new_s) / min(old_s, new_s) - 1.0 < config.share_headway


# --- routes and stops --------------------------------------------------------------------------------


def _routes(old: Chart, new: Chart, partners: Partners) -> Iterator[Change]:
    for a, b in enumerate(partners.route.tolist()):
        if b < 0:
            yield Change("route", "removed", old.route_id[a], "", old.route_name(a), {}, _lines(old, a))
            continue
        parts = (old.route_short[a], new.route_short[b]), (old.route_long[a], new.route_long[b])
        if _is_renamed(parts, partners.by_ids):
            names = {"old": old.route_names(a), "new": new.route_names(b)}
            ids = old.route_id[a], new.route_id[b]
            yield Change("route", "renamed", *ids, new.route_name(b), names, _lines(new, b))
    for b in _fresh(len(new.route_id), partners.route):
        yield Change("route", "added", "", new.route_id[b], new.route_name(b), {}, _lines(new, b))


def _lines(chart: Chart, route: int) -> tuple[Line, ...]:
    return tuple(_line(chart, int(row)) for row in np.flatnonzero(chart.route_index == route))


def _is_renamed(pairs: Sequence[tuple[str, str]], by_ids: bool) -> bool:
    """Whether some name is another one. Of feeds by two hands, a name that one does not tell is no other."""
    return any(old != new and (by_ids or bool(old and new)) for old, new in pairs)


def _fresh(n: int, partner: Any) -> list[int]:
    """Rows of the new chart that are nobody's partner."""
    return sorted(set(range(n)) - set(partner.tolist()))


def _stops(old: Chart, new: Chart, partners: Partners) -> Iterator[Change]:
    plane = _plane(new) if len(new.stop_id) else _plane(old)
    for a, b in enumerate(partners.stop.tolist()):
        if b < 0:
            yield Change("stop", "removed", old.stop_id[a], "", old.stop_name[a], {}, (_place(old, a),))
            continue
        ids, name = (old.stop_id[a], new.stop_id[b]), new.stop_name[b]
        moved_m = _apart_m(old, a, new, b, plane)
        if moved_m > NOTHING_M:
            track = (*_place(old, a), *_place(new, b))
            yield Change("stop", "moved", *ids, name, {"moved_m": round(moved_m, 1)}, (track,))
        if _is_renamed([(old.stop_name[a], name)], partners.by_ids):
            yield Change(
                "stop", "renamed", *ids, name, {"old": old.stop_name[a], "new": name}, (_place(new, b),)
            )
    for b in _fresh(len(new.stop_id), partners.stop):
        yield Change("stop", "added", "", new.stop_id[b], new.stop_name[b], {}, (_place(new, b),))


def _plane(chart: Chart) -> Plane:
    if not len(chart.stop_lat_deg):
        return Plane(0.0, 0.0)
    return Plane.around(chart.stop_lat_deg, chart.stop_lon_deg)


def _place(chart: Chart, row: int) -> Line:
    return ((round(float(chart.stop_lat_deg[row]), 6), round(float(chart.stop_lon_deg[row]), 6)),)


def _apart_m(old: Chart, a: int, new: Chart, b: int, plane: Plane) -> float:
    here = plane.to_metres(old.stop_lat_deg[a : a + 1], old.stop_lon_deg[a : a + 1])
    there = plane.to_metres(new.stop_lat_deg[b : b + 1], new.stop_lon_deg[b : b + 1])
    return float(np.hypot(*(here - there)[0]))


# --- patterns ----------------------------------------------------------------------------------------


def _patterns(old: Chart, new: Chart, partners: Partners) -> Iterator[Change]:
    plane = _plane(new) if len(new.stop_id) else _plane(old)
    waits = _waits_by_pattern(old), _waits_by_pattern(new)
    for a, b in enumerate(partners.pattern.tolist()):
        if b < 0:
            yield Change("pattern", "removed", old.pattern_id[a], "", _title(old, a), {}, (_line(old, a),))
            continue
        ids, name, line = (old.pattern_id[a], new.pattern_id[b]), _title(new, b), (_line(new, b),)
        for what, values in (
            ("renamed", _headsigns(old.headsign[a], new.headsign[b], partners)),
            ("other_route", _other_route(old, a, new, b, partners)),
            ("other_stops", _other_stops(old, a, new, b, partners)),
            ("moved", _moved(old, a, new, b, plane)),
            ("retimed", _retimed(old, a, new, b, waits, partners.by_ids)),
        ):
            if values:
                yield Change("pattern", what, *ids, name, values, line)
    for b in _fresh(len(new.pattern_id), partners.pattern):
        yield Change("pattern", "added", "", new.pattern_id[b], _title(new, b), {}, (_line(new, b),))


def _title(chart: Chart, pattern: int) -> str:
    """The route and where it goes."""
    last = chart.stop_name[chart.calls(pattern)[-1]]
    return f"{chart.route_name(int(chart.route_index[pattern]))} → {chart.headsign[pattern] or last}"


def _line(chart: Chart, pattern: int) -> Line:
    lat_deg, lon_deg = chart.line(pattern)
    return tuple(zip(np.round(lat_deg, 6).tolist(), np.round(lon_deg, 6).tolist(), strict=True))


def _headsigns(old: str, new: str, partners: Partners) -> dict[str, Any]:
    return {"old": old, "new": new} if _is_renamed([(old, new)], partners.by_ids) else {}


def _other_route(old: Chart, a: int, new: Chart, b: int, partners: Partners) -> dict[str, Any]:
    here, there = int(old.route_index[a]), int(new.route_index[b])
    return {} if partners.route[here] == there else {"old": old.route_id[here], "new": new.route_id[there]}


def _other_stops(old: Chart, a: int, new: Chart, b: int, partners: Partners) -> dict[str, Any]:
    """Stops that a pattern gained and lost; both may be empty where it calls in another order."""
    before, after = partners.stop[old.calls(a)].tolist(), new.calls(b).tolist()
    if before == after:
        return {}
    called = zip(old.calls(a).tolist(), before, strict=True)
    lost = [[old.stop_id[stop], old.stop_name[stop]] for stop, now in called if now not in after]
    gained = [[new.stop_id[stop], new.stop_name[stop]] for stop in after if stop not in before]
    return {"gained": gained, "lost": lost}


def _moved(old: Chart, a: int, new: Chart, b: int, plane: Plane) -> dict[str, Any]:
    """How far the two lines lie apart where they are farthest."""
    from scipy.spatial import cKDTree

    lines = old.line(a), new.line(b)
    if all(np.array_equal(*pair) for pair in zip(*lines, strict=True)):
        return {}
    here, there = (resample(plane.to_metres(*line), STEP_M) for line in lines)
    off_m = max(float(cKDTree(there).query(here)[0].max()), float(cKDTree(here).query(there)[0].max()))
    return {"moved_m": round(off_m, 1)} if off_m > NOTHING_M else {}


# --- times -------------------------------------------------------------------------------------------


def _retimed(
    old: Chart, a: int, new: Chart, b: int, waits: tuple[list[Windows], list[Windows]], by_ids: bool
) -> dict[str, Any]:
    """The running time and the windows that differ, however little.

    Of feeds by two hands, what one of them does not tell is no difference.
    """
    values: dict[str, Any] = {}
    run_s = [None if np.isnan(one) else round(float(one)) for one in (old.run_s[a], new.run_s[b])]
    if run_s[0] != run_s[1] and (by_ids or None not in run_s):
        values["run_s"] = run_s
    before, after = waits[0][a], waits[1][b]
    is_timetabled = bool(old.is_timetabled[a] or new.is_timetabled[b])
    if is_timetabled:
        before = before if old.is_timetabled[a] else as_departures(before)
        after = after if new.is_timetabled[b] else as_departures(after)
    days = range(len(DAY_TYPES)) if by_ids or (len(before.rate) and len(after.rate)) else ()
    windows = [row for day in days for row in _other_windows(before, after, day, is_timetabled)]
    return values | ({"windows": windows} if windows else {})


def _waits_by_pattern(chart: Chart) -> list[Windows]:
    windows = chart.windows
    rows = [np.flatnonzero(windows.pattern_index == one) for one in range(len(chart.pattern_id))]
    return [windows.take(one) for one in rows]


def _other_windows(old: Windows, new: Windows, day_type: int, is_timetabled: bool) -> Iterator[list[Any]]:
    """Day type, start, end, old and new headway of every stretch of a day in which these differ.

    Stretches are those of frequencies.txt; where one side has departures only, the departures of both by the
    hour, so that the grain of a timetable is no difference.
    """
    old, new = (one.take(one.day_type == day_type) for one in (old, new))
    edges = np.unique(np.concatenate([old.start_s, old.end_s, new.start_s, new.end_s]))
    if not len(edges):
        return
    if is_timetabled:
        edges = np.arange(np.floor(edges[0] / HOUR_S), np.ceil(edges[-1] / HOUR_S) + 1.0) * HOUR_S
    rows: list[list[Any]] = []
    stretches = zip(edges[:-1], edges[1:], headways_s(old, edges), headways_s(new, edges), strict=True)
    for start_s, end_s, old_s, new_s in stretches:
        if old_s == new_s:
            continue
        if rows and rows[-1][2:] == [int(start_s), old_s, new_s]:
            rows[-1][2] = int(end_s)
        else:
            rows.append([DAY_TYPES[day_type], int(start_s), int(end_s), old_s, new_s])
    yield from rows
