"""Why points wait: each state of a ride in a small world, and that what is told to wait is what comes."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from tests.conftest import on_sqlite
from tests.test_publish import EAST, NOW_S, make
from tests.test_stolen_copies import AWAY, ELSEWHERE, ids, ride, steal
from transitmap import decided, store, unconfirmed
from transitmap.archive import Archive
from transitmap.unconfirmed import ACCOUNT, FIRST_MAP, LOOK, NEXT_MAP, ONE_PERSON, OTHERS, OVER, Wait

pytestmark = pytest.mark.usefixtures("own_rules_only")


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "archive")


def waits(session: Session, who: str) -> list[Wait]:
    user_id = ids(session)[who]
    return unconfirmed.waits_of(session, user_id, store.ledger_rows(session, user_id=user_id))


def town(session: Session, archive: Archive) -> None:
    """Others far away, so that there is a map."""
    for day, who in enumerate(("xena", "yuri", "zoe"), 20):
        ride(session, archive, who, ELSEWHERE, day)
    make(session, archive)


def whys(session: Session, who: str) -> list[str]:
    return [one.why for one in waits(session, who)]


@on_sqlite
def test_a_ride_waits_for_a_map_then_for_others_then_for_nothing(session: Session, archive: Archive) -> None:
    """What is told to wait is to the last thousandth what comes."""
    line = ride(session, archive, "ana", EAST, 0)
    rest = line.evidence["full_millipoints"] - line.millipoints
    (wait,) = waits(session, "ana")
    assert (wait.why, wait.millipoints, wait.permille) == (FIRST_MAP, rest, 0)
    town(session, archive)
    (wait,) = waits(session, "ana")
    assert (wait.why, wait.millipoints, wait.permille) == (OTHERS, rest, 0)
    ride(session, archive, "beto", EAST, 1)
    assert (whys(session, "ana"), whys(session, "beto")) == ([OTHERS], [NEXT_MAP])
    make(session, archive)
    assert (waits(session, "ana"), waits(session, "beto")) == ([], [])
    paid = sum(one.millipoints for one in store.ledger_rows(session, ride_id=line.ride_id))
    assert paid == line.millipoints + rest


@on_sqlite
@pytest.mark.parametrize("tier", ["soft", "hard"])
def test_a_ride_that_looks_odd_waits_for_a_person_and_then_for_the_next_map(
    session: Session, archive: Archive, tier: str
) -> None:
    line = ride(session, archive, "ana", EAST, 0)
    ride(session, archive, "beto", EAST, 1)
    finding = store.FindingRow(
        ride_id=line.ride_id, code="car", tier=tier, score=0.9, evidence={}, made_s=NOW_S
    )
    session.add(finding)
    session.flush()
    assert whys(session, "ana") == [LOOK]
    make(session, archive)
    assert (whys(session, "ana"), whys(session, "beto")) == ([LOOK], [OTHERS])
    finding.state = "upheld"
    session.flush()
    assert waits(session, "ana") == [], "a person found that it earns nothing: nothing waits"
    finding.state = "dismissed"
    session.flush()
    assert whys(session, "ana") == [NEXT_MAP]
    make(session, archive)
    assert (waits(session, "ana"), waits(session, "beto")) == ([], [])


@on_sqlite
@pytest.mark.parametrize("says", [store.TWO, store.SAME])
def test_all_rides_of_an_account_that_sent_a_copy_wait_until_a_person_says(
    session: Session, archive: Archive, says: str
) -> None:
    """Also what it had been paid a part of before."""
    ride(session, archive, "thief", ELSEWHERE, 15)
    _, theirs = steal(session, archive)
    told = {one.ride_id: one for one in waits(session, "thief")}
    assert {one.why for one in told.values()} == {LOOK, ACCOUNT}
    assert len(told) == 3
    assert told[theirs.ride_id].millipoints == theirs.evidence["withheld_millipoints"]
    assert not set(whys(session, "ana")) & {LOOK, ACCOUNT}, "whose ride was copied waits for nobody"
    rita = store.add_user(session, "rita", "hash", NOW_S, role="reviewer")
    who = ids(session)
    decided.say_people(session, who["thief"], who["ana"], says, rita.id, NOW_S, "")
    after = {one.ride_id: one.why for one in waits(session, "thief")}
    assert after[theirs.ride_id] == (NEXT_MAP if says == store.TWO else ONE_PERSON)
    make(session, archive)
    after = {one.ride_id: one.why for one in waits(session, "thief")}
    assert after.get(theirs.ride_id, "") == ("" if says == store.TWO else ONE_PERSON)


@on_sqlite
def test_after_a_campaign_was_closed_nothing_waits_any_more(session: Session, archive: Archive) -> None:
    """It says so, and not that somebody else should ride."""
    race = store.Campaign(
        slug="race", name_es="Carrera", name_en="Race", state="open", made_s=0.0, opened_s=0.0
    )
    session.add(race)
    session.flush()
    line = ride(session, archive, "ana", EAST, 0)
    town(session, archive)
    assert [(one.why, one.campaign_id) for one in waits(session, "ana")] == [(OTHERS, race.id)]
    told = {"code": "car", "tier": "shadow", "score": 0.9, "evidence": {}, "made_s": NOW_S}
    session.add(store.FindingRow(ride_id=line.ride_id, **told))
    session.flush()
    assert whys(session, "ana") == [OTHERS], "what is in shadow is no reason"
    race.state, race.frozen_s = "frozen", NOW_S
    assert whys(session, "ana") == [OTHERS], "until the close others still confirm it"
    race.state, race.closed_s = "closed", NOW_S
    session.flush()
    assert whys(session, "ana") == [OVER]


def test_a_rider_reads_of_own_rides_alone_and_which_the_last_map_knew(
    session: Session, archive: Archive
) -> None:
    first, second = (ride(session, archive, "ana", way, day) for day, way in enumerate((EAST, AWAY)))
    other = ride(session, archive, "beto", EAST, 2)
    inputs = {"withheld": [], "held": []}
    last = store.Settlement(number=1, network_version="1-abc", through_sequence=1, through_decision=0,
                            made_s=NOW_S, n_lines=0, inputs=inputs)  # fmt: skip
    store.add_settlement(session, last, {})
    everybody = store.ledger_rows(session)
    told = unconfirmed.waits_of(session, ids(session)["ana"], everybody)
    assert [(one.ride_id, one.why) for one in told] == [(first.ride_id, OTHERS), (second.ride_id, NEXT_MAP)]
    assert other.ride_id not in {one.ride_id for one in told}


@on_sqlite
def test_a_ride_that_brought_nothing_waits_for_nothing(session: Session, archive: Archive) -> None:
    ride(session, archive, "ana", EAST, 0)
    again = ride(session, archive, "ana", EAST, 1)
    assert again.evidence["full_millipoints"] == 0
    assert again.ride_id not in {one.ride_id for one in waits(session, "ana")}


def test_somebody_is_known_under_each_account_of_the_person(session: Session) -> None:
    ana, other = (store.add_user(session, name, "", 1.0).id for name in ("ana", "ana again"))
    olga = store.add_user(session, "olga", "", 1.0, role="organiser").id
    assert unconfirmed.account_of(session, ana) == unconfirmed.Account(False, False)
    decided.say_met(session, other, True, olga, NOW_S, "")
    assert not unconfirmed.account_of(session, ana).is_met
    decided.say_people(session, ana, other, store.SAME, olga, NOW_S, "")
    assert unconfirmed.account_of(session, ana).is_met
    decided.say_met(session, other, False, olga, NOW_S, "")
    assert not unconfirmed.account_of(session, ana).is_met
