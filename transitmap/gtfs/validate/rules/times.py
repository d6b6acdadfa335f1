"""Rules on times of trips: they pass, no faster than a bus, and do not claim to be exact."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from transitmap.geo import Plane, steps_m
from transitmap.gtfs.validate.feed_view import FeedView, Rule, at_row
from transitmap.model import FloatArray, Notice

MAX_SPEED_KM_H = 80.0


def trip_without_calls(view: FeedView) -> Iterator[Notice]:
    """A trip calls twice or more; one that is repeated has a notice of its own."""
    for row, trip_id in enumerate(view.column("trips.txt", "trip_id")) if view.calls else ():
        n_calls = len(view.calls.get(trip_id, ()))
        if n_calls < 2 and trip_id not in view.windows:
            message = f"trip {trip_id} has {n_calls} calls"
            yield at_row("trip_without_calls", "error", "trips.txt", row, message, trip_id)


def time_runs_back(view: FeedView) -> Iterator[Notice]:
    """A trip arrives no earlier than it left the stop before, and leaves no earlier than it arrives."""
    for trip_id, rows in view.calls.items():
        early = np.flatnonzero(view.arrival_s[rows[1:]] < view.departure_s[rows[:-1]]) + 1
        for k in np.union1d(early, np.flatnonzero(view.departure_s[rows] < view.arrival_s[rows])):
            message = f"trip {trip_id}: time runs back at its call {k + 1}"
            yield at_row("time_runs_back", "error", "stop_times.txt", rows[k], message, trip_id)


def all_times_equal(view: FeedView) -> Iterator[Notice]:
    """A trip ends later than it begins."""
    for trip_id, rows in view.calls.items():
        if len(rows) > 1 and view.arrival_s[rows[-1]] <= view.departure_s[rows[0]]:
            message = f"trip {trip_id} takes {view.arrival_s[rows[-1]] - view.departure_s[rows[0]]:.0f} s"
            yield at_row("all_times_equal", "error", "stop_times.txt", rows[-1], message, trip_id)


def fast_hop(view: FeedView) -> Iterator[Notice]:
    """Between two stops a bus drives less than 80 km/h as the crow flies; no time at all counts a second."""
    stop_ids = view.column("stop_times.txt", "stop_id")
    for trip_id, rows in view.calls.items():
        hop_m = _hops_m(view, [stop_ids[row] for row in rows])
        passed_s = view.arrival_s[rows[1:]] - view.departure_s[rows[:-1]]
        speed_km_h = hop_m / np.maximum(passed_s, 1.0) * 3.6
        # A trip that does not pass time at all has its own notice.
        if len(rows) > 1 and view.arrival_s[rows[-1]] > view.departure_s[rows[0]]:
            for k in np.flatnonzero((speed_km_h >= MAX_SPEED_KM_H) & (passed_s >= 0)):
                message = f"trip {trip_id}: {hop_m[k]:.0f} m in {passed_s[k]:.0f} s, {speed_km_h[k]:.0f} km/h"
                yield at_row("fast_hop", "warning", "stop_times.txt", rows[k + 1], message, trip_id)


def missing_timepoint(view: FeedView) -> Iterator[Notice]:
    """Every time says whether it is exact: an empty timepoint means that it is."""
    empty = [row for row, value in enumerate(view.column("stop_times.txt", "timepoint")) if not value]
    if empty:
        message = (
            f"{len(empty)} of {view.n_rows('stop_times.txt')} calls do not say whether their time is exact"
        )
        yield at_row("missing_timepoint", "warning", "stop_times.txt", empty[0], message, str(len(empty)))


def template_not_at_midnight(view: FeedView) -> Iterator[Notice]:
    """A trip repeated by frequencies.txt starts at 00:00:00, so that nobody takes it for a departure."""
    for trip_id in view.windows:
        rows = view.calls.get(trip_id)
        if rows is not None and view.departure_s[rows[0]] > 0:
            message = f"template trip {trip_id} starts {view.departure_s[rows[0]]:.0f} s into the day"
            yield at_row("template_not_at_midnight", "warning", "stop_times.txt", rows[0], message, trip_id)


def _hops_m(view: FeedView, stop_ids: list[str]) -> FloatArray:
    """Metres between stops that follow each other, NaN where one is unknown."""
    nowhere = (float("nan"), float("nan"))
    places = np.array([view.position_deg.get(stop_id, nowhere) for stop_id in stop_ids]).reshape(-1, 2)
    known = places[~np.isnan(places).any(axis=1)]
    plane = Plane.around(known[:, 0], known[:, 1])
    return steps_m(plane.to_metres(places[:, 0], places[:, 1]))


RULES: tuple[Rule, ...] = (
    trip_without_calls,
    time_runs_back,
    all_times_equal,
    fast_hop,
    missing_timepoint,
    template_not_at_midnight,
)
