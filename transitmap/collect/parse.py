"""Stage 2. The body of one file -> its rides, unscreened: told by content, never by name."""

from __future__ import annotations

import re

from transitmap.collect.formats.gpx import read_gpx
from transitmap.config import CollectConfig
from transitmap.errors import UploadRefused
from transitmap.model import Ride

SNIFF_BYTES = 16_384
_GPX = re.compile(rb"<(?:[A-Za-z0-9_.-]{1,40}:)?gpx[\s/>]")
_KNOWN = (
    (b"PK\x03\x04", "a zip file"),
    (b"\x1f\x8b", "a gzip file"),
    (b"%PDF", "a PDF"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"\x89PNG", "a PNG image"),
)


def parse(name: str, body: bytes, config: CollectConfig) -> list[Ride]:
    """The rides of one file in its order; `ride_id` is the name, `name#2` for the second trace, and so on.

    Raises:
        UploadRefused: `empty_file`, `not_a_trace`, or what the format's reader refuses.
    """
    if not body:
        raise UploadRefused("empty_file", "the file has 0 bytes")
    head = body[:SNIFF_BYTES].replace(b"\0", b"")  # UTF-16 becomes readable
    if _GPX.search(head) or b"<!DOCTYPE" in head:
        return read_gpx(name, body, config)
    raise UploadRefused("not_a_trace", f"{_what(head)}, expected GPX")


def _what(head: bytes) -> str:
    """What the file seems to be, in words for its owner."""
    for start, words in _KNOWN:
        if head.startswith(start):
            return words
    return "not a GPS trace"
