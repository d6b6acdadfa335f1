"""Chains of directed places, and how two of them lie to each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from transitmap.model import BoolArray, FloatArray, IntArray, Lines

MIN_SHARED = 6


@dataclass(eq=False)
class Chain:
    """Rows of Lines in order, the places they lie in, what they reach, who supports them.

    `reach[p]` says that place p is near the chain and runs the same way. `lines` maps a line to its weight
    (1, or a share where the line fits several chains equally), `labels` counts what riders called it.
    """

    row: IntArray
    place: IntArray
    is_seen: BoolArray
    reach: BoolArray
    lines: dict[int, float]
    labels: dict[str, float]

    @property
    def n_seen(self) -> int:
        """Points whose way is known."""
        return int(self.is_seen.sum())


class Lie(NamedTuple):
    """How chain a lies to chain b: seen points of each before and after what they share, and the shared."""

    a_before: int
    a_after: int
    b_before: int
    b_after: int
    n_shared: int
    share: float

    def swapped(self) -> Lie:
        """How b lies to a."""
        return Lie(self.b_before, self.b_after, self.a_before, self.a_after, self.n_shared, self.share)


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
    return sparse.csr_matrix((np.ones(len(row), dtype=np.int8), (row, column)), shape=(n, n))


def _sums(place: IntArray, xy: FloatArray, n: int) -> FloatArray:
    return np.column_stack([np.bincount(place, xy[:, 0], n), np.bincount(place, xy[:, 1], n)])


def reach_of(place: IntArray, near: Any) -> BoolArray:
    """Which places lie near a chain of places and run its way."""
    reach = np.zeros(near.shape[0], dtype=bool)
    reach[near[np.unique(place)].indices] = True
    return reach


def lie(a: Chain, b: Chain) -> Lie | None:
    """How a lies to b; None where they share next to nothing."""
    in_b, in_a = b.reach[a.place], a.reach[b.place]
    if (in_b & a.is_seen).sum() < MIN_SHARED or (in_a & b.is_seen).sum() < MIN_SHARED:
        return None
    a_first, a_last, a_share = _extent(in_b, a.is_seen)
    b_first, b_last, b_share = _extent(in_a, b.is_seen)
    return Lie(
        int(a.is_seen[:a_first].sum()),
        int(a.is_seen[a_last + 1 :].sum()),
        int(b.is_seen[:b_first].sum()),
        int(b.is_seen[b_last + 1 :].sum()),
        min(a_last - a_first, b_last - b_first),
        min(a_share, b_share),
    )


def _extent(shared: BoolArray, is_seen: BoolArray) -> tuple[int, int, float]:
    """First and last seen shared point, and the share of seen points between them that are shared."""
    rows = np.flatnonzero(shared & is_seen)
    between = is_seen[rows[0] : rows[-1] + 1]
    return int(rows[0]), int(rows[-1]), float(shared[rows[0] : rows[-1] + 1][between].mean())


def agreement(a: Chain, b: Chain) -> int:
    """1 where most riders call both the same, -1 where they call them otherwise, 0 where nobody can tell."""
    if not a.labels or not b.labels:
        return 0
    return 1 if top_label(a.labels) == top_label(b.labels) else -1


def top_label(labels: dict[str, float]) -> str:
    """The most frequent label, the smallest of equals; empty without any."""
    return min(labels, key=lambda label: (-labels[label], label)) if labels else ""
