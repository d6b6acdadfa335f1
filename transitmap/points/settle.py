"""Observers, Voices -> how much of each ride is confirmed: what of its points may become money."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from transitmap.model import BoolArray, Confirm, IntArray, Observed, Voices, named

SENTENCES = (
    "Confirmado {share} de este viaje: también lo vio otra persona, quien revisa o la fuente oficial.",
    "{share} of this ride confirmed: somebody else, a reviewer or the official source saw it, too.",
)
LONG_AGO = -(10**9)
"""The day of what nobody saw."""


@dataclass(frozen=True, eq=False)
class Verdict:
    """What holds of each row of Observed.

    Confirmed (`is_open`) by enough groups or a reviewer; or (`is_inside`) by enough people, but of too few
    groups or too long before, or by an official feed alone, of which `allowed` thousandths count.
    """

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
    campaign_id: IntArray | None = None,
) -> IntArray:
    """How many thousandths of each ride are confirmed, by ride index (at least `n_rides` of them).

    A segment is confirmed once people of `confirm_voices` groups saw it, or one of `staff`; for a ride that
    came when they were long past (`stale_days`), once one of them or another sees it again. What only people
    of one group saw, or one person and the feed whose segments are `official`, counts for each of them as far
    as `outside_permille` of all that is confirmed of them is confirmed by others, and of people the staff
    has met `trust_worth` of it in each campaign (`campaign_id`, by ride index) in any case. Of one person's
    accounts the first on a segment counts. Rows worth nothing and erased riders confirm nobody. `rise` keeps
    a share from falling.
    """
    verdict = judge(observed, voices, staff, official, confirm, campaign_id)
    n = max(n_rides, int(observed.ride_index.max(initial=-1)) + 1)
    value = observed.worth_mm * confirm.weights(observed.place)
    counted = 1000 * verdict.is_open + verdict.allowed * verdict.is_inside
    total = np.maximum(_sum(observed.ride_index, value, n), 1)
    return np.asarray(_sum(observed.ride_index, value * counted, n) // total, dtype=np.int64)


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
    campaign_id: IntArray | None = None,
) -> Verdict:
    """What holds of each row of `observed`."""
    speaks = voices.speaks(observed)
    segments, segment = np.unique(observed.segment, return_inverse=True)
    person, group = named(observed.user_id, voices.person), named(observed.user_id, voices.group)
    n, k, by_staff = len(segments), confirm.confirm_voices, speaks & np.isin(observed.user_id, list(staff))
    people_day = _day_of_nth(segment[speaks], observed.day[speaks], person[speaks], n, k)
    groups_day = _day_of_nth(segment[speaks], observed.day[speaks], group[speaks], n, k)
    staff_day = _day_of_nth(segment[by_staff], observed.day[by_staff], person[by_staff], n, 1)
    by_some = (np.maximum(people_day, staff_day) > LONG_AGO) | np.isin(segments, official)
    value = observed.worth_mm * confirm.weights(observed.place)
    since = observed.day - confirm.stale_days
    is_open = speaks & (np.maximum(groups_day, staff_day)[segment] >= since)
    is_inside = speaks & ~is_open & by_some[segment]
    pot = np.zeros_like(person) if campaign_id is None else campaign_id[observed.ride_index]
    is_met = np.full(len(person), True) if voices.met is None else np.isin(person, list(voices.met))
    trust = (confirm.trust_worth * is_met).astype(np.int64)
    row = np.lexsort((observed.place, observed.segment, observed.ride_index))
    allowed = np.empty(len(observed), dtype=np.int64)
    allowed[row] = _allowed(
        person[row], pot[row], (value * is_open)[row], (value * is_inside)[row], trust[row], confirm
    )
    return Verdict(is_open, is_inside, allowed)


def _day_of_nth(segment: IntArray, day: IntArray, who: IntArray, n: int, nth: int) -> IntArray:
    """For each of `n` segments the last day by which `nth` different ones saw it, each by their own last day.

    LONG_AGO where fewer did. So from any day on `nth` of them were there if this day is not before it.
    """
    order = np.lexsort((-day, who, segment))
    _, first = np.unique(np.column_stack([segment, who])[order], axis=0, return_index=True)
    segment, day = segment[order][first], day[order][first]
    order = np.lexsort((-day, segment))
    segment, day = segment[order], day[order]
    is_nth = np.arange(len(segment)) - np.searchsorted(segment, segment) == nth - 1
    found = np.full(n, LONG_AGO, dtype=np.int64)
    found[segment[is_nth]] = day[is_nth]
    return found


def _allowed(
    person: IntArray, pot: IntArray, outside: IntArray, inside: IntArray, trust: IntArray, confirm: Confirm
) -> IntArray:
    """For each row the thousandths that count of what is confirmed `inside`, the rows that come first first.

    First the person's `trust` in each pot; then so much more that `outside_permille` of what is confirmed of
    the person is confirmed by others. A later row never takes from an earlier one, or what is confirmed at
    one settlement and at the next, and never falls, would add up to more.
    """
    people, back = np.unique(person, return_inverse=True)
    need = max(confirm.outside_permille, 1)
    by_others = _sum(back, outside, len(people)) * (1000 - need) // need
    _, purse = np.unique(np.column_stack([back, pot]), axis=0, return_inverse=True)
    trusted = _first(purse.ravel(), inside, trust)
    left = np.maximum(by_others - _sum(back, trusted, len(people)), 0)
    more = _first(back, inside - trusted, left[back])
    return np.asarray(1000 * (trusted + more) // np.maximum(inside, 1), dtype=np.int64)


def _first(who: IntArray, value: IntArray, limit: IntArray) -> IntArray:
    """Of each value what fits, after those of the same `who` that come before, in their limit."""
    order = np.argsort(who, kind="stable")
    before = np.cumsum(value[order]) - value[order]
    begins = np.searchsorted(who[order], who[order])
    left = limit[order] - (before - before[begins])
    found = np.empty_like(value)
    found[order] = np.clip(left, 0, value[order])
    return found


def rise(before: Mapping[str, int], now: Mapping[str, int]) -> dict[str, int]:
    """The shares that rose, by ride: what was confirmed once stays so, whatever a later network says."""
    return {ride: share for ride, share in now.items() if share > before.get(ride, 0)}


def provisional(full_millipoints: int, confirm: Confirm) -> int:
    """What a ride is paid at once, of all it can bring."""
    return full_millipoints * confirm.provisional_permille // 1000


def pay(full_millipoints: int, before: int, now: int, confirm: Confirm) -> tuple[int, int]:
    """(millipoints, verified millipoints) due when the confirmed share of a ride rises.

    Both are differences of rounded totals, so that however many steps it takes, at 1000 thousandths a ride
    has been paid and verified `full_millipoints`, to the last one.
    """
    rest = full_millipoints - provisional(full_millipoints, confirm)
    due = rest * now // 1000 - rest * before // 1000
    return due, full_millipoints * now // 1000 - full_millipoints * before // 1000


def say(permille: int) -> tuple[str, str]:
    """That so much of a ride is confirmed, in Spanish and English."""
    text_es, text_en = SENTENCES
    share = f"{permille / 10:.0f} %"
    return text_es.format(share=share), text_en.format(share=share)
