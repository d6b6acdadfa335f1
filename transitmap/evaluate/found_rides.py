"""What a build said of every ride, against what each ride was."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import NamedTuple

from transitmap.errors import TransitmapError
from transitmap.evaluate.feed_map import FeedMap
from transitmap.evaluate.found_patterns import PatternPairs


class TableUnreadable(TransitmapError):
    """A report or a truth about rides that lacks a column."""


class RideScore(NamedTuple):
    """Share of rides put on a pattern of their route and direction; of what is no ride, how well it is told.

    Precision is the share of rejected rides that are none, recall the share of those that are none that are
    rejected; None where there is nothing to divide by.
    """

    accuracy: float | None
    junk_precision: float | None
    junk_recall: float | None


def score_rides(
    report: Path, truth: Path, feed: FeedMap, reference: FeedMap, pairs: PatternPairs
) -> RideScore:
    """The report of a build (ride, status, trip_id) against the truth (ride, kind, route_id, direction_id).

    Rides are told by their file name without folder and extension; a ride that the report lacks counts as
    rejected.

    Raises:
        TableUnreadable: a column is missing.
    """
    said = {_stem(row["ride"]): row for row in _rows(report, "ride status trip_id")}
    pattern_of = feed.pattern_of()
    serves: dict[int, set[tuple[str, str]]] = {}
    for true, found in pairs.may_be:
        route = reference.route_id[reference.route_index[true]]
        serves.setdefault(found, set()).add((route, reference.direction[true]))
    hits = n_rides = n_junk = n_rejected = n_both = 0
    for row in _rows(truth, "ride kind route_id direction_id"):
        answer = said.get(_stem(row["ride"]), {"status": "ignored", "trip_id": ""})
        is_junk, is_rejected = row["kind"] != "ride", answer["status"] != "used"
        n_junk += is_junk
        n_rejected += is_rejected
        n_both += is_junk and is_rejected
        if not is_junk:
            n_rides += 1
            served = serves.get(pattern_of.get(answer["trip_id"], -1), set())
            hits += (row["route_id"], row["direction_id"]) in served
    return RideScore(
        hits / n_rides if n_rides else None,
        n_both / n_rejected if n_rejected else None,
        n_both / n_junk if n_junk else None,
    )


def _rows(path: Path, columns: str) -> list[dict[str, str]]:
    """Rows of a CSV file."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = set(columns.split()) - set(reader.fieldnames or ())
            if missing:
                raise TableUnreadable(f"{path.name}: no column {', '.join(sorted(missing))}")
            return [{name: text or "" for name, text in row.items() if name} for row in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise TableUnreadable(f"{path.name}: no table: {error}") from error


def _stem(ride: str) -> str:
    """`rides.zip/ride-1.gpx` and `ride-1` are one ride."""
    name = ride.replace("\\", "/").rsplit("/", 1)[-1]
    return name.rsplit(".", 1)[0] if name.lower().endswith((".gpx", ".csv", ".json")) else name
