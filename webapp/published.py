"""The feed that holds now, and the network it was made of: read once, kept until the next one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from flask import current_app, g

from transitmap import store
from transitmap.archive import unpack_network
from transitmap.gtfs.evidence import read_held_back
from transitmap.gtfs.export import Credit, Layer, export_feed, layers_of, read_published
from transitmap.gtfs.feed import expand
from transitmap.gtfs.feed.names import name_things
from transitmap.gtfs.pack import pack, unpack
from transitmap.model import Ids
from transitmap.pipeline import map_evidence
from transitmap.points.equity import as_geojson, read_grid
from webapp import db
from webapp.atlas import Atlas, make_atlas

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from transitmap.store import FeedVersion


def latest_feed() -> FeedVersion | None:
    """The feed that holds now; None before the first, and where it was taken back."""
    feed = db.once(newest_feed)
    return None if feed is None or feed.is_withdrawn else feed


def newest_feed(session: Session) -> FeedVersion | None:
    """The last feed, also where it was taken back; its ids, the most of it, are read by who asks for them."""
    return next(iter(store.feeds(session, limit=1)), None)


def latest_atlas() -> Atlas | None:
    """The network of the feed that holds now; None before the first."""
    feed = latest_feed()
    return atlas_of(feed) if feed else None


def atlas_of(feed: FeedVersion) -> Atlas:
    """The network of a feed. The last one asked for stays in memory."""
    kept: Atlas | None = current_app.extensions.get("transitmap_atlas")
    if kept is None or kept.feed_id != feed.id:
        network = unpack_network(db.archive().get(feed.network_sha256))
        ids = Ids.from_json(json.dumps(feed.ids))
        lang = current_app.extensions["transitmap_settings"].config.feed.lang
        kept = make_atlas(network, ids, name_things(network, ids, lang), feed.id)
        current_app.extensions["transitmap_atlas"] = kept
    return kept


def latest_layers() -> tuple[Layer, ...]:
    """The layers of the feed that holds now, with its evidence; none before the first."""
    exported = _latest_export()
    return exported.layers if exported else ()


def latest_credit() -> Credit | None:
    """Who made the feed that holds now, and its licence; None before the first."""
    exported = _latest_export()
    return exported.credit if exported else None


def export_latest(feed: FeedVersion, kind: str, layer: str) -> bytes:
    """The feed in another format, with its evidence.

    Raises:
        ExportRefused: there is no such format, or no such layer in it.
    """
    evidence = db.archive().get(feed.evidence_sha256).decode()
    return export_feed(unpack(db.archive().get(feed.feed_sha256)), kind, evidence, layer)


def map_latest_evidence(feed: FeedVersion) -> bytes:
    """What the feed rests on, as GeoJSON with what was held back."""
    archive = db.archive()
    network = unpack_network(archive.get(feed.network_sha256))
    held_back = read_held_back(archive.get(feed.evidence_sha256).decode())
    tables = unpack(archive.get(feed.feed_sha256))
    return map_evidence(network, Ids.from_json(json.dumps(feed.ids)), tables, held_back)


def expand_latest(feed: FeedVersion) -> bytes:
    """The feed as single departures; the last one asked for stays in memory."""
    kept: tuple[str, bytes] | None = current_app.extensions.get("transitmap_expanded")
    if kept is None or kept[0] != feed.id:
        kept = feed.id, pack(expand(unpack(db.archive().get(feed.feed_sha256))))
        current_app.extensions["transitmap_expanded"] = kept
    return kept[1]


class _Export(NamedTuple):
    """What exports take from a feed."""

    feed_id: str
    layers: tuple[Layer, ...]
    credit: Credit


def _latest_export() -> _Export | None:
    """The last feed asked for stays in memory."""
    feed = latest_feed()
    kept: _Export | None = current_app.extensions.get("transitmap_export")
    if feed is not None and (kept is None or kept.feed_id != feed.id):
        tables, evidence = unpack(db.archive().get(feed.feed_sha256)), db.archive().get(feed.evidence_sha256)
        read = read_published(tables, evidence.decode())
        kept = _Export(feed.id, layers_of(read), read.credit)
        current_app.extensions["transitmap_export"] = kept
    return kept if feed else None


def equity_geojson() -> str:
    """The grid of where a ride is worth more, as the settings name it; read once."""
    kept: str | None = current_app.extensions.get("transitmap_equity")
    if kept is None:
        path = current_app.extensions["transitmap_settings"].config.equity.grid
        kept = as_geojson(read_grid(Path(path))) if path else '{"type": "FeatureCollection", "features": []}'
        current_app.extensions["transitmap_equity"] = kept
    return kept


def timezone() -> str:
    """The city's clock: the campaign's, else the one its feed was made in, else universal time."""
    configured: str = current_app.extensions["transitmap_settings"].config.feed.timezone
    if configured:
        return configured
    if "timezone" not in g:
        atlas = latest_atlas()
        g.timezone = (atlas.timezone if atlas else "") or "UTC"
    return str(g.timezone)
