"""What verbs take and where they write: the options that several share."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from transitmap.config import Config

FILE = click.Path(path_type=Path)


class OutFile(click.Path):
    """A file to write: that its folder is there is asked before the work, not after it."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path, or bad usage."""
        path: Path = Path(value)
        super().convert(value, param, ctx)
        if not path.parent.is_dir():
            self.fail(f"there is no folder {path.parent} to write {path.name} in", param, ctx)
        return path


OUT_FILE = OutFile(dir_okay=False, writable=True, path_type=Path)
RIDES = click.argument(
    "inputs", metavar="RIDES...", nargs=-1, required=True, type=click.Path(True, path_type=Path)
)
CONFIG = click.option(
    "--config", "config_path", envvar="TRANSITMAP_CONFIG", type=FILE, help="Settings of the campaign (TOML)."
)
JSON = click.option("--json", "as_json", is_flag=True, help="A summary that programs can read.")
JOBS = click.option(
    "--jobs", default=1, show_default=True, type=click.IntRange(1), help="Processes that work."
)
DATABASE = click.option(
    "--database-url",
    envvar="TRANSITMAP_DATABASE_URL",
    default="sqlite:///var/transitmap.sqlite",
    show_default=True,
    help="Where people, uploads and points are.",
)
ARCHIVE = click.option(
    "--archive-url",
    envvar="TRANSITMAP_ARCHIVE_URL",
    default="var/archive",
    show_default=True,
    help="Where raw uploads are: a folder, or what fsspec reads.",
)


def read_config(path: Path | None) -> Config:
    """The settings of a verb that works by files alone."""
    from transitmap.config import load_config

    return load_config(path)


def server_config(path: Path | None) -> Config:
    """The settings of a service: what a file does not say is as a server has it."""
    from transitmap.config import load_config, server_defaults

    return load_config(path, server_defaults())


def read_text(path: Path) -> str:
    """What a file says, or bad usage where it is no text."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise click.UsageError(f"{path}: is no text in UTF-8") from error


def write_whole(path: Path, body: bytes) -> None:
    """Writes a file so that its name never stands for half of it; a device (/dev/null) stays a device."""
    target = path.resolve()
    if target.exists() and not target.is_file():
        target.write_bytes(body)
        return
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        part.write_bytes(body)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
