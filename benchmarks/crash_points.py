"""Each point at which a process may die or a disk fail: `python -m benchmarks.crash_points [STEP [LAST]]`.

strace kills a process at its k-th write, sync or rename (or lets that one fail with EIO or ENOSPC), k = 1, 2
and so on, until it comes to its end unharmed, or LAST. Then the same is done again without harm and must find
all in order: acknowledged uploads there, a replay without a difference, a sound database, a whole feed.
STEP is `upload` (accepting three files), `understand` (reading and paying them), `publish` (making the feed),
`upgrade` (the tables) or `all`. SQLite; its tables and files are there before, but for `upgrade`.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.faults.service import (
    Acknowledged,
    Site,
    is_sound,
    lost_uploads,
    make_site,
    trace,
)
from transitmap import store, work
from transitmap.archive import Archive
from transitmap.config import server_defaults
from transitmap.contribute import LEASE_S, accept
from transitmap.points.rules import load_rules
from transitmap.replay import replay

CONFIG = server_defaults()
CALLS = {"write": "pwrite64,write", "sync": "fsync,fdatasync", "rename": "rename,unlink"}
HARMS = [("write", "signal=KILL"), ("sync", "signal=KILL"), ("rename", "signal=KILL")]
HARMS += [("sync", "error=EIO"), ("write", "error=ENOSPC")]
STEPS = ("upload", "understand", "publish", "upgrade")
N_RIDES = 8
PROLOGUE = """
import sys, time
from tests.faults.service import START_S, trace
from transitmap import publish, store, work
from transitmap.archive import Archive
from transitmap.config import server_defaults
from transitmap.contribute import accept
from transitmap.points.rules import load_rules
url, archive, ready = sys.argv[1], Archive(sys.argv[2]), sys.argv[3]
config, rules = server_defaults(), load_rules()
open(ready, "w").close()
sys.stdin.readline()
"""
PROGRAMS = {
    "upload": """
with store.session(store.open_engine(url)) as session:
    for number in range(3):
        upload, _ = accept(session, archive, 1, "a.gpx", trace(0, 500 + number), config, time.time())
        session.commit()
        print(upload.sha256, flush=True)
""",
    "understand": """
with store.session(store.open_engine(url)) as session:
    work.understand_waiting(session, archive, config, rules)
""",
    "publish": """
import datetime
with store.session(store.open_engine(url)) as session:
    publish.publish(session, archive, config, datetime.date(2026, 11, 20), time.time(), rules)
""",
    "upgrade": "store.upgrade(url)",
}


def main() -> None:
    """Print a line a harm, and what was wrong."""
    if not shutil.which("strace"):
        sys.exit("this needs strace")
    wanted = sys.argv[1] if len(sys.argv) > 1 else "all"
    last = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
    with tempfile.TemporaryDirectory() as folder:
        warm = make_warm(Path(folder) / "warm")
        for step in STEPS if wanted == "all" else (wanted,):
            if step == "publish":
                wrong_in_the_end(warm)
            for calls, harm in HARMS:
                began_s, n_points, wrong = time.monotonic(), 0, []
                while n_points < last:
                    is_unharmed, found = try_point(warm, step, calls, harm, n_points + 1)
                    wrong += found
                    if is_unharmed:
                        break
                    n_points += 1
                told = f"{n_points} points, {len(wrong)} wrong, {time.monotonic() - began_s:.0f} s"
                print(f"{step}: {harm} at each {calls}: {told}", *wrong[:5], flush=True)


def make_warm(folder: Path) -> Site:
    """A site with rides of all riders, understood and published once, and three more that wait."""
    folder.mkdir()
    site = make_site(folder)
    fill(site, range(N_RIDES))
    run(site, "understand")
    run(site, "publish")
    fill(site, range(N_RIDES, N_RIDES + 3))
    return site


def fill(site: Site, numbers: range) -> None:
    """Keeps rides of riders in turn."""
    engine, archive = store.open_engine(site.database_url), Archive(site.archive_url)
    with store.session(engine) as session:
        for number in numbers:
            rider = number % 4
            body = trace(rider, number // 4)
            accept(session, archive, rider + 1, "a.gpx", body, CONFIG, time.time())
    engine.dispose()


def try_point(warm: Site, step: str, calls: str, harm: str, k: int) -> tuple[bool, list[str]]:
    """Whether a process outlived its k-th call (there are fewer), and what is wrong after it."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made) / "site"
        shutil.copytree(warm.folder, folder)
        site = Site(folder, f"sqlite:///{folder / 'site.sqlite'}", warm.keys, warm.port)
        if step == "upgrade":
            (folder / "site.sqlite").unlink()
        acknowledged, is_unharmed = run(site, step, f"inject={CALLS[calls]}:{harm}:when={k}")
        return is_unharmed, [f"{k}: {what}" for what in wrong_with(site, step, acknowledged)]


def run(site: Site, step: str, harm: str = "") -> tuple[list[str], bool]:
    """What a process said while it did a step under a harm, and whether none came to it."""
    ready, trace_file = site.folder / "ready", site.folder / "strace"
    ready.unlink(missing_ok=True)
    told = [site.database_url, site.archive_url, str(ready)]
    environment = site.environment | {"PYTHONDONTWRITEBYTECODE": "1"}
    with subprocess.Popen(
        [sys.executable, "-c", PROLOGUE + PROGRAMS[step], *told],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        env=environment, text=True, start_new_session=True,
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        while not ready.exists() and process.poll() is None:
            time.sleep(0.005)
        tracer = attach(process.pid, harm, trace_file) if harm else None
        process.stdin.write("go\n")
        process.stdin.close()
        said = process.stdout.read().split()
        status = process.wait()
        if tracer is not None:
            tracer.communicate()
            end_group(process.pid)
    was_harmed = harm and (status == -signal.SIGKILL or "INJECTED" in trace_file.read_text())
    return said, not was_harmed


def attach(pid: int, harm: str, trace_file: Path) -> subprocess.Popen[bytes]:
    """strace on a process, once it watches."""
    calls = harm.removeprefix("inject=").split(":")[0]
    command = ["strace", "-f", "-p", str(pid), "-o", str(trace_file), "-e", f"trace={calls}", "-e", harm]
    tracer = subprocess.Popen(command, stderr=subprocess.PIPE)
    assert tracer.stderr is not None
    tracer.stderr.readline()  # "attached"
    return tracer


def end_group(pid: int) -> None:
    """Ends the readers that a killed process left."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def wrong_with(site: Site, step: str, acknowledged: list[str]) -> list[str]:
    """What is not as it must be, before and after the step is done again."""
    wrong = []
    told = Acknowledged(uploads=set(acknowledged))
    if step != "upgrade" and lost_uploads(site, told):
        wrong.append("an acknowledged upload is lost")
    if step == "publish" and not feed_is_whole(site):
        wrong.append("the feed that holds is not whole")
    if not is_sound(site):
        wrong.append("the database is damaged")
    if step == "upgrade":
        store.upgrade(site.database_url)
        store.check_upgraded(site.database_url)
        return wrong
    if step in ("upload", "publish"):
        run(site, step)
    return wrong + wrong_in_the_end(site)


def wrong_in_the_end(site: Site) -> list[str]:
    """What is not as it must be once everything that waits is understood."""
    engine, archive, real = store.open_engine(site.database_url), Archive(site.archive_url), time.time
    work.time.time = lambda: real() + 2 * LEASE_S
    with store.session(engine) as session:
        work.understand_waiting(session, archive, CONFIG, load_rules())
        n_waiting = len(store.uploads_in_state(session, store.RECEIVED))
        differences = replay(session, archive, CONFIG, load_rules())
    work.time.time = real
    engine.dispose()
    return ["an upload waits for ever"] * bool(n_waiting) + ["a replay differs"] * bool(differences)


def feed_is_whole(site: Site) -> bool:
    """Whether everything that the latest feed names is there."""
    engine, archive = store.open_engine(site.database_url), Archive(site.archive_url)
    with store.session(engine, write=False) as session:
        feed = store.latest_feed(session)
    engine.dispose()
    named = (feed.feed_sha256, feed.network_sha256, feed.known_sha256, feed.evidence_sha256) if feed else ()
    return bool(named) and all(hashlib.sha256(archive.get(one)).hexdigest() == one for one in named)


if __name__ == "__main__":
    main()
