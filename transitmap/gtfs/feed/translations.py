"""The names we made, in the other language: what riders said stays as they said it."""

from __future__ import annotations

from transitmap.gtfs.feed.rows import Columns, as_columns
from transitmap.model import Tables

NAMED = (
    ("routes.txt", "route_long_name"),
    ("stops.txt", "stop_name"),
    ("trips.txt", "trip_headsign"),
)


def translations(tables: Tables, other: Tables, language: str) -> Columns:
    """translations.txt: every value that the same rows have otherwise in `other`, made in `language`.

    By value, not by record: a name that stands in many rows is translated once, in both variants of a feed.
    """
    rows: dict[tuple[str, str, str], str] = {}
    for file, field in NAMED:
        for value, translated in zip(tables[file][field], other[file][field], strict=True):
            if value and translated and value != translated:
                rows.setdefault((file.removesuffix(".txt"), field, value), translated)
    return as_columns(
        "table_name field_name language translation field_value",
        ((table, field, language, text, value) for (table, field, value), text in sorted(rows.items())),
    )
