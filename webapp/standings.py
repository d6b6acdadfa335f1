"""The ranking: this week by default, my neighbours first, and what stands behind a rider's points."""

from __future__ import annotations

import datetime
import math
import time
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from flask import Blueprint, current_app, render_template, request

from transitmap import store
from transitmap.points import levels
from transitmap.points.campaigns import CLOSED, OPEN, OVER, phase
from transitmap.points.rules import parse_rules
from transitmap.points.standings import MIN_NEAR_RIDERS, Place, ranked, touching
from transitmap.review import REVIEWERS
from transitmap.terms import city_day
from webapp import auth, db, language, published, waits, words
from webapp.errors import Problem

if TYPE_CHECKING:
    from transitmap.model import Rules
    from transitmap.store import Campaign, LedgerRow, User
    from webapp.atlas import Atlas

blueprint = Blueprint("standings", __name__, url_prefix="/standings")
PERIODS = ("week", "campaign", "all")
WHO = ("people", "teams", "near")
N_SHOWN, N_PRINTED = 50, 100
CELL_DEG = 0.005
"""Some 550 m: routes with stops in one such cell touch."""


@dataclass(frozen=True)
class Asked:
    """Which board: of a campaign; of the week, the campaign or all of them; of people, teams or near me."""

    campaign: Campaign
    period: str
    who: str


@dataclass(frozen=True)
class Board:
    """A board as one viewer sees it. `why_not` says why there is none: log_in, no_rides or too_few."""

    asked: Asked
    places: tuple[Place, ...] = ()
    neighbours: tuple[Place, ...] = ()
    mine: Place | None = None
    to_next: int = 0
    n: int = 0
    why_not: str = ""


@blueprint.get("/")
def index() -> str:
    """The board that is asked for; only its inside where htmx asks, and for paper where `print` does."""
    user, args = auth.me(), request.args
    campaigns = db.once(store.board_campaigns)
    asked = read_asked(args.get("campaign"), args.get("period"), args.get("who"), campaigns)
    is_for_paper = args.get("print") == "1"
    board = board_of(asked, user, N_PRINTED if is_for_paper else N_SHOWN)
    page = "standings_print.html" if is_for_paper else "standings.html"
    if request.headers.get("HX-Request"):
        page = "_board.html"
    rules = rules_of(asked.campaign)
    so_far = store.sum_of(db.session(), asked.campaign.id, user.id) if user and board.mine else None
    return render_template(
        page,
        board=board,
        asked=asked,
        campaigns=campaigns,
        rules=rules,
        waiting=waiting(so_far, rules, asked.campaign.state == CLOSED) if asked.who != "teams" else 0,
        now_s=time.time(),
    )


@blueprint.get("/<path:name>")
def rider(name: str) -> str:
    """What one rider gave the map, unless she opted out: each line to herself, to others sums by month.

    A line names a route and a day: four rides that somebody saw would tell who is behind the name.
    """
    user, session = store.user_by_name(db.session(), name), db.session()
    if user is None or (user.is_hidden and user != auth.me()):
        raise Problem("not_found")
    rows = store.ledger_rows(session, user_id=user.id)
    deeds = levels.deeds_of(
        store.awarded_rides(session, user.id), store.adopted_s(session, user.id), published.timezone()
    )
    ridden = [deed.day for deed in deeds if deed.seen_m]
    today = city_day(time.time(), published.timezone())
    uploads = store.uploads_of_rides(session, user.id) if user == auth.me() else {}
    campaigns = {one.id: one for one in db.once(store.board_campaigns)}
    return render_template(
        "rider.html",
        rider=user,
        awards=[award_view(row, campaigns, uploads) for row in reversed(rows)] if user == auth.me() else None,
        has_campaigns=len(campaigns) > 1,
        waits=waits.waits_together(user.id, rows, uploads) if user == auth.me() else [],
        by_campaign=_by_campaign(rows, campaigns) if len(campaigns) > 1 else [],
        months=_by_month(rows),
        total=sum(row.millipoints for row in rows),
        verified=sum(row.verified_millipoints for row in rows),
        level=levels.level(deeds),
        badges=levels.badges(deeds),
        is_met=_is_met(user),
        weeks=levels.weeks(ridden, today) if user == auth.me() else None,
    )


def _by_campaign(rows: Sequence[LedgerRow], campaigns: Mapping[int, Campaign]) -> list[tuple[Campaign, int]]:
    """What a rider has in each campaign with a point of theirs, as its ranking says."""
    sums: Counter[int] = Counter()
    for row in rows:
        sums[row.campaign_id] += row.millipoints
    return [(campaigns[one], sums[one]) for one in sorted(campaigns) if sums[one]]


def _is_met(rider: User) -> bool | None:
    """Whether the staff knows this rider in person; None where who asks may not say so."""
    me = auth.me()
    if me is None or me.role not in REVIEWERS or me == rider:
        return None
    return rider.id in store.people_met(db.session())


def _by_month(rows: Sequence[LedgerRow]) -> list[tuple[datetime.date, str, int]]:
    """The first day of each month (the city's), a rule's name and its millipoints; the latest first."""
    zone = ZoneInfo(published.timezone())
    sums: Counter[tuple[datetime.date, str]] = Counter()
    for row in rows:
        day = datetime.datetime.fromtimestamp(row.created_s, zone).date()
        sums[day.replace(day=1), row.rule] += row.millipoints
    latest = sorted(sums.items(), key=lambda item: (-item[0][0].toordinal(), item[0][1]))
    return [(month, words.sentence(rule), millipoints) for (month, rule), millipoints in latest]


@blueprint.app_context_processor
def _words() -> dict[str, object]:
    return {"said": said}


def said(thing: object, what: str = "text") -> str:
    """`text_es` or `text_en` of a thing, as the reader reads."""
    return str(getattr(thing, f"{what}_{'es' if language.language() == 'es_MX' else 'en'}"))


def award_view(
    row: LedgerRow, campaigns: Mapping[int, Campaign], uploads: Mapping[str, str] | None = None
) -> dict[str, object]:
    """A line of the ledger in the reader's language; pages show its day, so nobody learns when one rode.

    `campaigns` by id are those that riders may know of; `uploads` are those of rides, to link to receipts.
    """
    return {
        "sequence": row.sequence,
        "millipoints": row.millipoints,
        "text": said(row),
        "rule": row.rule,
        "rule_name": words.sentence(row.rule),
        "rules_version": row.rules_version,
        "created_s": row.created_s,
        "campaign": campaigns.get(row.campaign_id),
        "upload_id": (uploads or {}).get(row.ride_id or "", ""),
        "is_as_one": "one_person_before_m" in row.evidence,
    }


# --- what is asked for ---------------------------------------------------------------------------


def read_asked(slug: str | None, period: str | None, who: str | None, campaigns: Sequence[Campaign]) -> Asked:
    """The board of a request; what is left out or unknown is this week, people, the latest open campaign.

    One whose days are yet to come has no board to begin with.
    """
    now_s = time.time()
    latest = next((one for one in campaigns[1:] if phase(one, now_s) in (OPEN, OVER)), campaigns[0])
    campaign = next((one for one in campaigns if one.slug == slug), latest)
    asked = Asked(
        campaign,
        period if period in PERIODS else PERIODS[0],
        who if who in WHO else WHO[0],
    )
    is_one = len(campaigns) == 1 or asked.who != "people"
    return replace(asked, period="campaign") if is_one and asked.period == "all" else asked


def rules_of(campaign: Campaign) -> Rules:
    """The rules that a campaign pays by."""
    if campaign.rules_toml:
        return parse_rules(tomllib.loads(campaign.rules_toml))
    rules: Rules = current_app.extensions["transitmap_rules"]
    return rules


def waiting(mine: store.Sum | None, rules: Rules, is_closed: bool = False) -> int:
    """Thousandths of a point still to come in a campaign, once others confirm all of it.

    What is paid and not verified is the share paid at once of just that (see `transitmap.points.score`). A
    week does not tell: what was verified in it was paid at once in another. Once a campaign is closed nothing
    comes any more. What is withheld is not in it; the rider's own page tells all (`webapp.waits`).
    """
    if mine is None or is_closed or not 0 < rules.provisional_permille < 1000:
        return 0
    unverified = max(0, mine.millipoints - mine.verified_millipoints)
    return unverified * (1000 - rules.provisional_permille) // rules.provisional_permille


def this_week() -> int:
    """The Monday of this week on the city's clock, as a day since 1970-01-01."""
    return store.monday(city_day(time.time(), published.timezone()))


# --- the board -----------------------------------------------------------------------------------


def board_of(asked: Asked, viewer: User | None, limit: int = N_SHOWN, first: int = 0) -> Board:
    """A board as this viewer may see it: `limit` places behind `first` others, and the viewer's own."""
    if asked.who == "teams":
        return _teams(asked, viewer, limit, first)
    scope = store.BoardScope(asked.campaign.id, this_week() if asked.period == "week" else 0)
    if asked.period == "all":
        scope = store.BoardScope(store.ALL_CAMPAIGNS)
    if asked.who == "near":
        if viewer is None:
            return Board(asked, why_not="log_in")
        routes = _near_routes(viewer)
        if not routes:
            return Board(asked, why_not="no_rides" if routes is None else "too_few")
        scope = replace(scope, route_ids=routes)
    return _people(asked, scope, viewer, limit, first)


def week_board(viewer: User | None, limit: int = N_SHOWN) -> Board:
    """This week in the latest open campaign."""
    campaigns = db.once(store.board_campaigns)
    return board_of(read_asked(None, None, None, campaigns), viewer, limit)


def _people(asked: Asked, scope: store.BoardScope, viewer: User | None, limit: int, first: int) -> Board:
    session, viewer_id = db.session(), viewer.id if viewer else None
    if scope.route_ids is not None:
        some = store.board_page(session, scope, viewer_id, MIN_NEAR_RIDERS)
        if len(some.rows) < MIN_NEAR_RIDERS:
            return Board(asked, why_not="too_few")
    around = store.board_around(session, scope, viewer.id) if viewer else None
    top = store.board_page(session, scope, viewer_id, limit, first, has_counts=around is None or first > 0)
    if viewer is None or around is None:
        return _board(asked, top, None, 0, 0)
    line = next(row for row in around.rows if row.user_id == viewer.id)
    return _board(asked, top, around, viewer.id, store.points_to_next(session, scope, line))


def _teams(asked: Asked, viewer: User | None, limit: int, first: int) -> Board:
    session, campaign_id = db.session(), asked.campaign.id
    member = store.member_of(session, campaign_id, viewer.id) if viewer else None
    own_id = member.team_id if member and member.state == store.MEMBER else 0
    period = this_week() if asked.period == "week" else 0
    teams = store.team_board(session, campaign_id, period, limit, first, own_id)
    return _board(asked, teams.page, teams.around, own_id, teams.to_next)


def _board(
    asked: Asked, top: store.BoardPart, around: store.BoardPart | None, own_id: int, lacking: int
) -> Board:
    """The first places, and those around one's own where there is one."""
    board = Board(asked, ranked(top.rows, top.n_better, top.n_before), n=around.n if around else top.n)
    if around is None:
        return board
    neighbours = ranked(around.rows, around.n_better, around.n_before)
    mine = next(place for place in neighbours if place.user_id == own_id)
    return replace(board, neighbours=neighbours, mine=mine, to_next=lacking)


def _near_routes(viewer: User) -> frozenset[str] | None:
    """The published routes that touch those of a rider, empty where they are too few; None without rides."""
    atlas, mine = published.latest_atlas(), store.routes_ridden(db.session(), viewer.id)
    if atlas is None or not mine:
        return None
    return touching(_cells_of(atlas), mine)


def _cells_of(atlas: Atlas) -> dict[str, set[tuple[int, int]]]:
    """Where each route stops, in cells; those of the last feed asked for stay in memory."""
    kept: tuple[str, dict[str, set[tuple[int, int]]]] | None = current_app.extensions.get("transitmap_cells")
    if kept is None or kept[0] != atlas.feed_id:
        kept = (
            atlas.feed_id,
            {
                route.id: {
                    (math.floor(call.stop.lat_deg / CELL_DEG), math.floor(call.stop.lon_deg / CELL_DEG))
                    for pattern in route.patterns
                    for call in pattern.calls
                }
                for route in atlas.routes
            },
        )
        current_app.extensions["transitmap_cells"] = kept
    return kept[1]
