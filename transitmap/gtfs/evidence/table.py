"""Rows -> evidence.csv, for people and their spreadsheets."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence

from transitmap.cells import plain_cell
from transitmap.gtfs.evidence.held_back import held_back_row
from transitmap.gtfs.evidence.rows import Row, day, number, rows_of
from transitmap.model import HeldBack, Ids, Network

COLUMNS = (
    "kind",
    "id",
    "n_rides",
    "n_riders",
    "n_days",
    "last_seen",
    "confidence",
    "low",
    "high",
    "note",
)


def evidence_table(network: Network, ids: Ids, held_back: Sequence[HeldBack] = ()) -> str:
    """CSV text with the rows of `rows_of`, and after them one for each kind of thing that was held back.

    A number nobody knows is empty. A text that a spreadsheet would take for a formula starts with an
    apostrophe.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows(_cells(row) for row in rows_of(network, ids))
    writer.writerows(_cells(held_back_row(one)) for one in held_back)
    return text.getvalue()


def _cells(row: Row) -> list[str]:
    *counts, last_day = row.counts
    told = [*(str(n) if n >= 0 else "" for n in counts), day(last_day)]
    confidence = f"{row.confidence:.2f}" if math.isfinite(row.confidence) else ""
    interval = number(row.low), number(row.high)
    return [row.kind, plain_cell(row.id), *told, confidence, *interval, plain_cell(row.note)]
