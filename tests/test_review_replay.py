"""A person finds nothing wrong with a ride that was withheld: it is paid like others; a replay agrees."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from tests.points.hand import DAY_S, NOON_S, bus_ride
from tests.test_examined import send
from tests.test_publish import CONFIG, EAST, NORTH, NOW_S, RULES, make
from transitmap import decided, review, store
from transitmap.archive import Archive
from transitmap.points.review import DISMISSED, UPHELD, Looks
from transitmap.replay import replay

pytestmark = pytest.mark.usefixtures("own_rules_only")


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "archive")


def desk(session: Session) -> review.Desk:
    return review.Desk(session, RULES, CONFIG.feed.timezone, b"k" * 32, Looks(0, 0, False))


def test_a_dismissed_finding_pays_all_of_it_once_others_confirm(session: Session, archive: Archive) -> None:
    rita = store.add_user(session, "Rita", "hash", NOW_S, role="reviewer")
    for number in range(4):
        send(session, archive, f"rider {number}", bus_ride(EAST, NOON_S + number * DAY_S, number))
    send(session, archive, "eva", bus_ride(NORTH, NOON_S + 6 * DAY_S, 5))  # she lent a friend her account
    (ride,) = send(session, archive, "eva", bus_ride(EAST, NOON_S + 6 * DAY_S, 6)).rides
    make(session, archive)
    (award,) = store.ledger_rows(session, ride_id=ride.ride_id)
    whole = award.evidence["withheld_millipoints"]
    findings = store.findings(session, ride.ride_id)
    for finding in findings:
        assert review.look(desk(session), rita, finding.id, "own_ride", "", NOW_S) == DISMISSED
    paid = store.ledger_rows(session, ride_id=ride.ride_id)
    assert sum(line.millipoints for line in paid) == whole * RULES.provisional_permille // 1000
    assert replay(session, archive, CONFIG, RULES) == []
    send(session, archive, "more", bus_ride(EAST, NOON_S + 9 * DAY_S, 9))
    make(session, archive)
    paid = store.ledger_rows(session, ride_id=ride.ride_id)
    confirmed = [line for line in paid if line.kind == "confirmation"]
    assert len(confirmed) == 1
    assert sum(line.millipoints for line in paid) == sum(line.verified_millipoints for line in paid) == whole
    assert replay(session, archive, CONFIG, RULES) == []


def test_what_was_upheld_leaves_the_count_and_a_replay_agrees(session: Session, archive: Archive) -> None:
    rita = store.add_user(session, "Rita", "hash", NOW_S, role="reviewer")
    for number in range(4):
        send(session, archive, f"rider {number}", bus_ride(EAST, NOON_S + number * DAY_S, number))
    make(session, archive)
    (ride,) = [row for row in store.rides_after(session) if row.sequence == 2]
    finding = store.FindingRow(ride_id=ride.id, code="car", tier="soft", score=0.5, evidence={}, made_s=NOW_S)
    session.add(finding)
    session.flush()
    assert review.look(desk(session), rita, finding.id, "by_car", "", NOW_S) == UPHELD
    assert sum(line.millipoints for line in store.ledger_rows(session, ride_id=ride.id)) == 0
    send(session, archive, "more", bus_ride(EAST, NOON_S + 9 * DAY_S, 9))
    make(session, archive)
    assert ride.user_id not in {
        who for _, who, _ in store.all_observations(session, store.latest_feed(session).id)
    }
    assert sum(line.millipoints for line in store.ledger_rows(session, ride_id=ride.id)) == 0
    differences = replay(session, archive, CONFIG, RULES)
    assert [one.what for one in differences] == ["findings"]  # nobody but this test found it a car


def test_accounts_of_one_person_are_paid_as_one_from_the_next_ride_on(
    session: Session, archive: Archive
) -> None:
    """Linked, then said to be two: each ride is paid by what held then, and a replay says the same."""
    rita = store.add_user(session, "Rita", "hash", NOW_S, role="reviewer")

    def ride(name: str, day: int) -> int:
        (one,) = send(session, archive, name, bus_ride(EAST, NOON_S + day * DAY_S, day)).rides
        return one.millipoints

    assert ride("ana", 0) > 0
    assert ride("beto", 1) > 0  # nobody knows yet
    ids = {user.name: user.id for user in store.users(session)}
    store.lock_ledger(session)
    decided.say_people(session, ids["ana"], ids["beto"], store.SAME, rita.id, NOW_S, "")
    session.commit()
    assert [ride("caro", 2) > 0, ride("beto", 3), ride("dani", 4) > 0] == [True, 0, True]
    make(session, archive)
    assert replay(session, archive, CONFIG, RULES) == []
    assert ride("beto", 5) == 0
    store.lock_ledger(session)
    decided.say_people(session, ids["ana"], ids["beto"], store.TWO, rita.id, NOW_S, "")
    session.commit()
    assert ride("eva", 6) > 0
    assert ride("beto", 7) > 0  # the feed was counted while they were one: only ana was there
    make(session, archive)
    assert replay(session, archive, CONFIG, RULES) == []
