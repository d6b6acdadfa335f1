"""The queue of uploads: who holds what, what a body that ends its reader costs, what is never refused."""

from __future__ import annotations

import ctypes
import dataclasses
import os
import secrets
import subprocess
import sys
import threading
import types
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from tests.points.hand import DAY_S, IN_NO_HURRY, NOON_S, bus_ride, gpx_of
from tests.webapp.sending import zipped
from transitmap import contribute, store, work
from transitmap.archive import Archive
from transitmap.config import Config, FeedConfig, QuotaConfig
from transitmap.contribute import accept, understand
from transitmap.errors import ConfigError, ReaderDied, UploadRefused
from transitmap.points.rules import load_rules
from transitmap.receipt import Receipt
from transitmap.store import holder, uploads

CONFIG = Config(feed=FeedConfig(timezone="America/Mexico_City"), collect=IN_NO_HURRY)
RULES = load_rules()
NOW_S = NOON_S + 30 * DAY_S
EAST = [(0.0, 0.0), (3000.0, 0.0)]


def crash(*told):
    ctypes.string_at(0)
    yield {}, b""


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "archive")


@pytest.fixture
def put(session: Session, archive: Archive):
    """Accepts a ride of a rider of its own; its id."""

    def one(number: int, body: bytes = b"") -> str:
        user = store.add_user(session, f"rider {number}", "hash", NOW_S)
        body = body or gpx_of(bus_ride(EAST, NOON_S + number * DAY_S, seed=number))
        upload, _ = accept(session, archive, user.id, "a.gpx", body, CONFIG, NOW_S + number)
        session.commit()
        return upload.id

    return one


def row(session: Session, upload_id: str) -> store.Upload:
    upload = store.upload_by_id(session, upload_id, None)
    assert upload is not None
    store.refresh_upload(session, upload)
    return upload


def test_accepting_keeps_and_reads_nothing(session: Session, archive: Archive, put) -> None:
    upload = row(session, put(1, b"no trace at all"))
    assert (upload.state, upload.attempts, upload.lease_until_s) == (store.RECEIVED, 0, None)
    assert archive.get(upload.sha256) == b"no trace at all"


def test_uploads_are_leased_in_order_and_come_back(session: Session, put) -> None:
    ids = [put(number) for number in (3, 1, 2)]

    def lease(now_s: float, **more) -> str:
        upload = store.lease_upload(session, now_s, 60.0, **more)
        session.commit()
        return upload.id if upload else ""

    assert store.is_upload_waiting(session, NOW_S)
    assert [lease(NOW_S) for _ in range(4)] == [ids[1], ids[2], ids[0], ""]
    assert not store.is_upload_waiting(session, NOW_S + 59)
    assert [lease(NOW_S + 60) for _ in range(4)] == [ids[1], ids[2], ids[0], ""]
    assert row(session, ids[0]).attempts == 2
    store.give_back_upload(session, row(session, ids[0]), NOW_S + 70, counts=False)
    session.commit()
    assert row(session, ids[0]).attempts == 1
    assert (lease(NOW_S + 69), lease(NOW_S + 70, upload_id=ids[1]), lease(NOW_S + 70)) == ("", "", ids[0])


SENT = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 5)), max_size=40)
"""Who sends, and how many uploads are taken before the next one comes."""


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(SENT)
def test_riders_take_turns(engine: sa.Engine, sent: list[tuple[int, int]]) -> None:
    """Whoever sends how much when: while one waits nobody else goes twice; each keeps its order."""
    riders = list(range(5))
    with Session(engine) as session:
        users = [store.add_user(session, f"rider {secrets.token_hex(8)}", "hash", NOW_S) for _ in riders]
        ids = [user.id for user in users]
        waiting: dict[int, list[str]] = {rider: [] for rider in riders}
        since: dict[int, list[int]] = {rider: [] for rider in riders}
        n = 0

        def take() -> None:
            upload = store.lease_upload(session, NOW_S + n, 60.0 * 60)
            if upload is None:
                assert not any(waiting.values())
                return
            rider = ids.index(upload.user_id)
            assert waiting[rider].pop(0) == upload.id
            for other in riders:
                since[other] = [*since[other], rider] if waiting[other] and other != rider else []
                assert all(since[other].count(one) <= 1 for one in riders)

        for rider, n_taken in sent:
            n += 1
            told = ids[rider], secrets.token_hex(32), "a.gpx", 1, NOW_S + n
            waiting[rider].append(store.add_upload(session, *told)[0].id)
            for _ in range(n_taken):
                take()
        while any(waiting.values()):
            take()
        session.rollback()


def test_turns_are_found_without_looking_at_what_is_settled(sqlite_engine: sa.Engine) -> None:
    question = str(uploads._waiting(NOW_S).compile(sqlite_engine, compile_kwargs={"literal_binds": True}))
    joined = (
        question.replace("WHERE", "JOIN users ON users.id = uploads.user_id WHERE") + " ORDER BY users.turn"
    )
    with sqlite_engine.connect() as connection:
        plan = " ".join(row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {joined}"))
    assert "ix_uploads_state" in plan and "SCAN uploads" not in plan and "SCAN users" not in plan


def test_two_hundred_archives_of_one_keep_another_waiting_for_one(session: Session) -> None:
    busy, other = (store.add_user(session, name, "hash", NOW_S) for name in ("busy", "other"))
    for number in range(200):
        store.add_upload(session, busy.id, secrets.token_hex(32), "a.zip", 1, NOW_S + number)
    assert store.lease_upload(session, NOW_S + 300, 60.0).user_id == busy.id
    late, _ = store.add_upload(session, other.id, secrets.token_hex(32), "a.gpx", 1, NOW_S + 300)
    assert store.lease_upload(session, NOW_S + 301, 60.0).id == late.id


HOLDS = """
import sys
from transitmap import store
with store.session(store.open_engine(sys.argv[1])) as session:
    held = store.lease_upload(session, float(sys.argv[2]), 300.0).id
print(held, flush=True)  # only now is it written that it holds it
sys.stdin.read()
"""


def test_what_a_dead_process_held_is_taken_back_once(engine: sa.Engine, session: Session, put) -> None:
    """A real one, killed; while it lives nobody takes anything from it."""
    upload_id, url = put(1), engine.url.render_as_string(hide_password=False)
    for n in (1, 2):
        child = subprocess.Popen(
            [sys.executable, "-c", HOLDS, url, str(NOW_S + n)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert child.stdout is not None
        assert child.stdout.readline().strip() == upload_id
        session.commit()
        assert store.take_back_uploads(session, NOW_S + 9) == 0, "it lives"
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert store.take_back_uploads(session, NOW_S + 9) == (n == 1), (
            "before its parent has looked at it too"
        )
        session.commit()
        child.communicate()
    assert not store.is_upload_waiting(session, NOW_S + 9), "it ended two: now its lease counts"
    assert store.is_upload_waiting(session, NOW_S + 302)


@pytest.mark.parametrize(
    ("change", "is_dead"),
    [(lambda name: name, False), (lambda name: "", False), (lambda name: "odd", False),
     (lambda name: "another/1" + name[name.index(":") :], False),
     (lambda name: name.rpartition(":")[0] + ":1", True),
     (lambda name: f"{name.partition(':')[0]}:{2**22 + 1}:5", True)],
)  # fmt: skip
def test_who_is_known_to_be_dead(change, is_dead: bool) -> None:
    """Only a process of this machine whose number is free, or is another's by now."""
    assert holder.me()
    assert holder.is_dead(change(holder.me())) is is_dead


def test_many_workers_take_each_upload_once(engine: sa.Engine, archive: Archive, put) -> None:
    ids = [put(number) for number in range(12)]
    start, taken = threading.Barrier(4), []

    def run() -> None:
        start.wait()
        while True:
            with store.session(engine) as session:
                upload = store.lease_upload(session, NOW_S + 99, 60.0)
                session.commit()
                if upload is None:
                    return
                taken.append(upload.id)

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(run) for _ in range(4)]:
            done.result()
    assert sorted(taken) == sorted(ids)


def test_poison_is_refused_the_second_time_and_holds_up_nobody(
    session: Session, archive: Archive, put, monkeypatch: pytest.MonkeyPatch, caplog
) -> None:
    poison, good = put(1), put(2)
    honest = contribute.understand

    def understand_it(session, archive, upload, *told, **more):
        more |= {"read": crash} if upload.id == poison else {}
        honest(session, archive, upload, *told, **more)

    monkeypatch.setattr(work, "understand", understand_it)
    work.understand_waiting(session, archive, CONFIG, RULES)
    assert (row(session, poison).state, row(session, poison).reason) == (store.REFUSED, "parser_crash")
    assert row(session, poison).attempts == 2
    assert row(session, good).state == store.UNDERSTOOD
    assert "parser_crash" in caplog.text
    assert archive.has(row(session, poison).sha256)


def test_the_first_death_is_no_verdict(session: Session, archive: Archive, put) -> None:
    upload = store.lease_upload(session, NOW_S, 60.0, put(1))
    session.commit()
    assert upload is not None
    with pytest.raises(ReaderDied):
        understand(session, archive, upload, CONFIG, RULES, NOW_S, read=crash)
    assert row(session, upload.id).state == store.RECEIVED
    understand(session, archive, upload, CONFIG, RULES, NOW_S)
    assert row(session, upload.id).state == store.UNDERSTOOD


def test_what_passed_makes_no_first_death_a_second_one(session: Session, archive: Archive, put) -> None:
    upload_id = put(1)
    for _ in range(3):  # a full disk, a busy database, a killed worker
        upload = store.lease_upload(session, NOW_S, 60.0, upload_id)
        assert upload is not None
        work._put_back(session, upload, OSError("x"))
        upload.lease_until_s = None
        session.commit()
    upload = store.lease_upload(session, NOW_S, 60.0, upload_id)
    assert upload is not None
    with pytest.raises(ReaderDied) as died:
        understand(session, archive, upload, CONFIG, RULES, NOW_S, read=crash)
    work._put_back(session, upload, died.value)
    assert row(session, upload_id).state == store.RECEIVED
    understand(session, archive, upload, CONFIG, RULES, NOW_S)
    assert (row(session, upload_id).state, row(session, upload_id).reason) == (store.UNDERSTOOD, "")


@pytest.mark.parametrize(
    "error",
    [OSError("x"), store.TRY_AGAIN[0]("x", {}, Exception("x")), ConfigError("a", "b", "c"), ValueError("x")],
    ids=lambda error: type(error).__name__,
)  # fmt: skip
def test_what_passes_refuses_nothing_and_is_tried_ever_more_seldom(
    session: Session, archive: Archive, put, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    broken, good = put(1), put(2)
    honest = contribute.understand

    def fail(session, archive, upload, *told, **more):
        if upload.id == broken:
            raise error
        honest(session, archive, upload, *told, **more)

    monkeypatch.setattr(work, "understand", fail)
    monkeypatch.setattr(work, "time", types.SimpleNamespace(time=lambda: NOW_S + 99))
    waits = []
    for attempt in range(1, 4):
        work.understand_waiting(session, archive, CONFIG, RULES)
        upload = row(session, broken)
        assert (upload.state, upload.attempts) == (store.RECEIVED, attempt)
        waits.append((upload.lease_until_s or 0.0) - (NOW_S + 99))
        upload.lease_until_s = None
        session.commit()
    assert waits[0] > 0
    assert waits == [waits[0], 2 * waits[0], 4 * waits[0]]
    assert row(session, good).state == store.UNDERSTOOD


def test_archives_that_unpack_to_too_much_wait_for_their_day(session: Session, archive: Archive) -> None:
    config = dataclasses.replace(CONFIG, quota=QuotaConfig(max_unpacked_bytes=100_000))
    zips = [zipped([(f"{k}.txt", b"%d" % k + bytes(80_000))]) for k in range(3)]
    user, other = (store.add_user(session, name, "hash", NOW_S) for name in ("ana", "beto"))
    session.commit()

    def send(who: store.User, body: bytes, now_s: float = NOW_S) -> Receipt:
        return contribute.contribute(session, archive, who, "a.zip", body, config, RULES, now_s)

    refused = [send(user, body) for body in zips]
    assert [one.state for one in refused] == [store.REFUSED, store.REFUSED, store.RECEIVED]
    assert [len(one.members) for one in refused] == [1, 1, 0]
    ride = gpx_of(bus_ride(EAST, NOON_S))
    assert send(user, ride).state == store.UNDERSTOOD  # what is no archive does not wait, nobody else does
    assert len(send(other, zipped([("b.txt", b"b")])).members) == 1
    assert len(send(user, zips[2], NOW_S + DAY_S).members) == 1


def test_the_shortest_way_keeps_as_the_long_one_does(engine: sa.Engine, archive: Archive) -> None:
    with store.session(engine) as session:
        ana, eva = (store.add_user(session, name, "hash", NOW_S) for name in ("ana", "eva"))
        tokens = [store.add_token(session, who, "phone", NOW_S)[1] for who in (ana, eva)]
    first, other = (store.sender_of_token(engine, token, NOW_S) for token in tokens)
    assert first is not None
    assert other is not None
    assert (first.user_id, first.used, first.notes) == (ana.id, (0, 0, 0), True)
    assert store.sender_of_token(engine, "tm_unknown", NOW_S) is None
    body = gpx_of(bus_ride(EAST))
    kept = contribute.keep(engine, archive, first, "../mi viaje.gpx", body, CONFIG, NOW_S, "2026-11")
    again = contribute.keep(engine, archive, first, "b.gpx", body, CONFIG, NOW_S, "2026-11")
    assert (kept.is_new, again) == (True, store.Kept(kept.id, store.RECEIVED, False))
    with pytest.raises(UploadRefused, match="already_contributed"):
        contribute.keep(engine, archive, other, "c.gpx", body, CONFIG, NOW_S, "")
    known = store.sender_of_token(engine, tokens[0], NOW_S)
    assert known == store.Sender(first.token_id, ana.id, (1, 2 * len(body), 0), notes=False)
    with store.session(engine) as session:
        upload = row(session, kept.id)
        assert (upload.name, upload.consent, upload.token_id) == ("mi viaje.gpx", "2026-11", first.token_id)
        assert (upload.refused, upload.attempts, upload.kind, upload.parent_id) == ([], 0, "file", "")
        work.understand_waiting(session, archive, CONFIG, RULES)
        assert row(session, kept.id).state == store.UNDERSTOOD
        (device,) = store.tokens_of_user(session, ana.id)
        store.revoke_token(session, device.id, ana.id, NOW_S)
    assert store.sender_of_token(engine, tokens[0], NOW_S) is None


def test_a_busy_database_is_told_as_everywhere(
    sqlite_engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with store.session(sqlite_engine) as session:
        user = store.add_user(session, "ana", "hash", NOW_S)
        token = store.add_token(session, user, "phone", NOW_S)[1]
    sender = store.sender_of_token(sqlite_engine, token, NOW_S)
    assert sender is not None
    monkeypatch.setattr("transitmap.store.opening.BUSY_TIMEOUT_MS", 50)
    sqlite_engine.dispose()
    with store.session(sqlite_engine) as writer:
        store.set_fact(writer, "held", "yes")
        with pytest.raises(store.TRY_AGAIN):
            store.keep_upload(sqlite_engine, sender, "0" * 64, "a", 1, NOW_S, "")
    assert store.keep_upload(sqlite_engine, sender, "0" * 64, "a", 1, NOW_S, "").is_new


@pytest.mark.parametrize("begin", [work.work_once, lambda *told: work.work_forever(*told, 60.0)])
def test_a_database_never_upgraded_is_a_sentence(empty_database_url: str, tmp_path: Path, begin) -> None:
    with pytest.raises(ConfigError, match="transitmap db upgrade"):
        begin(empty_database_url, str(tmp_path / "archive"), CONFIG)
