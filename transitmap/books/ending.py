"""A signed end against the books: its board follows from their lines, and what people corrected since."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transitmap.books import layout
from transitmap.books.verify import verify_books
from transitmap.errors import BooksWrong, SnapshotRefused


@dataclass(frozen=True)
class Correction:
    """A line written after a campaign was closed that gives points or takes them."""

    sequence: int
    user_id: int
    millipoints: int
    verified_millipoints: int
    text_es: str
    text_en: str


def corrections_since(told: Mapping[str, Any], books: Path) -> list[Correction]:
    """What was corrected after the end that a snapshot tells, once the books say the same of that end.

    Raises:
        BooksWrong: the books are not what was written.
        SnapshotRefused: `seal`, its last line has another seal in the books; `board`, the lines until then
            give another one.
    """
    verdict = verify_books(books)
    if verdict.n_flaws:
        first = verdict.flaws[0]
        raise BooksWrong(books.name, verdict.n_flaws, f"{first.code} {first.where}: {first.detail}")
    ledger, number = told["ledger"], told["campaign"]["id"]
    sums: dict[int, list[int]] = {}
    rides: set[str] = set()
    found: list[Correction] = []
    for line, seal in _lines(books):
        if line["sequence"] == ledger["head_sequence"] and seal != ledger["head_sha256"]:
            raise SnapshotRefused("seal", f"line {line['sequence']} has another seal in {books.name}")
        if line["campaign_id"] != number:
            continue
        if line["sequence"] <= ledger["head_sequence"]:
            _add(sums, rides, line)
        elif line["millipoints"] or line["verified_millipoints"]:
            found.append(Correction(**{name: line[name] for name in Correction.__dataclass_fields__}))
    wanted = {row[1]: list(row[2:]) for row in told["board"]["rows"]}
    if verdict.n_lines < ledger["head_sequence"] or {k: v for k, v in sums.items() if any(v)} != wanted:
        raise SnapshotRefused("board", f"the lines in {books.name} give another board")
    return found


def _lines(books: Path) -> Iterator[tuple[dict[str, Any], str]]:
    """Each line and its seal."""
    with (
        zipfile.ZipFile(books) as archive,
        archive.open(layout.LEDGER) as ledger,
        archive.open(layout.SEALS) as seals,
    ):
        for text, seal in zip(ledger, seals, strict=True):
            yield json.loads(text), seal.decode().strip()


def _add(sums: dict[int, list[int]], rides: set[str], line: Mapping[str, Any]) -> None:
    """Folds a line into the board; a ride counts with its first one."""
    row = sums.setdefault(line["user_id"], [0, 0, 0])
    row[0] += line["millipoints"]
    row[1] += line["verified_millipoints"]
    if line["ride_id"] and line["ride_id"] not in rides:
        rides.add(line["ride_id"])
        row[2] += 1
