"""The prizes of a campaign as payouts that wait: for two people to approve, and for the days of review."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from transitmap import store
from transitmap.books.contest import award, prizes_csv
from transitmap.books.export import WORDS, contest_of, verified_of
from transitmap.errors import ConfigError
from transitmap.points.prizes import hold_until_s

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

ENDED = "closed"
"""What is written down is what the signed end tells: before it every point can still change."""


def hold_prizes(session: Session, campaign: store.Campaign, words: str) -> list[store.Payout]:
    """Writes a campaign's prizes down as payouts and keeps the draw's words; once more after a review.

    The hold counts from the moment the campaign was frozen. Words that were told once stay.

    Raises:
        ConfigError: the campaign is not closed or has no prizes, or other words were told before.
    """
    store.lock_ledger(session)
    contest = contest_of(session, campaign)
    if campaign.state != ENDED or campaign.frozen_s is None or not contest.has_prizes:
        raise ConfigError("campaign", campaign.slug, "must be closed, and have prizes")
    if contest.words and contest.words != words:
        raise ConfigError("seed", "...", "other words were told already")
    found = award(contest, verified_of(session, contest), words)
    store.set_fact(session, WORDS.format(campaign.id), words)
    which = hashlib.sha256(prizes_csv(found).encode()).hexdigest()
    rows = [
        (one.user_id, one.award, one.amount_centavos, {"prize": one.evidence, "list": which})
        for one in found.prizes
        if one.amount_centavos
    ]
    until_s = hold_until_s(campaign.frozen_s, contest.rules())
    return store.put_payouts(session, campaign.id, rows, until_s)
