"""Rules on whether there is a feed at all: rows, one journey."""

from __future__ import annotations

from collections.abc import Iterator

from transitmap.gtfs.validate.feed_view import FeedView, Rule
from transitmap.model import Notice

REQUIRED = ("agency", "stops", "routes", "trips", "stop_times", "calendar", "shapes", "feed_info")


def empty_table(view: FeedView) -> Iterator[Notice]:
    """Every table that a feed of ours needs has a row: headers alone pass the canonical rules."""
    for file in (f"{name}.txt" for name in REQUIRED):
        if not view.n_rows(file) and not (file == "calendar.txt" and view.n_rows("calendar_dates.txt")):
            yield Notice(
                "empty_table", "error", file, 0, "no rows" if file in view.tables else "no such table"
            )


def no_journey(view: FeedView) -> Iterator[Notice]:
    """Somebody can ride: a trip of a known service goes from one known stop to a later one."""
    services = {*view.column("calendar.txt", "service_id"), *view.column("calendar_dates.txt", "service_id")}
    if not services or not all(view.n_rows(file) for file in ("stop_times.txt", "stops.txt", "trips.txt")):
        return  # an empty table has its own notice
    stop_ids, places = view.column("stop_times.txt", "stop_id"), view.position_deg
    for trip_id, service in view.lookup("trips.txt", "trip_id", "service_id").items():
        calls = [row for row in view.calls.get(trip_id, ()) if stop_ids[row] in places]
        if service in services and calls and view.arrival_s[calls[-1]] > view.departure_s[calls[0]]:
            return
    yield Notice("no_journey", "error", "trips.txt", 0, "no trip takes anybody from one stop to another")


RULES: tuple[Rule, ...] = (empty_table, no_journey)
