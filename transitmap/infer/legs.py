"""Stage 1. Rides -> Legs: where each ride walks, stands and is carried, cut by a hidden Markov model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from transitmap import geo
from transitmap.config import LegsConfig
from transitmap.model import BUS, CAR, RAIL, STILL, WALK, BoolArray, FloatArray, IntArray, Legs, Ride

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
_STAY, _LEAVE = np.log(0.97), np.log(0.015)
_NET_M, _NET_M_S = 120.0, 3.5
"""A way that short is a ride all the same where somebody got that far that quickly."""
_FAST_SHARE = 0.1
_MAX_M_S = 45.0


class _Fixes(NamedTuple):
    """The fixes of all rides, in metres from the first of each; ride k has rows `start[k]:start[k + 1]`."""

    start: IntArray
    ride_index: IntArray
    time_s: FloatArray
    xy_m: FloatArray


class _Windows(NamedTuple):
    """Even windows of time of every piece (a ride between two cuts), the first of each in `start`.

    `first` and `last` are the rows of the fixes nearest to its ends, `from_m` and `to_m` where it was then,
    `speed_m_s` is NaN over a leap that nothing makes.
    """

    start: IntArray
    piece: IntArray
    first: IntArray
    last: IntArray
    from_m: FloatArray
    to_m: FloatArray
    speed_m_s: FloatArray


def split_legs(rides: Sequence[Ride], config: LegsConfig) -> Legs:
    """The legs of every ride, in ride and time order; a ride of fewer than two fixes has none.

    Way of moving is decided on the speed over windows of `config.window_s`, never on reported speeds: people
    on foot keep near 1.4 m/s, vehicles halt and then outrun them. A vehicle that only stood (a signal, a
    queue) stays one leg. A gap of more than `config.max_gap_s` cuts, unless the phone is still where it was:
    one that writes only when it moves is silent while it stands. Vehicles are called bus unless the rider
    declared otherwise: a car is told from a bus only by what other rides show (`strays`).
    """
    fixes = _collect(rides)
    cut, carried = _gaps(fixes, config)
    windows = _windows(fixes, cut, config)
    mode = most_likely_modes(windows.speed_m_s, windows.start)
    mode = _join(mode, windows, config)
    mode = _drop_tiny(mode, windows, config)
    first, last, mode, confidence = _legs_of(mode, windows, config)
    # Nobody saw the way over such a gap, but no other way of moving gets that far.
    first = np.concatenate([first, carried])
    last = np.concatenate([last, carried + 2])
    mode = np.concatenate([mode, np.full(len(carried), _VEHICLE)])
    confidence = np.concatenate([confidence, np.full(len(carried), 0.5)])
    order = np.lexsort((last, first))
    ride_index = fixes.ride_index[first[order]]
    vehicle = np.array([_DECLARED.get(ride.declared_mode, BUS) for ride in rides], dtype=np.int64)
    mode = mode[order]
    mode = np.where(mode == _VEHICLE, vehicle[ride_index], mode) if len(mode) else mode
    offset = fixes.start[ride_index]
    return Legs(ride_index, first[order] - offset, last[order] - offset, mode, confidence[order])


def _collect(rides: Sequence[Ride]) -> _Fixes:
    """All fixes, each ride on a plane of its own: rides may lie anywhere."""
    n_fixes = np.array([len(ride.fixes) for ride in rides], dtype=np.int64)
    start = np.concatenate([[0], np.cumsum(n_fixes)]).astype(np.int64)
    planes = [geo.Plane(ride.fixes.lat_deg[0], ride.fixes.lon_deg[0]) for ride in rides if len(ride.fixes)]
    parts = [ride.fixes for ride in rides if len(ride.fixes)]
    xy_m = [plane.to_metres(f.lat_deg, f.lon_deg) for plane, f in zip(planes, parts, strict=True)]
    return _Fixes(
        start,
        np.repeat(np.arange(len(rides)), n_fixes),
        np.concatenate([fixes.time_s for fixes in parts] or [np.zeros(0)]),
        np.concatenate(xy_m or [np.zeros((0, 2))]),
    )


def _gaps(fixes: _Fixes, config: LegsConfig) -> tuple[BoolArray, IntArray]:
    """Whether a piece begins at each fix, and the fixes before gaps that only a vehicle can have crossed."""
    is_new = np.diff(fixes.ride_index) != 0
    gap_s, gap_m = np.diff(fixes.time_s), geo.steps_m(fixes.xy_m)
    stood = (gap_m <= config.still_m) & (gap_s <= config.max_silence_s)
    is_gap = ~is_new & (gap_s > config.max_gap_s) & ~stood
    speed_m_s = gap_m / np.maximum(gap_s, 1.0)
    crossed = is_gap & (gap_m >= 2 * config.min_vehicle_m) & (speed_m_s < _MAX_M_S)
    carried = np.flatnonzero(crossed & (speed_m_s > config.max_walk_m_s))
    return np.concatenate([[True], is_new | is_gap])[: len(fixes.time_s)], carried


def _windows(fixes: _Fixes, is_cut: BoolArray, config: LegsConfig) -> _Windows:
    """Windows of `config.window_s` over each piece, from its first fix to its last."""
    begin = np.flatnonzero(is_cut)
    end = np.append(begin[1:], len(is_cut)) - 1 if len(begin) else begin
    length_s = fixes.time_s[end] - fixes.time_s[begin]
    n = np.ceil(length_s / config.window_s).astype(np.int64)
    # One clock for all, on which a piece begins well after the one before has ended.
    base_s = np.concatenate([[0.0], np.cumsum(length_s + config.window_s)])[: len(begin)]
    clock_s = fixes.time_s + np.repeat(base_s - fixes.time_s[begin], end - begin + 1)
    piece = np.repeat(np.arange(len(n)), n)
    start = np.concatenate([[0], np.cumsum(n)]).astype(np.int64)
    since_s = (np.arange(len(piece)) - start[piece]) * config.window_s
    open_s = base_s[piece] + since_s
    close_s = base_s[piece] + np.minimum(since_s + config.window_s, length_s[piece])
    from_m, to_m = (
        geo.at(fixes.xy_m, clock_s, when_s) if len(piece) else np.zeros((0, 2))
        for when_s in (open_s, close_s)
    )
    middle_s = (clock_s[1:] + clock_s[:-1]) / 2
    speed_m_s = np.hypot(*(to_m - from_m).T) / config.window_s
    leaps = np.concatenate([[0, 0], np.cumsum(geo.steps_m(fixes.xy_m) > _MAX_M_S * np.diff(fixes.time_s))])
    n_leaps = leaps[np.searchsorted(clock_s, close_s) + 1] - leaps[np.searchsorted(clock_s, open_s, "right")]
    return _Windows(
        start,
        piece,
        np.maximum(np.searchsorted(middle_s, open_s), begin[piece]),
        np.minimum(np.searchsorted(middle_s, close_s), end[piece]),
        from_m,
        to_m,
        np.where(n_leaps > 0, np.nan, speed_m_s),
    )


# --- ways of moving ------------------------------------------------------------------------------


def most_likely_modes(speed_m_s: FloatArray, start: IntArray) -> IntArray:
    """WALK, STILL or BUS (any vehicle) for each window of speed, by Viterbi over each piece of `start`.

    All pieces are walked through at once, the longest first, so that those still running are the first rows.
    Source: Rabiner 1989, A tutorial on hidden Markov models; densities are those of the three ways of moving:
    standing with 0.4 m/s of jitter, walking near 1.35 m/s, vehicles that stand a fifth of the time.
    """
    score = _log_densities(speed_m_s)
    order = np.argsort(-np.diff(start), kind="stable")
    first, length = start[:-1][order], np.diff(start)[order]
    first, length = first[length > 0], length[length > 0]
    step = np.full((3, 3), _LEAVE)
    np.fill_diagonal(step, _STAY)
    n_running = np.searchsorted(-length, -np.arange(length.max(initial=0)), "left")
    best, back = score[first], []
    for k, n in enumerate(n_running[1:].tolist(), 1):
        arrive = best[:n, :, None] + step
        back.append(arrive.argmax(axis=1))
        best[:n] = arrive.max(axis=1) + score[first[:n] + k]
    mode = np.empty(len(speed_m_s), dtype=np.int64)
    state = best.argmax(axis=1)
    for k in range(len(back), 0, -1):
        n = len(back[k - 1])
        mode[first[:n] + k] = state[:n]
        state[:n] = back[k - 1][np.arange(n), state[:n]]
    mode[first] = state
    return mode


def _log_densities(speed_m_s: FloatArray) -> FloatArray:
    """(n, 3) log densities of a window's speed when walking, standing, carried; equal where it is unknown."""
    still = 2 * _normal(speed_m_s, 0.0, 0.4)
    walk = _normal(speed_m_s, 1.35, 0.45)
    carried = 0.2 * still + 0.8 * (0.5 * _normal(speed_m_s, 4.0, 2.5) + 0.5 * _normal(speed_m_s, 8.0, 4.0))
    density = np.column_stack([walk, still, carried]) + 1e-6
    return np.log(np.where(np.isnan(speed_m_s)[:, None], 1.0, density))


def _normal(x: FloatArray, mean: float, deviation: float) -> FloatArray:
    return np.asarray(np.exp(-0.5 * ((x - mean) / deviation) ** 2) / (deviation * np.sqrt(2 * np.pi)))


def _runs(mode: IntArray, windows: _Windows) -> tuple[IntArray, IntArray]:
    """First and last (exclusive) window of each run of one mode in one piece."""
    is_new = (np.diff(mode) != 0) | (np.diff(windows.piece) != 0)
    first = np.flatnonzero(np.concatenate([[True], is_new])[: len(mode)])
    return first, np.append(first[1:], len(mode))[: len(first)]


def _join(mode: IntArray, windows: _Windows, config: LegsConfig) -> IntArray:
    """Vehicle legs joined over a halt or a crawl too short to have been an alighting."""
    first, last = _runs(mode, windows)
    carried = np.flatnonzero(mode[first] == _VEHICLE)
    opens, closes = last[carried[:-1]], first[carried[1:]]
    n_walked = np.concatenate([[0], np.cumsum(mode == WALK)])
    limit_s = np.where(n_walked[closes] > n_walked[opens], config.max_crawl_s, config.max_halt_s)
    is_one = windows.piece[first[carried[:-1]]] == windows.piece[first[carried[1:]]]
    is_one &= (closes - opens) * config.window_s <= limit_s
    depth = np.bincount(opens[is_one], minlength=len(mode) + 1)
    depth -= np.bincount(closes[is_one], minlength=len(mode) + 1)
    return np.where(np.cumsum(depth)[:-1] > 0, _VEHICLE, mode)


def _drop_tiny(mode: IntArray, windows: _Windows, config: LegsConfig) -> IntArray:
    """Vehicle legs become walks or stands where they never left the neighbourhood, unless quickly, and where
    hardly a minute of them was faster than walking: errors of position jump and come back."""
    first, last = _runs(mode, windows)
    if not len(first):
        return mode
    low_m = np.minimum(np.minimum.reduceat(windows.from_m, first), windows.to_m[last - 1])
    high_m = np.maximum(np.maximum.reduceat(windows.from_m, first), windows.to_m[last - 1])
    net_m = np.hypot(*(windows.to_m[last - 1] - windows.from_m[first]).T)
    is_quick = (net_m >= _NET_M) & (net_m >= _NET_M_S * (last - first) * config.window_s)
    is_tiny = ((high_m - low_m).max(axis=1) < config.min_vehicle_m) & ~is_quick
    n_fast = np.add.reduceat(_minute_speeds(windows, config) > config.max_walk_m_s, first, dtype=np.int64)
    is_slow = n_fast < _FAST_SHARE * (last - first)
    instead = np.where(net_m > 50, WALK, STILL)
    is_wrong = (mode[first] == _VEHICLE) & (is_tiny | is_slow)
    return np.repeat(np.where(is_wrong, instead, mode[first]), last - first)


def _minute_speeds(windows: _Windows, config: LegsConfig) -> FloatArray:
    """Speed over the minute around each window, as the crow flies."""
    row = np.arange(len(windows.piece))
    half = max(1, round(30.0 / config.window_s))
    first = np.maximum(row - half, windows.start[windows.piece])
    last = np.minimum(row + half, windows.start[windows.piece + 1] - 1)
    moved_m = windows.to_m[last] - windows.from_m[first]
    return np.asarray(np.hypot(moved_m[:, 0], moved_m[:, 1]) / ((last - first + 1) * config.window_s))


def _legs_of(
    mode: IntArray, windows: _Windows, config: LegsConfig
) -> tuple[IntArray, IntArray, IntArray, FloatArray]:
    """First and last (exclusive) fix, mode and confidence of each run that has two fixes."""
    first, last = _runs(mode, windows)
    n_quick = np.concatenate([[0], np.cumsum(windows.speed_m_s > config.max_walk_m_s)])
    share = (n_quick[last] - n_quick[first]) / np.maximum(last - first, 1)
    confidence = np.where(mode[first] == _VEHICLE, np.minimum(1.0, 0.5 + share), 1.0)
    a, b = windows.first[first], windows.last[last - 1] + 1
    kept = b - a >= 2
    return a[kept], b[kept], mode[first][kept], confidence[kept]
