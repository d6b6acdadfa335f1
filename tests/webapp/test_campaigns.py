"""Campaigns on the pages: what everybody reads, what organisers decide, and what nobody can."""

from __future__ import annotations

import html
import re
import time

import pytest

from tests.machine import needs_browser
from tests.webapp.campaign import AREA, DAY_S, ZONE, add_campaign, told
from tests.webapp.city import publish
from tests.webapp.conftest import PASSWORD, form_token, serving
from tests.webapp.test_browser import Visit
from transitmap import store
from transitmap.campaigns import steps
from transitmap.campaigns.snapshot import verify_file
from transitmap.points.rules import published_text


@pytest.fixture
def organiser(add_rider, log_in):
    add_rider("organiser", "organiser")
    return log_in("organiser")


@pytest.fixture
def campaign(app):
    """Makes a campaign and takes steps of its life; its address."""

    def make(*to: str, **more: str) -> str:
        with store.session(app.extensions["transitmap_engine"]) as session:
            return add_campaign(app, session, *to, **more).slug

    return make


def post(browser, path: str, **fields: str):
    return browser.post(path, data={"csrf_token": form_token(browser, "/campaigns/new"), **fields})


def words(page: str) -> str:
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page)))


def test_without_a_campaign_the_page_says_that_trips_count(client):
    page = words(client.get("/campaigns/").text)
    assert "Ahora no hay ninguna campaña. Los viajes cuentan igual." in page
    assert "Nueva campaña" not in page


def test_an_open_campaign_is_told_to_everybody(app, client, campaign):
    publish(app)
    campaign("open")
    assert "Rutas que faltan" in client.get("/campaigns/").text
    page = client.get("/campaigns/rutas/").text
    told_of_it = words(page)
    for said in (
        "abierta",
        "quedan 21 días",
        "19.350° – 19.470°",
        "Presupuesto de premios: $170,000.00.",
        "No hay prisa",
    ):
        assert said in told_of_it, said
    assert '<svg xmlns="http://www.w3.org/2000/svg"' in page and "style=" not in page
    assert "The missing routes" in client.get("/campaigns/rutas/?lang=en").text
    assert client.get("/campaigns/rutas/rules.toml").text == published_text()
    assert client.get("/campaigns/rutas/snapshot.jsonl").status_code == 404
    assert client.get("/campaigns/public-key.pem").status_code == 404


def test_a_draft_is_for_organisers_alone(client, campaign, organiser):
    campaign()
    assert "Rutas que faltan" not in client.get("/campaigns/").text
    for rest in ("", "report", "report.pdf", "rules.toml", "prizes.toml"):
        assert client.get(f"/campaigns/rutas/{rest}").status_code == 404
    assert "borrador" in organiser.get("/campaigns/").text
    assert "Cambiar el borrador" in organiser.get("/campaigns/rutas/").text


def test_an_organiser_makes_changes_and_opens_a_campaign(client, organiser):
    made = post(organiser, "/campaigns/", **told())
    assert (made.status_code, made.location) == (302, "/campaigns/rutas/")
    form = organiser.get("/campaigns/rutas/edit").text
    assert (
        f'value="{AREA}"' in form and 'value="170000.00"' in form and f'value="{told()["last_day"]}"' in form
    )
    assert post(organiser, "/campaigns/rutas/edit", **told(name_es="Otras rutas")).status_code == 302
    assert "Otras rutas" in organiser.get("/campaigns/rutas/").text
    post(organiser, "/campaigns/rutas/steps/open", sure="ruta")
    assert client.get("/campaigns/rutas/").status_code == 404
    assert "escribe la dirección" in organiser.get("/campaigns/rutas/").text
    post(organiser, "/campaigns/rutas/steps/open", sure="rutas", note="lo decidimos el lunes")
    assert "abierta" in client.get("/campaigns/rutas/").text
    refused = post(organiser, "/campaigns/rutas/edit", **told())
    assert refused.status_code == 422 and "Sólo un borrador se puede cambiar." in refused.text


def test_each_decision_is_a_line_of_the_ledger(app, organiser, campaign):
    campaign()
    for step in ("open", "freeze", "close"):
        post(organiser, f"/campaigns/rutas/steps/{step}", sure="rutas", note=f"por {step}")
    with store.session(app.extensions["transitmap_engine"], write=False) as session:
        lines = store.ledger_rows(session)
        who = store.user_by_name(session, "organiser")
    assert [(line.kind, line.rule, line.millipoints, line.evidence["note"]) for line in lines] == [
        ("decision", f"campaign_{step}", 0, f"por {step}") for step in ("open", "freeze", "close")
    ]
    assert {line.user_id for line in lines} == {who.id}
    assert post(organiser, "/campaigns/rutas/steps/burn", sure="rutas").status_code == 404
    assert "una campaña se abre una vez" in follow(organiser, "open")


def follow(browser, step: str) -> str:
    post(browser, f"/campaigns/rutas/steps/{step}", sure="rutas")
    return browser.get("/campaigns/rutas/").text


def test_steps_out_of_turn_say_why_not(organiser, campaign):
    campaign()
    assert "Primero congélala" in follow(organiser, "close")
    assert "Sólo una campaña abierta" in follow(organiser, "freeze")
    follow(organiser, "open")
    assert "Los viajes nuevos ya no cuentan" in follow(organiser, "freeze")


def test_the_signed_end_can_be_checked_with_what_the_pages_hand_out(client, campaign):
    campaign("open", "freeze", "close")
    page = client.get("/campaigns/rutas/").text
    assert "transitmap campaigns verify rutas.jsonl" in page and "cerrada" in page
    assert "Cómo participar" not in page
    paths = ("/campaigns/rutas/snapshot.jsonl", "/campaigns/public-key.pem")
    file, key = (client.get(path).data for path in paths)
    assert verify_file(file, key)["campaign"]["slug"] == "rutas"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"slug": "Con Espacios"}, "letras minúsculas"),
        ({"area": "aquí"}, "sur,oeste,norte,este"),
        ({"budget": "mucho"}, "Una cantidad desde 0"),
        ({"last_day": "2020-01-01"}, "dentro de un año"),
        ({"rules": "version = 3"}, "Reglas en TOML que miden"),
        ({"prizes": "["}, "Premios en TOML"),
    ],
)
def test_what_is_wrong_stands_beside_its_field_and_nothing_is_lost(organiser, wrong, said):
    answer = post(organiser, "/campaigns/", **told(**wrong))
    assert answer.status_code == 422
    (field,) = wrong
    assert re.search(rf'id="{field}-error">[^<]*{said}', answer.text)
    assert answer.text.count('aria-invalid="true"') == 1
    assert "Rutas que faltan" in answer.text


def test_an_address_is_given_once(organiser, campaign):
    campaign("open")
    answer = post(organiser, "/campaigns/", **told())
    assert answer.status_code == 422 and "Otra campaña tiene esta dirección." in answer.text


def test_what_an_organiser_writes_is_read_as_text(organiser, client):
    post(organiser, "/campaigns/", **told(name_es="<script>alert(1)</script>"))
    post(organiser, "/campaigns/rutas/steps/open", sure="rutas")
    for path in ("/campaigns/", "/campaigns/rutas/", "/campaigns/rutas/report"):
        page = client.get(path).text
        assert "&lt;script&gt;alert" in page and "<script>alert" not in page


@pytest.mark.parametrize(("lang", "said"), [("es", "Informe provisional"), ("en", "Interim report")])
def test_the_report_speaks_the_readers_language(app, client, campaign, lang, said):
    publish(app)
    campaign("open")
    page = client.get(f"/campaigns/rutas/report?lang={lang}")
    assert f"<h1>{said}" in page.text and "style=" not in page.text
    pdf = client.get("/campaigns/rutas/report.pdf")
    assert (pdf.mimetype, pdf.data[:5]) == ("application/pdf", b"%PDF-")


def test_the_own_campaign_has_a_page_and_no_end(client, organiser):
    with_form = organiser.get("/campaigns/city/")
    assert with_form.status_code == 200
    assert "En todas partes y siempre" in with_form.text and "steps/" not in with_form.text
    assert "siempre está abierta" in own_refusal(organiser)
    assert client.get("/campaigns/nowhere/").status_code == 404


def own_refusal(browser) -> str:
    post(browser, "/campaigns/city/steps/freeze", sure="city")
    return browser.get("/campaigns/city/").text


def test_where_a_campaign_is_in_its_days_is_told_on_the_first_page(app, client, campaign):
    assert "Campañas</h2>" not in client.get("/").text
    campaign("open")
    campaign("open", slug="luego", name_es="La que viene", first_day=day(3), last_day=day(9))
    over = campaign("open", slug="ayer", name_es="La de ayer")
    with store.session(app.extensions["transitmap_engine"]) as session:
        store.campaign_by_slug(session, over).closes_s = time.time() - 3_600
    campaign("open", "freeze", slug="helada", name_es="La congelada")
    for page in (client.get("/").text, client.get("/campaigns/").text):
        told = words(page)
        assert re.search(r"Rutas que faltan .{0,60}quedan 21 días abierta", told)
        assert re.search(r"La que viene .{0,60}empieza en 3 días pronto", told)
        assert re.search(r"La de ayer .{0,60}todavía cuentan si los envías ahora", told)
        assert re.search(r"La congelada .{0,60}los viajes nuevos ya no cuentan", told)
    board = client.get("/standings/").text
    assert '<option value="luego" selected' not in board
    assert "Cómo participar" not in client.get(f"/campaigns/{over}/").text


def day(n: int) -> str:
    return steps.local_date(time.time() + n * DAY_S, ZONE).isoformat()


def test_who_decided_and_why_can_be_read_by_everybody(client, campaign, organiser):
    campaign()
    for step, note in (("open", "lo decidimos el lunes"), ("freeze", "<b>llovió</b>")):
        post(organiser, "/campaigns/rutas/steps/" + step, sure="rutas", note=note)
    page = client.get("/campaigns/rutas/").text
    assert "<q>lo decidimos el lunes</q>" in page
    assert "&lt;b&gt;llovió" in page


def test_an_organiser_is_warned_before_the_last_day_and_told_what_is_left(
    app, campaign, organiser, add_rider
):
    campaign("open")
    assert "Sus días no han terminado: quedan 21 días." in words(organiser.get("/campaigns/rutas/").text)
    follow(organiser, "freeze")
    page = organiser.get("/campaigns/rutas/").text
    assert "Sus días no han terminado" not in page and "Lo que falta" not in page
    with store.session(app.extensions["transitmap_engine"]) as session:
        waiting_ride(session, add_rider("Ana"), store.campaign_by_slug(session, "rutas").id)
    page = words(organiser.get("/campaigns/rutas/").text)
    for said in (
        "1 persona espera respuesta",
        "1 hallazgo espera revisión",
        "1 viaje espera el siguiente mapa",
    ):
        assert said in page, said


def waiting_ride(session, user_id: int, campaign_id: int) -> None:
    """A ride of a campaign that came after the last map, with a finding, and its rider asks about it."""
    upload, _ = store.add_upload(session, user_id, "1" * 64, "b.gpx", 5, 1.0)
    ride = store.RideRow(
        sequence=1, id="ride", upload_id=upload.id, user_id=user_id, ordinal=1, name="b.gpx", n_fixes=9,
        dropped={}, warnings=[], mode="bus", stretch={}, started_s=1.0, distance_m=9.0,
        packed_sha256="2" * 64,
    )  # fmt: skip
    store.add_rides(session, [ride])
    session.add(store.FindingRow(ride_id="ride", code="car", tier="soft", score=0.9, evidence={}, made_s=1.0))
    store.add_appeal(session, user_id, "ride", "I was on board.", 1.0)
    line = {"campaign_id": campaign_id, "ride_id": "ride", "user_id": user_id, "rule": "new_metres"}
    line |= {"millipoints": 5, "rules_version": "1", "network_version": "", "evidence": {}, "created_s": 1.0}
    store.add_lines(session, [line | {"text_es": "", "text_en": ""}])


# --- the area ------------------------------------------------------------------------------------

FIELD = "Vacía es todas partes; si no, sur,oeste,norte,este en grados."
HERE = "19.51,-96.95,19.55,-96.88"


@pytest.mark.parametrize(
    ("area", "said"),
    [
        ("19.47,-99.2,19.35,-99.08", "El sur (19.47) debe ser menor que el norte (19.35): está vacía."),
        ("19.3,-99.0,19.4,-99.0", "El oeste (-99.0) debe ser menor que el este (-99.0): está vacía."),
        ("19.3,-99.2,199.4,-99.0", "El sur y el norte van de -90 a 90"),
        ("19.3,-99.2,19.4", FIELD),
        ("19.35,-99.20,19.47,-99.08", "Ninguna de las 14 paradas conocidas está dentro"),
    ],
)
def test_an_area_that_cannot_be_meant_is_refused_with_its_numbers(app, organiser, area, said):
    publish(app)
    refused = post(organiser, "/campaigns/", **told(area=area))
    assert refused.status_code == 422
    n = 2 + (said == FIELD)  # its hint says it, too
    assert words(refused.text).count(said) == n, "above, and beside the field"
    assert f'value="{area}"' in refused.text
    assert organiser.get("/campaigns/rutas/").status_code == 404


def test_new_ground_must_be_meant(app, organiser):
    publish(app)
    refused = post(organiser, "/campaigns/", **told())
    assert "la parada más cercana está a 227.0 km" in words(refused.text)
    assert 'name="new_ground" value="1">' in refused.text
    assert post(organiser, "/campaigns/", **told(new_ground="1")).status_code == 302
    assert 'name="new_ground" value="1" checked>' in organiser.get("/campaigns/rutas/edit").text


def test_before_there_is_a_map_an_area_can_be_anywhere(organiser):
    assert post(organiser, "/campaigns/", **told()).status_code == 302
    assert "Todavía no se publica nada" in organiser.get("/campaigns/rutas/edit").text


def test_the_form_says_what_lies_inside(app, organiser):
    publish(app)
    assert post(organiser, "/campaigns/", **told(area=HERE)).status_code == 302
    page = words(organiser.get("/campaigns/rutas/edit").text)
    assert "7.3 km de ancho y 4.4 km de alto. Dentro hay 14 de 14 paradas conocidas." in page
    assert re.search(r"Pasan 2 de 2 rutas conocidas, con (\d+) de \1 viajes registrados", page)
    answer = organiser.get(f"/campaigns/new/inside?area={HERE}").text
    assert words(answer).strip() in page and "<html" not in answer
    assert "En todas partes" in organiser.get("/campaigns/new/inside").text


def drawn(chromium, app, port: int, password: str, **context) -> Visit:
    visit = Visit(chromium, f"http://127.0.0.1:{port}", viewport={"width": 1200, "height": 900}, **context)
    visit.page.goto("/accounts/log-in")
    visit.page.get_by_label("Seudónimo").fill("organiser")
    visit.page.get_by_label("Contraseña").fill(password)
    visit.page.locator("main button").click()
    visit.page.wait_for_url("**/")
    visit.page.goto("/campaigns/new")
    return visit


@needs_browser
def test_an_area_is_drawn_typed_and_moved_by_keys_and_all_say_the_same(app, organiser, chromium):
    publish(app)
    with serving(app) as port:
        visit = drawn(chromium, app, port, PASSWORD)
        page, field = visit.page, visit.page.get_by_label("Zona", exact=True)
        page.locator("#map[data-area]").wait_for()
        assert page.locator(".corner").count() == 0, "everywhere"
        page.get_by_role("button", name="Marcar aquí una zona").click()
        page.get_by_text("de 14 paradas conocidas").wait_for()
        south, west, north, east = map(float, field.input_value().split(","))
        corner = page.get_by_role("button", name="Esquina del noreste")
        corner.focus()
        page.keyboard.press("Shift+ArrowDown")
        moved = [float(one) for one in field.input_value().split(",")]
        assert moved[0] == south and moved[1] == west and moved[2] < north and abs(moved[3] - east) < 2e-4
        assert corner.evaluate("one => one === document.activeElement")
        grip = page.get_by_role("button", name="Esquina del suroeste")
        grip.scroll_into_view_if_needed()
        box = grip.bounding_box()
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        page.mouse.down()
        page.mouse.move(box["x"] + 120, box["y"] - 60, steps=4)
        page.mouse.up()
        dragged = [float(one) for one in field.input_value().split(",")]
        assert dragged[0] > south and dragged[1] > west and dragged[2:] == moved[2:]
        field.fill("19.6,-96.9,19.7,-96.8")
        page.get_by_text("Ninguna de las 14 paradas").wait_for()
        field.press("Tab")
        at = page.get_by_role("button", name="Esquina del suroeste").bounding_box()
        shown = page.locator("#map").bounding_box()
        assert (
            shown["x"]
            < at["x"]
            < shown["x"] + shown["width"] / 2
            < page.get_by_role("button", name="Esquina del sureste").bounding_box()["x"]
        )
        page.get_by_role("button", name="En todas partes").click()
        assert (field.input_value(), page.locator(".corner").count()) == ("", 0)
        visit.check()
        visit.context.close()


@needs_browser
def test_without_javascript_the_field_is_the_form(app, organiser, chromium):
    publish(app)
    with serving(app) as port:
        visit = drawn(chromium, app, port, PASSWORD, java_script_enabled=False)
        page = visit.page
        assert page.locator("[data-area-tools]:visible").count() == 0
        for name, value in told(area="19.6,-96.9,19.7,-96.8").items():
            if name == "locale":
                continue
            page.locator(f"[name={name}]").fill(value)
        page.get_by_role("button", name="Hacer un borrador").click()
        page.get_by_label("Es terreno nuevo").check()
        page.get_by_role("button", name="Hacer un borrador").click()
        page.wait_for_url("**/campaigns/rutas/")
        visit.context.close()
