"""Who wins what, by the database or by the books alone."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from transitmap.cli.opened import city_timezone, organiser_named
from transitmap.cli.options import ARCHIVE, CONFIG, DATABASE, JSON, server_config


@click.command()
@click.option("--campaign", "slug", default="", help="Which campaign, where there are several with prizes.")
@click.option(
    "--ledger", type=click.Path(True, dir_okay=False, path_type=Path), help="Books, instead of the database."
)
@click.option("--seed", "words", help="The words that the draw's seed is made of, once they are told.")
@click.option(
    "--hold", is_flag=True, help="Write the prizes of a closed campaign down: they wait for two people."
)
@click.option("--by", default="", help="The organiser whose decision --hold is.")
@click.option("--csv", "as_csv", is_flag=True, help="A table for spreadsheets.")
@DATABASE
@ARCHIVE
@CONFIG
@JSON
def prizes(
    slug: str,
    ledger: Path | None,
    words: str | None,
    hold: bool,
    by: str,
    as_csv: bool,
    database_url: str,
    archive_url: str,
    config_path: Path | None,
    as_json: bool,
) -> None:
    """Who wins what in a campaign: the same list from the database and from the books alone."""
    from transitmap import store
    from transitmap.books.lists import prizes_of_books, prizes_of_database

    if ledger is not None and hold:
        raise click.UsageError("--hold writes to the database, and --ledger reads none")
    if hold != bool(by):
        raise click.UsageError("--hold needs --by ORGANISER, and nothing else does")
    if ledger is not None:
        told = prizes_of_books(ledger, slug, words)
    else:
        holding = _holding(by, archive_url, config_path) if hold else None
        store.check_there(database_url)
        told = prizes_of_database(database_url, slug, words, holding)
    if as_json:
        click.echo(json.dumps(told.as_json(), ensure_ascii=False))
    else:
        click.echo(told.as_csv() if as_csv else "\n".join(told.described()), nl=not as_csv)


def _holding(by: str, archive_url: str, config_path: Path | None) -> Callable[[Any, Any, str], object]:
    """What writes a campaign's prizes down as an organiser's decision."""
    from transitmap import decided

    def hold(session: Any, campaign: Any, words: str) -> object:
        organiser = organiser_named(session, by)
        timezone = city_timezone(session, archive_url, server_config(config_path))
        return decided.hold(session, campaign, words, organiser, time.time(), timezone)

    return hold
