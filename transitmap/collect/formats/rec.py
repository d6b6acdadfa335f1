"""The daily files of an OwnTracks recorder, a line a message, to rides."""

from __future__ import annotations

import re
from typing import Any

from transitmap.collect.formats.json_text import read_json
from transitmap.collect.formats.traces import Tap, Trace, check_count, rides_of
from transitmap.config import CollectConfig
from transitmap.errors import UploadRefused
from transitmap.model import Ride

_LINE = re.compile(rb"[0-9T:.+-]{19,32}Z?[ \t]+[^ \t\n]{1,20}[ \t]+\{")
_DOUBTFUL = {"p": "ping", "c": "region", "C": "region", "b": "region"}
"""Why a message was sent that is no fix of a ride: a ping tells an old position, a region its fence's."""


def is_rec(head: bytes) -> bool:
    """Whether the first line is a time, a word and a JSON object."""
    return _LINE.match(head.removeprefix(b"\xef\xbb\xbf")) is not None


def read_rec(name: str, body: bytes, config: CollectConfig) -> list[Ride]:
    """The ride of the locations in the file.

    Other messages (`lwt`, waypoints, steps) are left out; what is no JSON and positions that were not sent
    for having moved are dropped and counted. `poi` becomes a tap.

    Raises:
        UploadRefused: `no_track_points`, `too_many_points`.
    """
    trace = Trace()
    for line in body.split(b"\n"):
        at = line.find(b"{")
        if at < 0:
            continue
        try:
            message = read_json(line[at:])
        except UploadRefused:
            trace.dropped["bad_row"] += 1
            continue
        if isinstance(message, dict) and message.get("_type", "location") == "location":
            _add(trace, message)
            check_count(len(trace), config)
    return rides_of(name, [trace], config)


def _add(trace: Trace, message: dict[str, Any]) -> None:
    """One location."""
    if (trigger := message.get("t")) in ("p", "c", "C", "b"):
        trace.dropped[_DOUBTFUL[trigger]] += 1
        return
    where = message.get("tst"), message.get("lat"), message.get("lon")
    trace.add(*where, message.get("acc"))
    if isinstance(message.get("poi"), str):
        trace.taps.append(Tap(*where, message["poi"]))
