"""What a feed runs -> OSM XML for JOSM, to look at and take over by hand: it can never be uploaded."""

from __future__ import annotations

from itertools import count
from xml.etree import ElementTree as ET

from transitmap.gtfs.export.patterns import Pattern, Published, Route, Stop, Window
from transitmap.gtfs.export.words import citation, clock

GUIDE = "Drawn from riders' GPS traces: replace this way by the streets below it"
HEAD = '<?xml version="1.0" encoding="utf-8"?>\n'
OSM_DAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
KINDS = {"0": "tram", "1": "subway", "2": "train", "4": "ferry", "11": "trolleybus"}
Tags = dict[str, str]


def write_osm(feed: Published, lang: str) -> bytes:
    """A platform a stop, a stop_area a station, a route a pattern, a route_master a route (version 2).

    Every id is negative, which means new, and `upload="never"` locks the layer in JOSM. The way of a route is
    what riders drove: whoever takes it over replaces it by the streets of OpenStreetMap. Stop positions lie
    on those streets and are therefore not in it. A headway that nobody knows is no `interval`, and a stop
    that nobody has named has no name.
    """
    credit = feed.credit
    root = ET.Element("osm", version="0.6", generator="transitmap", upload="never")
    root.set("attribution", citation(credit, lang))
    if credit.licence_url:
        root.set("license", credit.licence_url)
    new_id = count(-1, -1)
    platforms = {stop.stop_id: next(new_id) for stop in _called(feed)}
    for stop in _called(feed):
        _add(root, "node", platforms[stop.stop_id], _platform(stop), _place(stop.lon_deg, stop.lat_deg))
    lines = [[next(new_id) for _ in pattern.lon_lat] for pattern in feed.patterns]
    for pattern, refs in zip(feed.patterns, lines, strict=True):
        for ref, (lon, lat) in zip(refs, pattern.lon_lat.tolist(), strict=True):
            _add(root, "node", ref, {}, _place(lon, lat))
    ways = [
        _way(root, next(new_id), pattern, refs) for pattern, refs in zip(feed.patterns, lines, strict=True)
    ]
    relations = [
        _relation(root, next(new_id), feed, pattern, way, platforms)
        for pattern, way in zip(feed.patterns, ways, strict=True)
    ]
    for route in feed.routes:
        own = [one for one, pattern in zip(relations, feed.patterns, strict=True) if pattern.route == route]
        _master(root, new_id, route, own)
    _stop_areas(root, new_id, feed, platforms)
    ET.indent(root, " ")
    return f"{HEAD}{ET.tostring(root, 'unicode')}\n".encode()


def _called(feed: Published) -> list[Stop]:
    """Stops that some pattern calls at."""
    used = {call.stop.stop_id for pattern in feed.patterns for call in pattern.calls}
    return [stop for stop in feed.stops if stop.stop_id in used]


def _place(lon_deg: float, lat_deg: float) -> Tags:
    return {"lat": f"{lat_deg:.6f}", "lon": f"{lon_deg:.6f}"}


def _add(root: ET.Element, kind: str, ref: int, tags: Tags, attributes: Tags | None = None) -> ET.Element:
    """An element with its tags; tags without a value are left out. OSM wants children before tags."""
    element = ET.SubElement(root, kind, {"id": str(ref), "visible": "true", **(attributes or {})})
    _tag(element, tags)
    return element


def _tag(element: ET.Element, tags: Tags) -> None:
    for key, value in tags.items():
        if value:
            ET.SubElement(element, "tag", k=key, v=value[:255])  # what OpenStreetMap holds


def _platform(stop: Stop) -> Tags:
    return {
        "public_transport": "platform",
        "highway": "bus_stop",
        "bus": "yes",
        "name": stop.own_name,
        "gtfs:stop_id": stop.stop_id,
        "wheelchair": {"1": "yes", "2": "no"}.get(stop.row.get("wheelchair_boarding", ""), ""),
    }


def _way(root: ET.Element, ref: int, pattern: Pattern, nodes: list[int]) -> int:
    way = ET.SubElement(root, "way", id=str(ref), visible="true")
    for node in nodes:
        ET.SubElement(way, "nd", ref=str(node))
    _tag(way, {"note": GUIDE, "gtfs:shape_id": pattern.shape_id})
    return ref


def _relation(
    root: ET.Element, ref: int, feed: Published, pattern: Pattern, way: int, platforms: dict[str, int]
) -> int:
    """A pattern: its platforms in order, then its way."""
    relation = ET.SubElement(root, "relation", id=str(ref), visible="true")
    for call in pattern.calls:
        ET.SubElement(relation, "member", type="node", ref=str(platforms[call.stop.stop_id]), role="platform")
    ET.SubElement(relation, "member", type="way", ref=str(way), role="")
    first, last = pattern.calls[0].stop.own_name, pattern.calls[-1].stop.own_name
    name = f"{pattern.route.name}: {first} => {last}" if first and last else pattern.route.name
    tags = {
        "type": "route",
        "public_transport:version": "2",
        **_named(pattern.route, "route"),
        "name": name,
        "from": first,
        "to": last,
        **_intervals(feed, pattern),
    }
    _tag(relation, tags)
    return ref


def _master(root: ET.Element, new_id: count[int], route: Route, relations: list[int]) -> None:
    """A route over the relations of its patterns; none where it has no pattern."""
    if not relations:
        return
    master = ET.SubElement(root, "relation", id=str(next(new_id)), visible="true")
    for ref in relations:
        ET.SubElement(master, "member", type="relation", ref=str(ref), role="")
    _tag(
        master,
        {"type": "route_master", **_named(route, "route_master"), "name": route.long_name or route.name},
    )


def _stop_areas(root: ET.Element, new_id: count[int], feed: Published, platforms: dict[str, int]) -> None:
    """Each station over its platforms."""
    own: dict[str, list[int]] = {}
    for stop in _called(feed):
        own.setdefault(stop.row.get("parent_station", ""), []).append(platforms[stop.stop_id])
    for station in feed.stops:
        if station.stop_id in own:
            area = ET.SubElement(root, "relation", id=str(next(new_id)), visible="true")
            for ref in own[station.stop_id]:
                ET.SubElement(area, "member", type="node", ref=str(ref), role="platform")
            tags = {"type": "public_transport", "public_transport": "stop_area", "name": station.own_name}
            _tag(area, tags)


def _named(route: Route, key: str) -> Tags:
    """What a route and its master have in common."""
    return {
        key: KINDS.get(route.row.get("route_type", ""), "bus"),
        "ref": route.short_name,
        "colour": f"#{route.colour}" if route.colour else "",
        "gtfs:route_id": route.route_id,
    }


def _intervals(feed: Published, pattern: Pattern) -> Tags:
    """`interval` where one holds all the time, else `interval:conditional`; nothing where nobody knows."""
    known = [window for window in pattern.windows if not window.is_unknown]
    told = [f"{_hms(window.headway_s)} @ ({_when(feed, window)})" for window in known]
    if not told:
        return {}
    if len({window.headway_s for window in pattern.windows}) == 1 and len(known) == len(pattern.windows):
        return {"interval": _hms(known[0].headway_s)}
    return {"interval:conditional": "; ".join(told)}


def _hms(headway_s: int) -> str:
    return f"{headway_s // 3600:02d}:{headway_s // 60 % 60:02d}:{headway_s % 60:02d}"


def _when(feed: Published, window: Window) -> str:
    """Days and hours as opening_hours has them."""
    on = [k for k, runs in enumerate(feed.days.get(window.service_id, ())) if runs]
    is_run = len(on) > 1 and on[-1] - on[0] == len(on) - 1
    days = f"{OSM_DAYS[on[0]]}-{OSM_DAYS[on[-1]]}" if is_run else ",".join(OSM_DAYS[k] for k in on)
    return f"{days} {clock(window.start_s)}-{clock(window.end_s)}".strip()
