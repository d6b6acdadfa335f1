"""Stretches of lines without a gap, laid end to end and indexed by the directed places they lie in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from transitmap.config import PatternsConfig
from transitmap.model import BoolArray, FloatArray, IntArray, Lines

NO_LABEL = -1


@dataclass(frozen=True, eq=False)
class Pieces:
    """Points of all pieces in order; piece k is points `start[k]` to `start[k + 1]`, of line `line[k]`.

    `row` is the point's row in Lines, `seen_before[i]` how many points before point i are `is_seen`,
    `label` a number a piece (NO_LABEL where its rider gave none), `near` the sparse nearness of places.
    """

    row: IntArray
    place: IntArray
    is_seen: BoolArray
    start: IntArray
    line: IntArray
    label: IntArray
    near: Any

    def __len__(self) -> int:
        return len(self.line)

    @cached_property
    def owner(self) -> IntArray:
        """The piece of each point."""
        return np.repeat(np.arange(len(self)), np.diff(self.start))

    @cached_property
    def seen_before(self) -> IntArray:
        """One more entry than points."""
        return np.concatenate([[0], np.cumsum(self.is_seen)])

    @cached_property
    def n_seen(self) -> IntArray:
        """Points of each piece whose way is known."""
        return self.seen_before[self.start[1:]] - self.seen_before[self.start[:-1]]

    @cached_property
    def _by_place(self) -> tuple[IntArray, IntArray]:
        order = np.argsort(self.place, kind="stable")
        return order, np.searchsorted(self.place[order], np.arange(self.near.shape[0] + 1))

    @cached_property
    def membership(self) -> Any:
        """Sparse (pieces, places): how many seen points of the piece lie in the place."""
        return self.sparse(self.is_seen.astype(float), self.owner, self.place, len(self))

    @cached_property
    def visitors(self) -> Any:
        """Sparse (places, pieces): ones where the piece has a point in the place."""
        ones = np.ones(len(self.place))
        return self.sparse(ones, self.owner, self.place, len(self)).T.tocsr()

    def ready(self) -> Pieces:
        """The same with all indexes made: copies in other processes need not make them each."""
        for index in ("owner", "seen_before", "n_seen", "_by_place", "_passers", "_seen_by_place"):
            getattr(self, index)
        return self

    def sparse(self, value: FloatArray, row: IntArray, place: IntArray, n_rows: int) -> Any:
        """Sparse (n_rows, places) with values added up in 32 bits."""
        from scipy import sparse

        value32 = value.astype(np.float32)
        return sparse.csr_matrix((value32, (row, place)), shape=(n_rows, self.near.shape[0]))

    @cached_property
    def _seen_by_place(self) -> Any:
        """`membership` by place: the pieces seen in one place are one row."""
        return self.membership.T.tocsr()

    @cached_property
    def _passers(self) -> Any:
        """Sparse (places, pieces): entries where the piece has a point near the place and facing its way."""
        return self.near @ self.visitors

    def near_places(self, places: IntArray) -> IntArray:
        """Places near some places, of one after the other."""
        return np.asarray(self.near.indices[_row_entries(self.near, places)])

    def around(self, point: int) -> IntArray:
        """Points near a point and facing its way, in order."""
        first, last = self.near.indptr[self.place[point] :][:2]
        return np.sort(self.in_places(self.near.indices[first:last]))

    def in_places(self, places: IntArray) -> IntArray:
        """All points in some places."""
        order, first = self._by_place
        return order[ranges(first[places], first[places + 1] - first[places])]

    def n_passing(self, points: IntArray) -> IntArray:
        """How many pieces come by each point."""
        return _row_sizes(self._passers, self.place[points])

    def passing(self, points: IntArray, pieces: IntArray) -> BoolArray:
        """(points, pieces): which of some pieces come by each point."""
        place, row = np.unique(self.place[points], return_inverse=True)
        column = np.full(len(self), -1)
        column[pieces] = np.arange(len(pieces))
        passes = np.zeros((len(place), len(pieces)), dtype=bool)
        by = np.repeat(np.arange(len(place)), _row_sizes(self._passers, place))
        piece = column[self._passers.indices[_row_entries(self._passers, place)]]
        passes[by[piece >= 0], piece[piece >= 0]] = True
        return np.asarray(passes[row])

    def reach(self, points: IntArray) -> BoolArray:
        """Which places lie near some points and face their way."""
        reach = np.zeros(self.near.shape[0], dtype=bool)
        reach[self.near_places(np.unique(self.place[points]))] = True
        return reach

    def covered(self, reach: BoolArray) -> FloatArray:
        """Share of what was seen of each piece that lies in some places."""
        entries = _row_entries(self._seen_by_place, np.flatnonzero(reach))
        there = self._seen_by_place
        n_inside = np.bincount(there.indices[entries], there.data[entries], len(self))
        return np.asarray(n_inside / np.maximum(self.n_seen, 1))

    def mirrored(self) -> Pieces:
        """The same with all points and pieces in reverse order: point i becomes point n - 1 - i."""
        return Pieces(
            self.row[::-1],
            self.place[::-1],
            self.is_seen[::-1],
            (len(self.place) - self.start)[::-1],
            self.line[::-1],
            self.label[::-1],
            self.near,
        )


def ranges(start: IntArray, count: IntArray) -> IntArray:
    """All of `start[k] .. start[k] + count[k] - 1`, end to end."""
    before = np.cumsum(count) - count
    return np.asarray(np.repeat(start - before, count) + np.arange(int(count.sum())))


def _row_sizes(matrix: Any, rows: IntArray) -> IntArray:
    """How many entries some rows of a sparse matrix have."""
    return np.asarray(matrix.indptr[rows + 1] - matrix.indptr[rows], dtype=np.int64)


def _row_entries(matrix: Any, rows: IntArray) -> IntArray:
    """Where the entries of some rows lie in a sparse matrix: a slice would copy and check them each time."""
    return ranges(matrix.indptr[rows].astype(np.int64), _row_sizes(matrix, rows))


def cut_pieces(lines: Lines, labels: Sequence[str], near: Any, config: PatternsConfig) -> Pieces:
    """The pieces of all lines that are long enough and were seen, with their riders' labels as numbers."""
    number = {label: k for k, label in enumerate(sorted(set(labels) - {""}))}
    pieces, line_of = [], []
    for line, (first, last) in enumerate(zip(lines.point_start[:-1], lines.point_start[1:], strict=True)):
        rows = np.arange(first, last)[lines.gap_m[first:last] <= config.max_gap_m]
        for piece in np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1):
            if len(piece) >= config.min_points and lines.is_seen[piece].any():
                pieces.append(piece)
                line_of.append(line)
    row = np.concatenate([*pieces, np.zeros(0, dtype=np.int64)]).astype(np.int64)
    return Pieces(
        row=row,
        place=lines.place[row],
        is_seen=lines.is_seen[row],
        start=np.concatenate([[0], np.cumsum([len(piece) for piece in pieces])]).astype(np.int64),
        line=np.array(line_of, dtype=np.int64),
        label=np.array([number.get(labels[k], NO_LABEL) for k in line_of], dtype=np.int64),
        near=near,
    )
