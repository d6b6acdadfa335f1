"""transitmap: riders' GPS traces in, a GTFS feed and a fair leaderboard out."""

__version__ = "0.1.0"
