"""Network, ids -> evidence.csv: what every published stop, pattern and headway rests on, for people."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator

from transitmap.model import Ids, Network

COLUMNS = ("kind", "id", "n_rides", "n_riders", "n_days", "confidence", "low", "high", "note")
KERBS = {"right": "acera derecha / right-hand kerb", "left": "acera izquierda / left-hand kerb", "": ""}
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\0")


def evidence_table(network: Network, ids: Ids) -> str:
    """CSV text with a row for each stop, pattern, headway window, timed hop and hail-and-ride stretch of the
    network, in their order.

    `low` and `high` bound: for a stop how far (metres) it may lie from where it is drawn, for a pattern its
    running time from end to end (seconds), for a headway the headway (seconds; four of five lie within), for
    a hop its running time (seconds), for a hail-and-ride stretch its first and last metre along the shape. A
    number nobody knows is empty. A text that a spreadsheet would take for a formula starts with an
    apostrophe.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows(_stop_rows(network, ids))
    writer.writerows(_pattern_rows(network, ids))
    writer.writerows(_headway_rows(network, ids))
    writer.writerows(_hop_rows(network, ids))
    writer.writerows(_hail_rows(network, ids))
    return text.getvalue()


def _stop_rows(network: Network, ids: Ids) -> Iterator[list[str]]:
    """A row a stop; the note is the name its riders gave it, its side of the street and whether it is a
    terminal."""
    stops, is_terminal = network.stops, network.is_terminal()
    side = KERBS[network.kerb_side]
    for i, stop_id in enumerate(ids.stop_id):
        yield [
            "stop",
            stop_id,
            *(str(int(counts[i])) for counts in (stops.n_rides, stops.n_riders, stops.n_days)),
            _number(float(stops.confidence[i]), 2),
            "0",
            _number(float(stops.spread_m[i]), 1),
            _text(_stop_note(stops.name[i], side, bool(is_terminal[i]))),
        ]


def _stop_note(name: str, side: str, is_terminal: bool) -> str:
    """Where the side of the street is known, it and whether the stop is a terminal are said too."""
    told = name or "sin nombre de viajeros / not named by riders"
    return "; ".join([told, side, *(["terminal"] if is_terminal else [])]) if side else told


def _pattern_rows(network: Network, ids: Ids) -> Iterator[list[str]]:
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
        yield [
            "pattern",
            pattern_id,
            *(str(int(counts[i])) for counts in (patterns.n_rides, patterns.n_riders, patterns.n_days)),
            _number(float(patterns.confidence[i]), 2),
            _number(run_s - spread_s, 0),
            _number(run_s + spread_s, 0),
            _text("; ".join(notes)),
        ]


def _headway_rows(network: Network, ids: Ids) -> Iterator[list[str]]:
    """A row a window; `n_rides` counts the vehicles that were seen in it."""
    headways = network.headways
    for i, pattern in enumerate(headways.pattern_index):
        trip_id = ids.trip_id(int(pattern), int(headways.day_type[i]))
        window = f"{_clock(int(headways.start_s[i]))}-{_clock(int(headways.end_s[i]))}"
        unknown = "; desconocido, a lo más una hora por convención / unknown, at most an hour by convention"
        yield [
            "headway",
            f"{trip_id} {window}",
            str(int(headways.n_vehicles[i])),
            "",
            "",
            "",
            _number(float(headways.low_s[i]), 0),
            _number(float(headways.high_s[i]), 0),
            _text(f"{_number(float(headways.headway_s[i]), 0)} s{unknown if headways.is_bound[i] else ''}"),
        ]


def _hop_rows(network: Network, ids: Ids) -> Iterator[list[str]]:
    """A row for each window in which a hop was timed; `n_rides` counts the vehicles."""
    hops, patterns = network.hops, network.patterns
    for i, call in enumerate(hops.call_index.tolist()):
        pattern = int(patterns.call_start.searchsorted(call, side="right")) - 1
        ends = [ids.stop_id[patterns.stop_index[row]] for row in (call, call + 1)]
        window = f"{_clock(int(hops.start_s[i]))}-{_clock(int(hops.end_s[i]))}"
        run_s, spread_s = float(hops.run_s[i]), float(hops.spread_s[i])
        yield [
            "hop",
            f"{ids.trip_id(pattern, int(hops.day_type[i]))} {ends[0]} {ends[1]} {window}",
            str(int(hops.n_vehicles[i])),
            "",
            "",
            "",
            _number(max(0.0, run_s - spread_s), 0),
            _number(run_s + spread_s, 0),
            _text(f"{_number(run_s, 0)} s"),
        ]


def _hail_rows(network: Network, ids: Ids) -> Iterator[list[str]]:
    """A row for each stretch of a pattern where people get on and off anywhere."""
    hails = network.hails
    for i, pattern in enumerate(hails.pattern_index.tolist()):
        yield [
            "hail",
            ids.pattern_id[pattern],
            str(int(hails.n_rides[i])),
            str(int(hails.n_riders[i])),
            "",
            _number(float(hails.confidence[i]), 2),
            _number(float(hails.start_m[i]), 0),
            _number(float(hails.end_m[i]), 0),
            _text("subida y bajada libre / people get on and off anywhere"),
        ]


def _number(value: float, decimals: int) -> str:
    """The number as text, empty where it is not known."""
    return f"{value:.{decimals}f}" if math.isfinite(value) else ""


def _clock(day_s: int) -> str:
    return f"{day_s // 3600:02d}:{day_s // 60 % 60:02d}"


def _text(value: str) -> str:
    """Text that no spreadsheet runs."""
    return f"'{value}" if value.startswith(FORMULA_STARTS) else value
