"""Network -> the part of it that enough people support, and what was held back, in numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from transitmap.model import (
    Fares,
    HailStretches,
    Headways,
    HeldBack,
    HopTimes,
    HopWitnesses,
    IntArray,
    Network,
    Patterns,
    Shapes,
    StepFree,
)

Mask = npt.NDArray[np.bool_]


def admit(network: Network, min_riders: int) -> tuple[Network, list[HeldBack]]:
    """The network without what fewer than `min_riders` people support, and what was held back, in numbers.

    A stop too few people used is taken out of every pattern; a pattern is held back for its own riders or
    when fewer than two stops are left. Stops, routes and headways that nothing refers to any more go too.
    Where the first stop of a pattern goes, its times and windows start at the next one. Somebody rode
    whatever is there, so with `min_riders` 1 only what no pattern uses goes.
    """
    keep_pattern = admitted_patterns(network, min_riders)
    n_calls = np.diff(network.patterns.call_start)
    keep_call = supported_calls(network, min_riders) & np.repeat(keep_pattern, n_calls)
    keep_stop = np.zeros(len(network.stops), dtype=bool)
    keep_stop[network.patterns.stop_index[keep_call]] = True
    keep_route = np.zeros(len(network.routes), dtype=bool)
    keep_route[network.patterns.route_index[keep_pattern]] = True
    admitted = replace(
        network,
        stops=network.stops.take(keep_stop),
        routes=network.routes.take(keep_route),
        patterns=_take_patterns(network.patterns, keep_pattern, keep_call, keep_stop, keep_route),
        shapes=_take_shapes(network, keep_pattern, keep_call),
        headways=_take_headways(network, keep_pattern, keep_call, min_riders),
        hops=_take_hops(network, keep_call),
        hails=_take_hails(network, keep_pattern, keep_call, min_riders),
        fares=_take_fares(network, keep_route, min_riders),
        step_free=_take_step_free(network, keep_stop, min_riders),
        hop_witnesses=_take_hop_witnesses(network, keep_call, min_riders),
    )
    held = _held_back(network, min_riders, keep_stop, keep_pattern, keep_route)
    return admitted, held + _untold(network, admitted, min_riders)


def admitted_patterns(network: Network, min_riders: int) -> Mask:
    """Which patterns `admit` keeps: row i of the network becomes row `cumsum(kept)[i] - 1`."""
    patterns = network.patterns
    n_calls = _per_pattern(patterns.call_start, supported_calls(network, min_riders))
    return _supported(patterns.n_riders, min_riders) & (n_calls >= 2)


def supported_calls(network: Network, min_riders: int) -> Mask:
    """Which calls enough people support: at the stop, and aboard on every metre between the kept ones.

    Of a pattern that enough people rode only in pieces, the piece with most calls is kept.
    """
    patterns = network.patterns
    aboard = _supported(patterns.call_n_riders, min_riders)
    for first, last in zip(patterns.call_start[:-1], patterns.call_start[1:], strict=True):
        edges = np.flatnonzero(
            np.diff(np.concatenate([[False], aboard[first:last], [False]]).astype(np.int8))
        )
        if len(edges) > 2:
            longest = int(np.argmax(edges[1::2] - edges[::2]))
            aboard[first : first + edges[2 * longest]] = False
            aboard[first + edges[2 * longest + 1] : last] = False
    return np.asarray(aboard & _supported(network.stops.n_riders, min_riders)[patterns.stop_index])


def _supported(n_riders: IntArray, min_riders: int) -> Mask:
    """Somebody rode it even where nobody knows who, so every row counts one rider at least."""
    return np.asarray(np.maximum(n_riders, 1) >= min_riders)


def _per_pattern(call_start: IntArray, keep_call: Mask) -> IntArray:
    """How many calls of each pattern are kept."""
    total = np.concatenate([[0], np.cumsum(keep_call)])
    return np.asarray(total[call_start[1:]] - total[call_start[:-1]])


def _new_rows(keep: Mask) -> IntArray:
    """For each old row its new one; rows that go are never asked for."""
    return np.asarray(np.cumsum(keep) - 1, dtype=np.int64)


def _take_patterns(
    patterns: Patterns, keep: Mask, keep_call: Mask, keep_stop: Mask, keep_route: Mask
) -> Patterns:
    """The kept patterns with their kept calls, pointing to the new rows of stops and routes."""
    n_calls = _per_pattern(patterns.call_start, keep_call)[keep]
    call_start = np.concatenate([[0], np.cumsum(n_calls)]).astype(np.int64)
    run_s, along_m = patterns.run_s[keep_call], patterns.along_m[keep_call]
    return Patterns(
        _new_rows(keep_route)[patterns.route_index[keep]],
        patterns.direction_id[keep],
        patterns.n_rides[keep],
        patterns.n_riders[keep],
        patterns.n_days[keep],
        patterns.confidence[keep],
        tuple(patterns.headsign[row] for row in np.flatnonzero(keep)),
        call_start,
        _new_rows(keep_stop)[patterns.stop_index[keep_call]],
        along_m - np.repeat(along_m[call_start[:-1]], n_calls),
        run_s - np.repeat(run_s[call_start[:-1]], n_calls),
        patterns.run_spread_s[keep_call],
        patterns.call_n_riders[keep_call],
        patterns.last_day[keep],
    )


def _take_shapes(network: Network, keep_pattern: Mask, keep_call: Mask) -> Shapes:
    """The lines of the kept patterns, cut at their first and last kept call: beyond, too few people rode."""
    shapes, patterns = network.shapes, network.patterns
    pieces = []
    for row in np.flatnonzero(keep_pattern):
        calls = slice(patterns.call_start[row], patterns.call_start[row + 1])
        points = slice(shapes.point_start[row], shapes.point_start[row + 1])
        called_m = patterns.along_m[calls][keep_call[calls]]
        pieces.append(_cut(shapes, points, float(called_m[0]), float(called_m[-1])))
    lat_deg, lon_deg, along_m = np.concatenate([*pieces, np.zeros((0, 3))]).T
    start = np.concatenate([[0], np.cumsum([len(piece) for piece in pieces])]).astype(np.int64)
    return Shapes(start, lat_deg, lon_deg, along_m)


def _cut(shapes: Shapes, points: slice, first_m: float, last_m: float) -> npt.NDArray[np.float64]:
    """(n, 3) latitude, longitude and distance of a line from one distance to another, distance from 0."""
    along_m = shapes.along_m[points]
    inner_m = along_m[(along_m > first_m) & (along_m < last_m)]
    where_m = np.concatenate([[first_m], inner_m, [last_m]])
    lon_deg = np.unwrap(shapes.lon_deg[points], period=360.0)
    east_deg = (np.interp(where_m, along_m, lon_deg) + 180.0) % 360.0 - 180.0
    return np.column_stack([np.interp(where_m, along_m, shapes.lat_deg[points]), east_deg, where_m - first_m])


def _take_headways(network: Network, keep_pattern: Mask, keep_call: Mask, min_riders: int) -> Headways:
    """Windows of the kept patterns, moved to where the first kept stop is passed."""
    headways, patterns = network.headways, network.patterns
    keep = keep_pattern[headways.pattern_index] & ~_few_saw(headways, min_riders)
    first_kept = np.concatenate([np.flatnonzero(keep_call), [0]])
    before = np.concatenate([[0], np.cumsum(keep_call)])[patterns.call_start[:-1]]
    delay_s = np.where(keep_pattern, patterns.run_s[first_kept[before]], 0.0)
    shift_s = np.rint(delay_s).astype(np.int64)[headways.pattern_index[keep]]
    kept = headways.take(keep)
    return replace(
        kept,
        pattern_index=_new_rows(keep_pattern)[kept.pattern_index],
        start_s=kept.start_s + shift_s,
        end_s=kept.end_s + shift_s,
    )


def _few_saw(headways: Headways, min_riders: int) -> Mask:
    """Which windows are known to rest on too few people."""
    return np.asarray((headways.n_riders >= 0) & ~_supported(headways.n_riders, min_riders))


def _take_hops(network: Network, keep_call: Mask) -> HopTimes:
    """Times of the hops whose calls are both kept."""
    hops = network.hops
    keep = keep_call[hops.call_index] & keep_call[np.minimum(hops.call_index + 1, len(keep_call) - 1)]
    kept = hops.take(keep)
    return replace(kept, call_index=_new_rows(keep_call)[kept.call_index])


def _take_hop_witnesses(network: Network, keep_call: Mask, min_riders: int) -> HopWitnesses:
    """What is told of the ways between calls that are neighbours now, if so many people rode all of one."""
    told, new = network.hop_witnesses, _new_rows(keep_call)
    is_hop = new[told.next_index] == new[told.call_index] + 1
    keep = keep_call[told.call_index] & keep_call[told.next_index] & is_hop & (told.n_riders >= min_riders)
    kept = told.take(keep)
    return replace(kept, call_index=new[kept.call_index], next_index=new[kept.next_index])


def _take_hails(network: Network, keep_pattern: Mask, keep_call: Mask, min_riders: int) -> HailStretches:
    """The stretches of enough people between the kept calls, in metres from the first of these."""
    hails, patterns = network.hails, network.patterns
    row = hails.pattern_index
    span_m = np.zeros((len(patterns), 2))
    for k in np.flatnonzero(keep_pattern):
        calls = slice(patterns.call_start[k], patterns.call_start[k + 1])
        span_m[k] = patterns.along_m[calls][keep_call[calls]][[0, -1]]
    start_m = np.maximum(hails.start_m, span_m[row, 0])
    end_m = np.minimum(hails.end_m, span_m[row, 1])
    keep = keep_pattern[row] & (end_m > start_m) & _supported(hails.n_riders, min_riders)
    moved = replace(hails, start_m=start_m - span_m[row, 0], end_m=end_m - span_m[row, 0]).take(keep)
    return replace(moved, pattern_index=_new_rows(keep_pattern)[moved.pattern_index])


def _take_fares(network: Network, keep_route: Mask, min_riders: int) -> Fares:
    """What enough people say of the kept routes. Each end of a range is the word of one person."""
    fares = network.fares
    kept = fares.take(keep_route[fares.route_index] & _supported(fares.n_riders, min_riders))
    is_told = (kept.low == kept.high) | (min_riders <= 1)
    ends = {name: np.where(is_told, getattr(kept, name), np.nan) for name in ("low", "high")}
    return replace(kept, route_index=_new_rows(keep_route)[kept.route_index], **ends)


def _take_step_free(network: Network, keep_stop: Mask, min_riders: int) -> StepFree:
    """What enough people say of the kept stops."""
    step_free = network.step_free
    kept = step_free.take(keep_stop[step_free.stop_index] & _supported(step_free.n_riders, min_riders))
    return replace(kept, stop_index=_new_rows(keep_stop)[kept.stop_index])


def _held_back(
    network: Network, min_riders: int, keep_stop: Mask, keep_pattern: Mask, keep_route: Mask
) -> list[HeldBack]:
    """How many of each kind are held back, and why."""
    few_stop = ~_supported(network.stops.n_riders, min_riders)
    few_pattern = ~_supported(network.patterns.n_riders, min_riders)
    reasons = (
        ("stops", few_stop, "few_riders"),
        ("stops", ~keep_stop & ~few_stop, "no_call"),
        ("patterns", few_pattern, "few_riders"),
        ("patterns", ~keep_pattern & ~few_pattern, "few_stops"),
        ("routes", ~keep_route, "no_pattern"),
        ("headways", _few_saw(network.headways, min_riders), "few_riders"),
        ("hails", ~_supported(network.hails.n_riders, min_riders), "few_riders"),
        ("fares", ~_supported(network.fares.n_riders, min_riders), "few_riders"),
        ("step_free", ~_supported(network.step_free.n_riders, min_riders), "few_riders"),
    )
    return [
        HeldBack(kind, why, int(held.sum()), len(held), min_riders)
        for kind, held, why in reasons
        if held.any()
    ]


def _untold(network: Network, admitted: Network, min_riders: int) -> list[HeldBack]:
    """The ways between published calls that too few people rode from end to end, if anybody counted."""
    n_all = len(admitted.patterns.stop_index) - len(admitted.patterns)
    n = n_all - len(admitted.hop_witnesses)
    reason = "nobody" if min_riders <= 1 else "few_riders"
    return [HeldBack("segments", reason, n, n_all, min_riders)] if n and len(network.hop_witnesses) else []
