"""Rules on frequencies.txt: every headway plausible, no window twice, no template trip left alone."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from transitmap.gtfs.validate.feed_view import FeedView, Rule, at_row
from transitmap.model import Notice

MIN_HEADWAY_S, MAX_HEADWAY_S = 30.0, 6 * 3600.0
FILE = "frequencies.txt"


def missing_exact_times(view: FeedView) -> Iterator[Notice]:
    """Every window says whether its departures are exact."""
    empty = [row for row, value in enumerate(view.column(FILE, "exact_times")) if not value]
    if empty:
        message = f"{len(empty)} of {view.n_rows(FILE)} windows do not say exact_times"
        yield at_row("missing_exact_times", "warning", FILE, empty[0], message, str(len(empty)))


def overlapping_windows(view: FeedView) -> Iterator[Notice]:
    """A window of a trip starts when the one before has ended, or later."""
    start_s, end_s = view.seconds(FILE, "start_time"), view.seconds(FILE, "end_time")
    for trip_id, rows in view.windows.items():
        for k in np.flatnonzero(start_s[rows[1:]] < end_s[rows[:-1]]):
            seconds = end_s[rows[k]] - start_s[rows[k + 1]]
            message = f"trip {trip_id}: two windows share {seconds:.0f} s"
            yield at_row("overlapping_windows", "error", FILE, rows[k + 1], message, trip_id)


def implausible_headway(view: FeedView) -> Iterator[Notice]:
    """A headway lies between half a minute and six hours: placeholders do not."""
    headway_s = view.numbers(FILE, "headway_secs")
    for row in np.flatnonzero((headway_s < MIN_HEADWAY_S) | (headway_s > MAX_HEADWAY_S)):
        message = f"headway of {headway_s[row]:.0f} s"
        yield at_row(
            "implausible_headway", "warning", FILE, row, message, view.column(FILE, "headway_secs")[row]
        )


def frequency_without_calls(view: FeedView) -> Iterator[Notice]:
    """Every repeated trip has calls to repeat."""
    for trip_id, rows in view.windows.items() if view.calls else ():
        if len(view.calls.get(trip_id, ())) < 2:
            message = f"trip {trip_id} has {len(view.calls.get(trip_id, ()))} calls"
            yield at_row("frequency_without_calls", "error", FILE, rows[0], message, trip_id)


def lost_frequency(view: FeedView) -> Iterator[Notice]:
    """A template trip without a window would be one bus at midnight.

    Asked where templates are the habit: other trips have windows, or every trip starts at 00:00:00.
    """
    starts = {trip_id: view.departure_s[rows[0]] for trip_id, rows in view.calls.items()}
    if not view.windows and any(start_s != 0 for start_s in starts.values()):
        return
    for trip_id, start_s in starts.items():
        if start_s == 0 and trip_id not in view.windows:
            message = f"trip {trip_id} starts at 00:00:00 and has no window"
            yield at_row(
                "lost_frequency", "error", "stop_times.txt", view.calls[trip_id][0], message, trip_id
            )


RULES: tuple[Rule, ...] = (
    missing_exact_times,
    overlapping_windows,
    implausible_headway,
    frequency_without_calls,
    lost_frequency,
)
