"""What export, erasure, backup and restore cost: `python -m benchmarks.erase_and_export`.

One rider with 1,000 traces of 264 kB beside nine others, ten feed versions that know all rides.
"""

from __future__ import annotations

import hashlib
import resource
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from tests.points.hand import DAY_S, NOON_S, gpx_of, ride_along
from transitmap import backup, erase, own_data, store
from transitmap.archive import Archive, pack_columns, pack_ride
from transitmap.config import Config
from transitmap.model import BUS, Trips
from transitmap.terrain import nothing_known

OTHERS = 9


def main(n_traces: int = 1000) -> None:
    """Print seconds and megabytes."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        url = f"sqlite:///{place / 'city.db'}"
        store.upgrade(url)
        engine, archive = store.open_engine(url), Archive(place / "archive")
        with store.session(engine) as session:
            n_bytes = fill(session, archive, n_traces)
            session.commit()
            user = store.user_by_name(session, "rider 0")
            before_mb = peak_mb()
            began_s, cpu_s = time.perf_counter(), time.process_time()
            own = own_data.gather(session, user, NOON_S)
            size = sum(len(piece) for piece in own_data.stream(archive, own))
            took_s, cpu_s = time.perf_counter() - began_s, time.process_time() - cpu_s
            print(f"export of {n_traces} traces, {n_bytes / 1e6:.0f} MB: {took_s:.1f} s, {size / 1e6:.0f} MB")
            print(f"  {cpu_s:.1f} s of CPU; memory over that of the process: {peak_mb() - before_mb:.0f} MB")
            session.commit()
            began_s = time.perf_counter()
            backup.back_up(url, str(place / "archive"), place / "backup", 1.0)
            first_s = time.perf_counter() - began_s
            backup.back_up(url, str(place / "archive"), place / "backup", 2.0)
            print(f"backup: {first_s:.1f} s, again {time.perf_counter() - began_s - first_s:.1f} s")
            began_s = time.perf_counter()
            erase.erase(session, archive, user, Config(), 3.0)
            print(f"erasure of {n_traces} traces: {time.perf_counter() - began_s:.2f} s")
        engine.dispose()
        began_s = time.perf_counter()
        backup.restore(place / "backup", f"sqlite:///{place / 'b.db'}", str(place / "b"), 4.0)
        print(f"restore: {time.perf_counter() - began_s:.1f} s")
        for pragma in ("OFF", "ON", "OFF", "ON"):
            print(f"secure_delete={pragma}: {spool_s(place / f'{time.time_ns()}.db', pragma):.2f} s of CPU")


def fill(session, archive: Archive, n_traces: int) -> int:
    """Uploads, rides, lines of the ledger, observations and feed versions; the bytes of the first rider."""
    ride = ride_along([(0.0, 0.0), (24_000.0, 0.0)], interval_s=1.0, speed_m_s=10.0, noise_m=3.0)
    raw = gpx_of(ride)
    n_bytes, sequence, ride_ids = 0, 0, list[str]()
    for who in range(OTHERS + 1):
        user = store.add_user(session, f"rider {who}", "hash", 1.0)
        for number in range(n_traces if who == 0 else 20):
            own = replace(ride, fixes=replace(ride.fixes, time_s=ride.fixes.time_s + number * DAY_S))
            body = raw.replace(b"<name>", f"<name>{who}.{number}".encode(), 1)
            n_bytes += len(body) * (who == 0)
            upload, _ = store.add_upload(session, user.id, archive.put(body), "a.gpx", len(body), 1.0)
            store.settle_upload(session, upload, store.UNDERSTOOD)
            sequence += 1
            own = replace(own, ride_id=f"{upload.id}.1", rider_id=str(user.id))
            store.add_rides(session, [_row(upload, own, sequence, archive.put(pack_ride(own)))])
            store.add_lines(session, [_award(own.ride_id, user.id)])
            ride_ids.append(own.ride_id)
    for number in range(1, 11):
        _add_feed(session, archive, number, ride_ids)
        seen = [(cell, who + 1, number) for cell in range(2000) for who in range(OTHERS + 1)]
        store.add_observations(session, f"v{number}", seen)
    return n_bytes


def _row(upload: store.Upload, ride, sequence: int, sha256: str) -> store.RideRow:
    return store.RideRow(
        sequence=sequence, id=ride.ride_id, upload_id=upload.id, user_id=upload.user_id, ordinal=1,
        name="a.gpx",
        n_fixes=len(ride.fixes), dropped={}, warnings=[], mode="bus", stretch={}, started_s=NOON_S,
        distance_m=24_000.0, packed_sha256=sha256, network_version=f"v{1 + sequence % 10}",
    )  # fmt: skip


def _award(ride_id: str, user_id: int) -> dict[str, object]:
    said = {
        "text_es": "1 km",
        "text_en": "1 km",
        "rules_version": "1",
        "network_version": "",
        "rule": "new_metres",
    }
    return said | {
        "ride_id": ride_id,
        "user_id": user_id,
        "millipoints": 10,
        "evidence": {},
        "created_s": 1.0,
    }


def _add_feed(session, archive: Archive, number: int, ride_ids: list[str]) -> None:
    n, none = len(ride_ids), np.zeros(len(ride_ids))
    rows = np.full(n, -1)
    trips = Trips(rows, np.full(n, BUS), none, none, rows, rows, none, none, none, ("",) * n)
    known = replace(nothing_known("America/Mexico_City"), trips=trips, ride_id=tuple(ride_ids))
    blob = archive.put(pack_columns(replace(known, stop_id=(str(number),))))
    empty = hashlib.sha256(b"").hexdigest()
    store.add_feed(session, store.FeedVersion(
        number=number, id=f"v{number}", made_s=1.0, feed_sha256=empty, network_sha256=empty, ids={},
        evidence_sha256=empty, known_sha256=blob, rules_version="1", n_rides=n, notices=[],
    ))  # fmt: skip


def spool_s(path: Path, pragma: str) -> float:
    """CPU seconds of what live phones do to the file: 20,000 messages kept, emptied and forgotten."""
    import sqlite3

    began_s = time.process_time()
    with sqlite3.connect(path, isolation_level=None) as file:
        for setting in ("journal_mode=WAL", "synchronous=FULL", f"secure_delete={pragma}"):
            file.execute(f"PRAGMA {setting}")
        file.execute("CREATE TABLE messages (id INTEGER PRIMARY KEY, packed BLOB)")
        body = bytes(600)
        for _ in range(200):
            file.execute("BEGIN IMMEDIATE")
            file.executemany("INSERT INTO messages (packed) VALUES (?)", [(body,)] * 100)
            file.execute("COMMIT")
        file.execute("UPDATE messages SET packed = x''")
        file.execute("DELETE FROM messages")
    file.close()
    return time.process_time() - began_s


def peak_mb() -> float:
    """The most memory this process ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:]))
