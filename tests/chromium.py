"""A browser for the tests: `python -m tests.chromium` sees that there is one, or says loudly that not."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = (
    "--no-sandbox", "--headless=new", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage",
)  # fmt: skip
APT_TIMEOUT_S = 300


def main() -> int:
    """Find a browser, or install Debian's where this machine allows it. Always 0: tests without one skip."""
    found = find_chromium()
    if found is None and shutil.which("apt-get") and os.geteuid() == 0:
        _say("no Chromium here: installing Debian's (apt-get install chromium)")
        _install()
        found = find_chromium()
    if found is None:
        _say("NO BROWSER: no Chromium is installed and it cannot be installed from here.")
        _say("THE BROWSER TESTS WILL BE SKIPPED. Install chromium and run again.")
    else:
        _say(f"browser for the tests: {found}")
    return 0


def find_chromium() -> str | None:
    """Where the system's Chromium is."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


CHROMIUM = find_chromium()
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="NO BROWSER: install chromium; NOT tested in one")


def _install() -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "--no-install-recommends", "chromium"]
    for command in (["apt-get", "update"], install):
        try:
            done = subprocess.run(
                command, env=environment, stdout=subprocess.DEVNULL, timeout=APT_TIMEOUT_S, check=False
            )
        except subprocess.TimeoutExpired:
            _say(f"{' '.join(command[:2])} took more than {APT_TIMEOUT_S} s")
            return
        if done.returncode:
            _say(f"{' '.join(command[:2])} ended with {done.returncode}")
            return


def _say(line: str) -> None:
    sys.stderr.write(f"transitmap tests: {line}\n")


if __name__ == "__main__":
    raise SystemExit(main())
