from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import cheat_rings, stolen_copies
from benchmarks.cheat_rings import RULES, Drive
from benchmarks.stolen_copies import one_person_each
from transitmap import decided, store
from transitmap.model import Finding, Segments, Terms
from transitmap.points.score import score
from transitmap.points.voices import one_person
from transitmap.publish import by_person

ALONE = dataclasses.replace(cheat_rings.CONFIRM, group_max=1)
Own = tuple[int, int, int, int]
"""(account, day, first segment, how many)."""
own_rides = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 6), st.integers(0, 12), st.integers(1, 9)), max_size=9
)
other_rides = st.lists(
    st.tuples(st.integers(20, 24), st.integers(0, 6), st.integers(0, 12), st.integers(1, 9)), max_size=9
)


def paid(drives: list[Drive], linked: list[tuple[int, int]]) -> dict[int, tuple[int, int]]:
    """(at once, verified) thousandths of a point by account, at most nine points a day."""
    return stolen_copies.paid(drives, one_person_each(linked), limit=9_000, confirm=ALONE)


@given(own_rides, other_rides, st.randoms(use_true_random=False))
def test_the_nth_account_of_one_person_earns_nothing_in_any_order(
    own: list[Own], others: list[Own], random
) -> None:
    """At once, and of what is confirmed: to the thousandth what one account would have got."""
    rides = [(1 + who, True, *rest) for who, *rest in own] + [(who, False, *rest) for who, *rest in others]
    random.shuffle(rides)
    drives = [Drive(who, day, range(first, first + n)) for who, _, day, first, n in rides]
    single = [
        dataclasses.replace(drive, user_id=1 if is_own else drive.user_id)
        for drive, (_, is_own, *_) in zip(drives, rides, strict=True)
    ]
    linked = [(1, other) for other in range(2, 6)]
    one, many = paid(single, []), paid(drives, linked)
    mine = [many.get(who, (0, 0)) for who in range(1, 6)]
    assert (sum(now for now, _ in mine), sum(later for _, later in mine)) == one.get(1, (0, 0))
    assert [many.get(who) for who in range(20, 25)] == [one.get(who) for who in range(20, 25)]


def test_accounts_that_nothing_links_are_two_people() -> None:
    """What the test above would not see if links did nothing."""
    drives = [Drive(1, 1, range(20)), Drive(2, 2, range(20))]
    apart, together = paid(drives, [])[2], paid(drives, [(1, 2)])[2]
    assert apart[0] > 0 and together == (0, 0)


def test_links_join_all_they_reach() -> None:
    assert one_person([(1, 2), (4, 5), (2, 3)]) == {
        **dict.fromkeys((1, 2, 3), frozenset({1, 2, 3})),
        **dict.fromkeys((4, 5), frozenset({4, 5})),
    }
    assert one_person([(1, 2), (3, 4), (2, 3)])[4] == {1, 2, 3, 4}


def test_a_ride_of_another_account_says_why_it_earns_nothing() -> None:
    zeros, segment = np.zeros(20, dtype=np.int64), np.arange(20)
    rows = Segments(zeros, zeros, zeros, segment, zeros + 9, zeros + 100_000, zeros + 100_000)
    observers = {where: [(1, 8)] for where in range(20)}
    (award,) = score(rows, 2, observers, RULES, terms=Terms(also=frozenset({1}))).awards
    assert award.millipoints == 0
    assert award.evidence["one_person_before_m"] == 2_000
    assert "otra cuenta que tomamos por tuya" in award.text_es
    assert "ask for a second look" in award.text_en


NOW_S = 1_790_000_000.0


@pytest.fixture
def people(session) -> dict[str, int]:
    return {name: store.add_user(session, name, "", NOW_S).id for name in ("Ana", "Beto", "Caro", "Dani")}


@pytest.fixture
def add_ride(session) -> Callable[[int], str]:
    def add(user_id: int) -> str:
        number = store.next_ride_sequence(session)
        upload, _ = store.add_upload(session, user_id, f"{number:064d}", "a.gpx", 5, NOW_S)
        ride_id = f"{upload.id}.1"
        columns = {"name": "", "n_fixes": 9, "dropped": {}, "warnings": [], "mode": "bus", "stretch": {}}
        columns |= {"started_s": NOW_S, "distance_m": 9.0, "packed_sha256": "0" * 64}
        row = store.RideRow(
            sequence=number, id=ride_id, upload_id=upload.id, user_id=user_id, ordinal=1, **columns
        )
        store.add_rides(session, [row])
        return ride_id

    return add


def test_ties_hold_from_the_next_ride_on_and_are_never_changed(session, people, add_ride) -> None:
    """A copy binds who sent it, a person unbinds them, and what held at each ride stays known."""
    ana, beto, caro = people["Ana"], people["Beto"], people["Caro"]
    mine, copy = add_ride(ana), add_ride(beto)
    store.add_findings(session, copy, [Finding("copy_redated", "hard", 1.0, {}, mine, "", "")], NOW_S)
    store.retie(session, NOW_S)
    store.retie(session, NOW_S)  # twice says nothing more
    assert [(one.user_id, one.other_id, one.is_one, one.from_sequence) for one in store.ties(session)] == [
        (beto, ana, True, 3)
    ]
    add_ride(caro)
    decided.say_people(session, beto, ana, store.TWO, caro, NOW_S, "")
    assert store.bound_riders(session) == []
    noted = store.ties(session)
    assert [store.tied(noted, sequence) for sequence in (2, 3, 4)] == [set(), {(beto, ana)}, set()]
    assert store.tied(noted) == set()
    decided.say_people(session, ana, beto, store.SAME, caro, NOW_S, "")
    assert store.tied(store.ties(session)) == {(ana, beto), (beto, ana)}
    assert len(store.ties(session)) == 4


def test_a_likeness_ties_once_a_person_upholds_it_and_what_was_found_wrong_does_not(
    session, people, add_ride
) -> None:
    ana, beto = people["Ana"], people["Beto"]
    mine, alike = add_ride(ana), add_ride(beto)
    store.add_findings(session, alike, [Finding("alike", "soft", 1.0, {}, mine, "", "")], NOW_S)
    assert store.bound_riders(session) == []
    store.add_findings(session, alike, [Finding("copy", "hard", 1.0, {}, mine, "", "")], NOW_S)
    assert store.bound_riders(session) == [(beto, ana)]
    likeness, copy = store.findings(session, alike)
    for states, bound in ((("open", "dismissed"), []), (("upheld", "dismissed"), [(beto, ana)])):
        likeness.state, copy.state = states
        session.flush()
        store.retie(session, NOW_S)
        assert sorted(store.tied(store.ties(session))) == bound


def test_of_a_copy_only_who_sent_it_waits_and_nobody_is_joined_through_them() -> None:
    """Beto (2) sent copies of what Ana (1) and Caro (3) rode: these two stay two."""
    bound = {(2, 1), (2, 3)}
    assert store.both_ways(bound) == []
    assert store.waiting(bound) == {2}
    assert store.read_under(bound) == {2: 1}
    assert store.read_under({(1, 2)}) == {1: 2}, "the older account sent the copy"
    assert store.read_under({(3, 2), (2, 1)}) == {2: 1, 3: 1}
    assert store.read_under({(1, 2), (2, 3), (3, 1)}) == {1: 1, 2: 1, 3: 1}, "who began it, nobody knows"


def test_copies_both_ways_and_a_persons_word_make_one_person() -> None:
    bound = {(1, 2), (2, 1), (3, 2)}
    assert store.both_ways(bound) == [(1, 2)]
    assert store.waiting(bound) == {3}
    assert store.read_under(bound) == {1: 1, 2: 1, 3: 1}


def test_what_waited_stays_out_where_the_accounts_turn_out_to_be_one_persons(
    session, people, add_ride
) -> None:
    """The other account was paid for it meanwhile; where they are two, all of it counts."""
    ana, beto, rita = people["Ana"], people["Beto"], people["Dani"]
    early, mine = add_ride(beto), add_ride(ana)
    copy = add_ride(beto)
    store.add_findings(session, copy, [Finding("copy", "hard", 1.0, {}, mine, "", "")], NOW_S)
    store.retie(session, NOW_S)
    later = add_ride(beto)
    assert store.waiting_rides(session) == {early, copy, later}
    assert set(store.people_decided(session)["withheld"]) == {early, copy, later}
    decided.say_people(session, ana, beto, store.SAME, rita, NOW_S, "")
    assert store.waiting_rides(session) == {later}
    decided.say_people(session, ana, beto, store.TWO, rita, NOW_S, "")
    assert store.waiting_rides(session) == set()
    assert store.people_decided(session)["withheld"] == [copy]


def test_prizes_follow_the_last_word(session, people) -> None:
    ana, beto = people["Ana"], people["Beto"]
    decided.say_people(session, beto, ana, store.SAME, people["Dani"], NOW_S, "")
    assert store.same_people(session) == {beto: ana}
    decided.say_people(session, ana, beto, store.TWO, people["Dani"], NOW_S, "")
    assert store.same_people(session) == {}


def test_inference_counts_one_persons_accounts_as_one_rider() -> None:
    from tests.points.hand import ride_along

    rides = [
        dataclasses.replace(ride_along([(0.0, 0.0), (900.0, 0.0)]), ride_id=f"r{k}", rider_id=str(k))
        for k in (7, 12, 9)
    ]
    named = by_person(rides, {12: 7})
    assert [ride.rider_id for ride in named] == ["7", "7", "9"]
    assert [ride.ride_id for ride in named] == ["r7", "r12", "r9"]
    assert [ride.rider_id for ride in rides] == ["7", "12", "9"]
