"""Uploads and the rides in them."""

from __future__ import annotations

import secrets
import unicodedata
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from transitmap.errors import UploadRefused
from transitmap.store import holder
from transitmap.store.opening import try_add
from transitmap.store.tables import RECEIVED, REFUSED, Fact, RideRow, Upload, User

LEDGER_LOCK = "ledger"
MAX_LEASE_S = 2 * 86_400.0
"""Nobody holds an upload for so long, nor leaves it to a later time so far ahead."""


def add_upload(
    session: Session,
    user_id: int,
    sha256: str,
    name: str,
    n_bytes: int,
    now_s: float,
    consent: str = "",
    **more: Any,
) -> tuple[Upload, bool]:
    """The upload of these bytes and whether it is new; a rider's same bytes again are the first upload.

    `more` are further columns of `Upload`. Its ends are cut by `trim_m`, None as its rider always does.

    Raises:
        UploadRefused: `already_contributed`, another rider sent these bytes and they were of use.
    """
    mine = sa.select(Upload).where(Upload.user_id == user_id, Upload.sha256 == sha256)
    if (known := session.scalar(mine)) is not None:
        return known, False
    columns: dict[str, Any] = {
        "id": secrets.token_urlsafe(16),
        "user_id": user_id,
        "sha256": sha256,
        "name": clean_name(name),
        "n_bytes": n_bytes,
        "received_s": now_s,
        "consent": consent,
        "state": RECEIVED,
        "reason": "",
        "detail": "",
    } | more
    if columns.get("trim_m") is None:
        columns["trim_m"] = _own_trim_m(session, user_id)
    upload = Upload(**columns)
    if try_add(session, upload):
        return upload, True
    if (known := session.scalar(mine)) is not None:
        return known, False
    raise UploadRefused("already_contributed", "these bytes were contributed before, by another rider")


def _own_trim_m(session: Session, user_id: int) -> float | None:
    return session.scalar(sa.select(User.trim_m).where(User.id == user_id))


def clean_name(name: str) -> str:
    """A file's name fit to be shown: no folders, no control characters, at most 200 characters."""
    last = name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    shown = "".join(letter for letter in unicodedata.normalize("NFC", last) if letter.isprintable())
    return shown.strip()[:200] or "upload"


def upload_by_id(session: Session, upload_id: str, user_id: int | None) -> Upload | None:
    """The upload, if it is this rider's; None for a foreign and a missing one alike.

    `user_id=None` asks for anybody's: only for organisers, reviewers and the machinery.
    """
    question = sa.select(Upload).where(Upload.id == upload_id)
    if user_id is not None:
        question = question.where(Upload.user_id == user_id)
    return session.scalar(question)


def uploads_of_user(session: Session, user_id: int, limit: int = 100) -> list[Upload]:
    """What a rider sent, newest first; members of an archive are in it."""
    mine = sa.select(Upload).where(Upload.user_id == user_id, Upload.parent_id == "")
    question = mine.order_by(Upload.received_s.desc(), Upload.id)
    return list(session.scalars(question.limit(limit)))


def members_of_upload(session: Session, upload_id: str) -> list[Upload]:
    """The uploads that came out of an archive, in its order."""
    return list(session.scalars(sa.select(Upload).where(Upload.parent_id == upload_id).order_by(Upload.id)))


def members_of_uploads(session: Session, upload_id: str) -> dict[str, list[Upload]]:
    """The same of an archive and of archives in it, by the archive that each came out of."""
    found: dict[str, list[Upload]] = {}
    parents = [upload_id]
    while parents:
        question = sa.select(Upload).where(Upload.parent_id.in_(parents)).order_by(Upload.id)
        members = list(session.scalars(question))
        for member in members:
            found.setdefault(member.parent_id, []).append(member)
        parents = [member.id for member in members]
    return found


def is_upload_waiting(session: Session, now_s: float) -> bool:
    """Whether there is an upload to understand that nobody holds."""
    return session.scalar(_waiting(now_s).limit(1)) is not None


def lease_upload(
    session: Session, now_s: float, lease_s: float, upload_id: str = "", parent_id: str = ""
) -> Upload | None:
    """The next upload, held from now on; None where all are settled or held by others.

    Riders take turns, and each one's upload that has waited longest is next: however much one sends, nobody
    waits for more than one upload of each other rider. `upload_id` asks for that one alone, `parent_id` for
    members of that archive; these are nobody's turn. Others are kept from it by the session's commit. Where
    its holder is stopped, it waits again once the lease is over.
    """
    question = _waiting(now_s).order_by(Upload.received_s, Upload.id)
    if upload_id:
        question = question.where(Upload.id == upload_id)
    if parent_id:
        question = question.where(Upload.parent_id == parent_id)
    is_turn = not (upload_id or parent_id)
    if is_turn:
        question = _waiting(now_s).join(User, User.id == Upload.user_id)
        question = question.order_by(User.turn, Upload.received_s, Upload.id)
    found = session.scalar(question.limit(1).with_for_update(skip_locked=True, of=Upload))
    if found is None:
        return None
    upload = session.get_one(Upload, found, populate_existing=True)
    upload.lease_until_s, upload.attempts, upload.holder = now_s + lease_s, upload.attempts + 1, holder.me()
    session.flush()
    if is_turn:
        last = sa.select(sa.func.max(User.turn)).scalar_subquery()
        session.execute(sa.update(User).where(User.id == upload.user_id).values(turn=last + 1))
    return upload


def _waiting(now_s: float) -> sa.Select[str]:
    """Uploads that nobody holds; who seems to hold one for too long did so by a clock that was ahead."""
    until_s = Upload.lease_until_s
    free = sa.or_(until_s.is_(None), until_s <= now_s, until_s > now_s + MAX_LEASE_S)
    return sa.select(Upload.id).where(Upload.state == RECEIVED, free)


def take_back_uploads(session: Session, now_s: float) -> int:
    """Frees what processes hold that are known to be dead; how many uploads.

    Once each: what ended two of its holders waits for its lease, lest it ends one after the other.
    """
    held = sa.and_(Upload.state == RECEIVED, Upload.lease_until_s > now_s, Upload.attempts <= 1)
    dead = [
        one for one in session.scalars(sa.select(Upload.holder).where(held).distinct()) if holder.is_dead(one)
    ]
    if not dead:
        return 0
    freed = sa.update(Upload).where(held, Upload.holder.in_(dead)).values(lease_until_s=None, holder="")
    return len(session.execute(freed.returning(Upload.id)).all())


def give_back_upload(
    session: Session, upload: Upload, until_s: float, counts: bool = True, reason: str = ""
) -> None:
    """Leaves an upload to whoever comes after `until_s`; an attempt that does not count was none.

    `reason` is why it ended its reader: until it is settled the row says that it did.
    """
    refresh_upload(session, upload)
    upload.lease_until_s = until_s
    upload.reason = reason or upload.reason
    upload.attempts -= not counts
    session.flush()


def uploads_in_state(session: Session, state: str) -> list[Upload]:
    """Everybody's uploads in a state, oldest first: `received` ones wait to be understood."""
    return list(
        session.scalars(sa.select(Upload).where(Upload.state == state).order_by(Upload.received_s, Upload.id))
    )


def rides_of_upload(session: Session, upload_id: str) -> list[RideRow]:
    """The rides of one upload, in their order inside the file."""
    return list(
        session.scalars(sa.select(RideRow).where(RideRow.upload_id == upload_id).order_by(RideRow.ordinal))
    )


def rides_of_uploads(session: Session, upload_ids: Sequence[str]) -> list[RideRow]:
    """The rides of these uploads, in the order of their uploads' ids and inside each file."""
    question = sa.select(RideRow).where(RideRow.upload_id.in_(upload_ids))
    return list(session.scalars(question.order_by(RideRow.upload_id, RideRow.ordinal)))


def uploads_of_rides(session: Session, user_id: int) -> dict[str, str]:
    """The upload of each ride of a rider, by ids."""
    question = sa.select(RideRow.id, RideRow.upload_id).where(RideRow.user_id == user_id)
    return {row.id: row.upload_id for row in session.execute(question)}


def rides_between(session: Session, user_id: int, from_s: float, to_s: float) -> list[RideRow]:
    """A rider's rides that were under way at any time from one moment to another, the first first."""
    ended_s = sa.func.coalesce(RideRow.ended_s, RideRow.started_s)
    question = sa.select(RideRow).where(RideRow.user_id == user_id, RideRow.packed_sha256 != "")
    during = question.where(RideRow.started_s <= to_s, ended_s >= from_s)
    return list(session.scalars(during.order_by(RideRow.sequence)))


def rides_after(session: Session, sequence: int = 0) -> list[RideRow]:
    """Everybody's rides understood after that one, in the order of scoring; not those that were erased."""
    there = sa.select(RideRow).where(RideRow.sequence > sequence, RideRow.packed_sha256 != "")
    return list(session.scalars(there.order_by(RideRow.sequence)))


def rides_since(session: Session, user_id: int, sequence: int) -> set[str]:
    """The ids of one rider's rides that were understood after that one."""
    question = sa.select(RideRow.id).where(RideRow.user_id == user_id, RideRow.sequence > sequence)
    return set(session.scalars(question))


def ride_ids(session: Session) -> set[str]:
    """The ids of everybody's rides, but for those that were erased."""
    return set(session.scalars(sa.select(RideRow.id).where(RideRow.packed_sha256 != "")))


def lock_ledger(session: Session) -> None:
    """Waits until nobody else scores or publishes; the session's commit lets the next one in.

    PostgreSQL locks one row; on SQLite the writer's transaction has the whole file already.
    """
    session.scalars(sa.select(Fact).where(Fact.name == LEDGER_LOCK).with_for_update()).one()


def next_ride_sequence(session: Session) -> int:
    """The place of the next ride in the order of scoring; call it under `lock_ledger`."""
    return (session.scalar(sa.select(sa.func.max(RideRow.sequence))) or 0) + 1


def add_rides(session: Session, rides: Sequence[RideRow]) -> None:
    """Stores rides of one upload; call it under `lock_ledger`."""
    session.add_all(rides)
    session.flush()


def settle_upload(session: Session, upload: Upload, state: str, reason: str = "", detail: str = "") -> None:
    """Says what became of an upload: understood, or refused with a reason."""
    upload.state, upload.reason, upload.detail = state, reason, detail
    session.flush()


def refresh_upload(session: Session, upload: Upload) -> None:
    """Reads the upload's row again: another worker may have settled it meanwhile.

    Of one whose rider was erased meanwhile nothing is left to read: it is as good as refused.
    """
    try:
        session.refresh(upload)
    except sa.exc.InvalidRequestError:
        session.expunge(upload)
        upload.state = REFUSED
