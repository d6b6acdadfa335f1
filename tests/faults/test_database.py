"""A database that is locked, gone, read-only, or unheard: 503 and a later try, never a doubled row."""

from __future__ import annotations

import os
import select
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
import sqlalchemy as sa

from tests.conftest import add_database, start_postgres
from tests.faults.service import (
    Site,
    lost_fixes,
    lost_uploads,
    make_site,
    n_rows,
    opened,
    riding,
    running,
    send_batch,
    send_file,
    wait_until,
)
from tests.machine import needs_program, needs_root
from transitmap import store
from transitmap.store import opening


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return make_site(tmp_path, n_riders=2)


@contextmanager
def locked(site: Site) -> Iterator[None]:
    """Somebody else writes."""
    other = sqlite3.connect(site.database_url.removeprefix("sqlite:///"))
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.close()


def test_a_locked_database_is_waited_for(site: Site) -> None:
    with opened(site) as app, ThreadPoolExecutor(1) as pool:
        assert send_file(app, site, 0).status_code == 201
        with locked(site):
            sent = pool.submit(send_file, app, site, 1)
            with pytest.raises(TimeoutError):
                sent.result(timeout=0.5)
        assert sent.result().status_code == 201
        assert send_batch(app, site, 1).status_code == 200


def test_a_database_locked_for_too_long_is_said(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "BUSY_TIMEOUT_MS", 100)
    with opened(site) as app:
        with locked(site):
            for answer in (
                send_file(app, site, 1),
                send_file(app, site, 1, Prefer="respond-async"),
                send_batch(app, site, 1),
            ):
                assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
            assert app.test_client().get("/health").status_code == 200
        assert n_rows(site)["uploads"] == 0
        assert send_file(app, site, 1).status_code == 201
        assert send_batch(app, site, 1).status_code == 200


# --- PostgreSQL ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server() -> Iterator[Any]:
    """A PostgreSQL of our own, that may be killed."""
    folder = Path(tempfile.mkdtemp(prefix="transitmap-fault-"))
    folder.chmod(0o755)
    started = start_postgres(folder / "data")
    yield started
    started.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def remote(server: Any, tmp_path: Path) -> Site:
    url = add_database(sa.make_url(server.get_uri()))
    return make_site(tmp_path, url.render_as_string(hide_password=False), n_riders=2)


def sql(server: Any, *statements: str) -> None:
    engine = sa.create_engine(
        sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT"
    )
    with engine.connect() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()


def test_a_server_killed_and_started_again_loses_nothing(server: Any, remote: Site) -> None:
    with running(remote, more=("--no-work",)), riding(remote) as told:
        wait_until(lambda: len(told.uploads) > 2)
        children = kill_server(server)
        refused = told.n_uncertain
        wait_until(lambda: told.n_uncertain > refused + 2)
        start_again(server, children)
        n_before = len(told.uploads)
        wait_until(lambda: len(told.uploads) > n_before + 2)
    assert (lost_uploads(remote, told), lost_fixes(remote, told)) == ([], [])


def kill_server(server: Any) -> list[psutil.Process]:
    """The children that it leaves behind."""
    children: list[psutil.Process] = psutil.Process(server.get_pid()).children(recursive=True)
    os.kill(server.get_pid(), signal.SIGKILL)
    return children


def start_again(server: Any, children: list[psutil.Process]) -> None:
    """Its children leave when they see that it is gone; a dead process that nobody buries seems alive."""
    wait_until(lambda: all(not one.is_running() or one.status() == psutil.STATUS_ZOMBIE for one in children))
    for name in ("postmaster.pid", ".s.PGSQL.5432.lock"):
        (server.pgdata / name).unlink(missing_ok=True)
    server.ensure_postgres_running()


def test_a_server_that_only_reads_is_said_and_passes(server: Any, remote: Site) -> None:
    with opened(remote) as app:
        assert send_file(app, remote, 0).status_code == 201
        sql(server, "ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()")
        wait_until(lambda: reads_only(server) == "on")
        try:
            for answer in (
                send_file(app, remote, 1),
                send_file(app, remote, 1, Prefer="respond-async"),
                send_batch(app, remote, 1),
            ):
                assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
        finally:
            sql(server, "SET default_transaction_read_only = off", "ALTER SYSTEM RESET ALL")
            sql(server, "SELECT pg_reload_conf()")
        wait_until(lambda: reads_only(server) == "off")
        assert send_file(app, remote, 1).status_code == 201
        assert send_batch(app, remote, 1).status_code == 200


def reads_only(server: Any) -> str:
    """What a new connection finds: the server has told those that there are before it takes one."""
    engine = sa.create_engine(sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg"))
    with engine.connect() as connection:
        found = str(connection.exec_driver_sql("SHOW default_transaction_read_only").scalar())
    engine.dispose()
    return found


class Wire(threading.Thread):
    """A wire between us and PostgreSQL, cut when it answers the COMMIT of what we sent: we never hear it."""

    def __init__(self, server: Any) -> None:
        super().__init__(daemon=True)
        self.target = f"{sa.make_url(server.get_uri()).query['host']}/.s.PGSQL.5432"
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.cuts, self.n_cut = False, 0

    def run(self) -> None:
        with suppress(OSError):
            while True:
                ours, _ = self.listener.accept()
                threading.Thread(target=self._pass_on, args=(ours,), daemon=True).start()

    def _pass_on(self, ours: socket.socket) -> None:
        with ours, socket.socket(socket.AF_UNIX) as theirs:
            theirs.connect(self.target)
            writes = is_last = False
            while True:
                for one in select.select([ours, theirs], [], [])[0]:
                    said = one.recv(65_536)
                    if not said or (is_last and one is theirs):
                        self.n_cut += is_last
                        return
                    writes = writes or b"INTO uploads" in said or b"INTO messages" in said
                    is_last = is_last or (self.cuts and writes and one is ours and b"COMMIT" in said)
                    writes = writes and b"COMMIT" not in said
                    (theirs if one is ours else ours).sendall(said)


def test_a_lost_reply_to_a_commit_doubles_nothing(server: Any, remote: Site) -> None:
    wire = Wire(server)
    wire.start()
    url = sa.make_url(remote.database_url).set(host="127.0.0.1", port=wire.port, query={})
    direct = remote.database_url
    remote.database_url = url.render_as_string(hide_password=False)
    with opened(remote) as app:
        for n_sent, send in enumerate((send_batch, send_file), 1):
            wire.cuts = True
            assert send(app, remote, n_sent).status_code == 503
            assert wire.n_cut == n_sent
            wire.cuts = False
            landed = n_rows(Site(remote.folder, direct))
            assert landed["messages" if send is send_batch else "uploads"] == 1
            assert send(app, remote, n_sent).status_code in (200, 201, 202)
    remote.database_url = direct
    wire.listener.close()
    assert n_rows(remote)["messages"] == n_rows(remote)["uploads"] == 1


def test_a_server_that_is_gone_is_noticed_within_seconds() -> None:
    engine = store.open_engine("postgresql://u@127.0.0.1/d?connect_timeout=7")
    _, options = engine.dialect.create_connect_args(engine.url)
    assert {name: str(options[name]) for name in opening.HEARD_WITHIN_S} == {
        **opening.HEARD_WITHIN_S,
        "connect_timeout": "7",
    }


@needs_root
@needs_program("ip")
def test_a_network_cut_is_an_error_soon(server: Any, remote: Site) -> None:
    """Within 3 to 9 s, on a busy machine within a minute; a kernel alone waits for two, or for fifteen."""
    with network(server) as (address, cut):
        url = sa.make_url(remote.database_url).set(host=address, port=6543, query={})
        direct, remote.database_url = remote.database_url, url.render_as_string(hide_password=False)
        with opened(remote) as app:
            assert send_file(app, remote, 1).status_code == 201
            cut(True)
            for number in (2, 3):
                began_s = time.monotonic()
                answer = send_file(app, remote, number)
                assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
                assert time.monotonic() - began_s < 60
            cut(False)
            wait_until(lambda: send_file(app, remote, 2).status_code in (200, 201))
    remote.database_url = direct
    assert n_rows(remote)["uploads"] == 2


FORWARD = """
import select, socket, sys, threading
def pass_on(ours):
    theirs = socket.socket(socket.AF_UNIX)
    theirs.connect(sys.argv[1])
    while True:
        for one in select.select([ours, theirs], [], [])[0]:
            said = one.recv(65536)
            if not said:
                return
            (theirs if one is ours else ours).sendall(said)
listener = socket.create_server(("0.0.0.0", 6543))
print("ready", flush=True)
while True:
    threading.Thread(target=pass_on, args=(listener.accept()[0],), daemon=True).start()
"""


@contextmanager
def network(server: Any) -> Iterator[tuple[str, Callable[[bool], None]]]:
    """A network of one cable to the server: its address there, and what cuts the way back and mends it."""
    number = uuid.uuid4()  # a run that was killed left its own behind
    name, of_benchmarks = f"tm{number.hex[:8]}", f"198.{18 + number.int % 2}.{number.int // 2 % 256}"
    near, far = f"{of_benchmarks}.1", f"{of_benchmarks}.2"

    def ip(*words: str) -> None:
        done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"NO NETWORK TO CUT: {done.stderr.strip()}")

    ip("netns", "add", name)
    try:
        ip("link", "add", name, "type", "veth", "peer", "name", "far", "netns", name)
        ip("addr", "add", f"{near}/24", "dev", name)
        ip("link", "set", name, "up")
        ip("-n", name, "addr", "add", f"{far}/24", "dev", "far")
        ip("-n", name, "link", "set", "far", "up")
        target = f"{sa.make_url(server.get_uri()).query['host']}/.s.PGSQL.5432"
        command = ["ip", "netns", "exec", name, sys.executable, "-c", FORWARD, target]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as forward:
            assert forward.stdout is not None
            forward.stdout.readline()
            try:
                yield (
                    far,
                    lambda is_cut: ip(
                        "-n", name, "route", "add" if is_cut else "del", "blackhole", f"{near}/32"
                    ),
                )
            finally:
                forward.kill()  # or a test that fails would wait for it for ever
    finally:
        subprocess.run(["ip", "netns", "del", name], check=False)
