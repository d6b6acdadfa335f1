"""What is kept no longer: raw bytes past their time, and blobs that no row names."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from transitmap import erase, store
from transitmap.archive import Archive
from transitmap.config import RetentionConfig

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

DAY_S = 86_400.0
SWEPT = "swept_s"


def sweep_daily(session: Session, archive: Archive, config: RetentionConfig, now_s: float) -> int:
    """Sweeps where that was not done for a day; how many blobs went. `session` is committed."""
    last = float(store.fact(session, SWEPT) or 0.0)
    if 0 <= now_s - last < DAY_S:
        return 0
    store.set_fact(session, SWEPT, str(now_s))
    session.commit()
    with suppress(OSError):
        erase.hold_ballast(session, config.ballast_bytes)
    return sweep(session, archive, config, now_s)


def sweep(session: Session, archive: Archive, config: RetentionConfig, now_s: float) -> int:
    """Deletes raw bytes past their time and blobs that nobody names; how many."""
    n_gone = _sweep_raw(session, archive, now_s - config.refused_days * DAY_S, is_refused=True)
    if config.raw_days:
        n_gone += _sweep_raw(session, archive, now_s - config.raw_days * DAY_S, is_refused=False)
    return n_gone + _sweep_orphans(session, archive, now_s - config.orphan_days * DAY_S)


def _sweep_raw(session: Session, archive: Archive, before_s: float, is_refused: bool) -> int:
    """Rows stay, so that the same bytes again are known; those of use say that their bytes are gone."""
    uploads, n_gone = store.uploads_past(session, before_s, is_refused), 0
    past = {upload.id for upload in uploads}
    in_use = store.raw_in_use(session, {upload.sha256 for upload in uploads}, past)
    for upload in uploads:
        if not is_refused:
            upload.reason = store.EXPIRED
        session.commit()
        if upload.sha256 not in in_use and archive.has(upload.sha256):
            archive.delete(upload.sha256)
            n_gone += 1
    return n_gone


def _sweep_orphans(session: Session, archive: Archive, before_s: float) -> int:
    """Blobs put long ago whose rows never came, or went: an upload cut short, a reader of one since erased.

    Of a blob that says no date nobody knows whether its row is on the way.
    """
    old = {sha for sha, put_s in archive.names() if 0 < put_s < before_s}
    orphans = old - store.all_blobs(session)
    session.commit()
    for sha in orphans:
        archive.delete(sha)
    return len(orphans)
