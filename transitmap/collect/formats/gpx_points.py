"""Ordinary track points of a GPX text lifted out in bulk, so that the XML parser has only the rest to read.

Nine points of ten are written in the one way that exporters share. A pattern takes them out of the text at
about a microsecond each, where the parser's events need seven, and leaves a mark. This changes no meaning:
what is taken out is one whole, well-formed element of plain characters, and where it stood in an element the
mark, an instruction, is told to the reader. Where it stood in a comment or other text that only looks like
tags the mark is never told, and the file is read again without. Whatever is written differently stays where
it is.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import NamedTuple

from transitmap.collect.formats.xml_reader import Body, XmlText

MARK = "points"
_END = b"</trkpt>"
WINDOW_BYTES = 1 << 18

# No part can match in two ways and all are bounded and possessive (`+` at the end): the time is linear.
_SPACE = r"[ \t\r\n]{0,80}+"
_NUMBER = r"[-+.0-9eE]{1,32}+"
_TIME = r"[-+.,:0-9TZ]{1,40}+"
_ELEVATION = r"<ele>-?[0-9]{1,5}+(?:\.[0-9]{0,24}+)?+</ele>"
_OTHERS = (
    *("magvar", "geoidheight", "fix", "sat", "vdop", "pdop", "course", "speed", "src", "bearing"),
    *("battery", "battery_status", "compass", "baro", "osmand:speed", "osmand:heading"),
    *("gpxtpx:speed", "gpxtpx:course", "gpxtpx:bearing", "gpxtpx:hr", "gpxtpx:cad", "gpxtpx:atemp"),
    *("ns3:hr", "ns3:cad", "ns3:atemp", "ns3:speed"),
)
_OTHER = "|".join(
    (_ELEVATION, "<note></note>", *(f"<{name}>[-+.,:0-9A-Za-z ]{{0,40}}+</{name}>" for name in _OTHERS))
)
_SKIP = f"(?:(?:{_OTHER}){_SPACE})*+"
_METRES = f"(?:<accuracy>({_NUMBER})</accuracy>{_SPACE})?+"
_MORE = "|".join(
    f"<{prefix}:TrackPointExtension>{_SPACE}{_SKIP}</{prefix}:TrackPointExtension>{_SPACE}"
    for prefix in ("gpxtpx", "ns3")
)
_POINT = re.compile(
    f'<trkpt lat="({_NUMBER})" lon="({_NUMBER})">{_SPACE}{_SKIP}<time>({_TIME})</time>{_SPACE}{_SKIP}'
    f"(?:<hdop>({_NUMBER})</hdop>{_SPACE})?+{_SKIP}"
    f"(?:<extensions>{_SPACE}{_METRES}{_SKIP}(?:{_MORE})?+</extensions>{_SPACE})?+</trkpt>{_SPACE}"
)


class Points(NamedTuple):
    """Ordinary points as text columns.

    `hdop` and `accuracy` hold None where a point has none (re.split's, which its type does not tell).
    """

    lat: list[str]
    lon: list[str]
    time: list[str]
    hdop: list[str]
    accuracy: list[str]


_STRIDE = 1 + len(Points._fields)  # what re.split gives a point: the text before it and its columns


class Lifter:
    """One file, window by window: `rest` is to be parsed, and at each mark the `next_points` be asked for."""

    def __init__(self, body: Body) -> None:
        self.body = body
        self.points = Points([], [], [], [], [])
        self.n_told = 0

    @classmethod
    def of(cls, text: XmlText) -> Lifter | None:
        """For a text that looks like UTF-8 and has no instruction but the declaration, else None."""
        body = text.body
        first = body.find(b"<?xml ", 0, 16)
        first = max(first, body.find(b"?>", first, first + 256)) + 2 if first >= 0 else 0
        mark = body.find(b"?", first)  # rare, so that this is fast; then only is "<?" looked for
        has_instruction = mark >= 0 and body.find(b"<?", max(first, mark - 1)) >= 0
        return None if has_instruction or body[:2] in (b"\xff\xfe", b"\xfe\xff") else cls(body)

    def rest(self) -> Iterator[bytes]:
        """The file with `<?points N?>` where the next N points were."""
        decode, at, size = codecs.getincrementaldecoder("utf-8")().decode, 0, len(self.body)
        while at < size:
            end = self.body.rfind(_END, at, at + WINDOW_BYTES)
            end = min(at + WINDOW_BYTES, size) if end < 0 else end + len(_END)
            yield self._lift(decode(self.body[at:end], end == size)).encode()
            at = end

    def _lift(self, text: str) -> str:
        """One window without its ordinary points."""
        parts = _POINT.split(text)
        if self.is_placed():
            self.points, self.n_told = Points([], [], [], [], []), 0
        columns: tuple[list[str], ...] = self.points
        for number, column in enumerate(columns, start=1):
            column.extend(parts[number::_STRIDE])
        return _marked(parts[::_STRIDE])

    def next_points(self, n: int) -> Points:
        """The next so many of the points that were lifted."""
        span = slice(self.n_told, self.n_told + n)
        self.n_told += n
        columns: tuple[list[str], ...] = self.points
        return Points(*(column[span] for column in columns))

    def is_placed(self) -> bool:
        """Whether all points that were lifted have been asked for."""
        return self.n_told == len(self.points.lat)


def _marked(gaps: list[str]) -> str:
    """The texts between points, with a mark where points were."""
    rest, n_seen = [gaps[0]], 0
    filled = [number for number, gap in enumerate(gaps) if gap and number] if any(gaps[1:]) else []
    for number in filled:
        rest.append(f"<?{MARK} {number - n_seen}?>{gaps[number]}")
        n_seen = number
    if n_seen < len(gaps) - 1:
        rest.append(f"<?{MARK} {len(gaps) - 1 - n_seen}?>")
    return "".join(rest)
