"""What waits, on the receipt and on a rider's own page: every reason in both languages, and nobody else's."""

from __future__ import annotations

import io
import re
from types import SimpleNamespace

import pytest

from tests.webapp.city import add_missions, publish
from tests.webapp.conftest import NOW_S, form_token
from tests.webapp.traces import ride
from transitmap import store, unconfirmed
from webapp import waits

SAID = {
    unconfirmed.OVER: ("La campaña se cerró el", "The campaign was closed on"),
    unconfirmed.LOOK: ("Una persona lo mira antes", "A person looks at it before"),
    unconfirmed.ACCOUNT: ("Tu cuenta envió una grabación", "Your account sent a recording"),
    unconfirmed.ONE_PERSON: ("son de una misma persona", "are one rider’s"),
    unconfirmed.FIRST_MAP: ("Todavía no hay mapa", "There is no map yet"),
    unconfirmed.NEXT_MAP: ("se hizo sin este viaje", "was made without it"),
    unconfirmed.OTHERS: ("Falta que lo recorra todo alguien", "Nobody independent has been seen"),
}


def send(log_in, name: str, seed: int) -> str:
    """A trip sent by somebody; the address of its receipt."""
    client = log_in(name)
    token = form_token(client, "/traces/")
    file = {"csrf_token": token, "file": (io.BytesIO(ride(seed)), "viaje.gpx")}
    return client.post("/traces/", data=file).location.split("?")[0]


@pytest.fixture
def sent(app, add_rider, log_in) -> SimpleNamespace:
    """A trip of Ana's and one of Beto's of the same stretch, another day."""
    ids = {name: add_rider(name) for name in ("Ana", "Beto")}
    receipts = {name: send(log_in, name, seed) for seed, name in enumerate(ids, 1)}
    engine = app.extensions["transitmap_engine"]
    with store.session(engine) as session:
        rides = {
            name: store.rides_of_upload(session, receipts[name].split("/")[-1])[0].id for name in receipts
        }
    return SimpleNamespace(engine=engine, ids=ids, receipts=receipts, rides=rides)


def settle(session, through: int = 2, **inputs: list[str]) -> None:
    """The last map knew so many rides, and what of them waited for a person."""
    known = {"withheld": [], "held": [], "official": []} | inputs
    row = store.Settlement(
        number=1, network_version="", through_sequence=through, through_decision=0, made_s=NOW_S, n_lines=0,
        inputs=known,
    )  # fmt: skip
    store.add_settlement(session, row, {})


def doubt(session, sent, **more: object) -> None:
    told = {"code": "car", "tier": "soft", "score": 0.9, "evidence": {}, "made_s": NOW_S}
    session.add(store.FindingRow(**({"ride_id": sent.rides["Ana"]} | told | more)))


def come_to(app, sent, why: str) -> None:
    """Makes it the reason why Ana's trip waits."""
    with store.session(sent.engine) as session:
        if why != unconfirmed.FIRST_MAP:
            settle(session, 0 if why == unconfirmed.NEXT_MAP else 2)
        if why == unconfirmed.LOOK:
            doubt(session, sent, code="alike")
        if why == unconfirmed.OVER:
            own = store.refreshed_campaign(session, store.OWN_CAMPAIGN)
            own.state, own.closed_s = "closed", NOW_S


def text_of(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


@pytest.mark.parametrize("why", [one for one in unconfirmed.WHYS if one not in ("account", "one_person")])
def test_the_receipt_and_ones_own_page_say_why_in_both_languages(app, sent, log_in, why):
    come_to(app, sent, why)
    ana = log_in("Ana")
    for path in (sent.receipts["Ana"], "/standings/Ana"):
        for lang, sentence in zip(("es", "en"), SAID[why], strict=True):
            page = text_of(ana.get(f"{path}?lang={lang}").text)
            assert sentence in page, (path, lang)
            others = [one for which in SAID if which != why for one in SAID[which]]
            assert not [one for one in others if one in page]


def test_every_reason_has_its_sentence():
    assert set(waits.SENTENCES) == set(SAID) == set(unconfirmed.WHYS)
    assert set(waits.ADVICE) == set(unconfirmed.WHYS) - {unconfirmed.OVER}


def test_nobody_else_reads_why_somebodys_points_wait(sent, log_in, client, add_rider):
    add_rider("Rita", "reviewer")
    for other in (log_in("Beto"), log_in("Rita"), client):
        page = text_of(other.get("/standings/Ana").text)
        assert "Qué espera" not in page
        assert not [one for pair in SAID.values() for one in pair if one in page]
        assert other.get(sent.receipts["Ana"]).status_code in (401, 404)


def test_what_waits_is_what_is_not_paid_of_all_that_the_ride_can_bring(app, sent, log_in):
    come_to(app, sent, unconfirmed.OTHERS)
    with store.session(sent.engine) as session:
        (line,) = store.ledger_rows(session, ride_id=sent.rides["Ana"])
    rest = (line.evidence["full_millipoints"] - line.millipoints) / 1000
    assert rest > 0
    assert f"Esperan hasta {rest:,.1f} puntos más" in text_of(log_in("Ana").get(sent.receipts["Ana"]).text)


def test_a_likeness_is_told_without_numbers_or_blame(app, sent, log_in):
    come_to(app, sent, unconfirmed.LOOK)
    page = log_in("Ana").get(sent.receipts["Ana"]).text
    shown = page[page.index('class="waiting"') :]
    assert "no se acusa a nadie" in shown
    assert f"/appeals/{sent.rides['Ana']}" in shown
    assert not re.search(r"alike|0[.,]9|segundo|umbral", shown)


def test_who_has_asked_is_told_where_the_answer_comes(app, sent, log_in):
    come_to(app, sent, unconfirmed.LOOK)
    ana, path = log_in("Ana"), f"/appeals/{sent.rides['Ana']}"
    form = {"csrf_token": form_token(ana, path), "text": "Viajé con mi hermana."}
    assert ana.post(path, data=form).status_code == 303
    page = text_of(ana.get(sent.receipts["Ana"]).text)
    assert "Ya pediste otra mirada. Aquí llega la respuesta" in page
    assert "Cuenta qué pasó" not in page


def test_an_account_that_waits_is_shown_where_to_ask(app, sent, log_in):
    """Also of a ride that was paid a part of before, about which itself there is nothing to ask."""
    second = send(log_in, "Ana", 7).split("/")[-1]
    with store.session(sent.engine) as session:
        settle(session, 3)
        copy = store.rides_of_upload(session, second)[0].id
        doubt(session, sent, ride_id=copy, code="copy", tier="hard", other_ride_id=sent.rides["Beto"])
        pair = {"user_id": sent.ids["Ana"], "other_id": sent.ids["Beto"], "is_one": True}
        session.add(store.Tie(**pair, from_sequence=1, made_s=NOW_S))
    page = log_in("Ana").get(sent.receipts["Ana"]).text
    assert SAID[unconfirmed.ACCOUNT][0] in text_of(page)
    assert f"/appeals/{copy}" in page[page.index('class="waiting"') :]
    assert "Beto" not in page


@pytest.mark.parametrize("is_met", [False, True])
def test_what_is_confirmed_on_trust_is_told_as_the_rules_have_it(app, sent, log_in, is_met):
    come_to(app, sent, unconfirmed.OTHERS)
    with store.session(sent.engine) as session:
        if is_met:
            store.add_decision(session, store.MET, sent.ids["Ana"], store.MET, sent.ids["Beto"], NOW_S)
    page = text_of(log_in("Ana").get(sent.receipts["Ana"]).text)
    assert "hasta 50 puntos en cada campaña" in page
    assert ("Alguien del equipo te conoce" in page) is is_met
    assert ("De ti nadie lo ha dicho" in page) is not is_met


def test_missions_of_the_line_can_be_passed_on(app, sent, log_in):
    publish(app)
    come_to(app, sent, unconfirmed.OTHERS)
    with store.session(sent.engine) as session:
        made = add_missions(session)
        row = store.ride_by_id(session, sent.rides["Ana"])
        row.route_id, row.direction_id = made[0].route_id, 0
        numbers = [one.id for one in made]
    page = log_in("Ana").get(sent.receipts["Ana"]).text
    assert re.findall(r'href="/missions/(\d+)"', page) == [str(numbers[0])]


def test_after_the_days_of_a_campaign_it_says_until_when_others_still_count(app, sent, log_in):
    with store.session(sent.engine) as session:
        settle(session)
        store.refreshed_campaign(session, store.OWN_CAMPAIGN).state = "frozen"
    assert "antes de que se cierre todavía se paga" in text_of(log_in("Ana").get("/standings/Ana").text)


def test_the_board_leads_to_why(app, sent, log_in):
    ana = log_in("Ana")
    assert 'href="/standings/Ana#waits">Por qué esperan</a>' in ana.get("/standings/?period=all").text
    come_to(app, sent, unconfirmed.OVER)
    assert "Por qué esperan" not in ana.get("/standings/?period=all").text
