"""A ride -> the part that was ridden, thin enough for a map, with its speeds and intervals for charts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from transitmap import geo, svg
from transitmap.config import LegsConfig
from transitmap.infer.legs import split_legs
from transitmap.model import BUS, CAR, RAIL, Fixes, FloatArray, IntArray, Ride

MAX_VERTICES = 1_000
"""Of one ride; a page shows two."""
MAX_BINS = 240
MIN_BIN_S = 10.0
FIRST_M = 1.0


@dataclass(frozen=True, eq=False)
class Ridden:
    """The fixes of one ride on board: vertices of its way, its speed by the time since the first of them.

    `speed_m_s` is the mean of each bin, NaN where no fix tells; `interval_s` the seconds between each two
    neighbouring fixes, of which `whole_share` are whole seconds to the millisecond.
    """

    lat_deg: FloatArray
    lon_deg: FloatArray
    after_s: FloatArray
    speed_m_s: FloatArray
    interval_s: FloatArray
    n_fixes: int
    started_s: float
    length_m: float

    @property
    def duration_s(self) -> float:
        """From the first fix on board to the last."""
        return float(self.interval_s.sum())

    @property
    def fastest_m_s(self) -> float:
        """The speed that one bin in twenty exceeds."""
        known = self.speed_m_s[np.isfinite(self.speed_m_s)]
        return float(np.quantile(known, 0.95)) if len(known) else 0.0


def ridden(ride: Ride, config: LegsConfig, max_vertices: int = MAX_VERTICES) -> Ridden | None:
    """What of a ride a reviewer may see; None where nobody was carried anywhere.

    On foot, at a stop or at home is nobody's business but the rider's: fixes outside the legs in a vehicle
    are left out, from the first such leg to the last.
    """
    legs = split_legs([ride], config)
    carried = np.flatnonzero(np.isin(legs.mode, (BUS, CAR, RAIL)))
    if not len(carried):
        return None
    part = slice(int(legs.first[carried[0]]), int(legs.last[carried[-1]]))
    fixes = _part(ride.fixes, part)
    if len(fixes) < 2:
        return None
    xy_m = geo.Plane.around(fixes.lat_deg, fixes.lon_deg).to_metres(fixes.lat_deg, fixes.lon_deg)
    kept = thin(xy_m, max_vertices)
    after_s, speed_m_s = _speeds(fixes.time_s, geo.steps_m(xy_m))
    return Ridden(
        fixes.lat_deg[kept],
        fixes.lon_deg[kept],
        after_s,
        speed_m_s,
        np.diff(fixes.time_s),
        len(fixes),
        float(fixes.time_s[0]),
        float(geo.steps_m(xy_m).sum()),
    )


def _part(fixes: Fixes, part: slice) -> Fixes:
    return Fixes(fixes.time_s[part], fixes.lat_deg[part], fixes.lon_deg[part], fixes.accuracy_m[part])


def thin(xy_m: FloatArray, most: int) -> IntArray:
    """The rows to keep of a line so that it has at most `most` points and no other would change it more.

    Source: Douglas and Peucker 1973, with the tolerance doubled until few enough are left.
    """
    tolerance_m, kept = FIRST_M, np.arange(len(xy_m))
    while len(kept) > most:
        kept = kept[_needed(xy_m[kept], tolerance_m)]
        tolerance_m *= 2
    return kept


def _needed(xy_m: FloatArray, tolerance_m: float) -> IntArray:
    """The rows of a line that lie farther than the tolerance from what the others draw."""
    needed = {0, len(xy_m) - 1}
    todo = [(0, len(xy_m) - 1)]
    while todo:
        first, last = todo.pop()
        if last - first < 2:
            continue
        off_m = _off_m(xy_m[first + 1 : last], xy_m[first], xy_m[last])
        farthest = int(off_m.argmax())
        if off_m[farthest] > tolerance_m:
            middle = first + 1 + farthest
            needed.add(middle)
            todo += [(first, middle), (middle, last)]
    return np.array(sorted(needed), dtype=np.int64)


def _off_m(xy_m: FloatArray, start_m: FloatArray, end_m: FloatArray) -> FloatArray:
    """How far points lie from a straight piece."""
    way_m, from_start_m = end_m - start_m, xy_m - start_m
    share = np.clip(from_start_m @ way_m / max(float(way_m @ way_m), 1e-9), 0.0, 1.0)
    return np.asarray(np.hypot(*(from_start_m - share[:, None] * way_m).T))


def _speeds(time_s: FloatArray, steps_m: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The middle of each bin after the first fix, and the mean speed in it."""
    whole_s = float(time_s[-1] - time_s[0])
    n_bins = max(1, min(MAX_BINS, int(whole_s // MIN_BIN_S)))
    edges_s = np.linspace(0.0, whole_s, n_bins + 1)
    along_m = np.interp(edges_s, time_s - time_s[0], np.concatenate([[0.0], np.cumsum(steps_m)]))
    width_s = max(whole_s / n_bins, 1e-3)
    return (edges_s[:-1] + edges_s[1:]) / 2, np.diff(along_m) / width_s


# --- for the page --------------------------------------------------------------------------------


def as_geojson(parts: Sequence[tuple[str, Ridden]]) -> dict[str, Any]:
    """Lines on a map, each with what it is called; positions to a metre or so."""
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "properties": {"which": which},
                "geometry": {
                    "type": "LineString",
                    "coordinates": [
                        [round(lon, 5), round(lat, 5)]
                        for lon, lat in zip(part.lon_deg.tolist(), part.lat_deg.tolist(), strict=True)
                    ],
                },
            }
            for which, part in parts
        ],
    }


@dataclass(frozen=True)
class Chart:
    """One chart in a picture `WIDTH` by `HEIGHT`: a path a ride, and the marks of its scales."""

    paths: tuple[tuple[str, str], ...]
    marks: tuple[tuple[float, str], ...]
    across: tuple[tuple[float, str], ...]


WIDTH, HEIGHT = 640.0, 160.0


def speed_chart(parts: Sequence[tuple[str, Ridden]]) -> Chart:
    """Kilometres an hour by minutes since boarding: a copy lies on its original, a neighbour does not."""
    lines = [(which, part.after_s / 60, part.speed_m_s * 3.6) for which, part in parts]
    return _chart(lines)


def interval_chart(parts: Sequence[tuple[str, Ridden]]) -> Chart:
    """Seconds between fixes, sorted, by the share of fixes: two phones of one kind draw one step."""
    lines = []
    for which, part in parts:
        shares = np.linspace(0.0, 100.0, len(part.interval_s))
        lines.append((which, shares, np.sort(part.interval_s)))
    return _chart(lines)


def _chart(lines: Sequence[tuple[str, FloatArray, FloatArray]]) -> Chart:
    most_x = max((float(x.max()) for _, x, _ in lines), default=1.0) or 1.0
    most_y = max((float(np.nanquantile(y, 0.99)) for _, _, y in lines), default=1.0) or 1.0
    top = _round_up(most_y)
    paths = []
    for which, x, y in lines:
        level = HEIGHT * (1 - np.clip(y, 0.0, top) / top)
        paths.append((which, svg.path(np.column_stack([WIDTH * x / most_x, level]))))
    marks = tuple((HEIGHT * (1 - share), f"{top * share:g}") for share in (0.0, 0.5, 1.0))
    across = tuple((WIDTH * share, f"{most_x * share:.0f}") for share in (0.0, 0.5, 1.0))
    return Chart(tuple(paths), marks, across)


def _round_up(value: float) -> float:
    """The next of 1, 2 or 5 times a power of ten."""
    unit = 10.0 ** np.floor(np.log10(max(value, 1e-3)))
    return float(next(step * unit for step in (1, 2, 5, 10) if step * unit >= value))
