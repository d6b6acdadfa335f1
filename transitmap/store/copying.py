"""All rows of a database as lines of text, seen at one moment, and such lines as rows again."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from typing import Any

import sqlalchemy as sa

from transitmap.errors import ConfigError
from transitmap.store.opening import downgrade, open_engine, upgrade

VERSION_TABLE = "alembic_version"
SEEDED = (VERSION_TABLE, "facts", "campaigns")
"""Tables that hold rows as soon as they are made."""
CHUNK = 1_000


def dump_rows(url: str) -> Iterator[str]:
    """A database in lines: its revision, then each table's columns and rows, and how many lines there were.

    All of it as it was at one moment, while others go on writing. No row is held longer than its line.
    """
    engine = open_engine(url)
    try:
        with engine.connect().execution_options(**_snapshot(engine)) as connection, connection.begin():
            tables = _tables(connection)
            version = connection.scalar(sa.select(tables.pop(VERSION_TABLE)))
            yield json.dumps({"revision": version, "tables": list(tables)})
            n_rows = 0
            for name, table in tables.items():
                yield json.dumps({"table": name, "columns": [column.name for column in table.columns]})
                order = list(table.primary_key.columns)
                for row in connection.execute(sa.select(table).order_by(*order)):
                    n_rows += 1
                    yield json.dumps([_told(value) for value in row], ensure_ascii=False)
            yield json.dumps({"n_rows": n_rows})
    finally:
        engine.dispose()


def _snapshot(engine: sa.Engine) -> dict[str, Any]:
    """What makes a transaction see one moment; SQLite's do anyway."""
    if engine.dialect.name == "sqlite":
        return {}
    return {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True, "stream_results": True}


def _tables(connection: sa.Connection) -> dict[str, sa.Table]:
    """The tables that are there, whatever the revision, those before others that point to them."""
    found = sa.MetaData()
    found.reflect(connection)
    return {table.name: table for table in found.sorted_tables}


def _told(value: Any) -> Any:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def check_empty(url: str) -> None:
    """Nothing, where the database holds nothing of anybody.

    Raises:
        ConfigError: it does.
    """
    engine = open_engine(url)
    try:
        with engine.connect() as connection:
            for name, table in _tables(connection).items():
                n_rows = connection.scalar(sa.select(sa.func.count()).select_from(table))
                if n_rows and name not in SEEDED:
                    raise ConfigError("database", f"{n_rows} rows in {name}", "must be empty to restore into")
    finally:
        engine.dispose()


def load_rows(url: str, lines: Iterable[str]) -> int:
    """Fills an empty database with what `dump_rows` gave, of whichever kind either is; how many rows.

    All rows are there or none. Afterwards the tables are brought up to date.

    Raises:
        ConfigError: the database is not empty, or the lines end too early.
    """
    check_empty(url)
    told = iter(lines)
    downgrade(url)
    upgrade(url, json.loads(next(told))["revision"])
    engine = open_engine(url).execution_options(is_writer=True)
    try:
        with engine.begin() as connection:
            n_rows = _insert(connection, told)
            if engine.dialect.name == "postgresql":
                _set_counters(connection)
    finally:
        engine.dispose()
    upgrade(url)
    return n_rows


def _insert(connection: sa.Connection, told: Iterator[str]) -> int:
    tables, n_rows, columns = _tables(connection), 0, list[str]()
    for name in SEEDED:
        if name in tables and name != VERSION_TABLE:
            connection.execute(sa.delete(tables[name]))
    table, rows = tables["facts"], list[dict[str, Any]]()
    for line in told:
        found = json.loads(line)
        if isinstance(found, list):
            rows.append(
                {name: _meant(table, name, value) for name, value in zip(columns, found, strict=True)}
            )
            n_rows += 1
        if rows and (len(rows) == CHUNK or isinstance(found, dict)):
            connection.execute(sa.insert(table), rows)
            rows = []
        if isinstance(found, dict) and "table" in found:
            table, columns = tables[found["table"]], found["columns"]
        if isinstance(found, dict) and found.get("n_rows") == n_rows:
            return n_rows
    raise ConfigError("backup", f"{n_rows} rows", "ends before its last line")


def _meant(table: sa.Table, name: str, value: Any) -> Any:
    is_bytes = isinstance(table.c[name].type, sa.LargeBinary)
    return base64.b64decode(value) if is_bytes and value is not None else value


def _set_counters(connection: sa.Connection) -> None:
    """The next row gets a number that nobody has."""
    for name, table in _tables(connection).items():
        if "id" in table.c and isinstance(table.c.id.type, sa.Integer):
            counter = connection.scalar(sa.func.pg_get_serial_sequence(name, "id").select())
            if counter:
                highest = sa.select(sa.func.coalesce(sa.func.max(table.c.id), 0) + 1).scalar_subquery()
                connection.execute(sa.select(sa.func.setval(counter, highest, False)))
