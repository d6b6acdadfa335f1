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
    assert "812.5 de todos los" in page
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
        rita = browse(chromium, port, "Rita")
        page = rita.page
        page.goto("/review/winners/")
        page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        assert faults(Axe(), page) == []
        rita.check()
        rita.context.close()


def browse(chromium, port: int, name: str) -> Visit:
    """Somebody's phone, logged in."""
    visit = Visit(chromium, f"http://127.0.0.1:{port}", viewport=PHONE, bypass_csp=True)
    visit.page.goto("/accounts/log-in")
    visit.page.get_by_label("Seudónimo").fill(name)
    visit.page.get_by_label("Contraseña").fill("tres palabras y una")
    visit.page.locator("main button").click()
    visit.page.wait_for_url(lambda url: "log-in" not in url)
    return visit


@pytest.fixture
def ended(app, add_rider):
    """A closed campaign with prizes, in which Beto and Caro have verified points; Olga organises."""
    ids = [add_rider(name) for name in ("Beto", "Caro")]
    add_rider("Olga", "organiser")
    with store.session(app.extensions["transitmap_engine"]) as session:
        campaign = add_campaign(app, session, "open", "freeze", "close")
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


@pytest.mark.parametrize("state", ["open", "frozen"])
def test_before_its_signed_end_a_campaign_has_a_list_and_no_form(app, ended, log_in, state):
    """Until then every point can change: what is approved of is what the signed end tells."""
    with store.session(app.extensions["transitmap_engine"]) as session:
        store.campaign_by_slug(session, ended).state = state
    olga, path = log_in("Olga"), f"/review/winners/campaigns/{ended}"
    page = olga.get(path).text
    assert "Antes del cierre firmado la lista cambia" in page
    assert 'name="words"' not in page
    told = {"csrf_token": form_token(olga, "/accounts/"), "words": "48213", "sure": ended}
    assert "Primero cierra la campaña" in olga.post(path, data=told, follow_redirects=True).text
    with store.session(app.extensions["transitmap_engine"], write=False) as session:
        assert store.payouts_of_campaign(session, store.campaign_by_slug(session, ended).id) == []


@pytest.fixture
def waiting(app, ended, log_in, add_rider):
    """The prizes of a campaign wait; Rita reviews, and so does Raúl."""
    for name in ("Rita", "Raúl"):
        add_rider(name, "reviewer")
    olga = log_in("Olga")
    told = {"csrf_token": form_token(olga, "/accounts/"), "words": "the lottery's 12345", "sure": ended}
    olga.post(f"/review/winners/campaigns/{ended}", data=told)
    return ended


def approve_all(browser, slug, **form):
    page = browser.get("/review/winners/").text
    seen = re.search(r'name="seen" value="([0-9a-f]+)"', page)
    told = {"csrf_token": form_token(browser, "/accounts/"), "sure": slug, "seen": seen[1] if seen else ""}
    path = f"/review/winners/campaigns/{slug}/approve"
    return browser.post(path, data=told | form, follow_redirects=True).text


def states(app, slug):
    with store.session(app.extensions["transitmap_engine"], write=False) as session:
        campaign = store.campaign_by_slug(session, slug)
        return [one.state for one in store.payouts_of_campaign(session, campaign.id)]


def test_two_people_approve_of_a_whole_list_a_line_each(app, waiting, log_in):
    rita, n = log_in("Rita"), len(states(app, waiting))
    assert n > 2
    assert "No se hizo nada" in approve_all(rita, waiting, sure="")
    assert "alguien cambió la lista" in approve_all(rita, waiting, seen="0")
    assert set(states(app, waiting)) == {"held"}
    assert f"Aprobaste {n} premios" in approve_all(rita, waiting)
    assert 'name="seen"' not in rita.get("/review/winners/").text
    assert set(states(app, waiting)) == {"held"}
    assert f"Aprobaste {n} premios" in approve_all(log_in("Raúl"), waiting)
    assert set(states(app, waiting)) == {"approved"}
    with store.session(app.extensions["transitmap_engine"], write=False) as session:
        rows = [row for row in store.ledger_rows(session) if row.evidence.get("verdict") == "approved"]
        by = {store.user_by_name(session, name).id for name in ("Rita", "Raúl")}
    assert len(rows) == 2 * n
    assert {row.evidence["by"] for row in rows} == by


def test_a_rider_reads_what_was_won_and_why(app, waiting, log_in):
    beto, nobody = log_in("Beto"), log_in("Rita")
    assert "Mis premios" not in nobody.get("/accounts/").text
    for path in ("/accounts/", f"/campaigns/{waiting}/"):
        page = beto.get(path).text
        assert "Mis premios" in page
        assert "80.0 de todos los 240.0 puntos confirmados" in page
        assert "Dos personas lo revisan" in page
    with store.session(app.extensions["transitmap_engine"]) as session:
        campaign = store.campaign_by_slug(session, waiting)
        prize = next(one for one in store.payouts_of_campaign(session, campaign.id))
        rita = store.user_by_name(session, "Rita")
        store.refuse_payout(session, prize.id, rita, 1.8e9, "no respondió")
    assert "no respondió" in beto.get("/accounts/").text


def test_why_somebody_takes_no_part_is_counted(app, ended, log_in):
    with store.session(app.extensions["transitmap_engine"]) as session:
        store.user_by_name(session, "Caro").prize_consent = ""
    page = log_in("Olga").get(f"/review/winners/campaigns/{ended}").text
    assert "no aceptaron participar" in page


def test_what_was_handed_over_is_said_twice_and_noted(app, waiting, log_in):
    """The first tap opens the words with name and amount; there is no way back from the second."""
    for name in ("Rita", "Raúl"):
        approve_all(log_in(name), waiting)
    with store.session(app.extensions["transitmap_engine"]) as session:
        campaign = store.campaign_by_slug(session, waiting)
        prize = store.payouts_of_campaign(session, campaign.id)[0]
        for one in store.payouts_of_campaign(session, campaign.id):
            one.hold_until_s = 1.0
        told = f"{prize.amount_centavos / 100:,.2f}"
    rita = log_in("Rita")
    assert f"Sí, Beto ya tiene ${told}" in rita.get("/review/winners/").text
    form = {"csrf_token": form_token(rita, "/accounts/")}
    rita.post(f"/review/winners/{prize.id}/pay", data=form)
    assert states(app, waiting).count("paid") == 1
    assert "Entregado." in log_in("Beto").get("/accounts/").text


@needs_browser
def test_the_pages_of_an_end_fit_a_phone_and_axe_finds_nothing(chromium, app, waiting):
    from axe_playwright_python.sync_playwright import Axe

    paths = {
        "Olga": ("/review/winners/", f"/review/winners/campaigns/{waiting}", f"/campaigns/{waiting}/"),
        "Beto": ("/accounts/", f"/campaigns/{waiting}/", f"/campaigns/{waiting}/report", "/"),
    }
    with serving(app) as port:
        for name, theirs in paths.items():
            visit = browse(chromium, port, name)
            for path in theirs:
                visit.page.goto(path)
                visit.page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
                assert visit.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], path
                assert faults(Axe(), visit.page) == [], path
            visit.check()
            visit.context.close()
