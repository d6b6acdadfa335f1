"""My privacy on the page: the words, the ends of trips, prizes, my data, good-bye; and nothing in any log."""

from __future__ import annotations

import io
import json
import logging
import re
import zipfile

import pytest

from tests.machine import needs_browser
from tests.webapp.conftest import PASSWORD, form_token, serving
from tests.webapp.test_accounts import sign_up
from tests.webapp.test_browser import NARROW, Visit
from tests.webapp.traces import ride
from transitmap import store
from transitmap.collect.trim import level_of
from transitmap.consent import consent


def me(app, name="Coyote") -> store.User | None:
    with store.session(app.extensions["transitmap_engine"], write=False) as session:
        return store.user_by_name(session, name)


def uploads_of(app, user_id: int) -> list[store.Upload]:
    with store.session(app.extensions["transitmap_engine"], write=False) as session:
        return store.uploads_of_user(session, user_id)


def post(client, path: str, **form: str):
    return client.post(path, data={"csrf_token": form_token(client, "/accounts/sign-up"), **form})


def send(client, seed: int = 1, **form: object):
    form |= {"csrf_token": form_token(client, "/traces/"), "file": (io.BytesIO(ride(seed)), "a.gpx")}
    return client.post("/traces/", data=form, content_type="multipart/form-data")


def test_the_words_stand_on_every_page_that_asks_for_something(client, log_in, add_rider):
    add_rider("Coyote")
    rider = log_in("Coyote")
    for browser, path in ((client, "/accounts/sign-up"), (rider, "/traces/"), (client, "/privacy/")):
        assert consent().sending.es in browser.get(f"{path}?lang=es").text, path
        assert consent().sending.en in browser.get(f"{path}?lang=en").text, path
    page = client.get("/privacy/?lang=es").text
    for words in (*consent().kept, *consent().published, *consent().never):
        assert words.es in page
    assert consent().version in page
    assert "opendatacommons.org" in page


def test_who_signs_up_gets_a_radius_of_their_own_and_prizes_only_where_asked(app, client):
    sign_up(client, "Coyote")
    first = me(app)
    assert 100 <= first.trim_m <= 400
    assert first.prize_consent == ""
    other = app.test_client()
    token = form_token(other, "/accounts/sign-up")
    form = {"csrf_token": token, "name": "Otra", "password": PASSWORD, "prizes": "1"}
    assert other.post("/accounts/sign-up", data=form).status_code == 302
    assert me(app, "Otra").prize_consent == consent().version


@pytest.mark.parametrize("level", ["none", "less", "usual", "more"])
def test_how_much_is_left_out_is_drawn_once_a_level(app, log_in, add_rider, level):
    add_rider("Coyote")
    client = log_in("Coyote")
    assert post(client, "/privacy/trim", level=level).status_code == 302
    drawn = me(app).trim_m
    assert level_of(drawn, 100.0) == level
    for _ in range(3):
        post(client, "/privacy/trim", level=level)
        assert me(app).trim_m == drawn, "or the middle could be averaged out"
    assert post(client, "/privacy/trim", level="all").status_code == 400
    assert f'value="{level}" selected' in client.get("/privacy/").text


def test_an_upload_keeps_what_was_chosen_for_it(app, log_in, add_rider):
    user_id = add_rider("Coyote")
    client = log_in("Coyote")
    post(client, "/privacy/trim", level="usual")
    own = me(app).trim_m
    for seed, choice in enumerate(("", "none", "less", "more"), 1):
        send(client, seed, trim=choice)
    cut = {upload.trim_m for upload in uploads_of(app, user_id)}
    assert cut == {own, 0.0, own / 2, own * 2}


@pytest.mark.parametrize("prefer", [{}, {"Prefer": "respond-async"}])
def test_a_device_cuts_as_its_rider_always_does(app, log_in, add_rider, token_of, prefer):
    user_id = add_rider("Coyote")
    post(log_in("Coyote"), "/privacy/trim", level="more")
    bearer = {"Authorization": f"Bearer {token_of(user_id)}"}
    assert app.test_client().post("/api/v1/traces", data=ride(1), headers=bearer | prefer).status_code < 300
    assert [upload.trim_m for upload in uploads_of(app, user_id)] == [me(app).trim_m]


def test_a_new_key_notes_the_words_beside_its_button(app, log_in, add_rider):
    user_id = add_rider("Coyote")
    client = log_in("Coyote")
    assert consent().sending.es in client.get("/phones/apps/owntracks").text
    post(client, "/phones/", app="owntracks", device="mine")
    with store.session(app.extensions["transitmap_engine"], write=False) as session:
        assert [token.consent for token in store.tokens_of_user(session, user_id)] == [consent().version]


def test_prizes_are_agreed_to_and_left(app, log_in, add_rider):
    add_rider("Coyote")
    client = log_in("Coyote")
    post(client, "/privacy/prizes", prizes="1")
    assert me(app).prize_consent == consent().version
    post(client, "/privacy/prizes")
    assert me(app).prize_consent == ""


def test_my_data_is_mine_alone(app, log_in, add_rider):
    for name in ("Coyote", "Otra"):
        add_rider(name)
    client, other = log_in("Coyote"), log_in("Otra")
    send(client, 1)
    answer = client.get("/privacy/my-data.zip")
    assert (answer.status_code, answer.mimetype) == (200, "application/zip")
    packed = zipfile.ZipFile(io.BytesIO(answer.data))
    assert [packed.read(name) for name in packed.namelist() if name.startswith("originals/")] == [ride(1)]
    assert json.loads(packed.read("uploads.json"))[0]["consent"] == consent().version
    theirs = zipfile.ZipFile(io.BytesIO(other.get("/privacy/my-data.zip").data))
    assert not [name for name in theirs.namelist() if name.startswith(("originals/", "tracks/"))]


def test_good_bye_needs_the_password_and_leaves_nothing(app, log_in, add_rider, token_of):
    user_id = add_rider("Coyote")
    client, second = log_in("Coyote"), log_in("Coyote")
    device = token_of(user_id)
    send(client, 1)
    (upload,) = uploads_of(app, user_id)
    wrong = post(client, "/privacy/erase", password="wrong password")
    assert (wrong.status_code, "No se borró nada" in wrong.text) == (401, True)
    assert me(app) is not None
    gone = post(client, "/privacy/erase", password=PASSWORD)
    assert (gone.status_code, gone.headers["Location"]) == (302, "/")
    assert "Ya no queda nada tuyo" in client.get("/").text
    assert me(app) is None
    assert not app.extensions["transitmap_archive"].has(upload.sha256)
    for browser in (client, second):
        assert browser.get("/accounts/").status_code == 401
    bearer = {"Authorization": f"Bearer {device}"}
    sent = app.test_client().post("/api/v1/traces", data=ride(2), headers=bearer)
    assert sent.status_code == 401
    assert "borrado" not in client.get("/standings/?period=all").text
    assert client.get("/standings/Coyote").status_code == 404


def test_no_log_holds_a_place_a_name_or_a_key(app, log_in, add_rider, token_of, caplog):
    """The whole way through the pages with every logger at its loudest."""
    caplog.set_level(logging.DEBUG)
    for name in [*logging.root.manager.loggerDict, "sqlalchemy.engine.Engine"]:
        caplog.set_level(logging.DEBUG, logger=name)
    device = token_of(add_rider("Coyote Canario"))
    with serving(app) as port:
        assert port
        client = log_in("Coyote Canario")
        send(client, 1)
        bearer = {"Authorization": f"Bearer {device}"}
        app.test_client().post("/api/v1/traces", data=ride(2), headers=bearer)
        named = bearer | {"X-Filename": "mi casa.gpx"}
        app.test_client().post("/api/v1/traces", data=b"<gpx>", headers=named)
        for path in ("/", "/traces/", "/privacy/", "/privacy/my-data.zip", "/standings/", "/accounts/"):
            client.get(path)
        client.get("/traces/" + uploads_of(app, 1)[0].id)
        post(client, "/privacy/erase", password="not the password")
        post(client, "/privacy/erase", password=PASSWORD)
    places = set(re.findall(rb'lat="(\d+\.\d{4})|lon="(-?\d+\.\d{4})', ride(1) + ride(2)))
    secrets = {part.decode() for pair in places for part in pair if part}
    secrets |= {"Coyote", device, PASSWORD, "mi casa", "not the password"}
    assert len(secrets) > 50
    assert "SELECT users" in caplog.text, "or nothing is as loud as it could be"
    assert not [word for word in secrets if word in caplog.text]


@needs_browser
def test_the_page_reads_well_on_a_narrow_phone(app, chromium, add_rider):
    from axe_playwright_python.sync_playwright import Axe

    add_rider("Coyote")
    with serving(app) as port:
        visit = Visit(chromium, f"http://127.0.0.1:{port}", viewport=NARROW, bypass_csp=True)
        page = visit.page
        page.goto("/accounts/log-in")
        page.fill("#name", "Coyote")
        page.fill("#password", PASSWORD)
        page.click("main button")
        page.goto("/privacy/")
        assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
        assert Axe().run(page).response["violations"] == []
        page.select_option("#level", "more")
        page.click("text=Guardar >> nth=0")
        assert page.input_value("#level") == "more"
        visit.check()
        visit.context.close()
