"""Network, previous ids -> ids that stay with the same stop, route, pattern and shape from feed to feed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from transitmap.geo import Plane
from transitmap.gtfs.carry_ids.memory import nothing, remember, retire
from transitmap.gtfs.carry_ids.same_lines import match_patterns, match_routes
from transitmap.gtfs.carry_ids.same_stops import match_stops
from transitmap.model import Ids, IntArray, Network, shape_id_of

__all__ = ["Ids", "carry_ids", "forget", "go_back"]


def carry_ids(network: Network, previous: Ids | None) -> Ids:
    """Ids for every row of the network: the previous ones where it is the same thing, else new ones.

    Everything is matched one to one, the whole city at once. The same stop: near, and passed the same way;
    both less strictly where the same patterns call. The same pattern (and shape): each line covers 80 % of
    the other; stops in common and the route's name decide among several. The same route: most patterns in
    common, the name counting as one and a half. What is left may be something of an earlier feed, which gets
    its id back. New ids count on from the previous `next_*`, so no id ever comes back as something else.
    Memory O(pairs of line points within 65 m of each other).
    """
    old, new = previous or nothing(), remember(network)
    plane = _plane(old, new)
    # Stops tell apart the patterns of one street; these then tell apart the kerbs and corners of stops.
    pattern_of = match_patterns(new, old, match_stops(new, old, plane), plane)
    stop_of = match_stops(new, old, plane, pattern_of)
    route_of = match_routes(new, old, pattern_of)
    stop_id, next_stop = _assign("S", old.stop_id + old.gone_stop_id, stop_of, old.next_stop)
    route_id, next_route = _assign("R", old.route_id + old.gone_route_id, route_of, old.next_route)
    known_patterns = old.pattern_id + old.gone_pattern_id
    pattern_id, next_pattern = _assign("P", known_patterns, pattern_of, old.next_pattern)
    carried = replace(
        new,
        stop_id=stop_id,
        route_id=route_id,
        pattern_id=pattern_id,
        shape_id=tuple(shape_id_of(one) for one in pattern_id),
        next_stop=next_stop,
        next_route=next_route,
        next_pattern=next_pattern,
    )
    return retire(carried, old)


def go_back(wanted: Ids, latest: Ids) -> Ids:
    """The ids of an earlier feed that holds again, with the memory of the latest and the higher counters.

    What only the latest had gets its id back when it is in a feed again; no number is given twice.
    """
    return retire(
        replace(
            wanted,
            next_stop=max(wanted.next_stop, latest.next_stop),
            next_route=max(wanted.next_route, latest.next_route),
            next_pattern=max(wanted.next_pattern, latest.next_pattern),
        ),
        latest,
    )


def forget(previous: Ids) -> Ids:
    """The ids of a feed with nothing in it that remembers nothing: the numbers alone go on."""
    return replace(
        nothing(),
        next_stop=previous.next_stop,
        next_route=previous.next_route,
        next_pattern=previous.next_pattern,
    )


def _plane(old: Ids, new: Ids) -> Plane:
    """One plane for both feeds."""
    lat_deg = np.concatenate([old.stop_lat_deg, new.stop_lat_deg])
    lon_deg = np.concatenate([old.stop_lon_deg, new.stop_lon_deg])
    return Plane.around(lat_deg, lon_deg)


def _assign(
    prefix: str, old_ids: tuple[str, ...], partner: IntArray, number: int
) -> tuple[tuple[str, ...], int]:
    """The partner's id for each row, or the next number; and the number after the last."""
    ids = []
    for row in partner:
        ids.append(old_ids[row] if row >= 0 else f"{prefix}{number}")
        number += int(row < 0)
    return tuple(ids), number
