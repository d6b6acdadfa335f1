"""Network, ids -> what every published thing rests on, as a table and on a map, and what was held back.

`rows` tells it, a row a thing; `table` and `geojson` write the rows, `held_back` says in words what too few
people support to be published.
"""

from transitmap.gtfs.evidence.geojson import evidence_geojson
from transitmap.gtfs.evidence.held_back import as_json, describe, read_held_back
from transitmap.gtfs.evidence.table import COLUMNS, evidence_table

__all__ = ["COLUMNS", "as_json", "describe", "evidence_geojson", "evidence_table", "read_held_back"]
