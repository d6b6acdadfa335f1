"""Two sets of things -> pairs that may be one thing, and of these, by what each costs, one to one."""

from __future__ import annotations

import numpy as np

from transitmap.model import FloatArray, IntArray

ALONE = 1.0
"""What a thing without a partner costs: a pair that costs more is none."""


def pairs_within(
    new_xy: FloatArray, old_xy: FloatArray, near_m: float
) -> tuple[IntArray, IntArray, FloatArray]:
    """Rows of the points that lie within `near_m` of each other, and how far apart they are."""
    from scipy.spatial import cKDTree

    if not len(new_xy) or not len(old_xy):
        none = np.zeros(0, dtype=np.int64)
        return none, none, np.zeros(0)
    pairs = cKDTree(new_xy).sparse_distance_matrix(cKDTree(old_xy), near_m, output_type="ndarray")
    return pairs["i"].astype(np.int64), pairs["j"].astype(np.int64), pairs["v"]


def pick_partners(n_new: int, n_present: int, i: IntArray, j: IntArray, cost: FloatArray) -> IntArray:
    """For each new row its old partner or -1. Pairs (rows `i` and `j`) cost 0 to ALONE.

    First what the last feed had, its first `n_present` rows; what is left may be something that was gone.
    """
    partner = np.full(n_new, -1, dtype=np.int64)
    for among in (j < n_present, j >= n_present):
        free = among & (partner[i] < 0)
        rows, columns = _cheapest(i[free], j[free], cost[free])
        partner[rows] = columns
    return partner


def _cheapest(i: IntArray, j: IntArray, cost: FloatArray) -> tuple[IntArray, IntArray]:
    """The pairs, one to one, by which the whole costs least. Every row may stay alone, at a price, which
    makes it a sparse assignment problem that has a solution."""
    from scipy import sparse

    new, row = np.unique(i, return_inverse=True)
    old, column = np.unique(j, return_inverse=True)
    if not len(new):
        return new, old
    alone = np.arange(len(new))
    price = np.concatenate([cost, np.full(len(new), ALONE)]) + 1.0  # a price of 0 would be no entry
    where = np.concatenate([row, alone]), np.concatenate([column, len(old) + alone])
    prices = sparse.csr_matrix((price, where), shape=(len(new), len(old) + len(new)))
    rows, columns = sparse.csgraph.min_weight_full_bipartite_matching(prices)
    paired = columns < len(old)
    return new[rows[paired]], old[columns[paired]]
