"""Every upload gets the one right answer, through the API and against the server that will serve it."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import io
import json
import re
import zipfile

import pytest

from tests.webapp import city
from tests.webapp.campaign import add_campaign
from tests.webapp.conftest import form_token, serving
from tests.webapp.sending import TRACES, exchange, head, n_uploads, problem
from tests.webapp.traces import gpx, point, ride
from transitmap import store
from transitmap.config import CollectConfig, Config
from transitmap.consent import consent
from transitmap.store import opening
from webapp import create_app
from webapp.settings import Settings


def test_without_a_token_nothing_is_read(client, app):
    answer = client.post(TRACES, data=ride())
    problem(answer, 401, "auth_required")
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert n_uploads(app) == 0


def test_a_good_trace_is_kept_and_told(device):
    answer = device(ride(), headers={"X-Filename": "casa.gpx"})
    told = answer.json
    assert answer.status_code == 201
    assert told["state"] == "understood"
    assert told["points_kept"] + told["points_dropped"]["trimmed"] == ride().count(b"<trkpt")
    assert told["name"] == "casa.gpx"
    assert [ride["id"] for ride in told["rides"]]
    assert told["rides"][0]["awards"][0]["text"]
    assert answer.headers["Location"].endswith(told["id"])


def test_the_same_file_again_is_the_same_upload_and_another_riders_is_refused(
    app, device, add_rider, token_of
):
    first, again = device(ride()), device(ride())
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json["id"] == again.json["id"]
    headers = {"Authorization": f"Bearer {token_of(add_rider('Otra'))}"}
    other = app.test_client().post(TRACES, data=ride(), headers=headers)
    assert "Coyote" not in other.text
    problem(other, 409, "already_contributed")


def test_a_form_may_hold_many_files(device):
    files = [(io.BytesIO(ride(seed)), f"{seed}.gpx") for seed in (1, 2)] + [
        (io.BytesIO(b"%PDF-1.7"), "c.pdf")
    ]
    answer = device({"file": files}, content_type="multipart/form-data")
    assert answer.status_code == 201
    assert [one["state"] for one in answer.json["uploads"]] == ["understood", "understood", "refused"]
    assert answer.json["uploads"][2]["code"] == "not_a_trace"


def many(n):
    return gpx("".join(point(19.53 + i * 1e-4, -96.92, i * 10) for i in range(n)))


REFUSED = [
    (b"", 422, "empty_file"),
    (b"<html><body>hola</body></html>", 415, "not_a_trace"),
    (b"%PDF-1.7 whatever", 415, "not_a_trace"),
    (gpx(""), 422, "no_track_points"),
    (many(5)[:-9], 422, "xml_syntax"),
    (many(5) + b"<more/>", 422, "xml_syntax"),
    (gpx(point(1, 1, 1), head='<!DOCTYPE gpx [<!ENTITY a "b">]>'), 422, "doctype_forbidden"),
    (gpx(point(1, 1, 1) + "<extensions>" + "<a>" * 2000 + "</a>" * 2000 + "</extensions>"), 422, "too_deep"),
    (gpx('<trkpt lat="19.5" lon="-96.9"/>' * 9), 422, "no_timestamps"),
    (gpx(point(19.5, -96.9, 0)), 422, "too_short"),
    (
        gpx("".join(point(19.5 + i / 1e3, -96.9, 40 * 86_400 * 1000 + i) for i in range(9))),
        422,
        "future_date",
    ),
]


@pytest.mark.parametrize(("body", "status", "code"), REFUSED, ids=[row[2] for row in REFUSED])
def test_refusals(device, body, status, code):
    problem(device(body), status, code)


def test_a_cut_file_names_the_line(device):
    told = problem(device(gpx("\n" + point(19.5, -96.9, 0) + "\n<oops")), 422, "xml_syntax")
    assert told["line"] >= 2


def test_bad_points_are_dropped_and_counted(device):
    good = "".join(point(19.53 + i * 1e-4, -96.92, i * 10) for i in range(60))
    odd = (
        point("NaN", 1, 900)
        + point(91, 1, 901)
        + point("52,1", 1, 902)
        + point(0, 0, 903)
        + point("5_2.1", 1, 904)
    )
    told = device(gpx(good + odd + '<trkpt lat="19.5"><time>2026-11-20T15:00:00Z</time></trkpt>')).json
    trimmed = told["points_dropped"].pop("trimmed")
    assert told["points_kept"] + trimmed == 60
    assert told["points_dropped"] == {
        "bad_number": 2, "no_position": 1, "not_finite": 1, "null_island": 1, "out_of_range": 1,
    }  # fmt: skip


def test_archives(device):
    def zipped(members):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, body in members:
                archive.writestr(name, body)
        return out.getvalue()

    assert device(zipped([("a.gpx", ride(1)), ("b/../../c.gpx", ride(2))])).status_code == 201
    problem(device(zipped([])), 422, "empty_archive")
    problem(device(zipped([("a.gpx", b"\0" * 210_000_000)])), 422, "archive_too_big")
    problem(device(zipped([(f"{i}.gpx", b"") for i in range(51)])), 422, "too_many_files")


def test_a_form_without_a_file_with_too_many_or_cut(device):
    problem(device({"note": "hi"}, content_type="multipart/form-data"), 400, "no_file")
    files = [(io.BytesIO(b"x"), "a.gpx") for _ in range(21)]
    problem(device({"file": files}, content_type="multipart/form-data"), 413, "too_many_parts")
    big = {"note": "x" * 70_000, "file": (io.BytesIO(b"x"), "a.gpx")}
    problem(device(big, content_type="multipart/form-data"), 413, "field_too_large")
    cut = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.gpx"\r\n\r\n<gpx'
    problem(device(cut, content_type="multipart/form-data; boundary=b"), 400, "incomplete_body")


def test_a_digest_must_agree(device):
    right = base64.b64encode(hashlib.sha256(ride()).digest()).decode()
    problem(device(ride(2), headers={"Content-Digest": f"sha-256=:{right}:"}), 400, "digest_mismatch")
    assert device(ride(), headers={"Content-Digest": f"sha-256=:{right}:"}).status_code == 201


def test_a_body_shorter_than_announced_is_incomplete(device, app):
    told = problem(
        device(environ_overrides={"CONTENT_LENGTH": "5000", "wsgi.input": io.BytesIO(b"<gpx" * 75)}),
        400,
        "incomplete_body",
    )
    assert (told["expected"], told["received"]) == (5000, 300)
    assert n_uploads(app) == 0


def small(tmp_path, n_bytes=2000):
    settings = Settings(
        f"sqlite:///{tmp_path / 'db.sqlite'}", str(tmp_path / "archive"), "k" * 40,
        Config(collect=CollectConfig(max_upload_bytes=n_bytes)),
    )  # fmt: skip
    store.upgrade(settings.database_url)
    return create_app(settings)


def test_too_large_by_length_and_while_counting(tmp_path, add_rider, token_of, app, password_hash):
    limited = small(tmp_path / "small")
    with store.session(limited.extensions["transitmap_engine"]) as session:
        user = store.add_user(session, "Coyote", password_hash, 1.0)
        token = store.add_token(session, user, "phone", 1.0)[1]
    headers = {"Authorization": f"Bearer {token}"}
    client = limited.test_client()
    unread = io.BytesIO(b"x" * 2001)
    over = {"CONTENT_LENGTH": "2001", "wsgi.input": unread}
    problem(client.post(TRACES, headers=headers, environ_overrides=over), 413, "too_large")
    assert unread.tell() == 0, "refused before a byte is read"
    chunked = {"wsgi.input": io.BytesIO(b"x" * 2001), "wsgi.input_terminated": True}
    problem(client.post(TRACES, headers=headers, environ_overrides=chunked), 413, "too_large")
    form = {"file": (io.BytesIO(b"x" * 2001), "a.gpx")}
    problem(client.post(TRACES, headers=headers, data=form), 413, "too_large")
    assert n_uploads(limited) == 0
    limited.extensions["transitmap_engine"].dispose()


# --- against the real server, byte by byte --------------------------------------------------------


def test_a_cut_body_is_never_acknowledged(app, device):
    with serving(app) as port:
        answer = exchange(port, head(device, "Content-Length: 5000") + b"<gpx" * 75, end=True)
        assert b" 201 " not in answer
        assert b" 200 " not in answer
        chunk = b"12c\r\n" + b"<gpx" * 75 + b"\r\n"
        answer = exchange(port, head(device, "Transfer-Encoding: chunked") + chunk, end=True)
        assert b" 20" not in answer.split(b"\r\n")[0]
    assert n_uploads(app) == 0


def test_an_announced_giant_is_refused_before_it_is_sent(app, device):
    with serving(app) as port:
        answer = exchange(port, head(device, "Content-Length: 99000000"))
    status, _, body = answer.partition(b"\r\n\r\n")
    assert status.startswith(b"HTTP/1.1 413")
    assert b"application/problem+json" in status
    assert json.loads(body)["code"] == "too_large"


def test_chunks_beyond_the_limit_are_refused(app, device):
    with serving(app, max_upload_bytes=1_000_000) as port:
        chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
        answer = exchange(port, head(device, "Transfer-Encoding: chunked") + chunk * 20 + b"0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 413")
    assert n_uploads(app) == 0


def test_a_whole_chunked_body_is_taken(app, device):
    body = ride()
    chunks = b"".join(
        b"%x\r\n%b\r\n" % (len(body[i : i + 4000]), body[i : i + 4000]) for i in range(0, len(body), 4000)
    )
    with serving(app) as port:
        answer = exchange(port, head(device, "Transfer-Encoding: chunked") + chunks + b"0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 201")


def test_length_and_chunks_together_are_refused(app, device):
    with serving(app) as port:
        answer = exchange(
            port, head(device, "Content-Length: 4", "Transfer-Encoding: chunked") + b"0\r\n\r\n", end=True
        )
    assert b" 400 " in answer.split(b"\r\n")[0]
    assert n_uploads(app) == 0


# --- busy, pages ----------------------------------------------------------------------------------


def test_a_locked_database_says_try_again(app, device, monkeypatch):
    engine = app.extensions["transitmap_engine"]
    monkeypatch.setattr(opening, "BUSY_TIMEOUT_MS", 50)
    engine.dispose()
    with store.session(engine) as writer:
        store.set_fact(writer, "held", "yes")
        answer = device(ride())
        assert answer.headers["Retry-After"] == "30"
        problem(answer, 503, "busy")
        page = app.test_client().post("/accounts/log-out")
        assert page.status_code == 400, "a form without its token asks the database nothing"
        page = log_in_form(app.test_client())
        assert (page.status_code, page.headers["Retry-After"]) == (503, "30")
        assert "intenta en medio minuto" in page.text
    assert n_uploads(app) == 0


BROKEN = [store.TRY_AGAIN[0]("secret", {}, Exception("secret")), store.TRY_AGAIN[1]("busy"), OSError("full")]


@pytest.fixture(params=BROKEN, ids=lambda error: type(error).__name__)
def second_fails(request, monkeypatch):
    """Nothing can be kept of the second of three files."""
    kept, calls = store.add_upload, []

    def add(*told, **more):
        calls.append(1)
        if len(calls) == 2:
            raise request.param
        return kept(*told, **more)

    monkeypatch.setattr(store, "add_upload", add)
    return request.param


def three():
    return [(io.BytesIO(ride(seed, days=seed)), f"{seed}.gpx") for seed in (1, 2, 3)]


def test_a_file_that_cannot_be_kept_costs_no_other(app, device, second_fails, caplog):
    answer = device({"file": three()}, content_type="multipart/form-data")
    first, second, third = answer.json["uploads"]
    assert answer.status_code == 201
    assert [one["state"] for one in (first, third)] == ["understood", "understood"]
    assert first["rides"][0]["awards"]
    assert (second["status"], second["code"], second["id"]) == (503, "busy", "")
    assert "envíalo otra vez" in second["detail"]
    assert n_uploads(app) == 2
    assert type(second_fails).__name__ in caplog.text
    assert "secret" not in caplog.text
    assert device(ride(2, days=2)).status_code == 201


def test_the_page_shows_the_receipts_beside_a_file_that_cannot_be_kept(log_in, add_rider, second_fails):
    add_rider("Coyote")
    client = log_in("Coyote")
    form = {"csrf_token": form_token(client, "/traces/"), "file": three()}
    answer = client.post("/traces/", data=form, content_type="multipart/form-data")
    assert answer.status_code == 200
    assert answer.text.count("Recibo<") == 2
    assert "Este archivo no entró" in answer.text
    assert "Coyote" in answer.text


def test_where_nothing_could_be_kept_a_later_try_may_help(app, device, monkeypatch):
    def full(*told):
        raise OSError("no space left")

    monkeypatch.setattr("transitmap.archive.Archive.put", full)
    answer = device({"file": three()}, content_type="multipart/form-data")
    problem(answer, 503, "busy")
    assert answer.headers["Retry-After"] == "30"
    assert [one["code"] for one in answer.json["uploads"]] == ["busy"] * 3
    assert n_uploads(app) == 0


@pytest.mark.parametrize("error", BROKEN, ids=lambda error: type(error).__name__)
def test_a_file_that_is_kept_is_said_to_be_kept(app, device, monkeypatch, error):
    """Whatever fails after its row is there: in reading it, or in telling what it was."""

    def fail(*told, **more):
        raise error

    for place in ("transitmap.contribute.recognise_each", "webapp.receipts.ride_views"):
        with monkeypatch.context() as broken:
            broken.setattr(place, fail)
            answer = device(ride())
        assert answer.json["state"] == "received"
        assert answer.json["uploads"][0]["id"]
        assert n_uploads(app) == 1
    assert device(ride()).json["state"] == "understood"


def test_a_file_sent_while_the_rules_are_new_waits(app, device):
    rules = app.extensions["transitmap_rules"]
    city.publish(app)
    app.extensions["transitmap_rules"] = dataclasses.replace(rules, version="newer")
    answer = device(ride())
    assert (answer.status_code, answer.json["state"]) == (202, "received")


def test_an_upload_records_the_words_it_was_sent_under(app, device, log_in):
    device(ride(1))
    client = log_in("Coyote")
    page = client.get("/traces/").text
    assert "Al enviar aceptas" in page
    assert page.index('id="consent"') < page.index('<button class="big"')
    assert "By sending you agree" in client.get("/traces/?lang=en").text
    form = {"csrf_token": form_token(client, "/traces/"), "file": (io.BytesIO(ride(2)), "a.gpx")}
    client.post("/traces/", data=form, content_type="multipart/form-data")
    with store.session(app.extensions["transitmap_engine"], write=False) as session:
        mine = store.uploads_of_user(session, 1)
        assert [upload.consent for upload in mine] == [consent().version] * 2


def test_a_ride_of_a_route_held_back_is_told_without_its_name(app, device, log_in):
    told = device(ride()).json
    with store.session(app.extensions["transitmap_engine"]) as session:
        row = store.rides_of_upload(session, told["id"])[0]
        row.route_name, row.route_id, row.reason, row.mode = "Secreta", "", "", "bus"
        row.stretch = {"first_m": 0.0, "last_m": 900.0}
    again = device(ride())
    assert again.json["rides"][0]["route_name"] == ""
    assert "Secreta" not in again.text
    page = log_in("Coyote").get(f"/traces/{told['id']}").text
    assert "Secreta" not in page
    assert "muy pocas personas" in page


def log_in_form(client):
    form = {"csrf_token": form_token(client, "/accounts/log-in"), "name": "Coyote", "password": "wrong one"}
    return client.post("/accounts/log-in", data=form)


def test_the_page_sends_and_shows_a_receipt(log_in, add_rider):
    add_rider("Coyote")
    client = log_in("Coyote")
    token = form_token(client, "/traces/")
    good = {"csrf_token": token, "file": (io.BytesIO(ride()), "a.gpx")}
    answer = client.post("/traces/", data=good, content_type="multipart/form-data")
    assert answer.status_code == 303
    receipt = client.get(answer.headers["Location"]).text
    assert "Cuánto valió" in receipt
    assert "posiciones usadas" in receipt
    bad = {"csrf_token": token, "file": (io.BytesIO(b"%PDF"), "b.pdf")}
    page = client.post("/traces/", data=bad, content_type="multipart/form-data")
    assert page.status_code == 415
    assert "Esto no es un recorrido GPS" in page.text


def test_nothing_a_rider_sent_is_in_the_log(device, caplog):
    with caplog.at_level("DEBUG"):
        device(ride(), headers={"X-Filename": "mi casa.gpx"})
        device(gpx(point(19.512345, -96.954321, 0)))
    assert not [word for word in ("casa", "Coyote", "19.5", "96.9", "tm_") if word in caplog.text]


def test_a_receipt_says_in_which_campaign_a_ride_counts_and_why(app, log_in, add_rider):
    city.publish(app)
    add_rider("Coyote")
    browser = log_in("Coyote")
    assert "Cuenta en" not in send_on_the_page(browser, ride(7))
    with store.session(app.extensions["transitmap_engine"]) as session:
        campaign = add_campaign(app, session, "open", area="19.0,-97.5,20.0,-96.0")
        campaign.opens_s, campaign.closes_s = 1.0, 4e9
    page = send_on_the_page(browser, ride(8, days=1))
    assert re.search(r'href="/campaigns/rutas/">Rutas que faltan</a>', page)
    assert "Empezó en los días y en la zona de esta campaña." in page
    assert 'href="/rules/campaigns/rutas"' in page
    with store.session(app.extensions["transitmap_engine"]) as session:
        store.campaign_by_slug(session, "rutas").area = "0,0,1,1"
    assert "ninguna otra campaña abierta" in send_on_the_page(browser, ride(9, days=2))
    lines = browser.get("/standings/Coyote").text
    assert lines.count("el viaje<") >= 3
    assert "Rutas que faltan" in lines


def send_on_the_page(browser, body: bytes) -> str:
    token = form_token(browser, "/traces/")
    form = {"csrf_token": token, "file": (io.BytesIO(body), "a.gpx")}
    return browser.post("/traces/", data=form, follow_redirects=True).text
