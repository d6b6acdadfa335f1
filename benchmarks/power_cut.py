"""What a power cut takes away: `python -m benchmarks.power_cut [CUTS]`.

The service keeps its database and archive on a disk that forgets what was not synced (tests/faults). Riders
send; the service is killed, the disk forgets, and every acknowledged file and fix is looked for. Needs
fusepy, libfuse2 and /dev/fuse.
"""

from __future__ import annotations

import hashlib
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from tests.faults import forgetful_disk
from tests.faults.service import (
    ANSWERS_WITHIN_S,
    Site,
    kill,
    lost_fixes,
    lost_uploads,
    make_site,
    riding,
    running,
    wait_until,
)


def main() -> None:
    """Print what was acknowledged and what of it was lost."""
    if not forgetful_disk.IS_THERE:
        sys.exit("this needs fusepy, libfuse2 and /dev/fuse")
    n_cuts, dice = int(sys.argv[1]) if len(sys.argv) > 1 else 10, random.Random(1)
    with tempfile.TemporaryDirectory() as folder, mounted(Path(folder)) as mount:
        site = make_site(mount)
        with riding(site) as told:
            for _ in range(n_cuts):
                with running(site) as process:
                    time.sleep(dice.uniform(0.5, 2.5))
                    kill(process)
                    cut(mount)
        seen = beside(site, mount)
        print(
            f"{n_cuts} cuts: {len(told.uploads)} files and {len(told.fixes)} fixes acknowledged; "
            f"lost files {len(lost_uploads(seen, told))}, lost fixes {len(lost_fixes(seen, told))}"
        )


def beside(site: Site, mount: Path) -> Site:
    """The site as it lies on the disk below."""
    backing = mount.parent / "backing"
    return replace(site, folder=backing, database_url=site.database_url.replace(str(mount), str(backing)))


@contextmanager
def mounted(folder: Path) -> Iterator[Path]:
    """A disk that forgets, below `folder`."""
    backing, mount = folder / "backing", folder / "disk"
    backing.mkdir()
    mount.mkdir()
    command = [sys.executable, "-m", "tests.faults.forgetful_disk", str(backing), str(mount)]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    try:
        wait_until(mount.is_mount)
        yield mount
    finally:
        subprocess.run(["umount", "-l", str(mount)], check=False)
        process.wait(ANSWERS_WITHIN_S)


def sha256_of(body: bytes) -> str:
    """The name of a body."""
    return hashlib.sha256(body).hexdigest()


def cut(mount: Path) -> None:
    """The power goes and comes back."""
    with suppress(OSError):
        (mount / forgetful_disk.CUT[1:]).mkdir()


if __name__ == "__main__":
    main()
