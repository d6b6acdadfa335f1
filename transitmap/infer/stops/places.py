"""Peaks of all shapes -> Stops, one a side of the street, and which of them each path calls at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from transitmap import geo
from transitmap.config import StopsConfig
from transitmap.infer.stops.halts import find_halts
from transitmap.infer.stops.peaks import Peaks, find_peaks, profile_of
from transitmap.model import FloatArray, Halts, IntArray, Legs, Lines, Ride, Stops

DAY_S = 86_400


class Calls(NamedTuple):
    """Ragged by `start`: the stops each path calls at, in order, and how far along its shape they lie."""

    start: IntArray
    stop_index: IntArray
    along_m: FloatArray


class _Peak(NamedTuple):
    """One peak of one path, with the halts behind it."""

    path: int
    along_m: float
    xy_m: FloatArray
    ahead: FloatArray
    evidence: float
    n_passing: float
    halts: IntArray


def find_stops(
    rides: Sequence[Ride],
    legs: Legs,
    lines: Lines,
    shapes_m: Sequence[FloatArray],
    plane: geo.Plane,
    config: StopsConfig,
) -> tuple[Stops, Calls]:
    """Stops with their evidence, and the calls of each path: never fewer than its two ends."""
    halts = find_halts(rides, legs, lines, plane, config)
    peaks: list[_Peak] = []
    for path, shape_m in enumerate(shapes_m):
        found = find_peaks(profile_of(shape_m, halts, lines, config), config)
        peaks += _with_ends(_on_shape(path, shape_m, found, halts), path, shape_m, config)
    stop_of = _merge(peaks, config)
    return _stops(peaks, stop_of, halts, rides, plane), _calls(peaks, stop_of, len(shapes_m))


def _on_shape(path: int, shape_m: FloatArray, peaks: Peaks, halts: Halts) -> list[_Peak]:
    """Peaks put where the vehicles stood: along the shape, as far to the side as the median halt."""
    knot_m = geo.along_m(shape_m)
    on_line_m = geo.at(shape_m, knot_m, peaks.along_m)
    ahead = geo.at(shape_m, knot_m, peaks.along_m + 10.0) - geo.at(shape_m, knot_m, peaks.along_m - 10.0)
    ahead /= np.maximum(np.hypot(ahead[:, 0], ahead[:, 1]), 1e-9)[:, None]
    found = []
    for k in range(len(peaks.along_m)):
        behind = peaks.halt_index[peaks.halt_start[k] : peaks.halt_start[k + 1]]
        left = np.array([-ahead[k, 1], ahead[k, 0]])
        side_m = float(np.median((halts.xy_m[behind] - on_line_m[k]) @ left)) if len(behind) else 0.0
        place_m = on_line_m[k] + side_m * left
        evidence, passing = float(peaks.evidence[k]), float(peaks.n_passing[k])
        found.append(_Peak(path, float(peaks.along_m[k]), place_m, ahead[k], evidence, passing, behind))
    return found


def _with_ends(peaks: list[_Peak], path: int, shape_m: FloatArray, config: StopsConfig) -> list[_Peak]:
    """The ends of a path are calls: somebody got on and off there, if only once."""
    length_m = float(geo.along_m(shape_m)[-1])
    ahead = geo.headings(shape_m, 1)
    none = np.zeros(0, dtype=np.int64)
    if not peaks or peaks[0].along_m > config.end_m:
        peaks = [_Peak(path, 0.0, shape_m[0], ahead[0], 0.0, 1.0, none), *peaks]
    if peaks[-1].along_m < max(length_m - config.end_m, peaks[0].along_m + 1.0):
        peaks = [*peaks, _Peak(path, length_m, shape_m[-1], ahead[-1], 0.0, 1.0, none)]
    return peaks


def _merge(peaks: list[_Peak], config: StopsConfig) -> IntArray:
    """The stop of each peak: peaks that all lie within `config.merge_m` of each other and face one way.

    Complete linkage, so that a row of stops never chains into one; a turn of 60 degrees counts as
    `config.merge_m` of distance, so the other side of the street is another stop. Memory O(peaks squared).
    """
    from sklearn.cluster import AgglomerativeClustering

    if len(peaks) < 2:
        return np.zeros(len(peaks), dtype=np.int64)
    place = np.array([[*peak.xy_m, *(config.merge_m * peak.ahead)] for peak in peaks])
    linkage = AgglomerativeClustering(n_clusters=None, distance_threshold=config.merge_m, linkage="complete")
    label = linkage.fit_predict(place)
    first = np.unique(label, return_index=True)[1]
    return np.asarray(np.argsort(np.argsort(first))[label], dtype=np.int64)


def _stops(
    peaks: list[_Peak], stop_of: IntArray, halts: Halts, rides: Sequence[Ride], plane: geo.Plane
) -> Stops:
    rows = [
        _stop(peaks, np.flatnonzero(stop_of == k), halts, rides)
        for k in range(int(stop_of.max(initial=-1)) + 1)
    ]
    table = np.array([row[:9] for row in rows], dtype=float).reshape(-1, 9)
    lat_deg, lon_deg = plane.to_degrees(table[:, :2])
    return Stops(
        lat_deg=lat_deg,
        lon_deg=lon_deg,
        heading_deg=geo.heading_deg(table[:, 2:4]),
        spread_m=table[:, 4],
        n_rides=table[:, 5].astype(np.int64),
        n_riders=table[:, 6].astype(np.int64),
        n_days=table[:, 7].astype(np.int64),
        confidence=table[:, 8],
        name=tuple("" for _ in rows),
    )


def _stop(peaks: list[_Peak], members: IntArray, halts: Halts, rides: Sequence[Ride]) -> list[float]:
    """x, y, heading x and y, spread, rides, riders, days and confidence of one stop."""
    best = peaks[int(members[np.argmax([peaks[k].evidence for k in members])])]
    behind = np.unique(np.concatenate([peaks[k].halts for k in members]))
    ride_of = np.unique(halts.ride_index[behind])
    riders = {rides[k].rider_id or f"ride {k}" for k in ride_of}
    days = {int(rides[k].fixes.time_s[0] // DAY_S) for k in ride_of}
    off_m = np.hypot(*(halts.xy_m[behind] - best.xy_m).T)
    spread_m = float(np.median(off_m)) / np.sqrt(len(behind)) if len(behind) > 1 else 25.0
    sure = _confidence(len(ride_of), best.n_passing)
    return [*best.xy_m, *best.ahead, spread_m, len(ride_of), len(riders), len(days), sure]


def _confidence(n_halted: int, n_passing: float, share: float = 0.1) -> float:
    """Probability that more than a tenth of the vehicles halt here, from a uniform prior.

    Source: the beta posterior of a binomial share (Bayes 1763).
    """
    from scipy.special import betainc

    passing = max(n_passing, n_halted)
    return float(1.0 - betainc(1.0 + n_halted, 1.0 + passing - n_halted, share))


def _calls(peaks: list[_Peak], stop_of: IntArray, n_paths: int) -> Calls:
    """Peaks come in order of path and distance, so their stops are the calls."""
    path = np.array([peak.path for peak in peaks], dtype=np.int64)
    start = np.searchsorted(path, np.arange(n_paths + 1)).astype(np.int64)
    return Calls(start, stop_of, np.array([peak.along_m for peak in peaks], dtype=float))
