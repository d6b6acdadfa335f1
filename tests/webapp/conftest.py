"""The real application on a temporary SQLite database and archive."""

from __future__ import annotations

import itertools
import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from jinja2.bccache import Bucket, BytecodeCache
from waitress import wasyncore
from werkzeug.routing import Rule

from tests.machine import CHROMIUM, CHROMIUM_ARGUMENTS, WAIT_MS
from tests.webapp.sending import TRACES
from transitmap import store
from transitmap.config import override, server_defaults
from webapp import create_app, errors, vendor
from webapp.serve import make_server
from webapp.settings import Settings

PASSWORD = "tres palabras y una"
NOW_S = 1_790_000_000.0


@pytest.fixture(scope="session", autouse=True)
def _translations() -> None:
    vendor.compile_translations()


class Templates(BytecodeCache):
    """Templates as they were compiled, for all applications of a run."""

    def __init__(self) -> None:
        self.compiled: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """What is held of this template, if its text is still the same."""
        if bucket.key in self.compiled:
            bucket.bytecode_from_string(self.compiled[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Holds it."""
        self.compiled[bucket.key] = bucket.bytecode_to_string()


@pytest.fixture(scope="session", autouse=True)
def _compiled_once() -> Iterator[None]:
    """Each application compiled its templates and addresses again: most of what it cost to make one."""
    compiled: dict[object, Callable[..., tuple[str, str]]] = {}
    compile_builder = Rule._compile_builder

    def once(rule: Rule, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        key = rule.rule, str(rule.defaults), tuple(rule._trace), append_unknown
        return compiled.get(key) or compiled.setdefault(key, compile_builder(rule, append_unknown))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Rule, "_compile_builder", once)
        patch.setattr(errors.QuietFlask, "jinja_options", {"bytecode_cache": Templates()})
        yield


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A millisecond passes whenever somebody looks: between two lines no day ends and no limit is forgotten.

    It begins now, or a minute ago where a quarter of an hour is about to end: at one of those all days do.
    """
    now_s = time.time()
    looks = itertools.count(now_s - 60.0 if now_s % 900.0 > 840.0 else now_s, 0.001)
    monkeypatch.setattr(time, "time", lambda: next(looks))


@pytest.fixture(scope="session")
def password_hash() -> str:
    """A cheap one: its parameters are in it, and nearly every test logs somebody in."""
    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tables without a row, made once and copied for each test."""
    path = tmp_path_factory.mktemp("tables") / "empty.sqlite"
    store.upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture
def settings(tmp_path: Path, empty_database: Path) -> Settings:
    shutil.copy(empty_database, tmp_path / "db.sqlite")
    config = override(server_defaults(), {"collect": {"max_inline_s": 250.0}})  # a busy machine is no finding
    return Settings(f"sqlite:///{tmp_path / 'db.sqlite'}", str(tmp_path / "archive"), "test" * 10, config)


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    made = create_app(settings)
    yield made
    made.extensions["transitmap_engine"].dispose()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def add_rider(app: Flask, password_hash: str) -> Callable[..., int]:
    """Makes a rider with the password of all tests; the id."""

    def add(name: str, role: str = "rider") -> int:
        with store.session(app.extensions["transitmap_engine"]) as session:
            return store.add_user(session, name, password_hash, NOW_S, role=role).id

    return add


@pytest.fixture
def token_of(app: Flask) -> Callable[[int], str]:
    """A device's token of a rider."""

    def new(user_id: int) -> str:
        with store.session(app.extensions["transitmap_engine"]) as session:
            user = store.user_by_id(session, user_id)
            assert user is not None
            return store.add_token(session, user, "test phone", NOW_S)[1]

    return new


@pytest.fixture
def device(app: Flask, add_rider: Callable[..., int], token_of: Callable[[int], str]):
    """Sends a raw body with a rider's token."""
    headers = {"Authorization": f"Bearer {token_of(add_rider('Coyote'))}"}

    def send(body=b"", **more):
        return app.test_client().post(
            TRACES, data=body, headers={**headers, **more.pop("headers", {})}, **more
        )

    send.headers = headers
    return send


@pytest.fixture
def log_in(app: Flask) -> Callable[[str], FlaskClient]:
    """A browser in which a rider has logged in through the form."""

    def open_browser(name: str) -> FlaskClient:
        client = app.test_client()
        form = {"csrf_token": form_token(client, "/accounts/log-in"), "name": name, "password": PASSWORD}
        assert client.post("/accounts/log-in", data=form).status_code == 302
        return client

    return open_browser


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A headless Chromium for one file of tests."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=list(CHROMIUM_ARGUMENTS), timeout=WAIT_MS
        )
        yield browser
        browser.close()


def form_token(client: FlaskClient, path: str) -> str:
    """The hidden token of the first form on a page."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', client.get(path).text)
    assert found, f"no form on {path}"
    return found[1]


@contextmanager
def serving(app: Flask, max_upload_bytes: int = 25_000_000) -> Iterator[int]:
    """The application behind the real server, in a thread; the port."""
    server = make_server(app, "127.0.0.1", 0, max_upload_bytes)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield server.effective_port
    finally:
        # closed by its own loop: from outside it would meet sockets that vanish under its feet
        server.trigger.pull_trigger(lambda: wasyncore.close_all(server._map, ignore_all=True))
        thread.join(timeout=600)
        server.task_dispatcher.shutdown()
        assert not thread.is_alive()
