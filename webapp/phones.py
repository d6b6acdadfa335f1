"""Phones: which app for whom, a key for each device, and whether what it sends arrives."""

from __future__ import annotations

import datetime
import time
from dataclasses import dataclass

from flask import (
    Blueprint,
    Response,
    current_app,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_babel import format_timedelta
from flask_babel import gettext as _
from flask_login import login_required
from werkzeug.wrappers import Response as BaseResponse

from transitmap import store
from transitmap.consent import consent
from webapp import auth, db, phone_keys, setup_links
from webapp.errors import Problem
from webapp.phone_apps import ANDROID, APPS, BY_KEY, IPHONE, RECORDER, VENDORS, App
from webapp.qr import qr_svg

blueprint = Blueprint("phones", __name__, url_prefix="/phones")
HERE = {"localhost", "127.0.0.1", "[::1]"}
WAYS = ("file", "live")
MAX_PHONES = 50
"""Keys that one rider may have at a time."""


@dataclass(frozen=True)
class Device:
    """A device as its owner sees it: `state` is new, riding, resting or revoked."""

    token: store.Token
    app: App
    state: str
    ago: str
    waiting: store.Waiting | None
    dropped: list[tuple[str, int]]


@blueprint.get("/")
def index() -> str:
    """Which app for whom, and my devices; only these where htmx asks."""
    user = auth.me()
    devices = _devices(store.tokens_of_user(db.session(), user.id)) if user else []
    devices.sort(key=lambda device: device.state == "revoked")
    if request.headers.get("HX-Request"):
        return render_template("_devices.html", devices=devices)
    return render_template(
        "phones.html",
        apps=APPS,
        devices=devices,
        recorder=RECORDER,
        vendors=VENDORS,
        blueprints=current_app.blueprints,
    )


@blueprint.get("/apps/<app_key>")
def app(app_key: str) -> str:
    """One app: how it is set up, what ruins a trip in it, and a form for a key."""
    if app_key not in setup_links.SETUPS:
        raise Problem("not_found")
    chosen = BY_KEY[app_key]
    return render_template("phone_app.html", app=chosen, vendors=_vendors(chosen), is_open=_is_open())


@blueprint.post("/")
@login_required
def add() -> str:
    """Makes a key for a device and shows it, this once."""
    return _hand_over(_app_with_keys(request.form.get("app", "")), _name() or _("My phone"))


@blueprint.get("/<int:token_id>")
@login_required
def device(token_id: int) -> str:
    """One device: what came, what was left out, its trips; only this where htmx asks."""
    token = _mine(token_id)
    page = "_phone.html" if request.headers.get("HX-Request") else "phone.html"
    shown = _devices([token])[0]
    return render_template(
        page,
        device=shown,
        trips=_trips(token),
        said=request.args.get("said", ""),
        vendors=_vendors(shown.app),
    )


@blueprint.post("/<int:token_id>/rename")
@login_required
def rename(token_id: int) -> BaseResponse:
    """Calls a device something else."""
    token = _mine(token_id)
    token.name = _name() or token.name
    db.commit()
    flash(_("Saved."), "good")
    return redirect(url_for("phones.device", token_id=token_id))


@blueprint.post("/<int:token_id>/revoke")
@login_required
def revoke(token_id: int) -> BaseResponse:
    """Takes a device's key back."""
    _take_back(token_id)
    db.commit()
    flash(_("The key opens nothing any more."), "good")
    return redirect(url_for("phones.index"))


@blueprint.post("/<int:token_id>/renew")
@login_required
def renew(token_id: int) -> str:
    """Takes a device's key back and makes another one for it: the old one can be shown to nobody."""
    token = _mine(token_id)
    _take_back(token_id)
    return _hand_over(_app_with_keys(token.app), token.name)


@blueprint.get("/setup/<carried>")
def setup(carried: str) -> str:
    """A page to open on the phone, with the link to tap: some apps take no QR code."""
    _, way = _read_link(carried)
    return render_template("phone_setup.html", ways=[(way, _gpslogger_link(carried))])


@blueprint.get("/setup/<carried>.properties")
def properties(carried: str) -> Response:
    """GPSLogger's settings, while the link lives and the device is silent."""
    key, way = _read_link(carried)
    response = make_response(setup_links.gpslogger_properties(request.url_root, key, way))
    response.mimetype = "text/plain"
    return response


def _read_link(carried: str) -> tuple[str, str]:
    key, way = phone_keys.read_link(_secret(), carried) or ("", "")
    token = store.token_by_plain(db.session(), key) if key else None
    if token is None or token.heard_s is not None:
        raise Problem("link_expired")
    return key, way


def _app_with_keys(app_key: str) -> App:
    return BY_KEY[app_key if app_key in setup_links.SETUPS else "program"]


def _hand_over(chosen: App, name: str) -> str:
    """The page that shows a new key.

    Raises:
        Problem: `too_many_phones`, and none was made.
    """
    if store.n_live_tokens(db.session(), auth.must_me().id) >= MAX_PHONES:
        raise Problem("too_many_phones")
    number = phone_keys.draw()
    key = phone_keys.key_of(_secret(), number)
    token, _key = store.add_token(db.session(), auth.must_me(), name, time.time(), app=chosen.key, plain=key)
    token.consent = consent().version
    db.commit()
    made = setup_links.setup_of(chosen.key, request.url_root, key, name)
    carried = [(way, phone_keys.write_link(_secret(), number, way)) for way in WAYS]
    is_gpslogger = chosen.key == "gpslogger"
    page_url = url_for("phones.setup", carried=carried[0][1], _external=True) if is_gpslogger else ""
    return render_template(
        "phone_ready.html",
        app=chosen,
        device=_devices([token])[0],
        made=made,
        ways=[(way, _gpslogger_link(one)) for way, one in carried] if is_gpslogger else [],
        code=qr_svg(made.qr or page_url) if made.qr or page_url else "",
        trips=[],
        said="new",
        vendors=_vendors(chosen),
        is_open=_is_open(),
    )


def _gpslogger_link(carried: str) -> str:
    return "gpslogger://properties/" + url_for("phones.properties", carried=carried, _external=True)


def _devices(tokens: list[store.Token]) -> list[Device]:
    waiting = store.waiting_of_tokens(db.session(), [token.id for token in tokens])
    return [_device(token, waiting.get(token.id)) for token in tokens]


def _device(token: store.Token, waiting: store.Waiting | None) -> Device:
    if token.revoked_s is not None:
        state = "revoked"
    elif waiting:
        state = "riding"
    else:
        state = "new" if token.heard_s is None and token.last_used_s is None else "resting"
    dropped = sorted(token.dropped.items(), key=lambda item: (-item[1], item[0]))
    return Device(
        token, BY_KEY.get(token.app, BY_KEY["program"]), state, _ago(token.heard_s), waiting, dropped
    )


def _ago(then_s: float | None) -> str:
    """`12 seconds ago`; empty for never."""
    if then_s is None:
        return ""
    passed = datetime.timedelta(seconds=max(time.time() - then_s, 1))
    return format_timedelta(-passed, add_direction=True)


def _trips(token: store.Token) -> list[tuple[store.Upload, list[store.RideRow]]]:
    """What became of the latest a device sent: each upload and its rides."""
    uploads = store.uploads_of_token(db.session(), token)
    rides = store.rides_of_uploads(db.session(), [upload.id for upload in uploads])
    return [(upload, [ride for ride in rides if ride.upload_id == upload.id]) for upload in uploads]


def _mine(token_id: int) -> store.Token:
    token = store.token_by_id(db.session(), token_id, auth.must_me().id)
    if token is None:
        raise Problem("not_found")
    return token


def _take_back(token_id: int) -> None:
    if not store.revoke_token(db.session(), token_id, auth.must_me().id, time.time()):
        raise Problem("not_found")


def _vendors(chosen: App) -> list[tuple[str, object]]:
    """Those whose phones the app runs on."""
    return [
        (name, text) for name, text in VENDORS if (IPHONE if name == IPHONE else ANDROID) in chosen.systems
    ]


def _name() -> str:
    typed = " ".join(request.form.get("device", "").split())
    return "".join(letter for letter in typed if letter.isprintable())[:80]


def _is_open() -> bool:
    """Whether the key would travel where others can read it: plain http to another machine."""
    return not request.is_secure and request.host.rpartition(":")[0] not in HERE and request.host not in HERE


def _secret() -> str:
    return str(current_app.config["SECRET_KEY"])
