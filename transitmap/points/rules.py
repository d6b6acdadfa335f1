"""Rules are data: reads `rules.toml` (the published ones stand beside this file) strictly."""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path
from typing import Any

from transitmap.errors import ConfigError
from transitmap.model import DETECTORS, Rules
from transitmap.strict_toml import check_keys, is_number, is_whole

POSITIVE = {
    "pay": ("points_per_km", "max_points_per_day"),
    "segment": ("length_m", "near_m"),
    "quality": ("full_interval_s", "max_interval_s", "full_accuracy_m", "max_accuracy_m"),
    "label": ("points",),
    "review": ("points",),
}
SHARES = {
    "confirm": ("provisional", "min_outside"),
    "fresh": ("full_share",),
    "quality": ("unknown_accuracy",),
}
WHOLE = {
    "confirm": ("voices", "group_max"),
    "fresh": ("after_days", "full_days"),
    "label": ("max_per_ride",),
    "review": ("max_per_day",),
}
AMOUNTS = {"confirm": ("trust_points",)}
FACTORS = {"mission": ("max_bonus",), "equity": ("max_weight",)}
LISTS = {"pay": ("observer_weights", "min_segment_m"), "suspicion": ("shadow",)}
MAX_FACTOR = 5.0


def load_rules(path: Path | None = None) -> Rules:
    """The rules in a TOML file, or the ones that come with transitmap.

    Raises:
        ConfigError: the file is no TOML, lacks a rule, has an unknown one, or a number makes no sense.
    """
    try:
        text = published_text() if path is None else path.read_text(encoding="utf-8")
        return parse_rules(tomllib.loads(text))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError("rules", "" if path is None else path.name, f"no TOML: {error}") from error


def published_text() -> str:
    """The rules that come with transitmap, as TOML."""
    return resources.files("transitmap.points").joinpath("rules.toml").read_text(encoding="utf-8")


def parse_rules(tables: dict[str, Any]) -> Rules:
    """The rules as read from TOML, every key checked.

    Raises:
        ConfigError: as `load_rules`.
    """
    tables = whole(tables)
    _check_keys(tables)
    version = tables["version"]
    if not isinstance(version, str) or not 1 <= len(version) <= 64:
        raise ConfigError("version", version, "must be a text of 1 to 64 characters")
    _check_numbers(tables)
    _check_together(tables)
    shadow = _detectors(tables["suspicion"]["shadow"])
    return Rules(version=version, shadow=shadow, **_paying(tables), **_measuring(tables))


def whole(tables: dict[str, Any]) -> dict[str, Any]:
    """The same rules with what those leave out that were written before they could say it: no shadow."""
    return tables if "suspicion" in tables else tables | {"suspicion": {"shadow": []}}


def _paying(tables: dict[str, Any]) -> dict[str, Any]:
    """What a campaign may decide."""
    pay, confirm, fresh = tables["pay"], tables["confirm"], tables["fresh"]
    return {
        "millipoints_per_km": round(pay["points_per_km"] * 1000),
        "observer_weights": _weights(pay["observer_weights"]),
        "max_millipoints_per_day": round(pay["max_points_per_day"] * 1000),
        "provisional_permille": round(confirm["provisional"] * 1000),
        "confirm_voices": confirm["voices"],
        "group_max": confirm["group_max"],
        "outside_permille": round(confirm["min_outside"] * 1000),
        "trust_millipoints": round(confirm["trust_points"] * 1000),
        "fresh_after_days": fresh["after_days"],
        "fresh_full_days": fresh["full_days"],
        "fresh_permille": round(fresh["full_share"] * 1000),
        "mission_permille": round(tables["mission"]["max_bonus"] * 1000),
        "equity_permille": round(tables["equity"]["max_weight"] * 1000),
        "label_millipoints": round(tables["label"]["points"] * 1000),
        "labels_per_ride": tables["label"]["max_per_ride"],
        "review_millipoints": round(tables["review"]["points"] * 1000),
        "reviews_per_day": tables["review"]["max_per_day"],
    }


def _measuring(tables: dict[str, Any]) -> dict[str, Any]:
    """What must be the same for all campaigns of an installation."""
    pay, segment, quality = tables["pay"], tables["segment"], tables["quality"]
    return {
        "min_segment_m": float(pay["min_segment_m"]),
        "segment_m": float(segment["length_m"]),
        "near_m": float(segment["near_m"]),
    } | {name: float(quality[name]) for name in (*POSITIVE["quality"], *SHARES["quality"])}


def _check_keys(tables: dict[str, Any]) -> None:
    expected: dict[str, set[str]] = {"version": set()}
    for group in (POSITIVE, SHARES, WHOLE, AMOUNTS, FACTORS, LISTS):
        for name, keys in group.items():
            expected.setdefault(name, set()).update(keys)
    check_keys("rules", tables, expected)


def _check_numbers(tables: dict[str, Any]) -> None:
    for group, low, high, is_open in (
        (POSITIVE, 0, 1e6, True),
        (SHARES, 0, 1, False),
        (WHOLE, 0, 10_000, False),
        (AMOUNTS, 0, 1e6, False),
        (FACTORS, 1, MAX_FACTOR, False),
    ):
        for name, keys in group.items():
            for key in keys:
                value = tables[name][key]
                if not (is_whole(value) if group is WHOLE else is_number(value)):
                    kind = "whole number" if group is WHOLE else "number"
                    raise ConfigError(f"{name}.{key}", value, f"must be a {kind}")
                if not low <= value <= high or (is_open and value == low):
                    words = "above" if is_open else "from"
                    raise ConfigError(f"{name}.{key}", value, f"must be {words} {low} to {high:.0f}")


def _check_together(tables: dict[str, Any]) -> None:
    """What a number says about another."""
    least_m, length_m = tables["pay"]["min_segment_m"], tables["segment"]["length_m"]
    if not is_number(least_m) or not 0 < least_m <= length_m:
        raise ConfigError("pay.min_segment_m", least_m, f"must be above 0, at most {length_m}")
    if tables["confirm"]["voices"] < 1:
        raise ConfigError("confirm.voices", tables["confirm"]["voices"], "must be at least 1")
    after, full = tables["fresh"]["after_days"], tables["fresh"]["full_days"]
    if not 1 <= after <= full:
        raise ConfigError("fresh.after_days", after, f"must be from 1 to full_days, {full}")


def _weights(given: Any) -> tuple[int, ...]:
    """Thousandths. They may not rise: to come later must never pay better."""
    if not isinstance(given, list) or not given or not all(is_number(weight) for weight in given):
        raise ConfigError("pay.observer_weights", given, "must be a list of numbers")
    if not all(1 >= a >= b > 0 for a, b in zip(given, given[1:] + given[-1:], strict=True)):
        raise ConfigError("pay.observer_weights", given, "must be from 1 down to above 0, never rising")
    return tuple(round(weight * 1000) for weight in given)


def _detectors(given: Any) -> tuple[str, ...]:
    if not isinstance(given, list) or not set(map(str, given)) <= set(DETECTORS):
        raise ConfigError("suspicion.shadow", given, f"must be a list of some of {', '.join(DETECTORS)}")
    return tuple(sorted(set(map(str, given))))
