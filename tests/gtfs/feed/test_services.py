"""Holidays run the Sunday service, where one was seen."""

import datetime

import pytest

from tests.gtfs.feed.test_tables import rows, without_headways
from tests.gtfs.small_city import TODAY, small_city, small_feed
from transitmap.gtfs.feed.country import country_of, currency_of, holidays_of, price_text


def test_on_a_holiday_sunday_runs_and_the_week_does_not():
    changes = rows(small_feed(), "calendar_dates")
    christmas = [row for row in changes if row["date"] == "20261225"]  # a Friday
    assert [(row["service_id"], row["exception_type"]) for row in christmas] == [("SU", "1"), ("WD", "2")]
    labour_day = [row for row in changes if row["date"] == "20270501"]  # a Saturday
    assert [(row["service_id"], row["exception_type"]) for row in labour_day] == [("SA", "2"), ("SU", "1")]


def test_a_holiday_on_a_sunday_changes_nothing():
    sundays = {
        row["date"]
        for row in rows(small_feed(country="GH"), "calendar_dates")
        if datetime.date.fromisoformat(row["date"]).weekday() == 6
    }
    assert sundays == set()


def test_where_no_sunday_was_seen_the_week_goes_on():
    assert "calendar_dates.txt" not in small_feed(small_city(headways=without_headways(day_type=2)))


def test_an_operator_may_run_holidays_as_usual():
    assert "calendar_dates.txt" not in small_feed(holiday_service="as_usual")


def test_a_country_nobody_listed_has_no_holidays():
    assert holidays_of("XX", TODAY, TODAY + datetime.timedelta(days=400)) == []
    assert "calendar_dates.txt" not in small_feed(country="XX")


@pytest.mark.parametrize(
    ("zone", "country", "currency"),
    [
        ("America/Mexico_City", "MX", "MXN"),
        ("Africa/Accra", "GH", "GHS"),
        ("Africa/Kampala", "UG", "UGX"),
        ("UTC", "", ""),
    ],
)
def test_a_zone_has_a_country_and_a_country_its_money(zone, country, currency):
    assert country_of(zone) == country
    assert currency_of(country) == currency


def test_a_price_has_the_decimals_of_its_money():
    assert (price_text(7.5, "MXN"), price_text(700.0, "UGX")) == ("7.50", "700")
