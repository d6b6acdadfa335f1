"""What an export costs: CPU seconds and bytes of every format of a feed, and the memory of all."""

import resource
import sys
import time
from pathlib import Path

from transitmap.gtfs.export import FORMATS, export_feed
from transitmap.gtfs.read import read_tables


def main(feed: Path, evidence: Path | None = None) -> None:
    """Writes every format twice and tells the second time: the first loads libraries."""
    tables, told = read_tables(feed), evidence.read_text(encoding="utf-8") if evidence else ""
    for kind in FORMATS:
        for _ in range(2):
            start_s = time.process_time()
            body = export_feed(tables, kind, told, "patterns" if kind == "geoparquet" else "")
        print(f"{kind:12} {time.process_time() - start_s:6.2f} s {len(body) / 1000:8.0f} kB")
    print(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
