"""How long it takes to tell what changed between two feeds of a million stop times.

usage: python -m benchmarks.diff_feeds [ROWS]
"""

from __future__ import annotations

import resource
import sys
import time

from benchmarks.pack_feed import CALLS, expanded_feed
from transitmap.config import DiffConfig
from transitmap.gtfs.diff import diff
from transitmap.model import Tables

PATTERNS = 400


def main() -> None:
    """Print seconds of CPU and memory, by ids and by place."""
    old = timetable(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
    for how, new in (("by ids", old), ("by place", renumbered(old))):
        start_s = time.process_time()
        found = diff(old, new, DiffConfig())
        cpu_s = time.process_time() - start_s
        memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{how}: {cpu_s:.1f} s CPU, {memory_mb:.0f} MB in all, {len(found.changes)} changes")


def timetable(n_rows: int) -> Tables:
    """A timetable of 400 patterns on parallel streets, with the tables that its stop_times.txt need."""
    tables = expanded_feed(n_rows)
    trips = list(dict.fromkeys(tables["stop_times.txt"]["trip_id"]))
    lines = [int(trip.split("-")[0].removeprefix("P")) for trip in trips]
    stops = {f"S{line * 7 + call}": (line, call) for line in range(PATTERNS) for call in range(CALLS)}
    places = [(19.0 + 0.002 * line, -99.0 + 0.003 * call) for line, call in stops.values()]
    return tables | {
        "stops.txt": {
            "stop_id": list(stops),
            "stop_name": list(stops),
            "stop_lat": [f"{lat:.6f}" for lat, _ in places],
            "stop_lon": [f"{lon:.6f}" for _, lon in places],
        },
        "routes.txt": {"route_id": [f"R{n}" for n in range(PATTERNS)]},
        "trips.txt": {
            "trip_id": trips,
            "route_id": [f"R{line}" for line in lines],
            "service_id": ["WD"] * len(trips),
        },
    }


def renumbered(tables: Tables) -> Tables:
    """The same feed under other ids."""
    return {
        file: {
            name: [f"x{value}" for value in values] if name.endswith("_id") else values
            for name, values in table.items()
        }
        for file, table in tables.items()
    }


if __name__ == "__main__":
    main()
