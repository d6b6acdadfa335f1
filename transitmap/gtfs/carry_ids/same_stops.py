"""Stops of two feeds -> which is which: near, passed the same way, called at by the same patterns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from transitmap.geo import Plane
from transitmap.gtfs.carry_ids.pairs import ALONE, pairs_within, pick_partners
from transitmap.model import FloatArray, Ids, IntArray

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

NEAR_M, TURN_DEG = 25.0, 60.0
"""Stops farther apart, or passed in ways further apart, are two where no pattern tells more."""
NEAR_ALIKE_M, TURN_ALIKE_DEG = 60.0, 120.0
"""The same where all their patterns are the same: not yet the next stop, nor the way back."""
TURN_COST = 0.4
"""A turn tells less than a distance: near a corner the way that vehicles pass is soon off by 90 degrees."""


def match_stops(new: Ids, old: Ids, plane: Plane, pattern_of: IntArray | None = None) -> IntArray:
    """For each new stop the row of the old one that it is, or -1.

    `pattern_of` is the old row of each new pattern, where that is known already.
    """
    i, j, off_m = pairs_within(
        plane.to_metres(new.stop_lat_deg, new.stop_lon_deg),
        plane.to_metres(old.stop_lat_deg, old.stop_lon_deg),
        NEAR_M if pattern_of is None else NEAR_ALIKE_M,
    )
    turn_deg = np.abs((new.stop_heading_deg[i] - old.stop_heading_deg[j] + 180.0) % 360.0 - 180.0)
    turn_deg = np.nan_to_num(turn_deg)  # a stop without a heading may be any of them
    alike = np.zeros(len(i)) if pattern_of is None else _share_of_patterns(new, old, pattern_of, i, j)
    far = off_m / (NEAR_M + (NEAR_ALIKE_M - NEAR_M) * alike)
    turned = turn_deg / (TURN_DEG + (TURN_ALIKE_DEG - TURN_DEG) * alike)
    same = (far <= 1.0) & (turned <= 1.0)
    cost = ALONE * (far + TURN_COST * turned) / (1.0 + TURN_COST)
    return pick_partners(len(new.stop_lat_deg), len(old.stop_id), i[same], j[same], cost[same])


def _share_of_patterns(new: Ids, old: Ids, pattern_of: IntArray, i: IntArray, j: IntArray) -> FloatArray:
    """For each pair of stops the patterns that call at both, as a share of those that call at either.

    Patterns that are only in one of the feeds tell nothing of stops.
    """
    if not len(i):
        return np.zeros(0)
    n_old = len(old.call_start) - 1
    of_old = np.where(np.isin(np.arange(n_old), pattern_of), np.arange(n_old), -1)
    ours, theirs = _callers(new, pattern_of, n_old)[i], _callers(old, of_old, n_old)[j]
    both = np.asarray(ours.multiply(theirs).sum(axis=1)).ravel()
    all_calls = np.asarray(ours.sum(axis=1) + theirs.sum(axis=1)).ravel()
    return np.asarray(both / np.maximum(all_calls - both, 1.0), dtype=np.float64)


def _callers(ids: Ids, pattern_of: IntArray, n_old: int) -> csr_matrix:
    """(stops, old patterns): 1 where a pattern calls at a stop."""
    from scipy import sparse

    pattern = np.repeat(pattern_of, np.diff(ids.call_start))
    known = pattern >= 0
    where = ids.stop_index[known], pattern[known]
    calls = sparse.csr_matrix((np.ones(len(where[0])), where), shape=(len(ids.stop_lat_deg), n_old))
    return calls.sign()
