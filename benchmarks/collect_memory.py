"""How much memory a GPX file takes to become columns, in a fresh process for each way of holding the file.

    python benchmarks/collect_memory.py [N_POINTS]

A made-up file (position, elevation, time, HDOP) is written to a temporary folder and read by a new process:
mapped from disk, or held in memory as an upload is. Told are the memory of the process before (interpreter,
numpy, our modules; with the file where it is held), its highest while reading, and the difference: what
reading itself takes. Pages of a mapped file belong to the kernel, which takes them back when it needs them:
they are told apart (`RssFile` of /proc/self/status; the highest `RssAnon` is sampled every 2 ms).
"""

from __future__ import annotations

import mmap
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from benchmarks.collect_gpx import make_gpx
from transitmap.collect.formats.gpx import read_gpx
from transitmap.config import CollectConfig

WAYS = ("mapped", "held")


class Watch(threading.Thread):
    """Keeps the highest anonymous memory of this process, in MB."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.before_mb = self.highest_mb = _memory_mb("RssAnon")
        self.is_over = threading.Event()

    def run(self) -> None:
        """Samples until it is over."""
        while not self.is_over.wait(0.002):
            self.highest_mb = max(self.highest_mb, _memory_mb("RssAnon"))


def _memory_mb(name: str) -> float:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{name}:"))


def read(path: Path, way: str) -> str:
    """Reads the file in this process: one line of figures."""
    with path.open("rb") as file:
        body = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if way == "mapped" else file.read()
    watch = Watch()
    watch.start()
    (ride,) = read_gpx("made-up.gpx", body, CollectConfig())
    watch.is_over.set()
    watch.join()
    grown_mb = watch.highest_mb - watch.before_mb
    return (
        f"{way}: {len(ride.fixes)} points of {len(body) / 1e6:.0f} MB: {watch.before_mb:.0f} MB before, "
        f"{watch.highest_mb:.0f} MB at most, {grown_mb:.0f} MB for reading "
        f"({grown_mb * 1048576 / len(ride.fixes):.0f} bytes a point); {_memory_mb('RssFile'):.0f} MB of files"
    )


def main() -> None:
    """Prints one line a way of holding the file."""
    if len(sys.argv) == 3:
        print(read(Path(sys.argv[1]), sys.argv[2]))
        return
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "made-up.gpx")
        path.write_bytes(make_gpx(n, least=False))
        for way in WAYS:
            subprocess.run([sys.executable, "-m", "benchmarks.collect_memory", str(path), way], check=True)


if __name__ == "__main__":
    main()
