from __future__ import annotations

import copy
import tomllib
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from transitmap.errors import ConfigError
from transitmap.model import DETECTORS
from transitmap.points.rules import load_rules, parse_rules

TABLES = tomllib.loads(
    resources.files("transitmap.points").joinpath("rules.toml").read_text(encoding="utf-8")
)


def test_the_published_rules_are_the_ones_promised() -> None:
    rules = load_rules()
    assert rules.version == TABLES["version"]
    assert rules.millipoints_per_km == 10_000
    assert rules.observer_weights == (1000, 800, 400)


def test_rules_of_a_campaign_come_from_its_own_file(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    text = resources.files("transitmap.points").joinpath("rules.toml").read_text(encoding="utf-8")
    path.write_text(text.replace('version = "2026.3"', 'version = "mine"').replace("= 10.0", "= 12.5", 1))
    rules = load_rules(path)
    assert (rules.version, rules.millipoints_per_km) == ("mine", 12_500)


@pytest.mark.parametrize("text", ["version = ", "", 'version = "1"', "\x00", 'version = "1"\npay = 3'])
def test_a_file_that_is_no_set_of_rules(tmp_path: Path, text: str) -> None:
    path = tmp_path / "rules.toml"
    path.write_text(text)
    with pytest.raises(ConfigError):
        load_rules(path)


def test_a_missing_file_is_a_bad_setting(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.toml"):
        load_rules(tmp_path / "nowhere.toml")


@pytest.mark.parametrize(
    ("table", "key", "value"),
    [
        ("pay", "points_per_km", 0),
        ("pay", "points_per_km", -1.0),
        ("pay", "points_per_km", "ten"),
        ("pay", "points_per_km", True),
        ("pay", "points_per_km", float("nan")),
        ("pay", "points_per_km", float("inf")),
        ("pay", "observer_weights", []),
        ("pay", "observer_weights", 1.0),
        ("pay", "observer_weights", [1.0, "half"]),
        ("pay", "observer_weights", [0.4, 0.8]),
        ("pay", "observer_weights", [1.2]),
        ("pay", "max_points_per_day", 0),
        ("confirm", "provisional", 1.1),
        ("confirm", "voices", 0),
        ("confirm", "voices", 2.0),
        ("confirm", "voices", True),
        ("fresh", "after_days", 91),
        ("mission", "max_bonus", 0.9),
        ("mission", "max_bonus", 6.0),
        ("equity", "max_weight", "much"),
        ("label", "max_per_ride", -1),
        ("pay", "observer_weights", [1.0, 0.0]),
        ("pay", "min_segment_m", 0),
        ("pay", "min_segment_m", 101),
        ("pay", "bonus", 1),
        ("segment", "length_m", 0),
        ("segment", "near_m", float("nan")),
        ("quality", "unknown_accuracy", 1.1),
        ("quality", "unknown_accuracy", float("nan")),
        ("quality", "max_interval_s", None),
        ("suspicion", "shadow", "copy"),
        ("suspicion", "shadow", ["copies"]),
        ("suspicion", "shadow", ["claimed_check"]),
        ("suspicion", "shadow", [1]),
        ("suspicion", "hard", []),
    ],
)
def test_numbers_that_make_no_sense_are_refused(table: str, key: str, value: Any) -> None:
    tables = copy.deepcopy(TABLES)
    tables[table][key] = value
    with pytest.raises(ConfigError, match=table):
        parse_rules(tables)


@pytest.mark.parametrize("version", ["", 3, "x" * 65])
def test_rules_need_a_version(version: Any) -> None:
    with pytest.raises(ConfigError, match="version"):
        parse_rules(TABLES | {"version": version})


def test_an_unknown_table_or_a_missing_key_is_refused() -> None:
    with pytest.raises(ConfigError, match="luck"):
        parse_rules(TABLES | {"luck": {}})
    without = copy.deepcopy(TABLES)
    del without["pay"]["points_per_km"]
    with pytest.raises(ConfigError, match="points_per_km"):
        parse_rules(without)


def test_rules_from_before_there_was_a_shadow_have_nothing_in_it() -> None:
    before = {name: table for name, table in TABLES.items() if name != "suspicion"}
    assert parse_rules(before) == parse_rules(TABLES) == load_rules()
    assert parse_rules(before).shadow == ()


def test_rules_name_what_they_put_in_shadow() -> None:
    rules = parse_rules(TABLES | {"suspicion": {"shadow": ["jump", "copy", "jump"]}})
    assert rules.shadow == ("copy", "jump")
    assert rules.measure == load_rules().measure
    with pytest.raises(ConfigError, match=", ".join(DETECTORS)):
        parse_rules(TABLES | {"suspicion": {"shadow": ["cpoy"]}})
    with pytest.raises(ConfigError, match="shadow"):
        parse_rules(TABLES | {"suspicion": {}})
