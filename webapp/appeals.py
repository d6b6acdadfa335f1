"""A rider asks for a second look: what looks odd about a trip in kind words, what they say, the answer."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import login_required
from werkzeug.wrappers import Response

from transitmap import review as engine
from transitmap import store
from transitmap.errors import ReviewRefused
from transitmap.points.review import DISMISSED, HARD, OPEN, UPHELD
from webapp import auth, db, limits, words
from webapp.errors import Problem
from webapp.review import reason_text

blueprint = Blueprint("appeals", __name__, url_prefix="/appeals")
SHA256 = r"[0-9a-f]{64}"


@dataclass(frozen=True)
class Doubt:
    """Something odd about one's own trip: its state, what it looks like, and the reason that was decided."""

    state: str
    is_withheld: bool
    text: str
    reason: str
    note: str


@dataclass(frozen=True)
class Asked:
    """A request for a second look and its answer, where there is one."""

    text: str
    state: str
    made_s: float
    reason: str
    note: str


@blueprint.get("/<ride_id>")
@login_required
def show(ride_id: str) -> str:
    """One's own trip: what looks odd, what was decided, and a form to tell what happened."""
    user, ride = auth.must_me(), must_own(ride_id)
    return render_template(
        "appeal.html",
        ride=ride,
        doubts=doubts_of(ride.id),
        asked=asked_about(ride.id, user.id),
        refusal=engine.why_no_appeal(db.session(), user, ride),
        most=engine.MAX_TEXT,
    )


@blueprint.post("/<ride_id>")
@login_required
def ask(ride_id: str) -> Response:
    """Asks for a second look at one's own trip."""
    return _ask(must_own(ride_id), url_for("appeals.show", ride_id=ride_id))


@blueprint.get("/file/<sha256>")
@login_required
def show_file(sha256: str) -> str:
    """For somebody whose very file another rider sent first; whether there is such a file is not told."""
    ride = store.ride_of_bytes(db.session(), sha256) if re.fullmatch(SHA256, sha256) else None
    asked = asked_about(ride.id, auth.must_me().id) if ride else []
    return render_template("appeal_file.html", sha256=sha256, asked=asked, most=engine.MAX_TEXT)


@blueprint.post("/file/<sha256>")
@login_required
def ask_file(sha256: str) -> Response:
    """Asks for a second look at who recorded a file that another rider sent first."""
    ride = store.ride_of_bytes(db.session(), sha256) if re.fullmatch(SHA256, sha256) else None
    if ride is None or ride.user_id == auth.must_me().id:
        raise Problem("not_found")
    return _ask(ride, url_for("appeals.show_file", sha256=sha256))


def _ask(ride: store.RideRow, back: str) -> Response:
    user = auth.must_me()
    limits.take("appeals", str(user.id))
    try:
        engine.ask(db.session(), user, ride, request.form.get("text", ""), time.time())
    except ReviewRefused as refused:
        flash(words.sentence(refused.reason), "bad")
        return redirect(back, 303)
    flash(_("Thank you. A person who has not seen this trip before looks at it, within three days."), "good")
    return redirect(back, 303)


def must_own(ride_id: str) -> store.RideRow:
    """One's own ride of that id.

    Raises:
        Problem: `not_found`, also where it is somebody else's.
    """
    ride = store.ride_by_id(db.session(), ride_id)
    if ride is None or ride.user_id != auth.must_me().id:
        raise Problem("not_found")
    return ride


def doubts_of(ride_id: str) -> list[Doubt]:
    """What looks odd about a ride, in words for its rider; what was dismissed is told, too."""
    findings = store.doubts_of_rides(db.session(), [ride_id])
    decided = store.decisions_about(db.session(), store.FINDING, [one.id for one in findings])
    last = {one.subject_id: one for one in decided}
    return [
        Doubt(
            one.state,
            one.tier == HARD and one.state == OPEN,
            words.sentence(one.code),
            reason_text(last[str(one.id)].reason) if str(one.id) in last else "",
            last[str(one.id)].note if str(one.id) in last else "",
        )
        for one in findings
    ]


def asked_about(ride_id: str, user_id: int) -> list[Asked]:
    """What one rider asked about a ride, with the answers."""
    asked = store.appeals_of_rides(db.session(), [ride_id], user_id)
    answers = {
        one.subject_id: one
        for one in store.decisions_about(db.session(), store.APPEAL, [appeal.id for appeal in asked])
    }
    return [
        Asked(
            one.text,
            one.state,
            one.made_s,
            reason_text(answers[str(one.id)].reason) if one.state != OPEN else "",
            answers[str(one.id)].note if one.state != OPEN else "",
        )
        for one in asked
    ]


def states_of(ride_ids: Sequence[str]) -> dict[str, str]:
    """What a receipt says of rides that look odd: open, upheld or dismissed; others are not there."""
    states: dict[str, set[str]] = {}
    for one in store.doubts_of_rides(db.session(), ride_ids):
        states.setdefault(one.ride_id, set()).add(one.state)
    order = UPHELD, OPEN, DISMISSED
    return {ride_id: next((one for one in order if one in some), "") for ride_id, some in states.items()}
