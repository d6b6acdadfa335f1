"""Observers, Voices -> how much of each ride is confirmed: what of its points may become money."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from transitmap.model import BoolArray, Columns, Confirm, IntArray, Observed, Voices

ALONE, ONE_VOICE = "alone", "one_voice"
SENTENCES = {
    "confirmed": (
        "Confirmado {share} de este viaje: también lo vio otra persona, quien revisa o la fuente oficial.",
        "{share} of this ride confirmed: somebody else, a reviewer or the official source saw it, too.",
    ),
    ALONE: (
        "{share} de este viaje espera: nadie más ha pasado por ahí. Por eso ahora es una misión.",
        "{share} of this ride waits: nobody else has ridden there. That is why it is a mission now.",
    ),
    ONE_VOICE: (
        "{share} de este viaje espera: solo lo vieron personas que se confirman casi siempre entre ellas y "
        "que por eso cuentan como una sola voz, hasta que pase alguien más. Por eso ahora es una misión.",
        "{share} of this ride waits: only people who are confirmed mostly by one another saw it, and count "
        "as one voice until somebody else rides there. That is why it is a mission now.",
    ),
}


@dataclass(frozen=True, eq=False)
class Standing(Columns):
    """How each ride stands, in thousandths of what it was worth: a row a ride.

    `alone` waits because nobody else saw it, `one_voice` because those who did are confirmed mostly by one
    another; `again` was seen before by another account of the same person and pays nothing. Rides that count
    nowhere have zeros.
    """

    confirmed: IntArray
    alone: IntArray
    one_voice: IntArray
    again: IntArray


@dataclass(frozen=True, eq=False)
class Verdict:
    """What holds of each row of Observed.

    `is_first` of its person on the segment; confirmed (`is_open`) by enough groups, a reviewer or an official
    feed; or (`is_inside`) by enough people, but of too few groups, of which `allowed` thousandths count.
    """

    is_first: BoolArray
    is_open: BoolArray
    is_inside: BoolArray
    allowed: IntArray


def shares(
    observed: Observed,
    voices: Voices,
    staff: frozenset[int],
    official: IntArray,
    confirm: Confirm,
    n_rides: int = 0,
) -> IntArray:
    """How many thousandths of each ride are confirmed, by ride index (at least `n_rides` of them).

    A segment is confirmed once people of `confirm_voices` groups saw it, or one of `staff`, or where it is
    one of the `official` segments. What only people of one group saw counts as far as `outside_permille` of
    all that is confirmed of the group is confirmed by others. Of one person's accounts the first counts.
    Rows worth nothing and erased riders confirm nobody. `rise` keeps a share from falling.
    """
    return stand(observed, voices, staff, official, confirm, n_rides).confirmed


def stand(
    observed: Observed,
    voices: Voices,
    staff: frozenset[int],
    official: IntArray,
    confirm: Confirm,
    n_rides: int = 0,
) -> Standing:
    """As `shares`, with what waits and why."""
    verdict = judge(observed, voices, staff, official, confirm)
    n = max(n_rides, int(observed.ride_index.max(initial=-1)) + 1)
    value = observed.worth_mm * confirm.weights(observed.place)
    total = np.maximum(_sum(observed.ride_index, value, n), 1)
    alone = verdict.is_first & ~verdict.is_open & ~verdict.is_inside
    parts = (
        1000 * verdict.is_open + verdict.allowed * verdict.is_inside,
        1000 * alone,
        (1000 - verdict.allowed) * verdict.is_inside,
        1000 * ~verdict.is_first,
    )
    return Standing(*(_sum(observed.ride_index, value * part, n) // total for part in parts))


def _sum(where: IntArray, value: IntArray, n: int) -> IntArray:
    """Exact sums: floats would lose millimetres of a long campaign."""
    total = np.zeros(n, dtype=np.int64)
    np.add.at(total, where, value)
    return total


def judge(
    observed: Observed,
    voices: Voices,
    staff: frozenset[int],
    official: IntArray,
    confirm: Confirm,
) -> Verdict:
    """What holds of each row of `observed`."""
    speaks = (observed.worth_mm > 0) & (observed.user_id >= 0)
    segments, segment = np.unique(observed.segment, return_inverse=True)
    person, group = (_named(observed.user_id, names) for names in (voices.person, voices.group))
    first = _first(segment, person, observed.place, speaks)
    is_first = np.zeros(len(observed), dtype=bool)
    is_first[first] = True
    n_people = np.bincount(segment[first], minlength=len(segments))
    n_groups = np.bincount(segment[_first(segment, group, observed.place, speaks)], minlength=len(segments))
    by_staff = speaks & np.isin(observed.user_id, list(staff))
    known = (np.bincount(segment, by_staff, len(segments)) > 0) | np.isin(segments, official)
    is_open = is_first & ((n_groups >= confirm.confirm_voices) | known)[segment]
    is_inside = is_first & ~is_open & (n_people >= confirm.confirm_voices)[segment]
    value = observed.worth_mm * confirm.weights(observed.place)
    return Verdict(is_first, is_open, is_inside, _allowed(person, value, is_open, is_inside, confirm))


def _named(user_id: IntArray, names: Mapping[int, int]) -> IntArray:
    users, user = np.unique(user_id, return_inverse=True)
    return np.array([names.get(one, one) for one in users.tolist()], dtype=np.int64)[user]


def _first(segment: IntArray, who: IntArray, place: IntArray, speaks: BoolArray) -> IntArray:
    """The row in the lowest place of each segment and name, of the rows that speak."""
    rows = np.flatnonzero(speaks)
    rows = rows[np.lexsort((place[rows], who[rows], segment[rows]))]
    pairs = np.column_stack([segment[rows], who[rows]])
    is_new = np.ones(len(rows), dtype=bool)
    is_new[1:] = (pairs[1:] != pairs[:-1]).any(axis=1)
    return rows[is_new]


def _allowed(
    group: IntArray, value: IntArray, is_open: BoolArray, is_inside: BoolArray, confirm: Confirm
) -> IntArray:
    """For each row the thousandths that count of what only its group saw.

    So many that `outside_permille` of what is confirmed of the group is confirmed by others: a group of
    friends gets more the more others ride where they do, never less, and nothing jumps.
    """
    groups, back = np.unique(group, return_inverse=True)
    outside = _sum(back, value * is_open, len(groups)).tolist()
    inside = _sum(back, value * is_inside, len(groups)).tolist()
    need = max(confirm.outside_permille, 1)
    allowed = [
        min(1000, 1000 * by_others * (1000 - need) // (need * own)) if own else 1000
        for by_others, own in zip(outside, inside, strict=True)
    ]
    return np.array(allowed, dtype=np.int64)[back]


def rise(before: Mapping[str, int], now: Mapping[str, int]) -> dict[str, int]:
    """The shares that rose, by ride: what was confirmed once stays so, whatever a later network says."""
    return {ride: share for ride, share in now.items() if share > before.get(ride, 0)}


def provisional(full_millipoints: int, confirm: Confirm) -> int:
    """What a ride is paid at once, of all it can bring."""
    return full_millipoints * confirm.provisional_permille // 1000


def pay(full_millipoints: int, before: int, now: int, confirm: Confirm) -> tuple[int, int]:
    """(millipoints, verified millipoints) due when the confirmed share rises from `before` to `now`.

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
