"""Alembic's entry: runs the changes on the connection that `store.upgrade` brings."""

from __future__ import annotations

from typing import cast

import sqlalchemy as sa
from alembic import context

from transitmap.store import Base


def run(connection: sa.Connection) -> None:
    """Every change the script directory asks for, in one transaction of `connection`."""
    context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()


# Alembic executes this file with its proxy in place; a plain import must have no effect.
if context.__dict__.get("_proxy") is not None:
    run(cast(sa.Connection, context.config.attributes["connection"]))
