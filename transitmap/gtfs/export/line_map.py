"""What a feed runs -> a map of its lines as SVG, those in one street side by side."""

from __future__ import annotations

import math

import numpy as np

from transitmap.geo import Plane
from transitmap.gtfs.export.badges import badge, badge_width, shortened
from transitmap.gtfs.export.bundles import Bundled, bundle
from transitmap.gtfs.export.colours import colours_apart
from transitmap.gtfs.export.patterns import FeedIncomplete, Pattern, Published, Route
from transitmap.gtfs.export.words import credit_line, words_in
from transitmap.model import FloatArray
from transitmap.svg import Frame, frame_around, path, scale_bar, text

WIDTH_PX, GAP_PX, TOP_PX = 1400.0, 24.0, 72.0
SPACING_PX = 4.2
MIN_NEAR_M = 30.0
"""Lines nearer than this share a street: both sides of a wide one. So do lines nearer than SPACING_PX, which
the page cannot hold side by side."""
ROW_PX = 24.0
CHAR_PX = 6.4
"""Width of a letter of a name."""
MAX_LEGEND_CHARS = 48
LOOP_PX = 20.0
STYLE = """text{font:15px system-ui,Helvetica,Arial,sans-serif;fill:#222}
.title{font-size:26px;font-weight:600} .panel{fill:#fbfaf7;stroke:#bbb}
.line{fill:none;stroke-width:3.4;stroke-linejoin:round;stroke-linecap:round}
.stop{fill:#fff;stroke:#333;stroke-width:.9} .end{fill:#fff;stroke:#222;stroke-width:2}
.name{font-size:12px;paint-order:stroke;stroke:#fbfaf7;stroke-width:3px}
.badge{font-size:12px;font-weight:700} .small{font-size:12px;fill:#555}
.bar{stroke:#222;stroke-width:2;fill:none}"""
Box = tuple[float, float, float, float]


def draw_map(feed: Published, lang: str) -> bytes:
    """SVG: a colour a route, its name at its ends, every stop, a legend, a scale bar, source and licence.

    North is up and distances are true; the order of routes in a street is that of the legend.

    Raises:
        FeedIncomplete: no pattern to draw.
    """
    if not feed.patterns:
        raise FeedIncomplete("the feed has no trip of two calls: nothing to draw")
    lines_deg = [pattern.lon_lat for pattern in feed.patterns]
    all_deg = np.concatenate(lines_deg)
    plane = Plane.around(all_deg[:, 1], all_deg[:, 0])
    lines_m = [plane.to_metres(line[:, 1], line[:, 0]) for line in lines_deg]
    frame = frame_around(np.concatenate(lines_m), WIDTH_PX, GAP_PX, TOP_PX)
    routes = [route for route in feed.routes if any(one.route == route for one in feed.patterns)]
    order = {route.route_id: k for k, route in enumerate(routes)}
    px_m = 1 / frame.px_per_m
    near_m = max(MIN_NEAR_M, SPACING_PX * px_m)
    pieces = bundle(lines_m, [order[one.route.route_id] for one in feed.patterns], px_m, near_m)
    colours = colours_apart(feed.routes)
    inner = [*_lines(feed, pieces, frame, colours), *_stops(feed, plane, frame)]
    return _page(feed, routes, colours, frame, [*inner, *_labels(feed, plane, frame, colours)], lang)


def _lines(feed: Published, pieces: list[list[Bundled]], frame: Frame, colours: dict[str, str]) -> list[str]:
    """A path a route."""
    drawn: dict[str, list[str]] = {}
    for pattern, own in zip(feed.patterns, pieces, strict=True):
        paths = [path(_placed(piece, frame)) for piece in own if len(piece.xy_m) > 1]
        drawn.setdefault(pattern.route.route_id, []).extend(paths)
    return [
        f'<path class="line" stroke="#{colours[route_id]}" d="{"".join(paths)}"/>'
        for route_id, paths in drawn.items()
        if paths
    ]


def _placed(piece: Bundled, frame: Frame) -> FloatArray:
    """Pixels of a piece; y runs down on the page and up in the vectors."""
    return np.asarray(frame(piece.xy_m) + piece.aside * SPACING_PX * np.array([1.0, -1.0]))


def _called(feed: Published) -> FloatArray:
    """Latitude and longitude of the stops that some pattern calls at, each once."""
    places = {call.stop.stop_id: call.stop for one in feed.patterns for call in one.calls}
    return np.array([(stop.lat_deg, stop.lon_deg) for stop in places.values()])


def _stops(feed: Published, plane: Plane, frame: Frame) -> list[str]:
    here = _called(feed)
    places = frame(plane.to_metres(here[:, 0], here[:, 1])).tolist()
    return [f'<circle class="stop" cx="{x:.1f}" cy="{y:.1f}" r="1.9"/>' for x, y in places]


# --- labels --------------------------------------------------------------------------------------


def _labels(feed: Published, plane: Plane, frame: Frame, colours: dict[str, str]) -> list[str]:
    """The route's name at both ends of each route's first pattern, and the name of the stop where it fits."""
    taken: list[Box] = []
    badges, names = [], []
    ends = _ends(feed, plane, frame)
    for route, x, y, _ in ends:
        place = _free(x, y, badge_width(route.name) + 4, 18.0, taken)
        if place is not None:
            badges.append(badge(place[0], place[1] + 14, route.name, colours[route.route_id]))
    for x, y, name in dict.fromkeys((x, y, name) for _, x, y, name in ends if name):
        place = _free(x, y, CHAR_PX * len(name), 15.0, taken)
        if place is not None:
            names.append(text(place[0], place[1] + 12, name, ' class="name"'))
    marks = dict.fromkeys(f'<circle class="end" cx="{x:.1f}" cy="{y:.1f}" r="4"/>' for _, x, y, _ in ends)
    return [*marks, *names, *badges]


def _ends(feed: Published, plane: Plane, frame: Frame) -> list[tuple[Route, float, float, str]]:
    """The ends of the first pattern of each route, one of a loop: where they are and what each is called."""
    first: dict[str, Pattern] = {}
    for pattern in feed.patterns:
        first.setdefault(pattern.route.route_id, pattern)
    found = []
    for pattern in first.values():
        ends = (pattern.calls[0].stop, pattern.calls[-1].stop)
        here = np.array([(stop.lat_deg, stop.lon_deg) for stop in ends])
        places = frame(plane.to_metres(here[:, 0], here[:, 1])).tolist()
        is_loop = math.dist(*places) < LOOP_PX
        for (x, y), stop in list(zip(places, ends, strict=True))[: 1 if is_loop else 2]:
            found.append((pattern.route, x, y, stop.own_name))
    return found


def _free(x: float, y: float, width: float, height: float, taken: list[Box]) -> tuple[float, float] | None:
    """The upper left corner of a box beside a point that covers no other box, and takes it; None: no room."""
    for ring in range(4):
        aside, rise = 8.0 + ring * 2, height * ring
        for left, top in (
            (x + aside, y - height / 2 - rise),
            (x - aside - width, y - height / 2 - rise),
            (x + aside, y - height / 2 + rise),
            (x - aside - width, y - height / 2 + rise),
            (x - width / 2, y - aside - height - rise),
            (x - width / 2, y + aside + rise),
        ):
            box = (left, top, left + width, top + height)
            if left > GAP_PX and box[2] < GAP_PX + WIDTH_PX and not any(_meet(box, one) for one in taken):
                taken.append(box)
                return left, top
    return None


def _meet(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


# --- page ----------------------------------------------------------------------------------------


def _page(
    feed: Published, routes: list[Route], colours: dict[str, str], frame: Frame, inner: list[str], lang: str
) -> bytes:
    words = words_in(lang)
    legend = _legend(routes, colours, frame)
    rows = -(-len(routes) // _columns(routes))
    below = frame.top_px + frame.height_px
    width, height = WIDTH_PX + 2 * GAP_PX, below + 60 + rows * ROW_PX + 36
    panel = f'x="{GAP_PX:.0f}" y="{TOP_PX:.0f}" width="{WIDTH_PX:.0f}" height="{frame.height_px:.0f}"'
    credit, title = credit_line(feed.credit, lang), (words["map"], feed.credit.publisher)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" height="{height:.0f}" role="img" lang="{lang}">',
        f"<title>{words['map']}</title>",
        f"<style>{STYLE}</style>",
        f'<rect width="{width:.0f}" height="{height:.0f}" fill="#fff"/>',
        f'<rect class="panel" {panel}/>',
        text(GAP_PX, TOP_PX - 26, " · ".join(one for one in title if one), ' class="title"'),
        *inner,
        _north(frame, words["north"]),
        *scale_bar(frame),
        *legend,
        text(GAP_PX, height - 16, credit, ' class="small"'),
        "</svg>",
        "",
    ]
    return "\n".join(lines).encode()


def _north(frame: Frame, letter: str) -> str:
    x, y = frame.left_px + frame.width_px - 24, frame.top_px + 44
    return f'<path d="M{x:.0f} {y:.0f}l7 20l-7 -5l-7 5z" fill="#222"/>' + text(x - 5, y - 6, letter)


def _legend(routes: list[Route], colours: dict[str, str], frame: Frame) -> list[str]:
    """Names of all routes, column by column."""
    rows = -(-len(routes) // _columns(routes))
    found = []
    for k, route in enumerate(routes):
        x = GAP_PX + (k // rows) * WIDTH_PX / _columns(routes)
        y = frame.top_px + frame.height_px + 66 + (k % rows) * ROW_PX
        found.append(badge(x, y, route.name, colours[route.route_id]))
        if route.short_name and route.long_name:
            name = shortened(route.long_name, MAX_LEGEND_CHARS)
            found.append(text(x + badge_width(route.name) + 8, y, name))
    return found


def _columns(routes: list[Route]) -> int:
    """Columns of the legend: names need room, numbers do not."""
    longest = max(badge_width(route.name) for route in routes)
    return (
        3 if any(route.short_name and route.long_name for route in routes) else int(WIDTH_PX / (longest + 24))
    )
