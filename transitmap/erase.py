"""The story of an erasure: the rows at once, then the blobs, then every old feed forgets who rode."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from transitmap import store
from transitmap.archive import Archive, pack_columns, unpack_columns
from transitmap.config import Config
from transitmap.terrain import Known, nothing_known

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

NOTES = "erasures"
"""The folder of the archive that says who was erased, by numbers and hashes: a restore reads it."""
REPLACED = "replaced"
"""The folder of the archive that says by which blob a feed version knows now what it knew by another."""


def erase(session: Session, archive: Archive, user: store.User, config: Config, now_s: float) -> store.Trail:
    """Erases somebody; `session` must be a writing one and is committed. What they were cannot be had again.

    When this returns no row and no blob of theirs is there, old feeds do not name their rides, and the next
    round of `transitmap work` makes a feed without them. A crash after the first commit is made good by
    `finish`. Other people's rows, blobs and points are untouched.
    """
    session.commit()
    release_ballast(session)
    store.lock_ledger(session)
    trail = store.trail_of(session, user)
    store.empty_user(session, user, trail, now_s)
    session.commit()
    finish(session, archive)
    store.scrub(session)
    with suppress(OSError):
        hold_ballast(session, config.retention.ballast_bytes)
    return trail


def finish(session: Session, archive: Archive) -> int:
    """Deletes what erasures left to delete, also those that were cut short; how many there were."""
    store.lock_ledger(session)
    for user in store.erased_with_rest(session):
        store.empty_user(session, user, store.trail_of(session, user), user.erased_s or 0.0)
    session.commit()
    trails = store.erasing(session)
    for trail in trails:
        if not trail.is_rest:
            archive.add_note(NOTES, trail.as_json().encode())
        _delete(session, archive, trail)
        stale = _forget_in_feeds(session, archive, set(trail.ride_ids))
        store.forget_erasing(session, trail)
        if stale:  # somebody may be reading them now: they go with the next round
            store.note_erasing(session, store.Trail(trail.user_id, trail.name, tuple(stale), is_rest=True))
        session.commit()
    return len(trails)


def _delete(session: Session, archive: Archive, trail: store.Trail) -> None:
    """Deletes blobs, but for those that somebody else's row names meanwhile."""
    for sha256 in sorted(set(trail.blobs) - store.needed(session, trail.blobs)):
        archive.delete(sha256)


def _forget_in_feeds(session: Session, archive: Archive, gone: set[str]) -> list[str]:
    """Lets each feed version know what it knew without these rides; the blobs that are stale now.

    A version by which no ride that is left was scored knows nothing from then on. The lines of the others
    stay: people were recognised on them, and their points must be found again.
    """
    stale: list[str] = []
    scored, latest = store.scored_versions(session), store.latest_feed(session)
    users: dict[str, bool] = {}
    for feed in store.feeds_that_know(session):
        is_used = feed.id in scored or (latest is not None and feed.id == latest.id)
        users[feed.known_sha256] = users.get(feed.known_sha256, False) or is_used
    for sha256, is_used in users.items():
        known = unpack_columns(Known, archive.get(sha256))
        if gone.isdisjoint(known.ride_id):
            continue
        less = _without(known, gone) if is_used else nothing_known(known.network.timezone)
        fresh = archive.put(pack_columns(less))
        archive.add_note(REPLACED, json.dumps({sha256: fresh}).encode())
        store.replace_known(session, sha256, fresh)
        stale.append(sha256)
    return stale


def withdraw(session: Session, archive: Archive, version: store.FeedVersion) -> None:
    """With a version without a feed: nothing published before it is handed out, and nothing useless is known.

    Somebody was erased, and of what is left nothing has riders enough: what was published would show the way
    of those few, or of the erased. Call it under `lock_ledger`; blobs go with the next `finish`.
    """
    stale: list[str] = []
    scored = store.scored_versions(session) | {version.id}
    feeds = store.feeds_that_know(session)
    used = {feed.known_sha256 for feed in feeds if feed.id in scored}
    for sha256 in {feed.known_sha256 for feed in feeds} - used:
        known = unpack_columns(Known, archive.get(sha256))
        fresh = archive.put(pack_columns(nothing_known(known.network.timezone)))
        if fresh != sha256:
            archive.add_note(REPLACED, json.dumps({sha256: fresh}).encode())
            store.replace_known(session, sha256, fresh)
            stale.append(sha256)
    rest = store.Trail(0, version.id, tuple(stale), is_rest=True)
    store.withdraw_feeds(session, version, version.ids, rest)


def _without(known: Known, gone: set[str]) -> Known:
    kept = [index for index, ride_id in enumerate(known.ride_id) if ride_id not in gone]
    trips = known.trips.take(np.array(kept, dtype=np.int64))
    return replace(known, trips=trips, ride_id=tuple(known.ride_id[index] for index in kept))


def erase_again(session: Session, archive: Archive, now_s: float) -> int:
    """Erases those whom the archive says were erased and a restored database still has; how many."""
    n_erased = 0
    for old, new in replaced(archive).items():
        store.replace_known(session, old, new)
    for note in archive.notes(NOTES):
        noted = store.Trail.from_json(note)
        store.lock_ledger(session)
        user = store.user_by_id(session, noted.user_id)
        if user is not None and user.erased_s is None:
            store.empty_user(session, user, store.trail_of(session, user, noted.name), now_s)
            n_erased += 1
        session.commit()
        _delete(session, archive, noted)
    finish(session, archive)
    store.scrub(session)
    return n_erased


def replaced(archive: Archive) -> dict[str, str]:
    """By what each blob of what a feed knew was replaced in the end, where that is there."""
    steps = {old: new for note in archive.notes(REPLACED) for old, new in json.loads(note).items()}
    ends = {}
    for old, new in steps.items():
        while new in steps:
            new = steps[new]
        if archive.has(new):
            ends[old] = new
    return ends


# --- room to erase on a full disk --------------------------------------------------------------------


def hold_ballast(session: Session, n_bytes: int) -> None:
    """Keeps so many bytes of the database's disk for the day it is full; nothing where that is elsewhere.

    Raises:
        OSError: there is no room for it.
    """
    path = _ballast(session)
    if path is None or n_bytes <= 0 or (path.exists() and path.stat().st_size == n_bytes):
        return
    handle = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        os.posix_fallocate(handle, 0, n_bytes)
    except OSError:
        path.unlink()
        raise
    finally:
        os.close(handle)


def release_ballast(session: Session) -> None:
    """Gives the kept bytes back: deleting rows writes before it frees."""
    path = _ballast(session)
    if path is not None:
        path.unlink(missing_ok=True)


def _ballast(session: Session) -> Path | None:
    place = store.database_file(session)
    return place.with_name(f"{place.name}.ballast") if place else None
