"""What came of every ride that came in: one row each, what it was or why it is not used."""

from __future__ import annotations

import csv
import datetime
import io
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from transitmap.cells import plain_cell
from transitmap.gtfs.admit import admitted_patterns, supported_calls
from transitmap.gtfs.feed import published_trip_id
from transitmap.model import MODES, NO_PATTERN, FloatArray, Ids, Legs, Network, Refusal, Ride, Trips

COLUMNS = [
    "ride",
    "status",
    "reason",
    "mode",
    "route_id",
    "direction_id",
    "trip_id",
    "board_stop_id",
    "alight_stop_id",
    "board_time",
    "alight_time",
    "confidence",
]
HELD_BACK = "held_back"


class Published(NamedTuple):
    """A pattern of the inferred network as the feed has it: its row there, ids, and calls along the shape."""

    route_id: str
    direction_id: str
    trip_id: str
    stop_id: list[str]
    along_m: FloatArray


def report_table(
    rides: Sequence[Ride],
    refusals: Sequence[Refusal],
    trips: Trips,
    inferred: Network,
    admitted: Network,
    ids: Ids,
    min_riders: int,
) -> str:
    """CSV text with the columns of COLUMNS, times in UTC, rows in the order of the names.

    `trips` speaks of the `inferred` network, `ids` of the `admitted` one. A ride is `used` where it is
    evidence: with its trip where its pattern is in the feed, else with a reason, the pattern held back or not
    known yet. It is `ignored` where something says that it is no ride on a line.
    """
    published = _published(inferred, admitted, ids, min_riders)
    rows = [_row(k, ride, trips, inferred, published) for k, ride in enumerate(rides)]
    rows += [[plain_cell(one.ride_id), "ignored", one.reason, *[""] * (len(COLUMNS) - 3)] for one in refusals]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(sorted(rows))
    return out.getvalue()


def _published(inferred: Network, admitted: Network, ids: Ids, min_riders: int) -> dict[int, Published]:
    """The published patterns by their row in the inferred network."""
    found: dict[int, Published] = {}
    patterns = admitted.patterns
    supported = supported_calls(inferred, min_riders)
    for row, old in enumerate(np.flatnonzero(admitted_patterns(inferred, min_riders)).tolist()):
        trip_id = published_trip_id(admitted, ids, row, 0)
        if trip_id:
            calls = slice(patterns.call_start[row], patterns.call_start[row + 1])
            before = slice(inferred.patterns.call_start[old], inferred.patterns.call_start[old + 1])
            found[old] = Published(
                ids.route_id[patterns.route_index[row]],
                str(int(patterns.direction_id[row])),
                trip_id,
                [ids.stop_id[k] for k in patterns.stop_index[calls]],
                inferred.patterns.along_m[before][supported[before]],
            )
    return found


def _row(k: int, ride: Ride, trips: Trips, inferred: Network, published: dict[int, Published]) -> list[str]:
    mode, pattern = MODES[trips.mode[k]], int(trips.pattern_index[k])
    feed = published.get(pattern)
    if feed is None:
        reason = trips.reason[k] if pattern < 0 else HELD_BACK
        status = "used" if reason in (NO_PATTERN, HELD_BACK) else "ignored"
        return [plain_cell(ride.ride_id), status, reason, mode, *[""] * (len(COLUMNS) - 4)]
    first_call = int(inferred.patterns.call_start[pattern])
    stops = []
    for call in (int(trips.board_call[k]), int(trips.alight_call[k])):
        along_m = inferred.patterns.along_m[first_call + call]
        stops.append(feed.stop_id[int(np.argmin(np.abs(feed.along_m - along_m)))])
    when = [_utc(float(trips.board_time_s[k])), _utc(float(trips.alight_time_s[k]))]
    sure = f"{trips.confidence[k]:.2f}"
    return [
        plain_cell(ride.ride_id),
        "used",
        "",
        mode,
        feed.route_id,
        feed.direction_id,
        feed.trip_id,
        *stops,
        *when,
        sure,
    ]


def legs_table(rides: Sequence[Ride], legs: Legs) -> str:
    """CSV text, one row a leg: ride, start and end in UTC, mode."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["ride", "start", "end", "mode"])
    for k in range(len(legs)):
        ride = rides[legs.ride_index[k]]
        ends_s = ride.fixes.time_s[[legs.first[k], legs.last[k] - 1]]
        writer.writerow([plain_cell(ride.ride_id), _utc(ends_s[0]), _utc(ends_s[1]), MODES[legs.mode[k]]])
    return out.getvalue()


def _utc(time_s: float) -> str:
    if not np.isfinite(time_s):
        return ""
    return datetime.datetime.fromtimestamp(round(time_s), datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
