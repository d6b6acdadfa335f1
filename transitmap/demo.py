"""The demo: a fictional town's campaign, sent in ride by ride as its riders would have."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from contextlib import suppress

from transitmap import contribute, publish, store
from transitmap.archive import Archive
from transitmap.config import Config
from transitmap.errors import UploadRefused
from transitmap.points.rules import load_rules

SEED, N_RIDES, N_RIDERS, DAYS = 2016, 400, 60, 14
FEEDS_AFTER = (0.35, 0.7, 1.0)
"""The shares of the campaign after which a feed is published, as an organiser would."""
CONSENT = "demo"


def fill(
    database_url: str,
    archive_url: str,
    config: Config,
    progress: Callable[[str, float], None],
    n_rides: int = N_RIDES,
    n_riders: int = N_RIDERS,
) -> int:
    """Fills an empty database and returns how many rides it sent; 0, and nothing done, where anyone is there.

    The campaign ends yesterday. Every upload, receipt, award and feed is made by the product itself.
    """
    from transitmap.simulate import simulate_city, simulate_rides

    engine = store.open_engine(database_url)
    with store.session(engine, write=False) as session:
        if store.users(session):
            return 0
    progress("drawing a town and its riders", 0.02)
    now = datetime.datetime.now(datetime.UTC)
    city = simulate_city(SEED)
    campaign = simulate_rides(city, SEED, n_rides, n_riders, now.date() - datetime.timedelta(days=DAYS), DAYS)
    archive, rules = Archive(archive_url), load_rules()
    feeds_at = [round(share * len(campaign.rides)) for share in FEEDS_AFTER]
    with store.session(engine) as session:
        for number, ride in enumerate(campaign.rides, 1):
            sent_s = min(ride.uploaded_at, now.timestamp())  # who is late sends today
            known = store.user_by_name(session, ride.rider)
            user = known or store.add_user(session, ride.rider, "", sent_s)
            name = f"{ride.ride}.gpx"
            # A copy filed under another name is refused as any other: the demo shows that too.
            with suppress(UploadRefused):
                contribute.contribute(session, archive, user, name, ride.gpx, config, rules, sent_s, CONSENT)
            progress(f"riders send their trips: {number}", 0.1 + 0.85 * number / len(campaign.rides))
            if number in feeds_at:
                day = datetime.datetime.fromtimestamp(sent_s, datetime.UTC).date()
                publish.publish(session, archive, config, day, sent_s, rules)
    progress("done", 1.0)
    return len(campaign.rides)
