"""Running times and headways of the patterns of a feed that are in a reference."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import NamedTuple

import numpy as np

from transitmap.evaluate.feed_map import HOURS, FeedMap
from transitmap.evaluate.found_patterns import PatternPairs
from transitmap.model import FloatArray

SPAN_CALLS = 3
"""Running times are compared from a common call to the third after it: single hops are noise."""
MIN_SPAN_S = 60.0
MIN_RIDES = 3
"""An hour in which fewer rides were taken cannot be asked for."""


class RunningError(NamedTuple):
    """Mean relative error over spans, and the share of patterns with enough timed calls; None without any."""

    mape: float | None
    cover: float | None


class HeadwayError(NamedTuple):
    """Over hours of matched patterns: how many, share the feed is silent about, relative error of the rest.

    `mape_all` counts silence as an error of 1 and no error above 1.
    """

    n_hours: int
    share_unknown: float | None
    mape: float | None
    mape_all: float | None


def read_beside(folder: Path | None, name: str, columns: str) -> list[list[str]]:
    """Rows of a table beside the truth of simulated rides; none where there is no such file or column."""
    if folder is None or not (folder / name).is_file():
        return []
    path = folder / name
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        if not set(columns.split()) <= set(reader.fieldnames or ()):
            return []
        return [[row[column] for column in columns.split()] for row in reader]


def true_offsets_s(reference: FeedMap, rows: list[list[str]]) -> FloatArray:
    """Seconds since the first call: what `runtimes.csv` says (trip, call, seconds), else the reference."""
    if not rows:
        return reference.offset_s
    offset_s = np.full(len(reference.offset_s), np.nan)
    pattern_of = reference.pattern_of()
    for trip, call, seconds in rows:
        if trip in pattern_of:
            offset_s[reference.call_start[pattern_of[trip]] + int(call) - 1] = float(seconds)
    return offset_s


def true_headways_s(reference: FeedMap, rows: list[list[str]], min_rides: int = 1) -> FloatArray:
    """(patterns, HOURS): what `headways.csv` says (trip, hour, seconds, rides) of hours with enough rides,
    else the reference."""
    if not rows:
        return reference.headway_s
    headway_s = np.full((len(reference), HOURS), np.nan)
    pattern_of = reference.pattern_of()
    for trip, hour, seconds, rides in rows:
        if trip in pattern_of and int(rides) >= min_rides:
            headway_s[pattern_of[trip], int(hour)] = float(seconds)
    return headway_s


def running_error(
    feed: FeedMap,
    true_s: FloatArray,
    reference: FeedMap,
    pairs: PatternPairs,
    common: list[list[tuple[int, int]]],
) -> RunningError:
    """Relative error of the time from each common call to the third after it."""
    errors: list[float] = []
    n_timed = n_covered = 0
    for true, found, calls in zip(pairs.true, pairs.found, common, strict=True):
        b_s = true_s[reference.calls(int(true))]
        if not np.isfinite(b_s).any():
            continue
        a_s = feed.offset_s[feed.calls(int(found))]
        timed = np.array([(a_s[i], b_s[j]) for i, j in calls], dtype=float).reshape(-1, 2)
        timed = timed[np.isfinite(timed).all(axis=1)]
        n_timed += 1
        n_covered += len(timed) > SPAN_CALLS
        span_s = timed[SPAN_CALLS:] - timed[:-SPAN_CALLS]
        span_s = span_s[span_s[:, 1] > MIN_SPAN_S]
        errors += (np.abs(span_s[:, 0] - span_s[:, 1]) / span_s[:, 1]).tolist()
    return RunningError(float(np.mean(errors)) if errors else None, n_covered / n_timed if n_timed else None)


def headway_error(feed: FeedMap, true_s: FloatArray, pairs: PatternPairs) -> HeadwayError:
    """Hour by hour over the matched patterns that the reference tells headways of."""
    truth_s, said_s = true_s[pairs.true], feed.headway_s[pairs.found]
    cell = np.isfinite(truth_s)
    if not cell.any():
        return HeadwayError(0, None, None, None)
    error = np.abs(said_s[cell] - truth_s[cell]) / truth_s[cell]
    known = np.isfinite(error)
    all_errors = np.where(known, np.minimum(np.nan_to_num(error), 1.0), 1.0)
    mape = float(error[known].mean()) if known.any() else None
    return HeadwayError(int(cell.sum()), float((~known).mean()), mape, float(all_errors.mean()))
