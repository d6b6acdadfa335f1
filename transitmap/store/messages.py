"""What live phones said and what is no ride yet: a spool, emptied into uploads."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from transitmap.config import QuotaConfig
from transitmap.store.keeping import ask, driver
from transitmap.store.limits import ADD_USAGE, usage_row, wait_beyond_s
from transitmap.store.tables import MessageRow, RideRow, Token, Upload, User

CHUNK = 5_000

# Said for every message of every phone: written once, as both databases understand it.
_DEVICE = sa.text(
    "SELECT id, user_id, name, heard_s, consent FROM tokens "
    "WHERE token_sha256 = :token_sha256 AND revoked_s IS NULL"
)
_ADD = sa.text(
    "INSERT INTO messages (token_id, sha256, received_s, dialect, n_bytes, n_fixes, first_fix_s,"
    " last_fix_s, is_finish, packed, upload_id) VALUES (:token_id, :sha256, :received_s, :dialect, :n_bytes,"
    " :n_fixes, :first_fix_s, :last_fix_s, :is_finish, :packed, '')"
    " ON CONFLICT (token_id, sha256) DO NOTHING RETURNING id"
)
_COUNT = sa.text(
    "UPDATE tokens SET n_messages = n_messages + :n_messages, n_fixes = n_fixes + :n_fixes, heard_s = :now_s,"
    " last_used_s = :now_s WHERE id = :token_id"
)
_DROPPED = sa.text("SELECT dropped FROM tokens WHERE id = :token_id")
_DROP = sa.text("UPDATE tokens SET dropped = :dropped WHERE id = :token_id")
HEARD_EVERY_S = 5.0
"""A phone that only repeats itself is noted as heard so often: noting costs a write to the disk."""


@dataclass(frozen=True)
class Device:
    """A device that may send: its row, its rider, when it was last heard (None: never), agreed to what."""

    token_id: int
    user_id: int
    name: str
    heard_s: float | None
    consent: str = ""


@dataclass(frozen=True)
class Heading:
    """One waiting message without its bytes. Fix times are None where it holds no fix of any use."""

    id: int
    received_s: float
    n_bytes: int
    first_fix_s: float | None
    last_fix_s: float | None
    is_finish: bool = False


def device_of_token(engine: sa.Engine, plain: str) -> Device | None:
    """The device of a token; None for an unknown or revoked one.

    Raises:
        store.TRY_AGAIN: the database did not answer.
    """
    with driver(engine) as cursor:
        told = {"token_sha256": hashlib.sha256(plain.encode()).hexdigest()}
        row = ask(engine, cursor, _DEVICE, told).fetchone()
    return None if row is None else Device(*row)


def device_of_app(session: Session, user_id: int, app: str) -> Device | None:
    """A rider's oldest device of that app whose key was not taken back."""
    question = sa.select(Token.id, Token.user_id, Token.name, Token.heard_s)
    mine = question.where(Token.user_id == user_id, Token.app == app, Token.revoked_s.is_(None))
    row = session.execute(mine.order_by(Token.id).limit(1)).first()
    return None if row is None else Device(*row)


def lock_user(session: Session, user_id: int) -> User:
    """The rider's row; until the commit nobody else can lock it."""
    return session.scalars(sa.select(User).where(User.id == user_id).with_for_update()).one()


def owner_of_token(session: Session, token_id: int) -> tuple[Token, User]:
    """A device's row, also of a revoked one, and its rider."""
    question = sa.select(Token, User).join(User, User.id == Token.user_id).where(Token.id == token_id)
    token, user = session.execute(question).one()
    return token, user


def keep_message(
    engine: sa.Engine, device: Device, row: Mapping[str, Any], dropped: Mapping[str, int], quota: QuotaConfig
) -> tuple[bool, float]:
    """Whether the message is new, and 0; or the seconds that its rider must wait, and then it is not kept.

    The row, what its owner is told and the day's sums are on the disk when this returns. The same request
    again changes nothing but when the device was last heard, whoever comes first. `row` holds every column
    of MessageRow but `id` and `upload_id`; `dropped` counts by reason.

    Raises:
        store.TRY_AGAIN: the database could not keep it.
    """
    now_s = row["received_s"]
    heard = {"token_id": device.token_id, "n_messages": 0, "n_fixes": 0, "now_s": now_s}
    with driver(engine) as cursor:
        if engine.dialect.name == "sqlite":
            cursor.execute("BEGIN IMMEDIATE")
        if ask(engine, cursor, _ADD, row).fetchone() is None:
            if device.heard_s is None or abs(now_s - device.heard_s) > HEARD_EVERY_S:
                ask(engine, cursor, _COUNT, heard)
            return False, 0.0
        added = (0, 1, row["n_bytes"], row["n_fixes"])
        sent = usage_row(device.user_id, now_s, added)
        wait_s = wait_beyond_s(ask(engine, cursor, ADD_USAGE, sent).fetchone(), added, quota, now_s)
        if wait_s:
            cursor.connection.rollback()
            return False, wait_s
        ask(engine, cursor, _COUNT, heard | {"n_messages": 1, "n_fixes": row["n_fixes"]})
        if dropped:  # the row is ours since it was counted
            (before,) = ask(engine, cursor, _DROPPED, heard).fetchone()
            told = before if isinstance(before, dict) else json.loads(before)
            ask(engine, cursor, _DROP, heard | {"dropped": json.dumps(_sums(told, dropped))})
    return True, 0.0


def count_heard(
    session: Session, token_id: int, n_messages: int, n_fixes: int, dropped: Mapping[str, int], now_s: float
) -> None:
    """Adds to what a device is told to have sent; `dropped` counts by reason."""
    added = {"token_id": token_id, "n_messages": n_messages, "n_fixes": n_fixes, "now_s": now_s}
    session.execute(_COUNT, added)
    if dropped:
        mine = Token.id == token_id
        before = session.execute(sa.select(Token.dropped).where(mine).with_for_update()).scalar_one()
        session.execute(sa.update(Token).where(mine).values(dropped=_sums(before, dropped)))


def _sums(before: Mapping[str, int], more: Mapping[str, int]) -> dict[str, int]:
    return {**before, **{reason: before.get(reason, 0) + n for reason, n in more.items()}}


def waiting_devices(session: Session) -> list[int]:
    """The tokens of devices of which messages wait, in order."""
    question = sa.select(MessageRow.token_id).where(MessageRow.upload_id == "").distinct()
    return list(session.scalars(question.order_by(MessageRow.token_id)))


def waiting_headings(session: Session, token_id: int) -> list[Heading]:
    """The waiting messages of a device in the order they came."""
    row = MessageRow
    columns = (row.id, row.received_s, row.n_bytes, row.first_fix_s, row.last_fix_s, row.is_finish)
    question = sa.select(*columns).where(row.token_id == token_id, row.upload_id == "").order_by(row.id)
    return [Heading(*found) for found in session.execute(question)]


def finished_devices(session: Session, since_s: float) -> list[int]:
    """The devices that said since then that a trip is over, where that still waits."""
    row = MessageRow
    said = sa.select(row.token_id).where(row.upload_id == "", row.is_finish, row.received_s >= since_s)
    return list(session.scalars(said.distinct().order_by(row.token_id)))


def packed_messages(session: Session, ids: Sequence[int]) -> list[bytes]:
    """The bytes of these messages, in the order they came; those that wait no longer are left out."""
    found: list[bytes] = []
    for some in _chunks(sorted(ids)):
        question = sa.select(MessageRow.packed).where(MessageRow.id.in_(some), MessageRow.upload_id == "")
        found += session.scalars(question.order_by(MessageRow.id))
    return found


def seal_messages(session: Session, ids: Sequence[int], upload_id: str) -> int:
    """How many of these messages were waiting: now their bytes are the upload's, and only their keys stay."""
    n = 0
    for some in _chunks(sorted(ids)):
        waiting = sa.update(MessageRow).where(MessageRow.id.in_(some), MessageRow.upload_id == "")
        n += len(
            session.execute(waiting.values(upload_id=upload_id, packed=b"").returning(MessageRow.id)).all()
        )
    return n


def _chunks(ids: Sequence[int]) -> list[Sequence[int]]:
    return [ids[first : first + CHUNK] for first in range(0, len(ids), CHUNK)]


def overlapping_uploads(
    session: Session, token: Token, first_fix_s: float, last_fix_s: float, limit: int
) -> list[Upload]:
    """The newest live uploads of a device that hold fixes of that time, by its messages and its rides."""
    row = MessageRow
    said = sa.select(row.upload_id).where(
        row.token_id == token.id,
        row.upload_id != "",
        row.first_fix_s <= last_fix_s,
        row.last_fix_s >= first_fix_s,
    )
    ended_s = sa.func.coalesce(RideRow.ended_s, RideRow.started_s)
    ridden = sa.select(RideRow.upload_id).where(
        RideRow.user_id == token.user_id, RideRow.started_s <= last_fix_s, ended_s >= first_fix_s
    )
    question = sa.select(Upload).where(
        Upload.user_id == token.user_id,
        Upload.token_id == token.id,
        Upload.kind == "live",
        sa.or_(Upload.id.in_(said), Upload.id.in_(ridden)),
    )
    return list(session.scalars(question.order_by(Upload.received_s.desc(), Upload.id).limit(limit)))


def upload_of_time(session: Session, user_id: int, app: str, from_s: float, to_s: float) -> Upload | None:
    """The newest live upload of a rider's app that holds anything said of that time."""
    row = MessageRow
    question = (
        sa.select(Upload)
        .join(row, row.upload_id == Upload.id)
        .join(Token, Token.id == row.token_id)
        .where(Token.user_id == user_id, Token.app == app, Upload.user_id == user_id)
        .where(row.first_fix_s <= to_s, row.last_fix_s >= from_s)
    )
    return session.scalar(question.order_by(Upload.received_s.desc(), Upload.id).limit(1))


def sweep_messages(session: Session, before_s: float) -> int:
    """Forgets sealed messages that came before a moment; how many."""
    old = sa.delete(MessageRow).where(MessageRow.upload_id != "", MessageRow.received_s < before_s)
    return len(session.execute(old.returning(MessageRow.id)).all())
