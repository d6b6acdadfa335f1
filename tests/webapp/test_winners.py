"""The page on which two people approve of a prize."""

from __future__ import annotations

import re

import pytest

from tests.machine import needs_browser
from tests.webapp.campaign import add_campaign
from tests.webapp.conftest import form_token, serving
from tests.webapp.test_browser import PHONE, Visit, faults
from transitmap import store
from transitmap.books import lists


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


@pytest.fixture
def ended(app, add_rider):
    """A frozen campaign with prizes, in which Beto and Caro have verified points; Olga organises."""
    ids = [add_rider(name) for name in ("Beto", "Caro")]
    add_rider("Olga", "organiser")
    with store.session(app.extensions["transitmap_engine"]) as session:
        campaign = add_campaign(app, session, "open", "freeze")
        for number, who in enumerate(ids, 1):
            store.user_by_id(session, who).prize_consent = "1"
            line = {"key": f"line {who}", "campaign_id": campaign.id, "kind": "confirmation", "user_id": who}
            line |= {"rule": "confirmed", "millipoints": 90_000 * number, "rules_version": "1"}
            line |= {"verified_millipoints": 80_000 * number, "network_version": "", "evidence": {}}
            store.add_lines(session, [line | {"text_es": "", "text_en": "", "created_s": 1.0}])
    return campaign.slug


def test_an_organiser_writes_down_the_list_that_everybody_can_compute(app, ended, log_in):
    olga = log_in("Olga")
    path, database_url = (
        f"/review/winners/campaigns/{ended}",
        app.extensions["transitmap_settings"].database_url,
    )
    page = olga.get(path).text
    with store.session(app.extensions["transitmap_engine"], write=False) as session:
        (campaign,) = [one for one in store.all_campaigns(session) if one.slug == ended]
        listed = lists.prizes_of(session, campaign)
        assert listed.as_json() == lists.prizes_of_database(database_url, ended, None).as_json()
    names = [
        re.sub(r"<[^>]+>", "", one) for one in re.findall(r'<th scope="row" class="keep">.*?</th>', page)
    ]
    assert names == [row[1] for row in listed.rows()]
    assert set(names) == {"Beto", "Caro"}
    assert f"{listed.found.paid_centavos / 100:,.2f}" in page
    assert listed.contest.rules().words_from in page
    assert f'href="{path}"' in olga.get(f"/campaigns/{ended}/").text
    token = form_token(olga, "/accounts/")
    told = {"csrf_token": token, "words": "the lottery's 12345"}
    assert "No se hizo nada" in olga.post(path, data=told, follow_redirects=True).text
    waiting = olga.post(path, data=told | {"sure": ended}, follow_redirects=True).text
    assert "aprobado por 0 de 2" in waiting
    other = olga.post(path, data=told | {"sure": ended, "words": "others"}, follow_redirects=True).text
    assert "Ya se dijeron otras palabras" in other
    with store.session(app.extensions["transitmap_engine"], write=False) as session:
        payouts = store.payouts_of_campaign(session, campaign.id)
        line = store.ledger_rows(session)[-1]
    total = sum(one.amount_centavos for one in payouts)
    assert (line.rule, line.evidence["centavos"], line.evidence["prizes"]) == ("prizes", total, len(payouts))
    assert f"{total / 100:,.2f} MXN" in line.text_es
    assert total == lists.prizes_of_database(database_url, ended, "the lottery's 12345").found.paid_centavos


def test_a_campaign_that_goes_on_has_a_list_and_no_form(app, ended, log_in):
    with store.session(app.extensions["transitmap_engine"]) as session:
        store.campaign_by_slug(session, ended).state = "open"
    page = log_in("Olga").get(f"/review/winners/campaigns/{ended}").text
    assert "La campaña sigue" in page
    assert 'name="words"' not in page
