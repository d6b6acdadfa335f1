"""A rider's points and level -> a picture for whoever is shown the card; nothing else is on it."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

TEMPLATE = Path(__file__).with_name("card.typ")
WIDTH_PX, HEIGHT_PX = 1200, 630
"""The size that networks ask for."""
PX_PER_INCH = 72.0
"""The template counts a point a pixel."""


@lru_cache(maxsize=64)
def draw_card(points: str, words: str, level: str) -> bytes:
    """A PNG of WIDTH_PX by HEIGHT_PX; the same words give the same bytes, and the last ones stay in memory.

    Fonts are those of the library: a pseudonym may be in any script, so it stands beside the picture.
    """
    import typst

    png: bytes = typst.compile(
        TEMPLATE.read_bytes(),
        format="png",
        ppi=PX_PER_INCH,
        sys_inputs={"card": json.dumps({"points": points, "words": words, "level": level})},
        ignore_system_fonts=True,
    )
    return png
