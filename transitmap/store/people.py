"""People by pseudonym, and the devices that send for them."""

from __future__ import annotations

import hashlib
import secrets
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from transitmap.errors import ConfigError, NameTaken
from transitmap.store.feed_versions import fact, set_fact
from transitmap.store.opening import try_add
from transitmap.store.tables import ROLES, MessageRow, Token, Upload, User

CARD = "card:"
"""Before somebody's number: the fact that says where their card is."""


def name_key(name: str) -> str:
    """What makes two pseudonyms the same: compatibility form, case folded, single spaces."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def add_user(
    session: Session,
    name: str,
    password_hash: str,
    now_s: float,
    role: str = "rider",
    locale: str = "es_MX",
    trim_m: float | None = None,
) -> User:
    """The new rider; `trim_m` is the radius drawn for the ends of all trips (`collect.trim.draw_m`).

    Raises:
        NameTaken: somebody has that name, in whatever case.
        ConfigError: the name is empty or too long, or the role does not exist.
    """
    name = " ".join(name.split())
    if not 1 <= len(name) <= 80 or len(name_key(name)) > 160 or not name.isprintable():
        raise ConfigError("name", len(name), "needs 1 to 80 printable characters")
    if role not in ROLES:
        raise ConfigError("role", role, f"must be one of {', '.join(ROLES)}")
    user = User(
        name=name,
        name_key=name_key(name),
        password_hash=password_hash,
        role=role,
        locale=locale,
        trim_m=trim_m,
        created_s=now_s,
        is_hidden=False,
    )
    if not try_add(session, user):
        raise NameTaken(name)
    return user


def set_role(session: Session, user: User, role: str) -> None:
    """Makes somebody who is there something else. From the next settlement on staff's rides confirm.

    Raises:
        ConfigError: the role does not exist.
    """
    if role not in ROLES:
        raise ConfigError("role", role, f"must be one of {', '.join(ROLES)}")
    user.role = role
    session.flush()


def user_by_name(session: Session, name: str) -> User | None:
    """The rider of that name, in whatever case."""
    return session.scalar(sa.select(User).where(User.name_key == name_key(name)))


def user_by_id(session: Session, user_id: int) -> User | None:
    """The rider of that id."""
    return session.get(User, user_id)


def users(session: Session) -> list[User]:
    """Everybody, in order of arrival."""
    return list(session.scalars(sa.select(User).order_by(User.id)))


def add_token(
    session: Session, user: User, name: str, now_s: float, app: str = "", plain: str = ""
) -> tuple[Token, str]:
    """A device's row and its token (256 random bits, or the given ones): shown once, never stored."""
    plain = plain or "tm_" + secrets.token_urlsafe(32)
    token = Token(
        user_id=user.id, token_sha256=_sha256(plain), name=name.strip()[:80], created_s=now_s, app=app
    )
    session.add(token)
    session.flush()
    return token, plain


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def user_of_token(session: Session, plain: str, now_s: float) -> User | None:
    """Whose device this is; None for an unknown or revoked token. Notes the use, to the hour.

    A use is written at most once an hour: a phone that reports every ten seconds must not cost a write.
    """
    token = token_by_plain(session, plain)
    if token is None:
        return None
    if token.last_used_s is None or now_s - token.last_used_s > 3600:
        token.last_used_s = now_s
    return session.get(User, token.user_id)


def token_by_plain(session: Session, plain: str) -> Token | None:
    """The device of this token; None for an unknown or revoked one."""
    question = sa.select(Token).where(Token.token_sha256 == _sha256(plain), Token.revoked_s.is_(None))
    return session.scalar(question)


def token_by_id(session: Session, token_id: int, user_id: int) -> Token | None:
    """The device, if it is this rider's; None for a foreign and a missing one alike."""
    return session.scalar(sa.select(Token).where(Token.id == token_id, Token.user_id == user_id))


def tokens_of_user(session: Session, user_id: int) -> list[Token]:
    """A rider's devices, revoked ones too, newest first."""
    return list(session.scalars(sa.select(Token).where(Token.user_id == user_id).order_by(Token.id.desc())))


def n_live_tokens(session: Session, user_id: int) -> int:
    """How many devices can send for this rider."""
    question = sa.select(sa.func.count()).where(Token.user_id == user_id, Token.revoked_s.is_(None))
    return session.scalars(question).one()


def revoke_token(session: Session, token_id: int, user_id: int, now_s: float) -> bool:
    """Whether this rider has such a token; from now on it opens nothing."""
    token = token_by_id(session, token_id, user_id)
    if token is None:
        return False
    token.revoked_s = token.revoked_s or now_s
    session.flush()
    return True


@dataclass(frozen=True)
class Waiting:
    """What a device has sent and no ride holds yet."""

    n_messages: int
    n_fixes: int
    first_s: float | None


def waiting_of_tokens(session: Session, token_ids: Sequence[int]) -> dict[int, Waiting]:
    """What waits of each of these devices; devices without anything are left out."""
    question = (
        sa.select(
            MessageRow.token_id,
            sa.func.count(),
            sa.func.sum(MessageRow.n_fixes),
            sa.func.min(MessageRow.first_fix_s),
        )
        .where(MessageRow.token_id.in_(token_ids), MessageRow.upload_id == "")
        .group_by(MessageRow.token_id)
    )
    rows = session.execute(question).all()
    return {token_id: Waiting(n, int(n_fixes), first_s) for token_id, n, n_fixes, first_s in rows}


def uploads_of_token(session: Session, token: Token, limit: int = 5) -> list[Upload]:
    """What became of what a device sent, newest first; archives are there by their members alone."""
    archives = sa.select(Upload.parent_id).where(Upload.user_id == token.user_id, Upload.parent_id != "")
    question = (
        sa.select(Upload)
        .where(Upload.token_id == token.id, Upload.user_id == token.user_id, Upload.id.not_in(archives))
        .order_by(Upload.received_s.desc(), Upload.id)
        .limit(limit)
    )
    return list(session.scalars(question))


# --- what riders show around -----------------------------------------------------------------------


def card_key(session: Session, user_id: int) -> str:
    """The secret part of the address of somebody's card; empty where there is none."""
    return fact(session, f"{CARD}{user_id}") or ""


def set_card(session: Session, user_id: int, key: str) -> None:
    """Another address for somebody's card; an empty one takes it back."""
    set_fact(session, f"{CARD}{user_id}", key)
