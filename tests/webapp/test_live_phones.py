"""Each phone rides against the real server: what it sent becomes a ride, and no log knows where or who."""

from __future__ import annotations

import base64
import io
import json
import logging
import socket
import time
import urllib.request
import zipfile
from dataclasses import replace
from urllib.parse import quote, urlencode

import pytest
import sqlalchemy as sa

from tests.webapp.conftest import serving
from transitmap import live, store
from transitmap.archive import unpack_message
from transitmap.config import override
from transitmap.contribute import understand
from transitmap.receipt import receipt_of
from webapp import create_app

N = 30
STEP_S = 5
START_S = int(time.time()) - 1000
SECRETS = ("19.4", "-99.1", "99.1", "tm_", "9907.", "1925.")


@pytest.fixture
def settings(settings):
    return replace(settings, config=override(settings.config, {"collect": {"trim_m": 0.0}}))


def fixes() -> list[tuple[float, float, int]]:
    """Latitude, longitude and time of a bus that goes north, 40 m each 5 s."""
    return [(round(19.4 + k * 0.00036, 6), -99.1332, START_S + k * STEP_S) for k in range(N)]


def iso(time_s: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time_s))


def post_json(path: str, value, **headers: str):
    return path, json.dumps(value).encode(), {"Content-Type": "application/json", **headers}


def form(path: str, **values):
    return path, urlencode(values).encode(), {"Content-Type": "application/x-www-form-urlencoded"}


def get(path: str, **values):
    return f"{path}?{urlencode(values)}", None, {}


def feature(lat: float, lon: float, time_s: int) -> dict:
    properties = {
        "timestamp": iso(time_s), "altitude": 0, "speed": 8, "course": 0, "horizontal_accuracy": 5,
        "vertical_accuracy": -1, "motion": ["driving"], "battery_state": "unplugged", "battery_level": 0.8,
        "device_id": "", "wifi": "casa de ana",
    }  # fmt: skip
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [lon, lat]},
        "properties": properties,
    }


def owntracks(token):
    basic = base64.b64encode(f"transitmap:{token}".encode()).decode()
    for lat, lon, t in fixes():
        said = {"_type": "location", "lat": lat, "lon": lon, "tst": t, "acc": 5, "vel": 29, "tid": "JJ",
                "topic": "owntracks/jane/phone", "created_at": t + 1, "m": 1}  # fmt: skip
        yield post_json("/ingest/owntracks", said, Authorization=f"Basic {basic}", **{"X-Limit-U": "jane"})


def overland(token):
    features = [feature(*fix) for fix in fixes()]
    for first in (0, 10, 20):
        said = {"locations": features[first : first + 10], "current": features[-1]}
        yield post_json("/ingest/overland", said, Authorization=f"Bearer {token}")


def overland_as_owntracks(token):
    for lat, lon, t in fixes():
        said = {"_type": "location", "lat": lat, "lon": lon, "tst": t - 978_307_200, "acc": 8, "batt": 80,
                "topic": "owntracks/jane/phone"}  # fmt: skip
        yield post_json("/ingest/owntracks", said, Authorization=f"Basic {token}:")


def dawarich(token):
    for first in (0, 15):
        said = {"locations": [feature(*fix) for fix in fixes()[first : first + 15]]}
        yield post_json(f"/api/v1/overland/batches?api_key={token}", said)


def colota(token):
    for lat, lon, t in fixes():
        said = {"_type": "location", "lat": lat, "lon": lon, "tst": t, "acc": 12, "vel": 8.0, "bs": 2,
                "tid": "AA", "cog": 1}  # fmt: skip
        yield post_json(f"/api/v1/owntracks/points?api_key={token}", said)


def traccar_8(token):
    for lat, lon, t in fixes():
        yield form(
            f"/ingest/osmand/{token}/?id=123456&timestamp={t}&lat={lat}&lon={lon}&speed=16.0&accuracy=5"
        )


def traccar_9(token):
    for lat, lon, t in fixes():
        coords = {"latitude": lat, "longitude": lon, "accuracy": 5, "speed": 8, "heading": -1}
        said = {
            "location": {"timestamp": iso(t), "coords": coords, "battery": {"level": 1}},
            "device_id": "48",
        }
        yield post_json(f"/ingest/osmand/{token}", said)


def traccar_10(token):
    for lat, lon, t in fixes()[:15]:
        yield form(
            f"/ingest/osmand/{token}", id="48", lat=lat, lon=lon, timestamp=t, accuracy=5.0, speed=16.0
        )
    rest = [
        {"id": "48", "lat": lat, "lon": lon, "timestamp": t, "accuracy": 5.0} for lat, lon, t in fixes()[15:]
    ]
    yield post_json(f"/ingest/osmand/{token}", rest)


def osmand(token):
    for lat, lon, t in fixes():
        yield get(
            f"/ingest/osmand/{token}", lat=lat, lon=lon, timestamp=t * 1000, hdop=6.0, speed=8.1, batt=80
        )


def dawarich_app(token):
    for lat, lon, t in fixes():
        said = {
            "location": {"latitude": lat, "longitude": lon, "timestamp": iso(t), "accuracy": 5, "speed": 8.0}
        }
        yield post_json(f"/api/v1/traccar/points?api_key={token}", {**said, "device_id": "x"})


def gpslogger(token):
    for lat, lon, t in fixes():
        yield get(
            f"/ingest/gpslogger/{token}", lat=lat, lon=lon, timestamp=t, acc=5.0, spd=8.0, desc="", prov="gps"
        )


def opengts(token):
    for lat, lon, t in fixes():
        when = time.gmtime(t)
        clock, date = time.strftime("%H%M%S", when), time.strftime("%d%m%y", when)
        north, west = f"19{(lat - 19) * 60:08.5f}", f"99{(-lon - 99) * 60:08.5f}"
        text = f"GPRMC,{clock},A,{north},N,{west},W,16.500000,0.000000,{date},,"
        check = 0
        for byte in text.encode():
            check ^= byte
        sentence = quote(f"${text}*{check:02X}", safe="$,*")
        yield f"/ingest/gpslogger/{token}?id=dev1&code=0xF020&gprmc={sentence}", None, {}


def ulogger(token):
    path = f"/ingest/ulogger/{token}/client/index.php"
    yield form(path, action="auth", user="ana", **{"pass": "secreto"})
    yield form(path, action="addtrack", track="al centro")
    for lat, lon, t in fixes()[1:]:
        yield form(
            path, action="addpos", lat=lat, lon=lon, time=t, accuracy=5, speed=8.0, provider="gps", trackid=1
        )
    lat, lon, t = fixes()[0]
    said = {"action": "addpos", "lat": lat, "lon": lon, "time": t, "accuracy": 5, "trackid": 1}
    parts = [f'--b\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n' for k, v in said.items()]
    photo = '--b\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n\r\n'
    body = "".join(parts).encode() + photo.encode() + b"\xff\xd8" * 700_000 + b"\r\n--b--\r\n"
    yield path, body, {"Content-Type": "multipart/form-data; boundary=b"}


def phonetrack(token):
    base = "/ingest/phonetrack/index.php/apps/phonetrack"
    for lat, lon, t in fixes()[:5]:
        yield form(f"{base}/logPost/{token}/mio", lat=lat, lon=lon, timestamp=t, acc=5, speed="", alt="")
    for lat, lon, t in fixes()[5:10]:
        yield get(f"/index.php/apps/phonetrack/logGet/{token}/mio", lat=lat, lon=lon, timestamp=t, acc=5)
    rows = [[lat, lon, t, 2240.0, 5.0, 87, 9, "Pixel", 8.0, 0.0] for lat, lon, t in fixes()[10:]]
    yield post_json(f"/nube/index.php/apps/phonetrack/logPostMultiple/{token}/mio", {"points": rows})


def locus(token):
    for lat, lon, t in fixes():
        yield get(f"/ingest/locus/{token}", lat=lat, lon=lon, time=t, acc=5, speed=8.0, battery=80)


def recorder(token):
    points = [{"k": f"u:{n}", "trip": "u", "lat": lat, "lon": lon, "acc": 5, "spd": None, "t": t * 1000}
              for n, (lat, lon, t) in enumerate(fixes())]  # fmt: skip
    yield post_json("/ingest/recorder", {"points": points}, Authorization=f"Bearer {token}")


OK = {"result": "ok"}
CLIENTS = {
    owntracks: [], overland: OK, overland_as_owntracks: OK, dawarich: OK, colota: [],
    traccar_8: "", traccar_9: "",
    traccar_10: "", osmand: "", dawarich_app: "", gpslogger: "", opengts: "", phonetrack: {"done": 1},
    ulogger: {"error": False, "trackid": 1}, locus: {"done": 1},
    recorder: {"ack": [f"u:{n}" for n in range(N)]},
}  # fmt: skip


def send(port: int, path: str, body: bytes | None, headers: dict) -> tuple[int, bytes]:
    asked = urllib.request.Request(f"http://127.0.0.1:{port}{path}", body, headers)
    with urllib.request.urlopen(asked, timeout=600) as answer:
        return answer.status, answer.read()


def test_each_phone_gives_a_ride_with_a_receipt_and_the_log_knows_nothing(
    settings, app, add_rider, token_of, caplog
):
    caplog.set_level(logging.INFO)
    riders = {client: add_rider(client.__name__) for client in CLIENTS}
    tokens = {client: token_of(rider) for client, rider in riders.items()}
    with serving(app) as port:
        for client, reply in CLIENTS.items():
            for path, body, headers in client(tokens[client]):
                status, said = send(port, path, body, headers)
                assert (status, json.loads(said) if said else "") == (200, reply), client.__name__
        hang_up(port, tokens[osmand])
        path = f"/ingest/osmand/{tokens[osmand]}?lat=19.4"
        logging.getLogger("waitress").info("Client disconnected while serving %s", path)  # its own words
    archive = app.extensions["transitmap_archive"]
    with store.session(app.extensions["transitmap_engine"]) as session:
        rows = session.scalars(sa.select(store.MessageRow)).all()
        spool = repr([unpack_message(row.packed) for row in rows]).encode()
        sealed = live.seal(session, archive, settings.config, time.time() + 3600)
        assert len(sealed) == len(CLIENTS)
        for upload_id in sealed:
            upload = store.upload_by_id(session, upload_id, None)
            understand(
                session, archive, upload, settings.config, app.extensions["transitmap_rules"], time.time()
            )
        for client, rider in riders.items():
            (upload,) = store.uploads_of_user(session, rider)
            receipt = receipt_of(session, upload)
            assert [ride.n_kept for ride in receipt.rides] == [N], client.__name__
            assert receipt.rides[0].lines, "what it was worth, and why"
            raw = archive.get(upload.sha256)
            for secret in (tokens[client].encode(), b"secreto", b"casa de ana"):
                assert secret not in raw and secret not in spool, client.__name__
    told = "\n".join(record.getMessage() + str(record.exc_text) for record in caplog.records)
    assert "Client disconnected while serving a request" + str(None) in told.split("\n")
    assert [secret for secret in SECRETS if secret in told] == []


def hang_up(port: int, token: str) -> None:
    """A phone that is gone before it is answered, and one that sends half of what it announced."""
    head = f"/ingest/osmand/{token} HTTP/1.1\r\nHost: x\r\n"
    for said in (f"GET {head}\r\n", f"POST {head}Content-Length: 500\r\n\r\nlat=19.4"):
        with socket.create_connection(("127.0.0.1", port)) as phone:
            phone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
            phone.sendall(said.encode())


def test_a_cut_body_is_400_and_keeps_nothing(app, add_rider, token_of):
    """What waitress never lets through, other servers do: their input stream just ends."""
    token = token_of(add_rider("ana"))
    environ = {
        "CONTENT_LENGTH": "5000",
        "wsgi.input": io.BytesIO(b'{"_type":"location"'),
        "wsgi.input_terminated": True,
    }
    for address in ("owntracks", "overland", "osmand", "gpslogger", "recorder", "file"):
        answer = app.test_client().post(f"/ingest/{address}/{token}", environ_overrides=environ)
        assert (answer.status_code, answer.json["code"]) == (400, "incomplete_body"), address
    with store.session(app.extensions["transitmap_engine"], write=False) as session:
        assert session.scalars(sa.select(store.MessageRow)).all() == []
        assert session.scalars(sa.select(store.Upload)).all() == []


def test_gpsloggers_zip_is_one_upload_to_understand_later(settings, app, add_rider, token_of):
    rider = add_rider("ana")
    token = token_of(rider)
    points = "".join(
        f'<trkpt lat="{lat}" lon="{lon}"><time>{iso(t)}</time></trkpt>' for lat, lon, t in fixes()
    )
    gpx = f'<gpx version="1.1" creator="GPSLogger"><trk><trkseg>{points}</trkseg></trk></gpx>'
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("20261122.gpx", gpx)
    start = '--b\r\nContent-Disposition: form-data; name="file"; filename="20261122.zip"\r\n\r\n'
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    with serving(app) as port:
        status, said = send(
            port, f"/ingest/file/{token}", start.encode() + packed.getvalue() + b"\r\n--b--\r\n", headers
        )
    told = json.loads(said)
    assert (status, told["state"], told["name"]) == (200, "received", "20261122.zip")
    with store.session(create_app(settings).extensions["transitmap_engine"], write=False) as session:
        upload = store.upload_by_id(session, told["id"], rider)
    assert (upload.kind, upload.token_id) == ("file", 1)
