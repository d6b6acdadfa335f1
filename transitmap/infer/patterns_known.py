"""Stage 3b. Lines, Network -> Paths: which of the patterns already mapped new lines run along."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from transitmap import geo
from transitmap.config import LinesConfig, PatternsConfig
from transitmap.model import FloatArray, Lines, Network, Paths

SAME_LABEL, OTHER_LABEL = 1.5, 0.5


def known_shapes(network: Network, plane: geo.Plane) -> list[FloatArray]:
    """The network's shapes as (n, 2) lines in metres."""
    start = network.shapes.point_start
    xy_m = plane.to_metres(network.shapes.lat_deg, network.shapes.lon_deg)
    return [xy_m[a:b] for a, b in zip(start[:-1], start[1:], strict=True)]


def match_lines(
    lines: Lines,
    labels: Sequence[str],
    called: Sequence[str],
    shapes_m: Sequence[FloatArray],
    step: LinesConfig,
    config: PatternsConfig,
) -> Paths:
    """A path a known pattern, with the lines that run along it for `config.share_fit` of what was seen.

    `labels` holds a cleaned label a line, `called` the cleaned name of each pattern's route.
    """
    rows = []
    dense_m = [geo.resample(shape_m, step.step_m) for shape_m in shapes_m]
    for line in range(len(lines)):
        points = slice(lines.point_start[line], lines.point_start[line + 1])
        seen = lines.is_seen[points]
        for path, shape_m in enumerate(dense_m):
            along = geo.running_along(lines.xy_m[points], shape_m, step.near_m)
            share = float(np.mean(along[seen] > 0)) if seen.any() else 0.0
            if share >= config.share_fit:
                rows.append((line, path, share, _worth(labels[line], called[path])))
    table = np.array(rows, dtype=float).reshape(-1, 4)
    return Paths(
        point_start=np.concatenate([[0], np.cumsum([len(shape_m) for shape_m in dense_m])]).astype(np.int64),
        xy_m=np.concatenate(dense_m) if dense_m else np.zeros((0, 2)),
        label=tuple(called),
        n_label=np.zeros(len(dense_m)),
        n_labelled=np.zeros(len(dense_m)),
        line_index=table[:, 0].astype(np.int64),
        path_index=table[:, 1].astype(np.int64),
        covered=table[:, 2],
        weight=table[:, 3],
    )


def _worth(label: str, called: str) -> float:
    if not label or not called:
        return 1.0
    return SAME_LABEL if label == called else OTHER_LABEL
