"""Labels -> consensus, and lines for those whom others later agree with: an answer alone pays nothing."""

from __future__ import annotations

import hashlib
import tomllib
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

from transitmap.errors import ConfigError
from transitmap.strict_toml import check_keys, is_number, is_whole

FARE, CROWDING, STEP_FREE, ROUTE_NAME, STOP_NAME = KINDS = (
    "fare",
    "crowding",
    "step_free",
    "route_name",
    "stop_name",
)
"""What can be said. A fare is whole centavos as digits, the others are words."""
NAMES = {
    FARE: ("La tarifa que dijiste", "The fare you told"),
    CROWDING: ("Qué tan lleno dijiste que iba", "How full you said it was"),
    STEP_FREE: ("Lo que dijiste de los escalones", "What you said of the steps"),
    ROUTE_NAME: ("El nombre de ruta que diste", "The route's name you gave"),
    STOP_NAME: ("El nombre de parada que diste", "The stop's name you gave"),
}
LATER = (
    "{name_es} coincide con lo que {n} personas dijeron después: {points} puntos.",
    "{name_en} agrees with what {n} people said later: {points} points.",
)
KNOWN = (
    "{name_es} coincide con lo que ya se sabía: {points} puntos.",
    "{name_en} agrees with what was known already: {points} points.",
)


@dataclass(frozen=True)
class LabelRules:
    """What labels pay: published data, `points/labels.toml` explains each. Shares are whole thousandths.

    `millipoints` are those of each kind, `labels_per_ride` how many of one ride are paid.
    """

    millipoints: Mapping[str, int]
    places: tuple[int, ...]
    labels_per_ride: int
    least_later: int
    majority: int
    fare_share: int
    fare_centavos: int
    window: int
    right: int
    wrong: int
    least_weight: int
    most_weight: int


@dataclass(frozen=True)
class Label:
    """One thing said on a ride. `subject` is what it is about: a route and direction, a stop, an hour.

    `sequence` is the ride's, the order in which rides became known, at `received_s`. `voice_id` is the same
    for accounts that are no independent witnesses of each other; 0 is an account that is its own.
    """

    sequence: int
    ride_id: str
    user_id: int
    kind: str
    subject: str
    value: str
    received_s: float
    voice_id: int = 0


@dataclass(frozen=True)
class Check:
    """A truth that was known and planted at `made_s`: labels said from then on are compared with it."""

    kind: str
    subject: str
    answer: str
    made_s: float


@dataclass(frozen=True)
class Consensus:
    """What many say, and how many of them agree."""

    value: str
    n_agreeing: int


@dataclass(frozen=True)
class LabelLine:
    """What one label pays. `key` is the same for all that one account ever says about one subject."""

    key: str
    ride_id: str
    user_id: int
    rule: str
    millipoints: int
    evidence: dict[str, Any]
    text_es: str
    text_en: str


@dataclass
class _Voice:
    """What is known of one voice: the weight of its word, and by kind its balance and the highest paid."""

    weight: int = 1000
    balance: Counter[str] = field(default_factory=Counter)
    paid: Counter[str] = field(default_factory=Counter)


@dataclass
class _Subject:
    """What was said about one subject, one label a voice; those that wait; how many were paid."""

    said: list[Label] = field(default_factory=list)
    voices: set[int] = field(default_factory=set)
    waiting: list[int] = field(default_factory=list)
    n_right: int = 0


@dataclass
class _State:
    """All that follows from the labels so far: one more label never changes a line that is there."""

    rules: LabelRules
    checks: Mapping[tuple[str, str], Check]
    voices: dict[int, _Voice] = field(default_factory=dict)
    subjects: dict[tuple[str, str], _Subject] = field(default_factory=dict)
    truths: dict[tuple[str, str], str] = field(default_factory=dict)
    answers: dict[str, Counter[str]] = field(default_factory=dict)
    n_paid_of_ride: Counter[str] = field(default_factory=Counter)
    lines: list[LabelLine] = field(default_factory=list)


def lines(labels: Iterable[Label], checks: Iterable[Check], rules: LabelRules) -> tuple[LabelLine, ...]:
    """The lines that labels have earned so far, in the order in which they were earned.

    A label is decided by the first `least_later` or more others who said something about its subject after it
    and agree, or at once by a check. Deciding moves a balance of its rider and kind: up by the share of other
    subjects for which the same answer would have been wrong, down by the share for which it would have been
    right. Only a new height of the balance pays, so the same answer everywhere wanders about nothing. The
    lines of the first labels are among the lines of more labels, unchanged: it does not matter when it is
    computed, and a key that is paid is paid.
    """
    return tuple(_run(labels, checks, rules).lines)


def weights(labels: Iterable[Label], checks: Iterable[Check], rules: LabelRules) -> dict[int, int]:
    """What everybody's word weighs by now in thousandths, by voice: planted checks move it."""
    return {voice_id: voice.weight for voice_id, voice in _run(labels, checks, rules).voices.items()}


# --- one label after the other -------------------------------------------------------------------


def _run(labels: Iterable[Label], checks: Iterable[Check], rules: LabelRules) -> _State:
    known = {(check.kind, check.subject): check for check in checks}
    state = _State(rules, known)
    for label in sorted(
        labels, key=lambda one: (one.sequence, one.received_s, one.kind, one.subject, one.value)
    ):
        _hear(state, label)
    return state


def _hear(state: _State, label: Label) -> None:
    """One more label: a check decides it at once, else it waits, and may decide others that do."""
    about = label.kind, label.subject
    subject = state.subjects.setdefault(about, _Subject())
    voice_id = label.voice_id or label.user_id
    if voice_id in subject.voices or not _makes_sense(label):
        return
    subject.voices.add(voice_id)
    check = state.checks.get(about)
    if check is not None and check.made_s <= label.received_s:
        _check(state, label, subject, check)
        return
    subject.said.append(label)
    subject.waiting.append(len(subject.said) - 1)
    subject.waiting = [at for at in subject.waiting if not _decided(state, subject, at)]


def _makes_sense(label: Label) -> bool:
    """Whether it says something, and a fare is a number."""
    is_number = label.value.isdecimal() and label.value.isascii() and len(label.value) <= 9
    return is_number if label.kind == FARE else label.kind in KINDS and bool(_plain(label.value))


def _check(state: _State, label: Label, subject: _Subject, check: Check) -> None:
    """A label on a subject whose truth was planted: it is paid, or not, and weighs on its voice's word."""
    rules, voice = state.rules, _voice(state, label)
    is_right = agrees(label.kind, label.value, check.answer, rules)
    moved = voice.weight + (rules.right if is_right else rules.wrong)
    voice.weight = min(rules.most_weight, max(rules.least_weight, moved))
    _decide(state, label, subject, is_right, 0)


def _decided(state: _State, subject: _Subject, at: int) -> bool:
    """Whether those who came after the label at this place agree on something; then the label is decided."""
    rules, label = state.rules, subject.said[at]
    later = subject.said[at + 1 : at + 1 + rules.window]
    if len(later) < rules.least_later:
        return False
    found = consensus(label.kind, [(one.value, _voice(state, one).weight) for one in later], rules)
    if found is None or found.n_agreeing < rules.least_later:
        return len(later) >= rules.window
    is_right = agrees(label.kind, label.value, found.value, rules)
    _decide(state, label, subject, is_right, found.n_agreeing)
    _learn(state, label, found.value)
    return True


def _decide(state: _State, label: Label, subject: _Subject, is_right: bool, n_later: int) -> None:
    """Moves the balance of who said it, and pays a new height of it."""
    voice, guess = _voice(state, label), _guess(state, label)
    voice.balance[label.kind] += 1000 - guess if is_right else -guess
    gained = max(0, voice.balance[label.kind] - voice.paid[label.kind])
    voice.paid[label.kind] += gained
    if is_right:
        place, subject.n_right = subject.n_right, subject.n_right + 1
        _pay(state, label, gained, place, {"n_later": n_later, "guess_permille": guess, "place": place})


def _guess(state: _State, label: Label) -> int:
    """The share of other subjects for which the same answer is right, in thousandths; half where none is."""
    own = state.truths.get((label.kind, label.subject))
    n_right = n = 0
    for value, count in state.answers.get(label.kind, Counter[str]()).items():
        others = count - (own is not None and value == own)
        n += others
        n_right += others if agrees(label.kind, label.value, value, state.rules) else 0
    return 1000 * (n_right + 1) // (n + 2)


def _learn(state: _State, label: Label, value: str) -> None:
    """The truth about a subject, as its last labels show it."""
    about = label.kind, label.subject
    answers = state.answers.setdefault(label.kind, Counter())
    if about in state.truths:
        answers[state.truths[about]] -= 1
    state.truths[about] = value if label.kind == FARE else _plain(value)
    answers[state.truths[about]] += 1


def _pay(state: _State, label: Label, gained: int, place: int, evidence: dict[str, Any]) -> None:
    rules = state.rules
    weight = rules.places[place] if place < len(rules.places) else 0
    millipoints = rules.millipoints[label.kind] * weight * gained // 1_000_000
    if millipoints > 0 and state.n_paid_of_ride[label.ride_id] < rules.labels_per_ride:
        state.n_paid_of_ride[label.ride_id] += 1
        state.lines.append(_line(label, millipoints, {"gained_permille": gained, **evidence}))


def _line(label: Label, millipoints: int, evidence: dict[str, Any]) -> LabelLine:
    about = hashlib.sha256(label.subject.encode()).hexdigest()[:32]
    n_later = evidence["n_later"]
    text_es, text_en = LATER if n_later else KNOWN
    name_es, name_en = NAMES[label.kind]
    figures = {"n": n_later, "points": f"{millipoints / 1000:.2f}", "name_es": name_es, "name_en": name_en}
    return LabelLine(
        key=f"label|{label.user_id}|{label.kind}|{about}",
        ride_id=label.ride_id,
        user_id=label.user_id,
        rule=f"label_{label.kind}",
        millipoints=millipoints,
        evidence={"kind": label.kind, "subject": label.subject, "value": label.value, **evidence},
        text_es=text_es.format(**figures),
        text_en=text_en.format(**figures),
    )


def _voice(state: _State, label: Label) -> _Voice:
    return state.voices.setdefault(label.voice_id or label.user_id, _Voice())


# --- what many say -------------------------------------------------------------------------------


def consensus(kind: str, said: Sequence[tuple[str, int]], rules: LabelRules) -> Consensus | None:
    """What people say by (value, weight), one each; None where too few of the weight agree.

    A fare is the weighted middle of those near the weighted middle of all: one slip of a finger (800 for 8)
    moves nothing. Of words it is the one with most weight, as most write it.
    """
    if not said:
        return None
    value = _middle(said) if kind == FARE else _most(said)
    near = [one for one in said if agrees(kind, one[0], value, rules)]
    if 1000 * sum(weight for _, weight in near) < rules.majority * sum(weight for _, weight in said):
        return None
    return Consensus(_middle(near) if kind == FARE else value, len(near))


def agrees(kind: str, value: str, other: str, rules: LabelRules) -> bool:
    """Whether two say the same: fares that are near, words but for case, accents and punctuation."""
    if kind != FARE:
        return _plain(value) == _plain(other)
    apart = abs(int(value) - int(other))
    return apart <= rules.fare_centavos or 1000 * apart <= rules.fare_share * max(int(value), int(other))


def _plain(text: str) -> str:
    letters = unicodedata.normalize("NFKD", text.casefold())
    return " ".join(
        "".join(one if one.isalnum() else " " for one in letters if not unicodedata.combining(one)).split()
    )


def _middle(said: Sequence[tuple[str, int]]) -> str:
    """The lower weighted median of numbers."""
    half, so_far = sum(weight for _, weight in said), 0
    for value, weight in sorted(said, key=lambda one: int(one[0])):
        so_far += 2 * weight
        if so_far >= half:
            return value
    raise ValueError("nobody said anything")


def _most(said: Sequence[tuple[str, int]]) -> str:
    """The word with most weight, as it is written most; of equals the first by alphabet."""
    sums, spelt = Counter[str](), dict[str, Counter[str]]()
    for value, weight in said:
        sums[_plain(value)] += weight
        spelt.setdefault(_plain(value), Counter())[value] += weight
    word = min(sums, key=lambda one: (-sums[one], one))
    return min(spelt[word], key=lambda one: (-spelt[word][one], one))


# --- rules ---------------------------------------------------------------------------------------

NUMBERS: dict[str, dict[str, tuple[float, float]]] = {
    "worth": dict.fromkeys(KINDS, (0, 100)),
    "consensus": {
        "least_later": (2, 100),
        "majority": (0.501, 1),
        "fare_share": (0, 1),
        "fare_centavos": (0, 10**6),
        "window": (2, 1000),
    },
    "weight": {"right": (0, 10), "wrong": (-10, 0), "least": (0.001, 1), "most": (1, 100)},
}
"""Least and most of every number."""
WHOLE = {"least_later", "fare_centavos", "window"}


def load_label_rules(label_millipoints: int, labels_per_ride: int, text: str = "") -> LabelRules:
    """The rules in a TOML text, or the ones that come with transitmap, at what a campaign's rules pay.

    Raises:
        ConfigError: the text is no TOML, lacks a rule, has an unknown one, or a number makes no sense.
    """
    here = resources.files("transitmap.points").joinpath("labels.toml")
    try:
        tables = tomllib.loads(text or here.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError("labels", "", f"no TOML: {error}") from error
    _check_tables(tables)
    worth, agreed, weight = tables["worth"], tables["consensus"], tables["weight"]
    return LabelRules(
        millipoints={kind: round(label_millipoints * worth[kind]) for kind in KINDS},
        places=_places(worth["places"]),
        labels_per_ride=labels_per_ride,
        least_later=agreed["least_later"],
        majority=round(1000 * agreed["majority"]),
        fare_share=round(1000 * agreed["fare_share"]),
        fare_centavos=agreed["fare_centavos"],
        window=agreed["window"],
        right=round(1000 * weight["right"]),
        wrong=round(1000 * weight["wrong"]),
        least_weight=round(1000 * weight["least"]),
        most_weight=round(1000 * weight["most"]),
    )


def _check_tables(tables: dict[str, Any]) -> None:
    """Exactly the tables, keys and kinds of numbers there are."""
    lists = {"worth": {"places"}}
    check_keys("labels", tables, {name: set(keys) | lists.get(name, set()) for name, keys in NUMBERS.items()})
    for name, numbers in NUMBERS.items():
        for key, (least, most) in numbers.items():
            value = tables[name][key]
            is_kind = is_whole(value) if key in WHOLE else is_number(value)
            if not is_kind or not least <= value <= most:
                raise ConfigError(f"{name}.{key}", value, f"must be a number from {least} to {most}")


def _places(given: Any) -> tuple[int, ...]:
    """Thousandths, never rising: to say it later must never pay better."""
    if not isinstance(given, list) or not given or not all(map(is_number, given)):
        raise ConfigError("worth.places", given, "must be a list of numbers")
    if not all(1 >= a >= b >= 0 for a, b in zip(given, given[1:] + given[-1:], strict=True)):
        raise ConfigError("worth.places", given, "must be from 1 down to 0, never rising")
    return tuple(round(1000 * one) for one in given)
