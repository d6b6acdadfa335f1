"""Network and the tables of an official feed -> whose ids they are, and what riders saw otherwise."""

from __future__ import annotations

from dataclasses import dataclass

from transitmap.config import DiffConfig, ReferenceConfig
from transitmap.errors import NotEnoughData
from transitmap.gtfs.diff.asking import texts
from transitmap.gtfs.diff.chart import Chart, draw_chart
from transitmap.gtfs.diff.network_chart import chart_network
from transitmap.gtfs.diff.partners import Partners, find_places, inverse
from transitmap.gtfs.diff.seen import Comparison, find_seen
from transitmap.model import Claims, Ids, IntArray, Network, Passes, Tables


@dataclass(frozen=True, eq=False)
class Match:
    """An official feed and which of its stops, routes and patterns is which of ours; `claims` are its ids."""

    official: Chart
    partners: Partners
    claims: Claims


def match_official(
    tables: Tables, network: Network, ids: Ids, route_short: tuple[str, ...], config: DiffConfig
) -> Match:
    """Which rows of the network an official feed knows, one to one, by place, way and name.

    `route_short` are the names of the routes as riders call them. What carries an official id already keeps
    its partner where that is anywhere near.

    Raises:
        NotEnoughData: the official feed has no stops.txt, so it is no feed.
    """
    if "stops.txt" not in tables:
        raise NotEnoughData("stops.txt in the official feed", 0, 1)
    official, ours = draw_chart(tables), chart_network(network, ids, route_short)
    partners = find_places(official, ours, config)
    own_shape = tuple(
        shape if shape == pattern else ""
        for shape, pattern in zip(official.shape_id, official.pattern_id, strict=True)
    )
    claims = Claims(
        stop_id=_claimed(official.stop_id, partners.stop, len(ours.stop_id)),
        route_id=_claimed(official.route_id, partners.route, len(ours.route_id)),
        shape_id=_claimed(own_shape, partners.pattern, len(ours.pattern_id)),
        all_stop_ids=frozenset(texts(tables, "stops.txt", "stop_id")),
        all_route_ids=frozenset(texts(tables, "routes.txt", "route_id")),
        all_shape_ids=frozenset(texts(tables, "shapes.txt", "shape_id")),
    )
    return Match(official, partners, claims)


def _claimed(official_ids: tuple[str, ...], partner: IntArray, n: int) -> tuple[str, ...]:
    """For each of our rows the id of its official partner, or none."""
    return tuple(official_ids[row] if row >= 0 else "" for row in inverse(partner, n).tolist())


def compare_official(
    match: Match,
    network: Network,
    ids: Ids,
    route_short: tuple[str, ...],
    passes: Passes,
    config: ReferenceConfig,
) -> Comparison:
    """What riders saw otherwise than the official feed that was matched has it; `ids` are the public ones."""
    ours = chart_network(network, ids, route_short)
    return find_seen(match.official, ours, match.partners, network, passes, config)
