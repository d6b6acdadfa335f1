"""A layer -> GeoParquet 1.1: the only door to pyarrow."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np

from transitmap.errors import ExtraMissing
from transitmap.gtfs.export.geometry import DECIMALS, wkb
from transitmap.gtfs.export.layers import Layer
from transitmap.gtfs.export.patterns import Credit
from transitmap.gtfs.export.words import citation


def write_geoparquet(layer: Layer, credit: Credit) -> bytes:
    """One layer; its geometry is WKB in the column `geometry`. A layer without geometry is plain Parquet.

    The coordinates are longitude and latitude in WGS 84, what the format means where no CRS is told.

    Raises:
        ExtraMissing: the extra `geo` is not installed.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise ExtraMissing("writing GeoParquet", "pyarrow", "geo") from error
    types = {str: pyarrow.string(), int: pyarrow.int64(), float: pyarrow.float64()}
    columns = {
        name: pyarrow.array(column.values, types[column.type]) for name, column in layer.columns.items()
    }
    said = {"attribution": citation(credit, credit.lang), "license": credit.licence_url}
    if layer.geometry:
        shapes = [wkb(layer.geometry, parts) for parts in layer.parts]
        columns["geometry"] = pyarrow.array(shapes, pyarrow.binary())
        said["geo"] = json.dumps(_geo(layer))
    body = io.BytesIO()
    parquet.write_table(pyarrow.table(columns).replace_schema_metadata(said), body)
    return body.getvalue()


def _geo(layer: Layer) -> dict[str, Any]:
    """The file metadata that makes Parquet GeoParquet."""
    column: dict[str, Any] = {"encoding": "WKB", "geometry_types": [layer.geometry]}
    if layer.parts:
        points = np.round(np.concatenate([part for parts in layer.parts for part in parts]), DECIMALS)
        column["bbox"] = [*points.min(axis=0).tolist(), *points.max(axis=0).tolist()]
    return {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": column}}
