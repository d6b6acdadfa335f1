"""CPU to accept a 264 kB GPX: the service beside a bare WSGI handler that does the same durable write.

    python benchmarks/accept_upload.py [--rounds 7] [--uploads 60]

Both run behind the same server (waitress, our settings), each in a process of its own, on a database and an
archive of its own; rounds are interleaved, and what is compared is the CPU of the server's process a request.
The bare handler reads the body, takes its SHA-256, writes a file, fsyncs it and its folder, moves it into
place, and inserts the same row into the same table by sqlite3 in one transaction with synchronous=FULL. It
knows no token, counts nothing and checks nothing.
"""

from __future__ import annotations

import argparse
import hashlib
import http.client
import json
import os
import secrets
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

N_BYTES = 264_000
INSERT = (
    "INSERT INTO uploads (id, user_id, sha256, name, n_bytes, received_s, state, reason, detail, consent, "
    "kind, parent_id, refused, attempts) "
    "VALUES (?, 1, ?, 'a.gpx', ?, ?, 'received', '', '', '', 'file', '', '[]', 0)"
)
PATHS = {"bare": "/", "API": "/api/v1/traces", "phone": "/ingest/file"}


def body_of(number: int) -> bytes:
    """A GPX of the right size that nobody sent before: its points say when and where."""
    rows, second = [], number * 10_000
    head = b'<?xml version="1.0"?><gpx version="1.1" creator="bench"><trk><trkseg>'
    while len(rows) * 99 < N_BYTES - 90:
        second += 1
        when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(1_760_000_000 + second))
        place = f'lat="19.{second % 10**6:06d}" lon="-99.{second % 10**6:06d}"'
        rows.append(f"<trkpt {place}><ele>2240.0</ele><time>{when}</time></trkpt>\n")
    return head + "".join(rows).encode() + b"</trkseg></trk></gpx>"


class Bare:
    """The handler of the comparison; a thread of the server has its own connection."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.mine = folder, threading.local()

    def __call__(self, environ: dict, start_response: Callable) -> list[bytes]:
        """Keeps one body and says so."""
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        sha256 = hashlib.sha256(body).hexdigest()
        self._write(sha256, body)
        upload_id = secrets.token_urlsafe(16)
        self._insert(upload_id, sha256, len(body))
        told = json.dumps({"id": upload_id, "state": "received"}).encode()
        head = [("Content-Type", "application/json"), ("Content-Length", str(len(told)))]
        start_response("202 Accepted", head)
        return [told]

    def _write(self, sha256: str, body: bytes) -> None:
        target = self.folder / sha256[:2]
        target.mkdir(exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=target)
        with os.fdopen(handle, "wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(target / sha256[2:])
        folder = os.open(target, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)

    def _insert(self, upload_id: str, sha256: str, n_bytes: int) -> None:
        if not hasattr(self.mine, "database"):
            self.mine.database = sqlite3.connect(self.folder / "db.sqlite", isolation_level=None)
            self.mine.database.execute("PRAGMA synchronous=FULL")
            self.mine.database.execute("PRAGMA busy_timeout=30000")
        self.mine.database.execute("BEGIN IMMEDIATE")
        self.mine.database.execute(INSERT, (upload_id, sha256, n_bytes, time.time()))
        self.mine.database.execute("COMMIT")


def serve(what: str, folder: Path) -> None:
    """One of both, on a free port that it prints."""
    from transitmap.config import QuotaConfig, server_defaults
    from webapp import create_app
    from webapp.serve import make_server
    from webapp.settings import Settings

    if what == "bare":
        app = Bare(folder)
    else:
        config = replace(server_defaults(), quota=QuotaConfig(10**9, 10**9, 10**12, 10**12))
        url = f"sqlite:///{folder / 'db.sqlite'}"
        app = create_app(Settings(url, str(folder / "archive"), "k" * 40, config))
    server = make_server(app, "127.0.0.1", 0, 25_000_000)
    print(server.effective_port, flush=True)
    server.run()


class Server:
    """A server in a process of its own, and how much CPU it took."""

    def __init__(self, what: str, folder: Path) -> None:
        from transitmap import store

        self.what = what
        folder.mkdir()
        url = f"sqlite:///{folder / 'db.sqlite'}"
        store.upgrade(url)
        with store.session(store.open_engine(url)) as session:
            user = store.add_user(session, "bench", "", 1.0)
            token = store.add_token(session, user, "bench", time.time())[1]
        command = [sys.executable, __file__, "--serve", what, str(folder)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.line = http.client.HTTPConnection("127.0.0.1", int(self.process.stdout.readline()))
        self.headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/gpx+xml"}
        self.headers |= {"Prefer": "respond-async", "X-Filename": "a.gpx"}

    def cpu_s(self) -> float:
        """Of all threads of the process so far."""
        tasks = Path(f"/proc/{self.process.pid}/task").glob("*/schedstat")
        return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9

    def send(self, bodies: list[bytes]) -> float:
        """CPU seconds a request."""
        before = self.cpu_s()
        for body in bodies:
            self.line.request("POST", PATHS[self.what], body, self.headers)
            answer = self.line.getresponse()
            told = answer.read()
            assert answer.status in (200, 202), (answer.status, told[:300])
        return (self.cpu_s() - before) / len(bodies)


def main() -> None:
    """Prints a line a handler."""
    options = argparse.ArgumentParser()
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--uploads", type=int, default=60)
    options.add_argument("--serve", nargs=2)
    told = options.parse_args()
    if told.serve:
        serve(told.serve[0], Path(told.serve[1]))
        return
    with tempfile.TemporaryDirectory() as place:
        servers = [Server(what, Path(place) / what) for what in PATHS]
        numbers = iter(range(10**6))
        cpu_ms: dict[str, list[float]] = {what: [] for what in PATHS}
        for turn in range(told.rounds + 1):
            for server in servers[turn % 3 :] + servers[: turn % 3]:
                bodies = [body_of(next(numbers)) for _ in range(told.uploads)]
                ms = server.send(bodies) * 1000
                if turn:  # the first warms up
                    cpu_ms[server.what].append(ms)
        for server in servers:
            server.process.terminate()
            server.process.wait()
    bare = cpu_ms["bare"]
    for what, values in cpu_ms.items():
        ratio = statistics.median(one / other for one, other in zip(values, bare, strict=True))
        print(f"{what:>6}: {statistics.median(values):.2f} ms CPU an upload, {ratio:.2f}x a bare handler")


if __name__ == "__main__":
    main()
