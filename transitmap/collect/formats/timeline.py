"""Google's timeline, in the four shapes it was ever exported in, to sketches of rides by bus and rail."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from transitmap.collect.formats.clock import read_clock
from transitmap.collect.formats.traces import Trace, check_count, rides_of
from transitmap.config import CollectConfig
from transitmap.errors import UploadRefused
from transitmap.model import SPARSE, Ride

MODES = {
    "IN_BUS": "bus",
    "IN_TRAM": "tram",
    "IN_SUBWAY": "metro",
    "IN_TRAIN": "train",
    "IN_FERRY": "ferry",
    "IN_CABLECAR": "cable car",
    "IN_GONDOLA_LIFT": "cable car",
    "IN_FUNICULAR": "funicular",
}
"""What Google calls public transport. The rest (walks, cars, visits: homes, places of work) is not read."""

SILENCE_S = 1800.0
"""Who was silent for longer was not on one ride: a stand is shorter (`LegsConfig.max_silence_s`)."""
_SEMANTIC = ("semanticSegments", "rawSignals")
_ENTRY = ("activity", "visit", "timelinePath", "timelineMemory")
_NUMBER = r"\s*(-?[0-9]{1,3}(?:\.[0-9]{1,20})?)\s*°?\s*"
_PLACE = re.compile(rf"(?:geo:)?{_NUMBER},{_NUMBER}(?:,.{{0,40}})?")
_E7 = 1e7
_WRAPPED_E7 = 1_800_000_000
"""Some exports hold negative degrees as if they had no sign: 2**32 too many."""

Point = tuple[object, object, object, object]
"""Time, latitude, longitude and accuracy, each as told."""


class _Journey(NamedTuple):
    """One movement: when, how by Google's guess, and the points of its own."""

    start: object
    end: object
    kind: str
    points: tuple[Point, ...]


def is_timeline(document: Any) -> bool:
    """Whether a JSON document is an export of Google's timeline or location history."""
    if isinstance(document, list):
        return any(
            isinstance(one, dict) and "startTime" in one and _has(one, _ENTRY) for one in document[:20]
        )
    if not isinstance(document, dict):
        return False
    locations = _list(document.get("locations"))[:20]
    return _has(document, (*_SEMANTIC, "timelineObjects")) or any(
        isinstance(one, dict) and _has(one, ("latitudeE7", "timestampMs")) for one in locations
    )


def read_timeline(name: str, document: Any, config: CollectConfig) -> list[Ride]:
    """The journeys that Google calls bus, tram, metro, train or ferry, each with what is known of its way.

    Positions lie minutes apart and Google has moved them: every fix is flagged `sparse_timeline`, and such
    rides draw nothing and earn nothing (`pipeline`). `Records.json` names no journeys: it is cut at silences.

    Raises:
        UploadRefused: `no_transit_rides`, `no_track_points`, `too_many_points`.
    """
    if isinstance(document, dict) and "locations" in document:
        records = _list(document["locations"])
        check_count(len(records), config)
        return _flagged(rides_of(name, _between_silences([_record(one) for one in records]), config))
    journeys, points = _journeys(document), _points(document)
    check_count(len(points) + sum(len(one.points) for one in journeys), config)
    if not journeys and not _semantic(document):
        return _flagged(rides_of(name, _between_silences(points), config))
    by_transit = [one for one in journeys if one.kind in MODES]
    if not by_transit:
        found = f"{len(journeys)} journeys, none by bus, tram, metro, train or ferry"
        raise UploadRefused("no_transit_rides", f"{found}; record the next ride with a tracking app")
    return _flagged(rides_of(name, list(_with_points(by_transit, points)), config))


def _flagged(rides: list[Ride]) -> list[Ride]:
    """The rides with all their fixes marked."""
    return [
        replace(ride, flagged={SPARSE: len(ride.fixes)}, warnings=tuple(sorted({*ride.warnings, SPARSE})))
        for ride in rides
    ]


def _semantic(document: Any) -> list[Any]:
    """The segments of a phone's export: Android's under a name, the iPhone's as they are."""
    return document if isinstance(document, list) else _list(document.get("semanticSegments"))


def _journeys(document: Any) -> list[_Journey]:
    """The movements that the document names."""
    if isinstance(document, dict) and "timelineObjects" in document:
        segments = [_dict(_dict(one).get("activitySegment")) for one in _list(document["timelineObjects"])]
        return [_old_journey(one) for one in segments if one]
    return [
        _new_journey(segment, segment["activity"])
        for segment in map(_dict, _semantic(document))
        if isinstance(segment.get("activity"), dict)
    ]


def _new_journey(segment: dict[str, Any], activity: dict[str, Any]) -> _Journey:
    """A journey of a phone's export."""
    start, end = segment.get("startTime"), segment.get("endTime")
    ends = ((start, *_place(activity.get("start")), None), (end, *_place(activity.get("end")), None))
    kind = _dict(activity.get("topCandidate")).get("type")
    return _Journey(start, end, _kind(kind), tuple(point for point in ends if point[1] is not None))


def _old_journey(segment: dict[str, Any]) -> _Journey:
    """A journey of a Takeout's month. Waypoints have no times and are left out."""
    duration = _dict(segment.get("duration"))
    start, end = (_either(duration, f"{side}Timestamp", f"{side}TimestampMs") for side in ("start", "end"))
    first, last = _dict(segment.get("startLocation")), _dict(segment.get("endLocation"))
    points = [_record({**first, "timestamp": start}), _record({**last, "timestamp": end})]
    points[1:1] = [
        _record(_dict(one)) for one in _list(_dict(segment.get("simplifiedRawPath")).get("points"))
    ]
    known = tuple(point for point in points if point[1] is not None)
    return _Journey(start, end, _kind(segment.get("activityType")), known)


def _points(document: Any) -> list[Point]:
    """The points of all paths, and of Android's raw signals."""
    points: list[Point] = []
    for segment in map(_dict, _semantic(document)):
        path = [_dict(one) for one in _list(segment.get("timelinePath"))]
        start_s = read_clock([segment.get("startTime")]).time_s[0] if path else 0.0
        points += [(_path_time(one, start_s), *_place(one.get("point")), None) for one in path]
    raw = _list(document.get("rawSignals")) if isinstance(document, dict) else []
    for signal in (_dict(_dict(one).get("position")) for one in raw):
        if signal:
            place = _place(_either(signal, "LatLng", "latLng"))
            points.append((signal.get("timestamp"), *place, signal.get("accuracyMeters")))
    return points


def _path_time(point: dict[str, Any], start_s: float) -> object:
    """When: told outright, or in minutes since the segment began."""
    if "time" in point:
        return point["time"]
    try:
        return float(start_s) + 60.0 * float(point.get("durationMinutesOffsetFromStartTime", "nan"))
    except (TypeError, ValueError):
        return None


def _with_points(journeys: Sequence[_Journey], points: Sequence[Point]) -> Iterator[Trace]:
    """Each journey with its own points and those of the paths that lie in its time, in time order."""
    time_s = read_clock([point[0] for point in points]).time_s
    order = np.argsort(time_s, kind="stable")  # NaN last
    sorted_s = time_s[order]
    start_s = read_clock([one.start for one in journeys]).time_s
    end_s = read_clock([one.end for one in journeys]).time_s
    first, last = np.searchsorted(sorted_s, start_s), np.searchsorted(sorted_s, end_s, "right")
    for row, journey in enumerate(journeys):
        inside = order[first[row] : last[row]].tolist() if np.isfinite(start_s[row] + end_s[row]) else []
        own = [*journey.points, *(points[one] for one in inside)]
        when_s = read_clock([point[0] for point in own]).time_s
        yield _trace([own[one] for one in np.argsort(when_s, kind="stable").tolist()], MODES[journey.kind])


def _between_silences(points: Sequence[Point]) -> list[Trace]:
    """The points cut where none is for long; one without a time belongs to those before it."""
    time_s = read_clock([point[0] for point in points]).time_s
    known = np.flatnonzero(np.isfinite(time_s))
    cuts = known[1:][np.diff(time_s[known]) > SILENCE_S].tolist()
    return [_trace(points[first:last], "") for first, last in itertools.pairwise([0, *cuts, len(points)])]


def _trace(points: Sequence[Point], mode: str) -> Trace:
    trace = Trace(mode=mode)
    for point in points:
        trace.add(*point)
    return trace


def _record(one: Any) -> Point:
    """A point in units of 1e-7 degrees."""
    record = _dict(one)
    lat, lon = _either(record, "latitudeE7", "latE7"), _either(record, "longitudeE7", "lngE7")
    time = _either(record, "timestamp", "timestampMs")
    return time, _degrees(lat), _degrees(lon), _either(record, "accuracy", "accuracyMeters", "accuracyMetres")


def _degrees(e7: object) -> object:
    """Degrees; what is no number stays what it is."""
    if isinstance(e7, bool) or not isinstance(e7, int | float):
        return e7
    return (e7 - 2**32 if e7 > _WRAPPED_E7 else e7) / _E7


def _place(value: Any) -> tuple[object, object]:
    """Latitude and longitude of `50.05°, 14.34°`, of `geo:27.72,-97.34` or of an object that holds one."""
    if isinstance(value, dict):
        value = _either(value, "latLng", "LatLng")
    match = _PLACE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return (value, value) if isinstance(value, str) and value else (None, None)
    return match[1], match[2]


def _kind(value: object) -> str:
    """`IN_BUS`, which an iPhone calls `in bus`."""
    return re.sub(r"[\s-]+", "_", value[:40].strip()).upper() if isinstance(value, str) else ""


def _either(holder: dict[str, Any], *names: str) -> Any:
    return next((holder[name] for name in names if holder.get(name) is not None), None)


def _has(holder: dict[str, Any], names: Sequence[str]) -> bool:
    return any(name in holder for name in names)


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
