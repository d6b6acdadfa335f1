"""A TOML document -> whether it has exactly the tables, keys and kinds of numbers that are read of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeGuard

from transitmap.errors import ConfigError


def check_keys(name: str, tables: Mapping[str, Any], expected: Mapping[str, set[str]]) -> None:
    """A setting nobody reads would be a promise nobody keeps. Beside its tables a document has a `version`
    where `expected` names one without keys.

    Raises:
        ConfigError: a table or a key is missing, is unknown, or is no table.
    """
    _same(name, set(tables), set(expected))
    for table, need in expected.items():
        if not need:
            continue
        if not isinstance(tables[table], dict):
            raise ConfigError(table, tables[table], "must be a table")
        _same(table, set(tables[table]), need)


def is_number(value: object) -> TypeGuard[int | float]:
    """Whole or not; true and false are none, though Python counts with them."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_whole(value: object) -> TypeGuard[int]:
    """A number without a fraction."""
    return isinstance(value, int) and not isinstance(value, bool)


def _same(name: str, have: set[str], need: set[str]) -> None:
    if have != need:
        unknown, missing = sorted(have - need), sorted(need - have)
        raise ConfigError(name, unknown or missing, f"unknown {unknown}, missing {missing}")
