"""What every template can say: who reads it, and numbers, days and times as the reader writes them."""

from __future__ import annotations

import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel.numbers import format_decimal
from flask import Flask, g
from flask_babel import format_currency, format_date, format_datetime, get_locale, ngettext

from webapp import auth, language, published, words


def init_app(app: Flask) -> None:
    """Filters and names of all templates."""
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters.update(
        number=lambda value: _number(round(value), None, _locale()),
        decimal=lambda value: _number(round(value, 1) + 0, "#,##0.0", _locale()),
        members=lambda n: _members(n, _locale()),
        trips=lambda n: _trips(n, _locale()),
        currency=lambda value, code: format_currency(value, code),
        moment=_moment,
        first_capital=lambda text: text[:1].upper() + text[1:],
        day=lambda time_s: format_date(_local(time_s).date(), "medium"),
        month=lambda first: format_date(first, "MMMM 'de' y" if language.language() == "es_MX" else "MMMM y"),
        isoday=lambda text: format_date(datetime.date.fromisoformat(text), "medium") if text else "",
    )
    app.context_processor(
        lambda: {
            "me": auth.me(),
            "word": words.sentence,
            "told": words.told,
            "is_told": words.is_told,
            "dropped_word": words.dropped,
            "day_names": words.DAYS,
            "severities": words.SEVERITIES,
            "silence_min": round(app.extensions["transitmap_settings"].config.live.silence_s / 60),
            "min_riders": app.extensions["transitmap_settings"].config.feed.min_riders,
        }
    )


def _local(time_s: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(time_s, ZoneInfo(published.timezone()))


def _locale() -> str:
    """What a request is answered in, asked once: to ask Babel costs more than to write a number."""
    if "page_locale" not in g:
        g.page_locale = str(get_locale())
    return str(g.page_locale)


@lru_cache(maxsize=4096)
def _members(n: int, locale: str) -> str:
    """How many members, in the language of this moment, which is `locale`."""
    return str(ngettext("%(num)s member", "%(num)s members", n))


@lru_cache(maxsize=4096)
def _trips(n: int, locale: str) -> str:
    """How many trips, in the same way."""
    return str(ngettext("%(num)s trip", "%(num)s trips", n))


@lru_cache(maxsize=4096)
def _number(value: float, pattern: str | None, locale: str) -> str:
    """A number in a language; a board asks for the same 150 again and again."""
    return format_decimal(value, format=pattern, locale=locale)


def _moment(time_s: float) -> str:
    """A day and a time on the city's clock."""
    return format_datetime(_local(time_s), "d MMM y, HH:mm", rebase=False)
