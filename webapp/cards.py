"""A rider's own result to be shown around: points and level under a pseudonym, where nobody guesses."""

from __future__ import annotations

import hmac
import secrets

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_babel import format_decimal
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from transitmap import store
from transitmap.points import levels
from webapp import auth, db, published
from webapp.errors import Problem

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
    user, told = store.user_by_id(db.session(), user_id), store.card_key(db.session(), user_id)
    if user is None or user.is_hidden or not told or not hmac.compare_digest(told.encode(), key.encode()):
        raise Problem("not_found")
    rows = store.ledger_rows(db.session(), user_id=user.id)
    total = sum(row.millipoints for row in rows)
    rides, adopted = store.awarded_rides(db.session(), user.id), store.adopted_s(db.session(), user.id)
    return render_template(
        "card.html",
        rider=user,
        address=url_for("cards.show", user_id=user_id, key=key, _external=True),
        total=total,
        result=_("%(points)s points for the map", points=format_decimal(round(total / 1000, 1))),
        verified=sum(row.verified_millipoints for row in rows),
        level=levels.level(levels.deeds_of(rides, adopted, published.timezone())),
    )


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
