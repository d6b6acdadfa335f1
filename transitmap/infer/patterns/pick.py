"""Candidate chains -> the fewest Paths that explain the rides, and which rides run along each."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from transitmap.config import PatternsConfig
from transitmap.infer.patterns.chain import Chain, nearness
from transitmap.infer.patterns.find import find_chains
from transitmap.infer.patterns.fold import with_halves
from transitmap.infer.patterns.heed import heed
from transitmap.infer.patterns.pieces import NO_LABEL, cut_pieces
from transitmap.infer.patterns.weigh import Fits, divide, fewest, weigh
from transitmap.model import FloatArray, IntArray, Lines, Paths, Spread

LEAST = 1e-3
"""A line that fits a path tells of its streets, however surely it is another's."""


def find_paths(
    lines: Lines, labels: Sequence[str], near_m: float, config: PatternsConfig, spread: Spread = map
) -> Paths:
    """The ways vehicles run, best supported first, and which lines run along them.

    `labels` holds one cleaned label a line, empty where its rider gave none. A path is one that is worth
    telling: two rides that ran all of it are enough, and three or four that ran parts of it.
    """
    if len(lines) == 0:
        return _paths([], [], np.zeros((0, 0)), np.zeros((0, 0)), np.zeros(0, dtype=np.int64), lines)
    labels = heed(labels, lines)
    near = nearness(lines, near_m)
    pieces = cut_pieces(lines, labels, near, config)
    called = sorted(set(labels) - {""})
    said = np.array([called.index(label) if label else NO_LABEL for label in labels], dtype=np.int64)
    chains = with_halves(find_chains(pieces, config, spread), lines, pieces, near_m, config)
    covered = _cover(_membership(lines, near.shape[0]), chains)
    telling = partial(_weigh, lines=lines, said=said, n_places=near.shape[0])
    picked, mixture = fewest(telling(covered, chains, config.share_fit))
    chains, covered = [chains[k] for k in picked], covered[:, picked]
    fits = telling(covered, chains, config.share_loose)
    likely = divide(fits, mixture._replace(share=mixture.share[picked]), 0).likely
    fit = _fit(fits.line, fits.chain, likely, covered, config.share_fit)
    return _paths(chains, called, covered, fit, said, lines)


def _weigh(
    covered: FloatArray,
    chains: Sequence[Chain],
    share_fit: float,
    lines: Lines,
    said: IntArray,
    n_places: int,
) -> Fits:
    n_ridden = np.diff(lines.point_start)
    owner = np.repeat(np.arange(len(lines)), n_ridden)
    n_seen = np.bincount(owner, lines.is_seen, len(lines)).astype(np.int64)
    n_points = np.array([len(chain.row) for chain in chains], dtype=np.int64)
    named = np.array([chain.label for chain in chains], dtype=np.int64)
    return weigh(covered, share_fit, n_seen, n_ridden, n_points, n_places, said, named)


def _fit(
    line: IntArray, chain: IntArray, likely: FloatArray, covered: FloatArray, share_fit: float
) -> FloatArray:
    """(lines, chains): how likely each line is the chain's, 0 where it does not fit; a line that fits none
    is the likeliest one's: a detour or a bad stretch of a recording makes it no other line's."""
    fit = np.zeros(covered.shape)
    fit[line, chain] = np.maximum(likely, LEAST)
    fits = covered >= share_fit
    best = np.zeros(covered.shape, dtype=bool)
    if covered.shape[1]:
        best[np.arange(len(fit)), np.argmax(fit, axis=1)] = True
    return np.where(np.where(fits.any(axis=1, keepdims=True), fits, best), fit, 0.0)


def _membership(lines: Lines, n_places: int) -> Any:
    """Sparse (lines, places): how many seen points of the line lie in the place, out of 1 for all of them."""
    from scipy import sparse

    owner = np.repeat(np.arange(len(lines)), np.diff(lines.point_start))
    n_seen = np.maximum(np.bincount(owner, lines.is_seen, len(lines)), 1.0)
    share = (lines.is_seen / n_seen[owner]).astype(np.float32)
    return sparse.csr_matrix((share, (owner, lines.place)), shape=(len(lines), n_places))


def _cover(membership: Any, chains: Sequence[Chain]) -> FloatArray:
    """(lines, chains): share of what was seen of each line that runs along each chain."""
    columns = [np.asarray(membership @ chain.reach.astype(np.float32)) for chain in chains]
    return np.array(columns, dtype=float).reshape(len(chains), membership.shape[0]).T


def _paths(
    chains: Sequence[Chain],
    called: Sequence[str],
    covered: FloatArray,
    fit: FloatArray,
    said: IntArray,
    lines: Lines,
) -> Paths:
    line_index, path_index = np.nonzero(fit)
    rows = np.concatenate([chain.row for chain in chains]) if chains else np.zeros(0, dtype=np.int64)
    own = np.where(fit.max(axis=1, initial=0.0) > 0, np.argmax(fit, axis=1), -1) if chains else said
    labelled = [said[(own == k) & (said != NO_LABEL)] for k in range(len(chains))]
    n_label = [int((labelled[k] == chain.label).sum()) for k, chain in enumerate(chains)]
    return Paths(
        point_start=np.concatenate([[0], np.cumsum([len(chain.row) for chain in chains])]).astype(np.int64),
        xy_m=lines.xy_m[rows],
        label=tuple(called[chain.label] if n else "" for n, chain in zip(n_label, chains, strict=True)),
        n_label=np.array(n_label, dtype=float),
        n_labelled=np.array([float(len(mine)) for mine in labelled], dtype=float),
        line_index=line_index,
        path_index=path_index,
        covered=covered[line_index, path_index] if len(line_index) else np.zeros(0),
        weight=fit[line_index, path_index] if len(line_index) else np.zeros(0),
    )
