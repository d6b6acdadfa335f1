"""Whoever sends a copy of somebody else's ride takes nothing from them; what waits is paid or stays out."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from tests.points.hand import DAY_S, NOON_S, bus_ride
from tests.test_examined import send
from tests.test_publish import CONFIG, EAST, NOW_S, RULES, make
from tests.test_review_replay import desk
from transitmap import decided, erase, review, store
from transitmap.archive import Archive
from transitmap.points.review import DISMISSED
from transitmap.replay import replay

AWAY = [(0.0, 5000.0), (3000.0, 5000.0)]
ELSEWHERE = [(0.0, 9000.0), (3000.0, 9000.0)]
pytestmark = pytest.mark.usefixtures("own_rules_only")


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "archive")


def ride(session: Session, archive: Archive, who: str, way, day: int, by_s: float = 0.0) -> store.LedgerRow:
    """The line of a ride of that day, which nobody else sent but with `by_s`: then it is a copy of it."""
    (one,) = send(session, archive, who, bus_ride(way, NOON_S + day * DAY_S, day), by_s).rides
    return store.ledger_rows(session, ride_id=one.ride_id)[0]


def verified(session: Session, who: str) -> int:
    user = store.user_by_name(session, who)
    assert user is not None
    return sum(line.verified_millipoints for line in store.ledger_rows(session) if line.user_id == user.id)


def ids(session: Session) -> dict[str, int]:
    return {user.name: user.id for user in store.users(session)}


def steal(session: Session, archive: Archive) -> tuple[list[store.LedgerRow], store.LedgerRow]:
    """Ana rides, a thief sends a copy of it and rides where she will ride; her lines, and the thief's own."""
    lines = [ride(session, archive, "ana", EAST, 0)]
    assert ride(session, archive, "thief", EAST, 0, 5 * DAY_S).evidence["codes"] == ["copy"]
    theirs = ride(session, archive, "thief", AWAY, 1)
    lines.append(ride(session, archive, "ana", AWAY, 2))
    for day, who in enumerate(("caro", "dani", "eva"), 3):
        ride(session, archive, who, EAST, day)
        ride(session, archive, who, AWAY, day + 3)
    make(session, archive)
    return lines, theirs


def test_the_victim_is_paid_as_if_the_thief_were_not_there(session: Session, archive: Archive) -> None:
    (east, west), theirs = steal(session, archive)
    assert (theirs.millipoints, theirs.evidence["codes"]) == (0, ["waits"])
    assert "dos personas" in theirs.text_es
    assert set(west.evidence["length_m_by_earlier_observers"]) == {"0"}, "nobody was there before her"
    assert verified(session, "ana") == sum(line.evidence["full_millipoints"] for line in (east, west))
    assert verified(session, "thief") == 0
    assert replay(session, archive, CONFIG, RULES) == []


@pytest.mark.parametrize(("says", "is_paid"), [(store.TWO, True), (store.SAME, False)])
def test_what_waited_is_paid_once_somebody_says_that_they_are_two(
    session: Session, archive: Archive, says: str, is_paid: bool
) -> None:
    """To the last thousandth, though nothing was paid at once; of one person nothing is paid twice."""
    _, theirs = steal(session, archive)
    before, who = verified(session, "ana"), ids(session)
    rita = store.add_user(session, "rita", "hash", NOW_S, role="reviewer")
    decided.say_people(session, who["thief"], who["ana"], says, rita.id, NOW_S, "")
    make(session, archive)
    lines = [line for line in store.ledger_rows(session) if line.user_id == who["thief"]]
    worth = theirs.evidence["withheld_millipoints"] if is_paid else 0
    assert sum(line.millipoints for line in lines) == worth
    assert verified(session, "thief") == worth
    assert verified(session, "ana") == before
    assert replay(session, archive, CONFIG, RULES) == []
    more = ride(session, archive, "thief", ELSEWHERE, 9)
    assert more.millipoints > 0, "one person or two: either way somebody said so"
    assert replay(session, archive, CONFIG, RULES) == []


def test_a_thief_who_sends_it_first_delays_and_takes_nothing(session: Session, archive: Archive) -> None:
    """Ana's own ride came later, so all of hers waits: one look gives it back, and takes from the thief."""
    stolen = ride(session, archive, "thief", EAST, 0)
    own = ride(session, archive, "ana", EAST, 0, 300.0)
    assert own.evidence["codes"] == ["copy"]
    assert own.evidence["withheld_millipoints"] == stolen.evidence["full_millipoints"]
    mine = ride(session, archive, "ana", AWAY, 2)
    assert (mine.millipoints, mine.evidence["codes"]) == (0, ["waits"])
    for day, who in enumerate(("caro", "dani", "eva"), 3):
        ride(session, archive, who, EAST, day)
        ride(session, archive, who, AWAY, day + 3)
    make(session, archive)
    assert verified(session, "ana") == 0
    ana, row = store.user_by_name(session, "ana"), store.ride_by_id(session, mine.ride_id)
    assert review.why_no_appeal(session, ana, row) == ""
    rita = store.add_user(session, "rita", "hash", NOW_S, role="reviewer")
    (copied,) = store.findings(session)
    assert review.tie_of(session, copied, store.ride_by_id(session, copied.ride_id)) == review.WAITS
    (waiting,) = review.queue(session, rita, NOW_S)
    assert (
        waiting.item.millipoints_at_risk
        == sum(line.evidence["withheld_millipoints"] for line in (own, mine))
        * (1000 - waiting.item.right_permille)
        // 1000
    )
    assert review.look(desk(session), rita, copied.id, "first_recorded", "", NOW_S) == DISMISSED
    make(session, archive)
    both = [line for line in store.ledger_rows(session) if line.rule == "withheld"]
    assert verified(session, "ana") == sum(line.evidence["withheld_millipoints"] for line in both)
    assert verified(session, "thief") == 0
    assert sum(line.millipoints for line in store.ledger_rows(session, ride_id=stolen.ride_id)) == 0
    assert replay(session, archive, CONFIG, RULES) == []


@pytest.mark.parametrize("gone", ["thief", "ana"])
def test_a_replay_agrees_after_either_was_erased(session: Session, archive: Archive, gone: str) -> None:
    steal(session, archive)
    erase.erase(session, archive, store.user_by_name(session, gone), CONFIG, NOW_S)
    assert replay(session, archive, CONFIG, RULES) == []
    ride(session, archive, "thief" if gone == "ana" else "ana", ELSEWHERE, 11)
    make(session, archive)
    assert replay(session, archive, CONFIG, RULES) == []


def test_copies_of_two_riders_do_not_make_one_of_them(session: Session, archive: Archive) -> None:
    ride(session, archive, "ana", EAST, 0)
    ride(session, archive, "beto", AWAY, 1)
    ride(session, archive, "thief", EAST, 0, 5 * DAY_S)
    ride(session, archive, "thief", AWAY, 1, 5 * DAY_S)
    ride(session, archive, "ana", AWAY, 3)
    ride(session, archive, "beto", EAST, 4)
    make(session, archive)
    settled = store.settlements(session)[-1].inputs
    assert settled["linked"] == []
    who = ids(session)
    assert store.read_under(store.bound_riders(session)) == {who["thief"]: who["ana"]}
    lines = [line for line in store.ledger_rows(session) if line.user_id in (who["ana"], who["beto"])]
    assert all("one_person_before_m" not in line.evidence for line in lines)
    assert len([line for line in lines if line.kind == "award" and line.millipoints]) == 4
