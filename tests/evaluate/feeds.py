"""Feeds written by hand: a few streets, a few trips."""

import csv
from dataclasses import dataclass

import numpy as np

from transitmap import geo

PLANE = geo.Plane(19.4, -99.1)


@dataclass
class Trip:
    """A trip, its line and its stops as metres along it; `side_m` is how far to the right they stand."""

    trip_id: str
    route_id: str
    line_m: list
    stops_m: list
    direction: str = "0"
    side_m: float = 5.0
    speed_m_s: float = 5.0
    start_s: int = 21_600
    has_shape: bool = True
    n_visits: tuple = ()
    n_aboard: tuple = ()


def write_feed(folder, trips, windows=()):
    """A folder of tables; each trip has stops of its own, `windows` are rows of frequencies.txt."""
    folder.mkdir(parents=True, exist_ok=True)
    stops, calls, shapes = [], [], []
    for trip in trips:
        line_m, place_m = np.asarray(trip.line_m, dtype=float), np.asarray(trip.stops_m, dtype=float)
        for k, (lat, lon) in enumerate(zip(*PLANE.to_degrees(kerb_m(trip)), strict=True)):
            stop = (f"{trip.trip_id}-s{k}", f"{trip.trip_id} {k}", f"{lat:.7f}", f"{lon:.7f}")
            clock = clock_of(trip.start_s + (place_m[k] - place_m[0]) / trip.speed_m_s)
            call = (trip.trip_id, k + 1, stop[0], clock, clock)
            visits, aboard = ([values[k]] if values else [] for values in (trip.n_visits, trip.n_aboard))
            stops.append((*stop, *visits))
            calls.append((*call, *aboard))
        for k, (lat, lon) in enumerate(zip(*PLANE.to_degrees(line_m), strict=True)):
            shapes.append((trip.trip_id, f"{lat:.7f}", f"{lon:.7f}", k))
    rows = [(t.route_id, "WD", t.trip_id, t.direction, t.trip_id * t.has_shape) for t in trips]
    routes = [(one, one.upper(), 3) for one in sorted({t.route_id for t in trips})]
    write_table(folder / "stops.txt", STOP, stops)
    write_table(folder / "stop_times.txt", CALL, calls)
    write_table(folder / "shapes.txt", SHAPE, shapes)
    write_table(folder / "trips.txt", "route_id service_id trip_id direction_id shape_id", rows)
    write_table(folder / "routes.txt", "route_id route_short_name route_type", routes)
    write_table(folder / "calendar.txt", "service_id wednesday saturday", [("WD", 1, 0)])
    if windows:
        write_table(folder / "frequencies.txt", "trip_id start_time end_time headway_secs", windows)
    return folder


def kerb_m(trip):
    """Where the stops of a trip stand."""
    line_m, place_m = np.asarray(trip.line_m, dtype=float), np.asarray(trip.stops_m, dtype=float)
    knot_m = geo.along_m(line_m)
    ahead = geo.at(line_m, knot_m, place_m + 1) - geo.at(line_m, knot_m, place_m - 1)
    ahead /= np.hypot(*ahead.T)[:, None]
    return geo.at(line_m, knot_m, place_m) + trip.side_m * np.column_stack([ahead[:, 1], -ahead[:, 0]])


STOP = "stop_id stop_name stop_lat stop_lon expected_visits"
CALL = "trip_id stop_sequence stop_id arrival_time departure_time riders_aboard"
SHAPE = "shape_id shape_pt_lat shape_pt_lon shape_pt_sequence"


def write_table(path, columns, rows):
    """A CSV file; columns that the rows are too short for are left out."""
    n = max((len(row) for row in rows), default=len(columns.split()))
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([columns.split()[:n], *rows])


def clock_of(second):
    second = round(second)
    return f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"
