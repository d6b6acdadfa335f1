"""Layers -> a GeoPackage: the only door to pyogrio."""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path
from typing import Any

import numpy as np

from transitmap.errors import ExtraMissing
from transitmap.gtfs.export.geometry import wkb
from transitmap.gtfs.export.layers import Column, Layer
from transitmap.gtfs.export.patterns import Credit
from transitmap.gtfs.export.words import citation, date

MIDNIGHT = "T00:00:00.000Z"
ONE_AT_A_TIME = threading.Lock()
"""GDAL has one clock for the whole process."""


def write_geopackage(layers: tuple[Layer, ...], credit: Credit) -> bytes:
    """Layers with points and lines in WGS 84, tables without as attributes; licence and citation as metadata.

    GDAL writes the hour of writing into the file: it is given the first day of the feed, so that the same
    feed gives the same bytes.

    Raises:
        ExtraMissing: the extra `geo` is not installed.
    """
    try:
        import pyogrio
    except ImportError as error:
        raise ExtraMissing("writing a GeoPackage", "pyogrio", "geo") from error
    day = date(credit.start_date) if len(credit.start_date) == 8 else "1980-01-01"
    with ONE_AT_A_TIME, tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "export.gpkg"
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": day + MIDNIGHT})
        try:
            for layer in layers:
                _write_layer(path, layer, credit)
        finally:
            pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})
        return path.read_bytes()


def _write_layer(path: Path, layer: Layer, credit: Credit) -> None:
    from pyogrio.raw import write

    said = {"ATTRIBUTION": citation(credit, credit.lang), "LICENCE": credit.licence_url}
    columns = list(layer.columns.values())
    write(
        path,
        np.array([wkb(layer.geometry, parts) for parts in layer.parts], object) if layer.geometry else None,
        [_array(column) for column in columns],
        list(layer.columns),
        field_mask=[np.array([value is None for value in column.values]) for column in columns],
        layer=layer.name,
        driver="GPKG",
        geometry_type=layer.geometry or None,
        crs="EPSG:4326" if layer.geometry else None,
        append=path.exists(),
        dataset_metadata=None if path.exists() else said,
    )


def _array(column: Column) -> Any:
    """The values as GDAL takes them; what is not known is masked."""
    if column.type is str:
        return np.array(column.values, object)
    return np.array([0 if value is None else value for value in column.values], np.dtype(column.type))
