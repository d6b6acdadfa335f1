"""Rules on who is in a feed: its publisher and its contributors as one, and nobody who rode."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Iterator
from functools import cache

from transitmap.gtfs.validate.feed_view import FeedView, Rule, at_row
from transitmap.model import Notice

RODE = re.compile(
    r"(?:^|_)(?:rider|user|username|contributor|uploader|driver|device|phone_id|ride|trace|person)s?(?:_|$)"
)
ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
TELEPHONE = re.compile(r"(?<![\w-])\+?\d[\d ()-]{8,14}\d(?![\w-])")
FARE_CLASS = "rider_category"  # of fares version 2: what kind of rider pays, not who rode
CONTACT = ("_email", "_url", "_phone")
SPOKEN = ("_name", "_desc", "_headsign", "translation", "field_value")


def personal_data(view: FeedView) -> Iterator[Notice]:
    """No column about those who rode, no e-mail address or telephone number but those for contact."""
    for file, columns in view.tables.items():
        for name in columns:
            if RODE.search(name) and not name.startswith(FARE_CLASS):
                message = f"column {name} is about people"
                yield Notice("personal_data", "error", file, 0, message, (name,))
    for file, name, row, value in view.odd_values:
        is_number = name.endswith(SPOKEN) and TELEPHONE.search(value)
        if not name.endswith(CONTACT) and (is_number or ADDRESS.search(value)):
            message = f"an e-mail address or telephone number in {name}"
            yield at_row("personal_data", "error", file, row, message, name)


def unknown_timezone(view: FeedView) -> Iterator[Notice]:
    """The time zone of an agency or a stop has an IANA name."""
    for file, name in (("agency.txt", "agency_timezone"), ("stops.txt", "stop_timezone")):
        for row, zone in enumerate(view.column(file, name)):
            if zone and zone not in _zones():
                yield at_row("unknown_timezone", "error", file, row, f"no time zone is called {zone}", zone)


def missing_version(view: FeedView) -> Iterator[Notice]:
    """A feed says which one it is."""
    for row, version in enumerate(view.column("feed_info.txt", "feed_version")):
        if not version:
            yield at_row("missing_version", "warning", "feed_info.txt", row, "the feed has no version")


def missing_licence(view: FeedView) -> Iterator[Notice]:
    """Attributions name those who made the map and, by its address, the licence; none at all is no fault."""
    for row, url in enumerate(view.column("attributions.txt", "attribution_url")):
        if not url:
            message = "an attribution does not say under which licence"
            yield at_row("missing_licence", "warning", "attributions.txt", row, message)


@cache
def _zones() -> set[str]:
    return zoneinfo.available_timezones()


RULES: tuple[Rule, ...] = (personal_data, unknown_timezone, missing_version, missing_licence)
