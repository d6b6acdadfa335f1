"""TCX to rides: what was recorded, not the courses that somebody planned."""

from __future__ import annotations

from transitmap.collect.formats.sheet import FixSheet, Trace, TraceFile, cut_rides
from transitmap.collect.formats.xml_reader import Body, XmlReader, in_one_encoding
from transitmap.config import CollectConfig
from transitmap.errors import UploadRefused
from transitmap.model import Ride

_LEAVES = frozenset(("Time", "LatitudeDegrees", "LongitudeDegrees", "AltitudeMeters"))


def read_tcx(name: str, body: Body, config: CollectConfig) -> list[Ride]:
    """The rides of a TCX file, one an activity with fixes, unscreened, in the file's order.

    The laps of an activity are one ride. Points without a position are dropped and counted. A course is a
    plan with times that nobody rode: its points are none.

    Raises:
        UploadRefused: as `read_gpx`.
    """
    text = in_one_encoding(body)
    file = _TcxFile(config)
    file.reader.read(text)
    file.end_point()
    if not len(file.sheet):
        detail = f"found {file.n_courses} courses, no activity with points; export the activity"
        raise UploadRefused("no_track_points", detail)
    file.out.warnings |= text.warnings
    return cut_rides(name, file.out, config.max_name_chars)


class _TcxFile:
    """Collects what a TCX file holds."""

    def __init__(self, config: CollectConfig) -> None:
        self.sheet = FixSheet(config.max_fixes)
        self.out = TraceFile(self.sheet)
        self.reader = XmlReader(config, "TrainingCenterDatabase", _LEAVES, self._opened, self._told)
        self.point: dict[str, str] | None = None
        self.n_courses = 0

    def _opened(self, name: str, attributes: list[str], depth: int) -> None:
        if name == "Trackpoint":
            self.end_point()
            self.point = None if "Course" in self.reader.path[:depth] else {}
        elif name == "Activity":
            self.end_point()
            sport = dict(zip(attributes[::2], attributes[1::2], strict=True)).get("Sport", "")
            self.out.traces.append(Trace(len(self.sheet), kind=sport))
        elif name == "Course":
            self.n_courses += 1

    def _told(self, name: str, parent: str, text: str) -> None:
        if self.point is not None and parent in ("Trackpoint", "Position"):
            self.point[name] = text

    def end_point(self) -> None:
        """Puts the point that has come to its end on the sheet."""
        point, self.point = self.point, None
        if point is None:
            return
        self.sheet.add(
            point.get("LatitudeDegrees", ""), point.get("LongitudeDegrees", ""), point.get("Time", "")
        )
        if "AltitudeMeters" in point:
            self.sheet.elevation.append(point["AltitudeMeters"])
