"""The service: a thin door to transitmap. `create_app` makes one; importing this makes nothing."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from webapp.settings import Settings


def create_app(settings: Settings | None = None) -> Flask:
    """The application for these settings, or for those of the environment. The database must be upgraded.

    Raises:
        ConfigError: a setting makes no sense.
    """
    from transitmap.points.rules import load_rules
    from webapp import (
        api,
        auth,
        db,
        errors,
        headers,
        ingest,
        language,
        pages,
        recorder,
        static,
    )
    from webapp.settings import settings_from_environment

    settings = settings or settings_from_environment()
    app = errors.QuietFlask(__name__, static_folder=None)
    app.config.update(_flask_settings(settings))
    app.extensions |= {"transitmap_settings": settings, "transitmap_rules": load_rules()}
    _trust_proxies(app, settings.n_proxies)
    for part in (language, auth, pages, static, headers, recorder):
        part.init_app(app)
    db.init_app(app, settings.database_url, settings.archive_url)
    for noun in _nouns():
        app.register_blueprint(noun.blueprint)
    auth.csrf.exempt(ingest.blueprint)  # phones have no form; what a browser may send checks its origin
    api.init_app(app)
    errors.init_app(app)  # last: the OpenAPI library brings an error handler of its own
    return app


def _nouns() -> tuple[ModuleType, ...]:
    """The parts that answer under an address of their own."""
    from webapp import (
        accounts,
        appeals,
        campaigns,
        cards,
        feeds,
        help,
        home,
        ingest,
        missions,
        network,
        ogc,
        phones,
        privacy,
        recorder,
        review,
        rules,
        standings,
        teams,
        traces,
        winners,
    )

    return (
        home,
        accounts,
        ingest,
        phones,
        traces,
        standings,
        network,
        feeds,
        ogc,
        help,
        recorder,
        privacy,
        campaigns,
        missions,
        teams,
        appeals,
        review,
        winners,
        rules,
        cards,
    )


def _trust_proxies(app: Flask, n: int) -> None:
    """Takes the word of so many proxies for who asks and at which address."""
    from werkzeug.middleware.proxy_fix import ProxyFix

    if n:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=n, x_proto=n, x_host=n)


def _flask_settings(settings: Settings) -> dict[str, object]:
    from transitmap.store import LOGIN_S

    return {
        "SECRET_KEY": settings.secret_key,
        "TRUSTED_HOSTS": list(settings.hosts) or None,
        "SESSION_COOKIE_NAME": "transitmap",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "PERMANENT_SESSION_LIFETIME": int(LOGIN_S),
        "SESSION_REFRESH_EACH_REQUEST": False,  # an answer on its way would put an older session back
        "MAX_CONTENT_LENGTH": 256 * 1024,  # forms; uploads count their bytes themselves
        "MAX_FORM_MEMORY_SIZE": 64 * 1024,
        "MAX_FORM_PARTS": 20,
        "WTF_CSRF_TIME_LIMIT": 86_400,
        "API_TITLE": "transitmap",
        "API_VERSION": "v1",
        "OPENAPI_VERSION": "3.0.3",
        "OPENAPI_URL_PREFIX": "/api/v1",
        "OPENAPI_JSON_PATH": "openapi.json",
    }
