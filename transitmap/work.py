"""The work behind the service: uploads left half done are finished, and new rides become a new feed."""

from __future__ import annotations

import datetime
import logging
import time
from typing import TYPE_CHECKING

from transitmap import erase, publish, retention, store
from transitmap.archive import Archive
from transitmap.config import Config
from transitmap.contribute import understand
from transitmap.errors import FeedInvalid, TransitmapError
from transitmap.model import Rules
from transitmap.points.rules import load_rules

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

log = logging.getLogger("transitmap.work")

LEFT_AFTER_S = 60.0
"""An upload still unread after so long is nobody's: whoever received it was stopped."""

Tried = set[tuple[str, int]]
"""Rules and numbers of rides that gave no feed: the same ones again would be refused again."""


def work_once(database_url: str, archive_url: str, config: Config) -> str:
    """Finishes and publishes what is new; the version's id, or an empty string where no feed is new.

    A feed is new by its rides or by its rules. While a planner holds an earlier one, none is made.

    Raises:
        FeedInvalid: the new feed has errors; the one before goes on to hold.
    """
    return _look(database_url, archive_url, config, set())


def work_forever(database_url: str, archive_url: str, config: Config, every_s: float) -> None:
    """Looks for work every so many seconds, until interrupted. What fails is logged, not fatal.

    A feed that was refused is not made again before there is another ride or another rule.
    """
    refused: Tried = set()
    while True:
        try:
            version = _look(database_url, archive_url, config, refused)
            if version:
                log.info("published %s", version)
        except FeedInvalid as invalid:
            rule = invalid.notices[0].rule if invalid.notices else "none"
            log.error("nothing published: %d errors, first rule %s", len(invalid.notices), rule)
        except (*store.TRY_AGAIN, OSError, TransitmapError) as error:
            log.error("nothing published: %s", type(error).__name__)
        time.sleep(every_s)


def _look(database_url: str, archive_url: str, config: Config, refused: Tried) -> str:
    """One round. Under new rules nothing can be scored before there is a feed that was made by them."""
    engine, archive, rules = store.open_engine(database_url), Archive(archive_url), load_rules()
    try:
        with store.session(engine) as session:
            erase.finish(session, archive)
            retention.sweep_daily(session, archive, config.retention, time.time())
            version, is_held = "", store.is_held(session)
            if _is_of_old_rules(session, rules) and not is_held:
                version = _publish(session, archive, config, rules, refused)
            if not _is_of_old_rules(session, rules):
                _finish(session, archive, config, rules)
            if _has_new_rides(session) and not is_held:
                version = _publish(session, archive, config, rules, refused) or version
        return version
    finally:
        engine.dispose()


def _is_of_old_rules(session: Session, rules: Rules) -> bool:
    latest = store.latest_feed(session)
    return latest is not None and latest.rules_version != rules.version


def _has_new_rides(session: Session) -> bool:
    """Whether the feed that holds knows too little, or somebody who was erased since."""
    latest = store.latest_feed(session)
    return store.must_forget(session) or len(store.rides_after(session)) > (latest.n_rides if latest else 0)


def _publish(session: Session, archive: Archive, config: Config, rules: Rules, refused: Tried) -> str:
    """The id of the feed of all rides so far; an empty string where these were refused before."""
    what = rules.version, len(store.rides_after(session))
    if what in refused:
        return ""
    now = datetime.datetime.now(datetime.UTC)
    try:
        return publish.publish(session, archive, config, now.date(), now.timestamp(), rules).id
    except TransitmapError:
        refused.add(what)
        raise


def _finish(session: Session, archive: Archive, config: Config, rules: Rules) -> None:
    """Understands the uploads that were left; one that cannot be read now costs no other."""
    now_s = time.time()
    waiting = [
        upload.id
        for upload in store.uploads_in_state(session, store.RECEIVED)
        if now_s - upload.received_s > LEFT_AFTER_S
    ]
    for upload_id in waiting:
        upload = store.upload_by_id(session, upload_id, None)
        session.commit()  # reading a trace is slow and must keep no writer waiting
        try:
            if upload is not None:
                understand(session, archive, upload, config, rules, now_s)
        except (KeyError, OSError) as error:
            session.rollback()
            log.error("an upload goes on waiting: %s", type(error).__name__)
