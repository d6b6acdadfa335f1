"""The story: two feeds read, their stops, patterns, routes and times compared, figures and tables made."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from transitmap import geo
from transitmap.evaluate import found_patterns, found_rides, found_stops, found_times
from transitmap.evaluate.feed_map import FeedMap, read_feed_map
from transitmap.evaluate.found_patterns import PatternPairs
from transitmap.evaluate.found_stops import StopPairs
from transitmap.evaluate.found_times import MIN_RIDES
from transitmap.evaluate.ways import on_streets, way_of
from transitmap.model import BoolArray, FloatArray

RADII_M = (20, 30, 50)
MAP_M = 30
"""Stops this close are one stop on the picture."""
Figures = dict[str, float | int | None]


class RouteRow(NamedTuple):
    """A route of the reference: patterns to be found and found, and the routes of the feed they went to."""

    name: str
    n_asked: int
    n_found: int
    found_as: tuple[str, ...]

    @property
    def state(self) -> str:
        """`found`, `partly`, `missed`, or `unasked` where nobody rode enough of it."""
        if self.n_found == 0:
            return "missed" if self.n_asked else "unasked"
        return "found" if self.n_found >= self.n_asked else "partly"


@dataclass(frozen=True, eq=False)
class Evaluation:
    """A feed against a reference: figures by name, what was matched with what, routes, streets.

    `true_streets` says of each line of the reference, at a point every `ways.STEP_M`, whether some line of
    the feed runs there the same way; `found_streets` the same of the lines of the feed. `true_headway_s`
    (patterns of the reference, hours) is what the truth says of a weekday, NaN where it is silent.
    """

    feed: FeedMap
    reference: FeedMap
    figures: Figures
    stops: StopPairs
    patterns: PatternPairs
    routes: tuple[RouteRow, ...]
    invented: tuple[str, ...]
    true_streets: tuple[BoolArray, ...]
    found_streets: tuple[BoolArray, ...]
    true_headway_s: FloatArray


def evaluate(
    feed_path: Path, reference_path: Path, report: Path | None = None, truth: Path | None = None
) -> Evaluation:
    """How true a feed is to a reference: any GTFS feed, or a folder with the truth of simulated rides.

    Such a folder holds `truth.zip` and may hold `runtimes.csv`, `headways.csv` and, for the `report` of the
    build, `rides.csv` (`truth` names another). Without them times and headways are those of the reference.

    Raises:
        FeedUnreadable: one of the feeds is none, or lacks what a map needs.
        TableUnreadable: the report or the truth about rides lacks a column.
    """
    reference_path, beside = _truth_of(reference_path)
    reference, plane = read_feed_map(reference_path)
    feed, _ = read_feed_map(feed_path, plane)
    stops, figures = _stops(feed, reference)
    patterns = found_patterns.match_patterns(feed, reference)
    ways = [[way_of(one.line_m(k)) for k in range(len(one))] for one in (reference, feed)]
    streets = tuple(on_streets(*ways)), tuple(on_streets(*ways[::-1]))
    figures = _counts(feed, reference, patterns) | figures | _street_figures(feed, reference, *streets)
    figures |= _pattern_figures(feed, reference, patterns)
    gaps = found_times.read_beside(beside, "headways.csv", HEADWAY_COLUMNS)
    figures |= _order_figures(feed, reference, patterns, beside)
    figures |= _headway_figures(feed, found_times.true_headways_s(reference, gaps, MIN_RIDES), patterns)
    if report is not None:
        rides = truth or (beside or reference_path.parent) / "rides.csv"
        figures |= _ride_figures(report, rides, feed, reference, patterns)
    routes, invented = _routes(feed, reference, patterns)
    headway_s = found_times.true_headways_s(reference, gaps)
    return Evaluation(feed, reference, figures, stops, patterns, routes, invented, *streets, headway_s)


def _truth_of(path: Path) -> tuple[Path, Path | None]:
    """The feed in a path, and the folder whose other tables speak of it, where it is a simulated truth."""
    if (path / "truth.zip").is_file():
        return path / "truth.zip", path
    return path, path.parent if path.name == "truth.zip" else None


def _counts(feed: FeedMap, reference: FeedMap, patterns: PatternPairs) -> Figures:
    """How many of each thing there are; `asked` are those that rides could show."""
    return {
        "stops": len(feed.stop_id),
        "stops_reference": len(reference.stop_id),
        "stops_asked": int(found_stops.observed(reference).sum()),
        "patterns": len(feed),
        "patterns_reference": len(reference),
        "patterns_asked": int(patterns.is_asked.sum()),
        "routes": len(feed.route_id),
        "routes_reference": len(reference.route_id),
    }


def _stops(feed: FeedMap, reference: FeedMap) -> tuple[StopPairs, Figures]:
    """Stops within several distances, in their direction, and what chance would reach."""
    figures: Figures = {}
    n_found = len(feed.stop_id)
    pairs = {radius: found_stops.match_stops(feed.stop_m, reference, radius) for radius in RADII_M}
    for radius, found in pairs.items():
        score = found_stops.score_stops(found, n_found, reference)
        figures[f"stop_precision@{radius}"] = score.precision
        figures[f"stop_recall@{radius}"] = score.recall
        figures[f"stop_f1@{radius}"] = score.f1
    facing = found_stops.facings(feed), found_stops.facings(reference)
    directed = found_stops.match_stops(feed.stop_m, reference, MAP_M, facing)
    figures[f"stop_f1_directed@{MAP_M}"] = found_stops.score_stops(directed, n_found, reference).f1
    figures[f"stop_f1_chance@{MAP_M}"] = found_stops.chance_f1(reference, n_found, MAP_M)
    wide = pairs[RADII_M[-1]]
    figures["stop_error_m"] = float(np.median(wide.off_m)) if len(wide.off_m) else None
    return pairs[MAP_M], figures


def _street_figures(
    feed: FeedMap,
    reference: FeedMap,
    true_streets: tuple[BoolArray, ...],
    found_streets: tuple[BoolArray, ...],
) -> Figures:
    """Share of the lines' length that is right, and that is found, whatever pattern runs there."""
    precision, recall = _share_of_length(feed, found_streets), _share_of_length(reference, true_streets)
    return {"street_precision": precision, "street_recall": recall}


def _share_of_length(feed: FeedMap, streets: tuple[BoolArray, ...]) -> float:
    length_m = np.array([geo.along_m(feed.line_m(k))[-1] for k in range(len(feed))])
    share = np.array([street.mean() for street in streets])
    return float((length_m * share).sum() / max(length_m.sum(), 1e-9))


def _pattern_figures(feed: FeedMap, reference: FeedMap, pairs: PatternPairs) -> Figures:
    """Patterns found, how far their lines lie off, their order of stops, and what is one route."""
    precision, recall, f1 = found_patterns.pattern_f1(pairs, len(feed))
    off: FloatArray = np.concatenate([*pairs.off_m, np.zeros(0)])
    largest_m = found_patterns.hausdorff_m(feed, reference, pairs)
    return {
        "pattern_precision": precision,
        "pattern_recall": recall,
        "pattern_f1": f1,
        "route_f1": found_patterns.route_f1(feed, reference, pairs),
        "shape_error_mean_m": float(off.mean()) if len(off) else None,
        "shape_error_p95_m": float(np.percentile(off, 95)) if len(off) else None,
        "shape_hausdorff_median_m": float(np.median(largest_m)) if len(largest_m) else None,
    }


def _ride_figures(
    report: Path, truth: Path, feed: FeedMap, reference: FeedMap, pairs: PatternPairs
) -> Figures:
    """What the report of a build says of rides."""
    scored = found_rides.score_rides(report, truth, feed, reference, pairs)
    return {
        "ride_accuracy": scored.accuracy,
        "junk_precision": scored.junk_precision,
        "junk_recall": scored.junk_recall,
    }


def _order_figures(feed: FeedMap, reference: FeedMap, pairs: PatternPairs, beside: Path | None) -> Figures:
    """The order of calls of matched patterns, and their running times."""
    found = list(zip(pairs.true.tolist(), pairs.found.tolist(), strict=True))
    common = [found_patterns.common_calls(feed, reference, *pair) for pair in found]
    order = [
        found_patterns.sequence_f1(feed, reference, *pair, calls)
        for pair, calls in zip(found, common, strict=True)
    ]
    runs = found_times.read_beside(beside, "runtimes.csv", RUN_COLUMNS)
    offset_s = found_times.true_offsets_s(reference, runs)
    running = found_times.running_error(feed, offset_s, reference, pairs, common)
    return {
        "sequence_f1": float(np.mean(order)) if order else 0.0,
        "runtime_mape": running.mape,
        "runtime_cover": running.cover,
    }


def _headway_figures(feed: FeedMap, true_s: FloatArray, pairs: PatternPairs) -> Figures:
    """Headways of matched patterns by the hour."""
    headway = found_times.headway_error(feed, true_s, pairs)
    return {
        "headway_mape": headway.mape_all,
        "headway_mape_known": headway.mape,
        "headway_unknown": headway.share_unknown,
        "headway_hours": headway.n_hours,
    }


RUN_COLUMNS = "trip_id stop_sequence mean_offset_s"
HEADWAY_COLUMNS = "trip_id hour headway_s rides"


def _routes(
    feed: FeedMap, reference: FeedMap, pairs: PatternPairs
) -> tuple[tuple[RouteRow, ...], tuple[str, ...]]:
    """Every route of the reference, and the names of those of the feed none of whose patterns is there."""
    went_to: dict[int, Counter[str]] = {}
    for true, found in zip(pairs.true, pairs.found, strict=True):
        name = feed.route_name[feed.route_index[found]]
        went_to.setdefault(int(reference.route_index[true]), Counter())[name] += 1
    is_found = np.zeros(len(reference), dtype=bool)
    is_found[pairs.true] = True
    rows = []
    for route, name in enumerate(reference.route_name):
        mine = reference.route_index == route
        asked = int((mine & pairs.is_asked).sum())
        names = tuple(one for one, _ in went_to.get(route, Counter()).most_common())
        rows.append(RouteRow(name, asked, int((mine & is_found).sum()), names))
    known = set(feed.route_index[pairs.found].tolist())
    invented = [name for route, name in enumerate(feed.route_name) if route not in known]
    return tuple(rows), tuple(invented)
