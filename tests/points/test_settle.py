from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import cheat_rings
from benchmarks.cheat_rings import Drive
from transitmap.model import Confirm, Observed, Voices
from transitmap.points import settle
from transitmap.points.voices import voices

NOBODY, NO_SEGMENTS = frozenset[int](), np.zeros(0, dtype=np.int64)
CONFIRM = Confirm(group_max=12)
PAIRS, EACH_ALONE = Confirm(group_max=2), Confirm(group_max=1)
"""No groups: what linked accounts can and cannot do is a matter of their own."""


def drives_of(*rows: tuple[int, int, range]) -> list[Drive]:
    return [Drive(user_id, day, segments) for user_id, day, segments in rows]


def shares(drives: list[Drive], linked=(), staff=NOBODY, official=NO_SEGMENTS, confirm=CONFIRM) -> list[int]:
    observed = cheat_rings.count(drives)
    heard = voices(observed, linked, staff, confirm)
    return settle.shares(observed, heard, staff, official, confirm, len(drives)).tolist()


HERE, THERE = range(0, 20), range(100, 120)
CROWD = drives_of(*((who, who % 9, range(200, 260)) for who in range(50, 58)))
"""Eight others who ride one way, so that there is a world outside."""


def test_a_lonely_ride_waits_and_one_that_counts_nowhere_too() -> None:
    observed = cheat_rings.count(drives_of((1, 1, HERE)))
    assert settle.shares(observed, Voices(), NOBODY, NO_SEGMENTS, CONFIRM, 2).tolist() == [0, 0]


def test_who_saw_it_long_ago_confirms_nobody_who_comes_later() -> None:
    """What grew old is paid again, and whoever forges a ride along it needs a witness of these days, too."""
    old = drives_of((1, 0, HERE), (2, 1, HERE))
    confirm = replace(CONFIRM, stale_days=30)

    def found(*more: tuple[int, int, range], **others) -> list[int]:
        observed = cheat_rings.count([*old, *drives_of(*more)])
        told = {"staff": NOBODY, "official": NO_SEGMENTS, "confirm": confirm} | others
        return settle.shares(observed, Voices(), **told).tolist()

    assert found((3, 31, HERE)) == [1000] * 3
    assert found((3, 32, HERE)) == [1000, 1000, 0]
    assert found((3, 32, HERE), staff=frozenset({1})) == [1000, 1000, 0]
    assert found((3, 32, HERE), staff=frozenset({3})) == [1000] * 3
    assert found((3, 100, HERE), (4, 130, HERE)) == [1000] * 4
    assert found((3, 100, HERE), (4, 131, HERE)) == [1000] * 3 + [0]
    assert found((3, 32, HERE), confirm=replace(confirm, trust_worth=10**12)) == [1000] * 3  # the staff met 3


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 90), st.integers(1, 6)), min_size=1, max_size=30),
    st.integers(1, 3),
)
def test_the_day_by_which_so_many_were_there(rows, nth) -> None:
    segment, day, who = np.array(rows, dtype=np.int64).T
    found = settle._day_of_nth(segment, day, who, 4, nth)
    for one in range(4):
        for since in range(-1, 92):
            n = len({w for s, d, w in rows if s == one and d >= since})
            assert (n >= nth) == (found[one] >= since)


def test_two_who_confirm_only_one_another_wait_until_somebody_else_comes() -> None:
    two = drives_of((1, 1, HERE), (2, 2, HERE))
    assert shares(two) == [0, 0]
    observed = cheat_rings.count(two)
    heard = voices(observed, [], NOBODY, CONFIRM)
    assert heard.group == {1: 1, 2: 1} and heard.person == {1: 1, 2: 2}
    stranger = drives_of((3, 3, HERE))
    assert shares([*two, *stranger], confirm=PAIRS) == [1000] * 3
    assert shares([*two, *stranger]) == [0] * 3  # to whom three are still one group, they wait for a fourth


def test_a_reviewer_confirms_anybody() -> None:
    rows = drives_of((1, 1, HERE), (2, 2, HERE))
    assert shares([*rows, Drive(9, 3, HERE)], staff=frozenset({9})) == [1000, 1000, 1000]


SEGMENT = 80_000 * 1000
"""What one segment of these drives is worth to the first observer; the second gets four fifths."""


def trusting(n_segments: float) -> Confirm:
    return replace(CONFIRM, trust_worth=round(n_segments * SEGMENT))


def test_two_strangers_are_confirmed_on_trust_up_to_so_many_points() -> None:
    two = drives_of((1, 1, HERE), (2, 2, HERE))
    assert shares(two, confirm=trusting(20)) == [1000, 1000]
    assert shares(two, confirm=trusting(8)) == [400, 500]  # each gets as many points, of 20 and of 16
    alone = drives_of((1, 1, HERE))
    assert shares(alone, confirm=trusting(20)) == [0]  # a ride that nobody else saw is no matter of trust


def test_an_official_line_confirms_on_trust_and_no_more() -> None:
    """Its shape is public: without a limit whoever draws rides along it would be confirmed at once."""
    forged = drives_of(*((1, day, range(100 * day, 100 * day + 10)) for day in range(1, 9)))
    official = np.arange(1000)
    assert shares(forged, official=official, confirm=trusting(25)) == [1000, 1000, 500, 0, 0, 0, 0, 0]
    assert shares(forged, official=official) == [0] * 8
    assert shares(forged, official=official[:150], confirm=trusting(25)) == [1000] + [0] * 7


def test_earlier_rides_first_so_that_later_ones_take_nothing_from_them() -> None:
    one_by_one = drives_of(
        *((who, day, range(20 * day, 20 * day + 20)) for day in range(6) for who in (1, 2))
    )
    one_by_one = [replace(drive, day=2 * drive.day + drive.user_id) for drive in one_by_one]
    before = [0] * len(one_by_one)
    for n in range(2, len(one_by_one) + 1, 2):
        now = shares(one_by_one[:n], confirm=trusting(30))
        assert now[: n - 2] == before[: n - 2]
        before = now
    assert before[::2] == [1000, 500, 0, 0, 0, 0]


def test_half_of_what_others_confirmed_or_the_trust_but_not_both() -> None:
    pair = drives_of((1, 1, HERE), (2, 2, HERE), (1, 20, range(200, 210)))
    crowd = [replace(drive, day=drive.day + 30, segments=range(200, 210)) for drive in CROWD]
    observed, heard = cheat_rings.count([*pair, *crowd]), Voices({}, {1: 1, 2: 1})
    got = [
        settle.shares(observed, heard, NOBODY, NO_SEGMENTS, confirm)[0]
        for confirm in (trusting(0), trusting(3), trusting(4.9925), trusting(10))
    ]
    assert got == [249, 249, 249, 500]


def test_each_campaign_trusts_for_itself() -> None:
    pairs = drives_of((1, 1, HERE), (2, 2, HERE), (1, 3, THERE), (2, 4, THERE))
    observed = cheat_rings.count(pairs)
    heard = voices(observed, [], NOBODY, CONFIRM)
    for campaigns, expected in (([1, 1, 1, 1], [500, 625, 0, 0]), ([1, 1, 2, 2], [500, 625, 500, 625])):
        got = settle.shares(
            observed, heard, NOBODY, NO_SEGMENTS, trusting(10), 4, np.array(campaigns, dtype=np.int64)
        )
        assert got.tolist() == expected


def test_what_only_a_group_saw_counts_as_far_as_others_confirm_enough() -> None:
    """20 segments among themselves, 10 with others: a third may be their own, so 5 of the 20 count."""
    pair = drives_of((1, 1, HERE), (2, 2, HERE), (1, 20, range(200, 210)))
    crowd = [replace(drive, day=drive.day + 30, segments=range(200, 210)) for drive in CROWD]
    confirm = replace(CONFIRM, outside_permille=667)
    heard = Voices({}, {1: 1, 2: 1})
    observed = cheat_rings.count([*pair, *crowd])
    got = settle.shares(observed, heard, NOBODY, NO_SEGMENTS, confirm).tolist()
    assert got[2] == 1000
    assert got[0] == 1000 * 333 * 10 // (667 * 20)
    assert got[1] == 0  # the other rode nowhere else


def test_friends_who_also_ride_where_others_do_lose_nothing() -> None:
    friends = drives_of((1, 20, range(200, 260)), (2, 21, range(200, 260)), (1, 1, HERE), (2, 2, HERE))
    assert shares([*friends, *CROWD], confirm=PAIRS)[:4] == [1000] * 4


def test_of_one_persons_accounts_the_first_counts() -> None:
    rows = drives_of((1, 1, HERE), (2, 2, HERE), (3, 3, HERE), (4, 4, HERE))
    assert shares(rows, confirm=EACH_ALONE) == [1000] * 4
    assert shares(rows, [(1, 2)], confirm=EACH_ALONE) == [1000, 0, 1000, 1000]
    assert shares(rows, [(1, 2), (2, 3), (4, 1)], confirm=EACH_ALONE) == [0] * 4  # nobody else is left


def test_the_erased_and_the_worthless_confirm_nobody() -> None:
    mine = Drive(1, 1, HERE)
    assert shares([mine, Drive(-2, 2, HERE)], confirm=EACH_ALONE) == [0, 0]
    assert shares([mine, Drive(2, 2, HERE, 0)], confirm=EACH_ALONE) == [0, 0]
    assert shares([mine, Drive(2, 2, HERE, 1)], confirm=EACH_ALONE) == [1000, 1000]


def test_who_comes_again_after_long_counts_again() -> None:
    """The same account twice on a segment, as the scores allow once what was known grew old."""
    columns = [(0, 1, 7, 1, 9, 0), (1, 2, 7, 2, 9, 1), (2, 1, 7, 90, 9, 2)]
    observed = Observed(*np.array(columns, dtype=np.int64).T)
    assert settle.shares(observed, Voices(), NOBODY, NO_SEGMENTS, EACH_ALONE).tolist() == [1000] * 3


def test_nobody_rode_is_nothing() -> None:
    assert shares([]) == []
    assert voices(cheat_rings.count([]), [], NOBODY, CONFIRM) == Voices()
    assert voices(cheat_rings.count([]), [(4, 3)], NOBODY, CONFIRM).person == {3: 3, 4: 3}


rides = st.lists(
    st.builds(
        lambda who, day, first, n, worth: Drive(who, day, range(first, first + n), worth * 1000),
        st.integers(1, 6),
        st.integers(0, 9),
        st.integers(0, 20),
        st.integers(1, 12),
        st.integers(0, 100),
    ),
    min_size=1,
    max_size=12,
)


def verified(drives: list[Drive], who: set[int], linked, confirm: Confirm) -> int:
    paid = cheat_rings.settle_all(drives, confirm, linked)
    return sum(millimetres for user_id, millimetres in paid.verified.items() if user_id in who)


@settings(max_examples=60)
@given(rides, st.lists(st.integers(0, 3), min_size=12, max_size=12))
def test_splitting_rides_over_accounts_of_one_phone_never_gains(drives: list[Drive], account) -> None:
    """R1. Riders 2 to 6 are others; rider 1 gives each ride to one of four accounts."""
    split = [
        replace(drive, user_id=100 + k) if drive.user_id == 1 and k else drive
        for drive, k in zip(drives, account, strict=False)
    ]
    linked = [(1, 101), (1, 102), (1, 103)]
    alone = verified(drives, {1}, [], EACH_ALONE)
    assert verified(split, {1, 101, 102, 103}, linked, EACH_ALONE) <= alone


@settings(max_examples=60)
@given(rides, st.lists(st.integers(0, 3), min_size=12, max_size=12), st.integers(0, 40))
def test_nor_does_it_where_much_is_confirmed_on_trust(drives: list[Drive], account, n_trusted: int) -> None:
    """R1 in a town where all are one group: only what is trusted counts, and one person has it once."""
    split = [
        replace(drive, user_id=100 + k) if drive.user_id == 1 and k else drive
        for drive, k in zip(drives, account, strict=False)
    ]
    person, group = {100 + k: 1 for k in range(1, 4)}, dict.fromkeys([*range(1, 7), 101, 102, 103], 1)
    official = np.arange(10)
    got = [
        cheat_rings.settle_all(some, trusting(n_trusted), heard=heard, official=official).verified
        for some, heard in ((drives, Voices({}, group)), (split, Voices(person, group)))
    ]
    one, many = (sum(told.get(who, 0) for who in (1, 101, 102, 103)) for told in got)
    assert many <= one <= n_trusted * SEGMENT


@settings(max_examples=40)
@given(rides, st.integers(1, 12), st.integers(0, 30))
def test_a_settlement_more_never_confirms_more_in_one_group(drives, n: int, n_trusted: int) -> None:
    """What each settlement confirms stays; at the end it is what one settlement at the end confirms."""
    confirm, heard = trusting(n_trusted), Voices({}, dict.fromkeys(range(1, 7), 1))
    highest = np.zeros(len(drives), dtype=np.int64)
    for end in range(n, len(drives) + 1):
        observed = cheat_rings.count(drives[:end])
        now = settle.shares(observed, heard, NOBODY, NO_SEGMENTS, confirm, len(drives))
        highest = np.maximum(highest, now)
        value = observed.worth_mm * confirm.weights(observed.place)
        kept = np.bincount(observed.user_id, value * highest[observed.ride_index] / 1000, 7)
        assert (kept <= n_trusted * SEGMENT + 1e-3).all()


@settings(max_examples=40)
@given(rides, st.integers(0, 30), st.integers(0, 30))
def test_more_trust_never_confirms_less(drives, little: int, more: int) -> None:
    observed = cheat_rings.count(drives)
    heard = voices(observed, [(1, 2)], NOBODY, CONFIRM)
    low, high = (
        settle.shares(observed, heard, NOBODY, np.arange(5), trusting(one), len(drives))
        for one in (little, little + more)
    )
    assert (high >= low).all()


@pytest.mark.parametrize("n", [2, 11, 200])
def test_another_account_of_a_known_person_brings_nothing(n: int) -> None:
    """A9: an account a day, on a way of one's own and on one that others ride."""
    for way in (HERE, range(200, 260)):
        mine = [Drive(1000 + k % n, k % 17, way) for k in range(max(17, n))]
        one = [replace(drive, user_id=1000) for drive in mine]
        linked = [(1000, 1000 + k) for k in range(1, n)]
        who = {drive.user_id for drive in mine}
        assert verified([*mine, *CROWD], who, linked, CONFIRM) <= verified([*one, *CROWD], who, [], CONFIRM)


@settings(max_examples=40)
@given(rides, st.randoms(use_true_random=False))
def test_the_order_of_rows_and_names_decides_nothing(drives: list[Drive], shuffle) -> None:
    observed = cheat_rings.count(drives)
    order = list(range(len(observed)))
    shuffle.shuffle(order)
    mixed = observed.take(np.array(order, dtype=np.int64))
    heard = voices(observed, [(1, 2)], NOBODY, CONFIRM)
    assert voices(mixed, [(2, 1)], NOBODY, CONFIRM) == heard
    for confirm in (CONFIRM, trusting(5)):
        got = [
            settle.shares(one, heard, NOBODY, NO_SEGMENTS, confirm, len(drives)) for one in (observed, mixed)
        ]
        assert got[0].tolist() == got[1].tolist()


@settings(max_examples=40)
@given(rides)
def test_a_voice_more_never_takes_from_what_was_confirmed(drives: list[Drive]) -> None:
    """Given the groups: somebody new who rides everywhere on a day of their own confirms everything."""
    everywhere = [*drives, Drive(99, 50, range(0, 40))]
    heard = voices(cheat_rings.count(drives), [], NOBODY, CONFIRM)
    for confirm in (CONFIRM, trusting(5)):
        before, after = (
            settle.shares(cheat_rings.count(some), heard, NOBODY, NO_SEGMENTS, confirm, len(drives))
            for some in (drives, everywhere)
        )
        assert (after[: len(drives)] >= before).all()


@settings(max_examples=40)
@given(rides)
def test_a_share_is_of_all_and_of_what_counts_nowhere_nothing(drives: list[Drive]) -> None:
    observed = cheat_rings.count(drives)
    found = settle.shares(observed, voices(observed, [], NOBODY, CONFIRM), NOBODY, NO_SEGMENTS, CONFIRM)
    counts = np.bincount(observed.ride_index, observed.worth_mm) > 0
    assert ((found >= 0) & (found <= 1000)).all()
    assert (found[~counts] == 0).all()


@given(st.integers(0, 10**7), st.lists(st.integers(0, 1000), max_size=9))
def test_payments_telescope_to_the_last_millipoint(full: int, steps: list[int]) -> None:
    points, verified_points, share = settle.provisional(full, CONFIRM), 0, 0
    for now in sorted([*steps, 1000]):
        due, sure = settle.pay(full, share, now, CONFIRM)
        assert due >= 0 and sure >= 0
        points, verified_points, share = points + due, verified_points + sure, now
        assert points >= verified_points
    assert points == verified_points == full


def test_a_share_never_falls() -> None:
    assert settle.rise({"a": 500, "b": 200}, {"a": 400, "b": 300, "c": 0, "d": 1}) == {"b": 300, "d": 1}
