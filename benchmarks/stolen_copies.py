"""What a copy of somebody else's ride costs them, and what two accounts of one person gain: `python -m
benchmarks.stolen_copies`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from benchmarks.cheat_rings import CONFIRM, NO_SEGMENTS, NOBODY, RULES, SPLIT_OVER, Drive, little_world
from transitmap.model import Confirm, IntArray, Observed, Segments, Terms
from transitmap.points import settle
from transitmap.points.score import score
from transitmap.points.voices import one_person, voices

VICTIM, RIVAL, THIEF = 1, 2, 50
N_WORLDS = 200


@dataclass(frozen=True)
class Ties:
    """What a rule makes of copies: whose ground is not new to whom at the award (`also`) and whose limit of a
    day theirs is, who is one person at the settlement (`joined`), and who waits."""

    also: dict[int, frozenset[int]] = field(default_factory=dict)
    joined: tuple[tuple[int, int], ...] = ()
    waits: frozenset[int] = frozenset()


def two_people(pairs: Sequence[tuple[int, int]]) -> Ties:
    """A copy ties nobody; `pairs` are (who sent a copy, whose ride it was)."""
    return Ties()


def one_person_each(pairs: Sequence[tuple[int, int]]) -> Ties:
    """Both are one person, and so is whoever else a copy ties to them."""
    also = {who: all_of - {who} for who, all_of in one_person(pairs).items()}
    return Ties(also, tuple(pairs))


def one_way(pairs: Sequence[tuple[int, int]]) -> Ties:
    """At the award the sender alone is bound; at the settlement they are one person."""
    also: dict[int, frozenset[int]] = {}
    for sender, other in pairs:
        also[sender] = also.get(sender, frozenset()) | {other}
    return Ties(also, tuple(pairs))


def sender_waits(pairs: Sequence[tuple[int, int]]) -> Ties:
    """The sender earns and observes nothing until a person says whether they are two."""
    return Ties(waits=frozenset(sender for sender, _ in pairs))


TRIED: dict[str, Callable[[Sequence[tuple[int, int]]], Ties]] = {
    "two people": two_people,
    "one person (as it was)": one_person_each,
    "one way at the award": one_way,
    "the sender waits": sender_waits,
}


def paid(
    drives: Sequence[Drive],
    ties: Ties,
    later: Ties | None = None,
    burnt: int = 0,
    limit: int = RULES.max_millipoints_per_day,
    confirm: Confirm = CONFIRM,
) -> dict[int, tuple[int, int]]:
    """(at once, verified) millipoints by account, by the real awards and settlement; nobody is looked at.

    `later` is what holds at the settlement where that is another. `burnt` is what the thief's other rides of
    each day are worth, `limit` the most that a rider's rides of a day may be.
    """
    observers: dict[int, list[tuple[int, int]]] = {}
    rows, full, now = list[tuple[int, ...]](), list[int](), dict[int, int]()
    spent: dict[tuple[int, int], int] = {(THIEF, day): burnt for day in range(-1, 20)}
    for ride, drive in enumerate(drives):
        if drive.user_id in ties.waits:
            full.append(0)
            continue
        n, who = len(drive.segments), drive.user_id
        zeros, segment = np.zeros(n, dtype=np.int64), np.array(drive.segments, dtype=np.int64)
        also = ties.also.get(who, frozenset())
        left = limit - sum(spent.get((one, drive.day), 0) for one in (who, *also))
        found = Segments(
            zeros, zeros, zeros, segment, zeros + 20_000 + drive.day, zeros + 100_000, zeros + drive.worth_mm
        )
        result = score(found, who, observers, RULES, terms=Terms(left_millipoints=left, also=also))
        full.append(sum(award.evidence["full_millipoints"] for award in result.awards))
        spent[who, drive.day] = spent.get((who, drive.day), 0) + full[-1]
        now[who] = now.get(who, 0) + sum(award.millipoints for award in result.awards)
        for where, account, when in result.observed:
            those = observers.setdefault(where, [])
            rows.append((ride, account, where, when, drive.worth_mm, len(those)))
            those.append((account, when))
    verified = _verified(drives, rows, full, later or ties, confirm)
    return {who: (now.get(who, 0), verified.get(who, 0)) for who in {drive.user_id for drive in drives}}


def _verified(
    drives: Sequence[Drive],
    rows: Sequence[tuple[int, ...]],
    full: Sequence[int],
    ties: Ties,
    confirm: Confirm,
) -> dict[int, int]:
    """What a settlement confirms of each account. The staff has met everybody, each by one account."""
    observed = Observed(*np.array(rows, dtype=np.int64).reshape(-1, 6).T)
    met = {drive.user_id for drive in drives} - set(SPLIT_OVER)
    heard = voices(observed, ties.joined, NOBODY, confirm, met)
    shares = settle.shares(observed, heard, NOBODY, NO_SEGMENTS, confirm, len(drives)).tolist()
    found: dict[int, int] = {}
    for drive, points, share in zip(drives, full, shares, strict=True):
        found[drive.user_id] = found.get(drive.user_id, 0) + settle.pay(points, 0, share, confirm)[1]
    return found


# --- the victim ----------------------------------------------------------------------------------


def worlds(n: int, seed: int = 1) -> list[tuple[list[Drive], list[Drive]]]:
    """Little worlds of some twenty rides: without a thief, and with one who rides the day before wherever the
    victim rides, as far as anybody can."""
    random, found = np.random.default_rng(seed), []
    for _ in range(n):
        alone = little_world(random)[0]
        both = []
        for drive in alone:
            if drive.user_id == VICTIM:
                both.append(replace(drive, user_id=THIEF, day=drive.day - 1))
            both.append(drive)
        found.append((alone, both))
    return found


def losses(name: str, attack: str, n: int = N_WORLDS) -> IntArray:
    """What the victim loses by a copy in each little world, in thousandths of what is fair: (n, 2), at once
    and verified.

    Fair is what they get without the thief, or with the thief as a stranger, whichever is less. `attack`:
    `ahead`, the thief rides before them; `limit`, and uses up a day's limit; `rivals`, copies of what they
    and a rival rode, and nothing else; `first`, as `ahead`, but the thief sent the file before the victim
    did; `word`, the same, once a person has said that they are two.
    """
    pairs = {
        "rivals": [(THIEF, VICTIM), (THIEF, RIVAL)],
        "first": [(VICTIM, THIEF)],
        "word": [(VICTIM, THIEF)],
    }
    ties = TRIED[name](pairs.get(attack, [(THIEF, VICTIM)]))
    later = two_people([]) if attack == "word" else None
    burnt = RULES.max_millipoints_per_day if attack == "limit" else 0
    found = []
    for alone, both in worlds(n):
        drives = alone if attack == "rivals" else both
        fair = np.minimum(paid(alone, Ties())[VICTIM], paid(drives, Ties(), burnt=burnt)[VICTIM])
        got = paid(drives, Ties() if attack == "word" and ties.waits else ties, later, burnt)[VICTIM]
        found.append(1000 * np.maximum(fair - np.array(got), 0) // np.maximum(fair, 1))
    return np.array(found, dtype=np.int64)


def print_losses(n: int = N_WORLDS) -> None:
    """The victim's side."""
    print(f"what a copy takes from the victim, {n} little worlds: with a loss, mean loss; at once, verified")
    for attack in ("ahead", "limit", "rivals", "first", "word"):
        for name in TRIED:
            lost = losses(name, attack, n)
            told = ", ".join(f"{(column > 0).sum()} worlds {column.mean() / 10:.1f} %" for column in lost.T)
            print(f"  {attack:7s} {name:24s} {told}", flush=True)


# --- the person with two accounts ----------------------------------------------------------------


def gains(name: str, is_main_copied: bool, n: int = N_WORLDS, seed: int = 2) -> IntArray:
    """What `n` random splits of one rider's rides over 2 to 8 accounts gain, in millipoints: (n, 2), at once
    and verified. Each further account sent a copy of a ride of the main one, or the other way round.
    Compared with one account that sends all of the rides, or those of the main account alone where that
    brings more: anybody may leave a poor ride out.
    """
    random, found = np.random.default_rng(seed), []
    for _ in range(n):
        drives = little_world(random)[0]
        accounts = [VICTIM, *SPLIT_OVER[: int(random.integers(1, 8))]]
        split = [
            replace(drive, user_id=int(random.choice(accounts))) if drive.user_id == VICTIM else drive
            for drive in drives
        ]
        pairs = [(other, VICTIM) if is_main_copied else (VICTIM, other) for other in accounts[1:]]
        got = paid(split, TRIED[name](pairs))
        mine = np.sum([got.get(one, (0, 0)) for one in accounts], axis=0)
        own = [drive for drive in split if drive.user_id not in accounts[1:]]
        alone = [paid(some, Ties()).get(VICTIM, (0, 0)) for some in (drives, own)]
        found.append(mine - np.max(alone, axis=0))
    return np.array(found, dtype=np.int64)


def print_gains(n: int = N_WORLDS) -> None:
    """The cheat's side."""
    print(f"one rider's rides split over 2 to 8 accounts, {n} splits: gain, most points; at once, verified")
    for is_main_copied, who in (
        (True, "further ones copied the main one"),
        (False, "the main one copied them"),
    ):
        for name in TRIED:
            told = ", ".join(
                f"{(column > 0).sum()} most {max(column.max(), 0) / 1000:.1f}"
                for column in gains(name, is_main_copied, n).T
            )
            print(f"  {who:33s} {name:24s} {told}", flush=True)


if __name__ == "__main__":
    tables = {"victim": print_losses, "gain": print_gains}
    for chosen in sys.argv[1:] or tables:
        tables[chosen]()
