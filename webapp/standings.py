"""The ranking: this week by default, my neighbours first, and every line of every rider's ledger."""

from __future__ import annotations

import datetime
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from flask import Blueprint, render_template, request

from transitmap import store
from transitmap.points.standings import Place, board, near
from webapp import auth, db, language, published, words
from webapp.errors import Problem

if TYPE_CHECKING:
    from transitmap.store import LedgerRow, User

blueprint = Blueprint("standings", __name__, url_prefix="/standings")
PERIODS = ("week", "all")
N_SHOWN = 50


@blueprint.get("/")
def index() -> str:
    """The board of a period; only its inside where htmx asks."""
    user, period = auth.me(), period_of(request.args.get("period"))
    places = places_of(period, user)
    page = "_board.html" if request.headers.get("HX-Request") else "standings.html"
    return render_template(
        page,
        period=period,
        rows=places[:N_SHOWN],
        neighbours=near(places, user.id) if user else (),
        to_next=to_next(places, user),
    )


@blueprint.get("/<path:name>")
def rider(name: str) -> str:
    """Every line of one rider's ledger, unless that rider opted out."""
    user = store.user_by_name(db.session(), name)
    if user is None or (user.is_hidden and user != auth.me()):
        raise Problem("not_found")
    rows = store.ledger_rows(db.session(), user_id=user.id)
    awards = [award_view(row) for row in reversed(rows)]
    total = sum(row.millipoints for row in rows)
    return render_template("rider.html", rider=user, awards=awards, total=total)


def award_view(row: LedgerRow) -> dict[str, object]:
    """A line of the ledger in the reader's language; pages show its day, so nobody learns when one rode."""
    return {
        "sequence": row.sequence,
        "millipoints": row.millipoints,
        "text": row.text_es if language.language() == "es_MX" else row.text_en,
        "rule": row.rule,
        "rule_name": words.sentence(row.rule),
        "rules_version": row.rules_version,
        "created_s": row.created_s,
    }


def period_of(asked: str | None) -> str:
    """`week` unless `all` is asked for."""
    return asked if asked in PERIODS else PERIODS[0]


def places_of(period: str, viewer: User | None) -> tuple[Place, ...]:
    """The board of a period as this viewer may see it."""
    since_s = week_start_s(time.time(), published.timezone()) if period == "week" else None
    return board(store.standings_rows(db.session(), since_s), viewer.id if viewer else None)


def places_of_week(viewer: User | None) -> tuple[Place, ...]:
    """The board of this week."""
    return places_of("week", viewer)


def week_start_s(now_s: float, timezone: str) -> float:
    """Monday 0:00 of this week on the city's clock."""
    now = datetime.datetime.fromtimestamp(now_s, ZoneInfo(timezone))
    monday = now.date() - datetime.timedelta(days=now.weekday())
    return datetime.datetime.combine(monday, datetime.time(), now.tzinfo).timestamp()


def to_next(places: Sequence[Place], user: User | None) -> int:
    """Thousandths of a point that this rider lacks to the next better place; 0 at the top."""
    mine = next((place for place in places if user and place.user_id == user.id), None)
    better = [place.millipoints for place in places if mine and place.millipoints > mine.millipoints]
    return min(better) - mine.millipoints if mine and better else 0
