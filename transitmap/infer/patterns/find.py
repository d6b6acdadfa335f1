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
        for chain, inside in grown:
            chains.append(chain)
            is_held_by_any |= inside
            is_held |= inside & _may_be(chain.label, pieces.label)
    return chains


def _grow(
    k: int, pieces: Pieces, mirror: Pieces, config: PatternsConfig
) -> tuple[int, list[tuple[Chain, BoolArray]]]:
    """A piece and the chains that grow from it, with which pieces run along each."""
    seed = _without_loose_ends(np.arange(pieces.start[k], pieces.start[k + 1]), pieces)
    if len(seed) < config.min_points:
        return k, []
    label = int(pieces.label[k])
    way = grow(seed, label, pieces, mirror, config)
    ways = [way.points] if len(way.surely()) == len(way.points) else [way.points, way.surely()]
    parts = [part for one in ways for part in cut(mend(one, pieces, config), pieces, config)]
    different = {part.tobytes(): part for part in parts}.values()
    return k, [chain for part in different for chain in _chains_of(part, label, pieces, config)]


def _is_lone_voice(k: int, pieces: Pieces, is_held: BoolArray) -> bool:
    """Whether too few with its label run where this piece runs to be a line: then it is a wrong label."""
    way = np.arange(pieces.start[k], pieces.start[k + 1])
    beside = pieces.covered(pieces.reach(way)) >= 0.5
    said, free = pieces.label[beside], pieces.label[beside & ~is_held]
    n_mates = int((free == pieces.label[k]).sum())
    return n_mates < max(2, int((said != NO_LABEL).sum()) / MANY_LABELS)


def _without_loose_ends(seed: IntArray, pieces: Pieces) -> IntArray:
    """The seed from the first to the last point where a tenth of those come by who usually do: riders walk
    on after they got off, and nobody follows. Nothing of one that ran mostly alone: one ride is no way."""
    n_passing = pieces.n_passing(seed)
    usual = float(np.median(n_passing))
    if usual < 2:
        return seed[:0]
    kept = np.flatnonzero(n_passing >= (max(2.0, 0.1 * usual) if usual >= 3 else 0.0))
    return seed[kept[0] : kept[-1] + 1]


def _chains_of(
    part: IntArray, label: int, pieces: Pieces, config: PatternsConfig
) -> list[tuple[Chain, BoolArray]]:
    """The chains in one part of a way, under the name that its riders bear out, and who runs along them."""
    reach = pieces.reach(part)
    inside = pieces.covered(reach) >= config.share_contained
    named = borne_out(inside, label, pieces)
    chains = []
    for way in named_parts(part, named, inside, pieces, config):
        if len(way) < len(part):
            reach = pieces.reach(way)
            inside = pieces.covered(reach) >= config.share_contained
        called = borne_out(inside, named, pieces)
        chains.append((Chain(pieces.row[way], pieces.place[way], reach, called), inside))
    return chains


def borne_out(inside: BoolArray, label: int, pieces: Pieces) -> int:
    """The label itself if two of the riders inside a way, and one in sixteen of all, give it; else the most
    frequent label there; NO_LABEL without any."""
    said = pieces.label[inside & (pieces.label != NO_LABEL)]
    if not len(said):
        return NO_LABEL
    votes = np.bincount(said)
    if label != NO_LABEL and label < len(votes) and votes[label] >= max(2, len(said) / MANY_LABELS):
        return label
    return int(np.argmax(votes))


def _may_be(label: int, said: IntArray) -> BoolArray:
    return np.asarray((said == NO_LABEL) | (said == label) | (label == NO_LABEL))
