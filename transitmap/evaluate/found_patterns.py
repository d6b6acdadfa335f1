"""Patterns of a feed against those of a reference: which are one, how far apart, which calls they share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from transitmap import geo
from transitmap.evaluate.feed_map import FeedMap
from transitmap.evaluate.found_stops import f1_of
from transitmap.evaluate.ways import REACH_M, STEP_M, Way, off_m, way_of
from transitmap.model import BoolArray, FloatArray, IntArray

POINT_M = 25.0
"""Lines are compared at points so far apart."""
SHARE_COVERED = 0.85
MIN_RIDES = 2
MIN_POINTS = 20
"""A pattern that less was ridden of (475 m) cannot be asked for; finding it is no error either."""
SAME_STOP_M = 50.0


class PatternPairs(NamedTuple):
    """Rows of patterns: which of the reference can be asked for, pairs that are one, all that could be.

    Row k says that pattern `true[k]` of the reference is `found[k]` of the feed; `may_be` holds, with them,
    the pairs that lost to a better one. `off_m[k]` are metres from each line of pair k to the other.
    """

    is_asked: BoolArray
    true: IntArray
    found: IntArray
    may_be: tuple[tuple[int, int], ...]
    off_m: tuple[FloatArray, ...]


class _Points(NamedTuple):
    """A line at regular points, cut to what was ridden of it."""

    xy_m: FloatArray
    heading: FloatArray


def match_patterns(feed: FeedMap, reference: FeedMap) -> PatternPairs:
    """Patterns that cover each other, best coverage in total, one to one.

    A pattern is found where 85 % of it (of what two rides ran, where the reference knows) lies within 40 m
    of the other's line in the same direction, and 85 % of the other along it. Those of the reference that
    fewer than `MIN_RIDES` rode, or of which less than `MIN_POINTS` was ridden, cannot be asked for; finding
    them is no error either.
    """
    from scipy.optimize import linear_sum_assignment

    true_way = [way_of(reference.line_m(k)) for k in range(len(reference))]
    found_way = [way_of(feed.line_m(k)) for k in range(len(feed))]
    ridden = [_ridden(reference, k) for k in range(len(reference))]
    whole = [_points(feed.line_m(k)) for k in range(len(feed))]
    covered = np.zeros((len(reference), len(feed)))
    apart: dict[tuple[int, int], FloatArray] = {}
    n_points = np.array([len(points.xy_m) for points in ridden])
    for i, j in _close_pairs(true_way, found_way):
        if n_points[i]:
            there_m = off_m(*ridden[i], found_way[j])
            back_m = off_m(*whole[j], true_way[i])
            shares = np.isfinite(there_m).mean(), np.isfinite(back_m).mean()
            if min(shares) >= SHARE_COVERED:
                covered[i, j] = sum(shares)
                apart[i, j] = np.concatenate([there_m, back_m])
    rows, columns = linear_sum_assignment(-covered)
    pairs = [(int(i), int(j)) for i, j in zip(rows, columns, strict=True) if covered[i, j] > 0]
    true, found = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    is_asked = (n_points >= MIN_POINTS) & ~(reference.n_rides < MIN_RIDES)
    near = tuple(apart[pair][np.isfinite(apart[pair])] for pair in pairs)
    return PatternPairs(is_asked, true, found, tuple(sorted(apart)), near)


def _points(line_m: FloatArray) -> _Points:
    points_m = geo.resample(line_m, POINT_M)
    ahead = geo.headings(geo.resample(line_m, POINT_M / 5), 1)
    return _Points(points_m, ahead[np.linspace(0, len(ahead) - 1, len(points_m)).astype(int)])


def _ridden(reference: FeedMap, pattern: int) -> _Points:
    """The part of a true line that enough rides ran between its calls; the whole where nobody counted."""
    points = _points(reference.line_m(pattern))
    calls = reference.calls(pattern)
    aboard, call_m = reference.n_aboard[calls], reference.call_m[calls]
    if not np.isfinite(aboard).all():
        return points
    where_m = np.linspace(0.0, geo.along_m(reference.line_m(pattern))[-1], len(points.xy_m))
    hop = np.clip(np.searchsorted(call_m, where_m, side="right") - 1, 0, len(call_m) - 2)
    on_hop = np.minimum(aboard[:-1], aboard[1:])[hop]
    enough = on_hop >= min(MIN_RIDES, reference.n_rides[pattern])
    kept = enough & (where_m >= call_m[0]) & (where_m <= call_m[-1])
    return _Points(points.xy_m[kept], points.heading[kept])


def _close_pairs(true: Sequence[Way], found: Sequence[Way]) -> list[tuple[int, int]]:
    """Pairs of which the found line may run along the true one as far as it must, by cells of the plane.

    A point within reach of a line lies in one of the nine cells around a point of that line, so no pair is
    lost; of a large city nearly all are left out.
    """
    from scipy import sparse

    owner, key = _cells(found)
    owners, keys = zip(*(_cells(true, (x, y)) for x in (-1, 0, 1) for y in (-1, 0, 1)), strict=True)
    column = np.unique(np.concatenate([key, *keys]), return_inverse=True)[1].reshape(-1)
    ones, n = np.ones(len(column)), int(column.max()) + 1
    place = sparse.csr_matrix((ones[: len(key)], (owner, column[: len(key)])), shape=(len(found), n))
    reach = sparse.csr_matrix(
        (ones[len(key) :], (np.concatenate(owners), column[len(key) :])), (len(true), n)
    )
    inside = np.asarray(((reach > 0).astype(float) @ place.T).todense())
    n_points = np.array([len(way.xy_m) for way in found])
    return [(int(i), int(j)) for i, j in np.argwhere(inside >= (SHARE_COVERED - 0.05) * n_points)]


def _cells(ways: Sequence[Way], shift: tuple[int, int] = (0, 0)) -> tuple[IntArray, IntArray]:
    """For each point of all lines its line, and the number of the cell that lies `shift` beside its own."""
    owner = np.repeat(np.arange(len(ways)), [len(way.xy_m) for way in ways])
    cell = np.floor(np.concatenate([way.xy_m for way in ways]) / (REACH_M + STEP_M)).astype(np.int64) + shift
    return owner, cell[:, 0] * 4_000_000 + cell[:, 1]


def pattern_f1(pairs: PatternPairs, n_found: int) -> tuple[float, float, float]:
    """Share of found patterns that are true, of those asked for that are found, and their harmonic mean."""
    precision = len(pairs.found) / max(1, n_found)
    return f1_of(precision, int(pairs.is_asked[pairs.true].sum()) / max(1, int(pairs.is_asked.sum())))


def hausdorff_m(feed: FeedMap, reference: FeedMap, pairs: PatternPairs) -> FloatArray:
    """For each pair the largest distance of a ridden point of the true line from the found one, or of any
    point of the found line from the true one."""
    largest_m = []
    for true, found in zip(pairs.true.tolist(), pairs.found.tolist(), strict=True):
        true_way, found_way = way_of(reference.line_m(true)), way_of(feed.line_m(found))
        there_m = found_way.tree.query(_ridden(reference, true).xy_m)[0]
        largest_m.append(max(there_m.max(), true_way.tree.query(found_way.xy_m)[0].max()))
    return np.array(largest_m, dtype=float)


def common_calls(feed: FeedMap, reference: FeedMap, true: int, found: int) -> list[tuple[int, int]]:
    """Calls (of the feed, of the reference) of two patterns that are one, in order, within `SAME_STOP_M`."""
    a = feed.stop_m[feed.stop_index[feed.calls(found)]]
    b = reference.stop_m[reference.stop_index[reference.calls(true)]]
    same = np.hypot(*(a[:, None, :] - b[None, :, :]).transpose(2, 0, 1)) <= SAME_STOP_M
    best = np.zeros((len(a) + 1, len(b) + 1), dtype=np.int64)
    for i in range(len(a)):
        step = np.maximum(best[i, 1:], best[i, :-1] + same[i])
        best[i + 1, 1:] = np.maximum.accumulate(step)
    i, j, calls = len(a), len(b), []
    while i and j:
        if same[i - 1, j - 1] and best[i, j] == best[i - 1, j - 1] + 1:
            i, j = i - 1, j - 1
            calls.append((i, j))
        elif best[i - 1, j] >= best[i, j - 1]:
            i -= 1
        else:
            j -= 1
    return calls[::-1]


def sequence_f1(
    feed: FeedMap, reference: FeedMap, true: int, found: int, calls: list[tuple[int, int]]
) -> float:
    """How much of the order of stops two patterns share; stops hardly anybody rode to need not be found."""
    aboard = reference.n_aboard[reference.calls(true)]
    ridden = ~(aboard < min(MIN_RIDES, np.nan_to_num(reference.n_rides[true], nan=MIN_RIDES)))
    recall = sum(bool(ridden[call]) for _, call in calls) / max(1, int(ridden.sum()))
    span = feed.calls(found)
    return f1_of(len(calls) / (span.stop - span.start), recall).f1


def route_f1(feed: FeedMap, reference: FeedMap, pairs: PatternPairs) -> float | None:
    """F1 over pairs of found patterns: one route or not; None where no pair is of one route."""
    a, b = reference.route_index[pairs.true], feed.route_index[pairs.found]
    upper = np.triu(np.ones((len(a), len(a)), dtype=bool), 1)
    same_a, same_b = (a[:, None] == a) & upper, (b[:, None] == b) & upper
    both = int((same_a & same_b).sum())
    total = int(same_a.sum()) + int(same_b.sum())
    return 2.0 * both / total if total else None
