"""Halts, Lines, one shape -> Peaks: places along the shape where many of the passing vehicles halt."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from transitmap import geo
from transitmap.config import StopsConfig
from transitmap.model import BoolArray, FloatArray, Halts, IntArray, Lines

RIDE_END, TAP = 1.0, 2.0
"""What a boarding and a tapped stop weigh against one halt."""


class Peaks(NamedTuple):
    """Places along one shape, in order: position, evidence, vehicles passing, halts behind each (ragged)."""

    along_m: FloatArray
    evidence: FloatArray
    n_passing: FloatArray
    halt_start: IntArray
    halt_index: IntArray


class Profile(NamedTuple):
    """A shape in small bins: halts that belong to it, evidence and vehicles passing in each bin."""

    halt_index: IntArray
    halt_m: FloatArray
    evidence: FloatArray
    n_passing: FloatArray


def find_peaks(profile: Profile, config: StopsConfig) -> Peaks:
    """The bins where enough of the passing vehicles halt, none within `config.apart_m` of a better one."""
    share = profile.evidence / np.maximum(profile.n_passing, 1.0)
    good = (share >= config.min_share) & (profile.evidence >= config.min_halts)
    order = np.argsort(-np.where(good, profile.evidence, 0.0), kind="stable")
    apart = int(config.apart_m / config.bin_m)
    taken = np.zeros(len(share), dtype=bool)
    chosen = []
    for k in order[: int(good.sum())]:
        if not taken[k]:
            chosen.append(int(k))
            taken[max(0, k - apart) : k + apart + 1] = True
    return _settle(np.array(sorted(chosen), dtype=np.int64), profile, config)


def _settle(bins: IntArray, profile: Profile, config: StopsConfig) -> Peaks:
    """Each peak moved to the median of its halts."""
    along_m, halts = [], []
    for k in bins:
        centre_m = (k + 0.5) * config.bin_m
        near = np.flatnonzero(np.abs(profile.halt_m - centre_m) <= 1.5 * config.kernel_m)
        along_m.append(float(np.median(profile.halt_m[near])) if len(near) else centre_m)
        halts.append(profile.halt_index[near])
    return Peaks(
        along_m=np.array(along_m, dtype=float),
        evidence=profile.evidence[bins],
        n_passing=profile.n_passing[bins],
        halt_start=np.concatenate([[0], np.cumsum([len(h) for h in halts])]).astype(np.int64),
        halt_index=np.concatenate(halts) if halts else np.zeros(0, dtype=np.int64),
    )


def profile_of(shape_m: FloatArray, halts: Halts, lines: Lines, config: StopsConfig) -> Profile:
    """What all vehicles on the street do along the shape, whatever route they serve, its way only."""
    n_bins = int(geo.along_m(shape_m)[-1] / config.bin_m) + 1
    halt_index, halt_m = _beside(shape_m, halts.xy_m, halts.heading, config.off_m)
    halt_index, halt_m = _once_a_vehicle(halt_index, halt_m, halts, config)
    weight = np.where(halts.is_tap, TAP, np.where(halts.is_ride_end, RIDE_END, 1.0))[halt_index]
    row, row_m = _beside(shape_m, lines.xy_m, lines.heading, 1.6 * config.off_m)
    line_of = np.repeat(np.arange(len(lines)), np.diff(lines.point_start))
    n_passing = _passing(line_of[row], row_m, n_bins, config.bin_m)
    return Profile(halt_index, halt_m, _kernel_sum(halt_m, weight, n_bins, config), n_passing)


def _beside(
    shape_m: FloatArray, xy_m: FloatArray, heading: FloatArray, off_m: float
) -> tuple[IntArray, FloatArray]:
    """Rows of the points beside the shape that face its way, and how far along they lie."""
    from scipy.spatial import cKDTree

    step_m = 5.0
    dense_m = geo.resample(shape_m, step_m)
    # along the shape itself: the points cut its corners, and their own lengths would drift from the shape's
    where_m, ahead = np.linspace(0.0, geo.along_m(shape_m)[-1], len(dense_m)), geo.headings(dense_m, 3)
    low_m, high_m = dense_m.min(axis=0) - off_m, dense_m.max(axis=0) + off_m
    row = np.flatnonzero(((xy_m >= low_m) & (xy_m <= high_m)).all(axis=1))
    distance_m, nearest = cKDTree(dense_m).query(xy_m[row], distance_upper_bound=off_m)
    near = np.isfinite(distance_m)
    row, nearest = row[near], nearest[near]
    alike = (ahead[nearest] * heading[row]).sum(axis=1) > 0.5
    row, nearest = row[alike], nearest[alike]
    past_m = ((xy_m[row] - dense_m[nearest]) * ahead[nearest]).sum(axis=1)
    return row, np.clip(where_m[nearest] + np.clip(past_m, -step_m, step_m), 0.0, where_m[-1])


def _once_a_vehicle(
    halt_index: IntArray, halt_m: FloatArray, halts: Halts, config: StopsConfig
) -> tuple[IntArray, FloatArray]:
    """One halt a vehicle and place: of several within a kernel, the tap, else the end of a ride, else the
    longest. A vehicle that creeps up to its place in a queue has no more say than one that drives in."""
    rank = halts.duration_s[halt_index] + 1e6 * halts.is_tap[halt_index] + 1e5 * halts.is_ride_end[halt_index]
    order = np.lexsort((halt_m, halts.line_index[halt_index]))
    line, where_m = halts.line_index[halt_index][order], halt_m[order]
    new = np.concatenate([[True], (np.diff(line) != 0) | (np.diff(where_m) > config.kernel_m)])
    group = np.cumsum(new[: len(order)]) - 1
    best = np.lexsort((-rank[order], group))
    first = np.concatenate([[True], np.diff(group[best]) > 0])[: len(best)]
    chosen = order[best[first]]
    return halt_index[chosen], halt_m[chosen]


def _kernel_sum(halt_m: FloatArray, weight: FloatArray, n_bins: int, config: StopsConfig) -> FloatArray:
    """Evidence per bin: each halt spreads over `config.kernel_m` to either side, 1 at its own place."""
    count = np.bincount(np.minimum((halt_m / config.bin_m).astype(np.int64), n_bins - 1), weight, n_bins)
    half = int(config.kernel_m / config.bin_m)
    kernel = 1.0 - np.abs(np.arange(-half, half + 1)) / (half + 1.0)
    return np.asarray(np.convolve(np.pad(count, half), kernel, mode="valid"))


def _passing(
    line: IntArray, where_m: FloatArray, n_bins: int, bin_m: float, gap_m: float = 80.0
) -> FloatArray:
    """Vehicles that pass each bin: the stretches of each line along the shape, ends included."""
    order = np.lexsort((where_m, line))
    line, where_m = line[order], where_m[order]
    if not len(line):
        return np.zeros(n_bins)
    new: BoolArray = np.concatenate([[True], (np.diff(line) != 0) | (np.diff(where_m) > gap_m)])
    first = np.flatnonzero(new)
    last = np.concatenate([first[1:] - 1, [len(line) - 1]])
    change = np.bincount((where_m[first] / bin_m).astype(np.int64), minlength=n_bins + 1).astype(float)
    change -= np.bincount((where_m[last] / bin_m).astype(np.int64) + 1, minlength=n_bins + 1)[: n_bins + 1]
    return np.asarray(np.cumsum(change)[:n_bins])
