"""A card that a rider shows around: made by the rider alone, and nothing on it says where or when."""

from __future__ import annotations

import re

import pytest

from tests.machine import needs_browser
from tests.webapp.conftest import form_token, serving
from tests.webapp.test_browser import PHONE, Visit, faults
from transitmap import store


@pytest.fixture
def ana(app, add_rider, log_in):
    """Ana's browser; she has a line about a route and a day."""
    who = add_rider("Ana")
    line = {"key": "one", "user_id": who, "rule": "new_metres", "millipoints": 812_500, "rules_version": "1"}
    line |= {"network_version": "", "evidence": {}, "created_s": 1.75e9, "verified_millipoints": 500_000}
    with store.session(app.extensions["transitmap_engine"]) as session:
        store.add_lines(session, [line | {"text_es": "Ruta 57 al Centro", "text_en": "Route 57"}])
    return log_in("Ana")


def send(client, path: str) -> str:
    form = {"csrf_token": form_token(client, "/accounts/")}
    return client.post(f"/cards/{path}", data=form, follow_redirects=True).text


def address(page: str) -> str:
    found = re.search(r"/cards/\d+-[0-9a-f]{32}", page)
    return found.group() if found else ""


def test_there_is_no_card_before_its_rider_makes_one(ana, client):
    assert not address(ana.get("/accounts/").text)
    assert client.get("/cards/1-").status_code == 404
    assert client.get(f"/cards/1-{'0' * 32}").status_code == 404


def test_a_card_says_points_and_a_pseudonym_and_no_place(ana, client):
    path = address(send(ana, ""))
    page = client.get(path).text
    told = dict(re.findall(r'<meta property="og:(\w+)" content="([^"]*)">', page))
    assert told["title"] == "Ana: 812.5 puntos para el mapa"
    assert told["url"].endswith(path)
    assert 'content="noindex"' in page
    assert "<script" not in page.split("<main")[1]
    assert not [
        word for word in ("57", "Centro", "2025", "#1") if word in page.split("<main")[1].split("</main")[0]
    ]


def test_a_card_goes_with_its_rider_or_when_taken_back(app, ana, client):
    first = address(send(ana, ""))
    assert "Tu tarjeta ya no existe" in send(ana, "withdraw")
    assert client.get(first).status_code == 404
    second = address(send(ana, ""))
    assert second != first
    engine = app.extensions["transitmap_engine"]
    with store.session(engine) as session:
        store.user_by_id(session, 1).is_hidden = True
    assert client.get(second).status_code == 404
    with store.session(engine) as session:
        user = store.user_by_id(session, 1)
        user.is_hidden = False
        store.empty_user(session, user, store.trail_of(session, user), 1.0)
        user.is_hidden = False
        assert store.card_key(session, 1) == ""
    assert client.get(second).status_code == 404


@needs_browser
def test_the_pages_fit_a_phone_and_axe_finds_nothing(chromium, app, ana):
    from axe_playwright_python.sync_playwright import Axe

    path = address(send(ana, ""))
    with serving(app) as port:
        visit = Visit(chromium, f"http://127.0.0.1:{port}", viewport=PHONE, bypass_csp=True)
        visit.page.goto(path)
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        assert faults(Axe(), visit.page) == []
        visit.check()
        visit.context.close()


def test_a_card_has_a_picture_of_the_size_that_networks_ask_for(ana, client):
    path = address(send(ana, ""))
    page = client.get(path).text
    told = re.search(r'property="og:image" content="https?://[^/]+([^"]+)"', page)
    assert told and told[1] == f"{path}/picture.png"
    png = client.get(told[1])
    assert (png.mimetype, png.data[:8]) == ("image/png", b"\x89PNG\r\n\x1a\n")
    assert [int.from_bytes(png.data[at : at + 4], "big") for at in (16, 20)] == [1200, 630]
    assert client.get(f"/cards/1-{'0' * 32}/picture.png").status_code == 404
    send(ana, "withdraw")
    assert client.get(told[1]).status_code == 404
