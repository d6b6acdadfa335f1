"""A published feed and its evidence -> the formats people take it in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from transitmap.errors import TransitmapError
from transitmap.gtfs.export.flat_tables import write_tables
from transitmap.gtfs.export.geojson import source, write_geojson
from transitmap.gtfs.export.geopackage import write_geopackage
from transitmap.gtfs.export.geoparquet import write_geoparquet
from transitmap.gtfs.export.gpx import write_gpx
from transitmap.gtfs.export.kml import write_kml
from transitmap.gtfs.export.layers import Layer, layers_of
from transitmap.gtfs.export.line_map import draw_map
from transitmap.gtfs.export.osm import write_osm
from transitmap.gtfs.export.patterns import Credit, FeedIncomplete, Published, credit_of, read_published
from transitmap.gtfs.export.strips import draw_strips
from transitmap.gtfs.export.timetable import write_timetable
from transitmap.model import Tables

__all__ = [
    "Credit",
    "ExportRefused",
    "FeedIncomplete",
    "Layer",
    "about",
    "export_feed",
    "format_of",
    "layers_of",
    "read_published",
]
SUFFIXES = {
    ".geojson": "geojson",
    ".json": "geojson",
    ".zip": "csv",
    ".gpkg": "geopackage",
    ".parquet": "geoparquet",
    ".gpx": "gpx",
    ".kml": "kml",
    ".osm": "osm",
    ".html": "timetable",
    ".svg": "map",
}
WHOLE: dict[str, Callable[[Published, str], bytes]] = {
    "gpx": write_gpx,
    "map": draw_map,
    "osm": write_osm,
    "strips": draw_strips,
    "timetable": write_timetable,
}
LAYERED: dict[str, Callable[[tuple[Layer, ...], Credit], bytes]] = {
    "csv": write_tables,
    "geojson": write_geojson,
    "geopackage": write_geopackage,
}
FORMATS = tuple(sorted((*WHOLE, *LAYERED, "geoparquet", "kml")))
ONE_LAYER = ("geojson", "geoparquet")
LAYERS = ("stops", "patterns", "routes", "calls", "headways", "evidence")


class ExportRefused(TransitmapError, ValueError):
    """A format nobody knows, or a layer that it has not."""


def format_of(name: str) -> str:
    """The format that a file's suffix stands for.

    Raises:
        ExportRefused: it stands for none.
    """
    suffix = Path(name).suffix.lower()
    if suffix not in SUFFIXES:
        raise ExportRefused(f"{name}: no format has the suffix {suffix!r}, only {', '.join(SUFFIXES)}")
    return SUFFIXES[suffix]


def export_feed(tables: Tables, kind: str, evidence_csv: str = "", layer: str = "", lang: str = "") -> bytes:
    """The feed in one of FORMATS, the same bytes every time.

    `evidence_csv` is what `build --evidence` wrote beside it. `layer` is one of LAYERS: geoparquet holds one
    and must be told, geojson holds those with a geometry unless it is told. `lang` is es or en, that of
    the feed where it is empty.

    Raises:
        FeedIncomplete: the feed lacks a table, or its tables do not fit each other.
        ExportRefused: an unknown format, or a layer where there is none.
        TransitmapError: a library of the extra `geo` is not installed.
    """
    feed = read_published(tables, evidence_csv, lang)
    lang = lang or feed.credit.lang
    if layer and (kind not in ONE_LAYER or layer not in LAYERS):
        raise ExportRefused(
            f"no layer {layer!r} in {kind}: only {' and '.join(ONE_LAYER)} take one of {LAYERS}"
        )
    if kind in WHOLE:
        return WHOLE[kind](feed, lang)
    layers = tuple(one for one in layers_of(feed) if layer in ("", one.name))
    if kind == "geoparquet" and not layer:
        raise ExportRefused(f"a GeoParquet file holds one layer: say which of {', '.join(LAYERS)}")
    return _of_layers(layers, feed, kind, lang)


def about(tables: Tables) -> dict[str, str | None]:
    """Whom to name for a feed, under which licence, in which version.

    Raises:
        FeedIncomplete: as `export_feed`.
    """
    return source(credit_of(tables))


def _of_layers(layers: tuple[Layer, ...], feed: Published, kind: str, lang: str) -> bytes:
    if kind == "geoparquet":
        return write_geoparquet(layers[0], feed.credit)
    if kind == "kml":
        return write_kml(layers, feed, lang)
    if kind not in LAYERED:
        raise ExportRefused(f"no format {kind!r}, only {', '.join(FORMATS)}")
    return LAYERED[kind](layers, feed.credit)
