"""A campaign's settings, from a file or a form, checked: dates, area, rules, prizes, money, language."""

from __future__ import annotations

import datetime
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from transitmap.config import is_box
from transitmap.errors import ConfigError
from transitmap.points.prizes import parse_prize_rules, published_prizes
from transitmap.points.rules import parse_rules, whole

KEYS = ("slug", "name_es", "name_en", "first_day", "last_day", "area", "locale", "currency", "budget")
LOCALES = ("es_MX", "en")
MAX_DAYS = 366
MAX_CENTAVOS = 10**13
MAX_TOML_CHARS = 20_000


@dataclass(frozen=True)
class CampaignSettings:
    """What somebody decides before a campaign opens. `opens_s` and `closes_s` are midnights of the city."""

    slug: str
    name_es: str
    name_en: str
    area: str
    opens_s: float
    closes_s: float
    locale: str
    currency: str
    budget_centavos: int
    rules_version: str
    rules_toml: str
    prizes_toml: str


def read_settings(
    text: str,
    timezone: str,
    rules_toml: str,
    prizes_toml: str,
    own_rules_toml: str,
) -> CampaignSettings:
    """The settings in a TOML file, see `check_settings`.

    Raises:
        ConfigError: it is no TOML, or as `check_settings`.
    """
    try:
        table = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError("campaign", "", f"no TOML: {error}") from error
    told = {key: str(value) for key, value in table.items()}
    return check_settings(told, timezone, rules_toml, prizes_toml, own_rules_toml)


def check_settings(
    told: Mapping[str, str],
    timezone: str,
    rules_toml: str,
    prizes_toml: str,
    own_rules_toml: str,
) -> CampaignSettings:
    """The settings of a campaign out of what was told of KEYS, each as a text.

    Both days count whole, on the clock of `timezone`. Rules that are not given are the installation's own.
    Prizes that are not given are the published ones where there is a budget, and none without.

    Raises:
        ConfigError: a key is unknown or missing, or its value breaks its rule; `name` says which.
    """
    if set(told) != set(KEYS):
        unknown, missing = sorted(set(told) - set(KEYS)), sorted(set(KEYS) - set(told))
        raise ConfigError("campaign", unknown or missing, f"unknown {unknown}, missing {missing}")
    values = {key: value.strip() for key, value in told.items()}
    for key, rule in RULES.items():
        if not rule[1](values[key]):
            raise ConfigError(key, values[key], rule[0])
    opens_s, closes_s = _dates(values["first_day"], values["last_day"], timezone)
    rules_toml, budget_centavos = rules_toml.strip() or own_rules_toml, _centavos(values["budget"])
    return CampaignSettings(
        slug=values["slug"],
        name_es=values["name_es"],
        name_en=values["name_en"],
        area=values["area"].replace(" ", ""),
        opens_s=opens_s,
        closes_s=closes_s,
        locale=values["locale"],
        currency=values["currency"],
        budget_centavos=budget_centavos,
        rules_version=check_rules(rules_toml, own_rules_toml),
        rules_toml=rules_toml,
        prizes_toml=_prizes(prizes_toml.strip(), budget_centavos),
    )


def _is_name(text: str) -> bool:
    return 1 <= len(text) <= 120 and text.isprintable()


RULES: dict[str, tuple[str, Callable[[str], bool]]] = {
    "slug": (
        "must be 2 to 40 small letters, digits and hyphens, beginning with a letter, and not 'new'",
        lambda text: re.fullmatch(r"(?!new$)[a-z][a-z0-9-]{1,39}", text) is not None,
    ),
    "name_es": ("must be 1 to 120 printable characters", _is_name),
    "name_en": ("must be 1 to 120 printable characters", _is_name),
    "area": ("must be empty or south,west,north,east in degrees", lambda text: is_box(text.replace(" ", ""))),
    "locale": (f"must be one of {', '.join(LOCALES)}", lambda text: text in LOCALES),
    "currency": (
        "must be three capitals (ISO 4217)",
        lambda text: re.fullmatch("[A-Z]{3}", text) is not None,
    ),
}
"""What each text must be, in words and as a test. Days, money, rules and prizes are read instead."""


def _dates(first: str, last: str, timezone: str) -> tuple[float, float]:
    """Midnight before the first day and after the last, on the city's clock."""
    first_day, last_day = _day("first_day", first), _day("last_day", last)
    if not 0 <= (last_day - first_day).days < MAX_DAYS:
        raise ConfigError("last_day", last, f"must be from 0 to {MAX_DAYS - 1} days after {first}")
    zone, midnight = ZoneInfo(timezone), datetime.time()
    ends = first_day, last_day + datetime.timedelta(days=1)
    opens, closes = (datetime.datetime.combine(day, midnight, zone).timestamp() for day in ends)
    return opens, closes


def _day(name: str, text: str) -> datetime.date:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(name, text, "must be a day such as 2027-01-29") from error


def _centavos(text: str) -> int:
    """Hundredths of the currency; an amount that is no whole number of them is refused, never rounded."""
    try:
        centavos = Decimal(text.replace(",", "") or "0") * 100
        if centavos == centavos.to_integral_value() and 0 <= centavos <= MAX_CENTAVOS:
            return int(centavos)
    except InvalidOperation:
        pass
    raise ConfigError("budget", text, f"must be an amount from 0 to {MAX_CENTAVOS // 100}, two decimals")


def check_rules(rules_toml: str, own_rules_toml: str) -> str:
    """The version of rules that measure as the installation does, and are other rules only by another name.

    Raises:
        ConfigError: they cannot be used, measure otherwise, or share a version with what they are not.
    """
    tables, own_tables = _toml("rules", rules_toml), _toml("rules", own_rules_toml)
    rules, own = parse_rules(tables), parse_rules(own_tables)
    if rules.measure != own.measure:
        raise ConfigError("rules", rules.measure, f"must measure as the installation does: {own.measure}")
    if rules.version == own.version and whole(tables) != whole(own_tables):
        raise ConfigError(
            "rules", rules.version, "is the version of other rules: give these one of their own"
        )
    return rules.version


def _prizes(prizes_toml: str, budget_centavos: int) -> str:
    """The prizes as they were told, or as they are published where there is a budget for them.

    Raises:
        ConfigError: they cannot be used.
    """
    if not prizes_toml and budget_centavos:
        return published_prizes()
    if prizes_toml:
        try:
            parse_prize_rules(_toml("prizes", prizes_toml))
        except ConfigError as error:
            raise ConfigError("prizes", error.name, error.rule) from error
    return prizes_toml


def _toml(name: str, text: str) -> dict[str, Any]:
    if len(text) > MAX_TOML_CHARS:
        raise ConfigError(name, f"{len(text)} characters", f"must be at most {MAX_TOML_CHARS}")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(name, "", f"no TOML: {error}") from error
