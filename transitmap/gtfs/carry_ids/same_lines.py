"""Patterns and routes of two feeds -> which is which: lines that cover each other, stops and names shared."""

from __future__ import annotations

import numpy as np

from transitmap.geo import Plane, headings
from transitmap.gtfs.carry_ids.pairs import ALONE, pairs_within, pick_partners
from transitmap.model import FloatArray, Ids, IntArray

LINE_NEAR_M = 65.0  # half a step along and 41 m aside: each point of a line run twice finds a partner
LINE_COS = 0.5  # within 60 degrees
MIN_OVERLAP = 0.8
MOST_WORTH = 3.5  # two whole lines, all stops and the name in common
NAME_WORTH = 1.5  # a route's name outweighs one shared pattern, not two


def match_patterns(new: Ids, old: Ids, stop_of: IntArray, plane: Plane) -> IntArray:
    """For each new pattern the row of the old one whose line it runs, or -1."""
    a, b, overlap = _overlaps(new, old, plane)
    worth = [
        overlap[k] + _shared_stops(new, old, stop_of, a[k], b[k]) + 0.5 * _same_name(new, old, a[k], b[k])
        for k in range(len(a))
    ]
    cost = ALONE - np.asarray(worth, dtype=np.float64) / MOST_WORTH
    return pick_partners(len(new.call_start) - 1, len(old.pattern_id), a, b, cost)


def _overlaps(new: Ids, old: Ids, plane: Plane) -> tuple[IntArray, IntArray, FloatArray]:
    """Pairs of a new and an old line that cover each other, and the sum of both shares."""
    new_xy, new_line, new_way = _points(new, plane)
    old_xy, old_line, old_way = _points(old, plane)
    i, j, _ = pairs_within(new_xy, old_xy, LINE_NEAR_M)
    ahead = (new_way[i] * old_way[j]).sum(axis=1) > LINE_COS
    i, j = i[ahead], j[ahead]
    n_old = len(old.line_start) - 1
    # Each point counts once for a pair of lines, however many partners it has there.
    covered_new = np.unique(i * n_old + old_line[j])
    covered_old = np.unique(j * (len(new.line_start) - 1) + new_line[i])
    share = np.zeros((2, len(new.line_start) - 1, n_old))
    np.add.at(share[0], (new_line[covered_new // max(n_old, 1)], covered_new % max(n_old, 1)), 1.0)
    n_new = max(len(new.line_start) - 1, 1)
    np.add.at(share[1], (covered_old % n_new, old_line[covered_old // n_new]), 1.0)
    share[0] /= np.maximum(np.diff(new.line_start), 1)[:, None]
    share[1] /= np.maximum(np.diff(old.line_start), 1)[None, :]
    a, b = np.nonzero((share >= MIN_OVERLAP).all(axis=0))
    return a, b, share.sum(axis=0)[a, b]


def _points(ids: Ids, plane: Plane) -> tuple[FloatArray, IntArray, FloatArray]:
    """Every point of the remembered lines in metres, the line it belongs to and the way it runs there."""
    xy_m = plane.to_metres(ids.line_lat_deg, ids.line_lon_deg)
    spans = list(zip(ids.line_start[:-1], ids.line_start[1:], strict=True))
    way = np.concatenate([np.zeros((0, 2)), *(headings(xy_m[first:last]) for first, last in spans)])
    return xy_m, np.repeat(np.arange(len(spans)), np.diff(ids.line_start)), way


def _shared_stops(new: Ids, old: Ids, stop_of: IntArray, a: int, b: int) -> float:
    """Stops that a new and an old pattern have in common, as a share of all stops of both."""
    ours = set(stop_of[new.stop_index[new.call_start[a] : new.call_start[a + 1]]].tolist()) - {-1}
    theirs = set(old.stop_index[old.call_start[b] : old.call_start[b + 1]].tolist())
    return len(ours & theirs) / max(len(ours | theirs), 1)


def _same_name(new: Ids, old: Ids, a: int, b: int) -> bool:
    """Whether riders call the routes of a new and an old pattern the same."""
    name = new.route_name[new.route_index[a]]
    return bool(name) and name == old.route_name[old.route_index[b]]


def match_routes(new: Ids, old: Ids, pattern_of: IntArray) -> IntArray:
    """For each new route the row of the old one that it is, or -1."""
    worth = np.zeros((len(new.route_name), len(old.route_name)))
    carried = pattern_of >= 0
    np.add.at(worth, (new.route_index[carried], old.route_index[pattern_of[carried]]), 1.0)
    for b, name in enumerate(old.route_name):
        if name:
            worth[[a for a, ours in enumerate(new.route_name) if ours == name], b] += NAME_WORTH
    a, b_rows = np.nonzero(worth)
    cost = ALONE - worth[a, b_rows] / max(worth.max(initial=0.0), 1.0)
    return pick_partners(len(new.route_name), len(old.route_id), a, b_rows, cost)
