"""What was held back -> a row of the table and a sentence, and back from the table."""

from __future__ import annotations

import csv
import io

from transitmap.gtfs.evidence.rows import Counts, Row
from transitmap.model import HeldBack, JsonObject

KIND = "held_back"
KINDS = {
    "stops": ("paradas", "stops"),
    "patterns": ("recorridos", "patterns"),
    "routes": ("rutas", "routes"),
    "segments": ("tramos entre paradas", "ways between stops"),
    "headways": ("intervalos", "headways"),
    "hails": ("tramos de subida y bajada libre", "hail-and-ride stretches"),
    "fares": ("tarifas", "fares"),
    "step_free": ("paradas con o sin escalón", "stops with or without a step"),
}
REASONS = {
    "few_riders": ("menos de {} viajeros", "fewer than {} riders"),
    "nobody": ("nadie lo ha recorrido entero", "nobody rode all of it"),
    "no_call": ("ningún recorrido publicado para ahí", "no pattern left that calls there"),
    "few_stops": ("quedan menos de 2 paradas", "fewer than 2 stops left"),
    "no_pattern": ("no queda ningún recorrido", "no pattern left"),
    "no_headway": (
        "sin intervalo observado, fuera del feed",
        "no headway observed, not in the feed",
    ),
}
LANGS = ("es", "en")


def describe(held: HeldBack, lang: str) -> str:
    """`2 of 12 patterns held back: fewer than 3 riders`, in Spanish or English. Says nothing of where."""
    k = LANGS.index(lang) if lang in LANGS else 0
    reason = REASONS[held.reason][k].format(held.min_riders)
    form = ("Se retienen {} de {} {}: {}", "{} of {} {} held back: {}")[k]
    return form.format(held.n, held.n_all, KINDS[held.kind][k], reason)


def as_json(held: HeldBack) -> JsonObject:
    """The numbers, and the sentence in both languages."""
    return {**held._asdict(), "text_es": describe(held, "es"), "text_en": describe(held, "en")}


def held_back_row(held: HeldBack) -> Row:
    """How many (`low`) of how many (`high`); `n_riders` is how many people it takes to be published."""
    note = " / ".join(describe(held, lang) for lang in LANGS)
    counts = Counts(n_riders=held.min_riders)
    return Row(KIND, f"{held.kind} {held.reason}", note, counts, low=held.n, high=held.n_all)


def read_held_back(evidence_csv: str) -> list[HeldBack]:
    """What an evidence table says was held back; nothing for one of before this was told."""
    rows = csv.DictReader(io.StringIO(evidence_csv, newline=""))
    return [_held_back(row) for row in rows if row.get("kind") == KIND]


def _held_back(row: dict[str, str]) -> HeldBack:
    kind, reason = row["id"].split(" ", 1)
    return HeldBack(kind, reason, int(row["low"]), int(row["high"]), int(row["n_riders"]))
