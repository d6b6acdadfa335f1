"""What a test may need of its machine: `python -m tests.machine` sees to it, or says loudly what is not."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes.util import find_library
from pathlib import Path

import pytest

APT_TIMEOUT_S = 300
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PROGRAMS = {
    "strace": "strace",
    "nginx": "nginx",
    "faketime": "faketime",
    "ip": "iproute2",
    "openssl": "openssl",
}
"""What tests run beside a browser, and Debian's package of it."""


def main() -> int:
    """Find what the tests need, or install it where this machine allows. Always 0: tests without it skip."""
    missing = find_missing()
    if missing and shutil.which("apt-get") and os.geteuid() == 0:
        _say(f"installing for the tests: {' '.join(missing.values())}")
        _install(list(missing.values()))
        if "nginx" in missing and shutil.which(
            "service"
        ):  # whose package may start it; the tests start theirs
            subprocess.run(["service", "nginx", "stop"], capture_output=True, check=False)
        missing = find_missing()
    for name in missing:
        _say(f"NO {name.upper()}, and it cannot be installed from here.")
    if missing:
        _say(f"THE TESTS THAT NEED IT WILL BE SKIPPED. Install {', '.join(missing.values())} and run again.")
    if not os.access("/dev/fuse", os.W_OK):
        _say("NO /dev/fuse: THE TEST OF A POWER CUT WILL BE SKIPPED.")
    if not missing:
        _say(f"every program that the tests run is here; browser: {find_chromium()}")
    return 0


def find_missing() -> dict[str, str]:
    """What is not here, and Debian's package of it."""
    missing = {name: package for name, package in PROGRAMS.items() if not shutil.which(name)}
    if find_chromium() is None:
        missing["browser"] = "chromium"
    if not has_fuse():
        missing["libfuse 2"] = "libfuse2"
    return missing


def find_chromium() -> str | None:
    """Where the system's Chromium is."""
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


def has_fuse() -> bool:
    """Whether the library that fusepy loads is here; libfuse 3 is another, and no help to it."""
    return find_library("fuse") is not None


def _install(packages: list[str]) -> None:
    """All at once, or one by one where that fails: one that is not offered must not cost the others."""
    if not _apt("update"):
        return
    offered = [_offered(package) for package in packages]
    if _apt("install", *offered):
        return
    for package in offered:
        _apt("install", package)


def _offered(package: str) -> str:
    """The name of a package here: since time has 64 bits some are called otherwise."""
    later = f"{package}t64"
    known = subprocess.run(["apt-cache", "pkgnames", later], capture_output=True, text=True, check=False)
    return later if later in known.stdout.split() else package


def _apt(verb: str, *packages: str) -> bool:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    command = ["apt-get", verb, "-y", "--no-install-recommends", *packages]
    try:
        done = subprocess.run(
            command, env=environment, stdout=subprocess.DEVNULL, timeout=APT_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        _say(f"apt-get {verb} took more than {APT_TIMEOUT_S} s")
        return False
    if done.returncode:
        _say(f"apt-get {verb} ended with {done.returncode}")
    return done.returncode == 0


def _say(line: str) -> None:
    sys.stderr.write(f"transitmap tests: {line}\n")


# --- what a test says that it needs ------------------------------------------------------------------

CHROMIUM = find_chromium()
CHROMIUM_ARGUMENTS = (
    "--no-sandbox", "--headless=new", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage",
)  # fmt: skip
WAIT_MS = 180_000
"""Only what never comes in a browser takes so long; a busy machine has taken 14 s over the first upload."""
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="NO BROWSER: install chromium; NOT tested in one")
needs_proc = pytest.mark.skipif(
    not Path("/proc/self/status").is_file(), reason="NO /proc: memory was NOT measured"
)
needs_fuse = pytest.mark.skipif(
    not (has_fuse() and os.access("/dev/fuse", os.W_OK)),
    reason="NO FUSE: install libfuse2; NO power was cut",
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


if __name__ == "__main__":
    raise SystemExit(main())
