"""A ride against those before it: candidates by their marks, fixes out of the archive, what is found."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from transitmap import store
from transitmap.archive import Archive, unpack_ride
from transitmap.model import DETECTORS, SHADOW, Award, Finding, IntArray, Network, Ride, Rules, Trips
from transitmap.points.score import Observers, Score
from transitmap.points.suspicion.examine import (
    HARD,
    Alone,
    Beside,
    examine,
    found_in_all,
    look_alone,
    look_beside,
)
from transitmap.points.suspicion.marks import Marks, candidates, marks_in, marks_of
from transitmap.points.suspicion.sentences import SENTENCES, WAITING

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

EXAMINED_FROM = "examined_from"
WITHHELD = "withheld"
WAITS = "waits"
"""The code of a withheld ride that nothing was found about: what was found is about its account."""
TERMS = ("mission_id", "mission_permille", "equity_permille")
"""What a ride's worth was multiplied by: a withheld ride's line is the only one that can tell it."""
CLAIMED = "claimed_check"
"""A ride that a mission on an invented route seems to have made up: missions tell it, no ride before it."""
AROUND_S = 7_200.0
MAX_OWN = 8
COPIES = ("copy", "copy_redated", "alike")
TIME_JUMP = "time_jump"


@dataclass(frozen=True, eq=False)
class Examined:
    """The marks to keep with a ride, and what was found about it."""

    marks: Marks
    findings: tuple[Finding, ...]

    @property
    def is_withheld(self) -> bool:
        """Whether it earns nothing and counts as an observer of nothing."""
        return is_withheld(self.findings)

    def under(self, rules: Rules) -> Examined:
        """The same by the rules of the ride's campaign."""
        return replace(self, findings=tiered(self.findings, rules))


def tiered(findings: Iterable[Finding], rules: Rules) -> tuple[Finding, ...]:
    """The findings as they are kept: those of detectors that the rules put in shadow are noted alone."""
    return tuple(replace(one, tier=SHADOW) if one.code in rules.shadow else one for one in findings)


def is_withheld(findings: Iterable[Finding]) -> bool:
    """Whether any of them is hard."""
    return any(one.tier == HARD for one in findings)


@dataclass(eq=False)
class Look:
    """A ride made ready to be looked at: by itself, and `beside` those it was compared with so far.

    Those are known by what the archive holds of them: the same two rides are always as alike. `places` are
    those to be compared with when `next_sequence` was the place of the next ride; 0 where nobody asked yet.
    """

    alone: Alone
    marks: Marks
    beside: dict[str, Beside] = field(default_factory=dict)
    next_sequence: int = 0
    places: list[int] = field(default_factory=list)


def prepare(ride: Ride, recognised: tuple[Trips, int, Network], key: bytes, received_s: float) -> Look:
    """All that needs no other ride. `recognised` is the row of Trips of a ride, and the network of these."""
    alone = look_alone(ride, *recognised, received_s)
    return Look(alone, marks_in(alone.traced, key))


def look_ahead(session: Session, archive: Archive, upload: store.Upload, looks: Iterable[Look]) -> None:
    """Compares rides of an upload with those that are there by now, while nobody waits for the ledger.

    What is found counts only where `look_at` finds the same rides again.
    """
    for look in looks:
        look.next_sequence = store.next_ride_sequence(session)  # first: who comes after it is asked for again
        rows = _before(session, upload, look)
        look.places = [row.sequence for row in rows]
        for row in rows:
            with contextlib.suppress(KeyError):  # its rider was erased this moment
                _compare(archive, look, row)


def look_at(session: Session, archive: Archive, upload: store.Upload, look: Look) -> Examined:
    """What is found about a ride of an upload; call it under `lock_ledger`, before the ride has a row.

    The first ride that anybody looks at is noted: a replay looks at none before it.
    """
    if store.fact(session, EXAMINED_FROM) is None:
        store.set_fact(session, EXAMINED_FROM, str(store.next_ride_sequence(session)))
    rows = _as_before(session, look)
    rows = _before(session, upload, look) if rows is None else rows
    beside = [_compare(archive, look, row) for row in rows]
    return Examined(look.marks, found_in_all(look.alone, beside))


def _as_before(session: Session, look: Look) -> list[store.RideRow] | None:
    """The rides that were compared ahead, where they are still the ones; None where that must be asked.

    Only a ride that came since can share more marks than these do, and only of an erased one there is none.
    """
    if store.next_ride_sequence(session) != look.next_sequence:
        return None
    rows = store.rides_at(session, look.places) if look.places else []
    return rows if len(rows) == len(look.places) else None


def _before(session: Session, upload: store.Upload, look: Look) -> list[store.RideRow]:
    """The rides that one is compared with: who shares most marks, and its rider's own around that time."""
    ride, marks = look.alone.ride, look.marks
    places = candidates(store.sharing(session, marks.asked.tolist()), marks.n_least)
    own = store.rides_around(session, upload.user_id, *_span_s(ride))
    return _distinct([*store.rides_at(session, places), *_own(own, ride, upload.id)])


def _compare(archive: Archive, look: Look, row: store.RideRow) -> Beside:
    name = row.packed_sha256
    if name not in look.beside:
        look.beside[name] = look_beside(look.alone, unpack_ride(archive.get(name)))
    return look.beside[name]


def _span_s(ride: Ride) -> tuple[float, float]:
    """The time of a ride and some more at both ends."""
    return float(ride.fixes.time_s[0]) - AROUND_S, float(ride.fixes.time_s[-1]) + AROUND_S


def _own(rows: Sequence[store.RideRow], ride: Ride, upload_id: str) -> list[store.RideRow]:
    """The rider's rides around that time; parts of one file whose clock was set back may overlap."""
    is_torn = TIME_JUMP in ride.warnings
    return [row for row in rows if not (is_torn and row.upload_id == upload_id)][:MAX_OWN]


def _distinct(rows: Sequence[store.RideRow]) -> list[store.RideRow]:
    return [row for _, row in sorted({row.sequence: row for row in rows}.items())]


def keep_findings(session: Session, ride_id: str, examined: Examined, now_s: float) -> None:
    """Keeps marks and findings of a ride that has its row by now."""
    store.add_marks(session, ride_id, examined.marks.kept.tolist())
    store.add_findings(session, ride_id, examined.findings, now_s)


def repeated(findings: Iterable[Finding]) -> str:
    """The ride that this one is for sure; empty where it is its own."""
    sure = (one for one in findings if one.code.startswith(store.COPY) and one.tier == HARD)
    return next((one.other_ride_id for one in sure), "")


def without(observers: Observers, user_id: int) -> dict[int, list[tuple[int, int]]]:
    """Observers without one of them: what a copy is worth should its sender have been the one who rode."""
    return {segment: [one for one in those if one[0] != user_id] for segment, those in observers.items()}


def withhold(findings: Sequence[Finding], awards: Sequence[Award]) -> Award:
    """The one line of a ride whose points are withheld: none, why, and what it would have been worth."""
    hard = [(one.code, (one.text_es, one.text_en)) for one in findings if one.tier == HARD]
    hard = hard or [(WAITS, WAITING)]
    worth = sum(award.evidence["full_millipoints"] for award in awards)
    codes = [code for code, _ in hard]
    evidence = {"full_millipoints": 0, "withheld_millipoints": worth, "codes": codes}
    evidence |= {name: award.evidence[name] for award in awards for name in TERMS if name in award.evidence}
    return Award(WITHHELD, 0, evidence, *hard[0][1])


# --- replay --------------------------------------------------------------------------------------


@dataclass(eq=False)
class Bench:
    """All rides of an installation in their order, to look at each again as it was looked at.

    `recorded` are the findings as the database has them, `received_s` when each upload came.
    """

    rows: dict[str, store.RideRow]
    rides: Mapping[str, Ride]
    recorded: dict[str, list[store.FindingRow]]
    received_s: dict[str, float]
    first: int
    by_place: dict[int, store.RideRow] = field(default_factory=dict)
    by_rider: dict[int, list[store.RideRow]] = field(default_factory=dict)
    marks: dict[str, Marks] = field(default_factory=dict)
    marked: dict[int, list[int]] = field(default_factory=dict)
    found: dict[str, tuple[Finding, ...]] = field(default_factory=dict)

    def look_again(self, ride_id: str, trips: Trips, index: int, network: Network, rules: Rules) -> None:
        """Notes what is found about a ride by those before it; what was found, if one was erased."""
        row = self.rows[ride_id]
        if row.sequence < self.first:
            return
        if any(one.code in COPIES and not one.other_ride_id for one in self.recorded.get(ride_id, ())):
            found = tuple(_as_finding(one) for one in self.recorded[ride_id])
        else:
            before = [self.rides[one.id] for one in self._before(row)]
            came_s = self.received_s[row.upload_id]
            found = examine(self.rides[ride_id], before, trips, index, network, came_s)
        self.found[ride_id] = tiered(found, rules)

    def before(self, row: store.RideRow, observers: Observers, segments: IntArray) -> Observers:
        """The observers by whom a ride is scored: without the rider whose ride it repeats."""
        original = self.rows.get(repeated(self.found.get(row.id, ())))
        if original is None or original.user_id == row.user_id:
            return observers
        return without({one: observers.get(one, ()) for one in segments.tolist()}, original.user_id)

    def withheld(self, ride_id: str, result: Score, waits: bool) -> Score:
        """The score of a ride, or what is left of it where it is withheld or its account `waits`."""
        findings = self.found.get(ride_id, ())
        is_paid = not waits and not is_withheld(findings)
        return result if is_paid else Score((withhold(findings, result.awards),), ())

    def _before(self, row: store.RideRow) -> list[store.RideRow]:
        """The rides that this one was compared with."""
        marks, n_shared = self.marks[row.id], dict[int, int]()
        for band in marks.asked.tolist():
            for sequence in self.marked.get(band, ()):
                if sequence < row.sequence:
                    n_shared[sequence] = n_shared.get(sequence, 0) + 1
        from_s, until_s = _span_s(self.rides[row.id])
        own = [
            one
            for one in self.by_rider[row.user_id]
            if one.sequence < row.sequence and (one.ended_s or 0.0) >= from_s and one.started_s <= until_s
        ]
        chosen = [self.by_place[place] for place in candidates(n_shared, marks.n_least)]
        return _distinct([*chosen, *_own(own, self.rides[row.id], row.upload_id)])

    def differences(self) -> list[tuple[str, Any, Any]]:
        """(ride, findings recorded, findings recomputed) of the rides where they differ."""
        told = {ride_id: [_plain(one) for one in rows] for ride_id, rows in self.recorded.items()}
        again = {ride_id: [_plain(one) for one in found] for ride_id, found in self.found.items()}
        names = [name for name in self.rows if self.rows[name].sequence >= self.first]
        return [
            (name, told.get(name, []), again.get(name, []))
            for name in names
            if sorted(told.get(name, []), key=str) != sorted(again.get(name, []), key=str)
        ]


def bench(session: Session, rows: Sequence[store.RideRow], rides: Mapping[str, Ride], key: bytes) -> Bench:
    """All rides made ready to be looked at again, each after those before it."""
    first = int(store.fact(session, EXAMINED_FROM) or 0) or 2**62
    recorded: dict[str, list[store.FindingRow]] = {}
    for one in (one for one in store.findings(session) if one.code in DETECTORS):
        recorded.setdefault(one.ride_id, []).append(one)
    uploads = {row.upload_id: store.upload_by_id(session, row.upload_id, None) for row in rows}
    received_s = {name: one.received_s for name, one in uploads.items() if one is not None}
    made = Bench({row.id: row for row in rows if row.id in rides}, rides, recorded, received_s, first)
    for row in made.rows.values():
        made.by_place[row.sequence] = row
        made.by_rider.setdefault(row.user_id, []).append(row)
        if row.sequence >= first:
            made.marks[row.id] = marks = marks_of(rides[row.id].fixes, key)
            for band in marks.kept.tolist():
                made.marked.setdefault(band, []).append(row.sequence)
    return made


def _as_finding(row: store.FindingRow) -> Finding:
    told = row.score, dict(row.evidence), row.other_ride_id
    return Finding(row.code, DETECTORS[row.code], *told, *SENTENCES[row.code])


def _plain(one: Finding | store.FindingRow) -> tuple[Any, ...]:
    return one.code, one.tier, one.score, sorted(one.evidence.items()), one.other_ride_id
