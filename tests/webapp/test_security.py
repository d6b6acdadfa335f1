"""Attacks and what stands against them; S and P numbers are those of docs/security.md."""

from __future__ import annotations

import base64
import http.client
import json
import re
import socket
import statistics
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.machine import needs_proc
from tests.test_architecture import NAMES, imports
from tests.webapp.city import NOTICE, publish
from tests.webapp.conftest import PASSWORD, form_token, serving
from tests.webapp.sending import TRACES, exchange
from tests.webapp.test_permissions import PHONES, TABLE, fill
from tests.webapp.traces import START, gpx, point, ride
from transitmap import live, store
from transitmap.archive import unpack_message, unpack_ride
from transitmap.config import LimitConfig, server_defaults
from transitmap.contribute import understand
from transitmap.passwords import hash_password
from webapp import create_app

ROOT = Path(__file__).parents[2]
KEYS = json.loads((Path(__file__).parent / "public_keys.json").read_text(encoding="utf-8"))
"""Every member that an answer may have, by address and place in it."""


# --- S2: nothing is told beyond what is meant to be ---------------------------------------------------


def keys_of(told: object, place: str = "") -> dict[str, set[str]]:
    """The members of all objects of a JSON text by place; what counts by reason has members of any name."""
    found: dict[str, set[str]] = {}
    inside: list[tuple[str, object]] = []
    if isinstance(told, dict) and not place.endswith("points_dropped"):
        found[place] = set(told)
        inside = [(f"{place}/{name}", value) for name, value in told.items()]
    elif isinstance(told, list):
        inside = [(f"{place}[]", value) for value in told]
    for where, value in inside:
        for deeper, members in keys_of(value, where).items():
            found.setdefault(deeper, set()).update(members)
    return found


def test_s2_no_public_answer_has_a_member_that_was_not_meant_to_be(app, client, device):
    publish(app, "2026-11-21-earlier0", notices=(NOTICE,))
    publish(app, notices=(NOTICE,))
    told = {f"POST {TRACES}": device(ride(1)).json, "POST with a bad file": device(b"x").json}
    told |= {path: json.loads(client.get(path).text) for path in KEYS if path.startswith("/")}
    schemas = told["/api/v1/openapi.json"]["components"]["schemas"]
    told["/api/v1/openapi.json"] = {name: dict.fromkeys(one["properties"]) for name, one in schemas.items()}
    found = {
        path: {where: sorted(names) for where, names in keys_of(one).items()} for path, one in told.items()
    }
    assert found == KEYS
    assert client.get("/api/v1/standings?period=all").json["places"], "there is somebody to tell of"


def test_s2_no_member_speaks_of_what_nobody_may_know():
    names = {name for places in KEYS.values() for members in places.values() for name in members}
    secret = re.compile(r"user|rider_id|mail|password|token|sha256|address|^ip$|raw|fix|time_s|received")
    assert len(names) > 50
    assert [name for name in names if secret.search(name)] == []


# --- S9: whoever has an old or a foreign cookie has nothing -------------------------------------------


def test_s9_a_cookie_of_before_the_log_in_opens_nothing_afterwards(app, add_rider):
    """Fixation: what somebody planted in a browser is not what is logged in."""
    add_rider("Coyote")
    browser, thief = app.test_client(), app.test_client()
    form = {"csrf_token": form_token(browser, "/accounts/log-in"), "name": "Coyote", "password": PASSWORD}
    planted = browser.get_cookie("transitmap").value
    assert browser.post("/accounts/log-in", data=form).status_code == 302
    assert browser.get_cookie("transitmap").value != planted
    thief.set_cookie("transitmap", planted)
    assert thief.get("/accounts/").status_code == 401
    assert thief.post("/accounts/privacy", data=form).status_code in (400, 401)


def test_s9_a_form_token_is_of_one_session(app, log_in, add_rider):
    """A thief's own token is worth nothing in somebody else's browser."""
    add_rider("Coyote")
    add_rider("thief")
    foreign = form_token(log_in("thief"), "/accounts/")
    browser = log_in("Coyote")
    answer = browser.post("/accounts/privacy", data={"csrf_token": foreign, "is_hidden": "1"})
    assert answer.status_code == 400
    assert browser.post(TRACES, data=ride(1), headers={"X-CSRFToken": foreign}).status_code == 400


def test_s9_a_cookie_that_was_tampered_with_opens_nothing(app, log_in, add_rider):
    add_rider("Coyote")
    cookie = log_in("Coyote").get_cookie("transitmap").value
    payload, signature = cookie.split(".", 1)
    for forged in (payload, f"{payload}.", f"{payload[:-2]}AA.{signature}", cookie[:-1], "", "a.b.c", "\x80"):
        thief = app.test_client()
        thief.set_cookie("transitmap", forged)
        assert thief.get("/accounts/").status_code == 401, forged


# --- S10: a wrong name and a wrong password are told alike, in text and in time -----------------------


@pytest.fixture
def unlimited(settings):
    """The application without limits, with one rider."""
    config = replace(server_defaults(), limits=LimitConfig(0, 0, 0, 0, 0, 0))
    app = create_app(replace(settings, config=config))
    with store.session(app.extensions["transitmap_engine"]) as session:
        store.add_user(session, "Coyote", hash_password(PASSWORD), 1.0)
    yield app
    app.extensions["transitmap_engine"].dispose()


def timed(app, page: str, name: str, password: str) -> tuple[float, int, str]:
    """How long it takes us to say no, whatever else the machine does; with which status and text."""
    browser = app.test_client()
    form = {"csrf_token": form_token(browser, page), "name": name, "password": password}
    began_s = time.process_time()
    answer = browser.post(page, data=form)
    text = re.sub(r'value="[^"]*"', "", answer.text)
    return time.process_time() - began_s, answer.status_code, text


def medians(app, page: str, cases: tuple[tuple[str, str], ...], n: int) -> list[float]:
    """The median time of each case, taken in turns."""
    timed(app, page, *cases[0])
    taken = [[timed(app, page, *case)[0] for case in cases] for _ in range(n)]
    return [statistics.median(column) for column in zip(*taken, strict=True)]


def test_s10_log_in_tells_nobody_who_is_a_rider(unlimited):
    cases = ("Coyote", "wrong password"), ("Nobody", "wrong password")
    told = {timed(unlimited, "/accounts/log-in", *case)[1:] for case in cases}
    assert len(told) == 1, "one status and one text"
    known_s, unknown_s = medians(unlimited, "/accounts/log-in", cases, 15)
    assert 0.6 < known_s / unknown_s < 1.6, "without a hash for nobody it would be twenty times"


def test_s10_sign_up_takes_as_long_for_a_name_that_is_taken(unlimited):
    """That it is taken must be said: names are public. When it is said shows nothing of whose it is."""
    hard = "tres palabras y una"
    taken = timed(unlimited, "/accounts/sign-up", "coyote", hard)
    assert taken[1] == 422
    began = [timed(unlimited, "/accounts/sign-up", f"Somebody {n}", hard)[0] for n in range(9)]
    again = [timed(unlimited, "/accounts/sign-up", "Coyote", hard)[0] for _ in range(9)]
    assert 0.4 < statistics.median(began) / statistics.median(again) < 2.5


# --- S12: many log-ins at once take no more memory than a few ------------------------------------------

CROWD = r"""
import pathlib, re, sys, threading
from transitmap import passwords, store
from webapp import create_app
from webapp.settings import Settings

app = create_app(Settings(sys.argv[1], sys.argv[2], "test" * 10))
page = app.test_client()
token = re.search('name="csrf_token" value="([^"]+)"', page.get("/accounts/log-in").text)[1]
cookie = page.get_cookie("transitmap").value
told = []

def log_in(n):
    browser = app.test_client()
    browser.set_cookie("transitmap", cookie)
    form = {"csrf_token": token, "name": f"rider {n}", "password": "wrong password"}
    told.append(browser.post("/accounts/log-in", data=form).status_code)

def peak_mb():
    return int(re.search(r"VmHWM:\s+(\d+) kB", pathlib.Path("/proc/self/status").read_text())[1]) / 1024

before = peak_mb()
crowd = [threading.Thread(target=log_in, args=(n,)) for n in range(50)]
[one.start() for one in crowd]
[one.join() for one in crowd]
assert told == [401] * 50, told
print(peak_mb() - before)
"""


@needs_proc
def test_s12_fifty_log_ins_at_once_stay_under_200_mb(unlimited, settings):
    """Hashed all at once they would take 50 times 19 MiB."""
    command = [sys.executable, "-c", CROWD, settings.database_url, settings.archive_url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    assert 19 < float(done.stdout) < 200, done.stdout


# --- S13: no log knows a key --------------------------------------------------------------------------

LOUD = """
import logging, sys
logging.basicConfig(level=logging.DEBUG, stream=sys.stdout)
logging.getLogger("sqlalchemy.engine").setLevel(logging.INFO)
from webapp import create_app
from webapp.serve import make_server
from webapp.settings import Settings

server = make_server(create_app(Settings(sys.argv[1], sys.argv[2], "test" * 10)), "127.0.0.1", 0, 1000)
print(server.effective_port, flush=True)
server.run()
"""
PLACE = "lat=19.4361&lon=-99.1332"


def asked_with(token: str) -> list[tuple[str, str, bytes | None, dict[str, str]]]:
    """Every way in which a key comes, with content that is good, bad, too much, or for a route of none."""
    basic = base64.b64encode(f"transitmap:{token}".encode()).decode()
    ways = [("/T", {}), ("?token=T", {}), ("?api_key=T", {}), ("", {"Authorization": f"Bearer {token}"})]
    ways += [("", {"Authorization": f"Basic {basic}"}), ("", {"Authorization": f"Basic {token}:"})]
    asked = []
    for route in ("owntracks", "overland", "osmand", "gpslogger", "recorder", "file", "locus", "nowhere"):
        for way, headers in ways:
            path = f"/ingest/{route}{way.replace('T', token)}"
            for body in (b'{"_type":"location","lat":19.4361,"lon":-99.1332,"tst":1790000000}', b"\xff"):
                asked.append(("POST", path, body, headers))
    asked += [("GET", f"/ingest/osmand/{token}?{PLACE}&timestamp=1790000000", None, {})]
    asked += [("PUT", f"/ingest/osmand/{token}", b"", {}), ("GET", f"/ingest/overland/{token}", None, {})]
    asked += [("POST", f"/ingest/ulogger/{token}/client/index.php", b"action=addpos&" + PLACE.encode(), {})]
    asked += [("GET", f"/x/index.php/apps/phonetrack/logGet/{token}/me?{PLACE}", None, {})]
    asked += [("POST", f"/ingest/file/{token}", b"x" * 90_000, {})]
    asked += [("POST", TRACES, ride(1), {"Authorization": f"Bearer {token}", "X-Filename": "a.gpx"})]
    return asked


def test_s13_no_log_of_an_end_to_end_run_has_a_key(settings, app, add_rider, token_of):
    token, gone = token_of(add_rider("Coyote")), token_of(add_rider("Zorro"))
    with store.session(app.extensions["transitmap_engine"]) as session:
        assert store.revoke_token(session, 2, 2, 5.0)
    command = [sys.executable, "-c", LOUD, settings.database_url, settings.archive_url]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    lines: list[str] = []
    port = next(int(line) for line in server.stdout if line.strip().isdigit() or lines.append(line))
    reading = threading.Thread(target=lambda: lines.extend(server.stdout))
    reading.start()
    statuses = set()
    for plain in (token, gone, "tm_guess"):
        for method, path, body, headers in asked_with(plain):
            asking = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
            with suppress(ConnectionError):  # it may hang up on what is too large: its answer is there
                asking.request(method, path, body, headers)
            statuses.add(asking.getresponse().status)
            asking.close()
        with socket.create_connection(("127.0.0.1", port)) as phone:  # hangs up in the middle
            phone.sendall(f"POST /ingest/owntracks/{plain} HTTP/1.1\r\nContent-Length: 9\r\n\r\n{{".encode())
    server.terminate()
    reading.join()
    server.communicate()
    log = "\n".join(lines)
    assert {200, 401, 404, 405, 413} <= statuses < set(range(500)), statuses
    assert log.count("sqlalchemy.engine") > 100, "the log is there, and says much"
    planted = [token, gone, "tm_guess", token[3:], PASSWORD, "19.4361", "99.1332"]
    assert [secret for secret in planted if secret in log] == []


# --- S14: nothing of ours asks another machine for anything -------------------------------------------

ASKING = {"urllib.request", "http.client", "requests", "httpx", "aiohttp", "urllib3", "ftplib", "smtplib",
          "socket", "xmlrpc", "telnetlib", "asyncio", "websockets", "imaplib", "poplib"}  # fmt: skip


def test_s14_no_module_can_open_a_connection():
    """But `archive.py` at a URL of the operator's by fsspec, and the server that listens at a free port."""
    found = [
        (name, module)
        for name in NAMES
        for module, _ in imports(ROOT / name)
        if any(module == one or module.startswith(f"{one}.") for one in ASKING)
    ]
    assert found == [("transitmap/cli/service.py", "socket")]
    assert "connect" not in (ROOT / "transitmap/cli/service.py").read_text(encoding="utf-8")


HOSTS = ("127.0.0.1", "localhost", "127.1", "0.0.0.0", "0", "2130706433", "0x7f000001", "0177.0.0.1", "[::1]",
         "[::ffff:127.0.0.1]", "localhost.", "LOCALHOST", "user@127.0.0.1", "127.0.0.1.nip.io",
         "①②⑦.0.0.1")  # fmt: skip


def test_s14_no_address_in_a_file_or_a_message_is_asked(device, client):
    """A listener of our own is at all of them, and nobody comes."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.3)
    urls = [f"{kind}://{host}:{listener.getsockname()[1]}/x" for host in HOSTS for kind in ("http", "ftp")]
    links = "".join(f'<link href="{url}"/><url>{url}</url>' for url in urls)
    fix = point(19.5, -96.9, 0)
    files = [
        gpx(ride(1).decode().split("<trkseg>")[1].split("</trkseg>")[0], f"<!-- {urls} -->"),
        gpx(fix).replace(b"<trk>", f"<metadata>{links}</metadata><trk>".encode()),
        *(gpx(fix, f'<?xml-stylesheet href="{url}"?>') for url in urls[:4]),
        *(gpx(fix, f'<!DOCTYPE gpx [<!ENTITY x SYSTEM "{url}">]>') for url in urls[:4]),
        *(gpx(fix, f'<!DOCTYPE gpx SYSTEM "{url}">') for url in urls[:4]),
        *(f"<kml><NetworkLink><Link><href>{url}</href></Link></NetworkLink></kml>".encode() for url in urls),
        *(f'<gpx><xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="{url}"/></gpx>'.encode()
          for url in urls[:4]),
        *(json.dumps({"type": "FeatureCollection", "features": [], "crs": {"type": "link", "properties":
          {"href": url}}, "url": url}).encode() for url in urls[:4]),
        *(url.encode() for url in urls[:4]),
    ]  # fmt: skip
    for body in files:
        assert device(body, headers={"X-Filename": urls[0], "Referer": urls[0]}).status_code < 500
    for url in urls[:6]:
        said = {"_type": "location", "url": url, "callback": url, "lat": 1, "lon": 1, "tst": 1790000000}
        token = device.headers["Authorization"].split()[1]
        client.post(f"/ingest/owntracks/{token}", json=said, headers={"X-Forwarded-Host": url, "Origin": url})
        client.get("/accounts/log-in", query_string={"next": url, "url": url, "callback": url})
    with pytest.raises(TimeoutError):
        listener.accept()
    with socket.create_connection(listener.getsockname()), listener:
        listener.accept()[0].close()  # so it does listen


# --- S16: one request is never two --------------------------------------------------------------------

POST = f"POST {TRACES} HTTP/1.1\r\nHost: x\r\n"
SECOND = "GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
CHUNKED = POST + "Transfer-Encoding: chunked\r\n\r\n"
SMUGGLED = {
    "two lengths": POST + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths turned": POST + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
    "length twice": POST + "Content-Length: 4\r\nContent-Length: 40\r\n\r\nabcd",
    "the same length twice": POST + "Content-Length: 4\r\nContent-Length: 4\r\n\r\nabcd",
    "a list of lengths": POST + "Content-Length: 4, 40\r\n\r\nabcd",
    "a signed length": POST + "Content-Length: +4\r\n\r\nabcd",
    "a length below nothing": POST + "Content-Length: -4\r\n\r\nabcd",
    "a length in hexadecimal": POST + "Content-Length: 0x4\r\n\r\nabcd",
    "a length as Python writes it": POST + "Content-Length: 0_4\r\n\r\nabcd",
    "an unknown coding": POST + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "a coding after chunked": POST + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "a coding twice": POST + "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n",
    "a coding in quotes": POST + 'Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n',
    "a coding behind a tab of lines": POST + "Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "a space before the colon": POST + "Transfer-Encoding : chunked\r\nContent-Length: 4\r\n\r\nabcd",
    "a space before the name": POST + " Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\nabcd",
    "a folded header": POST + "Transfer-Encoding:\r\n chunked\r\nContent-Length: 4\r\n\r\nabcd",
    "a bare line feed": POST + "X: a\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\nabcd",
    "a bare carriage return": POST + "X: a\rTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\nabcd",
    "a zero in a header": POST + "X: a\0b\r\nContent-Length: 4\r\n\r\nabcd",
    "a chunk's size with 0x": CHUNKED + "0x4\r\nabcd\r\n0\r\n\r\n",
    "a chunk's size with a sign": CHUNKED + "+4\r\nabcd\r\n0\r\n\r\n",
    "a chunk's size of two words": CHUNKED + "4 4\r\nabcd\r\n0\r\n\r\n",
    "chunks ended by line feeds": CHUNKED + "4\nabcd\n0\n\n",
    "a chunk that is too short": CHUNKED + "2\r\nabcd\r\n0\r\n\r\n",
    "a line feed in an extension": CHUNKED + "4;a\nb\r\nabcd\r\n0\r\n\r\n",
    "a header without a colon": POST + "X\r\n\r\n",
    "two hosts": "GET /health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "two spaces": "GET  /health HTTP/1.1\r\nHost: a\r\n\r\n",
    "a version like none": "GET /health HTTP/1.1x\r\nHost: a\r\n\r\n",
    "a path with a line's end": "GET /he\ralth HTTP/1.1\r\nHost: a\r\n\r\n",
}


@pytest.fixture(scope="module")
def module_app(tmp_path_factory, empty_database):
    from webapp.settings import Settings

    folder = tmp_path_factory.mktemp("one")
    (folder / "db.sqlite").write_bytes(empty_database.read_bytes())
    app = create_app(Settings(f"sqlite:///{folder / 'db.sqlite'}", str(folder / "archive"), "test" * 10))
    yield app
    app.extensions["transitmap_engine"].dispose()


@pytest.fixture(scope="module")
def port(module_app):
    with serving(module_app) as opened:
        yield opened


@pytest.mark.parametrize("case", SMUGGLED)
def test_s16_what_could_hide_a_second_request_is_refused_and_hung_up_on(port, case):
    with socket.create_connection(("127.0.0.1", port), timeout=600) as attacker:
        attacker.sendall((SMUGGLED[case] + SECOND).encode("latin-1"))
        told = b""
        while piece := attacker.recv(65536):  # until the server hangs up, or the test fails
            told += piece
    assert re.findall(rb"HTTP/1\.[01] (\d+)", told) in ([b"400"], [b"501"])
    head, _, body = told.partition(b"\r\n\r\n")
    assert json.loads(body)["code"] == "bad_request"
    assert b"application/problem+json" in head and b"Content-Security-Policy" in head


def test_s16_the_list_is_refused_for_what_it_is(port):
    """What follows is sound: the server answers both requests of a pipeline."""
    sound = POST + "Content-Length: 4\r\n\r\nabcd" + SECOND.replace("x\r\n", "x\r\nConnection: close\r\n")
    with socket.create_connection(("127.0.0.1", port), timeout=600) as phone:
        phone.sendall(sound.encode())
        told = b""
        while piece := phone.recv(65536):
            told += piece
    assert re.findall(rb"HTTP/1\.[01] (\d+)", told) == [b"401", b"200"]


# --- S17: no content is a fault of ours ---------------------------------------------------------------

ODD = (
    b"", b" ", b"null", b"true", b"0", b'""', b"[]", b"{}", b"[[]]", b"[null]", b'[{"_type":null}]', b"NaN",
    b'{"a":NaN}', b'{"lat":Infinity}', b'{"lat":1e999,"lon":-1e999,"tst":1e999}', b"[" * 100_000,
    b'{"a":' * 100_000, b'{"_type":"location","lat":"19","lon":[],"tst":{}}', b'"\\ud800"',
    b'{"name":"\\ud800\\udfff\\u0000"}', b'{"a":1,"a":2}', b"\xef\xbb\xbf{}", '{"lat":1}'.encode("utf-16"),
    b"\xff\xfe\xfd", b'{"locations":[{"geometry":{"coordinates":["a",null]},"properties":[]}]}',
    b'{"points":[{"k":{},"lat":true,"lon":false,"t":"x"}]}', b'{"points":{"a":1}}', b"{'a':1}", b"{,}",
    b'{"_type":"location","tst":' + b"9" * 5000 + b"}", b'{"location":{"coords":5}}', b"\0" * 99,
    b'{"lat":19.5,"lon":-96.9,"tst":-99999999999999999999}', b'{"_type":["location"],"lat":1}',
)  # fmt: skip
JSON_ROUTES = sorted({rule for method, rule in TABLE if method == "POST" and rule not in ("/feeds/resume",)})


@pytest.fixture(scope="module")
def keyed(module_app, password_hash):
    """A key of the module's rider, as the values of the routes."""
    with store.session(module_app.extensions["transitmap_engine"]) as session:
        rider = store.add_user(session, "Fuzz", password_hash, 1.0)
        token = store.add_token(session, rider, "phone", 1.0)[1]
    return {"token": token, "verb": "logPost", "device": "phone", "prefix": "cloud", "token_id": 1,
            "feed_id": "x", "carried": "x", "upload_id": "x"}  # fmt: skip


def ask(app, keyed, rule, body, kind="application/json", query=b"", method="POST"):
    headers = {"Authorization": f"Bearer {keyed['token']}"}
    environ = {"QUERY_STRING": query.decode("latin-1")}
    return app.test_client().open(
        fill(rule, keyed),
        method=method,
        data=body,
        content_type=kind,
        headers=headers,
        environ_overrides=environ,
    )


@pytest.mark.parametrize("rule", JSON_ROUTES)
def test_s17_odd_json_is_no_fault_anywhere(module_app, keyed, rule):
    told = {ask(module_app, keyed, rule, body).status_code for body in ODD}
    assert max(told) < 500, told


NAMES_IN_JSON = (
    "_type", "lat", "lon", "tst", "timestamp", "locations", "geometry", "coordinates", "properties", "points",
)  # fmt: skip
VALUES = st.none() | st.booleans() | st.floats() | st.text(max_size=9) | st.integers()
JSON = st.recursive(
    VALUES,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES_IN_JSON), inner, max_size=5)
    ),
    max_leaves=12,
).map(lambda value: json.dumps(value).encode())
KINDS = (
    "application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b", "x", "\xff/x",
)  # fmt: skip


@pytest.mark.parametrize("rule", sorted({rule for _, rule in PHONES}))
@settings(max_examples=12, deadline=None)
@given(st.binary(max_size=300) | JSON, st.binary(max_size=60), st.sampled_from(KINDS))
def test_s17_random_bytes_are_no_fault_anywhere(module_app, keyed, rule, body, query, kind):
    for method in ("POST", "GET"):
        answer = ask(module_app, keyed, rule, body, kind, query, method)
        assert answer.status_code < 500, (method, rule, body, query)


# --- S18: what an error tells -------------------------------------------------------------------------

TELLTALE = re.compile(
    r"Traceback|File \"|\.py\b|werkzeug|waitress|flask|sqlalchemy|Python/|gunicorn|\bSQL\b|psycopg",
    re.IGNORECASE,
)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"])
def test_s18_every_error_is_a_page_or_a_problem_and_tells_nothing_of_us(module_app, keyed, method):
    values = {**keyed, "token": "tm_wrong", "name": "x", "filename": "x", "file": "x", "layer": "x"}
    values |= {"feature_id": "x", "app_key": "x", "route_id": "x"}
    client = module_app.test_client()
    n_errors = 0
    for path in {*(fill(rule, values) for _, rule in TABLE), "/nowhere", "/api/x", "/%00", "/..%2f", "/a//b"}:
        answer = client.open(path, method=method)
        if answer.status_code < 400 or not answer.data:
            continue
        n_errors += 1
        assert answer.status_code < 500, path
        assert not TELLTALE.search(answer.text), path
        assert answer.mimetype in ("application/problem+json", "text/html"), path
        if answer.mimetype != "text/html":
            assert {"type", "title", "status", "code"} <= set(answer.json)
    assert n_errors >= 20 or method == "OPTIONS"


def test_s18_a_host_that_is_not_ours_gets_a_problem_without_its_name(settings):
    app = create_app(replace(settings, hosts=("mapa.example",)))
    for path in ("/", "/api/v1/standings", "/nowhere", "/gtfs/gtfs.zip"):
        answer = app.test_client().get(path, base_url="http://evil.example")
        assert (answer.status_code, answer.mimetype) == (400, "application/problem+json")
        assert "evil" not in answer.text
    app.extensions["transitmap_engine"].dispose()


# --- headers ------------------------------------------------------------------------------------------

STRICT = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
LEAKING = ("Server", "X-Powered-By", "X-AspNet-Version", "Via")


@pytest.mark.parametrize("base_url", ["http://localhost", "https://localhost"])
def test_headers_are_on_every_answer_of_every_route(module_app, keyed, base_url):
    client = module_app.test_client()
    values = {**keyed, "name": "x", "filename": "style.css", "file": "x", "layer": "x", "feature_id": "x"}
    for method, rule in [*TABLE, ("GET", "/nowhere"), ("BREW", "/")]:
        headers = client.open(fill(rule, values), method=method, base_url=base_url).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy, rule
        assert "frame-ancestors 'none'" in policy and "base-uri 'none'" in policy, rule
        assert {name: headers[name] for name in STRICT} == STRICT, rule
        for feature in ("camera", "microphone", "payment", "usb"):
            assert f"{feature}=()" in headers["Permissions-Policy"], rule
        assert headers.get("Strict-Transport-Security", "") == (
            "max-age=31536000" if base_url.startswith("https") else ""
        )
        assert not [name for name in LEAKING if name in headers], rule
        for cookie in headers.getlist("Set-Cookie"):
            assert "SameSite=Lax" in cookie, rule
            assert "HttpOnly" in cookie or "Path=/record/" in cookie, rule  # whose outbox it is, no key


def test_no_answer_of_the_server_names_it(port):
    for request in ("GET / HTTP/1.1\r\nHost: x\r\n\r\n", "GET /nowhere HTTP/1.0\r\n\r\n", "nonsense\r\n\r\n"):
        head = exchange(port, request.encode()).partition(b"\r\n\r\n")[0].lower()
        assert (
            b"\r\nserver:" not in head and b"waitress" not in head and b"\r\ncontent-security-policy:" in head
        )


# --- P6: what is of other people is in no row and no answer -------------------------------------------

PLANTED = tuple(f"canary{n:02}" for n in range(40))


def file_with_others() -> bytes:
    """A sound ride with what some apps write beside it: hearts, networks, contacts, photos, addresses."""
    body = ride(1).decode()
    extension = (
        "<extensions><TrackPointExtension><hr>{}</hr><atemp>{}</atemp></TrackPointExtension>"
        "<wifi ssid='{}' bssid='{}'>{}</wifi><cell>{}</cell><photo href='file:///{}.jpg'/></extensions>"
        "<link href='https://x/{}.jpg'><text>{}</text></link><src>{}</src><cmt>{}</cmt><desc>{}</desc>"
    ).format(*PLANTED)
    about = (
        "<metadata><author><name>{12}</name><email id='{13}' domain='x'/></author><copyright author='{14}'/>"
        "<link href='https://x/{15}'/><keywords>{16}</keywords><desc>{17}</desc><name>{18}</name></metadata>"
    ).format(*PLANTED)
    after = "<extensions><contact phone='{19}'>{20}</contact></extensions>".format(*PLANTED)
    body = body.replace("</time></trkpt>", f"</time>{extension}</trkpt>", 1)
    body = body.replace("<trk>", f"{about}<trk>").replace("</gpx>", f"{after}</gpx>")
    assert sum(one in body for one in PLANTED) == 21
    return body.encode()


def messages_with_others(client, token):
    """A ride told live, with what OwnTracks and Overland tell of networks and of friends."""
    start_s = int(START.timestamp())
    for n in range(40):
        lat = 19.43 + n * 0.0004
        said = {"_type": "location", "lat": lat, "lon": -99.13, "tst": start_s + n * 10, "acc": 5,
                "SSID": PLANTED[21],
                "BSSID": PLANTED[22], "inregions": [PLANTED[23]],
                "inrids": [PLANTED[24]],
                "face": PLANTED[25], "image": PLANTED[26], "imagename": PLANTED[27],
                "tag": PLANTED[28]}  # fmt: skip
        assert client.post(f"/ingest/owntracks/{token}", json=said).status_code == 200
        feature = {"type": "Feature", "geometry": {"type": "Point", "coordinates": [-99.13, lat]},
                   "properties": {"timestamp": start_s + n * 10 + 5, "wifi": PLANTED[29],
                                  "unique_id": PLANTED[30],
                                  "visit": PLANTED[31], "heart_rate": PLANTED[32]}}  # fmt: skip
        assert client.post(f"/ingest/overland/{token}", json={"locations": [feature]}).status_code == 200
    card = {"_type": "card", "name": PLANTED[33], "face": PLANTED[34], "tid": "X"}
    assert client.post(f"/ingest/owntracks/{token}", json=card).status_code == 200


def rows_of_everything(engine) -> str:
    """Every cell of every table, but for the requests of phones as they came."""
    with engine.connect() as connection:
        tables = sa.inspect(connection).get_table_names()
        assert {"rides", "uploads", "messages", "users"} <= set(tables)
        return repr([connection.execute(sa.text(f"SELECT * FROM {name}")).all() for name in tables])


def test_p6_what_is_of_others_is_in_no_row_and_in_no_answer(app, client, device, log_in):
    engine, archive = app.extensions["transitmap_engine"], app.extensions["transitmap_archive"]
    publish(app)
    answers = [device(file_with_others()).text]
    token = device.headers["Authorization"].split()[1]
    messages_with_others(client, token)
    settings, rules = app.extensions["transitmap_settings"], app.extensions["transitmap_rules"]
    with store.session(engine) as session:
        spooled = session.scalars(sa.select(store.MessageRow)).all()
        spool = repr([unpack_message(row.packed) for row in spooled if row.packed])
        for upload_id in live.seal(session, archive, settings.config, time.time() + 3600):
            upload = store.upload_by_id(session, upload_id, None)
            understand(session, archive, upload, settings.config, rules, time.time())
        rides = session.scalars(sa.select(store.RideRow)).all()
        packed = repr([vars(unpack_ride(archive.get(row.packed_sha256))) for row in rides])
        uploads = [upload.id for upload in session.scalars(sa.select(store.Upload))]
    assert len(rides) == len(uploads) == 2
    browser = log_in("Coyote")
    answers += [browser.get(f"/traces/{upload_id}").text for upload_id in uploads]
    answers += [browser.get(path).text for path in ("/traces/", "/phones/", "/phones/1", "/standings/Coyote")]
    answers += [client.get("/gtfs/export/network.gpx").text, client.get("/api/v1/network.geojson").text]
    derived = rows_of_everything(engine) + packed + "".join(answers)
    assert [one for one in PLANTED if one in derived] == []
    networks = [PLANTED[n] for n in (21, 22, 29)]
    assert [one for one in networks if one in spool] == [], "not even while it waits"
