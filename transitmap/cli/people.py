"""People: who is there, what they may do, what is kept of them; and keys of devices."""

from __future__ import annotations

import csv
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from transitmap.cli.opened import city_timezone, opened, organiser_named, user_named
from transitmap.cli.options import ARCHIVE, CONFIG, DATABASE, OUT_FILE, server_config

if TYPE_CHECKING:
    from transitmap.config import Config

ROLE = click.Choice(["rider", "reviewer", "planner", "organiser"])
BY = click.option("--by", default="", help="The organiser whose decision it is; needed once there is one.")


@click.group()
def users() -> None:
    """People: added, listed, given a role, met, erased."""


@users.command("add")
@click.argument("name")
@click.option("--role", default="rider", type=ROLE, help="What they may do.")
@click.option("--password-stdin", is_flag=True, help="Read or ask for a password, for the pages.")
@BY
@DATABASE
@ARCHIVE
@CONFIG
def add_user(
    name: str,
    role: str,
    password_stdin: bool,
    by: str,
    database_url: str,
    archive_url: str,
    config_path: Path | None,
) -> None:
    """Adds somebody. Without a password they can only send by device token."""
    from transitmap import store
    from transitmap.collect.trim import draw_m

    hashed = _hashed_password(name) if password_stdin else ""
    config = server_config(config_path)
    with opened(database_url) as session:
        trim_m = draw_m("usual", config.collect.trim_m)
        user = store.add_user(session, name, hashed, time.time(), trim_m=trim_m)
        if role != user.role:
            _give_role(session, user, role, by, archive_url, config)
    click.echo(f"{name}: {role}")


def _hashed_password(name: str) -> str:
    """Of what standard input says; who sits at a terminal is asked. What sign-ups refuse is refused."""
    from transitmap import passwords

    if sys.stdin.isatty():
        password = str(click.prompt("Password", hide_input=True, err=True))
    else:
        password = sys.stdin.readline().rstrip("\n")
    if not passwords.MIN_CHARS <= len(password) <= passwords.MAX_CHARS:
        raise click.UsageError(f"a password has {passwords.MIN_CHARS} to {passwords.MAX_CHARS} characters")
    if passwords.is_guessable(password, name):
        raise click.UsageError("too easy to guess: take three or four words that nobody expects")
    return passwords.hash_password(password)


@users.command("list")
@click.option("--role", type=ROLE, help="Only these.")
@DATABASE
def list_users(role: str | None, database_url: str) -> None:
    """Everybody who was not erased, in the order of arrival: name, role, known to the staff or not."""
    from transitmap import store
    from transitmap.cells import plain_cell

    with opened(database_url, write=False) as session:
        met = set(store.people_met(session))
        there = [one for one in store.users(session) if not one.erased_s and role in (None, one.role)]
        rows = [(plain_cell(one.name), one.role, "known" if one.id in met else "") for one in there]
    if not rows:
        click.echo("0 lines: nobody is there", err=True)
    csv.writer(sys.stdout).writerows(rows)


@users.command("role")
@click.argument("name")
@click.argument("role", type=ROLE)
@BY
@DATABASE
@ARCHIVE
@CONFIG
def change_role(
    name: str, role: str, by: str, database_url: str, archive_url: str, config_path: Path | None
) -> None:
    """Makes somebody a rider, reviewer, planner or organiser. The rides of all but riders confirm others'."""

    with opened(database_url) as session:
        user = user_named(session, name)
        if role != user.role:
            _give_role(session, user, role, by, archive_url, server_config(config_path))
    click.echo(f"{user.name}: {role}")


def _give_role(session: Any, user: Any, role: str, by: str, archive_url: str, config: Config) -> None:
    """Another role, by an organiser; by nobody alone where there is no organiser yet."""
    from transitmap import decided, store

    if not by and any(one.role == "organiser" for one in store.users(session)):
        raise click.UsageError("--by: an organiser must say so")
    organiser = organiser_named(session, by).id if by else None
    decided.give_role(
        session, user, role, organiser, time.time(), city_timezone(session, archive_url, config)
    )


@users.command("met")
@click.argument("name")
@click.option("--by", required=True, help="Who of the staff knows the person.")
@click.option("--not", "is_not", is_flag=True, help="Take it back.")
@DATABASE
@ARCHIVE
@CONFIG
def meet_user(
    name: str, by: str, is_not: bool, database_url: str, archive_url: str, config_path: Path | None
) -> None:
    """Says that somebody of the staff knows the person of an account, which confirming on trust needs."""
    from transitmap import decided

    with opened(database_url) as session:
        rider, staff = user_named(session, name), user_named(session, by)
        if staff.role == "rider" or staff.id == rider.id:
            raise click.UsageError(f"{staff.name} must be of the staff, and somebody else")
        timezone = city_timezone(session, archive_url, server_config(config_path))
        decided.say_met(session, rider.id, not is_not, staff.id, time.time(), timezone)
    click.echo(f"{rider.name}: {'not known' if is_not else 'known'}")


@users.command("export")
@click.argument("name")
@click.option("--out", required=True, type=OUT_FILE, help="The zip to write.")
@DATABASE
@ARCHIVE
def export_user(name: str, out: Path, database_url: str, archive_url: str) -> None:
    """Writes everything that is kept of somebody: what they sent byte by byte, tracks, rows."""
    from transitmap import own_data
    from transitmap.archive import Archive

    with opened(database_url, write=False) as session:
        own = own_data.gather(session, user_named(session, name), time.time())
    with out.open("wb") as file:
        file.writelines(own_data.stream(Archive(archive_url), own))
    click.echo(f"{out}: {len(own.uploads)} uploads, {len(own.rides)} rides")


@users.command("erase")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask; there is no way back.")
@DATABASE
@ARCHIVE
@CONFIG
def erase_user(name: str, yes: bool, database_url: str, archive_url: str, config_path: Path | None) -> None:
    """Erases somebody: blobs, devices, sessions, name. The next feed is made without their rides."""
    from transitmap import erase
    from transitmap.archive import Archive

    with opened(database_url) as session:
        user = user_named(session, name)
        session.commit()
        if not yes:
            click.confirm(f"Erase {user.name} for good?", abort=True)
        gone = erase.erase(session, Archive(archive_url), user, server_config(config_path), time.time())
    click.echo(f"erased: {len(gone.upload_ids)} uploads, {len(gone.ride_ids)} rides")


@click.group()
def tokens() -> None:
    """Device tokens: they can send rides and read nothing."""


@tokens.command("new")
@click.argument("name")
@click.option("--device", default="cli", show_default=True, help="What its owner calls the device.")
@DATABASE
def new_token(name: str, device: str, database_url: str) -> None:
    """Prints a new token of a user, and nothing else."""
    from transitmap import store

    with opened(database_url) as session:
        _, token = store.add_token(session, user_named(session, name), device, time.time())
    click.echo(token)
