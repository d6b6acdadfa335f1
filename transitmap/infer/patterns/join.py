"""Chains -> longer chains: the contained are dropped, the overlapping joined, best overlap first."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from transitmap.config import PatternsConfig
from transitmap.infer.patterns.chain import Chain, Lie, agreement, lie, reach_of


class Slack(NamedTuple):
    """How far two rides of one pattern may disagree: loose ends in points, least share, same label only."""

    loose: int
    share: float
    same_label: bool


SLACKS = (Slack(4, 0.8, False), Slack(8, 0.65, False), Slack(14, 0.5, True))
"""Strict first: what agrees best is joined before noise may speak."""


def join(chains: list[Chain], near: Any, config: PatternsConfig) -> list[Chain]:
    """Chains that no further evidence joins. Deterministic: ties go to the lower number."""
    for slack in SLACKS:
        chains = _join(chains, near, slack, config)
    return chains


def _join(chains: list[Chain], near: Any, slack: Slack, config: PatternsConfig) -> list[Chain]:
    alive = dict(enumerate(chains))
    lies = _all_lies(alive)
    fresh = len(chains)
    while True:
        if _drop_contained(alive, lies, slack):
            continue
        pairs = _best_overlaps(alive, lies, slack, config)
        if not pairs:
            return [alive[key] for key in sorted(alive)]
        for a, b in pairs:
            alive[fresh] = _splice(alive.pop(a), alive.pop(b), near)
            for other in list(alive):
                if other != fresh:
                    _relate(lies, alive, fresh, other)
            fresh += 1


def _all_lies(alive: dict[int, Chain]) -> dict[tuple[int, int], Lie]:
    lies: dict[tuple[int, int], Lie] = {}
    keys = sorted(alive)
    for i, a in enumerate(keys):
        for b in keys[:i]:
            _relate(lies, alive, a, b)
    return lies


def _relate(lies: dict[tuple[int, int], Lie], alive: dict[int, Chain], a: int, b: int) -> None:
    found = lie(alive[a], alive[b])
    if found is not None:
        lies[a, b], lies[b, a] = found, found.swapped()


def _drop_contained(alive: dict[int, Chain], lies: dict[tuple[int, int], Lie], slack: Slack) -> bool:
    """Gives chains that lie inside another, shortest first, to the one that holds them; False if none."""
    inside = []
    for (a, b), found in lies.items():
        if a not in alive or b not in alive or not _may_join(alive[a], alive[b], found, slack):
            continue
        loose = found.a_before <= slack.loose and found.a_after <= slack.loose
        mostly = found.a_before + found.a_after < 0.4 * alive[a].n_seen
        if loose and mostly and _weight(alive[a], a) < _weight(alive[b], b):
            inside.append((len(alive[a].row), a, b))
    dropped = False
    for _, a, b in sorted(inside):
        if a in alive and b in alive:
            _adopt(alive[b], alive.pop(a))
            dropped = True
    return dropped


def _weight(chain: Chain, key: int) -> tuple[int, float, int]:
    """Longer chains hold shorter ones; of equal length, the better supported, then the older."""
    return len(chain.row) // 8, sum(chain.lines.values()), -key


def _may_join(a: Chain, b: Chain, found: Lie, slack: Slack) -> bool:
    agreed = agreement(a, b)
    return found.share >= slack.share and agreed >= 0 and (agreed > 0 or not slack.same_label)


def _best_overlaps(
    alive: dict[int, Chain], lies: dict[tuple[int, int], Lie], slack: Slack, config: PatternsConfig
) -> list[tuple[int, int]]:
    """Pairs (a, b) where b is the best continuation of a and a the best beginning of b.

    Source: the best overlap graph of Miller et al. 2008, Aggressive assembly of pyrosequencing reads. An
    overlap counts three times where riders gave both chains one label, and must otherwise span half of the
    shorter chain: a shared corridor alone joins nothing.
    """
    import networkx as nx

    graph = nx.DiGraph()
    for (a, b), found in sorted(lies.items()):
        if a not in alive or b not in alive or not _may_join(alive[a], alive[b], found, slack):
            continue
        ends_meet = found.a_after <= slack.loose and found.b_before <= slack.loose
        if not ends_meet or found.a_before <= slack.loose or found.b_after <= slack.loose:
            continue
        same = agreement(alive[a], alive[b]) > 0
        half = 0 if same else config.share_overlap * min(alive[a].n_seen, alive[b].n_seen)
        if found.n_shared >= max(config.min_overlap, half):
            graph.add_edge(a, b, score=found.n_shared * (3 if same else 1))
    return _mutual_best(graph)


def _mutual_best(graph: Any) -> list[tuple[int, int]]:
    best_next = {a: max(graph[a], key=lambda b: (graph[a][b]["score"], -b)) for a in graph if graph[a]}
    pairs = []
    for a, b in best_next.items():
        if max(graph.pred[b], key=lambda c: (graph[c][b]["score"], -c)) == a:
            pairs.append((graph[a][b]["score"], a, b))
    used: set[int] = set()
    chosen = []
    for _, a, b in sorted(pairs, key=lambda pair: (-pair[0], pair[1:])):
        if a not in used and b not in used:
            chosen.append((a, b))
            used |= {a, b}
    return chosen


def _splice(a: Chain, b: Chain, near: Any) -> Chain:
    """a up to its last point seen on b, then b from there on."""
    end = int(np.flatnonzero(b.reach[a.place] & a.is_seen)[-1])
    onward = np.flatnonzero(near[a.place[end]].toarray().ravel()[b.place])
    start = int(onward[-1]) + 1 if len(onward) else int(np.flatnonzero(a.reach[b.place])[-1]) + 1
    place = np.concatenate([a.place[: end + 1], b.place[start:]])
    joined = Chain(
        row=np.concatenate([a.row[: end + 1], b.row[start:]]),
        place=place,
        is_seen=np.concatenate([a.is_seen[: end + 1], b.is_seen[start:]]),
        reach=reach_of(place, near),
        lines=dict(a.lines),
        labels=dict(a.labels),
    )
    _adopt(joined, b)
    return joined


def _adopt(chain: Chain, other: Chain) -> None:
    """Takes over another chain's support."""
    for line, weight in other.lines.items():
        chain.lines[line] = max(weight, chain.lines.get(line, 0.0))
    for label, votes in other.labels.items():
        chain.labels[label] = chain.labels.get(label, 0.0) + votes
