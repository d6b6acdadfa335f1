"""How long it takes to tell what changed between two feeds of a million stop times.

usage: python -m benchmarks.diff_feeds [ROWS]
"""

from __future__ import annotations

import resource
import sys
import time

from benchmarks.pack_feed import CALLS, clock
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


def expanded_feed(n_rows: int) -> Tables:
    """Trips of 25 calls, one every 90 s or so, as the expanded variant has them."""
    trips = [n // CALLS for n in range(n_rows)]
    calls = [n % CALLS for n in range(n_rows)]
    times = [
        clock(5 * 3600 + trip * 37 % 61_200 + call * 91) for trip, call in zip(trips, calls, strict=True)
    ]
    columns = {
        "trip_id": [f"P{trip % 400}-WD-{trip // 400}" for trip in trips],
        "arrival_time": times,
        "departure_time": times,
        "stop_id": [f"S{trip % 400 * 7 + call}" for trip, call in zip(trips, calls, strict=True)],
        "stop_sequence": [str(call + 1) for call in calls],
        "pickup_type": ["0"] * n_rows,
        "drop_off_type": ["0"] * n_rows,
        "shape_dist_traveled": [
            f"{call * 312.4 + trip % 400:.1f}" for trip, call in zip(trips, calls, strict=True)
        ],
        "timepoint": ["0"] * n_rows,
    }
    return {"stop_times.txt": columns}


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
