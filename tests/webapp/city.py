"""A small published city for the pages: the network of the feed's own tests, stored as a feed is."""

from __future__ import annotations

import json
import time

from flask import Flask
from sqlalchemy.orm import Session

from tests.gtfs.small_city import TODAY, small_city
from transitmap import store
from transitmap.archive import pack_network
from transitmap.gtfs.admit import admit
from transitmap.gtfs.carry_ids import carry_ids
from transitmap.gtfs.evidence import evidence_table
from transitmap.gtfs.feed import build_tables
from transitmap.gtfs.pack import pack
from transitmap.model import HeldBack
from transitmap.points.rules import load_rules

NOTICE = {
    "rule": "fast_travel",
    "severity": "warning",
    "file": "stop_times.txt",
    "row": 7,
    "message": "31 m/s between two stops",
    "values": [],
}
HELD_BACK = (HeldBack("patterns", "few_riders", 2, 6, 3),)


def add_missions(session: Session, n: int = 3) -> list[store.Mission]:
    """Missions of some routes, made now."""
    ways = [((19.53 + nth / 200, -96.92), (19.535 + nth / 200, -96.91)) for nth in range(n)]
    rows = [
        {
            "route_id": f"R{nth + 1}",
            "direction_id": 0,
            "day_part": ("weekday_morning", "saturday", "sunday")[nth % 3],
            "lat_deg": places[0][0],
            "lon_deg": places[0][1],
            "n_needed": 1 + nth % 2,
            "bonus_permille": max(2_000 - 200 * nth, 1_100),
            "is_check": False,
            "evidence": {
                "why": ("nobody", "one", "stale")[nth % 3],
                "name": str(57 + nth),
                "headsign": "Centro" if nth % 2 else "Base norte",
                "places": [list(place) for place in places],
                "seed_sha256": "0" * 64,
            },
        }
        for nth, places in enumerate(ways)
    ]
    now_s = time.time()
    return store.add_missions(session, store.OWN_CAMPAIGN, rows, now_s, now_s + 86_400)


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
                rules_version=load_rules().version,
                n_rides=91,
                notices=list(notices),
            ),
        )
    return ids.route_id[0]
