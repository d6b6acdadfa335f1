"""Network, ids -> what every published stop, pattern, segment and headway rests on, a row each."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from transitmap.model import Ids, Network, segment_ids

KERBS = {"right": "acera derecha / right-hand kerb", "left": "acera izquierda / left-hand kerb", "": ""}
UNKNOWN_HEADWAY = "; desconocido, a lo más una hora por convención / unknown, at most an hour by convention"
NO_NUMBER = float("nan")


class Where(NamedTuple):
    """A stop, a pattern from one metre of its line to another, or a route: its row in the network."""

    stop: int = -1
    pattern: int = -1
    first_m: float = -math.inf
    last_m: float = math.inf
    route: int = -1


class Counts(NamedTuple):
    """Rides, riders, days and the last of the days (since 1970-01-01), -1 where nobody knows."""

    n_rides: int = -1
    n_riders: int = -1
    n_days: int = -1
    last_day: int = -1


class Row(NamedTuple):
    """What one thing rests on; a number nobody knows is NaN."""

    kind: str
    id: str
    note: str
    counts: Counts = Counts()
    confidence: float = NO_NUMBER
    low: float = NO_NUMBER
    high: float = NO_NUMBER
    where: Where | None = None


def rows_of(network: Network, ids: Ids) -> Iterator[Row]:
    """A row for each stop, pattern, way between two calls (segment), headway window, timed hop, hail-and-ride
    stretch, route whose fare was said and stop of which it was said whether it has a step, in this order.

    `low` and `high` bound: for a stop how far (metres) it may lie from where it is drawn, for a pattern its
    running time from end to end (seconds), for a headway the headway (seconds; four of five lie within), for
    a hop its running time (seconds), for a fare what was said. For a segment and a hail-and-ride stretch they
    are its first and last metre along the shape. Of a headway and a hop `n_rides` counts the vehicles. A
    segment that nobody rode from end to end has no row.
    """
    yield from _stop_rows(network, ids)
    yield from _pattern_rows(network, ids)
    yield from _segment_rows(network, ids)
    yield from _headway_rows(network, ids)
    yield from _hop_rows(network, ids)
    yield from _hail_rows(network, ids)
    yield from _fare_rows(network, ids)
    yield from _step_free_rows(network, ids)


def number(value: float) -> str:
    """The number as text, empty where it is not known."""
    return f"{value:.10g}" if math.isfinite(value) else ""


def day(since_1970: int) -> str:
    """An ISO date, empty where it is not known."""
    return str(np.datetime64(since_1970, "D")) if since_1970 >= 0 else ""


def _stop_rows(network: Network, ids: Ids) -> Iterator[Row]:
    """A row a stop; the note is the name its riders gave it, its side of the street and whether it is a
    terminal."""
    stops, is_terminal = network.stops, network.is_terminal()
    side = KERBS[network.kerb_side]
    for i, stop_id in enumerate(ids.stop_id):
        yield Row(
            "stop",
            stop_id,
            _stop_note(stops.name[i], side, bool(is_terminal[i])),
            Counts(*(int(one[i]) for one in (stops.n_rides, stops.n_riders, stops.n_days, stops.last_day))),
            confidence=round(float(stops.confidence[i]), 2),
            low=0.0,
            high=round(float(stops.spread_m[i]), 1),
            where=Where(stop=i),
        )


def _stop_note(name: str, side: str, is_terminal: bool) -> str:
    """Where the side of the street is known, it and whether the stop is a terminal are said too."""
    told = name or "sin nombre de viajeros / not named by riders"
    return "; ".join([told, side, *(["terminal"] if is_terminal else [])]) if side else told


def _pattern_rows(network: Network, ids: Ids) -> Iterator[Row]:
    """A row a pattern; the note says its route and whether one ride is all there is."""
    patterns, scheduled = network.patterns, set(network.headways.pattern_index.tolist())
    for i, pattern_id in enumerate(ids.pattern_id):
        last = int(patterns.call_start[i + 1]) - 1
        run_s, spread_s = float(patterns.run_s[last]), float(patterns.run_spread_s[last])
        notes = [f"ruta / route {network.routes.short_name[patterns.route_index[i]] or '?'}"]
        if patterns.n_rides[i] <= 1:
            notes.append("un solo viaje / seen once")
        if i not in scheduled:
            notes.append("sin intervalo observado, fuera del feed / no headway observed, not in the feed")
        counts = (patterns.n_rides, patterns.n_riders, patterns.n_days, patterns.last_day)
        yield Row(
            "pattern",
            pattern_id,
            "; ".join(notes),
            Counts(*(int(one[i]) for one in counts)),
            confidence=round(float(patterns.confidence[i]), 2),
            low=_rounded(run_s - spread_s),
            high=_rounded(run_s + spread_s),
            where=Where(pattern=i),
        )


def _segment_rows(network: Network, ids: Ids) -> Iterator[Row]:
    """A row for each way between neighbouring calls that somebody rode; vehicles make its confidence, as that
    of a pattern."""
    patterns, told = network.patterns, network.hop_witnesses
    pattern_of = patterns.call_start.searchsorted(told.call_index, side="right") - 1
    id_of = _segment_ids(network, ids)
    for i in np.flatnonzero(told.next_index == told.call_index + 1).tolist():
        first, last = int(told.call_index[i]), int(told.next_index[i])
        name, n_vehicles = network.routes.short_name[patterns.route_index[pattern_of[i]]], told.n_vehicles[i]
        ends_m = (float(patterns.along_m[first]), float(patterns.along_m[last]))
        yield Row(
            "segment",
            id_of[first],
            f"ruta / route {name or '?'}",
            Counts(*(int(one[i]) for one in (told.n_rides, told.n_riders, told.n_days, told.last_day))),
            confidence=round(float((n_vehicles + 1) / (n_vehicles + 3)), 2),
            low=_rounded(ends_m[0]),
            high=_rounded(ends_m[1]),
            where=Where(-1, int(pattern_of[i]), *ends_m),
        )


def _segment_ids(network: Network, ids: Ids) -> dict[int, str]:
    """The id of the way from each call to the next, by the row of its first call."""
    patterns = network.patterns
    found: dict[int, str] = {}
    for k, pattern_id in enumerate(ids.pattern_id):
        calls = range(int(patterns.call_start[k]), int(patterns.call_start[k + 1]))
        chain = [ids.stop_id[row] for row in patterns.stop_index[calls.start : calls.stop].tolist()]
        found.update(zip(calls, segment_ids(pattern_id, chain), strict=False))
    return found


def _headway_rows(network: Network, ids: Ids) -> Iterator[Row]:
    """A row a window, at the first stop of its pattern; `n_rides` counts the vehicles seen in it."""
    headways, patterns = network.headways, network.patterns
    for i, pattern in enumerate(headways.pattern_index.tolist()):
        trip_id = ids.trip_id(pattern, int(headways.day_type[i]))
        window = f"{_clock(int(headways.start_s[i]))}-{_clock(int(headways.end_s[i]))}"
        counts = (headways.n_vehicles, headways.n_riders, headways.n_days, headways.last_day)
        unknown = UNKNOWN_HEADWAY if headways.is_bound[i] else ""
        yield Row(
            "headway",
            f"{trip_id} {window}",
            f"{number(_rounded(float(headways.headway_s[i])))} s{unknown}",
            Counts(*(int(one[i]) for one in counts)),
            low=_rounded(float(headways.low_s[i])),
            high=_rounded(float(headways.high_s[i])),
            where=Where(stop=int(patterns.stop_index[patterns.call_start[pattern]])),
        )


def _hop_rows(network: Network, ids: Ids) -> Iterator[Row]:
    """A row for each window in which a hop was timed; `n_rides` counts the vehicles."""
    hops, patterns = network.hops, network.patterns
    for i, call in enumerate(hops.call_index.tolist()):
        pattern = int(patterns.call_start.searchsorted(call, side="right")) - 1
        ends = [ids.stop_id[patterns.stop_index[row]] for row in (call, call + 1)]
        window = f"{_clock(int(hops.start_s[i]))}-{_clock(int(hops.end_s[i]))}"
        run_s, spread_s = float(hops.run_s[i]), float(hops.spread_s[i])
        yield Row(
            "hop",
            f"{ids.trip_id(pattern, int(hops.day_type[i]))} {ends[0]} {ends[1]} {window}",
            f"{number(_rounded(run_s))} s",
            Counts(n_rides=int(hops.n_vehicles[i])),
            low=_rounded(max(0.0, run_s - spread_s)),
            high=_rounded(run_s + spread_s),
        )


def _hail_rows(network: Network, ids: Ids) -> Iterator[Row]:
    """A row for each stretch of a pattern where people get on and off anywhere."""
    hails = network.hails
    for i, pattern in enumerate(hails.pattern_index.tolist()):
        start_m, end_m = float(hails.start_m[i]), float(hails.end_m[i])
        yield Row(
            "hail",
            ids.pattern_id[pattern],
            "subida y bajada libre / people get on and off anywhere",
            Counts(int(hails.n_rides[i]), int(hails.n_riders[i])),
            confidence=round(float(hails.confidence[i]), 2),
            low=_rounded(start_m),
            high=_rounded(end_m),
            where=Where(-1, pattern, start_m, end_m),
        )


def _fare_rows(network: Network, ids: Ids) -> Iterator[Row]:
    """A row for each route of which riders said a fare; of one they agree on, how many do."""
    fares = network.fares
    for i, route in enumerate(fares.route_index.tolist()):
        price, n_riders = float(fares.price[i]), int(fares.n_riders[i])
        agree = round(float(fares.share_agreeing[i]) * n_riders)
        told = f"tarifa / fare {number(price)}; {agree} de / of {n_riders} lo dicen / say so"
        yield Row(
            "fare",
            ids.route_id[route],
            told if math.isfinite(price) else "no hay acuerdo / no agreement",
            Counts(n_riders=n_riders),
            low=float(fares.low[i]),
            high=float(fares.high[i]),
            where=Where(route=route),
        )


def _step_free_rows(network: Network, ids: Ids) -> Iterator[Row]:
    """A row for each stop of which most riders who spoke say one thing."""
    step_free = network.step_free
    for i, stop in enumerate(step_free.stop_index.tolist()):
        is_free = bool(step_free.is_step_free[i])
        told = "sin escalón / step-free" if is_free else "con escalón / not step-free"
        counts = Counts(n_riders=int(step_free.n_riders[i]))
        yield Row("step_free", ids.stop_id[stop], told, counts, where=Where(stop=stop))


def _rounded(value: float) -> float:
    """A whole number, NaN as it is."""
    return float(np.rint(value))


def _clock(day_s: int) -> str:
    return f"{day_s // 3600:02d}:{day_s // 60 % 60:02d}"
