"""Stops of a feed against those of a reference: one to one, with and without direction, and by chance."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from transitmap import geo
from transitmap.evaluate.feed_map import FeedMap
from transitmap.model import BoolArray, FloatArray, IntArray

MIN_VISITS = 3.0
"""A stop that fewer halts are to be expected at cannot be asked for; finding it is no error either."""
N_SECTORS = 36
CHANCE_DRAWS = 5
ALONE = 1e6
"""What a stop without a partner costs, in radii: a pair more is worth any distance in a city."""


class StopPairs(NamedTuple):
    """Rows of stops of the feed and of the reference that are one stop, and metres between them."""

    found: IntArray
    true: IntArray
    off_m: FloatArray


class StopScore(NamedTuple):
    """Shares of found stops that are true, of stops to be found that are found, and their harmonic mean."""

    precision: float
    recall: float
    f1: float


def observed(reference: FeedMap) -> BoolArray:
    """Stops that can be asked for: all of them, unless the reference says how often each was visited."""
    return np.asarray(~(reference.n_visits < MIN_VISITS))


def match_stops(
    found_m: FloatArray,
    reference: FeedMap,
    radius_m: float,
    facing: tuple[BoolArray, BoolArray] | None = None,
) -> StopPairs:
    """Pairs within `radius_m`, one to one: as many as possible with the stops to be asked for, the nearest
    of those, then what is left with stops hardly anybody used. `facing` (`facings` of the found and of the
    true stops) allows only pairs that face one way."""
    seen = observed(reference)
    parts = []
    left = np.arange(len(found_m))
    for rows in (np.flatnonzero(seen), np.flatnonzero(~seen)):
        ways = None if facing is None else (facing[0][left], facing[1][rows])
        a, b, off_m = match_points(found_m[left], reference.stop_m[rows], radius_m, ways)
        parts.append((left[a], rows[b], off_m))
        left = np.setdiff1d(left, left[a])
    return StopPairs(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def match_points(
    a_m: FloatArray, b_m: FloatArray, radius_m: float, facing: tuple[BoolArray, BoolArray] | None = None
) -> tuple[IntArray, IntArray, FloatArray]:
    """Rows of a and b matched one to one within a radius: most pairs, then the least distance in total.

    Every a may stay alone at a price above any distance, which makes it a sparse assignment problem.
    """
    from scipy import sparse
    from scipy.spatial import cKDTree

    none = np.zeros(0, dtype=np.int64)
    if not len(a_m) or not len(b_m):
        return none, none, np.zeros(0)
    near = cKDTree(a_m).sparse_distance_matrix(cKDTree(b_m), radius_m, output_type="coo_matrix")
    row, column = near.row.astype(np.int64), near.col.astype(np.int64)
    if facing is not None:
        alike = (facing[0][row] & facing[1][column]).any(axis=1)
        row, column = row[alike], column[alike]
    off_m = np.hypot(*(a_m[row] - b_m[column]).T)
    alone = np.arange(len(a_m))
    price = np.concatenate([off_m + 1.0, np.full(len(a_m), ALONE * radius_m)])
    where = np.concatenate([row, alone]), np.concatenate([column, len(b_m) + alone])
    costs = sparse.csr_matrix((price, where), shape=(len(a_m), len(b_m) + len(a_m)))
    a, b = sparse.csgraph.min_weight_full_bipartite_matching(costs)
    a, b = a[b < len(b_m)].astype(np.int64), b[b < len(b_m)].astype(np.int64)
    return a, b, np.hypot(*(a_m[a] - b_m[b]).T)


def score_stops(pairs: StopPairs, n_found: int, reference: FeedMap) -> StopScore:
    """Precision over all found stops, recall over the stops that can be asked for."""
    seen = observed(reference)
    return f1_of(len(pairs.found) / max(1, n_found), int(seen[pairs.true].sum()) / max(1, int(seen.sum())))


def f1_of(precision: float, recall: float) -> StopScore:
    """The two and their harmonic mean, 0 where both are."""
    total = precision + recall
    return StopScore(precision, recall, 2 * precision * recall / total if total else 0.0)


def facings(feed: FeedMap) -> BoolArray:
    """(stops, N_SECTORS): compass sectors within 30 degrees of a heading that a trip calls in: two
    stops with a sector in common are served in headings within 60 degrees, give or take a sector."""
    reached = np.zeros((len(feed.stop_id), N_SECTORS), dtype=bool)
    for pattern in range(len(feed)):
        calls = feed.calls(pattern)
        line_m, call_m = feed.line_m(pattern), feed.call_m[calls]
        knot_m = geo.along_m(line_m)
        ahead_m = geo.at(line_m, knot_m, call_m + 20.0) - geo.at(line_m, knot_m, call_m - 20.0)
        sector = np.floor(geo.heading_deg(ahead_m) / 360.0 * N_SECTORS).astype(np.int64)
        for turn in range(-3, 4):
            reached[feed.stop_index[calls], (sector + turn) % N_SECTORS] = True
    return reached


def chance_f1(reference: FeedMap, n_found: int, radius_m: float, seed: int = 1) -> float:
    """F1 of as many stops put at random along the lines of the reference, the mean of a few draws."""
    rng = np.random.default_rng(seed)
    lines = [reference.line_m(pattern) for pattern in range(len(reference))]
    length_m = np.array([geo.along_m(line)[-1] for line in lines])
    if not length_m.sum():
        return 0.0
    scores = []
    for _ in range(CHANCE_DRAWS):
        which = rng.choice(len(lines), n_found, p=length_m / length_m.sum())
        share = rng.random(n_found)
        drawn_m = [
            geo.at(lines[line], geo.along_m(lines[line]), share[which == line] * length_m[line])
            for line in np.unique(which)
        ]
        points_m = np.concatenate([*drawn_m, np.zeros((0, 2))])
        scores.append(score_stops(match_stops(points_m, reference, radius_m), n_found, reference).f1)
    return float(np.mean(scores))
