"""Stage 3. Lines, labels -> Paths: overlapping rides joined into the ways that vehicles run.

Works like genome assembly: rides are reads, shared corridors are repeats. `pieces` lays the rides end to end
and indexes them by place, `grow` lets a ride go on as the rides go on that began on it, `mend` takes out
detours, `cut` parts what no vehicle runs through, `find` repeats that until every ride is held by a chain,
`fold` offers the halves of those that turn back along themselves, `weigh` keeps the fewest chains that tell
all rides, `pick` says which rides run along each.
"""

from transitmap.infer.patterns.pick import find_paths

__all__ = ["find_paths"]
