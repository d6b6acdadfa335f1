"""Network, previous ids -> ids that stay with the same stop, route, pattern and shape from feed to feed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from transitmap.geo import Plane, headings, resample
from transitmap.model import FloatArray, Ids, IntArray, Network, Shapes, shape_id_of

__all__ = ["Ids", "carry_ids"]

STOP_NEAR_M = 25.0
STOP_TURN_DEG = 60.0
LINE_STEP_M = 100.0
LINE_NEAR_M = 65.0  # half a step along and 41 m aside: each point of a line run twice finds a partner
LINE_COS = 0.5  # within 60 degrees
MIN_OVERLAP = 0.8
NAME_WORTH = 1.5  # a route's name outweighs one shared pattern, not two


def carry_ids(network: Network, previous: Ids | None) -> Ids:
    """Ids for every row of the network: the previous ones where it is the same thing, else new ones.

    The same stop: the nearest one to one within 25 m, headings within 60 degrees. The same pattern (and
    shape): each line covers 80 % of the other, best overlap first; stops in common and the route's name break
    ties. The same route: most patterns in common, the name counting as one and a half. New ids count on from
    the previous `next_*`, so an id that was withdrawn never comes back as something else. Memory O(pairs of
    line points within 65 m of each other).
    """
    old = previous or _nothing()
    new = _remember(network)
    plane = _plane(old, new)
    stop_of = _match_stops(new, old, plane)
    pattern_of = _match_patterns(new, old, stop_of, plane)
    route_of = _match_routes(new, old, pattern_of)
    stop_id, next_stop = _assign("S", old.stop_id, stop_of, old.next_stop)
    route_id, next_route = _assign("R", old.route_id, route_of, old.next_route)
    pattern_id, next_pattern = _assign("P", old.pattern_id, pattern_of, old.next_pattern)
    return replace(
        new,
        stop_id=stop_id,
        route_id=route_id,
        pattern_id=pattern_id,
        shape_id=tuple(shape_id_of(one) for one in pattern_id),
        next_stop=next_stop,
        next_route=next_route,
        next_pattern=next_pattern,
    )


def _nothing() -> Ids:
    """The memory before the first feed."""
    none, start = np.zeros(0), np.zeros(1, dtype=np.int64)
    rows = np.zeros(0, dtype=np.int64)
    return Ids((), (), (), (), 1, 1, 1, none, none, none, (), rows, start, rows, start, none, none)


def _remember(network: Network) -> Ids:
    """What the next build needs of this network, its ids still to be given."""
    stops, patterns = network.stops, network.patterns
    line_start, lat_deg, lon_deg = _sample_lines(network.shapes)
    return replace(
        _nothing(),
        stop_lat_deg=np.round(stops.lat_deg, 6),
        stop_lon_deg=np.round(stops.lon_deg, 6),
        stop_heading_deg=np.round(stops.heading_deg, 1),
        route_name=network.routes.short_name,
        route_index=patterns.route_index,
        call_start=patterns.call_start,
        stop_index=patterns.stop_index,
        line_start=line_start,
        line_lat_deg=lat_deg,
        line_lon_deg=lon_deg,
    )


def _sample_lines(shapes: Shapes) -> tuple[IntArray, FloatArray, FloatArray]:
    """Each shape as a point every 100 m, in degrees of six decimals, ragged."""
    start, lat_deg, lon_deg = [0], [np.zeros(0)], [np.zeros(0)]
    for first, last in zip(shapes.point_start[:-1], shapes.point_start[1:], strict=True):
        lat, lon = shapes.lat_deg[first:last], shapes.lon_deg[first:last]
        if len(lat) > 1:
            plane = Plane(float(lat[0]), float(lon[0]))
            lat, lon = plane.to_degrees(resample(plane.to_metres(lat, lon), LINE_STEP_M))
        start.append(start[-1] + len(lat))
        lat_deg.append(np.round(lat, 6))
        lon_deg.append(np.round(lon, 6))
    return np.asarray(start, dtype=np.int64), np.concatenate(lat_deg), np.concatenate(lon_deg)


def _plane(old: Ids, new: Ids) -> Plane:
    """One plane for both feeds."""
    lat_deg = np.concatenate([old.stop_lat_deg, new.stop_lat_deg])
    lon_deg = np.concatenate([old.stop_lon_deg, new.stop_lon_deg])
    return Plane.around(lat_deg, lon_deg) if len(lat_deg) else Plane(0.0, 0.0)


def _match_stops(new: Ids, old: Ids, plane: Plane) -> IntArray:
    """For each new stop the row of the old one that it is, or -1."""
    i, j, distance_m = _pairs_within(
        plane.to_metres(new.stop_lat_deg, new.stop_lon_deg),
        plane.to_metres(old.stop_lat_deg, old.stop_lon_deg),
        STOP_NEAR_M,
    )
    turn_deg = np.abs((new.stop_heading_deg[i] - old.stop_heading_deg[j] + 180.0) % 360.0 - 180.0)
    same = ~(turn_deg > STOP_TURN_DEG)  # a stop without a heading may be any of them
    return _one_to_one(len(new.stop_lat_deg), i[same], j[same], distance_m[same])


def _match_patterns(new: Ids, old: Ids, stop_of: IntArray, plane: Plane) -> IntArray:
    """For each new pattern the row of the old one whose line it runs, or -1."""
    a, b, overlap = _overlaps(new, old, plane)
    loss = [
        -overlap[k] - _shared_stops(new, old, stop_of, a[k], b[k]) - 0.5 * _same_name(new, old, a[k], b[k])
        for k in range(len(a))
    ]
    return _one_to_one(len(new.route_index), a, b, np.asarray(loss, dtype=np.float64))


def _overlaps(new: Ids, old: Ids, plane: Plane) -> tuple[IntArray, IntArray, FloatArray]:
    """Pairs of a new and an old line that cover each other, and the sum of both shares."""
    new_xy, new_line, new_way = _points(new, plane)
    old_xy, old_line, old_way = _points(old, plane)
    i, j, _ = _pairs_within(new_xy, old_xy, LINE_NEAR_M)
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


def _match_routes(new: Ids, old: Ids, pattern_of: IntArray) -> IntArray:
    """For each new route the row of the old one that it is, or -1."""
    worth = np.zeros((len(new.route_name), len(old.route_name)))
    carried = pattern_of >= 0
    np.add.at(worth, (new.route_index[carried], old.route_index[pattern_of[carried]]), 1.0)
    for b, name in enumerate(old.route_name):
        if name:
            worth[[a for a, ours in enumerate(new.route_name) if ours == name], b] += NAME_WORTH
    a, b_rows = np.nonzero(worth)
    return _one_to_one(len(new.route_name), a, b_rows, -worth[a, b_rows])


def _pairs_within(
    new_xy: FloatArray, old_xy: FloatArray, near_m: float
) -> tuple[IntArray, IntArray, FloatArray]:
    """Rows of the points that lie within `near_m` of each other, and how far apart they are."""
    from scipy.spatial import cKDTree

    if not len(new_xy) or not len(old_xy):
        none = np.zeros(0, dtype=np.int64)
        return none, none, np.zeros(0)
    pairs = cKDTree(new_xy).sparse_distance_matrix(cKDTree(old_xy), near_m, output_type="ndarray")
    return pairs["i"].astype(np.int64), pairs["j"].astype(np.int64), pairs["v"]


def _one_to_one(n_new: int, i: IntArray, j: IntArray, loss: FloatArray) -> IntArray:
    """For each new row its old partner or -1, the pairs with the least loss first; ties by row."""
    partner = np.full(n_new, -1, dtype=np.int64)
    taken: set[int] = set()
    for k in np.lexsort((i, j, loss)):
        if partner[i[k]] < 0 and int(j[k]) not in taken:
            partner[i[k]] = j[k]
            taken.add(int(j[k]))
    return partner


def _assign(
    prefix: str, old_ids: tuple[str, ...], partner: IntArray, number: int
) -> tuple[tuple[str, ...], int]:
    """The partner's id for each row, or the next number; and the number after the last."""
    ids = []
    for row in partner:
        ids.append(old_ids[row] if row >= 0 else f"{prefix}{number}")
        number += int(row < 0)
    return tuple(ids), number
