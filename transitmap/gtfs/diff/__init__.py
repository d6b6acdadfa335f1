"""Two feeds -> what was added, removed, moved, renamed and retimed, as rows, sentences and GeoJSON."""

from transitmap.config import DiffConfig
from transitmap.errors import NotEnoughData
from transitmap.gtfs.diff.chart import draw_chart
from transitmap.gtfs.diff.official import Match, compare_official, match_official
from transitmap.gtfs.diff.partners import find_partners
from transitmap.gtfs.diff.seen import Comparison, Finding
from transitmap.gtfs.diff.seen_words import describe_seen, seen_as_csv, seen_as_json
from transitmap.gtfs.diff.shifts import Change, Difference, find_shifts
from transitmap.gtfs.diff.words import as_geojson, as_json, describe, from_json, sentence, summary
from transitmap.model import Tables

__all__ = [
    "Change",
    "Comparison",
    "Difference",
    "Finding",
    "Match",
    "as_geojson",
    "as_json",
    "compare_official",
    "describe",
    "describe_seen",
    "diff",
    "draw_chart",
    "from_json",
    "match_official",
    "seen_as_csv",
    "seen_as_json",
    "sentence",
    "summary",
]


def diff(old: Tables, new: Tables, config: DiffConfig) -> Difference:
    """What a rider or a planner would notice between two feeds: stops, routes, patterns and their times.

    What no rider sees (ids where two feeds number things differently, the order of rows, dates, contacts) is
    no difference. Other tables and columns that are missing count as empty.

    Raises:
        NotEnoughData: one of the two has no stops.txt, so it is no feed.
    """
    for name, tables in (("old", old), ("new", new)):
        if "stops.txt" not in tables:
            raise NotEnoughData(f"stops.txt in the {name} feed", 0, 1)
    charts = draw_chart(old), draw_chart(new)
    return find_shifts(*charts, find_partners(*charts, config), config)
