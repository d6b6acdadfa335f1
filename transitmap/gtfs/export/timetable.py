"""What a feed runs -> timetables to print, as one HTML page: the only door to jinja2."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any, NamedTuple

from transitmap.gtfs.export.colours import colours_of, text_on
from transitmap.gtfs.export.patterns import FeedIncomplete, Pattern, Published, Window, natural, whole
from transitmap.gtfs.export.words import clock, credit_line, date, days_in_words, every, minutes, words_in

TEMPLATE = Path(__file__).with_name("timetable.html")
Windows = list[Window]
EXPANDED = "-expanded"
"""How the version of a feed ends whose departures nobody promised."""


class Cell(NamedTuple):
    """What a window says: `cada 8 min`, and the range that the evidence gives."""

    told: str
    range: str


class Row(NamedTuple):
    """A stretch of the day, with a cell a service; None where nothing was observed."""

    span: str
    cells: list[Cell | None]


def write_timetable(feed: Published, lang: str) -> bytes:
    """A page that needs nothing else. Windows are told as intervals; a departure only where the feed has it.

    Rows of a table are stretches of the day in which nothing changes, columns are services. Prints a route a
    page.

    Raises:
        FeedIncomplete: the departures are those of an expanded feed, which nobody promised.
    """
    if feed.credit.version.endswith(EXPANDED):
        raise FeedIncomplete(
            "its departures were counted from headways: print the feed that has the headways"
        )
    from jinja2 import Environment

    words, credit = words_in(lang), feed.credit
    windows = [window for pattern in feed.patterns for window in pattern.windows]
    start, end = date(credit.start_date), date(credit.end_date)
    template = Environment(autoescape=True, trim_blocks=True).from_string(
        TEMPLATE.read_text(encoding="utf-8")
    )
    page = template.render(
        lang=lang,
        words=words,
        credit=credit,
        credit_line=credit_line(credit, lang),
        valid=words["valid"].format(start, end) if start and end else "",
        has_windows=bool(windows),
        has_unknown=any(window.is_unknown for window in windows),
        has_ranges=any(window.high_s is not None and not window.is_unknown for window in windows),
        routes=_routes(feed, lang),
        other_days=_other_days(feed, lang),
        badge=_badge,
    )
    return page.encode()


def _badge(route: dict[str, Any]) -> Any:
    from markupsafe import Markup  # what jinja2 takes for HTML; it escapes what it formats

    style = f"background:#{route['colour']};color:#{text_on(route['colour'])}"
    return Markup('<span class="badge" style="{}">{}</span>').format(style, route["name"])


def _other_days(feed: Published, lang: str) -> list[str]:
    """Dates that run as other days do: `2026-12-25: domingo`, or what does not run then."""
    words, used = words_in(lang), {one for pattern in feed.patterns for one in pattern.services}
    dates: dict[str, tuple[list[str], list[str]]] = defaultdict(lambda: ([], []))
    for day, is_added, service in feed.exceptions:
        if service in used:
            told = days_in_words(feed.days.get(service), service, lang)
            dates[day][0 if is_added else 1].append(told[0].lower() + told[1:])
    return [
        f"{date(day)}: {', '.join(added) or words['no_service'].format(', '.join(removed))}"
        for day, (added, removed) in dates.items()
    ]


def _routes(feed: Published, lang: str) -> list[dict[str, Any]]:
    """Routes that run, with their patterns."""
    colours = colours_of(feed.routes)
    patterns = defaultdict(list)
    for pattern in feed.patterns:
        patterns[pattern.route.route_id].append(_pattern(feed, pattern, lang))
    return [
        {
            "name": route.name,
            "long_name": route.long_name if route.short_name else "",
            "colour": colours[route.route_id],
            "fare": words_in(lang)["fare"].format(route.fare) if route.fare else "",
            "patterns": patterns[route.route_id],
        }
        for route in feed.routes
        if route.route_id in patterns
    ]


def _pattern(feed: Published, pattern: Pattern, lang: str) -> dict[str, Any]:
    words = words_in(lang)
    seen = [whole(pattern.evidence.get(column, "")) for column in ("n_rides", "n_days")]
    services = _services(feed, pattern)
    told = {service: days_in_words(feed.days.get(service), service, lang) for service in services}
    with_windows = [one for one in services if any(w.service_id == one for w in pattern.windows)]
    towards = words["towards"].format(pattern.headsign or pattern.calls[-1].stop.name)
    return {
        "title": towards[0].upper() + towards[1:],
        "rests_on": words["rides"].format(*seen) if None not in seen else "",
        "days": [told[service] for service in with_windows],
        "grid": _grid(pattern, with_windows, lang),
        "departures": [
            {"day": told[service], "hours": hours}
            for service in services
            if (hours := _hours([start_s for one, start_s in pattern.departures if one == service]))
        ],
        "has_minutes": any(call.offset_s is not None for call in pattern.calls),
        "calls": [
            {
                "minutes": "" if call.offset_s is None else minutes(call.offset_s),
                "name": call.stop.name,
                "is_hail": call.is_hail,
            }
            for call in pattern.calls
        ],
    }


def _services(feed: Published, pattern: Pattern) -> list[str]:
    """Services in the order of the week: those of Monday first, of more days before fewer."""
    no_days = (False,) * 7
    return sorted(
        pattern.services,
        key=lambda one: ([not runs for runs in feed.days.get(one, no_days)], natural(one)),
    )


def _grid(pattern: Pattern, services: list[str], lang: str) -> list[Row]:
    """The day cut where anything changes; stretches that say the same are one, with all their ranges.

    A stretch in the middle of the day of which nothing is known is a row that says so.
    """
    edges = sorted({edge for one in pattern.windows for edge in (one.start_s, one.end_s)})
    rows: list[tuple[int, int, list[Windows]]] = []
    for start_s, end_s in zip(edges[:-1], edges[1:], strict=True):
        cells = [_at(pattern, service, start_s) for service in services]
        if rows and [_told(one, lang) for one in rows[-1][2]] == [_told(one, lang) for one in cells]:
            joined = [before + after for before, after in zip(rows[-1][2], cells, strict=True)]
            rows[-1] = (rows[-1][0], end_s, joined)
        else:
            rows.append((start_s, end_s, cells))
    return [
        Row(f"{clock(start_s)}–{clock(end_s)}", [_cell(one, lang) for one in cells])
        for start_s, end_s, cells in rows
    ]


def _at(pattern: Pattern, service: str, start_s: int) -> Windows:
    """The windows of a service that hold a second."""
    return [
        one for one in pattern.windows if one.service_id == service and one.start_s <= start_s < one.end_s
    ]


def _told(windows: Windows, lang: str) -> str:
    if not windows:
        return ""
    return words_in(lang)["unknown"] if windows[0].is_unknown else every(windows[0].headway_s, lang)


def _cell(windows: Windows, lang: str) -> Cell | None:
    """What windows that say the same say; a range is told where it is one, of a known headway."""
    if not windows:
        return None
    told = _told(windows, lang)
    bounds = [(one.low_s, one.high_s) for one in windows if not one.is_unknown]
    known = [(low_s, high_s) for low_s, high_s in bounds if low_s is not None and high_s is not None]
    if not known or len(known) < len(windows):
        return Cell(told, "")
    low, high = minutes(min(low_s for low_s, _ in known)), minutes(max(high_s for _, high_s in known))
    return Cell(told, words_in(lang)["between"].format(low, high) if low < high else "")


def _hours(departures_s: list[int]) -> list[tuple[str, str]]:
    """Departures by hour, the minutes of each in a line."""
    hours: dict[int, list[str]] = defaultdict(list)
    for start_s in departures_s:
        hours[start_s // 3600].append(f"{start_s // 60 % 60:02d}")
    return [(f"{hour:02d}", " ".join(told)) for hour, told in sorted(hours.items())]
