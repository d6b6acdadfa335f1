"""Where phones send: each app's own address and its own answer; 200 for content of any kind."""

from __future__ import annotations

import base64
import binascii
import logging
import math
import time
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, current_app, json, request

from transitmap import live, store
from transitmap.collect import hear
from transitmap.config import Config
from transitmap.contribute import keep
from transitmap.errors import UploadRefused
from transitmap.model import Answer, Heard, Message
from webapp import auth, db, uploads
from webapp.errors import Problem, answer

log = logging.getLogger("transitmap.web")
blueprint = Blueprint("ingest", __name__)
HEADERS = ("content-type", "user-agent")
"""What of a request's headers may tell something of its content; the others are not kept."""
IN_PLAIN = "plain"
FORM = "application/x-www-form-urlencoded"
QUERY_NAMES = ("token", "api_key")


def _config() -> Config:
    config: Config = current_app.extensions["transitmap_settings"].config
    return config


# --- routes --------------------------------------------------------------------------------------


@blueprint.post("/ingest/owntracks")
@blueprint.post("/ingest/owntracks/<token>")
@blueprint.post("/api/v1/owntracks/points")
def owntracks(token: str = "") -> Response:
    """OwnTracks, and what sends in its shape."""
    return _listen("owntracks", token)


@blueprint.post("/ingest/overland")
@blueprint.post("/ingest/overland/<token>")
@blueprint.post("/api/v1/overland/batches")
def overland(token: str = "") -> Response:
    """Overland, and what sends in its shape."""
    return _listen("overland", token)


@blueprint.post("/api/v1/traccar/points")
def dawarich() -> Response:
    """The app of Dawarich."""
    return _listen("osmand", "")


@blueprint.route("/ingest/osmand", methods=["GET", "POST"])
@blueprint.route("/ingest/osmand/<token>", methods=["GET", "POST"])
@blueprint.route("/ingest/osmand/<token>/", methods=["GET", "POST"])
def osmand(token: str = "") -> Response:
    """OsmAnd, and Traccar Client of any age."""
    return _listen("osmand", token)


@blueprint.route("/ingest/gpslogger", methods=["GET", "POST"])
@blueprint.route("/ingest/gpslogger/<token>", methods=["GET", "POST"])
def gpslogger(token: str = "") -> Response:
    """GPSLogger's custom URL and its OpenGTS sender."""
    return _listen("gpslogger", token)


@blueprint.route("/ingest/ulogger/<token>/client/index.php", methods=["POST", "HEAD"])
def ulogger(token: str) -> Response:
    """µlogger takes this for its own server; HEAD asks whether we are there."""
    return _listen("ulogger", token, "client/index.php")


@blueprint.route("/index.php/apps/phonetrack/<verb>/<token>/<device>", methods=["GET", "POST"])
@blueprint.route("/<path:prefix>/index.php/apps/phonetrack/<verb>/<token>/<device>", methods=["GET", "POST"])
def phonetrack(verb: str, token: str, device: str, prefix: str = "") -> Response:
    """PhoneTrack for Android takes this for its own server, at whatever address that is."""
    if verb not in ("logGet", "logPost", "logPostMultiple"):
        raise Problem("not_found")
    return _listen("phonetrack", token, f"{verb}/{device}")


@blueprint.route("/ingest/locus", methods=["GET", "POST"])
@blueprint.route("/ingest/locus/<token>", methods=["GET", "POST"])
def locus(token: str = "") -> Response:
    """Locus Map."""
    return _listen("locus", token)


@blueprint.post("/ingest/recorder")
@blueprint.post("/ingest/recorder/<token>")
def recorder(token: str = "") -> Response:
    """Our own recorder, with a device's token or from the browser where its rider is logged in."""
    return _listen("recorder", token, device=None if _tokens(token) else _own_recorder())


@blueprint.post("/ingest/file")
@blueprint.post("/ingest/file/<token>")
def file(token: str = "") -> Response:
    """Files that an app sends by itself: kept now, understood later; a bad one is never asked for again."""
    device, _ = _device(token)
    limited = _limited(device, "uploads")
    if limited:
        return limited
    try:
        files = uploads.receive(_config().collect.max_upload_bytes).files
    except Problem as problem:
        if problem.code != "no_file":
            raise
        files = []
    now_s = time.time()
    receipts = [_keep(device, name, body, now_s) for name, body in files]
    with store.session(db.engine()) as session:
        store.count_heard(session, device.token_id, 1, 0, {}, now_s)
    return _json({**(receipts[0] if receipts else {"code": "no_file"}), "uploads": receipts})


def _keep(device: store.Device, name: str, body: bytes, now_s: float) -> dict[str, str]:
    """What is told of one file: its upload, or why it is none."""
    shown, sender = store.clean_name(name), store.Sender(device.token_id, device.user_id, (0, 0, 0), False)
    try:
        kept = keep(db.engine(), db.archive(), sender, name, body, _config(), now_s, device.consent)
    except UploadRefused as refused:
        return {"name": shown, "state": store.REFUSED, "code": refused.reason}
    return {"id": kept.id, "name": shown, "state": kept.state}


# --- one request ---------------------------------------------------------------------------------


def _listen(dialect: str, token: str, path: str = "", device: store.Device | None = None) -> Response:
    """One message: kept, then answered as its app expects."""
    if request.method == "HEAD":
        return Response()
    plain = ""
    if device is None:
        device, plain = _device(token)
    try:
        message = live.without_secrets(_message(dialect, path), plain)
    except Problem as problem:
        if problem.code != "too_large":
            raise
        live.refuse_batch(db.engine(), device, time.time())
        return _too_large(dialect)
    taken = live.take(db.engine(), device, message, _config())
    if taken.refusal == "too_large":
        return _too_large(dialect)
    if taken.refusal:
        return _too_many(taken.wait_s)
    told = _answer(message, taken.heard)
    return Response(told.body, told.status, content_type=told.content_type)


def _answer(message: Message, heard: Heard) -> Answer:
    """What the app waits for; the message is kept, so that no fault of ours may have it sent again."""
    try:
        return hear.answer(message, heard)
    except Exception as error:
        log.error("no answer for %s: %s", message.dialect, type(error).__name__)
        return Answer()


def _message(dialect: str, path: str) -> Message:
    body, kind = _body()
    headers = {name: request.headers.get(name, "")[:200] for name in HEADERS if name in request.headers}
    if kind:
        headers["content-type"] = kind
    if _is_plain_basic():
        headers["authorization-kind"] = IN_PLAIN
    query = request.query_string.decode("latin-1")
    return Message(dialect, time.time(), request.method, path, query, headers, body)


def _body() -> tuple[bytes, str]:
    """The body, and its content type where it is not the one that came.

    A form with a photo is kept as its fields alone: a photo may show anybody, and is no reason to refuse
    the position beside it.
    """
    limits = _config()
    boundary = (
        request.mimetype_params.get("boundary", "") if request.mimetype == "multipart/form-data" else ""
    )
    if not boundary:
        return uploads.receive_raw(limits.live.max_batch_bytes), ""
    body = uploads.receive_raw(limits.collect.max_upload_bytes)
    fields = uploads.fields_of(body, boundary)
    if fields is not None:
        return urlencode(fields).encode(), FORM
    if len(body) > limits.live.max_batch_bytes:
        raise Problem("too_large")
    return body, ""


def _too_large(dialect: str) -> Response:
    """The phone keeps the batch; its owner is told to make batches smaller."""
    if dialect == "overland":
        return _json({"result": "too_large"}, 413)
    return answer(Problem("too_large"))


def _limited(device: store.Device, counted: str) -> Response | None:
    with store.session(db.engine(), write=False) as session:
        quota, now_s = _config().quota, time.time()
        wait_s = store.quota_wait_s(session, device.user_id, quota, now_s, counted)
    return _too_many(wait_s) if wait_s else None


def _too_many(wait_s: float) -> Response:
    response = answer(Problem("too_many_requests"))
    response.headers["Retry-After"] = str(math.ceil(wait_s))
    return response


def _json(told: dict[str, Any], status: int = 200) -> Response:
    return Response(json.dumps(told), status, mimetype="application/json")


# --- whose it is ---------------------------------------------------------------------------------


def _device(token: str) -> tuple[store.Device, str]:
    """The device that sends, and the token by which it is known.

    Raises:
        Problem: `auth_required`, no token of the request opens anything.
    """
    for plain in _tokens(token):
        device = store.device_of_token(db.engine(), plain)
        if device is not None:
            return device, plain
    raise Problem("auth_required")


@blueprint.after_request
def _ask_for_a_password(response: Response) -> Response:
    """Some apps send a password only once they were asked for one."""
    if response.status_code == 401:
        response.headers.add("WWW-Authenticate", 'Basic realm="transitmap"')
    return response


def _busy(error: Exception) -> Response:
    """The database or the archive cannot keep it now, for whatever reason: the phone keeps it for us."""
    log.error("a phone was sent away: %s", type(error).__name__)
    return answer(Problem("busy"))


for _kind in (*store.TRY_AGAIN, OSError):
    blueprint.register_error_handler(_kind, _busy)


def _tokens(token: str) -> list[str]:
    """All that may be a token, the likeliest first: in the path, in the header, in the query."""
    scheme, _, value = request.headers.get("Authorization", "").strip().partition(" ")
    found = [token, *_credentials(scheme.lower(), value.strip())]
    found += [request.args.get(name, "") for name in QUERY_NAMES]
    return [plain for plain in dict.fromkeys(found) if plain]


def _credentials(scheme: str, value: str) -> list[str]:
    if scheme == "bearer":
        return [value]
    if scheme != "basic":
        return []
    if ":" not in value:
        try:
            value = base64.b64decode(value, validate=True).decode("utf-8", "replace")
        except binascii.Error:
            return []
    name, _, password = value.partition(":")
    return [password, name]


def _is_plain_basic() -> bool:
    """Whether the token came as `Basic TOKEN:`, not in base64: only Overland writes that."""
    scheme, _, value = request.headers.get("Authorization", "").strip().partition(" ")
    return scheme.lower() == "basic" and ":" in value


def _own_recorder() -> store.Device:
    """The recorder of the rider who is logged in; made at its first use.

    Raises:
        Problem: `auth_required`, nobody is logged in.
        CSRFError: the request comes from a page of somebody else.
    """
    rider = auth.must_me()
    is_from_here = request.headers.get("Origin") == request.host_url.rstrip("/")
    if (
        not is_from_here or "X-CSRFToken" in request.headers
    ):  # a token says for whose login the batch was made
        auth.check_form_token(None)
    device = live.own_recorder(db.session(), rider.id, time.time())
    db.commit()
    return device
