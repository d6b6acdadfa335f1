"""Rules on where things are: apart, along their shapes, inside the campaign's box."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from transitmap.geo import Plane, at
from transitmap.gtfs.validate.feed_view import FeedView, Rule, at_row
from transitmap.model import FloatArray, Notice

MIN_APART_M = 3.0
MAX_OFF_M = 100.0
MAX_REACH_M = 200_000.0


def stops_at_one_point(view: FeedView) -> Iterator[Notice]:
    """Two stops that one direction of a route serves are at least 3 m apart."""
    stop_rows = {stop_id: row for row, stop_id in enumerate(view.column("stops.txt", "stop_id"))}
    reported: set[tuple[str, str]] = set()
    for stop_ids in _stops_by_direction(view).values():
        xy_m = _metres(np.array([view.position_deg[stop_id] for stop_id in stop_ids]))
        for i, j in _near_pairs(xy_m, MIN_APART_M):
            pair = (stop_ids[i], stop_ids[j])
            if pair not in reported:
                reported.add(pair)
                message = f"stops {pair[0]} and {pair[1]} are {np.hypot(*(xy_m[i] - xy_m[j])):.1f} m apart"
                yield at_row("stops_at_one_point", "warning", "stops.txt", stop_rows[pair[1]], message, *pair)


def shape_order(view: FeedView) -> Iterator[Notice]:
    """Distances along a trip rise, and end on its shape; distances along a shape rise."""
    for file, groups in (("shapes.txt", view.points), ("stop_times.txt", view.calls)):
        along_m = view.numbers(file, "shape_dist_traveled")
        for one_id, rows in groups.items():
            for k in np.flatnonzero(np.diff(along_m[rows]) <= 0):
                message = f"{one_id}: {along_m[rows[k + 1]]:g} m comes after {along_m[rows[k]]:g} m"
                yield at_row("shape_order", "error", file, rows[k + 1], message, one_id)
    yield from _beyond_the_end(view)


def stop_off_shape(view: FeedView) -> Iterator[Notice]:
    """A stop lies within 100 m of where its trip says it is along the shape."""
    for trip_id, shape, off_m in _distances_from_shapes(view):
        for k in np.flatnonzero(off_m > MAX_OFF_M):
            row = view.calls[trip_id][k]
            stop_id = view.column("stop_times.txt", "stop_id")[row]
            message = f"stop {stop_id} is {off_m[k]:.0f} m from its place on shape {shape}"
            yield at_row("stop_off_shape", "warning", "stop_times.txt", row, message, stop_id, shape)


def outside_box(view: FeedView) -> Iterator[Notice]:
    """Every stop lies in the campaign's box; without one, within 200 km of the middle of all stops."""
    places = np.array(list(view.position_deg.values())).reshape(-1, 2)
    if not len(places):
        return
    if view.box:
        south, west, north, east = view.box
        outside = (places < (south, west)).any(axis=1) | (places > (north, east)).any(axis=1)
    else:
        outside = np.hypot(*_metres(places).T) > MAX_REACH_M
    for row in np.flatnonzero(outside):
        stop_id = view.column("stops.txt", "stop_id")[row]
        yield at_row(
            "outside_box", "error", "stops.txt", row, f"stop {stop_id} is not in the campaign's area", stop_id
        )


def _distances_from_shapes(view: FeedView) -> Iterator[tuple[str, str, FloatArray]]:
    """Trip, shape and how far each call's stop is from where the trip says it is, once for equal trips."""
    nowhere = (float("nan"), float("nan"))
    stop_deg = [view.position_deg.get(one, nowhere) for one in view.column("stop_times.txt", "stop_id")]
    point_deg = np.column_stack([view.numbers("shapes.txt", f"shape_pt_{axis}") for axis in ("lat", "lon")])
    xy_m = _metres(np.concatenate([np.array(stop_deg).reshape(-1, 2), point_deg]))
    stop_m, line_m = xy_m[: len(stop_deg)], xy_m[len(stop_deg) :]
    call_m = view.numbers("stop_times.txt", "shape_dist_traveled")
    point_m, seen = view.numbers("shapes.txt", "shape_dist_traveled"), set()
    for trip_id, shape in view.lookup("trips.txt", "trip_id", "shape_id").items():
        rows, points = view.calls.get(trip_id), view.points.get(shape)
        if rows is None or points is None:
            continue
        same = (shape, call_m[rows].tobytes(), stop_m[rows].tobytes())
        if same not in seen:
            seen.add(same)
            yield (
                trip_id,
                shape,
                np.hypot(*(at(line_m[points], point_m[points], call_m[rows]) - stop_m[rows]).T),
            )


def _beyond_the_end(view: FeedView) -> Iterator[Notice]:
    """Trips whose last call is farther along than their shape is long."""
    call_m = view.numbers("stop_times.txt", "shape_dist_traveled")
    point_m = view.numbers("shapes.txt", "shape_dist_traveled")
    for trip_id, shape in view.lookup("trips.txt", "trip_id", "shape_id").items():
        rows, points = view.calls.get(trip_id), view.points.get(shape)
        if rows is not None and points is not None and call_m[rows[-1]] > point_m[points[-1]]:
            message = f"trip {trip_id} ends at {call_m[rows[-1]]:g} m, its shape at {point_m[points[-1]]:g} m"
            yield at_row("shape_order", "error", "stop_times.txt", rows[-1], message, trip_id)


def _stops_by_direction(view: FeedView) -> dict[tuple[str, str], list[str]]:
    """Known stops of each route and direction, in the order of stop_times.txt."""
    columns = (view.column("trips.txt", name) for name in ("trip_id", "route_id", "direction_id"))
    way_of = {trip_id: (route, direction) for trip_id, route, direction in zip(*columns, strict=True)}
    stops: dict[tuple[str, str], dict[str, None]] = {}
    calls = zip(
        view.column("stop_times.txt", "trip_id"), view.column("stop_times.txt", "stop_id"), strict=True
    )
    for trip_id, stop_id in calls:
        if trip_id in way_of and stop_id in view.position_deg:
            stops.setdefault(way_of[trip_id], {})[stop_id] = None
    return {way: list(one) for way, one in stops.items()}


def _near_pairs(xy_m: FloatArray, near_m: float) -> list[tuple[int, int]]:
    """Pairs of points closer than `near_m`, sorted."""
    from scipy.spatial import cKDTree

    known = np.flatnonzero(~np.isnan(xy_m).any(axis=1))
    pairs = cKDTree(xy_m[known]).query_pairs(near_m) if len(known) else set()
    return sorted((int(known[i]), int(known[j])) for i, j in pairs)


def _metres(places_deg: FloatArray) -> FloatArray:
    """Positions in metres around their middle."""
    known = places_deg[~np.isnan(places_deg).any(axis=1)]
    plane = Plane.around(known[:, 0], known[:, 1])
    return plane.to_metres(places_deg[:, 0], places_deg[:, 1])


RULES: tuple[Rule, ...] = (stops_at_one_point, shape_order, stop_off_shape, outside_box)
