"""Uploads: a page to send files, and for each a receipt of what was kept, what not, and what it earned."""

from __future__ import annotations

from flask import Blueprint, current_app, redirect, render_template, request, url_for
from flask_login import login_required
from werkzeug.wrappers import Response

from transitmap import store
from webapp import auth, db, limits, receipts, uploads, waits
from webapp.errors import Problem

blueprint = Blueprint("traces", __name__, url_prefix="/traces")


def max_bytes() -> int:
    """The largest upload that this campaign takes."""
    limit: int = current_app.extensions["transitmap_settings"].config.collect.max_upload_bytes
    return limit


@blueprint.get("/")
def index() -> str:
    """A form for many files, and what I sent before."""
    user = auth.me()
    mine = store.uploads_of_user(db.session(), user.id) if user else []
    return render_template(
        "traces.html",
        uploads=mine,
        n_waiting=_n_waiting(user) if user else 0,
        limit_bytes=max_bytes(),
        limit_mb=max_bytes() // 1_000_000,
    )


def _n_waiting(user: store.User) -> int:
    """Of how many of my devices a trip is here and not yet read."""
    tokens = store.tokens_of_user(db.session(), user.id)
    return len(store.waiting_of_tokens(db.session(), [token.id for token in tokens]))


@blueprint.post("/")
@auth.csrf.exempt  # the form's token is checked below: Flask-WTF would read the body to find it
def send() -> Response | tuple[str, int]:
    """Takes files from the page; the receipt where it was one good file, else a line for each."""
    user = auth.must_me()
    receipts.check_quota(user.id)
    db.commit()  # a slow body must not keep other writers waiting
    limits.take("uploads", str(user.id))
    received = uploads.receive(max_bytes(), uploads.MAX_PARTS + 1)
    auth.check_form_token(received.fields.get("csrf_token"))
    results = receipts.send_all(user, received.files, trim=received.fields.get("trim", ""))
    good = [result for result in results if result.problem is None]
    status = 200 if good else results[0].status
    if request.headers.get("X-Part"):
        is_later = status >= 500  # the page sends it again by itself
        return render_template("_sent.html", results=results), status if is_later else 200
    if len(results) == 1 and good:
        again = 1 if good[0].again else None
        return redirect(url_for("traces.receipt", upload_id=good[0].upload_id, again=again), 303)
    return render_template("sent.html", results=results), status


@blueprint.get("/<upload_id>")
@login_required
def receipt(upload_id: str) -> str:
    """One file's receipt; only its inside where htmx asks."""
    upload = store.upload_by_id(db.session(), upload_id, auth.must_me().id)
    if upload is None:
        raise Problem("not_found")
    sent = receipts.sent_of(upload)
    page = "_receipt.html" if request.headers.get("HX-Request") else "receipt.html"
    why = waits.waits_by_ride(upload.user_id, [one.id for one in sent.rides])
    return render_template(page, upload=upload, sent=sent, waits=why, again="again" in request.args)
