"""Settings are refused when they are read, with their name, value and rule; not hours later."""

import dataclasses
import math

import pytest

from transitmap.config import RULES, Config, load_config, override, rule_of, server_defaults
from transitmap.errors import ConfigError

DEFAULTS = [
    (stage.name, column.name, getattr(getattr(Config(), stage.name), column.name))
    for stage in dataclasses.fields(Config)
    for column in dataclasses.fields(getattr(Config(), stage.name))
]
WRONG = [
    ("collect", "trim_m", -5.0, "from 0"),
    ("collect", "max_past_years", -1.0, "from 0"),
    ("collect", "max_members", -1, "at least 0"),
    ("collect", "max_member_bytes", 0, "at least 1"),
    ("collect", "max_depth", 4, "at least 5"),
    ("collect", "min_fixes", 1, "at least 2"),
    ("collect", "area", "19,-99,20", "south,west,north,east"),
    ("collect", "area", "20,-99,19,-98", "south,west,north,east"),
    ("collect", "area", "19,-99,20,nan", "south,west,north,east"),
    ("legs", "window_s", 0, "above 0"),
    ("legs", "max_walk_m_s", -2.6, "above 0"),
    ("lines", "step_m", 0.0, "above 0"),
    ("lines", "step_m", 10**400, "at most"),
    ("stops", "bin_m", math.nan, "above 0"),
    ("stops", "bin_m", math.inf, "at most"),
    ("stops", "min_confidence", 1.01, "from 0 to 1"),
    ("stops", "apart_m", 0.0, "above 0"),
    ("copies", "share_same", -0.1, "from 0 to 1"),
    ("copies", "share_same", math.nan, "from 0 to 1"),
    ("shapes", "passes", 0, "at least 1"),
    ("feed", "min_riders", -3, "at least 1"),
    ("feed", "min_riders", 0, "at least 1"),
    ("feed", "valid_days", 0, "from 1"),
    ("feed", "valid_days", 10**9, "to 3650"),
    ("feed", "timezone", "Mars/X", "America/Mexico_City"),
    ("feed", "timezone", "America", "America/Mexico_City"),
    ("feed", "timezone", "../passwd", "America/Mexico_City"),
    ("feed", "lang", "español", "two small letters"),
    ("feed", "country", "Mexico", "two capitals"),
    ("feed", "agency_name", " ", "blank"),
    ("feed", "agency_url", "ftp://example.org", "http://"),
    ("feed", "licence_url", "https://", "http://"),
    ("feed", "contact_email", "nobody", "@"),
]
RIGHT = [
    ("collect", "trim_m", 0),
    ("collect", "max_past_years", 0.0),
    ("collect", "max_upload_bytes", 0),
    ("collect", "max_unpacked_bytes", 0),
    ("collect", "max_members", 0),
    ("collect", "min_reach_m", 0.0),
    ("collect", "area", "19.1,-99.4,19.6,-98.9"),
    ("stops", "min_confidence", 1),
    ("routes", "share_way_back", 0.0),
    ("feed", "min_riders", 1),
    ("feed", "timezone", ""),
    ("feed", "timezone", "America/Mexico_City"),
    ("feed", "country", "MX"),
    ("feed", "agency_url", "http://example.org"),
]


@pytest.mark.parametrize(("table", "key", "value", "rule"), WRONG)
def test_a_value_against_its_rule_is_refused_by_name(table, key, value, rule):
    with pytest.raises(ConfigError) as refused:
        override(Config(), {table: {key: value}})
    assert refused.value.name == f"{table}.{key}"
    assert refused.value.value is value
    assert rule in refused.value.rule


@pytest.mark.parametrize(("table", "key", "value"), RIGHT)
def test_the_ends_of_the_rules_are_allowed(table, key, value):
    found = getattr(getattr(override(Config(), {table: {key: value}}), table), key)
    assert found == value
    assert type(found) is type(getattr(getattr(Config(), table), key))


@pytest.mark.parametrize(("table", "key", "value"), DEFAULTS)
def test_every_setting_has_a_rule_and_its_default_keeps_it(table, key, value):
    assert rule_of(f"{table}.{key}").holds(value)


@pytest.mark.parametrize(("table", "key", "value"), [one for one in DEFAULTS if type(one[2]) is not str])
def test_no_number_may_be_below_0_and_no_length_endless(table, key, value):
    refused = [type(value)(-1)] if type(value) is int else [-1.0, math.nan, math.inf, -math.inf]
    for number in refused:
        with pytest.raises(ConfigError, match=rf"^{table}\.{key} = "):
            override(Config(), {table: {key: number}})


def test_no_rule_is_without_a_setting():
    used = {id(rule_of(f"{table}.{key}")) for table, key, _ in DEFAULTS}
    assert [rule.names for rule in RULES if id(rule) not in used] == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("[legs]\nwindow_s = 0\n", "legs.window_s"),
        ("[stops]\nbin_m = nan\n", "stops.bin_m"),
        ("[stops]\nbin_m = true\n", "stops.bin_m"),
        ("[stops]\nmin_rating = '2'\n", "stops.min_rating"),
        ("[stops]\nbin_metres = 4\n", "stops.bin_metres"),
        ("[stop]\nbin_m = 4\n", "stop"),
        ("stops = 4\n", "stops"),
        ("[stops\n", "config"),
        ("[lines]\nstep_m = " + "9" * 5000 + "\n", "config"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused(tmp_path, text, name):
    (tmp_path / "c.toml").write_text(text)
    with pytest.raises(ConfigError) as refused:
        load_config(tmp_path / "c.toml")
    assert refused.value.name == name


def test_a_file_changes_what_it_names_and_nothing_else(tmp_path):
    (tmp_path / "c.toml").write_text("[lines]\nstep_m = 20\n[feed]\ntimezone = 'America/Mexico_City'\n")
    config = load_config(tmp_path / "c.toml", server_defaults())
    assert (config.lines.step_m, config.feed.timezone) == (20.0, "America/Mexico_City")
    assert (config.feed.min_riders, config.collect.trim_m) == (3, 100.0)
    changed = {"collect", "lines", "feed"}
    for stage in dataclasses.fields(Config):
        same = getattr(config, stage.name) == getattr(Config(), stage.name)
        assert same is (stage.name not in changed), stage.name
