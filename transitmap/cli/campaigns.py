"""Campaigns: made, taken through their life, reported, and their signed end."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import click

from transitmap.cli.opened import campaign_at, opened, organiser_named
from transitmap.cli.options import (
    ARCHIVE,
    CONFIG,
    DATABASE,
    JSON,
    OUT_FILE,
    read_text,
    server_config,
    write_whole,
)


@click.group()
def campaigns() -> None:
    """Games of their own: an area, dates, rules, prizes, and a signed end."""


@campaigns.command("new")
@click.argument("settings", type=click.Path(True, dir_okay=False, path_type=Path))
@click.option("--rules", type=click.Path(True, dir_okay=False, path_type=Path), help="Its rules (TOML).")
@click.option("--prizes", type=click.Path(True, dir_okay=False, path_type=Path), help="Its prizes (TOML).")
@DATABASE
@ARCHIVE
@CONFIG
def new_campaign(
    settings: Path,
    rules: Path | None,
    prizes: Path | None,
    database_url: str,
    archive_url: str,
    config_path: Path | None,
) -> None:
    """Makes a draft of a campaign out of its SETTINGS (TOML); nothing counts in it before it is opened."""
    from transitmap.archive import Archive
    from transitmap.campaigns import account, steps
    from transitmap.campaigns.settings import read_settings
    from transitmap.points.rules import published_text

    config = server_config(config_path)
    told, game, money = (read_text(one) if one else "" for one in (settings, rules, prizes))
    with opened(database_url) as session:
        timezone = account.timezone_of(session, Archive(archive_url), config)
        checked = read_settings(told, timezone, game, money, published_text())
        made = steps.make(session, checked, time.time())
        click.echo(f"draft {made.id}: {made.slug}, rules {made.rules_version}")


@campaigns.command("list")
@DATABASE
@JSON
def list_campaigns(database_url: str, as_json: bool) -> None:
    """Every campaign, the installation's own first: state, area, budget, riders, points."""
    from transitmap.campaigns import account

    with opened(database_url, write=False) as session:
        rows = account.told_of_all(session)
    if as_json:
        click.echo(json.dumps(rows))
        return
    for row in rows:
        money = f"{row['budget_centavos'] / 100:,.2f} {row['currency']}"
        where = row["area"] or "everywhere"
        told = f"{row['id']}  {row['slug']}  {row['state']}  {where}  {money}"
        click.echo(f"{told}  rules {row['rules_version'] or 'published'}  {row['riders']} riders")


def _step(name: str, told: str) -> None:
    """One verb for each step of a campaign's life: they differ in nothing but their name."""

    @campaigns.command(name, help=told)
    @click.argument("slug")
    @click.option("--by", "who", required=True, help="The organiser whose decision it is.")
    @click.option("--note", default="", help="Why, for those who read the ledger.")
    @click.option("--yes", is_flag=True, help="Do not ask; there is no way back.")
    @DATABASE
    @ARCHIVE
    @CONFIG
    def take(
        slug: str,
        who: str,
        note: str,
        yes: bool,
        database_url: str,
        archive_url: str,
        config_path: Path | None,
    ) -> None:
        from transitmap.archive import Archive
        from transitmap.campaigns import account, steps
        from transitmap.points.rules import published_text

        archive, config = Archive(archive_url), server_config(config_path)
        if not yes:
            with opened(database_url, write=False) as session:  # before anybody is asked about them
                organiser_named(session, who)
                campaign_at(session, slug)
            click.confirm(f"{name.capitalize()} {slug} for good?", abort=True)
        with opened(database_url) as session:
            organiser, campaign = organiser_named(session, who), campaign_at(session, slug)
            timezone = account.timezone_of(session, archive, config)
            done = steps.take_step(
                session, archive, campaign, name, organiser, time.time(), timezone, published_text(), note
            )
            click.echo(
                f"{done.slug} is {done.state}" + (done.snapshot_sha256 and f": {done.snapshot_sha256}")
            )


_step("open", "Opens a draft: from now on rides count in it, and neither rules nor prizes change.")
_step("freeze", "Ends the payment of new rides; reviews and confirmations go on.")
_step("close", "Writes and signs the final board; nothing can be changed after it.")


@campaigns.command("report")
@click.argument("slug")
@click.option("--out", required=True, type=OUT_FILE, help="The file to write: .html or .pdf.")
@click.option("--lang", type=click.Choice(["es", "en"]), help="The language, else the campaign's.")
@DATABASE
@ARCHIVE
@CONFIG
def report_campaign(
    slug: str,
    out: Path,
    lang: str | None,
    database_url: str,
    archive_url: str,
    config_path: Path | None,
) -> None:
    """Writes what a campaign mapped, what that cost, and what is still unknown."""
    from transitmap.archive import Archive
    from transitmap.campaigns import account, report

    writers = {".html": report.write_html, ".pdf": report.write_pdf}
    if (suffix := out.suffix.lower()) not in writers:
        raise click.UsageError(f"{out.name}: must end in {' or '.join(writers)}")
    archive, config = Archive(archive_url), server_config(config_path)
    with opened(database_url, write=False) as session:
        campaign = campaign_at(session, slug)
        locale = {"es": "es_MX", "en": "en"}[lang] if lang else campaign.locale
        timezone = account.timezone_of(session, archive, config)
        told = account.account_of(session, archive, campaign, config, timezone, locale, time.time())
        body = writers[suffix](told, account.voice_of(campaign, locale, timezone))
    write_whole(out, body)
    click.echo(f"{out}: {told.mapped.n_confirmed} of {told.mapped.n_directions} directions confirmed")


@campaigns.command("snapshot")
@click.argument("slug")
@click.option("--out", required=True, type=OUT_FILE, help="The signed snapshot to write (JSON lines).")
@click.option("--key", required=True, type=OUT_FILE, help="The public key to write (PEM).")
@DATABASE
@ARCHIVE
def snapshot_campaign(slug: str, out: Path, key: Path, database_url: str, archive_url: str) -> None:
    """Writes the signed end of a closed campaign, and the public key that it is checked with."""
    from transitmap.archive import Archive
    from transitmap.campaigns import steps

    archive = Archive(archive_url)
    with opened(database_url, write=False) as session:
        body = steps.snapshot_file(session, archive, campaign_at(session, slug))
        pem = steps.public_key(session, archive) or b""
    write_whole(out, body)
    write_whole(key, pem)
    click.echo(f"{out}: {len(body)} bytes; check it with {key}")


@campaigns.command("verify")
@click.argument("snapshot", type=click.Path(True, dir_okay=False, path_type=Path))
@click.option(
    "--key",
    required=True,
    type=click.Path(True, dir_okay=False, path_type=Path),
    help="The public key (PEM) that the installation published.",
)
@click.option(
    "--ledger",
    type=click.Path(True, dir_okay=False, path_type=Path),
    help="Books: whether their lines give the same board, and what was corrected after it.",
)
def verify_campaign(snapshot: Path, key: Path, ledger: Path | None) -> None:
    """Checks a signed end with the file and the public key alone; exit 1 where it is not to be believed."""
    from transitmap.books.ending import corrections_since
    from transitmap.campaigns.snapshot import verify_file
    from transitmap.errors import BooksWrong, SnapshotRefused

    try:
        told = verify_file(snapshot.read_bytes(), key.read_bytes())
        found = corrections_since(told, ledger) if ledger else []
    except (SnapshotRefused, BooksWrong) as refused:
        click.echo(f"{snapshot}: not to be believed: {refused}", err=True)
        sys.exit(1)
    board, part = told["board"]["rows"], told["ledger"]
    click.echo(f"{snapshot}: {told['campaign']['slug']}, {len(board)} riders, signed and unchanged")
    click.echo(f"ledger through line {part['head_sequence']}, sealed by {part['head_sha256']}")
    if ledger:
        net = sum(one.millipoints for one in found) / 1000
        click.echo(f"{ledger} gives the same board; {len(found)} corrections after it, {net:+.3f} points")
    for one in found:
        click.echo(f"line {one.sequence}, rider {one.user_id}, {one.millipoints / 1000:+.3f}: {one.text_en}")
