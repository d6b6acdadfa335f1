"""Chains and who runs along them -> the fewest that tell where everybody rode, and whose each ride is.

The shortest description wins (minimum description length): a chain is told once, and then each of its riders
in a few words. Lengths are in nats, logarithms of probabilities.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from transitmap.model import BoolArray, FloatArray, IntArray

AHEAD = 0.1
"""What it takes to say where the streets go on, for each point: one way of three at a crossing each 250 m."""
OFF = 1.0
"""What a point costs that a ride ran beside a chain, though another chain has it."""
END = 12
"""Points before the end of a chain at which a ride that ran it all may have ended: a stop, and a phone's."""
SAME_LABEL, OTHER_LABEL = 0.95, 0.04
"""How often a rider who names a line names her own, and any other: wrong labels are one in twenty-five."""
CROWD = 30.0
"""For so many rides that do not name it a chain must save twice as much, because the model is not quite true:
where people get on and off is never even, and thousands of rides would prove it."""
FIRST_ROUNDS, ROUNDS = 10, 6


class Fits(NamedTuple):
    """Row k says that line `line[k]` may have run along chain `chain[k]`: `odds` is how much likelier its
    recording then is than told alone, `is_whole` that it ran the chain from end to end, `room` at how many
    places of the chain such a ride may begin. `cost` is what it takes to tell each chain."""

    n_lines: int
    line: IntArray
    chain: IntArray
    odds: FloatArray
    room: FloatArray
    is_whole: BoolArray
    cost: FloatArray

    def of(self, chains: IntArray | BoolArray) -> Fits:
        """The rows of some chains alone, whose numbers stay."""
        kept = np.zeros(len(self.cost), dtype=bool)
        kept[chains] = True
        rows = kept[self.chain]
        return Fits(
            self.n_lines,
            self.line[rows],
            self.chain[rows],
            self.odds[rows],
            self.room[rows],
            self.is_whole[rows],
            self.cost,
        )


class Mixture(NamedTuple):
    """How the rides divide: the share of each chain, of whole rides, and for each row of the fits how likely
    the line is the chain's, and how much longer it took to tell the line without the chain."""

    share: FloatArray
    share_whole: float
    likely: FloatArray
    saved: FloatArray


def weigh(
    covered: FloatArray,
    share_fit: float,
    n_seen: IntArray,
    n_ridden: IntArray,
    n_points: IntArray,
    n_places: int,
    said: IntArray,
    called: IntArray,
) -> Fits:
    """What speaks for each pair of a line and a chain that covers `share_fit` of it.

    `covered` is (lines, chains), `n_seen` and `n_ridden` count each line's points, `n_points` each chain's;
    `said` and `called` are the labels of lines and chains, negative for none.
    """
    line, chain = np.nonzero(covered >= share_fit)
    alone = np.log(n_places) + AHEAD * n_ridden[line]
    off = (covered.max(axis=1, initial=0.0)[line] - covered[line, chain]) * n_seen[line]
    n_labels = max(int(said.max(initial=0)) + 1, 2)
    told = np.where(called[chain] < 0, 1.0, np.where(said[line] == called[chain], n_labels, 0.0) * SAME_LABEL)
    told = np.where(said[line] < 0, 1.0, np.maximum(told, OTHER_LABEL))
    strangers = np.bincount(chain, (said[line] < 0) | (said[line] != called[chain]), len(n_points))
    return Fits(
        n_lines=len(covered),
        line=line,
        chain=chain,
        odds=np.exp(np.clip(alone - OFF * off, -300.0, 300.0)) * told,
        room=np.maximum(n_points[chain] - n_ridden[line], 0.0) + END,
        is_whole=n_ridden[line] >= n_points[chain] - END,
        cost=(np.log(n_places) + AHEAD * n_points) * (1.0 + strangers / CROWD),
    )


def fewest(fits: Fits) -> tuple[IntArray, Mixture]:
    """The chains worth telling, most riders first, and how the lines divide among all of their rows.

    Begins with all and leaves out, one by one, the chain that saves least. Source: the annihilation of
    components of Figueiredo and Jain (2002), with a price for each that is its own.
    """
    n_lines = np.bincount(fits.chain, minlength=len(fits.cost))
    kept = n_lines > 0
    rows = fits
    mixture = divide(rows, Mixture(n_lines / max(n_lines.sum(), 1), 0.05, rows.odds, rows.odds), FIRST_ROUNDS)
    while kept.any():
        saved = np.bincount(rows.chain, mixture.saved, len(kept))
        net = np.where(kept, saved - rows.cost, np.inf)
        if net.min() >= 0:
            break
        kept[int(np.argmin(net))] = False
        rows = rows.of(kept)
        mixture = divide(rows, mixture, ROUNDS)
    picked = np.flatnonzero(kept)
    return picked[np.lexsort((picked, -mixture.share[picked]))], mixture


def divide(fits: Fits, before: Mixture, rounds: int) -> Mixture:
    """How the lines divide among the chains of the fits: expectation and maximisation in turn."""
    share, share_whole = before.share, before.share_whole
    for _ in range(rounds):
        part, whole, total = _told(fits, share, share_whole)
        riders = np.bincount(fits.chain, (part + whole) / total, len(share))
        share = riders / (riders.sum() + 1.0)
        share_whole = float(((whole / total).sum() + 0.5) / (riders.sum() + 1.0))
    part, whole, total = _told(fits, share, share_whole)
    own = part + whole
    return Mixture(share, share_whole, own / total, np.log(total / np.maximum(total - own, 1.0)))


def _told(fits: Fits, share: FloatArray, share_whole: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """For each row how much likelier the line is as a part of the chain and as all of it than told alone,
    and as anything.

    A ride that runs a part begins at any place: each is as likely as the root of how many there are says, for
    riders gather at some of them.
    """
    weight = share[fits.chain] * fits.odds
    part = (1.0 - share_whole) * weight / np.sqrt(100.0 * fits.room)
    whole = np.where(fits.is_whole, share_whole * weight, 0.0)
    total = np.bincount(fits.line, part + whole, fits.n_lines)[fits.line] + 1.0
    return np.asarray(part), np.asarray(whole), np.asarray(total)
