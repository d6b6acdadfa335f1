"""A child process with limits that reads what nobody trusts: it may crash, spin or eat memory, we do not."""

from __future__ import annotations

import contextlib
import json
import math
import os
import pickle
import resource
import signal
import struct
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO, BinaryIO, cast

from transitmap.errors import ReaderBusy, ReaderDied, UploadRefused
from transitmap.model import JsonObject

Part = tuple[JsonObject, bytes]
"""A thing that a reader found. The child answers in JSON and bytes: one taken over takes nobody along."""
Read = Callable[..., Iterable[Part]]

HEADER = struct.Struct(">II")
GROWN_BYTES = 128_000_000
"""A child that has grown so much is followed by a new one: memory once taken is seldom given back."""
TOLD = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR")
"""What the child may know of the environment: no database, no secret."""
SPENT, CRASHED = "too_complex", "parser_crash"


@lru_cache(maxsize=2)
def sandbox(max_bytes: int, max_cpu_s: float) -> Sandbox:
    """This process's sandbox of such limits; its child is started by the first body."""
    return Sandbox(max_bytes, max_cpu_s)


class Sandbox:
    """One child for many bodies, one after the other; a new one whenever it died.

    `max_bytes` is what it may take above what it had before its first body, `max_cpu_s` its time for each.
    """

    def __init__(self, max_bytes: int, max_cpu_s: float) -> None:
        self._limits = str(max_bytes), str(max_cpu_s)
        self._lock = threading.Lock()
        self._child: _Child | None = None

    def run(self, read: Read, *told: object, within_s: float) -> Iterator[Part]:
        """What `read(*told)` finds in the child, part by part. `read` is a function of a module.

        Raises:
            UploadRefused: as `read`.
            ReaderDied: it crashed (`parser_crash`), or took more than its limits (`too_complex`).
            ReaderBusy: `within_s` passed, waiting for others included.
        """
        until_s = time.monotonic() + within_s
        if not self._lock.acquire(timeout=max(0.0, within_s)):
            raise ReaderBusy(within_s)
        try:
            yield from self._ask(self._alive(), read, told, until_s - time.monotonic())
        except _Late:
            raise ReaderBusy(within_s) from None
        finally:
            self._lock.release()

    def _ask(self, child: _Child, read: Read, told: tuple[object, ...], within_s: float) -> Iterator[Part]:
        """The parts of one answer. A child that is not at its end, or not wanted any more, is stopped."""
        is_late = threading.Event()
        timer = threading.Timer(within_s, _end_late, (child, is_late))
        timer.start()
        ending: JsonObject | None = None
        try:
            _send(child, read, told)
            while ending is None:
                part, body = _receive(child)
                if "end" in part:
                    ending = part
                else:
                    yield part, body
        except (OSError, EOFError):
            _stop(child)
            raise _Late if is_late.is_set() else _died(child.process.returncode) from None
        finally:
            timer.cancel()
            if ending is None or ending["end"]:
                _stop(child)
        if "refused" in ending:
            raise UploadRefused(*ending["refused"])
        if "died" in ending:
            raise ReaderDied(*ending["died"])

    def _alive(self) -> _Child:
        if self._child is None or self._child.process.poll() is not None:
            self._child = _start(self._limits)
            weakref.finalize(self, _stop, self._child)
        return self._child


@dataclass(frozen=True)
class _Child:
    process: subprocess.Popen[bytes]
    requests: IO[bytes]
    answers: IO[bytes]


def _start(limits: tuple[str, str]) -> _Child:
    """A child that waits for bodies. Started afresh, never forked: the service has threads."""
    environment = {name: os.environ[name] for name in TOLD if name in os.environ}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    command = [sys.executable, "-m", "transitmap.sandbox", *limits]
    process = subprocess.Popen(  # noqa: S603 - no shell, and no word of it comes from outside
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
    )
    return _Child(process, cast(IO[bytes], process.stdin), cast(IO[bytes], process.stdout))


def _stop(child: _Child) -> None:
    child.process.kill()
    child.process.wait()
    for pipe in (child.requests, child.answers):
        with contextlib.suppress(OSError):
            pipe.close()


def _end_late(child: _Child, is_late: threading.Event) -> None:
    is_late.set()
    child.process.kill()


class _Late(Exception):
    """The time is over: we ended the child."""


def _died(code: int) -> ReaderDied:
    """Why the child is gone: out of time or memory, or by a fault."""
    is_spent = -code in (signal.SIGXCPU, signal.SIGKILL)
    return ReaderDied(SPENT if is_spent else CRASHED, f"exit {code}")


def _send(child: _Child, read: Read, told: tuple[object, ...]) -> None:
    """Sends what to do. Bodies go beside the pickle, so that neither side makes a copy of them."""
    bodies: list[pickle.PickleBuffer] = []
    beside = tuple(pickle.PickleBuffer(one) if isinstance(one, bytes) else one for one in told)
    request = pickle.dumps((read, beside), protocol=5, buffer_callback=bodies.append)
    child.requests.write(HEADER.pack(len(request), len(bodies)) + request)
    for body in bodies:
        child.requests.write(HEADER.pack(0, body.raw().nbytes))
        child.requests.write(body)
    child.requests.flush()


def _receive(child: _Child) -> Part:
    """The next part.

    Raises:
        EOFError: the child is gone.
    """
    header = child.answers.read(HEADER.size)
    if len(header) < HEADER.size:
        raise EOFError
    n_text, n_bytes = HEADER.unpack(header)
    text, body = child.answers.read(n_text), child.answers.read(n_bytes)
    if len(text) + len(body) < n_text + n_bytes:
        raise EOFError
    told: JsonObject = json.loads(text)
    return told, body


# --- in the child ---------------------------------------------------------------------------------


def _serve(max_bytes: int, max_cpu_s: float) -> None:
    """Answers bodies until the parent is gone. What libraries print goes nowhere: it could be positions.

    Whoever tells the service to end tells its children too: the parent still wants its answer.
    """
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(nowhere, stream)
    base = 0
    while header := requests.read(HEADER.size):
        n_bytes, n_bodies = HEADER.unpack(header)
        request = requests.read(n_bytes)
        bodies = [requests.read(HEADER.unpack(requests.read(HEADER.size))[1]) for _ in range(n_bodies)]
        read, told = pickle.loads(request, buffers=bodies)  # noqa: S301 - our parent's  # nosec B301
        base = base or _taken_bytes()
        _limit(base + max_bytes, max_cpu_s)
        ending = _answer(read, told, answers)
        del bodies, read, told
        _write(answers, ending | {"end": _taken_bytes() > base + GROWN_BYTES}, b"")
        answers.flush()


def _answer(read: Read, told: tuple[object, ...], answers: BinaryIO) -> JsonObject:
    """Writes what the reader finds; how it ended. What it raises is told by name and place."""
    try:
        for part, body in read(*told):
            _write(answers, part, body)
    except UploadRefused as refused:
        return {"refused": [refused.reason, refused.detail, refused.line, refused.column]}
    except MemoryError:
        return {"died": [SPENT, "MemoryError"]}
    except Exception as error:
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        place = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else ""
        return {"died": [CRASHED, f"{type(error).__name__} at {place}"]}
    return {}


def _write(answers: BinaryIO, part: JsonObject, body: bytes) -> None:
    text = json.dumps(part).encode()
    answers.write(HEADER.pack(len(text), len(body)))
    answers.write(text)
    answers.write(body)


def _taken_bytes() -> int:
    """The address space in use; 0 where the system does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    except OSError:
        return 0


def _limit(max_bytes: int, max_cpu_s: float) -> None:
    """What one body may cost from now on. The child writes no file."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    until_s = math.ceil(used.ru_utime + used.ru_stime + max_cpu_s)
    resource.setrlimit(resource.RLIMIT_CPU, (until_s, resource.getrlimit(resource.RLIMIT_CPU)[1]))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if _taken_bytes():
        resource.setrlimit(resource.RLIMIT_AS, (max_bytes, resource.getrlimit(resource.RLIMIT_AS)[1]))


if __name__ == "__main__":
    _serve(int(sys.argv[1]), float(sys.argv[2]))
