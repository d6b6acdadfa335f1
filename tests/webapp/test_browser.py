"""A real browser on the served pages: what a rider does, what the console says, and what axe finds."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.machine import WAIT_MS, needs_browser
from tests.webapp.city import NOTICE, publish
from tests.webapp.conftest import serving
from tests.webapp.traces import ride
from transitmap import store

PHONE = {"width": 360, "height": 740}
NARROW = {"width": 320, "height": 640}
PAGES = (
    "/",
    "/traces/",
    "/standings/",
    "/standings/?who=teams",
    "/standings/?who=near",
    "/standings/?print=1",
    "/teams/",
    "/network/",
    "/network/routes/R1",
    "/feeds/",
    "/rules/",
    "/help/",
    "/privacy/",
    "/accounts/sign-up",
    "/phones/",
    "/phones/apps/overland",
    "/campaigns/",
    "/campaigns/city/",
    "/campaigns/city/report",
)
MAX_PAGE_BYTES = 60_000

pytestmark = needs_browser


@pytest.fixture
def site(app) -> Iterator[str]:
    publish(app, notices=(NOTICE,))
    with serving(app) as port:
        yield f"http://127.0.0.1:{port}"


class Visit:
    """One page of one browser context, with all that went wrong on it."""

    def __init__(self, chromium: Any, site: str, **context: Any) -> None:
        self.site, self.foreign, self.complaints, self.n_bytes = site, [], [], 0
        self.is_still = False
        self.context = chromium.new_context(base_url=site, locale="es-MX", **context)
        self.context.on("request", self._note_request)
        self.context.on("response", self._note_response)
        self.context.add_init_script(
            "addEventListener('securitypolicyviolation', e => console.error('CSP ' + e.violatedDirective))"
        )
        self.page = self.context.new_page()
        self.page.set_default_timeout(WAIT_MS)
        self.page.on("console", lambda message: self._note_console(message))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _note_request(self, request: Any) -> None:
        if not request.url.startswith((self.site, "data:", "blob:")):
            self.foreign.append(request.url)

    def _note_response(self, response: Any) -> None:
        self.n_bytes += int(response.headers.get("content-length", 0))

    def _note_console(self, message: Any) -> None:
        if message.type == "error" or "CSP" in message.text:
            self.complaints.append(message.text)

    def check(self) -> None:
        assert self.complaints == []
        assert self.foreign == []


def stop_clock(visit: Visit) -> None:
    """The page's clock stands at now: what waits there waits until the test lets the time pass."""
    now_s = time.time()
    visit.page.clock.install(time=now_s - 3600)
    visit.page.clock.pause_at(now_s)
    visit.is_still = True


def wait_until(visit: Visit, is_so: Callable[[], bool]) -> None:
    """Returns as soon as it is so, and fails where it never becomes so; the browser goes on meanwhile."""
    for _ in range(WAIT_MS // 20):
        if is_so():
            return
        visit.page.wait_for_timeout(20)
    pytest.fail("it never became so")


@pytest.fixture
def visit(chromium, site) -> Iterator[Any]:
    opened: list[Visit] = []

    def start(**context: Any) -> Visit:
        opened.append(Visit(chromium, site, **context))
        return opened[-1]

    yield start
    for one in opened:
        one.context.close()


def sign_up(page: Any, name: str) -> None:
    page.goto("/accounts/sign-up")
    page.get_by_label("Seudónimo").fill(name)
    page.get_by_label("Contraseña").fill("tres palabras y una")
    page.get_by_role("button", name="Crear mi cuenta").click()
    page.wait_for_url("**/traces/")


def upload(page: Any, tmp_path: Path, seed: int) -> None:
    file = tmp_path / f"viaje-{seed}.gpx"
    file.write_bytes(ride(seed))
    page.goto("/traces/")
    page.locator("#file").set_input_files(str(file))
    page.locator("#upload button").click()


def test_a_riders_way_from_sign_up_to_the_board(visit, tmp_path):
    rider = visit(viewport=PHONE)
    page = rider.page
    page.goto("/")
    page.get_by_role("link", name="Empezar a mapear").click()
    sign_up(page, "Coyote de la 57")
    upload(page, tmp_path, 1)
    page.locator("#sent").get_by_role("link", name=re.compile("Recibo")).click()
    page.get_by_role("heading", name="Cuánto valió").wait_for()
    assert "posiciones usadas" in page.locator("main").inner_text()
    assert page.locator(".award").count() >= 1
    page.goto("/standings/")
    page.get_by_role("link", name="Desde el inicio").click()
    page.wait_for_url("**/standings/?campaign=city&period=campaign&who=people")
    assert page.locator("tr.me").first.inner_text().split()[1:5] == ["Coyote", "de", "la", "57"]
    page.locator("tr.me a").first.click()
    page.get_by_role("heading", name="Coyote de la 57").wait_for()
    assert page.locator(".award").count() >= 1
    rider.check()


def test_the_map_and_its_list(visit):
    rider = visit(viewport={"width": 1200, "height": 800})
    page = rider.page
    page.goto("/network/")
    page.locator("#map[data-ready]").wait_for()
    assert page.locator("#map canvas").count() == 1
    assert page.locator("[data-id]").count() == 2
    page.locator("[data-show]").first.click()
    assert "on" in page.locator("[data-id]").first.get_attribute("class")
    page.locator("#map canvas").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Minus")
    page.locator("[data-id] a").first.click()
    page.wait_for_url("**/network/routes/R1")
    page.locator("#map[data-ready]").wait_for()
    assert page.locator(".strip li").count() == 13
    rider.check()


def test_a_coast_is_drawn_far_out_and_nothing_foreign_is_asked_for(visit):
    rider = visit()
    rider.page.goto("/network/")
    rider.page.locator("#map[data-ready]").wait_for()
    asked: list[str] = []
    rider.page.on("request", lambda request: asked.append(request.url))

    def is_far_out() -> bool:
        """A click while the map still moves may count for less than a step."""
        rider.page.locator(".maplibregl-ctrl-zoom-out").click()
        rider.page.wait_for_timeout(330)
        return any("land-50m" in url for url in asked)

    wait_until(rider, is_far_out)
    rider.check()


def test_the_feed_can_be_downloaded(visit, tmp_path):
    page = visit().page
    page.goto("/feeds/")
    with page.expect_download() as download:
        page.get_by_role("link", name="gtfs.zip").first.click()
    assert Path(download.value.path()).read_bytes()[:4] == b"PK\x03\x04"


def test_without_javascript_a_file_can_be_sent(visit, tmp_path):
    rider = visit(java_script_enabled=False)
    sign_up(rider.page, "Sin guion")
    upload(rider.page, tmp_path, 3)
    rider.page.get_by_role("heading", name="Recibo").wait_for()
    rider.page.goto("/network/")
    assert rider.page.locator("[data-id]").count() == 2
    rider.check()


def test_a_file_that_is_no_trace_is_told_in_words(visit, tmp_path):
    rider = visit()
    sign_up(rider.page, "Coyote")
    (tmp_path / "foto.jpg").write_bytes(b"\xff\xd8\xff\xe0 nothing")
    rider.page.locator("#file").set_input_files(str(tmp_path / "foto.jpg"))
    rider.page.locator("#upload button").click()
    rider.page.get_by_text("Esto no es un recorrido GPS").wait_for()
    rider.check()


def test_files_that_do_not_get_through_are_sent_again_by_themselves(visit, tmp_path, app):
    """The first is cut off, the second finds us busy, the third arrives; the next file waits its turn."""
    rider = visit()
    sign_up(rider.page, "Coyote")
    tries = []

    def between(route: Any) -> None:
        tries.append(route.request.method)
        if len(tries) == 1:
            route.abort("connectionreset")
        elif len(tries) == 2:
            route.fulfill(status=503, headers={"Retry-After": "1"}, body="busy")
        else:
            route.continue_()

    rider.page.route(lambda url: url.endswith("/traces/"), between)
    for seed in (1, 2):
        (tmp_path / f"{seed}.gpx").write_bytes(ride(seed, days=seed))
    stop_clock(rider)
    rider.page.locator("#file").set_input_files([str(tmp_path / f"{seed}.gpx") for seed in (1, 2)])
    rider.page.locator("#upload button").click()
    rider.page.get_by_text("se vuelve a enviar solo").wait_for()
    assert len(tries) == 1
    rider.page.evaluate("dispatchEvent(new Event('online'))")

    def went_on() -> bool:
        rider.page.clock.run_for(500)
        return len(tries) > 2

    wait_until(rider, went_on)
    rider.page.locator("#sent").get_by_role("link", name=re.compile(r"Recibo\s+2\.gpx")).wait_for()
    assert rider.page.locator("#sent article").count() == 2
    assert tries == ["POST"] * 4
    with store.session(app.extensions["transitmap_engine"], write=False) as session:
        assert store.counts(session)["uploads"] == 2


def test_what_was_just_sent_is_not_denied(visit, tmp_path):
    page = visit(viewport=PHONE).page
    sign_up(page, "Coyote")
    assert page.get_by_text("Aún no has enviado nada").is_visible()
    upload(page, tmp_path, 5)
    page.locator("#sent").get_by_role("link", name=re.compile("Recibo")).wait_for()
    assert page.get_by_text("Aún no has enviado nada").count() == 0


def test_nobody_who_has_logged_in_is_told_to_log_in_while_the_network_is_slow(visit):
    rider = visit(viewport=PHONE, service_workers="block")
    page = rider.page
    sign_up(page, "Coyote")
    waiting: list[Any] = []
    page.route("**/record/rider", lambda route: waiting.append(route))
    page.goto("/record/")
    page.get_by_text("Un momento…").wait_for()
    assert not page.locator("#visitor").is_visible()
    wait_until(rider, lambda: bool(waiting))
    for request in waiting:
        request.continue_()
    page.locator("#start").wait_for()
    assert not page.get_by_text("Un momento…").is_visible()
    assert not page.locator("#visitor").is_visible()


SAVING = "Object.defineProperty(navigator, 'connection', { value: { saveData: true } })"


def test_a_phone_that_saves_data_is_asked_before_the_map_comes(visit):
    rider = visit(viewport=PHONE)
    rider.context.add_init_script(SAVING)
    page, loaded = rider.page, []
    page.on("request", lambda request: loaded.append(request.url))
    page.goto("/network/", wait_until="networkidle")
    assert not [url for url in loaded if "maplibre-gl.mjs" in url or "geojson" in url]
    assert page.locator("[data-id] a").first.is_visible()
    page.get_by_role("button", name="Mostrar el mapa (450 kB)").click()
    page.locator("#map[data-ready]").wait_for()
    rider.check()


def test_a_map_that_is_on_its_way_says_so_and_one_that_cannot_come_too(visit):
    rider = visit(viewport=PHONE)
    waiting: list[Any] = []
    rider.page.route("**/maplibre-gl.mjs", lambda route: waiting.append(route))
    rider.page.goto("/network/")
    rider.page.get_by_text("El mapa viene en camino").wait_for()
    assert not rider.page.get_by_text("El mapa necesita JavaScript").is_visible()
    wait_until(rider, lambda: bool(waiting))
    for request in waiting:
        request.abort()
    rider.page.get_by_text("Aquí no se puede dibujar el mapa").wait_for()
    bare = visit(java_script_enabled=False)
    bare.page.goto("/network/")
    told = bare.page.locator("#map").inner_text()
    assert "El mapa necesita JavaScript" in told and "en camino" not in told


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(visit, tmp_path, scheme):
    from axe_playwright_python.sync_playwright import Axe

    rider = visit(viewport=PHONE, color_scheme=scheme, bypass_csp=True)
    without_map(rider)
    page, axe, found = rider.page, Axe(), {}
    sign_up(page, "Coyote")
    upload(page, tmp_path, 4)
    page.locator("#sent a").first.click()
    page.get_by_role("heading", name="Recibo").wait_for()
    receipt = page.url.removeprefix(rider.site)
    for path in (*PAGES, "/accounts/", "/standings/Coyote", "/nowhere", receipt):
        page.goto(path)
        found[path] = [
            f"{one['id']}: {one['nodes'][0]['html'][:120]}"
            for one in axe.run(page).response["violations"]
            if one["impact"] in ("serious", "critical")
        ]
    assert {path: faults for path, faults in found.items() if faults} == {}


def without_map(rider):
    """Software rendering of the map takes seconds a page and says nothing about the rest of it."""
    rider.context.route("**/map.js*", lambda route: route.fulfill(body="", content_type="text/javascript"))


def test_nothing_sticks_out_at_320_pixels(visit):
    rider = visit(viewport=NARROW)
    without_map(rider)
    sign_up(rider.page, "Un seudónimo bastante largo, para tablas")
    for path in (*PAGES, "/accounts/", "/standings/?period=all"):
        rider.page.goto(path)
        width = rider.page.evaluate("document.documentElement.scrollWidth")
        assert width <= NARROW["width"], f"{path} is {width} wide"


def test_targets_are_large_enough_for_a_thumb(visit):
    rider = visit(viewport=PHONE)
    without_map(rider)
    for path in PAGES:
        rider.page.goto(path)
        boxes = rider.page.locator(
            "main button:visible, main .button:visible, nav a:visible, main input:visible"
        )
        for box in (boxes.nth(i).bounding_box() for i in range(boxes.count())):
            assert box["height"] >= 24, f"{path}: {box}"


def test_a_page_without_the_map_weighs_little(visit):
    for path in ("/", "/standings/", "/traces/", "/feeds/"):
        rider = visit(viewport=PHONE)
        rider.page.goto(path, wait_until="networkidle")
        assert 5_000 < rider.n_bytes < MAX_PAGE_BYTES, f"{path}: {rider.n_bytes} bytes"


def make_key(page, app):
    page.goto(f"/phones/apps/{app}")
    page.get_by_label("Nombre del teléfono").fill("Moto de Ana")
    page.get_by_role("button", name="Hacer la llave").click()
    page.get_by_role("heading", name="¿Está llegando?").wait_for()


def test_a_phone_is_added_and_the_page_says_when_something_comes(app, visit):
    rider = visit(viewport=PHONE, permissions=["clipboard-read", "clipboard-write"])
    page = rider.page
    sign_up(page, "Coyote")
    page.goto("/")
    page.get_by_role("link", name="Agregar mi teléfono").click()
    page.get_by_role("link", name=re.compile("OsmAnd")).click()
    make_key(page, "osmand")
    stop_clock(rider)  # it says so for two seconds
    page.get_by_role("button", name="Copiar").click()
    page.locator("#copied", has_text="Copiado").wait_for(state="attached")
    address = page.evaluate("navigator.clipboard.readText()")
    assert address == page.locator("#field-1").inner_text()
    assert address.startswith(f"{rider.site}/ingest/osmand/tm_")
    page.clock.resume()
    assert "Todavía no llega nada" in page.locator("#status").inner_text()
    with store.session(app.extensions["transitmap_engine"]) as session:
        token = store.tokens_of_user(session, 1)[0]
        token.heard_s, token.n_messages, token.n_fixes = time.time(), 1, 1
    page.get_by_text(re.compile("^Recibido hace")).wait_for()
    page.wait_for_function("() => document.querySelector('#spoken').innerText !== ''")
    rider.check()


def test_a_phone_is_added_without_javascript(visit):
    page = visit(viewport=PHONE, java_script_enabled=False).page
    sign_up(page, "Coyote")
    make_key(page, "ulogger")
    assert page.locator("code.token").count() == 3
    assert page.locator("[data-copy]:visible").count() == 0
    page.get_by_role("link", name="La página de este teléfono").click()
    page.get_by_role("button", name="Retirar la llave").click()
    assert "no abre nada" in page.locator("main").inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_the_pages_of_a_phone(visit, scheme):
    from axe_playwright_python.sync_playwright import Axe

    page, axe = visit(viewport=NARROW, color_scheme=scheme, bypass_csp=True).page, Axe()
    sign_up(page, "Un seudónimo bastante largo, para tablas")
    for app in ("owntracks", "gpslogger", "program") if scheme == "light" else ("owntracks",):
        make_key(page, app)
        page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
        assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"], app
        assert faults(axe, page) == [], app
    for path in ("/phones/", "/phones/1"):
        page.goto(path)
        page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
        assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"], path
        assert faults(axe, page) == [], path


def faults(axe, page):
    found = axe.run(page).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html'][:120]}" for one in found if one["impact"] != "minor"]
