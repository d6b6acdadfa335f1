"""Rows -> GeoJSON: what every published thing rests on, on a map."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from transitmap.geo import piece
from transitmap.gtfs.evidence.held_back import as_json
from transitmap.gtfs.evidence.rows import Row, Where, day, rows_of
from transitmap.model import FloatArray, HeldBack, Ids, Network, Shapes

COUNTED = ("n_rides", "n_riders", "n_days")
MEASURED = ("confidence", "low", "high")
DECIMALS = 6  # as in the feed: 0.1 m


def evidence_geojson(
    network: Network, ids: Ids, held_back: Sequence[HeldBack] = (), about: Mapping[str, Any] | None = None
) -> bytes:
    """RFC 7946, WGS 84: a feature for each row of the table that has a place, with its columns.

    A stop is a point, a pattern a line, a segment and a stretch pieces of one; a headway stands at the first
    stop of its pattern, a fare on the lines of its route. Times of hops are in the table alone. What is not
    known is null. What was held back is told by numbers beside the features; `about` (licence, source) stands
    there too.
    """
    features = [_feature(row, network) for row in rows_of(network, ids) if row.where is not None]
    told = [as_json(held) for held in held_back]
    collection = {"type": "FeatureCollection", **(about or {}), "held_back": told, "features": features}
    return (json.dumps(collection, ensure_ascii=False, separators=(",", ":")) + "\n").encode()


def _feature(row: Row, network: Network) -> dict[str, Any]:
    return {
        "type": "Feature",
        "id": f"{row.kind}/{row.id}",
        "geometry": _geometry(row.where or Where(), network),
        "properties": _properties(row),
    }


def _properties(row: Row) -> dict[str, Any]:
    """The columns of the table, None where nothing is known."""
    *counts, last_day = row.counts
    return {
        "kind": row.kind,
        "id": row.id,
        **{name: n if n >= 0 else None for name, n in zip(COUNTED, counts, strict=True)},
        "last_seen": day(last_day) or None,
        **{name: one if math.isfinite(one := getattr(row, name)) else None for name in MEASURED},
        "note": row.note,
    }


def _geometry(where: Where, network: Network) -> dict[str, Any]:
    """Where the thing is: always of what is published."""
    if where.stop >= 0:
        place = [[float(network.stops.lon_deg[where.stop]), float(network.stops.lat_deg[where.stop])]]
        return {"type": "Point", "coordinates": _rounded(np.array(place))[0]}
    if where.pattern >= 0:
        return {"type": "LineString", "coordinates": _rounded(_line(network.shapes, where))}
    rows = np.flatnonzero(network.patterns.route_index == where.route).tolist()
    lines = [_rounded(_line(network.shapes, Where(pattern=row))) for row in rows]
    return {"type": "MultiLineString", "coordinates": lines}


def _line(shapes: Shapes, where: Where) -> FloatArray:
    """(n, 2) longitude and latitude of a piece of a pattern's line."""
    points = slice(shapes.point_start[where.pattern], shapes.point_start[where.pattern + 1])
    lon_deg = np.unwrap(shapes.lon_deg[points], period=360.0)
    line = piece(
        np.column_stack([lon_deg, shapes.lat_deg[points]]),
        shapes.along_m[points],
        where.first_m,
        where.last_m,
    )
    return np.column_stack([(line[:, 0] + 180.0) % 360.0 - 180.0, line[:, 1]])


def _rounded(lon_lat: FloatArray) -> list[list[float]]:
    rounded: list[list[float]] = np.round(lon_lat, DECIMALS).tolist()
    return rounded
