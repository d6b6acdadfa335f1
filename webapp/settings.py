"""Where the service keeps things: read from the environment once, at start."""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from transitmap.config import Config, load_config, server_defaults
from transitmap.errors import ConfigError

VAR = Path("var")


@dataclass(frozen=True)
class Settings:
    """What one installation is made of.

    `secret_key` signs sessions. `n_proxies` is how many reverse proxies stand in front: only that many
    forwarded headers are believed. `hosts` are the names that the service answers to, all where none is
    given.
    """

    database_url: str
    archive_url: str
    secret_key: str = field(repr=False)
    config: Config = field(default_factory=server_defaults)
    n_proxies: int = 0
    hosts: tuple[str, ...] = ()


def settings_from_environment(environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings that TRANSITMAP_* variables name; without them everything is under var/.

    Raises:
        ConfigError: the campaign file cannot be used, or a number is none.
    """
    config_path = environment.get("TRANSITMAP_CONFIG")
    return Settings(
        database_url=environment.get("TRANSITMAP_DATABASE_URL") or f"sqlite:///{VAR / 'transitmap.sqlite'}",
        archive_url=environment.get("TRANSITMAP_ARCHIVE_URL") or str(VAR / "archive"),
        secret_key=keep_secret(VAR / "secret"),
        config=load_config(Path(config_path) if config_path else None, server_defaults()),
        hosts=tuple(environment.get("TRANSITMAP_HOSTS", "").replace(",", " ").split()),
        n_proxies=_whole_number("TRANSITMAP_PROXIES", environment.get("TRANSITMAP_PROXIES", "0")),
    )


def keep_secret(path: Path) -> str:
    """The secret in the file; on first start a new one of 256 bits that only this user can read.

    It is on the disk before it is used: after a power cut an empty file would sign everybody's sessions with
    nothing. An empty one, of a start that was cut off, is none. Of two that start at once one makes it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(handle, "r+", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if not (secret := file.read().strip()):
            secret = secrets.token_urlsafe(32)
            file.write(secret)
            file.flush()
            os.fsync(file.fileno())
    return secret


def _whole_number(name: str, text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise ConfigError(name, text, "must be a whole number")
    return int(text)
