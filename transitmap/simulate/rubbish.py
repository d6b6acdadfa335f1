"""Recordings that are no bus ride: car trips, walks, phones at rest, copies of somebody else's file."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from transitmap import geo
from transitmap.simulate.ground import edge_costs_s, find_path
from transitmap.simulate.lines import draw_line
from transitmap.simulate.network import HOUR_DEMAND, City
from transitmap.simulate.operation import midnight_s
from transitmap.simulate.pace import drive_car
from transitmap.simulate.people import N_DIALECTS, Riders
from transitmap.simulate.phones import Recorded, Track, record
from transitmap.simulate.recordings import draw_label
from transitmap.simulate.rides import WALK_M_S, Draft, TrueRide, make_draft, phone_of

JUNK = ("car", "walk", "still", "copy")
JUNK_WEIGHT = (0.36, 0.26, 0.16, 0.22)


def record_junk(
    city: City,
    riders: Riders,
    drafts: Sequence[Draft],
    first_day: datetime.date,
    days: int,
    rng: np.random.Generator,
) -> Draft:
    """A recording that is no bus ride: a car trip, a walk, a phone at rest, a copy of somebody's ride."""
    kind = str(rng.choice(JUNK, p=JUNK_WEIGHT))
    rider = int(rng.choice(len(riders.pseudonym), p=riders.weight))
    originals = [k for k, draft in enumerate(drafts) if draft.truth.kind == "ride"]
    if kind == "copy" and originals:
        return _copy(drafts, int(rng.choice(originals)), rider, rng)
    hour = float(rng.choice(24, p=HOUR_DEMAND / HOUR_DEMAND.sum()) + rng.random())
    day = first_day + datetime.timedelta(days=int(rng.integers(days)))
    track = _other_track(city, kind, midnight_s(city, day) + 3_600.0 * hour, int(hour), rng)
    fixes = record(track, phone_of(city, riders, rider), rng)
    label = draw_label(city, int(rng.integers(len(city.patterns))), rng) if rng.random() < 0.15 else ""
    return make_draft(riders, rider, fixes, label, TrueRide(kind if kind != "copy" else "still"), rng)


def _other_track(city: City, kind: str, start_s: float, hour: int, rng: np.random.Generator) -> Track:
    """A car or a walker along streets; anything else rests in one place."""
    n = len(city.ground.node_xy_m)
    start = int(rng.integers(n))
    if kind not in ("car", "walk"):
        return Track(
            start_s + np.array([0.0, rng.uniform(600, 2_400)]), city.ground.node_xy_m[[start, start]] + 15.0
        )
    away_m = np.hypot(*(city.ground.node_xy_m - city.ground.node_xy_m[start]).T)
    low_m, high_m = (2_000.0, 8_000.0) if kind == "car" else (350.0, 1_500.0)
    ends = np.flatnonzero((away_m > low_m) & (away_m < high_m))
    end = int(rng.choice(ends)) if len(ends) else int(np.argmax(away_m))
    line = draw_line(city.ground, find_path(city.ground, start, end, edge_costs_s(city.ground)))
    if kind == "car":
        motion = drive_car(line, hour, city.config, rng)
        return Track(start_s + motion.time_s, geo.at(line.xy_m, line.along_m, motion.distance_m))
    pause_s = np.cumsum(
        np.where(rng.random(len(line.along_m)) < 0.01, rng.uniform(5, 60, len(line.along_m)), 0.0)
    )
    return Track(start_s + line.along_m / rng.uniform(*WALK_M_S) + pause_s, line.xy_m)


def _copy(drafts: Sequence[Draft], original: int, rider: int, rng: np.random.Generator) -> Draft:
    """Somebody's file again: as it was, saved by another app, or with every second fix left out."""
    base = drafts[original]
    later = replace(
        base,
        rider=rider,
        original=original,
        truth=TrueRide("copy"),
        uploaded_at=base.uploaded_at + float(np.round(rng.uniform(600, 172_800))),
    )
    way = rng.random()
    if way < 0.5:
        return later
    fixes = base.fixes
    if way > 0.8 and len(fixes) > 20:
        fixes = Recorded(fixes.time_s[::2], fixes.xy_m[::2], fixes.accuracy_m[::2])
    return replace(later, fixes=fixes, label="", taps=(), dialect=int((base.dialect + 1) % N_DIALECTS))
