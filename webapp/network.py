"""The map: routes and stops, and for each route its strip of stops, evidence and confidence."""

from __future__ import annotations

from flask import Blueprint, render_template

from webapp import published
from webapp.errors import Problem

blueprint = Blueprint("network", __name__, url_prefix="/network")


@blueprint.get("/")
def index() -> str:
    """The map with the list that holds the same."""
    return render_template("network.html", atlas=published.latest_atlas())


@blueprint.get("/routes/<route_id>")
def route(route_id: str) -> str:
    """One route: where it stops, how long it takes, how often it comes, and how sure that is."""
    atlas = published.latest_atlas()
    found = atlas.route(route_id) if atlas else None
    if found is None:
        raise Problem("not_found")
    return render_template("route.html", atlas=atlas, route=found)
