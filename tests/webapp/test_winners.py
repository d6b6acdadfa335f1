"""The page on which two people approve of a prize."""

from __future__ import annotations

import pytest

from tests.machine import needs_browser
from tests.webapp.conftest import form_token, serving
from tests.webapp.test_browser import PHONE, Visit, faults
from transitmap import store


@pytest.fixture
def prize(app, add_rider) -> int:
    """A prize of Ana's; Rita and Raúl review, and so does Ana."""
    ana = add_rider("Ana", "reviewer")
    for name in ("Rita", "Raúl"):
        add_rider(name, "reviewer")
    evidence = {"prize": {"millipoints": 812_500}, "list": "0" * 64}
    with store.session(app.extensions["transitmap_engine"]) as session:
        return store.put_payouts(session, 1, [(ana, "first", 150_000, evidence)], 1_790_000_000.0)[0].id


@pytest.fixture
def act(log_in, prize):
    """What somebody does about the prize; the page afterwards."""

    def post(name: str, step: str, **form: str) -> str:
        client = log_in(name)
        token = form_token(client, "/accounts/")
        path = f"/review/winners/{prize}/{step}"
        return client.post(path, data={"csrf_token": token, **form}, follow_redirects=True).text

    return post


def test_a_prize_needs_two_people(prize, act, log_in):
    page = log_in("Rita").get("/review/winners/").text
    assert "$1,500.00" in page
    assert "812.5 puntos verificados" in page
    assert "aprobado por 0 de 2" in page
    assert "debe aprobarlo otra persona" in act("Rita", "approve")
    assert "debe darla otra persona" in act("Rita", "approve")
    assert "aprobado por 1 de 2" in log_in("Rita").get("/review/winners/").text
    assert "Lo aprobaron dos personas" in act("Raúl", "approve")


def test_nobody_approves_of_their_own(act, log_in):
    assert "Aprobar<" not in log_in("Ana").get("/review/winners/").text
    assert "Nadie decide sobre su propio premio" in act("Ana", "approve")


def test_a_refusal_needs_a_reason(act, log_in):
    assert "necesita un motivo" in act("Rita", "refuse")
    assert "Rechazado" in act("Rita", "refuse", note="Sigue en revisión")
    assert "Alguien lo decidió mientras tanto" in act("Raúl", "approve")


@needs_browser
def test_the_page_fits_a_phone_and_axe_finds_nothing(chromium, app, prize):
    from axe_playwright_python.sync_playwright import Axe

    with serving(app) as port:
        rita = Visit(chromium, f"http://127.0.0.1:{port}", viewport=PHONE, bypass_csp=True)
        page = rita.page
        page.goto("/accounts/log-in")
        page.get_by_label("Seudónimo").fill("Rita")
        page.get_by_label("Contraseña").fill("tres palabras y una")
        page.locator("main button").click()
        page.wait_for_url(lambda url: "log-in" not in url)
        page.goto("/review/winners/")
        page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        assert faults(Axe(), page) == []
        rita.check()
        rita.context.close()
