"""Rides that count -> a rider's level, badges and weeks: what was given to the map, told with numbers.

Nothing here is paid for distance: a metre counts once somebody else, too, has seen it.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from zoneinfo import ZoneInfo

NIGHT_FROM_H, NIGHT_UNTIL_H = 22, 5
LEVELS = (
    (100, "Parada", "Stop"),
    (3_000, "Ramal", "Branch"),
    (12_000, "Ruta", "Route"),
    (40_000, "Corredor", "Corridor"),
    (100_000, "Base", "Terminal"),
    (250_000, "Red", "Network"),
    (600_000, "Ciudad", "City"),
)
"""Confirmed metres from which a level holds, and its name. 12 km are a line of a city in one direction."""
FRESH = "fresh_metres"
SEEN = ("yours_before_m", "others_that_day_m", "known_m")
WEEKS_A_FREEZE, MAX_FREEZES = 4, 2
EPOCH = datetime.date(1970, 1, 1)
DAYS_A_WEEK = 7
MONDAY = 3
"""Days from the Monday of its week to 1970-01-01, a Thursday."""


@dataclass(frozen=True)
class Deed:
    """One ride of a rider as far as it told anything.

    `metres` are those of which the ride made its rider an observer, by how many there were before, and
    `fresh_m` those that nobody had ridden for long; `permille` is the share that others have confirmed.
    `day` counts local days since 1970-01-01, `hour` is that of boarding. `for_mission` and `for_adopted`: it
    met a mission, or ran on a route that its rider had adopted. `seen_m` are all metres it ran along.
    """

    day: int
    hour: int
    route_id: str
    direction_id: int | None
    metres: Mapping[int, int]
    permille: int
    for_mission: bool = False
    for_adopted: bool = False
    fresh_m: int = 0
    seen_m: int = 0

    @property
    def told_m(self) -> int:
        """Metres that it told anything about."""
        return sum(self.metres.values()) + self.fresh_m

    @property
    def known_m(self) -> int:
        """Confirmed metres, rounded down."""
        return self.told_m * self.permille // 1000

    @property
    def waiting_m(self) -> int:
        """Metres that wait for somebody else to see them."""
        return self.told_m - self.known_m


class Awarded(Protocol):
    """A ride with what the ledger says of it."""

    @property
    def started_s(self) -> float:
        """When it was boarded, Unix time."""
        ...

    @property
    def route_id(self) -> str:
        """The route, empty where it was none that is published."""
        ...

    @property
    def direction_id(self) -> int | None:
        """The direction on it."""
        ...

    @property
    def permille(self) -> int:
        """The share that others have confirmed."""
        ...

    @property
    def awards(self) -> Sequence[tuple[str, Mapping[str, Any]]]:
        """Rule and evidence of each of its awards."""
        ...


def deeds_of(rides: Iterable[Awarded], adopted_s: Mapping[str, float], timezone: str) -> tuple[Deed, ...]:
    """What a rider's rides told; `adopted_s` says since when the rider looks after which route."""
    return tuple(_deed(ride, adopted_s, ZoneInfo(timezone)) for ride in rides)


def _deed(ride: Awarded, adopted_s: Mapping[str, float], zone: ZoneInfo) -> Deed:
    boarded = datetime.datetime.fromtimestamp(ride.started_s, zone)
    metres: dict[int, int] = {}
    fresh_m = seen_m = 0
    for rule, evidence in ride.awards:
        if rule == FRESH:
            fresh_m += evidence.get("length_m", 0)
        else:
            for n_before, length_m in evidence.get("length_m_by_earlier_observers", {}).items():
                metres[int(n_before)] = metres.get(int(n_before), 0) + length_m
        seen_m = max(seen_m, *(evidence.get(name, 0) for name in SEEN))
    return Deed(
        (boarded.date() - EPOCH).days,
        boarded.hour,
        ride.route_id,
        ride.direction_id,
        metres,
        ride.permille,
        for_mission=any("mission_id" in evidence for _, evidence in ride.awards),
        for_adopted=ride.started_s >= adopted_s.get(ride.route_id, float("inf")),
        fresh_m=fresh_m,
        seen_m=max(seen_m, sum(metres.values()) + fresh_m),
    )


@dataclass(frozen=True)
class Level:
    """How much of the map a rider helped to know. `number` is 0 before the first, `next_m` 0 at the last."""

    number: int
    name_es: str
    name_en: str
    known_m: int
    waiting_m: int
    next_m: int
    text_es: str
    text_en: str


def level(deeds: Iterable[Deed]) -> Level:
    """The level that these rides have reached; their order does not matter."""
    deeds = list(deeds)
    known_m = sum(deed.known_m for deed in deeds)
    waiting_m = sum(deed.waiting_m for deed in deeds)
    number = sum(known_m >= from_m for from_m, _, _ in LEVELS)
    _, name_es, name_en = LEVELS[number - 1] if number else (0, "", "")
    next_m = LEVELS[number][0] if number < len(LEVELS) else 0
    text_es, text_en = _say_level(number, known_m, waiting_m)
    return Level(number, name_es, name_en, known_m, waiting_m, next_m, text_es, text_en)


def _say_level(number: int, known_m: int, waiting_m: int) -> tuple[str, str]:
    text_es, text_en = f"{_km(known_m)} que alguien más confirmó.", f"{_km(known_m)} that others confirmed."
    if number < len(LEVELS):
        from_m, name_es, name_en = LEVELS[number]
        lacking = _km(from_m - known_m)
        text_es += f" Faltan {lacking} para el nivel {number + 1}, {name_es}."
        text_en += f" {lacking} to level {number + 1}, {name_en}."
    if waiting_m:
        text_es += f" Otros {_km(waiting_m)} tuyos esperan a una segunda persona."
        text_en += f" Another {_km(waiting_m)} of yours wait for a second person."
    return text_es, text_en


def _km(metres: int) -> str:
    """Below 1 km whole metres, else kilometres with one decimal."""
    return f"{metres} m" if metres < 1000 else f"{metres / 1000:,.1f} km"


# --- badges --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Badge:
    """Something a rider did for the map `n` times. `grade` is how many of the `steps` that reaches."""

    code: str
    n: int
    grade: int
    steps: tuple[int, ...]
    name_es: str
    name_en: str
    text_es: str
    text_en: str

    @property
    def needed(self) -> int:
        """How many the next step takes; the last step where all are reached."""
        return self.steps[min(self.grade, len(self.steps) - 1)]


@dataclass(frozen=True)
class Kind:
    """How a badge is counted, from confirmed rides alone, and what is said of it: name and meaning."""

    code: str
    count: Callable[[Sequence[Deed]], int]
    steps: tuple[int, ...]
    name_es: str
    name_en: str
    text_es: str
    text_en: str


def badges(deeds: Iterable[Deed]) -> tuple[Badge, ...]:
    """Every badge with how far these rides have come; only confirmed ones count."""
    confirmed = [deed for deed in deeds if deed.known_m > 0]
    return tuple(_badge(kind, kind.count(confirmed)) for kind in KINDS)


def _badge(kind: Kind, n: int) -> Badge:
    grade = sum(n >= step for step in kind.steps)
    needed = kind.steps[min(grade, len(kind.steps) - 1)]
    return Badge(
        kind.code,
        n,
        grade,
        kind.steps,
        kind.name_es,
        kind.name_en,
        f"{kind.text_es}: {n}." if n >= needed else f"{kind.text_es}: {n} de {needed}.",
        f"{kind.text_en}: {n}." if n >= needed else f"{kind.text_en}: {n} of {needed}.",
    )


def _n_new(deeds: Sequence[Deed]) -> int:
    return sum(deed.metres.get(0, 0) > 0 for deed in deeds)


def _n_second(deeds: Sequence[Deed]) -> int:
    return sum(deed.metres.get(1, 0) > 0 for deed in deeds)


def _n_routes(deeds: Sequence[Deed]) -> int:
    return len({deed.route_id for deed in deeds} - {""})


def _n_at_night(deeds: Sequence[Deed]) -> int:
    return _n_routes([deed for deed in deeds if deed.hour >= NIGHT_FROM_H or deed.hour < NIGHT_UNTIL_H])


def _n_both_ways(deeds: Sequence[Deed]) -> int:
    there, back = ({deed.route_id for deed in deeds if deed.direction_id == way} for way in (0, 1))
    return len(there & back - {""})


def _n_fresh(deeds: Sequence[Deed]) -> int:
    return sum(deed.fresh_m > 0 for deed in deeds)


def _n_kinds_of_day(deeds: Sequence[Deed]) -> int:
    """Of working days, Saturdays and Sundays."""
    return len({max(4, (deed.day + MONDAY) % DAYS_A_WEEK) for deed in deeds})


def _n_missions(deeds: Sequence[Deed]) -> int:
    return sum(deed.for_mission for deed in deeds)


def _n_adopted(deeds: Sequence[Deed]) -> int:
    return _n_routes([deed for deed in deeds if deed.for_adopted])


KINDS = (
    Kind(
        "new_ground",
        _n_new,
        (1, 10, 50),
        "Terreno nuevo",
        "New ground",
        "Viajes donde nadie había pasado, y que alguien más confirmó después",
        "Trips where nobody had been, which others confirmed later",
    ),
    Kind(
        "second_voice",
        _n_second,
        (1, 10, 50),
        "Segunda voz",
        "Second voice",
        "Viajes con los que confirmaste, antes que nadie, lo que una persona había registrado",
        "Trips that were the first to confirm what one person had recorded",
    ),
    Kind(
        "many_routes",
        _n_routes,
        (3, 10, 30),
        "Sin ruta fija",
        "Many routes",
        "Rutas distintas con un tramo tuyo confirmado",
        "Different routes with a confirmed stretch of yours",
    ),
    Kind(
        "both_ways",
        _n_both_ways,
        (1, 5, 20),
        "Ida y vuelta",
        "There and back",
        "Rutas con un tramo tuyo confirmado en los dos sentidos",
        "Routes with a confirmed stretch of yours in both directions",
    ),
    Kind(
        "night_route",
        _n_at_night,
        (1, 3, 10),
        "Ruta de noche",
        "Night route",
        "Rutas con un tramo tuyo confirmado entre las 22 y las 5 horas",
        "Routes with a confirmed stretch of yours between 22:00 and 5:00",
    ),
    Kind(
        "all_week",
        _n_kinds_of_day,
        (3,),
        "De lunes a domingo",
        "All week",
        "Clases de día con un viaje confirmado: entre semana, sábado y domingo",
        "Kinds of day with a confirmed trip: working day, Saturday and Sunday",
    ),
    Kind(
        "fresh",
        _n_fresh,
        (1, 10, 50),
        "Al día",
        "Up to date",
        "Viajes confirmados por donde hacía tiempo que nadie registraba nada",
        "Confirmed trips where nobody had recorded anything for long",
    ),
    Kind(
        "mission",
        _n_missions,
        (1, 5, 20),
        "Misión cumplida",
        "Mission done",
        "Viajes confirmados que cumplieron una misión",
        "Confirmed trips that met a mission",
    ),
    Kind(
        "adopted_route",
        _n_adopted,
        (1, 3, 10),
        "Ruta adoptada",
        "Adopted route",
        "Rutas que adoptaste y que seguiste registrando, con un tramo confirmado",
        "Routes that you adopted and went on recording, with a confirmed stretch",
    ),
)


# --- weeks ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Weeks:
    """Weeks with a trip. `n` and `best` never fall, whatever pause there is.

    `in_a_row` is the row that goes on now, 0 while it rests; `frozen` are the empty weeks that freezes have
    bridged in it, `freezes` those still held.
    """

    n: int
    in_a_row: int
    best: int
    freezes: int
    frozen: int
    has_this_week: bool
    text_es: str
    text_en: str


@dataclass(frozen=True)
class _Row:
    length: int = 0
    freezes: int = 0
    frozen: int = 0


def weeks(days: Iterable[int], today: int) -> Weeks:
    """What the local days with a trip (since 1970-01-01) come to, seen on the day `today`.

    Every fourth week of a row gives a freeze, two at most are held; each bridges one empty week. The week
    that has begun is never empty yet.
    """
    this_week = week_of(today)
    ridden = sorted({week for day in days if (week := week_of(day)) <= this_week})
    row, best, last = _Row(), 0, 0
    for week in ridden:
        row = _go_on(row, week - last - 1)
        best, last = max(best, row.length), week
    n_empty = max(0, this_week - last - 1)
    row = _bridge(row, n_empty) if n_empty <= row.freezes else _Row()
    has_this_week = last == this_week and bool(ridden)
    text_es, text_en = _say_weeks(len(ridden), row, best)
    return Weeks(len(ridden), row.length, best, row.freezes, row.frozen, has_this_week, text_es, text_en)


def week_of(day: int) -> int:
    """The number of the week (Monday to Sunday) that a day is in."""
    return (day + MONDAY) // DAYS_A_WEEK


def _go_on(row: _Row, n_empty: int) -> _Row:
    """The row with one week more after so many empty ones; a new row where they are too many."""
    row = _bridge(row, n_empty) if row.length and n_empty <= row.freezes else _Row()
    length = row.length + 1
    freezes = min(MAX_FREEZES, row.freezes + (length % WEEKS_A_FREEZE == 0))
    return _Row(length, freezes, row.frozen)


def _bridge(row: _Row, n_empty: int) -> _Row:
    return _Row(row.length, row.freezes - n_empty, row.frozen + n_empty)


def _say_weeks(n: int, row: _Row, best: int) -> tuple[str, str]:
    if not n:
        return "Todavía sin semanas con viaje.", "No week with a trip yet."
    text_es, text_en = f"Semanas con viaje: {n}.", f"Weeks with a trip: {n}."
    if row.length > 1:
        text_es += f" Seguidas ahora: {row.length}; tu mejor serie: {best}."
        text_en += f" In a row now: {row.length}; your best row: {best}."
    elif best > 1:
        text_es += f" Tu mejor serie: {best}, y nadie te la quita. Sigue cuando quieras."
        text_en += f" Your best row: {best}, and it stays yours. Go on whenever you like."
    if row.frozen:
        text_es += f" Pausas que no contaron en contra: {row.frozen}."
        text_en += f" Pauses that did not count against you: {row.frozen}."
    if row.freezes:
        text_es += f" Puedes descansar {row.freezes} más sin cortar la serie."
        text_en += f" You can rest {row.freezes} more without ending the row."
    return text_es, text_en
