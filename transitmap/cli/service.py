"""The service, the worker behind it, and its database."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import click

from transitmap.cli.options import ARCHIVE, CONFIG, DATABASE, FILE, server_config
from transitmap.cli.progress import progress_bar


@click.command()
@DATABASE
@ARCHIVE
@CONFIG
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port",
    envvar="PORT",
    default=8000,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="The port, 0 for a free one.",
)
@click.option("--demo", is_flag=True, help="Fill an empty database with a fictional campaign first.")
@click.option("--no-work", is_flag=True, help="Leave publishing to a `transitmap work` elsewhere.")
def serve(
    database_url: str,
    archive_url: str,
    config_path: Path | None,
    host: str,
    port: int,
    demo: bool,
    no_work: bool,
) -> None:
    """The service on a port: upgrades the database, publishes new rides, answers until interrupted."""
    from transitmap import store
    from transitmap.demo import fill

    _check_port(host, port)
    _export(database_url, archive_url, config_path)
    store.upgrade(database_url)
    if demo:
        with progress_bar(True) as progress:
            n_rides = fill(database_url, archive_url, server_config(config_path), progress)
        if n_rides:
            click.echo(f"demo: a fictional town, {n_rides} rides")
    from webapp.serve import serve as serve_pages

    with _worker(not no_work):
        status = serve_pages(host, port)
    sys.exit(status)


@click.command()
@DATABASE
@ARCHIVE
@CONFIG
@click.option("--once", is_flag=True, help="Publish what is new, then stop.")
@click.option(
    "--every",
    "every_s",
    default=60.0,
    show_default=True,
    type=click.FloatRange(0, min_open=True),
    help="Seconds between two looks.",
)
def work(database_url: str, archive_url: str, config_path: Path | None, once: bool, every_s: float) -> None:
    """Makes a new feed whenever new rides are in."""
    from transitmap.work import work_forever, work_once

    config = server_config(config_path)
    if once:
        version = work_once(database_url, archive_url, config)
        click.echo(f"published {version}" if version else "nothing new")
        return
    work_forever(database_url, archive_url, config, every_s)


@click.group()
def db() -> None:
    """The database: brought up to date, copied, restored."""


@db.command()
@DATABASE
def upgrade(database_url: str) -> None:
    """Brings the tables up to date; safe to repeat."""
    from transitmap import store

    store.upgrade(database_url)
    click.echo("database is up to date")


@db.command()
@click.argument("folder", type=FILE)
@click.option("--keep", default=0, type=click.IntRange(0), help="How many copies stay; 0 is all.")
@DATABASE
@ARCHIVE
def backup(folder: Path, keep: int, database_url: str, archive_url: str) -> None:
    """Copies all rows and new blobs to a folder while the service runs; exit 1 where a blob is damaged."""
    from transitmap import store
    from transitmap.backup import back_up

    store.check_there(database_url)
    done = back_up(database_url, archive_url, folder, time.time(), keep)
    click.echo(f"{done.name}: {done.n_rows} rows, {done.n_blobs} blobs, {done.n_new_blobs} of them new")
    for sha256 in done.damaged:
        click.echo(f"damaged in the archive: {sha256}", err=True)
    sys.exit(1 if done.damaged else 0)


@db.command()
@click.argument("folder", type=click.Path(True, file_okay=False, path_type=Path))
@click.option("--copy", "name", default="", help="Which copy, else the newest.")
@DATABASE
@ARCHIVE
def restore(folder: Path, name: str, database_url: str, archive_url: str) -> None:
    """Fills an empty database and an archive from a copy; nobody who was erased comes back."""
    from transitmap import backup

    done = backup.restore(folder, database_url, archive_url, time.time(), name)
    told = f"{done.n_rows} rows, {done.n_blobs} blobs, {done.n_new_blobs} of them new"
    click.echo(f"{done.name}: {told}; {done.n_erased} people erased again")


def _check_port(host: str, port: int) -> None:
    """Nothing, where one can listen there; else it is said before the demo is made, which takes a minute."""
    import socket

    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        socket.create_server(address[:2], family=family).close()
    except OSError as error:
        told = f"cannot listen on {host}, port {port}: {error.strerror}"
        raise click.UsageError(f"{told}; another port: --port 9000, or PORT=9000 make run") from error


def _export(database_url: str, archive_url: str, config_path: Path | None) -> None:
    """The service and the worker read the environment: give them what this command was given."""
    os.environ["TRANSITMAP_DATABASE_URL"] = database_url
    os.environ["TRANSITMAP_ARCHIVE_URL"] = archive_url
    if config_path:
        os.environ["TRANSITMAP_CONFIG"] = str(config_path)


@contextmanager
def _worker(wanted: bool) -> Iterator[None]:
    """A `transitmap work` beside the service, started again where it ends, ended with it."""
    from transitmap.watch import kept_running

    with kept_running([sys.executable, "-m", "transitmap.cli", "work"]) if wanted else nullcontext():
        yield
