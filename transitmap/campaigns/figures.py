"""A campaign's rides, what the map knows -> what the campaign came to, in numbers that can be told."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from transitmap.model import BoolArray, Columns, FloatArray, IntArray, Network

CONFIDENCES = (0.0, 0.5, 0.7, 0.9)
"""Where the classes of the confidence of stops begin."""
MANY = 4
"""Directions known by so many riders or more are one class."""
CONFIRMED = 2
"""A direction that so many independent riders know is confirmed."""
HALF = 0.5
"""Of a ride or a direction so much must lie where need is marked to be told there."""
STEP_M = 100.0
"""How far apart the places of a line are at which riders are counted: about a segment of the rules."""
BEFORE, NEVER = -(2**31), 2**31 - 1
"""Days of rides that do not count in the campaign, and of none at all."""
Seen = dict[int, IntArray]
"""Pattern -> when each voice first passed each of its places, see `_first_day`."""


@dataclass(frozen=True, eq=False)
class Ridden(Columns):
    """Every ride behind the map, a row each, in the order in which they were understood.

    `pattern_index` is a row of the network, -1 where the ride supports none; the stretch of its shape is
    `first_m` to `last_m`. `voice` is one number for riders who are linked, as by copies; `day` counts
    local days since 1970-01-01, `is_counted` says whether the ride counts in the campaign.
    """

    pattern_index: IntArray
    first_m: FloatArray
    last_m: FloatArray
    rider: IntArray
    voice: IntArray
    day: IntArray
    distance_m: FloatArray
    is_counted: BoolArray


@dataclass(frozen=True)
class Line:
    """One route in one direction: who knows it, in all rides and without the campaign, and how much of it.

    So many riders know it as rode at least half of the length of its best known pattern: half a line that
    two people rode is known by two, a line that two people rode half of each by one. Rides of several
    branches do not add up. `ridden_m` is what the campaign's rides cover of that pattern together.
    """

    route_id: str
    name: str
    headsign: str
    n_rides: int
    n_riders: int
    n_riders_before: int
    length_m: float
    ridden_m: float
    pattern: int = -1


@dataclass(frozen=True)
class Need:
    """What a campaign brought to where a public grid marks need: HALF of a ride or of a direction is there.

    `is_there` says it of each ride that was given to `map_figures`; `ridden_m` is the part of the lines that
    the campaign's rides cover which lies there.
    """

    n_riders: int
    n_rides: int
    ridden_m: float
    n_directions: int
    n_confirmed_new: int
    is_there: BoolArray = field(compare=False, repr=False)


@dataclass(frozen=True)
class Growth:
    """By local days with a ride: directions that the campaign reached so far, those of them confirmed."""

    day: tuple[int, ...] = ()
    n_reached: tuple[int, ...] = ()
    n_confirmed: tuple[int, ...] = ()


@dataclass(frozen=True)
class Mapped:
    """What the rides of a campaign brought to the map. A direction is a route in one of its directions.

    `by_riders` counts the reached directions by who knows them (see Line): nobody, 1, 2, 3, and MANY or
    more. `n_new` nobody knew before the campaign, `n_confirmed` are known by CONFIRMED riders now,
    `n_confirmed_new` of them were not. `n_published` are in the public feed. Stops are those of the reached
    directions, by CONFIDENCES. `n_directions_of_map` are all that anybody reached. Of the reached ones is
    unknown: the interval of patterns that were never seen twice, that of windows with too little evidence,
    the name of routes; and on which line `n_rides_on_no_line` were. `n_late` rides came after the map.
    `n_only_here` people have no ride outside of the campaign. `need` is None where no grid says where it is.
    """

    n_rides: int = 0
    n_riders: int = 0
    n_days: int = 0
    recorded_m: float = 0.0
    median_rides: float = 0.0
    share_of_top_tenth: float = 0.0
    n_routes: int = 0
    n_directions: int = 0
    n_new: int = 0
    n_confirmed: int = 0
    n_confirmed_new: int = 0
    n_published: int = 0
    ridden_m: float = 0.0
    by_riders: tuple[int, ...] = (0,) * (MANY + 1)
    n_stops: int = 0
    stops_by_confidence: tuple[int, ...] = (0,) * len(CONFIDENCES)
    n_directions_of_map: int = 0
    n_patterns: int = 0
    n_patterns_without_interval: int = 0
    n_windows: int = 0
    n_windows_unknown: int = 0
    n_unnamed: int = 0
    n_rides_on_no_line: int = 0
    n_late: int = 0
    n_only_here: int = 0
    growth: Growth = Growth()
    need: Need | None = None
    rides_in_need: frozenset[str] = field(default=frozenset(), repr=False)
    lines: tuple[Line, ...] = field(default=(), repr=False)


def map_figures(
    network: Network,
    route_id: Sequence[str],
    ridden: Ridden,
    n_late: int = 0,
    marked: Sequence[BoolArray] | None = None,
) -> Mapped:
    """What the counted rides among all `ridden` ones brought; `route_id` is empty where a route is held back.

    Only published routes have a line; of the others the sums tell. `marked` says of each pattern which of
    its `place_m` lie where need is marked; None where nobody says.
    """
    counted = np.flatnonzero(ridden.is_counted)
    on_line = counted[ridden.pattern_index[counted] >= 0]
    direction_of = network.patterns.route_index * 2 + network.patterns.direction_id
    reached = np.unique(direction_of[ridden.pattern_index[on_line]])
    by_direction = _rows_by_direction(ridden, direction_of)
    rows_of = [by_direction[one] for one in reached.tolist()]
    seen_of = [_seen(network, ridden, rows) for rows in rows_of]
    lines = [
        _line(network, route_id, ridden, rows, seen) for rows, seen in zip(rows_of, seen_of, strict=True)
    ]
    riders = np.array([line.n_riders for line in lines], dtype=np.int64)
    before = np.array([line.n_riders_before for line in lines], dtype=np.int64)
    of_reached = np.flatnonzero(np.isin(direction_of, reached))
    return Mapped(
        **_people(ridden, counted),
        n_routes=len(np.unique(reached // 2)),
        n_directions=len(reached),
        n_new=int(((before == 0) & (riders > 0)).sum()),
        n_confirmed=int((riders >= CONFIRMED).sum()),
        n_confirmed_new=int(((riders >= CONFIRMED) & (before < CONFIRMED)).sum()),
        n_published=sum(1 for line in lines if line.route_id),
        ridden_m=float(sum(line.ridden_m for line in lines)),
        by_riders=tuple(np.bincount(np.minimum(riders, MANY), minlength=MANY + 1).tolist()),
        n_directions_of_map=len(np.unique(direction_of)),
        n_rides_on_no_line=len(counted) - len(on_line),
        n_late=n_late,
        growth=_growth(ridden, rows_of, seen_of),
        need=None if marked is None else _need(network, ridden, on_line, lines, marked),
        lines=tuple(line for line in lines if line.route_id),
        **_stops(network, of_reached),
        **_unknown(network, of_reached, reached // 2),
    )


def _people(ridden: Ridden, counted: IntArray) -> dict[str, Any]:
    """Who took part, in numbers. The share of the top tenth is told where there are ten people."""
    people, n_each = np.unique(ridden.rider[counted], return_counts=True)
    tenth = int(np.sort(n_each)[::-1][: len(n_each) // 10].sum())
    return {
        "n_rides": len(counted),
        "n_riders": len(n_each),
        "n_days": len(np.unique(ridden.day[counted])),
        "recorded_m": float(ridden.distance_m[counted].sum()),
        "n_only_here": int((~np.isin(people, ridden.rider[~ridden.is_counted])).sum()),
        "median_rides": float(np.median(n_each)) if len(n_each) else 0.0,
        "share_of_top_tenth": tenth / len(counted) if tenth else 0.0,
    }


def _rows_by_direction(ridden: Ridden, direction_of: IntArray) -> dict[int, IntArray]:
    """The rides of each direction, in their order."""
    known = np.flatnonzero(ridden.pattern_index >= 0)
    direction = direction_of[ridden.pattern_index[known]]
    order = np.argsort(direction, kind="stable")
    found, start = np.unique(direction[order], return_index=True)
    return dict(zip(found.tolist(), np.split(known[order], start[1:]), strict=True)) if len(found) else {}


def _line(network: Network, route_id: Sequence[str], ridden: Ridden, rows: IntArray, seen: Seen) -> Line:
    """One direction, by the pattern of it that most people know; of equals the longest, then the first."""
    patterns = network.patterns
    _, _, pattern = min(
        (-_n_who_know(when, NEVER - 1), -_length_m(network, one), one) for one, when in seen.items()
    )
    length_m, route = _length_m(network, pattern), int(patterns.route_index[pattern])
    counted = rows[ridden.is_counted[rows]]
    passed = _passed(network, ridden, counted[ridden.pattern_index[counted] == pattern], pattern)
    return Line(
        route_id=route_id[route],
        name=network.routes.short_name[route] or network.routes.long_name[route],
        headsign=patterns.headsign[pattern],
        n_rides=len(counted),
        n_riders=_n_who_know(seen[pattern], NEVER - 1),
        n_riders_before=_n_who_know(seen[pattern], BEFORE),
        length_m=length_m,
        ridden_m=float(passed.any(axis=0).mean()) * length_m,
        pattern=pattern,
    )


def _need(
    network: Network,
    ridden: Ridden,
    on_line: IntArray,
    lines: Sequence[Line],
    marked: Sequence[BoolArray],
) -> Need:
    """What lies where need is marked, of the counted rides on a line and of the directions they reached."""
    is_there = np.zeros(len(ridden.rider), dtype=bool)
    covered = [np.zeros(len(one), dtype=bool) for one in marked]
    for pattern in np.unique(ridden.pattern_index[on_line]).tolist():
        rows = on_line[ridden.pattern_index[on_line] == pattern]
        passed = _passed(network, ridden, rows, pattern)
        covered[pattern] = passed.any(axis=0) & marked[pattern]
        share = (passed & marked[pattern]).sum(axis=1) / np.maximum(passed.sum(axis=1), 1)
        is_there[rows] = share >= HALF
    there = [line for line in lines if marked[line.pattern].mean() >= HALF]
    return Need(
        n_riders=len(np.unique(ridden.rider[is_there])),
        n_rides=int(is_there.sum()),
        ridden_m=float(sum(covered[line.pattern].mean() * line.length_m for line in lines)),
        n_directions=len(there),
        n_confirmed_new=sum(line.n_riders >= CONFIRMED > line.n_riders_before for line in there),
        is_there=is_there,
    )


def _length_m(network: Network, pattern: int) -> float:
    """From the first call to the last."""
    return float(network.patterns.along_m[network.patterns.call_start[pattern + 1] - 1])


def _seen(network: Network, ridden: Ridden, rows: IntArray) -> Seen:
    """For each pattern of a direction when each voice first passed each of its places."""
    return {
        one: _first_day(network, ridden, rows[ridden.pattern_index[rows] == one], one)
        for one in np.unique(ridden.pattern_index[rows]).tolist()
    }


def _first_day(network: Network, ridden: Ridden, rows: IntArray, pattern: int) -> IntArray:
    """(voices, places): the local day of the campaign, BEFORE for a ride that does not count, or NEVER."""
    day = np.where(ridden.is_counted[rows], ridden.day[rows], BEFORE).astype(np.int32)
    when = np.where(_passed(network, ridden, rows, pattern), day[:, None], np.int32(NEVER))
    order = np.argsort(ridden.voice[rows], kind="stable")
    _, start = np.unique(ridden.voice[rows][order], return_index=True)
    return np.asarray(np.minimum.reduceat(when[order], start, axis=0))


def _passed(network: Network, ridden: Ridden, rows: IntArray, pattern: int) -> BoolArray:
    """(rides, places): which of the places of a pattern, STEP_M apart, each ride passed."""
    along_m = place_m(network, pattern)
    return np.asarray((ridden.first_m[rows, None] <= along_m) & (along_m < ridden.last_m[rows, None]))


def place_m(network: Network, pattern: int) -> FloatArray:
    """How far along its shape the places of a pattern are, STEP_M apart from its first call to its last."""
    length_m = _length_m(network, pattern)
    n_places = max(1, round(length_m / STEP_M))
    return (np.arange(n_places) + 0.5) * length_m / n_places


def _n_who_know(when: IntArray, until_day: int) -> int:
    """So many people as passed half of a pattern or more until a day, each place of it counted alone."""
    counts = np.sort((when <= until_day).sum(axis=0))[::-1]
    return int(counts[(len(counts) + 1) // 2 - 1])


def _stops(network: Network, patterns: IntArray) -> dict[str, Any]:
    """The stops of some patterns, each once, by how sure it is that they exist."""
    start = network.patterns.call_start
    calls = [network.patterns.stop_index[start[one] : start[one + 1]] for one in patterns.tolist()]
    stops = np.unique(np.concatenate([np.zeros(0, dtype=np.int64), *calls]))
    classes = np.digitize(network.stops.confidence[stops], CONFIDENCES) - 1
    counts = np.bincount(np.maximum(classes, 0), minlength=len(CONFIDENCES))
    return {"n_stops": len(stops), "stops_by_confidence": tuple(counts.tolist())}


def _unknown(network: Network, patterns: IntArray, routes: IntArray) -> dict[str, Any]:
    """What nobody can tell of some patterns and routes."""
    windows = np.isin(network.headways.pattern_index, patterns)
    names = network.routes.short_name
    return {
        "n_patterns": len(patterns),
        "n_patterns_without_interval": int((~np.isin(patterns, network.headways.pattern_index)).sum()),
        "n_windows": int(windows.sum()),
        "n_windows_unknown": int((windows & network.headways.is_bound).sum()),
        "n_unnamed": sum(1 for route in np.unique(routes).tolist() if not names[route]),
    }


def _growth(ridden: Ridden, rows_of: Sequence[IntArray], seen_of: Sequence[Seen]) -> Growth:
    """Day by day what was reached and what was confirmed, by these rides and by all that do not count."""
    days = np.unique(ridden.day[ridden.is_counted & (ridden.pattern_index >= 0)]).tolist()
    reached, confirmed = [0] * len(days), [0] * len(days)
    for rows, seen in zip(rows_of, seen_of, strict=True):
        first_day = int(ridden.day[rows[ridden.is_counted[rows]]].min())
        for nth, day in enumerate(days):
            if day >= first_day:
                reached[nth] += 1
                confirmed[nth] += max(_n_who_know(when, day) for when in seen.values()) >= CONFIRMED
    return Growth(tuple(days), tuple(reached), tuple(confirmed))


def cost_centavos(centavos: int, n_confirmed: int) -> int | None:
    """What one confirmed direction cost, rounded up to a whole centavo; None where nothing was confirmed."""
    return -(-centavos // n_confirmed) if n_confirmed else None


def by_voice(user_id: Sequence[int], linked: Collection[Sequence[int]]) -> IntArray:
    """The voice of each rider, the smallest number of those who are `linked` in pairs; else their own."""
    voice = {one: one for pair in linked for one in pair}
    for one, other in linked:
        low, high = sorted((voice[one], voice[other]))
        voice = {who: low if spoken == high else spoken for who, spoken in voice.items()}
    return np.array([voice.get(one, one) for one in user_id], dtype=np.int64)
