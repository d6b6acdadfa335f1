"""Pieces -> candidate chains: every ride that no chain holds yet grows into one, longest ride first."""

from __future__ import annotations

from functools import partial

import numpy as np

from transitmap.config import PatternsConfig
from transitmap.infer.patterns.chain import Chain
from transitmap.infer.patterns.cut import cut, named_parts
from transitmap.infer.patterns.grow import grow
from transitmap.infer.patterns.mend import mend
from transitmap.infer.patterns.pieces import NO_LABEL, Pieces
from transitmap.model import BoolArray, IntArray, Spread

MANY_LABELS = 16
"""One in so many rides with another label is a wrong label: those are one in twenty-five."""


def find_chains(pieces: Pieces, config: PatternsConfig, spread: Spread = map) -> list[Chain]:
    """Chains that hold every piece, several for the same street where riders call it differently.

    Rides with a label grow first: their riders know which line they sit in. Other processes grow the rides
    that come next, which is in vain where those before turn out to hold them.
    """
    is_held = np.zeros(len(pieces), dtype=bool)
    is_held_by_any = np.zeros(len(pieces), dtype=bool)

    def is_free(k: int) -> bool:
        return not (is_held[k] or (is_held_by_any[k] and _is_lone_voice(k, pieces, is_held)))

    order = np.lexsort((np.arange(len(pieces)), -pieces.n_seen, pieces.label == NO_LABEL)).tolist()
    seeds = (k for k in order if is_free(k))
    chains: list[Chain] = []
    one = partial(_grow, pieces=pieces.ready(), mirror=pieces.mirrored().ready(), config=config)
    for k, grown in spread(one, seeds):
        if not is_free(k):
            continue
        is_held[k] = True
        chains += grown
        for chain in grown:
            inside = pieces.covered(chain.reach) >= config.share_contained
            is_held_by_any |= inside
            is_held |= inside & _may_be(chain.label, pieces.label)
    return chains


def _grow(k: int, pieces: Pieces, mirror: Pieces, config: PatternsConfig) -> tuple[int, list[Chain]]:
    """A piece and the chains that grow from it."""
    seed = _without_loose_ends(np.arange(pieces.start[k], pieces.start[k + 1]), pieces)
    if len(seed) < config.min_points:
        return k, []
    label = int(pieces.label[k])
    way = grow(seed, label, pieces, mirror, config)
    ways = [way.points] if len(way.surely()) == len(way.points) else [way.points, way.surely()]
    parts = [part for one in ways for part in cut(mend(one, pieces, config), pieces, config)]
    return k, [chain for part in parts for chain in _chains_of(part, label, pieces, config)]


def _is_lone_voice(k: int, pieces: Pieces, is_held: BoolArray) -> bool:
    """Whether too few with its label run where this piece runs to be a line: then it is a wrong label."""
    way = np.arange(pieces.start[k], pieces.start[k + 1])
    beside = pieces.covered(pieces.reach(way)) >= 0.5
    said, free = pieces.label[beside], pieces.label[beside & ~is_held]
    n_mates = int((free == pieces.label[k]).sum())
    return n_mates < max(2, int((said != NO_LABEL).sum()) / MANY_LABELS)


def _without_loose_ends(seed: IntArray, pieces: Pieces) -> IntArray:
    """The seed from the first to the last point where a tenth of those come by who usually do: riders walk
    on after they got off, and nobody follows."""
    n_passing = pieces.n_passing(seed)
    usual = float(np.median(n_passing))
    kept = np.flatnonzero(n_passing >= (max(2.0, 0.1 * usual) if usual >= 3 else 0.0))
    return seed[kept[0] : kept[-1] + 1] if len(kept) else seed[:0]


def _chains_of(part: IntArray, label: int, pieces: Pieces, config: PatternsConfig) -> list[Chain]:
    """The chains in one part of a way, under the name that its riders bear out."""
    named = borne_out(part, label, pieces, config)
    return [
        Chain(pieces.row[way], pieces.place[way], pieces.reach(way), borne_out(way, named, pieces, config))
        for way in named_parts(part, named, pieces, config)
    ]


def borne_out(way: IntArray, label: int, pieces: Pieces, config: PatternsConfig) -> int:
    """The label itself if two of its riders, and one in sixteen of all, run inside the way; else the most
    frequent label there; NO_LABEL without any."""
    inside = pieces.covered(pieces.reach(way)) >= config.share_contained
    said = pieces.label[inside & (pieces.label != NO_LABEL)]
    if not len(said):
        return NO_LABEL
    votes = np.bincount(said)
    if label != NO_LABEL and label < len(votes) and votes[label] >= max(2, len(said) / MANY_LABELS):
        return label
    return int(np.argmax(votes))


def _may_be(label: int, said: IntArray) -> BoolArray:
    return np.asarray((said == NO_LABEL) | (said == label) | (label == NO_LABEL))
