"""Which language a page speaks: ?lang=, then the rider's cookie, then the browser; es_MX first."""

from __future__ import annotations

from flask import Flask, Response, g, request
from flask_babel import Babel, get_locale

LANGUAGES = {"es_MX": "Español", "en": "English"}
SHORT = {"es": "es_MX", "es_MX": "es_MX", "es-MX": "es_MX", "en": "en"}
COOKIE = "lang"
ONE_YEAR_S = 365 * 86_400


def init_app(app: Flask) -> None:
    """Translations, and numbers and dates as the reader writes them."""
    Babel(
        app, locale_selector=_choose, default_locale="es_MX", default_translation_directories="translations"
    )
    app.after_request(_remember)
    app.context_processor(lambda: {"languages": LANGUAGES, "language": language(), "html_lang": _html_lang()})


def language() -> str:
    """`es_MX` or `en`."""
    chosen = str(get_locale())
    return chosen if chosen in LANGUAGES else "es_MX"


def _html_lang() -> str:
    return language().replace("_", "-")


def _choose() -> str:
    asked = SHORT.get(request.args.get("lang", "")) or SHORT.get(request.cookies.get(COOKIE, ""))
    if asked:
        return asked
    preferred = request.accept_languages.best_match(("es", "es-MX", "en"), default="es")
    return SHORT[preferred or "es"]


def _remember(response: Response) -> Response:
    asked = SHORT.get(request.args.get("lang", "")) if request.query_string else None
    if asked and g.get("remember_language", True):
        response.set_cookie(
            COOKIE, asked, max_age=ONE_YEAR_S, httponly=True, samesite="Lax", secure=request.is_secure
        )
    return response
