"""Network, Trips, rides -> Segments: which hundred metres of which route each ride is evidence of."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from transitmap import geo
from transitmap.model import (
    BUS,
    NO_PATTERN,
    RAIL,
    Fixes,
    FloatArray,
    IntArray,
    Network,
    Patterns,
    Ride,
    Rules,
    Segments,
    Shapes,
    Trips,
)

BIN_M = 10.0
BIN_MM = 10_000
OPPOSITE_M = 100.0  # two lines in opposite directions are as far apart as lines this far away
OFF_LINE_M = 75.0  # a fix farther than this from the line, heading counted in, is no evidence of it
SLOW_M_S, FAST_M_S = (
    2.6,
    55.0,
)  # on new ground: slower is walking or standing, faster is no vehicle of a street
WINDING = 1.5  # along the line a step may be this much longer than straight,
SLACK_M = 60.0  # and this much more for the noise of its two fixes
EARTH_M_PER_DEG = 111_195.0
SECTOR_DEG = 90.0
SECTOR_SLACK_DEG, TOUCH_SLACK_DEG = 30.0, 45.0
TOUCHED_MM = 1
"""The length of what a ride passed without evidence of its own: too short to observe anything."""
DAY_S = 86_400

Cell = tuple[int, int, int, int, int, int]
"""(route_index, direction_id, cell, day, length_mm, worth_mm), before the cell is hashed."""


@dataclass(frozen=True, eq=False)
class Line:
    """One pattern's shape in bins of 10 m: a search tree of (x, y, heading), and the segment of each bin.

    A bin that passes a street again names the bin of the first pass in `first`, which stands for both.
    """

    plane: geo.Plane
    tree: Any
    along_m: FloatArray
    segment: IntArray
    first: IntArray
    route_index: int
    direction_id: int


@dataclass(frozen=True, eq=False)
class Ground:
    """A network made ready to look rides up in; `plane` is None and `lines` are empty without patterns."""

    timezone: str
    plane: geo.Plane | None
    lines: tuple[Line, ...]
    tree: Any


@dataclass(frozen=True, eq=False)
class Steps:
    """The way between each two neighbouring fixes; nothing here depends on any third fix.

    That is what makes evidence additive: cutting a ride in two can lose a step, never change one.
    """

    start_m: FloatArray
    end_m: FloatArray
    start_deg: FloatArray
    end_deg: FloatArray
    length_m: FloatArray
    interval_s: FloatArray
    permille: IntArray
    day: IntArray


def gather(ground: Ground, trips: Trips, rides: Sequence[Ride], rules: Rules, key: bytes) -> Segments:
    """What each ride is evidence of: a row for each ride, segment and local day.

    A ride of a pattern covers 10 m bins of its shape, within the stretch that `trips` says was ridden; bins
    of one route and direction on the same street are one segment. A bus or rail ride of no pattern covers
    directed cells of new ground, except where a known line runs in that direction. `key` (at most 64
    bytes) makes the hashes of this installation its own. Quality is explained in `rules.toml`.
    """
    columns = [
        np.column_stack([np.full(len(rows), index), rows])
        for index, ride in enumerate(rides)
        for rows in [_of_ride(ground, trips, index, ride, rules, key)]
    ]
    table = np.concatenate([np.empty((0, 7), dtype=np.int64), *columns])
    return Segments(*(np.ascontiguousarray(column) for column in table.T))


def _of_ride(ground: Ground, trips: Trips, index: int, ride: Ride, rules: Rules, key: bytes) -> IntArray:
    """(route_index, direction_id, segment, day, length_mm, worth_mm) of one ride."""
    fixes = _on_board(ride.fixes, float(trips.board_time_s[index]), float(trips.alight_time_s[index]))
    pattern, mode = int(trips.pattern_index[index]), int(trips.mode[index])
    is_new_ground = mode in (BUS, RAIL) and trips.reason[index] in ("", NO_PATTERN)  # and no copy of a ride
    if len(fixes) < 2 or (pattern < 0 and not is_new_ground):
        return np.empty((0, 6), dtype=np.int64)
    if pattern >= 0:
        stretch = float(trips.first_m[index]), float(trips.last_m[index])
        return _on_line(ground.lines[pattern], ground.timezone, stretch, fixes, rules, key)
    return _on_new_ground(ground, fixes, rules, key)


def _on_board(fixes: Fixes, board_s: float, alight_s: float) -> Fixes:
    """The fixes between boarding and alighting; all of them where that is not known."""
    first = np.searchsorted(fixes.time_s, board_s) if np.isfinite(board_s) else 0
    last = np.searchsorted(fixes.time_s, alight_s, "right") if np.isfinite(alight_s) else len(fixes)
    part = slice(int(first), int(last))
    return Fixes(fixes.time_s[part], fixes.lat_deg[part], fixes.lon_deg[part], fixes.accuracy_m[part])


# --- a network made ready ------------------------------------------------------------------------


def survey(network: Network, rules: Rules) -> Ground:
    """The network's shapes in bins, numbered so that a street counts once in a route and direction.

    Memory: some 100 bytes a bin. Takes some milliseconds a pattern: keep it for as long as the network holds.
    """
    if len(network.patterns) == 0:
        return Ground(network.timezone, None, (), None)
    plane = geo.Plane.around(network.shapes.lat_deg, network.shapes.lon_deg)
    xy_m = plane.to_metres(network.shapes.lat_deg, network.shapes.lon_deg)
    start = network.shapes.point_start
    along = [_bins(xy_m[start[i] : start[i + 1]]) for i in range(len(network.shapes))]
    features = [_features(xy_m[start[i] : start[i + 1]], along[i]) for i in range(len(along))]
    trees = [_tree(feature) for feature in features]
    segments = _number(network.patterns, features, trees, rules)
    firsts = [_first_pass(feature, tree, rules.near_m) for feature, tree in zip(features, trees, strict=True)]
    ends = zip(network.patterns.route_index.tolist(), network.patterns.direction_id.tolist(), strict=True)
    lines = tuple(
        Line(plane, tree, along_m, segment[first], first, *end)
        for tree, along_m, segment, first, end in zip(trees, along, segments, firsts, ends, strict=True)
    )
    return Ground(network.timezone, plane, lines, _tree(np.concatenate(features)))


def _bins(xy_m: FloatArray) -> FloatArray:
    """Distance along the line of the middle of each bin; a line has at least one."""
    n = max(1, round(float(geo.along_m(xy_m)[-1]) / BIN_M))
    return np.asarray((np.arange(n) + 0.5) * BIN_M, dtype=np.float64)


def _features(xy_m: FloatArray, along_m: FloatArray) -> FloatArray:
    """(x, y, heading): positions in metres, and the unit heading at half of OPPOSITE_M."""
    distance_m = geo.along_m(xy_m)
    middle_m = geo.at(xy_m, distance_m, along_m)
    ahead_m = geo.at(xy_m, distance_m, along_m + BIN_M) - geo.at(xy_m, distance_m, along_m - BIN_M)
    unit = ahead_m / np.maximum(np.hypot(ahead_m[:, 0], ahead_m[:, 1]), 1e-9)[:, None]
    return np.column_stack([middle_m, unit * OPPOSITE_M / 2])


def _tree(features: FloatArray) -> Any:
    from scipy.spatial import cKDTree

    return cKDTree(features)


def _number(patterns: Patterns, features: list[FloatArray], trees: list[Any], rules: Rules) -> list[IntArray]:
    """The segment of every bin of every pattern, unique within (route, direction).

    The pattern most ridden is cut first; the others take its numbers where they run along it.
    """
    segments = [np.full(len(feature), -1, dtype=np.int64) for feature in features]
    order = sorted(range(len(patterns)), key=lambda row: (-int(patterns.n_rides[row]), row))
    groups: dict[tuple[int, int], list[int]] = {}
    for row in order:
        groups.setdefault((int(patterns.route_index[row]), int(patterns.direction_id[row])), []).append(row)
    for rows in groups.values():
        n_segments = 0
        for position, row in enumerate(rows):
            for other in rows[:position]:
                _take_numbers(segments[row], features[row], segments[other], trees[other], rules.near_m)
            n_segments = _cut_rest(segments[row], n_segments, round(rules.segment_m / BIN_M))
    return segments


def _take_numbers(
    segment: IntArray, features: FloatArray, other_segment: IntArray, other_tree: Any, near_m: float
) -> None:
    """Bins without a number take the one of the nearest bin of a line that is cut already."""
    distance_m, nearest = other_tree.query(features, distance_upper_bound=near_m)
    takes = (segment < 0) & np.isfinite(distance_m)
    segment[takes] = other_segment[nearest[takes]]


def _cut_rest(segment: IntArray, n_segments: int, n_bins: int) -> int:
    """Numbers runs of bins without a number, `n_bins` to a segment; says how many numbers are in use."""
    free = np.flatnonzero(segment < 0)
    for run in np.split(free, np.flatnonzero(np.diff(free) > 1) + 1):
        pieces = np.arange(len(run)) // n_bins
        segment[run] = n_segments + pieces
        n_segments += int(pieces[-1]) + 1 if len(run) else 0
    return n_segments


def _first_pass(features: FloatArray, tree: Any, near_m: float) -> IntArray:
    """For each bin the nearest one of an earlier pass of the same street and direction, else itself."""
    first = np.arange(len(features))
    pairs = tree.query_pairs(near_m, output_type="ndarray")
    pairs = pairs[pairs[:, 1] - pairs[:, 0] > 3 * near_m / BIN_M]
    apart_m = np.linalg.norm(features[pairs[:, 0]] - features[pairs[:, 1]], axis=1)
    for earlier, later in pairs[
        np.argsort(-apart_m, kind="stable")
    ].tolist():  # the nearest has the last word
        first[later] = earlier
    for later in range(len(first)):
        first[later] = first[first[later]]  # a third pass leads to the first by way of the second
    return first


# --- steps and their quality ---------------------------------------------------------------------


def _steps(fixes: Fixes, plane: geo.Plane | None, timezone: str, rules: Rules) -> Steps:
    degrees = np.column_stack([fixes.lat_deg, fixes.lon_deg])
    xy_m = np.zeros((len(fixes), 2)) if plane is None else plane.to_metres(fixes.lat_deg, fixes.lon_deg)
    start_m = xy_m[:-1]
    end_m = _from_start_m(degrees) if plane is None else xy_m[1:]
    interval_s = np.diff(fixes.time_s)
    accuracy_m = np.maximum(fixes.accuracy_m[:-1], fixes.accuracy_m[1:])  # NaN if either is
    return Steps(
        start_m,
        end_m,
        degrees[:-1],
        degrees[1:],
        np.hypot(*(end_m - start_m).T),
        interval_s,
        _permille(interval_s, accuracy_m, rules),
        _local_days(fixes.time_s[:-1], timezone),
    )


def _from_start_m(degrees: FloatArray) -> FloatArray:
    """Each step in metres from its own start: without a network there is no plane that all rides share."""
    delta_deg = np.diff(degrees, axis=0)
    middle_rad = np.radians((degrees[:-1, 0] + degrees[1:, 0]) / 2)
    east_deg = (delta_deg[:, 1] + 180.0) % 360.0 - 180.0
    return np.column_stack([east_deg * np.cos(middle_rad), delta_deg[:, 0]]) * EARTH_M_PER_DEG


def _permille(interval_s: FloatArray, accuracy_m: FloatArray, rules: Rules) -> IntArray:
    """Quality of each step in whole thousandths, by the formula in `rules.toml`."""
    often = np.minimum(1.0, np.sqrt(rules.full_interval_s / np.maximum(interval_s, 1e-3)))
    exact = np.minimum(1.0, rules.full_accuracy_m / np.maximum(accuracy_m, 1e-3))
    exact = np.where(np.isnan(accuracy_m), rules.unknown_accuracy, exact)
    usable = (interval_s <= rules.max_interval_s) & ~(accuracy_m > rules.max_accuracy_m)
    return np.where(usable, np.floor(1000 * often * exact), 0).astype(np.int64)


def _local_days(time_s: FloatArray, timezone: str) -> IntArray:
    """Local days since 1970-01-01; the offset from UTC is asked once an hour of the ride."""
    zone = ZoneInfo(timezone) if timezone else datetime.UTC
    hours, back = np.unique(time_s // 3600, return_inverse=True)
    offset_s = [
        (
            datetime.datetime.fromtimestamp(hour * 3600, zone).utcoffset() or datetime.timedelta()
        ).total_seconds()
        for hour in hours.tolist()
    ]
    days: IntArray = np.floor_divide(time_s + np.array(offset_s)[back], DAY_S).astype(np.int64)
    return days


# --- rides of a pattern --------------------------------------------------------------------------


def _on_line(
    line: Line, timezone: str, stretch_m: tuple[float, float], fixes: Fixes, rules: Rules, key: bytes
) -> IntArray:
    steps = _steps(fixes, line.plane, timezone, rules)
    rows: list[Cell] = []
    limit_mm = round(rules.segment_m) * 1000
    ridden = np.zeros(len(line.first), dtype=bool)
    ridden[line.first[(line.along_m >= stretch_m[0]) & (line.along_m <= stretch_m[1])]] = True
    passed = np.bincount(line.segment, ridden) > 0
    for day in np.unique(steps.day).tolist():
        best = _best_by_bin(line, steps, steps.day == day)
        best[~ridden] = 0
        length_mm = np.bincount(line.segment, best > 0).astype(np.int64) * BIN_MM
        worth_mm = np.bincount(line.segment, best).astype(np.int64) * (BIN_MM // 1000)
        if 2 * np.count_nonzero(best) >= np.count_nonzero(ridden):  # was there, now and then without signal
            length_mm[(length_mm == 0) & passed] = TOUCHED_MM
        found = np.flatnonzero(length_mm)
        sums = np.minimum(np.column_stack([length_mm, worth_mm])[found], limit_mm)
        rows += [
            (line.route_index, line.direction_id, segment, day, *both)
            for segment, both in zip(found.tolist(), sums.tolist(), strict=True)
        ]
    return _hashed(rows, key)


def _best_by_bin(line: Line, steps: Steps, chosen: Any) -> IntArray:
    """The quality (thousandths) of the best of the chosen steps over each bin, 0 where none passed."""
    direction = (steps.end_m - steps.start_m) * (OPPOSITE_M / 2 / np.maximum(steps.length_m, BIN_M))[:, None]
    off_start_m, first = line.tree.query(np.column_stack([steps.start_m, direction]))
    off_end_m, last = line.tree.query(np.column_stack([steps.end_m, direction]))
    first, last = line.first[first], line.first[last]
    bins = last - first + 1
    passes = (bins >= 1) & (BIN_M * bins <= WINDING * steps.length_m + SLACK_M) & (steps.permille > 0)
    passes &= (np.maximum(off_start_m, off_end_m) <= OFF_LINE_M) & chosen
    bins, first = bins[passes], first[passes]
    within = np.arange(bins.sum()) - np.repeat(np.cumsum(bins) - bins, bins)
    best = np.zeros(len(line.segment), dtype=np.int64)
    np.maximum.at(best, np.repeat(first, bins) + within, np.repeat(steps.permille[passes], bins))
    return best


def _hashed(rows: list[Cell], key: bytes) -> IntArray:
    """The rows with (route, direction, cell) told apart by a keyed 64-bit hash."""
    hashed = [
        (route, direction, _hash(f"{route}|{direction}|{cell}", key), *rest)
        for route, direction, cell, *rest in rows
    ]
    return np.array(hashed, dtype=np.int64).reshape(-1, 6)


def _hash(text: str, key: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8, key=key).digest(), "big", signed=True)


# --- new ground ----------------------------------------------------------------------------------


def _on_new_ground(ground: Ground, fixes: Fixes, rules: Rules, key: bytes) -> IntArray:
    """Directed cells of the steps that follow no known line, and, at length 0, the cells close by.

    Noise moves a ride over the border of a cell: who rode close by counts as an observer there too.
    """
    steps = _steps(fixes, ground.plane, ground.timezone, rules)
    speed_m_s = steps.length_m / np.maximum(steps.interval_s, 1e-3)
    moves = (speed_m_s >= SLOW_M_S) & (speed_m_s <= FAST_M_S) & (steps.permille > 0)
    step = np.flatnonzero(moves & ~_is_known(ground, steps))
    n_bins = np.maximum(1, np.ceil(steps.length_m[step] / BIN_M)).astype(np.int64)
    length_mm = np.repeat(np.floor(steps.length_m[step] * 1000 / n_bins).astype(np.int64), n_bins)
    bins = np.repeat(step, n_bins)
    share = (np.arange(len(bins)) - np.repeat(np.cumsum(n_bins) - n_bins, n_bins) + 0.5) / np.repeat(
        n_bins, n_bins
    )
    way_deg = steps.end_deg - steps.start_deg
    way_deg[:, 1] = (way_deg[:, 1] + 180.0) % 360.0 - 180.0
    place_deg = steps.start_deg[bins] + share[:, None] * way_deg[bins]
    heading_deg = geo.heading_deg((steps.end_m - steps.start_m)[bins])
    worth_mm = length_mm * steps.permille[bins] // 1000
    day = steps.day[bins]
    cells = _sum_cells(_cells(place_deg, heading_deg, rules), day, length_mm, worth_mm, rules)
    return _hashed(cells + _close_by(cells, place_deg, heading_deg, day, rules), key)


def _is_known(ground: Ground, steps: Steps) -> Any:
    """Which steps run along any known line, in its direction."""
    if ground.tree is None:
        return np.zeros(len(steps.length_m), dtype=bool)
    direction = (steps.end_m - steps.start_m) * (OPPOSITE_M / 2 / np.maximum(steps.length_m, BIN_M))[:, None]
    off_m, _ = ground.tree.query(np.column_stack([(steps.start_m + steps.end_m) / 2, direction]))
    return off_m <= OFF_LINE_M


def _cells(place_deg: FloatArray, heading_deg: FloatArray, rules: Rules) -> IntArray:
    """A number for each cell: a square of the earth, as wide at any latitude, and a quarter of headings."""
    height_deg = rules.segment_m / EARTH_M_PER_DEG
    row = np.floor(place_deg[:, 0] / height_deg)
    width_deg = height_deg / np.maximum(np.cos(np.radians((row + 0.5) * height_deg)), 1e-3)
    column = np.floor((place_deg[:, 1] + 180.0) % 360.0 / width_deg)
    sector = np.floor((heading_deg + SECTOR_DEG / 2) % 360.0 / SECTOR_DEG)
    return ((row.astype(np.int64) << 34) + (column.astype(np.int64) << 2) + sector.astype(np.int64)).astype(
        np.int64
    )


def _sum_cells(
    cell: IntArray, day: IntArray, length_mm: IntArray, worth_mm: IntArray, rules: Rules
) -> list[Cell]:
    """One row a cell and day; no cell is worth more than its side, however often one goes round in it."""
    pairs, back = np.unique(np.column_stack([cell, day]), axis=0, return_inverse=True)
    limit_mm = round(rules.segment_m) * 1000
    sums = np.zeros((len(pairs), 2), dtype=np.int64)
    np.add.at(sums, back.reshape(-1), np.column_stack([length_mm, worth_mm]))
    capped = np.minimum(sums, limit_mm)
    return [(-1, -1, *pair, *both) for pair, both in zip(pairs.tolist(), capped.tolist(), strict=True)]


def _close_by(
    cells: list[Cell], place_deg: FloatArray, heading_deg: FloatArray, day: IntArray, rules: Rules
) -> list[Cell]:
    """Rows of length 0 for cells that the noise of another phone could have put the same ride in, and touched
    ones for those that only much noise could have: nobody is paid there on that day."""
    aside_deg = rules.near_m / EARTH_M_PER_DEG
    wide_deg = aside_deg / np.maximum(np.cos(np.radians(place_deg[:, 0])), 1e-3)
    found: dict[int, list[IntArray]] = {0: [], TOUCHED_MM: []}
    for north, east in ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1)):
        moved_deg = place_deg + np.column_stack([np.full(len(day), north * aside_deg), east * wide_deg])
        for turn_deg in (-TOUCH_SLACK_DEG, -SECTOR_SLACK_DEG, 0.0, SECTOR_SLACK_DEG, TOUCH_SLACK_DEG):
            length_mm = 0 if abs(turn_deg) <= SECTOR_SLACK_DEG else TOUCHED_MM
            cell = _cells(moved_deg, heading_deg + turn_deg, rules)
            found[length_mm].append(np.column_stack([cell, day]))
    known = {(cell, when) for _, _, cell, when, _, _ in cells}
    rows = list[Cell]()
    for length_mm, many in found.items():
        close = {tuple(pair) for pair in np.unique(np.concatenate(many), axis=0).tolist()} - known
        rows += [(-1, -1, cell, when, length_mm, 0) for cell, when in sorted(close)]
        known |= close
    return rows


# --- what an official feed knows -----------------------------------------------------------------


def official_segments(ground: Ground, lines: Shapes, rules: Rules, key: bytes) -> IntArray:
    """The segments, as `gather` names them with this `key`, that one of `lines` runs along; sorted.

    Of known lines those of which half lies within `near_m` of one in the same direction, whatever it is
    called; of new ground the cells that a ride along one can be in.
    """
    ends = [(a, b) for a, b in pairwise(lines.point_start.tolist()) if b - a > 1]
    parts = [(lines.lat_deg[a:b], lines.lon_deg[a:b]) for a, b in ends]
    names = _official_lines(ground, parts, rules)
    for lat_deg, lon_deg in parts:
        names |= _official_cells(lat_deg, lon_deg, rules)
    return np.array(sorted(_hash(name, key) for name in names), dtype=np.int64)


def _official_cells(lat_deg: FloatArray, lon_deg: FloatArray, rules: Rules) -> set[str]:
    """The cells along one line and those close by."""
    plane = geo.Plane.around(lat_deg, lon_deg)
    xy_m = plane.to_metres(lat_deg, lon_deg)
    features = _features(xy_m, _bins(xy_m))
    place_deg = np.column_stack(plane.to_degrees(features[:, :2]))
    heading_deg, day = geo.heading_deg(features[:, 2:]), np.zeros(len(features), dtype=np.int64)
    return {f"-1|-1|{cell}" for _, _, cell, *_ in _close_by([], place_deg, heading_deg, day, rules)}


def _official_lines(ground: Ground, parts: list[tuple[FloatArray, FloatArray]], rules: Rules) -> set[str]:
    """The segments of known lines that run along one of some others."""
    if ground.plane is None or not parts:
        return set()
    lines_m = [ground.plane.to_metres(*part) for part in parts]
    official = _tree(np.concatenate([_features(xy_m, _bins(xy_m)) for xy_m in lines_m]))
    names = set[str]()
    for line in ground.lines:
        off_m, _ = official.query(line.tree.data)
        n, n_near = np.bincount(line.segment), np.bincount(line.segment, off_m <= rules.near_m)
        found = np.flatnonzero((n > 0) & (2 * n_near >= n)).tolist()
        names |= {f"{line.route_index}|{line.direction_id}|{segment}" for segment in found}
    return names
