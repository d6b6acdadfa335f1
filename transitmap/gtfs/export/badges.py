"""The name of a route on its colour, as SVG."""

from __future__ import annotations

from xml.sax.saxutils import escape

from transitmap.gtfs.export.colours import text_on

CHAR_PX, PAD_PX, HEIGHT_PX = 7.6, 6.0, 18.0
MAX_CHARS = 24


def badge_width(name: str) -> float:
    """Pixels that a badge is wide."""
    return CHAR_PX * min(len(name), MAX_CHARS) + 2 * PAD_PX


def badge(x: float, y: float, name: str, colour: str) -> str:
    """A badge whose left end is `x` and whose text stands on `y`."""
    width = badge_width(name)
    middle, style = x + width / 2, f'text-anchor="middle" style="fill:#{text_on(colour)}"'
    return (
        f'<g><rect x="{x:.1f}" y="{y - 14:.1f}" width="{width:.1f}" height="{HEIGHT_PX:.0f}" rx="3" '
        f'fill="#{colour}"/><text class="badge" x="{middle:.1f}" y="{y - 0.5:.1f}" {style}>'
        f"{escape(shortened(name, MAX_CHARS))}</text></g>"
    )


def shortened(name: str, max_chars: int) -> str:
    """A name that is no longer than there is room for."""
    return name if len(name) <= max_chars else f"{name[: max_chars - 1]}…"
