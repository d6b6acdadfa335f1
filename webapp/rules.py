"""The rules in the reader's words; proposed ones compared, tried on history, discussed, voted, decided."""

from __future__ import annotations

import time
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask_babel import format_decimal, ngettext
from flask_babel import gettext as _
from werkzeug.wrappers import Response as WsgiResponse

from transitmap import decided, store
from transitmap.errors import ConfigError
from transitmap.points.rules import parse_rules, published_text, whole
from webapp import auth, db, limits, words
from webapp.campaigns import may_organise, must_organise
from webapp.errors import Problem
from webapp.published import timezone
from webapp.rule_words import DAYS, FOUND, GROUPS, METRES, PLAIN, POINTS, SECONDS, SHARE, TIMES, WORDS

blueprint = Blueprint("rules", __name__, url_prefix="/rules")
MAX_TEXT_CHARS, MAX_TOML_CHARS = 2_000, 20_000
N_LISTED = 10


@dataclass(frozen=True)
class Line:
    """One number of the rules in words; `other` is the proposed one."""

    key: str
    name: str
    why: str
    value: str
    other: str

    @property
    def is_changed(self) -> bool:
        """Whether the proposal differs here."""
        return self.value != self.other


@blueprint.app_context_processor
def _words() -> dict[str, object]:
    return {"rules_address": address_of}


def address_of(campaign: store.Campaign | None) -> str:
    """Where the rules of a campaign stand, number by number."""
    if campaign is None or campaign.id == store.OWN_CAMPAIGN:
        return url_for("rules.index", _anchor="hold")
    return url_for("rules.of_campaign", slug=campaign.slug)


# --- the rules that hold -------------------------------------------------------------------------


@blueprint.get("/")
def index() -> str:
    """The rules of the installation, those of each campaign, and what is proposed."""
    return index_page(text_of(None))


def index_page(toml: str, note: str = "", trouble: str = "") -> str:
    """The page, with what an organiser has written so far."""
    held = text_of(None)
    return render_template(
        "rules.html",
        version=version_of(held),
        groups=in_words(held, held),
        campaigns=own_rules(),
        proposals=store.all_proposals(db.session()),
        drafts=store.draft_campaigns(db.session()) if may_organise() else (),
        may_decide=may_organise(),
        toml=toml,
        note=note,
        trouble=trouble,
    )


@blueprint.get("/rules.toml")
def published() -> Response:
    """The rules that hold, as a file that `transitmap points simulate` reads."""
    return Response(text_of(None), mimetype="text/plain")


@blueprint.get("/campaigns/<slug>")
def of_campaign(slug: str) -> str:
    """The rules of one campaign, beside those of the installation."""
    campaign = store.campaign_by_slug(db.session(), slug)
    if campaign is None or (campaign.state == "draft" and not may_organise()):
        raise Problem("not_found")
    groups = in_words(text_of(None), text_of(campaign))
    return render_template("rules_campaign.html", campaign=campaign, groups=groups)


def text_of(campaign: store.Campaign | None) -> str:
    """The rules of a campaign as TOML: its own, or the published ones."""
    return (campaign.rules_toml if campaign else "") or published_text()


def version_of(toml: str) -> str:
    """The version that the rules give themselves."""
    return str(tomllib.loads(toml)["version"])


def own_rules() -> list[store.Campaign]:
    """Campaigns with rules of their own, the latest first; drafts only for those who organise."""
    found = store.campaigns_with_rules(db.session())
    return [one for one in found if one.state != "draft" or may_organise()]


def in_words(toml: str, other: str) -> list[tuple[str, list[Line]]]:
    """Every number of the rules by group, in the order of the file, beside the same one of others."""
    held, proposed = (flat(whole(tomllib.loads(one))) for one in (toml, other))
    groups: dict[str, list[Line]] = {}
    for key in {**held, **proposed}:
        kind, name, why = WORDS.get(key, (PLAIN, key, ""))
        pair = [told(kind, found[key]) if key in found else "–" for found in (held, proposed)]
        groups.setdefault(key.split(".")[0], []).append(Line(key, str(name), str(why), *pair))
    return [(str(GROUPS.get(group, group)), lines) for group, lines in groups.items()]


def flat(tables: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Every number by its whole name; the version is none."""
    found: dict[str, Any] = {}
    for key, value in tables.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{before}{key}.")
        elif before:
            found[before + key] = value
    return found


def told(kind: str, value: Any) -> str:
    """A number as the reader writes it, with its unit."""
    if kind == FOUND and isinstance(value, list):
        return " ".join(words.sentence(str(one)) for one in value) or _("nothing")
    if isinstance(value, list):
        return ", ".join(told(kind, one) for one in value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if kind == SHARE:
        return f"{format_decimal(round(100 * value, 1))} %"
    number, plural = format_decimal(value), 1 if value == 1 else 2
    units = {
        POINTS: ngettext("%(n)s point", "%(n)s points", plural, n=number),
        DAYS: ngettext("%(n)s day", "%(n)s days", plural, n=number),
        TIMES: _("%(n)s times as much", n=number),
        METRES: f"{number} m",
        SECONDS: f"{number} s",
    }
    return units.get(kind, number)


# --- proposals -----------------------------------------------------------------------------------


@blueprint.get("/proposals/<int:proposal_id>")
def proposal(proposal_id: int) -> str:
    """A proposal beside what holds: number by number, who would gain and lose, what people say."""
    found, me = must_find(proposal_id), auth.me()
    campaign = store.campaign_of_proposal(db.session(), found)
    return render_template(
        "proposal.html",
        proposal=found,
        campaign=campaign,
        groups=in_words(text_of(campaign), found.rules_toml),
        votes=store.votes_on(db.session(), found.id, me.id if me else None),
        comments=store.comments_on(db.session(), found.id),
        decision=store.decision_on(db.session(), found.id),
        preview=preview_view(found.preview, me.id if me else None),
        may_decide=may_organise(),
    )


@blueprint.post("/proposals")
def propose() -> WsgiResponse | tuple[str, int]:
    """Other rules for a draft or for the campaigns to come, read as strictly as those that hold."""
    user, toml = must_organise(), request.form.get("toml", "").replace("\r\n", "\n")
    note = request.form.get("note", "").strip()[:MAX_TEXT_CHARS]
    trouble = trouble_with(toml)
    if trouble:
        return index_page(toml, note, trouble), 422
    wanted = request.form.get("campaign", "")
    ids = {one.slug: one.id for one in store.draft_campaigns(db.session())}
    campaign_id = ids.get(wanted, store.OWN_CAMPAIGN)
    rules = version_of(toml), toml
    made = store.add_proposal(db.session(), campaign_id, user.id, rules, note, {}, time.time())
    db.commit()
    return redirect(url_for("rules.proposal", proposal_id=made.id))


def trouble_with(toml: str) -> str:
    """Why these rules cannot be proposed; empty where they can."""
    if len(toml) > MAX_TOML_CHARS:
        return _("That is too long.")
    held = parse_rules(tomllib.loads(text_of(None)))
    try:
        proposed = parse_rules(tomllib.loads(toml))
    except tomllib.TOMLDecodeError:
        return _("That is no TOML. Take the file of the rules that hold and change a number.")
    except ConfigError as error:
        return _("These rules cannot hold: %(why)s", why=str(error))
    if proposed.version == held.version:
        return _("Other rules need another version.")
    if proposed.measure != held.measure:
        return _("A proposal changes what is paid, not how stretches and quality are measured.")
    return ""


@blueprint.post("/proposals/<int:proposal_id>/vote")
def vote(proposal_id: int) -> WsgiResponse:
    """My vote, the only one I have; it can be changed until the decision."""
    user, found = auth.must_me(), must_find(proposal_id, must_be_open=True)
    choice = {"for": 1, "neither": 0, "against": -1}.get(request.form.get("vote", ""))
    if choice is None:
        raise Problem("bad_request")
    store.cast_vote(db.session(), found.id, user.id, choice, time.time())
    db.commit()
    flash(_("Your vote counts. You can change it until the decision."), "good")
    return redirect(url_for("rules.proposal", proposal_id=found.id))


@blueprint.post("/proposals/<int:proposal_id>/comments")
def comment(proposal_id: int) -> WsgiResponse:
    """What I say of it."""
    user, text = auth.must_me(), request.form.get("text", "").strip()
    must_find(proposal_id, must_be_open=True)
    if not 1 <= len(text) <= MAX_TEXT_CHARS:
        raise Problem("bad_request")
    limits.take("comments", str(user.id))
    store.add_comment(db.session(), proposal_id, user.id, text, time.time())
    db.commit()
    return redirect(url_for("rules.proposal", proposal_id=proposal_id, _anchor="comments"))


@blueprint.post("/proposals/<int:proposal_id>/comments/<int:comment_id>")
def hide(proposal_id: int, comment_id: int) -> WsgiResponse:
    """Hides a comment that insults somebody, or shows it again."""
    must_organise()
    is_hidden = request.form.get("is_hidden") == "1"
    if not store.hide_comment(db.session(), proposal_id, comment_id, is_hidden):
        raise Problem("not_found")
    db.commit()
    return redirect(url_for("rules.proposal", proposal_id=proposal_id, _anchor="comments"))


@blueprint.post("/proposals/<int:proposal_id>/decide")
def decide(proposal_id: int) -> WsgiResponse:
    """Adopts or refuses, with a reason."""
    user, reason = must_organise(), request.form.get("reason", "").strip()
    found, verdict = must_find(proposal_id, must_be_open=True), request.form.get("verdict", "")
    if verdict not in store.PROPOSAL_STATES[1:]:
        raise Problem("bad_request")
    if not 1 <= len(reason) <= MAX_TEXT_CHARS:
        flash(_("Please give a reason: everybody who voted will read it."), "bad")
        return redirect(url_for("rules.proposal", proposal_id=found.id))
    zone = timezone()
    decided.decide_rules(db.session(), found, verdict, user, reason, time.time(), zone)
    db.commit()
    return redirect(url_for("rules.proposal", proposal_id=found.id))


def must_find(proposal_id: int, must_be_open: bool = False) -> store.Proposal:
    """The proposal of that id.

    Raises:
        Problem: `not_found`; `already_decided` where it must be open and is not.
    """
    found = store.proposal_by_id(db.session(), proposal_id)
    if found is None:
        raise Problem("not_found")
    if must_be_open and found.state != "open":
        raise Problem("already_decided")
    return found


# --- who would gain and lose ---------------------------------------------------------------------


def preview_view(preview: Mapping[str, Any], my_id: int | None) -> dict[str, Any] | None:
    """What a proposal would have changed, without riders who hide from boards; None before it was tried."""
    if "rows" not in preview:
        return dict(preview) or None
    rows = [tuple(row) for row in preview["rows"]]
    names = store.names_on_boards(db.session(), [row[0] for row in rows])
    shown = [(names[who], before, after) for who, before, after in rows if who in names]
    mine = next((row for row in rows if row[0] == my_id), None)
    return {
        **preview,
        "gain": [row for row in shown if row[2] > row[1]][:N_LISTED],
        "lose": [row for row in reversed(shown) if row[2] < row[1]][:N_LISTED],
        "mine": mine,
    }
