"""By which rules a ride is paid, in which campaign, and by what its worth is multiplied."""

from __future__ import annotations

import datetime
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np

from transitmap import store
from transitmap.config import Config
from transitmap.model import Fixes, Rules, Terms
from transitmap.points import equity, missions
from transitmap.points.campaigns import campaign_of
from transitmap.points.rules import parse_rules
from transitmap.points.voices import one_person

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

EPOCH_DAY = datetime.date(1970, 1, 1).toordinal()


@dataclass(frozen=True)
class Deal:
    """What one ride is paid by. `day` is the city's day on which it is understood, since 1970-01-01.

    A ride `waits` where its account sent a copy of another's and nobody has said yet whose it is.
    """

    campaign_id: int
    rules: Rules
    terms: Terms
    day: int
    waits: bool = False


def deal_for(
    session: Session,
    row: store.RideRow,
    fixes: Fixes,
    timezone: str,
    config: Config,
    own: Rules,
    now_s: float,
) -> Deal:
    """The deal of a ride that is understood now; call it under `lock_ledger`.

    The campaign is that of where half of the way was done and when the ride began; missions and places count
    by its own rules, and what a rider may get on a day by all that the day's rides are worth.
    """
    campaigns = store.all_campaigns(session)
    campaign_id = campaign_of(campaigns, row.started_s, *halfway(fixes), at_s=now_s)
    rules = rules_of(campaigns, own)[campaign_id]
    day = city_day(now_s, timezone)
    way = row.route_id, row.direction_id
    bonus, mission_id = bonus_of_ride(session, *way, row.user_id, row.started_s, timezone)
    bound = store.tied(store.ties(session))
    also = also_of(row.user_id, store.both_ways(bound))
    spent = sum(store.worth_of_day(session, account, day) for account in (row.user_id, *sorted(also)))
    terms = Terms(
        mission_id=mission_id or 0,
        mission_permille=min(bonus, rules.mission_permille),
        equity_permille=_need(config.equity.grid, fixes, rules),
        left_millipoints=rules.max_millipoints_per_day - spent,
        also=also,
    )
    return Deal(campaign_id, rules, terms, day, row.user_id in store.waiting(bound))


def halfway(fixes: Fixes) -> tuple[float, float]:
    """(lat, lon) of the fix by which half of a ride's way was done: where it began is easily chosen."""
    east_deg = np.diff(fixes.lon_deg) * np.cos(np.radians(fixes.lat_deg[:-1]))
    way = np.concatenate([[0.0], np.cumsum(np.hypot(east_deg, np.diff(fixes.lat_deg)))])
    place = int(np.searchsorted(way, way[-1] / 2))
    return float(fixes.lat_deg[place]), float(fixes.lon_deg[place])


def also_of(user_id: int, linked: Iterable[Sequence[int]]) -> frozenset[int]:
    """The other accounts of the same person."""
    return one_person(linked).get(user_id, frozenset()) - {user_id}


def rules_of(campaigns: Sequence[store.Campaign], own: Rules) -> dict[int, Rules]:
    """The rules of each campaign; one that has none of its own pays by the installation's."""
    return {one.id: _parsed(one.rules_toml) if one.rules_toml else own for one in campaigns}


@lru_cache(maxsize=64)
def _parsed(rules_toml: str) -> Rules:
    return parse_rules(tomllib.loads(rules_toml))


def paying_rules(session: Session, own: Rules, at_s: float) -> dict[int, Rules]:
    """The rules of the campaigns that were not closed at a moment: a closed one pays nobody any more."""
    campaigns = [one for one in store.all_campaigns(session) if one.closed_s is None or one.closed_s > at_s]
    return rules_of(campaigns, own)


def city_day(time_s: float, timezone: str) -> int:
    """The day on the city's clock, counted since 1970-01-01; UTC where nobody knows the city yet."""
    zone = ZoneInfo(timezone) if timezone else datetime.UTC
    return datetime.datetime.fromtimestamp(time_s, zone).date().toordinal() - EPOCH_DAY


def bonus_of_ride(
    session: Session,
    route_id: str,
    direction_id: int | None,
    user_id: int,
    started_s: float,
    timezone: str,
) -> tuple[int, int | None]:
    """(thousandths, mission) of a ride, by the rows of missions and reservations as of when it began."""
    if not route_id or direction_id is None:
        return missions.PAID_ONCE, None
    part = missions.day_part_of(started_s, timezone)
    offers = store.missions_of(session, route_id, direction_id, part)
    holds = store.reservations_of(session, [one.id for one in offers])
    return missions.bonus_of(route_id, direction_id, part, user_id, started_s, offers, holds)


def _need(path: str, fixes: Fixes, rules: Rules) -> int:
    return equity.weight_permille(_grid(path), fixes, rules.equity_permille) if path else 1000


@lru_cache(maxsize=2)
def _grid(path: str) -> equity.Grid:
    return equity.read_grid(Path(path))


def claimed_checks(session: Session, fixes: Fixes, timezone: str) -> list[int]:
    """The missions on routes that do not exist which a ride looks made up for: for a reviewer, never more.

    Ask only of rides that are on no known route.
    """
    if not len(fixes):
        return []
    started_s = float(fixes.time_s[0])
    part = missions.day_part_of(started_s, timezone)
    way = np.column_stack([fixes.lat_deg, fixes.lon_deg])
    checks = [one for one in store.checks_at(session, started_s) if one.day_part == part]
    return [one.id for one in checks if missions.claims_check(one, way)]


def recorded_terms(
    lines: Sequence[Mapping[str, object]], left_millipoints: int, also: frozenset[int] = frozenset()
) -> Terms:
    """What a ride's worth was multiplied by, out of the evidence of its lines."""
    found: dict[str, object] = {}
    for evidence in lines:
        found |= evidence
    names = ("mission_id", "mission_permille", "equity_permille")
    told = {name: int(str(found[name])) for name in names if name in found}
    return Terms(**told, left_millipoints=left_millipoints, also=also)
