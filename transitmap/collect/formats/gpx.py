"""GPX 1.0 and 1.1 to rides."""

from __future__ import annotations

import itertools
import re

from transitmap.collect.formats.gpx_points import MARK, Lifter
from transitmap.collect.formats.sheet import FixSheet, Trace, TraceFile, Waypoint, cut_rides
from transitmap.collect.formats.xml_reader import Body, XmlReader, XmlText, in_one_encoding
from transitmap.config import CollectConfig
from transitmap.errors import UploadRefused
from transitmap.model import Ride

METRES_PER_HDOP = 4.0
"""HDOP is a ratio: times a phone's range error of about 4 m it is metres (OSMTracker writes accuracy / 4)."""

_POINT_LEVELS = 3  # an ordinary point, its extensions, their container; a leaf in that is the fourth
_VERSIONS = ("1.0", "1.1")
_METRES_AS_HDOP = ("OsmAnd",)  # these write the phone's metres where the ratio belongs
_NAMED_BY_APP = re.compile(r"Tracked with OSMTracker|Colota \w{1,20} Export|Trip [0-9]{1,9}$")
"""What apps call a track of which its rider said nothing."""
_NAMES_IN_METADATA = ("OSMTracker",)  # there is what its rider called the trip
_ACCURACIES = ("accuracy", "accuracy_horizontal", "hacc")
_LEAVES = frozenset(("time", "ele", "hdop", "name", "type", "note", *_ACCURACIES))
_BARE_AMPERSAND = re.compile(rb"&(?!(?:amp|lt|gt|quot|apos|#[0-9]{1,7}|#x[0-9A-Fa-f]{1,6});)")


def read_gpx(name: str, body: Body, config: CollectConfig) -> list[Ride]:
    """The rides of a GPX file, one a `trk` with fixes, unscreened, in the file's order.

    Fixes without a position, or with text where a number or a time should be, are dropped and counted here;
    NaN, infinite and impossible values come through. Waypoints become taps of the ride nearest in time.
    Elements are told by local name, whatever their prefix or namespace. Memory: 34 bytes a fix.

    Raises:
        UploadRefused: `xml_syntax` (with line and column), `bad_encoding`, `doctype_forbidden`, `not_a_trace`
            (another root), `too_deep`, `too_many_attributes`, `too_many_points`, `no_track_points`.
    """
    text = in_one_encoding(body)
    warnings = set(text.warnings)
    try:
        file = _read(text, config)
    except UploadRefused as refusal:
        mended = _escape_ampersands(text.body) if refusal.reason == "xml_syntax" else text.body
        if mended is text.body:
            raise
        warnings.add("repaired_ampersand")
        file = _read(text._replace(body=mended), config)
    if not len(file.out.sheet):
        found = f"found {len(file.out.waypoints)} waypoints, {file.n_routes} routes, no track points"
        raise UploadRefused("no_track_points", f"{found}; export the track")
    file.out.warnings |= warnings
    return cut_rides(name, file.finished(), config.max_name_chars)


def _read(text: XmlText, config: CollectConfig) -> _GpxFile:
    """The file's fixes, ordinary points in bulk; after a fault all again, for the place of the fault."""
    lifter = Lifter.of(text)
    if lifter is not None:
        file = _GpxFile(config, lifter)
        try:
            file.reader.read(text, lifter.rest())
            if lifter.is_placed():
                return file
        except UploadRefused as refusal:
            if refusal.reason == "too_many_points":
                raise
    file = _GpxFile(config)
    file.reader.read(text)
    return file


def _escape_ampersands(body: Body) -> Body:
    """OSMTracker writes names into the metadata unescaped: the same body with those mended, else the body."""
    first, last = body.find(b"<metadata>", 0, 4096), body.find(b"</metadata>", 0, 65536)
    if b"OSMTracker" not in body[:4096] or first < 0 or last < first:
        return body
    mended = _BARE_AMPERSAND.sub(b"&amp;", body[first:last])
    return body if mended == body[first:last] else body[:first] + mended + body[last:]


class _GpxFile:
    """Collects what a GPX file holds."""

    def __init__(self, config: CollectConfig, lifter: Lifter | None = None) -> None:
        self.sheet = FixSheet(config.max_fixes, METRES_PER_HDOP)
        self.out = TraceFile(self.sheet)
        self.segment_first: list[int] = []
        self.n_routes = 0
        self.creator = self.title = ""
        self.reader = XmlReader(config, "gpx", _LEAVES, self._opened, self._told)
        if lifter is not None:
            self.lifter = lifter
            self.reader.instructed = self._place_points

    def finished(self) -> TraceFile:
        """The file with what is odd about it."""
        bounds = [*self.segment_first, len(self.sheet)]
        if any(first == end for first, end in itertools.pairwise(bounds)):
            self.out.warnings.add("empty_segments")
        if self.title and self.creator.startswith(_NAMES_IN_METADATA):
            for trace in self.out.traces:
                trace.name = self.title
        return self.out

    def _opened(self, name: str, attributes: list[str], depth: int) -> None:
        if name == "trkpt":
            self._add_point(attributes)
        elif depth == 0:
            self._open_root(dict(zip(attributes[::2], attributes[1::2], strict=True)))
        elif name == "trk" and depth == 1:
            self.out.traces.append(Trace(len(self.sheet)))
        elif name == "trkseg":
            self.segment_first.append(len(self.sheet))
        elif name == "wpt":
            given = dict(zip(attributes[::2], attributes[1::2], strict=True))
            self.out.add_waypoint(Waypoint(given.get("lat", ""), given.get("lon", "")))
        elif name == "rte":
            self.n_routes += 1

    def _open_root(self, given: dict[str, str]) -> None:
        self.creator = given.get("creator", "")
        if given.get("version", "") not in _VERSIONS:
            self.out.warnings.add("unknown_version")
        if self.creator.startswith(_METRES_AS_HDOP):
            self.sheet.metres_per_hdop = 1.0

    def _add_point(self, attributes: list[str]) -> None:
        sheet = self.sheet
        if len(sheet.lat) >= sheet.room:
            sheet.make_room()
        if len(attributes) == 4 and attributes[0] == "lat" and attributes[2] == "lon":
            lat, lon = attributes[1], attributes[3]
        else:
            given = dict(zip(attributes[::2], attributes[1::2], strict=True))
            if "lat" not in given or "lon" not in given:
                sheet.unplaced.append(len(sheet.lat))
            lat, lon = given.get("lat", "nan"), given.get("lon", "nan")
        sheet.lat.append(lat)
        sheet.lon.append(lon)
        sheet.time.append("")

    def _told(self, name: str, parent: str, text: str) -> None:
        """Puts the text of a leaf where it belongs: `trk/name` is not `metadata/name`."""
        sheet, out = self.sheet, self.out
        if parent == "trkpt" and name in ("time", "ele", "hdop"):
            if name == "time":
                sheet.time[-1] = text
            elif name == "ele":
                sheet.elevation.append(text)
            else:
                sheet.hdop[len(sheet.lat) - 1] = text
        elif parent == "wpt" and name in ("name", "time"):
            setattr(out.waypoints[-1], name, text)
        elif parent == "trk" and name in ("name", "type"):
            if out.traces and not (name == "name" and _NAMED_BY_APP.match(text)):
                setattr(out.traces[-1], "name" if name == "name" else "kind", text)
        elif parent == "metadata" and name == "name":
            self.title = text
        elif name in (*_ACCURACIES, "note") and "trkpt" in self.reader.path[: self.reader.depth]:
            if name != "note":
                sheet.accuracy[len(sheet.lat) - 1] = text
            elif text:
                out.add_waypoint(Waypoint(sheet.lat[-1], sheet.lon[-1], text, sheet.time[-1]))

    def _place_points(self, target: str, text: str) -> None:
        """A mark: the next of the points that were lifted out belong here."""
        if target != MARK:
            return
        reader, sheet = self.reader, self.sheet
        reader.check_limits(reader.depth + _POINT_LEVELS, [])
        if not reader.depth:
            raise reader.refusal("xml_syntax", "a point outside the document")
        sheet.extend(self.lifter.next_points(int(text)))
