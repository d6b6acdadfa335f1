"""Stage 3. Lines, labels -> Paths: overlapping rides joined into the ways that vehicles run.

Works like genome assembly: rides are reads, shared corridors are repeats. `chain` tells how two chains of
places lie to each other, `join` drops the contained and joins the overlapping, best overlap first, `mend`
takes out detours, `pick` keeps the fewest chains that explain the rides.
"""

from transitmap.infer.patterns.pick import find_paths

__all__ = ["find_paths"]
