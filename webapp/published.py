"""The feed that holds now, and the network it was made of: read once, kept until the next one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from flask import current_app

from transitmap import store
from transitmap.archive import unpack_network
from transitmap.gtfs.feed.names import name_things
from transitmap.model import Ids
from webapp import db
from webapp.atlas import Atlas, make_atlas

if TYPE_CHECKING:
    from transitmap.store import FeedVersion


def latest_feed() -> FeedVersion | None:
    """The feed that holds now; None before the first."""
    return store.latest_feed(db.session())


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


def timezone() -> str:
    """The city's clock: the campaign's, else the one its feed was made in, else universal time."""
    configured: str = current_app.extensions["transitmap_settings"].config.feed.timezone
    kept: Atlas | None = current_app.extensions.get("transitmap_atlas")
    return configured or (kept.timezone if kept else "") or "UTC"
