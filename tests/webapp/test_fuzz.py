"""Whatever a program asks of the API, as its own description allows or not: never a fault of ours."""

from __future__ import annotations

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error

from transitmap import store
from webapp import create_app


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory, empty_database, password_hash):
    """The application with one rider, who owns a key."""
    from tests.webapp.city import publish
    from webapp.settings import Settings

    folder = tmp_path_factory.mktemp("fuzz")
    (folder / "db.sqlite").write_bytes(empty_database.read_bytes())
    app = create_app(Settings(f"sqlite:///{folder / 'db.sqlite'}", str(folder / "archive"), "test" * 10))
    with store.session(app.extensions["transitmap_engine"]) as session:
        rider = store.add_user(session, "Coyote", password_hash, 1.0)
        app.extensions["key"] = store.add_token(session, rider, "phone", 1.0)[1]
    publish(app)
    yield app
    app.extensions["transitmap_engine"].dispose()


OPERATIONS = (
    ("POST", "/api/v1/traces"),
    ("GET", "/api/v1/standings"),
    ("GET", "/api/v1/missions"),
    ("GET", "/api/v1/network.geojson"),
    ("GET", "/api/v1/equity.geojson"),
    ("GET", "/health"),
)


@pytest.fixture(scope="module")
def described(fuzzed):
    """The operations of the API as its document has them."""
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", fuzzed)
    found = [one.ok() for one in schema.get_all_operations()]
    return {(one.method.upper(), one.path): one for one in found}


def test_every_operation_is_asked(described):
    assert set(described) == set(OPERATIONS)


@pytest.mark.parametrize(
    ("operation", "mode"),
    [
        *((operation, GenerationMode.POSITIVE) for operation in OPERATIONS),
        *((operation, GenerationMode.NEGATIVE) for operation in OPERATIONS[:2]),  # others are told nothing
    ],
)
def test_no_request_is_a_fault(described, fuzzed, operation, mode):
    headers = {"Authorization": f"Bearer {fuzzed.extensions['key']}"}

    @settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
    @given(described[operation].as_strategy(generation_mode=mode))
    def ask(case):
        case.call_and_validate(headers=headers, checks=(not_a_server_error,))

    ask()
