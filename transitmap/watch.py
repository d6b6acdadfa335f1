"""The worker beside a service: started again whenever it ends, and whether one was there lately."""

from __future__ import annotations

import logging
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from transitmap import store

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.orm import Session

log = logging.getLogger("transitmap.watch")

FIRST_PAUSE_S, MAX_PAUSE_S = 1.0, 300.0
"""A child that ended is started again after so long, twice as long each time, at most so long."""
STEADY_S = 60.0
"""A child that ran for so long was well: the pause begins anew."""
LOOK_EVERY_S = 0.2
END_WITHIN_S = 10.0
SEEN, SEEN_EVERY_S = "work_seen_s", 30.0
"""A worker notes so often that it is there."""
SILENT_S = 120.0
"""A worker that noted nothing for so long has ended, or hangs."""


@contextmanager
def kept_running(
    command: Sequence[str], first_pause_s: float = FIRST_PAUSE_S, steady_s: float = STEADY_S
) -> Iterator[None]:
    """Runs a command as long as this lasts, whatever ends it; told to end at the end, else killed."""
    is_over = threading.Event()
    keeper = threading.Thread(target=_keep, args=(command, first_pause_s, steady_s, is_over))
    keeper.start()
    try:
        yield
    finally:
        is_over.set()
        keeper.join()


def _keep(command: Sequence[str], first_pause_s: float, steady_s: float, is_over: threading.Event) -> None:
    pause_s = first_pause_s
    while not is_over.is_set():
        begun_s = time.monotonic()
        status = _run(command, is_over)
        lasted_s = time.monotonic() - begun_s
        if is_over.is_set():
            return
        pause_s = first_pause_s if lasted_s >= steady_s else pause_s
        log.error("the worker ended (%d) after %.0f s, starts again in %.0f s", status, lasted_s, pause_s)
        is_over.wait(pause_s)
        pause_s = min(2.0 * pause_s, MAX_PAUSE_S)


def _run(command: Sequence[str], is_over: threading.Event) -> int:
    """The exit status of one run."""
    process = subprocess.Popen(command)  # noqa: S603 - our own program, and no word of it comes from outside
    while process.poll() is None and not is_over.wait(LOOK_EVERY_S):
        pass
    process.terminate()
    try:
        return process.wait(END_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def note_seen(engine: Engine, seen_s: float) -> float:
    """Notes that a worker is there; when it did so last, on the clock that never jumps."""
    if time.monotonic() - seen_s < SEEN_EVERY_S:
        return seen_s
    with store.session(engine) as session:
        store.set_fact(session, SEEN, str(time.time()))
    return time.monotonic()


def worker_state(session: Session, now_s: float) -> str:
    """`ok`, `silent` where none was there lately, `never` where none ever was."""
    seen = store.fact(session, SEEN)
    if seen is None:
        return "never"
    return "ok" if abs(now_s - float(seen)) <= SILENT_S else "silent"
