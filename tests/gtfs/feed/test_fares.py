"""Fares on which riders agree, in both versions of GTFS."""

import numpy as np
import pytest

from tests.gtfs.feed.test_tables import rows
from tests.gtfs.small_city import small_city, small_feed
from transitmap.model import Fares


def said(*prices):
    n = len(prices)
    return Fares(
        np.arange(n), np.array(prices), np.full(n, 5.0), np.full(n, 800.0), np.full(n, 5), np.full(n, 0.8)
    )


def test_one_price_is_one_fare():
    tables = small_feed(small_city(fares=said(8.0, 8.0)))
    (fare,) = rows(tables, "fare_attributes")
    assert fare == {
        "fare_id": "F8.00",
        "price": "8.00",
        "currency_type": "MXN",
        "payment_method": "0",
        "transfers": "0",
        "agency_id": "A1",
    }
    assert rows(tables, "fare_rules") == [{"fare_id": "F8.00", "route_id": one} for one in ("R1", "R2")]


def test_where_riders_do_not_agree_nothing_is_told():
    tables = small_feed(small_city(fares=said(8.0, np.nan)))
    assert [row["route_id"] for row in rows(tables, "fare_rules")] == ["R1"]
    assert not {name for name in small_feed(small_city(fares=said(np.nan))) if name.startswith("fare")}


@pytest.mark.parametrize(
    ("fares", "files"),
    [
        ("none", set()),
        ("v1", {"fare_attributes.txt", "fare_rules.txt"}),
        ("v2", {"networks.txt", "route_networks.txt", "fare_products.txt", "fare_leg_rules.txt"}),
    ],
)
def test_the_version_is_the_operators_choice(fares, files):
    tables = small_feed(small_city(fares=said(8.0, 12.5)), fares=fares)
    assert set(tables) - set(small_feed()) == files
    both = small_feed(small_city(fares=said(8.0, 12.5)), fares="both")
    assert files <= set(both)


def test_version_2_asks_the_same_price_of_the_same_routes():
    tables = small_feed(small_city(fares=said(8.0, 12.5)), fares="v2")
    price = {row["fare_product_id"]: row["amount"] for row in rows(tables, "fare_products")}
    product = {row["network_id"]: row["fare_product_id"] for row in rows(tables, "fare_leg_rules")}
    asked = {row["route_id"]: price[product[row["network_id"]]] for row in rows(tables, "route_networks")}
    assert asked == {"R1": "8.00", "R2": "12.50"}
    assert {row["currency"] for row in rows(tables, "fare_products")} == {"MXN"}


def test_without_a_currency_a_number_is_no_price():
    city = small_city(fares=said(8.0), timezone="UTC")
    assert not {name for name in small_feed(city) if name.startswith("fare")}
    assert rows(small_feed(city, currency="USD"), "fare_attributes")[0]["currency_type"] == "USD"
