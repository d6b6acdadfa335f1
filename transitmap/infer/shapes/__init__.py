"""Stage 5. Paths, fixes -> shapes: consensus lines of all vehicles that ran the way, corners kept sharp.

`consensus` pulls a path's own line to the median of its vehicles, `alongside` finds others on the same
streets, `pieces` makes it straight pieces that cross at the corners, `ends` puts its ends where rides began
and ended and cuts it to the first and last stop; `on_streets` takes corners and bends from a street map
where an operator supplies one.
"""

from transitmap.infer.shapes.consensus import draw_shapes
from transitmap.infer.shapes.ends import between_ends
from transitmap.infer.shapes.on_streets import follow_streets

__all__ = ["between_ends", "draw_shapes", "follow_streets"]
