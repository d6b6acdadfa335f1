"""Browsers where somebody is logged in: a row each, so that logging out ends what was copied, too."""

from __future__ import annotations

import hashlib
import secrets

import sqlalchemy as sa
from sqlalchemy.orm import Session

from transitmap.store.tables import Login, User

LOGIN_S = 30 * 86_400.0
"""How long a browser stays logged in."""


def open_login(session: Session, user_id: int, now_s: float) -> str:
    """The secret (256 random bits) that a browser shows from now on; only its hash is kept."""
    session.execute(sa.delete(Login).where(Login.opened_s < now_s - LOGIN_S))
    plain = secrets.token_urlsafe(32)
    session.add(Login(id_sha256=_sha256(plain), user_id=user_id, opened_s=now_s))
    session.flush()
    return plain


def user_of_login(session: Session, plain: str, now_s: float) -> User | None:
    """Who is logged in there; None where nobody is any more."""
    question = (
        sa.select(User)
        .join(Login, Login.user_id == User.id)
        .where(Login.id_sha256 == _sha256(plain), Login.opened_s > now_s - LOGIN_S)
    )
    return session.scalar(question)


def close_login(session: Session, plain: str) -> None:
    """Nobody is logged in there any more."""
    session.execute(sa.delete(Login).where(Login.id_sha256 == _sha256(plain)))


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
