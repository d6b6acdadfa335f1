"""The engine's door: one verb a stage group. Exit 0 done, 1 findings, 2 bad usage."""

from __future__ import annotations

import logging
import sys
from typing import Any

import click

from transitmap import __version__
from transitmap.cli.campaigns import campaigns
from transitmap.cli.feeds import feeds
from transitmap.cli.gtfs import diff_feeds, evaluate, expand, export, validate
from transitmap.cli.people import tokens, users
from transitmap.cli.points import points
from transitmap.cli.prizes import prizes
from transitmap.cli.rides import build, legs, simulate
from transitmap.cli.service import db, serve, work
from transitmap.errors import DiskFailed, TransitmapError

DISK_FAILED = 74
"""The exit status of whoever must not go on, as a service's is (EX_IOERR)."""


class Verbs(click.Group):
    """Verbs whose refusals are a sentence on standard error and exit 2, never a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Runs a verb."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # whoever read has seen enough: click ends quietly
            raise
        except (TransitmapError, OSError) as error:
            said = str(error)
        except DiskFailed as failed:
            click.echo(f"transitmap: {failed}", err=True)
            ctx.exit(DISK_FAILED)
        except Exception as error:
            said = _said_by_database(error)
            if not said:
                raise
        click.echo(f"transitmap: {said}", err=True)
        return ctx.exit(2)


def _said_by_database(error: Exception) -> str:
    """What a database says that cannot be used; "" for an error that is a fault of ours."""
    if "transitmap.store" not in sys.modules:  # nobody has asked one
        return ""
    from transitmap import store

    why = store.why_unusable(error)
    return f"the database cannot be used: {why}" if why else ""


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__)
@click.option("-v", "--verbose", is_flag=True, help="A line a stage on standard error.")
def main(verbose: bool) -> None:
    """Riders' GPS traces in; stops, routes, a GTFS feed and a fair leaderboard out."""
    level = logging.INFO if verbose else logging.WARNING
    logging.basicConfig(level=level, format="%(name)s: %(message)s", stream=sys.stderr)


for verb in (build, legs, simulate, validate, diff_feeds, evaluate, expand, export, serve, work):
    main.add_command(verb)
for group in (feeds, points, campaigns, users, tokens, db):
    main.add_command(group)
main.add_command(prizes)
