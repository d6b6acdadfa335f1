"""The work behind the service: uploads left half done are finished, and new rides become a new feed."""

from __future__ import annotations

import datetime
import logging
import math
import threading
import time
from typing import TYPE_CHECKING

from transitmap import erase, live, missions, publish, retention, review, reviewers, store, watch
from transitmap.archive import Archive
from transitmap.config import Config
from transitmap.contribute import LEASE_S, understand
from transitmap.errors import DiskFailed, FeedInvalid, NothingToPublish, ReaderDied, TransitmapError
from transitmap.model import Rules
from transitmap.points.rules import load_rules
from transitmap.proposals import try_proposals

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.orm import Session

log = logging.getLogger("transitmap.work")

UNDERSTAND_EVERY_S = 1.0
FIRST_WAIT_S, MAX_WAIT_S = 15.0, 86_400.0
"""An upload that cannot be understood now is tried again after twice as long each time, up to a day."""

UNFINISHED_S = 3600.0
"""What a writer left half written so long ago, nobody writes any more."""

Tried = set[tuple[str, int, int]]
"""Rules, how many rides and the last of them that gave no feed: the same again would be refused again."""


def work_once(database_url: str, archive_url: str, config: Config) -> str:
    """Understands what waits and publishes what is new; the version's id, or "" where no feed is new.

    A feed is new by its rides or by its rules. While a planner holds an earlier one, none is made.

    Raises:
        FeedInvalid: the new feed has errors; the one before goes on to hold.
        ConfigError: the database was never upgraded to this version.
    """
    store.check_upgraded(database_url)
    return _look(database_url, archive_url, config, set())


def work_forever(database_url: str, archive_url: str, config: Config, every_s: float) -> None:
    """Looks for work every so many seconds, until interrupted. What fails is logged, not fatal.

    Uploads that wait are looked for every second, also while a feed is made. A feed that was refused is not
    made again before there is another ride or another rule.

    Raises:
        ConfigError: the database was never upgraded to this version.
        DiskFailed: a sync failed; nothing more may be done by this process.
    """
    store.check_upgraded(database_url)
    is_over = threading.Event()
    reader = threading.Thread(target=_read_on, args=(database_url, archive_url, config, is_over))
    reader.start()
    refused: Tried = set()
    try:
        while not is_over.is_set():
            _publish_new(database_url, archive_url, config, refused)
            time.sleep(every_s)
    finally:
        is_over.set()
        reader.join()
    raise DiskFailed("reader")


def _publish_new(database_url: str, archive_url: str, config: Config, refused: Tried) -> None:
    try:
        version = _look(database_url, archive_url, config, refused)
        if version:
            log.info("published %s", version)
    except FeedInvalid as invalid:
        rule = invalid.notices[0].rule if invalid.notices else "none"
        log.error("nothing published: %d errors, first rule %s", len(invalid.notices), rule)
    except DiskFailed:
        raise
    except Exception as error:  # a fault of ours, or of one ride, must not keep all others waiting
        log.error("nothing published: %s", type(error).__name__)


def _read_on(database_url: str, archive_url: str, config: Config, is_over: threading.Event) -> None:
    """Understands uploads soon after they came, until it is over; a failed disk is the end for all."""
    engine, archive, rules = store.open_engine(database_url), Archive(archive_url), load_rules()
    seen_s = -math.inf
    while not is_over.wait(UNDERSTAND_EVERY_S):
        try:
            seen_s = watch.note_seen(engine, seen_s)
            _seal_finished(engine, archive, config)
            with store.session(engine, write=False) as session:
                wanted = store.is_upload_waiting(session, time.time())
                wanted = wanted and not _is_of_old_rules(session, rules)
            if wanted:
                with store.session(engine) as session:
                    understand_waiting(session, archive, config, rules, is_over)
        except DiskFailed as error:
            log.critical("%s", error)
            is_over.set()
        except Exception as error:
            log.error("nothing understood: %s", type(error).__name__)
    engine.dispose()


def _seal_finished(engine: Engine, archive: Archive, config: Config) -> None:
    """Makes uploads of rides that their riders finished just now: they look at what these are worth."""
    with store.session(engine, write=False) as session:
        devices = store.finished_devices(session, time.time() - live.FINISHED_WITHIN_S)
    for token_id in devices:
        with store.session(engine) as session:
            live.seal_finished(session, archive, config, token_id)


def _look(database_url: str, archive_url: str, config: Config, refused: Tried) -> str:
    """One round. Under new rules nothing can be scored before there is a feed that was made by them."""
    engine, archive, rules = store.open_engine(database_url), Archive(archive_url), load_rules()
    try:
        archive.clear_parts(time.time() - UNFINISHED_S)
        with store.session(engine) as session:
            erase.finish(session, archive)
            retention.sweep_daily(session, archive, config.retention, time.time())
            version, is_held = "", store.is_held(session)
            store.take_back_uploads(session, time.time())
            live.seal(session, archive, config, time.time())
            if _is_of_old_rules(session, rules) and not is_held:
                version = _publish(session, archive, config, rules, refused)
            if not _is_of_old_rules(session, rules):
                understand_waiting(session, archive, config, rules)
            if _has_new_rides(session) and not is_held:
                version = _publish(session, archive, config, rules, refused) or version
            if not _is_of_old_rules(session, rules):
                missions.refresh_when_due(session, archive, config, rules, time.time())
                session.commit()
            _pay_reviewers(session, archive, config, rules)
        try_proposals(engine, archive, config, time.time())
        return version
    finally:
        engine.dispose()


def _pay_reviewers(session: Session, archive: Archive, config: Config, rules: Rules) -> None:
    """Pays the looks of reviewers that stood."""
    store.lock_ledger(session)
    reviewers.pay_reviewers(review.desk_of(session, archive, config, rules), time.time())
    session.commit()


def _is_of_old_rules(session: Session, rules: Rules) -> bool:
    latest = store.latest_feed(session)
    return latest is not None and latest.rules_version != rules.version


def _has_new_rides(session: Session) -> bool:
    """Whether the feed that holds knows too little, or somebody who was erased since."""
    latest = store.latest_feed(session)
    return store.must_forget(session) or len(store.rides_after(session)) > (latest.n_rides if latest else 0)


def _publish(session: Session, archive: Archive, config: Config, rules: Rules, refused: Tried) -> str:
    """The id of the feed of all rides so far; "" where these are too few or were refused before."""
    rows = store.rides_after(session)
    what = rules.version, len(rows), rows[-1].sequence if rows else 0
    if what in refused:
        return ""
    now = datetime.datetime.now(datetime.UTC)
    try:
        version = publish.publish(session, archive, config, now.date(), now.timestamp(), rules)
        if version.is_withdrawn:
            log.warning("nothing is published any more: of %d rides no pattern has riders enough", len(rows))
            erase.finish(session, archive)
        return version.id
    except NothingToPublish as too_few:
        refused.add(what)
        log.info("%s", too_few)
        return ""
    except TransitmapError:
        refused.add(what)
        raise


def understand_waiting(
    session: Session,
    archive: Archive,
    config: Config,
    rules: Rules,
    is_over: threading.Event | None = None,
) -> None:
    """Understands uploads in order of arrival, until none waits; one that cannot be read costs no other."""
    while (upload := store.lease_upload(session, time.time(), LEASE_S)) is not None:
        session.commit()  # reading a trace is slow and must keep no writer waiting
        try:
            understand(session, archive, upload, config, rules, time.time())
        except DiskFailed:
            raise
        except Exception as error:  # what we kept is never lost, whatever is wrong with it or with us
            session.rollback()
            _put_back(session, upload, error)
        if is_over is not None and is_over.is_set():
            break
    session.commit()


def _put_back(session: Session, upload: store.Upload, error: Exception) -> None:
    """An upload goes on waiting, longer each time; one that ended its reader is tried once more at once."""
    log.error(
        "an upload goes on waiting: %s", error if isinstance(error, ReaderDied) else type(error).__name__
    )
    wait_s = 0.0 if isinstance(error, ReaderDied) else min(MAX_WAIT_S, FIRST_WAIT_S * 2.0**upload.attempts)
    death = error.reason if isinstance(error, ReaderDied) else ""
    store.give_back_upload(session, upload, time.time() + wait_s, reason=death)
    session.commit()
