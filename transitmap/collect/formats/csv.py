"""CSV of the known loggers, and any other that names a time, a latitude and a longitude, to rides."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from typing import NamedTuple, TextIO

from transitmap.collect.formats import columns
from transitmap.collect.formats.traces import Tap, Trace, check_count, rides_of
from transitmap.config import CollectConfig
from transitmap.errors import UploadRefused
from transitmap.model import Ride

DELIMITERS = ",;\t|"
MAX_HEADER_CHARS = 4096
_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_ANY_BYTES = "latin-1"
_SEPARATOR = "sep="  # the first line of what some spreadsheets write
_PAUSES = ("segment_", "idle")


class _Layout(NamedTuple):
    """Which cell of a row holds what, -1 where none does. `date` is a second part of the time."""

    delimiter: str
    n: int
    time: int
    lat: int
    lon: int
    accuracy: int
    note: int
    trip: int
    date: int
    kind: int


def is_csv(head: str) -> bool:
    """Whether a text begins with a line that names two of time, latitude and longitude at least."""
    layout = _layout(_header(io.StringIO(head, newline="")))
    return sum(cell >= 0 for cell in (layout.time, layout.lat, layout.lon)) >= 2


def read_csv(name: str, body: bytes, config: CollectConfig) -> list[Ride]:
    """The rides of a table, one a run of rows of one trip; notes become taps.

    The delimiter is a comma, semicolon, tab or bar; a decimal comma is read where it is not the delimiter or
    stands in quotes. Rows of more cells than names are dropped: nobody knows which cell is what.

    Raises:
        UploadRefused: `bad_encoding`, `bad_csv`, `no_timestamps`, `no_track_points`, `too_many_points`.
    """
    encoding = _encoding(body)
    lines = io.TextIOWrapper(io.BytesIO(body), encoding, newline="")
    layout = _layout(_header(lines))
    if layout.lat < 0 or layout.lon < 0:
        raise UploadRefused(
            "no_track_points", f"no column of {'latitudes' if layout.lat < 0 else 'longitudes'}"
        )
    if layout.time < 0:
        raise UploadRefused("no_timestamps", "no column of times; export the trace with its times")
    traces = _traces(lines, layout, config)
    if not traces:
        raise UploadRefused("no_track_points", "a header and no rows; export the trace")
    for trace in traces:
        trace.warnings |= {"encoding_mismatch"} if encoding == _ANY_BYTES else set()
    if not any(map(len, traces)):
        n = sum(trace.dropped["bad_row"] for trace in traces)
        raise UploadRefused(
            "bad_csv", f"{n} rows have more cells than the header names; use another delimiter"
        )
    return rides_of(name, traces, config)


def _encoding(body: bytes) -> str:
    """The encoding of the text: what is not Unicode is taken as Latin-1, which any bytes are.

    Raises:
        UploadRefused: `bad_encoding`, a text that begins as UTF-16 and is none.
    """
    encoding = next((codec for mark, codec in _MARKS if body.startswith(mark)), "utf-8")
    try:
        body.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding == "utf-16":
            raise UploadRefused("bad_encoding", "the text is not the UTF-16 that it begins as") from error
        return _ANY_BYTES
    return encoding


def _header(lines: TextIO) -> str:
    """The first line that is not blank and no spreadsheet's mark; the lines go on behind it."""
    while line := lines.readline(MAX_HEADER_CHARS):
        if line.strip("\ufeff \r\n") and not line.lower().startswith(_SEPARATOR):
            return line
    return ""


def _layout(header: str) -> _Layout:
    """Where the columns are."""
    delimiter = max(DELIMITERS, key=header.count)
    names = [columns.plain(cell) for cell in header.split(delimiter)]
    time, date = _place(columns.TIME, names), _place(columns.DATE, names)
    clock = _place(columns.CLOCK, names)
    if date >= 0 and clock >= 0 and time in (-1, clock):
        time = clock
    else:
        time, date = (date if time < 0 else time), -1
    return _Layout(
        delimiter,
        len(names),
        time,
        lat=_place(columns.LAT, names),
        lon=_place(columns.LON, names),
        accuracy=_place(columns.ACCURACY, names),
        note=_place(columns.NOTE, names),
        trip=_place(columns.TRIP, names),
        date=date,
        kind=_place(("trackpoint_type",), names),
    )


def _place(group: tuple[str, ...], names: list[str]) -> int:
    """The column of the first of the names that is there, -1 without one."""
    name = columns.first_of(group, names)
    return names.index(name) if name else -1


def _traces(lines: Iterable[str], layout: _Layout, config: CollectConfig) -> list[Trace]:
    """The rows, a trace for each run of rows of one trip."""
    traces: list[Trace] = []
    running: str | None = None
    for n_rows, cells in enumerate(_rows(lines, layout.delimiter), start=1):
        check_count(n_rows, config)
        trip = _cell(cells, layout.trip)
        if running is None or trip != running:
            traces.append(Trace())
            running = trip
        _add(traces[-1], cells, layout)
    return traces


def _rows(lines: Iterable[str], delimiter: str) -> Iterator[list[str]]:
    """The rows that hold anything."""
    try:
        for cells in csv.reader(lines, delimiter=delimiter):
            if any(cells):
                yield cells
    except csv.Error as error:
        raise UploadRefused("bad_csv", f"the table cannot be read: {error}") from error


def _cell(cells: list[str], place: int) -> str:
    return cells[place] if 0 <= place < len(cells) else ""


def _add(trace: Trace, cells: list[str], layout: _Layout) -> None:
    """One row: a fix, perhaps with a mark; pauses are no fixes, odd rows are counted."""
    if len(cells) > layout.n and any(cells[layout.n :]):
        trace.dropped["bad_row"] += 1
        return
    lat, lon = _decimal(_cell(cells, layout.lat)), _decimal(_cell(cells, layout.lon))
    if not lat and not lon and _cell(cells, layout.kind).lower().startswith(_PAUSES):
        return
    time = _cell(cells, layout.time)
    if layout.date >= 0 and time:
        time = f"{_cell(cells, layout.date)} {time}"
    trace.add(time, lat, lon, _decimal(_cell(cells, layout.accuracy)))
    if note := _cell(cells, layout.note).strip():
        trace.taps.append(Tap(time, lat, lon, note))


def _decimal(text: str) -> str:
    """`19,43` as `19.43`."""
    return text.replace(",", ".") if "," in text and "." not in text and text.count(",") == 1 else text
