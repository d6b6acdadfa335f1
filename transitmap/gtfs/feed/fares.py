"""Fares on which riders agree -> fares version 1, version 2, or both."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from transitmap.config import FeedConfig
from transitmap.gtfs.feed.country import currency_of, price_text
from transitmap.gtfs.feed.rows import TripKeys, as_columns, patterns_of
from transitmap.model import Ids, Network, Tables

PAID_ABOARD = "0"
NO_TRANSFERS = "0"
"""Nobody said that a ticket holds for a second vehicle; in doubt the best practice is the higher fare."""


class _Price(NamedTuple):
    """A price and the routes that ask it."""

    fare_id: str
    text: str
    route_ids: tuple[str, ...]


def fare_tables(
    network: Network, ids: Ids, config: FeedConfig, country: str, agency_id: str, trips: TripKeys
) -> Tables:
    """The tables of the fares; none where riders agree on none or the currency is not known.

    One price is one fare, whatever routes ask it. Version 2 says the same by networks of equal price.
    """
    currency = config.currency or currency_of(country)
    prices = _prices(network, ids, currency, trips) if currency and config.fares != "none" else []
    tables: Tables = {}
    if prices and config.fares in ("v1", "both"):
        tables |= _version_1(prices, currency, agency_id)
    if prices and config.fares in ("v2", "both"):
        tables |= _version_2(prices, currency)
    return tables


def _prices(network: Network, ids: Ids, currency: str, trips: TripKeys) -> list[_Price]:
    """Every price that a published route asks, the cheapest first."""
    used = {int(network.patterns.route_index[pattern]) for pattern in patterns_of(trips)}
    routes: dict[float, list[int]] = {}
    for route, price in zip(network.fares.route_index.tolist(), network.fares.price.tolist(), strict=True):
        if route in used and np.isfinite(price):
            routes.setdefault(price, []).append(route)
    return [
        _Price(
            f"F{price_text(price, currency)}",
            price_text(price, currency),
            tuple(ids.route_id[k] for k in rows),
        )
        for price, rows in sorted(routes.items())
    ]


def _version_1(prices: list[_Price], currency: str, agency_id: str) -> Tables:
    fares = ((one.fare_id, one.text, currency, PAID_ABOARD, NO_TRANSFERS, agency_id) for one in prices)
    rules = ((one.fare_id, route_id) for one in prices for route_id in one.route_ids)
    names = "fare_id price currency_type payment_method transfers agency_id"
    return {
        "fare_attributes.txt": as_columns(names, fares),
        "fare_rules.txt": as_columns("fare_id route_id", rules),
    }


def _version_2(prices: list[_Price], currency: str) -> Tables:
    network_of = {one.fare_id: f"N{one.text}" for one in prices}
    return {
        "networks.txt": as_columns("network_id", ((network,) for network in network_of.values())),
        "route_networks.txt": as_columns(
            "network_id route_id", ((network_of[one.fare_id], k) for one in prices for k in one.route_ids)
        ),
        "fare_products.txt": as_columns(
            "fare_product_id amount currency", ((one.fare_id, one.text, currency) for one in prices)
        ),
        "fare_leg_rules.txt": as_columns(
            "network_id fare_product_id", ((network_of[one.fare_id], one.fare_id) for one in prices)
        ),
    }
