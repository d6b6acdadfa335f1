"""Campaigns: where and when rides count, what for, what came of it; and the forms of organisers."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, current_app, flash, redirect, render_template, request, url_for
from flask_babel import format_decimal, lazy_gettext, ngettext
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from transitmap import store
from transitmap.archive import unpack_network
from transitmap.campaigns import account, report, settings, steps
from transitmap.campaigns.area import Inside, inside
from transitmap.campaigns.figures import Mapped
from transitmap.campaigns.plots import draw_area
from transitmap.config import is_box
from transitmap.errors import CampaignRefused, ConfigError
from transitmap.model import Network
from transitmap.points.campaigns import CLOSED, COMING, DRAFT, FROZEN, OPEN, OVER, OWN, box_of, phase
from transitmap.points.rules import published_text
from webapp import auth, db, language, published
from webapp.errors import Problem

blueprint = Blueprint("campaigns", __name__, url_prefix="/campaigns")
ORGANISER = "organiser"
DAY_S = 86_400.0
TOML_KEYS = ("rules", "prizes")
N_DAYS_TOLD = 30
"""So long the first page tells of a campaign that was closed."""
PHASES = {
    "draft": lazy_gettext("draft"),
    "coming": lazy_gettext("soon"),
    "open": lazy_gettext("open"),
    "over": lazy_gettext("its days are over"),
    "frozen": lazy_gettext("being reviewed"),
    "closed": lazy_gettext("closed"),
}
NEXT = {"draft": "open", "open": "freeze", "frozen": "close"}
"""The one step that each state has before it."""
STEP_NAMES = {
    "open": lazy_gettext("Open the campaign"),
    "freeze": lazy_gettext("Freeze the campaign"),
    "close": lazy_gettext("Close the campaign"),
}
STEP_WORDS = {
    "open": lazy_gettext("From then on rides count, and neither the rules nor the prizes can be changed."),
    "freeze": lazy_gettext("From then on no new ride is paid. Reviews and confirmations go on."),
    "close": lazy_gettext(
        "The final board is written down and signed. "
        "What people correct after it stands beside it, line by line."
    ),
}
REFUSALS = {
    "own": lazy_gettext("The installation’s own campaign is always open."),
    "not_draft": lazy_gettext("It was opened before; a campaign is opened once."),
    "not_open": lazy_gettext("Only an open campaign can be frozen."),
    "not_frozen": lazy_gettext("Freeze it first: while rides are paid there is no final board."),
    "over": lazy_gettext("Its last day has passed. Change the days first."),
    "appeals": lazy_gettext("Riders still wait for an answer about their trips. Answer them first."),
    "unsettled": lazy_gettext("Some of its trips came after the last version of the map. Wait for the next."),
    "taken": lazy_gettext("Another campaign has this address."),
    "version": lazy_gettext("Another campaign has other rules under this version. Give these another one."),
    "changed": lazy_gettext("Only a draft can be changed."),
}
FIELDS = {
    "slug": lazy_gettext("2 to 40 small letters, digits and hyphens, beginning with a letter."),
    "name_es": lazy_gettext("A name of 1 to 120 characters."),
    "name_en": lazy_gettext("A name of 1 to 120 characters."),
    "first_day": lazy_gettext("A day such as 2027-01-29."),
    "last_day": lazy_gettext("A day from the first one on, within a year."),
    "area": lazy_gettext("Empty for everywhere, or south,west,north,east in degrees."),
    "locale": lazy_gettext("One of the languages."),
    "currency": lazy_gettext("Three capitals, such as MXN."),
    "budget": lazy_gettext("An amount from 0 on, with two decimals at most."),
    "rules": lazy_gettext("Rules in TOML that measure as this installation does; empty for its own rules."),
    "prizes": lazy_gettext(
        "Prizes in TOML; empty for those that are published. Without a budget there are none."
    ),
}
"""What each field takes: its hint, and what is said where it took something else."""
NEW_GROUND = "new_ground"
"""The box to tick where the area touches nothing that anybody recorded, and is meant so."""


@blueprint.app_context_processor
def _words() -> dict[str, object]:
    return {
        "campaign_phases": PHASES,
        "campaign_phase": phase_of,
        "campaign_name": name_of,
        "campaign_days": days_told,
        "campaigns_now": campaigns_now,
        "may_organise": may_organise,
    }


def name_of(campaign: store.Campaign) -> str:
    """A campaign's name in the reader's language."""
    return campaign.name_en if language.language() == "en" else campaign.name_es


def phase_of(campaign: store.Campaign) -> str:
    """Where a campaign is in its life, now: one of PHASES."""
    return phase(campaign, time.time())


def days_told(campaign: store.Campaign) -> str:
    """What a campaign's days mean to a rider now; empty where it has none, and for a draft."""
    now_s, told = time.time(), phase_of(campaign)
    if told == COMING and campaign.opens_s is not None:
        n = _days(campaign.opens_s - now_s)
        return ngettext("begins in %(num)s day", "begins in %(num)s days", n)
    if told == OPEN and campaign.closes_s is not None:
        n = _days(campaign.closes_s - now_s)
        return ngettext("%(num)s day left", "%(num)s days left", n)
    words = {
        OVER: _("trips of its days still count if you send them now"),
        FROZEN: _("new trips count in it no longer; what was ridden is being reviewed"),
        CLOSED: _("the final ranking is signed"),
    }
    return words.get(told, "")


def _days(seconds: float) -> int:
    """Days that have begun."""
    return max(1, int(-(-seconds // DAY_S)))


def campaigns_now() -> list[store.Campaign]:
    """What the first page tells of: campaigns that go on, begin, or ended a short while ago."""
    since_s = time.time() - N_DAYS_TOLD * DAY_S
    shown = [one for one in db.once(store.board_campaigns) if one.id != OWN]
    return [one for one in shown if one.state != CLOSED or (one.closed_s or 0.0) >= since_s]


def may_organise() -> bool:
    """Whether whoever asks makes, opens and closes campaigns."""
    user = auth.me()
    return user is not None and user.role == ORGANISER


def must_organise() -> store.User:
    """The organiser whose request this is.

    Raises:
        Problem: `auth_required` or `not_allowed`.
    """
    user = auth.must_me()
    if user.role != ORGANISER:
        raise Problem("not_allowed")
    return user


def must_find(slug: str) -> store.Campaign:
    """The campaign at an address; a draft is for organisers alone.

    Raises:
        Problem: `not_found`.
    """
    campaign = store.campaign_by_slug(db.session(), slug)
    if campaign is None or (campaign.state == DRAFT and not may_organise()):
        raise Problem("not_found")
    return campaign


# --- what everybody sees -------------------------------------------------------------------------


@blueprint.get("/")
def index() -> str:
    """The campaigns that everybody may know of, but for the installation's own."""
    campaigns = [one for one in store.all_campaigns(db.session()) if one.state != DRAFT or may_organise()]
    others = [one for one in campaigns if one.id != OWN]
    return render_template("campaigns.html", campaigns=others)


@blueprint.get("/<slug>/")
def page(slug: str) -> str:
    """One campaign: when and where, for what, how to take part, and what it brought so far."""
    campaign, session = must_find(slug), db.session()
    n_riders, n_rides = store.size_of_campaign(session, campaign.id)
    voice = account.voice_of(campaign, language.language(), published.timezone())
    mapped, feed = mapped_of(campaign), db.once(published.newest_feed)
    return render_template(
        "campaign.html",
        campaign=campaign,
        is_own=campaign.id == OWN,
        is_closed=campaign.state == CLOSED,
        decisions=store.steps_of(session, campaign.id),
        corrections=store.corrections_of(session, campaign.id),
        area=draw_area(_network(), campaign.area) if campaign.area else "",
        box=box_of(campaign.area),
        budget=voice.money(campaign.budget_centavos),
        n_riders=n_riders,
        n_rides=n_rides,
        mapped=mapped,
        map_s=feed.made_s if feed else None,
        step=NEXT.get(campaign.state) if campaign.id != OWN else None,
        step_names=STEP_NAMES,
        step_words=STEP_WORDS,
        left=_left_to_do(campaign) if campaign.state == FROZEN and may_organise() else [],
    )


def _left_to_do(campaign: store.Campaign) -> list[tuple[int, str, str]]:
    """What a frozen campaign waits for: how many, of what, and the address where it is done or told."""
    session, queue = db.session(), url_for("review.index")
    n_appeals = steps.n_awaited_appeals(session, campaign, time.time())
    n_findings = store.n_open_findings(session, campaign.id)
    n_unsettled = store.n_unsettled_rides(session, campaign.id)
    told = (
        (
            n_appeals,
            ngettext("%(num)s rider waits for an answer", "%(num)s riders wait for an answer", n_appeals),
            queue,
        ),
        (
            n_findings,
            ngettext("%(num)s finding waits for a look", "%(num)s findings wait for a look", n_findings),
            queue,
        ),
        (
            n_unsettled,
            ngettext(
                "%(num)s trip waits for the next map", "%(num)s trips wait for the next map", n_unsettled
            ),
            url_for("feeds.index"),
        ),
    )
    return [one for one in told if one[0]]


def _network() -> Network | None:
    """What everybody may see of the map; None before the first feed."""
    feed = published.latest_feed()
    return unpack_network(db.archive().get(feed.network_sha256)) if feed else None


def mapped_of(campaign: store.Campaign) -> Mapped:
    """What a campaign brought to the map that holds; computed once a map, for it takes a while."""
    feed = db.once(published.newest_feed)
    key = campaign.id, feed.id if feed else ""
    kept: dict[tuple[int, str], Mapped] = current_app.extensions.setdefault("transitmap_mapped", {})
    if key not in kept:
        if any(feed_id != key[1] for _, feed_id in kept):
            kept.clear()
        config, zone = current_app.extensions["transitmap_settings"].config, published.timezone()
        grid, lang = config.equity.grid, config.feed.lang
        kept[key] = account.mapped_by(db.session(), db.archive(), campaign, zone, grid, lang)
    return kept[key]


@blueprint.get("/<slug>/rules.toml")
def rules(slug: str) -> Response:
    """The rules of a campaign as they are read."""
    return _text(must_find(slug).rules_toml or published_text(), "application/toml")


@blueprint.get("/<slug>/prizes.toml")
def prizes(slug: str) -> Response:
    """The prizes of a campaign as they are read; without a line where there are none."""
    return _text(must_find(slug).prizes_toml, "application/toml")


def _text(body: str | bytes, mimetype: str) -> Response:
    return Response(body, mimetype=mimetype, content_type=f"{mimetype}; charset=utf-8")


@blueprint.get("/<slug>/report")
def report_page(slug: str) -> str:
    """What a campaign mapped, what that cost, what is still unknown."""
    campaign = must_find(slug)
    told = report.report_of(*_account(campaign))
    return render_template("campaign_report.html", campaign=campaign, report=told)


@blueprint.get("/<slug>/report.pdf")
def report_pdf(slug: str) -> Response:
    """The same as a PDF."""
    return Response(report.write_pdf(*_account(must_find(slug))), mimetype="application/pdf")


def _account(campaign: store.Campaign) -> tuple[report.Account, Any]:
    """What the report tells, and how it speaks."""
    config = current_app.extensions["transitmap_settings"].config
    locale, timezone = language.language(), published.timezone()
    told = account.account_of(
        db.session(), db.archive(), campaign, config, timezone, locale, time.time(), mapped_of(campaign)
    )
    return told, account.voice_of(campaign, locale, timezone)


@blueprint.get("/<slug>/snapshot.jsonl")
def snapshot(slug: str) -> Response:
    """The signed end of a closed campaign."""
    try:
        body = steps.snapshot_file(db.session(), db.archive(), must_find(slug))
    except CampaignRefused as refused:
        raise Problem("not_found") from refused
    return _text(body, "application/jsonl")


@blueprint.get("/public-key.pem")
def public_key() -> Response:
    """The key that signed ends are checked with; nothing was signed before it is there."""
    pem = steps.public_key(db.session(), db.archive())
    if pem is None:
        raise Problem("not_found")
    return _text(pem, "application/x-pem-file")


# --- what organisers do --------------------------------------------------------------------------


@blueprint.get("/new")
def new() -> str:
    """The form of a new campaign."""
    must_organise()
    return _form(None, {"locale": "es_MX", "currency": "MXN"})


@blueprint.post("/")
def make() -> BaseResponse | tuple[str, int]:
    """Makes a draft."""
    must_organise()
    told = _told()
    try:
        check_area(told)
        campaign = steps.make(db.session(), _settings(told), time.time())
    except (ConfigError, CampaignRefused) as error:
        return _form(None, told, error), 422
    db.commit()
    flash(_("The draft is made. Read it once more before you open it."), "good")
    return redirect(url_for("campaigns.page", slug=campaign.slug))


@blueprint.get("/new/inside")
def what_is_inside() -> str:
    """What is known to lie in an area, in words: the form asks while one is drawn."""
    must_organise()
    told = {"area": request.args.get("area", "")[:200], NEW_GROUND: request.args.get(NEW_GROUND, "")}
    return render_template("_inside.html", **_inside(told))


def _inside(told: Mapping[str, str]) -> dict[str, Any]:
    """What the form says beside an area: what lies in it, or what is wrong with it."""
    area = told.get("area", "").replace(" ", "")
    found = inside(_network(), area) if area and is_box(area) else None
    wrong = "" if found or not area else area_in_words(area)
    if found and found.is_nothing:
        wrong = nothing_in_words(found)
    return {"told": told, "inside": found, "wrong_area": wrong}


def area_in_words(area: str) -> str:
    """What is wrong with an area that is none, with its numbers."""
    try:
        south, west, north, east = (float(number) for number in area.split(","))
    except ValueError:
        return str(FIELDS["area"])
    if not (-90 <= south <= 90 and -90 <= north <= 90 and -180 <= west <= 180 and -180 <= east <= 180):
        return _("South and north are from -90 to 90, west and east from -180 to 180.")
    if south >= north:
        return _("South (%(south)s) must be below north (%(north)s): it is empty.", south=south, north=north)
    if west >= east:
        return _("West (%(west)s) must be left of east (%(east)s): it is empty.", west=west, east=east)
    return str(FIELDS["area"])


def nothing_in_words(found: Inside) -> str:
    """That an area touches nothing that is known, and how far off that is."""
    return _(
        "None of the %(n)s known stops lies in it and no known route passes: the nearest stop is %(km)s km "
        "away.",
        n=format_decimal(found.of_stops),
        km=format_decimal(round(found.nearest_m / 1000, 1), "#,##0.0"),
    )


def check_area(told: Mapping[str, str]) -> None:
    """Nothing, where an area touches what is known of the map, or was told to be new ground.

    Raises:
        ConfigError: `area`, with how far the nearest stop is.
    """
    found = _inside(told)["inside"]
    if found and found.is_nothing and not told[NEW_GROUND]:
        raise ConfigError(
            "area",
            told["area"],
            f"touches none of {found.of_stops} stops, the nearest {found.nearest_m:.0f} m",
        )


@blueprint.get("/<slug>/edit")
def edit(slug: str) -> str:
    """The form of a draft."""
    must_organise()
    campaign = must_find(slug)
    return _form(campaign, _as_told(campaign))


@blueprint.post("/<slug>/edit")
def change(slug: str) -> BaseResponse | tuple[str, int]:
    """Changes a draft."""
    must_organise()
    campaign, told = must_find(slug), _told()
    try:
        check_area(told)
        steps.change(db.session(), campaign, _settings(told))
    except (ConfigError, CampaignRefused) as error:
        return _form(campaign, told, error), 422
    db.commit()
    flash(_("Saved."), "good")
    return redirect(url_for("campaigns.page", slug=campaign.slug))


@blueprint.post("/<slug>/steps/<step>")
def take_step(slug: str, step: str) -> BaseResponse:
    """Opens, freezes or closes a campaign, where the organiser wrote its address to be sure."""
    organiser, campaign = must_organise(), must_find(slug)
    if step not in steps.DONE:
        raise Problem("not_found")
    back = redirect(url_for("campaigns.page", slug=slug))
    if request.form.get("sure", "").strip() != slug:
        flash(_("Nothing was done: write the campaign’s address to be sure."), "bad")
        return back
    note = request.form.get("note", "").strip()[:400]
    own, zone = published_text(), published.timezone()
    try:
        steps.take_step(db.session(), db.archive(), campaign, step, organiser, time.time(), zone, own, note)
    except CampaignRefused as refused:
        flash(str(REFUSALS[refused.reason]), "bad")
        return back
    except ConfigError:
        flash(str(FIELDS["rules"]), "bad")
        return back
    db.commit()
    flash(_("Done. The ledger says so, with a line of its own."), "good")
    return back


def _told() -> dict[str, str]:
    """What the form says."""
    keys = (*settings.KEYS, *TOML_KEYS, NEW_GROUND)
    return {key: request.form.get(key, "").replace("\r\n", "\n") for key in keys}


def _settings(told: Mapping[str, str]) -> settings.CampaignSettings:
    keys = {key: told[key] for key in settings.KEYS}
    return settings.check_settings(
        keys, published.timezone(), told["rules"], told["prizes"], published_text()
    )


def _as_told(campaign: store.Campaign) -> dict[str, str]:
    """A campaign as its form says it: rules that are the installation's own are left out."""
    days = {"first_day": campaign.opens_s, "last_day": (campaign.closes_s or DAY_S) - 1}
    texts = {key: getattr(campaign, key) for key in settings.KEYS if hasattr(campaign, key)}
    is_own = campaign.rules_toml == published_text()
    return texts | {
        **{
            key: steps.local_date(moment or 0.0, published.timezone()).isoformat()
            for key, moment in days.items()
        },
        "budget": f"{campaign.budget_centavos / 100:.2f}",
        "rules": "" if is_own else campaign.rules_toml,
        "prizes": campaign.prizes_toml,
        NEW_GROUND: "1",  # what was made so was meant so
    }


def _form(
    campaign: store.Campaign | None,
    told: Mapping[str, str],
    error: ConfigError | CampaignRefused | None = None,
) -> str:
    """The form with what was told, and beside the field that is wrong what it takes."""
    wrong, detail = "", ""
    if isinstance(error, CampaignRefused):
        wrong = {"taken": "slug", "version": "rules"}.get(error.reason, "")
        detail = str(REFUSALS[error.reason])
    elif error is not None:
        wrong = error.name if error.name in FIELDS else "rules"
        detail = str(FIELDS[wrong])
    there = _inside(told)
    return render_template(
        "campaign_form.html",
        atlas=published.latest_atlas(),
        **there,
        campaign=campaign,
        fields=FIELDS,
        wrong=wrong,
        detail=there["wrong_area"] or detail if wrong == "area" else detail,
        technical=str(error) if isinstance(error, ConfigError) and wrong in TOML_KEYS else "",
        locales=language.LANGUAGES,
    )
