"""The data: the GTFS feed at an address that never changes, its versions, and what the validator found."""

from __future__ import annotations

import datetime
import io
from collections.abc import Callable
from contextlib import suppress

from flask import Blueprint, Response, flash, json, redirect, render_template, request, send_file, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as WsgiResponse

from transitmap import store
from transitmap import versions as engine
from transitmap.errors import ExtraMissing
from transitmap.gtfs.export import LAYERS, ExportRefused, FeedIncomplete, format_of
from webapp import db, limits, published, versions
from webapp.errors import Problem

blueprint = Blueprint("feeds", __name__)
STRIPS = "strips.zip"
EXPORTS = (
    *("timetable.html", STRIPS, "map.svg", "network.geojson", "network.gpkg", "network.kml"),
    *("network.gpx", "network.osm", "tables.zip", "stops.parquet", "patterns.parquet"),
)


@blueprint.get("/feeds/")
def index() -> str:
    """The feed that holds now, its findings, and the ones before it."""
    shown = [one for one in store.feeds(db.session()) if not one.is_withdrawn]
    feeds = shown if published.latest_feed() else []
    body = db.archive().get(feeds[0].feed_sha256) if feeds else b""
    return render_template(
        "feeds.html",
        feeds=feeds,
        findings=versions.findings(feeds[0].notices) if feeds else [],
        n_bytes=len(body),
        life=versions.shelf_life(body) if feeds else None,
        is_held=store.is_held(db.session()),
        refusals=versions.refusals(feeds[0] if feeds else None),
        held_back=versions.held_back(feeds[0]) if feeds else [],
        summary=versions.summary,
        may_plan=versions.may_plan(),
        exports=EXPORTS,
    )


@blueprint.get("/feeds/<feed_id>/")
def version(feed_id: str) -> str:
    """One version: what changed with it, what was found in it."""
    feed, latest = versions.must_find(feed_id), db.once(published.newest_feed)
    return render_template(
        "version.html",
        feed=feed,
        log=versions.change_log(feed),
        findings=versions.findings(feed.notices),
        is_shown=latest is not None and latest.feed_sha256 == feed.feed_sha256,
        may_plan=versions.may_plan(),
    )


@blueprint.get("/feeds/<feed_id>/changes.geojson")
def changes(feed_id: str) -> Response:
    """What changed with a version, on a map."""
    body = json.dumps(versions.changes_on_a_map(versions.must_find(feed_id)))
    return Response(body, mimetype="application/geo+json")


@blueprint.post("/feeds/<feed_id>/roll-back")
def roll_back(feed_id: str) -> WsgiResponse:
    """Makes an earlier version hold again."""
    trouble = versions.bring_back(feed_id, request.form.get("note", ""))
    if trouble:
        flash(trouble, "bad")
        return redirect(url_for("feeds.version", feed_id=feed_id))
    flash(_("That version holds again. No new one comes out before you let go of it."), "good")
    return redirect(url_for("feeds.index"))


@blueprint.post("/feeds/resume")
def resume() -> WsgiResponse:
    """Lets new versions come out again."""
    versions.must_plan()
    engine.resume(db.session())
    flash(_("New versions come out again."), "good")
    return redirect(url_for("feeds.index"))


@blueprint.get("/gtfs/gtfs.zip")
def gtfs() -> Response:
    """The feed that holds now."""
    return _blob(published.latest_feed(), "feed_sha256", "gtfs.zip", "application/zip")


@blueprint.get("/gtfs/<feed_id>/gtfs.zip")
def gtfs_version(feed_id: str) -> Response:
    """A feed of the past."""
    return _blob(store.feed_by_id(db.session(), feed_id), "feed_sha256", "gtfs.zip", "application/zip")


@blueprint.get("/gtfs/gtfs-expanded.zip")
def gtfs_expanded() -> Response:
    """The feed that holds now as single departures, which nobody promised."""
    return _made("gtfs-expanded.zip", "application/zip", published.expand_latest)


@blueprint.get("/gtfs/evidence.csv")
def evidence() -> Response:
    """How many rides, riders and days stand behind every stop and pattern of the feed that holds now."""
    return _blob(published.latest_feed(), "evidence_sha256", "evidence.csv", "text/csv; charset=utf-8")


@blueprint.get("/gtfs/evidence.geojson")
def evidence_map() -> Response:
    """The same on a map: stops, patterns, the ways between two calls and headways."""
    return _made("evidence.geojson", "application/geo+json", published.map_latest_evidence)


@blueprint.get("/gtfs/export/<file>")
def export(file: str) -> Response:
    """The feed that holds now in another format, by the file's suffix; `stops.parquet` holds that layer,
    `strips.zip` the strip diagrams."""
    stem = file.partition(".")[0]
    if stem == STRIPS.partition(".")[0] and file != STRIPS:
        raise Problem("not_found", f"strip diagrams are in {STRIPS}")
    try:
        kind, layer = "strips" if file == STRIPS else format_of(file), stem if stem in LAYERS else ""
        return _made(
            file, "application/octet-stream", lambda feed: published.export_latest(feed, kind, layer)
        )
    except (ExportRefused, ExtraMissing, FeedIncomplete) as refused:
        raise Problem("not_found", str(refused)) from refused


def _made(name: str, mimetype: str, make: Callable[[store.FeedVersion], bytes]) -> Response:
    """What is made of the feed that holds now, unless the asker has it."""
    feed = published.latest_feed()
    if feed is None:
        raise Problem("not_found")
    etag = f"{feed.id}-{name}"
    body = b"" if request.if_none_match.contains(etag) else _computed(feed, make)
    return _conditional(body, name, mimetype, etag, feed.made_s)


def _computed(feed: store.FeedVersion, make: Callable[[store.FeedVersion], bytes]) -> bytes:
    with suppress(*store.TRY_AGAIN):  # a full disk, where nothing can be counted, hides no feed
        limits.take_network("exports")
    return make(feed)


def _blob(feed: store.FeedVersion | None, column: str, name: str, mimetype: str) -> Response:
    """Bytes with a strong ETag and their date: 200, 206, 304 or 416 as the request says."""
    if feed is None or feed.is_withdrawn:
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
