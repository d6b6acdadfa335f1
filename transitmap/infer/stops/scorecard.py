"""Signs -> confidence: what each sign of a candidate is worth, as learned on simulated cities."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import NamedTuple

import numpy as np

from transitmap.model import FloatArray


class Scorecard(NamedTuple):
    """The points of sign `names[k]` are `points[k][i]` between `edges[k][i - 1]` and `edges[k][i]`; the sum
    of all points and `base` is the logarithm of the odds."""

    base: float
    names: tuple[str, ...]
    edges: tuple[FloatArray, ...]
    points: tuple[FloatArray, ...]


def confidence_of(signs: FloatArray, names: Sequence[str], card: Scorecard) -> FloatArray:
    """The probability that each row of signs (n, names) is a stop.

    Raises:
        ValueError: the card knows other signs than those given.
    """
    if tuple(names) != card.names:
        raise ValueError(f"signs {sorted(set(names) ^ set(card.names))} are missing or unknown")
    total = np.full(len(signs), card.base)
    for k, (edges, points) in enumerate(zip(card.edges, card.points, strict=True)):
        total += points[np.searchsorted(edges, signs[:, k], side="left")]
    return np.asarray(1.0 / (1.0 + np.exp(-total)))


@cache
def learned() -> Scorecard:
    """The card that comes with transitmap; `benchmarks/train_stops.py` made it."""
    text = resources.files("transitmap.infer.stops").joinpath("scorecard.json").read_text(encoding="utf-8")
    return read_scorecard(text)


def read_scorecard(text: str) -> Scorecard:
    """A card from JSON: `base` and, by sign, `edges` and one more `points`.

    Raises:
        ValueError: not JSON, or the lengths do not fit.
    """
    card = json.loads(text)
    signs = card["signs"]
    edges = tuple(np.array(sign["edges"], dtype=float) for sign in signs.values())
    points = tuple(np.array(sign["points"], dtype=float) for sign in signs.values())
    if any(len(p) != len(e) + 1 or (np.diff(e) <= 0).any() for e, p in zip(edges, points, strict=True)):
        raise ValueError("scorecard: each sign needs rising edges and one more points than edges")
    return Scorecard(float(card["base"]), tuple(signs), edges, points)
