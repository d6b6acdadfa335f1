"""Candidates of all streets -> Stops, one a side of the street, and which of them each path calls at."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from transitmap import geo
from transitmap.config import StopsConfig
from transitmap.infer.stops.candidates import SIGNS, Candidates, find_candidates
from transitmap.infer.stops.halts import find_halts
from transitmap.infer.stops.profile import Seen, profile_of, see_all
from transitmap.infer.stops.scorecard import Scorecard, confidence_of, learned
from transitmap.infer.stops.streets import Street, distinct_streets
from transitmap.model import BoolArray, Crowd, FloatArray, Halts, IntArray, Legs, Lines, Ride, Spread, Stops

UNKNOWN_SPREAD_M = 25.0
SURE_TAPS, TAPPED_CONFIDENCE = 5.9, 0.7
"""Two riders who tap and none who passes without are 400 times likelier at a stop: few towns have enough taps
for the card to learn what they are worth, so such a place is a stop of at least so much confidence."""


class Calls(NamedTuple):
    """Ragged by `start`: the stops each path calls at, in order, and how far along its shape they lie."""

    start: IntArray
    stop_index: IntArray
    along_m: FloatArray


class Places(NamedTuple):
    """Where stops may be: place, way of travel, confidence, and rows of the halts behind it (ragged)."""

    xy_m: FloatArray
    ahead: FloatArray
    confidence: FloatArray
    start: IntArray
    evidence: IntArray


def find_stops(
    rides: Sequence[Ride],
    legs: Legs,
    lines: Lines,
    crowd: Crowd,
    shapes_m: Sequence[FloatArray],
    plane: geo.Plane,
    config: StopsConfig,
    spread: Spread = map,
) -> tuple[Stops, Calls]:
    """Stops with their evidence, and the calls of each path: never fewer than its two ends.

    A path calls at every stop beside it on its own side of the street.
    """
    halts = find_halts(rides, legs, lines, plane, config)
    found = candidates_of(rides, halts, lines, crowd, shapes_m, config, spread)
    places = places_of(found, shapes_m, config, learned())
    calls = _one_pole(calls_of(places, shapes_m, config), places, config)
    used, stop_index = np.unique(calls.stop_index, return_inverse=True)
    return _stops(places, used, halts, crowd, plane), calls._replace(stop_index=stop_index)


def candidates_of(
    rides: Sequence[Ride],
    halts: Halts,
    lines: Lines,
    crowd: Crowd,
    shapes_m: Sequence[FloatArray],
    config: StopsConfig,
    spread: Spread = map,
) -> list[Candidates]:
    """Where vehicles may halt for people and what speaks for it, by street."""
    seen = see_all(rides, halts, lines, crowd)
    streets = distinct_streets(shapes_m, config)
    return list(spread(partial(_candidates, seen=seen, config=config), streets))


def _candidates(street: Street, seen: Seen, config: StopsConfig) -> Candidates:
    return find_candidates(street, profile_of(street, seen, config), config)


def places_of(
    found: Sequence[Candidates], shapes_m: Sequence[FloatArray], config: StopsConfig, card: Scorecard
) -> Places:
    """The candidates of all streets in one table, with their confidence, and after them the ends of the
    shapes."""
    signs = np.concatenate([one.signs for one in found] or [np.zeros((0, len(SIGNS)))])
    counts = np.concatenate([np.diff(one.start) for one in found] or [np.zeros(0, dtype=np.int64)])
    is_tapped = signs[:, SIGNS.index("taps")] >= SURE_TAPS
    confidence = confidence_of(signs, SIGNS, card)
    places = Places(
        xy_m=np.concatenate([one.xy_m for one in found] or [np.zeros((0, 2))]),
        ahead=np.concatenate([one.ahead for one in found] or [np.zeros((0, 2))]),
        confidence=np.where(is_tapped, np.maximum(confidence, TAPPED_CONFIDENCE), confidence),
        start=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        evidence=np.concatenate([one.evidence for one in found] or [np.zeros(0, dtype=np.int64)]),
    )
    return _with_ends(places, shapes_m, config)


def _with_ends(places: Places, shapes_m: Sequence[FloatArray], config: StopsConfig) -> Places:
    """The places and, after them, the first and the last point of each shape, of which nothing is known."""
    ends_m = [shape_m[[0, -1]] for shape_m in shapes_m]
    ahead = [geo.headings(geo.resample(shape_m, config.bin_m), 3)[[0, -1]] for shape_m in shapes_m]
    n = 2 * len(shapes_m)
    return Places(
        xy_m=np.concatenate([places.xy_m, *ends_m]),
        ahead=np.concatenate([places.ahead, *ahead]),
        confidence=np.concatenate([places.confidence, np.full(n, config.end_confidence)]),
        start=np.concatenate([places.start, np.full(n, places.start[-1])]),
        evidence=places.evidence,
    )


def _best(places: Places, config: StopsConfig) -> BoolArray:
    """Which places are stops: the surest first, none within `config.apart_m` of a surer one that faces its
    way; more than 60 degrees apart is another way, so the other side of the street is another stop."""
    from scipy.spatial import cKDTree

    is_sure = (places.confidence >= config.min_confidence) & (np.diff(places.start) > 0)
    row = np.flatnonzero(is_sure)
    kept = np.zeros(len(is_sure), dtype=bool)
    if not len(row):
        return kept
    pairs = cKDTree(places.xy_m[row]).query_pairs(config.apart_m, output_type="ndarray")
    alike = (places.ahead[row[pairs[:, 0]]] * places.ahead[row[pairs[:, 1]]]).sum(axis=1) > 0.5
    rivals: dict[int, list[int]] = {}
    for a, b in row[pairs[alike]].tolist():
        rivals.setdefault(a, []).append(b)
        rivals.setdefault(b, []).append(a)
    for place in row[np.argsort(-places.confidence[row], kind="stable")].tolist():
        kept[place] = not any(kept[other] for other in rivals.get(place, ()))
    return kept


class _Passes(NamedTuple):
    """Where paths run past places that face their way: ragged by `start` (paths), sorted along each."""

    start: IntArray
    place: IntArray
    along_m: FloatArray


def _passes(places: Places, shapes_m: Sequence[FloatArray], config: StopsConfig) -> _Passes:
    """Every time that a shape runs past a place within `config.off_m`; a loop may do so twice."""
    from scipy.spatial import cKDTree

    tree = cKDTree(places.xy_m)
    rows = [_passes_of(places, tree, shape_m, config) for shape_m in shapes_m]
    return _Passes(
        start=np.concatenate([[0], np.cumsum([len(place) for place, _ in rows])]).astype(np.int64),
        place=np.concatenate([*(place for place, _ in rows), np.zeros(0, dtype=np.int64)]),
        along_m=np.concatenate([*(along_m for _, along_m in rows), np.zeros(0)]),
    )


def _passes_of(
    places: Places, tree: Any, shape_m: FloatArray, config: StopsConfig
) -> tuple[IntArray, FloatArray]:
    """Places beside one shape and how far along it."""
    from scipy.spatial import cKDTree

    line_m = geo.resample(shape_m, config.bin_m)
    # Along the shape itself: the samples cut its corners.
    where_m = np.linspace(0.0, geo.along_m(shape_m)[-1], len(line_m))
    ahead = geo.headings(line_m, 3)
    near = tree.sparse_distance_matrix(cKDTree(line_m), config.off_m, output_type="ndarray")
    place, point, off_m = near["i"], near["j"], near["v"]
    alike = (places.ahead[place] * ahead[point]).sum(axis=1) > 0.5
    place, point, off_m = place[alike], point[alike], off_m[alike]
    order = np.lexsort((point, place))
    place, point, off_m = place[order], point[order], off_m[order]
    again = (np.diff(place) != 0) | (np.diff(point) > config.end_m / config.bin_m)
    visit = np.cumsum(np.concatenate([[True], again])[: len(place)])
    best = np.lexsort((off_m, visit))
    best = best[np.concatenate([[True], np.diff(visit[best]) > 0])[: len(best)]]
    place, point = place[best], point[best]
    past_m = ((places.xy_m[place] - line_m[point]) * ahead[point]).sum(axis=1)
    along_m = np.clip(where_m[point] + past_m, 0.0, where_m[-1])
    order = np.argsort(along_m, kind="stable")
    return place[order], along_m[order]


def calls_of(places: Places, shapes_m: Sequence[FloatArray], config: StopsConfig) -> Calls:
    """The sure places that each path runs past, and its ends: somebody got on and off there, if only once.

    Where no stop lies within `config.end_m` of an end, the surest place there becomes one.
    """
    kept, passes = _best(places, config), _passes(places, shapes_m, config)
    rows = [slice(a, b) for a, b in zip(passes.start[:-1], passes.start[1:], strict=True)]
    length_m = [float(geo.along_m(shape_m)[-1]) for shape_m in shapes_m]
    for path, row in enumerate(rows):
        place, along_m = passes.place[row], passes.along_m[row]
        first = np.flatnonzero(along_m <= config.end_m)
        _keep_one(kept, place[first], places)
        first_m = along_m[first][kept[place[first]]].min(initial=0.0)
        last = np.flatnonzero(along_m >= max(length_m[path] - config.end_m, first_m + 1.0))
        _keep_one(kept, place[last], places)
    called = [np.flatnonzero(kept[passes.place[row]]) + row.start for row in rows]
    called = [_once(one, passes, places, config) for one in called]
    chosen = np.concatenate([*called, np.zeros(0, dtype=np.int64)])
    start = np.concatenate([[0], np.cumsum([len(one) for one in called])]).astype(np.int64)
    return Calls(start, passes.place[chosen], passes.along_m[chosen])


def _keep_one(kept: BoolArray, place: IntArray, places: Places) -> None:
    """Marks the surest of some places, unless one of them is kept already."""
    if len(place) and not kept[place].any():
        kept[place[np.argmax(places.confidence[place])]] = True


def _once(called: IntArray, passes: _Passes, places: Places, config: StopsConfig) -> IntArray:
    """Calls of one path without those a few steps from a surer one: round a corner lie stops that face
    another way, and a vehicle halts once."""
    xy_m, along_m = places.xy_m[passes.place[called]], passes.along_m[called]
    apart_m = np.hypot(*(xy_m[:, None] - xy_m).transpose(2, 0, 1))
    is_close = (apart_m < config.apart_m) & (np.abs(along_m[:, None] - along_m) < config.end_m)
    kept = np.zeros(len(called), dtype=bool)
    for k in np.argsort(-places.confidence[passes.place[called]], kind="stable").tolist():
        kept[k] = not is_close[k, kept].any()
    return called[kept] if kept.sum() > 1 else called


def _one_pole(calls: Calls, places: Places, config: StopsConfig) -> Calls:
    """Of stops within `config.bin_m` the surest serves for all: finer than that no place is known.

    Those that face each other across the street stay two unless one path calls at both, as at a loop's end.
    """
    from scipy.spatial import cKDTree

    pole = np.arange(len(places.xy_m))
    used = np.unique(calls.stop_index)
    near = used[cKDTree(places.xy_m[used]).query_pairs(config.bin_m, output_type="ndarray")]
    pairs = [near[(places.ahead[near[:, 0]] * places.ahead[near[:, 1]]).sum(axis=1) > -0.5]]
    for first, last in zip(calls.start[:-1], calls.start[1:], strict=True):
        place = calls.stop_index[first:last]
        pairs.append(place[cKDTree(places.xy_m[place]).query_pairs(config.bin_m, output_type="ndarray")])
    pair = np.concatenate(pairs)
    rank = np.argsort(np.argsort(-places.confidence, kind="stable"), kind="stable")
    pair = np.take_along_axis(pair, np.argsort(rank[pair], axis=1), axis=1)
    for surer, lesser in pair[np.argsort(rank[pair[:, 0]], kind="stable")].tolist():
        pole[lesser] = pole[surer]
    return calls._replace(stop_index=pole[calls.stop_index])


def _stops(places: Places, used: IntArray, halts: Halts, crowd: Crowd, plane: geo.Plane) -> Stops:
    rows = [_support(places, int(k), halts, crowd) for k in used]
    table = np.array(rows, dtype=float).reshape(-1, 5)
    lat_deg, lon_deg = plane.to_degrees(places.xy_m[used])
    return Stops(
        lat_deg=lat_deg,
        lon_deg=lon_deg,
        heading_deg=geo.heading_deg(places.ahead[used]),
        spread_m=table[:, 0],
        n_rides=table[:, 1].astype(np.int64),
        n_riders=table[:, 2].astype(np.int64),
        n_days=table[:, 3].astype(np.int64),
        confidence=places.confidence[used],
        name=tuple("" for _ in rows),
        last_day=table[:, 4].astype(np.int64),
    )


def _support(places: Places, place: int, halts: Halts, crowd: Crowd) -> list[float]:
    """Spread of the position, rides, riders, days and last day of one stop."""
    behind = places.evidence[places.start[place] : places.start[place + 1]]
    ride_of = np.unique(halts.ride_index[behind])
    off_m = np.hypot(*(halts.xy_m[behind] - places.xy_m[place]).T)
    spread_m = float(np.median(off_m)) / np.sqrt(len(behind)) if len(behind) > 1 else UNKNOWN_SPREAD_M
    rider, day = np.unique(crowd.rider[ride_of]), np.unique(crowd.day[ride_of])
    return [spread_m, len(ride_of), len(rider), len(day), day.max(initial=-1)]
