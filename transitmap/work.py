"""The work behind the service: a new feed whenever new rides are in."""

from __future__ import annotations

import datetime
import logging
import time

from transitmap import publish, store
from transitmap.archive import Archive
from transitmap.config import Config
from transitmap.errors import FeedInvalid

log = logging.getLogger("transitmap.work")


def work_once(database_url: str, archive_url: str, config: Config) -> str:
    """Publishes what is new and returns the version's id; an empty string where nothing is.

    Raises:
        FeedInvalid: the new feed has errors; the one before goes on to hold.
    """
    engine = store.open_engine(database_url)
    with store.session(engine) as session:
        latest, n_rides = store.latest_feed(session), len(store.rides_after(session))
        if not n_rides or (latest is not None and latest.n_rides >= n_rides):
            return ""
        now = datetime.datetime.now(datetime.UTC)
        version = publish.publish(session, Archive(archive_url), config, now.date(), now.timestamp())
    return version.id


def work_forever(database_url: str, archive_url: str, config: Config, every_s: float) -> None:
    """Looks for new rides every so many seconds, until interrupted. A refused feed is logged, not fatal."""
    while True:
        try:
            version = work_once(database_url, archive_url, config)
            if version:
                log.info("published %s", version)
        except FeedInvalid as invalid:
            log.error("nothing published: %d errors, first rule %s",
                      len(invalid.notices), invalid.notices[0].rule)  # fmt: skip
        time.sleep(every_s)
