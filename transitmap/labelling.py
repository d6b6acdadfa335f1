"""What riders said on their rides -> Labels, and what those earned as lines of the ledger."""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import numpy as np

from transitmap import geo
from transitmap.errors import ConfigError
from transitmap.infer.sayings import AT_STOP_M, meaning
from transitmap.model import Ride, Rules, Stops, Taps
from transitmap.points.labels import (
    CROWDING,
    FARE,
    ROUTE_NAME,
    STEP_FREE,
    STOP_NAME,
    Check,
    Label,
    LabelLine,
    lines,
    load_label_rules,
)

NO_NAMES = frozenset({"parada", "sube", "baja", "stop", "board", "alight", "waypoint"})
"""What marks a place and does not name it."""
PART_H = 3
MAX_NAME, MAX_ID, MAX_DIGITS = 80, 64, 9


class RideLike(Protocol):
    """What a row of rides says of one: see `store.RideRow`."""

    id: str
    sequence: int
    user_id: int
    route_id: str
    direction_id: int | None
    started_s: float


def subject_of(route_id: str = "", stop_id: str = "", direction_id: int | None = None, part: str = "") -> str:
    """What a label or a planted check is about: a route, a stop, or a route and direction at some hours."""
    return "|".join((route_id, stop_id, "" if direction_id is None else str(direction_id), part))


def check_answer(kind: str, about: str, answer: str) -> tuple[str, str]:
    """(route_id, stop_id) that an answer which is known is about; one of them is empty.

    Fares (whole centavos) and names are known of routes, steps (yes, no) and names of stops; how full a bus
    was nobody knows beforehand.

    Raises:
        ConfigError: it cannot be known, is about nothing, or makes no sense.
    """
    if kind not in (FARE, ROUTE_NAME, STEP_FREE, STOP_NAME):
        raise ConfigError("kind", kind, f"must be {FARE}, {ROUTE_NAME}, {STEP_FREE} or {STOP_NAME}")
    is_number = answer.isascii() and answer.isdecimal() and len(answer) <= MAX_DIGITS
    makes_sense = {FARE: is_number, STEP_FREE: answer in ("yes", "no")}.get(kind, 0 < len(answer) <= MAX_NAME)
    if not makes_sense:
        raise ConfigError(kind, answer, f"must be whole centavos, yes or no, or up to {MAX_NAME} letters")
    if not 0 < len(about) <= MAX_ID:
        raise ConfigError(kind, about, f"needs the route_id or stop_id it is about, up to {MAX_ID} letters")
    return (about, "") if kind in (FARE, ROUTE_NAME) else ("", about)


def gather(
    rows: Sequence[RideLike],
    rides: Sequence[Ride],
    stops: Stops,
    stop_ids: Sequence[str],
    timezone: str,
    voices: Mapping[int, int],
    received_s: Mapping[str, float],
) -> list[Label]:
    """All that was said on rides of published routes. `stop_ids` are empty for stops that are not published.

    `voices` names the voice of a rider who is not the only one of it, `received_s` when each ride came in.
    What was said of a stop is said of the nearest one within AT_STOP_M.
    """
    found = []
    for row, ride in zip(rows, rides, strict=True):
        told = _told(row, ride, _nearest(ride.taps, stops, stop_ids), timezone) if row.route_id else []
        voice_id = voices.get(row.user_id, row.user_id)
        found += [
            Label(row.sequence, row.id, row.user_id, kind, subject, value, received_s[row.id], voice_id)
            for kind, subject, value in told
        ]
    return found


def _told(row: RideLike, ride: Ride, stop_ids: Sequence[str], timezone: str) -> list[tuple[str, str, str]]:
    """(kind, subject, value) of everything said on one ride."""
    found = []
    if name := ride.label.strip()[:MAX_NAME]:
        found.append((ROUTE_NAME, subject_of(row.route_id), name))
    for text, stop_id in zip(ride.taps.name, stop_ids, strict=True):
        said = text.strip()[:MAX_NAME]
        fare_and_step = meaning(said)
        if fare_and_step is None:
            if stop_id and said and said.casefold() not in NO_NAMES:
                found.append((STOP_NAME, subject_of(stop_id=stop_id), said))
        elif not math.isnan(fare_and_step[0]):
            found.append((FARE, subject_of(row.route_id), str(round(100 * fare_and_step[0]))))
        elif fare_and_step[1] < 0:
            part = _part(row.started_s, timezone)
            about = subject_of(row.route_id, "", row.direction_id, part)
            found.append((CROWDING, about, said.partition(" ")[2] or said))
        elif stop_id:
            found.append((STEP_FREE, subject_of(stop_id=stop_id), "yes" if fare_and_step[1] else "no"))
    return found


def _part(time_s: float, timezone: str) -> str:
    """The three hours of the city's day in which something was."""
    zone = ZoneInfo(timezone) if timezone else datetime.UTC
    return f"{datetime.datetime.fromtimestamp(time_s, zone).hour // PART_H * PART_H:02d}h"


def _nearest(taps: Taps, stops: Stops, stop_ids: Sequence[str]) -> list[str]:
    """The published stop that each tap was made at, empty where there is none."""
    if not len(taps) or not len(stops):
        return [""] * len(taps)
    plane = geo.Plane.around(stops.lat_deg, stops.lon_deg)
    there_m = plane.to_metres(stops.lat_deg, stops.lon_deg)
    found = []
    for here_m in plane.to_metres(taps.lat_deg, taps.lon_deg):
        away_m = np.hypot(*(there_m - here_m).T)
        at = int(np.argmin(np.where(np.isfinite(away_m), away_m, np.inf)))
        found.append(stop_ids[at] if away_m[at] <= AT_STOP_M else "")
    return found


def label_lines(
    labels: Iterable[Label], checks: Iterable[Check], rules: Rules, campaign_of: Mapping[str, int]
) -> list[dict[str, Any]]:
    """What labels have earned so far as lines of the ledger, but for when; a key that is there is paid.

    `campaign_of` names the campaign of each ride that may earn. Labels count on the board and never for
    money: three phones of one person agree about everything.
    """
    paying = load_label_rules(rules.label_millipoints, rules.labels_per_ride)
    earned = lines(labels, checks, paying)
    return [_line(one, campaign_of[one.ride_id], rules) for one in earned if one.ride_id in campaign_of]


def _line(one: LabelLine, campaign_id: int, rules: Rules) -> dict[str, Any]:
    return {
        "key": one.key,
        "campaign_id": campaign_id,
        "kind": "label",
        "ride_id": one.ride_id,
        "user_id": one.user_id,
        "rule": one.rule,
        "millipoints": one.millipoints,
        "verified_millipoints": 0,
        "rules_version": rules.version,
        "evidence": one.evidence,
        "text_es": one.text_es,
        "text_en": one.text_en,
    }
