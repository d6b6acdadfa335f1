"""Sign up, log in and out, devices, privacy."""

from __future__ import annotations

import re

import pytest

from tests.webapp.conftest import PASSWORD, form_token
from transitmap import store


def sign_up(client, name, password=PASSWORD):
    token = form_token(client, "/accounts/sign-up")
    return client.post("/accounts/sign-up", data={"csrf_token": token, "name": name, "password": password})


def test_a_pseudonym_and_a_password_are_enough(client):
    assert sign_up(client, "Coyote de la 57").status_code == 302
    assert "Coyote de la 57" in client.get("/").text


def test_the_stored_password_is_argon2id_with_19_mib(app, client):
    sign_up(client, "Coyote")
    with store.session(app.extensions["transitmap_engine"], write=False) as session:
        stored = store.user_by_name(session, "coyote").password_hash
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_a_taken_name_a_short_password_and_odd_letters_are_refused(client, add_rider):
    add_rider("Coyote")
    assert "Alguien ya tiene ese nombre" in sign_up(client, "COYOTE").text
    assert sign_up(client, "Otra", "corta").status_code == 422
    for name in ("", "   ", "<b>", "a/b", "x" * 41):
        assert sign_up(client, name).status_code == 422, name


def test_a_wrong_name_and_a_wrong_password_look_the_same(client, add_rider):
    add_rider("Coyote")
    token = form_token(client, "/accounts/log-in")
    pages = []
    for name, password in (("Coyote", "wrong password"), ("Nobody", PASSWORD)):
        form = {"csrf_token": token, "name": name, "password": password}
        answer = client.post("/accounts/log-in", data=form)
        assert answer.status_code == 401
        pages.append(answer.text.replace(name, ""))
    assert re.sub(r'value="[^"]*"', "", pages[0]) == re.sub(r'value="[^"]*"', "", pages[1])


def test_log_in_returns_only_to_this_site(app, client, add_rider):
    add_rider("Coyote")
    token = form_token(client, "/accounts/log-in")
    form = {"csrf_token": token, "name": "Coyote", "password": PASSWORD}
    for asked, expected in (("/traces/", "/traces/"), ("//evil.example", "/"), ("https://evil.example", "/")):
        answer = app.test_client()
        form["csrf_token"] = form_token(answer, "/accounts/log-in")
        assert answer.post(f"/accounts/log-in?next={asked}", data=form).headers["Location"] == expected


@pytest.mark.parametrize(
    "asked",
    [
        "/\t/evil.example",
        "/\n/evil.example",
        "/\r\n/evil.example",
        "\t//evil.example",
        "/\\evil.example",
        "/traces\\..\\/evil.example",
        "/\x00/evil.example",
        "/\x7f/evil.example",
        "/\u2028/evil.example",
        "//evil.example",
        "///evil.example",
        "http:/evil.example",
        "//[evil",
        "evil.example",
    ],
)
def test_a_disguised_way_off_this_site_is_not_taken(app, add_rider, asked):
    add_rider("Coyote")
    browser = app.test_client()
    form = {"csrf_token": form_token(browser, "/accounts/log-in"), "name": "Coyote", "password": PASSWORD}
    answer = browser.post("/accounts/log-in", query_string={"next": asked}, data=form)
    assert (answer.status_code, answer.headers.get("Location")) == (302, "/")


def test_a_page_with_a_question_is_returned_to(app, add_rider):
    add_rider("Coyote")
    browser = app.test_client()
    form = {"csrf_token": form_token(browser, "/accounts/log-in"), "name": "Coyote", "password": PASSWORD}
    asked = "/standings/?period=all"
    answer = browser.post("/accounts/log-in", query_string={"next": asked}, data=form)
    assert answer.headers["Location"] == asked


def test_log_out_ends_the_session(log_in, add_rider):
    add_rider("Coyote")
    client = log_in("Coyote")
    client.post("/accounts/log-out", data={"csrf_token": form_token(client, "/accounts/")})
    assert client.get("/accounts/").status_code == 401


def test_a_copied_cookie_opens_nothing_after_log_out(app, log_in, add_rider):
    add_rider("Coyote")
    client, thief = log_in("Coyote"), app.test_client()
    thief.set_cookie("transitmap", client.get_cookie("transitmap").value)
    assert thief.get("/accounts/").status_code == 200
    client.post("/accounts/log-out", data={"csrf_token": form_token(client, "/accounts/")})
    assert thief.get("/accounts/").status_code == 401


def test_each_log_in_is_a_session_of_its_own(log_in, add_rider):
    add_rider("Coyote")
    phone, computer = log_in("Coyote"), log_in("Coyote")
    assert phone.get_cookie("transitmap").value != computer.get_cookie("transitmap").value
    phone.post("/accounts/log-out", data={"csrf_token": form_token(phone, "/accounts/")})
    assert computer.get("/accounts/").status_code == 200


def test_a_log_in_ends_by_itself(app, log_in, add_rider, session_age):
    add_rider("Coyote")
    client = log_in("Coyote")
    session_age(store.LOGIN_S + 1)
    assert client.get("/accounts/").status_code == 401


@pytest.fixture
def session_age(app):
    """Makes every log-in so many seconds older."""

    def make_older(by_s):
        with store.session(app.extensions["transitmap_engine"]) as session:
            for login in session.query(store.Login):
                login.opened_s -= by_s

    return make_older


@pytest.mark.parametrize("password", ["password1", "12345678", "qwertyuiop", "CoyoteCoyote", "transitmap1"])
def test_a_password_that_anybody_guesses_is_refused(client, password):
    answer = sign_up(client, "Coyote", password)
    assert answer.status_code == 422
    assert "Muy fácil de adivinar" in answer.text


def test_a_new_password_ends_every_session(app, log_in, add_rider):
    add_rider("Coyote")
    client = log_in("Coyote")
    with store.session(app.extensions["transitmap_engine"]) as session:
        store.user_by_name(session, "Coyote").password_hash = "another"
    assert client.get("/accounts/").status_code == 401


def test_the_cookie_is_out_of_reach_and_secure_where_the_page_is(app):
    names = ("http://localhost", "transitmap"), ("https://localhost", "__Host-transitmap")
    for base, name in names:
        answer = app.test_client().get("/accounts/sign-up", base_url=base)
        cookie = next(value for value in answer.headers.getlist("Set-Cookie") if value.startswith(f"{name}="))
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
        assert ("Secure" in cookie) is name.startswith("__Host-")
        assert "Domain" not in cookie


def test_the_account_page_leads_to_the_phones(app, log_in, add_rider, token_of):
    coyote = add_rider("Coyote")
    client = log_in("Coyote")
    assert "0 teléfonos pueden enviar por ti" in client.get("/accounts/").text
    token_of(coyote)
    page = client.get("/accounts/").text
    assert "1 teléfono puede enviar por ti" in page
    assert 'href="/phones/"' in page


def test_who_opts_out_is_on_no_board(app, log_in, add_rider):
    add_rider("Coyote")
    client = log_in("Coyote")
    assert app.test_client().get("/standings/Coyote").status_code == 200
    client.post("/accounts/privacy", data={"csrf_token": form_token(client, "/accounts/"), "is_hidden": "1"})
    assert app.test_client().get("/standings/Coyote").status_code == 404
    assert client.get("/standings/Coyote").status_code == 200
