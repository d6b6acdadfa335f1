"""Rules are data: reads `rules.toml` (the published ones stand beside this file) strictly."""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path
from typing import Any

from transitmap.errors import ConfigError
from transitmap.model import Rules

POSITIVE = {
    "pay": ("points_per_km",),
    "segment": ("length_m", "near_m"),
    "quality": ("full_interval_s", "max_interval_s", "full_accuracy_m", "max_accuracy_m"),
}
SHARES = {"pay": ("min_segment_m",), "quality": ("unknown_accuracy",)}
LISTS = {"pay": ("observer_weights",)}


def load_rules(path: Path | None = None) -> Rules:
    """The rules in a TOML file, or the ones that come with transitmap.

    Raises:
        ConfigError: the file is no TOML, lacks a rule, has an unknown one, or a number makes no sense.
    """
    try:
        text = _published() if path is None else path.read_text(encoding="utf-8")
        return parse_rules(tomllib.loads(text))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError("rules", "" if path is None else path.name, f"no TOML: {error}") from error


def _published() -> str:
    return resources.files("transitmap.points").joinpath("rules.toml").read_text(encoding="utf-8")


def parse_rules(tables: dict[str, Any]) -> Rules:
    """The rules as read from TOML, every key checked.

    Raises:
        ConfigError: as `load_rules`.
    """
    _check_keys(tables)
    version = tables["version"]
    if not isinstance(version, str) or not 1 <= len(version) <= 64:
        raise ConfigError("version", version, "must be a text of 1 to 64 characters")
    pay, segment, quality = tables["pay"], tables["segment"], tables["quality"]
    _check_numbers(tables)
    return Rules(
        version=version,
        millipoints_per_km=round(pay["points_per_km"] * 1000),
        observer_weights=_weights(pay["observer_weights"]),
        min_segment_m=float(pay["min_segment_m"]),
        segment_m=float(segment["length_m"]),
        near_m=float(segment["near_m"]),
        full_interval_s=float(quality["full_interval_s"]),
        max_interval_s=float(quality["max_interval_s"]),
        full_accuracy_m=float(quality["full_accuracy_m"]),
        max_accuracy_m=float(quality["max_accuracy_m"]),
        unknown_accuracy=float(quality["unknown_accuracy"]),
    )


def _check_keys(tables: dict[str, Any]) -> None:
    """Exactly the tables and keys there are: a rule nobody reads would be a promise nobody keeps."""
    expected = {name: set[str]() for name in ("pay", "segment", "quality")}
    for group in (POSITIVE, SHARES, LISTS):
        for name, keys in group.items():
            expected[name] |= set(keys)
    _same("rules", set(tables), {"version", *expected})
    for name, need in expected.items():
        if not isinstance(tables[name], dict):
            raise ConfigError(name, tables[name], "must be a table")
        _same(name, set(tables[name]), need)


def _same(name: str, have: set[str], need: set[str]) -> None:
    if have != need:
        unknown, missing = sorted(have - need), sorted(need - have)
        raise ConfigError(name, unknown or missing, f"unknown {unknown}, missing {missing}")


def _check_numbers(tables: dict[str, Any]) -> None:
    for name, keys in POSITIVE.items():
        for key in keys:
            if not _is_number(tables[name][key]) or not 0 < tables[name][key] <= 1e6:
                raise ConfigError(
                    f"{name}.{key}", tables[name][key], "must be a number above 0, at most 1000000"
                )
    quality, pay, length_m = tables["quality"], tables["pay"], tables["segment"]["length_m"]
    if not _is_number(quality["unknown_accuracy"]) or not 0 <= quality["unknown_accuracy"] <= 1:
        raise ConfigError("quality.unknown_accuracy", quality["unknown_accuracy"], "must be from 0 to 1")
    if not _is_number(pay["min_segment_m"]) or not 0 < pay["min_segment_m"] <= length_m:
        raise ConfigError("pay.min_segment_m", pay["min_segment_m"], f"must be above 0, at most {length_m}")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _weights(given: Any) -> tuple[int, ...]:
    """Thousandths. They may not rise: to come later must never pay better."""
    if not isinstance(given, list) or not given or not all(_is_number(weight) for weight in given):
        raise ConfigError("pay.observer_weights", given, "must be a list of numbers")
    if not all(1 >= a >= b > 0 for a, b in zip(given, given[1:] + given[-1:], strict=True)):
        raise ConfigError("pay.observer_weights", given, "must be from 1 down to above 0, never rising")
    return tuple(round(weight * 1000) for weight in given)
