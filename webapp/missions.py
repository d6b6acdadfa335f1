"""Missions: what the map lacks, nearest first; one mission, reserved or left; routes that I look after."""

from __future__ import annotations

import json
import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext, ngettext
from flask_babel import lazy_gettext as _
from flask_login import login_required
from werkzeug.wrappers import Response as BaseResponse

from transitmap import missions, store
from transitmap.missions import mission_rules
from transitmap.points.missions import near
from webapp import auth, db, published
from webapp.errors import Problem
from webapp.headers import HEADERS

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from transitmap.points.missions import MissionRules
    from transitmap.store import Mission, Reservation, User

blueprint = Blueprint("missions", __name__, url_prefix="/missions")
PERMISSIONS = HEADERS["Permissions-Policy"].replace("geolocation=()", "geolocation=(self)")
N_FIRST, N_SHOWN, N_MOST = 10, 60, 2_000
PARTS = {
    "weekday_morning": _("Monday to Friday, 5 to 10 in the morning"),
    "weekday_midday": _("Monday to Friday, 10 to 16"),
    "weekday_evening": _("Monday to Friday, 16 to 21"),
    "saturday": _("Saturday, 5 to 21"),
    "sunday": _("Sunday, 5 to 21"),
}
WHYS = {
    "nobody": _("Nobody has recorded it at these hours."),
    "one": _("One person has recorded it at these hours. It takes another one, on another day, to be sure."),
    "partly": _("Part of the way is still missing at these hours."),
    "stale": _("Nobody has recorded it at these hours for long. It may have changed."),
}
REFUSED = {
    "not_open": _("This mission is over. Look for another one."),
    "held": _("Somebody else has reserved this mission. It is free again later, or look for another one."),
    "mine": _("You have this mission already."),
    "too_many": _("You have as many missions as one rider can hold. Ride one or leave it first."),
    "ride_first": _(
        "You have let several missions go by. Make a trip that earns points, then you can reserve again."
    ),
    "lapsed": _(
        "You had this mission a short while ago. Leave it to others for now; a ride of it still counts."
    ),
}


@dataclass(frozen=True)
class MissionView:
    """One mission as its reader sees it. `holder` is mine, other, or empty where nobody holds it."""

    id: int
    route_id: str
    name: str
    headsign: str
    colour: int
    part: str
    why: str
    n_needed: int
    times: float
    places: list[list[float]]
    start: str
    is_open: bool
    closes_s: float
    holder: str
    until_s: float
    away_m: float | None = None


@blueprint.after_request
def _may_ask_where(response: Response) -> Response:
    """These pages may ask the browser where it is; it keeps the answer to itself."""
    response.headers["Permissions-Policy"] = PERMISSIONS
    return response


@blueprint.app_context_processor
def _in_templates() -> dict[str, object]:
    return {"next_mission": next_mission, "my_stale_routes": my_stale_routes, "is_adopted": is_adopted}


def rules() -> MissionRules:
    """The rules of missions, of the published ones."""
    return mission_rules(current_app.extensions["transitmap_rules"])


@blueprint.get("/")
def index() -> str:
    """Open missions, those worth most first, or nearest first to a stop chosen from the list."""
    atlas, user = published.latest_atlas(), auth.me()
    now_s, wants_all = time.time(), bool(request.args.get("all"))
    chosen = atlas.stop(request.args.get("near", "")) if atlas else None
    limit = None if chosen else N_MOST if wants_all else N_SHOWN
    rows = store.open_missions(db.session(), now_s, limit=limit)
    away: dict[int, float] = {}
    if chosen:
        pairs = near(rows, chosen.lat_deg, chosen.lon_deg)
        away, rows = {one.id: away_m for away_m, one in pairs}, [one for _, one in pairs]
    shown = views(rows[: N_MOST if wants_all else N_SHOWN], user, away)
    return render_template(
        "missions.html",
        atlas=atlas,
        chosen=chosen,
        missions=shown,
        n_all=store.n_open_missions(db.session(), now_s),
        n_first=N_FIRST,
        mine=views(store.held_missions(db.session(), user.id, now_s), user) if user else [],
        forecast=next_forecast(),
        adopted=db.once(_adopted),
        route_names={route.id: route.name for route in atlas.routes} if atlas else {},
    )


@blueprint.get("/<int:mission_id>")
def mission(mission_id: int) -> str:
    """One mission: where, when, why, what it is worth, and whose it is."""
    row = store.mission_by_id(db.session(), mission_id)
    if row is None:
        raise Problem("not_found")
    (view,) = views([row], auth.me())
    return render_template(
        "mission.html", mission=view, atlas=published.latest_atlas(), hold_h=round(rules().hold_s / 3600)
    )


@blueprint.post("/<int:mission_id>/reserve")
@login_required
def reserve(mission_id: int) -> BaseResponse:
    """Reserves a mission for me for a while, if nobody holds it."""
    if store.mission_by_id(db.session(), mission_id) is None:
        raise Problem("not_found")
    why = missions.reserve(db.session(), mission_id, auth.must_me().id, time.time(), rules())
    db.commit()
    said = str(REFUSED[why]) if why else gettext("It is yours for now. Record the whole way if you can.")
    flash(said, "sun" if why else "good")
    return redirect(url_for("missions.mission", mission_id=mission_id))


@blueprint.post("/<int:mission_id>/leave")
@login_required
def leave(mission_id: int) -> BaseResponse:
    """Gives a mission back to others. It costs nothing."""
    if store.leave_mission(db.session(), mission_id, auth.must_me().id, time.time()):
        flash(gettext("You left the mission to others."), "good")
    db.commit()
    return redirect(url_for("missions.index"))


@blueprint.post("/routes/<route_id>/adopt")
@login_required
def adopt(route_id: str) -> BaseResponse:
    """From now on I look after a route: I am told when nobody has ridden it for long."""
    atlas = published.latest_atlas()
    is_published = atlas is not None and atlas.route(route_id) is not None
    if not is_published and not store.open_missions(db.session(), time.time(), route_ids=[route_id], limit=1):
        raise Problem("not_found")
    store.adopt_route(db.session(), auth.must_me().id, route_id, time.time())
    db.commit()
    flash(gettext("You look after this route now. We tell you here when it needs a ride."), "good")
    return redirect(url_for("missions.index", _anchor="mine"))


@blueprint.post("/routes/<route_id>/release")
@login_required
def release(route_id: str) -> BaseResponse:
    """I look after a route no longer."""
    store.leave_route(db.session(), auth.must_me().id, route_id)
    db.commit()
    flash(gettext("You look after this route no longer."), "good")
    return redirect(url_for("missions.index"))


# --- what pages show -----------------------------------------------------------------------------


def views(
    rows: Sequence[Mission], user: User | None, away: dict[int, float] | None = None
) -> list[MissionView]:
    """Missions for this reader, in their order."""
    now_s = time.time()
    holds: dict[int, Reservation] = {
        hold.mission_id: hold
        for hold in store.reservations_of(db.session(), [row.id for row in rows])
        if hold.from_s <= now_s < hold.until_s
    }
    names = _stop_names()
    return [_view(row, holds.get(row.id), user, now_s, names, (away or {}).get(row.id)) for row in rows]


def _stop_names() -> dict[tuple[float, float], str]:
    atlas = published.latest_atlas()
    return {(stop.lat_deg, stop.lon_deg): stop.name for stop in atlas.stops} if atlas else {}


def _view(
    row: Mission,
    hold: Reservation | None,
    user: User | None,
    now_s: float,
    names: dict[tuple[float, float], str],
    away_m: float | None,
) -> MissionView:
    holder = "" if hold is None else "mine" if user and hold.user_id == user.id else "other"
    told = row.evidence
    return MissionView(
        id=row.id,
        route_id=row.route_id,
        name=told["name"],
        headsign=told["headsign"],
        colour=zlib.crc32(row.route_id.encode()) % 8,
        part=str(PARTS.get(row.day_part, row.day_part)),
        why=str(WHYS.get(told["why"], told["why"])),
        n_needed=row.n_needed,
        times=row.bonus_permille / 1_000,
        places=told["places"],
        start=names.get((row.lat_deg, row.lon_deg), ""),
        is_open=row.state == "open" and row.closes_s is not None and now_s < row.closes_s,
        closes_s=row.closes_s or now_s,
        holder=holder,
        until_s=hold.until_s if hold else 0.0,
        away_m=away_m,
    )


def next_mission() -> MissionView | None:
    """For the first page: what I hold, else what I look after, else what is worth most and free."""
    user, session, now_s = auth.me(), db.session(), time.time()
    rows = store.open_missions(session, now_s, limit=N_FIRST)
    if user:
        adopted = db.once(_adopted)
        looked_after = (
            store.open_missions(session, now_s, route_ids=adopted, limit=N_FIRST) if adopted else []
        )
        rows = store.held_missions(session, user.id, now_s) + looked_after + rows
    return next((one for one in views(rows, user) if one.holder in ("", "mine")), None)


def my_stale_routes() -> list[tuple[str, str, int]]:
    """(id, name, days) of the routes I look after that nobody has ridden for long."""
    user, atlas = auth.me(), published.latest_atlas()
    if user is None:
        return []
    names = {route.id: route.name for route in atlas.routes} if atlas else {}
    stale = missions.stale_of(db.session(), db.once(_adopted), time.time())
    return [(route_id, names.get(route_id, route_id), days) for route_id, days in stale]


def is_adopted(route_id: str) -> bool:
    """Whether I look after a route."""
    return route_id in db.once(_adopted)


def _adopted(session: Session) -> list[str]:
    """The routes that I look after."""
    user = auth.me()
    return store.adopted_routes(session, user.id) if user else []


def next_forecast() -> str:
    """How far the city is, and how many rides are lacking to the next mark, in words; empty before a feed."""
    told = missions.coverage(db.session()).get("forecasts", [])
    one = next((one for one in told if one["share_permille"] < one["target_permille"]), None)
    if one is None:
        return ""
    known = gettext(
        "%(share)s %% of all routes, directions and hours are sure.", share=round(one["share_permille"] / 10)
    )
    return f"{known} {_lacking(one)}"


def _lacking(one: dict[str, Any]) -> str:
    target = round(one["target_permille"] / 10)
    if one["low"] is None:
        return gettext("How many rides are lacking to %(target)s %% nobody can tell yet.", target=target)
    if one["high"] is None:
        return ngettext(
            "To %(target)s %% it is at least %(num)s more ride.",
            "To %(target)s %% it is at least %(num)s more rides.",
            one["low"],
            target=target,
        )
    return gettext(
        "To %(target)s %% it is about %(low)s to %(high)s more rides (with a probability of 80 %%).",
        target=target,
        low=one["low"],
        high=one["high"],
    )


def geojson() -> str:
    """The open missions as points where such a ride begins, RFC 7946; for every one the places on its way."""
    features = [
        {
            "type": "Feature",
            "id": one["id"],
            "properties": {name: value for name, value in one.items() if name != "places"}
            | {"places": [[lon, lat] for lat, lon in one["places"]]},
            "geometry": {"type": "Point", "coordinates": one["places"][0][::-1]},
        }
        for one in missions.told(db.session(), time.time())
    ]
    collection = {"type": "FeatureCollection", "features": features}
    return json.dumps(collection, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
