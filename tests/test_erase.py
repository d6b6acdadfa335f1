"""Erasing somebody: nothing of them is left anywhere, and everybody else's points are proved as before."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from tests.machine import small_disk
from tests.points.hand import NOON_S, bus_ride, gpx_of
from tests.test_publish import CONFIG, EAST, NOW_S, RULES, TODAY, make, ride_the_city, send
from transitmap import decided, erase, store
from transitmap import publish as publishing
from transitmap.archive import Archive
from transitmap.config import RetentionConfig
from transitmap.contribute import understand
from transitmap.errors import FeedInvalid, NothingToPublish, RidesWithdrawn, RollbackRefused
from transitmap.model import Notice
from transitmap.points.standings import board
from transitmap.replay import replay
from transitmap.versions import history, roll_back

pytestmark = pytest.mark.usefixtures("own_rules_only")


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
    ride_the_city(session, archive, range(2), 1000)
    make(session, archive)
    ride_the_city(session, archive, range(2, 4), 2000)
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
    ride_the_city(session, archive, range(4, 5), 3000)
    assert replay(session, archive, CONFIG, RULES) == []
    assert store.must_forget(session)
    feed = make(session, archive)
    assert not store.must_forget(session)
    assert feed.n_rides == len(store.rides_after(session))
    ride_the_city(session, archive, range(5, 6), 4000)
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


# --- a full disk -------------------------------------------------------------------------------------


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path, size_mb=12) as place:
        yield place


def fill(place: Path) -> None:
    """Writes until not one byte more fits."""
    with (place / "filler").open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            while True:
                try:
                    file.write(b"x" * size)
                except OSError:
                    break


@pytest.mark.parametrize("ballast_bytes", [0, 4_000_000])
def test_somebody_is_erased_on_a_full_disk(disk: Path, sqlite_template: Path, ballast_bytes: int) -> None:
    """With the ballast it works; without it deleting fails, or the ballast would prove nothing."""
    shutil.copyfile(sqlite_template, disk / "city.db")
    engine, archive = (
        store.open_engine(f"sqlite:///{disk / 'city.db'}"),
        Archive(disk / "archive"),
    )
    config = replace(CONFIG, retention=RetentionConfig(ballast_bytes=ballast_bytes))
    with store.session(engine) as session:
        for number in range(4):
            send(session, archive, f"rider {number}", EAST, number, number)
        erase.hold_ballast(session, ballast_bytes)
        session.commit()
        fill(disk)
        user = store.user_by_name(session, "rider 1")
        session.commit()
        try:
            trail = erase.erase(session, archive, user, config, NOW_S)
        except store.TRY_AGAIN as full:
            session.rollback()
            assert "full" in str(full) or "disk" in str(full)
            trail = None
    assert (trail is not None) == (ballast_bytes > 0)
    if trail is not None:
        assert not any(map(archive.has, trail.blobs))
        (disk / "filler").unlink()
        with store.session(engine) as session:
            erase.hold_ballast(session, ballast_bytes)
            assert store.user_by_name(session, "rider 1") is None
            assert replay(session, archive, CONFIG, RULES) == []
        assert (disk / "city.db.ballast").stat().st_size == ballast_bytes
    engine.dispose()


# --- cut short, and at the same time as others ---------------------------------------------------------


def test_an_erasure_that_was_cut_short_is_finished_by_the_worker(
    session: Session, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    ride_the_city(session, archive, range(2), 1000)
    make(session, archive)
    with monkeypatch.context() as crash:
        crash.setattr(Archive, "delete", lambda *a: (_ for _ in ()).throw(OSError("the power went")))
        with pytest.raises(OSError, match="power"):
            rub_out(session, archive, "rider 1")
    session.rollback()
    (trail,) = store.erasing(session)
    assert all(map(archive.has, trail.blobs))
    assert store.user_by_name(session, "rider 1") is None
    assert erase.finish(session, archive) == 1
    assert not any(map(archive.has, trail.blobs))
    while erase.finish(session, archive):
        pass
    assert store.erasing(session) == []
    assert replay(session, archive, CONFIG, RULES) == []


def test_a_feed_that_was_being_made_of_somebody_erased_is_dropped(
    session: Session, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    ride_the_city(session, archive, range(2), 1000)
    first = make(session, archive)
    gated = publishing._gate

    def erase_meanwhile(*told: object) -> tuple[Notice, ...]:
        found = gated(*told)
        rub_out(session, archive, "rider 1")
        return found

    monkeypatch.setattr(publishing, "_gate", erase_meanwhile)
    with pytest.raises(RidesWithdrawn):
        make(session, archive)
    assert store.latest_feed(session).id == first.id
    monkeypatch.setattr(publishing, "_gate", gated)
    assert store.must_forget(session)
    make(session, archive)
    assert replay(session, archive, CONFIG, RULES) == []


def test_what_comes_in_while_its_rider_is_erased_goes_too(session: Session, archive: Archive) -> None:
    """A request that was let in before, and an upload that a worker was reading."""
    user = store.add_user(session, "ana", "hash", NOW_S)
    body = gpx_of(bus_ride(EAST, NOON_S, 7))
    reading, _ = store.add_upload(session, user.id, archive.put(body), "a.gpx", len(body), NOW_S)
    session.commit()
    kept = store.lock_ledger
    with pytest.MonkeyPatch.context() as late:

        def erase_first(asked: Session) -> None:
            late.setattr(store, "lock_ledger", kept)
            erase.erase(asked, archive, user, CONFIG, NOW_S)
            kept(asked)

        late.setattr(store, "lock_ledger", erase_first)
        understand(session, archive, reading, CONFIG, RULES, NOW_S)
    assert store.rides_after(session) == []
    store.add_upload(session, user.id, archive.put(b"late"), "late.gpx", 4, NOW_S)
    session.commit()
    assert erase.finish(session, archive) == 1
    assert store.uploads_of_user(session, user.id) == [session.get(store.Upload, user.name)]
    assert not archive.has(hashlib.sha256(b"late").hexdigest())


def test_a_held_feed_is_let_go_and_one_that_rests_on_the_erased_does_not_come_back(
    session: Session, archive: Archive
) -> None:
    ride_the_city(session, archive, range(2), 1000)
    first = make(session, archive)
    ride_the_city(session, archive, range(2, 3), 2000)
    make(session, archive)
    store.hold_feed(session, store.latest_feed(session).id)
    rub_out(session, archive, "rider 1")
    while erase.finish(session, archive):
        pass
    assert not store.is_held(session)
    with pytest.raises(RollbackRefused, match="withdrawn"):
        roll_back(session, archive, CONFIG, first.id, TODAY, NOW_S)


def test_the_name_is_free_again_and_nothing_comes_back_with_it(session: Session, archive: Archive) -> None:
    send(session, archive, "ana", EAST, 1, 1)
    old = store.user_by_name(session, "ana")
    token, plain = store.add_token(session, old, "phone", NOW_S)
    rub_out(session, archive, "ana")
    assert store.user_of_token(session, plain, NOW_S) is None
    new = store.add_user(session, "Ana", "hash", NOW_S)
    assert new.id != old.id
    assert store.uploads_of_user(session, new.id) == []
    assert send(session, archive, "ana", EAST, 1, 1) >= 0, "the very same bytes may come in again"


# --- nothing is left to publish ------------------------------------------------------------------------


def rounds(session: Session, archive: Archive) -> None:
    while erase.finish(session, archive):
        pass


def test_the_feed_of_somebody_who_was_alone_is_taken_back(session: Session, archive: Archive) -> None:
    for number in range(4):
        send(session, archive, "ana", EAST, number, number)
    make(session, archive)
    send(session, archive, "ana", EAST, 5, 5)
    second = make(session, archive)
    way = json.dumps(second.ids["line_lat_deg"][:3])[1:-1].replace(" ", "")
    shown = [second.feed_sha256, second.network_sha256, second.evidence_sha256, second.known_sha256]
    assert store.unfinished_missions(session)
    rub_out(session, archive, "ana")
    assert store.must_forget(session)
    third = make(session, archive)
    assert (third.id, third.is_withdrawn, third.n_rides) == ("3-withdrawn", True, 0)
    assert not store.must_forget(session)
    rounds(session, archive)
    assert not [sha for sha in shown if archive.has(sha)]
    told = json.dumps([[feed.ids, feed.notices, feed.changes_sha256] for feed in store.feeds(session)])
    assert way not in told.replace(" ", "")
    assert store.unfinished_missions(session) == []
    assert {one.lat_deg for one in store.all_missions(session)} == {0.0}
    assert replay(session, archive, CONFIG, RULES) == []
    with pytest.raises(RollbackRefused, match="no_such_feed"):
        roll_back(session, archive, CONFIG, second.id, TODAY, NOW_S)
    with pytest.raises(NothingToPublish):
        make(session, archive)


def test_after_a_feed_was_taken_back_others_bring_a_new_one(session: Session, archive: Archive) -> None:
    """Of three one leaves: two are too few; with a third the line is there again, under new numbers."""
    three = replace(CONFIG, feed=replace(CONFIG.feed, min_riders=3))
    for number in range(12):
        send(session, archive, f"rider {number % 3}", EAST, number, number)
    first = make(session, archive, three)
    used = set(first.ids["stop_id"])
    rub_out(session, archive, "rider 1")
    second = make(session, archive, three)
    assert second.is_withdrawn
    rounds(session, archive)
    assert replay(session, archive, three, RULES) == []
    assert shelf(session, archive) == [("2-withdrawn", True), (first.id, True)]
    for number in range(20, 24):
        send(session, archive, "rider 7", EAST, number, number)
    third = make(session, archive, three)
    assert not third.is_withdrawn
    assert used.isdisjoint(third.ids["stop_id"])
    assert shelf(session, archive)[0] == (third.id, False)
    assert replay(session, archive, three, RULES) == []


def test_what_an_old_feed_confirmed_can_be_replayed_without_the_erased(
    session: Session, archive: Archive
) -> None:
    """Nobody was scored under the first feed, and yet it counted those who confirm each other."""
    for number in range(12):
        send(session, archive, f"rider {number % 3}", EAST, number, number)
    make(session, archive)
    make(session, archive)
    rub_out(session, archive, "rider 1")
    rounds(session, archive)
    assert replay(session, archive, CONFIG, RULES) == []


def shelf(session: Session, archive: Archive) -> list[tuple[str, bool]]:
    told = history(session, archive, TODAY)
    return [(one["id"], one["is_withdrawn"]) for one in told["versions"]]


def test_without_an_erasure_an_empty_network_takes_nothing_back(session: Session, archive: Archive) -> None:
    ride_the_city(session, archive, range(2), 1000)
    first = make(session, archive)
    many = replace(CONFIG, feed=replace(CONFIG.feed, min_riders=50))
    with pytest.raises(FeedInvalid):
        make(session, archive, many)
    assert store.latest_feed(session).id == first.id
    assert archive.has(first.feed_sha256)


# --- another account of the same person -----------------------------------------------------------------


def test_what_another_account_of_somebody_erased_was_paid_stays(session: Session, archive: Archive) -> None:
    """Two accounts of one person, one of which is erased: nobody is paid twice, and a replay agrees."""
    ride_the_city(session, archive, range(3), 1000)
    one, other, third, *_ = store.users(session)
    store.lock_ledger(session)
    decided.say_people(session, one.id, other.id, store.SAME, third.id, NOW_S, "")
    session.commit()
    ride_the_city(session, archive, range(3), 2000)
    make(session, archive)
    ride_the_city(session, archive, range(4), 3000)
    assert replay(session, archive, CONFIG, RULES) == []
    rub_out(session, archive, one.name)
    assert replay(session, archive, CONFIG, RULES) == []
    make(session, archive)
    ride_the_city(session, archive, range(2, 5), 4000)
    assert replay(session, archive, CONFIG, RULES) == []
