"""Stage 1. Rides -> Legs: where each ride walks, stands and is carried, cut by a hidden Markov model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from transitmap.config import LegsConfig
from transitmap.geo import Plane
from transitmap.model import BUS, CAR, RAIL, STILL, WALK, FloatArray, IntArray, Legs, Ride

_DECLARED = {
    "car": CAR,
    "driving": CAR,
    "carro": CAR,
    "train": RAIL,
    "rail": RAIL,
    "tram": RAIL,
    "metro": RAIL,
}
_VEHICLE = BUS


def split_legs(rides: Sequence[Ride], config: LegsConfig) -> Legs:
    """The legs of every ride, in ride and time order; a ride of fewer than two fixes has none.

    Way of moving is decided on the speed over windows of `config.window_s`, never on reported speeds: people
    on foot keep near 1.4 m/s, vehicles halt and then outrun them. A vehicle that only stood (a signal, a
    queue) stays one leg; a gap of more than `config.max_gap_s` cuts. Vehicles are called bus unless the
    rider declared otherwise: a car is told from a bus only by what other rides show (`trips`).
    """
    rows: list[tuple[int, int, int, int, float]] = []
    for ride_index, ride in enumerate(rides):
        if len(ride.fixes) < 2:
            continue
        vehicle = _DECLARED.get(ride.declared_mode, BUS)
        for first, last, mode, confidence in _legs_of(ride, config):
            rows.append((ride_index, first, last, vehicle if mode == _VEHICLE else mode, confidence))
    table = np.array(rows, dtype=float).reshape(-1, 5)
    whole = table[:, :4].astype(np.int64)
    return Legs(whole[:, 0], whole[:, 1], whole[:, 2], whole[:, 3], table[:, 4])


def _legs_of(ride: Ride, config: LegsConfig) -> list[tuple[int, int, int, float]]:
    """`first, last, mode, confidence` of each leg of one ride."""
    time_s = ride.fixes.time_s
    xy_m = Plane(ride.fixes.lat_deg[0], ride.fixes.lon_deg[0]).to_metres(
        ride.fixes.lat_deg, ride.fixes.lon_deg
    )
    cuts = np.flatnonzero(np.diff(time_s) > config.max_gap_s) + 1
    bounds = np.concatenate([[0], cuts, [len(time_s)]])
    legs = []
    for first, last in zip(bounds[:-1], bounds[1:], strict=True):
        if last - first >= 2:
            legs += _legs_of_piece(time_s[first:last], xy_m[first:last], int(first), config)
    return legs


def _legs_of_piece(
    time_s: FloatArray, xy_m: FloatArray, offset: int, config: LegsConfig
) -> list[tuple[int, int, int, float]]:
    """Legs of a stretch without gaps."""
    grid_s = np.arange(time_s[0], time_s[-1] + config.window_s, config.window_s)
    if len(grid_s) < 2:
        return []
    grid_m = np.column_stack([np.interp(grid_s, time_s, xy_m[:, i]) for i in (0, 1)])
    speed_m_s = np.hypot(*np.diff(grid_m, axis=0).T) / config.window_s
    mode = _smooth(most_likely_modes(speed_m_s), grid_m, config)
    edges = np.concatenate([[0], np.flatnonzero(np.diff(mode)) + 1, [len(mode)]])
    index = np.searchsorted(time_s, grid_s)
    legs = []
    for first, last in zip(edges[:-1], edges[1:], strict=True):
        a, b = int(index[first]), int(min(index[last] + 1, len(time_s)))
        if b - a >= 2:
            sure = (
                float(np.mean(speed_m_s[first:last] > config.max_walk_m_s))
                if mode[first] == _VEHICLE
                else 0.5
            )
            legs.append((a + offset, b + offset, int(mode[first]), min(1.0, 0.5 + sure)))
    return legs


def most_likely_modes(speed_m_s: FloatArray) -> IntArray:
    """WALK, STILL or BUS (any vehicle) for each window of speed, by Viterbi.

    Source: Rabiner 1989, A tutorial on hidden Markov models; densities are those of the three ways of moving:
    standing with 0.4 m/s of jitter, walking near 1.35 m/s, vehicles that stand a fifth of the time.
    """
    score = _log_densities(speed_m_s)
    stay, leave = np.log(0.97), np.log(0.015)
    step = np.full((3, 3), leave)
    np.fill_diagonal(step, stay)
    best = score[0].copy()
    back = np.zeros(score.shape, dtype=np.int64)
    for k in range(1, len(score)):
        arrive = best[:, None] + step
        back[k] = np.argmax(arrive, axis=0)
        best = arrive[back[k], range(3)] + score[k]
    mode = np.empty(len(score), dtype=np.int64)
    mode[-1] = int(np.argmax(best))
    for k in range(len(score) - 1, 0, -1):
        mode[k - 1] = back[k, mode[k]]
    return mode


def _log_densities(speed_m_s: FloatArray) -> FloatArray:
    """(n, 3) log densities of a window's speed when walking, standing, carried."""
    still = 2 * _normal(speed_m_s, 0.0, 0.4)
    walk = _normal(speed_m_s, 1.35, 0.45)
    carried = 0.2 * still + 0.8 * (0.5 * _normal(speed_m_s, 4.0, 2.5) + 0.5 * _normal(speed_m_s, 8.0, 4.0))
    return np.log(np.column_stack([walk, still, carried]) + 1e-6)


def _normal(x: FloatArray, mean: float, deviation: float) -> FloatArray:
    return np.asarray(np.exp(-0.5 * ((x - mean) / deviation) ** 2) / (deviation * np.sqrt(2 * np.pi)))


def _smooth(mode: IntArray, grid_m: FloatArray, config: LegsConfig) -> IntArray:
    """Joins vehicle legs over a halt or a crawl too short to have been an alighting, drops tiny rides."""
    mode = mode.copy()
    edges = np.concatenate([[0], np.flatnonzero(np.diff(mode)) + 1, [len(mode)]])
    carried = [(a, b) for a, b in zip(edges[:-1], edges[1:], strict=True) if mode[a] == _VEHICLE]
    for (_, end), (start, _) in zip(carried[:-1], carried[1:], strict=True):
        walked = mode[end:start] == WALK
        limit_s = config.max_crawl_s if walked.any() else config.max_halt_s
        if (start - end) * config.window_s <= limit_s:
            mode[end:start] = _VEHICLE
    edges = np.concatenate([[0], np.flatnonzero(np.diff(mode)) + 1, [len(mode)]])
    for a, b in zip(edges[:-1], edges[1:], strict=True):
        if mode[a] == _VEHICLE and np.ptp(grid_m[a : b + 1], axis=0).max() < config.min_vehicle_m:
            mode[a:b] = WALK if np.hypot(*(grid_m[b] - grid_m[a])) > 50 else STILL
    return mode
