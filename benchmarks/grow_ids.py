"""How many public ids survive while the same campaign collects more rides.

usage: python -m benchmarks.grow_ids RIDES...
"""

from __future__ import annotations

import sys
from pathlib import Path

from transitmap.build import collect_files
from transitmap.config import Config
from transitmap.gtfs.admit import admit
from transitmap.gtfs.carry_ids import carry_ids
from transitmap.pipeline import infer_network

SHARES = (0.6, 0.8, 0.9, 1.0)


def main() -> None:
    """Print a line a build: how many ids of the build before are still there."""
    config = Config()
    rides, _, _ = collect_files([Path(one) for one in sys.argv[1:]], config)
    rides.sort(key=lambda ride: float(ride.fixes.time_s[0]) if len(ride.fixes) else 0.0)
    previous = None
    for share in SHARES:
        network, _ = admit(infer_network(rides[: int(len(rides) * share)], config)[0], 1)
        ids = carry_ids(network, previous)
        for kind in ("stop_id", "pattern_id", "route_id") if previous else ():
            before, now = set(getattr(previous, kind)), set(getattr(ids, kind))
            print(
                f"{share:.0%} of the rides: {kind} {len(now)} now, {len(now & before)} of {len(before)} kept"
            )
        previous = ids


if __name__ == "__main__":
    main()
