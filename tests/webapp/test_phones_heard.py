"""Each app is set up by what its page hands over, nothing else, and sends: its owner sees that it came."""

from __future__ import annotations

import base64
import html
import io
import json
import logging
import re
import time
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.webapp.conftest import form_token
from tests.webapp.traces import ride
from transitmap import store

FIX_S = int(time.time()) - 60
LAT, LON = 19.4326, -99.1332


def add_phone(client, app):
    form = {"csrf_token": form_token(client, f"/phones/apps/{app}"), "app": app, "device": "Moto de Ana"}
    return html.unescape(client.post("/phones/", data=form).text)


def key_in(page):
    return re.search(r"tm_[\w-]{43}", page)[0]


def fields(page):
    return re.findall(r'<code class="token"[^>]*>([^<]+)', page)


def owntracks(phone, page):
    config = json.loads(base64.b64decode(re.search(r"inline=(\w+)", page)[1]))
    fix = {
        "_type": "location",
        "lat": LAT,
        "lon": LON,
        "tst": FIX_S,
        "acc": 5,
        "topic": "owntracks/jane/phone",
    }
    answer = phone.post(urlsplit(config["url"]).path, json=fix, auth=(config["username"], config["password"]))
    assert answer.json == []
    return answer


def features():
    fix = {
        "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(FIX_S)),
        "horizontal_accuracy": 5,
        "speed": 4,
    }
    point = {"type": "Point", "coordinates": [LON, LAT]}
    return {"locations": [{"type": "Feature", "geometry": point, "properties": fix}]}


def overland(phone, page):
    given = parse_qs(urlsplit(re.search(r'overland://[^"]+', page)[0]).query)
    bearer = {"Authorization": f"Bearer {given['token'][0]}"}
    answer = phone.post(urlsplit(given["url"][0]).path, json=features(), headers=bearer)
    assert answer.json["result"] == "ok"
    return answer


def colota(phone, page):
    config = json.loads(base64.b64decode(re.search(r"config=(\w+)", page)[1]))
    bearer = {"Authorization": f"Bearer {config['auth']['bearerToken']}"}
    return phone.post(urlsplit(config["endpoint"]).path, json=features(), headers=bearer)


def traccar(phone, page):
    given = parse_qs(urlsplit(re.search(r'org\.traccar\.client://[^"]+', page)[0]).query)
    fix = {"id": given["id"][0], "lat": LAT, "lon": LON, "timestamp": FIX_S, "accuracy": 5.0, "speed": 16.5}
    return phone.post(urlsplit(given["url"][0]).path, data=fix)


def osmand(phone, page):
    address = urlsplit(fields(page)[0])
    values = (LAT, LON, FIX_S * 1000, 5, 2240, 8.5, 90, 0, 0, 0, 0, 87)
    return phone.get(f"{address.path}?{address.query.format(*values)}")


def phonetrack(phone, page):
    base, key, device = fields(page)
    fix = {"lat": LAT, "lon": LON, "alt": "", "timestamp": FIX_S, "acc": 5, "speed": 8.5, "bearing": ""}
    answer = phone.post(f"{urlsplit(base).path}/index.php/apps/phonetrack/logPost/{key}/{device}", data=fix)
    assert answer.json["done"] == 1
    return answer


def ulogger(phone, page):
    base, user, password = fields(page)
    path = urlsplit(base).path + "/client/index.php"
    assert phone.head(path).status_code == 200
    assert phone.post(path, data={"action": "auth", "user": user, "pass": password}).json["error"] is False
    track = phone.post(path, data={"action": "addtrack", "track": "x"}).json["trackid"]
    fix = {"action": "addpos", "lat": LAT, "lon": LON, "time": FIX_S, "trackid": track, "accuracy": 5}
    return phone.post(path, data=fix)


def gpslogger_settings(phone, page, number):
    link = re.findall(r'gpslogger://properties/http://localhost([^"]+)', page)[number]
    return dict(line.split("=", 1) for line in phone.get(link).text.splitlines())


def gpslogger(phone, page):
    address = urlsplit(gpslogger_settings(phone, page, 1)["log_customurl_url"])
    told = {"%LAT": LAT, "%LON": LON, "%TIMESTAMP": FIX_S, "%ACC": 5.0, "%SPD": 8.5, "%DESC": "parada"}
    query = re.sub("%[A-Z]+", lambda found: str(told.get(found[0], "0.0")), address.query)
    return phone.get(f"{address.path}?{query}")


@pytest.mark.parametrize(
    "send",
    [owntracks, overland, colota, traccar, osmand, phonetrack, ulogger, gpslogger],
    ids=lambda f: f.__name__,
)
def test_what_an_app_was_given_is_enough_to_be_heard(app, add_rider, log_in, send, caplog):
    caplog.set_level(logging.DEBUG)
    add_rider("Coyote")
    client = log_in("Coyote")
    page = add_phone(client, send.__name__)
    assert "Todavía no llega nada" in client.get("/phones/1").text
    assert send(app.test_client(), page).status_code == 200
    assert key_in(page) not in caplog.text
    shown = client.get("/phones/1").text
    assert key_in(page) not in shown
    assert re.search(r"Recibido hace \d+ segundos?", shown)
    assert "Hay un viaje en curso: 1 posición espera." in shown
    with store.session(app.extensions["transitmap_engine"], write=False) as session:
        token = store.tokens_of_user(session, 1)[0]
    assert (token.app, token.n_fixes, token.dropped) == (send.__name__, 1, {})


def test_gpslogger_sends_a_whole_trip_that_leads_to_its_receipt(app, add_rider, log_in):
    add_rider("Coyote")
    client, phone = log_in("Coyote"), app.test_client()
    page = add_phone(client, "gpslogger")
    settings = gpslogger_settings(phone, page, 0)
    assert settings["httpfileupload_body_type"] == "form-data"
    sent = {"file": (io.BytesIO(ride(3)), "20261122.gpx")}
    path = urlsplit(settings["httpfileupload_url"]).path
    assert phone.open(path, method=settings["httpfileupload_method"], data=sent).status_code == 200
    shown = client.get("/phones/1").text
    assert "Recibido hace" in shown
    receipt = re.search(r'href="(/traces/[\w-]+)"', shown)[1]
    assert client.get(receipt).status_code == 200
    assert phone.get(receipt).status_code == 401
