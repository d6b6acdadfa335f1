"""The recorder: an installable page that records a ride with the screen on, also without a network."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from flask import (
    Blueprint,
    Flask,
    Response,
    after_this_request,
    current_app,
    g,
    json,
    render_template,
    request,
    url_for,
)
from flask_babel import gettext as _
from flask_login import login_required, user_logged_in, user_logged_out
from flask_wtf.csrf import generate_csrf

from transitmap import store
from transitmap.live import RECORDER
from webapp import auth, db, language, receipts, static, words
from webapp.headers import HEADERS

if TYPE_CHECKING:
    from transitmap.store import User

blueprint = Blueprint("recorder", __name__, url_prefix="/record")

COOKIE = "recorder"
THIRTY_DAYS_S = 30 * 86_400
OTHERS = HEADERS["Permissions-Policy"].replace("geolocation=(), ", "")
PERMISSIONS = f"{OTHERS}, geolocation=(self), screen-wake-lock=(self)"
SEND = "/ingest/recorder"
ENTRY = "recorder/recorder.js"
STYLES = ("style.css", "recorder/recorder.css")
ICONS = ("img/logo.svg", "img/icon-192.png", "img/icon-512.png", "img/icon-maskable-512.png")


def init_app(app: Flask) -> None:
    """Whoever logs in or out here: the phone no longer knows whose trips it may show without a network."""
    user_logged_in.connect(_forget_later, app)
    user_logged_out.connect(_forget_later, app)


def _forget_later(app: Flask, **_of_signal: object) -> None:
    after_this_request(_forget)


def _forget(response: Response) -> Response:
    response.delete_cookie(COOKIE, path=url_for("recorder.index"), samesite="Lax", secure=request.is_secure)
    return response


@blueprint.get("/")
def index() -> Response:
    """The page, the same for everybody: phones keep it, so it must not know who asked for it."""
    response = Response(_page())
    response.headers["Permissions-Policy"] = PERMISSIONS
    return response


def _page() -> str:
    return render_template("recorder.html", me=None, urls=_urls())


@blueprint.get("/rider")
def rider() -> Response:
    """Whose trips this browser may show and send; `key` is null for a visitor.

    The key is also put in a cookie that the page can read: without a network it is how the phone knows.
    """
    user = auth.me()
    if user is None:
        return _forget(_json({"key": None, "lang": _lang()}))
    told = {"key": key_of(user), "lang": _lang(), "trim_m": _trim_m(user), "csrf": generate_csrf()}
    response = _json(told)
    response.set_cookie(
        COOKIE,
        key_of(user),
        max_age=THIRTY_DAYS_S,
        path=url_for("recorder.index"),
        samesite="Lax",
        secure=request.is_secure,
    )
    return response


@blueprint.get("/worth")
@login_required
def worth() -> Response:
    """What became of the ride that my recorder recorded from one time to another; {} while nobody knows."""
    from_s, to_s = (request.args.get(name, 0.0, float) for name in ("from", "to"))
    upload = store.upload_of_time(db.session(), auth.must_me().id, RECORDER, from_s, to_s)
    if upload is None or upload.state == store.RECEIVED:
        return _json({})
    sent = receipts.sent_of(upload)
    why = words.sentence(upload.reason) if upload.state == store.REFUSED else ""
    address = url_for("traces.receipt", upload_id=upload.id)
    return _json({"receipt": address, "points": sent.millipoints / 1000, "why": why})


def key_of(user: User) -> str:
    """A name for an account that tells nothing, and that no later account of the same name or row has."""
    return hashlib.sha256(f"recorder {user.id} {user.created_s!r}".encode()).hexdigest()[:16]


def _lang() -> str:
    """The asker's language as HTML names it."""
    return language.language().replace("_", "-")


def _trim_m(user: User) -> float:
    if user.trim_m is not None:
        return user.trim_m
    trim_m: float = current_app.extensions["transitmap_settings"].config.collect.trim_m
    return trim_m


def _json(body: dict[str, object], mimetype: str = "application/json") -> Response:
    return Response(json.dumps(body), mimetype=mimetype)


@blueprint.get("/sw.js")
def worker() -> Response:
    """The service worker: it keeps this page and its files, and changes whenever one of them does.

    With `?sync` it is a module that also sends what waits: some browsers wake it when the network is back.
    Its language is that of the page that asks for it: browsers fetch workers of this kind without cookies.
    """
    g.remember_language = False
    files = [url_for("static", filename=name) for name in (*STYLES, *ICONS, ENTRY)]
    files += [url_for("static", filename=name, v=None) for name in _modules()]
    script = render_template(
        "recorder_sw.js",
        files=files,
        version=_version(),
        has_sync="sync" in request.args,
        urls=_urls(),
        lang=language.language(),
    )
    response = Response(script, mimetype="text/javascript")
    response.headers["Cache-Control"] = "no-cache"
    return response


def _urls() -> dict[str, str]:
    return {
        "page": url_for("recorder.index"),
        "rider": url_for("recorder.rider"),
        "send": SEND,
        "worth": url_for("recorder.worth"),
    }


def _modules() -> list[str]:
    """Modules that others import: these name each other without a version."""
    names = (path.name for path in sorted((static.ROOT / "recorder").glob("*.js")))
    return [f"recorder/{name}" for name in names if f"recorder/{name}" != ENTRY]


def _version() -> str:
    """Of all that the service worker keeps, in this language."""
    told = hashlib.sha256(_page().encode())
    for name in (*STYLES, *ICONS, ENTRY, *_modules()):
        told.update((static.ROOT / name).read_bytes())
    return told.hexdigest()[:16]


@blueprint.get("/manifest.webmanifest")
def manifest() -> Response:
    """What a phone needs to put the recorder on its home screen."""
    sizes = (("img/icon-192.png", "192x192", "any"), ("img/icon-512.png", "512x512", "any"))
    maskable = (("img/icon-maskable-512.png", "512x512", "maskable"),)
    body: dict[str, object] = {
        "id": url_for("recorder.index"),
        "name": _("transitmap: record my bus"),
        "short_name": "transitmap",
        "lang": _lang(),
        "start_url": url_for("recorder.index"),
        "scope": "/",
        "display": "standalone",
        "background_color": "#0b5d4e",
        "theme_color": "#0b5d4e",
        "icons": [
            {"src": url_for("static", filename=name), "sizes": size, "type": "image/png", "purpose": purpose}
            for name, size, purpose in (*sizes, *maskable)
        ],
    }
    return _json(body, "application/manifest+json")
