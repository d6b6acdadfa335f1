"""The pages of reviewers and of riders who ask for a second look: who sees what, and what a form changes."""

from __future__ import annotations

import dataclasses
import io
import re
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from tests.machine import needs_browser
from tests.webapp.conftest import NOW_S, form_token, serving
from tests.webapp.test_browser import PHONE, Visit, faults
from tests.webapp.traces import ride
from transitmap import review, ridden, store
from transitmap.model import DETECTORS
from transitmap.points.review import REASONS, Looks
from transitmap.points.rules import load_rules

COPY = {"full_millipoints": 40_000, "lag_s": 604_800.0, "share": 0.98, "slow_m": 1.4}


@pytest.fixture
def doubted(app, add_rider, log_in) -> SimpleNamespace:
    """Ana's trip, which looks like a copy of Beto's; two reviewers, an organiser and a rider who looks on."""
    names = {"Ana": "rider", "Beto": "rider", "Carla": "rider", "Rita": "reviewer", "Raúl": "reviewer"}
    ids = {name: add_rider(name, role) for name, role in {**names, "Olga": "organiser"}.items()}
    uploads = {}
    for seed, name in enumerate(("Beto", "Ana"), 1):
        client = log_in(name)
        token = form_token(client, "/traces/")
        file = {"csrf_token": token, "file": (io.BytesIO(ride(seed)), "viaje.gpx")}
        sent = client.post("/traces/", data=file)
        uploads[name] = sent.location.split("/")[-1].split("?")[0]
    with store.session(app.extensions["transitmap_engine"]) as session:
        rides = {name: store.rides_of_upload(session, upload)[0].id for name, upload in uploads.items()}
        found = [
            store.FindingRow(
                ride_id=rides["Ana"], code="copy_redated", tier="hard", score=0.9, evidence=COPY,
                other_ride_id=rides["Beto"], made_s=NOW_S,
            ),
            store.FindingRow(
                ride_id=rides["Beto"], code="car", tier="soft", score=0.9, evidence={}, made_s=NOW_S
            ),
        ]  # fmt: skip
        session.add_all(found)
        session.flush()
        numbers = [one.id for one in found]
        return SimpleNamespace(ids=ids, uploads=uploads, rides=rides, copy=numbers[0], car=numbers[1])


@pytest.fixture
def send(log_in) -> Callable[..., object]:
    """A form sent by somebody, with its hidden token."""

    def post(name: str, path: str, **form: str):
        client = log_in(name)
        token = form_token(client, "/accounts/")
        return client.post(path, data={"csrf_token": token, **form}, follow_redirects=True)

    return post


def test_the_reason_chosen_beforehand_is_that_of_the_finding(doubted, log_in):
    """Who presses R and Enter must not tell the rider of a car that it is a copy."""
    rita = log_in("Rita")
    for finding, usual in ((doubted.copy, "same_recording"), (doubted.car, "by_car")):
        page = rita.get(f"/review/{finding}").text
        assert re.findall(r'value="(\w+)" required checked', page) == ["own_ride", usual]


def test_a_reviewer_sees_both_trips_and_no_name(doubted, log_in):
    page = log_in("Rita").get(f"/review/{doubted.copy}").text
    assert "Segundo a segundo" in page
    assert "dos pasajeros" in page
    assert "Ana" not in page
    assert "Beto" not in page
    assert "viaje.gpx" not in page
    assert page.count('class="series') == 4
    answer = log_in("Rita").get(f"/review/{doubted.copy}/rides.geojson")
    lines = {one["properties"]["which"]: one["geometry"]["coordinates"] for one in answer.json["features"]}
    assert set(lines) == {"this", "other"}
    assert all(2 <= len(line) <= ridden.MAX_VERTICES for line in lines.values())


@pytest.mark.parametrize("path", ["", "detectors", "{copy}", "{copy}/rides.geojson"])
def test_riders_see_nothing_of_the_queue(doubted, log_in, client, path):
    url = f"/review/{path.format(copy=doubted.copy)}"
    assert log_in("Ana").get(url).status_code == 403
    assert client.get(url).status_code == 401


@pytest.fixture
def noted(app, doubted) -> None:
    """What looks odd about both trips is in shadow."""
    with store.session(app.extensions["transitmap_engine"]) as session:
        for finding in store.findings(session):
            finding.tier = "shadow"


def test_a_rider_reads_nothing_of_what_is_in_shadow_until_it_is_upheld(doubted, noted, trusted, send, log_in):
    ana, rita = log_in("Ana"), log_in("Rita")
    receipt, appeal = f"/traces/{doubted.uploads['Ana']}", f"/appeals/{doubted.rides['Ana']}"
    assert "se ve extraño" not in ana.get(receipt).text
    assert "Segundo a segundo" not in ana.get(appeal).text
    assert "Nadie duda de este viaje" in send("Ana", appeal, text="?").text
    assert rita.get("/review/").text.count("en la sombra") == 2
    assert "solo se anota" in rita.get(f"/review/{doubted.copy}").text
    assert "por dos personas" in rita.get(f"/review/{doubted.copy}").text
    send("Rita", f"/review/{doubted.copy}", reason="same_recording")
    assert "no suma puntos" in ana.get(receipt).text
    assert "Segundo a segundo" in ana.get(appeal).text


def test_staff_read_what_each_detector_found(app, doubted, trusted, send, log_in):
    send("Rita", f"/review/{doubted.copy}", reason="same_recording")
    rita = log_in("Rita")
    page, english = rita.get("/review/detectors").text, rita.get("/review/detectors?lang=en").text
    assert page.count("<tbody id=") == len(DETECTORS)
    assert [page.count(told) for told in ("retiene puntos</span>", "lo miran personas</span>")] == [10, 5]
    row = re.search(r'<tbody id="copy_redated">(.*?)</tbody>', english, re.S)[1]
    assert re.findall(r"<td>(\d+)</td>", row) == ["1", "1", "0", "1", "0"]
    assert "Right in 100 % of what people decided (95 %: 21 to 100 %)." in row
    assert "Too early to withhold by it: 0 of 30 days since its first." in row
    assert english.count("It has found nothing yet.") == len(DETECTORS) - 2
    app.extensions["transitmap_rules"] = dataclasses.replace(load_rules(), shadow=("car",))
    assert rita.get("/review/detectors").text.count('chip good">in shadow') == 1


def test_whoever_has_a_share_sees_no_evidence(app, doubted, log_in):
    with store.session(app.extensions["transitmap_engine"]) as session:
        store.user_by_id(session, doubted.ids["Beto"]).role = "reviewer"
    beto = log_in("Beto")
    assert str(doubted.copy) not in re.findall(r'href="/review/(\d+)"', beto.get("/review/").text)
    for path in ("", "/rides.geojson"):
        assert beto.get(f"/review/{doubted.copy}{path}").status_code == 403


@pytest.fixture
def trusted(monkeypatch):
    """Nobody is new and nothing is looked at twice: for tests about something else."""
    make, once = review.desk_of, Looks(second_permille=0, n_learning=0, two_free=False)
    monkeypatch.setattr(review, "desk_of", lambda *a: dataclasses.replace(make(*a), looks=once))


def test_a_decision_and_its_undoing_by_forms_alone(doubted, send, trusted, log_in):
    page = send("Rita", f"/review/{doubted.copy}", reason="same_recording", note="Mira la fecha").text
    assert "este viaje no suma puntos" in page
    assert f'action="/review/{doubted.copy}/undo"' in page
    receipt = log_in("Ana").get(f"/traces/{doubted.uploads['Ana']}").text
    assert "no suma puntos" in receipt
    assert "reversal" not in receipt
    told = log_in("Ana").get(f"/appeals/{doubted.rides['Ana']}").text
    assert REASONS["same_recording"].text_es in told
    assert "Mira la fecha" in told
    assert "Rita" not in told
    assert "espera otra mirada" in send("Rita", f"/review/{doubted.copy}/undo").text
    assert "Mira la fecha" not in log_in("Carla").get("/standings/Ana").text


def test_an_answer_on_its_way_puts_no_older_session_back(doubted, log_in):
    """What a form says next lies in the session: a map's file that comes late must not wipe it out."""
    rita = log_in("Rita")
    rita.get(f"/review/{doubted.copy}")
    for path in (f"/review/{doubted.copy}/rides.geojson", "/static/style.css", "/review/"):
        answer = rita.get(path)
        assert (answer.status_code, answer.headers.get("Set-Cookie")) == (200, None), path


def test_a_newcomers_look_says_that_somebody_else_looks_too(doubted, send, log_in):
    page = send("Rita", f"/review/{doubted.copy}", reason="own_ride").text
    assert "Otra persona también lo mira" in page
    assert "Quién lo miró" not in log_in("Raúl").get(f"/review/{doubted.copy}").text


def test_a_look_without_a_reason_changes_nothing(doubted, send):
    assert "Elige primero un motivo" in send("Rita", f"/review/{doubted.copy}").text
    assert send("Rita", "/review/999", reason="own_ride").status_code == 404


def test_a_rider_asks_and_reads_the_answer(doubted, send, trusted, log_in):
    path = f"/appeals/{doubted.rides['Ana']}"
    page = log_in("Ana").get(path).text
    assert "Cuéntanos qué pasó" in page
    assert "Sus puntos esperan" in page
    assert "Gracias" in send("Ana", path, text="Iba en <b>la 57</b>.").text
    queue = log_in("Rita").get("/review/").text
    assert "Iba en &lt;b&gt;la 57&lt;/b&gt;." in queue
    send("Rita", f"/review/{doubted.copy}", reason="by_car")
    assert "Se queda como estaba" in log_in("Ana").get(path).text
    send("Ana", path, text="De verdad iba a bordo.")
    number = re.search(r"/review/appeals/(\d+)", log_in("Olga").get("/review/").text)[1]
    assert f"/review/appeals/{number}" not in log_in("Rita").get("/review/").text
    page = send("Olga", f"/review/appeals/{number}", reason="own_ride", note="Tienes razón")
    assert page.status_code == 200
    told = log_in("Ana").get(path).text
    assert "Tienes razón" in told
    assert "se corrigió" in told
    assert "De verdad" not in log_in("Carla").get("/standings/Ana").text


@pytest.mark.parametrize("who", ["Beto", "Rita", "Olga"])
def test_an_appeal_is_its_riders_alone(doubted, log_in, who):
    assert log_in(who).get(f"/appeals/{doubted.rides['Ana']}").status_code == 404


def test_whoever_sends_a_file_that_another_sent_first_may_say_so(app, doubted, send, log_in):
    client = log_in("Carla")
    file = {"csrf_token": form_token(client, "/traces/"), "file": (io.BytesIO(ride(1)), "mio.gpx")}
    refused = client.post("/traces/", data=file)
    assert refused.status_code == 409
    path = re.search(r'href="(/appeals/file/[0-9a-f]{64})"', refused.text)[1]
    page = client.get(path).text
    assert "Beto" not in page
    assert "Gracias" in send("Carla", path, text="Lo grabé yo y se lo pasé.").text
    assert "Lo grabé yo" in client.get(path).text
    assert "Lo grabé yo" not in log_in("Ana").get(path).text
    assert send("Beto", path, text="?").status_code == 404  # it is his own
    number = re.search(r"/review/appeals/(\d+)", log_in("Olga").get("/review/").text)
    assert number is None  # the finding about it waits for a look
    send("Rita", f"/review/{doubted.car}", reason="own_ride")


def test_no_answer_for_a_file_that_nobody_sent(doubted, send, log_in):
    assert log_in("Ana").get("/appeals/file/" + "0" * 64).status_code == 200
    assert send("Ana", "/appeals/file/" + "0" * 64, text="?").status_code == 404


# --- in a browser --------------------------------------------------------------------------------


@pytest.fixture
def visit(chromium, app, doubted):
    opened: list[Visit] = []
    with serving(app) as port:

        def start(name: str, **context) -> Visit:
            opened.append(Visit(chromium, f"http://127.0.0.1:{port}", **context))
            page = opened[-1].page
            page.goto("/accounts/log-in")
            page.get_by_label("Seudónimo").fill(name)
            page.get_by_label("Contraseña").fill("tres palabras y una")
            page.locator("main button").click()
            page.wait_for_url(lambda url: "log-in" not in url)
            return opened[-1]

        yield start
        for one in opened:
            one.context.close()


@needs_browser
def test_a_reviewer_works_by_keyboard_and_on_a_map(visit, doubted, trusted):
    rita = visit("Rita")
    page = rita.page
    page.goto("/review/")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_selector("#map[data-ready='1']")
    page.keyboard.press("r")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.get_by_text("Decidido: este viaje no suma puntos.").wait_for()
    page.wait_for_load_state()  # a page is seen before it listens
    page.keyboard.press("z")
    page.get_by_text("Deshecho").wait_for()
    page.wait_for_load_state()
    page.keyboard.press("?")
    assert page.locator("#keys dl").is_visible()
    rita.check()


@needs_browser
@pytest.mark.parametrize("viewport", [PHONE, {"width": 1280, "height": 900}])
def test_pages_fit_and_axe_finds_nothing(visit, doubted, trusted, viewport):
    from axe_playwright_python.sync_playwright import Axe

    axe = Axe()
    rita, ana = (visit(name, viewport=viewport, bypass_csp=True) for name in ("Rita", "Ana"))
    for one, paths in (
        (rita, ("/review/", "/review/detectors", f"/review/{doubted.copy}")),
        (ana, (f"/appeals/{doubted.rides['Ana']}", f"/traces/{doubted.uploads['Ana']}")),
    ):
        for path in paths:
            one.page.goto(path)
            if path == f"/review/{doubted.copy}":
                one.page.wait_for_selector("#map[data-ready='1']")
            width = one.page.evaluate("document.documentElement.scrollWidth")
            assert width <= viewport["width"], path
            assert faults(axe, one.page) == [], path
        one.check()


def test_a_reviewer_says_whether_two_accounts_are_one_person(doubted, log_in, send, app):
    path = f"/review/{doubted.copy}"
    ana, beto = doubted.ids["Ana"], doubted.ids["Beto"]

    def ties() -> list[tuple[int, int]]:
        with store.session(app.extensions["transitmap_engine"]) as session:
            return store.bound_riders(session)

    page = log_in("Rita").get(path).text
    assert "La otra cuenta no pierde nada" in page
    assert "Son dos personas" in page
    assert "Son una persona" in page
    assert ties() == [(ana, beto)]
    assert "por dos personas" in send("Rita", path + "/person", says="two").text
    assert ties() == []
    assert "por una sola persona" in send("Rita", path + "/person", says="same").text
    assert ties() == sorted([(ana, beto), (beto, ana)])
    assert send("Carla", path + "/person", says="two").status_code == 403
    assert send("Rita", path + "/person", says="nonsense").status_code == 200
    assert len(ties()) == 2
