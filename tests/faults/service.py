"""A service of its own process group, riders who send to it for ever, and what must be true after any end."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, fields
from pathlib import Path

import numpy as np
from flask import Flask
from sqlalchemy import update
from werkzeug.test import TestResponse

from tests.points.hand import bus_ride, gpx_of
from transitmap import store
from transitmap.archive import Archive, unpack_message
from transitmap.collect.bundle import bundle_keys, fix_keys
from transitmap.collect.hear import hear
from transitmap.config import LimitConfig
from transitmap.model import Fixes
from webapp import create_app
from webapp.settings import Settings

ROOT = Path(__file__).parent.parent.parent
START_S = 1_795_000_000
STREET = [(0.0, 0.0), (3000.0, 0.0)]
ANSWERS_WITHIN_S = 300.0
"""Only what hangs takes so long: a machine may stop a process for seconds."""
WITHOUT_QUOTA = "[quota]\nmax_uploads = 0\nmax_messages = 0\nmax_bytes = 0\nmax_fixes = 0\n"
IN_NO_HURRY = "[collect]\nmax_inline_s = 250.0\n"
"""A file is understood while its sender waits, on a busy machine too."""
WITHOUT_LIMITS = "".join(["[limits]\n", *(f"{one.name} = 0\n" for one in fields(LimitConfig))])


@dataclass
class Site:
    """One installation in a folder: its database, its archive, and riders' device keys."""

    folder: Path
    database_url: str
    keys: list[str] = field(default_factory=list)
    port: int = 0

    @property
    def archive_url(self) -> str:
        """Where blobs are."""
        return str(self.folder / "archive")

    @property
    def environment(self) -> dict[str, str]:
        """What the service's process reads."""
        return os.environ | {
            "TRANSITMAP_DATABASE_URL": self.database_url,
            "TRANSITMAP_ARCHIVE_URL": self.archive_url,
            "TRANSITMAP_CONFIG": str(self.folder / "campaign.toml"),
            "PYTHONPATH": str(ROOT),
            "PORT": str(self.port),
        }


def make_site(folder: Path, database_url: str = "", n_riders: int = 4) -> Site:
    """A site with riders, each with a key. Without a URL it keeps a SQLite file in its folder."""
    site = Site(folder, database_url or f"sqlite:///{folder / 'site.sqlite'}", port=free_port())
    with (folder / "campaign.toml").open("w") as file:  # an organiser's file is older than any power cut
        file.write(WITHOUT_QUOTA + WITHOUT_LIMITS + IN_NO_HURRY)
        file.flush()
        os.fsync(file.fileno())
    store.upgrade(site.database_url)
    engine = store.open_engine(site.database_url)
    with store.session(engine) as session:
        for number in range(n_riders):
            rider = store.add_user(session, f"rider {number}", "", float(START_S))
            site.keys.append(store.add_token(session, rider, "phone", float(START_S))[1])
    engine.dispose()
    return site


_KEPT: list[socket.socket] = []


def free_port() -> int:
    """A port that nobody listens on, kept until this process ends: bound without listening.

    Nothing else is given it meanwhile, neither a server nor a connection on its way out. Ours may listen at
    it, for it reuses addresses; whoever connects while it does not is refused.
    """
    kept = socket.socket()
    kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    kept.bind(("127.0.0.1", 0))
    _KEPT.append(kept)
    return int(kept.getsockname()[1])


@contextmanager
def opened(site: Site) -> Iterator[Flask]:
    """The service's application in this process, without a port."""
    app = create_app(Settings(site.database_url, site.archive_url, "test" * 10))
    yield app
    app.extensions["transitmap_engine"].dispose()


def send_file(app: Flask, site: Site, number: int, rider: int = 0, **more: str) -> TestResponse:
    """The answer to a file of a rider."""
    headers = {"Authorization": f"Bearer {site.keys[rider]}", **more}
    return app.test_client().post("/api/v1/traces", data=trace(rider, number), headers=headers)


def send_batch(app: Flask, site: Site, number: int, rider: int = 0) -> TestResponse:
    """The answer to a live batch of a rider."""
    headers = {"Authorization": f"Bearer {site.keys[rider]}", "Content-Type": "application/json"}
    body = batch(rider, START_S - 40_000 + 20 * number)
    return app.test_client().post("/ingest/overland", data=body, headers=headers)


def n_rows(site: Site) -> dict[str, int]:
    """How many rows the tables have that must hold neither too few nor too many."""
    engine = store.open_engine(site.database_url)
    with engine.connect() as connection:
        names = ("uploads", "messages", "rides", "ledger")
        counts = {name: connection.exec_driver_sql(f"SELECT COUNT(*) FROM {name}").scalar() for name in names}
    engine.dispose()
    return counts


def is_sound(site: Site) -> bool:
    """Whether the file of an SQLite database is whole."""
    engine = store.open_engine(site.database_url)
    with engine.connect() as connection:
        said = connection.exec_driver_sql("PRAGMA integrity_check").scalar()
    engine.dispose()
    return said == "ok"


@contextmanager
def running(
    site: Site, before: tuple[str, ...] = (), more: tuple[str, ...] = (), start: str = ""
) -> Iterator[subprocess.Popen[bytes]]:
    """The service as a process group of its own, once it answers; killed at the end.

    `before` stands before its command, `start` is Python that runs first in it.
    """
    begin = ["-c", f"{start}\nfrom transitmap.cli import main; main()"] if start else ["-m", "transitmap.cli"]
    command = [*before, sys.executable, *begin, "serve", *more]
    with (site.folder / "service.log").open("ab") as log:
        process = subprocess.Popen(
            command,
            cwd=site.folder,
            env=site.environment,
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=log,
        )
    try:
        _wait_until_it_answers(site, process)
        yield process
    finally:
        kill(process)


def kill(process: subprocess.Popen[bytes]) -> None:
    """Ends the whole group at once, as a power switch would."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _wait_until_it_answers(site: Site, process: subprocess.Popen[bytes]) -> None:
    def answers() -> bool:
        assert process.poll() is None, f"the service ended with {process.returncode}"
        return is_well(site)

    wait_until(answers)


def is_well(site: Site) -> bool:
    """Whether it answers."""
    try:
        return ask(site, "GET", "/health")[0] == 200
    except OSError:
        return False


def wait_until(is_so: Callable[[], bool]) -> None:
    """Returns as soon as it is so; fails where it never becomes so."""
    until_s = time.monotonic() + ANSWERS_WITHIN_S
    while not is_so():
        assert time.monotonic() < until_s, f"not so within {ANSWERS_WITHIN_S:.0f} s"
        time.sleep(0.02)


def ask(
    site: Site, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
) -> tuple[int, bytes]:
    """One request; the status and the body of its answer.

    Raises:
        OSError: no whole answer came.
    """
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=ANSWERS_WITHIN_S)
    try:
        connection.request(method, path, body or None, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read()
    except http.client.HTTPException as error:
        raise OSError(type(error).__name__) from error
    finally:
        connection.close()


@dataclass
class Acknowledged:
    """What the service has said it holds."""

    uploads: set[str] = field(default_factory=set)
    fixes: set[tuple[int, int]] = field(default_factory=set)
    n_uncertain: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


class Rider(threading.Thread):
    """Sends files and live batches one after the other, the same one again where no answer came."""

    def __init__(self, site: Site, number: int, told: Acknowledged, stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self.site, self.number, self.told, self.stop = site, number, told, stop
        self.n_sent = 0

    def run(self) -> None:
        """Until `stop` is set."""
        while not self.stop.is_set():
            try:
                self._send()
                self.n_sent += 1
            except OSError:
                with self.told.lock:
                    self.told.n_uncertain += 1
                time.sleep(0.05)

    def _send(self) -> None:
        headers = {"Authorization": f"Bearer {self.site.keys[self.number]}"}
        if self.n_sent % 2:
            self._send_batch(headers)
        else:
            self._send_file(headers)

    def _send_file(self, headers: dict[str, str]) -> None:
        body = trace(self.number, self.n_sent)
        status, _ = ask(self.site, "POST", "/api/v1/traces", body, headers)
        if status not in (200, 201, 202):
            raise OSError(status)
        with self.told.lock:
            self.told.uploads.add(hashlib.sha256(body).hexdigest())

    def _send_batch(self, headers: dict[str, str]) -> None:
        first_s = START_S - 40_000 + 20 * self.n_sent
        body = batch(self.number, first_s)
        status, answer = ask(
            self.site, "POST", "/ingest/overland", body, headers | {"Content-Type": "application/json"}
        )
        if status != 200 or json.loads(answer).get("result") != "ok":
            raise OSError(status)
        with self.told.lock:
            self.told.fixes |= {(self.number, first_s + second) for second in range(10)}


@contextmanager
def riding(site: Site) -> Iterator[Acknowledged]:
    """Riders who send all the time; each has ended behind this, and nothing is acknowledged any more."""
    told, stop = Acknowledged(), threading.Event()
    riders = [Rider(site, number, told, stop) for number in range(len(site.keys))]
    for rider in riders:
        rider.start()
    try:
        yield told
    finally:
        stop.set()
        for rider in riders:
            rider.join()


def trace(rider: int, number: int) -> bytes:
    """A GPX file that nobody else sends: one more ride of a line that all riders ride."""
    start_s = START_S - 1_000_000 - 2_000 * number - 450 * rider
    return gpx_of(bus_ride(STREET, float(start_s), seed=1_000_000 * rider + number))


def batch(rider: int, first_s: int) -> bytes:
    """An Overland batch of ten fixes."""
    features = [
        {
            "type": "Feature",
            "geometry": {
                "type": "Point",
                "coordinates": [-99.1 + 1e-5 * (first_s + k - START_S), 19.4 + rider * 0.01],
            },
            "properties": {"timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(first_s + k))},
        }
        for k in range(10)
    ]
    return json.dumps({"locations": features}).encode()


def lost_uploads(site: Site, told: Acknowledged) -> list[str]:
    """Acknowledged uploads that are not there byte by byte, or have no row."""
    archive, engine = Archive(site.archive_url), store.open_engine(site.database_url)
    with store.session(engine, write=False) as session:
        rows = {one.sha256 for state in store.UPLOAD_STATES for one in store.uploads_in_state(session, state)}
    engine.dispose()
    return [sha for sha in sorted(told.uploads) if sha not in rows or not _is_whole(archive, sha)]


def _is_whole(archive: Archive, sha256: str) -> bool:
    return archive.has(sha256) and hashlib.sha256(archive.get(sha256)).hexdigest() == sha256


def work_off(site: Site) -> None:
    """Understands and publishes what waits, in a process of its own, once the leases of the dead are over."""
    engine = store.open_engine(site.database_url)
    with store.session(engine) as session:
        session.execute(update(store.Upload).values(lease_until_s=0.0))
    engine.dispose()
    command = [sys.executable, "-m", "transitmap.cli", "work", "--once"]
    done = subprocess.run(command, cwd=site.folder, env=site.environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def n_waiting(site: Site) -> int:
    """How many uploads nobody has understood or refused."""
    engine = store.open_engine(site.database_url)
    with store.session(engine, write=False) as session:
        n = len(store.uploads_in_state(session, store.RECEIVED))
    engine.dispose()
    return n


def replay_differences(site: Site) -> list[str]:
    """What a replay of the ledger from raw uploads says."""
    command = [sys.executable, "-m", "transitmap.cli", "points", "replay"]
    done = subprocess.run(command, cwd=site.folder, env=site.environment, capture_output=True, text=True)
    return [] if done.returncode == 0 else [done.stdout + done.stderr]


def lost_fixes(site: Site, told: Acknowledged) -> list[int]:
    """Keys of acknowledged fixes that are in no waiting message and in no bundle of a ride."""
    archive, engine = Archive(site.archive_url), store.open_engine(site.database_url)
    there: set[int] = set()
    with store.session(engine, write=False) as session:
        for token_id in store.waiting_devices(session):
            ids = [heading.id for heading in store.waiting_headings(session, token_id)]
            for packed in store.packed_messages(session, ids):
                there.update(fix_keys(hear(unpack_message(packed)).fixes).tolist())
        for state in store.UPLOAD_STATES:
            for upload in store.uploads_in_state(session, state):
                if upload.kind == "live":
                    there.update(bundle_keys(archive.get(upload.sha256)).tolist())
    engine.dispose()
    return sorted(set(fix_keys(_told_fixes(told)).tolist()) - there)


def _told_fixes(told: Acknowledged) -> Fixes:
    rows = np.array(sorted(told.fixes), dtype=float).reshape(-1, 2)
    lon_deg = -99.1 + 1e-5 * (rows[:, 1] - START_S)
    return Fixes(rows[:, 1], 19.4 + rows[:, 0] * 0.01, lon_deg, np.full(len(rows), np.nan))
