"""Network -> what the next build needs to know it again, with what was in earlier feeds and is gone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from transitmap.geo import Plane, resample
from transitmap.model import FloatArray, Ids, IntArray, Network, Shapes

LINE_STEP_M = 100.0
FORGOTTEN_AFTER = 1000
"""So many feeds after its last one a thing is forgotten; its id is still never used for another."""


def nothing() -> Ids:
    """The memory before the first feed."""
    none, start = np.zeros(0), np.zeros(1, dtype=np.int64)
    rows = np.zeros(0, dtype=np.int64)
    return Ids((), (), (), (), 1, 1, 1, none, none, none, (), rows, start, rows, start, none, none)


def remember(network: Network) -> Ids:
    """What the next build needs of this network, its ids still to be given."""
    stops, patterns = network.stops, network.patterns
    line_start, lat_deg, lon_deg = _sample_lines(network.shapes)
    return replace(
        nothing(),
        stop_lat_deg=np.round(stops.lat_deg, 6),
        stop_lon_deg=np.round(stops.lon_deg, 6),
        stop_heading_deg=np.round(stops.heading_deg, 1),
        route_name=network.routes.short_name,
        route_index=patterns.route_index,
        call_start=patterns.call_start,
        stop_index=patterns.stop_index,
        line_start=line_start,
        line_lat_deg=lat_deg,
        line_lon_deg=lon_deg,
    )


def _sample_lines(shapes: Shapes) -> tuple[IntArray, FloatArray, FloatArray]:
    """Each shape as a point every 100 m, in degrees of six decimals, ragged."""
    start, lat_deg, lon_deg = [0], [np.zeros(0)], [np.zeros(0)]
    for first, last in zip(shapes.point_start[:-1], shapes.point_start[1:], strict=True):
        lat, lon = shapes.lat_deg[first:last], shapes.lon_deg[first:last]
        if len(lat) > 1:
            plane = Plane(float(lat[0]), float(lon[0]))
            lat, lon = plane.to_degrees(resample(plane.to_metres(lat, lon), LINE_STEP_M))
        start.append(start[-1] + len(lat))
        lat_deg.append(np.round(lat, 6))
        lon_deg.append(np.round(lon, 6))
    return np.asarray(start, dtype=np.int64), np.concatenate(lat_deg), np.concatenate(lon_deg)


def retire(now: Ids, before: Ids) -> Ids:
    """The ids of a feed that also remember, behind all they know, what only `before` knew.

    A pattern is never forgotten later than its stops and its route, so its chain stays whole.
    """
    stop = _left(now.stop_id + now.gone_stop_id, before.stop_id, before.gone_stop_id, before.gone_stop_feeds)
    route = _left(
        now.route_id + now.gone_route_id, before.route_id, before.gone_route_id, before.gone_route_feeds
    )
    pattern = _left(
        now.pattern_id + now.gone_pattern_id,
        before.pattern_id,
        before.gone_pattern_id,
        before.gone_pattern_feeds,
    )
    call, call_end = _ragged(before.call_start, pattern.rows)
    point, line_end = _ragged(before.line_start, pattern.rows)
    more = {
        "gone_stop_feeds": stop.feeds,
        "gone_route_feeds": route.feeds,
        "gone_pattern_feeds": pattern.feeds,
        "stop_lat_deg": before.stop_lat_deg[stop.rows],
        "stop_lon_deg": before.stop_lon_deg[stop.rows],
        "stop_heading_deg": before.stop_heading_deg[stop.rows],
        "route_index": route.row_now[before.route_index[pattern.rows]],
        "call_start": now.call_start[-1] + call_end,
        "stop_index": stop.row_now[before.stop_index[call]],
        "line_start": now.line_start[-1] + line_end,
        "line_lat_deg": before.line_lat_deg[point],
        "line_lon_deg": before.line_lon_deg[point],
    }
    columns: dict[str, Any] = {
        name: np.concatenate([getattr(now, name), values]) for name, values in more.items()
    }
    return replace(
        now,
        gone_stop_id=now.gone_stop_id + stop.ids,
        gone_route_id=now.gone_route_id + route.ids,
        gone_pattern_id=now.gone_pattern_id + pattern.ids,
        route_name=now.route_name + tuple(before.route_name[row] for row in route.rows),
        **columns,
    )


class _Left(NamedTuple):
    """What was known before and is not now: its rows, its ids, and how many feeds ago it was in one.

    `row_now` is the row that each row of before has now: what is left stands behind all that is known, -1
    is forgotten.
    """

    rows: IntArray
    ids: tuple[str, ...]
    feeds: IntArray
    row_now: IntArray


def _left(now: tuple[str, ...], present: tuple[str, ...], gone: tuple[str, ...], feeds: IntArray) -> _Left:
    before, row_of = present + gone, {one: row for row, one in enumerate(now)}
    feeds = np.concatenate([np.zeros(len(present), dtype=np.int64), feeds]) + 1
    row_now = np.array([row_of.get(one, -1) for one in before], dtype=np.int64)
    rows = np.flatnonzero((row_now < 0) & (feeds <= FORGOTTEN_AFTER))
    row_now[rows] = len(now) + np.arange(len(rows))
    return _Left(rows, tuple(before[row] for row in rows), feeds[rows], row_now)


def _ragged(start: IntArray, rows: IntArray) -> tuple[IntArray, IntArray]:
    """The entries of some rows of a ragged column, and where each of these rows ends among them."""
    spans = [np.arange(start[row], start[row + 1]) for row in rows]
    ends = np.cumsum([len(span) for span in spans], dtype=np.int64)
    return np.concatenate([np.zeros(0, dtype=np.int64), *spans]), ends
