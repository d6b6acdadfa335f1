"""What reviewers said -> how far they agree, and the lines that pay the looks that stood."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from transitmap import store
from transitmap.points import review
from transitmap.points.review import OPEN, Agreement, Amount
from transitmap.review import RULE, UNDONE, Desk

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


@dataclass(frozen=True)
class Record:
    """What one reviewer did: findings looked at, and how far those who looked at the same agreed."""

    user_id: int
    n_looks: int
    agreement: Agreement


def agreement(session: Session) -> tuple[Agreement, list[Record]]:
    """How far reviewers agree: all, and each with those who looked at the same finding without knowing."""
    last = _last_words(store.decisions_since(session, store.LOOK, 0.0))
    pairs = [looks[:2] for looks in last.values() if len(looks) > 1]
    people = sorted({one.user_id for looks in last.values() for one in looks})
    return review.agreement((a.verdict, b.verdict) for a, b in pairs), [
        Record(
            who,
            sum(one.user_id == who for looks in last.values() for one in looks),
            review.agreement((a.verdict, b.verdict) for a, b in pairs if who in (a.user_id, b.user_id)),
        )
        for who in people
    ]


def _last_words(decisions: Iterable[store.Decision]) -> dict[str, list[store.Decision]]:
    """Each person's last word about each finding, by finding; nothing where it was taken back.

    Of a finding whose rider was erased nobody knows any more which it was.
    """
    said: dict[str, dict[int, store.Decision]] = {}
    for one in (each for each in decisions if each.subject_id):
        looks = said.setdefault(one.subject_id, {})
        looks.pop(one.user_id, None)
        if one.verdict != UNDONE:
            looks[one.user_id] = one
    return {finding: list(looks.values()) for finding, looks in said.items()}


def pay_reviewers(desk: Desk, now_s: float) -> int:
    """Pays looks that are due, at most once each; how many. Call it under `lock_ledger`, and commit.

    A look is paid when it is what holds, and either somebody else said the same of the finding a day ago or
    longer, or nobody has challenged it for two weeks. Of each local day of a reviewer the first
    `reviews_per_day` looks can be paid. Reviewers' points are never money.
    """
    session, looks_s = desk.session, desk.looks
    since_s = now_s - 2 * looks_s.unchallenged_s - looks_s.undo_s
    decisions = store.decisions_since(session, store.LOOK, since_s)
    last = _last_words(decisions)
    states = {str(one.id): one for one in store.findings_by_id(session, [int(one) for one in last])}
    may = _first_of_each_day(decisions, desk)
    due = [
        one
        for finding, looks in last.items()
        if finding in states
        for one in looks
        if one.id in may and _is_due(desk, one, looks, states[finding], now_s)
    ]
    due.sort(key=lambda one: one.id)
    return len(store.add_lines(session, [_pay(one, desk, now_s) for one in due]))


def _first_of_each_day(decisions: Iterable[store.Decision], desk: Desk) -> set[int]:
    """The ids of looks that can be paid, whatever becomes of the others."""
    days: dict[tuple[int, int], list[int]] = {}
    for one in decisions:
        if one.verdict != UNDONE:
            days.setdefault((one.user_id, desk.day(one.made_s)), []).append(one.id)
    return {number for ids in days.values() for number in ids[: desk.rules.reviews_per_day]}


def _is_due(
    desk: Desk,
    one: store.Decision,
    looks: Sequence[store.Decision],
    finding: store.FindingRow,
    now_s: float,
) -> bool:
    if finding.state != one.verdict:
        return False
    agreed_s = sorted(look.made_s for look in looks if look.verdict == one.verdict)
    if len(agreed_s) > 1:
        return now_s - agreed_s[1] > desk.looks.undo_s
    asked = store.appeals_of_rides(desk.session, [finding.ride_id])
    is_challenged = any(appeal.state == OPEN for appeal in asked)
    return now_s - one.made_s > desk.looks.unchallenged_s and not is_challenged


def _pay(one: store.Decision, desk: Desk, now_s: float) -> dict[str, Any]:
    amount = Amount(desk.rules.review_millipoints)
    text_es, text_en = review.sentence("review", "", amount, "", [one.user_id])
    return {
        "key": f"review:{one.id}",
        "kind": "review",
        "user_id": one.user_id,
        "rule": RULE,
        "millipoints": amount.millipoints,
        "rules_version": desk.rules.version,
        "network_version": store.NO_NETWORK,
        "evidence": {"decision": one.id},
        "text_es": text_es,
        "text_en": text_en,
        "created_s": now_s,
        "day": desk.day(now_s),
    }
