"""The worker beside a service: whatever ends it, it starts again; who asks is told whether it is there."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from transitmap import store, watch
from transitmap.watch import kept_running, note_seen, worker_state

NOTES_ITS_PID = "import os, sys, time; open(sys.argv[1], 'a').write(f'{os.getpid()}\\n'); time.sleep(600)"


def wait_for(is_so: Callable[[], bool], within_s: float = 300.0) -> None:
    until_s = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < until_s
        time.sleep(0.02)


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_what_is_killed_starts_again_and_ends_with_its_owner(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    noted = tmp_path / "pids"
    noted.touch()

    def pids() -> list[int]:
        return [int(line) for line in noted.read_text().splitlines()]

    with (
        caplog.at_level(logging.ERROR),
        kept_running([sys.executable, "-c", NOTES_ITS_PID, str(noted)], 0.05),
    ):
        for n in (1, 2):
            wait_for(lambda n=n: len(pids()) == n)
            os.kill(pids()[-1], signal.SIGKILL)
        wait_for(lambda: len(pids()) == 3)
        assert is_running(pids()[-1])
    assert not is_running(pids()[-1]), "it ends with its owner"
    assert len(pids()) == 3
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 2 and all(f"ended ({-signal.SIGKILL})" in one for one in said)


def test_the_pause_grows_until_a_run_was_long_enough(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Four short runs, a steady one, a short one."""
    clock_s = [0.0]
    lasting = iter([0.0, 0.0, 0.0, 0.0, 100.0, 0.0])
    pauses: list[float] = []

    class Over(threading.Event):
        def is_set(self) -> bool:
            return len(pauses) == 6

        def wait(self, timeout: float | None = None) -> bool:
            pauses.append(timeout or 0.0)
            return False

    def run(command: object, is_over: object) -> int:
        clock_s[0] += next(lasting)
        return 1

    monkeypatch.setattr(watch, "_run", run)
    monkeypatch.setattr(watch.time, "monotonic", lambda: clock_s[0])
    monkeypatch.setattr(watch, "MAX_PAUSE_S", 5.0)
    watch._keep(["none"], 1.0, 60.0, Over())
    assert pauses == [1.0, 2.0, 4.0, 5.0, 1.0, 2.0]


def test_who_asks_is_told_whether_a_worker_is_there(engine) -> None:
    def state(later_s: float) -> str:
        """So long after it was noted."""
        with store.session(engine, write=False) as session:
            noted_s = float(store.fact(session, watch.SEEN) or 0.0)
            return worker_state(session, noted_s + later_s)

    assert state(0.0) == "never"
    began_s = time.time()
    seen_s = note_seen(engine, -1e9)
    with store.session(engine, write=False) as session:
        assert began_s <= float(store.fact(session, watch.SEEN) or 0.0) <= time.time()
    assert note_seen(engine, seen_s) == seen_s, "not each second"
    assert (state(0.0), state(110.0), state(130.0)) == ("ok", "ok", "silent")
    assert state(-1e6) == "silent", "by a clock that was ahead"
