"""Layers -> a zip of CSV tables with the datapackage.json that says what their columns are."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

from transitmap.cells import plain_cell
from transitmap.gtfs.export.geometry import wkt
from transitmap.gtfs.export.layers import Layer
from transitmap.gtfs.export.patterns import Credit
from transitmap.gtfs.export.words import citation, credit_line
from transitmap.gtfs.export.zipped import zipped

TYPES = {str: "string", int: "integer", float: "number"}


def write_tables(layers: tuple[Layer, ...], credit: Credit) -> bytes:
    """One table a layer; lines are well-known text in the last column, `geometry_wkt`."""
    members = {f"{layer.name}.csv": _csv(layer).encode() for layer in layers}
    package = json.dumps(_package(layers, credit), ensure_ascii=False, indent=2) + "\n"
    said = "".join(f"{credit_line(credit, lang)}\n" for lang in ("es", "en"))
    return zipped({**members, "datapackage.json": package.encode(), "LICENCE.txt": said.encode()})


def _csv(layer: Layer) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    has_wkt = _has_wkt(layer)
    writer.writerow([*layer.columns, *(["geometry_wkt"] if has_wkt else [])])
    columns = [[_cell(value) for value in column.values] for column in layer.columns.values()]
    if has_wkt:
        columns.append([wkt(layer.geometry, parts) for parts in layer.parts])
    writer.writerows(zip(*columns, strict=True))
    return text.getvalue()


def _has_wkt(layer: Layer) -> bool:
    """A point has columns of its own."""
    return layer.geometry not in ("", "Point")


def _cell(value: Any) -> str:
    if isinstance(value, str):
        return plain_cell(value)
    return "" if value is None else str(value)


def _package(layers: tuple[Layer, ...], credit: Credit) -> dict[str, Any]:
    """The Frictionless description: columns and their types, sources and licence."""
    package: dict[str, Any] = {
        "profile": "tabular-data-package",
        "name": "transitmap-export",
        "version": credit.version,
        "title": citation(credit, credit.lang),
        "sources": [{"title": credit.publisher, "path": credit.publisher_url}],
        "resources": [_resource(layer) for layer in layers],
    }
    if credit.licence_url:
        package["licenses"] = [{"path": credit.licence_url}]
    return package


def _resource(layer: Layer) -> dict[str, Any]:
    fields = [{"name": name, "type": TYPES[column.type]} for name, column in layer.columns.items()]
    if _has_wkt(layer):
        fields.append({"name": "geometry_wkt", "type": "string"})
    return {
        "profile": "tabular-data-resource",
        "name": layer.name,
        "path": f"{layer.name}.csv",
        "encoding": "utf-8",
        "schema": {"fields": fields},
    }
