"""Vehicles, waits -> Headways: what is told of each path, day type and window, and what is not."""

from __future__ import annotations

import numpy as np

from transitmap.config import TimesConfig
from transitmap.infer.times.clock import HOUR_S
from transitmap.infer.times.fleet import Seen
from transitmap.infer.times.waits import Waits
from transitmap.infer.times.weigh import Passages, fine_headways_s, weigh
from transitmap.model import FloatArray, Headways, IntArray

LEVELS = (0.1, 0.5, 0.9)
"""`low_s`, the middle and `high_s`: four of five headways lie within, one of ten above and one below."""


def find_headways(
    seen: Seen, waits: Waits, rider: IntArray, min_riders: int, config: TimesConfig
) -> Headways:
    """Headways per path, day type and window with 80 % intervals, from vehicles seen and waits.

    Where the interval is wider than `config.max_interval_ratio` the evidence cannot tell, and `is_bound` says
    so: `headway_s` is then the upper end of the interval, at most an hour by convention. The true one may be
    longer. A time at which nobody rode has no row; one at which all who rode may have been on another path is
    told by the hours beside it. A window is an hour, or as many as it takes until `min_riders` people rode in
    it: nobody's own hour is told. `rider` numbers the rider of each ride.
    """
    rows: list[tuple[float, ...]] = []
    cells = np.unique(np.column_stack([seen.path, seen.day_type]), axis=0).reshape(-1, 2)
    for path, day_type in cells.tolist():
        cell = seen.take((seen.path == path) & (seen.day_type == day_type))
        hour = (cell.second_s // HOUR_S).astype(np.int64)
        windows = _windows(hour, rider[cell.ride_index], min_riders)
        likely = weigh(_passages(cell, waits), config) if windows else np.zeros((0, 0))
        for start, end, inside in windows:
            weight = np.bincount(hour[inside] - hour.min(), minlength=len(likely))
            interval_s = _quantiles_s(weight @ likely / weight.sum())
            seen_by = _counts(cell, inside, rider)
            rows.append((path, day_type, start * HOUR_S, end * HOUR_S, *interval_s, *seen_by))
    return _headways(np.array(rows, dtype=float).reshape(-1, 11), config)


def _counts(cell: Seen, rows: IntArray, rider: IntArray) -> tuple[int, int, int, int]:
    """Vehicles, riders, days and the last of the days of some rows."""
    vehicle, who, day = cell.vehicle[rows], rider[cell.ride_index[rows]], cell.day[rows]
    return len(np.unique(vehicle)), len(np.unique(who)), len(np.unique(day)), int(day.max())


def _windows(hour: IntArray, rider: IntArray, min_riders: int) -> list[tuple[int, int, IntArray]]:
    """First hour, hour after the last, and rows of each window in which enough people rode, in order.

    Hours are put together from the first on; what is left over at the end goes to the window before it.
    """
    found: list[tuple[int, int, IntArray]] = []
    start, rows = 0, np.zeros(0, dtype=np.int64)
    for now in np.unique(hour).tolist():
        start = start if len(rows) else now
        rows = np.concatenate([rows, np.flatnonzero(hour == now)])
        if len(np.unique(rider[rows])) >= min_riders:
            found.append((start, now + 1, rows))
            rows = rows[:0]
    if len(rows) and found:
        start, _, before = found.pop()
        found.append((start, int(hour.max()) + 1, np.concatenate([before, rows])))
    return found


def _passages(cell: Seen, waits: Waits) -> Passages:
    """The vehicles that are surely of this path, and the waits for them."""
    sure, hour = cell.take(cell.is_sure), cell.second_s // HOUR_S
    first_hour = hour.min()
    _, first, n_riders = np.unique(sure.vehicle, return_index=True, return_counts=True)
    day, second_s = sure.day[first], sure.second_s[first]
    order = np.lexsort((second_s, day))
    waited = np.isfinite(waits.wait_s[sure.line_index])
    line = sure.line_index[waited]
    return Passages(
        n_hours=int(hour.max() - first_hour) + 1,
        day=day[order],
        second_s=second_s[order] - first_hour * HOUR_S,
        n_riders=n_riders[order].astype(np.int64),
        waits=Waits(waits.wait_s[line], waits.is_least[line]),
        wait_hour=(sure.second_s[waited] // HOUR_S - first_hour).astype(np.int64),
    )


def _quantiles_s(likely: FloatArray) -> list[float]:
    """The headways at LEVELS of a probability over `fine_headways_s`."""
    reached = np.cumsum(likely) - likely / 2
    return [float(value) for value in np.exp(np.interp(LEVELS, reached, np.log(fine_headways_s())))]


def _headways(rows: FloatArray, config: TimesConfig) -> Headways:
    """Columns of rows: path, day type, start and end, low, middle and high headway, and `_counts`."""
    path, day_type, start_s, end_s, low_s, middle_s, high_s, *counts = rows.T
    n_vehicles, n_riders, n_days, last_day = (count.astype(np.int64) for count in counts)
    is_bound = high_s > config.max_interval_ratio * low_s
    stated_s = np.where(is_bound, np.minimum(high_s, HOUR_S), middle_s)
    return Headways(
        pattern_index=path.astype(np.int64),
        day_type=day_type.astype(np.int64),
        start_s=start_s.astype(np.int64),
        end_s=end_s.astype(np.int64),
        headway_s=np.maximum(stated_s, config.min_headway_s),
        low_s=low_s,
        high_s=high_s,
        n_vehicles=n_vehicles,
        is_bound=is_bound,
        n_riders=n_riders,
        n_days=n_days,
        last_day=last_day,
    )
