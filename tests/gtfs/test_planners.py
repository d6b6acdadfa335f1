"""Programs that are not ours find the same journeys in both variants, as long as they truly take.

cafein routes by RAPTOR and expands headways by itself; gtfs_kit expands them without knowing how we do.
"""

import datetime
from collections import defaultdict

import gtfs_kit
import numpy as np
import pytest
from cafein import TransportNetwork

from tests.gtfs.feed.test_tables import by_trip, day_s
from transitmap.build import build_feed
from transitmap.config import Config
from transitmap.gtfs.feed import expand
from transitmap.gtfs.pack import pack
from transitmap.simulate import SimulateConfig, simulate_city, simulate_rides, write_dataset

MADE_ON = datetime.date(2026, 3, 20)
TUESDAY = "2026-03-24"
N_QUERIES = 20
MIN_RIDE_S, NEAR_M, WITHIN = 600.0, 40.0, 0.10


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    """Riders' truth, the tables inferred from their rides, and both variants as files."""
    folder = tmp_path_factory.mktemp("planned")
    truth = simulate_rides(simulate_city(5, SimulateConfig(n_routes=4)), 5, n_rides=300)
    write_dataset(truth, folder)
    tables = build_feed([folder / "rides.zip"], Config(), MADE_ON).feed.tables
    for name, variant in {"headways": tables, "departures": expand(tables)}.items():
        (folder / f"{name}.zip").write_bytes(pack(variant))
    return truth, tables, folder


@pytest.fixture(scope="module")
def planners(town):
    return [TransportNetwork.from_gtfs(str(town[2] / f"{name}.zip")) for name in ("headways", "departures")]


def test_a_planner_runs_the_same_vehicles_in_both_variants(town, planners):
    headways, departures = planners
    n_trips = len(expand(town[1])["trips.txt"]["trip_id"])
    assert len(town[1]["trips.txt"]["trip_id"]) < n_trips / 5
    assert headways.trip_count == departures.trip_count == n_trips


def test_twenty_queries_arrive_at_the_same_second_in_both_variants(town, planners):
    headways, departures = planners
    stops = list(dict.fromkeys(town[1]["stop_times.txt"]["stop_id"]))
    origins = [stops[k] for k in np.linspace(0, len(stops) - 1, N_QUERIES).astype(int)]
    n_reached = []
    for n, origin in enumerate(origins):
        leave = f"{TUESDAY} {7 + n % 12:02d}:{3 * n:02d}"
        found = headways.travel_times_from_stop(origin, leave)
        assert found == departures.travel_times_from_stop(origin, leave), origin
        n_reached.append(len(found))
    assert np.median(n_reached) > 10


def test_rides_take_as_long_as_they_truly_do(town, planners):
    truth, tables, _ = town
    near = found_near(truth, tables)
    queries = [one for one in true_rides(truth) if near[one[0]] and near[one[1]]]
    planned_s = [
        [ridden_s(planner, near[origin], near[destination]) for origin, destination, _ in queries]
        for planner in planners
    ]
    assert planned_s[0] == planned_s[1]
    errors = np.abs(np.array(planned_s[0]) / [true_s for *_, true_s in queries] - 1.0)
    found = np.isfinite(errors)  # the others need a change: that pattern was found in part
    assert found.sum() >= 2 * N_QUERIES and found.mean() > 0.6
    assert np.mean(errors[found]) <= WITHIN  # 0.04
    assert np.median(errors[found]) <= WITHIN / 2  # 0.02
    assert np.mean(errors[found] <= WITHIN) >= 0.85  # 66 of 72


def test_another_expander_makes_the_same_departures(town):
    _, tables, folder = town
    told = gtfs_kit.read_feed(folder / "headways.zip", dist_units="m").expand_frequencies()
    assert told.frequencies is None
    theirs = [
        (trip_id.rsplit("-freq-", 1)[0], *zip(calls.arrival_time.map(day_s), calls.stop_id, strict=True))
        for trip_id, calls in told.stop_times.sort_values("stop_sequence").groupby("trip_id")
    ]
    ours = [
        (trip_id.rsplit("-", 1)[0], *((day_s(row["arrival_time"]), row["stop_id"]) for row in calls))
        for trip_id, calls in by_trip(expand(tables)).items()
    ]
    assert len(ours) > 300
    assert sorted(theirs) == sorted(ours)


def true_rides(truth):
    """True origin, destination and mean seconds of every stretch of ten minutes that somebody rode.

    Where lines of other times serve both stops as well the truth has no single answer: left out.
    """
    run_s = defaultdict(list)
    for row, run in truth.runs.items():
        run_s[int(truth.departures.pattern_index[row])].append(run.arrive_s)
    ridden = sorted(
        {
            (one.truth.pattern_index, one.truth.board_call, one.truth.alight_call)
            for one in truth.rides
            if one.truth.kind == "ride" and one.truth.board_call >= 0 and one.truth.alight_call >= 0
        }
    )
    found = []
    for pattern, board, alight in ridden:
        stops = truth.city.patterns[pattern].stop_index
        ends = int(stops[board]), int(stops[alight])
        mean_s = [
            seconds for other in run_s for seconds in between(truth.city.patterns[other], run_s[other], ends)
        ]
        if np.mean(mean_s) >= MIN_RIDE_S and np.ptp(mean_s) <= WITHIN / 2 * np.mean(mean_s):
            found.append((*ends, float(np.mean(mean_s))))
    return found


def between(pattern, run_s, ends):
    """Mean seconds from one stop to the other by a pattern; nothing where it does not go that way."""
    calls = [np.flatnonzero(pattern.stop_index == stop) for stop in ends]
    if not all(len(one) for one in calls) or calls[0][0] >= calls[1][-1]:
        return []
    return [np.mean([run[calls[1][-1]] - run[calls[0][0]] for run in run_s])]


def found_near(truth, tables):
    """For each true stop the found ones that a rider would take for it."""
    stops, called = tables["stops.txt"], set(tables["stop_times.txt"]["stop_id"])
    rows = [row for row, stop_id in enumerate(stops["stop_id"]) if stop_id in called]
    places = [np.array(stops[name])[rows].astype(float) for name in ("stop_lat", "stop_lon")]
    xy_m = truth.city.plane.to_metres(*places)
    off_m = np.hypot(*(truth.city.stops.xy_m[:, None] - xy_m[None]).transpose(2, 0, 1))
    return [[stops["stop_id"][rows[k]] for k in np.flatnonzero(one <= NEAR_M)] for one in off_m]


def ridden_s(planner, origins, destinations):
    """Seconds aboard on the quickest ride without a change; infinite where there is none."""
    journeys = [
        journey
        for origin in origins
        for destination in destinations
        for journey in planner.route_between_stops(
            origin, destination, f"{TUESDAY} 08:00", max_rides=1, departure_time_window=120, geometries=False
        )
    ]
    legs = [leg for journey in journeys for leg in journey["legs"] if leg["type"] == "transit"]
    return min((leg["arrival_s"] - leg["departure_s"] for leg in legs), default=float("inf"))
