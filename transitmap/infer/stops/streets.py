"""Shapes -> Streets: each stretch that vehicles run one way, once, however many paths share it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from transitmap import geo
from transitmap.config import StopsConfig
from transitmap.model import BoolArray, FloatArray, IntArray

CELL_M = 15.0
"""Two shapes of one street lie closer than that; two streets further apart than twice that."""
SHORT_M = 50.0
"""A shape that leaves a street for less has not left it: consensus lines differ by metres."""


class Street(NamedTuple):
    """Points every `bin_m` along a piece of a shape, and which of them are its own: those before `first` and
    from `last` on belong to streets before it and stand here to show what lies around."""

    line_m: FloatArray
    first: int
    last: int


def distinct_streets(shapes_m: Sequence[FloatArray], config: StopsConfig) -> list[Street]:
    """Every directed stretch of the shapes as part of exactly one street, in the order of the shapes."""
    seen: set[int] = set()
    streets = []
    for shape_m in shapes_m:
        line_m = geo.resample(shape_m, config.bin_m)
        keys = _keys(line_m)
        is_new = np.array([key not in seen for key in keys[:, 0].tolist()], dtype=bool)
        is_new = _without_short_runs(is_new, int(SHORT_M / config.bin_m))
        seen.update(np.unique(keys[::2]).tolist())
        edges = np.flatnonzero(np.diff(np.concatenate([[False], is_new, [False]]).astype(np.int8)))
        around = int(config.context_m / config.bin_m)
        for first, last in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
            begin = max(0, first - around)
            streets.append(Street(line_m[begin : last + around], first - begin, last - begin))
    return streets


def _keys(line_m: FloatArray) -> IntArray:
    """(n, 27): the square and eighth of the compass that each point lies in, then those next to it."""
    ahead = geo.headings(line_m, 3)
    sector = np.floor(np.arctan2(ahead[:, 1], ahead[:, 0]) / (np.pi / 4)).astype(np.int64)
    square = np.floor(line_m / CELL_M).astype(np.int64)
    shifts = [(0, 0, 0)]
    shifts += [
        (i, j, k) for i in (-1, 0, 1) for j in (-1, 0, 1) for k in (-1, 0, 1) if (i, j, k) != (0, 0, 0)
    ]
    columns = [
        ((square[:, 0] + i) * (1 << 24) + square[:, 1] + j) * 8 + (sector + k) % 8 for i, j, k in shifts
    ]
    return np.column_stack(columns)


def _without_short_runs(flags: BoolArray, least: int) -> BoolArray:
    """The flags with runs of fewer than `least` turned over, those of True first; a run at an end stays."""
    flags = flags.copy()
    for value in (True, False):
        edges = np.flatnonzero(
            np.diff(np.concatenate([[not value], flags == value, [not value]]).astype(int))
        )
        for first, last in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
            if last - first < least and first > 0 and last < len(flags):
                flags[first:last] = not value
    return flags
