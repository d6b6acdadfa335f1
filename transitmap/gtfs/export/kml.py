"""Layers -> KML: the only door to fastkml."""

from __future__ import annotations

import warnings
from typing import Any

from transitmap.errors import ExtraMissing
from transitmap.gtfs.export.colours import colours_of
from transitmap.gtfs.export.geometry import coordinates
from transitmap.gtfs.export.layers import Layer
from transitmap.gtfs.export.patterns import Published
from transitmap.gtfs.export.words import credit_line

LINE_PX = 4.0


def write_kml(layers: tuple[Layer, ...], feed: Published, lang: str) -> bytes:
    """A folder of stops and one of patterns in the colours of their routes; every column is said of each.

    Raises:
        ExtraMissing: the extra `geo` is not installed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it cannot indent without lxml is no news
            from fastkml import KML, Document, Folder, LineStyle, Style
    except ImportError as error:
        raise ExtraMissing("writing KML", "fastkml", "geo") from error
    styles = [
        Style(id=_style_id(route_id), styles=[LineStyle(color=f"ff{_bgr(colour)}", width=LINE_PX)])
        for route_id, colour in colours_of(feed.routes).items()
    ]
    folders = [
        Folder(name=layer.name, features=_placemarks(layer))
        for layer in layers
        if layer.name in ("stops", "patterns")
    ]
    document = Document(
        name=feed.credit.publisher,
        description=credit_line(feed.credit, lang),
        styles=styles,
        features=folders,
    )
    return (KML(features=[document]).to_string() + "\n").encode()


def _style_id(route_id: str) -> str:
    return f"route-{route_id}"


def _bgr(colour: str) -> str:
    """KML tells blue first."""
    return (colour[4:] + colour[2:4] + colour[:2]).lower()


def _placemarks(layer: Layer) -> list[Any]:
    from fastkml import Data, ExtendedData, Placemark, StyleUrl
    from pygeoif import LineString, Point

    names = list(layer.columns)
    marks = []
    for k, parts in enumerate(layer.parts):
        row = {name: layer.columns[name].values[k] for name in names}
        here = coordinates(layer.geometry, parts)
        told = [Data(name=name, value=str(value)) for name, value in row.items() if value is not None]
        marks.append(
            Placemark(
                name=row.get("stop_name") or _pattern_name(row),
                style_url=None if "stop_name" in row else StyleUrl(url=f"#{_style_id(row['route_id'])}"),
                geometry=Point(*here) if layer.geometry == "Point" else LineString(here),
                extended_data=ExtendedData(elements=told),
            )
        )
    return marks


def _pattern_name(row: dict[str, Any]) -> str:
    route = row["route_short_name"] or row["route_long_name"] or row["route_id"]
    return f"{route} → {row['trip_headsign'] or row['last_stop']}"
