"""The story of a feed's versions: what changed, how long one holds, how an earlier one holds again."""

from __future__ import annotations

import csv
import datetime
import io
import json
import zipfile
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from transitmap import pipeline, store
from transitmap.archive import Archive, unpack_columns
from transitmap.config import Config, DiffConfig
from transitmap.errors import FeedInvalid, RollbackRefused
from transitmap.gtfs import diff
from transitmap.gtfs.carry_ids import go_back
from transitmap.gtfs.pack import unpack
from transitmap.model import Ids, JsonObject
from transitmap.terrain import Known

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

SOON_DAYS = 14
"""A feed that ends within so many days must be renewed now: trip planners take weeks to fetch one."""


# --- what changed ------------------------------------------------------------------------------------


def note_changes(
    archive: Archive, version: store.FeedVersion, before: store.FeedVersion | None, config: DiffConfig
) -> None:
    """Keeps with a version what changed since the one before; nothing where one of them has no feed."""
    if before is None or before.is_withdrawn or version.is_withdrawn:
        return
    old, new = (unpack(archive.get(one.feed_sha256)) for one in (before, version))
    found = diff.diff(old, new, config)
    body = json.dumps(diff.as_json(found, with_lines=True), separators=(",", ":"), ensure_ascii=False)
    version.changes_sha256 = archive.put(body.encode())
    version.change_counts = {kind: counts for kind, counts in found.counts().items() if counts}


def changes_of(archive: Archive, version: store.FeedVersion) -> diff.Difference | None:
    """What changed with a version; None where that was never asked: the first, or one of long ago."""
    if not version.changes_sha256:
        return None
    return diff.from_json(json.loads(archive.get(version.changes_sha256)))


# --- how long it holds -------------------------------------------------------------------------------


@dataclass(frozen=True)
class ShelfLife:
    """How long a feed goes on to hold, and how old what it rests on is.

    `end_day` is the last day that the feed says it is good for and `days_left` how far off that is, negative
    where it is over; None where the feed does not say. `days_since_ride` is None where nobody ever rode.
    """

    end_day: datetime.date | None
    days_left: int | None
    days_since_ride: int | None

    @property
    def is_stale(self) -> bool:
        """Whether somebody must act now."""
        return self.days_left is not None and self.days_left < SOON_DAYS


def shelf_life(zip_bytes: bytes, today: datetime.date, last_ride_s: float | None) -> ShelfLife:
    """How long a feed holds, by feed_end_date of its feed_info.txt."""
    end_day = _end_day(zip_bytes)
    since = None
    if last_ride_s is not None:
        ridden = datetime.datetime.fromtimestamp(last_ride_s, datetime.UTC).date()
        since = max((today - ridden).days, 0)
    return ShelfLife(end_day, (end_day - today).days if end_day else None, since)


def _end_day(zip_bytes: bytes) -> datetime.date | None:
    """The date in feed_info.txt. Our own bytes: a feed that is not ours never comes here."""
    with zipfile.ZipFile(io.BytesIO(zip_bytes)) as archive:
        if "feed_info.txt" not in archive.namelist():
            return None
        text = archive.read("feed_info.txt").decode("utf-8-sig")
    row = next(csv.DictReader(io.StringIO(text)), {})
    try:
        return datetime.date.fromisoformat(row.get("feed_end_date") or "")
    except ValueError:
        return None


# --- the list ----------------------------------------------------------------------------------------


def history(session: Session, archive: Archive, today: datetime.date) -> JsonObject:
    """Every version, newest first, and how long the one that holds goes on to; plain values for programs."""
    feeds = store.feeds(session)
    shown = archive.get(feeds[0].feed_sha256) if feeds and not feeds[0].is_withdrawn else None
    life = shelf_life(shown, today, store.last_ride_s(session)) if shown else None
    return {
        "is_held": store.is_held(session),
        "is_stale": bool(life and life.is_stale),
        "end_day": str(life.end_day) if life and life.end_day else None,
        "days_left": life.days_left if life else None,
        "days_since_ride": life.days_since_ride if life else None,
        "versions": [
            {
                "id": feed.id,
                "made": datetime.datetime.fromtimestamp(feed.made_s, datetime.UTC).isoformat("T", "seconds"),
                "rides": feed.n_rides,
                "is_withdrawn": feed.is_withdrawn,
                "findings": len(feed.notices),
                "restores": feed.restores,
                "note": feed.note,
                "changes": feed.change_counts,
            }
            for feed in feeds
        ],
    }


# --- an earlier one holds again ----------------------------------------------------------------------


def roll_back(
    session: Session,
    archive: Archive,
    config: Config,
    feed_id: str,
    today: datetime.date,
    now_s: float,
    note: str = "",
) -> store.FeedVersion:
    """The new version that shows an earlier feed again and holds until `resume`; `session` must be writing.

    History is not rewritten: a row is added whose bytes are the old ones. Only what is shown goes back. What
    is known stays, so rides are recognised and paid as before, and a replay finds every point again.

    Raises:
        RollbackRefused: there is no such feed, it holds already, rides behind it were withdrawn, or another
            feed came out meanwhile.
        FeedInvalid: the rules of today find errors in the old feed, such as a service that is over.
    """
    wanted, latest = _made(session, feed_id), store.latest_feed(session)
    if wanted is None or latest is None or wanted.is_withdrawn:
        raise RollbackRefused("no_such_feed", f"there is no version {feed_id}")
    if wanted.feed_sha256 == latest.feed_sha256:
        raise RollbackRefused("holds_already", f"{latest.id} has the same bytes")
    _check_rides(session, archive, wanted)
    session.commit()  # the rules are slow and must keep no writer waiting
    notices = pipeline.check_zip(archive.get(wanted.feed_sha256), config, today)
    if errors := [notice for notice in notices if notice.severity == "error"]:
        raise FeedInvalid(errors)
    version = _again(wanted, latest, [asdict(notice) for notice in notices], now_s, note)
    note_changes(archive, version, latest, config.diff)
    store.lock_ledger(session)
    now = store.latest_feed(session)
    if now is None or now.id != latest.id:
        session.commit()
        raise RollbackRefused("overtaken", "another feed came out meanwhile; look again")
    store.copy_observations(session, latest.id, version.id)
    store.add_feed(session, version)
    store.hold_feed(session, version.id)
    session.commit()
    return version


def _made(session: Session, feed_id: str) -> store.FeedVersion | None:
    """The version of that id, or the one that it brought back itself."""
    version = store.feed_by_id(session, feed_id)
    return store.feed_by_id(session, version.restores) if version and version.restores else version


def _check_rides(session: Session, archive: Archive, wanted: store.FeedVersion) -> None:
    """What somebody withdrew must not come back with an old feed.

    Raises:
        RollbackRefused: some rides behind the feed are not there any more.
    """
    if wanted.known_sha256:
        behind = unpack_columns(Known, archive.get(wanted.known_sha256)).ride_id
        gone = wanted.n_rides - len(store.ride_ids(session).intersection(behind))
        if gone:
            raise RollbackRefused("withdrawn", f"{gone} rides behind {wanted.id} were withdrawn since")


def _again(
    wanted: store.FeedVersion,
    latest: store.FeedVersion,
    notices: list[dict[str, Any]],
    now_s: float,
    note: str,
) -> store.FeedVersion:
    """What is shown is of the feed that was wanted, what is known of the latest; no number is given twice."""
    number = latest.number + 1
    ids = go_back(*(Ids.from_json(json.dumps(one.ids)) for one in (wanted, latest)))
    return store.feed_like(
        wanted,
        number=number,
        id=f"{number}-{wanted.feed_sha256[:12]}",
        made_s=now_s,
        known_sha256=latest.known_sha256,
        ids=json.loads(ids.to_json()),
        rules_version=latest.rules_version,
        notices=notices,
        change_counts={},
        changes_sha256="",
        restores=wanted.id,
        note=" ".join(note.split())[:500],
    )


def resume(session: Session) -> bool:
    """Lets go of a feed that was brought back, so that the next one is made of all rides; was one held?"""
    was_held = store.is_held(session)
    store.hold_feed(session, "")
    session.commit()
    return was_held
