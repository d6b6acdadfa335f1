"""A country's public holidays and its money: the door to holidays and babel."""

from __future__ import annotations

import datetime


def country_of(zone: str) -> str:
    """The country (ISO 3166) of a time zone by its IANA name; empty for one that has none."""
    from babel.core import get_global

    return str(get_global("zone_territories").get(zone, ""))


def holidays_of(country: str, first: datetime.date, last: datetime.date) -> list[datetime.date]:
    """Public holidays from the first to the last day, sorted; none of a country that nobody listed."""
    import holidays

    if country not in holidays.list_supported_countries():
        return []
    years = range(first.year, last.year + 1)
    return sorted(day for day in holidays.country_holidays(country, years=years) if first <= day <= last)


def currency_of(country: str) -> str:
    """The currency (ISO 4217) of a country; empty where there is none or more than one."""
    from babel.numbers import get_territory_currencies

    currencies: list[str] = get_territory_currencies(country) if country else []
    return currencies[0] if len(currencies) == 1 else ""


def price_text(price: float, currency: str) -> str:
    """An amount with the decimals of its currency, as fares want it: 7.5 MXN is 7.50, 700 UGX is 700."""
    from babel.numbers import get_currency_precision

    return f"{price:.{get_currency_precision(currency)}f}"
