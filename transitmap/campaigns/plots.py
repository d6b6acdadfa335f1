"""Numbers of a campaign -> two drawings in SVG, whose colours and words a page or a PDF can both show."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from transitmap.campaigns.figures import CONFIRMED, MANY, Growth
from transitmap.campaigns.words import Voice
from transitmap.geo import Plane
from transitmap.model import FloatArray, Network
from transitmap.points.campaigns import box_of
from transitmap.svg import frame_around, path, scale_bar, text

WIDTH_PX, LEFT_PX, RIGHT_PX = 440.0, 150.0, 56.0
BAR_PX, STEP_PX, TOP_PX = 24.0, 34.0, 8.0
HEIGHT_PX, FOOT_PX, AXIS_PX, WORDS_PX = 200.0, 34.0, 44.0, 130.0
YES, NO, AREA = "#0072B2", "#B0561A", "#F6B73C"
"""Confirmed and not: told apart with any colour vision, on white and on black; words say it, too."""
SAID = ' font-family="system-ui, Libertinus Serif, sans-serif" font-size="15" fill="currentColor"'
END = f'{SAID} text-anchor="end"'
LINES = ((NO, ' stroke-dasharray="7 5"', "line_reached"), (YES, "", "line_confirmed"))


def draw_by_riders(by_riders: Sequence[int], voice: Voice) -> str:
    """A bar for each class of directions by how many people know them, with its number."""
    most, room_px = max(max(by_riders), 1), WIDTH_PX - LEFT_PX - RIGHT_PX
    drawn = []
    for n_riders, n in enumerate(by_riders):
        y = TOP_PX + n_riders * STEP_PX
        fill, width_px = YES if n_riders >= CONFIRMED else NO, n / most * room_px
        drawn += [
            text(LEFT_PX - 10, y + 17, _class_word(n_riders, voice), END),
            f'<rect x="{LEFT_PX}" y="{y}" width="{width_px:.1f}" height="{BAR_PX}" fill="{fill}"/>',
            text(LEFT_PX + width_px + 8, y + 17, voice.number(n), SAID),
        ]
    return _svg(drawn, TOP_PX + len(by_riders) * STEP_PX)


def _class_word(n_riders: int, voice: Voice) -> str:
    if n_riders == 0:
        return voice.say("part_only")
    if n_riders == 1:
        return voice.say("one_person")
    return voice.say("n_people", voice.say("or_more", MANY) if n_riders == MANY else n_riders)


def draw_growth(growth: Growth, voice: Voice) -> str:
    """Two lines over the days, what was ridden and what was confirmed so far, each with its last number.

    At least one day had a ride.
    """
    x_px, y_px = _scales(growth)
    floor_px, end_px = y_px(0), x_px(growth.day[-1])
    drawn = [
        f'<path d="M{AXIS_PX} {floor_px}H{WIDTH_PX - WORDS_PX}" stroke="currentColor"/>',
        text(AXIS_PX - 8, floor_px + 5, "0", END),
        text(AXIS_PX - 8, y_px(growth.n_reached[-1]) + 5, voice.number(growth.n_reached[-1]), END),
        text(AXIS_PX, HEIGHT_PX - 10, voice.short_day(growth.day[0]), SAID),
    ]
    if len(growth.day) > 1:
        drawn.append(text(end_px, HEIGHT_PX - 10, voice.short_day(growth.day[-1]), END))
    words_px = [y_px(growth.n_reached[-1]), y_px(growth.n_confirmed[-1])]
    words_px[1] = max(words_px[1], words_px[0] + 20)
    for counts, y, (colour, dash, word) in zip(
        (growth.n_reached, growth.n_confirmed), words_px, LINES, strict=True
    ):
        points = [f"{x_px(day):.1f} {y_px(n):.1f}" for day, n in zip(growth.day, counts, strict=True)]
        line = "M" + "L".join([*points, f"{WIDTH_PX - WORDS_PX} {y_px(counts[-1]):.1f}"])
        drawn.append(f'<path d="{line}" fill="none" stroke="{colour}" stroke-width="3"{dash}/>')
        said = f"{voice.number(counts[-1])} {voice.say(word)}"
        drawn.append(text(WIDTH_PX - WORDS_PX + 8, y + 5, said, SAID))
    return _svg(drawn, HEIGHT_PX)


def _scales(growth: Growth) -> tuple[Callable[[int], float], Callable[[int], float]]:
    """From a day and from a number of directions to pixels."""
    room_px, floor_px = WIDTH_PX - WORDS_PX - AXIS_PX, HEIGHT_PX - FOOT_PX
    days, most = max(growth.day[-1] - growth.day[0], 1), max(*growth.n_reached, 1)
    return (
        lambda day: AXIS_PX + (day - growth.day[0]) / days * room_px,
        lambda n: floor_px - n / most * (floor_px - 20),
    )


def draw_area(network: Network | None, area: str) -> str:
    """The box of an area with what is published of the map in and around it."""
    south, west, north, east = box_of(area)
    plane = Plane.around(np.array([south, north]), np.array([west, east]))
    corners = plane.to_metres(np.array([south, south, north, north]), np.array([west, east, east, west]))
    frame = frame_around(corners + np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * 500.0, WIDTH_PX, 0.0, 0.0)
    box = frame(corners)
    drawn = [
        f'<path d="{path(line)}" fill="none" stroke="{YES}" stroke-width="2"/>'
        for line in [frame(line_m) for line_m in _lines(network, plane)]
        if (line.max(axis=0) > 0).all() and (line.min(axis=0) < [WIDTH_PX, frame.height_px]).all()
    ]
    around = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in box) + "Z"
    drawn.append(f'<path d="{around}" fill="{AREA}" fill-opacity="0.18" stroke="{NO}" stroke-width="2"/>')
    bar, word = scale_bar(frame)
    drawn += [
        bar.replace("<path", '<path fill="none" stroke="currentColor"'),
        word.replace("<text", f"<text{SAID}"),
    ]
    return _svg(drawn, frame.height_px + 52)


def _lines(network: Network | None, plane: Plane) -> list[FloatArray]:
    """The shapes of the published patterns, in metres."""
    if network is None:
        return []
    shapes = network.shapes
    xy_m = plane.to_metres(shapes.lat_deg, shapes.lon_deg)
    return [
        xy_m[a:b] for a, b in zip(shapes.point_start[:-1], shapes.point_start[1:], strict=True) if b - a > 1
    ]


def _svg(drawn: Sequence[str], height_px: float) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH_PX:.0f} {height_px:.0f}">'
    return "\n".join([head, *drawn, "</svg>"])
