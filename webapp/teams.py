"""Teams of a campaign: make one, ask to join, say yes or no, leave; and what each member brought."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_login import login_required
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import StringField
from wtforms.validators import Length, Regexp

from transitmap import store
from transitmap.errors import NameTaken
from transitmap.points.standings import Place, ranked
from webapp import auth, db
from webapp.accounts import MAX_NAME_CHARS, NAME
from webapp.errors import Problem
from webapp.standings import N_SHOWN, read_asked, this_week

if TYPE_CHECKING:
    from transitmap.store import Campaign, Standing, Team

blueprint = Blueprint("teams", __name__, url_prefix="/teams")


class TeamForm(FlaskForm):
    """A team's name: the same rules as for a pseudonym."""

    name = StringField(
        lazy_gettext("Name of the team"),
        [
            Length(1, MAX_NAME_CHARS, lazy_gettext("Between 1 and 40 characters, please.")),
            Regexp(NAME, message=lazy_gettext("Without / \\ < > & @ or quotes, please.")),
        ],
    )


@blueprint.get("/")
def index() -> str:
    """My team in a campaign or the way to one, and its teams, some a page."""
    campaigns = db.once(store.board_campaigns)
    campaign = read_asked(request.args.get("campaign"), None, "teams", campaigns).campaign
    return _page(campaign, TeamForm())


def _page(campaign: Campaign, form: TeamForm) -> str:
    session, user = db.session(), auth.me()
    mine = store.member_of(session, campaign.id, user.id) if user else None
    first, some = max(0, request.args.get("first", 0, type=int)), _letters(request.args.get("name", ""))
    part = store.BoardPart((), 0, 0, 0)
    if not some:
        part = store.team_board(session, campaign.id, first=first, limit=N_SHOWN).page
    return render_template(
        "teams.html",
        campaign=campaign,
        campaigns=db.once(store.board_campaigns),
        form=form,
        mine=mine,
        my_team=store.team_by_id(session, mine.team_id) if mine else None,
        is_member=mine is not None and mine.state == store.MEMBER,
        places=_named(campaign, some) if some else ranked(part.rows, part.n_better, part.n_before),
        some=some,
        first=part.n_before,
        n_more=part.n - part.n_before - len(part.rows),
        n_shown=N_SHOWN,
    )


def _letters(text: str) -> str:
    """What may stand in a name of what somebody looks for."""
    return "".join(one for one in text if one.isprintable()).strip()[:MAX_NAME_CHARS]


def _named(campaign: Campaign, some: str) -> list[Place]:
    """The best teams with these letters in their name."""
    found = store.teams_named(db.session(), campaign.id, some, N_SHOWN)
    return [
        Place(1 + n_better, one.user_id, one.name, one.millipoints, one.n_rides, one.verified_millipoints)
        for n_better, one in found
    ]


@blueprint.post("/")
@login_required
def make() -> Response | tuple[str, int]:
    """A new team with its first member."""
    user, form = auth.must_me(), TeamForm()
    campaigns = db.once(store.board_campaigns)
    campaign = read_asked(request.form.get("campaign"), None, "teams", campaigns).campaign
    if not form.validate_on_submit():
        return _page(campaign, form), 422
    _check_open(campaign)
    try:
        name = form.name.data or ""
        team = store.add_team(db.session(), campaign.id, name, user.id, this_week(), time.time())
    except NameTaken:
        form.name.errors = [_("A team already has that name.")]
        return _page(campaign, form), 422
    if team is None:
        raise Problem("in_a_team")
    db.commit()
    flash(_("The team is made. Others find it on this page and ask to join."), "good")
    return redirect(url_for("teams.team", team_id=team.id))


@blueprint.get("/<int:team_id>")
def team(team_id: int) -> str:
    """A team, what each member brought, and for its members who asks to join."""
    found, session, user = _team(team_id), db.session(), auth.me()
    mine = store.member_of(session, found.campaign_id, user.id) if user else None
    is_member = mine is not None and mine.team_id == team_id and mine.state == store.MEMBER
    rows = store.member_standings(session, found)
    shown = [row for row in rows if not row.is_hidden or (user and row.user_id == user.id)]
    return render_template(
        "team.html",
        team=found,
        campaign=_campaign(found),
        places=ranked(shown),
        n_hidden=len(rows) - len(shown),
        total=_total(rows),
        mine=mine,
        is_member=is_member,
        has_asked=mine is not None and mine.team_id == team_id and not is_member,
        asking=store.riders_asking(session, team_id) if is_member else [],
    )


def _total(rows: list[Standing]) -> tuple[int, int]:
    return sum(row.millipoints for row in rows), sum(row.verified_millipoints for row in rows)


@blueprint.post("/<int:team_id>/join")
@login_required
def join(team_id: int) -> Response:
    """Asks to join a team."""
    found = _open_team(team_id)
    if store.ask_to_join(db.session(), found, auth.must_me().id, time.time()):
        db.commit()
        flash(_("Asked. Once a member says yes, what you earn counts for the team."), "good")
    else:
        flash(_("You are in a team of this campaign, or have asked one. Leave it first."), "bad")
    return redirect(url_for("teams.team", team_id=team_id))


@blueprint.post("/<int:team_id>/accept")
@login_required
def accept(team_id: int) -> Response:
    """A member says yes to somebody who asks."""
    found = _own_team(team_id)
    if not store.accept_member(db.session(), found, _asker(), this_week(), time.time()):
        raise Problem("not_found")
    db.commit()
    flash(_("The team has a new member."), "good")
    return redirect(url_for("teams.team", team_id=team_id))


@blueprint.post("/<int:team_id>/deny")
@login_required
def deny(team_id: int) -> Response:
    """A member says no to somebody who asks."""
    if not store.deny_member(db.session(), _own_team(team_id), _asker()):
        raise Problem("not_found")
    db.commit()
    flash(_("Not accepted."), "good")
    return redirect(url_for("teams.team", team_id=team_id))


@blueprint.post("/<int:team_id>/leave")
@login_required
def leave(team_id: int) -> Response:
    """Leaves the team, or takes the question back."""
    found, user = _open_team(team_id), auth.must_me()
    mine = store.member_of(db.session(), found.campaign_id, user.id)
    if mine is not None and mine.team_id == team_id:
        store.leave_team(db.session(), found.campaign_id, user.id)
        db.commit()
        flash(_("You play for yourself again, and your points are yours as before."), "good")
    return redirect(url_for("teams.index", campaign=_campaign(found).slug))


def _team(team_id: int) -> Team:
    found = store.team_by_id(db.session(), team_id)
    if found is None:
        raise Problem("not_found")
    return found


def _campaign(team: Team) -> Campaign:
    return next(one for one in db.once(store.board_campaigns) if one.id == team.campaign_id)


def _open_team(team_id: int) -> Team:
    found = _team(team_id)
    _check_open(_campaign(found))
    return found


def _own_team(team_id: int) -> Team:
    """The team, for its members alone."""
    found = _open_team(team_id)
    mine = store.member_of(db.session(), found.campaign_id, auth.must_me().id)
    if mine is None or mine.team_id != team_id or mine.state != store.MEMBER:
        raise Problem("not_found")
    return found


def _check_open(campaign: Campaign) -> None:
    """Nobody joins or leaves once a campaign is counted.

    Raises:
        Problem: `campaign_over`.
    """
    if campaign.state != "open":
        raise Problem("campaign_over")


def _asker() -> int:
    text = request.form.get("user_id", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
