"""Metres -> SVG text: a frame that fits, polylines without needless points, text, a scale bar."""

from __future__ import annotations

from typing import NamedTuple
from xml.sax.saxutils import escape

import numpy as np

from transitmap.model import FloatArray

MARGIN = 0.03
SAVED_PX = 0.5
"""Points of a line closer to the straight line than this are not drawn."""


class Frame(NamedTuple):
    """From metres to pixels of a panel whose upper left corner is `left_px`, `top_px`."""

    low_m: FloatArray
    px_per_m: float
    left_px: float
    top_px: float
    width_px: float
    height_px: float

    def __call__(self, xy_m: FloatArray) -> FloatArray:
        """Pixels, y downwards."""
        x = self.left_px + (xy_m[:, 0] - self.low_m[0]) * self.px_per_m
        y = self.top_px + self.height_px - (xy_m[:, 1] - self.low_m[1]) * self.px_per_m
        return np.column_stack([x, y])


def frame_around(xy_m: FloatArray, width_px: float, left_px: float, top_px: float) -> Frame:
    """A frame that holds all points with a margin, no higher than 1.25 of its width."""
    low_m, high_m = xy_m.min(axis=0), xy_m.max(axis=0)
    pad_m = MARGIN * max(float((high_m - low_m).max()), 100.0)
    low_m, span_m = low_m - pad_m, high_m - low_m + 2 * pad_m
    scale = min(width_px / span_m[0], 1.25 * width_px / span_m[1])
    low_m = low_m - np.array([(width_px / scale - span_m[0]) / 2, 0.0])
    return Frame(low_m, scale, left_px, top_px, width_px, float(span_m[1] * scale))


def path(xy_px: FloatArray) -> str:
    """A polyline as path data, without the points that make no difference."""
    kept = [0]
    for k in range(1, len(xy_px) - 1):
        last, ahead, here = xy_px[kept[-1]], xy_px[k + 1], xy_px[k]
        along = ahead - last
        off = abs(along[0] * (here - last)[1] - along[1] * (here - last)[0])
        if off > SAVED_PX * max(float(np.hypot(*along)), 1e-9) / 4 or np.hypot(*(here - last)) > 40:
            kept.append(k)
    kept.append(len(xy_px) - 1)
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in xy_px[kept])


def text(x: float, y: float, said: str, more: str = "") -> str:
    """A line of text; `more` holds further attributes."""
    return f'<text x="{x:.0f}" y="{y:.0f}"{more}>{escape(said)}</text>'


def scale_bar(frame: Frame) -> list[str]:
    """A round number of metres, about a sixth of the panel, below its right corner."""
    sixth_m = frame.width_px / 6 / frame.px_per_m
    unit = 10.0 ** np.floor(np.log10(sixth_m))
    bar_m = float(max(step * unit for step in (1, 2, 5) if step * unit <= sixth_m))
    x, y = frame.left_px + frame.width_px - bar_m * frame.px_per_m, frame.top_px + frame.height_px + 22
    said = f"{bar_m / 1000:g} km" if bar_m >= 1000 else f"{bar_m:g} m"
    ticks = f"M{x:.1f} {y:.1f}v6h{bar_m * frame.px_per_m:.1f}v-6"
    return [f'<path class="bar" d="{ticks}"/>', text(x, y + 24, said)]
