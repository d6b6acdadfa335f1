"""The books -> what is wrong with them: every seal, key, sum and prize computed again from them alone."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import zipfile
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from itertools import islice, zip_longest
from pathlib import Path
from typing import IO, cast

import numpy as np

from transitmap import chain
from transitmap.books import layout
from transitmap.books.contest import Contest, award, draw_csv, prizes_csv, read_entrants
from transitmap.books.read_line import Told, read_line
from transitmap.errors import DAMAGED_ARCHIVE, TransitmapError
from transitmap.model import IntArray
from transitmap.points.prizes import Prizes

MAX_TOLD = 100
"""So many findings are told one by one; the others are counted."""
MAX_LINE_BYTES = 1 << 20
MAX_FILE_BYTES = 1 << 28
Where = tuple[int, int, int]
"""Campaign, period, rider."""


@dataclass(frozen=True)
class Flaw:
    """Something that is not as it was written: a code, where, and how it differs."""

    code: str
    where: str
    detail: str = ""


@dataclass
class Verdict:
    """What was found in some books. `flaws` are the first of `n_flaws`; `head` is the last seal as computed.

    `prizes` are those of each campaign that has any, by slug, computed from the lines.
    """

    n_lines: int = 0
    head: str = chain.GENESIS
    n_flaws: int = 0
    flaws: list[Flaw] = field(default_factory=list)
    contests: dict[str, Contest] = field(default_factory=dict)
    verified: dict[str, dict[int, int]] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)

    def add(self, code: str, where: str, detail: str = "") -> None:
        """One more flaw."""
        self.n_flaws += 1
        if len(self.flaws) < MAX_TOLD:
            self.flaws.append(Flaw(code, where, detail))

    def prizes(self, slug: str, words: str | None = None) -> Prizes:
        """The prizes of a campaign by the lines alone; `words` where the draw's are told elsewhere.

        Raises:
            KeyError: there is no such campaign.
            ConfigError: its rules make no sense.
        """
        return award(self.contests[slug], self.verified[slug], words)


@dataclass(frozen=True, eq=False)
class _Columns:
    """The numbers of all lines. `ride` and `key` are short hashes of this process; 0 is no ride."""

    campaign: IntArray
    user: IntArray
    day: IntArray
    millipoints: IntArray
    verified: IntArray
    ride: IntArray
    key: IntArray


def verify_books(path: Path, published: Sequence[str] = ()) -> Verdict:
    """Whether the books are whole and right: chain, order, keys, sums, tables, prizes.

    `published` are seals that somebody saw before: each must be that of a line.
    """
    verdict = Verdict()
    try:
        with zipfile.ZipFile(path) as books:
            _verify(books, verdict, set(published))
    except KeyError as error:
        verdict.add("missing", str(error.args[0])[:200])
    except DAMAGED_ARCHIVE as error:
        verdict.add("unreadable", path.name, type(error).__name__)
    return verdict


def _verify(books: zipfile.ZipFile, verdict: Verdict, published: set[str]) -> None:
    manifest = json.loads(_text(books, layout.MANIFEST))
    if (manifest.get("kind"), manifest.get("format")) != (layout.KIND, layout.FORMAT):
        verdict.add("format", layout.MANIFEST)
        return
    columns = _read_lines(books, verdict, published)
    for seal in sorted(published):
        verdict.add("published", seal, "no line has this seal")
    if (manifest["lines"], manifest["head"]) != (verdict.n_lines, verdict.head):
        verdict.add("manifest", layout.MANIFEST, f"{manifest['lines']} lines, last seal {manifest['head']}")
    _check_keys(books, verdict, columns)
    _check_files(books, verdict, manifest["sha256"])
    sums = _sums(columns)
    _check_sums(books, verdict, sums)
    _check_campaigns(books, verdict, sums)
    rows = csv.reader(io.StringIO(_text(books, layout.RIDERS), newline=""))
    verdict.names = {int(who): name for who, name in list(rows)[1:]}


def _text(books: zipfile.ZipFile, name: str) -> str:
    """A member that is no longer than MAX_FILE_BYTES."""
    if books.getinfo(name).file_size > MAX_FILE_BYTES:
        raise ValueError(f"{name} is too long")
    return books.read(name).decode()


# --- the chain -----------------------------------------------------------------------------------


def _read_lines(books: zipfile.ZipFile, verdict: Verdict, published: set[str]) -> _Columns:
    """Each line against its seal, its place and its row in the table for people."""
    before, numbers = chain.GENESIS, array("q")
    with (
        books.open(layout.LEDGER) as ledger,
        books.open(layout.SEALS) as seals,
        books.open(layout.TABLE) as table,
    ):
        rows = _rows(table)
        if next(rows, "") != layout.csv_text(layout.TABLE_COLUMNS, []):
            verdict.add("table", layout.TABLE, "its columns are others")
        batch: list[Told | None] = []
        for number, (text, told) in enumerate(zip_longest(_lines(ledger), _lines(seals)), 1):
            if text is None or told is None:
                verdict.add("seals", f"line {number}", "there are not as many seals as lines")
                break
            verdict.head = hashlib.sha256(f"{before}\n".encode() + text).hexdigest()
            before = told.decode(errors="replace")
            if verdict.head != before:
                verdict.add("seal", f"line {number}", "this line or the one before is not what was sealed")
            published.discard(verdict.head)
            line = _told(text, number, verdict)
            if line is not None:
                numbers.extend(line.added)
            batch.append(line)
            verdict.n_lines = number
            if len(batch) == layout.CHUNK:
                _check_rows(verdict, batch, rows)
        _check_rows(verdict, batch, rows)
        if next(rows, ""):
            verdict.add("table", layout.TABLE, "it has more rows than there are lines")
    return _Columns(*np.frombuffer(numbers, dtype=np.int64).reshape(-1, 7).T) if numbers else _no_lines()


def _no_lines() -> _Columns:
    none = np.zeros(0, dtype=np.int64)
    return _Columns(none, none, none, none, none, none, none)


def _check_rows(verdict: Verdict, batch: list[Told | None], rows: Iterator[str]) -> None:
    """Some lines, the last read, against as many rows of the table for people; empties the batch."""
    told = list(islice(rows, len(batch)))
    if [line.row if line else None for line in batch] != told:
        for number, (line, row) in enumerate(zip_longest(batch, told), verdict.n_lines - len(batch) + 1):
            if line is None or line.row != row:
                verdict.add("table", f"line {number}", "its row for people says something else")
    batch.clear()


def _lines(file: IO[bytes]) -> Iterator[bytes]:
    """Lines without their ends.

    Raises:
        ValueError: one is longer than MAX_LINE_BYTES.
    """
    reader = io.BufferedReader(cast(io.RawIOBase, file), 1 << 20)
    while line := reader.readline(MAX_LINE_BYTES):
        if len(line) == MAX_LINE_BYTES:
            raise ValueError("a line is too long")
        yield line.removesuffix(b"\n")


def _rows(file: IO[bytes]) -> Iterator[str]:
    """Rows of a table with their ends; no text in it has a line end of its own."""
    for line in _lines(file):
        yield line.decode() + "\n"


def _told(text: bytes, number: int, verdict: Verdict) -> Told | None:
    """What a line says, if it says it in the one way in which lines are written."""
    try:
        line = read_line(text.decode())
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        verdict.add("line", f"line {number}", str(error)[:200])
        return None
    if line.sequence != number:
        verdict.add("sequence", f"line {number}", f"says that it is line {line.sequence}")
    return line


# --- keys and sums -------------------------------------------------------------------------------


def _check_keys(books: zipfile.ZipFile, verdict: Verdict, columns: _Columns) -> None:
    """Every key once. Only those whose short hashes meet are looked at again."""
    hashes, counts = np.unique(columns.key, return_counts=True)
    twice = set(hashes[counts > 1].tolist())
    if not twice:
        return
    seen: dict[str, int] = {}
    with books.open(layout.LEDGER) as ledger:
        for number, text in enumerate(_lines(ledger), 1):
            key = _key_of(text)
            if key is not None and hash(key) in twice and seen.setdefault(key, number) != number:
                verdict.add("key", f"line {number}", f"is for the same as line {seen[key]}")


def _key_of(text: bytes) -> str | None:
    try:
        return str(json.loads(text)["key"])
    except (ValueError, KeyError, TypeError):
        return None


def _sums(columns: _Columns) -> dict[Where, tuple[int, int, int]]:
    """Millipoints, verified ones and rides by campaign, period and rider, as the ledger's fold has them."""
    campaign, day, ride = columns.campaign, columns.day, columns.ride
    rows = np.arange(len(ride))
    found: dict[Where, tuple[int, int, int]] = {}
    for period in (np.zeros(len(day), dtype=np.int64), day - (day + 3) % 7):
        is_first = np.zeros(len(rows), dtype=np.int64)
        order = np.lexsort((rows, ride, period, campaign))
        order = order[ride[order] != 0]
        same = np.ones(len(order), dtype=bool)
        for column in (campaign, period, ride):
            same[1:] &= column[order][1:] == column[order][:-1]
        same[:1] = False
        is_first[order[~same]] = 1
        found |= _grouped(period, columns, is_first)
    return found


def _grouped(period: IntArray, columns: _Columns, is_first: IntArray) -> dict[Where, tuple[int, int, int]]:
    campaign, user = columns.campaign, columns.user
    order = np.lexsort((user, period, campaign))
    if not len(order):
        return {}
    keys = np.column_stack([campaign[order], period[order], user[order]])
    start = np.flatnonzero(np.r_[True, (keys[1:] != keys[:-1]).any(axis=1)])
    totals = [
        np.add.reduceat(values[order], start).tolist()
        for values in (columns.millipoints, columns.verified, is_first)
    ]
    where = [(c, p, u) for c, p, u in keys[start].tolist()]
    return dict(zip(where, zip(*totals, strict=True), strict=True))


def _check_sums(books: zipfile.ZipFile, verdict: Verdict, sums: Mapping[Where, tuple[int, int, int]]) -> None:
    """The board that the service shows against the fold of the lines."""
    with books.open(layout.SUMS) as file:
        rows = csv.reader(io.TextIOWrapper(file, "utf-8", newline=""))
        if tuple(next(rows, ())) != layout.SUM_COLUMNS:
            verdict.add("sums", layout.SUMS, "its columns are others")
            return
        told: dict[Where, tuple[int, int, int]] = {}
        for campaign, period, user, *values in rows:
            points, verified, n_rides = map(int, values)
            told[int(campaign), int(period), int(user)] = points, verified, n_rides
    for where in sorted(sums.keys() | told.keys()):
        if told.get(where) != sums.get(where):
            named = "campaign {}, period {}, rider {}".format(*where)
            verdict.add("sums", named, f"board {told.get(where)}, lines {sums.get(where)}")


# --- the rest ------------------------------------------------------------------------------------


def _check_files(books: zipfile.ZipFile, verdict: Verdict, sha256: Mapping[str, str]) -> None:
    """The small files against the manifest, and that there are no others."""
    large = {layout.LEDGER, layout.SEALS, layout.TABLE, layout.MANIFEST}
    for name in sorted(set(books.namelist()) ^ (sha256.keys() | large)):
        verdict.add("files", name, "is missing, or nobody named it")
    for name in sorted(sha256.keys() & set(books.namelist())):
        if hashlib.sha256(_text(books, name).encode()).hexdigest() != sha256[name]:
            verdict.add("files", name, "is not what the manifest names")
    if len(books.namelist()) != len(set(books.namelist())):
        verdict.add("files", "", "a name stands there twice")


def _check_campaigns(
    books: zipfile.ZipFile, verdict: Verdict, sums: Mapping[Where, tuple[int, int, int]]
) -> None:
    """The prizes of each campaign, from its rules, its entrants and the points of the lines."""
    ending = f"/{layout.CAMPAIGN}"
    for name in sorted(one for one in books.namelist() if one.endswith(ending)):
        slug = name.split("/")[1]
        try:
            contest = _contest(books, slug)
        except (ValueError, KeyError, TypeError) as error:
            verdict.add("campaign", slug, str(error)[:200])
            continue
        verdict.contests[slug] = contest
        verdict.verified[slug] = {
            who: one[1] for (c, period, who), one in sums.items() if (c, period) == (contest.campaign_id, 0)
        }
        if {one.user_id for one in contest.entrants} != verdict.verified[slug].keys():
            verdict.add("entrants", slug, "not those who have lines in the campaign")
        if contest.has_prizes:
            _check_prizes(books, verdict, slug)


def _contest(books: zipfile.ZipFile, slug: str) -> Contest:
    table = json.loads(_text(books, layout.of_campaign(slug, layout.CAMPAIGN)))
    own = {"rules_toml", "prizes_toml", "entrants"}
    told = {one.name: table[one.name] for one in fields(Contest) if one.name not in own}
    if told["slug"] != slug or type(told["budget_centavos"]) is not int:
        raise ValueError("it names another campaign, or no budget")
    return Contest(
        **told,
        rules_toml=_text(books, layout.of_campaign(slug, layout.RULES)),
        prizes_toml=_text(books, layout.of_campaign(slug, layout.PRIZE_RULES)),
        entrants=read_entrants(_text(books, layout.of_campaign(slug, layout.ENTRANTS))),
    )


def _check_prizes(books: zipfile.ZipFile, verdict: Verdict, slug: str) -> None:
    try:
        found = verdict.prizes(slug)
    except (TransitmapError, ValueError) as error:
        verdict.add("prizes", slug, str(error)[:200])
        return
    for name, text in ((layout.PRIZES, prizes_csv(found)), (layout.DRAW, draw_csv(found))):
        if _text(books, layout.of_campaign(slug, name)) != text:
            verdict.add("prizes", f"{slug}/{name}", "the lines give others")
