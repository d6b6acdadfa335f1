"""The data: the GTFS feed at an address that never changes, its versions, and what the validator found."""

from __future__ import annotations

import datetime
import io

from flask import Blueprint, Response, render_template, request, send_file

from transitmap import store
from transitmap.gtfs.export import LAYERS, ExportRefused, FeedIncomplete, format_of
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


@blueprint.get("/gtfs/export/<name>")
def export(name: str) -> Response:
    """The feed that holds now in another format, by the file's suffix; `stops.parquet` holds that layer."""
    feed, stem = published.latest_feed(), name.partition(".")[0]
    if feed is None:
        raise Problem("not_found")
    try:
        kind, layer = format_of(name), stem if stem in LAYERS else ""
        etag = f"{feed.feed_sha256[:32]}-{name}"
        known = request.if_none_match.contains(etag)
        body = b"" if known else published.export_latest(feed, kind, layer)
    except (ExportRefused, FeedIncomplete) as refused:
        raise Problem("not_found", str(refused)) from refused
    return _conditional(body, name, "application/octet-stream", etag, feed.made_s)


def _blob(feed: store.FeedVersion | None, column: str, name: str, mimetype: str) -> Response:
    """Bytes with a strong ETag and their date: 200, 206, 304 or 416 as the request says."""
    if feed is None:
        raise Problem("not_found")
    sha256 = getattr(feed, column)
    return _conditional(db.archive().get(sha256), name, mimetype, sha256, feed.made_s)


def _conditional(body: bytes, name: str, mimetype: str, etag: str, made_s: float) -> Response:
    response = send_file(
        io.BytesIO(body),
        mimetype=mimetype,
        as_attachment=True,
        download_name=name,
        conditional=True,
        etag=etag,
        last_modified=datetime.datetime.fromtimestamp(made_s, datetime.UTC),
        max_age=0,
    )
    response.headers["Access-Control-Expose-Headers"] = "ETag, Last-Modified, Content-Range, Accept-Ranges"
    return response
