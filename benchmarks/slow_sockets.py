"""What honest riders feel while slow sockets are held open: `python -m benchmarks.slow_sockets [SOCKETS]`.

One process holds SOCKETS connections that send a byte of their head or body every few seconds; honest riders
send small traces one after the other. Latency idle and beside them, in one run: straight to the service, and
through nginx where that is installed (docs/operating.md, nginx.conf).
"""

from __future__ import annotations

import multiprocessing
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from tests.faults.service import Site, ask, free_port, make_site, running, trace

N_HONEST, DRIBBLE_S = 200, 4.0
HEAD = b"POST /api/v1/traces HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n"


def main() -> None:
    """Print p50 and p99 of honest uploads, and how many failed."""
    n_sockets = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    more_files()
    with tempfile.TemporaryDirectory() as folder:
        site = make_site(Path(folder))
        with running(site):
            _compare("straight", site, n_sockets)
            if shutil.which("nginx"):
                with nginx(Path(folder), site) as front:
                    _compare("nginx", front, n_sockets)


def _compare(name: str, site: Site, n_sockets: int) -> None:
    idle = honest(site, f"{name}-idle")
    stop, held = multiprocessing.Event(), multiprocessing.Value("i", 0)
    attack = multiprocessing.Process(target=hold, args=(site.port, n_sockets, stop, held))
    attack.start()
    while held.value < n_sockets and attack.is_alive():
        time.sleep(0.1)
    beside = honest(site, f"{name}-beside")
    stop.set()
    attack.join()
    for what, times_s in (("idle", idle), (f"beside {held.value} slow sockets", beside)):
        good = sorted(one for one in times_s if one is not None)
        p50, p99 = statistics.median(good), good[int(0.99 * len(good))]
        print(f"{name}, {what}: p50 {1e3 * p50:.0f} ms, p99 {1e3 * p99:.0f} ms, failed {times_s.count(None)}")


def honest(site: Site, series: str) -> list[float | None]:
    """Seconds of each upload, None where it failed."""
    headers = {"Authorization": f"Bearer {site.keys[0]}", "Prefer": "respond-async"}
    times_s: list[float | None] = []
    for number in range(N_HONEST):
        body = trace(0, number).replace(b"R0", series.encode())
        began_s = time.perf_counter()
        try:
            status, _ = ask(site, "POST", "/api/v1/traces", body, headers)
        except OSError:
            status = 0
        times_s.append(time.perf_counter() - began_s if status in (200, 201, 202) else None)
    return times_s


def hold(port: int, n_sockets: int, stop: object, held: object) -> None:
    """Opens the sockets and dribbles until told to stop; half of them stop inside the head."""
    more_files()
    sockets: list[socket.socket] = []
    for number in range(n_sockets):
        one = socket.create_connection(("127.0.0.1", port), timeout=20)
        one.sendall(HEAD if number % 2 else HEAD + b"\r\n<gpx>")
        sockets.append(one)
        held.value = len(sockets)
    while not stop.wait(DRIBBLE_S):
        for number, one in enumerate(sockets):
            try:
                one.sendall(b"X-A: b\r\n" if number % 2 else b" ")
            except OSError:
                continue


@contextmanager
def nginx(folder: Path, site: Site) -> Iterator[Site]:
    """nginx before the service, as docs/operating.md has it."""
    port = free_port()
    (folder / "nginx.conf").write_text(
        f"""worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log; daemon off;
worker_rlimit_nofile 8192; events {{ worker_connections 4096; }}
http {{ access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
client_max_body_size 26m; client_header_timeout 30s; client_body_timeout 60s;
server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://127.0.0.1:{site.port};
proxy_http_version 1.1; proxy_set_header Host $host; proxy_set_header X-Forwarded-For $remote_addr;
proxy_set_header X-Forwarded-Proto $scheme; }} }} }}
"""
    )
    process = subprocess.Popen(["nginx", "-c", str(folder / "nginx.conf"), "-p", str(folder)])
    front = replace(site, port=port)
    for _ in range(100):
        try:
            ask(front, "GET", "/health")
            break
        except OSError:
            time.sleep(0.05)
    try:
        yield front
    finally:
        process.terminate()
        process.wait()


def more_files() -> None:
    """As many open sockets as the system lets this process have."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


if __name__ == "__main__":
    main()
