"""Work killed at each of its steps: the next one finishes it, and nobody is paid twice or not at all."""

from __future__ import annotations

import multiprocessing
import os
import signal
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from tests.faults.service import wait_until
from tests.points.hand import DAY_S, NOON_S, bus_ride, gpx_of
from transitmap import store, work
from transitmap.archive import Archive
from transitmap.config import Config, FeedConfig
from transitmap.contribute import LEASE_S, accept
from transitmap.points.rules import load_rules
from transitmap.replay import replay

CONFIG, RULES = Config(feed=FeedConfig(timezone="America/Mexico_City")), load_rules()
EAST = [(0.0, 0.0), (3000.0, 0.0)]
SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["tests.faults.test_steps"])


def dies(step: str, nth: int, when: str) -> None:
    """This process is killed the nth time that it comes to a step."""
    owner, name = {"put": (Archive, "put"), "commit": (Session, "commit")}.get(step, (store, step))
    real, left = getattr(owner, name), [nth]

    def die(*told: object, **more: object) -> object:
        left[0] -= 1
        if left[0] == 0 and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        found = real(*told, **more)
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return found

    setattr(owner, name, die)


def understand_and_die(url: str, archive: str, now_s: float, step: tuple[str, int, str]) -> None:
    dies(*step)
    work.time.time = lambda: now_s
    with store.session(store.open_engine(url)) as session:
        work.understand_waiting(session, Archive(archive), CONFIG, RULES)


def upgrade_and_die(url: str, nth: int) -> None:
    left = [nth]

    def die(*told: object) -> None:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    sa.event.listen(sa.Engine, "before_cursor_execute", die)
    store.upgrade(url)


def ended(engine: sa.Engine, target, *told) -> int | None:
    """How a process ended, once the database has noticed it too: until then a server holds what it held."""
    child = SERVER.Process(target=target, args=told)
    child.start()
    child.join()
    if engine.dialect.name == "postgresql":
        engine.dispose()
        wait_until(lambda: not n_others(engine))
    return child.exitcode


def n_others(engine: sa.Engine) -> int:
    """How many connections this PostgreSQL database has beside the one that asks."""
    question = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
    )
    with engine.connect() as connection:
        return int(connection.exec_driver_sql(question).scalar_one())


@pytest.fixture
def waiting(engine: sa.Engine, tmp_path: Path) -> Archive:
    """Two uploads that nobody has understood."""
    archive = Archive(tmp_path / "archive")
    with store.session(engine) as session:
        for number in range(2):
            user = store.add_user(session, f"rider {number}", "hash", NOON_S)
            body = gpx_of(bus_ride(EAST, NOON_S + number * DAY_S, seed=number))
            accept(session, archive, user.id, "a.gpx", body, CONFIG, NOON_S + 2 * DAY_S + number)
    return archive


def test_a_worker_that_dies_in_a_job_leaves_it_to_the_next(
    engine: sa.Engine, waiting: Archive, tmp_path: Path
) -> None:
    """Killed at each step of understanding and paying; what it held is free when its lease is over."""
    steps = [("put", "after"), ("add_rides", "after"), ("add_lines", "before"), ("add_lines", "after")]
    steps += [("settle_upload", "after"), (1, "after"), (3, "after"), (4, "before"), (4, "after")]
    now_s, n_killed = NOON_S + 10 * DAY_S, 0
    url = str(engine.url.render_as_string(hide_password=False))
    for step, when in steps:
        name, nth = ("commit", step) if isinstance(step, int) else (step, 1)
        told = url, str(tmp_path / "archive"), now_s, (name, nth, when)
        n_killed += ended(engine, understand_and_die, *told) == -signal.SIGKILL
        now_s += 2 * LEASE_S
    assert n_killed >= 8
    with store.session(engine) as session:
        work.time.time, real = (lambda: now_s), work.time.time
        try:
            work.understand_waiting(session, waiting, CONFIG, RULES)
        finally:
            work.time.time = real
        assert [one.state for one in store.uploads_in_state(session, store.UNDERSTOOD)] == ["understood"] * 2
        assert len(store.rides_after(session)) == 2
        assert replay(session, waiting, CONFIG, RULES) == []


def test_an_upgrade_that_is_killed_leaves_the_old_tables_or_the_new(empty_database_url: str) -> None:
    engine = store.open_engine(empty_database_url)
    n_killed = 0
    for nth in (4, 17, 50, 80, 500):
        status = ended(engine, upgrade_and_die, empty_database_url, nth)
        n_killed += status == -signal.SIGKILL
        names = sa.inspect(engine).get_table_names()
        engine.dispose()
        if status == 0:
            store.check_upgraded(empty_database_url)
        else:
            assert names == [], nth
    assert n_killed >= 3
    store.upgrade(empty_database_url)
    store.check_upgraded(empty_database_url)
