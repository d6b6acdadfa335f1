"""Terminals: stops that patterns end and begin at, so near each other that riders take them for one place."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from transitmap.geo import Plane
from transitmap.model import Ids, Network

NEAR_M = 60.0
"""Stops of one terminal lie as near as the two kerbs of a wide road; farther away there is a walk between."""


class Station(NamedTuple):
    """A parent station: its id, its stops (rows of the network) and where it is."""

    station_id: str
    rows: tuple[int, ...]
    lat_deg: float
    lon_deg: float


def find_stations(network: Network, ids: Ids, used: list[int]) -> list[Station]:
    """The terminals of two stops or more among the stops in use, by id.

    Pairs along the way are two stops and no station: a rider who waits across the street misses the bus. A
    station has the id of its oldest stop, so that it keeps it while that stop is there.
    """
    is_terminal = network.is_terminal()
    ends = [row for row in used if is_terminal[row]]
    lat_deg, lon_deg = network.stops.lat_deg[ends], network.stops.lon_deg[ends]
    stations = []
    for group in _near_groups(lat_deg, lon_deg):
        rows = sorted((ends[k] for k in group), key=lambda row: _number(ids.stop_id[row]))
        place = float(lat_deg[group].mean()), float(lon_deg[group].mean())
        stations.append(Station(_free_id(f"T{ids.stop_id[rows[0]]}", ids), tuple(rows), *place))
    return sorted(stations)


def _free_id(station_id: str, ids: Ids) -> str:
    """The id, with one more T before it for as long as a stop has it: stops may have a city's own ids."""
    return _free_id(f"T{station_id}", ids) if station_id in ids.stop_id else station_id


def _near_groups(lat_deg: np.ndarray, lon_deg: np.ndarray) -> list[list[int]]:
    """Groups of two or more places of which none is farther than NEAR_M from any other."""
    from scipy.cluster.hierarchy import fcluster, linkage

    if len(lat_deg) < 2:
        return []
    xy_m = Plane.around(lat_deg, lon_deg).to_metres(lat_deg, lon_deg)
    group = fcluster(linkage(xy_m, "complete"), NEAR_M, "distance")
    found = [np.flatnonzero(group == one).tolist() for one in np.unique(group)]
    return [one for one in found if len(one) > 1]


def _number(stop_id: str) -> tuple[int, str]:
    """Ids in the order in which they were given."""
    digits = "".join(char for char in stop_id if char.isdigit())
    return int(digits or 0), stop_id
