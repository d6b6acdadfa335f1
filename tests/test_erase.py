"""Erasing somebody: nothing of them is left anywhere, and everybody else's points are proved as before."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from tests.test_publish import CONFIG, EAST, NOW_S, RULES, make, ride_the_city, send
from transitmap import erase, pipeline, store
from transitmap.archive import Archive
from transitmap.points.standings import board
from transitmap.publish import replay


@pytest.fixture(autouse=True)
def _own_rules_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """The validators of others take a second a feed and are not what is tested here."""
    monkeypatch.setattr(pipeline.validate, "canonical", lambda *a: [])
    monkeypatch.setattr(pipeline.validate, "analyzer", lambda *a: [])


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "archive")


def rub_out(session: Session, archive: Archive, name: str) -> store.Trail:
    user = store.user_by_name(session, name)
    assert user is not None
    return erase.erase(session, archive, user, CONFIG, NOW_S)


def points(session: Session) -> dict[str, int]:
    return {row.name: row.millipoints for row in store.standings_rows(session)}


def test_others_points_stay_and_can_be_replayed(session: Session, archive: Archive) -> None:
    """Before, between and after feeds, with people erased who were first, last and in between."""
    ride_the_city(session, archive, range(3), 1000)
    make(session, archive)
    ride_the_city(session, archive, range(3, 7), 2000)
    before = points(session)
    assert replay(session, archive, CONFIG, RULES) == []
    gone = ["rider 1", "rider 4"]
    trails = [rub_out(session, archive, name) for name in gone]
    assert replay(session, archive, CONFIG, RULES) == []
    after = points(session)
    assert sum(after.values()) == sum(before.values())
    assert {name: n for name, n in after.items() if not name.startswith(store.NOBODY)} == {
        name: n for name, n in before.items() if name not in gone
    }
    assert {place.name for place in board(store.standings_rows(session))} == set(before) - set(gone)
    ride_the_city(session, archive, range(7, 9), 3000)
    assert replay(session, archive, CONFIG, RULES) == []
    assert store.must_forget(session)
    feed = make(session, archive)
    assert not store.must_forget(session)
    assert feed.n_rides == len(store.rides_after(session))
    ride_the_city(session, archive, range(9, 11), 4000)
    assert replay(session, archive, CONFIG, RULES) == []
    assert all(trail.blobs and not any(map(archive.has, trail.blobs)) for trail in trails)


def test_a_replay_still_finds_a_forged_line(session: Session, archive: Archive) -> None:
    """Or the one above would say nothing."""
    ride_the_city(session, archive, range(3), 1000)
    rub_out(session, archive, "rider 1")
    anybody = store.rides_after(session)[0].user_id
    seen = (store.NO_NETWORK, 12345, anybody, 20_000)
    session.add(
        store.Observation(network_version=seen[0], segment=seen[1], user_id=seen[2], day=seen[3], place=0)
    )
    session.flush()
    assert [one.what for one in replay(session, archive, CONFIG, RULES)] == ["observers under no feed"]


def test_the_bytes_of_others_stay(session: Session, archive: Archive) -> None:
    """Refused bytes may be several people's, and anybody can send the public feed as a trace."""
    for name in ("ana", "beto"):
        store.add_user(session, name, "hash", NOW_S)
    for number in range(4):
        send(session, archive, f"rider {number}", EAST, number, number)
    feed = make(session, archive)
    own = {}
    for name, body in (("ana", b""), ("beto", b""), ("ana", archive.get(feed.feed_sha256)), ("ana", b"mine")):
        user = store.user_by_name(session, name)
        own[name] = archive.put(body)
        upload, _ = store.add_upload(session, user.id, own[name], "a.gpx", len(body), NOW_S)
        store.settle_upload(session, upload, store.REFUSED, "not_a_trace")
    rub_out(session, archive, "ana")
    assert archive.has(feed.feed_sha256)
    assert archive.has(own["beto"])
    assert not archive.has(own["ana"])
    rub_out(session, archive, "beto")
    assert not archive.has(own["beto"])
