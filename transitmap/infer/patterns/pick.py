"""Lines -> seeds -> joined, mended chains -> the fewest Paths that explain the rides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from transitmap.config import PatternsConfig
from transitmap.infer.patterns.chain import Chain, nearness, reach_of, top_label
from transitmap.infer.patterns.join import join
from transitmap.infer.patterns.mend import mend
from transitmap.model import FloatArray, IntArray, Lines, Paths

SAME_LABEL, OTHER_LABEL = 1.5, 0.15
"""What a ride's support is worth where its label agrees or disagrees with the path's; 1 without a label."""


def find_paths(lines: Lines, labels: Sequence[str], near_m: float, config: PatternsConfig) -> Paths:
    """The ways vehicles run, best supported first, and which lines run along them.

    `labels` holds one cleaned label a line, empty where its rider gave none. A path needs the support of
    about `config.min_support` unlabelled rides, or two whose labels agree. Memory O(chains x places).
    """
    if len(lines) == 0:
        return _paths([], np.zeros((0, 0)), np.zeros((0, 0)), lines)
    near = nearness(lines, near_m)
    joined = join(_seeds(lines, labels, near, config), near, config)
    chains = [mend(chain, lines, near) for chain in joined]
    covered = _cover(lines, chains, near)
    fit = _fit(covered, labels, chains, config)
    picked = _pick(fit, config.min_support)
    return _paths([chains[k] for k in picked], covered[:, picked], fit[:, picked], lines)


def _seeds(lines: Lines, labels: Sequence[str], near: Any, config: PatternsConfig) -> list[Chain]:
    """The rides that no longer ride contains, with those they contain as support."""
    pieces, piece_line = _pieces(lines, config)
    share = _containment(lines, pieces, near)
    n_seen = np.array([lines.is_seen[piece].sum() for piece in pieces])
    label = [labels[k] for k in piece_line]
    seeds: list[int] = []
    inside: dict[int, list[tuple[int, float]]] = {}
    for piece in np.argsort(-n_seen, kind="stable"):
        row = dict(zip(*_row(share, piece), strict=True))
        holders = [s for s in seeds if row.get(s, 0.0) >= config.share_contained]
        alike = [s for s in holders if not label[piece] or label[s] in ("", label[piece])]
        for s in alike:
            inside[s].append((int(piece), 1.0 / len(alike)))
        if not holders:
            seeds.append(int(piece))
            inside[int(piece)] = [(int(piece), 1.0)]
    return [_seed(lines, pieces[s], inside[s], piece_line, label, near) for s in seeds]


def _row(matrix: Any, row: int) -> tuple[list[int], list[float]]:
    piece = slice(matrix.indptr[row], matrix.indptr[row + 1])
    return matrix.indices[piece].tolist(), matrix.data[piece].tolist()


def _seed(
    lines: Lines,
    rows: IntArray,
    inside: list[tuple[int, float]],
    line_of: list[int],
    label: list[str],
    near: Any,
) -> Chain:
    votes: dict[str, float] = {}
    for piece, weight in inside:
        if label[piece]:
            votes[label[piece]] = votes.get(label[piece], 0.0) + weight
    place = lines.place[rows]
    support = {line_of[piece]: weight for piece, weight in inside}
    return Chain(rows, place, lines.is_seen[rows], reach_of(place, near), support, votes)


def _pieces(lines: Lines, config: PatternsConfig) -> tuple[list[IntArray], list[int]]:
    """Rows of each stretch without a long gap, and the line it is of."""
    pieces, line_of = [], []
    for line, (first, last) in enumerate(zip(lines.point_start[:-1], lines.point_start[1:], strict=True)):
        rows = np.arange(first, last)[lines.gap_m[first:last] <= config.max_gap_m]
        for piece in np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1):
            if len(piece) >= config.min_points and lines.is_seen[piece].any():
                pieces.append(piece)
                line_of.append(line)
    return pieces, line_of


def _membership(lines: Lines, pieces: Sequence[IntArray], n_places: int, seen_only: bool) -> Any:
    """Sparse (pieces x places): how many points of the piece lie in the place."""
    from scipy import sparse

    if not pieces:
        return sparse.csr_matrix((0, n_places), dtype=np.float32)
    rows = np.concatenate(pieces)
    owner = np.repeat(np.arange(len(pieces)), [len(piece) for piece in pieces])
    value = lines.is_seen[rows].astype(np.float32) if seen_only else np.ones(len(rows), dtype=np.float32)
    return sparse.csr_matrix((value, (owner, lines.place[rows])), shape=(len(pieces), n_places))


def _containment(lines: Lines, pieces: Sequence[IntArray], near: Any) -> Any:
    """Sparse (pieces x pieces): share of what was seen of the row's piece that runs along the column's."""
    seen = _membership(lines, pieces, near.shape[0], seen_only=True)
    reach = (_membership(lines, pieces, near.shape[0], seen_only=False) @ near > 0).astype(np.float32)
    n_seen = np.maximum(np.asarray(seen.sum(axis=1)), 1.0)
    return (seen @ reach.T).multiply(1.0 / n_seen).tocsr()


def _cover(lines: Lines, chains: Sequence[Chain], near: Any) -> FloatArray:
    """(lines, chains): share of what was seen of each line that runs along each chain."""
    whole = [np.arange(a, b) for a, b in zip(lines.point_start[:-1], lines.point_start[1:], strict=True)]
    seen = _membership(lines, whole, near.shape[0], seen_only=True)
    reach = np.array([chain.reach for chain in chains], dtype=np.float32).reshape(-1, near.shape[0])
    return np.asarray((seen @ reach.T) / np.maximum(np.asarray(seen.sum(axis=1)), 1.0))


def _fit(
    covered: FloatArray, labels: Sequence[str], chains: Sequence[Chain], config: PatternsConfig
) -> FloatArray:
    """(lines, chains): how much each line supports each chain, 0 where it ran elsewhere."""
    called = [top_label(chain.labels) for chain in chains]
    worth = np.array([[_worth(label, name) for name in called] for label in labels], dtype=float).reshape(
        covered.shape
    )
    return np.where(covered >= config.share_fit, worth, 0.0)


def _worth(label: str, called: str) -> float:
    if not label or not called:
        return 1.0
    return SAME_LABEL if label == called else OTHER_LABEL


def _pick(fit: FloatArray, min_support: float) -> list[int]:
    """Greedy cover: the chain that explains most that is not explained yet, until too little is left."""
    best = np.zeros(len(fit))
    picked: list[int] = []
    while fit.shape[1] > len(picked):
        gain = np.maximum(fit - best[:, None], 0.0).sum(axis=0)
        gain[picked] = 0.0
        k = int(np.argmax(gain))
        if gain[k] < min_support:
            break
        picked.append(k)
        best = np.maximum(best, fit[:, k])
    return picked


def _paths(chains: Sequence[Chain], covered: FloatArray, fit: FloatArray, lines: Lines) -> Paths:
    line_index, path_index = np.nonzero(fit)
    called = tuple(top_label(chain.labels) for chain in chains)
    rows = np.concatenate([chain.row for chain in chains]) if chains else np.zeros(0, dtype=np.int64)
    return Paths(
        point_start=np.concatenate([[0], np.cumsum([len(chain.row) for chain in chains])]).astype(np.int64),
        xy_m=lines.xy_m[rows],
        label=called,
        n_label=np.array(
            [chain.labels.get(name, 0.0) for chain, name in zip(chains, called, strict=True)], dtype=float
        ),
        n_labelled=np.array([float(sum(chain.labels.values())) for chain in chains], dtype=float),
        line_index=line_index,
        path_index=path_index,
        covered=covered[line_index, path_index] if len(line_index) else np.zeros(0),
        weight=fit[line_index, path_index] if len(line_index) else np.zeros(0),
    )
