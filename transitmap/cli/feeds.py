"""The versions of the published feed: listed, and an earlier one shown again."""

from __future__ import annotations

import datetime
import json
import sys
from pathlib import Path
from typing import Any

import click

from transitmap.cli.opened import opened
from transitmap.cli.options import ARCHIVE, CONFIG, DATABASE, JSON, server_config


@click.group()
def feeds() -> None:
    """The versions of the published feed: listed, and an earlier one shown again."""


@feeds.command("list")
@DATABASE
@ARCHIVE
@JSON
def list_feeds(database_url: str, archive_url: str, as_json: bool) -> None:
    """Every version, newest first, and what changed; exit 1 where the one that holds ends soon."""
    from transitmap import versions
    from transitmap.archive import Archive

    today = datetime.datetime.now(datetime.UTC).date()
    with opened(database_url, write=False) as session:
        found = versions.history(session, Archive(archive_url), today)
    if as_json:
        click.echo(json.dumps(found))
    else:
        _tell_versions(found)
    sys.exit(1 if found["is_stale"] else 0)


def _tell_versions(found: dict[str, Any]) -> None:
    """A line a version, and under them what somebody must know."""
    for one in found["versions"]:
        counts = (f"{kind} {what} {n}" for kind, some in one["changes"].items() for what, n in some.items())
        words = ["withdrawn"] if one["is_withdrawn"] else []
        words += [f"brings back {one['restores']}"] if one["restores"] else []
        words += [*counts, *([one["note"]] if one["note"] else [])]
        click.echo(f"{one['id']}  {one['made']}  {one['rides']} rides  {', '.join(words)}".rstrip())
    if not found["versions"]:
        click.echo("0 versions: nothing is published yet")
        return
    if found["end_day"] is None and found["versions"][0]["is_withdrawn"]:
        click.echo("nothing is published any more: no line has riders enough since somebody was erased")
        return
    ridden = found["days_since_ride"]
    last = "nobody rode yet" if ridden is None else f"last ride {ridden} days ago"
    end_day, days = found["end_day"], found["days_left"] or 0
    ends = f"over since {end_day}, {-days} days ago" if days < 0 else f"good until {end_day}, for {days} days"
    click.echo(f"{ends}; {last}")
    if found["is_held"]:
        click.echo("an earlier version is held: no new feed before `transitmap feeds resume`")


@feeds.command()
@click.argument("version")
@click.option("--note", default="", help="Why, for those who read the list of versions.")
@DATABASE
@ARCHIVE
@CONFIG
def rollback(version: str, note: str, database_url: str, archive_url: str, config_path: Path | None) -> None:
    """Shows an earlier version again, as a new one, until `transitmap feeds resume`."""
    from transitmap import versions
    from transitmap.archive import Archive

    config, now = server_config(config_path), datetime.datetime.now(datetime.UTC)
    with opened(database_url) as session:
        archive = Archive(archive_url)
        held = versions.roll_back(session, archive, config, version, now.date(), now.timestamp(), note)
    click.echo(f"{held.id} holds: the feed of {held.restores}; no other is published before a resume")


@feeds.command()
@DATABASE
def resume(database_url: str) -> None:
    """Lets go of a version that was brought back: the next feed is made of all rides again."""
    from transitmap import versions

    with opened(database_url) as session:
        was_held = versions.resume(session)
    click.echo("new feeds are published again" if was_held else "no version was held")
