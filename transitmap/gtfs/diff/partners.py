"""Two Charts -> Partners: which stop, route and pattern of the one is which of the other."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from transitmap.config import DiffConfig
from transitmap.geo import Plane, headings, resample
from transitmap.gtfs.diff.chart import Chart
from transitmap.model import Columns, FloatArray, IntArray

SAME_IDS = 0.5
"""Ids are believed where this share of the smaller feed's stops is in both feeds, and stays put."""
STEP_M = 50.0
CELL_M = 40.0
SECTORS = 8
AROUND = tuple((x, y, turn) for x in (-1, 0, 1) for y in (-1, 0, 1) for turn in (-1, 0, 1))
OPPOSITE = -0.5
"""The cosine of 120 degrees: stops whose vehicles go further apart than that are not one stop."""
NAME_WORTH = 1.5
KNOWN_WORTH = 10.0
"""An id in common outweighs whatever else may be said for another partner."""

Pairs = Iterable[tuple[float, int, int]]


@dataclass(frozen=True, eq=False)
class Partners(Columns):
    """For each row of the old chart the row of the new one that it is, or -1; and whether ids told so."""

    stop: IntArray
    route: IntArray
    pattern: IntArray
    by_ids: bool


def find_partners(old: Chart, new: Chart, config: DiffConfig) -> Partners:
    """One to one. By ids where the two feeds use the same ones, else by place, way and name.

    Two feeds use the same ids where half of the smaller one's stop ids are in both and half of these lie
    within `near_m`: S1 of one city is not S1 of another. By place, stops are the same within `near_m`
    (three times that under the same name) unless their vehicles go opposite ways; patterns where each line
    covers `share_line` of the other; routes by the patterns in common and their name.
    """
    plane = _plane(old, new)
    if not _same_ids(old, new, plane, config.near_m):
        return _by_place(old, new, plane, config, _never)
    stop, route = _by_id(old.stop_id, new.stop_id), _by_id(old.route_id, new.route_id)
    return Partners(stop, route, _patterns_by_id(old, new, stop, route), True)


def find_places(old: Chart, new: Chart, config: DiffConfig) -> Partners:
    """One to one by place, way and name, whether or not some of the new chart's ids are the old one's.

    Of what may be the same by place, that under one id goes first; like a name, the id may lie three times
    as far away, and a line cover half as much: who is known once stays known.
    """
    return _by_place(old, new, _plane(old, new), config, str.__eq__)


Known = Callable[[str, str], bool]
"""Whether an old and a new id say that two things are one."""


def _never(old_id: str, new_id: str) -> bool:
    return False


def _by_place(old: Chart, new: Chart, plane: Plane, config: DiffConfig, known: Known) -> Partners:
    stop = _one_to_one(len(old.stop_id), _near_stops(old, new, plane, config.near_m, known))
    alike = _alike_patterns(old, new, stop, plane, config.share_line, known)
    pattern = _one_to_one(len(old.pattern_id), alike)
    left = _one_to_one(len(stop), _called_by_partners(old, new, stop, pattern, plane, config.near_m))
    stop = np.where(stop < 0, left, stop)
    return Partners(stop, _routes_by_patterns(old, new, pattern, known), pattern, False)


def _plane(old: Chart, new: Chart) -> Plane:
    lat_deg = np.concatenate([old.stop_lat_deg, new.stop_lat_deg])
    lon_deg = np.concatenate([old.stop_lon_deg, new.stop_lon_deg])
    return Plane.around(lat_deg, lon_deg)


def _stops_m(chart: Chart, plane: Plane) -> FloatArray:
    return plane.to_metres(chart.stop_lat_deg, chart.stop_lon_deg)


def _same_ids(old: Chart, new: Chart, plane: Plane, near_m: float) -> bool:
    stop = _by_id(old.stop_id, new.stop_id)
    shared = np.flatnonzero(stop >= 0)
    if len(shared) < SAME_IDS * min(len(old.stop_id), len(new.stop_id)) or not len(shared):
        return False
    moved_m = np.hypot(*(_stops_m(old, plane)[shared] - _stops_m(new, plane)[stop[shared]]).T)
    return bool(np.mean(moved_m <= near_m) >= SAME_IDS)


def _by_id(old: tuple[str, ...], new: tuple[str, ...]) -> IntArray:
    row_of = {one: row for row, one in enumerate(new)}
    return np.array([row_of.get(one, -1) for one in old], dtype=np.int64)


def _one_to_one(n_old: int, pairs: Pairs) -> IntArray:
    """For each old row its new partner or -1, the pairs with the least loss first; ties by row."""
    partner = np.full(n_old, -1, dtype=np.int64)
    taken: set[int] = set()
    for _, a, b in sorted(pairs):
        if partner[a] < 0 and b not in taken:
            partner[a] = b
            taken.add(b)
    return partner


def inverse(partner: IntArray, n: int) -> IntArray:
    """For each of `n` rows the row that it is the partner of, or -1."""
    back = np.full(n, -1, dtype=np.int64)
    rows = np.flatnonzero(partner >= 0)
    back[partner[rows]] = rows
    return back


# --- by ids ------------------------------------------------------------------------------------------


def _patterns_by_id(old: Chart, new: Chart, stop: IntArray, route: IntArray) -> IntArray:
    """Patterns by their ids; the rest of a route and direction by the stops they have in common."""
    partner = _by_id(old.pattern_id, new.pattern_id)
    taken = set(partner.tolist())
    left: dict[tuple[int, str], list[int]] = {}
    for b in range(len(new.pattern_id)):
        if b not in taken:
            left.setdefault((int(new.route_index[b]), new.direction[b]), []).append(b)
    unmatched = np.flatnonzero(partner < 0).tolist()
    pairs = [
        (-share, a, b)
        for a in unmatched
        for b in left.get((int(route[old.route_index[a]]), old.direction[a]), [])
        if (share := _shared_stops(old, new, stop, a, b)) >= SAME_IDS
    ]
    return np.where(partner < 0, _one_to_one(len(partner), pairs), partner)


def _shared_stops(old: Chart, new: Chart, stop: IntArray, a: int, b: int) -> float:
    """Stops of an old and a new pattern in common, as a share of all stops of both."""
    ours, theirs = set(stop[old.calls(a)].tolist()), set(new.calls(b).tolist())
    return len(ours & theirs) / max(len(ours | theirs), 1)


# --- by place ----------------------------------------------------------------------------------------


def _near_stops(old: Chart, new: Chart, plane: Plane, near_m: float, known: Known) -> Pairs:
    """Pairs of stops that may be one, the nearer and the more alike in name the better."""
    from scipy.spatial import cKDTree

    old_m, new_m = _stops_m(old, plane), _stops_m(new, plane)
    if not len(old_m) or not len(new_m):
        return
    way = _ways(old, old_m), _ways(new, new_m)
    near = cKDTree(old_m).sparse_distance_matrix(cKDTree(new_m), 3.0 * near_m, output_type="ndarray")
    for a, b, off_m in zip(near["i"].tolist(), near["j"].tolist(), near["v"].tolist(), strict=True):
        is_named = old.stop_name[a].casefold() == new.stop_name[b].casefold() != ""
        is_known = known(old.stop_id[a], new.stop_id[b])
        if (off_m <= near_m or is_named or is_known) and float(way[0][a] @ way[1][b]) > OPPOSITE:
            yield off_m - near_m * (is_named + KNOWN_WORTH * is_known), a, b


def _called_by_partners(
    old: Chart, new: Chart, stop: IntArray, pattern: IntArray, plane: Plane, near_m: float
) -> Pairs:
    """Pairs of stops left over that partner patterns call at: there vehicles pass one way, whatever it is."""
    old_m, new_m, taken = _stops_m(old, plane), _stops_m(new, plane), set(stop.tolist())
    for a, b in enumerate(pattern.tolist()):
        ours = sorted({one for one in old.calls(a).tolist() if stop[one] < 0})
        theirs = sorted(set(new.calls(b).tolist()) - taken) if b >= 0 else []
        for one, other in product(ours, theirs):
            off_m = float(np.hypot(*(old_m[one] - new_m[other])))
            if off_m <= near_m:
                yield off_m, one, other


def _ways(chart: Chart, stop_m: FloatArray) -> FloatArray:
    """Which way vehicles pass each stop, as vectors: of length 1 where all agree, 0 where none passes."""
    total, count = np.zeros_like(stop_m), np.zeros(len(stop_m))
    for pattern in range(len(chart.pattern_id)):
        calls = chart.calls(pattern)
        np.add.at(total, calls, headings(stop_m[calls]))
        np.add.at(count, calls, 1.0)
    return total / np.maximum(count, 1.0)[:, None]


def _alike_patterns(
    old: Chart, new: Chart, stop: IntArray, plane: Plane, share_line: float, known: Known
) -> Pairs:
    """Pairs of patterns whose lines cover each other, with the stops and the name they have in common."""
    share_old, share_new = _covered(old, new, plane), _covered(new, old, plane).T
    both = np.minimum(share_old, share_new)
    for a, b in zip(*(rows.tolist() for rows in np.nonzero(both >= share_line / 2)), strict=True):
        is_known = known(old.pattern_id[a], new.pattern_id[b])
        if both[a, b] < share_line and not is_known:
            continue
        names = old.told_name(int(old.route_index[a])), new.told_name(int(new.route_index[b]))
        alike = float(share_old[a, b] + share_new[a, b]) + _shared_stops(old, new, stop, a, b)
        yield -alike - 0.5 * (names[0] == names[1] != "") - KNOWN_WORTH * is_known, a, b


def _covered(chart: Chart, other: Chart, plane: Plane) -> FloatArray:
    """(patterns of the one, of the other): the share of each line that runs along the other, the same way.

    Along means within 40 to 80 m: lines are counted in cells, so that big feeds stay cheap.
    """
    points = [_cells(chart, pattern, plane) for pattern in range(len(chart.pattern_id))]
    others = [_cells(other, pattern, plane) for pattern in range(len(other.pattern_id))]
    if not points or not others:
        return np.zeros((len(points), len(others)))
    place: dict[tuple[int, int, int], int] = {}
    for cell in (cell for cells in points for cell in cells):
        place.setdefault(cell, len(place))
    ours = _incidence([Counter(place[cell] for cell in cells) for cells in points], len(place))
    theirs = _incidence([Counter(_reached(cells, place)) for cells in others], len(place))
    n_points = np.array([len(cells) for cells in points], dtype=float)
    return np.asarray((ours @ theirs.T).toarray() / n_points[:, None])


def _cells(chart: Chart, pattern: int, plane: Plane) -> list[tuple[int, int, int]]:
    """The cell and the eighth of the compass of a point every 50 m of a line."""
    line_m = resample(plane.to_metres(*chart.line(pattern)), STEP_M)
    way = headings(line_m)
    sector = np.round(np.arctan2(way[:, 1], way[:, 0]) / (2 * np.pi) * SECTORS).astype(np.int64) % SECTORS
    cell = np.floor(line_m / CELL_M).astype(np.int64)
    return list(zip(cell[:, 0].tolist(), cell[:, 1].tolist(), sector.tolist(), strict=True))


def _reached(cells: list[tuple[int, int, int]], place: dict[tuple[int, int, int], int]) -> set[int]:
    """The known cells around some, and in them the ways that differ by an eighth at most."""
    around = {(x + dx, y + dy, (way + turn) % SECTORS) for x, y, way in cells for dx, dy, turn in AROUND}
    return {place[cell] for cell in around if cell in place}


def _incidence(rows: list[Counter[int]], n_places: int) -> Any:
    """How often each line is in each place, a sparse table."""
    from scipy.sparse import csr_array

    line = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
    at = np.array([place for row in rows for place in row], dtype=np.int64)
    times = np.array([n for row in rows for n in row.values()], dtype=float)
    return csr_array((times, (line, at)), shape=(len(rows), n_places))


def _routes_by_patterns(old: Chart, new: Chart, pattern: IntArray, known: Known) -> IntArray:
    """For each old route the new one with most patterns in common, the name counting as one and a half.

    Of those that have a pattern or the name in common, one of the same id goes first.
    """
    worth: dict[tuple[int, int], float] = defaultdict(float)
    for a in np.flatnonzero(pattern >= 0).tolist():
        worth[int(old.route_index[a]), int(new.route_index[pattern[a]])] += 1.0
    called: dict[str, list[int]] = {}
    for b in range(len(new.route_id)):
        called.setdefault(new.told_name(b), []).append(b)
    called.pop("", None)
    for a in range(len(old.route_id)):
        for b in called.get(old.told_name(a), []):
            worth[a, b] += NAME_WORTH
    for a, b in worth:
        worth[a, b] += KNOWN_WORTH * len(old.pattern_id) * known(old.route_id[a], new.route_id[b])
    return _one_to_one(len(old.route_id), ((-n, a, b) for (a, b), n in worth.items()))
