"""Columns of tables as texts, numbers and seconds: empty where one is missing, NaN where unreadable."""

from __future__ import annotations

import numpy as np

from transitmap.model import FloatArray, Tables


def texts(tables: Tables, file: str, name: str) -> list[str]:
    """A column's values; empty strings where the column is missing, none without the table."""
    table = tables.get(file, {})
    return table.get(name) or [""] * len(next(iter(table.values()), []))


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def numbers(tables: Tables, file: str, name: str) -> FloatArray:
    """A column of numbers, NaN where there is none."""
    return np.array([_number(text) for text in texts(tables, file, name)], dtype=float)


def seconds(tables: Tables, file: str, name: str) -> FloatArray:
    """A column of times as seconds of the service day, NaN where there is none."""
    said = texts(tables, file, name)
    known = {text: _second(text) for text in set(said)}
    return np.array([known[text] for text in said], dtype=float)


def _second(text: str) -> float:
    parts = [_number(part) for part in text.split(":")]
    return parts[0] * 3600 + parts[1] * 60 + parts[2] if len(parts) == 3 else float("nan")
