"""Who holds an upload: a process by a name that no other has, and whether it is known to be dead."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

PROC = Path("/proc")
_STARTED = 19  # of /proc/PID/stat behind the program's name: when it started, in ticks since the boot


def me() -> str:
    """This process: the boot and the name space in which its number counts, the number, and when it began.

    Empty where the system does not tell (not Linux): then nobody takes its work for left behind.
    """
    return _name(os.getpid())


@lru_cache(maxsize=1)
def _name(pid: int) -> str:
    begun = _begun(pid)
    return f"{_machine()}:{pid}:{begun}" if begun and _machine() else ""


def is_dead(holder: str) -> bool:
    """Whether that process is known to be dead; False for one of another machine, container or boot."""
    machine, _, process = holder.partition(":")
    pid, _, begun = process.partition(":")
    return bool(holder) and machine == _machine() and pid.isdecimal() and _begun(int(pid)) != begun


def _machine() -> str:
    try:
        boot = (PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        space = str((PROC / "self/ns/pid").readlink())
    except OSError:
        return ""
    return f"{boot}/{space.strip('pid:[]')}"


def _begun(pid: int) -> str:
    """Empty where there is no such process, or only what it leaves its parent to read."""
    try:
        words = (
            (PROC / str(pid) / "stat")
            .read_text(encoding="utf-8", errors="replace")
            .rpartition(")")[2]
            .split()
        )
    except OSError:
        return ""
    return "" if words[0] in "ZX" else words[_STARTED]
