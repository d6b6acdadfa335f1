"""What a person decides about a ride -> what holds of its findings, and the lines that follow from it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from transitmap import decided, store
from transitmap.archive import Archive
from transitmap.errors import ReviewRefused
from transitmap.examined import WAITS
from transitmap.keys import segment_key
from transitmap.model import SHADOW, Rules
from transitmap.points import review
from transitmap.points.campaigns import CLOSED
from transitmap.points.review import DISMISSED, OPEN, UPHELD, Amount, Look, Looks
from transitmap.terms import city_day, rules_of

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from transitmap.config import Config

REVIEWERS = ("reviewer", "organiser")
UNDONE = "undone"
ACCEPTED, REFUSED = "accepted", "refused"
MAX_APPEALS = 2
"""So often a rider may ask about one ride: once before somebody decided, once against what was decided."""
RULE, AWARD = "review", "award"
MAX_TEXT = 1_000
OWNER_REASONS = ("first_recorded",)
"""Accepted for one of these, whoever sent the ride first did not record it: their points go to the asker."""


@dataclass(frozen=True)
class Desk:
    """Where decisions are made: the tables, the rules that pay, the city's clock and how looks are counted.

    `key` is the installation's secret, by which it is chosen what two people look at.
    """

    session: Session
    rules: Rules
    timezone: str
    key: bytes
    looks: Looks = Looks()

    def day(self, time_s: float) -> int:
        """Days since 1970-01-01 on the city's clock."""
        return city_day(time_s, self.timezone)


def desk_of(session: Session, archive: Archive, config: Config, rules: Rules) -> Desk:
    """The desk of an installation."""
    return Desk(session, rules, config.feed.timezone, segment_key(session, archive))


@dataclass(frozen=True)
class Waiting:
    """A finding in the queue with its ride, and the words of the rider where there are any."""

    item: review.Item
    finding: store.FindingRow
    ride: store.RideRow
    appeal: store.Appeal | None


def queue(session: Session, user: store.User, now_s: float) -> list[Waiting]:
    """The findings that this reviewer may look at, in the order in which a look saves most."""
    rows = store.open_findings(session)
    rides = [ride.id for _, ride in rows]
    asked = {one.ride_id: one for one in store.appeals_of_rides(session, rides) if one.state == OPEN}
    paid, behind = by_ride(store.lines_of_rides(session, rides)), _behind(session)
    mine = store.accounts_of(session, user.id)
    suspects = [
        suspect_of(finding, paid.get(ride.id, []), asked.get(ride.id), behind.get(ride.user_id, 0))
        for finding, ride in rows
        if not why_not(session, user, finding, ride, mine)
    ]
    found = {finding.id: (finding, ride) for finding, ride in rows}
    items = review.queue(suspects, store.records(session), now_s)
    return [Waiting(item, *found[item.finding_id], asked.get(found[item.finding_id][1].id)) for item in items]


def by_ride(lines: Iterable[store.LedgerRow]) -> dict[str, list[store.LedgerRow]]:
    """The lines of each ride."""
    found: dict[str, list[store.LedgerRow]] = {}
    for line in lines:
        found.setdefault(line.ride_id or "", []).append(line)
    return found


def _behind(session: Session) -> dict[int, int]:
    """What waits with each account that sent a copy of another's ride, for the same look."""
    found: dict[int, int] = {}
    for line in store.withheld_lines(session, store.waiting(store.bound_riders(session))):
        found[line.user_id] = found.get(line.user_id, 0) + (_whole(line.evidence) if _waits(line) else 0)
    return found


def suspect_of(
    finding: store.FindingRow, lines: Sequence[store.LedgerRow], appeal: store.Appeal | None, behind: int = 0
) -> review.Suspect:
    """A finding with what its ride has, what waits for a look, and since when its rider does.

    For one in shadow nothing and nobody waits.
    """
    paid = sum(line.millipoints for line in lines)
    awarded = sum(_whole(line.evidence) for line in lines if line.kind == AWARD)
    whole = awarded or _whole(finding.evidence)
    is_noted = finding.tier == SHADOW
    asked_s = appeal.made_s if appeal and not is_noted else None
    more = behind if finding.code.startswith(store.COPY) else 0
    waiting = 0 if is_noted else max(0, whole - paid) + more
    return review.Suspect(finding.id, finding.code, finding.tier, waiting, paid, finding.made_s, asked_s)


def _whole(evidence: dict[str, Any]) -> int:
    """What a ride is worth once it is confirmed, as the evidence of a finding or of a line tells it."""
    return int(evidence.get("full_millipoints", 0) or evidence.get("withheld_millipoints", 0))


# --- who may look --------------------------------------------------------------------------------


def why_not(
    session: Session,
    user: store.User,
    finding: store.FindingRow,
    ride: store.RideRow,
    mine: set[int] | None = None,
) -> str:
    """Why somebody may not look at a finding, empty where they may. `mine` are all accounts of theirs."""
    if finding.state != OPEN:
        return "settled"
    mine = mine or store.accounts_of(session, user.id)
    if any(one.user_id in mine for one in looks_of(session, finding.id)):
        return "looked_before"
    return _why_not_ride(session, user, mine, [ride, *_other_ride(session, finding)])


def _other_ride(session: Session, finding: store.FindingRow) -> list[store.RideRow]:
    other = store.ride_by_id(session, finding.other_ride_id) if finding.other_ride_id else None
    return [other] if other else []


def _why_not_ride(session: Session, user: store.User, mine: set[int], rides: Sequence[store.RideRow]) -> str:
    return _why_not_of(session, user, mine, {ride.user_id for ride in rides})


def _why_not_of(session: Session, user: store.User, mine: set[int], owners: set[int]) -> str:
    """`not_a_reviewer`, `own_ride` or `own_team`: nobody judges what any account of theirs has a share in."""
    if user.role not in REVIEWERS:
        return "not_a_reviewer"
    if mine & owners:
        return "own_ride"
    shared = store.teams_of(session, owners) & store.teams_of(session, mine)
    return "own_team" if shared else ""


def looks_of(session: Session, finding_id: int) -> list[store.Decision]:
    """What people said of a finding and did not take back, in its order; each person's last word alone."""
    said: dict[int, store.Decision] = {}
    for one in store.decisions_about(session, store.LOOK, [finding_id]):
        said.pop(one.user_id, None)
        if one.verdict != UNDONE:
            said[one.user_id] = one
    return list(said.values())


# --- looks ---------------------------------------------------------------------------------------


def look(desk: Desk, user: store.User, finding_id: int, reason: str, note: str, now_s: float) -> str:
    """What holds of a finding once this person has said so: `open` while another look is needed.

    The reason (one of `points.review.REASONS`) says the verdict too. Where enough people have looked, the
    finding is settled and the ledger follows, all in one transaction, which is committed.

    Raises:
        ReviewRefused: `no_such_finding`, `no_reason`, or what `why_not` says.
    """
    session = desk.session
    store.lock_ledger(session)
    finding, ride = _must_find(session, finding_id)
    refusal = why_not(session, user, finding, ride)
    if refusal or reason not in review.REASONS:
        raise ReviewRefused(refusal or "no_reason")
    verdict = review.REASONS[reason].verdict
    store.add_decision(session, store.LOOK, finding_id, verdict, user.id, now_s, reason, note)
    looks = looks_of(session, finding_id)
    told = [_look(session, one) for one in looks]
    is_double = review.is_double(desk.key, finding_id, desk.looks.second_permille)
    is_double = is_double or review.frees(told[0], finding.tier, desk.looks)
    holds = review.outcome(told, is_double, desk.looks)
    if holds != OPEN:
        said = [one for one in looks if one.verdict == holds]
        _settle(desk, [finding], holds, user.id, said[-1].reason, said[-1].note, _people(looks), now_s)
        if all(one.reason in OWNER_REASONS for one in said):
            _take_from_claimer(desk, [finding], user.id, _people(looks), now_s)
        if finding.tier != SHADOW:
            _answer_open_appeals(session, ride, said[-1], now_s)
    session.commit()
    return holds


def _must_find(session: Session, finding_id: int) -> tuple[store.FindingRow, store.RideRow]:
    found = store.finding_and_ride(session, finding_id)
    if found is None:
        raise ReviewRefused("no_such_finding")
    return found


def _look(session: Session, one: store.Decision) -> Look:
    return Look(one.user_id, one.verdict, store.n_looked_before(session, one.user_id, one.id))


def undo(desk: Desk, user: store.User, finding_id: int, now_s: float) -> None:
    """Takes back one's own look, as a further decision; where it had settled the finding, that is open again.

    Raises:
        ReviewRefused: `no_such_finding`, `nothing_to_undo`, `not_the_last` (somebody looked after it) or
            `too_late`.
    """
    session = desk.session
    store.lock_ledger(session)
    finding, ride = _must_find(session, finding_id)
    looks = looks_of(session, finding_id)
    mine = next((one for one in looks if one.user_id == user.id), None)
    if mine is None:
        raise ReviewRefused("nothing_to_undo")
    settled = store.decisions_about(session, store.FINDING, [finding_id])
    if looks[-1] is not mine or any(one.user_id != user.id and one.id > mine.id for one in settled):
        raise ReviewRefused("not_the_last")
    if now_s - mine.made_s > desk.looks.undo_s:
        raise ReviewRefused("too_late")
    store.add_decision(session, store.LOOK, finding_id, UNDONE, user.id, now_s)
    if finding.state != OPEN:
        _settle(desk, [finding], OPEN, user.id, "", "", [user.id], now_s)
        _give_to_claimer(desk, finding, mine, now_s)
        _ask_again(session, ride, mine, now_s)
    session.commit()


def say_people(desk: Desk, user: store.User, finding_id: int, verdict: str, now_s: float) -> None:
    """Writes down that the riders of a finding's two rides are one person or two; committed.

    It holds from the next ride on, and for all that is confirmed at the next publication.

    Raises:
        ReviewRefused: `no_such_finding`, `no_reason`, `not_a_reviewer`, `own_ride` or `own_team`.
    """
    session = desk.session
    store.lock_ledger(session)
    finding, ride = _must_find(session, finding_id)
    others = _other_ride(session, finding)
    refusal = _why_not_ride(session, user, store.accounts_of(session, user.id), [ride, *others])
    other_ids = [other.user_id for other in others if other.user_id != ride.user_id]
    if refusal or verdict not in (store.SAME, store.TWO) or not other_ids:
        raise ReviewRefused(refusal or "no_reason")
    people = ride.user_id, other_ids[0]
    decided.say_people(session, *people, verdict, user.id, now_s, desk.timezone)
    session.commit()


def say_met(desk: Desk, user: store.User, rider: store.User, is_met: bool, now_s: float) -> None:
    """Writes down whether a reviewer knows the person of an account; committed.

    It decides what is confirmed on trust from the next publication on.

    Raises:
        ReviewRefused: `not_a_reviewer`, `own_ride` or `own_team`.
    """
    session = desk.session
    store.lock_ledger(session)
    refusal = _why_not_of(session, user, store.accounts_of(session, user.id), {rider.id})
    if refusal:
        raise ReviewRefused(refusal)
    decided.say_met(session, rider.id, is_met, user.id, now_s, desk.timezone)
    session.commit()


def tie_of(session: Session, finding: store.FindingRow, ride: store.RideRow) -> str:
    """What the riders of a finding's two rides are taken for: `same`, `two`, or `waits` where the later one
    waits for a word on that; empty where one rider sent both."""
    others = [other.user_id for other in _other_ride(session, finding) if other.user_id != ride.user_id]
    if not others:
        return ""
    bound, (one, other) = store.bound_riders(session), (ride.user_id, others[0])
    ways = ((one, other) in bound) + ((other, one) in bound)
    return (store.TWO, WAITS, store.SAME)[ways]


# --- what follows --------------------------------------------------------------------------------


def _settle(
    desk: Desk,
    findings: Sequence[store.FindingRow],
    verdict: str,
    user_id: int,
    reason: str,
    note: str,
    people: Sequence[int],
    now_s: float,
) -> None:
    """What holds of findings from now on: the decision, its line, and what it gives to rides or takes."""
    for finding in findings:
        decision = store.add_decision(
            desk.session, store.FINDING, finding.id, verdict, user_id, now_s, reason, note
        )
        finding.state = verdict
        desk.session.flush()
        store.retie(desk.session, now_s)
        told = _Told(desk, finding, decision, list(people))
        store.add_lines(desk.session, [told.decision_line(), *told.corrections()])


def _people(looks: Sequence[store.Decision]) -> list[int]:
    return list(dict.fromkeys(one.user_id for one in looks))


@dataclass(frozen=True)
class _Told:
    """One decision about one finding, and what the ledger is told of it."""

    desk: Desk
    finding: store.FindingRow
    decision: store.Decision
    people: list[int]

    def decision_line(self) -> dict[str, Any]:
        """The line of 0 points that says who decided what."""
        lines = store.lines_of_rides(self.desk.session, [self.finding.ride_id])
        ride = store.ride_by_id(self.desk.session, self.finding.ride_id)
        owner_id = ride.user_id if ride else lines[0].user_id
        return self._line("decision", self.decision.verdict, Amount(), owner_id, lines)

    def corrections(self) -> list[dict[str, Any]]:
        """What the ride's lines lack of what its findings say now, for each rider who has lines there."""
        lines = store.lines_of_rides(self.desk.session, [self.finding.ride_id])
        findings = store.findings_of_rides(self.desk.session, [self.finding.ride_id])
        ride = store.ride_by_id(self.desk.session, self.finding.ride_id)
        changes = changes_due(lines, findings, ride.user_id if ride else 0, self._rules(lines))
        return [
            self._line(review.kind_of(change), "", change, user_id, lines)
            for user_id, change in changes.items()
            if change != review.NOTHING
        ]

    def _campaign(self, lines: Sequence[store.LedgerRow]) -> store.Campaign:
        """The campaign that the ride counts in."""
        number = lines[0].campaign_id if lines else store.OWN_CAMPAIGN
        return store.refreshed_campaign(self.desk.session, number)

    def _rules(self, lines: Sequence[store.LedgerRow]) -> Rules:
        """The rules that the ride is paid by."""
        campaign = self._campaign(lines)
        return rules_of([campaign], self.desk.rules)[campaign.id]

    def _line(
        self, kind: str, verdict: str, amount: Amount, user_id: int, lines: Sequence[store.LedgerRow]
    ) -> dict[str, Any]:
        text_es, text_en = review.sentence(kind, verdict, amount, self.decision.reason, self.people)
        first = lines[0] if lines else None
        if amount != review.NOTHING and self._campaign(lines).state == CLOSED:
            text_es, text_en = text_es + review.AFTER_CLOSE[0], text_en + review.AFTER_CLOSE[1]
        return {
            "key": f"{kind}:{self.decision.id}:{user_id}",
            "campaign_id": first.campaign_id if first else store.OWN_CAMPAIGN,
            "kind": kind,
            "ride_id": self.finding.ride_id,
            "user_id": user_id,
            "rule": RULE,
            "millipoints": amount.millipoints,
            "verified_millipoints": amount.verified,
            "rules_version": first.rules_version if first else "",
            "network_version": first.network_version if first else store.NO_NETWORK,
            "evidence": self._evidence(),
            "text_es": text_es,
            "text_en": text_en,
            "created_s": self.decision.made_s,
            "day": self.desk.day(self.decision.made_s),
        }

    def _evidence(self) -> dict[str, Any]:
        told = {"decision": self.decision.id, "finding": self.finding.id, "code": self.finding.code}
        told |= {"verdict": self.decision.verdict, "reason": self.decision.reason, "reviewers": self.people}
        return told


def changes_due(
    lines: Sequence[store.LedgerRow], findings: Sequence[store.FindingRow], sender_id: int, rules: Rules
) -> dict[int, Amount]:
    """What each rider's lines about one ride lack, by rider.

    Whoever sent it has what its findings say. Where somebody else recorded it and has no ride of their own to
    show for it, they have what was paid for this one, as long as that finding holds.
    """
    own = [_columns(line) for line in lines if line.user_id == sender_id]
    awards = [line for line in lines if line.user_id == sender_id and line.kind == AWARD]
    held = [review.Held(one.tier, one.state, _withheld(one, awards, rules)) for one in findings]
    changes = {sender_id: review.correction(own, held)}
    for claim in findings:
        owner_id = int(claim.evidence.get("owner", 0)) if claim.code == store.WRONG_CLAIM else 0
        if owner_id:
            theirs = [_columns(line) for line in lines if line.user_id == owner_id]
            due = review.paid_by_rules(own) if claim.state == UPHELD else review.NOTHING
            changes[owner_id] = review.correction(theirs, [review.Held(review.HARD, DISMISSED, due)])
    return changes


def _columns(line: store.LedgerRow) -> dict[str, Any]:
    return {name: getattr(line, name) for name in ("kind", "millipoints", "verified_millipoints")}


def _withheld(finding: store.FindingRow, awards: Sequence[store.LedgerRow], rules: Rules) -> Amount:
    """What was not paid at the ride because of a finding: of what it is worth, what others get at once."""
    worth = [(_whole(line.evidence), line.millipoints) for line in awards if _whole(line.evidence)]
    worth = worth or [(_whole(finding.evidence), sum(line.millipoints for line in awards))]
    return Amount(sum(max(0, full * rules.provisional_permille // 1000 - paid) for full, paid in worth))


# --- second looks that riders ask for ------------------------------------------------------------


def why_no_appeal(session: Session, user: store.User, ride: store.RideRow) -> str:
    """Why a rider may not ask for a second look at a ride, empty where they may.

    `nothing_to_ask`: nobody doubts it, nor takes another account for theirs; `asked_already`: there is no
    answer yet; `asked_twice`.
    Of a ride that somebody else sent first, whoever holds the very same recording may ask.
    """
    asked = store.appeals_of_rides(session, [ride.id], user.id)
    if any(one.state == OPEN for one in asked):
        return "asked_already"
    if len(asked) >= MAX_APPEALS:
        return "asked_twice"
    if ride.user_id == user.id and not (_is_doubted(session, ride.id) or _is_as_one(session, ride.id)):
        return "nothing_to_ask"
    return ""


def _is_as_one(session: Session, ride_id: str) -> bool:
    """Whether a ride earned less, or waits, because of what ties its account to another one."""
    lines = store.lines_of_rides(session, [ride_id])
    return any("one_person_before_m" in line.evidence or _waits(line) for line in lines)


def _waits(line: store.LedgerRow) -> bool:
    return WAITS in line.evidence.get("codes", ())


def _is_doubted(session: Session, ride_id: str) -> bool:
    findings = store.doubts_of_rides(session, [ride_id])
    return any(one.state != DISMISSED for one in findings)


def ask(session: Session, user: store.User, ride: store.RideRow, text: str, now_s: float) -> store.Appeal:
    """A rider's request for a second look, which is committed.

    Raises:
        ReviewRefused: what `why_no_appeal` says, or `no_text`.
    """
    store.lock_ledger(session)
    refusal = why_no_appeal(session, user, ride) or ("" if text.strip() else "no_text")
    if refusal:
        raise ReviewRefused(refusal)
    appeal = store.add_appeal(session, user.id, ride.id, text.strip()[:MAX_TEXT], now_s)
    session.commit()
    return appeal


def appeals(session: Session, user: store.User) -> list[tuple[store.Appeal, store.RideRow]]:
    """The second looks that this reviewer may take, oldest first.

    Where a finding about the ride still waits, a look at that is the answer.
    """
    return [
        (appeal, ride)
        for appeal, ride in store.open_appeals(session)
        if not why_not_answer(session, user, appeal, ride)
    ]


def why_not_answer(session: Session, user: store.User, appeal: store.Appeal, ride: store.RideRow) -> str:
    """Why somebody may not answer an appeal: `settled`, `waits_for_a_look`, `decided_before` or whose ride.

    Nobody answers an appeal against what they decided themselves.
    """
    if appeal.state != OPEN:
        return "settled"
    if any(one.state == OPEN for one in store.doubts_of_rides(session, [ride.id])):
        return "waits_for_a_look"
    mine = store.accounts_of(session, user.id)
    if appeal.user_id in mine:
        return "own_ride"
    findings, kinds = store.findings_of_rides(session, [ride.id]), (store.LOOK, store.FINDING)
    made = [d for kind in kinds for d in store.decisions_about(session, kind, [one.id for one in findings])]
    answered = store.appeals_of_rides(session, [ride.id])
    made += store.decisions_about(session, store.APPEAL, [one.id for one in answered])
    if any(one.user_id in mine for one in made):
        return "decided_before"
    others = [other for one in findings for other in _other_ride(session, one)]
    return _why_not_ride(session, user, mine, [ride, *others])


def answer(desk: Desk, user: store.User, appeal_id: int, reason: str, note: str, now_s: float) -> str:
    """`accepted` or `refused`, as the reason says; the ledger follows in the same transaction, committed.

    Accepted, nothing that was found about the ride holds any more. Where its rider was the one who recorded
    it (`first_recorded`), whoever claimed it first loses what it brought, and the owner gets it.

    Raises:
        ReviewRefused: `no_such_appeal`, `no_reason`, or what `why_not_answer` says.
    """
    session = desk.session
    store.lock_ledger(session)
    appeal = store.appeal_by_id(session, appeal_id)
    ride = store.ride_by_id(session, appeal.ride_id) if appeal else None
    if appeal is None or ride is None:
        raise ReviewRefused("no_such_appeal")
    refusal = why_not_answer(session, user, appeal, ride)
    if refusal or reason not in review.REASONS:
        raise ReviewRefused(refusal or "no_reason")
    is_accepted = review.REASONS[reason].verdict == DISMISSED
    appeal.state = ACCEPTED if is_accepted else REFUSED
    store.add_decision(session, store.APPEAL, appeal.id, appeal.state, user.id, now_s, reason, note)
    if is_accepted:
        _accept(desk, appeal, ride, user.id, reason, now_s)
    session.commit()
    return appeal.state


def _accept(
    desk: Desk, appeal: store.Appeal, ride: store.RideRow, user_id: int, reason: str, now_s: float
) -> None:
    """What an accepted appeal changes about rides: both of them at once where one was claimed wrongly."""
    session = desk.session
    findings = store.findings_of_rides(session, [ride.id])
    if appeal.user_id != ride.user_id:
        claim = store.add_wrong_claim(session, ride.id, "", {"owner": appeal.user_id}, now_s)
        _settle(desk, [claim], UPHELD, user_id, "not_theirs", "", [user_id], now_s)
        return
    upheld = [one for one in findings if one.state == UPHELD]
    _settle(desk, upheld, DISMISSED, user_id, reason, "", [user_id], now_s)
    if reason in OWNER_REASONS:
        _take_from_claimer(desk, findings, user_id, [user_id], now_s)


def _take_from_claimer(
    desk: Desk, findings: Sequence[store.FindingRow], user_id: int, people: Sequence[int], now_s: float
) -> None:
    """Whoever sent a ride before the one who recorded it keeps nothing of it."""
    for finding in findings:
        for other in _other_ride(desk.session, finding):
            claim = store.add_wrong_claim(desk.session, other.id, finding.ride_id, {}, now_s)
            _settle(desk, [claim], UPHELD, user_id, "not_theirs", "", people, now_s)


def _give_to_claimer(desk: Desk, finding: store.FindingRow, undone: store.Decision, now_s: float) -> None:
    """Where a look that was taken back had found a wrong claim, that goes, too."""
    claims = store.findings_of_rides(desk.session, [finding.other_ride_id] if finding.other_ride_id else [])
    for claim in claims:
        is_its = claim.code == store.WRONG_CLAIM and claim.other_ride_id == finding.ride_id
        if is_its and claim.state == UPHELD and undone.reason in OWNER_REASONS:
            who = undone.user_id
            _settle(desk, [claim], DISMISSED, who, "own_ride", "", [who], now_s)


def _answer_open_appeals(session: Session, ride: store.RideRow, said: store.Decision, now_s: float) -> None:
    """Whoever asked before anybody had looked gets what was found as the answer, once nothing is open."""
    if any(one.state == OPEN for one in store.doubts_of_rides(session, [ride.id])):
        return
    for appeal in store.appeals_of_rides(session, [ride.id], ride.user_id):
        if appeal.state == OPEN:
            appeal.state = ACCEPTED if not _is_doubted(session, ride.id) else REFUSED
            told = said.user_id, now_s, said.reason, said.note
            store.add_decision(session, store.APPEAL, appeal.id, appeal.state, *told)


def _ask_again(session: Session, ride: store.RideRow, undone: store.Decision, now_s: float) -> None:
    """Where a look that was taken back had answered an appeal, that is open again."""
    for appeal in store.appeals_of_rides(session, [ride.id], ride.user_id):
        answers = store.decisions_about(session, store.APPEAL, [appeal.id])
        if answers and answers[-1].id > undone.id and answers[-1].user_id == undone.user_id:
            appeal.state = OPEN
            store.add_decision(session, store.APPEAL, appeal.id, OPEN, undone.user_id, now_s)
