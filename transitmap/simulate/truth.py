"""The truth as tables: a GTFS of what was ridden, each ride, mean running times, true headways."""

from __future__ import annotations

import csv
import datetime
import io
from collections.abc import Iterable, Sequence

import numpy as np

from transitmap.model import FloatArray, IntArray
from transitmap.simulate.network import TruePattern
from transitmap.simulate.operation import day_type
from transitmap.simulate.simulation import Dataset, SimulatedRide

Rows = list[Sequence[object]]


def truth_tables(dataset: Dataset) -> dict[str, str]:
    """CSV texts by file name; those ending in .txt are the GTFS of all patterns that somebody rode.

    `stops.txt` has `expected_visits` (halts to be expected with a rider aboard), `trips.txt` `rides`,
    `stop_times.txt` `riders_aboard`; `headways.csv` holds weekdays, by the hour of the departure.
    """
    ridden = _ridden(dataset)
    return {
        "agency.txt": _csv("agency_id,agency_name,agency_url,agency_timezone", [_agency(dataset)]),
        "calendar.txt": _calendar(dataset),
        "frequencies.txt": _frequencies(dataset, ridden),
        "routes.txt": _routes(dataset, ridden),
        "shapes.txt": _shapes(dataset, ridden),
        "stop_times.txt": _stop_times(dataset, ridden),
        "stops.txt": _stops(dataset, ridden),
        "trips.txt": _trips(dataset, ridden),
        "headways.csv": _csv("trip_id,hour,headway_s,rides", _headways(dataset, ridden)),
        "rides.csv": _rides(dataset),
        "riders.csv": _csv(
            "ride,rider,uploaded_at", [(r.ride, r.rider, _iso(r.uploaded_at)) for r in dataset.rides]
        ),
        "runtimes.csv": _runtimes(dataset, ridden),
    }


def _csv(header: str, rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header.split(","))
    writer.writerows(rows)
    return text.getvalue()


def _iso(time_s: float) -> str:
    """UTC to the second; empty where there is none."""
    if np.isnan(time_s):
        return ""
    return datetime.datetime.fromtimestamp(round(time_s), datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _ridden(dataset: Dataset) -> dict[int, list[SimulatedRide]]:
    """The true rides of each pattern that has any."""
    found: dict[int, list[SimulatedRide]] = {}
    for ride in dataset.rides:
        if ride.truth.kind == "ride":
            found.setdefault(ride.truth.pattern_index, []).append(ride)
    return dict(sorted(found.items()))


def _aboard(pattern: TruePattern, ride: SimulatedRide) -> IntArray:
    """Calls the rider was aboard at, both ends included."""
    inside = (pattern.call_m >= ride.truth.board_m - 1e-6) & (pattern.call_m <= ride.truth.alight_m + 1e-6)
    return np.flatnonzero(inside)


def _count_aboard(pattern: TruePattern, rides: Sequence[SimulatedRide]) -> IntArray:
    count = np.zeros(len(pattern.call_m), np.int64)
    for ride in rides:
        count[_aboard(pattern, ride)] += 1
    return count


def _offsets_s(dataset: Dataset, rides: Sequence[SimulatedRide]) -> FloatArray:
    """Mean seconds from the first stop to each call over the vehicles somebody rode."""
    rows = sorted({ride.truth.departure for ride in rides})
    return np.asarray(np.mean([dataset.runs[row].arrive_s for row in rows], axis=0))


def _agency(dataset: Dataset) -> tuple[str, str, str, str]:
    name = f"Transporte de {dataset.city.config.city_name}"
    return "agency-0", name, "https://example.org/", dataset.city.config.timezone


def _calendar(dataset: Dataset) -> str:
    last_day = dataset.first_day + datetime.timedelta(days=dataset.days - 1)
    week = "monday,tuesday,wednesday,thursday,friday,saturday,sunday"
    row = ("weekday", 1, 1, 1, 1, 1, 0, 0, f"{dataset.first_day:%Y%m%d}", f"{last_day:%Y%m%d}")
    return _csv(f"service_id,{week},start_date,end_date", [row])


def _headways(dataset: Dataset, ridden: dict[int, list[SimulatedRide]]) -> Rows:
    """Trip, hour, mean time between its weekday departures in that hour, weekday rides in it."""
    departures = dataset.departures
    weekday = np.array(
        [day_type(dataset.first_day + datetime.timedelta(days=k)) == 0 for k in range(dataset.days)]
    )
    hour = (departures.departure_s // 3600).astype(int)
    on_weekday = weekday[departures.day_index]
    rows: Rows = []
    for pattern, rides in ridden.items():
        run = on_weekday & (departures.pattern_index == pattern)
        taken = np.array([ride.truth.departure for ride in rides])
        counts = np.bincount(hour[run], minlength=24)
        taken_counts = np.bincount(hour[taken[on_weekday[taken]]], minlength=24)
        for h in np.flatnonzero(taken_counts):
            rows.append(
                (f"pattern-{pattern}", h, f"{3600.0 * weekday.sum() / counts[h]:.1f}", taken_counts[h])
            )
    return rows


def _frequencies(dataset: Dataset, ridden: dict[int, list[SimulatedRide]]) -> str:
    """The same headways as GTFS has them, for the hours somebody rode."""
    rows = [
        (trip, f"{hour:02d}:00:00", f"{int(str(hour)) + 1:02d}:00:00", round(float(str(headway_s))), 0)
        for trip, hour, headway_s, _ in _headways(dataset, ridden)
    ]
    return _csv("trip_id,start_time,end_time,headway_secs,exact_times", rows)


def _routes(dataset: Dataset, ridden: dict[int, list[SimulatedRide]]) -> str:
    routes = dataset.city.routes
    used = sorted({dataset.city.patterns[pattern].route_index for pattern in ridden})
    rows = [(f"route-{k}", "agency-0", routes.short_name[k], routes.long_name[k], 3) for k in used]
    return _csv("route_id,agency_id,route_short_name,route_long_name,route_type", rows)


def _trips(dataset: Dataset, ridden: dict[int, list[SimulatedRide]]) -> str:
    rows: Rows = []
    for k, rides in ridden.items():
        true = dataset.city.patterns[k]
        ids = (f"route-{true.route_index}", "weekday", f"pattern-{k}", true.direction_id, f"shape-{k}")
        rows.append((*ids, true.headsign, len(rides)))
    return _csv("route_id,service_id,trip_id,direction_id,shape_id,trip_headsign,rides", rows)


def _shapes(dataset: Dataset, ridden: dict[int, list[SimulatedRide]]) -> str:
    """The vehicles' lines, a point about every 10 m."""
    rows: Rows = []
    for k in ridden:
        line = dataset.city.patterns[k].line
        keep = np.unique(np.append(np.arange(0, len(line.along_m), 2), len(line.along_m) - 1))
        lat_deg, lon_deg = dataset.city.plane.to_degrees(line.xy_m[keep])
        columns = zip(lat_deg, lon_deg, line.along_m[keep], strict=True)
        rows += [
            (f"shape-{k}", f"{a:.6f}", f"{o:.6f}", n, f"{m:.1f}") for n, (a, o, m) in enumerate(columns, 1)
        ]
    return _csv("shape_id,shape_pt_lat,shape_pt_lon,shape_pt_sequence,shape_dist_traveled", rows)


def _stop_times(dataset: Dataset, ridden: dict[int, list[SimulatedRide]]) -> str:
    rows: Rows = []
    for k, rides in ridden.items():
        true = dataset.city.patterns[k]
        columns = zip(
            true.stop_index, true.call_m, _count_aboard(true, rides), _offsets_s(dataset, rides), strict=True
        )
        for n, (stop, place_m, aboard, offset_s) in enumerate(columns, 1):
            clock = _clock(offset_s)
            rows.append((f"pattern-{k}", n, f"stop-{stop}", clock, clock, f"{place_m:.1f}", aboard))
    names = "trip_id,stop_sequence,stop_id,arrival_time,departure_time,shape_dist_traveled,riders_aboard"
    return _csv(names, rows)


def _clock(offset_s: float) -> str:
    """Seconds after six in the morning as GTFS writes times."""
    second = 21_600 + round(offset_s)
    return f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"


def _stops(dataset: Dataset, ridden: dict[int, list[SimulatedRide]]) -> str:
    stops = dataset.city.stops
    visits = np.zeros(len(stops))
    used: set[int] = set()
    for k, rides in ridden.items():
        true = dataset.city.patterns[k]
        used |= set(true.stop_index.tolist())
        for ride in rides:
            calls = _aboard(true, ride)
            np.add.at(visits, true.stop_index[calls], dataset.runs[ride.truth.departure].chance[calls])
    lat_deg, lon_deg = dataset.city.plane.to_degrees(stops.xy_m)
    rows = [
        (f"stop-{s}", stops.name[s], f"{lat_deg[s]:.6f}", f"{lon_deg[s]:.6f}", f"{visits[s]:.2f}")
        for s in sorted(used)
    ]
    return _csv("stop_id,stop_name,stop_lat,stop_lon,expected_visits", rows)


def _runtimes(dataset: Dataset, ridden: dict[int, list[SimulatedRide]]) -> str:
    rows: Rows = []
    for k, rides in ridden.items():
        true = dataset.city.patterns[k]
        columns = zip(true.stop_index, _offsets_s(dataset, rides), _count_aboard(true, rides), strict=True)
        rows += [(f"pattern-{k}", n, f"stop-{s}", f"{t:.1f}", c) for n, (s, t, c) in enumerate(columns, 1)]
    return _csv("trip_id,stop_sequence,stop_id,mean_offset_s,rides", rows)


def _rides(dataset: Dataset) -> str:
    names = "ride,kind,copy_of,route_id,direction_id,shape_id,board_stop,alight_stop,board_time,alight_time"
    return _csv(names, [_ride_row(dataset, ride) for ride in dataset.rides])


def _ride_row(dataset: Dataset, ride: SimulatedRide) -> Sequence[object]:
    truth = ride.truth
    if truth.kind != "ride":
        return (ride.ride, truth.kind, truth.copy_of, *[""] * 7)
    true = dataset.city.patterns[truth.pattern_index]
    ends = [f"stop-{true.stop_index[c]}" if c >= 0 else "" for c in (truth.board_call, truth.alight_call)]
    ids = (f"route-{true.route_index}", true.direction_id, f"shape-{truth.pattern_index}")
    return (ride.ride, "ride", "", *ids, *ends, _iso(truth.board_time_s), _iso(truth.alight_time_s))
