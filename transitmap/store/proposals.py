"""Proposed rules: what riders say and vote, and what became of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from transitmap.store.points import CHUNK
from transitmap.store.tables import User
from transitmap.store.tables_game import OWN_CAMPAIGN, Campaign, Comment, Decision, Proposal, Vote

OPEN, ADOPTED, REFUSED_PROPOSAL = PROPOSAL_STATES = ("open", "adopted", "refused")
PROPOSAL = "proposal"
"""The subject of a decision about proposed rules."""
MAX_ROWS = 10_000
"""Riders in the preview of a proposal: some 200 kB."""


@dataclass(frozen=True)
class Tally:
    """Votes for, against and neither; `mine` is the asking rider's, None without one."""

    n_for: int
    n_against: int
    n_neither: int
    mine: int | None


@dataclass(frozen=True)
class Said:
    """A comment with the name of who wrote it; `name` is empty for somebody who left or is hidden."""

    id: int
    name: str
    text: str
    made_s: float
    is_hidden: bool


def add_proposal(
    session: Session,
    campaign_id: int,
    user_id: int,
    rules: tuple[str, str],
    note: str,
    preview: Mapping[str, Any],
    now_s: float,
) -> Proposal:
    """Other rules for a campaign, open for comments and votes; `rules` are their version and their TOML."""
    version, toml = rules
    proposal = Proposal(
        campaign_id=campaign_id, user_id=user_id, rules_version=version, rules_toml=toml, note=note,
        preview=dict(preview), made_s=now_s,
    )  # fmt: skip
    session.add(proposal)
    session.flush()
    return proposal


def all_proposals(session: Session) -> list[tuple[Proposal, Tally]]:
    """All proposals with their votes, the latest first."""
    rows = session.scalars(sa.select(Proposal).order_by(Proposal.made_s.desc(), Proposal.id.desc()))
    return [(row, votes_on(session, row.id)) for row in rows]


def proposal_by_id(session: Session, proposal_id: int) -> Proposal | None:
    """One proposal."""
    return session.get(Proposal, proposal_id)


def votes_on(session: Session, proposal_id: int, user_id: int | None = None) -> Tally:
    """How a proposal stands, and how this rider voted."""
    counts = dict.fromkeys((1, 0, -1), 0)
    mine: int | None = None
    for who, vote in session.execute(
        sa.select(Vote.user_id, Vote.vote).where(Vote.proposal_id == proposal_id)
    ):
        counts[vote] += 1
        mine = vote if who == user_id else mine
    return Tally(counts[1], counts[-1], counts[0], mine)


def cast_vote(session: Session, proposal_id: int, user_id: int, vote: int, now_s: float) -> None:
    """A rider's one vote; a later one takes its place.

    Raises:
        ValueError: `vote` is none of -1, 0 and 1.
    """
    if vote not in (-1, 0, 1):
        raise ValueError(f"vote {vote}, want -1, 0 or 1")
    session.merge(Vote(proposal_id=proposal_id, user_id=user_id, vote=vote, made_s=now_s))
    session.flush()


def add_comment(session: Session, proposal_id: int, user_id: int, text: str, now_s: float) -> Comment:
    """What a rider says of a proposal."""
    comment = Comment(proposal_id=proposal_id, user_id=user_id, text=text, made_s=now_s)
    session.add(comment)
    session.flush()
    return comment


def comments_on(session: Session, proposal_id: int) -> list[Said]:
    """What was said of a proposal, in its order; nothing of who erased their account."""
    question = (
        sa.select(Comment, User.name, User.is_hidden)
        .join(User, User.id == Comment.user_id)
        .where(Comment.proposal_id == proposal_id, Comment.text != "")
        .order_by(Comment.id)
    )
    return [
        Said(row.id, "" if hides else name, row.text, row.made_s, row.is_hidden)
        for row, name, hides in session.execute(question)
    ]


def hide_comment(session: Session, proposal_id: int, comment_id: int, is_hidden: bool) -> bool:
    """Whether there was such a comment; hidden ones stay, and those who organise still read them."""
    comment = session.get(Comment, comment_id)
    if comment is None or comment.proposal_id != proposal_id:
        return False
    comment.is_hidden = is_hidden
    return True


def decide_proposal(
    session: Session, proposal: Proposal, verdict: str, user_id: int, reason: str, now_s: float
) -> Decision:
    """Adopts or refuses a proposal, once and for ever, with a reason that everybody can read.

    Adopted rules become those of the campaign only while that is a draft: rules do not change in a game.

    Raises:
        ValueError: it is decided already, or the verdict is none.
    """
    if proposal.state != OPEN or verdict not in (ADOPTED, REFUSED_PROPOSAL):
        raise ValueError(f"proposal {proposal.id} is {proposal.state}, asked for {verdict}")
    proposal.state = verdict
    campaign = session.get(Campaign, proposal.campaign_id)
    if verdict == ADOPTED and campaign is not None and campaign.state == "draft":
        campaign.rules_version, campaign.rules_toml = proposal.rules_version, proposal.rules_toml
    decision = Decision(
        subject_kind=PROPOSAL, subject_id=str(proposal.id), verdict=verdict, user_id=user_id,
        note=reason, made_s=now_s,
    )  # fmt: skip
    session.add(decision)
    session.flush()
    return decision


def decision_on(session: Session, proposal_id: int) -> Decision | None:
    """What became of a proposal, None while it is open."""
    question = sa.select(Decision).where(
        Decision.subject_kind == PROPOSAL, Decision.subject_id == str(proposal_id)
    )
    return session.scalar(question.order_by(Decision.id.desc()).limit(1))


def campaigns_with_rules(session: Session) -> list[Campaign]:
    """Campaigns with rules of their own, the latest first."""
    question = sa.select(Campaign).where(Campaign.rules_toml != "")
    return list(session.scalars(question.order_by(Campaign.made_s.desc(), Campaign.id.desc())))


def draft_campaigns(session: Session) -> list[Campaign]:
    """Campaigns that may still get other rules."""
    return list(session.scalars(sa.select(Campaign).where(Campaign.state == "draft").order_by(Campaign.id)))


def campaign_of_proposal(session: Session, proposal: Proposal) -> Campaign | None:
    """The campaign that a proposal is for."""
    return session.get(Campaign, proposal.campaign_id)


def names_on_boards(session: Session, user_ids: Sequence[int]) -> dict[int, str]:
    """The names of those of these riders who show themselves."""
    found: dict[int, str] = {}
    for start in range(0, len(user_ids), CHUNK):
        question = sa.select(User.id, User.name).where(
            User.id.in_(user_ids[start : start + CHUNK]), User.is_hidden.is_(False)
        )
        for user_id, name in session.execute(question):
            found[user_id] = name
    return found


# --- what they would have changed ----------------------------------------------------------------


def proposals_to_try(session: Session) -> list[tuple[Proposal, int]]:
    """Open proposals that nobody has tried on history yet, the oldest first, and the campaign to try them on.

    Nobody has ridden for a draft: its rules are tried on the installation's own campaign.
    """
    question = (
        sa.select(Proposal, Campaign.state)
        .outerjoin(Campaign, Campaign.id == Proposal.campaign_id)
        .where(Proposal.state == OPEN)
        .order_by(Proposal.id)
    )
    return [
        (proposal, OWN_CAMPAIGN if state == "draft" else proposal.campaign_id)
        for proposal, state in session.execute(question)
        if not proposal.preview
    ]


def keep_preview(
    session: Session, proposal_id: int, rows: Sequence[tuple[int, int, int]] | None, now_s: float
) -> None:
    """Stores who would have gained and lost: (user_id, millipoints before, after), most gained first.

    Beyond MAX_ROWS only those who gain and lose most are kept; the numbers are of all. Without rows the rules
    could not be tried.
    """
    if rows is None:
        failed = {"is_failed": True, "made_s": now_s}
        session.execute(sa.update(Proposal).where(Proposal.id == proposal_id).values(preview=failed))
        return
    ordered = sorted(rows, key=lambda row: (row[1] - row[2], row[0]))
    half = MAX_ROWS // 2
    kept = ordered if len(ordered) <= MAX_ROWS else ordered[:half] + ordered[-half:]
    preview = {
        "n_riders": len(rows),
        "n_gain": sum(after > before for _, before, after in rows),
        "n_lose": sum(after < before for _, before, after in rows),
        "before": sum(before for _, before, _ in rows),
        "after": sum(after for _, _, after in rows),
        "made_s": now_s,
        "rows": [list(row) for row in kept],
    }
    session.execute(sa.update(Proposal).where(Proposal.id == proposal_id).values(preview=preview))
