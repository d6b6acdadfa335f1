"""How fast a feed of a million stop times is expanded, written and packed, against pandas and zipfile.

usage: python -m benchmarks.pack_feed [ROWS]
"""

from __future__ import annotations

import csv
import io
import resource
import sys
import time
import zipfile
import zlib
from collections.abc import Callable
from typing import TypeVar

from transitmap.gtfs.feed import expand
from transitmap.gtfs.pack import ZIP_LEVEL, pack
from transitmap.model import Tables

CALLS, DEPARTURES = 25, 100
COLUMNS = (
    "trip_id arrival_time departure_time stop_id stop_sequence pickup_type drop_off_type"
    " shape_dist_traveled timepoint"
)
Made = TypeVar("Made")


def main() -> None:
    """Print a line a measurement in seconds of CPU, the peak of memory before pandas, and the ratios."""
    n_rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    headways = headway_feed(n_rows)
    tables, _ = timed("expand", lambda: expand(headways))
    n_rows = len(tables["stop_times.txt"]["trip_id"])
    body, ours_s = timed("write and pack", lambda: pack(tables))
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{n_rows} stop times, {len(body) / 1e6:.1f} MB packed, peak of memory {peak_mb:.0f} MB")
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        text = archive.read("stop_times.txt")
    print(f"{len(text) / 1e6:.1f} MB of CSV")
    by_pandas(headways, None)  # its import is not what is measured

    theirs, slow_s = timed("pandas + zipfile, as they are", lambda: by_pandas(tables, None))
    same, fair_s = timed(f"pandas + zipfile, level {ZIP_LEVEL}", lambda: by_pandas(tables, ZIP_LEVEL))
    assert members(theirs) == members(same) == members(body)
    print(f"ours is {slow_s / ours_s:.1f} times as fast, {fair_s / ours_s:.1f} at the same level")
    timed("csv.writer alone", lambda: by_csv_writer(tables["stop_times.txt"]).encode())
    for level in (1, 3, 6, 9):
        packed, _ = timed(f"deflate {level} alone", lambda level=level: zlib.compress(text, level))
        print(f"  {len(packed) / 1e6:.1f} MB")


def headway_feed(n_rows: int) -> Tables:
    """Template trips of 25 calls with 100 departures a day each."""
    trips = [f"P{n}-WD" for n in range(-(-n_rows // (CALLS * DEPARTURES)))]
    n = len(trips)
    rows = [
        (trip, at, at, f"S{k * 7 + call}", str(call + 1), "0", "0", f"{call * 312.4 + k:.1f}", "0")
        for k, trip in enumerate(trips)
        for call, at in enumerate(clock(call * (80 + k % 30)) for call in range(CALLS))
    ]
    return {
        "feed_info.txt": {"feed_version": ["1"]},
        "frequencies.txt": {
            "trip_id": trips,
            "start_time": [clock(5 * 3600 + k * 37 % 600) for k in range(n)],
            "end_time": [clock(5 * 3600 + k * 37 % 600 + DEPARTURES * 600) for k in range(n)],
            "headway_secs": ["600"] * n,
        },
        "stop_times.txt": dict(zip(COLUMNS.split(), map(list, zip(*rows, strict=True)), strict=True)),
        "trips.txt": {"route_id": ["R1"] * n, "service_id": ["WD"] * n, "trip_id": trips, "shape_id": trips},
    }


def clock(day_s: int) -> str:
    """HH:MM:SS."""
    return f"{day_s // 3600:02d}:{day_s // 60 % 60:02d}:{day_s % 60:02d}"


def by_pandas(tables: Tables, level: int | None) -> bytes:
    """The same feed the usual way: a frame a table, `to_csv`, `writestr`."""
    import pandas

    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as archive:
        for name in sorted(tables):
            archive.writestr(name, pandas.DataFrame(tables[name]).to_csv(index=False, lineterminator="\r\n"))
    return body.getvalue()


def members(body: bytes) -> dict[str, bytes]:
    """What is in a zip."""
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def by_csv_writer(table: dict[str, list[str]]) -> str:
    """The table by the standard library's writer."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(zip(*table.values(), strict=True))
    return text.getvalue()


def timed(what: str, work: Callable[[], Made]) -> tuple[Made, float]:
    """The result of the work and its CPU seconds, printed."""
    start_s = time.process_time()
    made = work()
    passed_s = time.process_time() - start_s
    print(f"{what:30s} {passed_s:6.2f} s")
    return made, passed_s


if __name__ == "__main__":
    main()
