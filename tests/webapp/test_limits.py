"""Who asks too often is told when to come again (S15): by name, network and rider, at whatever worker."""

from __future__ import annotations

import math
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from tests.webapp.city import publish
from tests.webapp.conftest import PASSWORD, form_token
from tests.webapp.sending import TRACES
from tests.webapp.traces import ride
from transitmap import store
from transitmap.config import LimitConfig, server_defaults
from webapp import create_app


@pytest.fixture
def limited(settings):
    """The application with some limits; 0 is none for the others."""
    made = []

    def make(n_proxies=0, **limits):
        none = dict.fromkeys(LimitConfig.__dataclass_fields__, 0)
        config = replace(server_defaults(), limits=LimitConfig(**{**none, **limits}))
        made.append(create_app(replace(settings, config=config, n_proxies=n_proxies)))
        return made[-1]

    yield make
    for one in made:
        one.extensions["transitmap_engine"].dispose()


def try_password(browser, name, password="wrong password", address="127.0.0.1", **headers):
    form = {"csrf_token": form_token(browser, "/accounts/log-in"), "name": name, "password": password}
    place = {"REMOTE_ADDR": address}
    return browser.post("/accounts/log-in", data=form, headers=headers, environ_overrides=place)


def statuses(answers):
    return [answer.status_code for answer in answers]


def test_a_name_is_tried_so_often_a_minute_from_wherever(limited, password_hash):
    app = limited(max_log_ins_a_name=3)
    with store.session(app.extensions["transitmap_engine"]) as session:
        store.add_user(session, "Coyote", password_hash, 1.0)
    browser = app.test_client()
    tried = [try_password(browser, "CoYote", address=f"203.0.{n}.7") for n in range(5)]
    assert statuses(tried) == [401, 401, 401, 429, 429]
    assert 0 < int(tried[-1].headers["Retry-After"]) <= 20
    assert "Coyote" not in tried[-1].text
    assert try_password(browser, "coyote", PASSWORD).status_code == 429, (
        "the right one too: it may be a guess"
    )
    assert statuses(try_password(browser, "Nobody") for _ in range(4)) == [401, 401, 401, 429], (
        "as for no rider"
    )
    with store.session(app.extensions["transitmap_engine"], write=False) as session:
        keys = [bucket.key for bucket in session.query(store.Bucket)]
    assert keys and not any("oyote" in key for key in keys)


def test_a_network_is_limited_and_its_neighbour_not(limited):
    browser = limited(max_log_ins=2).test_client()
    assert statuses(try_password(browser, f"n{n}", address=f"203.0.113.{n}") for n in range(4)) == [
        401,
        401,
        429,
        429,
    ]
    assert try_password(browser, "n9", address="203.0.114.1").status_code == 401
    six = [try_password(browser, f"n{n}", address=f"2001:db8:1:{n}::1") for n in range(3)]
    assert statuses(six) == [401, 401, 429], "a /48 is one network"


@pytest.mark.parametrize("n_proxies", [0, 1])
def test_a_forged_address_helps_nobody(limited, n_proxies):
    """Only what the nearest proxies themselves have written is believed, and exactly so many of them."""
    browser = limited(n_proxies=n_proxies, max_log_ins=2).test_client()
    written = ", 198.51.100.7" if n_proxies else ""
    forged = [
        {
            "X-Forwarded-For": f"10.{n}.0.1{written}",
            "Forwarded": f"for=10.{n}.0.1",
            "X-Real-Ip": f"10.{n}.0.1",
        }
        for n in range(4)
    ]
    assert statuses(try_password(browser, f"n{n}", **one) for n, one in enumerate(forged)) == [
        401,
        401,
        429,
        429,
    ]


def test_behind_a_proxy_each_network_counts_for_itself(limited):
    browser = limited(n_proxies=1, max_log_ins=1).test_client()
    tried = [try_password(browser, "x", **{"X-Forwarded-For": f"6.6.6.6, 198.51.{n}.7"}) for n in (1, 2, 1)]
    assert statuses(tried) == [401, 401, 429]


def test_accounts_of_one_network(limited):
    app = limited(max_sign_ups=2)
    made = []
    for n in range(3):
        browser = app.test_client()
        form = {
            "csrf_token": form_token(browser, "/accounts/sign-up"),
            "name": f"Coyote {n}",
            "password": PASSWORD,
        }
        made.append(browser.post("/accounts/sign-up", data=form))
    assert statuses(made) == [302, 302, 429]
    assert app.test_client().get("/accounts/sign-up").status_code == 200, "looking is free"


def test_files_to_be_understood_at_once(limited, password_hash):
    app = limited(max_uploads=2)
    with store.session(app.extensions["transitmap_engine"]) as session:
        user = store.add_user(session, "Coyote", password_hash, 1.0)
        headers = {"Authorization": f"Bearer {store.add_token(session, user, 'phone', 1.0)[1]}"}
    client = app.test_client()
    sent = [client.post(TRACES, data=ride(1, days), headers=headers) for days in (1, 2, 3)]
    assert statuses(sent) == [201, 201, 429]
    assert sent[-1].json["code"] == "too_many_requests"
    assert 0 < int(sent[-1].headers["Retry-After"]) <= 30
    waiting = client.post(TRACES, data=ride(1, 4), headers={**headers, "Prefer": "respond-async"})
    assert waiting.status_code == 202, "who waits is not sent away"


def test_exports_that_must_be_computed(limited):
    app = limited(max_exports=2)
    publish(app)
    client = app.test_client()
    asked = [client.get("/gtfs/export/network.gpx") for _ in range(3)]
    assert statuses(asked) == [200, 200, 429]
    assert "Retry-After" in asked[-1].headers
    known = client.get("/gtfs/export/network.gpx", headers={"If-None-Match": asked[0].headers["ETag"]})
    assert known.status_code == 304, "what one has costs nothing"
    assert client.get("/gtfs/gtfs.zip").status_code == 200, "the feed itself is only bytes"


def test_copies_of_all_that_is_kept_of_me(limited, password_hash):
    app = limited(max_own_data=2)
    with store.session(app.extensions["transitmap_engine"]) as session:
        store.add_user(session, "Coyote", password_hash, 1.0)
    browser = app.test_client()
    assert try_password(browser, "Coyote", PASSWORD).status_code == 302
    assert statuses(browser.get("/privacy/my-data.zip") for _ in range(3)) == [200, 200, 429]


SERVER = """
import sys
from dataclasses import replace
from transitmap.config import LimitConfig, server_defaults
from webapp import create_app
from webapp.serve import make_server
from webapp.settings import Settings

config = replace(server_defaults(), limits=LimitConfig(max_log_ins_a_name=10, max_log_ins=0))
app = create_app(Settings(sys.argv[1], sys.argv[2], "test" * 10, config))
server = make_server(app, "127.0.0.1", 0, 1000)
print(server.effective_port, flush=True)
server.run()
"""


@pytest.fixture
def two_workers(settings):
    command = [sys.executable, "-c", SERVER, settings.database_url, settings.archive_url]
    workers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    yield [int(worker.stdout.readline()) for worker in workers]
    for worker in workers:
        worker.kill()
        worker.communicate()


def test_two_real_workers_allow_exactly_ten_a_minute(two_workers, app):
    """One limiter in each worker's memory allowed twenty (measured with Flask-Limiter)."""
    browser = app.test_client()
    token = form_token(browser, "/accounts/log-in")
    cookie = browser.get_cookie("transitmap").value
    body = f"csrf_token={token}&name=Coyote&password=wrong"

    def ask(port):
        request = (
            f"POST /accounts/log-in HTTP/1.0\r\nCookie: transitmap={cookie}\r\n"
            f"Content-Length: {len(body)}\r\n"
            f"Content-Type: application/x-www-form-urlencoded\r\n\r\n{body}"
        )
        with socket.create_connection(("127.0.0.1", port), timeout=600) as phone:
            phone.sendall(request.encode())
            return phone.recv(100).split()[1].decode()

    began_s = time.monotonic()
    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(ask, two_workers * 12))
    refilled = math.floor((time.monotonic() - began_s) / 6)
    assert set(told) == {"401", "429"}
    assert 10 <= told.count("401") <= 10 + refilled, told
