"""Rules on days: service for a month ahead, exceptions that change something, dates that agree."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

from transitmap.gtfs.validate.feed_view import FeedView, Rule, at_row
from transitmap.model import Notice

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
AHEAD = datetime.timedelta(days=30)  # best practice; the largest consumer wants 28
ADDED = "1"
Week = tuple[str, str, tuple[str, ...]]


def no_service_today(view: FeedView) -> Iterator[Notice]:
    """Some service of calendar.txt runs in a period that holds today."""
    if view.today is None or not view.n_rows("calendar.txt"):
        return
    today = f"{view.today:%Y%m%d}"
    spans = zip(
        view.column("calendar.txt", "start_date"), view.column("calendar.txt", "end_date"), strict=True
    )
    if not any(start <= today <= end for start, end in spans):
        yield Notice(
            "no_service_today", "error", "calendar.txt", 0, f"no service is active on {today}", (today,)
        )


def service_ends_soon(view: FeedView) -> Iterator[Notice]:
    """Every service that still runs goes on for 30 days."""
    if view.today is None:
        return
    today, ahead = f"{view.today:%Y%m%d}", f"{view.today + AHEAD:%Y%m%d}"
    for row, end in enumerate(view.column("calendar.txt", "end_date")):
        if today <= end < ahead:
            service = view.column("calendar.txt", "service_id")[row]
            message = f"service {service} ends on {end}, less than {AHEAD.days} days ahead"
            yield at_row("service_ends_soon", "warning", "calendar.txt", row, message, service, end)


def service_without_days(view: FeedView) -> Iterator[Notice]:
    """Every service runs on some day of its period."""
    columns = (view.column("calendar_dates.txt", name) for name in ("service_id", "exception_type"))
    added = {service for service, kind in zip(*columns, strict=True) if kind == ADDED}
    for row, (service, (start, end, week)) in enumerate(_weeks(view).items()):
        if service not in added and (start > end or "1" not in week):
            yield at_row(
                "service_without_days", "error", "calendar.txt", row, f"service {service} never runs", service
            )


def idle_exception(view: FeedView) -> Iterator[Notice]:
    """An exception takes away a day that a service would run, or adds one that it would not."""
    weeks = _weeks(view)
    columns = (view.column("calendar_dates.txt", name) for name in ("service_id", "date", "exception_type"))
    for row, (service, date, kind) in enumerate(zip(*columns, strict=True)):
        if _runs(weeks.get(service), date) == (kind == ADDED):
            message = f"the exception of service {service} on {date} changes nothing"
            yield at_row("idle_exception", "warning", "calendar_dates.txt", row, message, service, date)


def feed_dates_without_service(view: FeedView) -> Iterator[Notice]:
    """The feed begins no earlier and ends no later than its services."""
    dates = view.column("calendar_dates.txt", "date")
    first = min([*view.column("calendar.txt", "start_date"), *dates], default="")
    last = max([*view.column("calendar.txt", "end_date"), *dates], default="")
    columns = (view.column("feed_info.txt", f"feed_{end}_date") for end in ("start", "end"))
    for row, (start, end) in enumerate(zip(*columns, strict=True)):
        if first and ((start and start < first) or (end and end > last)):
            message = f"the feed says {start} to {end}, its services run {first} to {last}"
            yield at_row("feed_dates_without_service", "warning", "feed_info.txt", row, message, start, end)


def _weeks(view: FeedView) -> dict[str, Week]:
    """First day, last day and week of each service of calendar.txt."""
    columns = (view.column("calendar.txt", name) for name in ("service_id", "start_date", "end_date", *DAYS))
    return {service: (start, end, tuple(week)) for service, start, end, *week in zip(*columns, strict=True)}


def _runs(week: Week | None, date: str) -> bool | None:
    """Whether a service runs on a day by its week; None for a day that cannot be read."""
    if len(date) != 8 or not date.isdigit():
        return None
    try:
        weekday = datetime.date(int(date[:4]), int(date[4:6]), int(date[6:])).weekday()
    except ValueError:
        return None
    return week is not None and week[0] <= date <= week[1] and week[2][weekday] == "1"


RULES: tuple[Rule, ...] = (
    no_service_today,
    service_ends_soon,
    service_without_days,
    idle_exception,
    feed_dates_without_service,
)
