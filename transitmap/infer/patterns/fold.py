"""Chains -> the same and the halves of those that turn back along themselves: each may be a line's."""

from __future__ import annotations

import numpy as np

from transitmap.config import PatternsConfig
from transitmap.infer.patterns.chain import Chain
from transitmap.infer.patterns.cut import ZONE
from transitmap.infer.patterns.find import borne_out
from transitmap.infer.patterns.pieces import Pieces
from transitmap.model import Lines

SHARE_BACK = 0.3
"""A line and its way back that became one chain share most streets, other lines those of a terminal."""


def with_halves(
    chains: list[Chain], lines: Lines, pieces: Pieces, near_m: float, config: PatternsConfig
) -> list[Chain]:
    """All chains and, after these, the halves of the folded ones: rides through the terminal of a line join
    its two directions, and only the riders of each can tell whether these are two."""
    point_of = np.zeros(len(lines.place), dtype=np.int64)
    point_of[pieces.row] = np.arange(len(pieces.row))
    halves = []
    for chain in chains:
        turn = _turn(chain, lines, near_m)
        for way in np.split(point_of[chain.row], [turn]):
            if config.min_points <= len(way) < len(chain.row):
                reach = pieces.reach(way)
                label = borne_out(pieces.covered(reach) >= config.share_contained, chain.label, pieces)
                halves.append(Chain(pieces.row[way], pieces.place[way], reach, label))
    return chains + halves


def _turn(chain: Chain, lines: Lines, near_m: float) -> int:
    """The point at which a chain turns back along its own streets, 0 where it does not."""
    from scipy.spatial import cKDTree

    heading = lines.heading[chain.row]
    pairs = cKDTree(lines.xy_m[chain.row]).query_pairs(near_m, output_type="ndarray")
    pairs = pairs[(heading[pairs[:, 0]] * heading[pairs[:, 1]]).sum(axis=1) < -0.5]
    if len(np.unique(pairs)) < SHARE_BACK * len(chain.row):
        return 0
    between = np.bincount(pairs.sum(axis=1) // 2)
    return int(np.argmax(np.convolve(between, np.ones(2 * ZONE + 1), "same")))
