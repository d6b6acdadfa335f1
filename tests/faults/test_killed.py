"""The service killed, told to end, or short of files, while riders send: what it acknowledged is there."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import shutil
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from tests.faults.service import (
    ANSWERS_WITHIN_S,
    START_S,
    Acknowledged,
    Site,
    ask,
    batch,
    is_sound,
    kill,
    lost_fixes,
    lost_uploads,
    make_site,
    n_rows,
    n_waiting,
    replay_differences,
    riding,
    running,
    trace,
    wait_until,
    work_off,
)
from tests.machine import needs_program
from webapp.settings import keep_secret

N_KILLS = 5
NO_WORK = ("--no-work",)


@pytest.fixture
def site(tmp_path, sqlite_template) -> Site:
    shutil.copyfile(sqlite_template, tmp_path / "site.sqlite")
    return make_site(tmp_path)


def wait_for(told: Acknowledged, n: int) -> None:
    """Until so many more files and a batch are acknowledged."""
    wanted, fixes = len(told.uploads) + n, len(told.fixes)
    wait_until(lambda: len(told.uploads) >= wanted and len(told.fixes) > fixes)


def listens(site: Site) -> bool:
    """Whether a new connection is taken."""
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", site.port)) == 0


NO_HURRY_TO_END = "import webapp.serve\nwebapp.serve.end.__defaults__ = (600.0,)"
"""Whoever was heard is waited for, also where a machine stops somebody for longer than the service would."""


def test_kill_minus_nine_under_load(site: Site) -> None:
    """The long one is benchmarks/kill_service.py."""
    with riding(site) as told:
        for _ in range(N_KILLS):
            with running(site) as process:
                wait_for(told, 3)
                kill(process)
    assert is_sound(site)
    assert (lost_uploads(site, told), lost_fixes(site, told)) == ([], [])
    work_off(site)
    assert (lost_uploads(site, told), lost_fixes(site, told)) == ([], [])
    assert replay_differences(site) == []
    assert n_waiting(site) == 0


def test_told_to_end_it_answers_whoever_was_heard(site: Site) -> None:
    body = trace(0, 5000)
    head = f"POST /api/v1/traces HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {site.keys[0]}\r\n"
    with (
        running(site, more=NO_WORK, start=NO_HURRY_TO_END) as process,
        socket.create_connection(("127.0.0.1", site.port)) as half,
    ):
        half.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body[:1000])
        with riding(site) as told:
            wait_for(told, 3)
            process.terminate()
            wait_until(lambda: not listens(site))
            half.sendall(body[1000:])
            answer = http.client.HTTPResponse(half)
            answer.begin()
            assert answer.status in (201, 202)  # understood at once, unless many others are being read
            told.uploads.add(hashlib.sha256(body).hexdigest())
            half.close()
            assert process.wait(ANSWERS_WITHIN_S) == 0
    assert (lost_uploads(site, told), lost_fixes(site, told)) == ([], [])


def test_two_hundred_at_once_are_one(site: Site) -> None:
    body, headers = trace(0, 1), {"Authorization": f"Bearer {site.keys[0]}"}

    def submit(_: int) -> int:
        return ask(site, "POST", "/api/v1/traces", body, headers)[0]

    with running(site, more=NO_WORK), ThreadPoolExecutor(50) as pool:
        statuses = list(pool.map(submit, range(200)))
    assert set(statuses) <= {200, 201, 202}
    assert statuses.count(201) <= 1
    once = n_rows(site)
    assert (once["uploads"], once["rides"]) == (1, 1)
    assert once["ledger"] >= 1
    assert replay_differences(site) == []


def test_without_files_it_waits_and_goes_on(site: Site) -> None:
    """64 files, 100 connections that say nothing: who comes behind them waits and is answered."""
    limited = ("sh", "-c", 'ulimit -n 64; exec "$@"', "sh")
    headers = {"Authorization": f"Bearer {site.keys[0]}"}
    with running(site, limited, NO_WORK):
        silent = [socket.create_connection(("127.0.0.1", site.port)) for _ in range(100)]
        time.sleep(1)
        for one in silent:
            one.close()
        assert ask(site, "POST", "/api/v1/traces", trace(0, 1), headers)[0] == 201
        assert ask(site, "GET", "/health")[0] == 200
    assert n_rows(site)["uploads"] == 1


def test_a_failed_sync_ends_the_service(site: Site) -> None:
    """The first sync of a body fails, every later one would succeed: nobody may believe these."""
    failing = """
import errno, os
fsync, failed = os.fsync, []
def fail(handle):
    if not failed:
        failed.append(handle)
        raise OSError(errno.EIO, "Input/output error")
    fsync(handle)
os.fsync = fail
"""
    headers = {"Authorization": f"Bearer {site.keys[0]}"}
    keep_secret(site.folder / "var" / "secret")  # or its sync would be the first
    with running(site, more=NO_WORK, start=failing) as process:
        assert ask(site, "POST", "/api/v1/traces", trace(0, 1), headers)[0] == 503
        assert process.wait(ANSWERS_WITHIN_S) == 74
    assert n_rows(site)["uploads"] == 0
    with running(site, more=NO_WORK):
        assert ask(site, "POST", "/api/v1/traces", trace(0, 1), headers)[0] == 201


@needs_program("strace")
def test_a_failed_sync_of_the_database_ends_the_service(site: Site) -> None:
    inject = ("-e", "trace=fsync,fdatasync", "-e", "inject=fsync,fdatasync:error=EIO:when=1")
    log = str(site.folder / "site.sqlite-wal")
    headers = {"Authorization": f"Bearer {site.keys[0]}", "Content-Type": "application/json"}
    with running(site, ("strace", "-f", "-o", "/dev/null", "-P", log, *inject), NO_WORK) as process:
        assert ask(site, "POST", "/ingest/overland", batch(0, START_S), headers)[0] == 503
        assert process.wait(ANSWERS_WITHIN_S) == 74
    assert n_rows(site)["messages"] == 0
    with running(site, more=NO_WORK):
        assert ask(site, "POST", "/ingest/overland", batch(0, START_S), headers)[0] == 200


def test_a_worker_that_is_killed_is_followed_by_another(site: Site) -> None:
    """Its upload waits for nobody's lease but its own; /health says that a worker is there."""

    def children(pid: int) -> list[int]:
        return [child.pid for child in psutil.Process(pid).children()]

    def health() -> dict[str, str]:
        return dict(json.loads(ask(site, "GET", "/health")[1]))

    with running(site) as service:
        wait_until(lambda: health()["worker"] == "ok")
        (first,) = children(service.pid)
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: children(service.pid) not in ([], [first]))
        headers = {"Authorization": f"Bearer {site.keys[0]}", "Prefer": "respond-async"}
        assert ask(site, "POST", "/api/v1/traces", trace(0, 1), headers)[0] == 202
        wait_until(lambda: n_waiting(site) == 0)
    assert "the worker ended (-9)" in (site.folder / "service.log").read_text()
