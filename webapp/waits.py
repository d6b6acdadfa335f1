"""Why points wait, and what helps: for each trip of a receipt, and for all of a rider's together."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flask import current_app
from flask_babel import format_date, lazy_gettext

from transitmap import review as engine
from transitmap import store
from transitmap.campaigns.steps import local_date
from transitmap.points.campaigns import FROZEN, OVER, phase
from transitmap.terms import rules_of
from transitmap.unconfirmed import (
    ACCOUNT,
    FIRST_MAP,
    LOOK,
    NEXT_MAP,
    ONE_PERSON,
    OTHERS,
    Wait,
    account_of,
    waits_of,
)
from transitmap.unconfirmed import OVER as CLOSED
from webapp import auth, db, missions, published

SENTENCES = {
    CLOSED: lazy_gettext(
        "The campaign was closed on %(closed)s. What was not confirmed by then is paid no more."
    ),
    LOOK: lazy_gettext(
        "A person looks at it before more of it counts. That accuses nobody: tunnels, odd phones and full "
        "buses look strange, too."
    ),
    ACCOUNT: lazy_gettext(
        "Your account sent a recording that another account had sent. Until a person says whether you are "
        "two people, all your trips wait; the map uses them meanwhile."
    ),
    ONE_PERSON: lazy_gettext(
        "A person said that this account and another one are one rider’s. What waited for that is not paid."
    ),
    FIRST_MAP: lazy_gettext(
        "There is no map yet. The first one is drawn once enough people have ridden one line; then trips are "
        "compared."
    ),
    NEXT_MAP: lazy_gettext(
        "The map of %(made)s was made without it. With the next one it is compared with what others rode."
    ),
    OTHERS: lazy_gettext(
        "Nobody independent has been seen on all of it yet: it takes another person, on another day."
    ),
}
"""Why something waits. Nobody there and one voice there are one sentence: two would tell who rode."""
ADVICE = {
    LOOK: lazy_gettext("Tell what happened, if you like: whoever looks at it reads that."),
    ACCOUNT: lazy_gettext("Ask for a second look, and say who recorded it."),
    ONE_PERSON: lazy_gettext("If that is wrong, ask for a second look."),
    FIRST_MAP: lazy_gettext("Ask others who ride your line to record it, too."),
    NEXT_MAP: lazy_gettext("There is nothing to do: the next map comes by itself."),
    OTHERS: lazy_gettext(
        "Ask somebody who rides this line to record it on another day, at any hour. That earns them points, "
        "too."
    ),
}
INDEPENDENT = lazy_gettext(
    "At most %(days)s days before you, or any time after. People who mostly confirm one another count as one "
    "person. Who rode where is told to nobody."
)
HELD = lazy_gettext("No new map is made for now: a planner holds the one that there is.")
LAST_DAYS = lazy_gettext(
    "The days of its campaign are over. What is confirmed before it is closed is still paid."
)
MET = lazy_gettext(
    "Somebody of the staff knows you: up to %(points)s points of each campaign are confirmed where only your "
    "own circle was, or where only the official map knows the line; your first trips come first."
)
NOT_MET = lazy_gettext(
    "Of riders whom somebody of the staff has met, up to %(points)s points of each campaign are confirmed "
    "where only their own circle was. Nobody has said so of you: ask at a workshop or a stand."
)
N_ASKED, N_RECEIPTS = 2, 20
"""So many missions of a line are named to be passed on, and so many receipts of what waits for one reason."""


@dataclass(frozen=True)
class WaitView:
    """What waits of one trip, or of all for one reason in one campaign: how much, why, and what helps.

    `permille` is how much of the trip is confirmed. Of `ride_id`, where there is one, a second look can be
    asked for, or was and has no answer yet (`is_asked`). `missions` ask for rides that would confirm it;
    `uploads` are those of the receipts, and when each first earned.
    """

    why: str
    millipoints: int
    n_rides: int
    sentence: str
    more: tuple[str, ...]
    advice: str
    campaign: store.Campaign | None = None
    permille: int = 0
    ride_id: str = ""
    is_asked: bool = False
    missions: tuple[missions.MissionView, ...] = ()
    uploads: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class Facts:
    """What is asked once of the database to tell a rider of many waits."""

    campaigns: Mapping[int, store.Campaign]
    made_s: float
    is_held: bool
    is_met: bool


def waits_by_ride(user_id: int, ride_ids: Sequence[str]) -> dict[str, WaitView]:
    """What waits of each of some rides of one rider, and why."""
    session = db.session()
    waits = waits_of(session, user_id, store.lines_of_rides(session, ride_ids))
    facts = _facts(user_id) if waits else None
    if facts is None:
        return {}
    asking = _asking([one.ride_id for one in waits if one.why == OTHERS])
    return {
        one.ride_id: replace(
            _view([one], facts),
            permille=one.permille,
            **_to_ask_about(one),
            missions=asking.get(one.ride_id, ()),
        )
        for one in waits
    }


def waits_together(
    user_id: int, lines: Sequence[store.LedgerRow], uploads: Mapping[str, str]
) -> list[WaitView]:
    """What waits of all that a rider sent: for each reason and campaign once, what weighs most first."""
    groups: dict[tuple[str, int], list[Wait]] = {}
    for one in waits_of(db.session(), user_id, lines):
        groups.setdefault((one.why, one.campaign_id), []).append(one)
    facts = _facts(user_id) if groups else None
    if facts is None:
        return []
    paid_s = {line.ride_id: line.created_s for line in reversed(lines) if line.kind == "award"}
    found = []
    for group in groups.values():
        receipts = {uploads[one.ride_id]: paid_s[one.ride_id] for one in group if one.ride_id in uploads}
        first = tuple(receipts.items())[:N_RECEIPTS]
        found.append(replace(_view(group, facts), **_to_ask_about(group[0]), uploads=first))
    return sorted(found, key=lambda one: -one.millipoints)


def _facts(user_id: int) -> Facts:
    session = db.session()
    last = store.last_settlement(session)
    return Facts(
        {one.id: one for one in store.all_campaigns(session)},
        last.made_s if last else 0.0,
        store.is_held(session),
        account_of(session, user_id).is_met,
    )


def _view(group: Sequence[Wait], facts: Facts) -> WaitView:
    """What waits for one reason in one campaign."""
    why, campaign = group[0].why, facts.campaigns[group[0].campaign_id]
    said = str(SENTENCES[why]) % {
        "closed": _day(campaign.closed_s),
        "made": _day(facts.made_s),
    }
    return WaitView(
        why,
        sum(one.millipoints for one in group),
        len(group),
        said,
        tuple(_more(why, campaign, facts)),
        str(ADVICE.get(why, "")),
        campaign if len(facts.campaigns) > 1 else None,
    )


def _day(time_s: float | None) -> str:
    return format_date(local_date(time_s or 0.0, published.timezone()), "medium")


def _more(why: str, campaign: store.Campaign, facts: Facts) -> Iterator[str]:
    """What else holds of a reason: a map that is held, days that are over, what is confirmed on trust."""
    if why == NEXT_MAP and facts.is_held:
        yield str(HELD)
    if why in (OTHERS, NEXT_MAP) and phase(campaign, time.time()) in (OVER, FROZEN):
        yield str(LAST_DAYS)
    rules = rules_of([campaign], current_app.extensions["transitmap_rules"])[campaign.id]
    if why == OTHERS:
        yield str(INDEPENDENT) % {"days": rules.fresh_after_days}
    if why == OTHERS and rules.trust_millipoints:
        yield str(MET if facts.is_met else NOT_MET) % {"points": f"{rules.trust_millipoints / 1000:g}"}


def _to_ask_about(wait: Wait) -> dict[str, Any]:
    """The ride of which a second look can be asked for; of an account that waits one that is a copy."""
    session, user = db.session(), auth.must_me()
    if wait.why not in (LOOK, ACCOUNT, ONE_PERSON):
        return {}
    candidates = [wait.ride_id]
    if wait.why == ACCOUNT:
        candidates += [one.ride_id for one in store.linking_findings(session, user.id)]
    for ride in (store.ride_by_id(session, one) for one in candidates):
        if ride is not None and ride.user_id == user.id:
            refusal = engine.why_no_appeal(session, user, ride)
            if refusal != "nothing_to_ask":
                return {"ride_id": ride.id, "is_asked": refusal == "asked_already"}
    return {}


def _asking(ride_ids: Sequence[str]) -> dict[str, tuple[missions.MissionView, ...]]:
    """Open missions of each ride's line and direction, as anybody can read them, for rides that have any."""
    session = db.session()
    rides = [ride for one in ride_ids if (ride := store.ride_by_id(session, one)) and ride.route_id]
    by_way: dict[tuple[str, int | None], list[store.Mission]] = {}
    route_ids = sorted({ride.route_id for ride in rides})
    for one in store.open_missions(session, time.time(), route_ids=route_ids) if rides else []:
        those = by_way.setdefault((one.route_id, one.direction_id), [])
        those += [one] * (len(those) < N_ASKED)
    shown = {
        one.id: one for one in missions.views([one for many in by_way.values() for one in many], auth.me())
    }
    return {
        ride.id: tuple(shown[one.id] for one in by_way.get((ride.route_id, ride.direction_id), ()))
        for ride in rides
    }
