"""Tables -> the bytes of a feed and back: the same tables always give the same zip."""

from __future__ import annotations

import csv
import io
import zipfile

from transitmap.model import Tables

ZIP_LEVEL = 1  # docs/decisions/0024-deflate-level.md: 4.6 times as fast as level 6, 27 % larger
EPOCH = (1980, 1, 1, 0, 0, 0)
NEEDS_QUOTES = ('"', ",", "\r", "\n")


def pack(tables: Tables) -> bytes:
    """The zip of a feed: one CSV a table (UTF-8, CRLF), members sorted, fixed dates, permissions and level.

    A table without rows keeps its header. Memory O(text of the largest table).

    Raises:
        ValueError: the columns of a table differ in length.
    """
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        for name in sorted(tables):
            member = zipfile.ZipInfo(name, EPOCH)
            member.compress_type = zipfile.ZIP_DEFLATED
            member.create_system = 3
            member.external_attr = 0o100644 << 16
            archive.writestr(member, _csv_text(name, tables[name]).encode(), compresslevel=ZIP_LEVEL)
    return body.getvalue()


def unpack(body: bytes) -> Tables:
    """The tables that `pack` made these bytes of: for feeds of our own, which `gtfs.read` need not doubt."""
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        return {name: _table(archive.read(name).decode()) for name in sorted(archive.namelist())}


def _table(text: str) -> dict[str, list[str]]:
    header, *rows = csv.reader(io.StringIO(text, newline=""))
    columns = [list(column) for column in zip(*rows, strict=True)]
    return dict(zip(header, columns or [[] for _ in header], strict=True))


def _csv_text(name: str, table: dict[str, list[str]]) -> str:
    """One table as CSV text."""
    lengths = {len(values) for values in table.values()}
    if len(lengths) > 1:
        raise ValueError(f"{name}: columns of {sorted(lengths)} rows")
    header = ",".join(table) + "\r\n"
    if _is_plain(table):
        # No value needs a quote, so joining is the whole job: twice as fast as csv.writer.
        lines = "\r\n".join(map(",".join, zip(*table.values(), strict=True)))
        return header + lines + ("\r\n" if lines else "")
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(zip(*table.values(), strict=True))
    return header + text.getvalue()


def _is_plain(table: dict[str, list[str]]) -> bool:
    """Whether every value stands in CSV as it is; a table of one column could hold a row that looks empty."""
    return len(table) > 1 and not any(
        quoted in text for text in map("\0".join, table.values()) for quoted in NEEDS_QUOTES
    )
