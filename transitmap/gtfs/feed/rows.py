"""Rows -> the columns of a table; the keys of what is published."""

from __future__ import annotations

from collections.abc import Iterable

Columns = dict[str, list[str]]
TripKeys = list[tuple[int, int]]  # pattern row, day type: what is published, sorted


def as_columns(names: str, rows: Iterable[Iterable[str]]) -> Columns:
    """Rows turned into columns; every column is there even without a row."""
    columns = [list(column) for column in zip(*rows, strict=True)]
    header = names.split()
    return dict(zip(header, columns or [[] for _ in header], strict=True))


def patterns_of(trips: TripKeys) -> list[int]:
    """Rows of the published patterns, sorted."""
    return sorted({pattern for pattern, _ in trips})
