"""The service under the role of docs/postgres-role.sql (S1): what it does works, what it must not is red."""

from __future__ import annotations

import time
import uuid
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.webapp.city import publish
from tests.webapp.conftest import PASSWORD, form_token
from tests.webapp.sending import TRACES
from tests.webapp.traces import ride
from transitmap import live, store
from transitmap.config import server_defaults
from transitmap.contribute import understand
from transitmap.passwords import hash_password
from transitmap.points.rules import load_rules
from webapp import create_app, vendor
from webapp.settings import Settings

SQL = (Path(__file__).parents[1] / "docs" / "postgres-role.sql").read_text(encoding="utf-8")
ROLE = "transitmap_service"


@pytest.fixture
def owner(postgres, postgres_template):
    """The database as its owner has it, with the role granted as the page says."""
    server = sa.create_engine(postgres.set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    name = f"r_{uuid.uuid4().hex}"
    role = f"service_{uuid.uuid4().hex[:12]}"
    with server.connect() as connection:
        connection.exec_driver_sql(f'CREATE DATABASE "{name}" TEMPLATE "{postgres_template}"')
        connection.exec_driver_sql(f"CREATE ROLE {role} LOGIN PASSWORD 'service'")
    engine = sa.create_engine(postgres.set(drivername="postgresql+psycopg", database=name))
    with engine.begin() as connection:
        for line in SQL.replace(ROLE, role).split("\n"):
            if line and not line.startswith("--"):
                connection.exec_driver_sql(line)
    yield engine, role
    engine.dispose()
    with server.connect() as connection:
        connection.exec_driver_sql(f'DROP DATABASE "{name}" WITH (FORCE)')
        connection.exec_driver_sql(f"DROP ROLE {role}")
    server.dispose()


@pytest.fixture
def service_url(owner):
    engine, role = owner
    return engine.url.set(drivername="postgresql", username=role, password="service").render_as_string(False)


@pytest.fixture
def app(service_url, tmp_path):
    vendor.compile_translations()
    made = create_app(Settings(service_url, str(tmp_path / "archive"), "test" * 10))
    yield made
    made.extensions["transitmap_engine"].dispose()


def test_all_that_the_service_does_works(app, service_url):
    store.check_upgraded(service_url)
    engine, archive = app.extensions["transitmap_engine"], app.extensions["transitmap_archive"]
    publish(app)
    browser = app.test_client()
    form = {"csrf_token": form_token(browser, "/accounts/sign-up"), "name": "Coyote", "password": PASSWORD}
    assert browser.post("/accounts/sign-up", data=form).status_code == 302
    with store.session(engine) as session:
        rider = store.user_by_name(session, "Coyote")
        rider.role = "planner"
        key = store.add_token(session, rider, "phone", 1.0)[1]
    headers = {"Authorization": f"Bearer {key}"}
    answer = app.test_client().post(TRACES, data=ride(1), headers=headers)
    assert answer.status_code == 201, answer.text
    assert answer.json["awarded"] > 0, "a line of the ledger"
    waits = app.test_client().post(TRACES, data=ride(2, 1), headers={**headers, "Prefer": "respond-async"})
    assert waits.status_code == 202
    for n in range(20):
        said = {"_type": "location", "lat": 19.53 + n * 0.001, "lon": -96.92, "tst": 1790000000 + n * 9}
        assert app.test_client().post(f"/ingest/owntracks/{key}", json=said).status_code == 200
    with store.session(engine) as session:
        upload = store.lease_upload(session, time.time(), 60.0)
        understand(session, archive, upload, server_defaults(), load_rules(), time.time())
        assert live.seal(session, archive, server_defaults(), time.time() + 3600)
        store.sweep_limits(session, time.time())
        store.sweep_messages(session, time.time() + 1e8)
    for path in ("/traces/", "/standings/?period=all", "/feeds/", "/phones/", "/network/", "/accounts/"):
        assert browser.get(path).status_code == 200, path
    token = form_token(browser, "/accounts/")
    for path in ("/accounts/privacy", "/feeds/resume", "/phones/1/revoke"):
        assert browser.post(path, data={"csrf_token": token}).status_code == 302, path
    assert browser.get("/privacy/my-data.zip").status_code == 200
    gone = browser.post("/privacy/erase", data={"csrf_token": token, "password": PASSWORD})
    assert gone.status_code in (200, 302, 303), gone.status_code
    with store.session(engine, write=False) as session:
        assert store.user_by_name(session, "Coyote") is None
        may_scrub = sa.text("SELECT has_table_privilege(CURRENT_USER, 'uploads', 'MAINTAIN')")
        assert session.scalar(may_scrub), "dead rows of the erased are overwritten"


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE ledger SET millipoints = 0", "DELETE FROM ledger", "TRUNCATE ledger",
        "TRUNCATE users CASCADE", "DROP TABLE uploads CASCADE", "DROP TABLE ledger",
        "ALTER TABLE users ADD COLUMN x int", "ALTER TABLE ledger DISABLE TRIGGER ALL",
        "DROP TRIGGER ledger_append_only ON ledger", "DROP FUNCTION refuse_ledger_change() CASCADE",
        "CREATE OR REPLACE FUNCTION refuse_ledger_change() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RETURN OLD; END $$",
        "CREATE TABLE x (y int)", "CREATE FUNCTION x() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "UPDATE alembic_version SET version_num = '0001'", "DELETE FROM alembic_version",
        "CREATE ROLE x",
        "ALTER ROLE CURRENT_USER SUPERUSER",
        "GRANT ALL ON ledger TO CURRENT_USER; DELETE FROM ledger",
        "COPY users TO PROGRAM 'id'", "COPY users TO '/tmp/x'", "SELECT pg_read_file('/etc/passwd')",
        "SET session_replication_role = replica", "DROP SCHEMA public CASCADE",
    ],
)  # fmt: skip
def test_what_the_service_must_not_do_is_refused_to_it(service_url, sql):
    engine = store.open_engine(service_url)
    try:
        with pytest.raises(sa.exc.ProgrammingError) as refused, engine.begin() as connection:
            connection.exec_driver_sql(sql)
    finally:
        engine.dispose()
    assert refused.value.orig.sqlstate in ("42501", "0LP01"), refused.value.orig


def test_the_owner_could(owner):
    """Or the test above would say nothing: the same words, and nobody is in the way but the role."""
    engine, _ = owner
    with engine.begin() as connection:
        for sql in ("ALTER TABLE users ADD COLUMN x int", "CREATE TABLE x (y int)", "DROP TABLE x"):
            connection.exec_driver_sql(sql)


def test_even_the_owner_changes_no_line_of_the_ledger(owner):
    engine, _ = owner
    with pytest.raises(sa.exc.IntegrityError, match="ledger"), engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM ledger")


def test_a_log_in_works_for_who_was_there_before(app):
    with store.session(app.extensions["transitmap_engine"]) as session:
        store.add_user(session, "Coyote", hash_password(PASSWORD), 1.0)
    browser = app.test_client()
    form = {"csrf_token": form_token(browser, "/accounts/log-in"), "name": "Coyote", "password": PASSWORD}
    assert browser.post("/accounts/log-in", data=form).status_code == 302
