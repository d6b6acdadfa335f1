"""KML to rides: tracks, and points with times; lines without times are shapes and no rides."""

from __future__ import annotations

from typing import NamedTuple

from transitmap.collect.formats.sheet import FixSheet, Trace, TraceFile, Waypoint, cut_rides
from transitmap.collect.formats.xml_reader import Body, XmlReader, in_one_encoding
from transitmap.config import CollectConfig
from transitmap.errors import UploadRefused
from transitmap.model import Ride

_LEAVES = frozenset(("name", "when", "coord", "coordinates", "value"))
_FOLDERS = ("Document", "Folder")
_PLACES = ("Placemark", "PhotoOverlay")
_LINES = ("LineString", "LinearRing")
_ACCURACIES = ("accuracy", "accuracy_horizontal")
_KINDS = ("type", "activityType")


def read_kml(name: str, body: Body, config: CollectConfig) -> list[Ride]:
    """The rides of a KML file, unscreened, in the file's order.

    A ride is a placemark with `Track`s (one, or the segments of a `MultiTrack`), or in a file without tracks
    the points with a `TimeStamp` of one folder. All other points are taps, with their time where it is told.

    Raises:
        UploadRefused: as `read_gpx`; `no_timestamps` where there are lines only, or where a track has not as
            many times as positions.
    """
    text = in_one_encoding(body)
    file = _KmlFile(config)
    file.reader.read(text)
    file.finish()
    if not len(file.sheet):
        raise file.refusal()
    file.out.warnings |= text.warnings
    return cut_rides(name, file.out, config.max_name_chars)


class _Place(NamedTuple):
    """A placemark with one point, as text: `lon,lat,alt`, and the number of its folder."""

    coordinates: str
    time: str
    name: str
    note: str
    accuracy: str
    folder: int


class _KmlFile:
    """Collects what a KML file holds."""

    def __init__(self, config: CollectConfig) -> None:
        self.sheet = FixSheet(config.max_fixes)
        self.out = TraceFile(self.sheet)
        self.reader = XmlReader(config, "kml", _LEAVES, self._opened, self._told)
        self.places: list[_Place] = []
        self.when: list[str] = []
        self.coord: list[str] = []
        self.accuracy: list[str] = []
        self.said: dict[str, str] = {}
        self.key = ""
        self.has_track = False
        self.n_lines = self.n_folders = 0

    def _opened(self, name: str, attributes: list[str], depth: int) -> None:
        if name == "Track":
            self._end_track()
            if not self.has_track:
                self.out.traces.append(Trace(len(self.sheet)))
            self.has_track = True
        elif name in _PLACES or name in _FOLDERS:
            self._end_place()
            self.n_folders += name in _FOLDERS
        elif name in ("SimpleArrayData", "Data"):
            self.key = dict(zip(attributes[::2], attributes[1::2], strict=True)).get("name", "")
        elif name in _LINES:
            self.n_lines += 1

    def _told(self, name: str, parent: str, text: str) -> None:
        if parent == "Track":
            column = self.when if name == "when" else self.coord
            if len(self.sheet) + len(column) >= self.sheet.max_fixes:
                detail = f"more than {self.sheet.max_fixes} points; split by day"
                raise UploadRefused("too_many_points", detail)
            column.append(text)
        elif parent == "SimpleArrayData" and self.key in _ACCURACIES:
            self.accuracy.append(text)
        elif parent in _PLACES and name == "name":
            self.said["name"] = text
        elif parent == "TimeStamp":
            self.said["when"] = text
        elif parent == "Point" and name == "coordinates":
            self.said["coordinates"] = text
        elif parent == "Data":
            self.said[self.key] = text

    def _end_track(self) -> None:
        """Puts the track that has come to its end on the sheet: its times and positions come in pairs.

        Raises:
            UploadRefused: `no_timestamps`.
        """
        when, coord, accuracy = self.when, self.coord, self.accuracy
        if len(when) != len(coord):
            detail = f"a track with {len(when)} times and {len(coord)} positions; export it again"
            raise UploadRefused("no_timestamps", detail)
        if len(accuracy) != len(when):
            accuracy = [""] * len(when)
        for time, place, metres in zip(when, coord, accuracy, strict=True):
            self._add_fix(place.split(), time, metres)
        self.when, self.coord, self.accuracy = [], [], []

    def _add_fix(self, place: list[str], time: str, metres: str) -> None:
        """One fix of `[lon, lat, alt]`."""
        lon, lat, alt = (*place, "", "", "")[:3]
        self.sheet.add(lat, lon, time)
        if metres:
            self.sheet.accuracy[len(self.sheet.lat) - 1] = metres
        if alt:
            self.sheet.elevation.append(alt)

    def _end_place(self) -> None:
        """Keeps what was said of the placemark that has come to its end."""
        said = self.said
        self._end_track()
        if self.has_track:
            self.out.traces[-1].name = said.get("name", "")
            self.out.traces[-1].kind = next((said[key] for key in _KINDS if key in said), "")
        elif "coordinates" in said:
            if len(self.places) >= self.sheet.max_fixes:
                detail = f"more than {self.sheet.max_fixes} points; split by day"
                raise UploadRefused("too_many_points", detail)
            metres = next((said[key] for key in _ACCURACIES if key in said), "")
            words = (said.get("when", ""), said.get("name", ""), said.get("note", ""))
            self.places.append(_Place(said["coordinates"], *words, metres, self.n_folders))
        self.said, self.has_track = {}, False

    def finish(self) -> None:
        """Decides what the points are: fixes where they are all that has times, else taps."""
        self._end_place()
        are_fixes, folder = not self.out.traces, -1
        for place in self.places:
            parts = place.coordinates.split(",")
            lon, lat = (parts[0].strip(), parts[1].strip()) if len(parts) > 1 else ("", "")
            is_fix = are_fixes and bool(place.time)
            if is_fix:
                if place.folder != folder:
                    self.out.traces.append(Trace(len(self.sheet)))
                    folder = place.folder
                self._add_fix([part.strip() for part in parts], place.time, place.accuracy)
            if place.note or not is_fix:
                self.out.add_waypoint(Waypoint(lat, lon, place.note or place.name, place.time))

    def refusal(self) -> UploadRefused:
        """Why there is no ride."""
        found = f"found {len(self.places)} places, {self.n_lines} lines, no points with times"
        if self.n_lines:
            return UploadRefused("no_timestamps", f"{found}; a line without times is a shape, not a trip")
        return UploadRefused("no_track_points", f"{found}; export the track")
