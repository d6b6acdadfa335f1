"""What a feed runs -> GPX: a track a pattern, a waypoint a stop."""

from __future__ import annotations

from typing import Any

from transitmap.gtfs.export.patterns import Pattern, Published, Stop
from transitmap.gtfs.export.words import citation, words_in


def write_gpx(feed: Published, lang: str) -> bytes:
    """GPX 1.1 for the phones and receivers of people who go and look. It has no times: nobody rode it."""
    from gpxpy.gpx import GPX

    document = GPX()
    document.creator = "transitmap"
    document.name = feed.credit.publisher or None
    document.description = citation(feed.credit, lang)
    document.copyright_author = feed.credit.attribution or feed.credit.publisher or None
    document.copyright_license = feed.credit.licence_url or None
    document.waypoints = [_waypoint(stop) for stop in feed.stops]
    document.tracks = [_track(pattern, lang) for pattern in feed.patterns]
    return (document.to_xml(version="1.1") + "\n").encode()


def _waypoint(stop: Stop) -> Any:
    from gpxpy.gpx import GPXWaypoint

    lat_deg, lon_deg = round(stop.lat_deg, 6), round(stop.lon_deg, 6)
    return GPXWaypoint(lat_deg, lon_deg, name=stop.name or stop.stop_id, comment=stop.stop_id, type="stop")


def _track(pattern: Pattern, lang: str) -> Any:
    from gpxpy.gpx import GPXTrack, GPXTrackPoint, GPXTrackSegment

    towards = words_in(lang)["towards"].format(pattern.headsign) if pattern.headsign else ""
    track: Any = GPXTrack(name=f"{pattern.route.name} {towards}".strip())
    track.comment, track.type = pattern.pattern_id, "pattern"
    points = [GPXTrackPoint(round(lat, 6), round(lon, 6)) for lon, lat in pattern.lon_lat.tolist()]
    track.segments = [GPXTrackSegment(points)]
    return track
