"""An Evaluation in words: its figures, and what became of every route of the reference."""

from __future__ import annotations

from collections.abc import Iterator

from transitmap.evaluate.score import Evaluation, RouteRow

EXPLAINED = {
    "stop_f1@30": "stops within 30 m, one to one",
    "stop_f1_directed@30": "the same, served in the same direction",
    "stop_f1_chance@30": "the same, of as many stops put at random along the reference",
    "stop_error_m": "median metres between matched stops",
    "street_precision": "share of our lines' length where the reference runs the same way",
    "street_recall": "share of the reference's length where some line of ours runs the same way",
    "pattern_f1": "patterns that cover each other by 85 % within 40 m",
    "route_f1": "pairs of found patterns: one route or not",
    "shape_error_mean_m": "metres from points of a line to the matched line, both ways",
    "shape_hausdorff_median_m": "largest such distance of a pattern, the median pattern",
    "sequence_f1": "ordered stops of found patterns",
    "runtime_mape": "relative error of running times over three hops",
    "headway_mape": "relative error of headways; a silent hour counts 1",
    "headway_mape_known": "the same, where we state one",
    "headway_unknown": "share of hours without a statement",
    "ride_accuracy": "rides put on their route and direction",
}


def describe(evaluation: Evaluation) -> Iterator[str]:
    """Lines of text: a figure each, then the routes of the reference, then what the feed has beyond them."""
    for name, value in evaluation.figures.items():
        said = "-" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)
        yield f"{name:26s} {said:>8s}  {EXPLAINED.get(name, '')}".rstrip()
    yield ""
    yield "route of the reference     patterns found  state    as"
    for row in evaluation.routes:
        yield _route(row)
    if evaluation.invented:
        yield f"only in the feed: {', '.join(evaluation.invented)}"


def _route(row: RouteRow) -> str:
    found = f"{row.n_found} of {max(row.n_asked, row.n_found)}"
    return f"{row.name[:26]:26s} {found:>14s}  {row.state:8s} {', '.join(row.found_as)}".rstrip()
