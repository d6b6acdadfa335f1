"""Rules on what refers to what: nothing unused, one direction a shape, a line where people may hail."""

from __future__ import annotations

from collections.abc import Iterator

from transitmap.gtfs.validate.feed_view import FeedView, Rule, at_row
from transitmap.model import Notice

HAIL = ("0", "2", "3")


def unused_route(view: FeedView) -> Iterator[Notice]:
    """Every route has a trip."""
    yield from _unused(view, "unused_route", "routes.txt", "route_id")


def unused_service(view: FeedView) -> Iterator[Notice]:
    """Every service has a trip."""
    yield from _unused(view, "unused_service", "calendar.txt", "service_id")


def shape_of_two_directions(view: FeedView) -> Iterator[Notice]:
    """All trips along one shape go in one direction."""
    directions: dict[str, str] = {}
    columns = (view.column("trips.txt", name) for name in ("shape_id", "direction_id"))
    for row, (shape, direction) in enumerate(zip(*columns, strict=True)):
        if shape and directions.setdefault(shape, direction) != direction:
            message = f"shape {shape} has trips of both directions"
            yield at_row("shape_of_two_directions", "warning", "trips.txt", row, message, shape)


def hail_without_shape(view: FeedView) -> Iterator[Notice]:
    """Where people may board between stops there is a shape to board along."""
    hailed = {
        route
        for column in ("continuous_pickup", "continuous_drop_off")
        for route, value in view.lookup("routes.txt", "route_id", column).items()
        if value in HAIL
    }
    routes, shapes = view.column("trips.txt", "route_id"), view.column("trips.txt", "shape_id")
    for row, (route, shape) in enumerate(zip(routes, shapes, strict=True)):
        if route in hailed and not shape:
            message = f"route {route} may be hailed anywhere, its trip has no shape"
            yield at_row("hail_without_shape", "error", "trips.txt", row, message, route)


def _unused(view: FeedView, rule: str, file: str, key: str) -> Iterator[Notice]:
    used = set(view.column("trips.txt", key))
    for row, value in enumerate(view.column(file, key)):
        if value not in used and used:
            yield at_row(rule, "warning", file, row, f"{key} {value} has no trip", value)


RULES: tuple[Rule, ...] = (unused_route, unused_service, shape_of_two_directions, hail_without_shape)
