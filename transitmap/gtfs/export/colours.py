"""The colour each route is drawn in: its own where the feed has one, else one of seven in turn."""

from __future__ import annotations

from transitmap.gtfs.export.patterns import Route

PALETTE = ("0072B2", "D55E00", "009E73", "8F2D7B", "B8860B", "56B4E9", "222222")
"""Okabe and Ito, some darkened: told apart with any colour vision."""
WHITE, BLACK = "FFFFFF", "000000"
LIGHT = 0.36
"""Relative luminance above which black is read better than white: half way is 0.18 (WCAG), bold white on
middle tones is read well."""


def colours_of(routes: tuple[Route, ...]) -> dict[str, str]:
    """Six hexadecimal digits for each route id."""
    return {route.route_id: route.colour or PALETTE[k % len(PALETTE)] for k, route in enumerate(routes)}


def text_on(colour: str) -> str:
    """Black or white, whichever is read better on a colour."""
    red, green, blue = (int(colour[k : k + 2], 16) / 255 for k in (0, 2, 4))
    return BLACK if 0.2126 * red**2.2 + 0.7152 * green**2.2 + 0.0722 * blue**2.2 > LIGHT else WHITE
