"""Candidate chains -> the fewest Paths that explain the rides, and which rides run along each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from transitmap.config import PatternsConfig
from transitmap.infer.patterns.chain import Chain, nearness
from transitmap.infer.patterns.find import find_chains
from transitmap.infer.patterns.heed import heed
from transitmap.infer.patterns.pieces import NO_LABEL, cut_pieces, ranges
from transitmap.model import FloatArray, IntArray, Lines, Paths, Spread

SAME_LABEL, OTHER_LABEL = 1.5, 0.15
"""What a ride's support is worth where its label agrees or disagrees with the path's; 1 without a label."""


def find_paths(
    lines: Lines, labels: Sequence[str], near_m: float, config: PatternsConfig, spread: Spread = map
) -> Paths:
    """The ways vehicles run, best supported first, and which lines run along them.

    `labels` holds one cleaned label a line, empty where its rider gave none. A path needs the support of
    about `config.min_support` unlabelled rides, or two whose labels agree.
    """
    if len(lines) == 0:
        return _paths([], [], np.zeros((0, 0)), np.zeros((0, 0)), np.zeros(0, dtype=np.int64), lines)
    labels = heed(labels, lines)
    near = nearness(lines, near_m)
    pieces = cut_pieces(lines, labels, near, config)
    called = sorted(set(labels) - {""})
    said = np.array([called.index(label) if label else NO_LABEL for label in labels], dtype=np.int64)
    chains = find_chains(pieces, config, spread)
    membership = _membership(lines, near.shape[0])
    covered = _cover(membership, chains)
    worth = _worth(lines, said, len(called), chains, membership, near)
    fit = np.where(covered >= config.share_fit, worth, 0.0)
    picked = _pick(fit, np.array([len(chain.row) for chain in chains]), config)
    fit = _with_loose(fit[:, picked], covered[:, picked], worth[:, picked], config.share_loose)
    return _paths([chains[k] for k in picked], called, covered[:, picked], fit, said, lines)


def _with_loose(fit: FloatArray, covered: FloatArray, worth: FloatArray, share_loose: float) -> FloatArray:
    """The fit, where each line that fits no chain goes to the one that most of it runs along, if most does:
    a detour or a bad stretch of a recording makes it no other line's."""
    if not fit.shape[1]:
        return fit
    value = np.where(covered >= share_loose, covered * worth, 0.0)
    best = np.argmax(value, axis=1)
    loose = np.flatnonzero((fit.max(axis=1) == 0) & (value.max(axis=1) > 0))
    fit = fit.copy()
    fit[loose, best[loose]] = value[loose, best[loose]]
    return fit


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


def _worth(
    lines: Lines, said: IntArray, n_labels: int, chains: Sequence[Chain], membership: Any, near: Any
) -> FloatArray:
    """(lines, chains): what each line's support of each chain is worth.

    A ride without a label is worth the share that the chain's name has among the labelled rides of its
    streets: where all others are of another line, it probably is too.
    """
    worth = np.ones((len(lines), len(chains)))
    n_named = _n_named(lines, said, n_labels, near)
    n_all = n_named.sum(axis=0)
    for k, chain in enumerate(chains):
        if chain.label == NO_LABEL:
            continue
        share = np.where(n_all >= 3, n_named[chain.label] / np.maximum(n_all, 1.0), 1.0)
        unsaid = np.asarray(membership @ share.astype(np.float32))
        told = np.where(said == chain.label, SAME_LABEL, OTHER_LABEL)
        worth[:, k] = np.where(said == NO_LABEL, unsaid, told)
    return worth


def _n_named(lines: Lines, said: IntArray, n_labels: int, near: Any) -> FloatArray:
    """(labels, places): how many lines with each label come by each place."""
    from scipy import sparse

    counted = np.zeros((n_labels, near.shape[0]), dtype=np.float32)
    for label in range(n_labels):
        of_label = np.flatnonzero(said == label)
        points = [np.arange(lines.point_start[k], lines.point_start[k + 1]) for k in of_label]
        owner = np.repeat(np.arange(len(points)), [len(p) for p in points])
        place = lines.place[np.concatenate(points)]
        ones = np.ones(len(place), dtype=np.float32)
        passes = sparse.csr_matrix((ones, (owner, place)), shape=(len(points), near.shape[0])) @ near
        counted[label] = np.bincount(passes.indices, minlength=near.shape[0])
    return counted


class _Fits(NamedTuple):
    """Lines that fit chains, ragged by `start` (chains): hardly any line fits more than a few."""

    n_lines: int
    start: IntArray
    chain: IntArray
    line: IntArray
    value: FloatArray


def _fits(fit: FloatArray) -> _Fits:
    chain, line = np.nonzero(fit.T)
    start = np.searchsorted(chain, np.arange(fit.shape[1] + 1)).astype(np.int64)
    return _Fits(len(fit), start, chain, line, fit[line, chain])


def _pick(fit: FloatArray, n_points: IntArray, config: PatternsConfig) -> list[int]:
    """The chains that explain most rides with least road, best first.

    Greedy cover: the chain that explains most that is not explained yet, until too little is left. Then, as
    long as it helps, a picked chain is exchanged for one that does better beside all others: what was picked
    first may reach into a line that another explains.
    """
    picked: list[int] = []
    fits = _fits(fit)
    least = np.maximum(config.min_support, config.share_support * fit.sum(axis=0))
    while len(picked) < fit.shape[1]:
        gain = _gains(fits, _best(fits, picked))
        gain[picked] = 0.0
        gain[gain < least] = 0.0
        if not gain.max():
            break
        picked.append(int(np.argmax(gain)))
    for _ in range(3):
        before = list(picked)
        for place in range(len(picked)):
            picked[place] = _better(place, picked, fits, n_points, config)
        if picked == before:
            break
    return sorted(picked, key=lambda k: (-fit[:, k].sum(), k))


def _better(place: int, picked: list[int], fits: _Fits, n_points: IntArray, config: PatternsConfig) -> int:
    """The chain that serves best in place of a picked one: longer only for more rides, as many for each point
    as `config.share_worth_while` of what the picked one has."""
    now, others = picked[place], picked[:place] + picked[place + 1 :]
    gain = _gains(fits, _best(fits, others))
    value = gain - config.share_worth_while * gain[now] / n_points[now] * n_points
    value[others] = -np.inf
    best = int(np.argmax(value))
    return best if value[best] > value[now] + 1e-9 else now


def _best(fits: _Fits, picked: Sequence[int]) -> FloatArray:
    """What the best of some chains explains of each line."""
    best = np.zeros(fits.n_lines)
    first = fits.start[list(picked)]
    entries = ranges(first, fits.start[1:][list(picked)] - first)
    np.maximum.at(best, fits.line[entries], fits.value[entries])
    return best


def _gains(fits: _Fits, best: FloatArray) -> FloatArray:
    """What each chain explains that is not explained yet."""
    more = np.maximum(fits.value - best[fits.line], 0.0)
    return np.asarray(np.bincount(fits.chain, more, len(fits.start) - 1), dtype=float)


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
