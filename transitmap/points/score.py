"""Segments of one ride, earlier observers -> Awards: what the ride adds, in points that can be added up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from transitmap.model import Award, Rules, Segments

NEW, MORE = "new_metres", "more_observers"
MM_PER_KM = 1_000_000
SENTENCES = {
    "new": (
        "{length} nuevos{place}, que nadie había registrado; calidad {quality}: {points} puntos.",
        "{length}{place} that nobody had recorded; quality {quality}: {points} points.",
    ),
    "more": (
        "{length} confirmados{place}, en otro día que los anteriores; calidad {quality}: {points} puntos.",
        "{length}{place} confirmed, on another day than before; quality {quality}: {points} points.",
    ),
    "none": (
        "Sin metros nuevos: otras personas los registraron antes.",
        "No new metres: others recorded them before.",
    ),
    "yours": (
        "Sin puntos: ya habías registrado este tramo.",
        "No points: you had recorded this stretch before.",
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
Observers = Mapping[int, Sequence[tuple[int, int]]]
"""Segment -> (user_id, day) of those who count as its observers so far."""


@dataclass(frozen=True)
class Score:
    """The awards of one ride, and the observations (segment, user_id, day) that count from now on."""

    awards: tuple[Award, ...]
    observed: tuple[tuple[int, int, int], ...]


@dataclass
class Tally:
    """What became of the metres of one ride."""

    length_mm: dict[int, int] = field(default_factory=dict)  # by how many observed before
    worth_mm: dict[int, int] = field(default_factory=dict)
    paid: dict[int, int] = field(default_factory=dict)  # worth in mm times weight in thousandths
    mine_mm: int = 0
    that_day_mm: int = 0
    known_mm: int = 0


def score(segments: Segments, user_id: int, observers: Observers, rules: Rules, name: str = "") -> Score:
    """What the rows of one ride are worth to this rider, given who observed their segments before.

    A row counts where neither the rider nor the day is that of an observer who counts already, and pays
    by how many there are. There is always an award of `new_metres`, of 0 points with the reason where
    nothing was new; one of `more_observers` where a segment had observers. `name` is the route's, for the
    sentences. Points are rounded down, so that cutting a ride in two cannot gain by rounding.
    """
    tally, fresh = Tally(), dict[int, int]()
    for segment, day, length_mm, worth_mm in _rows(segments):
        if segment in fresh or 0 < length_mm < rules.min_segment_m * 1000:
            continue
        before = observers.get(segment, ())
        weight = weight_of(len(before), rules.observer_weights)
        if any(user_id == who for who, _ in before):
            tally.mine_mm += length_mm
        elif any(day == when for _, when in before):
            tally.that_day_mm += length_mm
        elif weight == 0:
            tally.known_mm += length_mm
        else:
            fresh[segment] = day
            if length_mm == 0:
                continue  # close by, not on it: counts as an observer and is not paid
            _count(tally, len(before), length_mm, worth_mm, weight)
    observed = tuple((segment, user_id, day) for segment, day in fresh.items())
    return Score(_awards(tally, rules, name), observed)


def _rows(segments: Segments) -> list[tuple[int, int, int, int]]:
    """(segment, day, length_mm, worth_mm), the days of one segment by worth.

    Where a ride met a segment on both sides of midnight the better day counts, or a rider who cut off
    the worse one would gain.
    """
    columns = (segments.segment, segments.day, segments.length_mm, segments.worth_mm)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return sorted(rows, key=lambda row: (row[0], -row[3], -row[2], row[1]))


def weight_of(n_before: int, weights: Sequence[int]) -> int:
    """Thousandths for the observer after `n_before` others; halves, rounded down, beyond the list."""
    if n_before < len(weights):
        return weights[n_before]
    return weights[-1] >> min(n_before - len(weights) + 1, 60)


def _count(tally: Tally, n_before: int, length_mm: int, worth_mm: int, weight: int) -> None:
    tally.length_mm[n_before] = tally.length_mm.get(n_before, 0) + length_mm
    tally.worth_mm[n_before] = tally.worth_mm.get(n_before, 0) + worth_mm
    tally.paid[n_before] = tally.paid.get(n_before, 0) + worth_mm * weight


def _awards(tally: Tally, rules: Rules, name: str) -> tuple[Award, ...]:
    ranks = sorted(tally.length_mm)
    new = _award(NEW, tally, [rank for rank in ranks if rank == 0], rules)
    more = _award(MORE, tally, [rank for rank in ranks if rank > 0], rules)
    if not ranks:
        return (_say(_why_nothing(tally), new, name),)
    if ranks[0] > 0:
        return _say("none", new, name), _say("more", more, name)
    if ranks[-1] == 0:
        return (_say("new", new, name),)
    return _say("new", new, name), _say("more", more, name)


def _award(rule: str, tally: Tally, ranks: list[int], rules: Rules) -> Award:
    length_mm = sum(tally.length_mm[rank] for rank in ranks)
    worth_mm = sum(tally.worth_mm[rank] for rank in ranks)
    paid = sum(tally.paid[rank] for rank in ranks)
    evidence = {
        "length_m": length_mm // 1000,
        "quality": round(worth_mm / length_mm, 3) if length_mm else 0.0,
        "length_m_by_earlier_observers": {str(rank): tally.length_mm[rank] // 1000 for rank in ranks},
        "yours_before_m": tally.mine_mm // 1000,
        "others_that_day_m": tally.that_day_mm // 1000,
        "known_m": tally.known_mm // 1000,
    }
    return Award(rule, paid * rules.millipoints_per_km // (1000 * MM_PER_KM), evidence, "", "")


def _say(which: str, award: Award, name: str) -> Award:
    text_es, text_en = SENTENCES[which]
    length_m, share = award.evidence["length_m"], award.evidence["quality"]
    figures = {
        "length": f"{length_m / 1000:.1f} km" if length_m >= 1000 else f"{length_m} m",
        "quality": f"{share:.0%}".replace("%", " %"),
        "points": f"{award.millipoints / 1000:.1f}",
    }
    return replace(
        award,
        text_es=text_es.format(place=f" de la ruta {name}" if name else "", **figures),
        text_en=text_en.format(place=f" of route {name}" if name else "", **figures),
    )


def _why_nothing(tally: Tally) -> str:
    """The largest reason why a ride brought nothing new."""
    reasons = {"yours": tally.mine_mm, "that_day": tally.that_day_mm, "known": tally.known_mm}
    return max(reasons, key=lambda reason: reasons[reason]) if any(reasons.values()) else "no_ride"
