"""Stage 7. Lines, shapes -> Stops and the calls of each path: halts of many vehicles, added up on the way.

`halts` finds where single vehicles stood, `peaks` adds them up along each shape and direction, `places`
merges the peaks of paths that share a street into stops, one a side.
"""

from transitmap.infer.stops.places import Calls, find_stops

__all__ = ["Calls", "find_stops"]
