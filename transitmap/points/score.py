"""Segments of one ride, earlier observers -> Awards: what the ride adds, in points that can be added up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from transitmap.model import Award, Rules, Segments, Terms

NEW, MORE, FRESH = "new_metres", "more_observers", "fresh_metres"
MAX_OBSERVERS = 11
NOBODY = 0
"""Who stands for a ride that only touched a segment: it takes the day's pot there and observes nothing."""
MM_PER_KM = 1_000_000
SENTENCES = {
    "new": (
        "{length} nuevos{place}, que nadie había registrado; calidad {quality}: {points}.",
        "{length}{place} that nobody had recorded; quality {quality}: {points}.",
    ),
    "more": (
        "{length} confirmados{place}, en otro día que los anteriores; calidad {quality}: {points}.",
        "{length}{place} confirmed, on another day than before; quality {quality}: {points}.",
    ),
    "fresh": (
        "{length} puestos al día{place}, que hace tiempo nadie recorría; calidad {quality}: {points}.",
        "{length}{place} brought up to date, that nobody had ridden for long; quality {quality}: {points}.",
    ),
    "none": (
        "Sin metros nuevos: otras personas los registraron antes.",
        "No new metres: others recorded them before.",
    ),
    "yours": (
        "Sin puntos: ya habías registrado este tramo.",
        "No points: you had recorded this stretch before.",
    ),
    "one_person": (
        "Sin puntos: ya lo había registrado otra cuenta que tomamos por tuya. Si es de otra persona, pide "
        "que alguien lo revise.",
        "No points: another account that we take for yours had recorded it. If it is somebody else's, ask "
        "for a second look.",
    ),
    "that_day": (
        "Sin puntos: otra persona registró este tramo ese mismo día. Otro día vuelve a contar.",
        "No points: somebody recorded this stretch on the same day. It counts again on another day.",
    ),
    "known": (
        "Sin puntos: este tramo ya es bien conocido. Busca una ruta que falte.",
        "No points: this stretch is well known. Look for a route that is missing.",
    ),
    "no_ride": (
        "Sin puntos: no reconocimos un tramo en vehículo con suficiente señal.",
        "No points: we recognised no stretch in a vehicle with enough signal.",
    ),
}
SENTENCE_OF = {NEW: "new", MORE: "more", FRESH: "fresh"}
FACTORS = (
    ("mission_permille", "misión", "mission"),
    ("equity_permille", "zona prioritaria", "priority area"),
)
PLAIN = Terms()
Observers = Mapping[int, Sequence[tuple[int, int]]]
"""Segment -> (user_id, day) of those who count as its observers so far; NOBODY where one only touched it."""


@dataclass(frozen=True)
class Score:
    """The awards of one ride, and the observations (segment, user_id, day) that count from now on.

    `worth_mm` are the metres of these observations weighted by quality.
    """

    awards: tuple[Award, ...]
    observed: tuple[tuple[int, int, int], ...]
    worth_mm: tuple[int, ...] = ()


@dataclass
class Tally:
    """What became of the metres of one ride; `mine_mm` and so on are those that paid nothing."""

    length_mm: dict[str, dict[int, int]] = field(default_factory=dict)  # by rule and how many came before
    worth_mm: dict[str, int] = field(default_factory=dict)
    paid: dict[str, int] = field(default_factory=dict)  # worth in mm times weight in thousandths
    mine_mm: int = 0
    one_person_mm: int = 0
    that_day_mm: int = 0
    known_mm: int = 0


def score(
    segments: Segments, user_id: int, observers: Observers, rules: Rules, name: str = "", terms: Terms = PLAIN
) -> Score:
    """What the rows of one ride are worth to this rider, given who observed their segments before.

    A row counts where neither the rider nor the day is that of an observer who counts already, and pays
    by how many there are; other accounts of the same person (`terms.also`) are the rider. Where all of them
    are long past it counts for anybody, as `rules.toml` says. A row too short for that only takes the day's
    pot of its segment. There is always an award of `new_metres`, of 0 points with the reason; one of
    `more_observers` where a segment had observers, one of `fresh_metres` where they were long past. `name` is
    the route's, for the sentences. Points are rounded down, so that cutting a ride in two cannot gain.
    """
    tally, fresh, worth = Tally(), dict[int, tuple[int, int]](), list[int]()
    least_mm = rules.min_segment_m * 1000
    for segment, day, length_mm, worth_mm in _rows(segments, least_mm):
        if segment in fresh:
            continue
        before = observers.get(segment, ())
        if 0 < length_mm < least_mm:
            if all(day != when for _, when in before):
                fresh[segment] = NOBODY, day
                worth.append(0)
            continue
        rule, weight = _rule_of(before, user_id, day, rules, terms.also)
        if not rule:
            _leave_out(tally, before, user_id, day, length_mm, terms.also)
            continue
        fresh[segment] = user_id, day
        worth.append(worth_mm)
        if length_mm:  # else close by, not on it: counts as an observer and is not paid
            _count(tally, rule, n_observers(before), length_mm, worth_mm, weight)
    observed = tuple((segment, *whose) for segment, whose in fresh.items())
    return Score(_awards(tally, rules, name, terms), observed, tuple(worth))


def n_observers(before: Sequence[tuple[int, int]]) -> int:
    """How many observed a segment; who only touched it did not."""
    return sum(who != NOBODY for who, _ in before)


def _rule_of(
    before: Sequence[tuple[int, int]], user_id: int, day: int, rules: Rules, also: frozenset[int]
) -> tuple[str, int]:
    """By which rule a segment is paid and with what weight in thousandths; no rule where it is not."""
    if any(day == when for _, when in before):
        return "", 0
    before = [one for one in before if one[0] != NOBODY]
    days = day - max((when for _, when in before), default=day)
    is_old = days >= rules.fresh_after_days
    age = rules.fresh_permille * min(days, rules.fresh_full_days) // rules.fresh_full_days if is_old else 0
    is_late = len(before) >= MAX_OBSERVERS or any(who == user_id or who in also for who, _ in before)
    if is_late:
        return (FRESH, age) if is_old else ("", 0)
    weight = weight_of(len(before), rules.observer_weights)
    if not before:
        return NEW, weight
    return (FRESH, age) if age > weight else (MORE, weight)


def _leave_out(
    tally: Tally,
    before: Sequence[tuple[int, int]],
    user_id: int,
    day: int,
    length_mm: int,
    also: frozenset[int],
) -> None:
    if any(user_id == who for who, _ in before):
        tally.mine_mm += length_mm
    elif any(who in also for who, _ in before):
        tally.one_person_mm += length_mm
    elif any(day == when for _, when in before):
        tally.that_day_mm += length_mm
    else:
        tally.known_mm += length_mm


def _rows(segments: Segments, least_mm: float) -> list[tuple[int, int, int, int]]:
    """(segment, day, length_mm, worth_mm), the days of one segment by worth, what only touched it last.

    Where a ride met a segment on both sides of midnight the better day counts, or a rider who cut off
    the worse one would gain.
    """
    columns = (segments.segment, segments.day, segments.length_mm, segments.worth_mm)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return sorted(rows, key=lambda row: (row[0], 0 < row[2] < least_mm, -row[3], -row[2], row[1]))


def weight_of(n_before: int, weights: Sequence[int]) -> int:
    """Thousandths for the observer after `n_before` others; halves, rounded down, beyond the list."""
    if n_before < len(weights):
        return weights[n_before]
    return weights[-1] >> min(n_before - len(weights) + 1, 60)


def _count(tally: Tally, rule: str, n_before: int, length_mm: int, worth_mm: int, weight: int) -> None:
    lengths = tally.length_mm.setdefault(rule, {})
    lengths[n_before] = lengths.get(n_before, 0) + length_mm
    tally.worth_mm[rule] = tally.worth_mm.get(rule, 0) + worth_mm
    tally.paid[rule] = tally.paid.get(rule, 0) + worth_mm * weight


def _awards(tally: Tally, rules: Rules, name: str, terms: Terms) -> tuple[Award, ...]:
    """An award a rule; what a rider may still get on a day goes to the rules in this order."""
    awards, left = list[Award](), terms.left_millipoints
    for rule in (NEW, MORE, FRESH):
        if rule != NEW and rule not in tally.paid:
            continue
        award = _award(rule, tally, rules, replace(terms, left_millipoints=left))
        left = None if left is None else left - award.evidence["full_millipoints"]
        sentence = SENTENCE_OF[rule] if rule in tally.paid else "none" if tally.paid else _why_nothing(tally)
        awards.append(_say(sentence, award, name))
    return tuple(awards)


def _award(rule: str, tally: Tally, rules: Rules, terms: Terms) -> Award:
    lengths, worth_mm = tally.length_mm.get(rule, {}), tally.worth_mm.get(rule, 0)
    length_mm = sum(lengths.values())
    full = tally.paid.get(rule, 0) * rules.millipoints_per_km // (1000 * MM_PER_KM)
    full = full * terms.mission_permille * terms.equity_permille // 1_000_000
    may = full if terms.left_millipoints is None else min(full, max(0, terms.left_millipoints))
    evidence = {
        "length_m": length_mm // 1000,
        "quality": round(worth_mm / length_mm, 3) if length_mm else 0.0,
        "length_m_by_earlier_observers": {str(n): mm // 1000 for n, mm in sorted(lengths.items())},
        "yours_before_m": tally.mine_mm // 1000,
        "others_that_day_m": tally.that_day_mm // 1000,
        "known_m": tally.known_mm // 1000,
        "full_millipoints": may,
    }
    if tally.one_person_mm:
        evidence["one_person_before_m"] = tally.one_person_mm // 1000
    if terms.mission_permille != 1000:
        evidence |= {"mission_id": terms.mission_id, "mission_permille": terms.mission_permille}
    if terms.equity_permille != 1000:
        evidence["equity_permille"] = terms.equity_permille
    if may < full:
        evidence["over_the_day_millipoints"] = full - may
    return Award(rule, may * rules.provisional_permille // 1000, evidence, "", "")


def _say(which: str, award: Award, name: str) -> Award:
    text_es, text_en = SENTENCES[which]
    length_m, share = award.evidence["length_m"], award.evidence["quality"]
    figures = {
        "length": f"{length_m / 1000:.1f} km" if length_m >= 1000 else f"{length_m} m",
        "quality": f"{share:.0%}".replace("%", " %"),
    }
    points_es, points_en = _points_in_words(award)
    text_es = text_es.format(place=f" de la ruta {name}" if name else "", points=points_es, **figures)
    text_en = text_en.format(place=f" of route {name}" if name else "", points=points_en, **figures)
    return replace(award, text_es=text_es, text_en=text_en)


def _points_in_words(award: Award) -> tuple[str, str]:
    """What is paid now, what waits for others, and by what it was multiplied or cut."""
    full, now = award.evidence["full_millipoints"] / 1000, award.millipoints / 1000
    es = f"{now:.1f} puntos ya y {full - now:.1f} más al confirmarse"
    en = f"{now:.1f} points now and {full - now:.1f} more once confirmed"
    for name, word_es, word_en in FACTORS:
        if name in award.evidence:
            factor = award.evidence[name] / 1000
            es, en = f"{es} ({word_es} ×{factor:.2f})", f"{en} ({word_en} ×{factor:.2f})"
    if "over_the_day_millipoints" in award.evidence:
        es, en = f"{es}; lo demás pasa del tope del día", f"{en}; the rest is over the day's limit"
    return es, en


def _why_nothing(tally: Tally) -> str:
    """The largest reason why a ride brought nothing new."""
    reasons = {
        "yours": tally.mine_mm,
        "one_person": tally.one_person_mm,
        "that_day": tally.that_day_mm,
        "known": tally.known_mm,
    }
    return max(reasons, key=lambda reason: reasons[reason]) if any(reasons.values()) else "no_ride"
