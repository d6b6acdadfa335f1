"""Prizes on their way: what is held, who approved, and the second person who must."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext, ngettext
from werkzeug.wrappers import Response

from transitmap import decided, store
from transitmap.books import lists
from transitmap.books.hold import ENDED
from transitmap.errors import ConfigError, PayoutRefused
from transitmap.points.prizes import AWARDS
from webapp import db, language, published, words
from webapp.campaigns import must_organise
from webapp.errors import Problem
from webapp.review import MAX_NOTE, must_review

blueprint = Blueprint("winners", __name__, url_prefix="/review/winners")

HOLD_TROUBLE = {
    "seed": lazy_gettext("Other words were told before."),
    "campaign": lazy_gettext("Freeze the campaign first: while trips are paid nobody knows who wins."),
}


@dataclass(frozen=True)
class Winner:
    """One prize: whose, which, how much, and the people who approved of that amount."""

    payout: store.Payout
    name: str
    award: str
    amount: float
    currency: str
    approved_by: list[int]
    is_mine: bool
    has_approved: bool

    @property
    def millipoints(self) -> int:
        """The verified points that it was won with."""
        prize: dict[str, Any] = self.payout.evidence.get("prize", {})
        return int(prize.get("millipoints", 0))

    @property
    def may_be_paid(self) -> bool:
        """Whether two people approved, the hold is over, and whoever reads this is not the winner."""
        is_due = self.payout.state == "approved" and self.payout.hold_until_s <= time.time()
        return is_due and not self.is_mine


@blueprint.get("/")
def index() -> str:
    """The prizes of every campaign, by campaign."""
    user = must_review()
    found = [
        (campaign, winners)
        for campaign in store.all_campaigns(db.session())
        if (winners := winners_of(campaign, user))
    ]
    return render_template("winners.html", campaigns=found, is_spanish=language.language() == "es_MX")


@blueprint.get("/campaigns/<slug>")
def of_campaign(slug: str) -> str:
    """Who wins what by the ledger as it is now, as `transitmap prizes` says it, and the form to hold it."""
    must_organise()
    campaign = _must_have_prizes(slug)
    trouble, listed = "", None
    try:
        listed = lists.prizes_of(db.session(), campaign)
    except ConfigError as error:
        trouble = str(error)
    return render_template(
        "winners_campaign.html",
        campaign=campaign,
        listed=listed,
        trouble=trouble,
        awards=[words.sentence(f"award_{award}") for award in AWARDS],
        is_over=campaign.state in ENDED,
    )


@blueprint.post("/campaigns/<slug>")
def hold(slug: str) -> Response:
    """Writes the list down as prizes that wait for two people."""
    organiser, campaign = must_organise(), _must_have_prizes(slug)
    told, back = request.form.get("words", "").strip(), url_for("winners.of_campaign", slug=slug)
    if request.form.get("sure", "").strip() != slug:
        flash(_("Nothing was done: write the campaign’s address to be sure."), "bad")
        return redirect(back)
    try:
        zone = published.timezone()
        payouts = decided.hold(db.session(), campaign, told, organiser, time.time(), zone)
    except ConfigError as error:
        db.session().rollback()
        flash(str(HOLD_TROUBLE["seed" if error.name == "seed" else "campaign"]), "bad")
        return redirect(back)
    db.commit()
    flash(ngettext("%(num)s prize waits now.", "%(num)s prizes wait now.", len(payouts)), "good")
    return redirect(url_for("winners.index"))


def _must_have_prizes(slug: str) -> store.Campaign:
    campaign = store.campaign_by_slug(db.session(), slug)
    if campaign is None or not (campaign.prizes_toml and campaign.budget_centavos):
        raise Problem("not_found")
    return campaign


@blueprint.post("/<int:payout_id>/approve")
def approve(payout_id: int) -> Response:
    """One person's approval; the second one's lets the prize be paid."""
    return _decide(payout_id, store.approve_payout)


@blueprint.post("/<int:payout_id>/refuse")
def refuse(payout_id: int) -> Response:
    """No prize, and the reason."""
    return _decide(payout_id, store.refuse_payout)


@blueprint.post("/<int:payout_id>/pay")
def pay(payout_id: int) -> Response:
    """The money was handed over."""
    return _decide(payout_id, store.pay_payout)


def _decide(payout_id: int, decide: Callable[..., store.Payout]) -> Response:
    user, note = must_review(), request.form.get("note", "").strip()[:MAX_NOTE]
    try:
        payout = decided.decide_prize(
            db.session(), decide, payout_id, user, note, time.time(), published.timezone()
        )
    except PayoutRefused as refused:
        if refused.reason == "missing":
            raise Problem("not_found") from refused
        db.session().rollback()
        flash(words.sentence(f"payout_{refused.reason}"), "bad")
        return redirect(url_for("winners.index"), 303)
    db.commit()
    flash(_said(payout.state), "good")
    return redirect(url_for("winners.index"), 303)


def _said(state: str) -> str:
    told = {
        "held": _("Kept. Somebody else must approve of it, too."),
        "approved": _("Two people approved: the prize can be paid after its hold."),
        "paid": _("Noted: the prize was handed over."),
        "refused": _("Refused. The rider can ask for a second look at any trip that was in doubt."),
    }
    return str(told[state])


def winners_of(campaign: store.Campaign, user: store.User) -> list[Winner]:
    """The prizes of a campaign, in the order of its list."""
    payouts = store.payouts_of_campaign(db.session(), campaign.id)
    names = store.names_of(db.session(), [one.user_id for one in payouts])
    mine = store.accounts_of(db.session(), user.id)
    found = []
    for payout in payouts:
        people = store.approvals(db.session(), payout)
        found.append(
            Winner(
                payout,
                names.get(payout.user_id, ""),
                words.sentence(f"award_{payout.award.partition(':')[0]}"),
                payout.amount_centavos / 100,
                campaign.currency,
                people,
                payout.user_id in mine,
                bool(mine & set(people)),
            )
        )
    return found
