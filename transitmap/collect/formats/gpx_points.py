"""Ordinary track points of a GPX text lifted out in bulk, so that the XML parser has only the rest to read.

Nine points of ten are written in the one way that exporters share. A pattern takes them out of the text at
about a microsecond each, where the parser's events need seven, and leaves a mark. This changes no meaning: in
a text without `<!` and without instructions every `<` begins a tag (or the text is not well-formed, with the
mark as without), and what is taken out is one whole, well-formed element of plain characters. Whatever is
written differently stays where it is.
"""

from __future__ import annotations

import re
from typing import NamedTuple

MARK = "points"
_END = "</trkpt>"
WINDOW_CHARS = 1 << 18

# No part can match in two ways and all are bounded and possessive (`+` at the end): the time is linear.
_SPACE = r"[ \t\r\n]{0,80}+"
_NUMBER = r"[-+.0-9eE]{1,32}+"
_TIME = r"[-+.,:0-9TZ]{1,40}+"
_OTHERS = (
    *("ele", "magvar", "geoidheight", "fix", "sat", "vdop", "pdop", "course", "speed", "src", "bearing"),
    *("osmand:speed", "osmand:heading", "gpxtpx:speed", "gpxtpx:course", "gpxtpx:hr", "gpxtpx:cad"),
)
_OTHER = "|".join(f"<{name}>[-+.,:0-9A-Za-z ]{{0,40}}+</{name}>" for name in _OTHERS)
_SKIP = f"(?:(?:{_OTHER}){_SPACE})*+"
_MORE = f"<gpxtpx:TrackPointExtension>{_SPACE}{_SKIP}</gpxtpx:TrackPointExtension>{_SPACE}"
_POINT = re.compile(
    f'<trkpt lat="({_NUMBER})" lon="({_NUMBER})">{_SPACE}{_SKIP}<time>({_TIME})</time>{_SPACE}{_SKIP}'
    f"(?:<hdop>({_NUMBER})</hdop>{_SPACE})?+{_SKIP}"
    f"(?:<extensions>{_SPACE}{_SKIP}(?:{_MORE})?+</extensions>{_SPACE})?+</trkpt>{_SPACE}"
)
_STRIDE = 5  # what re.split gives a point: the text before it, lat, lon, time, hdop


class LiftedPoints(NamedTuple):
    """The file with `<?points N?>` where the next N points were, and the points as text columns.

    `hdop` holds None where a point has none (re.split's, which its type does not tell).
    """

    rest: bytes
    lat: list[str]
    lon: list[str]
    time: list[str]
    hdop: list[str]


def lift_points(body: bytes) -> LiftedPoints | None:
    """The ordinary points of a UTF-8 text, and its rest; None where the text could hide tags."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return None
    is_declared = text.removeprefix("\ufeff").startswith("<?xml ")
    if "<!" in text or text.count("<?") != is_declared:
        return None
    columns: tuple[list[str], ...] = ([], [], [], [])
    rest: list[str] = []
    n_pending = at = 0
    while at < len(text):
        end = text.rfind(_END, at, at + WINDOW_CHARS)
        end = at + WINDOW_CHARS if end < 0 else end + len(_END)
        parts, at = _POINT.split(text[at:end]), end
        for number, column in enumerate(columns, start=1):
            column.extend(parts[number::_STRIDE])
        n_pending = _mark(parts[::_STRIDE], n_pending, rest)
    if n_pending:
        rest.append(f"<?{MARK} {n_pending}?>")
    return LiftedPoints("".join(rest).encode(), *columns)


def _mark(gaps: list[str], n_pending: int, rest: list[str]) -> int:
    """Adds the texts between points to the rest, with marks; how many points are not marked yet."""
    n_seen = 0
    for n_before in [number for number, gap in enumerate(gaps) if gap]:
        n_pending, n_seen = n_pending + n_before - n_seen, n_before
        if n_pending:
            rest.append(f"<?{MARK} {n_pending}?>")
        rest.append(gaps[n_before])
        n_pending = 0
    return n_pending + len(gaps) - 1 - n_seen
