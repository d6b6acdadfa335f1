"""An Evaluation, or one feed alone, as an SVG map: what is found, missed and invented."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from transitmap.evaluate.feed_map import FeedMap
from transitmap.evaluate.score import Evaluation
from transitmap.evaluate.ways import way_of
from transitmap.model import BoolArray, FloatArray
from transitmap.svg import Frame, frame_around, path, scale_bar, text

PANEL_PX, GAP_PX, TOP_PX, FOOT_PX = 780.0, 20.0, 64.0, 132.0
FOUND, KNOWN, MISSED, INVENTED = "#0072B2", "#56B4E9", "#D55E00", "#8F2D7B"
"""Okabe and Ito: told apart with any colour vision; the last darkened so that it shows as a thin line."""

ROUTES = ("#0072B2", "#D55E00", "#009E73", "#8F2D7B", "#B8860B", "#56B4E9", "#222222")
"""Colours of routes on the map of one feed, in turn."""

WORDS = {
    "es": {
        "reference": "Referencia",
        "feed": "Nuestro mapa",
        "found": "{} paradas encontradas; {} recorridos encontrados",
        "missed": "{} paradas faltantes; {} recorridos faltantes",
        "invented": "{} paradas inventadas; {} recorridos inventados",
        "known": "su calle sí está, el recorrido no",
        "counts": "{} paradas, {} recorridos, {} rutas",
    },
    "en": {
        "reference": "Reference",
        "feed": "Our map",
        "found": "{} stops found; {} patterns found",
        "missed": "{} stops missed; {} patterns missed",
        "invented": "{} stops invented; {} patterns invented",
        "known": "the street is known, the pattern is not",
        "counts": "{} stops, {} patterns, {} routes",
    },
}
STYLE = f"""text{{font:15px system-ui,Helvetica,Arial,sans-serif;fill:#222}}
.title{{font-size:22px;font-weight:600}} .panel{{fill:#fbfaf7;stroke:#bbb}}
.line{{fill:none;stroke-width:2.2;stroke-linejoin:round;stroke-linecap:round}}
.l-found{{stroke:{FOUND}}} .l-known{{stroke:{KNOWN};stroke-dasharray:6 7}}
.l-missed{{stroke:{MISSED};stroke-width:3.2;stroke-dasharray:2 6}}
.l-invented{{stroke:{INVENTED};stroke-width:3.2;stroke-dasharray:10 4 2 4}}
.s-found{{fill:#fff;stroke:{FOUND};stroke-width:1.4}}
.s-missed{{fill:none;stroke:{MISSED};stroke-width:2}}
.s-invented{{fill:{INVENTED};stroke:#fff;stroke-width:.6}}
.bar{{stroke:#222;stroke-width:2;fill:none}}"""


def draw_evaluation(evaluation: Evaluation, lang: str) -> str:
    """SVG text: the reference left, the feed right, in one scale; `lang` is es or en.

    A line is drawn as found where its pattern is; of other patterns the streets that the other feed knows are
    told from those that only this one has. The same evaluation gives the same text.
    """
    words = WORDS["en" if lang == "en" else "es"]
    reference, feed = evaluation.reference, evaluation.feed
    left, right = _frames([reference, feed], PANEL_PX, 2)
    stops, pairs = evaluation.stops, evaluation.patterns
    lines = [
        *_lines(reference, set(pairs.true.tolist()), evaluation.true_streets, "missed", left),
        *_lines(feed, set(pairs.found.tolist()), evaluation.found_streets, "invented", right),
    ]
    marks = [
        *_marks(np.delete(reference.stop_m, stops.true, axis=0), "missed", left),
        *_marks(reference.stop_m[stops.true], "found", left),
        *_marks(np.delete(feed.stop_m, stops.found, axis=0), "invented", right),
        *_marks(feed.stop_m[stops.found], "found", right),
    ]
    titles = [words["reference"], words["feed"]]
    return _page([left, right], titles, [*lines, *marks], _legend(evaluation, words, left))


def draw_feed(feed: FeedMap, lang: str) -> str:
    """SVG text: the lines of one feed, a colour a route, and its stops; nothing to compare them with."""
    words = WORDS["en" if lang == "en" else "es"]
    (frame,) = _frames([feed], 1.5 * PANEL_PX, 1)
    inner = [
        f'<path class="line" stroke="{ROUTES[route % len(ROUTES)]}" d="{path(frame(feed.line_m(k)))}"/>'
        for k, route in enumerate(feed.route_index.tolist())
    ]
    counts = words["counts"].format(len(feed.stop_id), len(feed), len(feed.route_id))
    legend = [text(frame.left_px, TOP_PX + frame.height_px + 30, counts)]
    return _page([frame], [words["feed"]], [*inner, *_marks(feed.stop_m, "found", frame)], legend)


def _frames(feeds: list[FeedMap], width_px: float, n: int) -> list[Frame]:
    """Panels of one scale side by side that hold all lines and stops, no higher than 1.25 of their width."""
    all_m = np.concatenate([part for feed in feeds for part in (feed.point_m, feed.stop_m)])
    return [frame_around(all_m, width_px, GAP_PX + k * (width_px + GAP_PX), TOP_PX) for k in range(n)]


def _lines(
    feed: FeedMap, matched: set[int], streets: tuple[BoolArray, ...], other: str, frame: Frame
) -> Iterable[str]:
    """Polylines of a feed: what is found first, so that what is not lies on top of it."""
    drawn: dict[str, list[str]] = {"found": [], "known": [], other: []}
    for pattern, is_street in enumerate(streets):
        xy_px = frame(way_of(feed.line_m(pattern)).xy_m)
        if pattern in matched:
            drawn["found"].append(path(xy_px))
            continue
        edges = np.concatenate(
            [[0], np.flatnonzero(np.diff(is_street.astype(np.int8))) + 1, [len(is_street)]]
        )
        for first, last in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
            kind = "known" if is_street[first] else other
            drawn[kind].append(path(xy_px[first : last + 1]))
    for kind, paths in drawn.items():
        if paths:
            yield f'<path class="line l-{kind}" d="{"".join(paths)}"/>'


def _marks(xy_m: FloatArray, kind: str, frame: Frame) -> Iterable[str]:
    """Stops: rings are found, crosses missed, triangles invented."""
    for x, y in frame(xy_m).tolist():
        yield _mark(x, y, kind)


def _mark(x: float, y: float, kind: str) -> str:
    if kind == "found":
        return f'<circle class="s-found" cx="{x:.1f}" cy="{y:.1f}" r="2.6"/>'
    cross, triangle = f"M{x - 4:.1f} {y - 4:.1f}l8 8m0 -8l-8 8", f"M{x:.1f} {y - 5:.1f}l4.6 8h-9.2z"
    return f'<path class="s-{kind}" d="{cross if kind == "missed" else triangle}"/>'


def _legend(evaluation: Evaluation, words: dict[str, str], frame: Frame) -> list[str]:
    """What lines and marks mean, with how many there are."""
    n_stops, n_true = len(evaluation.stops.found), len(evaluation.patterns.found)
    feed, reference = evaluation.feed, evaluation.reference
    counts = {
        "found": (n_stops, n_true),
        "missed": (len(reference.stop_id) - n_stops, len(reference) - n_true),
        "invented": (len(feed.stop_id) - n_stops, len(feed) - n_true),
    }
    top_px = TOP_PX + frame.height_px
    parts = []
    for row, (kind, n) in enumerate(counts.items()):
        y = top_px + 30 + 27 * row
        stops_said, patterns_said = words[kind].format(*n).split("; ")
        parts += [_mark(frame.left_px + 10, y - 5, kind), text(frame.left_px + 26, y, stops_said)]
        parts += [_swatch(frame.left_px + 270, y - 5, kind), text(frame.left_px + 330, y, patterns_said)]
    y = top_px + 30 + 27 * len(counts)
    return [
        *parts,
        _swatch(frame.left_px + 270, y - 5, "known"),
        text(frame.left_px + 330, y, words["known"]),
    ]


def _swatch(x: float, y: float, kind: str) -> str:
    return f'<path class="line l-{kind}" d="M{x:.0f} {y:.0f}h48"/>'


def _page(frames: list[Frame], titles: list[str], inner: list[str], legend: list[str]) -> str:
    """The whole SVG: panels that clip what they hold, titles, a scale bar."""
    width = frames[-1].left_px + frames[-1].width_px + GAP_PX
    height = TOP_PX + frames[0].height_px + FOOT_PX
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" height="{height:.0f}">',
        f"<style>{STYLE}</style>",
        f'<rect width="{width:.0f}" height="{height:.0f}" fill="#fff"/>',
    ]
    for frame, title in zip(frames, titles, strict=True):
        size = f'width="{frame.width_px:.0f}" height="{frame.height_px:.0f}"'
        head.append(f'<rect class="panel" x="{frame.left_px:.0f}" y="{TOP_PX:.0f}" {size}/>')
        head.append(text(frame.left_px, TOP_PX - 18, title, ' class="title"'))
    return "\n".join([*head, *inner, *legend, *scale_bar(frames[-1]), "</svg>", ""])
