"""The line vehicles drive over a path of streets: corners rounded, with limits, lights and bumps along it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from transitmap import geo
from transitmap.model import Columns, FloatArray
from transitmap.simulate.ground import Ground, path_line_m
from transitmap.simulate.kerb_stops import LANE_M

STEP_M = 5.0
STOP_LINE_M = 12.0
SIDEWAYS_M_S2 = 1.5


@dataclass(frozen=True, eq=False)
class Line(Columns):
    """Points about every 5 m: place, metres along, speed limit (corners included) and `crowding`.

    `crowding` is 0 at the outskirts and 1 in the centre. `street_m` is the distance along the streets' centre
    lines, which are a little longer in corners. `signal_m` are the stop lines, `bump_m` the speed bumps,
    `yield_m` the corners without lights where vehicles give way.
    """

    xy_m: FloatArray
    along_m: FloatArray
    street_m: FloatArray
    limit_m_s: FloatArray
    crowding: FloatArray
    signal_m: FloatArray
    bump_m: FloatArray
    yield_m: FloatArray


def draw_line(ground: Ground, path: list[int]) -> Line:
    """The line over a path of edges."""
    centre_m = geo.resample(path_line_m(ground, path), STEP_M)
    ends_m = np.concatenate([[0.0], np.cumsum(ground.length_m[path])])
    street_m = np.linspace(0.0, ends_m[-1], len(centre_m))
    xy_m = _lane(centre_m)
    along_m = geo.along_m(xy_m)
    place = np.clip(np.searchsorted(ends_m, street_m, side="right") - 1, 0, len(path) - 1)
    return Line(
        xy_m=xy_m,
        along_m=along_m,
        street_m=street_m,
        limit_m_s=np.minimum(ground.limit_m_s[path][place], _corner_limit_m_s(xy_m)),
        crowding=np.exp(-0.5 * (np.hypot(*centre_m.T) / (0.4 * ground.radius_m)) ** 2),
        signal_m=np.interp(_signal_m(ground, path, ends_m), street_m, along_m),
        bump_m=np.interp(_bump_m(ground, path, ends_m), street_m, along_m),
        yield_m=np.interp(_yield_m(ground, path, ends_m), street_m, along_m),
    )


def _lane(centre_m: FloatArray) -> FloatArray:
    """The line vehicles drive: corners rounded, right of the centre."""
    padded = np.concatenate(
        [np.repeat(centre_m[:1], 3, axis=0), centre_m, np.repeat(centre_m[-1:], 3, axis=0)]
    )
    kernel = np.array([1.0, 2.0, 3.0, 4.0, 3.0, 2.0, 1.0]) / 16.0
    smooth_m = np.column_stack([np.convolve(padded[:, k], kernel, mode="valid") for k in range(2)])
    smooth_m[0], smooth_m[-1] = centre_m[0], centre_m[-1]
    ahead = geo.headings(smooth_m, 2)
    return np.asarray(smooth_m + LANE_M * np.column_stack([ahead[:, 1], -ahead[:, 0]]))


def _corner_limit_m_s(xy_m: FloatArray) -> FloatArray:
    """Speed that keeps the sideways acceleration of a turn small, never under a crawl."""
    ahead = geo.headings(xy_m, 2)
    before, after = ahead[:-2], ahead[2:]
    turn_rad = np.arccos(np.clip((before * after).sum(axis=1), -1.0, 1.0))
    radius_m = 2 * STEP_M / np.maximum(np.concatenate([[0.0], turn_rad, [0.0]]), 1e-6)
    return np.asarray(np.maximum(np.sqrt(SIDEWAYS_M_S2 * radius_m), 3.0))


def _signal_m(ground: Ground, path: list[int], ends_m: FloatArray) -> FloatArray:
    """Stop lines before the lights; a line's last crossing is not driven through."""
    has_light = ground.is_signal[ground.edge_to[path[:-1]]]
    return np.asarray(ends_m[1:-1][has_light] - STOP_LINE_M)


def _yield_m(ground: Ground, path: list[int], ends_m: FloatArray) -> FloatArray:
    """Stop lines where the line turns, or a small street meets an avenue, without lights."""
    node = ground.edge_to[path[:-1]]
    turns = ground.street[path[:-1]] != ground.street[path[1:]]
    avenue = np.unique(np.concatenate([ground.edge_from, ground.edge_to])[np.tile(ground.is_avenue, 2)])
    minor = ~ground.is_avenue[path[:-1]] & np.isin(node, avenue)
    return np.asarray(ends_m[1:-1][~ground.is_signal[node] & (turns | minor)] - STOP_LINE_M)


def _bump_m(ground: Ground, path: list[int], ends_m: FloatArray) -> FloatArray:
    place_m = ends_m[:-1] + ground.bump_share[path] * ground.length_m[path]
    return np.asarray(place_m[np.isfinite(place_m)])
