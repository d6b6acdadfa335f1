"""Stage 4. A screened trace -> its rides: a file may hold a day or a year, and a clock may start anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from transitmap.config import CollectConfig
from transitmap.errors import UploadRefused
from transitmap.geo import Plane
from transitmap.model import SPARSE, Fixes, FloatArray, IntArray, Refusal, Ride

STANDING_S = 600.0
"""Who reached no place and was there for longer stood; who was there for less recorded too little."""
SHARE_OUTLIERS = 0.01


def split(ride: Ride, config: CollectConfig, max_silence_s: float) -> list[Ride | Refusal]:
    """The rides of one trace, in its order, or why a part of it is none; all with the trace's `ride_id`.

    A ride ends where the clock was set back, and where the phone is silent for longer than `max_silence_s`,
    longer than anybody waits on a ride. A part of less than `min_fixes` is dropped (`lone_fix`). Taps go to
    the part nearest in time, what was dropped is counted on the first ride, what is flagged is so on all.

    A part that does not reach `min_reach_m` is refused: `stationary`, or `too_short` where it is brief.
    Sketches are not divided: a journey that somebody named is one.

    Raises:
        UploadRefused: `too_short`, no part has `min_fixes`.
    """
    if SPARSE in ride.flagged:
        return [_checked(ride, config)]
    bounds = np.concatenate([[0], _ends(ride.fixes, max_silence_s), [len(ride.fixes)]])
    spans = np.stack([bounds[:-1], bounds[1:]], axis=1)
    lone = spans[:, 1] - spans[:, 0] < config.min_fixes
    n_lone = int((spans[lone, 1] - spans[lone, 0]).sum())
    if lone.all():
        detail = f"{n_lone} points, none near {config.min_fixes - 1} others in time"
        raise UploadRefused("too_short", detail)
    parts = (
        [ride.fixes.take(np.arange(*span)) for span in spans[~lone].tolist()]
        if len(spans) > 1
        else [ride.fixes]
    )
    owner = _nearest(ride.taps.time_s, parts)
    found = [
        _checked(replace(ride, fixes=part, taps=ride.taps.take(owner == number), dropped={}), config)
        for number, part in enumerate(parts)
    ]
    n_lone += ride.dropped.get("lone_fix", 0)
    dropped = {**ride.dropped, "lone_fix": n_lone} if n_lone else ride.dropped
    for number, one in enumerate(found):
        if isinstance(one, Ride):
            found[number] = replace(one, dropped=dropped)
            break
    return found


def _ends(fixes: Fixes, max_silence_s: float) -> IntArray:
    """The rows at which another ride begins."""
    silent_s = np.diff(fixes.time_s)
    return np.asarray(np.flatnonzero((silent_s <= 0) | (silent_s > max_silence_s)) + 1)


def _nearest(tap_s: FloatArray, parts: Sequence[Fixes]) -> IntArray:
    """Which part each tap belongs to: the nearest in time, or the first without a time."""
    owner, best_s = np.zeros(len(tap_s), np.int64), np.full(len(tap_s), np.inf)
    for number, part in enumerate(parts if len(tap_s) else ()):
        away_s = np.maximum(np.maximum(part.time_s[0] - tap_s, tap_s - part.time_s[-1]), 0.0)
        nearer = away_s < best_s
        owner[nearer], best_s[nearer] = number, away_s[nearer]
    return owner


def _checked(ride: Ride, config: CollectConfig) -> Ride | Refusal:
    """The ride, or why it is none."""
    if config.min_reach_m <= 0 or (reach_m := _reach_m(ride.fixes)) >= config.min_reach_m:
        return ride
    long_s = float(ride.fixes.time_s[-1] - ride.fixes.time_s[0])
    reason = "stationary" if long_s >= STANDING_S else "too_short"
    detail = f"reached {reach_m:.0f} m in {long_s:.0f} s, need {config.min_reach_m:g} m"
    return Refusal(ride.ride_id, reason, detail)


def _reach_m(fixes: Fixes) -> float:
    """How far the fixes lie apart: twice the distance from their middle that all but 1 % keep to."""
    plane = Plane.around(fixes.lat_deg, fixes.lon_deg)
    xy_m = plane.to_metres(fixes.lat_deg, fixes.lon_deg)
    off_m = np.hypot(*(xy_m - np.median(xy_m, axis=0)).T)
    return 2 * float(np.quantile(off_m, 1 - SHARE_OUTLIERS, method="higher"))
