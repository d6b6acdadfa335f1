"""The data: the GTFS feed at an address that never changes, its versions, and what the validator found."""

from __future__ import annotations

import datetime
import io

from flask import Blueprint, Response, render_template, send_file

from transitmap import store
from webapp import db, published
from webapp.errors import Problem

blueprint = Blueprint("feeds", __name__)
SEVERITIES = ("error", "warning", "info")


@blueprint.get("/feeds/")
def index() -> str:
    """The feed that holds now, its findings, and the ones before it."""
    feeds = store.feeds(db.session())
    notices = sorted(feeds[0].notices, key=lambda one: SEVERITIES.index(one["severity"])) if feeds else []
    n_bytes = len(db.archive().get(feeds[0].feed_sha256)) if feeds else 0
    return render_template("feeds.html", feeds=feeds, notices=notices, n_bytes=n_bytes)


@blueprint.get("/gtfs/gtfs.zip")
def gtfs() -> Response:
    """The feed that holds now."""
    return _blob(published.latest_feed(), "feed_sha256", "gtfs.zip", "application/zip")


@blueprint.get("/gtfs/<feed_id>/gtfs.zip")
def gtfs_version(feed_id: str) -> Response:
    """A feed of the past."""
    return _blob(store.feed_by_id(db.session(), feed_id), "feed_sha256", "gtfs.zip", "application/zip")


@blueprint.get("/gtfs/evidence.csv")
def evidence() -> Response:
    """How many rides, riders and days stand behind every stop and pattern of the feed that holds now."""
    return _blob(published.latest_feed(), "evidence_sha256", "evidence.csv", "text/csv; charset=utf-8")


def _blob(feed: store.FeedVersion | None, column: str, name: str, mimetype: str) -> Response:
    """Bytes with a strong ETag and their date: 200, 206, 304 or 416 as the request says."""
    if feed is None:
        raise Problem("not_found")
    sha256 = getattr(feed, column)
    response = send_file(
        io.BytesIO(db.archive().get(sha256)),
        mimetype=mimetype,
        as_attachment=True,
        download_name=name,
        conditional=True,
        etag=sha256,
        last_modified=datetime.datetime.fromtimestamp(feed.made_s, datetime.UTC),
        max_age=0,
    )
    response.headers["Access-Control-Expose-Headers"] = "ETag, Last-Modified, Content-Range, Accept-Ranges"
    return response
