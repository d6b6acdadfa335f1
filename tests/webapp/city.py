"""A small published city for the pages: the network of the feed's own tests, stored as a feed is."""

from __future__ import annotations

import json
import time

from flask import Flask

from tests.gtfs.small_city import TODAY, small_city
from transitmap import store
from transitmap.archive import pack_network
from transitmap.gtfs.admit import admit
from transitmap.gtfs.carry_ids import carry_ids
from transitmap.gtfs.evidence import evidence_table
from transitmap.gtfs.feed import build_tables
from transitmap.gtfs.pack import pack
from transitmap.model import HeldBack

NOTICE = {
    "rule": "fast_travel",
    "severity": "warning",
    "file": "stop_times.txt",
    "row": 7,
    "message": "31 m/s between two stops",
    "values": [],
}
HELD_BACK = (HeldBack("patterns", "few_riders", 2, 6, 3),)


def publish(app: Flask, feed_id: str = "2026-11-22-0a1b2c3d", notices: tuple[dict, ...] = ()) -> str:
    """Publishes the small city; the id of its first route."""
    network, held_back = admit(small_city(), 3)
    ids = carry_ids(network, None)
    settings, archive = app.extensions["transitmap_settings"], app.extensions["transitmap_archive"]
    feed = pack(build_tables(network, ids, settings.config.feed, TODAY))
    with store.session(app.extensions["transitmap_engine"]) as session:
        number = len(store.feeds(session)) + 1
        store.add_feed(
            session,
            store.FeedVersion(
                number=number,
                id=feed_id,
                made_s=time.time(),
                feed_sha256=archive.put(feed),
                network_sha256=archive.put(pack_network(network)),
                evidence_sha256=archive.put(evidence_table(network, ids, (*held_back, *HELD_BACK)).encode()),
                ids=json.loads(ids.to_json()),
                rules_version="2026.1",
                n_rides=91,
                notices=list(notices),
            ),
        )
    return ids.route_id[0]
