"""Stage 0. Rides -> those that may draw; sketches, out of a timeline, are set aside and put back as such."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

import numpy as np

from transitmap.model import BUS, OTHER, RAIL, SPARSE, BoolArray, Ride, Trips

_MODES = {"bus": BUS, "tram": RAIL, "metro": RAIL, "train": RAIL}
_NOT_KNOWN = {"pattern_index": -1, "board_call": -1, "alight_call": -1, "confidence": 0.0}


def set_aside(rides: Sequence[Ride]) -> tuple[list[Ride], BoolArray]:
    """The rides that are no sketches, and which of all are."""
    is_sketch = np.array([SPARSE in ride.flagged for ride in rides], dtype=np.bool_)
    return [ride for ride in rides if SPARSE not in ride.flagged], is_sketch


def put_back(trips: Trips, rides: Sequence[Ride], is_sketch: BoolArray) -> Trips:
    """The trips of all rides: of a sketch a row without a pattern that says why, of the others their own."""
    if not is_sketch.any():
        return trips
    row = np.where(is_sketch, -1, np.cumsum(~is_sketch) - 1)
    columns = {
        column.name: _spread(getattr(trips, column.name), row, _NOT_KNOWN.get(column.name, np.nan))
        for column in fields(Trips)
        if column.name not in ("mode", "reason")
    }
    mode = [_MODES.get(ride.declared_mode, OTHER) for ride in rides]
    return Trips(
        **columns,
        mode=np.array(
            [mode[k] if row[k] < 0 else trips.mode[row[k]] for k in range(len(rides))], dtype=np.int64
        ),
        reason=tuple(SPARSE if one < 0 else trips.reason[one] for one in row.tolist()),
    )


def _spread(values: np.ndarray, row: np.ndarray, blank: float) -> np.ndarray:
    """The values of the rows, the blank where there is none."""
    out = np.full(len(row), blank, dtype=values.dtype)
    out[row >= 0] = values[row[row >= 0]]
    return out
