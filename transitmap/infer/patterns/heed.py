"""Labels -> those that say where a ride ran: the others are dates, numbers of recordings and moods."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from transitmap.model import BoolArray, IntArray, Lines

CELL_M = 60.0
ASKED = 80
"""Rides compared for each label, and of all: enough to tell a half from a quarter."""
ALIKE = 0.5
"""Two rides run along the same streets if they share half of the shorter one, either way."""
TWICE = 2.0


def heed(labels: Sequence[str], lines: Lines) -> list[str]:
    """The labels, empty where rides of one label run along the same streets no more often than any two.

    Rides of one line share streets, its way back too, and rides named "13" because they were somebody's
    thirteenth do not: a label counts if its rides are alike half of the time, or twice as often as any two.
    """
    cells, around = _cells(lines)
    least = min(ALIKE, TWICE * _share_alike(_spread(np.arange(len(lines))), cells, around))
    kept = {}
    name, of_line = np.unique(np.array(labels, dtype=object), return_inverse=True)
    by_name = np.split(np.argsort(of_line, kind="stable"), np.cumsum(np.bincount(of_line))[:-1])
    for label, rides in zip(name.tolist(), by_name, strict=True):
        if label and len(rides) > 1 and _share_alike(_spread(rides), cells, around) >= least:
            kept[label] = label
    return [kept.get(label, "") for label in labels]


def _spread(rows: IntArray) -> IntArray:
    """At most `ASKED` of the rows, evenly."""
    if len(rows) <= ASKED:
        return rows
    return rows[np.linspace(0, len(rows) - 1, ASKED).astype(np.int64)]


def _cells(lines: Lines) -> tuple[Any, Any]:
    """Sparse (lines, cells) of ones: the squares each line runs through, and these with their neighbours."""
    from scipy import sparse

    square = np.floor(lines.xy_m / CELL_M).astype(np.int64)
    square -= square.min(axis=0) - 1
    width = int(square[:, 1].max()) + 2
    key = square[:, 0] * width + square[:, 1]
    owner = np.repeat(np.arange(len(lines)), np.diff(lines.point_start))
    shifts = [i * width + j for i in (-1, 0, 1) for j in (-1, 0, 1)]
    shape = (len(lines), (int(square[:, 0].max()) + 2) * width)
    cells = sparse.csr_matrix((np.ones(len(key), dtype=np.float32), (owner, key)), shape=shape)
    rows, columns = np.tile(owner, 9), np.concatenate([key + shift for shift in shifts])
    around = sparse.csr_matrix((np.ones(len(rows), dtype=np.float32), (rows, columns)), shape=shape)
    cells.data[:] = around.data[:] = 1.0
    return cells, around


def _share_alike(rows: IntArray, cells: Any, around: Any) -> float:
    """Share of pairs of these rides that run along the same streets; 0 for fewer than two rides."""
    if len(rows) < 2:
        return 0.0
    shared = np.asarray((cells[rows] @ around[rows].T).toarray())
    n_cells = np.asarray(cells[rows].sum(axis=1)).ravel()
    alike: BoolArray = np.maximum(shared / n_cells[:, None], (shared / n_cells[:, None]).T) >= ALIKE
    n = len(rows)
    return float((alike.sum() - n) / (n * (n - 1)))
