"""Phones: what each app is given, who sees which device, and whether what comes in is told to its owner."""

from __future__ import annotations

import base64
import html
import json
import logging
import re
import time
from urllib.parse import parse_qs, unquote, urlsplit
from urllib.request import urlopen

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.webapp.conftest import form_token, serving
from transitmap import live, store
from webapp import phone_keys, phones, setup_links
from webapp.phone_apps import APPS, BY_KEY
from webapp.qr import qr_svg

ROOT = "https://mapa.example/"
KEY = "tm_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"
GPSLOGGER_KEYS = {
    "log_gpx", "log_gpx_11", "log_plain_text", "time_before_logging", "distance_before_logging",
    "accuracy_before_logging", "keep_fix", "autosend_enabled", "autosend_frequency_minutes",
    "autosend_frequency_whenstoppressed", "autosend_sendzip", "autohttpfileupload_enabled",
    "httpfileupload_url", "httpfileupload_method", "httpfileupload_body_type", "httpfileupload_headers",
    "log_customurl_enabled", "log_customurl_url", "log_customurl_method",
}  # fmt: skip


@pytest.fixture
def coyote(add_rider, log_in):
    """A rider's browser."""
    add_rider("Coyote")
    return log_in("Coyote")


def add_phone(client, app="owntracks", device="Moto de Ana"):
    form = {"csrf_token": form_token(client, f"/phones/apps/{app}"), "app": app, "device": device}
    answer = client.post("/phones/", data=form)
    assert answer.status_code == 200
    return answer.text


def post(client, path):
    return client.post(path, data={"csrf_token": form_token(client, "/phones/apps/owntracks")})


def key_in(page):
    return re.search(r"tm_[\w-]{43}", page)[0]


def change(app, **columns):
    with store.session(app.extensions["transitmap_engine"]) as session:
        token = session.get(store.Token, 1)
        for name, value in columns.items():
            setattr(token, name, value)


def inline(link):
    """What an app finds in the base64 of a link, however it unescapes it."""
    query = link.partition("=")[2]
    assert parse_qs(urlsplit(link).query)[link.partition("?")[2].partition("=")[0]] == [query]
    assert unquote(query) == query
    return json.loads(base64.b64decode(query, validate=True))


def test_owntracks_link_is_the_configuration():
    made = setup_links.setup_of("owntracks", ROOT, KEY, "Moto de Ana")
    assert made.link.startswith("owntracks:///config?inline=")
    assert inline(made.link) == {
        "_type": "configuration", "mode": 3, "url": "https://mapa.example/ingest/owntracks", "auth": True,
        "username": "transitmap", "password": KEY, "deviceId": "moto-de-ana", "tid": "MO", "monitoring": 2,
        "moveModeLocatorInterval": 5, "locatorPriority": 0, "locatorInterval": 5, "locatorDisplacement": 5,
    }  # fmt: skip


def test_colota_link_is_the_configuration():
    made = setup_links.setup_of("colota", ROOT, KEY, "Moto de Ana")
    assert made.link.startswith("colota://setup?config=")
    assert inline(made.link) == {
        "endpoint": "https://mapa.example/ingest/overland", "interval": 5, "distance": 0, "syncInterval": 60,
        "apiTemplate": "overland", "overlandBatchSize": 50, "auth": {"type": "bearer", "bearerToken": KEY},
    }  # fmt: skip


def test_overland_link_fills_all_four_values():
    link = urlsplit(setup_links.setup_of("overland", ROOT, KEY, "Teléfono ñ & más").link)
    assert (link.scheme, link.netloc) == ("overland", "setup")
    assert parse_qs(link.query, strict_parsing=True) == {
        "url": ["https://mapa.example/ingest/overland"],
        "token": [KEY],
        "device_id": ["telefono-n-mas"],
        "unique_id": ["yes"],
    }
    assert "+" not in link.query


def test_traccar_link_and_code_say_the_same():
    made = setup_links.setup_of("traccar", ROOT, KEY, "Moto de Ana")
    link, code = urlsplit(made.link), urlsplit(made.qr)
    options = parse_qs(code.query, strict_parsing=True)
    assert options == {
        "id": ["moto-de-ana"],
        "accuracy": ["highest"],
        "interval": ["5"],
        "distance": ["0"],
        "buffer": ["true"],
        "stop_detection": ["false"],
    }
    assert code._replace(query="").geturl() == f"https://mapa.example/ingest/osmand/{KEY}"
    assert (link.scheme, link.netloc) == ("org.traccar.client", "x")
    assert parse_qs(link.query) == {"url": [code._replace(query="").geturl()], **options}


def test_addresses_to_paste_hold_the_placeholders_of_their_app():
    osmand = setup_links.setup_of("osmand", ROOT, KEY, "x").fields[0][1]
    assert osmand == (
        f"https://mapa.example/ingest/osmand/{KEY}"
        "?lat={0}&lon={1}&timestamp={2}&hdop={3}&altitude={4}&speed={5}&bearing={6}&batt={11}"
    )
    assert "{13}" not in osmand, "OsmAnd's own secret is none of ours"
    values = [value for _, value in setup_links.setup_of("ulogger", ROOT, KEY, "x").fields]
    assert f"https://mapa.example/ingest/ulogger/{KEY}" in values
    values = [value for _, value in setup_links.setup_of("phonetrack", ROOT, KEY, "Mi cel").fields]
    assert values == ["https://mapa.example/ingest/phonetrack", KEY, "mi-cel"]


@pytest.mark.parametrize(("way", "is_live"), [("file", "false"), ("live", "true")])
def test_gpslogger_settings_have_exactly_their_keys_and_one_way(way, is_live):
    lines = setup_links.gpslogger_properties(ROOT, KEY, way).splitlines()
    settings = dict(line.split("=", 1) for line in lines)
    assert set(settings) == GPSLOGGER_KEYS
    assert len(lines) == len(settings)
    assert settings["httpfileupload_url"] == f"https://mapa.example/ingest/file/{KEY}"
    assert settings["log_customurl_url"].startswith(f"https://mapa.example/ingest/gpslogger/{KEY}?lat=%LAT&")
    assert settings["log_customurl_enabled"] == is_live != settings["autohttpfileupload_enabled"]
    assert (settings["autosend_sendzip"], settings["distance_before_logging"]) == ("true", "0")
    assert "\\" not in "".join(lines)


@given(st.dictionaries(st.text(), st.one_of(st.text(), st.integers(), st.booleans())))
def test_any_configuration_is_base64_that_needs_no_escaping(config):
    """An app that takes + for a space, or that does not unescape %3D, reads the same."""
    text = setup_links.safe_base64(config)
    assert re.fullmatch("[A-Za-z0-9]*", text)
    assert json.loads(base64.b64decode(text)) == config


@given(st.text(max_size=80))
def test_any_device_name_gives_a_label_without_escapes(name):
    assert re.fullmatch("[a-z0-9]([a-z0-9-]{0,22}[a-z0-9])?", setup_links.slug(name))


@pytest.mark.parametrize("app", ["owntracks", "overland", "traccar", "colota"])
def test_the_code_is_read_back_by_another_library(app):
    said = setup_links.setup_of(app, ROOT, KEY, "Un teléfono de nombre bastante largo, con acentos").qr
    assert read_code(str(qr_svg(said))) == said


def read_code(svg):
    """What a camera would read: the drawing as dots, in the eyes of zxing."""
    import numpy as np
    import zxingcpp

    side = int(re.search(r'viewBox="0 0 (\d+) ', svg)[1])
    dots, (x, y) = np.full((side, side), 255, np.uint8), (0.0, 0.0)
    path = re.search(r'<path class="qrline"[^>]* d="([^"]+)"', svg)[1]
    for step, values in re.findall(r"([Mmh])([-\d. ]+)", path):
        numbers = [float(value) for value in re.findall(r"-?\d*\.?\d+", values)]
        if step == "M":
            x, y = numbers
        elif step == "m":
            x, y = x + numbers[0], y + numbers[1]
        else:
            dots[int(y), int(x) : int(x + numbers[0])] = 0
            x += numbers[0]
    found = zxingcpp.read_barcodes(np.kron(dots, np.ones((4, 4), np.uint8)))
    return found[0].text


def test_every_app_has_a_page_and_a_setup(coyote):
    assert {app.key for app in APPS} == set(setup_links.SETUPS)
    for app in APPS:
        page = add_phone(coyote, app.key)
        assert page.count(key_in(page)) >= 1
        assert (f"Preparar {app.name}" in page) is (app.key != "program")


def test_a_key_is_shown_once_works_and_can_be_taken_back(app, coyote):
    key = key_in(add_phone(coyote, "program"))
    pages = [coyote.get(path).text for path in ("/phones/", "/phones/1", "/accounts/")]
    assert all("Moto de Ana" in page for page in pages[:2])
    assert not any(key in page or "tm_" in page for page in pages)
    phone, headers = app.test_client(), {"Authorization": f"Bearer {key}"}
    assert phone.post("/api/v1/traces", data=b"", headers=headers).status_code != 401
    assert phone.get("/phones/1", headers=headers).status_code == 401, "a device's key reads nothing"
    post(coyote, "/phones/1/revoke")
    assert phone.post("/api/v1/traces", data=b"", headers=headers).status_code == 401
    assert "Llave retirada" in coyote.get("/phones/1").text


def test_a_new_key_takes_the_place_of_the_old_one(app, coyote):
    first = key_in(add_phone(coyote, "colota"))
    second = post(coyote, "/phones/1/renew").text
    assert "Preparar Colota" in second
    with store.session(app.extensions["transitmap_engine"], write=False) as session:
        assert store.token_by_plain(session, first) is None
        token = store.token_by_plain(session, key_in(second))
    assert (token.id, token.name, token.app) == (2, "Moto de Ana", "colota")


def test_a_rider_has_so_many_phones_and_no_more(app, coyote, monkeypatch):
    monkeypatch.setattr(phones, "MAX_PHONES", 2)
    add_phone(coyote)
    add_phone(coyote)
    form = {"csrf_token": form_token(coyote, "/phones/apps/colota"), "app": "colota"}
    assert coyote.post("/phones/", data=form).status_code == 409
    assert post(coyote, "/phones/1/renew").status_code == 200, "one goes, one comes"
    post(coyote, "/phones/2/revoke")
    assert coyote.post("/phones/", data=form).status_code == 200


def test_a_device_can_be_renamed(coyote):
    add_phone(coyote)
    form = {"csrf_token": form_token(coyote, "/phones/1"), "device": " El <b>  de\u202e repuesto "}
    assert coyote.post("/phones/1/rename", data=form).status_code == 302
    assert "<h1>El &lt;b&gt; de repuesto</h1>" in coyote.get("/phones/1").text


def test_nobody_sees_anothers_devices(coyote, add_rider, log_in):
    add_phone(coyote)
    add_rider("Otro")
    other = log_in("Otro")
    assert "Moto de Ana" not in other.get("/phones/").text
    assert other.get("/phones/1").status_code == 404
    for deed in ("rename", "renew", "revoke"):
        assert post(other, f"/phones/1/{deed}").status_code == 404
    assert "Todavía no llega nada" in coyote.get("/phones/1").text


def setup_paths(page):
    links = re.findall(r'href="gpslogger://properties/http://localhost(/phones/setup/[^"]+)"', page)
    assert len(links) == 2
    return [html.unescape(link) for link in links]


def test_gpslogger_fetches_its_settings_by_a_link_that_holds_no_key(app, coyote):
    page = add_phone(coyote, "gpslogger")
    phone = app.test_client()
    key = re.search(r"/ingest/file/(tm_[\w-]+)", page)[1]
    for way, path in zip(("file", "live"), setup_paths(page), strict=True):
        answer = phone.get(path)
        assert answer.text == setup_links.gpslogger_properties("http://localhost/", key, way)
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.mimetype == "text/plain"
        assert key not in path
        carried = path.removeprefix("/phones/setup/").split(".")[0]
        assert key.encode() not in base64.urlsafe_b64decode(carried + "==")
    path = setup_paths(page)[0]
    opened = read_code(re.search(r'<svg[^>]*class="qr-code".*?</svg>', page)[0])
    assert opened == "http://localhost" + path.removesuffix(".properties")
    assert f'href="gpslogger://properties/http://localhost{path}"' in phone.get(opened).text


def test_the_link_dies_by_use_by_age_and_with_its_key(app, coyote, monkeypatch):
    path = setup_paths(add_phone(coyote, "gpslogger"))[0]
    phone = app.test_client()
    now_s = time.time()
    monkeypatch.setattr(time, "time", lambda: now_s + phone_keys.LINK_LASTS_S + 2)
    assert phone.get(path).status_code == 410
    monkeypatch.undo()
    assert phone.get(path).status_code == 200
    assert phone.get(path.replace(".properties", "x.properties")).status_code == 410
    change(app, heard_s=now_s)
    assert phone.get(path).status_code == 410
    change(app, heard_s=None, revoked_s=now_s)
    assert phone.get(path).status_code == 410
    assert "ya se usó o venció" in phone.get(path).text


def test_the_key_of_a_link_needs_the_secret():
    number = phone_keys.draw()
    carried = phone_keys.write_link("a" * 40, number, "file")
    assert phone_keys.read_link("a" * 40, carried) == (phone_keys.key_of("a" * 40, number), "file")
    assert phone_keys.read_link("b" * 40, carried) is None
    assert phone_keys.key_of("a" * 40, number) != phone_keys.key_of("b" * 40, number)
    assert re.fullmatch(r"tm_[\w-]{43}", phone_keys.key_of("a" * 40, number))


def test_the_owner_sees_what_came_and_what_was_left_out_and_why(app, coyote):
    add_phone(coyote)
    assert "Todavía no llega nada" in coyote.get("/phones/1").text
    change(
        app, heard_s=time.time() - 12, n_messages=40, n_fixes=1234, dropped={"out_of_range": 2, "no_time": 7}
    )
    with store.session(app.extensions["transitmap_engine"]) as session:
        for number, upload_id in enumerate(("", "", "U")):
            session.add(
                store.MessageRow(
                    token_id=1, sha256=f"{number:064}", received_s=1.0, dialect="owntracks", n_fixes=3,
                    packed=b"", upload_id=upload_id,
                )
            )  # fmt: skip
    page = " ".join(re.sub("<[^>]+>", " ", coyote.get("/phones/1").text).split())
    assert re.search(r"Recibido hace 1\d segundos", page)
    assert "Hay un viaje en curso: 6 posiciones esperan" in page
    assert "mensajes 40 posiciones 1,234 sin usar 9" in page
    assert page.index("Sin hora 7") < page.index("Fuera de las latitudes y longitudes de la Tierra 2")
    assert "recibido hace" in coyote.get("/phones/").text
    sent = coyote.get("/traces/").text
    assert "Ya está aquí un viaje de 1 teléfono tuyo." in sent
    assert "15 minutos sin enviar nada" in sent


def test_nothing_is_said_to_wait_where_nothing_does(coyote):
    add_phone(coyote)
    assert "Ya está aquí" not in coyote.get("/traces/").text


def test_the_recorder_is_called_by_its_name_in_the_language_of_the_page(app, coyote):
    with store.session(app.extensions["transitmap_engine"]) as session:
        rider = store.user_by_name(session, "Coyote")
        device = live.own_recorder(session, rider.id, time.time())
        upload, _ = store.add_upload(
            session, rider.id, "f" * 64, "recorder", 9, 1.0, "", kind="live", token_id=device.token_id
        )
        receipt = f"/traces/{upload.id}"
    for path in ("/phones/", f"/phones/{device.token_id}", "/traces/", "/", receipt):
        assert "La grabadora de este sitio" in coyote.get(path).text, path
        assert "This site’s recorder" in coyote.get(f"{path}?lang=en").text, path
        assert ">recorder<" not in coyote.get(f"{path}?lang=es").text, path
    assert f'href="/phones/{device.token_id}"' in coyote.get(receipt).text


def test_the_trips_of_a_device_lead_to_their_receipts(app, coyote):
    add_phone(coyote)
    with store.session(app.extensions["transitmap_engine"]) as session:
        for number, kind in enumerate(("live", "live", "file")):
            upload, _ = store.add_upload(session, 1, str(number) * 64, f"{number}.gpx", 5, 1.0 + number)
            upload.token_id = 1 if kind == "live" else None
            upload.kind = kind
        session.flush()
        ids = [upload.id for upload in store.uploads_of_user(session, 1)]
        ride = {
            "sequence": 1, "id": "r", "upload_id": ids[2], "user_id": 1, "ordinal": 1, "name": "x",
            "n_fixes": 9, "dropped": {}, "warnings": [], "mode": "bus", "route_name": "Ruta 57",
            "stretch": {}, "started_s": 1_790_000_000.0, "distance_m": 1.0, "packed_sha256": "",
        }  # fmt: skip
        store.add_rides(session, [store.RideRow(**ride)])
    page = coyote.get("/phones/1").text
    assert page.count("Ruta 57") == 1
    assert re.search(r"2\d sept?\.? 2026", page)
    assert [ids.index(found) for found in re.findall(r'href="/traces/([\w-]+)"', page)] == [1, 2]


def test_htmx_gets_the_inside_and_a_word_only_where_something_changed(app, coyote):
    add_phone(coyote)
    ask = {"HX-Request": "true"}
    inside = coyote.get("/phones/1?said=new", headers=ask).text
    assert inside.lstrip().startswith('<div id="status"')
    assert "hx-swap-oob" not in inside
    change(app, heard_s=time.time())
    assert "hx-swap-oob" in coyote.get("/phones/1?said=new", headers=ask).text
    assert "hx-swap-oob" not in coyote.get("/phones/1?said=resting", headers=ask).text
    change(app, revoked_s=time.time())
    assert "hx-get" not in coyote.get("/phones/1?said=revoked", headers=ask).text
    assert coyote.get("/phones/", headers=ask).text.lstrip().startswith("<ul")


def test_addresses_are_those_of_the_request_and_plain_http_is_warned_of(coyote):
    form = {"csrf_token": form_token(coyote, "/phones/apps/overland"), "app": "overland"}
    page = coyote.post("/phones/", data=form).text
    assert "http://localhost/ingest/overland" in page
    assert "sin cifrar" not in page
    for base, is_warned in (
        ("http://mapa.example", True),
        ("http://192.168.1.7:8000", True),
        ("https://mapa.example", False),
        ("http://127.0.0.1:8000", False),
        ("http://[::1]:8000", False),
    ):
        shown = coyote.get("/phones/apps/overland", base_url=base).text
        assert ("sin cifrar" in shown) is is_warned, base


def test_no_key_in_logs_or_in_addresses_of_our_pages(app, coyote, caplog):
    caplog.set_level(logging.DEBUG)
    made = [add_phone(coyote, one.key) for one in APPS]
    keys = {re.search(r"tm_[\w-]{43}", page)[0] for page in made if "tm_" in page}
    with serving(app) as port:
        path = setup_paths(made[0])[0]
        with urlopen(f"http://127.0.0.1:{port}{path}") as answer:
            assert key_in(answer.read().decode()) in keys
    pages = [coyote.get(path).text for path in ("/", "/phones/", "/phones/1", "/accounts/", "/traces/")]
    addresses = re.findall(r'(?:href|src|action|hx-get)="(/[^"]*)"', "".join([*pages, *made]))
    assert len(addresses) > 100
    for key in keys:
        assert key not in caplog.text
        assert not any(key in one for one in addresses)


def test_a_strangers_app_key_is_no_page(client):
    assert client.get("/phones/apps/../x").status_code == 404
    assert client.get("/phones/apps/nothing").status_code == 404
    assert set(BY_KEY) >= {"gpslogger", "overland"}
