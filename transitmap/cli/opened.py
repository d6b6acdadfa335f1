"""The database as verbs open it, and what they look up in it: a person, a campaign, the city's clock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from transitmap.config import Config


@contextmanager
def opened(database_url: str, write: bool = True) -> Iterator[Any]:
    """One session in a database whose tables are up to date; committed at the end.

    A database that is a file is made by whoever writes to it, never by whoever only looks.
    """
    from transitmap import store

    if not write:
        store.check_there(database_url)
    store.upgrade(database_url)
    engine = store.open_engine(database_url)
    try:
        with store.session(engine, write=write) as session:
            yield session
    finally:
        engine.dispose()


def user_named(session: Any, name: str) -> Any:
    """The rider of that name, or bad usage."""
    from transitmap import store

    user = store.user_by_name(session, name)
    if user is None:
        raise click.UsageError(f"nobody is called {name}")
    return user


def organiser_named(session: Any, name: str) -> Any:
    """The organiser of that name, or bad usage."""
    user = user_named(session, name)
    if user.role != "organiser":
        raise click.UsageError(f"{user.name} is a {user.role}, not an organiser")
    return user


def campaign_at(session: Any, slug: str) -> Any:
    """The campaign of that address, or bad usage."""
    from transitmap import store

    campaign = store.campaign_by_slug(session, slug)
    if campaign is None:
        raise click.UsageError(f"no campaign has the address {slug}")
    return campaign


def city_timezone(session: Any, archive_url: str, config: Config) -> str:
    """The city's clock."""
    from transitmap.archive import Archive
    from transitmap.campaigns import account

    return account.timezone_of(session, Archive(archive_url), config)
