"""Tables, evidence -> what a feed runs, as people speak of it: routes, patterns, calls and windows."""

from __future__ import annotations

import csv
import io
import math
import re
from collections import Counter, defaultdict
from statistics import median
from typing import NamedTuple, TypeVar

import numpy as np

from transitmap.errors import TransitmapError
from transitmap.model import FloatArray, Tables, segment_ids

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
NO_EVIDENCE: dict[str, str] = {}
PLACE_NAME = re.compile(r", km \d+\.\d+( \(.*\))?$")
"""How a stop is named that nobody has named: by the kilometre of a route."""
UNKNOWN = "unknown"
"""What the note of evidence.csv says of a headway that nobody knows."""
HEX_COLOUR = re.compile(r"[0-9A-Fa-f]{6}")
NEEDED = {
    "stops.txt": "stop_id stop_lat stop_lon",
    "routes.txt": "route_id",
    "trips.txt": "trip_id route_id service_id",
    "stop_times.txt": "trip_id stop_id stop_sequence",
    "frequencies.txt": "trip_id start_time end_time headway_secs",
    "shapes.txt": "shape_id shape_pt_lat shape_pt_lon shape_pt_sequence",
    "calendar.txt": "service_id",
    "fare_attributes.txt": "fare_id price currency_type",
    "fare_rules.txt": "fare_id",
    "calendar_dates.txt": "service_id date exception_type",
    "attributions.txt": "organization_name",
}
"""Columns that nothing can be told without."""
Rows = list[dict[str, str]]
Names = dict[tuple[str, str], str]
Evidence = dict[tuple[str, str], dict[str, str]]
Found = TypeVar("Found")


class FeedIncomplete(TransitmapError, ValueError):
    """A feed that cannot be exported: a table is missing or a trip calls at a stop that is nowhere."""


class Stop(NamedTuple):
    """A row of stops.txt that has a place."""

    stop_id: str
    name: str
    lat_deg: float
    lon_deg: float
    row: dict[str, str]
    evidence: dict[str, str]

    @property
    def own_name(self) -> str:
        """Its name, empty where it is called by where it is, for want of one."""
        return "" if PLACE_NAME.search(self.name) else self.name


class Route(NamedTuple):
    """A row of routes.txt; `colour` is six hexadecimal digits or empty, `fare` its one price: `10.00 MXN`."""

    route_id: str
    short_name: str
    long_name: str
    colour: str
    fare: str
    row: dict[str, str]

    @property
    def name(self) -> str:
        """What people call it."""
        return self.short_name or self.long_name or self.route_id


class Call(NamedTuple):
    """A call of a pattern: metres along its line and seconds since its first call, None where unsaid.

    `is_hail`: between this call and the next people get on and off anywhere. `onward` is the evidence of the
    way to the next call.
    """

    stop: Stop
    along_m: float | None
    offset_s: int | None
    is_hail: bool = False
    onward: dict[str, str] = NO_EVIDENCE


class Window(NamedTuple):
    """How often a pattern runs from `start_s` to `end_s` of a service day.

    `low_s`, `high_s` and `n_vehicles` are of the evidence, None without. `is_unknown`: vehicles were seen,
    but too few to name a headway, and `headway_s` is what the feed has to say for want of one.
    """

    service_id: str
    start_s: int
    end_s: int
    headway_s: int
    low_s: float | None
    high_s: float | None
    n_vehicles: int | None
    is_unknown: bool
    evidence: dict[str, str] = NO_EVIDENCE


class Pattern(NamedTuple):
    """Trips of one route, direction, line and chain of stops. `lon_lat` is its line, (n, 2).

    A feed tells a trip's departures one by one (`departures`: service and second of the day) or as windows.
    """

    pattern_id: str
    route: Route
    direction_id: str
    headsign: str
    shape_id: str
    calls: tuple[Call, ...]
    windows: tuple[Window, ...]
    departures: tuple[tuple[str, int], ...]
    lon_lat: FloatArray
    evidence: dict[str, str]

    @property
    def services(self) -> list[str]:
        """The services it runs on, in order."""
        return sorted({one.service_id for one in self.windows} | {service for service, _ in self.departures})


class Credit(NamedTuple):
    """Who made the feed, under which licence, in which version; empty where the feed does not say."""

    attribution: str
    licence_url: str
    publisher: str
    publisher_url: str
    version: str
    start_date: str
    end_date: str
    lang: str


class Published(NamedTuple):
    """A feed to export. Routes and stops are in the order of people, `days` are those of each service.

    `exceptions` are rows of calendar_dates.txt: date, whether it is added, service.
    """

    stops: tuple[Stop, ...]
    routes: tuple[Route, ...]
    patterns: tuple[Pattern, ...]
    days: dict[str, tuple[bool, ...]]
    exceptions: tuple[tuple[str, bool, str], ...]
    credit: Credit


def read_published(tables: Tables, evidence_csv: str = "", lang: str = "") -> Published:
    """The feed with the evidence table beside it; names in `lang` where translations.txt has them.

    Raises:
        FeedIncomplete: stops, routes, trips or stop_times are missing, or do not fit each other.
    """
    evidence = _evidence(evidence_csv)
    credit = credit_of(tables)
    names = _translations(tables, lang) if lang and lang != credit.lang else {}
    stops = {
        row["stop_id"]: stop for row in _rows(tables, "stops.txt") if (stop := _stop(row, names, evidence))
    }
    fares = _fares(tables)
    routes = {row["route_id"]: _route(row, names, fares) for row in _rows(tables, "routes.txt")}
    patterns = _patterns(tables, stops, routes, names, evidence)
    return Published(
        stops=tuple(sorted(stops.values(), key=lambda one: natural(one.stop_id))),
        routes=tuple(sorted(routes.values(), key=_route_order)),
        patterns=tuple(sorted(patterns, key=_pattern_order)),
        days={
            row["service_id"]: tuple(row.get(day) == "1" for day in DAYS)
            for row in _rows(tables, "calendar.txt", False)
        },
        exceptions=tuple(
            sorted(
                (row["date"], row["exception_type"] == "1", row["service_id"])
                for row in _rows(tables, "calendar_dates.txt", False)
            )
        ),
        credit=credit,
    )


def natural(text: str) -> tuple[tuple[int, int, str], ...]:
    """A key by which 9 comes before 10, and both before words."""
    parts = re.findall(r"\d+|\D+", text)
    return tuple((0, int(one), "") if one.isdecimal() else (1, 0, one.casefold()) for one in parts)


def number(text: str) -> float | None:
    """A finite number, None for any other text."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def whole(text: str) -> int | None:
    """A whole number, None for any other text."""
    value = number(text)
    return None if value is None else round(value)


def _rows(tables: Tables, file: str, must: bool = True) -> Rows:
    """The rows of a table."""
    table = tables.get(file, {})
    if must and not table:
        raise FeedIncomplete(f"the feed has no {file}")
    if table and (missing := [name for name in NEEDED.get(file, "").split() if name not in table]):
        raise FeedIncomplete(f"{file} has no column {missing[0]}")
    return [dict(zip(table, values, strict=True)) for values in zip(*table.values(), strict=True)]


def _evidence(text: str) -> Evidence:
    """The rows of evidence.csv by kind and id."""
    rows = csv.DictReader(io.StringIO(text, newline=""))
    if text and not {"kind", "id"} <= set(rows.fieldnames or ()):
        raise FeedIncomplete("the evidence table has no columns kind and id")
    return {(row["kind"], row["id"]): row for row in rows}


def credit_of(tables: Tables) -> Credit:
    """The first row of feed_info and all organisations that attributions.txt names."""
    info = next(iter(_rows(tables, "feed_info.txt", False)), {})
    agency = next(iter(_rows(tables, "agency.txt", False)), {})
    people = _rows(tables, "attributions.txt", False)
    return Credit(
        attribution="; ".join(dict.fromkeys(row["organization_name"] for row in people))
        or agency.get("agency_name", ""),
        licence_url=next((row["attribution_url"] for row in people if row.get("attribution_url")), ""),
        publisher=info.get("feed_publisher_name", "") or agency.get("agency_name", ""),
        publisher_url=info.get("feed_publisher_url", "") or agency.get("agency_url", ""),
        version=info.get("feed_version", ""),
        start_date=info.get("feed_start_date", ""),
        end_date=info.get("feed_end_date", ""),
        lang=(info.get("feed_lang") or agency.get("agency_lang") or "es").split("-")[0].lower(),
    )


def _translations(tables: Tables, lang: str) -> Names:
    """Names in a language, by (field, record id) and by (field, name)."""
    return {
        (row.get("field_name", ""), row.get("record_id") or row.get("field_value", "")): row["translation"]
        for row in _rows(tables, "translations.txt", False)
        if row.get("language", "").split("-")[0].lower() == lang and row.get("translation")
    }


def _told(names: Names, field: str, key: str, row: dict[str, str]) -> str:
    """A name of a row, translated by its id, by itself, or not at all."""
    own = row.get(field, "")
    return names.get((field, row[key])) or names.get((field, own)) or own


def _stop(row: dict[str, str], names: Names, evidence: Evidence) -> Stop | None:
    """None for a place inside a station that has no position of its own."""
    lat_deg, lon_deg = number(row.get("stop_lat", "")), number(row.get("stop_lon", ""))
    if lat_deg is None or lon_deg is None:
        return None
    seen = evidence.get(("stop", row["stop_id"]), NO_EVIDENCE)
    return Stop(row["stop_id"], _told(names, "stop_name", "stop_id", row), lat_deg, lon_deg, row, seen)


def _fares(tables: Tables) -> dict[str, set[str]]:
    """Prices of each route by fares version 1; those that hold for every route under an empty id."""
    prices = {
        row["fare_id"]: f"{row['price']} {row['currency_type']}"
        for row in _rows(tables, "fare_attributes.txt", False)
    }
    rules = [row for row in _rows(tables, "fare_rules.txt", False) if row["fare_id"] in prices]
    found: dict[str, set[str]] = defaultdict(set)
    for row in rules:
        found[row.get("route_id", "")].add(prices[row["fare_id"]])
    found[""] |= {prices[one] for one in prices.keys() - {row["fare_id"] for row in rules}}
    return found


def _route(row: dict[str, str], names: Names, fares: dict[str, set[str]]) -> Route:
    colour, prices = row.get("route_color", ""), fares.get(row["route_id"], set()) | fares[""]
    return Route(
        row["route_id"],
        _told(names, "route_short_name", "route_id", row),
        _told(names, "route_long_name", "route_id", row),
        colour.upper() if HEX_COLOUR.fullmatch(colour) else "",
        prices.pop() if len(prices) == 1 else "",
        row,
    )


def _route_order(route: Route) -> tuple[object, ...]:
    """By route_sort_order where the feed has it, then by name; ids break ties."""
    place = whole(route.row.get("route_sort_order", ""))
    return (place is None, place or 0, natural(route.name), route.route_id)


def _pattern_order(pattern: Pattern) -> tuple[object, ...]:
    return (*_route_order(pattern.route), pattern.direction_id, natural(pattern.pattern_id))


# --- patterns ------------------------------------------------------------------------------------


def _patterns(
    tables: Tables,
    stops: dict[str, Stop],
    routes: dict[str, Route],
    names: Names,
    evidence: Evidence,
) -> list[Pattern]:
    """Trips put together into patterns; a trip without two calls runs nowhere and is left out."""
    calls, shapes, windows = _calls(tables), _shapes(tables), _groups(tables, "frequencies.txt", False)
    groups: dict[tuple[str, ...], Rows] = {}
    for trip in _rows(tables, "trips.txt"):
        chain = calls.get(trip["trip_id"], [])
        if len(chain) >= 2:
            same = (trip["route_id"], trip.get("direction_id", ""), trip.get("shape_id", ""))
            groups.setdefault((*same, *(call["stop_id"] for call in chain)), []).append(trip)
    patterns = []
    for pattern_id, trips in zip(_pattern_ids(list(groups.values())), groups.values(), strict=True):
        first = trips[0]
        places = tuple(_there(stops, call["stop_id"], first) for call in calls[first["trip_id"]])
        ways = segment_ids(pattern_id, [one.stop_id for one in places])
        onward = [*(evidence.get(("segment", way), NO_EVIDENCE) for way in ways), NO_EVIDENCE]
        straight = np.array([(one.lon_deg, one.lat_deg) for one in places])
        patterns.append(
            Pattern(
                pattern_id=pattern_id,
                route=_there(routes, first["route_id"], first),
                direction_id=first.get("direction_id", ""),
                headsign=_told(names, "trip_headsign", "trip_id", first),
                shape_id=first.get("shape_id", ""),
                calls=_pattern_calls(places, [calls[trip["trip_id"]] for trip in trips], onward),
                windows=_windows(trips, windows, evidence),
                departures=_departures(trips, windows, calls),
                lon_lat=shapes.get(first.get("shape_id", ""), straight),
                evidence=evidence.get(("pattern", pattern_id), NO_EVIDENCE),
            )
        )
    return patterns


def _there(known: dict[str, Found], name: str, trip: dict[str, str]) -> Found:
    """What a trip refers to."""
    if name not in known:
        raise FeedIncomplete(f"trip {trip['trip_id']} uses {name}, which the feed has not, or not its place")
    return known[name]


def _groups(tables: Tables, file: str, must: bool = True) -> dict[str, Rows]:
    """The rows of each trip."""
    groups: dict[str, Rows] = defaultdict(list)
    for row in _rows(tables, file, must):
        groups[row["trip_id"]].append(row)
    return dict(groups)


def _calls(tables: Tables) -> dict[str, Rows]:
    """The calls of each trip in their order."""
    calls = _groups(tables, "stop_times.txt")
    for chain in calls.values():
        chain.sort(key=lambda row: number(row["stop_sequence"]) or 0.0)
    return calls


def _shapes(tables: Tables) -> dict[str, FloatArray]:
    """The lines of the feed that have two points, (n, 2) of longitude and latitude."""
    points: dict[str, list[tuple[float, float, float]]] = defaultdict(list)
    for row in _rows(tables, "shapes.txt", False):
        lon, lat = number(row["shape_pt_lon"]), number(row["shape_pt_lat"])
        if lon is not None and lat is not None:
            points[row["shape_id"]].append((number(row["shape_pt_sequence"]) or 0.0, lon, lat))
    return {name: np.array(sorted(some))[:, 1:] for name, some in points.items() if len(some) > 1}


def _pattern_ids(groups: list[Rows]) -> list[str]:
    """What stands before the service in the ids of a pattern's trips; where two share that, a trip's id."""
    ids = [trips[0]["trip_id"].split(f"-{trips[0]['service_id']}")[0] for trips in groups]
    times = Counter(ids)
    return [one if times[one] == 1 else trips[0]["trip_id"] for one, trips in zip(ids, groups, strict=True)]


def _pattern_calls(
    places: tuple[Stop, ...], chains: list[Rows], onward: list[dict[str, str]]
) -> tuple[Call, ...]:
    """Calls with the middle of what the trips say of their times."""
    since: list[list[int]] = [[] for _ in places]
    for chain in chains:
        start_s = day_s(chain[0].get("departure_time", ""))
        for k, row in enumerate(chain):
            here_s = day_s(row.get("arrival_time", "") if k else row.get("departure_time", ""))
            if start_s is not None and here_s is not None:
                since[k].append(here_s - start_s)
    return tuple(
        Call(
            stop,
            along_m=number(row.get("shape_dist_traveled", "")),
            offset_s=round(median(some)) if some else None,
            is_hail="0" in (row.get("continuous_pickup"), row.get("continuous_drop_off")),
            onward=way,
        )
        for stop, row, some, way in zip(places, chains[0], since, onward, strict=True)
    )


def day_s(clock: str) -> int | None:
    """Seconds of a service day of HH:MM:SS, None for any other text."""
    parts = clock.split(":")
    if len(parts) != 3 or not all(part.strip().isdecimal() for part in parts):
        return None
    hours, minutes, seconds = map(int, parts)
    return hours * 3600 + minutes * 60 + seconds


def _windows(trips: Rows, windows: dict[str, Rows], evidence: Evidence) -> tuple[Window, ...]:
    """What frequencies.txt says of a pattern's trips, by service and time; exact_times=1 is a timetable."""
    found = []
    for trip in trips:
        for row in windows.get(trip["trip_id"], []):
            start_s, end_s = day_s(row["start_time"]), day_s(row["end_time"])
            headway_s = whole(row["headway_secs"])
            if start_s is None or end_s is None or not headway_s or row.get("exact_times") == "1":
                continue
            span = f"{row['start_time'][:-3]}-{row['end_time'][:-3]}"
            seen = evidence.get(("headway", f"{trip['trip_id']} {span}"), NO_EVIDENCE)
            known = (
                number(seen.get("low", "")),
                number(seen.get("high", "")),
                whole(seen.get("n_rides", "")),
            )
            is_unknown = UNKNOWN in seen.get("note", "")
            found.append(Window(trip["service_id"], start_s, end_s, headway_s, *known, is_unknown, seen))
    return tuple(sorted(found, key=lambda one: one[:4]))


def _departures(trips: Rows, windows: dict[str, Rows], calls: dict[str, Rows]) -> tuple[tuple[str, int], ...]:
    """Departures that the feed promises: of trips without windows, and of windows with exact times."""
    found = []
    for trip in trips:
        rows = windows.get(trip["trip_id"])
        if rows is None:
            start_s = day_s(calls[trip["trip_id"]][0].get("departure_time", ""))
            found += [(trip["service_id"], start_s)] if start_s is not None else []
        for row in rows or []:
            start_s, end_s = day_s(row["start_time"]), day_s(row["end_time"])
            headway_s = whole(row["headway_secs"])
            if row.get("exact_times") == "1" and headway_s and start_s is not None and end_s is not None:
                found += [(trip["service_id"], one) for one in range(start_s, end_s, headway_s)]
    return tuple(sorted(found))
