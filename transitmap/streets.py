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


def read_streets(path: Path) -> Streets:
    """The drivable ways of an extract (.osm, .osm.pbf, compressed or not), split at every node.

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
            if way.is_way() and way.tags.get("highway") in DRIVABLE:
                nodes = [node for node in way.nodes if node.location.valid()]
                place.update((node.ref, (node.lat, node.lon)) for node in nodes)
                pieces += _pieces([node.ref for node in nodes], way.tags)
    except RuntimeError as error:
        raise TransitmapError(f"{path.name}: cannot be read as OpenStreetMap: {error}") from error
    if not pieces:
        raise TransitmapError(f"{path.name}: holds no street that vehicles may drive")
    return _streets(place, pieces)


def _pieces(refs: list[int], tags: Any) -> list[tuple[int, int]]:
    """Consecutive nodes in the directions that a bus may go."""
    onward = list(zip(refs, refs[1:], strict=False))
    way = tags.get("oneway", "yes" if tags.get("junction") == "roundabout" else "no")
    back = [(b, a) for a, b in onward]
    if "no" in (tags.get("oneway:bus"), tags.get("oneway:psv")) or way not in ONE_WAY | {"-1"}:
        return onward + back
    return back if way == "-1" else onward


def _streets(place: dict[int, tuple[float, float]], pieces: list[tuple[int, int]]) -> Streets:
    ref, node = np.unique(np.array(pieces), return_inverse=True)
    ends = node.reshape(-1, 2)
    at = np.array([place[k] for k in ref.tolist()])
    return Streets(at[:, 0], at[:, 1], ends[:, 0].astype(np.int64), ends[:, 1].astype(np.int64))
