"""A data set as files: the riders' zip, and the truth beside it."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from transitmap.simulate.simulation import Dataset
from transitmap.simulate.truth import truth_tables

EPOCH = (1980, 1, 1, 0, 0, 0)


def write_dataset(dataset: Dataset, folder: Path) -> None:
    """Writes rides.zip, truth.zip and rides, riders, runtimes and headways as CSV; the same bytes each time.

    Raises:
        OSError: the folder cannot be made or written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tables = truth_tables(dataset)
    feed = {name: text.encode() for name, text in tables.items() if name.endswith(".txt")}
    (folder / "rides.zip").write_bytes(_zip({f"{ride.ride}.gpx": ride.gpx for ride in dataset.rides}))
    (folder / "truth.zip").write_bytes(_zip(feed))
    for name, text in tables.items():
        if name.endswith(".csv"):
            (folder / name).write_bytes(text.encode())


def _zip(members: dict[str, bytes]) -> bytes:
    """A zip whose bytes depend on nothing but its members."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, body in members.items():
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, body)
    return buffer.getvalue()
