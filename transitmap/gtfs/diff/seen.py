"""Network and an official feed, as Charts -> what riders saw otherwise, with the evidence for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from transitmap.config import ReferenceConfig
from transitmap.geo import Plane, project
from transitmap.gtfs.diff.cadence import Windows, headways_s
from transitmap.gtfs.diff.chart import Chart
from transitmap.gtfs.diff.partners import Partners, inverse
from transitmap.model import DAY_TYPES, FloatArray, IntArray, Network, Passes

KINDS = ("route", "pattern", "stop")
WHATS = (
    "not_official",
    "no_halt",
    "moved",
    "renamed",
    "running_time",
    "headway",
    "not_ridden",
)
"""In the order of the report; what stands last is unknown, not wrong."""
PAST_M = 50.0
"""A ride that begins or ends this near to a stop may have begun or ended at it: it did not pass."""


@dataclass(frozen=True)
class Finding:
    """One thing that riders saw otherwise than an official feed has it, or that the feed alone knows.

    `kind` is one of KINDS, `what` one of WHATS; an id is empty where the thing is unknown there. `seen` is
    the riders' number, all but one in five of which lie within `low` and `high`, `official` that of the feed
    (seconds, or metres where something lies elsewhere; NaN none). `n_rides` is how many rides it rests on.
    `values` hold what only its sentence needs.
    """

    kind: str
    what: str
    id: str
    official_id: str
    name: str
    lat_deg: float
    lon_deg: float
    n_rides: int
    seen: float = np.nan
    low: float = np.nan
    high: float = np.nan
    official: float = np.nan
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Comparison:
    """What riders saw otherwise, sorted; and of each kind how many things riders, the feed and both know."""

    findings: tuple[Finding, ...]
    known: dict[str, tuple[int, int, int]]

    def counts(self) -> dict[str, dict[str, int]]:
        """How many findings there are, by kind and what."""
        found = [(one.kind, one.what) for one in self.findings]
        return {
            kind: {what: found.count((kind, what)) for what in WHATS if (kind, what) in found}
            for kind in KINDS
        }


class _Sides(NamedTuple):
    """The official feed, what riders found, and which row of the one is which of the other.

    `stop`, `route` and `pattern` have a row of the official feed for each row of the riders', or -1.
    """

    official: Chart
    ours: Chart
    partners: Partners
    stop: IntArray
    route: IntArray
    pattern: IntArray
    network: Network
    passes: Passes
    plane: Plane


def find_seen(
    official: Chart,
    ours: Chart,
    partners: Partners,
    network: Network,
    passes: Passes,
    config: ReferenceConfig,
) -> Comparison:
    """What riders saw otherwise than the official feed has it.

    `partners` has the official chart as the old one. What riders did not pass often enough to tell is no
    finding against the feed: it is `not_ridden`.
    """
    pairs = zip(
        (partners.stop, partners.route, partners.pattern),
        (ours.stop_id, ours.route_id, ours.pattern_id),
        strict=True,
    )
    stop, route, pattern = (inverse(partner, len(ids)) for partner, ids in pairs)
    lat_deg = np.concatenate([official.stop_lat_deg, ours.stop_lat_deg])
    lon_deg = np.concatenate([official.stop_lon_deg, ours.stop_lon_deg])
    plane = Plane.around(lat_deg, lon_deg)
    sides = _Sides(official, ours, partners, stop, route, pattern, network, passes, plane)
    found = [*_routes(sides), *_patterns(sides, config), *_stops(sides, config)]
    found.sort(key=lambda one: (WHATS.index(one.what), KINDS.index(one.kind), -one.n_rides, *_key(one)))
    there = partners.route, partners.pattern, partners.stop
    sizes = zip(KINDS, (route, pattern, stop), there, strict=True)
    known = {kind: (len(here), len(there), int((here >= 0).sum())) for kind, here, there in sizes}
    return Comparison(tuple(found), known)


def _key(one: Finding) -> tuple[str, str, str]:
    return one.name, one.id, one.official_id


# --- routes ------------------------------------------------------------------------------------------


def _routes(sides: _Sides) -> Iterator[Finding]:
    """Routes that riders alone know, that the feed alone knows, and those that go by another name."""
    official, ours, patterns = sides.official, sides.ours, sides.network.patterns
    n_rides = np.bincount(patterns.route_index, weights=patterns.n_rides, minlength=len(ours.route_id))
    for b, a in enumerate(sides.route.tolist()):
        route_id, name = ours.route_id[b], ours.route_name(b)
        about = (*_middle(ours, b), int(n_rides[b]))
        if a < 0:
            yield Finding("route", "not_official", route_id, "", name, *about)
        elif _is_renamed(ours, b, official, a):
            names = {"seen": ours.route_names(b), "official": official.route_names(a)}
            ids = route_id, official.route_id[a], name
            yield Finding("route", "renamed", *ids, *about, values=names)
    for a in np.flatnonzero(sides.partners.route < 0).tolist():
        (lat_deg, lon_deg), route_id = _middle(official, a), official.route_id[a]
        yield Finding("route", "not_ridden", "", route_id, official.route_name(a), lat_deg, lon_deg, 0)


def _is_renamed(ours: Chart, b: int, official: Chart, a: int) -> bool:
    """Whether riders call a route what neither of its official names is."""
    names = {_spelled(official.route_short[a]), _spelled(official.route_long[a])} - {""}
    return bool(names) and _spelled(ours.told_name(b)) not in {"", *names}


def _spelled(name: str) -> str:
    """The letters and digits of a name: `2712-10` is `2712 10`."""
    return "".join(char for char in name.casefold() if char.isalnum())


def _middle(chart: Chart, route: int) -> tuple[float, float]:
    """A place on a route's first pattern, NaN where it has none."""
    rows = np.flatnonzero(chart.route_index == route)
    return _on_line(chart, int(rows[0])) if len(rows) else (np.nan, np.nan)


def _on_line(chart: Chart, pattern: int) -> tuple[float, float]:
    lat_deg, lon_deg = chart.line(pattern)
    return float(lat_deg[len(lat_deg) // 2]), float(lon_deg[len(lon_deg) // 2])


# --- patterns ----------------------------------------------------------------------------------------


def _patterns(sides: _Sides, config: ReferenceConfig) -> Iterator[Finding]:
    """Patterns that one side alone knows, and running times and headways that differ."""
    official, ours = sides.official, sides.ours
    n_rides = sides.network.patterns.n_rides
    for b, a in enumerate(sides.pattern.tolist()):
        about = (*_on_line(ours, b), int(n_rides[b]))
        if a < 0:
            yield Finding("pattern", "not_official", ours.pattern_id[b], "", _title(ours, b), *about)
            continue
        ids = ours.pattern_id[b], official.pattern_id[a], _title(official, a)
        for times in (_running_time(sides, a, b, config), *_headways(sides, a, b, config)):
            if times:
                yield Finding("pattern", times.pop("what"), *ids, *about, **times)
    for a in np.flatnonzero(sides.partners.pattern < 0).tolist():
        place = _on_line(official, a)
        yield Finding("pattern", "not_ridden", "", official.pattern_id[a], _title(official, a), *place, 0)


def _title(chart: Chart, pattern: int) -> str:
    """The route and where it goes, as far as anybody says."""
    last = chart.stop_name[chart.calls(pattern)[-1]]
    goes_to = chart.headsign[pattern] or last
    return " → ".join(filter(None, (chart.route_name(int(chart.route_index[pattern])), goes_to)))


def _running_time(sides: _Sides, a: int, b: int, config: ReferenceConfig) -> dict[str, Any]:
    """The time between the first and the last call that both have, where the feed's is not the riders'."""
    official, ours, patterns = sides.official, sides.ours, sides.network.patterns
    here, there = _common_calls(sides, a, b)
    if len(here) < 2:
        return {}
    seen_s = float(ours.call_s[here[-1]] - ours.call_s[here[0]])
    spread_s = patterns.run_spread_s[here[[0, -1]]]
    official_s = float(official.call_s[there[-1]] - official.call_s[there[0]])
    # The interval is from the first stop on: what was spread before the stretch is no spread of it.
    off_s = float(np.sqrt(max(spread_s[1] ** 2 - np.nan_to_num(spread_s[0]) ** 2, 0.0)))
    is_other = abs(official_s - seen_s) > max(off_s, config.run_s, config.share_run * seen_s)
    if not is_other or np.isnan(off_s):
        return {}
    stops = [official.stop_name[official.stop_index[k]] for k in there[[0, -1]]]
    numbers = {"seen": seen_s, "low": seen_s - off_s, "high": seen_s + off_s, "official": official_s}
    return {"what": "running_time", **numbers, "values": {"from": stops[0], "to": stops[1]}}


def _common_calls(sides: _Sides, a: int, b: int) -> tuple[IntArray, IntArray]:
    """Rows of the calls that a riders' and an official pattern share, in the order of both."""
    ours = range(int(sides.ours.call_start[b]), int(sides.ours.call_start[b + 1]))
    theirs = range(int(sides.official.call_start[a]), int(sides.official.call_start[a + 1]))
    here, there, next_call = [], [], theirs.start
    for k in ours:
        stop = int(sides.stop[sides.ours.stop_index[k]])
        found = [j for j in range(next_call, theirs.stop) if sides.official.stop_index[j] == stop]
        if stop >= 0 and found:
            here.append(k)
            there.append(found[0])
            next_call = found[0] + 1
    return np.array(here, dtype=np.int64), np.array(there, dtype=np.int64)


def _headways(sides: _Sides, a: int, b: int, config: ReferenceConfig) -> Iterator[dict[str, Any]]:
    """Windows in which riders know how often it runs, and the feed says something outside the interval.

    One in five intervals does not hold the true headway: the feed's must be off by a share more.
    """
    rows, told = sides.network.headways, sides.official.windows
    told = told.take(told.pattern_index == a)
    for k in np.flatnonzero((rows.pattern_index == b) & ~rows.is_bound).tolist() if len(told.rate) else ():
        low_s, high_s, day = float(rows.low_s[k]), float(rows.high_s[k]), int(rows.day_type[k])
        window = float(rows.start_s[k]), float(rows.end_s[k])
        official_s = _headway_s(told.take(told.day_type == day), window)
        margin = 1.0 + config.share_headway
        if official_s is not None and low_s / margin <= official_s <= high_s * margin:
            continue
        numbers = {"seen": float(rows.headway_s[k]), "low": low_s, "high": high_s}
        values = {"day": DAY_TYPES[day], "start_s": int(window[0]), "end_s": int(window[1])}
        official = np.nan if official_s is None else float(official_s)
        yield {"what": "headway", **numbers, "official": official, "values": values}


def _headway_s(windows: Windows, window: tuple[float, float]) -> int | None:
    """The headway that a feed tells of a stretch of a day, None where it has no service there."""
    return headways_s(windows, np.array(window))[0] if len(windows.rate) else None


# --- stops -------------------------------------------------------------------------------------------


def _stops(sides: _Sides, config: ReferenceConfig) -> Iterator[Finding]:
    """Stops that one side alone knows, with how many rides passed those of the feed, and those elsewhere."""
    official, ours, stops = sides.official, sides.ours, sides.network.stops
    off_m = _off_m(sides)
    for b, a in enumerate(sides.stop.tolist()):
        place = float(stops.lat_deg[b]), float(stops.lon_deg[b])
        about = (*place, int(stops.n_rides[b]))
        near_m = {"seen": float(off_m[b]), "low": max(off_m[b] - stops.spread_m[b], 0.0),
                  "high": float(off_m[b] + stops.spread_m[b])}  # fmt: skip
        if a < 0:
            values = {"confidence": round(float(stops.confidence[b]), 2)}
            numbers = near_m if np.isfinite(off_m[b]) else {}
            yield Finding("stop", "not_official", ours.stop_id[b], "", stops.name[b], *about, **numbers,
                          values=values)  # fmt: skip
        elif near_m["low"] > config.moved_m:
            ids = ours.stop_id[b], official.stop_id[a], official.stop_name[a]
            yield Finding("stop", "moved", *ids, *about, **near_m)
    yield from _unknown_stops(sides, config)


def _unknown_stops(sides: _Sides, config: ReferenceConfig) -> Iterator[Finding]:
    """Official stops that riders do not know, and how near to them the next one that they know is."""
    official, passed = sides.official, _passed(sides, config.near_m)
    off_m = _nearest_m(sides, official, sides.ours)
    for a in np.flatnonzero(sides.partners.stop < 0).tolist():
        what = "no_halt" if passed[a] >= config.min_passes else "not_ridden"
        place = float(official.stop_lat_deg[a]), float(official.stop_lon_deg[a])
        about = official.stop_id[a], official.stop_name[a], *place, int(passed[a])
        yield Finding("stop", what, "", *about, seen=float(off_m[a]))


def _off_m(sides: _Sides) -> FloatArray:
    """How far each of the riders' stops lies from its official one, or, without one, from any."""
    off_m = _nearest_m(sides, sides.ours, sides.official)
    matched = sides.stop >= 0
    here, there = (_stops_m(sides, one) for one in (sides.ours, sides.official))
    off_m[matched] = np.hypot(*(here[matched] - there[sides.stop[matched]]).T)
    return off_m


def _nearest_m(sides: _Sides, chart: Chart, other: Chart) -> FloatArray:
    """How far each stop of one chart lies from the nearest of the other, NaN where that has none."""
    from scipy.spatial import cKDTree

    here, there = _stops_m(sides, chart), _stops_m(sides, other)
    if not len(there) or not len(here):
        return np.full(len(here), np.nan)
    return np.asarray(cKDTree(there).query(here)[0], dtype=float)


def _stops_m(sides: _Sides, chart: Chart) -> FloatArray:
    return sides.plane.to_metres(chart.stop_lat_deg, chart.stop_lon_deg)


def _passed(sides: _Sides, near_m: float) -> IntArray:
    """How many rides went by each official stop that riders do not know, on the patterns that call there."""
    n = np.zeros(len(sides.official.stop_id), dtype=np.int64)
    for a, b in enumerate(sides.partners.pattern.tolist()):
        if b < 0:
            continue
        calls = sides.official.calls(a)
        for stop in sorted({int(one) for one in calls if sides.partners.stop[one] < 0}):
            where_m = _along_m(sides, b, stop, near_m)
            on = sides.passes.pattern_index == b
            by = on & (sides.passes.first_m < where_m - PAST_M) & (sides.passes.last_m > where_m + PAST_M)
            n[stop] += int(by.sum())
    return n


def _along_m(sides: _Sides, b: int, stop: int, near_m: float) -> float:
    """How far along a riders' line an official stop lies, NaN where it is not beside it."""
    line_m = sides.plane.to_metres(*sides.ours.line(b))
    official = sides.official
    place = slice(stop, stop + 1)
    here = sides.plane.to_metres(official.stop_lat_deg[place], official.stop_lon_deg[place])
    along, aside_m, _ = project(here, line_m)
    return float(along[0]) if abs(aside_m[0]) <= near_m else float("nan")
