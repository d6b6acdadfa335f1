"""Network, ids, names -> Chart: what riders found, as columns that can be compared with a feed's."""

from __future__ import annotations

import numpy as np

from transitmap.gtfs.diff.cadence import no_windows
from transitmap.gtfs.diff.chart import Chart
from transitmap.model import FloatArray, Ids, Network


def chart_network(network: Network, ids: Ids, route_short: tuple[str, ...]) -> Chart:
    """The network as a chart, every pattern of it, whether or not a headway is known.

    Names are what riders said, empty where they said none: a name that we made up is nobody's. There are no
    windows: what riders know of times comes with intervals, and is compared as such.
    """
    stops, patterns = network.stops, network.patterns
    lines = [_line(network, row) for row in range(len(patterns))]
    return Chart(
        stop_id=ids.stop_id,
        stop_name=stops.name,
        stop_lat_deg=stops.lat_deg,
        stop_lon_deg=stops.lon_deg,
        route_id=ids.route_id,
        route_short=route_short,
        route_long=network.routes.long_name,
        pattern_id=ids.pattern_id,
        shape_id=ids.shape_id,
        route_index=patterns.route_index,
        direction=tuple(str(one) for one in patterns.direction_id.tolist()),
        headsign=patterns.headsign,
        run_s=patterns.run_s[patterns.call_start[1:] - 1],
        is_timetabled=np.zeros(len(patterns), dtype=bool),
        call_start=patterns.call_start,
        stop_index=patterns.stop_index,
        call_s=patterns.run_s,
        point_start=np.cumsum([0, *(len(line) for line in lines)]).astype(np.int64),
        lat_deg=np.concatenate([np.zeros(0), *(line[:, 0] for line in lines)]),
        lon_deg=np.concatenate([np.zeros(0), *(line[:, 1] for line in lines)]),
        windows=no_windows(),
    )


def _line(network: Network, pattern: int) -> FloatArray:
    """(n, 2) latitudes and longitudes of a pattern: its shape, else straight from stop to stop."""
    shapes, patterns, stops = network.shapes, network.patterns, network.stops
    span = slice(shapes.point_start[pattern], shapes.point_start[pattern + 1])
    if shapes.point_start[pattern + 1] - shapes.point_start[pattern] > 1:
        return np.column_stack([shapes.lat_deg[span], shapes.lon_deg[span]])
    calls = patterns.stop_index[patterns.call_start[pattern] : patterns.call_start[pattern + 1]]
    return np.column_stack([stops.lat_deg[calls], stops.lon_deg[calls]])
