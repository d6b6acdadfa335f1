"""A rider's own result to be shown around: points and level under a pseudonym, where nobody guesses."""

from __future__ import annotations

import hmac
import secrets

from flask import Blueprint, flash, redirect, render_template, url_for
from flask import Response as FlaskResponse
from flask_babel import format_decimal
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from transitmap import store
from transitmap.card import HEIGHT_PX, WIDTH_PX, draw_card
from transitmap.points import levels
from webapp import auth, db, published
from webapp.errors import Problem
from webapp.standings import said

blueprint = Blueprint("cards", __name__, url_prefix="/cards")


@blueprint.app_context_processor
def _words() -> dict[str, object]:
    return {"my_card": my_card}


def my_card() -> str:
    """The address of the reader's own card; empty while there is none."""
    user = auth.me()
    key = store.card_key(db.session(), user.id) if user else ""
    return url_for("cards.show", user_id=user.id, key=key, _external=True) if user and key else ""


@blueprint.get("/<int:user_id>-<key>")
def show(user_id: int, key: str) -> str:
    """The card, for anybody who has its address: no place, no trip, no day, and no name but the pseudonym.

    Who hides from the boards, took the card back or was erased has none.
    """
    user = must_find(user_id, key)
    total, verified, level = _result(user)
    return render_template(
        "card.html",
        rider=user,
        address=url_for("cards.show", user_id=user_id, key=key, _external=True),
        picture=url_for("cards.picture", user_id=user_id, key=key, _external=True),
        width=WIDTH_PX,
        height=HEIGHT_PX,
        total=total,
        result=_("%(points)s points for the map", points=_points(total)),
        verified=verified,
        level=level,
        level_words=_level_words(level),
    )


@blueprint.get("/<int:user_id>-<key>/picture.png")
def picture(user_id: int, key: str) -> FlaskResponse:
    """Points and level as a picture, for whoever the card is shown to; without the pseudonym."""
    total, _verified, level = _result(must_find(user_id, key))
    png = draw_card(_points(total), _("points for the map"), _level_words(level))
    return FlaskResponse(png, mimetype="image/png")


def must_find(user_id: int, key: str) -> store.User:
    """The rider of a card.

    Raises:
        Problem: `not_found`.
    """
    user, told = store.user_by_id(db.session(), user_id), store.card_key(db.session(), user_id)
    if user is None or user.is_hidden or not told or not hmac.compare_digest(told.encode(), key.encode()):
        raise Problem("not_found")
    return user


def _result(user: store.User) -> tuple[int, int, levels.Level]:
    """Millipoints, those of them that are confirmed, and the level."""
    rows = store.ledger_rows(db.session(), user_id=user.id)
    rides, adopted = store.awarded_rides(db.session(), user.id), store.adopted_s(db.session(), user.id)
    level = levels.level(levels.deeds_of(rides, adopted, published.timezone()))
    return sum(row.millipoints for row in rows), sum(row.verified_millipoints for row in rows), level


def _points(millipoints: int) -> str:
    return str(format_decimal(round(millipoints / 1000, 1), "#,##0.0"))


def _level_words(level: levels.Level) -> str:
    if not level.number:
        return str(_("No level yet"))
    return str(_("Level %(number)s: %(name)s", number=level.number, name=said(level, "name")))


@blueprint.post("/")
def make() -> Response:
    """Makes my card; one that I had under another address is no more."""
    store.set_card(db.session(), auth.must_me().id, secrets.token_hex(16))
    db.commit()
    flash(_("Your card is there. Whoever has its address sees it, until you take it back."), "good")
    return redirect(url_for("accounts.mine"))


@blueprint.post("/withdraw")
def withdraw() -> Response:
    """Takes my card back: its address leads nowhere from now on."""
    store.set_card(db.session(), auth.must_me().id, "")
    db.commit()
    flash(_("Your card is gone."), "good")
    return redirect(url_for("accounts.mine"))
