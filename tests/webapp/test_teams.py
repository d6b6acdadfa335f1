"""Teams on the pages: made, asked, answered and left by forms that work without a script."""

from __future__ import annotations

import re

import pytest

from tests.webapp.conftest import form_token
from transitmap import store


@pytest.fixture
def browser(add_rider, log_in):
    """A new rider's browser."""

    def open_browser(name):
        add_rider(name)
        return log_in(name)

    return open_browser


def send(client, path, **form):
    token = form_token(client, "/accounts/")
    return client.post(path, data={"csrf_token": token, **form}, follow_redirects=True)


def make(client, name="Los de la 57"):
    page = send(client, "/teams/", name=name)
    assert page.status_code == 200
    return re.search(r"/teams/(\d+)/leave", page.text)[1]


def asker(client, team_id):
    """The id of the first who asks to join."""
    return re.search(r'name="user_id" value="(\d+)"', client.get(f"/teams/{team_id}").text)[1]


def test_from_making_a_team_to_leaving_it(browser, client):
    ana, beto = browser("Ana"), browser("Beto")
    team_id = make(ana)
    assert "Los de la 57" in client.get("/teams/").text
    assert "Los de la 57" in client.get("/standings/?who=teams").text
    assert "Pediste entrar" in send(beto, f"/teams/{team_id}/join").text
    assert "Quién pide entrar" not in beto.get(f"/teams/{team_id}").text
    assert "nadie nuevo" not in send(ana, f"/teams/{team_id}/accept", user_id=asker(ana, team_id)).text
    page = client.get(f"/teams/{team_id}").text
    assert ">Ana<" in page
    assert ">Beto<" in page
    assert "Tu equipo y sus vecinos" in beto.get("/standings/?who=teams").text
    assert "juegas por tu cuenta" in send(ana, f"/teams/{team_id}/leave").text
    assert ">Ana<" not in client.get(f"/teams/{team_id}").text


def test_somebody_who_is_not_accepted_may_ask_again(browser):
    ana, beto = browser("Ana"), browser("Beto")
    team_id = make(ana)
    send(beto, f"/teams/{team_id}/join")
    user_id = asker(ana, team_id)
    assert "No se aceptó" in send(ana, f"/teams/{team_id}/deny", user_id=user_id).text
    assert send(ana, f"/teams/{team_id}/accept", user_id=user_id).status_code == 404
    assert "Listo, lo pediste" in send(beto, f"/teams/{team_id}/join").text
    assert "Sal primero" in send(beto, f"/teams/{team_id}/join").text


def test_only_members_say_yes(browser):
    ana, beto, caro = browser("Ana"), browser("Beto"), browser("Caro")
    team_id = make(ana)
    send(beto, f"/teams/{team_id}/join")
    user_id = asker(ana, team_id)
    for one in (beto, caro):
        assert send(one, f"/teams/{team_id}/accept", user_id=user_id).status_code == 404
    for odd in ("", "x", "-1", "9" * 30, "²"):
        assert send(ana, f"/teams/{team_id}/accept", user_id=odd).status_code == 404


def test_names_of_teams_follow_the_rules_of_pseudonyms(browser):
    ana, beto = browser("Ana"), browser("Beto")
    make(ana)
    assert "Un equipo ya tiene ese nombre" in send(beto, "/teams/", name="LOS de la 57").text
    for bad in ("", " ", "a/b", "<b>", "x" * 41):
        assert send(beto, "/teams/", name=bad).status_code == 422
    assert send(ana, "/teams/", name="Otro").status_code == 409


def test_who_does_not_want_to_be_shown_is_counted_and_not_named(app, browser, client):
    ana, beto = browser("Ana"), browser("Beto")
    team_id = make(ana)
    send(beto, f"/teams/{team_id}/join")
    send(ana, f"/teams/{team_id}/accept", user_id=asker(ana, team_id))
    with store.session(app.extensions["transitmap_engine"]) as session:
        store.user_by_name(session, "Beto").is_hidden = True
    page = client.get(f"/teams/{team_id}").text
    assert "Beto" not in page
    assert "1 integrante prefiere no aparecer" in page
    assert ">Beto<" in beto.get(f"/teams/{team_id}").text


def test_nobody_joins_or_leaves_once_a_campaign_is_counted(app, browser):
    ana, beto = browser("Ana"), browser("Beto")
    with store.session(app.extensions["transitmap_engine"]) as session:
        race = {"name_es": "La carrera", "name_en": "The race", "state": "open", "made_s": 1.0}
        session.add(store.Campaign(id=2, slug="carrera", **race))
    page = send(ana, "/teams/", name="Los de la 57", campaign="carrera")
    team_id = re.search(r"/teams/(\d+)/leave", page.text)[1]
    with store.session(app.extensions["transitmap_engine"]) as session:
        session.get(store.Campaign, 2).state = "frozen"
    for client, verb in ((ana, "leave"), (beto, "join"), (ana, "accept"), (ana, "deny")):
        assert send(client, f"/teams/{team_id}/{verb}").status_code == 409
    assert send(beto, "/teams/", name="Tarde", campaign="carrera").status_code == 409
    assert "se quedan como están" in beto.get("/teams/?campaign=carrera").text
    assert ">Ana<" in beto.get(f"/teams/{team_id}").text


def test_a_team_that_is_not_there_is_not_found(client):
    assert client.get("/teams/99").status_code == 404


def test_a_team_is_found_by_its_name(browser, client):
    ana, beto = browser("Ana"), browser("Beto")
    make(ana)
    make(beto, "Tecolotes")
    page = client.get("/teams/?name=TECO").text
    assert ">Tecolotes<" in page
    assert "Los de la 57" not in page
    assert "Ningún equipo" in client.get("/teams/?name=zzz").text
    for odd in ("%", "_", "%00", "%E2%80%8B", "%5C", "a" * 3_000):
        assert client.get(f"/teams/?name={odd}").status_code == 200
