"""Tables with frequencies -> the same trips as single departures, for consumers that know no frequencies."""

from __future__ import annotations

from collections.abc import Iterator

from transitmap.gtfs.feed.schedule import clock
from transitmap.model import Tables

FREQUENCIES = "frequencies.txt"
SUFFIX = "-expanded"


def expand(tables: Tables) -> Tables:
    """The tables with every template trip replaced by its departures, and without frequencies.txt.

    A window has departures at its start and every headway after it, while before its end; each is the
    template shifted (GTFS Reference, frequencies.txt). Its id is the template's with the departure's clock.
    Nobody promised these departures; `feed_version` ends in `-expanded`. A feed without frequencies stays
    as it is.
    """
    if FREQUENCIES not in tables:
        return tables
    departures = _departures(tables)
    expanded = {name: table for name, table in tables.items() if name != FREQUENCIES}
    expanded["trips.txt"] = _expand_trips(tables["trips.txt"], departures)
    expanded["stop_times.txt"] = _expand_stop_times(tables["stop_times.txt"], departures)
    if info := tables.get("feed_info.txt", {}):
        version = [f"{one}{SUFFIX}" for one in info.get("feed_version", [])]
        expanded["feed_info.txt"] = {**info, **({"feed_version": version} if version else {})}
    return expanded


def _departures(tables: Tables) -> dict[str, list[int]]:
    """Seconds of the day at which each template trip departs, rising."""
    windows = tables[FREQUENCIES]
    columns = (windows[name] for name in ("trip_id", "start_time", "end_time", "headway_secs"))
    departures: dict[str, set[int]] = {}
    for trip_id, start, end, headway in zip(*columns, strict=True):
        departures.setdefault(trip_id, set()).update(range(_seconds(start), _seconds(end), int(headway)))
    return {trip_id: sorted(seconds) for trip_id, seconds in departures.items()}


def _expand_trips(trips: dict[str, list[str]], departures: dict[str, list[int]]) -> dict[str, list[str]]:
    rows = [
        (row, clock_id)
        for row, trip_id in enumerate(trips["trip_id"])
        for clock_id in [_trip_id(trip_id, second) for second in departures.get(trip_id, [])] or [trip_id]
    ]
    columns = {name: [values[row] for row, _ in rows] for name, values in trips.items()}
    return {**columns, "trip_id": [trip_id for _, trip_id in rows]}


def _expand_stop_times(calls: dict[str, list[str]], departures: dict[str, list[int]]) -> dict[str, list[str]]:
    """Calls of every departure, in the order of the templates. Memory: a pointer a value, each clock once."""
    calls = _in_order(calls)
    columns: dict[str, list[str]] = {name: [] for name in calls}
    clocks = _Clocks()
    for trip_id, first, last in _runs(calls["trip_id"]):
        rows = {name: values[first:last] for name, values in calls.items()}
        seconds = {name: [_call_s(one) for one in rows[name]] for name in ("arrival_time", "departure_time")}
        start_s = seconds["departure_time"][0] or 0
        leaving = departures.get(trip_id)
        ids = [trip_id] if leaving is None else [_trip_id(trip_id, second) for second in leaving]
        shifts = [0] if leaving is None else [second - start_s for second in leaving]
        for name, values in rows.items():
            if name == "trip_id":
                columns[name] += [one for one in ids for _ in values]
            elif name in seconds:
                columns[name] += [
                    "" if one is None else clocks[one + shift] for shift in shifts for one in seconds[name]
                ]
            else:
                columns[name] += values * len(ids)
    return columns


def _in_order(calls: dict[str, list[str]]) -> dict[str, list[str]]:
    """The same rows, those of a trip together and by stop_sequence, which GTFS does not ask for."""
    ids = calls["trip_id"]
    first = {trip_id: row for row, trip_id in reversed(list(enumerate(ids)))}
    sequence = list(map(int, calls["stop_sequence"]))
    order = sorted(range(len(ids)), key=lambda row: (first[ids[row]], sequence[row]))
    if order == list(range(len(ids))):
        return calls
    return {name: [values[row] for row in order] for name, values in calls.items()}


class _Clocks(dict[int, str]):
    """Seconds of the day -> HH:MM:SS, each text made once: a day has fewer than a city has calls."""

    def __missing__(self, second: int) -> str:
        self[second] = clock(second)
        return self[second]


def _runs(values: list[str]) -> Iterator[tuple[str, int, int]]:
    """Each run of equal values: the value, its first row and the row after its last."""
    first = 0
    for row in range(1, len(values) + 1):
        if row == len(values) or values[row] != values[first]:
            yield values[first], first, row
            first = row


def _trip_id(trip_id: str, second: int) -> str:
    return f"{trip_id}-{clock(second).replace(':', '')}"


def _call_s(text: str) -> int | None:
    """A call's time; None between the timepoints that a feed gives."""
    return _seconds(text) if text else None


def _seconds(text: str) -> int:
    hours, minutes, seconds = map(int, text.split(":"))
    return hours * 3600 + minutes * 60 + seconds
