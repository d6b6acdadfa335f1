"""A ride is looked at when it is understood: withheld rides earn and observe nothing, and a replay agrees."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from tests.points.hand import DAY_S, NOON_S, bus_ride, gpx_of
from tests.test_publish import CONFIG, EAST, NORTH, NOW_S, RULES, make
from transitmap import contribute as contribution
from transitmap import erase, examined, store
from transitmap.archive import Archive
from transitmap.contribute import contribute
from transitmap.examined import EXAMINED_FROM, withhold
from transitmap.model import Award, Finding
from transitmap.points.score import NOBODY
from transitmap.receipt import Receipt
from transitmap.replay import replay

pytestmark = pytest.mark.usefixtures("own_rules_only")


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "archive")


def send(session: Session, archive: Archive, who: str, ride, by_s: float = 0.0) -> Receipt:
    """What becomes of a ride moved in time."""
    user = store.user_by_name(session, who) or store.add_user(session, who, "hash", NOW_S)
    fixes = dataclasses.replace(ride.fixes, time_s=ride.fixes.time_s + by_s)
    body = gpx_of(dataclasses.replace(ride, fixes=fixes))
    return contribute(session, archive, user, f"{who}{by_s}.gpx", body, CONFIG, RULES, NOW_S)


def test_a_copy_of_another_day_earns_and_observes_nothing(session: Session, archive: Archive) -> None:
    ride = bus_ride(EAST, NOON_S, 1)
    assert send(session, archive, "ana", ride).millipoints > 0
    for who, by_s in (("ana", DAY_S), ("beto", 2 * DAY_S + 300.0)):
        (copy,) = send(session, archive, who, ride, by_s).rides
        (line,) = copy.lines
        assert (line.rule, line.millipoints) == ("withheld", 0)
        assert "revisión" in line.text_es
        assert "review" in line.text_en
        (row,) = store.ledger_rows(session, ride_id=copy.ride_id)
        assert row.evidence["codes"] == ["copy"]
        assert [one.tier for one in store.findings(session, copy.ride_id)] == ["hard"]
    assert row.evidence["withheld_millipoints"] > 0
    observers = store.all_observations(session, store.NO_NETWORK)
    assert len({who for _, who, _ in observers} - {NOBODY}) == 1
    assert send(session, archive, "carla", bus_ride(EAST, NOON_S + DAY_S, 7)).millipoints > 0


def test_a_replay_finds_the_same_before_and_after_a_feed(session: Session, archive: Archive) -> None:
    for number in range(4):
        send(session, archive, f"rider {number}", bus_ride(EAST, NOON_S + number * DAY_S, number))
    send(session, archive, "thief", bus_ride(EAST, NOON_S, 0), 5 * DAY_S)
    make(session, archive)
    send(session, archive, "thief", bus_ride(EAST, NOON_S + DAY_S, 1), 7 * DAY_S)
    send(session, archive, "eva", bus_ride(EAST, NOON_S + 9 * DAY_S, 9))
    assert {row.rule for row in store.ledger_rows(session)} >= {"withheld", "new_metres"}
    assert len({one.ride_id for one in store.findings(session) if one.tier == "hard"}) == 2
    assert replay(session, archive, CONFIG, RULES) == []
    store.findings(session)[0].score = 0.123
    session.flush()
    (difference,) = replay(session, archive, CONFIG, RULES)
    assert difference.what == "findings"


def test_whoever_was_copied_may_be_erased(session: Session, archive: Archive) -> None:
    send(session, archive, "ana", bus_ride(NORTH, NOON_S, 1))
    send(session, archive, "beto", bus_ride(NORTH, NOON_S, 1), 3 * DAY_S)
    ana = store.user_by_name(session, "ana")
    assert ana is not None
    erase.erase(session, archive, ana, CONFIG, NOW_S)
    (found,) = store.findings(session)
    assert found.other_ride_id == ""
    assert replay(session, archive, CONFIG, RULES) == []


@pytest.fixture
def between(session: Session, monkeypatch: pytest.MonkeyPatch):
    """Lets something happen, once, between the look at a ride and the lock under which it is paid."""

    def happen(act: Callable[[Session], object]) -> None:
        left, real = [act], contribution._looked_ahead

        def looked_ahead(*told: Any) -> list[examined.Look]:
            looks = real(*told)
            if left:
                with store.session(session.get_bind().engine) as other:
                    left.pop()(other)
            return looks

        monkeypatch.setattr(contribution, "_looked_ahead", looked_ahead)

    return happen


def test_a_ride_that_came_between_look_and_lock_is_compared(session, archive, between) -> None:
    ride = bus_ride(EAST, NOON_S, 1)
    between(lambda other: send(other, archive, "ana", ride))
    (copy,) = send(session, archive, "beto", ride, 2 * DAY_S).rides
    (found,) = store.findings(session, copy.ride_id)
    assert (found.code, found.tier) == ("copy", "hard")
    assert found.other_ride_id != copy.ride_id
    assert replay(session, archive, CONFIG, RULES) == []


def test_who_was_erased_between_look_and_lock_was_copied_by_nobody(session, archive, between) -> None:
    ride = bus_ride(EAST, NOON_S, 1)
    send(session, archive, "ana", ride)
    ana = store.user_by_name(session, "ana")
    session.commit()
    between(lambda other: erase.erase(other, archive, other.merge(ana), CONFIG, NOW_S))
    (own,) = send(session, archive, "beto", ride, 2 * DAY_S).rides
    assert store.findings(session, own.ride_id) == []
    assert own.millipoints > 0
    assert replay(session, archive, CONFIG, RULES) == []


def test_what_was_compared_ahead_is_not_compared_again(session, archive, monkeypatch) -> None:
    send(session, archive, "ana", bus_ride(EAST, NOON_S, 1))
    compared: list[bool] = []

    def look_beside(*told: Any) -> Any:
        compared.append(session.in_transaction())
        return real(*told)

    real = examined.look_beside
    monkeypatch.setattr(examined, "look_beside", look_beside)
    send(session, archive, "beto", bus_ride(EAST, NOON_S, 1), 2 * DAY_S)
    assert compared == [False]


def test_rides_from_before_anybody_looked_are_left_as_they_were(session: Session, archive: Archive) -> None:
    """An installation that is upgraded has paid rides that nobody looked at."""
    send(session, archive, "ana", bus_ride(EAST, NOON_S, 1))
    assert store.fact(session, EXAMINED_FROM) == "1"
    (line,) = store.ledger_rows(session)
    assert line.rule == "new_metres"
    send(session, archive, "beto", bus_ride(EAST, NOON_S, 1), 3 * DAY_S)
    (copy,) = store.findings(session)
    session.delete(copy)
    session.flush()
    assert replay(session, archive, CONFIG, RULES) != []
    store.set_fact(session, EXAMINED_FROM, "3")
    told = [one for one in replay(session, archive, CONFIG, RULES) if one.what == "findings"]
    assert told == []


def test_who_shares_marks_is_found_and_only_the_rider_around_that_time(
    session: Session, archive: Archive
) -> None:
    (ride,) = send(session, archive, "ana", bus_ride(EAST, NOON_S, 1)).rides
    send(session, archive, "beto", bus_ride(NORTH, NOON_S, 2))
    ana = store.user_by_name(session, "ana")
    assert ana is not None
    bands = [mark.band for mark in session.query(store.Mark).filter_by(ride_id=ride.ride_id)]
    assert bands
    assert store.sharing(session, bands) == {1: len(bands)}
    assert [row.id for row in store.rides_at(session, [1])] == [ride.ride_id]
    assert [row.id for row in store.rides_around(session, ana.id, NOON_S, NOON_S + 60)] == [ride.ride_id]
    assert store.rides_around(session, ana.id, NOON_S - 900, NOON_S - 600) == []


def test_a_withheld_ride_tells_what_its_worth_was_multiplied_by() -> None:
    """A replay has nothing else to know it by."""
    finding = Finding("copy", "hard", 1.0, {}, "", "es", "en")
    awards = [
        Award("new_metres", 5, {"full_millipoints": 20, "mission_id": 3, "mission_permille": 1500}, "", ""),
        Award("more_observers", 5, {"full_millipoints": 10, "equity_permille": 1200}, "", ""),
    ]
    evidence = withhold([finding], awards).evidence
    told = {"mission_id": 3, "mission_permille": 1500, "equity_permille": 1200}
    assert evidence == {"full_millipoints": 0, "withheld_millipoints": 30, "codes": ["copy"], **told}
