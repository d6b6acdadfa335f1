"""Versions of a feed: what changed with each, how long one holds, and how an earlier one holds again."""

from __future__ import annotations

import dataclasses
import datetime
import json
import multiprocessing
import os
import shutil
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from sqlalchemy.orm import Session

from tests.gtfs.small_city import TODAY as SMALL_TODAY
from tests.gtfs.small_city import small_feed
from tests.test_publish import CONFIG, EAST, NORTH, NOW_S, RULES, TODAY, make, send
from transitmap import pipeline, store, work
from transitmap import publish as publishing
from transitmap.archive import Archive, unpack_ride
from transitmap.cli import main
from transitmap.errors import FeedInvalid, RollbackRefused
from transitmap.gtfs.pack import pack
from transitmap.model import Notice
from transitmap.replay import replay
from transitmap.versions import changes_of, resume, roll_back, shelf_life

pytestmark = pytest.mark.usefixtures("own_rules_only")
FLAW = Notice("stop_without_name", "error", "stops.txt", 2, "a stop without a name")


def publish_twice(session: Session, archive: Archive) -> None:
    for number in range(4):
        send(session, archive, f"rider {number}", EAST, number, number)
    make(session, archive)
    for number in range(4):
        send(session, archive, f"rider {number}", NORTH, 4 + number, 50 + number)
    make(session, archive)


@pytest.fixture(scope="module")
def published(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a city's database and archive: a first feed, and one that knows another line."""
    folder = tmp_path_factory.mktemp("published")
    shutil.copyfile(sqlite_template, folder / "city.db")
    engine, archive = store.open_engine(f"sqlite:///{folder / 'city.db'}"), Archive(folder / "archive")
    with store.session(engine) as session, pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline.validate, "canonical", lambda *a: [])
        publish_twice(session, archive)
    engine.dispose()
    return folder


@pytest.fixture
def folder(published: Path, tmp_path: Path) -> Path:
    """The city of two feeds, to do with as one likes."""
    return Path(shutil.copytree(published, tmp_path / "city"))


@pytest.fixture
def archive(folder: Path) -> Archive:
    return Archive(folder / "archive")


@pytest.fixture
def engine(folder: Path) -> Iterator[sa.Engine]:
    opened = store.open_engine(f"sqlite:///{folder / 'city.db'}")
    yield opened
    opened.dispose()


@pytest.fixture
def one(engine: sa.Engine) -> Iterator[Session]:
    """A writing session."""
    with store.session(engine) as opened:
        yield opened


def two_feeds(session: Session) -> tuple[store.FeedVersion, store.FeedVersion]:
    """The first feed and the one that holds."""
    second, first = store.feeds(session)
    return first, second


def back(session: Session, archive: Archive, feed_id: str, **more: str) -> store.FeedVersion:
    return roll_back(session, archive, CONFIG, feed_id, TODAY, NOW_S + 1, **more)


# --- what changed ------------------------------------------------------------------------------------


def test_every_feed_but_the_first_tells_what_changed(one: Session, archive: Archive) -> None:
    first, second = two_feeds(one)
    assert (first.change_counts, first.changes_sha256, changes_of(archive, first)) == ({}, "", None)
    assert second.change_counts["pattern"] == {"added": 1}
    assert second.change_counts["route"] == {"added": 1}
    changes = changes_of(archive, second)
    assert changes is not None
    assert changes.by_ids
    assert {kind: some for kind, some in changes.counts().items() if some} == second.change_counts
    assert changes.changes[0].lines


# --- an earlier one holds again ----------------------------------------------------------------------


def test_an_earlier_feed_holds_again_and_history_stays(one: Session, archive: Archive) -> None:
    first, second = two_feeds(one)
    before = [dict(row) for row in one.execute(sa.select(store.FeedVersion.__table__)).mappings()]
    third = back(one, archive, first.id, note="  the new line\n is a car ")
    assert [feed.id for feed in store.feeds(one)] == [third.id, second.id, first.id]
    after = [dict(row) for row in one.execute(sa.select(store.FeedVersion.__table__)).mappings()]
    assert after[:2] == before
    assert third.number == 3
    assert (third.feed_sha256, third.evidence_sha256) == (first.feed_sha256, first.evidence_sha256)
    assert (third.restores, third.note) == (first.id, "the new line is a car")
    assert third.change_counts["pattern"] == {"removed": 1}
    assert store.is_held(one)


def test_points_stay_replayable_across_a_rollback(one: Session, archive: Archive) -> None:
    """Rides before it, under it and after it; whoever was first on a line stays so, shown or not."""
    first, second = two_feeds(one)
    third = back(one, archive, first.id)
    assert store.all_observations(one, third.id) == store.all_observations(one, second.id)
    assert send(one, archive, "rider 0", NORTH, 20, 90) == 0
    assert send(one, archive, "somebody new", NORTH, 21, 91) > 0
    assert {ride.network_version for ride in store.rides_after(one)[-2:]} == {third.id}
    assert replay(one, archive, CONFIG, RULES) == []
    resume(one)
    fourth = make(one, archive)
    send(one, archive, "somebody else", NORTH, 22, 92)
    assert fourth.number == 4
    assert replay(one, archive, CONFIG, RULES) == []


def test_a_rollback_on_either_database(database_url: str, tmp_path: Path) -> None:
    opened, archive = store.open_engine(database_url), Archive(tmp_path / "archive")
    with store.session(opened) as session:
        publish_twice(session, archive)
        first, second = two_feeds(session)
        third = back(session, archive, first.id)
        assert send(session, archive, "somebody new", NORTH, 21, 91) > 0
        assert store.rides_after(session)[-1].network_version == third.id
        assert replay(session, archive, CONFIG, RULES) == []
        assert [feed.restores for feed in store.feeds(session)] == [first.id, "", ""]
    opened.dispose()


def test_a_line_that_was_hidden_has_its_ids_again_after_a_rollback(one: Session, archive: Archive) -> None:
    first, second = two_feeds(one)
    third = back(one, archive, first.id)
    resume(one)
    fourth = make(one, archive)
    for ids in ("stop_id", "route_id", "pattern_id"):
        assert third.ids[ids] == first.ids[ids] != second.ids[ids]
        assert fourth.ids[ids] == second.ids[ids]


def test_a_rollback_of_a_rollback_is_the_feed_itself(one: Session, archive: Archive) -> None:
    first, second = two_feeds(one)
    third = back(one, archive, first.id)
    fourth = back(one, archive, second.id)
    fifth = back(one, archive, third.id)
    assert (fourth.feed_sha256, fourth.restores) == (second.feed_sha256, second.id)
    assert (fifth.feed_sha256, fifth.restores) == (first.feed_sha256, first.id)
    assert fourth.change_counts["pattern"] == {"added": 1}


def test_a_rollback_that_makes_no_sense_changes_nothing(one: Session, archive: Archive) -> None:
    first, second = two_feeds(one)
    for feed_id, words in (("9-nowhere", "no_such_feed"), (second.id, "holds_already")):
        with pytest.raises(RollbackRefused, match=words):
            back(one, archive, feed_id)
    with pytest.raises(FeedInvalid) as refused:
        roll_back(one, archive, CONFIG, first.id, TODAY + datetime.timedelta(days=400), NOW_S)
    assert "no_service_today" in {notice.rule for notice in refused.value.notices}
    assert store.latest_feed(one) is second
    assert not store.is_held(one)


def test_what_was_withdrawn_does_not_come_back(engine: sa.Engine, archive: Archive, folder: Path) -> None:
    with store.session(engine) as session:
        first, _ = two_feeds(session)
        gone = store.rides_after(session)[0].id
    with sqlite3.connect(folder / "city.db") as connection:
        connection.execute("DELETE FROM rides WHERE id = ?", [gone])
    connection.close()
    with store.session(engine) as session, pytest.raises(RollbackRefused, match="1 rides .* withdrawn"):
        back(session, archive, first.id)


def test_of_a_rollback_and_a_new_feed_the_first_wins(
    engine: sa.Engine, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    with store.session(engine) as session:
        first, _ = two_feeds(session)
        send(session, archive, "late", NORTH, 30, 99)
    checked = pipeline.check_zip

    def slowly(*arguments: object) -> object:
        monkeypatch.setattr(pipeline, "check_zip", checked)
        with store.session(engine) as other:
            make(other, archive)
        return checked(*arguments)

    monkeypatch.setattr(pipeline, "check_zip", slowly)
    with store.session(engine) as session:
        with pytest.raises(RollbackRefused, match="meanwhile"):
            back(session, archive, first.id)
        assert store.counts(session)["feed_versions"] == 3
        assert not store.is_held(session)


def test_the_worker_leaves_a_held_feed_alone_and_finishes_uploads(
    engine: sa.Engine, archive: Archive, folder: Path
) -> None:
    where = f"sqlite:///{folder / 'city.db'}", str(folder / "archive")
    with store.session(engine) as session:
        third = back(session, archive, two_feeds(session)[0].id)
        send(session, archive, "late", NORTH, 30, 99)
        upload = store.add_upload(session, 1, archive.put(b"<gpx/>"), "late.gpx", 6, time.time() - 3600)[0]
    assert work.work_once(*where, CONFIG) == ""
    with store.session(engine) as session:
        settled, latest = store.upload_by_id(session, upload.id, None), store.latest_feed(session)
        assert settled is not None
        assert latest is not None
        assert (settled.state, latest.id) == (store.REFUSED, third.id)
        assert resume(session)
        assert not resume(session)
    assert work.work_once(*where, CONFIG).startswith("4-")


# --- a publication is whole or nothing ---------------------------------------------------------------


def killed_at(step: str, nth: int, folder: Path, made: object) -> int | None:
    """Publishes in a process that is killed when it gets to a step; how that process ended.

    Forked from a process that has imported all and started nothing: the reader of the gate has threads,
    which a fork of this one would lose.
    """
    asked = (step, nth, folder, made)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, "transitmap.gtfs.carry_ids"])
    child = context.Process(target=publish_and_die, args=asked)
    child.start()
    child.join()
    return child.exitcode


def publish_and_die(step: str, nth: int, folder: Path, made: object) -> None:
    """Publishes the network that was `made`, and kills itself the nth time that it gets to a step."""
    left = nth

    def die(*arguments: object, **more: object) -> object:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments, **more)

    owner = {"put": Archive, "add_observations": store, "add_feed": store, "commit": Session}[step]
    real = getattr(owner, step)
    if step == "commit":
        store.add_feed = _and_then(store.add_feed, lambda: setattr(owner, step, die))
    else:
        setattr(owner, step, die)
    pipeline.infer_network = lambda *a: made
    pipeline.validate.canonical = pipeline.validate.analyzer = lambda *a: []
    with store.session(store.open_engine(f"sqlite:///{folder / 'city.db'}")) as session:
        make(session, Archive(folder / "archive"))


def _and_then(call: Callable[..., object], then: Callable[[], object]) -> Callable[..., object]:
    def both(*arguments: object) -> object:
        found = call(*arguments)
        then()
        return found

    return both


def test_a_publication_that_is_killed_leaves_the_feed_before(
    engine: sa.Engine, archive: Archive, folder: Path
) -> None:
    """Killed at every step that leaves a trace: the feed before holds, and the next one comes out."""
    with store.session(engine) as session:
        send(session, archive, "late", NORTH, 30, 99)
        _, second = two_feeds(session)
        rows = store.rides_after(session)
        made = pipeline.infer_network([unpack_ride(archive.get(row.packed_sha256)) for row in rows], CONFIG)
    engine.dispose()
    steps = [("put", n) for n in range(1, 6)] + [("add_observations", 1), ("add_feed", 1), ("commit", 1)]
    for step, nth in steps:
        assert killed_at(step, nth, folder, made) == -signal.SIGKILL, (step, nth)
        with store.session(engine) as session:
            latest = store.latest_feed(session)
            assert latest is not None
            assert (latest.id, store.counts(session)["feed_versions"]) == (second.id, 2), (step, nth)
            assert archive.get(latest.feed_sha256)
        engine.dispose()
    assert killed_at("put", 99, folder, made) == 0
    with store.session(engine) as session:
        third = store.latest_feed(session)
        assert third is not None
        assert third.number == 3
        for sha256 in (third.feed_sha256, third.network_sha256, third.known_sha256, third.changes_sha256):
            assert archive.get(sha256)


def test_a_refused_feed_leaves_its_report(
    one: Session, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, second = two_feeds(one)
    made = pipeline.make_feed
    monkeypatch.setattr(
        publishing.pipeline, "make_feed", lambda *a: dataclasses.replace(made(*a), notices=(FLAW,))
    )
    for _ in range(2):
        with pytest.raises(FeedInvalid):
            make(one, archive)
    (refusal,) = store.refusals(one)
    assert (refusal.n_rides, refusal.rules_version, refusal.made_s) == (8, RULES.version, NOW_S)
    assert [notice["rule"] for notice in refusal.notices] == [FLAW.rule]
    assert store.refusals(one, since_s=NOW_S) == []
    assert store.latest_feed(one) is second


def test_a_validator_that_breaks_is_a_refusal_with_a_report(
    one: Session, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = Notice("thread_execution_error", "error", "", 0, "it broke")

    def breaks(*arguments: object) -> object:
        raise FeedInvalid([broken])

    monkeypatch.setattr(pipeline.validate, "canonical", breaks)
    with pytest.raises(FeedInvalid):
        make(one, archive)
    assert [notice["rule"] for notice in store.refusals(one)[0].notices] == [broken.rule]
    assert len(store.feeds(one)) == 2


# --- how long it holds -------------------------------------------------------------------------------


def test_a_feed_is_stale_when_it_ends_within_two_weeks() -> None:
    body = pack(small_feed(valid_days=30))
    end = SMALL_TODAY + datetime.timedelta(days=30)
    for days, is_stale in ((30, False), (14, False), (13, True), (0, True), (-5, True)):
        life = shelf_life(body, end - datetime.timedelta(days=days), None)
        assert (life.end_day, life.days_left, life.is_stale, life.days_since_ride) == (
            end,
            days,
            is_stale,
            None,
        )
    ridden_s = datetime.datetime(2026, 11, 20, 23, tzinfo=datetime.UTC).timestamp()
    assert shelf_life(body, SMALL_TODAY, ridden_s).days_since_ride == 2
    assert shelf_life(body, SMALL_TODAY, ridden_s + 9e9).days_since_ride == 0


@pytest.mark.parametrize(
    "text", ["feed_end_date\r\n\r\n", "feed_lang\r\nes\r\n", "feed_end_date\r\nsoon\r\n"]
)
def test_a_feed_that_does_not_say_its_end_is_not_called_stale(text: str) -> None:
    header, row, _ = text.split("\r\n", 2)
    life = shelf_life(pack({"feed_info.txt": {header: [row], "x": ["y"]}}), TODAY, None)
    assert (life.end_day, life.days_left, life.is_stale) == (None, None, False)
    assert shelf_life(pack({}), TODAY, None).end_day is None


# --- on the command line -----------------------------------------------------------------------------


def test_versions_on_the_command_line(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRANSITMAP_DATABASE_URL", f"sqlite:///{folder / 'city.db'}")
    monkeypatch.setenv("TRANSITMAP_ARCHIVE_URL", str(folder / "archive"))

    def run(*words: str) -> tuple[int, str]:
        found = CliRunner().invoke(main, ["feeds", *words])
        return found.exit_code, found.output

    code, said = run("list", "--json")
    found = json.loads(said)
    assert (code, found["is_held"], found["is_stale"]) == (1, False, True)  # made in 2025 for 180 days
    assert found["end_day"] == str(TODAY + datetime.timedelta(days=180))
    second, first = found["versions"]
    assert (first["changes"], second["changes"]["pattern"]) == ({}, {"added": 1})
    assert run("rollback", "9-nowhere")[0] == 2
    code, said = run("rollback", first["id"])
    assert (code, "no_service_today" in said) == (2, True)
    monkeypatch.setattr(pipeline, "check_zip", lambda *a: ())
    code, said = run("rollback", first["id"], "--note", "a trial")
    assert (code, said.split()[0]) == (0, f"3-{first['id'].partition('-')[2]}"), said
    code, said = run("list")
    assert f"brings back {first['id']}, route removed 1, pattern removed 1" in said
    assert f"over since {found['end_day']}, {-found['days_left']} days ago" in said
    assert "an earlier version is held" in said
    assert "a trial" in said
    assert run("resume") == (0, "new feeds are published again\n")
    assert run("resume") == (0, "no version was held\n")


def test_a_list_of_no_versions_says_so(tmp_path: Path) -> None:
    where = ["--database-url", f"sqlite:///{tmp_path / 'new.db'}", "--archive-url", str(tmp_path / "archive")]
    assert CliRunner().invoke(main, ["db", "upgrade", *where[:2]]).exit_code == 0
    found = CliRunner().invoke(main, ["feeds", "list", *where])
    assert (found.exit_code, found.output) == (0, "0 versions: nothing is published yet\n")
