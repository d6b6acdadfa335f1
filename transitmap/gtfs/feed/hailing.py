"""Where people get on and off between stops -> continuous pickup for each call of a pattern."""

from __future__ import annotations

import numpy as np

from transitmap.model import Network

ANYWHERE, NOWHERE = "0", "1"
MIN_SHARE = 0.5


def continuous(network: Network, pattern: int) -> list[str]:
    """For each call whether one may get on or off on the way to the next: `0` anywhere, `1` nowhere.

    Anywhere means that at least half of the way lies in a stretch where riders do so.
    """
    patterns, hails = network.patterns, network.hails
    along_m = patterns.along_m[patterns.call_start[pattern] : patterns.call_start[pattern + 1]]
    hailed_m = np.zeros(len(along_m))
    for row in np.flatnonzero(hails.pattern_index == pattern):
        ends_m = np.minimum(along_m[1:], hails.end_m[row]) - np.maximum(along_m[:-1], hails.start_m[row])
        hailed_m[:-1] += np.maximum(ends_m, 0.0)
    hop_m = np.concatenate([np.diff(along_m), [np.inf]])
    return [ANYWHERE if share >= MIN_SHARE else NOWHERE for share in hailed_m / np.maximum(hop_m, 1.0)]
