"""Network, ids -> the tables of a GTFS feed, as frequencies or expanded: names, then times, then tables."""

from transitmap.gtfs.feed.expand import expand
from transitmap.gtfs.feed.names import name_things
from transitmap.gtfs.feed.tables import build_tables, published_trip_id, unscheduled

__all__ = ["build_tables", "expand", "name_things", "published_trip_id", "unscheduled"]
