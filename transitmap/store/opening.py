"""The database at a URL: opened, asked in sessions, brought up to date."""

from __future__ import annotations

import errno
import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from transitmap.errors import ConfigError, DiskFailed
from transitmap.store.tables import Base

if TYPE_CHECKING:
    from alembic.config import Config as AlembicConfig

BUSY_TIMEOUT_MS = 30_000
DISK_FULL = "53100"
"""PostgreSQL's code for it."""
TRY_AGAIN = (sa.exc.OperationalError, sa.exc.TimeoutError, sa.exc.InternalError)
"""What a busy, full, unreachable or read-only database raises: nothing was kept, a later try may succeed."""
NOT_SYNCED = ("SQLITE_IOERR_FSYNC", "SQLITE_IOERR_DIR_FSYNC")
HEARD_WITHIN_S = {
    "connect_timeout": "3",
    "tcp_user_timeout": "3000",  # ms
    "keepalives_idle": "1",
    "keepalives_interval": "1",
    "keepalives_count": "3",
}
"""How PostgreSQL's driver finds out that a server is gone; by itself it waits for minutes."""


def is_full(error: BaseException) -> bool:
    """Whether an error of the disk or the database says that there is no room left."""
    if isinstance(error, sa.exc.DBAPIError):
        return "disk is full" in str(error.orig) or getattr(error.orig, "sqlstate", "") == DISK_FULL
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def why_unusable(error: BaseException) -> str:
    """What a database says that cannot be opened, read or written; "" for any other error."""
    if isinstance(error, TRY_AGAIN) or type(error) is sa.exc.DatabaseError:
        return str(getattr(error, "orig", error)).partition("\n")[0]
    return ""


def open_engine(url: str) -> sa.Engine:
    """The database at a URL: `sqlite:///path` or `postgresql://...`; the folder of a file is made.

    SQLite runs in WAL with synchronous=FULL (a receipt survives a power cut), foreign keys on; what is
    deleted is overwritten with zeros. A PostgreSQL that does not answer is an error within seconds, unless
    the URL says otherwise. Neither logs nor errors hold values.

    Raises:
        ConfigError: the URL cannot be read or names another kind of database.
    """
    logging.getLogger("sqlalchemy.engine.Engine").addFilter(_holds_no_row)
    place = _place(url)
    if place.get_backend_name() == "postgresql":
        place = place.set(query=HEARD_WITHIN_S | dict(place.query))
        return sa.create_engine(place, pool_pre_ping=True, hide_parameters=True)
    if path := _file(place):
        path.parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(place, hide_parameters=True)  # no log names a place, an error neither
    sa.event.listen(engine, "connect", _set_up_sqlite)
    sa.event.listen(engine, "begin", _begin_sqlite)
    sa.event.listen(engine, "handle_error", _check_disk)
    return engine


def check_there(url: str) -> None:
    """Nothing, unless a database at `url` would be a new file: whoever only looks must not make one.

    Raises:
        ConfigError: there is no such file, or as `open_engine`.
    """
    path = _file(_place(url))
    if path and not path.exists():
        raise ConfigError("database", str(path), "is not there; `transitmap db upgrade` makes an empty one")


def _place(url: str) -> sa.URL:
    try:
        place = sa.make_url(url)
    except sa.exc.ArgumentError as error:
        raise ConfigError("database url", url.split(":")[0], "is no database URL") from error
    if place.drivername in ("postgres", "postgresql"):
        place = place.set(drivername="postgresql+psycopg")
    if place.get_backend_name() not in ("sqlite", "postgresql"):
        raise ConfigError("database url", place.drivername, "must be sqlite or postgresql")
    return place


def _file(place: sa.URL) -> Path | None:
    """Where the file of an SQLite database is; None for one in memory or on a server."""
    is_file = place.get_backend_name() == "sqlite" and place.database not in (None, "", ":memory:")
    return Path(str(place.database)) if is_file else None


def _holds_no_row(record: logging.LogRecord) -> bool:
    """No log tells what is in the tables, however loud it is: at this level it would row by row."""
    return record.levelno > logging.DEBUG


def _set_up_sqlite(connection: Any, record: Any) -> None:
    connection.isolation_level = None  # transactions begin where _begin_sqlite says
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "secure_delete=ON",
        f"busy_timeout={BUSY_TIMEOUT_MS}",
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def _check_disk(context: sa.engine.ExceptionContext) -> None:
    check_synced(context.original_exception)


def check_synced(error: BaseException) -> None:
    """Nothing, for any error of the driver but one.

    Raises:
        DiskFailed: it says that a sync failed.
    """
    if getattr(error, "sqlite_errorname", "") in NOT_SYNCED:
        raise DiskFailed("database") from error


def _begin_sqlite(connection: sa.Connection) -> None:
    """Writers take their lock at the start: a lock taken later fails at once instead of waiting."""
    is_writer = connection.get_execution_options().get("is_writer", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writer else "BEGIN")


@contextmanager
def session(engine: sa.Engine, write: bool = True) -> Iterator[Session]:
    """A session that ends with a commit, or a rollback where the block raises.

    With `write=False` (pages that only look) SQLite gives a snapshot that no writer waits for. Rows stay
    readable after a commit.
    """
    with Session(engine.execution_options(is_writer=write), expire_on_commit=False) as open_session:
        yield open_session
        open_session.commit()


def reading(other: Session) -> AbstractContextManager[Session]:
    """A session of its own that only looks at the database of another one, which is in no transaction."""
    return session(other.get_bind().engine, write=False)


def database_file(session: Session) -> Path | None:
    """Where the file of an SQLite database is; None for one in memory or on a server."""
    return _file(session.get_bind().engine.url)


def upgrade(url: str, revision: str = "head") -> None:
    """Brings the tables of the database at `url` to a revision; nothing to do is no error."""
    _migrate(url, revision, "upgrade")


def check_upgraded(url: str) -> None:
    """Nothing, where the database at `url` has the tables of this version.

    Raises:
        ConfigError: it has none, those of another version, or is not there.
    """
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    check_there(url)
    engine = open_engine(url)
    try:
        with engine.connect() as connection:
            revision = MigrationContext.configure(connection).get_current_revision()
    finally:
        engine.dispose()
    if revision != (head := ScriptDirectory.from_config(_migrations()).get_current_head()):
        raise ConfigError("database", revision or "no tables", f"must be at {head}: transitmap db upgrade")


def downgrade(url: str, revision: str = "base") -> None:
    """Takes the tables of the database at `url` back to a revision. What they held is gone."""
    _migrate(url, revision, "downgrade")


def _migrate(url: str, revision: str, direction: str) -> None:
    from alembic import command

    settings = _migrations()
    engine = open_engine(url).execution_options(is_writer=True)
    try:
        with engine.begin() as connection:
            settings.attributes["connection"] = connection
            getattr(command, direction)(settings, revision)
    finally:
        engine.dispose()


def _migrations() -> AlembicConfig:
    from alembic.config import Config

    settings = Config()
    settings.set_main_option("script_location", "transitmap:migrations")
    settings.set_main_option("path_separator", "os")
    return settings


def try_add(session: Session, row: Base) -> bool:
    """False, and nothing changed, where a unique constraint refuses the row: the database decides a race."""
    try:
        with session.begin_nested():
            session.add(row)
    except sa.exc.IntegrityError:
        return False
    return True
