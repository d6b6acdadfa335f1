"""Evidence, Evaluation -> claims: what was stated with which confidence, and whether it is so."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from transitmap.evaluate.score import Evaluation
from transitmap.model import SERVICE_IDS

INTERVAL_CONFIDENCE = 0.8
"""What the interval of a headway promises where its row states no confidence of its own."""
WINDOW = re.compile(r"(\S+)-(\w\w) (\d+):(\d+)-(\d+):(\d+)")


class Claim(NamedTuple):
    """A row of the evidence table that the reference can confirm or refute."""

    kind: str
    id: str
    confidence: float
    is_right: bool


class Share(NamedTuple):
    """Claims of like confidence: how many, what they state on average, which share is right."""

    n: int
    stated: float
    right: float


def claims_of(evaluation: Evaluation, evidence_csv: str) -> list[Claim]:
    """What an evidence table claims, of what can be told.

    A stop is right within 30 m of a stop of the reference that is no other's, a pattern where it is a pattern
    of the reference, a headway where the interval holds the mean headway of a weekday; headways of patterns
    that the reference lacks, and of days other than weekdays, cannot be told.
    """
    rows = list(csv.DictReader(io.StringIO(evidence_csv)))
    return [
        *_stop_claims(evaluation, [row for row in rows if row["kind"] == "stop"]),
        *_pattern_claims(evaluation, [row for row in rows if row["kind"] == "pattern"]),
        *_headway_claims(evaluation, [row for row in rows if row["kind"] == "headway"]),
    ]


def reliability(claims: Sequence[Claim], edges: Sequence[float]) -> list[Share]:
    """One row for each step of confidence from an edge to the next (the last edge included) with a claim."""
    stated = np.array([claim.confidence for claim in claims], dtype=float)
    right = np.array([claim.is_right for claim in claims], dtype=bool)
    step = np.clip(np.searchsorted(edges, stated, side="right") - 1, 0, len(edges) - 2)
    rows = [np.flatnonzero(step == k) for k in range(len(edges) - 1)]
    return [Share(len(row), float(stated[row].mean()), float(right[row].mean())) for row in rows if len(row)]


def _stop_claims(evaluation: Evaluation, rows: Sequence[dict[str, str]]) -> Iterator[Claim]:
    there = set(evaluation.feed.stop_id)
    right = {evaluation.feed.stop_id[k] for k in evaluation.stops.found.tolist()}
    for row in rows:
        if row["id"] in there and row["confidence"]:
            yield Claim("stop", row["id"], float(row["confidence"]), row["id"] in right)


def _pattern_claims(evaluation: Evaluation, rows: Sequence[dict[str, str]]) -> Iterator[Claim]:
    published, right = _published(evaluation), set(evaluation.patterns.found.tolist())
    for row in rows:
        if row["id"] in published and row["confidence"]:
            yield Claim("pattern", row["id"], float(row["confidence"]), published[row["id"]] in right)


def _headway_claims(evaluation: Evaluation, rows: Sequence[dict[str, str]]) -> Iterator[Claim]:
    published = _published(evaluation)
    true_of = dict(zip(evaluation.patterns.found.tolist(), evaluation.patterns.true.tolist(), strict=True))
    for row in rows:
        window = WINDOW.fullmatch(row["id"])
        if window is None or window[2] != SERVICE_IDS[0] or not row["low"] or not row["high"]:
            continue
        true = true_of.get(published.get(window[1], -1), -1)
        if true >= 0:
            first = int(window[3])
            last = max(first + 1, int(window[5]) + (int(window[6]) > 0))
            rate = 1.0 / evaluation.true_headway_s[true, first:last]
            if np.isfinite(rate).any():
                headway_s = 1.0 / float(np.nanmean(rate))
                stated = float(row["confidence"] or INTERVAL_CONFIDENCE)
                is_right = float(row["low"]) <= headway_s <= float(row["high"])
                yield Claim("headway", row["id"], stated, is_right)


def _published(evaluation: Evaluation) -> dict[str, int]:
    """The pattern of the feed behind each id of a pattern: its trips are named after it."""
    return {trip.rpartition("-")[0]: row for trip, row in evaluation.feed.pattern_of().items()}
