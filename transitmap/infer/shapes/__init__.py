"""Stage 5. Paths, fixes -> shapes: consensus lines of all vehicles that ran the way, corners kept sharp.

`consensus` pulls a path's own line to the median of its vehicles, `pieces` makes it straight pieces that
cross at the corners, `ends` puts its ends where vehicles stood and cuts it to the first and last stop.
"""

from transitmap.infer.shapes.consensus import draw_shapes
from transitmap.infer.shapes.ends import between_ends

__all__ = ["between_ends", "draw_shapes"]
