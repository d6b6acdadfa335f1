"""Who is asking: a rider's session cookie on pages, a device's token on uploads."""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING

from flask import Flask, Request, Response, current_app, request, session
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user
from flask_wtf.csrf import CSRFError, CSRFProtect, validate_csrf
from wtforms import ValidationError

from transitmap import passwords, store
from webapp import db, limits
from webapp.errors import Problem

if TYPE_CHECKING:
    from transitmap.store import User

csrf = CSRFProtect()


class Rider(UserMixin):
    """The logged-in rider. Changing the password ends every session that was opened with the old one."""

    def __init__(self, user: User, login: str) -> None:
        self.user, self.login = user, login

    def get_id(self) -> str:
        """What the cookie holds: the secret of this browser and a fingerprint of the password's hash."""
        return f"{self.login}.{hashlib.sha256(self.user.password_hash.encode()).hexdigest()[:16]}"


class SessionCookie(SecureCookieSessionInterface):
    """Flask's signed cookie, marked Secure whenever the request itself came by https; then no other host
    and no http page can set one of its name (the prefix `__Host-`)."""

    def get_cookie_name(self, app: Flask) -> str:
        """The cookie's name."""
        name = super().get_cookie_name(app)
        return f"__Host-{name}" if request.is_secure else name

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """What the cookie holds; a device has none, so there is nothing to decipher."""
        if self.get_cookie_name(app) not in request.cookies:
            return self.session_class()
        return super().open_session(app, request)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Sets the cookie, where there is anything to say."""
        if session or session.accessed or session.modified:
            super().save_session(app, session, response)

    def get_cookie_secure(self, app: Flask) -> bool:
        """Whether browsers may send the cookie by https only."""
        return request.is_secure


def init_app(app: Flask) -> None:
    """Login by cookie, and a token in every form against forged requests."""
    app.session_interface = SessionCookie()
    csrf.init_app(app)
    manager = LoginManager(app)
    manager.session_protection = None  # phones change networks; the cookie is signed and HttpOnly
    manager.user_loader(_load)
    manager.unauthorized_handler(_unauthorized)


def _load(identity: str) -> Rider | None:
    login, _, _ = identity.partition(".")
    user = store.user_of_login(db.session(), login, time.time())
    rider = Rider(user, login) if user else None
    return rider if rider and rider.get_id() == identity else None


def _unauthorized() -> None:
    raise Problem("auth_required")


def me() -> User | None:
    """The rider whose page this is, None for a visitor."""
    return current_user.user if current_user.is_authenticated else None


def must_me() -> User:
    """The rider whose page this is.

    Raises:
        Problem: `auth_required`, a visitor asks.
    """
    user = me()
    if user is None:
        raise Problem("auth_required")
    return user


def open_session(user: User) -> None:
    """Logs this browser in; whatever the visitor's session held is thrown away."""
    session.clear()
    session.permanent = True
    login_user(Rider(user, store.open_login(db.session(), user.id, time.time())))
    db.commit()


def close_session() -> None:
    """Logs this browser out, and whoever copied its cookie."""
    if current_user.is_authenticated:
        store.close_login(db.session(), current_user.login)
        db.commit()
    logout_user()
    session.clear()


def user_with_password(name: str, password: str) -> User | None:
    """The rider of that name and password; a wrong name takes as long as a wrong password.

    Raises:
        Problem: `too_many_requests` of one name or from one network, whether there is such a rider or not.
    """
    limits.take_network("log_ins")
    limits.take("log_ins_a_name", store.name_key(name))
    user = store.user_by_name(db.session(), name)
    db.commit()  # a slow hash must not keep writers waiting
    is_right = passwords.check_password(user.password_hash if user else "", password)
    return user if is_right else None


def uploader() -> User:
    """Who sends this upload: the device of a Bearer token, else the logged-in rider.

    Raises:
        Problem: `auth_required`, neither is there.
    """
    token = _device_token()
    user = me() if token is None else store.user_of_token(db.session(), token, time.time())
    if user is None:
        raise Problem("auth_required")
    return user


def sender() -> store.Sender | None:
    """The device of a Bearer token; None where there is no such token in the request.

    Raises:
        Problem: `auth_required`, there is one that opens nothing.
    """
    token = _device_token()
    known = store.sender_of_token(db.engine(), token, time.time()) if token is not None else None
    if token is not None and known is None:
        raise Problem("auth_required")
    return known


def _device_token() -> str | None:
    scheme, _, plain = request.headers.get("Authorization", "").partition(" ")
    return plain.strip() if scheme.lower() == "bearer" else None


def check_form_token(token: str | None) -> None:
    """Refuses a request that a foreign page made this browser send; a device's token needs none.

    Raises:
        CSRFError: the token is missing, old or foreign.
    """
    if _device_token() is not None or not current_app.config["WTF_CSRF_ENABLED"]:
        return
    try:
        validate_csrf(token or request.headers.get("X-CSRFToken"))
    except ValidationError as error:
        raise CSRFError(error.args[0]) from error
