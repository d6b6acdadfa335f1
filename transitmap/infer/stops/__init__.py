"""Stage 7. Lines, shapes -> Stops and the calls of each path: evidence of many vehicles, added up on the way.

`halts` finds where single vehicles stood, `streets` takes every stretch that paths run once, `profile` counts
what vehicles do along it, `candidates` measures what speaks for each place, `scorecard` makes a confidence of
it, and `places` keeps the stops, one a side, and the calls of each path.
"""

from transitmap.infer.stops.places import Calls, find_stops

__all__ = ["Calls", "find_stops"]
