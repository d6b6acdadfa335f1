"""Difference -> sentences in Spanish or English, JSON and GeoJSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from transitmap.gtfs.diff.shifts import KINDS, Change, Difference
from transitmap.model import JsonObject

Words = dict[str, str]
HEADS = {
    "es": {"route": "Rutas", "pattern": "Recorridos", "stop": "Paradas"},
    "en": {"route": "Routes", "pattern": "Patterns", "stop": "Stops"},
}
NUMBERS = {
    "es": {
        "added": "altas {n}",
        "removed": "bajas {n}",
        "renamed": "cambian de nombre {n}",
        "other_route": "cambian de ruta {n}",
        "other_stops": "cambian de paradas {n}",
        "moved": "cambian de lugar {n}",
        "retimed": "cambian de horario {n}",
    },
    "en": {
        "added": "added {n}",
        "removed": "removed {n}",
        "renamed": "renamed {n}",
        "other_route": "on another route {n}",
        "other_stops": "with other stops {n}",
        "moved": "moved {n}",
        "retimed": "retimed {n}",
    },
}
THINGS = {
    "es": {"route": "Ruta", "pattern": "Recorrido", "stop": "Parada"},
    "en": {"route": "Route", "pattern": "Pattern", "stop": "Stop"},
}
SENTENCES = {
    "es": {
        "added": "es nueva.",
        "removed": "ya no está.",
        "renamed": "antes se llamaba {old}, ahora {new}.",
        "other_route": "pasa de la ruta {old} a la {new}.",
        "moved": "se movió {moved_m:.0f} m.",
        "line": "cambia de camino: hasta {moved_m:.0f} m de diferencia.",
        "gained": "para también en {stops}.",
        "lost": "ya no para en {stops}.",
        "order": "para en otro orden.",
        "run": "tarda {new} de punta a punta; antes {old}.",
        "window": "{day}, de {start} a {end}: {new}; antes {old}.",
        "windows": "Y {n} horarios más.",
        "every": "cada {minutes} min",
        "none": "sin servicio",
        "unknown": "no se sabe",
        "unnamed": "sin nombre",
        "minutes": "{minutes} min",
        "and": " y ",
        "more": "{n} más",
        "equal": "Nada cambió para quien viaja.",
        "smaller": "Cambios demasiado chicos para contarlos uno por uno: {n}.",
    },
    "en": {
        "added": "is new.",
        "removed": "is gone.",
        "renamed": "was called {old}, now {new}.",
        "other_route": "goes from route {old} to {new}.",
        "moved": "moved by {moved_m:.0f} m.",
        "line": "takes another way: up to {moved_m:.0f} m apart.",
        "gained": "also calls at {stops}.",
        "lost": "no longer calls at {stops}.",
        "order": "calls in another order.",
        "run": "takes {new} from end to end; before {old}.",
        "window": "{day}, {start} to {end}: {new}; before {old}.",
        "windows": "And {n} more windows.",
        "every": "every {minutes} min",
        "none": "no service",
        "unknown": "not known",
        "unnamed": "without a name",
        "minutes": "{minutes} min",
        "and": " and ",
        "more": "{n} more",
        "equal": "Nothing changed for those who ride.",
        "smaller": "Changes too small to be told one by one: {n}.",
    },
}
DAYS = {
    "es": {"weekday": "Entre semana", "saturday": "En sábado", "sunday": "En domingo"},
    "en": {"weekday": "Weekdays", "saturday": "Saturdays", "sunday": "Sundays"},
}
MASCULINE: dict[str, dict[str, Words]] = {"es": {"pattern": {"added": "es nuevo."}}, "en": {}}
MAX_SHOWN = 4
"""Stops and hours that a sentence names; JSON has them all."""


def describe(difference: Difference, lang: str) -> Iterator[str]:
    """A line with the numbers of each kind, then a sentence a change; `lang` es, any other English."""
    words = SENTENCES[_lang(lang)]
    if not difference.changes:
        yield words["equal"]
    yield from summary(difference.counts(), lang)
    yield from (sentence(change, lang) for change in difference.changes)
    if difference.smaller:
        yield words["smaller"].format(n=sum(difference.smaller.values()))


def summary(counts: dict[str, dict[str, int]], lang: str) -> Iterator[str]:
    """A line a kind with how many were added, removed and so on."""
    for kind in KINDS:
        if counts.get(kind):
            numbers = (NUMBERS[_lang(lang)][what].format(n=n) for what, n in counts[kind].items())
            yield f"{HEADS[_lang(lang)][kind]}: {', '.join(numbers)}"


def sentence(change: Change, lang: str) -> str:
    """One change as a planner reads it."""
    lang = _lang(lang)
    first, *more = _clauses(change, lang)
    more = [clause[:1].upper() + clause[1:] for clause in more]
    return " ".join([f"{_called(change, lang)}:", first, *more])


def as_json(difference: Difference, with_lines: bool = False) -> JsonObject:
    """The difference for programs, where things are only on demand."""
    changes = [asdict(change) for change in difference.changes]
    for row in changes:
        row["lines"] = [[list(place) for place in line] for line in row["lines"]] if with_lines else []
    if not with_lines:
        changes = [{name: value for name, value in row.items() if name != "lines"} for row in changes]
    return {
        "by_ids": difference.by_ids,
        "counts": difference.counts(),
        "smaller": difference.smaller,
        "changes": changes,
    }


def from_json(plain: JsonObject) -> Difference:
    """The difference that `as_json` wrote with its lines."""
    changes = (
        Change(**{**row, "lines": tuple(tuple((lat, lon) for lat, lon in line) for line in row["lines"])})
        for row in plain["changes"]
    )
    return Difference(tuple(changes), plain["smaller"], plain["by_ids"])


def as_geojson(difference: Difference, lang: str) -> JsonObject:
    """A feature a change, with its sentence: stops are points, moved ones the way they moved."""
    features = [
        {
            "type": "Feature",
            "geometry": _geometry(change),
            "properties": {
                "kind": change.kind,
                "what": change.what,
                "old_id": change.old_id,
                "new_id": change.new_id,
                "name": change.name,
                "text": sentence(change, lang),
                **change.values,
            },
        }
        for change in difference.changes
    ]
    return {"type": "FeatureCollection", "features": features}


def _lang(lang: str) -> str:
    return "es" if lang.split("-")[0].split("_")[0].lower() == "es" else "en"


def _called(change: Change, lang: str) -> str:
    """The kind, the name and the ids: the new one, and the old one where it is another."""
    thing, ids = THINGS[lang][change.kind], dict.fromkeys(filter(None, (change.old_id, change.new_id)))
    words = [change.name] if change.name.startswith(f"{thing} ") else [thing, change.name]
    return " ".join(filter(None, [*words, f"({' → '.join(ids)})"]))


def _clauses(change: Change, lang: str) -> Iterator[str]:
    words, values = SENTENCES[lang], change.values
    if change.what == "other_stops":
        yield from _other_stops(values, words)
    elif change.what == "retimed":
        yield from _times(values, words, DAYS[lang])
    elif change.what == "moved":
        yield words["moved" if change.kind == "stop" else "line"].format(**values)
    elif change.what in ("renamed", "other_route"):
        names = {side: values[side] or words["unnamed"] for side in ("old", "new")}
        yield words[change.what].format(**names)
    else:
        yield MASCULINE[lang].get(change.kind, {}).get(change.what, words[change.what])


def _other_stops(values: dict[str, Any], words: Words) -> Iterator[str]:
    for what in ("gained", "lost"):
        if values[what]:
            yield words[what].format(stops=_some(values[what], words))
    if not values["gained"] and not values["lost"]:
        yield words["order"]


def _some(stops: list[list[str]], words: Words) -> str:
    """The names of a few stops, and how many more there are."""
    names = [name or stop_id for stop_id, name in stops]
    shown = names if len(names) <= MAX_SHOWN else names[: MAX_SHOWN - 1]
    more = [words["more"].format(n=len(names) - len(shown))] if len(names) > len(shown) else []
    *first, last = [*shown, *more]
    return words["and"].join(["; ".join(first), last]) if first else last


def _times(values: dict[str, Any], words: Words, days: Words) -> Iterator[str]:
    if "run_s" in values:
        old, new = (_minutes(one, words, "minutes", "unknown") for one in values["run_s"])
        yield words["run"].format(old=old, new=new)
    windows = values.get("windows", [])
    shown = windows if len(windows) <= MAX_SHOWN else windows[: MAX_SHOWN - 1]
    for day, start_s, end_s, *headways in shown:
        old, new = (_minutes(one, words, "every", "none") for one in headways)
        clock = {"start": _clock(start_s), "end": _clock(end_s)}
        yield words["window"].format(day=days[day], **clock, old=old, new=new)
    if len(windows) > len(shown):
        yield words["windows"].format(n=len(windows) - len(shown))


def _minutes(seconds: float | None, words: Words, known: str, unknown: str) -> str:
    if seconds is None:
        return words[unknown]
    return words[known].format(minutes=f"{seconds / 60:.1f}".removesuffix(".0"))


def _clock(day_s: int) -> str:
    return f"{day_s // 3600:02d}:{day_s // 60 % 60:02d}"


def _geometry(change: Change) -> JsonObject | None:
    """What GeoJSON calls it; longitude first."""
    lines = [[[lon, lat] for lat, lon in line] for line in change.lines]
    if not lines:
        return None
    if change.kind == "route":
        return {"type": "MultiLineString", "coordinates": lines}
    if len(lines[0]) == 1:
        return {"type": "Point", "coordinates": lines[0][0]}
    return {"type": "LineString", "coordinates": lines[0]}
