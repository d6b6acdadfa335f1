"""Prizes on their way: what is held, who approved, and the second person who must."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import format_decimal, lazy_gettext, ngettext
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from transitmap import decided, store
from transitmap.books import lists
from transitmap.books.hold import ENDED
from transitmap.errors import ConfigError, PayoutRefused
from transitmap.points.prizes import AWARDS
from webapp import db, published, words
from webapp.campaigns import must_organise
from webapp.errors import Problem
from webapp.prize_words import award_of, in_words, my_prizes, why
from webapp.review import MAX_NOTE, must_review

blueprint = Blueprint("winners", __name__, url_prefix="/review/winners")
N_SHOWN = 50
ORDER = ("held", "approved", "refused", "paid")
"""States of prizes, those first that wait for somebody."""

HOLD_TROUBLE = {
    "seed": lazy_gettext("Other words were told before."),
    "campaign": lazy_gettext("Close the campaign first: until then its points can still change."),
}


@dataclass(frozen=True)
class Winner:
    """One prize: whose, which, how much, why, and the people who approved of that amount."""

    payout: store.Payout
    name: str
    has_page: bool
    award: str
    amount: float
    currency: str
    why: str
    approved_by: list[int]
    is_mine: bool
    has_approved: bool

    @property
    def may_approve(self) -> bool:
        """Whether it waits for whoever reads this."""
        return self.payout.state == decided.HELD and not self.is_mine and not self.has_approved

    @property
    def may_be_paid(self) -> bool:
        """Whether two people approved, the hold is over, and whoever reads this is not the winner."""
        is_due = self.payout.state == "approved" and self.payout.hold_until_s <= time.time()
        return is_due and not self.is_mine


@dataclass(frozen=True)
class Sheet:
    """The prizes of a campaign, some a page, what they come to by state, and how many wait for who reads.

    `seen` names all that waits: approving of all at once holds for just that.
    """

    campaign: store.Campaign
    winners: list[Winner]
    n: int
    first: int
    sums: list[tuple[str, int, float]]
    n_for_me: int
    seen: str


@blueprint.app_context_processor
def _words() -> dict[str, object]:
    return {"my_prizes": my_prizes, "prizes_in_words": in_words}


@blueprint.get("/")
def index() -> str:
    """The prizes of every campaign, or further ones of the one that is asked for."""
    user, asked = must_review(), request.args.get("campaign")
    first = max(0, request.args.get("first", 0, type=int)) if asked else 0
    campaigns = [one for one in store.all_campaigns(db.session()) if asked in (None, one.slug)]
    sheets = [sheet for one in campaigns if (sheet := sheet_of(one, user, first)).n]
    return render_template("winners.html", sheets=sheets, n_shown=N_SHOWN)


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
        out=_told_out(listed) if listed else [],
        is_over=campaign.state == ENDED,
    )


@blueprint.post("/campaigns/<slug>")
def hold(slug: str) -> Response:
    """Writes the list of a closed campaign down as prizes that wait for two people."""
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


def _told_out(listed: lists.Listed) -> list[tuple[str, int, str]]:
    """Why people take no part, how many of them, and the code of the reason; what can be mended first."""
    n = Counter(listed.found.out.values())
    least = format_decimal(listed.contest.rules().least_millipoints / 1000)
    told = {
        "open_finding": _("something about a trip of theirs waits for a reviewer’s look"),
        "no_consent": _("they did not agree to take part"),
        "too_few_points": _("fewer than %(n)s confirmed points", n=least),
        "staff": _("they organise or review"),
        "erased": _("they were erased"),
    }
    return [(told[why], n[why], why) for why in told if n[why]]


def _must_have_prizes(slug: str) -> store.Campaign:
    campaign = store.campaign_by_slug(db.session(), slug)
    if campaign is None or not (campaign.prizes_toml and campaign.budget_centavos):
        raise Problem("not_found")
    return campaign


@blueprint.post("/campaigns/<slug>/approve")
def approve_all(slug: str) -> Response:
    """One person's approval of all that waits for it, where that is what this person saw."""
    user, campaign, back = must_review(), _must_have_prizes(slug), url_for("winners.index")
    if request.form.get("sure", "").strip() != slug:
        flash(_("Nothing was done: write the campaign’s address to be sure."), "bad")
        return redirect(back, 303)
    store.lock_ledger(db.session())
    if request.form.get("seen") != _seen(store.payouts_of_campaign(db.session(), campaign.id)):
        flash(_("Nothing was done: somebody changed the list meanwhile. Look at it again."), "bad")
        return redirect(back, 303)
    n = decided.approve_all(db.session(), campaign, user, time.time(), published.timezone())
    db.commit()
    flash(ngettext("You approved of %(num)s prize.", "You approved of %(num)s prizes.", n), "good")
    return redirect(back, 303)


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


def sheet_of(campaign: store.Campaign, user: store.User, first: int = 0) -> Sheet:
    """The prizes of a campaign as this person sees them, those first that wait for anybody."""
    payouts = store.payouts_of_campaign(db.session(), campaign.id)
    payouts.sort(key=lambda one: ORDER.index(one.state))
    winners = winners_of(campaign, payouts, user)
    sums = [
        (state, [one for one in payouts if one.state == state and one.amount_centavos]) for state in ORDER
    ]
    return Sheet(
        campaign,
        winners[first : first + N_SHOWN],
        len(winners),
        first,
        [(state, len(those), sum(one.amount_centavos for one in those) / 100) for state, those in sums],
        sum(one.may_approve for one in winners),
        _seen(payouts),
    )


def _seen(payouts: Iterable[store.Payout]) -> str:
    """What names the prizes that wait for approval, each with its amount."""
    waiting = sorted((one.id, one.amount_centavos) for one in payouts if one.state == decided.HELD)
    return hashlib.sha256(repr(waiting).encode()).hexdigest()


def winners_of(campaign: store.Campaign, payouts: Sequence[store.Payout], user: store.User) -> list[Winner]:
    """These prizes of a campaign, in their order, as this person sees them."""
    session = db.session()
    who = sorted({one.user_id for one in payouts})
    names, shown = store.names_of(session, who), store.names_on_boards(session, who)
    mine, approved = store.accounts_of(session, user.id), store.approvals(session, payouts)
    return [
        Winner(
            payout,
            names.get(payout.user_id, ""),
            payout.user_id in shown,
            award_of(payout),
            payout.amount_centavos / 100,
            campaign.currency,
            why(payout, campaign.currency),
            approved[payout.id],
            payout.user_id in mine,
            bool(mine & set(approved[payout.id])),
        )
        for payout in payouts
    ]
