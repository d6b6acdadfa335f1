"""Stage 2. The body of one file -> its rides, unscreened: told by content, never by name."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from transitmap.collect.formats.csv import is_csv, read_csv
from transitmap.collect.formats.fit import is_fit, read_fit
from transitmap.collect.formats.geojson import is_geojson, read_geojson
from transitmap.collect.formats.gpx import read_gpx
from transitmap.collect.formats.json_text import read_json
from transitmap.collect.formats.kml import read_kml
from transitmap.collect.formats.nmea import is_nmea, read_nmea
from transitmap.collect.formats.rec import is_rec, read_rec
from transitmap.collect.formats.tcx import read_tcx
from transitmap.collect.formats.timeline import is_timeline, read_timeline
from transitmap.config import CollectConfig
from transitmap.errors import UploadRefused
from transitmap.model import Ride

SNIFF_BYTES = 16_384
EXPECTED = "expected GPX, FIT, TCX, KML, GeoJSON, NMEA or CSV"
HINTS = {
    "zip": "a zip file where a trace should be",
    "gzip": "a gzip file where a trace should be",
    "pdf": "a PDF, a picture of a trip; export the track itself from the app, as GPX",
    "rar": "a RAR archive; pack the files as zip",
    "7z": "a 7z archive; pack the files as zip",
    "jpeg": "a JPEG image; export the track from the app that recorded it, as GPX",
    "png": "a PNG image; export the track from the app that recorded it, as GPX",
    "heic": "a HEIC photo; export the track from the app that recorded it, as GPX",
    "web_page": "a web page, not the file behind it; download the track itself",
    "takeout_page": "the contents page of a Takeout; send a file named Records.json or Timeline.json instead",
    "my_activity": "what was searched in Maps, not where one was; export the timeline from the phone instead",
    "maps_settings": "settings of Maps; send the file named Records.json or Timeline.json instead",
    "encrypted_timeline": "a timeline that only its phone reads; export it in the settings of the phone",
    "empty_json": "a JSON file without anything in it; export it again",
    "cut_json": "a JSON file that ends before its end; export it again",
    "other_json": "a JSON file without positions and times",
    "other": "not a GPS trace",
}
"""What a file is that is no trace, and which to pick instead, by a code that pages translate."""

_ROOT = re.compile(rb"<(?:[A-Za-z0-9_.-]{1,40}:)?(gpx|kml|TrainingCenterDatabase)[\s/>]")
_XML_READERS: dict[bytes, Callable[[str, bytes, CollectConfig], list[Ride]]] = {
    b"gpx": read_gpx,
    b"kml": read_kml,
    b"TrainingCenterDatabase": read_tcx,
}
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
_SETTINGS = ("deviceSettings", "hasReportedLocations", "timelineEdits", "hasSetRetention")


def parse(name: str, body: bytes, config: CollectConfig) -> list[Ride]:
    """The rides of one file in its order; `ride_id` is the name, `name#2` for the second trace, and so on.

    Raises:
        UploadRefused: `empty_file`, `not_a_trace` (with one of HINTS as its detail), or what the format's
            reader refuses.
    """
    if not body:
        raise UploadRefused("empty_file", "the file has 0 bytes")
    if is_fit(body):
        return read_fit(name, body, config)
    if hint := _hint_of_bytes(body):
        raise _no_trace(hint)
    head = body[:SNIFF_BYTES].replace(b"\0", b"")  # UTF-16 becomes readable
    if _first_char(head) in (b"{", b"["):
        return _read_json_trace(name, body, config)
    if root := _ROOT.search(head):
        return _XML_READERS[root[1]](name, body, config)
    return _read_text(name, body, head, config)


def _no_trace(hint: str) -> UploadRefused:
    return UploadRefused("not_a_trace", f"{HINTS[hint]}; {EXPECTED}")


def _hint_of_bytes(body: bytes) -> str:
    """What the first bytes say, empty where they may be a trace's."""
    if body[4:8] == b"ftyp" and body[8:12] in _HEIF_BRANDS:
        return "heic"
    return next((hint for start, hint in _STARTS if body.startswith(start)), "")


def _first_char(head: bytes) -> bytes:
    """The first that is neither blank nor a mark of an encoding."""
    return head.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")[:1]


def _read_json_trace(name: str, body: bytes, config: CollectConfig) -> list[Ride]:
    """JSON, told by its keys."""
    try:
        document = read_json(body)
    except UploadRefused as refusal:
        if refusal.reason == "json_cut":
            raise _no_trace("cut_json") from refusal
        raise
    if is_timeline(document):
        return read_timeline(name, document, config)
    if is_geojson(document):
        return read_geojson(name, document, config)
    raise _no_trace(_hint_of_json(document))


def _hint_of_json(document: Any) -> str:
    """What a JSON document is that is no trace."""
    if not document:
        return "empty_json"
    if isinstance(document, list):
        first = document[0] if isinstance(document[0], dict) else {}
        return "my_activity" if {"header", "title"} <= set(first) else "other_json"
    if "encryptedData" in document or "encrypted" in document or document.get("_type") == "encrypted":
        return "encrypted_timeline"
    return "maps_settings" if any(key in document for key in _SETTINGS) else "other_json"


def _read_text(name: str, body: bytes, head: bytes, config: CollectConfig) -> list[Ride]:
    """Lines of text, told by the first ones."""
    lower = head.lower()
    if b"<!doctype" in lower or b"<html" in lower:
        if b"<!DOCTYPE" in head and b"<!doctype html" not in lower:
            return read_gpx(name, body, config)  # which refuses it in its own words
        raise _no_trace(_hint_of_page(lower))
    if is_rec(head):
        return read_rec(name, body, config)
    if is_nmea(head):
        return read_nmea(name, body, config)
    if is_csv(head.decode("latin-1").lstrip("\xef\xbb\xbf\xff\xfe")):
        return read_csv(name, body, config)
    raise _no_trace("encrypted_timeline" if b"end-to-end encrypt" in lower else "other")


def _hint_of_page(lower: bytes) -> str:
    """Which web page, by words that it carries in all languages."""
    if b"myactivity.google" in lower or b"my activity" in lower or b"mi actividad" in lower:
        return "my_activity"
    return "takeout_page" if b"takeout" in lower else "web_page"
