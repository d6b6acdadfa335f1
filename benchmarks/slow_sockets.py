"""What honest riders feel while slow sockets are held open: `python -m benchmarks.slow_sockets [SOCKETS]`.

One process holds SOCKETS connections that send a few bytes of their head or body every few seconds, and opens
them again when they are closed; an honest rider sends small traces, one after the other.
Latency idle and beside them in turns: straight to a service, and through docs/nginx.conf before two.
"""

from __future__ import annotations

import multiprocessing
import os
import re
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from tests.faults.service import (
    ANSWERS_WITHIN_S,
    ROOT,
    Site,
    ask,
    free_port,
    is_well,
    make_site,
    running,
    trace,
    wait_until,
)

N_HONEST, N_ROUNDS, DRIBBLE_S = 300, 3, 4.0
HEAD = b"POST /api/v1/traces HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n"
NO_WORK = ("--no-work",)


def main() -> None:
    """Print p50 and p99 of honest uploads, and how many failed."""
    n_sockets = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    more_files()
    with tempfile.TemporaryDirectory() as folder:
        site = make_site(Path(folder))
        with running(site, more=NO_WORK):
            compare("straight", site, n_sockets)
        if shutil.which("nginx"):
            with production(site) as (front, _):
                compare("nginx", front, n_sockets)


def compare(name: str, site: Site, n_sockets: int) -> float:
    """Prints both; how many times slower the slowest hundredth is beside slow sockets."""
    idle: list[float | None] = []
    beside: list[float | None] = []
    honest(site, f"{name} warm", 30)
    for number in range(N_ROUNDS):
        idle += honest(site, f"{name} {number} idle", N_HONEST)
        with attacked(site, n_sockets):
            beside += honest(site, f"{name} {number} beside", N_HONEST)
    p99: list[float] = []
    for what, times_s in (("idle", idle), (f"beside {n_sockets} slow sockets", beside)):
        good = sorted(one for one in times_s if one is not None)
        p99.append(good[int(0.99 * len(good))])
        p50 = statistics.median(good)
        print(
            f"{name}, {what}: p50 {1e3 * p50:.0f} ms, p99 {1e3 * p99[-1]:.0f} ms, "
            f"failed {times_s.count(None)} of {len(times_s)}"
        )
    print(f"{name}: p99 {p99[1] / p99[0]:.2f} times idle")
    return p99[1] / p99[0]


def honest(site: Site, series: str, n: int) -> list[float | None]:
    """Seconds of each upload, None where it failed."""
    headers = {"Authorization": f"Bearer {site.keys[0]}", "Prefer": "respond-async"}
    times_s: list[float | None] = []
    for number in range(n):
        body = trace(0, number).replace(b"<name>", f"<name>{series}".encode())
        began_s = time.perf_counter()
        try:
            status, _ = ask(site, "POST", "/api/v1/traces", body, headers)
        except OSError:
            status = 0
        times_s.append(time.perf_counter() - began_s if status in (200, 201, 202) else None)
    return times_s


@contextmanager
def attacked(site: Site, n_sockets: int) -> Iterator[None]:
    """While so many slow sockets are open."""
    stop, held = multiprocessing.Event(), multiprocessing.Value("i", 0)
    attack = multiprocessing.Process(target=hold, args=(site.port, n_sockets, stop, held))
    attack.start()
    while held.value < n_sockets and attack.is_alive():
        time.sleep(0.05)
    if held.value < n_sockets:
        sys.exit(f"only {held.value} of {n_sockets} sockets could be opened")
    yield
    stop.set()
    attack.join()


def hold(port: int, n_sockets: int, stop: object, held: object) -> None:
    """Opens the sockets and dribbles until told to stop; half of them stop inside the head."""
    more_files()
    sockets = []
    for number in range(n_sockets):
        sockets.append(open_slow(port, number))
        held.value = len(sockets)
    while not stop.wait(DRIBBLE_S):
        for number, one in enumerate(sockets):
            try:
                one.sendall(b"X-A: b\r\n" if number % 2 else b" ")
            except OSError:
                one.close()
                sockets[number] = open_slow(port, number)


def open_slow(port: int, number: int) -> socket.socket:
    """A connection that has begun a request."""
    one = socket.create_connection(("127.0.0.1", port), timeout=ANSWERS_WITHIN_S)
    one.sendall(HEAD if number % 2 else HEAD + b"\r\n<gpx>")
    return one


@contextmanager
def production(site: Site) -> Iterator[tuple[Site, list[subprocess.Popen[bytes]]]]:
    """nginx by docs/nginx.conf, and the two services behind it."""
    ports = [free_port() for _ in range(3)]
    (site.folder / "nginx.conf").write_text(configuration(site.folder, ports))
    command = ["nginx", "-c", str(site.folder / "nginx.conf"), "-p", str(site.folder), "-g", "daemon off;"]
    front = replace(site, port=ports[0])
    with ExitStack() as both:
        services = [both.enter_context(running(replace(site, port=one), more=NO_WORK)) for one in ports[1:]]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
            try:
                wait_until(lambda: is_well(front))
                yield front, services
            finally:
                process.terminate()


def configuration(folder: Path, ports: list[int]) -> str:
    """docs/nginx.conf with these ports (its own, then the services') and everything in a folder."""
    text = (ROOT / "docs" / "nginx.conf").read_text(encoding="utf-8")
    for was, now in zip(("listen 80;", ":8001 ", ":8002 "), ports, strict=True):
        assert was in text, was
        text = text.replace(was, f"listen 127.0.0.1:{now};" if was.startswith("listen") else f":{now} ")
    text = text.replace("/run/", f"{folder}/").replace("/var/log/nginx/", f"{folder}/")
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"    {kind}_temp_path {folder}/{kind};\n" for kind in kinds)
    who = "user root;\n" if os.geteuid() == 0 else ""  # else nobody may write into this folder
    return who + re.sub(r"^http \{\n", f"http {{\n{temporary}", text, flags=re.MULTILINE)


def more_files() -> None:
    """As many open sockets as the system lets this process have."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


if __name__ == "__main__":
    main()
