"""Observers -> Voices: which accounts are one person, and who is confirmed mostly by one another."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from transitmap.model import BoolArray, Confirm, FloatArray, IntArray, Observed, Voices

N_STEPS, RESTART, N_AT_ONCE = 16, 0.1, 256
"""Of the walk that looks for groups: its steps, its chance to begin anew at each, walks at once."""


@dataclass(frozen=True, eq=False)
class Meetings:
    """Who met whom: row k says that `person[k]` saw stretch `stretch[k]`, worth `value[k]` to them.

    A stretch is all segments that the same people saw: `n_people` of them; `is_known` where a reviewer saw
    it, too. Rows are sorted by person, those of person i from `start[i]`; `seen` is what
    each person's stretches are worth together. A stretch that only one person saw is none.
    """

    start: IntArray
    person: IntArray
    stretch: IntArray
    value: IntArray
    seen: IntArray
    n_people: IntArray
    is_known: BoolArray

    def rows_of(self, people: IntArray) -> IntArray:
        """The rows of some people, one person after the other."""
        return np.concatenate([np.arange(self.start[i], self.start[i + 1]) for i in people.tolist()])


def voices(
    observed: Observed,
    linked: Sequence[tuple[int, int]],
    staff: frozenset[int],
    confirm: Confirm,
    met: Collection[int] | None = None,
) -> Voices:
    """Who are one person and who are one group, of those in `observed` and `linked`.

    One person are accounts that `linked` connects (copies, one phone). A group are up to `group_max` people
    who are confirmed mostly by one another: of all that is confirmed of them, less than `outside_permille` is
    confirmed by others or a reviewer (`staff`). Nobody is in two groups; `staff` is in none. Rows worth
    nothing and erased riders confirm nobody. The order of rows decides nothing. `met` are accounts whose
    people the staff knows; None is all of them.
    """
    pairs = np.array(linked, dtype=np.int64).reshape(-1, 2)
    users = np.unique(np.concatenate([observed.user_id[observed.user_id >= 0], pairs.ravel()]))
    person = _joined(np.searchsorted(users, pairs), len(users))
    meetings = _meetings(observed, users, person, staff, confirm)
    groups = _apart(_closed_groups(meetings, confirm), meetings, confirm)
    ties = [(group[0], other) for group in groups for other in group[1:]]
    group = _joined(np.array(ties, dtype=np.int64).reshape(-1, 2), len(users))[person]
    names = users.tolist()
    person_of = dict(zip(names, users[person].tolist(), strict=True))
    return Voices(
        person_of,
        dict(zip(names, users[group].tolist(), strict=True)),
        None if met is None else frozenset(person_of.get(one, one) for one in met),
    )


def one_person(linked: Iterable[Sequence[int]]) -> dict[int, frozenset[int]]:
    """All accounts of the same person, by account, where pairs connect it with any."""
    found: dict[int, frozenset[int]] = {}
    for one, other in linked:
        both = found.get(one, frozenset({one})) | found.get(other, frozenset({other}))
        found |= dict.fromkeys(both, both)
    return found


def _joined(pairs: IntArray, n: int) -> IntArray:
    """For each of `n` the smallest number that pairs connect it with."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(pairs), dtype=np.int8), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    _, label = connected_components(graph, directed=False)
    _, first = np.unique(label, return_index=True)
    return np.asarray(first[label], dtype=np.int64)


# --- who met whom --------------------------------------------------------------------------------


def _meetings(
    observed: Observed,
    users: IntArray,
    person_of: IntArray,
    staff: frozenset[int],
    confirm: Confirm,
) -> Meetings:
    """The rows that can confirm, one for each person and segment, gathered by who saw the same."""
    names = dict(zip(users.tolist(), users[person_of].tolist(), strict=True))
    rows = np.flatnonzero(Voices(names).speaks(observed))
    segments, segment = np.unique(observed.segment[rows], return_inverse=True)
    is_staff = np.isin(observed.user_id[rows], list(staff))
    is_known = np.bincount(segment, is_staff, len(segments)) > 0
    rows, segment = rows[~is_staff], segment[~is_staff]
    person = person_of[np.searchsorted(users, observed.user_id[rows])]
    keys, back = np.unique(np.column_stack([segment, person]), axis=0, return_inverse=True)
    worth = np.zeros(len(keys), dtype=np.int64)
    np.add.at(worth, back.ravel(), observed.worth_mm[rows] * confirm.weights(observed.place[rows]))
    return _by_stretch(keys[:, 1], keys[:, 0], worth, is_known, len(users))


def _by_stretch(
    person: IntArray, segment: IntArray, value: IntArray, is_known: BoolArray, n_people: int
) -> Meetings:
    """Segments of the same people are one stretch; those that one person saw and nobody knows fall out."""
    crowd = np.bincount(segment, minlength=len(is_known))
    within = np.arange(len(segment)) - (np.cumsum(crowd) - crowd)[segment]
    company = np.full((len(crowd), crowd.max(initial=0) + 1), -1, dtype=np.int64)
    company[segment, within] = person
    company[:, -1] = is_known
    kinds, kind = np.unique(company, axis=0, return_inverse=True)
    counts = (kinds[:, :-1] >= 0).sum(axis=1)
    matters = (counts > 1) | ((kinds[:, -1] > 0) & (counts > 0))
    keep = matters[kind.ravel()[segment]]
    pairs, back = np.unique(
        np.column_stack([person, kind.ravel()[segment]])[keep], axis=0, return_inverse=True
    )
    total = np.zeros(len(pairs), dtype=np.int64)
    np.add.at(total, back.ravel(), value[keep])
    seen = np.zeros(n_people, dtype=np.int64)
    np.add.at(seen, pairs[:, 0], total)
    start = np.searchsorted(pairs[:, 0], np.arange(n_people + 1))
    return Meetings(start, pairs[:, 0], pairs[:, 1], total, seen, counts, kinds[:, -1] > 0)


# --- groups that confirm themselves --------------------------------------------------------------


def _closed_groups(meetings: Meetings, confirm: Confirm) -> list[IntArray]:
    """The group around each rider of whom most would wait, as far as a random walk finds it.

    A walker who goes from a rider to one of those who confirm them, and on from there, stays for long where
    the way out is rare: the riders met most are the candidates.
    Source: Andersen, Chung, Lang 2006, local partitioning by personalised PageRank.
    """
    shared = _shared(meetings)
    seeds = _seeds(shared, meetings, confirm)
    step = shared.multiply(1.0 / np.maximum(meetings.seen, 1)[:, None]).tocsr()
    groups = []
    for begin in range(0, len(seeds), N_AT_ONCE):
        some = seeds[begin : begin + N_AT_ONCE]
        for seed, met in zip(some.tolist(), _walk(step, some), strict=True):
            group = _most_waiting(_orders(met, seed, meetings, confirm), meetings, confirm)
            if len(group):
                groups.append(group)
    return groups


def _shared(meetings: Meetings) -> Any:
    """How much of what person i saw person j confirms, a sparse matrix: equal parts where several do."""
    from scipy.sparse import csr_array

    n, n_stretches = len(meetings.seen), len(meetings.n_people)
    parts = meetings.value / np.maximum(meetings.n_people[meetings.stretch] - 1, 1)
    where = (meetings.person, meetings.stretch)
    mine = csr_array((parts, where), shape=(n, n_stretches))
    theirs = csr_array((np.ones(len(parts)), where), shape=(n, n_stretches))
    shared = (mine @ theirs.T).tocsr()
    shared.setdiag(0.0)
    shared.eliminate_zeros()
    return shared


def _seeds(shared: Any, meetings: Meetings, confirm: Confirm) -> IntArray:
    """Riders of whom `group_max` - 1 others confirm enough: each closed group has one of those at least."""
    found = []
    for i in np.flatnonzero(meetings.seen).tolist():
        parts = shared.data[shared.indptr[i] : shared.indptr[i + 1]]
        closest = np.sort(parts)[-(confirm.group_max - 1) :].sum() if confirm.group_max > 1 else 0.0
        if closest * 1000 > (1000 - confirm.outside_permille) * meetings.seen[i]:
            found.append(i)
    return np.array(found, dtype=np.int64)


def _walk(step: Any, seeds: IntArray) -> FloatArray:
    """(seeds, people): how often a walker from each seed, beginning anew now and then, is where."""
    now = np.zeros((len(seeds), step.shape[0]))
    now[np.arange(len(seeds)), seeds] = 1.0
    met = RESTART * now
    for _ in range(N_STEPS):
        now = (1.0 - RESTART) * (now @ step)
        met += RESTART * now
    return met


def _orders(met: FloatArray, seed: int, meetings: Meetings, confirm: Confirm) -> list[IntArray]:
    """The riders met most often, the seed first; those met most often for what they saw; and between."""
    people = np.flatnonzero((met > 0) & (np.arange(len(met)) != seed))
    often, seen = np.log(met[people]), np.log(meetings.seen[people])
    return [
        np.concatenate([[seed], people[np.lexsort((people, -np.round(by, 9)))][: confirm.group_max - 1]])
        for by in (often, often - seen / 2, often - seen)
    ]


def _most_waiting(orders: list[IntArray], meetings: Meetings, confirm: Confirm) -> IntArray:
    """The first people in one of `orders` of whom most would wait; none if nothing would."""
    best, most = orders[0][:0], 0
    for order in orders:
        waits = _waits(order, meetings, confirm)
        waits[0] = 0
        last = len(waits) - 1 - int(np.argmax(waits[::-1]))
        if waits[last] > most:
            best, most = np.sort(order[: last + 1]), int(waits[last])
    return best


def _waits(order: IntArray, meetings: Meetings, confirm: Confirm) -> IntArray:
    """By how much the first 1, 2, ... of `order` lack confirmation from outside; 0 or less: they do not."""
    outside, seen = _outside(order, meetings)
    return seen * confirm.outside_permille - outside * 1000


def _outside(order: IntArray, meetings: Meetings) -> tuple[IntArray, IntArray]:
    """What is confirmed of the first 1, 2, ... people of `order`: from outside, and in all."""
    rows = meetings.rows_of(order)
    rank = np.repeat(np.arange(len(order)), (meetings.start[1:] - meetings.start[:-1])[order])
    stretches, back = np.unique(meetings.stretch[rows], return_inverse=True)
    last, total = np.zeros((2, len(stretches)), dtype=np.int64)
    np.maximum.at(last, back, rank)
    np.add.at(total, back, meetings.value[rows])
    is_inside = (np.bincount(back) == meetings.n_people[stretches]) & ~meetings.is_known[stretches]
    inside = np.zeros(len(order), dtype=np.int64)
    np.add.at(inside, last[is_inside], total[is_inside])
    seen = np.cumsum(meetings.seen[order])
    return seen - np.cumsum(inside), seen


def _apart(groups: list[IntArray], meetings: Meetings, confirm: Confirm) -> list[list[int]]:
    """Groups that share nobody, first those of whom most waits.

    A later one joins those it overlaps if all of them are a group together; else what is left of it may be.
    """
    different = {tuple(group.tolist()) for group in groups}
    found: dict[int, list[int]] = {}
    for group in sorted(different, key=lambda people: (-_lack(people, meetings, confirm), people)):
        before = {tuple(found[person]) for person in group if person in found}
        joined = sorted(set(group).union(*before))
        rest = [person for person in group if person not in found]
        for people in (joined, rest):
            if rest and 2 <= len(people) <= confirm.group_max and _lack(people, meetings, confirm) > 0:
                found |= dict.fromkeys(people, people)
                break
    return [list(group) for group in sorted({tuple(people) for people in found.values()})]


def _lack(people: Sequence[int], meetings: Meetings, confirm: Confirm) -> int:
    return int(_waits(np.array(people), meetings, confirm)[-1])
