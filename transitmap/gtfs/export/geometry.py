"""Parts of a layer's row -> coordinates, WKT and WKB."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from transitmap.gtfs.export.layers import Parts
from transitmap.model import FloatArray

WKB_KINDS = {"Point": 1, "LineString": 2, "MultiLineString": 5}
DECIMALS = 6  # as in the feed: 0.1 m


def coordinates(geometry: str, parts: Parts) -> list[Any]:
    """Nested lists as GeoJSON has them, longitude first."""
    lists: list[list[Any]] = [np.round(part, DECIMALS).tolist() for part in parts]
    if geometry == "MultiLineString":
        return lists
    return lists[0][0] if geometry == "Point" else lists[0]


def wkt(geometry: str, parts: Parts) -> str:
    """Well-known text of lines."""
    told = [f"({', '.join(f'{lon:.6f} {lat:.6f}' for lon, lat in part.tolist())})" for part in parts]
    return (
        f"MULTILINESTRING ({', '.join(told)})" if geometry == "MultiLineString" else f"LINESTRING {told[0]}"
    )


def wkb(geometry: str, parts: Parts) -> bytes:
    """Well-known binary, little endian."""
    if geometry == "Point":
        return struct.pack("<BI", 1, WKB_KINDS["Point"]) + _doubles(parts[0])
    lines = [struct.pack("<BII", 1, WKB_KINDS["LineString"], len(part)) + _doubles(part) for part in parts]
    if geometry == "LineString":
        return lines[0]
    return struct.pack("<BII", 1, WKB_KINDS["MultiLineString"], len(lines)) + b"".join(lines)


def _doubles(part: FloatArray) -> bytes:
    return np.round(part, DECIMALS).astype("<f8").tobytes()
