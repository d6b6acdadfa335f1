"""My privacy: what I agreed to and what is kept, the ends of my trips, all my data, and good-bye."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from flask import Blueprint, Response, current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_login import login_required
from werkzeug.wrappers import Response as BaseResponse

from transitmap.collect import trim
from transitmap.consent import consent
from webapp import auth, db, limits
from webapp.errors import Problem

if TYPE_CHECKING:
    from transitmap.config import Config
    from transitmap.store import User

blueprint = Blueprint("privacy", __name__, url_prefix="/privacy")
LEVELS = {
    "usual": lazy_gettext("As usual: a distance of my own, between %(low)s and %(high)s m"),
    "more": lazy_gettext("More: between %(low)s and %(high)s m"),
    "less": lazy_gettext("Less: between %(low)s and %(high)s m"),
    "none": lazy_gettext("Nothing: my trips are used from their first to their last position"),
}
FOR_ONE_TRIP = {
    "": lazy_gettext("As I always do"),
    "more": lazy_gettext("Twice as much"),
    "less": lazy_gettext("Half as much"),
    "none": lazy_gettext("Nothing: use all of it"),
}


def config() -> Config:
    """The settings of this installation."""
    settings: Config = current_app.extensions["transitmap_settings"].config
    return settings


@blueprint.app_context_processor
def _words() -> dict[str, object]:
    return {"consent": consent(), "trim_words": FOR_ONE_TRIP}


def draw_trim_m() -> float:
    """A new rider's own radius."""
    return trim.draw_m("usual", config().collect.trim_m)


def chosen_trim_m(user: User, choice: str) -> float | None:
    """What was chosen for the ends of one upload; None is what its rider always does."""
    if choice not in trim.SHARES or not choice:
        return None
    base_m = config().collect.trim_m
    return trim.chosen_m(choice, base_m if user.trim_m is None else user.trim_m, base_m)


def prize_consent() -> str:
    """The version of the words on prizes where this form agrees to them, else nothing."""
    return consent().version if request.form.get("prizes") == "1" else ""


@blueprint.get("/")
def index() -> str:
    """What is done with trips, in plain words; for riders also what they chose."""
    return _page()


def _page(failed: bool = False) -> str:
    user, base_m = auth.me(), config().collect.trim_m
    own_m = base_m if user is None or user.trim_m is None else user.trim_m
    return render_template(
        "privacy.html",
        failed=failed,
        own_m=own_m,
        level=trim.level_of(own_m, base_m),
        levels={name: words % _span(name, base_m) for name, words in LEVELS.items()},
        retention=config().retention,
        licence_url=config().feed.licence_url,
    )


def _span(level: str, base_m: float) -> dict[str, str]:
    low, high = (f"{base_m * share:.0f}" for share in trim.LEVELS[level])
    return {"low": low, "high": high}


@blueprint.post("/trim")
@login_required
def choose_trim() -> BaseResponse:
    """How much of the ends is left out from now on. The level one has already draws nothing anew."""
    user, level, base_m = auth.must_me(), request.form.get("level", ""), config().collect.trim_m
    if level not in trim.LEVELS:
        raise Problem("bad_request")
    own_m = base_m if user.trim_m is None else user.trim_m
    if user.trim_m is None or trim.level_of(own_m, base_m) != level:
        user.trim_m = trim.draw_m(level, base_m)
        db.commit()
    flash(_("Saved. It holds for the trips that you send from now on."), "good")
    return redirect(url_for("privacy.index"))


@blueprint.post("/prizes")
@login_required
def choose_prizes() -> BaseResponse:
    """Whether I take part in prizes."""
    auth.must_me().prize_consent = prize_consent()
    db.commit()
    flash(_("Saved."), "good")
    return redirect(url_for("privacy.index"))


@blueprint.get("/my-data.zip")
@login_required
def my_data() -> Response:
    """Everything that is kept of me, streamed: however much it is, the service holds one file of it."""
    from transitmap import own_data

    limits.take("own_data", str(auth.must_me().id))
    found = own_data.gather(db.session(), auth.must_me(), time.time())
    body = own_data.stream(db.archive(), found)
    answer = Response(body, mimetype="application/zip")
    answer.headers["Content-Disposition"] = 'attachment; filename="transitmap-my-data.zip"'
    return answer


@blueprint.post("/erase")
@login_required
def erase_me() -> BaseResponse | tuple[str, int]:
    """Erases me, where the password is right. There is no way back."""
    from transitmap import erase

    me = auth.must_me()
    user = auth.user_with_password(me.name, request.form.get("password", ""))
    if user is None or user.id != me.id:
        return _page(failed=True), 401
    session, archive = db.session(), db.archive()
    erase.erase(session, archive, user, config(), time.time())
    auth.close_session()
    flash(_("You are erased. The next map is made without your trips."), "good")
    return redirect(url_for("home.index"))
