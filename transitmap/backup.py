"""A copy of the whole installation, taken while it runs, and the way back: nobody who was erased returns."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from transitmap import erase, store
from transitmap.archive import Archive
from transitmap.errors import BackupDamaged

BLOBS, ROWS, MANIFEST = "blobs", "database.jsonl.gz", "manifest.json"
NOTES = (erase.NOTES, erase.REPLACED)


@dataclass(frozen=True)
class Copied:
    """What a backup or a restore did."""

    name: str
    n_rows: int
    n_blobs: int
    n_new_blobs: int
    damaged: tuple[str, ...] = ()
    n_erased: int = 0


def back_up(database_url: str, archive_url: str, folder: Path, now_s: float, keep: int = 0) -> Copied:
    """Adds a copy of this moment to a folder: all rows, and those blobs that no earlier copy brought.

    The rows are first: what they name is in the archive already. The notes on erasures are last: whoever
    lacks a blob by then is noted. What was erased is deleted from the blobs of all copies; of the copies
    themselves only the latest `keep` stay (0 is all).
    """
    source, blobs = Archive(archive_url), Archive(folder / BLOBS)
    name = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now_s))
    part = folder / f".part-{name}"
    part.mkdir(parents=True)
    n_rows = _write_rows(database_url, part / ROWS)
    here, damaged, n_new = {sha for sha, _ in source.names()}, [], 0
    for sha in sorted(here):
        if not blobs.has(sha):
            try:
                blobs.put(source.get(sha))
                n_new += 1
            except KeyError:
                here.discard(sha)  # deleted since it was listed
            except OSError:
                damaged.append(sha)
    _copy_notes(source, blobs)
    for gone in (_erased_blobs(blobs) | erase.replaced(blobs).keys()) - {sha for sha, _ in source.names()}:
        blobs.delete(gone)
    _write_manifest(part, n_rows, sorted(here - set(damaged) - _erased_blobs(blobs)), now_s)
    part.rename(folder / name)
    _sync(folder)
    for old in copies(folder)[keep:] if keep else []:
        shutil.rmtree(folder / old)
    return Copied(name, n_rows, len(here), n_new, tuple(damaged))


def copies(folder: Path) -> list[str]:
    """The copies in a folder by name, the newest first."""
    return sorted((path.parent.name for path in folder.glob(f"[0-9]*/{MANIFEST}")), reverse=True)


def restore(folder: Path, database_url: str, archive_url: str, now_s: float, name: str = "") -> Copied:
    """Fills an empty database and an archive from a copy, the newest one where none is named.

    Every checksum is compared. An archive that is still there may be used: blobs are added to it, and what it
    notes of erasures counts as what the copies note. Nobody who was erased at any time is there afterwards.

    Raises:
        BackupDamaged: a file of the copy is missing or not what it was; the database stays empty.
        ConfigError: the database is not empty.
    """
    name = name or next(iter(copies(folder)), "")
    manifest = _read_manifest(folder, name)
    store.check_empty(database_url)
    blobs, target = Archive(folder / BLOBS), Archive(archive_url)
    _copy_notes(blobs, target)
    n_new = _copy_blobs(blobs, target, _wanted(blobs, manifest["blobs"]) - _erased_blobs(target))
    n_rows = store.load_rows(database_url, _read_rows(folder / name / ROWS))
    engine = store.open_engine(database_url)
    try:
        with store.session(engine) as session:
            n_erased = erase.erase_again(session, target, now_s)
    finally:
        engine.dispose()
    return Copied(name, n_rows, len(manifest["blobs"]), n_new, n_erased=n_erased)


def _write_rows(database_url: str, path: Path) -> int:
    """Writes all rows, and how many: whole and on the disk before it returns."""
    n_lines = 0
    with path.open("wb") as file:
        with gzip.GzipFile(fileobj=file, mode="wb", compresslevel=6, mtime=0) as packed:
            for line in store.dump_rows(database_url):
                packed.write(line.encode() + b"\n")
                last, n_lines = line, n_lines + 1
        file.flush()
        os.fsync(file.fileno())
    return int(json.loads(last)["n_rows"])


def _read_rows(path: Path) -> Iterator[str]:
    with gzip.open(path, "rt", encoding="utf-8", newline="\n") as lines:
        yield from lines


def _write_manifest(part: Path, n_rows: int, blobs: list[str], now_s: float) -> None:
    told = {"made_s": now_s, "n_rows": n_rows, "rows_sha256": _hash(part / ROWS), "blobs": blobs}
    with (part / MANIFEST).open("w", encoding="ascii") as file:
        json.dump(told | {"sha256": _fingerprint(told)}, file)
        file.flush()
        os.fsync(file.fileno())


def _read_manifest(folder: Path, name: str) -> dict[str, list[str]]:
    """The list of a copy, whole and true of its rows.

    Raises:
        BackupDamaged: it is not.
    """
    try:
        told = json.loads((folder / name / MANIFEST).read_text(encoding="ascii"))
        is_whole = told.pop("sha256") == _fingerprint(told)
        is_true = is_whole and told["rows_sha256"] == _hash(folder / name / ROWS)
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise BackupDamaged(name or "none", f"cannot be read: {type(error).__name__}") from error
    if not is_true:
        raise BackupDamaged(name, f"{ROWS if is_whole else MANIFEST} is not what was written")
    return dict(told)


def _fingerprint(told: object) -> str:
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _copy_blobs(source: Archive, target: Archive, wanted: set[str]) -> int:
    """How many blobs were not there yet. Reading one compares it with its name.

    Raises:
        BackupDamaged: one is missing or damaged.
    """
    n_new = 0
    for sha in sorted(wanted):
        try:
            if not target.has(sha):
                target.put(source.get(sha))
                n_new += 1
        except (KeyError, OSError) as error:
            raise BackupDamaged(sha, f"blob cannot be copied: {type(error).__name__}") from error
    return n_new


def _wanted(blobs: Archive, listed: list[str]) -> set[str]:
    """The blobs of a copy, those that were replaced since as what they were replaced by."""
    instead = erase.replaced(blobs)
    return {instead.get(sha, sha) for sha in listed}


def _copy_notes(source: Archive, target: Archive) -> None:
    for kind in NOTES:
        for note in source.notes(kind):
            target.add_note(kind, note)


def _erased_blobs(archive: Archive) -> set[str]:
    """All blobs that erasures took away, by the notes."""
    return set().union(*(store.Trail.from_json(note).blobs for note in archive.notes(erase.NOTES)))


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
