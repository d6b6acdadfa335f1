"""When services run: the week of each day type, and the holidays that run another one's."""

from __future__ import annotations

import datetime

from transitmap.config import FeedConfig
from transitmap.gtfs.feed.country import holidays_of
from transitmap.gtfs.feed.rows import Columns, TripKeys, as_columns
from transitmap.model import SERVICE_IDS, Network

WEEK = {"WD": "1111100", "SA": "0000010", "SU": "0000001"}
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
SUNDAY = "SU"
ADDED, REMOVED = "1", "2"


def calendar(network: Network, config: FeedConfig, today: datetime.date, trips: TripKeys) -> Columns:
    """calendar.txt: a row for each day type that is published."""
    start, end = service_span(network, config, today)
    rows = ((one, *WEEK[one], f"{start:%Y%m%d}", f"{end:%Y%m%d}") for one in _services(trips))
    return as_columns("service_id " + " ".join(DAYS) + " start_date end_date", rows)


def calendar_dates(
    network: Network, config: FeedConfig, today: datetime.date, country: str, trips: TripKeys
) -> Columns:
    """calendar_dates.txt: on public holidays the Sunday service runs, where there is one.

    Where nobody observed a Sunday, what runs on a holiday is not known either, and the week goes on.
    """
    used = _services(trips)
    rows = []
    if SUNDAY in used and config.holiday_service == "sunday":
        for day in holidays_of(country, *service_span(network, config, today)):
            usual = next(one for one, week in WEEK.items() if week[day.weekday()] == "1")
            if usual != SUNDAY:
                rows += [(one, f"{day:%Y%m%d}", REMOVED) for one in used if one == usual]
                rows.append((SUNDAY, f"{day:%Y%m%d}", ADDED))
    return as_columns("service_id date exception_type", sorted(rows))


def service_span(
    network: Network, config: FeedConfig, today: datetime.date
) -> tuple[datetime.date, datetime.date]:
    """First and last day of service: it has begun on every weekday whatever the evidence's dates are.

    Canonical rule trip_coverage_not_active_for_next7_days takes the first day that most trips run: a feed
    made and begun on a Sunday would start on Monday.
    """
    week_ago = today - datetime.timedelta(days=6)
    first = datetime.date.fromisoformat(network.first_day) if network.first_day else week_ago
    return min(first, week_ago), today + datetime.timedelta(days=config.valid_days)


def _services(trips: TripKeys) -> list[str]:
    return [SERVICE_IDS[day] for day in sorted({day for _, day in trips})]
