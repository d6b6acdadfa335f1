"""Findings, looks, a ride's lines -> what to look at first, what holds, how far people agree, what to pay."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from transitmap.model import SHADOW

HARD, SOFT = "hard", "soft"
OPEN, UPHELD, DISMISSED = "open", "upheld", "dismissed"
PRIOR_RIGHT = {HARD: (90, 10), SOFT: (5, 5), SHADOW: (5, 5)}
"""What is believed of a rule of suspicion before anybody looked: (right, wrong), as if so many had."""
URGENT_S = 48 * 3600.0
"""Whoever asked for a second look is answered within 72 h: after so long the item goes before all others."""
Z95 = 1.959964


@dataclass(frozen=True)
class Suspect:
    """A finding that waits: what waits with it, and what was paid and may have to come back.

    `asked_s` is when the rider asked for a second look, None where nobody did.
    """

    finding_id: int
    code: str
    tier: str
    waiting_millipoints: int
    paid_millipoints: int
    made_s: float
    asked_s: float | None = None


@dataclass(frozen=True)
class Item:
    """A finding in its place in the queue: what is at risk while nobody looks, and how likely it is right."""

    finding_id: int
    millipoints_at_risk: int
    right_permille: int
    is_urgent: bool


def queue(
    suspects: Iterable[Suspect], records: Mapping[str, tuple[int, int]], now_s: float
) -> tuple[Item, ...]:
    """The findings in the order in which a look at them saves most.

    At risk is what an honest rider waits for, times the probability that the finding is wrong, and what a
    dishonest one was paid, times the probability that it is right. `records` says of each code how often
    people upheld and dismissed it. Riders who asked and have waited for two days come first; equal risk goes
    by age. What is noted in shadow comes after all others: nobody waits for it.
    """
    items = [(_item(one, records, now_s), one) for one in suspects]
    items.sort(key=lambda it: (it[1].tier == SHADOW, not it[0].is_urgent, -it[0].millipoints_at_risk,
                               it[1].made_s, it[1].finding_id))  # fmt: skip
    return tuple(item for item, _ in items)


def _item(one: Suspect, records: Mapping[str, tuple[int, int]], now_s: float) -> Item:
    right = right_permille(one.tier, *records.get(one.code, (0, 0)))
    at_risk = one.waiting_millipoints * (1000 - right) + one.paid_millipoints * right
    is_urgent = one.asked_s is not None and now_s - one.asked_s >= URGENT_S
    return Item(one.finding_id, at_risk // 1000, right, is_urgent)


def right_permille(tier: str, n_upheld: int, n_dismissed: int) -> int:
    """How likely a finding of a rule is right, in thousandths, by what people said of earlier ones."""
    right, wrong = PRIOR_RIGHT[tier]
    return 1000 * (right + n_upheld) // (right + wrong + n_upheld + n_dismissed)


# --- looks ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Looks:
    """How looks are counted: thousandths of the findings that two people see, how many of a newcomer's looks
    somebody else sees too, whether it takes two to free a withheld ride, how long one may be taken back, and
    how long it may be challenged."""

    second_permille: int = 200
    n_learning: int = 10
    two_free: bool = True
    undo_s: float = 86_400.0
    unchallenged_s: float = 14 * 86_400.0


@dataclass(frozen=True)
class Look:
    """What one person said of a finding. `n_before` is how many findings that person had looked at before."""

    user_id: int
    verdict: str
    n_before: int = 0


def is_double(key: bytes, finding_id: int, second_permille: int) -> bool:
    """Whether a second person looks at this finding whatever the first one says.

    By a hash with a secret key: nobody who looks can know it beforehand.
    """
    digest = hashlib.blake2b(f"second look|{finding_id}".encode(), digest_size=8, key=key).digest()
    return int.from_bytes(digest, "big") % 1000 < second_permille


def frees(look: Look, tier: str, count: Looks) -> bool:
    """Whether somebody else must say so, too: no person alone lets a ride be paid that rules withheld.

    Of 4,805 honest rides none was withheld, so this is hardly ever asked of anybody but those who favour one.
    """
    return count.two_free and tier == HARD and look.verdict == DISMISSED


def n_needed(looks: Sequence[Look], is_double: bool, count: Looks) -> int:
    """How many looks decide: one; two where chosen or the first person is new; three where those differ."""
    if not looks or not (is_double or looks[0].n_before < count.n_learning):
        return 1
    return 3 if len({look.verdict for look in looks[:2]}) == 2 else 2


def outcome(looks: Sequence[Look], is_double: bool, count: Looks) -> str:
    """The verdict that holds after these looks, in their order; `open` while another one is needed."""
    if len(looks) < n_needed(looks, is_double, count):
        return OPEN
    verdicts = [look.verdict for look in looks[: n_needed(looks, is_double, count)]]
    return max(set(verdicts), key=lambda verdict: (verdicts.count(verdict), verdict))


@dataclass(frozen=True)
class Agreement:
    """How far people agree who looked at the same finding without knowing of each other.

    `share` is of `n` pairs, `low` to `high` its 95 % interval (Wilson). `kappa` is what chance alone does
    not explain, between `kappa_low` and `kappa_high` (jackknife); all three None where that says nothing.
    """

    n: int
    share: float | None = None
    low: float | None = None
    high: float | None = None
    kappa: float | None = None
    kappa_low: float | None = None
    kappa_high: float | None = None


def agreement(pairs: Iterable[tuple[str, str]]) -> Agreement:
    """The agreement of pairs of verdicts, upheld or dismissed.

    Whoever looked first differs from pair to pair, so both share one rate of upholding (Fleiss' kappa of two
    raters; Fleiss 1971). It says nothing where all verdicts are the same.
    """
    split = [sorted(pair) for pair in pairs]
    n_both = split.count([UPHELD, UPHELD])
    n_none = split.count([DISMISSED, DISMISSED])
    n = len(split)
    if n == 0:
        return Agreement(0)
    counts = n_both, n - n_both - n_none, n_none
    return Agreement(n, (n_both + n_none) / n, *wilson(n_both + n_none, n), *_kappa_interval(*counts))


def wilson(n_of: int, n: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927)."""
    middle = (n_of + Z95**2 / 2) / (n + Z95**2)
    half = Z95 / (n + Z95**2) * math.sqrt(n_of * (n - n_of) / n + Z95**2 / 4)
    return max(0.0, middle - half), min(1.0, middle + half)


def _kappa_interval(n_both: int, n_split: int, n_none: int) -> tuple[float | None, ...]:
    counts = [n_both, n_split, n_none]
    kappa, n = _kappa(*counts), sum(counts)
    left_out = [(k, _kappa(*(m - (i == j) for j, m in enumerate(counts)))) for i, k in enumerate(counts) if k]
    others = [(k, value) for k, value in left_out if value is not None]
    if kappa is None or n < 3 or len(others) < len(left_out):
        return kappa, None, None
    mean = sum(k * value for k, value in others) / n
    error = math.sqrt((n - 1) / n * sum(k * (value - mean) ** 2 for k, value in others))
    return kappa, max(-1.0, kappa - Z95 * error), min(1.0, kappa + Z95 * error)


def _kappa(n_both: int, n_split: int, n_none: int) -> float | None:
    n = n_both + n_split + n_none
    upheld = (2 * n_both + n_split) / (2 * n) if n else 0.0
    by_chance = upheld**2 + (1 - upheld) ** 2
    return None if not n or by_chance == 1.0 else ((n_both + n_none) / n - by_chance) / (1 - by_chance)


# --- what follows in the ledger ------------------------------------------------------------------


@dataclass(frozen=True)
class Amount:
    """Thousandths of a point, and how many of them count where money is paid."""

    millipoints: int = 0
    verified: int = 0

    def __add__(self, other: Amount) -> Amount:
        return Amount(self.millipoints + other.millipoints, self.verified + other.verified)

    def __sub__(self, other: Amount) -> Amount:
        return Amount(self.millipoints - other.millipoints, self.verified - other.verified)


NOTHING = Amount()


@dataclass(frozen=True)
class Held:
    """A finding as it stands now, and what was withheld because of it (nothing for a soft one)."""

    tier: str
    state: str
    withheld: Amount = field(default=NOTHING)


def by_decisions(paid: Amount, findings: Iterable[Held]) -> Amount:
    """What people's decisions must add to what the rules paid for a ride, all findings taken together.

    Upheld: all of it back, so that the ride is worth nothing and never less. Withheld and dismissed: what had
    been withheld. Otherwise nothing.
    """
    findings = list(findings)
    if any(one.state == UPHELD for one in findings):
        return NOTHING - paid
    if any(one.tier == HARD and one.state == OPEN for one in findings):
        return NOTHING
    withheld = [one.withheld for one in findings if one.tier == HARD]
    return max(withheld, key=lambda amount: amount.millipoints, default=NOTHING)


DECIDED_KINDS = REVERSAL, RELEASE = "reversal", "release"


def correction(lines: Iterable[Mapping[str, Any]], findings: Iterable[Held]) -> Amount:
    """What a ride's ledger lacks of what its findings say now; nothing where it is there already.

    `lines` are one rider's lines about the ride: their kind and both amounts. However often somebody decides
    and takes it back, the ride's lines add up to what holds.
    """
    lines = list(lines)
    paid = paid_by_rules(lines)
    return by_decisions(paid, findings) - (_sum(lines) - paid)


def paid_by_rules(lines: Iterable[Mapping[str, Any]]) -> Amount:
    """What the rules paid for a ride, without what people decided about it."""
    return _sum(line for line in lines if line["kind"] not in DECIDED_KINDS)


def _sum(lines: Iterable[Mapping[str, Any]]) -> Amount:
    amounts = (Amount(line["millipoints"], line["verified_millipoints"]) for line in lines)
    return sum(amounts, NOTHING)


def kind_of(amount: Amount) -> str:
    """A line that takes is a reversal, one that gives a release."""
    return REVERSAL if amount.millipoints < 0 or amount.verified < 0 else RELEASE


@dataclass(frozen=True)
class Reason:
    """Why somebody decided so, as it stands in the ledger: kind to whoever reads it, rider or not."""

    verdict: str
    text_es: str
    text_en: str


REASONS = {
    "own_ride": Reason(DISMISSED, "es un viaje propio y de verdad", "it is a real trip of the rider's own"),
    "same_vehicle": Reason(
        DISMISSED, "varias personas iban en el mismo vehículo", "several people rode in the same vehicle"
    ),
    "poor_signal": Reason(
        DISMISSED, "lo extraño viene de la mala señal", "what looks odd comes from a poor signal"
    ),
    "odd_phone": Reason(
        DISMISSED, "así escribe ese teléfono sus viajes", "this is how that phone records its trips"
    ),
    "first_recorded": Reason(
        DISMISSED, "quien pidió la revisión lo grabó", "whoever asked for the second look recorded it"
    ),
    "same_recording": Reason(
        UPHELD, "es la misma grabación que otro viaje", "it is the same recording as another trip"
    ),
    "by_car": Reason(UPHELD, "parece un viaje en auto", "it looks like a trip by car"),
    "not_ridden": Reason(
        UPHELD, "un teléfono a bordo no graba así", "a phone on board does not record like this"
    ),
    "two_places": Reason(
        UPHELD, "otro viaje suyo pasó a la vez en otro lugar", "another trip of theirs was elsewhere then"
    ),
    "not_theirs": Reason(UPHELD, "otra persona grabó este viaje", "somebody else recorded this trip"),
}
"""The menu of reasons. Free words go to the rider alone: the ledger is public and forgets nothing."""
SENTENCES = {
    (RELEASE, ""): (
        "Una revisión devuelve {points} puntos a este viaje: {reason_es}.",
        "A review gives {points} points to this trip: {reason_en}.",
    ),
    (REVERSAL, ""): (
        "Una revisión retira {points} puntos de este viaje: {reason_es}.",
        "A review takes {points} points back from this trip: {reason_en}.",
    ),
    ("decision", UPHELD): (
        "Revisión de {who_es}: este viaje no suma puntos; {reason_es}.",
        "Review by {who_en}: this trip earns no points; {reason_en}.",
    ),
    ("decision", DISMISSED): (
        "Revisión de {who_es}: este viaje cuenta; {reason_es}.",
        "Review by {who_en}: this trip counts; {reason_en}.",
    ),
    ("decision", OPEN): (
        "Revisión de {who_es}: la decisión anterior se deshizo y este viaje se mira otra vez.",
        "Review by {who_en}: the earlier decision was undone and this trip is looked at again.",
    ),
    ("review", ""): (
        "Por revisar un viaje: {points} puntos.",
        "For looking at a trip: {points} points.",
    ),
}

AFTER_CLOSE = (
    " La campaña ya estaba cerrada: es una corrección al lado de su tabla firmada.",
    " The campaign was closed by then: this is a correction beside its signed board.",
)
"""What a line adds that changes the points of a campaign after its end."""


def sentence(kind: str, verdict: str, amount: Amount, reason: str, who: Sequence[int]) -> tuple[str, str]:
    """A line's sentence in Spanish and English. Who decided is a number: names change and are erased."""
    text_es, text_en = SENTENCES[kind, verdict]
    numbers = ", ".join(str(user_id) for user_id in who)
    told = REASONS.get(reason)
    said = {
        "points": f"{abs(amount.millipoints) / 1000:.1f}",
        "who_es": ("la persona revisora " if len(who) == 1 else "las personas revisoras ") + numbers,
        "who_en": ("reviewer " if len(who) == 1 else "reviewers ") + numbers,
        "reason_es": told.text_es if told else "",
        "reason_en": told.text_en if told else "",
    }
    return text_es.format(**said), text_en.format(**said)
