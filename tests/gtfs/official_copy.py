"""The small city as its transport office publishes it: other ids and names, other places, other lines."""

import copy
import datetime

import numpy as np

from tests.gtfs.small_city import CENTRE, small_feed
from transitmap.gtfs.feed import expand

FORM = {"stop_id": "K{}", "route_id": "1{}", "shape_id": "L{}", "trip_id": "t{}", "service_id": "s{}"}


def official_copy(moved_m=0.0, ids=FORM):
    """The feed of the small city under other ids, renamed, every stop moved to the east."""
    tables = {
        name: copy.deepcopy(small_feed()[name])
        for name in ("agency.txt", "stops.txt", "routes.txt", "trips.txt", "stop_times.txt", "calendar.txt")
        + ("frequencies.txt", "shapes.txt", "feed_info.txt")
    }
    for name, form in ids.items():
        everywhere = [one for table in tables.values() for one in table.get(name, [])]
        number = {one: form.format(n) for n, one in enumerate(sorted(set(everywhere)), 1)}
        for table in tables.values():
            if name in table:
                table[name] = [number[one] for one in table[name]]
    stops = tables["stops.txt"]
    stops["parent_station"] = [""] * len(stops["stop_id"])
    stops["stop_name"] = [f"Paradero {n}" for n in range(len(stops["stop_id"]))]
    tables["routes.txt"]["route_short_name"] = ["A-12", "B-1"]
    tables["routes.txt"]["route_long_name"] = ["", ""]
    xy_m = CENTRE.to_metres(
        *(np.array([float(one) for one in stops[name]]) for name in ("stop_lat", "stop_lon"))
    )
    place(stops, xy_m + [moved_m, 0.0])
    return tables


def place(stops, xy_m):
    lat_deg, lon_deg = CENTRE.to_degrees(np.asarray(xy_m, dtype=float))
    stops["stop_lat"] = [f"{one:.6f}" for one in lat_deg.tolist()]
    stops["stop_lon"] = [f"{one:.6f}" for one in lon_deg.tolist()]


def add(tables, file, **cells):
    """A row more; columns that are not named stay empty."""
    for name, column in tables[file].items():
        column.append(cells.get(name, ""))


def add_stop(tables, stop_id, x_m, y_m, **cells):
    lat_deg, lon_deg = (float(one[0]) for one in CENTRE.to_degrees(np.array([[x_m, y_m]], dtype=float)))
    where = {"stop_lat": f"{lat_deg:.6f}", "stop_lon": f"{lon_deg:.6f}"}
    add(tables, "stops.txt", stop_id=stop_id, stop_name=f"Nuevo {stop_id}", **where, **cells)


def call_there(tables, shape_id, stop_id, sequence):
    """All trips of a shape call at one stop more, on the way to the call number `sequence`."""
    for trip in trips_of(tables, shape_id):
        add(tables, "stop_times.txt", trip_id=trip, stop_id=stop_id, stop_sequence=f"{sequence - 0.5}")


def trips_of(tables, shape_id):
    trips = tables["trips.txt"]
    return [one for one, shape in zip(trips["trip_id"], trips["shape_id"], strict=True) if shape == shape_id]


def without_stop(tables, stop_id):
    """No trip calls there any more, and there is no such stop."""
    for file in ("stops.txt", "stop_times.txt"):
        table = tables[file]
        kept = [row for row, one in enumerate(table["stop_id"]) if one != stop_id]
        tables[file] = {name: [column[row] for row in kept] for name, column in table.items()}


def add_route(tables, route_id):
    """A line of three stops where nobody rode."""
    add(tables, "routes.txt", route_id=route_id, route_short_name="Z9", route_type="3")
    service = tables["trips.txt"]["service_id"][0]
    add(
        tables, "trips.txt", route_id=route_id, trip_id="z", service_id=service, shape_id="", direction_id="0"
    )
    for n in range(3):
        add_stop(tables, f"Z{n}", 8000 + 500 * n, 8000)
        times = {"arrival_time": f"06:0{3 * n}:00", "departure_time": f"06:0{3 * n}:00"}
        add(tables, "stop_times.txt", trip_id="z", stop_id=f"Z{n}", stop_sequence=str(n + 1), **times)


def as_offices_publish(tables):
    """Single departures instead of frequencies, dates instead of weeks, a station over every stop."""
    tables = expand(tables)
    weeks, dates = tables.pop("calendar.txt"), {"service_id": [], "date": [], "exception_type": []}
    days = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    for row, service in enumerate(weeks["service_id"]):
        for day in (datetime.date(2026, 11, 2) + datetime.timedelta(n) for n in range(28)):
            if weeks[days[day.weekday()]][row] == "1":
                dates["service_id"].append(service)
                dates["date"].append(f"{day:%Y%m%d}")
                dates["exception_type"].append("1")
    tables["calendar_dates.txt"] = dates
    stops = tables["stops.txt"]
    alone = {name: list(column) for name, column in stops.items()}
    for row, stop_id in enumerate(alone["stop_id"]):
        stops["parent_station"][row] = f"station-{stop_id}"
        cells = {name: column[row] for name, column in alone.items()}
        add(tables, "stops.txt", **{**cells, "stop_id": f"station-{stop_id}", "location_type": "1"})
    return tables
