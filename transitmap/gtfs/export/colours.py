"""The colour each route is drawn in: its own where the feed has one, else one of twelve in turn."""

from __future__ import annotations

from collections import Counter

from transitmap.gtfs.export.patterns import Route

PALETTE = (
    *("0072B2", "D55E00", "009E73", "8F2D7B", "B8860B", "56B4E9", "222222"),
    *("CC79A7", "117733", "882255", "332288", "8B5A2B"),
)
"""Seven of Okabe and Ito, some darkened, told apart with any colour vision; then five of Tol for more."""
WHITE, BLACK = "FFFFFF", "000000"
LIGHT = 0.179
"""Relative luminance (WCAG) above which black has more contrast than white; either has 4.5:1 there."""


def colours_of(routes: tuple[Route, ...]) -> dict[str, str]:
    """Six hexadecimal digits for each route id."""
    return {route.route_id: route.colour or PALETTE[k % len(PALETTE)] for k, route in enumerate(routes)}


def colours_apart(routes: tuple[Route, ...]) -> dict[str, str]:
    """As `colours_of`, for lines that lie side by side: a colour that several routes share tells nothing."""
    times = Counter(route.colour for route in routes)
    return colours_of(tuple(one if times[one.colour] == 1 else one._replace(colour="") for one in routes))


def text_on(colour: str) -> str:
    """Black or white, whichever is read better on a colour."""
    red, green, blue = (_linear(int(colour[k : k + 2], 16) / 255) for k in (0, 2, 4))
    return BLACK if 0.2126 * red + 0.7152 * green + 0.0722 * blue > LIGHT else WHITE


def _linear(share: float) -> float:
    """A share of sRGB as light."""
    return share / 12.92 if share <= 0.04045 else float(((share + 0.055) / 1.055) ** 2.4)
