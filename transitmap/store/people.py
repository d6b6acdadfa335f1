"""People by pseudonym, and the devices that send for them."""

from __future__ import annotations

import hashlib
import secrets
import unicodedata

import sqlalchemy as sa
from sqlalchemy.orm import Session

from transitmap.errors import ConfigError, NameTaken
from transitmap.store.opening import try_add
from transitmap.store.tables import ROLES, Token, User


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


def user_by_name(session: Session, name: str) -> User | None:
    """The rider of that name, in whatever case."""
    return session.scalar(sa.select(User).where(User.name_key == name_key(name)))


def user_by_id(session: Session, user_id: int) -> User | None:
    """The rider of that id."""
    return session.get(User, user_id)


def users(session: Session) -> list[User]:
    """Everybody, in order of arrival."""
    return list(session.scalars(sa.select(User).order_by(User.id)))


def add_token(session: Session, user: User, name: str, now_s: float) -> tuple[Token, str]:
    """A device's row and its token (256 random bits): shown once, never stored."""
    plain = "tm_" + secrets.token_urlsafe(32)
    token = Token(user_id=user.id, token_sha256=_sha256(plain), name=name.strip()[:80], created_s=now_s)
    session.add(token)
    session.flush()
    return token, plain


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def user_of_token(session: Session, plain: str, now_s: float) -> User | None:
    """Whose device this is; None for an unknown or revoked token. Notes the use, to the hour.

    A use is written at most once an hour: a phone that reports every ten seconds must not cost a write.
    """
    token = session.scalar(sa.select(Token).where(Token.token_sha256 == _sha256(plain)))
    if token is None or token.revoked_s is not None:
        return None
    if token.last_used_s is None or now_s - token.last_used_s > 3600:
        token.last_used_s = now_s
    return session.get(User, token.user_id)


def tokens_of_user(session: Session, user_id: int) -> list[Token]:
    """A rider's devices, revoked ones too, newest first."""
    return list(session.scalars(sa.select(Token).where(Token.user_id == user_id).order_by(Token.id.desc())))


def revoke_token(session: Session, token_id: int, user_id: int, now_s: float) -> bool:
    """Whether this rider has such a token; from now on it opens nothing."""
    token = session.scalar(sa.select(Token).where(Token.id == token_id, Token.user_id == user_id))
    if token is None:
        return False
    token.revoked_s = token.revoked_s or now_s
    session.flush()
    return True
