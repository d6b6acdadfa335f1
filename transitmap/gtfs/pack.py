"""Tables -> the bytes of a feed and back: the same tables always give the same zip."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator

from transitmap.model import Tables

ZIP_LEVEL = 1  # docs/decisions/0024-deflate-level.md: 4.6 times as fast as level 6, 27 % larger
CHUNK_ROWS = 4096  # about 200 kB of text, which stays near the processor
LINE_END = "\r\n"


def pack(tables: Tables) -> bytes:
    """The zip of a feed: one CSV a table (UTF-8, CRLF), members sorted, fixed dates, permissions and level.

    A table without rows keeps its header. Memory O(zip): the text is made and packed 4,096 rows at a time.

    Raises:
        ValueError: the columns of a table differ in length.
    """
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED, compresslevel=ZIP_LEVEL) as archive:
        for name in sorted(tables):
            with archive.open(name, "w") as file:  # by name alone: members are dated 1980-01-01
                for text in _csv_texts(name, tables[name]):
                    file.write(text.encode())
            member = archive.getinfo(name)
            member.create_system, member.external_attr = 3, 0o100644 << 16
    return body.getvalue()


def unpack(body: bytes) -> Tables:
    """The tables that `pack` made these bytes of: for feeds of our own, which `gtfs.read` need not doubt."""
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        return {name: _table(archive.read(name).decode()) for name in sorted(archive.namelist())}


def _table(text: str) -> dict[str, list[str]]:
    header, *rows = csv.reader(io.StringIO(text, newline=""))
    columns = [list(column) for column in zip(*rows, strict=True)]
    return dict(zip(header, columns or [[] for _ in header], strict=True))


def _csv_texts(name: str, table: dict[str, list[str]]) -> Iterator[str]:
    """One table as CSV text: its header, then some rows at a time."""
    lengths = {len(values) for values in table.values()}
    if len(lengths) > 1:
        raise ValueError(f"{name}: columns of {sorted(lengths)} rows")
    yield ",".join(table) + LINE_END
    for first in range(0, max(lengths, default=0), CHUNK_ROWS):
        yield _rows_text([values[first : first + CHUNK_ROWS] for values in table.values()])


def _rows_text(columns: list[list[str]]) -> str:
    """Rows as CSV: joining them is the whole job where no value needs a quote, four times as fast."""
    text = LINE_END.join(map(",".join, zip(*columns, strict=True)))
    if _is_plain(text, len(columns[0]), len(columns)):
        return text + LINE_END
    quoted = io.StringIO()
    csv.writer(quoted, lineterminator=LINE_END).writerows(zip(*columns, strict=True))
    return quoted.getvalue()


def _is_plain(text: str, n_rows: int, n_columns: int) -> bool:
    """Whether joined values stand in CSV as they are: no quote, no comma or line end but those between them.

    Of a table of one column a row could look empty.
    """
    return (
        n_columns > 1
        and '"' not in text
        and text.count(",") == n_rows * (n_columns - 1)
        and text.count("\r") == text.count("\n") == n_rows - 1
    )
