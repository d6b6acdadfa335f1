"""The first page: what this is, how far the map is, and a rider's own week."""

from __future__ import annotations

from flask import Blueprint, render_template

from transitmap import store
from webapp import auth, db, published
from webapp.standings import week_board

blueprint = Blueprint("home", __name__)


@blueprint.get("/")
def index() -> str:
    """What this is; for a rider, the week so far."""
    user, atlas, session = auth.me(), published.latest_atlas(), db.session()
    board, (n_rides, n_riders) = week_board(user, limit=5), store.rides_and_users(session)
    return render_template(
        "home.html",
        n_rides=n_rides,
        n_riders=n_riders,
        n_routes=len(atlas.routes) if atlas else 0,
        n_stops=len(atlas.stops) if atlas else 0,
        leaders=board.places,
        mine=board.mine,
        to_next=board.to_next,
        uploads=store.uploads_of_user(session, user.id, limit=4) if user else [],
    )
