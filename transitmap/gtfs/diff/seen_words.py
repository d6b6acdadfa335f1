"""Comparison -> what riders saw otherwise than an official feed, as text, JSON and CSV, in two languages."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator
from dataclasses import asdict

from transitmap.cells import plain_cell
from transitmap.gtfs.diff.seen import KINDS, WHATS, Comparison, Finding
from transitmap.model import JsonObject

COLUMNS = ("what", "kind", "id", "official_id", "name", "lat", "lon", "n_rides", "seen", "low", "high",
           "official", "es", "en")  # fmt: skip
HEADS = {
    "es": {
        "route": "Rutas",
        "pattern": "Recorridos",
        "stop": "Paradas",
        "known": "{kind}: {ours} en los viajes, {official} en el feed oficial, {both} en ambos",
        "not_official": "Lo que se usa y el feed oficial no tiene",
        "no_halt": "Paradas oficiales por donde se pasó sin encontrar parada",
        "moved": "Paradas que están en otro lugar",
        "renamed": "Rutas que se llaman de otro modo",
        "running_time": "Tiempos de recorrido que difieren",
        "headway": "Intervalos que difieren",
        "not_ridden": "Lo que solo el feed oficial tiene: nadie lo ha visto aún, no está mal",
    },
    "en": {
        "route": "Routes",
        "pattern": "Patterns",
        "stop": "Stops",
        "known": "{kind}: {ours} in the rides, {official} in the official feed, {both} in both",
        "not_official": "In use, and not in the official feed",
        "no_halt": "Official stops that rides passed and no stop was found at",
        "moved": "Stops that lie elsewhere",
        "renamed": "Routes that go by another name",
        "running_time": "Running times that differ",
        "headway": "Headways that differ",
        "not_ridden": "In the official feed alone: nobody has seen it yet, it is not wrong",
    },
}
SENTENCES = {
    "es": {
        "route": "Ruta",
        "pattern": "Recorrido",
        "stop": "Parada",
        "not_official": "{n} viajes, no está en el feed oficial.",
        "stop not_official": "{n} viajes paran ahí; la parada oficial más cercana está a {seen:.0f} m.",
        "stop alone": "{n} viajes paran ahí; el feed oficial no tiene paradas.",
        "no_halt": "pasaron {n} viajes y no se encontró parada ahí; la más cercana está a {seen:.0f} m.",
        "moved": "se para a {seen:.0f} m del lugar oficial (de {low:.0f} a {high:.0f} m).",
        "renamed": "quienes viajan dicen {said}, el feed oficial {told}.",
        "running_time": "de {start} a {end} se tarda {seen} min (cuatro de cada cinco, de {low} a {high});"
        " según el feed oficial {official}.",
        "headway": "{day}, de {start} a {end}: cada {seen} min (de {low} a {high}); según el feed oficial"
        " {official}.",
        "every": "cada {official}",
        "none": "no hay servicio",
        "not_ridden": "nadie ha pasado: no se sabe.",
        "stop not_ridden": "pasaron {n} viajes: no bastan para saber.",
        "weekday": "entre semana",
        "saturday": "en sábado",
        "sunday": "en domingo",
    },
    "en": {
        "route": "Route",
        "pattern": "Pattern",
        "stop": "Stop",
        "not_official": "{n} rides, not in the official feed.",
        "stop not_official": "{n} rides halt there; the nearest official stop is {seen:.0f} m away.",
        "stop alone": "{n} rides halt there; the official feed has no stops.",
        "no_halt": "{n} rides passed and no stop was found there; the nearest one is {seen:.0f} m away.",
        "moved": "vehicles halt {seen:.0f} m from the official place ({low:.0f} to {high:.0f} m).",
        "renamed": "riders say {said}, the official feed {told}.",
        "running_time": "{start} to {end} takes {seen} min (four in five, {low} to {high}); the official feed"
        " says {official}.",
        "headway": "{day}, {start} to {end}: every {seen} min ({low} to {high}); the official feed says"
        " {official}.",
        "every": "every {official}",
        "none": "no service",
        "not_ridden": "nobody has passed: unknown.",
        "stop not_ridden": "{n} rides passed: too few to tell.",
        "weekday": "weekdays",
        "saturday": "Saturdays",
        "sunday": "Sundays",
    },
}


def describe_seen(comparison: Comparison, lang: str) -> Iterator[str]:
    """A line a kind with what is known, then a heading and a sentence a finding; `lang` es, else English."""
    heads = HEADS[_lang(lang)]
    for kind in KINDS:
        ours, official, both = comparison.known[kind]
        yield heads["known"].format(kind=heads[kind], ours=ours, official=official, both=both)
    for what in WHATS:
        found = [one for one in comparison.findings if one.what == what]
        if found:
            yield from ("", f"{heads[what]} ({len(found)}):")
            yield from (tell(one, lang) for one in found)


def tell(finding: Finding, lang: str) -> str:
    """One finding as a planner reads it."""
    words = SENTENCES[_lang(lang)]
    ids = " = ".join(dict.fromkeys(filter(None, (finding.id, finding.official_id))))
    head = " ".join(filter(None, (words[finding.kind], finding.name, f"({ids})")))
    return f"{head}: {words[_which(finding)].format(**_numbers(finding, words))}"


def _which(finding: Finding) -> str:
    """The sentence that suits a finding: a stop has more to say."""
    if finding.kind == "stop" and finding.what == "not_official":
        return "stop alone" if math.isnan(finding.seen) else "stop not_official"
    if finding.kind == "stop" and finding.what == "not_ridden" and finding.n_rides:
        return "stop not_ridden"
    return finding.what


def _numbers(finding: Finding, words: dict[str, str]) -> dict[str, object]:
    """What a sentence asks for: minutes where it speaks of times, else metres."""
    n, values = finding.n_rides, finding.values
    if finding.what == "renamed":
        return {"said": values["seen"], "told": values["official"]}
    if finding.what not in ("running_time", "headway"):
        return {"n": n, "seen": finding.seen, "low": finding.low, "high": finding.high}
    minutes = {name: _minutes(getattr(finding, name)) for name in ("seen", "low", "high", "official")}
    if finding.what == "running_time":
        return {"start": values["from"], "end": values["to"], **minutes}
    told = words["none"] if math.isnan(finding.official) else words["every"].format(**minutes)
    clock = {"start": _clock(values["start_s"]), "end": _clock(values["end_s"])}
    return {**minutes, **clock, "day": words[values["day"]], "official": told}


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.1f}".removesuffix(".0")


def _clock(day_s: int) -> str:
    return f"{day_s // 3600:02d}:{day_s // 60 % 60:02d}"


def seen_as_json(comparison: Comparison) -> JsonObject:
    """The comparison for programs: numbers that are not known are null."""
    findings = [
        {name: None if isinstance(value, float) and math.isnan(value) else value
         for name, value in asdict(one).items()}
        for one in comparison.findings
    ]  # fmt: skip
    known = {
        kind: dict(zip(("seen", "official", "both"), comparison.known[kind], strict=True)) for kind in KINDS
    }
    return {"known": known, "counts": comparison.counts(), "findings": findings}


def seen_as_csv(comparison: Comparison) -> str:
    """A row a finding, with its sentence in both languages; nothing that a spreadsheet would run."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for one in comparison.findings:
        names = [plain_cell(value) for value in (one.id, one.official_id, one.name)]
        place = [_number(value, 6) for value in (one.lat_deg, one.lon_deg)]
        numbers = [_number(value, 1) for value in (one.seen, one.low, one.high, one.official)]
        told = [tell(one, lang) for lang in ("es", "en")]
        writer.writerow([one.what, one.kind, *names, *place, one.n_rides, *numbers, *told])
    return text.getvalue()


def _number(value: float, decimals: int) -> str:
    return f"{value:.{decimals}f}" if math.isfinite(value) else ""


def _lang(lang: str) -> str:
    return "es" if lang.split("-")[0].split("_")[0].lower() == "es" else "en"
