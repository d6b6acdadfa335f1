"""What a feed runs -> a strip diagram of each pattern as SVG: its stops in order on a straight line."""

from __future__ import annotations

import re
from textwrap import wrap
from xml.sax.saxutils import escape

from transitmap.gtfs.export.badges import badge, badge_width, shortened
from transitmap.gtfs.export.colours import colours_of
from transitmap.gtfs.export.patterns import Call, Pattern, Published, Route, natural, number
from transitmap.gtfs.export.words import credit_line, minutes, words_in
from transitmap.gtfs.export.zipped import zipped
from transitmap.svg import text

WIDTH_PX, ROW_PX, TOP_PX, FOOT_PX = 760.0, 26.0, 104.0, 84.0
LINE_X, NAME_X, CHAR_PX = 78.0, 100.0, 8.3
MAX_NAME_CHARS, MAX_CREDIT_CHARS = 48, 105
UNCERTAIN = 0.5
"""A stop whose confidence is lower than this has a dotted ring: it is rather there than not, no more."""
STYLE = """text{font:15px system-ui,Helvetica,Arial,sans-serif;fill:#222}
.title{font-size:20px;font-weight:600} .small{font-size:12px;fill:#555} .minutes{fill:#555;text-anchor:end}
.end{font-weight:600} .line{stroke-width:8;stroke-linecap:round} .stop{fill:#fff;stroke-width:3}
.hail{stroke:#fff;stroke-width:4} .doubtful{stroke-dasharray:2 2} .badge{font-size:12px;font-weight:700}"""


def draw_strips(feed: Published, lang: str) -> bytes:
    """A zip with an SVG a pattern, named by route and pattern."""
    routes_at = _routes_at(feed)
    return zipped(
        {
            f"{_plain(one.route.name)}-{_plain(one.pattern_id)}.svg": draw_strip(
                feed, one, routes_at, lang
            ).encode()
            for one in feed.patterns
        }
    )


def _plain(name: str) -> str:
    """A name that any disk takes."""
    return re.sub(r"[^\w.-]+", "_", name).strip("._") or "_"


def _routes_at(feed: Published) -> dict[str, list[Route]]:
    """Routes that call at each stop, in the order of routes."""
    found: dict[str, dict[str, Route]] = {}
    for pattern in feed.patterns:
        for call in pattern.calls:
            found.setdefault(call.stop.stop_id, {})[pattern.route.route_id] = pattern.route
    return {stop_id: list(routes.values()) for stop_id, routes in found.items()}


def draw_strip(feed: Published, pattern: Pattern, routes_at: dict[str, list[Route]], lang: str) -> str:
    """SVG text: minutes since the first stop, a ring a stop, its name, the other routes that call there."""
    words, colours = words_in(lang), colours_of(feed.routes)
    colour = colours[pattern.route.route_id]
    height = TOP_PX + ROW_PX * len(pattern.calls) + FOOT_PX
    towards = words["towards"].format(pattern.headsign or pattern.calls[-1].stop.name)
    title = f"{pattern.route.name} {towards}"
    bottom = TOP_PX + ROW_PX * (len(pattern.calls) - 1)
    badges_x = NAME_X + CHAR_PX * max(len(_name(call)) for call in pattern.calls) + 12
    rows = [_row(k, pattern, badges_x, routes_at, colours) for k in range(len(pattern.calls))]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH_PX:.0f} {height:.0f}" '
            f'width="{WIDTH_PX:.0f}" height="{height:.0f}" role="img" lang="{lang}">',
            f"<title>{escape(title)}</title>",
            f"<style>{STYLE}</style>",
            f'<rect width="{WIDTH_PX:.0f}" height="{height:.0f}" fill="#fff"/>',
            badge(24, 42, pattern.route.name, colour),
            text(24 + badge_width(pattern.route.name) + 10, 44, towards, ' class="title"'),
            text(24, 70, words["minutes_note"], ' class="small"'),
            f'<path class="line" stroke="#{colour}" d="M{LINE_X} {TOP_PX}V{bottom}"/>',
            *[_hail(k) for k, call in enumerate(pattern.calls[:-1]) if call.is_hail],
            *rows,
            *_foot(feed, pattern, routes_at, height, lang),
            "</svg>",
            "",
        ]
    )


def _hail(k: int) -> str:
    """The way to the next stop, pale: people get on and off all along it."""
    y = TOP_PX + ROW_PX * k
    return f'<path class="hail" d="M{LINE_X} {y}V{y + ROW_PX}"/>'


def _row(
    k: int,
    pattern: Pattern,
    badges_x: float,
    routes_at: dict[str, list[Route]],
    colours: dict[str, str],
) -> str:
    """One stop; its badges begin where those of all do."""
    call = pattern.calls[k]
    y = TOP_PX + ROW_PX * k
    is_end = k in (0, len(pattern.calls) - 1)
    name = _name(call)
    doubtful = " doubtful" if _is_doubtful(call) else ""
    parts = [
        f'<circle class="stop{doubtful}" stroke="#{colours[pattern.route.route_id]}" cx="{LINE_X}" cy="{y}" '
        f'r="{8 if is_end else 6}"/>',
        text(NAME_X, y + 5, name, ' class="end"' if is_end else ""),
    ]
    if call.offset_s is not None:
        parts.append(text(LINE_X - 18, y + 5, str(minutes(call.offset_s)), ' class="minutes"'))
    x = badges_x
    for route in _others(pattern, call, routes_at):
        if x + badge_width(route.name) > WIDTH_PX - 24:
            parts.append(text(x, y + 5, "…"))
            break
        parts.append(badge(x, y + 5, route.name, colours[route.route_id]))
        x += badge_width(route.name) + 5
    return "".join(parts)


def _name(call: Call) -> str:
    return shortened(call.stop.name or call.stop.stop_id, MAX_NAME_CHARS)


def _others(pattern: Pattern, call: Call, routes_at: dict[str, list[Route]]) -> list[Route]:
    others = [one for one in routes_at[call.stop.stop_id] if one.route_id != pattern.route.route_id]
    return sorted(others, key=lambda one: natural(one.name))


def _is_doubtful(call: Call) -> bool:
    confidence = number(call.stop.evidence.get("confidence", ""))
    return confidence is not None and confidence < UNCERTAIN


def _foot(
    feed: Published, pattern: Pattern, routes_at: dict[str, list[Route]], height: float, lang: str
) -> list[str]:
    """What the marks mean, where they are, and whose work this is."""
    words = words_in(lang)
    notes = [words["transfers"]] if any(_others(pattern, one, routes_at) for one in pattern.calls) else []
    notes += [words["hail_note"]] if any(one.is_hail for one in pattern.calls) else []
    notes += [words["doubtful"]] if any(map(_is_doubtful, pattern.calls)) else []
    credit = wrap(credit_line(feed.credit, lang), MAX_CREDIT_CHARS)
    said = [". ".join(notes), *credit]
    return [text(24, height - 56 + 16 * k, one, ' class="small"') for k, one in enumerate(said) if one]
