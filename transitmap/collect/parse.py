"""Stage 2. The body of one file -> its rides, unscreened: told by content, never by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from transitmap.collect.formats.csv import read_csv
from transitmap.collect.formats.fit import read_fit
from transitmap.collect.formats.geojson import is_geojson, read_geojson
from transitmap.collect.formats.gpx import read_gpx
from transitmap.collect.formats.json_text import read_json
from transitmap.collect.formats.kinds import SNIFF_BYTES, kind_of
from transitmap.collect.formats.kml import read_kml
from transitmap.collect.formats.nmea import read_nmea
from transitmap.collect.formats.rec import read_rec
from transitmap.collect.formats.tcx import read_tcx
from transitmap.collect.formats.timeline import is_timeline, read_timeline
from transitmap.config import CollectConfig
from transitmap.errors import UploadRefused
from transitmap.model import Ride

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

_SETTINGS = ("deviceSettings", "hasReportedLocations", "timelineEdits", "hasSetRetention")


def parse(name: str, body: bytes, config: CollectConfig) -> list[Ride]:
    """The rides of one file in its order; `ride_id` is the name, `name#2` for the second trace, and so on.

    Raises:
        UploadRefused: `empty_file`, `not_a_trace` (its detail begins with one of HINTS), or what the
            format's reader refuses.
    """
    if not body:
        raise UploadRefused("empty_file", "the file has 0 bytes")
    kind = kind_of(body)
    if kind in _READERS:
        return _READERS[kind](name, body, config)
    lower = body[:SNIFF_BYTES].replace(b"\0", b"").lower()
    raise _no_trace(_hint_of_page(lower) if kind == "page" else _hint_of_other(kind, lower))


def _no_trace(hint: str) -> UploadRefused:
    return UploadRefused("not_a_trace", f"{HINTS[hint]}; {EXPECTED}")


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


def _hint_of_page(lower: bytes) -> str:
    """Which web page, by words that it carries."""
    if b"myactivity.google" in lower or b"my activity" in lower or b"mi actividad" in lower:
        return "my_activity"
    return "takeout_page" if b"takeout" in lower else "web_page"


def _hint_of_other(kind: str, lower: bytes) -> str:
    """What else it is."""
    if kind == "other" and b"end-to-end encrypt" in lower:
        return "encrypted_timeline"
    return kind if kind in HINTS else "other"


_READERS: dict[str, Callable[[str, bytes, CollectConfig], list[Ride]]] = {
    "gpx": read_gpx,
    "doctype": read_gpx,  # which refuses it in its own words
    "fit": read_fit,
    "tcx": read_tcx,
    "kml": read_kml,
    "json": _read_json_trace,
    "csv": read_csv,
    "rec": read_rec,
    "nmea": read_nmea,
}
