"""Chains of directed places: ways that vehicles may run, and who supports them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from transitmap.model import BoolArray, FloatArray, IntArray, Lines


@dataclass(frozen=True, eq=False)
class Chain:
    """Rows of Lines in order, their places, the places near them that face their way, and what it is called.

    `label` is the number of the label that its riders give it, NO_LABEL for none.
    """

    row: IntArray
    place: IntArray
    reach: BoolArray
    label: int


def nearness(lines: Lines, near_m: float) -> Any:
    """Sparse (places x places) matrix of ones: within `near_m`, headings within 60 degrees, or the same."""
    from scipy import sparse
    from scipy.spatial import cKDTree

    n = int(lines.place.max()) + 1
    count = np.bincount(lines.place, minlength=n)[:, None]
    centre_m = _sums(lines.place, lines.xy_m, n) / count
    heading = _sums(lines.place, lines.heading, n)
    heading /= np.maximum(np.hypot(heading[:, 0], heading[:, 1]), 1e-9)[:, None]
    pairs = cKDTree(centre_m).query_pairs(near_m, output_type="ndarray")
    pairs = pairs[(heading[pairs[:, 0]] * heading[pairs[:, 1]]).sum(axis=1) > 0.5]
    row = np.concatenate([pairs[:, 0], pairs[:, 1], np.arange(n)])
    column = np.concatenate([pairs[:, 1], pairs[:, 0], np.arange(n)])
    return sparse.csr_matrix((np.ones(len(row), dtype=np.float32), (row, column)), shape=(n, n))


def _sums(place: IntArray, xy: FloatArray, n: int) -> FloatArray:
    return np.column_stack([np.bincount(place, xy[:, 0], n), np.bincount(place, xy[:, 1], n)])
