"""The shortest way to the disk: a device's token looked up and an upload's row kept, on the driver itself."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from transitmap.errors import UploadRefused
from transitmap.store.limits import day_of
from transitmap.store.opening import check_synced
from transitmap.store.tables import RECEIVED
from transitmap.store.uploads import clean_name

NOTED_S = 3600.0
"""The use of a token is noted so often: a phone that sends every ten seconds must not cost a write."""
WHO = sa.text(
    "SELECT tokens.id, tokens.user_id, tokens.last_used_s, usage.n_uploads, "
    "usage.n_bytes, usage.n_fixes FROM tokens "
    "LEFT JOIN usage ON usage.user_id = tokens.user_id AND usage.day = :day "
    "WHERE token_sha256 = :sha256 AND revoked_s IS NULL"
)
KEEP = sa.text(
    "INSERT INTO uploads (id, user_id, sha256, name, n_bytes, received_s, state, reason, detail, consent, "
    "kind, parent_id, token_id, refused, attempts, trim_m) VALUES (:id, :user_id, :sha256, :name, :n_bytes, "
    ":now_s, 'received', '', '', :consent, 'file', '', :token_id, '[]', 0, "
    "(SELECT trim_m FROM users WHERE users.id = :user_id)) ON CONFLICT DO NOTHING"
)
KNOWN = sa.text("SELECT id, state FROM uploads WHERE user_id = :user_id AND sha256 = :sha256")
COUNT = sa.text(
    "INSERT INTO usage (user_id, day, n_uploads, n_messages, n_bytes, n_fixes) "
    "VALUES (:user_id, :day, :n_new, 0, :n_bytes, 0) ON CONFLICT (user_id, day) "
    "DO UPDATE SET n_uploads = usage.n_uploads + :n_new, n_bytes = usage.n_bytes + :n_bytes"
)
NOTE = sa.text("UPDATE tokens SET last_used_s = :now_s WHERE id = :token_id")


@dataclass(frozen=True)
class Sender:
    """A device, its rider, what that one sent today (uploads, bytes, fixes), and whether to note this use."""

    token_id: int
    user_id: int
    used: tuple[int, int, int]
    notes: bool


@dataclass(frozen=True)
class Kept:
    """An upload that is on the disk: its id and state, and whether it is new."""

    id: str
    state: str
    is_new: bool


def sender_of_token(engine: sa.Engine, plain: str, now_s: float) -> Sender | None:
    """Whose device this is; None for an unknown or revoked token.

    Raises:
        store.TRY_AGAIN: the database did not answer.
    """
    told = {"sha256": hashlib.sha256(plain.encode()).hexdigest(), "day": day_of(now_s)}
    with driver(engine) as cursor:
        row = ask(engine, cursor, WHO, told).fetchone()
    if row is None:
        return None
    token_id, user_id, noted_s, *used = row
    n_uploads, n_bytes, n_fixes = (n or 0 for n in used)
    notes = noted_s is None or now_s - noted_s > NOTED_S
    return Sender(token_id, user_id, (n_uploads, n_bytes, n_fixes), notes)


def keep_upload(
    engine: sa.Engine, sender: Sender, sha256: str, name: str, n_bytes: int, now_s: float, consent: str
) -> Kept:
    """The upload of these bytes, committed when this returns; the same bytes again are the first upload.

    Raises:
        UploadRefused: `already_contributed`, another rider sent these bytes and they were of use.
        store.TRY_AGAIN: the database could not keep it.
    """
    told: dict[str, Any] = {
        "id": secrets.token_urlsafe(16),
        "user_id": sender.user_id,
        "token_id": sender.token_id,
    }
    told |= {"sha256": sha256, "name": clean_name(name), "n_bytes": n_bytes, "consent": consent}
    told |= {"now_s": now_s, "day": day_of(now_s)}
    with driver(engine) as cursor:
        if engine.dialect.name == "sqlite":
            cursor.execute("BEGIN IMMEDIATE")
        is_new = ask(engine, cursor, KEEP, told).rowcount == 1
        known = (told["id"], RECEIVED) if is_new else ask(engine, cursor, KNOWN, told).fetchone()
        ask(engine, cursor, COUNT, told | {"n_new": int(is_new)})
        if sender.notes:
            ask(engine, cursor, NOTE, told)
    if known is None:
        raise UploadRefused("already_contributed", "these bytes were contributed before, by another rider")
    return Kept(known[0], known[1], is_new)


@contextmanager
def driver(engine: sa.Engine) -> Iterator[Any]:
    """A cursor of the driver, committed in the end. Its errors are those that SQLAlchemy raises."""
    connection = None
    try:
        connection = engine.raw_connection()
        cursor = connection.cursor()
        yield cursor
        connection.commit()
    except engine.dialect.loaded_dbapi.Error as error:
        check_synced(error)
        told = sa.exc.DBAPIError.instance(
            None, None, error, engine.dialect.loaded_dbapi.Error, dialect=engine.dialect
        )
        raise told from error
    finally:
        if connection is not None:
            connection.close()  # what was not committed is rolled back, as far as there is somebody to ask


def ask(engine: sa.Engine, cursor: Any, question: sa.TextClause, told: Mapping[str, Any]) -> Any:
    """The cursor, with the answer to a question whose values are `told`."""
    sql, names = _in_words_of(engine.dialect, question)
    cursor.execute(sql, told if names is None else [told[name] for name in names])
    return cursor


@lru_cache(maxsize=64)
def _in_words_of(dialect: sa.Dialect, question: sa.TextClause) -> tuple[str, tuple[str, ...] | None]:
    """A statement as a driver takes it, and the order of its values where it has no names for them."""
    compiled = question.compile(dialect=dialect)
    return str(compiled), None if compiled.positiontup is None else tuple(compiled.positiontup)
