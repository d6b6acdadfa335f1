"""Network, ids -> the tables of a GTFS feed, as frequencies: names, then times, then tables."""

from transitmap.gtfs.feed.tables import build_tables, published_trip_id, trip_id_of, unscheduled

__all__ = ["build_tables", "published_trip_id", "trip_id_of", "unscheduled"]
