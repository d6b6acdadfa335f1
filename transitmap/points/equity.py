"""A grid of need (CSV or GeoJSON) and the fixes of a ride -> its equity weight, in whole thousandths."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from transitmap.errors import ConfigError
from transitmap.model import Columns, Fixes, FloatArray, IntArray, JsonObject

LEAST, MOST = 1_000, 1_500
"""Thousandths: nowhere counts less than elsewhere, nothing more than one and a half times."""
MM_PER_DEG = 111_195_000
NEEDS = ("population", "poverty")
MAX_CELLS, MAX_BYTES = 200_000, 50_000_000
REACH = 0.75
"""Of the spacing of a grid's points: its squares reach to 0.71 of it, at their corners."""


@dataclass(frozen=True, eq=False)
class Grid(Columns):
    """Where a ride is worth more. Of points: `lat_deg`, `lon_deg` and the distance they reach (degrees of
    latitude). Of polygons: `rings` (lon, lat), an inner one cuts out of its outer one; `cell` is the entry of
    `permille` of each. A place in no cell has no more weight than any other: 1000."""

    permille: IntArray
    lat_deg: FloatArray
    lon_deg: FloatArray
    reach_deg: float
    rings: tuple[FloatArray, ...] = ()
    cell: tuple[int, ...] = ()


def read_grid(path: Path) -> Grid:
    """The grid in a file: `.csv` with lat, lon and weight, or GeoJSON polygons with a weight.

    Instead of `weight` (1 to 1.5) there may be `population` or `poverty` (any number from 0, more is more
    need): weights then rise evenly with the rank, from 1 for the least to 1.5 for the most.

    Raises:
        ConfigError: it cannot be read, or says something else.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ConfigError("equity", path.name, f"has more than {MAX_BYTES} bytes")
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError("equity", path.name, f"cannot be read: {error}") from error
    return parse_csv(text) if path.suffix.lower() == ".csv" else parse_geojson(text)


def weight_permille(grid: Grid, fixes: Fixes, most_permille: int = MOST) -> int:
    """The mean weight over the fixes of a ride, rounded down, at most `most_permille`; 1000 without a way.

    Each fix counts as far as it is to the next: who waits with the recorder on gains nothing.
    """
    if len(fixes) < 2:
        return LEAST
    east_deg = np.diff(fixes.lon_deg) * np.cos(np.radians(fixes.lat_deg[:-1]))
    way_mm = np.rint(np.hypot(east_deg, np.diff(fixes.lat_deg)) * MM_PER_DEG).astype(np.int64)
    total = int((weights(grid, fixes.lat_deg, fixes.lon_deg)[:-1] * way_mm).sum())
    return min(total // int(way_mm.sum()), most_permille) if way_mm.any() else LEAST


def weights(grid: Grid, lat_deg: FloatArray, lon_deg: FloatArray) -> IntArray:
    """The weight of each place in thousandths; the highest where cells lie over each other."""
    if grid.rings:
        return _in_polygons(grid, lat_deg, lon_deg)
    return _near_points(grid, lat_deg, lon_deg)


def as_geojson(grid: Grid) -> str:
    """The grid as everybody may read it: points or polygons, each with its weight."""
    points = zip(grid.lon_deg.tolist(), grid.lat_deg.tolist(), strict=True)
    shapes: list[tuple[int, JsonObject]] = [
        (nth, {"type": "Point", "coordinates": point}) for nth, point in enumerate(points)
    ]
    rings: dict[int, list[Any]] = {}
    for ring, cell in zip(grid.rings, grid.cell, strict=True):
        rings.setdefault(cell, []).append(ring.tolist())
    shapes += [(cell, {"type": "Polygon", "coordinates": many}) for cell, many in rings.items()]
    features = [
        {"type": "Feature", "properties": {"weight": int(grid.permille[nth]) / 1_000}, "geometry": shape}
        for nth, shape in shapes
    ]
    return json.dumps({"type": "FeatureCollection", "features": features}, allow_nan=False)


# --- reading -------------------------------------------------------------------------------------


def parse_csv(text: str) -> Grid:
    """A grid of points in CSV with a line of names: lat, lon and weight, population or poverty.

    Raises:
        ConfigError: as `read_grid`.
    """
    try:
        rows = list(csv.DictReader(io.StringIO(text), strict=True))
    except csv.Error as error:
        raise ConfigError("equity", "csv", f"no CSV: {error}") from error
    if not rows or not {"lat", "lon"} <= set(rows[0]):
        raise ConfigError("equity", "csv", "needs a line of names with lat and lon, and one row at least")
    lat_deg, lon_deg = _column(rows, "lat", -90, 90), _column(rows, "lon", -180, 180)
    return Grid(_permille(rows), lat_deg, lon_deg, REACH * _spacing_deg(lat_deg, lon_deg))


def parse_geojson(text: str) -> Grid:
    """A grid of polygons in GeoJSON whose properties hold weight, population or poverty.

    Raises:
        ConfigError: as `read_grid`.
    """
    try:
        features = json.loads(text)["features"]
        rows = [dict(feature["properties"]) for feature in features]
        polygons = [list(_polygons(feature["geometry"])) for feature in features]
        rings = [np.array(ring, dtype=np.float64)[:, :2] for many in polygons for one in many for ring in one]
    except (ValueError, KeyError, TypeError, IndexError, RecursionError) as error:
        raise ConfigError(
            "equity", "geojson", f"must be a FeatureCollection of polygons: {error!r}"
        ) from error
    if not rings or not all(len(ring) >= 4 and _is_on_earth(ring) for ring in rings):
        raise ConfigError("equity", "geojson", "needs rings of four positions or more, longitude first")
    cell = tuple(nth for nth, many in enumerate(polygons) for one in many for _ in one)
    none = np.zeros(0)
    return Grid(_permille(rows), none, none, 0.0, tuple(rings), cell)


def _polygons(geometry: JsonObject) -> Iterator[Any]:
    if geometry["type"] not in ("Polygon", "MultiPolygon"):
        raise ValueError(f"a {geometry['type']} is no polygon")
    yield from [geometry["coordinates"]] if geometry["type"] == "Polygon" else geometry["coordinates"]


def _is_on_earth(ring: FloatArray) -> bool:
    """NaN is nowhere."""
    return bool((np.abs(ring) <= (180.0, 90.0)).all())


def _permille(rows: Sequence[JsonObject]) -> IntArray:
    """The weight of each row, by the first of weight, population and poverty that the first row has."""
    if len(rows) > MAX_CELLS:
        raise ConfigError("equity", len(rows), f"more than {MAX_CELLS} cells")
    name = next((name for name in ("weight", *NEEDS) if name in rows[0]), "")
    if name == "weight":
        return np.floor(_column(rows, name, LEAST / 1_000, MOST / 1_000) * 1_000 + 1e-6).astype(np.int64)
    if not name:
        raise ConfigError("equity", sorted(rows[0]), "needs weight, population or poverty")
    values = _column(rows, name, 0, 1e12)
    different, rank = np.unique(values, return_inverse=True)
    permille = LEAST + rank.reshape(-1) * (MOST - LEAST) // max(len(different) - 1, 1)
    return np.asarray(permille, dtype=np.int64)


def _column(rows: Sequence[JsonObject], name: str, low: float, high: float) -> FloatArray:
    values = []
    for nth, row in enumerate(rows, 1):
        try:
            value = float(row[name])
        except (KeyError, TypeError, ValueError):
            value = math.nan
        if not low <= value <= high:
            raise ConfigError("equity", row.get(name), f"{name} of row {nth} must be from {low} to {high}")
        values.append(value)
    return np.array(values, dtype=np.float64)


# --- places --------------------------------------------------------------------------------------


def _plane(lat_deg: FloatArray, lon_deg: FloatArray, middle_deg: float) -> FloatArray:
    """As far east as north, in degrees of latitude."""
    return np.column_stack([lat_deg, lon_deg * math.cos(math.radians(middle_deg))])


def _spacing_deg(lat_deg: FloatArray, lon_deg: FloatArray) -> float:
    """How far the points of a grid usually lie from the next; of one alone, about a kilometre."""
    from scipy.spatial import cKDTree

    points = np.unique(_plane(lat_deg, lon_deg, float(lat_deg.mean())), axis=0)
    if len(points) < 2:
        return 0.01
    return float(np.median(cKDTree(points).query(points, k=2)[0][:, 1]))


def _near_points(grid: Grid, lat_deg: FloatArray, lon_deg: FloatArray) -> IntArray:
    """The weight of the nearest point within reach."""
    from scipy.spatial import cKDTree

    middle = float(grid.lat_deg.mean())
    tree = cKDTree(_plane(grid.lat_deg, grid.lon_deg, middle))
    away_deg, nearest = tree.query(_plane(lat_deg, lon_deg, middle))
    return np.where(away_deg <= grid.reach_deg, grid.permille[nearest], LEAST).astype(np.int64)


def _in_polygons(grid: Grid, lat_deg: FloatArray, lon_deg: FloatArray) -> IntArray:
    found = np.full(len(lat_deg), LEAST, dtype=np.int64)
    inside = np.zeros(len(lat_deg), dtype=bool)
    for nth, (ring, cell) in enumerate(zip(grid.rings, grid.cell, strict=True)):
        inside ^= _in_ring(ring, lat_deg, lon_deg)
        if nth + 1 == len(grid.cell) or grid.cell[nth + 1] != cell:  # all rings of the cell are through
            found[inside] = np.maximum(found[inside], grid.permille[cell])
            inside[:] = False
    return found


def _in_ring(ring: FloatArray, lat_deg: FloatArray, lon_deg: FloatArray) -> Any:
    """Which places lie inside: those from where a line to the east crosses it an odd number of times."""
    inside = np.zeros(len(lat_deg), dtype=bool)
    (west, south), (east, north) = ring.min(axis=0), ring.max(axis=0)
    near = np.flatnonzero((lat_deg >= south) & (lat_deg <= north) & (lon_deg >= west) & (lon_deg <= east))
    if not len(near):
        return inside
    x, y = lon_deg[near][:, None], lat_deg[near][:, None]
    (x0, y0), (x1, y1) = ring.T, np.roll(ring, -1, axis=0).T
    rises = np.where(y1 == y0, 1.0, y1 - y0)
    crosses = ((y0 > y) != (y1 > y)) & (x < x0 + (y - y0) * (x1 - x0) / rises)
    inside[near] = crosses.sum(axis=1) % 2 == 1
    return inside
