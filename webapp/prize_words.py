"""Prizes in the reader's words: why each amount, where it is on its way, and those of whoever reads."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from flask_babel import format_currency, format_date, format_decimal, ngettext
from flask_babel import gettext as _

from transitmap import store
from transitmap.campaigns.steps import local_date
from transitmap.points.prizes import load_prize_rules
from webapp import auth, db, published, words

REFUSED = "refused"


@dataclass(frozen=True)
class Won:
    """One prize of whoever reads: how much and why, where it is on its way, and why not if refused."""

    campaign_id: int
    award: str
    amount: float
    currency: str
    why: str
    told: str
    note: str


def in_words(campaign: store.Campaign) -> list[str]:
    """How a campaign's budget becomes prizes, a sentence a part; nothing where there is none."""
    if not (campaign.prizes_toml and campaign.budget_centavos):
        return []
    rules, budget = load_prize_rules(campaign.prizes_toml), campaign.budget_centavos

    def money(centavos: int) -> str:
        return str(format_currency(centavos / 100, campaign.currency))

    first, teams, steps, draw = (
        budget * permille // 1000
        for permille in (
            rules.first_permille,
            rules.teams_permille,
            rules.steps_permille,
            rules.draw_permille,
        )
    )
    told = {
        _(
            "%(money)s for the first places by confirmed points: a prize is full for who holds %(n)s %% "
            "of all of them, and smaller in proportion for who holds less.",
            money=money(first),
            n=format_decimal(rules.first_full_at_permille / 10),
        ): first,
        _("%(money)s for the first teams, shared by what each member brought.", money=money(teams)): teams,
        _(
            "%(money)s for everybody by confirmed points, in steps of %(step)s.",
            money=money(steps),
            step=money(rules.step_centavos),
        ): steps,
        ngettext(
            "%(num)s draw of %(prize)s: each thousandth of a confirmed point is a ticket.",
            "%(num)s draws of %(prize)s: each thousandth of a confirmed point is a ticket.",
            draw // rules.prize_centavos,
            prize=money(rules.prize_centavos),
        ): draw // rules.prize_centavos,
        _(
            "At most %(money)s for one person, from %(n)s confirmed points on, and handed over %(days)s days "
            "after the freeze at the earliest.",
            money=money(budget * rules.most_permille // 1000),
            n=format_decimal(rules.least_millipoints / 1000),
            days=rules.hold_days,
        ): 1,
    }
    return [sentence for sentence, is_there in told.items() if is_there]


def award_of(payout: store.Payout) -> str:
    """The kind of a prize."""
    return words.sentence(f"award_{payout.award.partition(':')[0]}")


def why(payout: store.Payout, currency: str) -> str:
    """The numbers that an amount follows from."""
    told: dict[str, Any] = payout.evidence.get("prize", {})
    mine, team, everybody = (
        format_decimal(round(told.get(name, 0) / 1000, 1), "#,##0.0")
        for name in ("millipoints", "team_millipoints", "of_millipoints")
    )
    if "draws" in told:
        return ngettext(
            "%(num)s ticket drawn; there is one for each thousandth of a confirmed point",
            "%(num)s tickets drawn; there is one for each thousandth of a confirmed point",
            len(told["draws"]),
        )
    if "n_steps" in told:
        step = format_currency(told["step_centavos"] / 100, currency)
        return ngettext(
            "%(num)s step of %(money)s: %(points)s of all %(all)s confirmed points",
            "%(num)s steps of %(money)s: %(points)s of all %(all)s confirmed points",
            told["n_steps"],
            money=step,
            points=mine,
            all=everybody,
        )
    rank = told.get("rank", "–")
    if "team_id" in told:
        return _(
            "place %(rank)s of the team, %(points)s of its %(all)s confirmed points",
            rank=rank,
            points=mine,
            all=team,
        )
    return _(
        "place %(rank)s, %(points)s of all %(all)s confirmed points", rank=rank, points=mine, all=everybody
    )


def my_prizes(campaign_id: int = 0) -> list[Won]:
    """What whoever reads has won, in a campaign or in all of them; not what is owed no longer."""
    me, session = auth.me(), db.session()
    if me is None:
        return []
    mine = store.payouts_of_user(session, me.id)
    shown = [one for one in mine if one.amount_centavos and campaign_id in (0, one.campaign_id)]
    if not shown:
        return []
    currency = {one.id: one.currency for one in store.board_campaigns(session)}
    notes = _refusals(shown)
    return [_won(one, currency.get(one.campaign_id, "MXN"), notes.get(one.id, "")) for one in shown]


def _refusals(payouts: list[store.Payout]) -> dict[int, str]:
    """The reason of each prize that somebody refused."""
    refused = [one.id for one in payouts if one.state == REFUSED]
    decided = store.decisions_about(db.session(), store.PAYOUT, refused)
    return {int(one.subject_id): one.note for one in decided if one.verdict == REFUSED}


def _won(payout: store.Payout, currency: str, note: str) -> Won:
    day = format_date(local_date(payout.hold_until_s, published.timezone()), "medium")
    is_due = payout.hold_until_s <= time.time()
    ready = _("Approved. Show this page to the organisers: they can hand it over.")
    told = {
        "held": _("Two people check it; it can be handed over from %(day)s on.", day=day),
        "approved": ready if is_due else _("Approved: it can be handed over from %(day)s on.", day=day),
        "paid": _("Handed over."),
        REFUSED: _("Not given."),
    }
    reason = why(payout, currency)
    amount = payout.amount_centavos / 100
    return Won(payout.campaign_id, award_of(payout), amount, currency, reason, told[payout.state], note)
