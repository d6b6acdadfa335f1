"""Rules on values as text: markup, spaces, control characters, names that say nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator

from transitmap.gtfs.validate.feed_view import FeedView, Rule, at_row
from transitmap.model import Notice

HTML = re.compile(r"</?[a-zA-Z!][^<>]*>|&(?:[a-zA-Z]+|#\d+);")
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
TOWARDS = re.compile(r"(?:to|towards|hacia|rumbo a)\s", re.IGNORECASE)
FILLER = re.compile(r"(?:parada|paradero|bus ?stop|stop|sin nombre|unnamed)?[\W\d_]*", re.IGNORECASE)
URLS = ("agency_url", "feed_publisher_url", "route_url", "stop_url", "attribution_url", "agency_fare_url")


def html_in_value(view: FeedView) -> Iterator[Notice]:
    """No markup in any value."""
    for file, name, row, value in view.odd_values:
        if ("<" in value or "&" in value) and HTML.search(value):
            yield at_row("html_in_value", "error", file, row, f"markup in {name}", name, value)


def control_character(view: FeedView) -> Iterator[Notice]:
    """No tab, line break or other control character in any value."""
    for file, name, row, value in view.odd_values:
        if CONTROL.search(value):
            yield at_row("control_character", "error", file, row, f"control character in {name}", name, value)


def surrounding_space(view: FeedView) -> Iterator[Notice]:
    """No value begins or ends with a space (a feed read back through partridge has lost them)."""
    for file, name, row, value in view.odd_values:
        if value != value.strip() and not CONTROL.search(value):
            yield at_row("surrounding_space", "warning", file, row, f"space around {name}", name, value)


def headsign_to(view: FeedView) -> Iterator[Notice]:
    """A headsign names a destination, without `To`."""
    for row, value in enumerate(view.column("trips.txt", "trip_headsign")):
        if TOWARDS.match(value):
            message = f"headsign {value!r} begins with a preposition"
            yield at_row("headsign_to", "warning", "trips.txt", row, message, value)


def headsign_is_route(view: FeedView) -> Iterator[Notice]:
    """A headsign is not the number of its route."""
    short_name = view.lookup("routes.txt", "route_id", "route_short_name")
    routes, headsigns = view.column("trips.txt", "route_id"), view.column("trips.txt", "trip_headsign")
    for row, (route, value) in enumerate(zip(routes, headsigns, strict=True)):
        if value and value == short_name.get(route):
            message = f"headsign {value!r} is its route's name"
            yield at_row("headsign_is_route", "warning", "trips.txt", row, message, value)


def filler_name(view: FeedView) -> Iterator[Notice]:
    """A stop's name says where it is; `Parada 5` does not."""
    for row, value in enumerate(view.column("stops.txt", "stop_name")):
        if value and FILLER.fullmatch(value):
            message = f"stop name {value!r} tells nothing"
            yield at_row("filler_name", "warning", "stops.txt", row, message, value)


def url_not_https(view: FeedView) -> Iterator[Notice]:
    """Addresses are https."""
    for file, name, row, value in view.odd_values:
        if name in URLS and value and not value.startswith("https://"):
            yield at_row("url_not_https", "warning", file, row, f"{name} is not https", name, value)


def id_not_ascii(view: FeedView) -> Iterator[Notice]:
    """Ids are printable ASCII without a space: names keep their accents, ids must survive every program."""
    for file, name, row, value in view.odd_values:
        if name.endswith("_id") and not re.fullmatch(r"[!-~]*", value):
            yield at_row("id_not_ascii", "warning", file, row, f"{name} {value!r} is not plain", name, value)


RULES: tuple[Rule, ...] = (
    html_in_value,
    control_character,
    surrounding_space,
    headsign_to,
    headsign_is_route,
    filler_name,
    url_not_https,
    id_not_ascii,
)
