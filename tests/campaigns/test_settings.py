from __future__ import annotations

import datetime
import tomllib
from importlib import resources
from zoneinfo import ZoneInfo

import pytest

from transitmap.campaigns.settings import check_settings, read_settings
from transitmap.errors import ConfigError
from transitmap.points.rules import published_text

MEXICO = "America/Mexico_City"
RULES = published_text()
PRIZES = resources.files("transitmap.points").joinpath("prizes.toml").read_text(encoding="utf-8")
VERSION = tomllib.loads(RULES)["version"]
TOLD = {
    "slug": "rutas-2027",
    "name_es": "Rutas que faltan",
    "name_en": "The missing routes",
    "first_day": "2027-01-29",
    "last_day": "2027-02-14",
    "area": "19.0, -99.4, 19.6, -98.9",
    "locale": "es_MX",
    "currency": "MXN",
    "budget": "170,000.50",
}
FILE = """
slug = "rutas-2027"
name_es = "Rutas que faltan"
name_en = "The missing routes"
first_day = 2027-01-29
last_day = 2027-02-14
area = "19.0,-99.4,19.6,-98.9"
locale = "es_MX"
currency = "MXN"
budget = 170000.50
"""


def checked(rules: str = "", prizes: str = "", zone: str = MEXICO, **more: str):
    return check_settings(TOLD | more, zone, rules, prizes, RULES)


def test_both_days_count_whole_on_the_citys_clock():
    settings = checked()
    first = datetime.datetime.fromtimestamp(settings.opens_s, ZoneInfo(MEXICO))
    after = datetime.datetime.fromtimestamp(settings.closes_s, ZoneInfo(MEXICO))
    assert (first.isoformat(), after.isoformat()) == (
        "2027-01-29T00:00:00-06:00",
        "2027-02-15T00:00:00-06:00",
    )
    assert settings.closes_s - settings.opens_s == 17 * 86_400
    assert (settings.area, settings.budget_centavos) == ("19.0,-99.4,19.6,-98.9", 17_000_050)
    assert (settings.rules_version, settings.rules_toml, settings.prizes_toml) == (VERSION, RULES, PRIZES)


def test_a_day_on_which_clocks_change_has_its_own_length():
    settings = checked(zone="Europe/Madrid", first_day="2027-03-28", last_day="2027-03-28")
    assert settings.closes_s - settings.opens_s == 23 * 3600


def test_a_file_and_a_form_say_the_same():
    assert read_settings(FILE, MEXICO, "", "", RULES) == checked()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("slug", "Rutas 2027"),
        ("slug", "../x"),
        ("slug", "r"),
        ("slug", "new"),
        ("name_es", ""),
        ("name_en", "two\nlines"),
        ("first_day", "mañana"),
        ("last_day", "2027-01-28"),
        ("last_day", "2029-01-28"),
        ("area", "19.6,-99.4,19.0,-98.9"),
        ("area", "somewhere"),
        ("locale", "fr"),
        ("currency", "pesos"),
        ("budget", "-1"),
        ("budget", "0.005"),
        ("budget", "NaN"),
        ("budget", "Infinity"),
        ("budget", "lots"),
        ("budget", "1e15"),
    ],
)
def test_a_value_that_breaks_its_rule_is_refused_by_its_name(name: str, value: str):
    with pytest.raises(ConfigError) as refused:
        checked(**{name: value})
    assert refused.value.name == name


@pytest.mark.parametrize("change", [{"slogan": "x"}, {"slug": None}])
def test_unknown_and_missing_settings_are_refused(change: dict[str, str | None]):
    told = {key: value for key, value in (TOLD | change).items() if value is not None}
    with pytest.raises(ConfigError, match="unknown|missing"):
        check_settings(told, MEXICO, "", "", RULES)


def test_rules_may_pay_otherwise_under_a_version_of_their_own():
    other = RULES.replace("points_per_km = 10.0", "points_per_km = 20.0")
    assert other != RULES
    with pytest.raises(ConfigError, match="version of other rules"):
        checked(rules=other)
    mine = other.replace(f'version = "{VERSION}"', 'version = "rutas-1"')
    assert checked(rules=mine).rules_version == "rutas-1"
    assert checked(rules=mine).rules_toml == mine.strip()


@pytest.mark.parametrize(
    ("here", "there"),
    [
        ("length_m = 100.0", "length_m = 50.0"),
        ("full_interval_s = 5.0", "full_interval_s = 9.0"),
        ("min_segment_m = 20.0", "min_segment_m = 21.0"),
    ],
)
def test_rules_may_not_measure_otherwise(here: str, there: str):
    other = RULES.replace(here, there).replace(f'version = "{VERSION}"', 'version = "rutas-1"')
    assert other.count(there) == 1
    with pytest.raises(ConfigError, match="must measure as the installation"):
        checked(rules=other)


@pytest.mark.parametrize("given", [{"rules": "version = "}, {"prizes": "= 3"}, {"prizes": "#" * 20_001}])
def test_what_is_no_toml_is_refused(given: dict[str, str]):
    with pytest.raises(ConfigError) as refused:
        checked(**given)
    assert refused.value.name in given


def test_prizes_are_kept_as_they_were_told_once_they_can_be_used():
    told = PRIZES.replace("least_points = ", "least_points = 1")
    assert checked(prizes=f"\n{told}\n").prizes_toml == told.strip() != PRIZES.strip()
    with pytest.raises(ConfigError, match="unknown") as refused:
        checked(prizes=PRIZES + "\n[lottery]\nn = 100")
    assert refused.value.name == "prizes"


def test_without_prizes_those_that_are_published_hold_where_there_is_money():
    assert checked().prizes_toml == PRIZES
    assert checked(budget="0").prizes_toml == ""
