"""How many points a second phones can send, on the disk before each answer; beside a bare WSGI handler.

    python benchmarks/overland_batches.py [--batches N] [--points N] [--clients N] [--rounds N]
                                          [--single N] [--replay N]

The real server in a process of its own, keep-alive clients in another, SQLite with synchronous=FULL, Overland
batches of 200 points as its source writes them (some 500 bytes a point), each batch another one. The bare
handler runs in the same server and does the same durable write (digest, pack, one row, one commit) without
reading a word; rounds of both alternate. `--single` sends so many OwnTracks messages of one point,
`--replay` so many lines of GPSLogger, of which all but the first thousand were sent before.
"""

from __future__ import annotations

import argparse
import hashlib
import http.client
import json
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import zstandard

START_S = int(time.time()) - 80_000
Request = tuple[str, str, bytes, dict[str, str]]


def serve(kind: str, folder: Path) -> None:
    """Runs one of the servers until it is killed; prints its port, then its token."""
    from webapp.serve import make_server

    app, token = (ours if kind == "ours" else bare)(folder)
    server = make_server(app, "127.0.0.1", 0, 25_000_000)
    print(server.effective_port, token, flush=True)
    server.run()


def ours(folder: Path) -> tuple[Callable[..., object], str]:
    """The service with one rider and one device, who may send as much as they like."""
    from transitmap import store
    from transitmap.config import Config, override
    from webapp import create_app
    from webapp.settings import Settings

    url = f"sqlite:///{folder / 'db.sqlite'}"
    store.upgrade(url)
    engine = store.open_engine(url)
    with store.session(engine) as session:
        user = store.add_user(session, "rider", "hash", time.time())
        token = store.add_token(session, user, "phone", time.time())[1]
    free = {f"max_{name}": 0 for name in ("uploads", "messages", "bytes", "fixes")}
    config = override(Config(), {"quota": free})
    return create_app(Settings(url, str(folder / "archive"), "secret" * 6, config)), token


def bare(folder: Path) -> tuple[Callable[..., object], str]:
    """A WSGI handler that keeps the body: digest, packed bytes, one row, one commit that is synced."""
    local = threading.local()
    path = folder / "bare.sqlite"
    sqlite3.connect(path).executescript(
        "PRAGMA journal_mode=WAL; CREATE TABLE messages (sha256 TEXT PRIMARY KEY, packed BLOB NOT NULL)"
    )

    def app(environ, start_response) -> list[bytes]:
        if not hasattr(local, "db"):
            local.db = sqlite3.connect(path, isolation_level=None, timeout=30)
            local.db.execute("PRAGMA synchronous=FULL")
        body = environ["wsgi.input"].read()
        row = hashlib.sha256(body).hexdigest(), zstandard.ZstdCompressor(level=1).compress(body)
        local.db.execute("BEGIN IMMEDIATE")
        local.db.execute("INSERT INTO messages VALUES (?, ?)", row)
        local.db.execute("COMMIT")
        start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", "15")])
        return [b'{"result":"ok"}']

    return app, "none"


@dataclass(frozen=True)
class Server:
    """One server in a process of its own."""

    port: int
    token: str
    folder: Path
    pid: int

    def cpu_s(self) -> float:
        """What it used of a processor so far: other people's work on this machine does not count."""
        fields = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def running(kind: str) -> Iterator[Server]:
    """One server, until the block ends."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, __file__, "--serve", kind, folder]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            port, token = process.stdout.readline().split()
            yield Server(int(port), token, Path(folder), process.pid)
        finally:
            process.kill()
            process.wait()


def batches(n: int, n_points: int, first: int, token: str) -> list[Request]:
    """Overland batches, none twice."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    made = []
    for batch in range(first, first + n):
        features = [feature(batch * n_points + k) for k in range(n_points)]
        body = json.dumps({"locations": features, "current": features[-1]}).encode()
        made.append(("POST", "/ingest/overland", body, headers))
    return made


def feature(number: int) -> dict[str, object]:
    """One point of a phone with tracking stats on, every fifth second or less."""
    when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(START_S + number % 80_000))
    lon, lat = -99.1332 + number % 977 * 1e-5 + number * 1e-7, 19.4326 + number % 1009 * 1e-5
    properties = {
        "timestamp": when, "altitude": 2240 + number % 7, "speed": number % 15, "course": number % 360,
        "horizontal_accuracy": 5 + number % 9, "vertical_accuracy": 3, "speed_accuracy": 0.5,
        "course_accuracy": -1, "motion": ["driving"], "battery_state": "unplugged", "battery_level": 0.8,
        "device_id": "phone", "wifi": "", "unique_id": "", "trip_id": "2026-11-22T14:55:00Z", "pauses": False,
        "activity": "automotive_navigation", "desired_accuracy": 100, "deferred": 0,
        "significant_change": "disabled", "locations_in_payload": 200,
    }  # fmt: skip
    place = {"type": "Point", "coordinates": [round(lon, 7), round(lat, 7)]}
    return {"type": "Feature", "geometry": place, "properties": properties}


def singles(n: int, first: int, token: str) -> list[Request]:
    """OwnTracks messages of one point each."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    made = []
    for k in range(first, first + n):
        said = {"_type": "location", "lat": 19.4 + k * 1e-6, "lon": -99.1, "tst": START_S + k, "acc": 5,
                "vel": 29, "topic": "owntracks/jane/phone", "tid": "JJ", "batt": 67}  # fmt: skip
        made.append(("POST", "/ingest/owntracks", json.dumps(said).encode(), headers))
    return made


def replay(n: int, token: str) -> list[Request]:
    """GPSLogger's lines: a thousand, over and over."""
    query = "lat={}&lon=-99.1&timestamp={}&acc=5.0&spd=8.0&desc=&prov=gps"
    lines = [query.format(round(19.4 + k * 1e-5, 6), START_S + k) for k in range(1000)]
    return [("GET", f"/ingest/gpslogger/{token}?{lines[k % 1000]}", b"", {}) for k in range(n)]


def send_all(port: int, requests: Sequence[Request], n_clients: int) -> float:
    """Seconds until every request has its 200, by clients that keep their connection."""
    failed: list[int] = []

    def client(mine: Sequence[Request]) -> None:
        phone = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        for method, path, body, headers in mine:
            phone.request(method, path, body, headers)
            answer = phone.getresponse()
            answer.read()
            if answer.status != 200:
                failed.append(answer.status)
        phone.close()

    threads = [threading.Thread(target=client, args=(requests[k::n_clients],)) for k in range(n_clients)]
    began_s = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took_s = time.perf_counter() - began_s
    if failed:
        raise SystemExit(f"{len(failed)} answers were not 200, the first {failed[0]}")
    return took_s


def main() -> None:
    """Prints a line a round and the medians."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--serve", nargs=2)
    for name, default in (
        ("batches", 200),
        ("points", 200),
        ("clients", 2),
        ("rounds", 5),
        ("single", 0),
        ("replay", 0),
    ):
        parser.add_argument(f"--{name}", type=int, default=default)
    args = parser.parse_args()
    if args.serve:
        serve(args.serve[0], Path(args.serve[1]))
        return
    with running("ours") as mine, running("bare") as theirs:
        compare(mine, theirs, args)
        if args.single:
            took_s = send_all(mine.port, singles(args.single, 0, mine.token), args.clients)
            print(f"single points: {args.single / took_s:,.0f}/s")
        if args.replay:
            took_s = send_all(mine.port, replay(args.replay, mine.token), args.clients)
            with sqlite3.connect(mine.folder / "db.sqlite") as db:
                (kept,) = db.execute("SELECT count(*) FROM messages WHERE dialect = 'gpslogger'").fetchone()
            print(f"replay: {args.replay} lines, {kept} kept, {args.replay / took_s:,.0f} lines/s")


def compare(mine: Server, theirs: Server, args: argparse.Namespace) -> None:
    """Rounds of both in turn, after one that warms up."""
    n, n_points = args.batches, args.points
    for server in (mine, theirs):
        send_all(server.port, batches(20, n_points, 0, server.token), args.clients)
    rows = []
    for number in range(args.rounds):
        requests = batches(n, n_points, 20 + number * n, mine.token)
        ours_s, ours_ms = timed(mine, requests, args.clients)
        peer_s, peer_ms = timed(theirs, requests, args.clients)
        rows.append((n * n_points / ours_s, peer_s / ours_s, ours_ms, peer_ms))
        print(
            f"{n} batches of {n_points}, {len(requests[0][2]) // 1000} kB: {rows[-1][0]:,.0f} points/s, "
            f"{rows[-1][1]:.2f}x of bare; processor {ours_ms:.2f} ms a batch, bare {peer_ms:.2f} ms"
        )
    rate, ratio, ours_ms, peer_ms = (statistics.median(column) for column in zip(*rows, strict=True))
    print(
        f"median: {rate:,.0f} points/s, {ratio:.2f}x of bare; processor {ours_ms:.2f} ms a batch "
        f"({n_points / ours_ms * 1000:,.0f} points/s where the server has a core), bare {peer_ms:.2f} ms"
    )


def timed(server: Server, requests: Sequence[Request], n_clients: int) -> tuple[float, float]:
    """Seconds until all is answered, and milliseconds of processor a request."""
    before_s = server.cpu_s()
    took_s = send_all(server.port, requests, n_clients)
    return took_s, (server.cpu_s() - before_s) / len(requests) * 1000


if __name__ == "__main__":
    main()
