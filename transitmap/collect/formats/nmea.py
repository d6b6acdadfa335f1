"""NMEA 0183, what receivers say line by line, to rides."""

from __future__ import annotations

import re
from functools import reduce
from operator import xor

from transitmap.collect.formats.traces import Trace, check_count, rides_of
from transitmap.config import CollectConfig
from transitmap.errors import UploadRefused
from transitmap.model import Ride

METRES_PER_HDOP = 4.0
"""HDOP is a ratio: times a phone's range error of about 4 m it is metres, as for GPX."""
_LINE = re.compile(rb"\$(G[A-Z]|BD)(RMC|GGA),[ -~]{10,90}")
_SENTENCE = re.compile(r"\$(?:G[A-Z]|BD)(RMC|GGA),([ -)+-~]{0,200})(?:\*([0-9A-Fa-f]{2}))?[ \r]*")
_GGA = re.compile(r"\$(?:G[A-Z]|BD)GGA,([0-9.]{6,12})(?:,[^,\n]{0,20}){6},([0-9.]{0,9}),")
_HOUR = re.compile(r"([0-9]{2})([0-9]{2})([0-9]{2})(\.[0-9]{1,6})?")
_DAY = re.compile(r"([0-9]{2})([0-9]{2})([0-9]{2})")
_DEGREES = re.compile(r"([0-9]{0,3}?)([0-9]{2}(?:\.[0-9]{0,9})?)")
_SIDES = {"N": 1, "S": -1, "E": 1, "W": -1}


def is_nmea(head: bytes) -> bool:
    """Whether a line near the beginning tells a position or a time as NMEA does."""
    return _LINE.search(head) is not None


def read_nmea(name: str, body: bytes, config: CollectConfig) -> list[Ride]:
    """The ride of a log: a fix a valid RMC, with the accuracy of its GGA.

    Lines whose sum does not agree are dropped. GGA alone names no day, so it gives no fix.

    Raises:
        UploadRefused: `no_timestamps` (no RMC), `no_track_points`, `too_many_points`.
    """
    text = body.decode("ascii", "replace")
    hdop = dict(_GGA.findall(text))
    trace = Trace()
    for line in text.split("\n"):
        at = line.find("$")
        sentence = _SENTENCE.fullmatch(line[at:]) if at >= 0 else None
        if sentence is None:
            continue
        if sentence[3] and int(sentence[3], 16) != _sum(line[at + 1 : at + line[at:].index("*")]):
            trace.dropped["bad_row"] += 1
            continue
        cells = sentence[2].split(",")
        if sentence[1] == "RMC" and len(cells) >= 9 and cells[1] == "A":
            check_count(len(trace) + 1, config)
            where = _degrees(*cells[2:4]), _degrees(*cells[4:6])
            trace.add(_time(cells[8], cells[0]), *where, _metres(hdop.get(cells[0], "")))
    if hdop and not len(trace):
        raise UploadRefused("no_timestamps", "the log names no day; record RMC sentences too")
    return rides_of(name, [trace], config)


def _sum(text: str) -> int:
    """What stands behind the star: all characters between `$` and `*`, by exclusive or."""
    return reduce(xor, text.encode("ascii", "replace"), 0)


def _time(day: str, hour: str) -> str | None:
    """`221126` and `181530.00` as ISO 8601. Two digits of a year are of this century."""
    on, at = _DAY.fullmatch(day), _HOUR.fullmatch(hour)
    if on is None or at is None:
        return None
    return f"20{on[3]}-{on[2]}-{on[1]}T{at[1]}:{at[2]}:{at[3]}{at[4] or ''}Z"


def _degrees(text: str, side: str) -> float | str | None:
    """`1925.98880` and `N` as degrees: minutes are the two digits before the point and all after it."""
    parts = _DEGREES.fullmatch(text)
    if not text or parts is None or side not in _SIDES:
        return text or None
    return _SIDES[side] * (int(parts[1] or "0") + float(parts[2]) / 60.0)


def _metres(hdop: str) -> float | None:
    """Metres of accuracy that an HDOP stands for."""
    return float(hdop) * METRES_PER_HDOP if re.fullmatch(r"[0-9]{1,4}(?:\.[0-9]{1,4})?", hdop) else None
