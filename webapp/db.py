"""One database session a request: opened by the first question, kept only by `commit`."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, TypeVar

from flask import Flask, current_app, g, request

from transitmap import store
from transitmap.archive import Archive

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.orm import Session

T = TypeVar("T")
READING = ("GET", "HEAD", "OPTIONS")


def init_app(app: Flask, database_url: str, archive_url: str) -> None:
    """Opens the database and the archive of one application."""
    app.extensions["transitmap_engine"] = store.open_engine(database_url)
    app.extensions["transitmap_archive"] = Archive(archive_url)
    app.teardown_appcontext(_close)


def engine() -> Engine:
    """The application's database."""
    opened: Engine = current_app.extensions["transitmap_engine"]
    return opened


def archive() -> Archive:
    """The application's archive of uploads and feeds."""
    opened: Archive = current_app.extensions["transitmap_archive"]
    return opened


def session() -> Session:
    """This request's session; requests that only look wait for no writer."""
    if "db_session" not in g:
        g.db_stack = ExitStack()
        g.db_session = g.db_stack.enter_context(store.session(engine(), write=request.method not in READING))
    opened: Session = g.db_session
    return opened


def once(ask: Callable[[Session], T]) -> T:
    """The answer to a question of the store: many corners of a page ask it, and the database once.

    Where a request may change things it is asked anew each time.
    """
    if request.method not in READING:
        return ask(session())
    told: dict[object, Any] = g.setdefault("db_told", {})
    if ask not in told:
        told[ask] = ask(session())
    answer: T = told[ask]
    return answer


def commit() -> None:
    """Keeps what this request has changed. Nothing is acknowledged before this has returned."""
    session().commit()


def _close(error: BaseException | None) -> None:
    stack = g.pop("db_stack", None)
    if stack is not None:
        g.pop("db_session").rollback()
        stack.close()
