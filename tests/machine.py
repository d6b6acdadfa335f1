"""What a test may need of its machine: it says what it is, and is skipped with a word where it is not."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PROGRAMS = {"strace": "strace", "nginx": "nginx", "faketime": "faketime", "ip": "iproute2"}
"""What tests run, and Debian's package of it."""

needs_proc = pytest.mark.skipif(
    not Path("/proc/self/status").is_file(), reason="NO /proc: memory was NOT measured"
)
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="NOT ROOT: what only root may do was NOT tried")


def needs_program(name: str) -> pytest.MarkDecorator:
    """For a test that runs `name`."""
    return pytest.mark.skipif(
        shutil.which(name) is None, reason=f"NO {name.upper()}: install {PROGRAMS[name]}; NOT tried with it"
    )


@contextmanager
def small_disk(folder: Path, size_mb: int) -> Iterator[Path]:
    """A new file system of so many MB, below `folder`; the test is skipped where none can be mounted."""
    place = folder / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size_mb}m", "none", str(place)]
    why = "there is no mount"
    if shutil.which("mount"):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        why = (done.stderr.strip() or "mount failed") if done.returncode else ""
    if why:
        pytest.skip(f"NO DISK OF ITS OWN, a full or broken one was NOT tried: {why}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)
