"""The API for programs under /api/v1, and whether the service is well."""

from __future__ import annotations

import csv
import io
import time
from typing import Any

from flask import Flask, Response, json, request, url_for
from flask_smorest import Api
from flask_smorest import Blueprint as ApiBlueprint
from marshmallow import Schema, fields
from marshmallow.validate import Range

from transitmap import store
from transitmap.cells import plain_cell
from transitmap.receipt import LeftOut
from transitmap.watch import worker_state
from webapp import auth, db, limits, missions, published, receipts, standings, uploads
from webapp.errors import Problem, answer, as_members
from webapp.receipts import RideView, Sent
from webapp.traces import max_bytes

blueprint = ApiBlueprint("api", __name__, url_prefix="/api/v1", description="Traces in, map and ranking out")
wellness = ApiBlueprint("wellness", __name__, description="Is the service well")
GEOJSON = {"description": "A FeatureCollection", "content": {"application/geo+json": {}}}
MAX_PLACES = 1_000
BINARY = {"type": "string", "format": "binary"}
UPLOAD_BODY = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {"file": {"type": "array", "items": BINARY}},
            }
        },
        "application/gpx+xml": {"schema": BINARY},
        "application/octet-stream": {"schema": BINARY},
    },
}


class ProblemSchema(Schema):
    """RFC 9457, with our stable `code`."""

    type = fields.String()
    title = fields.String()
    status = fields.Integer()
    code = fields.String(required=True)
    detail = fields.String()
    line = fields.Integer()


class AwardSchema(Schema):
    """A line of the ledger."""

    rule = fields.String()
    points = fields.Float()
    text = fields.String()


class RideSchema(Schema):
    """One ride of an upload."""

    id = fields.String(required=True)
    state = fields.String(required=True)
    reason = fields.String()
    mode = fields.String()
    points_kept = fields.Integer()
    points_dropped = fields.Dict(keys=fields.String(), values=fields.Integer())
    warnings = fields.List(fields.String())
    route_id = fields.String()
    route_name = fields.String()
    direction_id = fields.Integer(allow_none=True)
    confidence = fields.Float()
    awarded = fields.Float()
    awards = fields.List(fields.Nested(AwardSchema))


class LeftOutSchema(Schema):
    """A trace of a file or a member of an archive that gave nothing; `id` is the upload it was before."""

    name = fields.String()
    code = fields.String(required=True)
    detail = fields.String()
    id = fields.String()


class MemberSchema(Schema):
    """One file: received, understood or refused."""

    id = fields.String(required=True)
    name = fields.String()
    state = fields.String(required=True)
    code = fields.String()
    detail = fields.String()
    line = fields.Integer()
    points_kept = fields.Integer()
    points_dropped = fields.Dict(keys=fields.String(), values=fields.Integer())
    segments = fields.Integer()
    warnings = fields.List(fields.String())
    rides = fields.List(fields.Nested(RideSchema))
    left_out = fields.List(fields.Nested(LeftOutSchema))


class UploadSchema(MemberSchema):
    """One file of a request; of an archive `rides` are those of all its `members`."""

    members = fields.List(fields.Nested(MemberSchema))


class SentSchema(UploadSchema):
    """The answer to an upload: the first good file's members, and every file in `uploads`."""

    uploads = fields.List(fields.Nested(UploadSchema), required=True)


class PlaceSchema(Schema):
    """One line of a ranking; of a team `n_rides` counts its members."""

    rank = fields.Integer(required=True)
    name = fields.String(required=True)
    points = fields.Float(required=True)
    verified_points = fields.Float(required=True)
    n_rides = fields.Integer(required=True)


class BoardSchema(Schema):
    """A ranking, or a part of it; `n` places are on all of it."""

    campaign = fields.String(required=True)
    period = fields.String(required=True)
    who = fields.String(required=True)
    n = fields.Integer(required=True)
    places = fields.List(fields.Nested(PlaceSchema), required=True)


class AskedSchema(Schema):
    """Which ranking, as on the page; what is unknown is left aside. `first` places are passed over."""

    campaign = fields.String()
    period = fields.String(metadata={"description": "week, campaign or all"})
    who = fields.String(metadata={"description": "people, teams or near (the places near one's own routes)"})
    format = fields.String(metadata={"description": "json or csv"})
    limit = fields.Integer(validate=Range(1, MAX_PLACES), load_default=standings.N_SHOWN)
    first = fields.Integer(validate=Range(0, 10_000_000), load_default=0)


class HealthSchema(Schema):
    """Well, or an error."""

    status = fields.String(required=True)
    feed_version = fields.String(allow_none=True)
    worker = fields.String(required=True)


def _told(schema: type[Schema], description: str) -> dict[str, Any]:
    """One answer of the description. A decorator for each would cost every upload 20 us."""
    return {"description": description, "content": {"application/json": {"schema": schema}}}


ANSWERS = {
    "201": _told(SentSchema, "At least one file is new and kept"),
    "200": _told(SentSchema, "All files had been sent before by this rider"),
    "202": _told(SentSchema, "Kept; a large one is understood later"),
    "400": _told(ProblemSchema, "The body did not come whole"),
    "401": _told(ProblemSchema, "No or no valid token"),
    "409": _told(ProblemSchema, "Somebody else contributed this file"),
    "413": _told(ProblemSchema, "Too large"),
    "415": _told(ProblemSchema, "Not a trace"),
    "422": _told(ProblemSchema, "A trace that cannot be used"),
    "429": _told(ProblemSchema, "As much as one rider may send in a day"),
    "503": _told(ProblemSchema, "Busy: no file was kept, try again later"),
    "507": _told(ProblemSchema, "Full: no file was kept, try again later"),
}


def init_app(app: Flask) -> None:
    """Registers the routes and their OpenAPI document."""
    api = Api(app, spec_kwargs={"info": {"description": "Citizens' GPS traces to GTFS and a fair ranking"}})
    api.spec.components.security_scheme("device", {"type": "http", "scheme": "bearer"})
    for part in (blueprint, wellness):
        auth.csrf.exempt(part)  # a device has no form; uploads by cookie are checked by `check_form_token`
        api.register_blueprint(part)


@blueprint.post("/traces")
@blueprint.doc(requestBody=UPLOAD_BODY, security=[{"device": []}], responses=ANSWERS)
def send_traces() -> Response:
    """Send traces: parts named `file`, or one file as the raw body.

    Each file is answered for itself in `uploads`: one of code `busy` was not kept, the others stand. With
    `Prefer: respond-async` all are only kept now, and understood later; sent again, they tell their state.
    Whoever sends agrees to the words beside the button of the upload page, as there.
    """
    waits = _prefers("respond-async")
    sender = auth.sender() if waits else None
    results = _keep_all(sender) if sender else _send_all(waits)
    good = [result for result in results if result.problem is None]
    response = _accepted(good, results) if good else _refused(results)
    if waits:
        response.headers["Preference-Applied"] = "respond-async"
    return response


def _keep_all(sender: store.Sender) -> list[Sent]:
    """What a device sends that does not wait: the shortest way."""
    receipts.check_used(sender)
    return receipts.keep_all(sender, uploads.receive(max_bytes()).files)


def _send_all(waits: bool) -> list[Sent]:
    user = auth.uploader()
    receipts.check_quota(user.id)
    db.commit()  # a slow body must not keep other writers waiting
    if not waits:
        limits.take("uploads", str(user.id))
    received = uploads.receive(max_bytes())
    auth.check_form_token(received.fields.get("csrf_token"))
    return receipts.send_all(user, received.files, waits, received.fields.get("trim", ""))


def _prefers(wish: str) -> bool:
    """Whether the sender wishes so (RFC 7240)."""
    wishes = request.headers.get("Prefer", "").lower().split(",")
    return wish in [one.partition(";")[0].strip() for one in wishes]


def _accepted(good: list[Sent], results: list[Sent]) -> Response:
    status = max(result.status for result in good)
    told = [_upload(result) for result in results]
    body = {**told[results.index(good[0])], "uploads": told}
    response = _json(body, status)
    if status in (201, 202):
        response.headers["Location"] = url_for("traces.receipt", upload_id=good[0].upload_id)
    return response


def _refused(results: list[Sent]) -> Response:
    """No file is good: the problem that a later try may end, else the first; and all of them in `uploads`."""
    problems = [result.problem for result in results if result.problem]
    problem = next((one for one in problems if one.status >= 500), problems[0])
    members = {"uploads": [_upload(result) for result in results]} if len(results) > 1 else {}
    return answer(Problem(problem.code, problem.detail, **problem.members, **members))


def _upload(result: Sent) -> dict[str, Any]:
    shown: dict[str, Any] = {"id": result.upload_id, "name": result.name, "state": result.state}
    if result.problem:
        members = as_members(result.problem, result.status)
        return shown | {key: members[key] for key in ("status", "code", "detail", "line") if key in members}
    told: dict[str, Any] = {
        **shown,
        "points_kept": sum(ride.n_kept for ride in result.rides),
        "points_dropped": _sum_dropped(result.rides),
        "segments": len(result.rides),
        "warnings": sorted({warning for ride in result.rides for warning in ride.warnings}),
        "awarded": result.millipoints / 1000,
        "rides": [_ride(ride) for ride in result.rides],
    }
    if result.left_out:
        told["left_out"] = [_left_out(one) for one in result.left_out]
    if result.members:
        told["members"] = [_upload(member) for member in result.members]
    return told


def _left_out(one: LeftOut) -> dict[str, str]:
    told = {"name": one.name, "code": one.reason, "detail": one.detail, "id": one.upload_id}
    return {key: value for key, value in told.items() if value}


def _sum_dropped(rides: tuple[RideView, ...]) -> dict[str, int]:
    total: dict[str, int] = {}
    for ride in rides:
        for reason, n in ride.dropped:
            total[reason] = total.get(reason, 0) + n
    return total


def _ride(ride: RideView) -> dict[str, Any]:
    return {
        "id": ride.id,
        "state": "recognised" if ride.route_id else "unrecognised",
        "reason": ride.reason,
        "mode": ride.mode,
        "points_kept": ride.n_kept,
        "points_dropped": dict(ride.dropped),
        "warnings": list(ride.warnings),
        "route_id": ride.route_id,
        "route_name": ride.route_name,
        "direction_id": ride.direction_id,
        "confidence": round(ride.confidence, 3),
        "awarded": ride.millipoints / 1000,
        "awards": [
            {"rule": award["rule"], "points": award["millipoints"] / 1000, "text": award["text"]}
            for award in ride.awards
        ],
    }


@blueprint.get("/standings")
@blueprint.arguments(AskedSchema, location="query")
@blueprint.alt_response(200, schema=BoardSchema)
def standings_board(query: dict[str, Any]) -> Response:
    """The ranking: this week's, or another with the parameters of the page; JSON, or CSV."""
    campaigns = db.once(store.board_campaigns)
    asked = standings.read_asked(query.get("campaign"), query.get("period"), query.get("who"), campaigns)
    viewer = auth.me() if asked.who == "near" else None
    board = standings.board_of(asked, viewer, query["limit"], query["first"])
    if board.why_not == "log_in":
        raise Problem("auth_required")
    places = [
        {
            "rank": place.rank,
            "name": place.name,
            "points": place.millipoints / 1000,
            "verified_points": place.verified_millipoints / 1000,
            "n_rides": place.n_rides,
        }
        for place in board.places
    ]
    if query.get("format") == "csv":
        return _csv(f"{asked.campaign.slug}-{asked.period}-{asked.who}.csv", places)
    told = {"campaign": asked.campaign.slug, "period": asked.period, "who": asked.who, "n": board.n}
    return _json({**told, "places": places})


def _csv(name: str, places: list[dict[str, Any]]) -> Response:
    text = io.StringIO()
    table = csv.DictWriter(text, PlaceSchema().fields)
    table.writeheader()
    table.writerows(place | {"name": plain_cell(place["name"])} for place in places)
    answer = Response(text.getvalue(), mimetype="text/csv")
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


@blueprint.get("/network.geojson")
@blueprint.doc(responses={200: GEOJSON})
def network() -> Response:
    """Published routes as lines and stops as points (GeoJSON); empty before the first feed."""
    feed = published.latest_feed()
    empty = '{"type":"FeatureCollection","features":[]}'
    body = published.atlas_of(feed).geojson() if feed else empty
    response = Response(body, mimetype="application/geo+json")
    response.cache_control.no_cache = True
    response.add_etag()
    return response.make_conditional(request)


@blueprint.get("/missions")
@blueprint.doc(responses={200: GEOJSON})
def open_missions() -> Response:
    """Open missions as points where such a ride begins (GeoJSON), with the places on its way."""
    return Response(missions.geojson(), mimetype="application/geo+json")


@blueprint.get("/equity.geojson")
@blueprint.doc(responses={200: GEOJSON})
def equity_grid() -> Response:
    """The organiser's public grid of where a ride is worth more (GeoJSON); empty where there is none."""
    return Response(published.equity_geojson(), mimetype="application/geo+json")


@wellness.get("/health")
@wellness.alt_response(200, schema=HealthSchema)
def health() -> Response:
    """Answers 200 while the database answers; `worker` is ok, silent for two minutes, or was never there."""
    feed = db.once(published.newest_feed)
    worker = worker_state(db.session(), time.time())
    return _json({"status": "ok", "feed_version": feed.id if feed else None, "worker": worker})


def _json(body: dict[str, Any], status: int = 200) -> Response:
    return Response(json.dumps(body, allow_nan=False), status, mimetype="application/json")
