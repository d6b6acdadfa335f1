"""Rules on distances and positions as numbers: there, in metres, fine enough, in the order of their rows."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from transitmap.geo import Plane, steps_m
from transitmap.gtfs.validate.feed_view import FeedView, Rule, at_row
from transitmap.model import Notice

ALONG = "shape_dist_traveled"
MIN_DECIMALS = 5  # a metre; four are eleven
WITHIN = 0.1


def missing_distance(view: FeedView) -> Iterator[Notice]:
    """Shapes and calls say how far along they are: without it loops and lassos cannot be drawn."""
    for file in ("shapes.txt", "stop_times.txt"):
        empty = [row for row, value in enumerate(view.column(file, ALONG)) if not value]
        if empty:
            message = f"{len(empty)} of {view.n_rows(file)} rows do not say how far along they are"
            yield at_row("missing_distance", "warning", file, empty[0], message, str(len(empty)))


def distance_not_metres(view: FeedView) -> Iterator[Notice]:
    """The distance along a shape is its length in metres, to a tenth: kilometres and far points are not."""
    along_m = view.numbers("shapes.txt", ALONG)
    lat_deg, lon_deg = (view.numbers("shapes.txt", f"shape_pt_{axis}") for axis in ("lat", "lon"))
    known = ~np.isnan(lat_deg + lon_deg)
    plane = Plane.around(lat_deg[known], lon_deg[known])
    xy_m = plane.to_metres(lat_deg, lon_deg)
    for shape, rows in view.points.items():
        length_m, told_m = float(steps_m(xy_m[rows]).sum()), float(along_m[rows[-1]] - along_m[rows[0]])
        if abs(length_m - told_m) > WITHIN * length_m + 1.0:
            message = f"shape {shape} is {length_m:.0f} m long, its distances say {told_m:g}"
            yield at_row("distance_not_metres", "warning", "shapes.txt", rows[-1], message, shape)


def coarse_position(view: FeedView) -> Iterator[Notice]:
    """Some position of a table has five decimals or more: with fewer nobody stands at the right kerb."""
    for file, names in (
        ("stops.txt", ("stop_lat", "stop_lon")),
        ("shapes.txt", ("shape_pt_lat", "shape_pt_lon")),
    ):
        for name in names:
            decimals = max((len(value.partition(".")[2]) for value in view.column(file, name)), default=0)
            if view.n_rows(file) and decimals < MIN_DECIMALS:
                message = f"{name} has at most {decimals} decimals"
                yield Notice("coarse_position", "warning", file, 0, message, (name, str(decimals)))


def rows_out_of_order(view: FeedView) -> Iterator[Notice]:
    """Rows of one trip or shape stand together, in rising order: who reads line by line relies on it."""
    tables = (("stop_times.txt", view.calls), ("shapes.txt", view.points))
    for file, groups in tables:
        for one_id, rows in groups.items():
            for row in rows[1:][np.diff(rows) != 1][:1]:
                message = f"rows of {one_id} are not in order"
                yield at_row("rows_out_of_order", "warning", file, row, message, one_id)


RULES: tuple[Rule, ...] = (missing_distance, distance_not_metres, coarse_position, rows_out_of_order)
