"""How fast a feed of a million stop times is packed, by way of writing CSV and level of deflate.

usage: python -m benchmarks.pack_feed [ROWS]
"""

from __future__ import annotations

import csv
import io
import sys
import time
import zipfile
import zlib

from transitmap.gtfs import pack as packing
from transitmap.model import Tables

CALLS = 25


def main() -> None:
    """Print a line a measurement: seconds of CPU, rows a second, size."""
    n_rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    tables = expanded_feed(n_rows)
    table = tables["stop_times.txt"]
    text = timed("csv by join", n_rows, lambda: packing._csv_text("stop_times.txt", table).encode())
    timed("csv by csv.writer", n_rows, lambda: by_csv_writer(table).encode())
    for level in (1, 3, 6, 9):
        timed(f"deflate {level}", n_rows, lambda level=level: zlib.compress(text, level))
    body = timed(f"pack (level {packing.ZIP_LEVEL})", n_rows, lambda: packing.pack(tables))
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        print(f"text {archive.getinfo('stop_times.txt').file_size / 1e6:.1f} MB")


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


def clock(day_s: int) -> str:
    """HH:MM:SS."""
    return f"{day_s // 3600:02d}:{day_s // 60 % 60:02d}:{day_s % 60:02d}"


def by_csv_writer(table: dict[str, list[str]]) -> str:
    """The table by the standard library's writer."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(zip(*table.values(), strict=True))
    return text.getvalue()


def timed(what, n_rows, work):
    """The result of the work, its CPU seconds printed."""
    start_s = time.process_time()
    body = work()
    passed_s = time.process_time() - start_s
    print(f"{what:20s} {passed_s:6.2f} s  {n_rows / passed_s / 1e6:5.2f} M rows/s  {len(body) / 1e6:6.1f} MB")
    return body


if __name__ == "__main__":
    main()
