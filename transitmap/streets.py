"""An OpenStreetMap extract -> Streets: the roads that vehicles may drive, one way where they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from transitmap.errors import TransitmapError
from transitmap.model import Streets

DRIVABLE = frozenset(
    f"{kind}{link}"
    for kind in ("motorway", "trunk", "primary", "secondary", "tertiary")
    for link in ("", "_link")
) | {"unclassified", "residential", "living_street", "service", "busway", "bus_guideway", "road"}
ONE_WAY = frozenset({"yes", "true", "1"})
ONE_WAY_ALWAYS = frozenset({"motorway", "motorway_link"})
"""One way where nothing else is said."""
CLOSED = frozenset({"no", "private"})
"""Access that buses are not given, unless the way says so of them."""


def read_streets(path: Path) -> Streets:
    """The drivable ways of an extract (.osm, .osm.pbf, compressed or not), split at every node.

    A way ends where the extract leaves out a node of it; a piece that two ways share is there once.

    Raises:
        TransitmapError: osmium is not installed, or the file cannot be read or holds no street.
    """
    try:
        import osmium
    except ImportError as error:
        raise TransitmapError("reading streets needs osmium: pip install 'transitmap[osm]'") from error
    place: dict[int, tuple[float, float]] = {}
    pieces: list[tuple[int, int]] = []
    try:
        for way in osmium.FileProcessor(str(path), osmium.osm.NODE | osmium.osm.WAY).with_locations():
            if way.is_way() and _is_open(way.tags):
                known = [node for node in way.nodes if node.location.valid()]
                place.update((node.ref, (node.lat, node.lon)) for node in known)
                pieces += _pieces([node.ref for node in way.nodes], way.tags)
    except RuntimeError as error:
        raise TransitmapError(f"{path.name}: cannot be read as OpenStreetMap: {error}") from error
    pieces = sorted({piece for piece in pieces if place.keys() >= set(piece)})
    if not pieces:
        raise TransitmapError(f"{path.name}: holds no street that vehicles may drive")
    return _streets(place, pieces)


def _is_open(tags: Any) -> bool:
    """Whether a bus may drive there; the narrowest word on it holds."""
    said = (tags.get(key) for key in ("bus", "psv", "motor_vehicle", "vehicle", "access"))
    return tags.get("highway") in DRIVABLE and next((word for word in said if word), "yes") not in CLOSED


def _pieces(refs: list[int], tags: Any) -> list[tuple[int, int]]:
    """Consecutive nodes in the directions that a bus may go."""
    onward = list(zip(refs, refs[1:], strict=False))
    is_implied = tags.get("junction") == "roundabout" or tags.get("highway") in ONE_WAY_ALWAYS
    way = tags.get("oneway", "yes" if is_implied else "no")
    back = [(b, a) for a, b in onward]
    if "no" in (tags.get("oneway:bus"), tags.get("oneway:psv")) or way not in ONE_WAY | {"-1"}:
        return onward + back
    return back if way == "-1" else onward


def _streets(place: dict[int, tuple[float, float]], pieces: list[tuple[int, int]]) -> Streets:
    ref, node = np.unique(np.array(pieces), return_inverse=True)
    ends = node.reshape(-1, 2)
    at = np.array([place[k] for k in ref.tolist()])
    return Streets(at[:, 0], at[:, 1], ends[:, 0].astype(np.int64), ends[:, 1].astype(np.int64))
