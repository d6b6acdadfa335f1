"""GPX 1.0 and 1.1 to rides: an expat reader with hard limits, for files that nobody vouches for."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, field
from xml.parsers import expat

import numpy as np

from transitmap.collect.formats.gpx_points import MARK, LiftedPoints, lift_points
from transitmap.collect.formats.text import BoolArray, read_numbers, read_times
from transitmap.config import CollectConfig
from transitmap.errors import UploadRefused
from transitmap.model import Fixes, FloatArray, IntArray, Ride, Taps

METRES_PER_HDOP = 4.0
"""HDOP is a ratio: times a phone's range error of about 4 m it is metres (OSMTracker writes accuracy / 4)."""

CHUNK_BYTES = 1 << 20
MAX_TOKEN_BYTES = 4 << 20
_POINT_LEVELS = 3  # an ordinary point, its extensions, their container; a leaf in that is the fourth
_VERSIONS = ("1.0", "1.1")
_ACCURACIES = ("accuracy", "accuracy_horizontal", "hacc")
_LEAVES = frozenset(("time", "hdop", "name", "type", *_ACCURACIES))
_DECLARED = re.compile(rb"\s*<\?xml[^>]{0,100}?encoding\s{0,9}=\s{0,9}[\"']([A-Za-z0-9._-]{1,40})[\"']")
_CODEC = re.compile(
    r"iso-?8859-\d{1,2}|latin-?\d|(windows-|cp)125\d|koi8-[ru]|gbk|gb2312|gb18030|big5|shift_jis|euc-(jp|kr)"
)
_BARE_AMPERSAND = re.compile(rb"&(?!(?:amp|lt|gt|quot|apos|#[0-9]{1,7}|#x[0-9A-Fa-f]{1,6});)")
_ENCODING_ERRORS = (
    expat.errors.codes[expat.errors.XML_ERROR_UNKNOWN_ENCODING],
    expat.errors.codes[expat.errors.XML_ERROR_INCORRECT_ENCODING],
)


def read_gpx(name: str, body: bytes, config: CollectConfig) -> list[Ride]:
    """The rides of a GPX file, one a `trk` with fixes, unscreened, in the file's order.

    Fixes without a position, or with text where a number or a time should be, are dropped and counted here;
    NaN, infinite and impossible values come through. Waypoints become taps of the ride nearest in time.
    Elements are told by local name, whatever their prefix or namespace. Memory: about 200 bytes a fix.

    Raises:
        UploadRefused: `xml_syntax` (with line and column), `bad_encoding`, `doctype_forbidden`, `not_a_trace`
            (another root), `too_deep`, `too_many_attributes`, `too_many_points`, `no_track_points`.
    """
    warnings: set[str] = set()
    body, encoding = _in_one_encoding(body, warnings)
    try:
        tracks = _read(body, encoding, config)
    except UploadRefused as refusal:
        mended = _escape_ampersands(body) if refusal.reason == "xml_syntax" else body
        if mended is body:
            raise
        warnings.add("repaired_ampersand")
        tracks = _read(mended, encoding, config)
    return _rides(name, tracks, config, warnings)


def _read(body: bytes, encoding: str | None, config: CollectConfig) -> _Tracks:
    """The text columns, ordinary points in bulk; after a fault all again, for the place of the fault."""
    lifted = lift_points(body)
    if lifted is not None:
        try:
            return _Reader(config, encoding, lifted).read(lifted.rest)
        except UploadRefused as refusal:
            if refusal.reason == "too_many_points":
                raise UploadRefused(refusal.reason, refusal.detail) from refusal
    return _Reader(config, encoding).read(body)


def _in_one_encoding(body: bytes, warnings: set[str]) -> tuple[bytes, str | None]:
    """The body and the encoding to force on it: UTF-8 wherever it can be that, whatever the file declares."""
    declared = _DECLARED.match(body.removeprefix(b"\xef\xbb\xbf")[:256])
    label = declared[1].decode().lower() if declared else "utf-8"
    if label == "utf-8":
        return body, None
    try:
        is_ascii = body.isascii()
        if not is_ascii:
            body.decode("utf-8")
        if not is_ascii or label.startswith("utf"):
            warnings.add("encoding_mismatch")
        return body, "utf-8"
    except UnicodeDecodeError:
        pass
    if not _CODEC.fullmatch(label):
        raise UploadRefused("bad_encoding", f"encoding {label} is not known; save the file as UTF-8")
    try:
        return body.decode(label).encode("utf-8"), "utf-8"
    except (UnicodeDecodeError, LookupError) as error:
        raise UploadRefused("bad_encoding", f"the text is not {label}; save the file as UTF-8") from error


def _escape_ampersands(body: bytes) -> bytes:
    """OSMTracker writes names into the metadata unescaped: the same body with those mended, else the body."""
    first, last = body.find(b"<metadata>", 0, 4096), body.find(b"</metadata>", 0, 65536)
    if b"OSMTracker" not in body[:4096] or first < 0 or last < first:
        return body
    mended = _BARE_AMPERSAND.sub(b"&amp;", body[first:last])
    return body if mended == body[first:last] else body[:first] + mended + body[last:]


@dataclass
class _Track:
    """One `trk`: where its fixes begin, and what is said of it."""

    first: int
    name: str = ""
    kind: str = ""


@dataclass
class _Waypoint:
    """One `wpt`, as text."""

    lat: str
    lon: str
    name: str = ""
    time: str = ""


@dataclass
class _Tracks:
    """A GPX file as text columns: one row a `trkpt`."""

    lat: list[str] = field(default_factory=list)
    lon: list[str] = field(default_factory=list)
    time: list[str] = field(default_factory=list)
    accuracy: dict[int, str] = field(default_factory=dict)
    hdop: dict[int, str] = field(default_factory=dict)
    unplaced: list[int] = field(default_factory=list)
    tracks: list[_Track] = field(default_factory=list)
    segment_first: list[int] = field(default_factory=list)
    waypoints: list[_Waypoint] = field(default_factory=list)
    n_routes: int = 0
    version: str = ""


class _LocalNames(dict[str, str]):
    """`gpx:trkpt` and `trkpt` to `trkpt`, each split once."""

    def __missing__(self, name: str) -> str:
        local = self[name] = name.rpartition(":")[2]
        return local


class _Reader:
    """Collects the text columns of one file.

    `path` holds the names of the open elements in its first `depth` places; `leaf` says whose text is wanted.
    """

    def __init__(
        self, config: CollectConfig, encoding: str | None, lifted: LiftedPoints | None = None
    ) -> None:
        self.config, self.out = config, _Tracks()
        self.max_depth, self.max_fixes = config.max_depth, config.max_fixes
        self.local, self.path = _LocalNames(), [""] * (config.max_depth + 1)
        self.text: list[str] = []
        self.depth, self.leaf = 0, ""
        self.parser = expat.ParserCreate(encoding)
        self.parser.ordered_attributes = True
        self.parser.buffer_text = True
        self.parser.buffer_size = 1 << 16
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self.text.append
        if lifted is not None:
            self.lifted, self.n_placed = lifted, 0
            self.parser.ProcessingInstructionHandler = self._place_points

    def read(self, body: bytes) -> _Tracks:
        """Feeds the body piece by piece, so that one endless token cannot be scanned again and again."""
        view, fed = memoryview(body), 0
        try:
            while fed < len(body):
                end = body.rfind(b">", fed, fed + CHUNK_BYTES) + 1 or fed + CHUNK_BYTES  # cuts no text in two
                self.parser.Parse(view[fed:end], False)
                fed = end
                if fed - self.parser.CurrentByteIndex > MAX_TOKEN_BYTES:
                    raise self._refusal("xml_syntax", f"one token is longer than {MAX_TOKEN_BYTES} bytes")
            self.parser.Parse(b"", True)
        except expat.ExpatError as error:
            raise _syntax_refusal(error, body) from error
        except (LookupError, ValueError) as error:  # what expat asks Python for: codecs it has not itself
            raise UploadRefused("bad_encoding", f"{error}; save the file as UTF-8") from error
        return self.out

    def _start(self, name: str, attributes: list[str]) -> None:
        depth, out = self.depth, self.out
        if self.leaf:
            self._keep_leaf()
        if depth >= self.max_depth or len(attributes) > 8:
            self._check_limits(depth, attributes)
        name = self.path[depth] = self.local[name]
        self.depth = depth + 1
        if name == "trkpt":
            if len(attributes) == 4 and attributes[0] == "lat" and attributes[2] == "lon":
                out.lat.append(attributes[1])
                out.lon.append(attributes[3])
                out.time.append("")
            else:
                self._add_point(attributes)
            if len(out.lat) > self.max_fixes:
                raise self._too_many_points()
        elif name in _LEAVES:
            self._open_leaf(name, depth)
        else:
            self._open(name, attributes, depth)

    def _end(self, name: str) -> None:
        self.depth -= 1
        if self.leaf:
            self._keep_leaf()

    def _place_points(self, target: str, text: str) -> None:
        """A mark: the next of the points that were lifted out belong here."""
        if target != MARK:
            return
        if self.leaf:
            self._keep_leaf()
        out = self.out
        self._check_limits(self.depth + _POINT_LEVELS, [])
        first, self.n_placed = self.n_placed, self.n_placed + int(text)
        span, shift = slice(first, self.n_placed), len(out.lat) - first
        out.lat.extend(self.lifted.lat[span])
        out.lon.extend(self.lifted.lon[span])
        out.time.extend(self.lifted.time[span])
        hdops = zip(range(first + shift, len(out.lat)), self.lifted.hdop[span], strict=True)
        out.hdop.update(hdops if None not in self.lifted.hdop[span] else [row for row in hdops if row[1]])
        if len(out.lat) > self.max_fixes:
            raise self._too_many_points()

    def _too_many_points(self) -> UploadRefused:
        return self._refusal("too_many_points", f"more than {self.max_fixes} points; split by day")

    def _check_limits(self, depth: int, attributes: list[str]) -> None:
        if depth >= self.max_depth:
            raise self._refusal("too_deep", f"elements nested deeper than {self.max_depth}")
        if len(attributes) > 2 * self.config.max_attributes:
            detail = f"{len(attributes) // 2} attributes on one element, at most {self.config.max_attributes}"
            raise self._refusal("too_many_attributes", detail)

    def _add_point(self, attributes: list[str]) -> None:
        """A point whose attributes are not just lat and lon in that order."""
        given = dict(zip(attributes[::2], attributes[1::2], strict=True))
        if "lat" not in given or "lon" not in given:
            self.out.unplaced.append(len(self.out.lat))
        self.out.lat.append(given.get("lat", "nan"))
        self.out.lon.append(given.get("lon", "nan"))
        self.out.time.append("")

    def _open_leaf(self, name: str, depth: int) -> None:
        """Marks the leaf whose text is wanted: by its parent, `trk/name` is not `metadata/name`."""
        parent = self.path[depth - 1] if depth else ""
        if parent == "trkpt" and name in ("time", "hdop"):
            self.leaf = name
        elif (parent == "trk" and name in ("name", "type")) or (parent == "wpt" and name in ("name", "time")):
            self.leaf = f"{parent}/{name}"
        elif name in _ACCURACIES and "trkpt" in self.path[:depth]:
            self.leaf = "accuracy"
        self.text.clear()

    def _open(self, name: str, attributes: list[str], depth: int) -> None:
        """The elements that carry others."""
        self.text.clear()
        if depth == 0:
            self._open_root(name, attributes)
        elif name == "trk" and depth == 1:
            self.out.tracks.append(_Track(len(self.out.lat)))
        elif name == "trkseg":
            self.out.segment_first.append(len(self.out.lat))
        elif name == "wpt":
            given = dict(zip(attributes[::2], attributes[1::2], strict=True))
            self.out.waypoints.append(_Waypoint(given.get("lat", ""), given.get("lon", "")))
            if len(self.out.waypoints) > self.max_fixes:
                raise self._refusal("too_many_points", f"more than {self.max_fixes} waypoints")
        elif name == "rte":
            self.out.n_routes += 1

    def _open_root(self, name: str, attributes: list[str]) -> None:
        if name != "gpx":
            raise UploadRefused("not_a_trace", f"an XML file of {name[:40]!r}, expected GPX")
        self.out.version = dict(zip(attributes[::2], attributes[1::2], strict=True)).get("version", "")

    def _keep_leaf(self) -> None:
        """Puts the text that has come where the leaf belongs."""
        text, leaf, out = "".join(self.text).strip(" \t\r\n"), self.leaf, self.out
        self.leaf = ""
        if leaf == "time":
            out.time[-1] = text
        elif leaf in ("hdop", "accuracy"):
            (out.hdop if leaf == "hdop" else out.accuracy)[len(out.lat) - 1] = text
        elif leaf.startswith("wpt/"):
            setattr(out.waypoints[-1], leaf[4:], text)
        elif out.tracks:
            setattr(out.tracks[-1], "kind" if leaf == "trk/type" else "name", text)

    def _doctype(self, name: str, *_: object) -> None:
        if name.lower() == "html":
            raise UploadRefused("not_a_trace", "a web page, expected GPX")
        raise self._refusal("doctype_forbidden", "the file declares a DOCTYPE; GPX needs none")

    def _refusal(self, reason: str, detail: str) -> UploadRefused:
        return UploadRefused(
            reason, detail, self.parser.CurrentLineNumber, self.parser.CurrentColumnNumber + 1
        )


def _syntax_refusal(error: expat.ExpatError, body: bytes) -> UploadRefused:
    """Broken XML, or text that is not in its encoding."""
    line, column = error.lineno, error.offset + 1
    if error.code in _ENCODING_ERRORS or not _is_unicode(body):
        return UploadRefused("bad_encoding", "the text is not in the encoding it declares", line, column)
    message = f"line {line}, column {column}: {expat.ErrorString(error.code)}"
    return UploadRefused("xml_syntax", message, line, column)


def _is_unicode(body: bytes) -> bool:
    """Whether the body is UTF-8, or UTF-16 by its mark."""
    try:
        body.decode("utf-16" if body[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _rides(name: str, tracks: _Tracks, config: CollectConfig, warnings: set[str]) -> list[Ride]:
    """The file's columns cut into rides."""
    if not tracks.lat:
        found = f"found {len(tracks.waypoints)} waypoints, {tracks.n_routes} routes, no track points"
        raise UploadRefused("no_track_points", f"{found}; export the track")
    _note(tracks, config, warnings)
    table = _Table.of(tracks, warnings)
    taps = _taps(tracks, config, warnings)
    marks = tracks.tracks if tracks.tracks and tracks.tracks[0].first == 0 else [_Track(0), *tracks.tracks]
    ends = [mark.first for mark in marks[1:]] + [len(tracks.lat)]
    spans = [(mark, slice(mark.first, end)) for mark, end in zip(marks, ends, strict=True)]
    spans = [(mark, span) for mark, span in spans if span.stop > span.start]
    owner = _nearest_span(taps.time_s, table.time_s, [span for _, span in spans])
    rides = []
    for number, (mark, span) in enumerate(spans):
        fixes, dropped = table.cut(span)
        rides.append(
            Ride(
                ride_id=name if number == 0 else f"{name}#{number + 1}",
                fixes=fixes,
                taps=_pick(taps, np.flatnonzero(owner == number)),
                label=_short(mark.name, config.max_name_chars),
                declared_mode=_mode(mark.kind, config.max_name_chars),
                dropped=dropped,
                warnings=tuple(sorted(warnings)),
            )
        )
    return rides


def _note(tracks: _Tracks, config: CollectConfig, warnings: set[str]) -> None:
    """What is odd about the file without spoiling it."""
    if tracks.version not in _VERSIONS:
        warnings.add("unknown_version")
    bounds = [*tracks.segment_first, len(tracks.lat)]
    if any(first == end for first, end in itertools.pairwise(bounds)):
        warnings.add("empty_segments")
    names = [track.name for track in tracks.tracks] + [waypoint.name for waypoint in tracks.waypoints]
    if any(len(name) > config.max_name_chars for name in names):
        warnings.add("name_truncated")


@dataclass
class _Table:
    """The file's fixes as numbers; `fault` is 0, or 1 + the row of _FAULTS that says why a fix is dropped."""

    time_s: FloatArray
    lat_deg: FloatArray
    lon_deg: FloatArray
    accuracy_m: FloatArray
    fault: IntArray

    @classmethod
    def of(cls, tracks: _Tracks, warnings: set[str]) -> _Table:
        """Converts whole columns at once."""
        lat_deg, bad_lat = read_numbers(tracks.lat)
        lon_deg, bad_lon = read_numbers(tracks.lon)
        times = read_times(tracks.time)
        if times.is_naive.any():
            warnings.add("assumed_utc")
        unplaced: BoolArray = np.zeros(len(lat_deg), np.bool_)
        unplaced[tracks.unplaced] = True
        fault = np.select([unplaced, bad_lat | bad_lon, times.is_bad], [1, 2, 3], 0)
        return cls(times.time_s, lat_deg, lon_deg, _accuracy_m(tracks), fault)

    def cut(self, span: slice) -> tuple[Fixes, dict[str, int]]:
        """The fixes of one track, and how many were dropped for what."""
        fault = self.fault[span]
        keep = fault == 0
        columns = (self.time_s, self.lat_deg, self.lon_deg, self.accuracy_m)
        fixes = Fixes(*(column[span][keep] for column in columns))
        counts = np.bincount(fault, minlength=len(_FAULTS) + 1)[1:].tolist()
        return fixes, {reason: n for reason, n in zip(_FAULTS, counts, strict=True) if n}


_FAULTS = ("no_position", "bad_number", "bad_time")


def _accuracy_m(tracks: _Tracks) -> FloatArray:
    """Metres of accuracy a fix: the phone's own where it tells, else from HDOP; NaN where unknown or 0."""
    accuracy_m = np.full(len(tracks.lat), np.nan)
    for column, metres in ((tracks.hdop, METRES_PER_HDOP), (tracks.accuracy, 1.0)):
        if column:
            texts = list(set(column.values()))  # a phone tells few different ones
            value_of = dict(zip(texts, read_numbers(texts)[0].tolist(), strict=True))
            value = np.fromiter(map(value_of.__getitem__, column.values()), np.float64, len(column))
            known = np.isfinite(value) & (value > 0)
            accuracy_m[np.fromiter(column, np.int64, len(column))[known]] = value[known] * metres
    return accuracy_m


def _taps(tracks: _Tracks, config: CollectConfig, warnings: set[str]) -> Taps:
    """The waypoints that have a place; the others are left out with a warning."""
    if not tracks.waypoints:
        return Taps(np.zeros(0), np.zeros(0), np.zeros(0), ())
    lat_deg, _ = read_numbers([waypoint.lat for waypoint in tracks.waypoints])
    lon_deg, _ = read_numbers([waypoint.lon for waypoint in tracks.waypoints])
    time_s = read_times([waypoint.time for waypoint in tracks.waypoints]).time_s
    placed = (np.abs(lat_deg) <= 90) & (np.abs(lon_deg) <= 180)
    if not placed.all():
        warnings.add("bad_waypoint")
    names = tuple(_short(waypoint.name, config.max_name_chars) for waypoint in tracks.waypoints)
    return _pick(Taps(time_s, lat_deg, lon_deg, names), np.flatnonzero(placed))


def _pick(taps: Taps, rows: IntArray) -> Taps:
    names = tuple(taps.name[row] for row in rows.tolist())
    return Taps(taps.time_s[rows], taps.lat_deg[rows], taps.lon_deg[rows], names)


def _nearest_span(tap_s: FloatArray, time_s: FloatArray, spans: list[slice]) -> IntArray:
    """Which ride each tap belongs to: the nearest in time, or the first without a time."""
    owner, best_s = np.zeros(len(tap_s), np.int64), np.full(len(tap_s), np.inf)
    if len(spans) < 2 or not len(tap_s):
        return owner
    for number, span in enumerate(spans):
        known_s = time_s[span][np.isfinite(time_s[span])]
        if len(known_s):
            away_s = np.maximum(np.maximum(known_s.min() - tap_s, tap_s - known_s.max()), 0.0)
            nearer = away_s < best_s
            owner[nearer], best_s[nearer] = number, away_s[nearer]
    return owner


def _short(text: str, max_chars: int) -> str:
    """A name on one line, cut; the cut before the split keeps a name of a megabyte cheap."""
    return " ".join(text[: 4 * max_chars].split())[:max_chars]


def _mode(text: str, max_chars: int) -> str:
    """The declared mode as written, lower case; the activity numbers of some exporters say nothing here."""
    mode = _short(text, max_chars).lower()
    return "" if mode.isdigit() else mode
