"""Every address that phones know: what came is kept before it is answered, 200 for content of any kind."""

from __future__ import annotations

import base64
import json

import pytest
import sqlalchemy as sa

from transitmap import store
from transitmap.archive import unpack_message
from transitmap.collect import hear

OWNTRACKS = {
    "_type": "location", "lat": 48.85833, "lon": 2.29513, "tst": 1782400000, "acc": 5, "vel": 61, "tid": "JJ",
    "topic": "owntracks/jane/phone",
}  # fmt: skip
OVERLAND = {
    "locations": [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [-122.030581, 37.3318]},
            "properties": {"timestamp": "2026-06-25T08:00:00-0700", "speed": 4, "horizontal_accuracy": 30},
        }
    ],
    "current": {},
}
TRACCAR = {
    "location": {"timestamp": "2026-06-15T13:45:12.862Z", "coords": {"latitude": 37.42, "longitude": -122.08}}
}
POINT = "lat=19.4326&lon=-99.1332&timestamp=1782400001"


@pytest.fixture
def token(add_rider, token_of):
    return token_of(add_rider("ana"))


def rows(app) -> list[store.MessageRow]:
    with store.session(app.extensions["transitmap_engine"], write=False) as session:
        return list(session.scalars(sa.select(store.MessageRow).order_by(store.MessageRow.id)))


def device(app) -> store.Token:
    with store.session(app.extensions["transitmap_engine"], write=False) as session:
        return session.scalars(sa.select(store.Token).order_by(store.Token.id)).first()


@pytest.mark.parametrize(
    ("method", "path", "body", "reply", "dialect"),
    [
        ("POST", "/ingest/owntracks/T", OWNTRACKS, [], "owntracks"),
        ("POST", "/api/v1/owntracks/points?api_key=T", OWNTRACKS, [], "owntracks"),
        ("POST", "/ingest/overland/T", OVERLAND, {"result": "ok"}, "overland"),
        ("POST", "/api/v1/overland/batches?api_key=T", OVERLAND, {"result": "ok"}, "overland"),
        ("POST", "/api/v1/traccar/points?api_key=T", TRACCAR, "", "osmand"),
        ("GET", f"/ingest/osmand/T?{POINT}&hdop=6.0", None, "", "osmand"),
        ("POST", f"/ingest/osmand/T/?id=1&{POINT}", None, "", "osmand"),
        ("POST", "/ingest/osmand/T", f"id=1&{POINT}&speed=10", "", "osmand"),
        (
            "POST",
            "/ingest/osmand/T",
            [{"id": "1", "lat": 19.4, "lon": -99.1, "timestamp": 1782400002}],
            "",
            "osmand",
        ),
        ("GET", f"/ingest/osmand?token=T&{POINT}", None, "", "osmand"),
    ],
)
def test_each_address_keeps_one_fix_and_says_what_its_app_waits_for(
    app, client, token, method, path, body, reply, dialect
):
    kind = "application/x-www-form-urlencoded" if isinstance(body, str) else "application/json"
    data = body if isinstance(body, str) or body is None else json.dumps(body)
    answer = client.open(
        path.replace("T", token, 1), method=method, data=data, content_type=kind if data else None
    )
    assert answer.status_code == 200, answer.text
    assert (json.loads(answer.text) if answer.text else "") == reply
    (row,) = rows(app)
    assert (row.dialect, row.n_fixes) == (dialect, 1)
    assert row.first_fix_s == row.last_fix_s > 1.78e9
    assert (device(app).n_messages, device(app).n_fixes) == (1, 1)
    assert token not in str(unpack_message(row.packed)), "the spool holds no token"


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "header",
    ["Bearer {}", "bearer {}", "Basic {}:", basic("transitmap:{}"), basic("{}:"), "BASIC"],
)
def test_a_token_in_any_header(client, token, header):
    if header.startswith("Basic ") and "{}" not in header:
        header = basic(base64.b64decode(header[6:]).decode().format(token))
    headers = {"Authorization": header.format(token)}
    answer = client.post("/ingest/owntracks", json=OWNTRACKS, headers=headers)
    if header == "BASIC":
        assert answer.status_code == 401
    else:
        said = {"result": "ok"} if header == "Basic {}:" else []  # Overland alone writes that
        assert (answer.status_code, answer.json) == (200, said)


@pytest.mark.parametrize(
    "path",
    [
        "/ingest/owntracks/tm_wrong", "/ingest/overland/tm_wrong", "/ingest/osmand/tm_wrong",
        "/ingest/owntracks",
        "/ingest/gpslogger/tm_wrong", "/ingest/file/tm_wrong", "/ingest/ulogger/tm_wrong/client/index.php",
        "/x/index.php/apps/phonetrack/logPost/tm_wrong/me", "/ingest/recorder/tm_wrong",
        "/api/v1/overland/batches?api_key=tm_wrong", "/ingest/owntracks?token=",
    ],
)  # fmt: skip
def test_a_wrong_token_is_401_in_json_and_keeps_nothing(app, client, token, path):
    answer = client.post(path, json=OWNTRACKS)
    assert (answer.status_code, answer.json["code"]) == (401, "auth_required")
    assert "Basic" in str(answer.headers.getlist("WWW-Authenticate"))
    assert rows(app) == []


def test_a_revoked_token_is_401(app, client, token):
    with store.session(app.extensions["transitmap_engine"]) as session:
        assert store.revoke_token(session, 1, 1, 5.0)
    assert client.post(f"/ingest/owntracks/{token}", json=OWNTRACKS).status_code == 401


@pytest.mark.parametrize(
    "body",
    [
        b"", b"not json", b'{"_type":"lwt","tst":1}', b'{"_type":"status"}', b"[" * 100_000, b'{"lat":NaN}',
        b"\x00\xff", b'{"_type":"encrypted","data":"AAAA"}', b'"text"', b"17",
        b'{"_type":"location","lat":999,"lon":0,"tst":-5}',
        b'{"_type":"location","lat":1,"lon":1,"tst":99999999999999}', b'{"locations":{}}', b"\xef\xbb\xbf{}",
    ],
)  # fmt: skip
@pytest.mark.parametrize("address", ["owntracks", "overland", "osmand"])
def test_no_content_is_refused_and_its_owner_is_told(app, client, token, address, body):
    answer = client.post(f"/ingest/{address}/{token}", data=body, content_type="application/json")
    assert answer.status_code == 200
    assert [(row.n_fixes, row.n_bytes) for row in rows(app)] == [(0, len(body))]
    assert unpack_message(rows(app)[0].packed).body == body, "raw first, understood later"
    assert sum(device(app).dropped.values()) >= 1


def test_the_same_request_again_is_answered_the_same_and_counts_once(app, client, token):
    answers = {client.post(f"/ingest/overland/{token}", json=OVERLAND).text for _ in range(3)}
    assert len(answers) == 1
    by_header = client.post("/ingest/overland", json=OVERLAND, headers={"Authorization": f"Bearer {token}"})
    assert by_header.text in answers
    assert len(rows(app)) == 1, "with its token in another place it is the same message"
    assert (device(app).n_messages, device(app).n_fixes) == (1, 1)


def batch(n: int) -> dict:
    return {"locations": OVERLAND["locations"] * n}


def test_a_batch_beyond_its_limits_is_413_and_the_owner_is_told(app, client, token):
    assert client.post(f"/ingest/overland/{token}", json=batch(1000)).status_code == 200
    too_many = client.post(f"/ingest/overland/{token}", json=batch(1001))
    assert (too_many.status_code, too_many.json) == (413, {"result": "too_large"})
    too_long = client.post(f"/ingest/overland/{token}", data=b" " * 1_000_001)
    assert (too_long.status_code, too_long.json) == (413, {"result": "too_large"})
    elsewhere = client.post(f"/ingest/owntracks/{token}", data=b" " * 1_000_001)
    assert (elsewhere.status_code, elsewhere.json["code"]) == (413, "too_large")
    assert len(rows(app)) == 1
    assert device(app).dropped == {"too_large": 3}


def test_beyond_the_quota_of_a_day_429_says_when_the_next_begins(app, client, token):
    with store.session(app.extensions["transitmap_engine"]) as session:
        import time

        now_s = time.time()
        store.add_usage(session, 1, now_s, n_fixes=2_000_000)
    answer = client.post(f"/ingest/owntracks/{token}", json=OWNTRACKS)
    assert (answer.status_code, answer.json["code"]) == (429, "too_many_requests")
    assert abs(int(answer.headers["Retry-After"]) + now_s - ((now_s // 86_400 + 1) * 86_400)) < 60
    assert rows(app) == []
    assert client.post(f"/ingest/file/{token}", data=b"x").status_code == 429


def test_a_database_that_cannot_write_is_503_never_200(app, client, token, settings):
    engine = app.extensions["transitmap_engine"]
    with engine.execution_options(is_writer=True).connect() as other:
        other.execute(sa.text("SELECT 1"))  # somebody else writes, and goes on writing
        sa.event.listen(engine, "connect", lambda c, r: c.execute("PRAGMA busy_timeout=50").close())
        engine.pool.dispose()
        engine.pool = engine.pool.recreate()
        answer = client.post(f"/ingest/owntracks/{token}", json=OWNTRACKS)
    assert (answer.status_code, answer.json["code"]) == (503, "busy")
    assert answer.headers["Retry-After"] == "30"
    assert client.post(f"/ingest/owntracks/{token}", json=OWNTRACKS).status_code == 200, "then it recovers"
    assert len(rows(app)) == 1


def test_secrets_and_other_peoples_networks_are_not_kept(app, client, token):
    cloud = "A9f3kQ2mZx81LpTq77BvNc40"
    client.get(
        f"/ingest/osmand/{token}?{POINT}&accessToken=abc123&d={cloud}&wifi=00-14-22-01-23-45,-80&batt=80"
    )
    client.post(f"/ingest/osmand/{token}", data={"id": "1", "notificationToken": "sesame", "batt": "7"})
    said = {
        **OWNTRACKS,
        "SSID": "La Casa",
        "BSSID": "00:14",
        "password": 'a"b',
        "url": f"https://h/ingest/{token}",
    }
    client.post(f"/ingest/owntracks/{token}", json=said)
    client.post(f"/ingest/owntracks?token={token}&m=1", json=OWNTRACKS)
    first, second, third, fourth = (unpack_message(row.packed) for row in rows(app))
    assert first.query == f"{POINT}&accessToken=&d=&wifi=&batt=80"
    assert second.body == b"id=1&notificationToken=&batt=7"
    kept = json.loads(third.body)
    assert (kept["SSID"], kept["BSSID"], kept["password"], kept["url"]) == ("", "", "", "https://h/ingest/")
    assert (kept["lat"], kept["topic"]) == (OWNTRACKS["lat"], OWNTRACKS["topic"])
    assert fourth.query == "token=&m=1"


def test_a_head_request_keeps_nothing(app, client, token):
    assert client.head(f"/ingest/osmand/{token}?{POINT}").status_code == 200
    assert client.head(f"/ingest/ulogger/{token}/client/index.php").status_code == 200
    assert rows(app) == []


def test_files_are_kept_now_and_understood_later(app, client, token):
    form = {"file": (__import__("io").BytesIO(b"<gpx/>"), "viaje.gpx")}
    told = client.post(f"/ingest/file/{token}", data=form)
    assert (told.status_code, told.json["state"], told.json["name"]) == (200, "received", "viaje.gpx")
    again = client.post("/ingest/file", data=b"<gpx/>", headers={"Authorization": f"Bearer {token}"})
    assert (again.status_code, again.json["id"]) == (200, told.json["id"]), (
        "the same bytes are the same upload"
    )
    junk = client.post(f"/ingest/file/{token}", data=b"")
    assert junk.status_code == 200
    none = client.post(f"/ingest/file/{token}", data={"note": "no file"}, content_type="multipart/form-data")
    assert (none.status_code, none.json["code"]) == (200, "no_file")
    with store.session(app.extensions["transitmap_engine"], write=False) as session:
        uploads = store.uploads_of_user(session, 1)
    assert {upload.token_id for upload in uploads} == {1}
    assert app.extensions["transitmap_archive"].get(uploads[-1].sha256) == b"<gpx/>"
    assert device(app).heard_s is not None


def test_a_file_sent_again_uses_up_no_day_and_tells_what_was_agreed_to(app, client, token):
    with store.session(app.extensions["transitmap_engine"]) as session:
        session.execute(sa.update(store.Token).values(consent="the words of its key"))
    for _ in range(3):
        assert client.post(f"/ingest/file/{token}", data=b"<gpx/>").status_code == 200
    with store.session(app.extensions["transitmap_engine"], write=False) as session:
        assert session.scalars(sa.text("SELECT n_uploads FROM usage")).all() == [1]
        assert [upload.consent for upload in store.uploads_of_user(session, 1)] == ["the words of its key"]


def test_somebody_elses_file_is_told_and_not_sent_for_ever(client, token, add_rider, token_of):
    other = token_of(add_rider("beto"))
    assert client.post(f"/ingest/file/{token}", data=b"<gpx/>").json["state"] == "received"
    answer = client.post(f"/ingest/file/{other}", data=b"<gpx/>")
    assert (answer.status_code, answer.json["code"]) == (200, "already_contributed")


def test_the_recorder_takes_the_logged_in_rider_from_our_own_pages_alone(app, log_in, add_rider):
    add_rider("ana")
    browser = log_in("ana")
    said = {"points": []}
    assert app.test_client().post("/ingest/recorder", json=said).status_code == 401
    assert browser.post("/ingest/recorder", json=said).status_code == 400, "no page of ours sent this"
    foreign = {"Origin": "https://evil.example"}
    assert browser.post("/ingest/recorder", json=said, headers=foreign).status_code == 400
    assert rows(app) == []
    for _ in range(2):
        assert (
            browser.post("/ingest/recorder", json=said, headers={"Origin": "http://localhost"}).status_code
            == 200
        )
    assert (device(app).app, device(app).n_messages) == ("recorder", 1)
    with store.session(app.extensions["transitmap_engine"], write=False) as session:
        assert len(store.tokens_of_user(session, 1)) == 1


def test_an_adapter_that_fails_costs_no_message(app, client, token, monkeypatch):
    monkeypatch.setitem(hear._CLIENTS, "owntracks", (lambda message: 1 / 0, hear._CLIENTS["owntracks"][1]))
    assert client.post(f"/ingest/owntracks/{token}", json=OWNTRACKS).json == []
    assert [row.n_fixes for row in rows(app)] == [0]
    assert device(app).dropped == {"unreadable": 1}
