"""Files as phone apps write them: GPX 1.0 and 1.1 in six dialects, with the names that riders type."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from xml.sax.saxutils import escape

import numpy as np
import numpy.typing as npt

from transitmap.geo import Plane
from transitmap.model import FloatArray
from transitmap.simulate.network import City
from transitmap.simulate.phones import Recorded

GPX10 = 'version="1.0" xmlns="http://www.topografix.com/GPX/1/0"'
GPX11 = 'version="1.1" xmlns="http://www.topografix.com/GPX/1/1"'
OSMAND, GPSLOGGER, OPENTRACKS, OSMTRACKER, STRAVA, PLAIN = range(6)
OFFSET_S, OFFSET = -21_600.0, "-06:00"
"""OpenTracks writes local times: central Mexico, which keeps no summer time."""
HEADS = (
    f'<gpx {GPX11} creator="OsmAnd 4.9.7" xmlns:osmand="https://osmand.net/docs/technical/osmand-file-formats/osmand-gpx">',
    f'<gpx {GPX10} creator="GPSLogger 136 - http://gpslogger.mendhak.com/">',
    f'<gpx {GPX11} creator="OpenTracks" xmlns:opentracks="http://opentracksapp.com/xmlschemas/v1" '
    'xmlns:gpxtpx="http://www.garmin.com/xmlschemas/TrackPointExtension/v2">',
    f'<gpx {GPX11} creator="OSMTracker for Android">',
    f'<gpx {GPX11} creator="StravaGPX Android">',
    f'<gpx {GPX11} creator="Grabador de viajes 2">',
)


@dataclass(frozen=True)
class Waypoint:
    """A stop somebody marked on the way."""

    time_s: float
    x_m: float
    y_m: float
    name: str


def write_gpx(
    fixes: Recorded, taps: Sequence[Waypoint], label: str, dialect: int, tells_accuracy: bool, plane: Plane
) -> bytes:
    """One GPX file. `label` is what the rider typed, empty for the name an app makes up itself."""
    lat_deg, lon_deg = plane.to_degrees(fixes.xy_m)
    clock = _clock(fixes.time_s, dialect)
    name = escape(label or _made_up_name(clock[0], dialect))
    points = _points(fixes, lat_deg, lon_deg, clock, dialect, tells_accuracy)
    marks = _marks(taps, dialect, plane)
    head = ['<?xml version="1.0" encoding="UTF-8"?>', HEADS[dialect]]
    meta = (
        [f"<metadata><time>{clock[0]}</time></metadata>"]
        if dialect != GPSLOGGER
        else [f"<time>{clock[0]}</time>"]
    )
    track = [f"<trk><name>{name}</name><trkseg>", *points, "</trkseg></trk>", "</gpx>", ""]
    return "\n".join([*head, *meta, *marks, *track]).encode()


def _made_up_name(clock: str, dialect: int) -> str:
    """The name an app gives a track by itself; some look like a route's number and are none."""
    day, time = clock[:10], clock[11:19].replace(":", "-")
    return {
        OSMAND: f"{day}_{time[:5]}",
        GPSLOGGER: day.replace("-", ""),
        OPENTRACKS: f"{day} {clock[11:16]}",
        OSMTRACKER: f"{day}_{time}",
        STRAVA: "Recorrido matutino" if clock[11:13] < "18" else "Recorrido vespertino",
    }.get(dialect, f"Viaje {int(day[8:])}")


def _clock(time_s: FloatArray, dialect: int) -> list[str]:
    """Times as the app prints them: milliseconds or not, an offset or Z."""
    if dialect == OPENTRACKS:
        return [f"{text}{OFFSET}" for text in _stamps(time_s + OFFSET_S, "ms")]
    return [f"{text}Z" for text in _stamps(time_s, "ms" if dialect == GPSLOGGER else "s")]


def _stamps(time_s: FloatArray, unit: Literal["s", "ms"]) -> list[str]:
    stamps: npt.NDArray[np.datetime64] = (time_s * 1000).astype("datetime64[ms]")
    return [str(text) for text in np.datetime_as_string(stamps, unit=unit).tolist()]


def _points(
    fixes: Recorded,
    lat_deg: FloatArray,
    lon_deg: FloatArray,
    clock: list[str],
    dialect: int,
    tells_accuracy: bool,
) -> list[str]:
    """The track points, each with what its app adds."""
    places = [
        f'<trkpt lat="{lat:.6f}" lon="{lon:.6f}"><ele>{ele:.1f}</ele><time>{time}</time>'
        for lat, lon, ele, time in zip(
            lat_deg.tolist(), lon_deg.tolist(), _height_m(fixes.xy_m).tolist(), clock, strict=True
        )
    ]
    extras = _extras(fixes, dialect, tells_accuracy)
    return [f"{place}{extra}</trkpt>" for place, extra in zip(places, extras, strict=True)]


def _height_m(xy_m: FloatArray) -> FloatArray:
    """A highland town on a gentle slope."""
    return np.asarray(2_050.0 + xy_m[:, 0] / 400.0 + 6.0 * np.sin(xy_m[:, 1] / 900.0))


def _extras(fixes: Recorded, dialect: int, tells_accuracy: bool) -> list[str]:
    """Speed and accuracy in the app's own places; nothing where the app writes none."""
    step_m = np.hypot(*np.diff(fixes.xy_m, axis=0).T)
    speed = np.round(np.append(0.0, step_m / np.maximum(np.diff(fixes.time_s), 0.5)), 2).tolist()
    accuracy = fixes.accuracy_m.tolist()
    if dialect == OSMAND:
        hdop = [f"<hdop>{a:.1f}</hdop>" if tells_accuracy else "" for a in accuracy]
        return [
            f"{h}<extensions><osmand:speed>{v}</osmand:speed></extensions>"
            for h, v in zip(hdop, speed, strict=True)
        ]
    if dialect == GPSLOGGER:
        hdop = [f"<hdop>{a / 4:.1f}</hdop>" if tells_accuracy else "" for a in accuracy]
        return [f"<speed>{v}</speed><src>gps</src>{h}" for h, v in zip(hdop, speed, strict=True)]
    if dialect == OPENTRACKS and tells_accuracy:
        tag = "opentracks:accuracy_horizontal"
        return [f"<extensions><{tag}>{a:.1f}</{tag}></extensions>" for a in accuracy]
    if dialect == OSMTRACKER and tells_accuracy:
        return [f"<hdop>{a / 4:.2f}</hdop>" for a in accuracy]
    return [""] * len(speed)


def _marks(taps: Sequence[Waypoint], dialect: int, plane: Plane) -> list[str]:
    """The marked stops as waypoints."""
    if not taps:
        return []
    lat_deg, lon_deg = plane.to_degrees(np.array([[tap.x_m, tap.y_m] for tap in taps]))
    clock = _clock(np.array([tap.time_s for tap in taps]), dialect)
    return [
        f'<wpt lat="{lat:.6f}" lon="{lon:.6f}"><time>{time}</time><name>{escape(tap.name)}</name></wpt>'
        for lat, lon, time, tap in zip(lat_deg.tolist(), lon_deg.tolist(), clock, taps, strict=True)
    ]


def draw_label(city: City, pattern: int, rng: np.random.Generator) -> str:
    """What a rider types for a ride: nothing, some form of the route's number, sometimes another route's."""
    config = city.config
    if rng.random() >= config.label_share:
        return ""
    route = city.patterns[pattern].route_index
    sign = city.patterns[pattern].headsign
    if rng.random() < config.wrong_label_share and len(city.routes) > 1:
        route = (route + int(rng.integers(1, len(city.routes)))) % len(city.routes)
        sign = next(p.headsign for p in city.patterns if p.route_index == route)
    number = city.routes.short_name[route]
    word = sign.split()[-1]
    forms = (
        *(f"Ruta {number}", number, f"{number} {word}", f"R{number}", f"ruta {number}"),
        *(f"RUTA {number} {sign.upper()}", f"Combi {number} a {sign}", f"R-{number}"),
        *(f"{number} - {sign}", f"camion {number} {word.lower()}"),
    )
    weight = np.array([6, 5, 3, 3, 3, 1, 2, 2, 2, 1], dtype=float)
    return forms[int(rng.choice(len(forms), p=weight / weight.sum()))]
