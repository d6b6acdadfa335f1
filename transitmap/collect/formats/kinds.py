"""What a file is, told by its first bytes and never by its name."""

from __future__ import annotations

import re

from transitmap.collect.formats.csv import is_csv
from transitmap.collect.formats.fit import is_fit
from transitmap.collect.formats.nmea import is_nmea
from transitmap.collect.formats.rec import is_rec

SNIFF_BYTES = 16_384
RANK = ("gpx", "fit", "tcx", "kml", "json", "csv", "rec", "nmea")
"""The kinds of traces. Of one ride in several the first says most: marks and labels, and all its digits."""

_ROOT = re.compile(rb"<(?:[A-Za-z0-9_.-]{1,40}:)?(gpx|kml|TrainingCenterDatabase)[\s/>]")
_ROOTS = {b"gpx": "gpx", b"kml": "kml", b"TrainingCenterDatabase": "tcx"}
_MARKS = b"\xef\xbb\xbf\xff\xfe"
_STARTS = (
    (b"PK\x03\x04", "zip"),
    (b"\x1f\x8b", "gzip"),
    (b"%PDF", "pdf"),
    (b"Rar!\x1a\x07", "rar"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG", "png"),
)
_HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1", b"avif")


def kind_of(body: bytes) -> str:
    """One of RANK, of what is known and no trace (`pdf`, `jpeg`, ...), `doctype`, `page`, or `other`."""
    if is_fit(body):
        return "fit"
    if body[4:8] == b"ftyp" and body[8:12] in _HEIF_BRANDS:
        return "heic"
    known = next((kind for start, kind in _STARTS if body.startswith(start)), "")
    return known or _kind_of_text(body[:SNIFF_BYTES].replace(b"\0", b""))  # UTF-16 becomes readable


def _kind_of_text(head: bytes) -> str:
    """What a text is."""
    if head.lstrip(_MARKS + b" \t\r\n")[:1] in (b"{", b"["):
        return "json"
    if root := _ROOT.search(head):
        return _ROOTS[root[1]]
    lower = head.lower()
    if b"<html" in lower or b"<!doctype html" in lower:
        return "page"
    if b"<!doctype" in lower:
        return "doctype"
    if is_rec(head):
        return "rec"
    if is_nmea(head):
        return "nmea"
    return "csv" if is_csv(head.lstrip(_MARKS).decode("latin-1")) else "other"
