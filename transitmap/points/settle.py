"""Observers, voices -> how much of each ride is confirmed: what of its points may become money."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from transitmap.model import BoolArray, Columns, Confirm, IntArray, Observed

ALONE, ONE_VOICE = "alone", "one_voice"
SENTENCES = {
    "confirmed": (
        "Confirmado {share} de este viaje: otra persona, alguien que revisa o la fuente oficial también lo vio.",
        "{share} of this ride confirmed: somebody else, a reviewer or the official source saw it, too.",
    ),
    ALONE: (
        "{share} de este viaje espera: nadie más ha pasado por ahí. Por eso ahora es una misión.",
        "{share} of this ride waits: nobody else has ridden there. That is why it is a mission now.",
    ),
    ONE_VOICE: (
        "{share} de este viaje espera: solo lo vieron personas que se confirman casi siempre entre ellas y que "
        "por eso cuentan como una sola voz, hasta que pase alguien más. Por eso ahora es una misión.",
        "{share} of this ride waits: only people who are confirmed mostly by one another saw it, and count as one "
        "voice until somebody else rides there. That is why it is a mission now.",
    ),
}


@dataclass(frozen=True, eq=False)
class Standing(Columns):
    """How each ride stands, in thousandths of what it was worth: a row a ride.

    `alone` waits because nobody else saw it, `one_voice` because those who did are one voice; `again` was
    seen before by the same voice and pays nothing. Rides that count nowhere have zeros.
    """

    confirmed: IntArray
    alone: IntArray
    one_voice: IntArray
    again: IntArray


@dataclass(frozen=True, eq=False)
class Verdict:
    """What holds of each row of Observed: is it confirmed, its voice's first, how many riders saw it."""

    is_confirmed: BoolArray
    is_first: BoolArray
    n_riders: IntArray


def shares(
    observed: Observed,
    voice: Mapping[int, int],
    staff: frozenset[int],
    official: IntArray,
    confirm: Confirm,
    n_rides: int = 0,
) -> IntArray:
    """How many thousandths of each ride are confirmed, by ride index (at least `n_rides` of them).

    A segment is confirmed once `confirm_voices` voices saw it, or one of `staff`, or where it is one of the
    `official` segments. Of one voice the first counts and the others get nothing. Rows worth nothing and
    erased riders confirm nobody. `rise` keeps a share from falling.
    """
    return stand(observed, voice, staff, official, confirm, n_rides).confirmed


def stand(
    observed: Observed,
    voice: Mapping[int, int],
    staff: frozenset[int],
    official: IntArray,
    confirm: Confirm,
    n_rides: int = 0,
) -> Standing:
    """As `shares`, with what waits and why."""
    verdict = judge(observed, voice, staff, official, confirm)
    n = max(n_rides, int(observed.ride_index.max(initial=-1)) + 1)
    value = observed.worth_mm * confirm.weights(observed.place)
    total = _sum(observed.ride_index, value, n)
    waits = verdict.is_first & ~verdict.is_confirmed
    kinds = (
        verdict.is_first & verdict.is_confirmed,
        waits & (verdict.n_riders < 2),
        waits & (verdict.n_riders >= 2),
        ~verdict.is_first,
    )
    columns = [_sum(observed.ride_index[kind], value[kind], n) * 1000 // np.maximum(total, 1) for kind in kinds]
    return Standing(*columns)


def _sum(where: IntArray, value: IntArray, n: int) -> IntArray:
    """Exact sums: floats would lose millimetres of a long campaign."""
    total = np.zeros(n, dtype=np.int64)
    np.add.at(total, where, value)
    return total


def judge(
    observed: Observed,
    voice: Mapping[int, int],
    staff: frozenset[int],
    official: IntArray,
    confirm: Confirm,
) -> Verdict:
    """What holds of each row of `observed`. A rider whom `voice` does not name speaks for themselves."""
    speaks = (observed.worth_mm > 0) & (observed.user_id >= 0)
    users, user = np.unique(observed.user_id, return_inverse=True)
    said = np.array([voice.get(one, one) for one in users.tolist()], dtype=np.int64)[user]
    segments, segment = np.unique(observed.segment, return_inverse=True)
    first = _first(segment, said, observed.place, speaks)
    n_voices = np.bincount(segment[first], minlength=len(segments))
    people = _first(segment, observed.user_id, observed.place, speaks)
    n_riders = np.bincount(segment[people], minlength=len(segments))
    by_staff = speaks & np.isin(observed.user_id, list(staff))
    known = (np.bincount(segment, by_staff, len(segments)) > 0) | np.isin(segments, official)
    is_confirmed = ((n_voices >= confirm.confirm_voices) | known)[segment] & speaks
    is_first = np.zeros(len(observed), dtype=bool)
    is_first[first] = True
    return Verdict(is_confirmed, is_first, n_riders[segment])


def _first(segment: IntArray, who: IntArray, place: IntArray, speaks: BoolArray) -> IntArray:
    """The row in the lowest place of each segment and voice, of the rows that speak."""
    rows = np.flatnonzero(speaks)
    rows = rows[np.lexsort((place[rows], who[rows], segment[rows]))]
    pairs = np.column_stack([segment[rows], who[rows]])
    is_new = np.ones(len(rows), dtype=bool)
    is_new[1:] = (pairs[1:] != pairs[:-1]).any(axis=1)
    return rows[is_new]


def rise(before: Mapping[str, int], now: Mapping[str, int]) -> dict[str, int]:
    """The shares that rose, by ride: what was confirmed once stays so, whatever a later network says."""
    return {ride: share for ride, share in now.items() if share > before.get(ride, 0)}


def provisional(full_millipoints: int, confirm: Confirm) -> int:
    """What a ride is paid at once, of all it can bring."""
    return full_millipoints * confirm.provisional_permille // 1000


def pay(full_millipoints: int, before: int, now: int, confirm: Confirm) -> tuple[int, int]:
    """(millipoints, verified millipoints) due when the confirmed share of a ride rises from `before` to `now`.

    Both are differences of rounded totals, so that however many steps it takes, at 1000 thousandths a ride
    has been paid and verified `full_millipoints`, to the last one.
    """
    rest = full_millipoints - provisional(full_millipoints, confirm)
    due = rest * now // 1000 - rest * before // 1000
    return due, full_millipoints * now // 1000 - full_millipoints * before // 1000


def say(which: str, permille: int) -> tuple[str, str]:
    """The sentence of SENTENCES for a share of a ride, in Spanish and English."""
    text_es, text_en = SENTENCES[which]
    share = f"{permille / 10:.0f} %"
    return text_es.format(share=share), text_en.format(share=share)
