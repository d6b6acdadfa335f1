"""Layers -> one GeoJSON: a feature a stop, pattern and route, told apart by the property `layer`."""

from __future__ import annotations

import json

from transitmap.gtfs.export.geometry import coordinates
from transitmap.gtfs.export.layers import Layer
from transitmap.gtfs.export.patterns import Credit
from transitmap.gtfs.export.words import citation


def write_geojson(layers: tuple[Layer, ...], credit: Credit) -> bytes:
    """RFC 7946, WGS 84. What is not known is null; attribution and licence stand beside the features."""
    collection = {
        "type": "FeatureCollection",
        **source(credit),
        "features": [feature for layer in layers if layer.geometry for feature in features(layer)],
    }
    return (json.dumps(collection, ensure_ascii=False, separators=(",", ":")) + "\n").encode()


def source(credit: Credit) -> dict[str, str | None]:
    """What stands beside the features of any GeoJSON of a feed."""
    return {
        "attribution": citation(credit, credit.lang),
        "license": credit.licence_url or None,
        "feed_version": credit.version or None,
    }


def features(layer: Layer) -> list[dict[str, object]]:
    """The rows of a layer; the id is that of the row and its layer, so that none is there twice."""
    names = list(layer.columns)
    rows = zip(*(column.values for column in layer.columns.values()), strict=True)
    return [
        {
            "type": "Feature",
            "id": f"{layer.name}/{row[0]}",
            "geometry": {"type": layer.geometry, "coordinates": coordinates(layer.geometry, parts)},
            "properties": {"layer": layer.name, **dict(zip(names, row, strict=True))},
        }
        for row, parts in zip(rows, layer.parts, strict=True)
    ]
