"""GeoJSON with times to rides: lines with a time a vertex, and points with a time each."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from transitmap.collect.formats import columns
from transitmap.collect.formats.traces import Tap, Trace, check_count, rides_of
from transitmap.config import CollectConfig
from transitmap.errors import UploadRefused
from transitmap.model import Ride

GEOMETRIES = ("Point", "MultiPoint", "LineString", "MultiLineString")
KINDS = ("FeatureCollection", "Feature", "GeometryCollection", *GEOMETRIES)
_WGS84 = re.compile(r"(?:.*[^0-9A-Z])?(?:CRS84H?|4326|4979|WGS ?84)/?", re.DOTALL)
_VERTEX_TIMES = ("coordTimes", "coordtimes", "times", "timestamps")
_NAMES = ("name", "title")
_MODES = ("activity_type", "type", "mode")


def is_geojson(document: Any) -> bool:
    """Whether a JSON document is GeoJSON, or the batch of features that Overland keeps."""
    if not isinstance(document, dict):
        return False
    return document.get("type") in KINDS or any(
        _is_feature(one) for one in _list(document.get("locations"))[:1]
    )


def read_geojson(name: str, document: Any, config: CollectConfig) -> list[Ride]:
    """The rides of a document: a line is one, and so are points of one `trip` that follow each other.

    Lines without times are shapes, not rides: they are left out. Third and fourth coordinates are ignored.
    `description` and `note` of points become taps.

    Raises:
        UploadRefused: `unsupported_crs`, `no_timestamps`, `no_track_points`, `too_many_points`.
    """
    _check_crs(document)
    lines: list[Trace] = []
    traces: list[Trace] = []
    n_points = n_untimed = 0
    trip: object = None
    for feature in _features(document):
        geometry, properties = _dict(feature.get("geometry")), _dict(feature.get("properties"))
        if geometry.get("type") == "Point":
            if properties.get("trip") != trip or not traces:
                trip = properties.get("trip")
                traces.append(Trace())
            _add_point(traces[-1], geometry.get("coordinates"), properties)
            n_points += 1
            check_count(n_points, config)
        else:
            line = _line(geometry, properties)
            lines += [line] if line is not None else []
            n_untimed += line is None and geometry.get("type") in GEOMETRIES
    timed = [*lines, *(trace for trace in traces if trace.n_timed)]
    if not timed and (n_untimed or traces):
        raise UploadRefused("no_timestamps", "no point has a time; export the track with its times")
    return rides_of(name, timed, config)


def _check_crs(document: Mapping[str, Any]) -> None:
    """Refuses coordinates that are no longitudes and latitudes."""
    if (crs := document.get("crs")) is None:
        return
    properties = _dict(_dict(crs).get("properties"))
    called = str(properties.get("name") or properties.get("code") or properties.get("href") or crs)[:200]
    if not _WGS84.fullmatch(called.upper()):
        raise UploadRefused(
            "unsupported_crs", "the coordinates are not WGS 84; export longitudes and latitudes"
        )


def _features(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The features of a document, whatever it is."""
    kind = document.get("type")
    if kind == "Feature":
        yield dict(document)
    elif kind in GEOMETRIES:
        yield {"geometry": document}
    elif kind == "GeometryCollection":
        yield from ({"geometry": one} for one in _list(document.get("geometries")))
    else:
        members = _list(document.get("features")) or _list(document.get("locations"))
        yield from (one for one in members if isinstance(one, dict))


def _add_point(trace: Trace, position: Any, properties: Mapping[str, Any]) -> None:
    """A fix, and a tap where it is described."""
    lat, lon = _lat_lon(position)
    time = properties.get(columns.first_of(columns.TIME, properties))
    trace.add(time, lat, lon, properties.get(columns.first_of(columns.ACCURACY, properties)))
    _add_note(trace, time, lat, lon, properties.get(columns.first_of(columns.NOTE, properties)))


def _line(geometry: Mapping[str, Any], properties: Mapping[str, Any]) -> Trace | None:
    """The line with its times, one for each vertex; None where it has none, or another number of them."""
    parts = _list(geometry.get("coordinates"))
    times = _vertex_times(properties)
    if geometry.get("type") == "MultiLineString":
        parts = [position for part in parts for position in _list(part)]
        times = [time for one in times for time in (one if isinstance(one, list) else [one])]
    elif geometry.get("type") not in ("LineString", "MultiPoint"):
        return None
    if not times or len(times) != len(parts):
        return None
    accuracies = _list(properties.get(columns.first_of(columns.ACCURACY, properties)))
    trace = Trace(label=_first_text(properties, _NAMES), mode=_first_text(properties, _MODES))
    notes = _list(properties.get(columns.first_of(columns.NOTE, properties)))
    told = (column if len(column) == len(times) else [None] * len(times) for column in (accuracies, notes))
    for time, position, accuracy, note in zip(times, parts, *told, strict=True):
        lat, lon = _lat_lon(position)
        trace.add(time, lat, lon, accuracy)
        _add_note(trace, time, lat, lon, note)
    return trace


def _vertex_times(properties: Mapping[str, Any]) -> list[Any]:
    """The parallel array of times, under whichever name."""
    inner = _dict(properties.get("coordinateProperties"))
    for holder in (properties, inner):
        for name in (*_VERTEX_TIMES, *columns.TIME):
            if isinstance(holder.get(name), list):
                return list(holder[name])
    return []


def _add_note(trace: Trace, time: object, lat: object, lon: object, note: object) -> None:
    """A tap where something is noted."""
    if isinstance(note, str) and note.strip():
        trace.taps.append(Tap(time, lat, lon, note))


def _lat_lon(position: Any) -> tuple[object, object]:
    """GeoJSON says longitude first; what is no position is nothing."""
    if isinstance(position, list) and len(position) >= 2:
        return position[1], position[0]
    return None, None


def _first_text(properties: Mapping[str, Any], names: tuple[str, ...]) -> str:
    return next((properties[name] for name in names if isinstance(properties.get(name), str)), "")


def _is_feature(one: Any) -> bool:
    return isinstance(one, dict) and one.get("type") == "Feature"


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
