"""The recorder: what it serves, and in a real browser a ride without a network that arrives once."""

from __future__ import annotations

import json
import os
import re
import signal
import struct
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask, Response, request
from sqlalchemy import select

from tests.machine import CHROMIUM, CHROMIUM_ARGUMENTS, WAIT_MS, needs_browser
from tests.webapp.conftest import PASSWORD, serving
from tests.webapp.test_browser import NARROW, PHONE, Visit, stop_clock, wait_until
from transitmap import live, store
from transitmap.archive import unpack_message
from transitmap.collect.bundle import read_bundle
from transitmap.config import Config
from transitmap.model import Ride
from webapp import static
from webapp.recorder import COOKIE, SEND

MANY_ROWS = """async () => {
  const database = await new Promise(done => {
    const asked = indexedDB.open("recorder", 1);
    asked.onsuccess = () => done(asked.result);
  });
  const rows = database.transaction("rows", "readwrite").objectStore("rows");
  const [trip] = await new Promise(done => {
    const asked = rows.getAll(undefined, 1);
    asked.onsuccess = () => done(asked.result.map(row => row.trip));
  });
  for (let n = 1000; n < 1300; n++) {
    rows.put({ trip, n, t: Date.now() + n, lat: 19.4 + n / 1e5, lon: -99.1, acc: 5 });
  }
  await new Promise(done => { rows.transaction.oncomplete = done; });
}"""
TARGETS = "button:visible, summary:visible, select:visible, input:not([type=radio], [type=checkbox]):visible"
ITS_END = 1
"""The row by which a ride says that it is over, and how many rows it has."""
STREET = [(round(19.43 + 0.0003 * i, 4), -99.13) for i in range(60)]


# --- what is served ----------------------------------------------------------------------------------


def test_the_page_is_the_same_for_everybody(client, add_rider, log_in):
    add_rider("Coyote")
    rider = log_in("Coyote")
    page = rider.get("/record/")
    assert page.data == client.get("/record/").data
    assert "Coyote" not in page.text
    assert "csrf" not in page.text


def test_a_message_for_one_rider_is_not_kept_with_the_page(add_rider, log_in):
    add_rider("Coyote")
    rider = log_in("Coyote")
    with rider.session_transaction() as session:
        session["_flashes"] = [("good", "only for Coyote")]
    assert "only for Coyote" not in rider.get("/record/").text
    assert "only for Coyote" in rider.get("/").text


def test_only_this_page_may_see_where_the_phone_is(client):
    allowed = client.get("/record/").headers["Permissions-Policy"]
    assert "geolocation=(self)" in allowed
    assert "screen-wake-lock=(self)" in allowed
    for path in ("/", "/traces/", "/record/rider", "/record/sw.js", "/static/recorder/recorder.js"):
        assert "geolocation=()" in client.get(path).headers["Permissions-Policy"], path


def test_whose_trips_a_browser_may_show_and_send(client, add_rider, log_in):
    add_rider("Coyote")
    add_rider("Nopal")
    assert client.get("/record/rider").json == {"key": None, "lang": "es-MX"}
    rider = log_in("Coyote")
    told = rider.get("/record/rider")
    assert (told.json["trim_m"], told.headers["Cache-Control"]) == (100.0, "no-store")
    assert len(told.json["csrf"]) > 40
    kept = rider.get_cookie(COOKIE, path="/record/")
    assert (kept.value, kept.http_only) == (told.json["key"], False)
    assert log_in("Nopal").get("/record/rider").json["key"] != told.json["key"]


@pytest.mark.parametrize("path", ["/accounts/log-out", "/accounts/log-in"])
def test_the_phone_forgets_whose_trips_it_may_show(path, add_rider, log_in):
    add_rider("Coyote")
    add_rider("Nopal")
    rider = log_in("Coyote")
    token = rider.get("/record/rider").json["csrf"]
    assert rider.get_cookie(COOKIE, path="/record/")
    form = {"csrf_token": token, "name": "Nopal", "password": PASSWORD}
    assert rider.post(path, data=form).status_code == 302
    assert rider.get_cookie(COOKIE, path="/record/") is None


@pytest.mark.parametrize("query", ["?lang=es_MX", "?lang=es_MX&sync"])
def test_the_worker_keeps_files_that_are_there_and_nothing_else(client, query):
    answer = client.get(f"/record/sw.js{query}")
    assert (answer.mimetype, answer.headers["Cache-Control"]) == ("text/javascript", "no-cache")
    files = json.loads(re.search(r"const FILES = (.+);", answer.text)[1])
    assert {client.get(path).status_code for path in files} == {200}
    assert all(path.startswith("/static/") for path in files)
    ours = {path.name for path in (static.ROOT / "recorder").glob("*")}
    assert {path.split("?")[0].split("/")[-1] for path in files} >= ours
    assert ("import" in answer.text) == query.endswith("sync")
    assert "Set-Cookie" not in answer.headers


def test_a_new_version_or_language_is_a_new_worker(client):
    told = [client.get(f"/record/sw.js?lang={one}").text for one in ("es_MX", "es_MX", "en")]
    assert told[0] == told[1] != told[2]


def test_the_page_can_be_put_on_a_home_screen(client):
    manifest = client.get("/record/manifest.webmanifest?lang=es")
    assert manifest.mimetype == "application/manifest+json"
    told = manifest.json
    assert (told["start_url"], told["display"], told["lang"]) == ("/record/", "standalone", "es-MX")
    for icon in told["icons"]:
        body = client.get(icon["src"]).data
        width, height = struct.unpack(">II", body[16:24])
        assert body[:8] == b"\x89PNG\r\n\x1a\n"
        assert f"{width}x{height}" == icon["sizes"]
    assert {icon["purpose"] for icon in told["icons"]} == {"any", "maskable"}


def test_modules_say_their_job_and_reach_nobody_else():
    for path in sorted((static.ROOT / "recorder").glob("*.js")):
        text = path.read_text()
        assert re.match(r"// [A-Z].*[.:]", text), path.name
        assert "http" not in re.sub(r"http://www.topografix.com/GPX/1/1|is for https", "", text), path.name
        assert len(text.splitlines()) < 200, path.name


# --- in a browser ------------------------------------------------------------------------------------


class Server:
    """What the real server holds, and how it is to fail: statuses to refuse with, answers to lose."""

    def __init__(self, app: Flask) -> None:
        self.app, self.n_asked, self.n_lost = app, 0, 0
        self.refusals: list[tuple[int, dict[str, str]]] = []
        app.before_request(self._refuse)
        app.after_request(self._lose)

    def _refuse(self) -> Any:
        if request.path != SEND:
            return None
        self.n_asked += 1
        return ("", *self.refusals.pop(0)) if self.refusals else None

    def _lose(self, response: Response) -> Response:
        if request.path == SEND and self.n_lost and response.status_code == 200:
            self.n_lost -= 1
            response.set_data("")
        return response

    def batches(self) -> list[list[dict[str, Any]]]:
        with store.session(self.app.extensions["transitmap_engine"], write=False) as session:
            packed = session.scalars(select(store.MessageRow.packed).order_by(store.MessageRow.id)).all()
        told = [json.loads(unpack_message(one).body) for one in packed]
        return [body["points"] + body["events"] for body in told]

    def rows(self) -> list[dict[str, Any]]:
        return [row for batch in self.batches() for row in batch]

    def ride(self) -> Ride:
        """What becomes of it once the phone has been silent."""
        archive, config = self.app.extensions["transitmap_archive"], Config()
        with store.session(self.app.extensions["transitmap_engine"]) as session:
            [upload_id] = live.seal(session, archive, config, time.time() + config.live.silence_s + 1)
            [row] = session.scalars(select(store.Upload).where(store.Upload.id == upload_id)).all()
        [ride] = read_bundle(row.name, archive.get(row.sha256), config)
        return ride


@pytest.fixture
def server(app) -> Server:
    return Server(app)


@pytest.fixture
def phone(app, server, chromium, add_rider, log_in) -> Iterator[Visit]:
    """A phone whose rider Coyote is logged in, on the recorder's page."""
    add_rider("Coyote")
    session = log_in("Coyote").get_cookie("transitmap").value
    with serving(app) as port:
        visit = Visit(chromium, f"http://127.0.0.1:{port}", viewport=PHONE)
        visit.context.grant_permissions(["geolocation", "screen-wake-lock"])
        visit.context.add_cookies([{"name": "transitmap", "value": session, "url": visit.site}])
        visit.page.goto("/record/")
        ready(visit)
        yield visit
        visit.context.close()


def log_in_as(visit: Visit, name: str) -> None:
    page = visit.page
    page.goto("/accounts/log-in?next=/record/")
    page.get_by_label("Seudónimo").fill(name)
    page.get_by_label("Contraseña").fill(PASSWORD)
    page.locator("main form button").click()
    page.wait_for_url("**/record/")
    ready(visit)


def ready(visit: Visit) -> None:
    visit.page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    visit.page.locator("#start").wait_for()


def log_out(visit: Visit) -> None:
    visit.page.goto("/accounts/")
    visit.page.get_by_role("button", name="Salir").click()
    visit.page.wait_for_url(visit.site + "/")


def begin(visit: Visit, label: str = "57") -> None:
    page = visit.page
    visit.context.set_geolocation(None)
    page.get_by_label("Ruta, como dice").fill(label)
    page.get_by_label("Camión, micro o combi").check()
    if page.locator("#consent").is_visible():
        page.get_by_label("Entiendo y acepto").check()
    page.get_by_role("button", name="Empezar a grabar").click()
    page.locator("#riding").wait_for()


def drive(visit: Visit, places: list[tuple[float, float]], expected: int) -> None:
    """The phone moves; each place is seen on the page before the next."""
    for i, (lat, lon) in enumerate(places):
        visit.context.set_geolocation({"latitude": lat, "longitude": lon, "accuracy": 6})
        visit.page.wait_for_function(
            "n => document.querySelector('[data-is=fixes]').textContent === String(n)",
            arg=expected - len(places) + i + 1,
        )


def tap(visit: Visit, name: str) -> None:
    visit.page.locator("#say").evaluate("one => { one.textContent = ''; }")  # what was said of the one before
    visit.page.get_by_role("button", name=name, exact=True).click()
    visit.page.get_by_text(re.compile("^Anotado")).wait_for(state="attached")
    if visit.is_still:
        visit.page.clock.run_for(1000)


def check(visit: Visit) -> None:
    """That a request was made without a network is no fault."""
    visit.complaints = [one for one in visit.complaints if "ERR_INTERNET_DISCONNECTED" not in one]
    visit.check()


def finish(visit: Visit) -> None:
    visit.page.get_by_role("button", name="Terminar", exact=True).click()
    visit.page.locator(".trip").first.wait_for()


def send(visit: Visit) -> None:
    visit.page.get_by_role("button", name="Enviar", exact=True).click()


def has_asked(visit: Visit, server: Server, n: int = 1) -> bool:
    """Whether a page whose clock stands has sent so often, after a tenth of a second more."""
    visit.page.clock.run_for(100)
    return server.n_asked >= n


def received(visit: Visit, count: int = 1) -> None:
    visit.page.wait_for_function("n => document.querySelectorAll('.trip .chip.good').length === n", arg=count)


@needs_browser
def test_a_ride_without_a_network_arrives_once(phone, server):
    page = phone.page
    stop_clock(phone)  # a mark has the place of a fix of the last ten seconds
    begin(phone)
    drive(phone, STREET[:10], 10)
    tap(phone, "Subí")
    phone.context.set_offline(True)
    drive(phone, STREET[10:20], 20)
    tap(phone, "De pie")
    page.get_by_label("Pasaje pagado").fill("7,50")
    tap(phone, "Pagué")
    tap(phone, "Rampa o piso bajo")
    tap(phone, "Aquí para")
    tap(phone, "Bajé")
    page.get_by_role("button", name=re.compile("^Deshacer: Bajé")).click()
    page.get_by_role("button", name=re.compile("^Deshacer: Aquí para")).wait_for()
    page.clock.resume()
    finish(phone)
    send(phone)
    page.get_by_text("Se envía solo").wait_for()
    page.reload()  # without a network: the page comes from the phone
    page.locator(".trip .chip", has_text="por enviar").wait_for()
    assert server.rows() == []
    phone.context.set_offline(False)
    received(phone)
    points = [row for row in server.rows() if "acc" in row]
    assert [(row["lat"], row["lon"]) for row in points] == STREET[:20]
    assert len({row["k"] for row in server.rows()}) == len(server.rows()) == 28
    there = STREET[19][0]
    marks = [(row["kind"], row["text"], row["lat"]) for row in server.rows() if "kind" in row]
    assert marks == [
        ("label", "57", None), ("mode", "bus", None), ("board", "", STREET[9][0]),
        ("crowding", "standing", there), ("fare", "7.50", there), ("step_free", "yes", there),
        ("stop", "", there), ("finish", "28", None),
    ]  # fmt: skip
    assert "28" in page.locator(".trip").inner_text()
    ride = server.ride()
    assert list(zip(ride.fixes.lat_deg, ride.fixes.lon_deg, strict=True)) == STREET[:20]
    assert ride.taps.name == ("sube", "aforo de pie", "tarifa 7.50", "rampa", "parada")
    assert (ride.label, ride.declared_mode) == ("57", "bus")
    check(phone)


@needs_browser
def test_a_killed_browser_loses_nothing(app, server, chromium, add_rider, log_in, tmp_path):
    """SIGKILL to every process of it, twice in one ride; what the page had shown is there each time."""
    add_rider("Coyote")
    session = log_in("Coyote").get_cookie("transitmap").value
    with serving(app) as port:
        phone = start_browser(chromium, tmp_path, f"http://127.0.0.1:{port}", session)
        begin(phone)
        for n_fixes in (5, 10):
            drive(phone, STREET[n_fixes - 5 : n_fixes], n_fixes)
            tap(phone, "Aquí para")
            kill_browser(tmp_path)
            phone = start_browser(chromium, tmp_path, phone.site, session)
            phone.page.get_by_text("Tienes un viaje en curso").wait_for()
            assert not phone.page.locator("#start").is_visible()
            phone.page.get_by_role("button", name="Seguir grabando").click()
            phone.page.locator("#riding").wait_for()
        finish(phone)
        assert "posiciones: 10 · marcas: 2" in phone.page.locator(".trip").inner_text()
        send(phone)
        received(phone)
        phone.context.close()
    assert [row["lat"] for row in server.rows() if "acc" in row] == [lat for lat, _ in STREET[:10]]


def start_browser(chromium: Any, profile: Path, site: str, session: str) -> Any:
    context = chromium.browser_type.launch_persistent_context(
        profile, executable_path=CHROMIUM, args=list(CHROMIUM_ARGUMENTS), base_url=site, viewport=PHONE,
        locale="es-MX", permissions=["geolocation"], timeout=WAIT_MS,
    )  # fmt: skip
    context.set_default_timeout(WAIT_MS)
    context.add_cookies([{"name": "transitmap", "value": session, "url": site}])
    context.pages[0].goto("/record/")
    return SimpleNamespace(context=context, page=context.pages[0], site=site, is_still=False)


def kill_browser(profile: Path) -> None:
    """Until none of its processes is left: the next one would think the profile in use."""
    while there := of_browser(profile):
        for pid in there:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)


def of_browser(profile: Path) -> list[int]:
    """Its processes; one that nobody buried has no words any more."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if str(profile).encode() in (process / "cmdline").read_bytes():
                found.append(int(process.name))
    return found


@needs_browser
def test_nothing_leaves_before_send_and_what_is_deleted_never_does(phone, server):
    begin(phone)
    drive(phone, STREET[:4], 4)
    finish(phone)
    phone.page.on("dialog", lambda dialog: dialog.accept())
    phone.page.get_by_role("button", name="Borrar", exact=True).click()
    phone.page.wait_for_function("() => !document.querySelector('.trip')")
    phone.page.reload()
    phone.page.locator("#start").wait_for()
    assert phone.page.locator(".trip").count() == 0
    assert server.rows() == []
    begin(phone)
    drive(phone, STREET[4:8], 4)
    finish(phone)
    send(phone)
    received(phone)
    assert [row["lat"] for row in server.rows() if "acc" in row] == [lat for lat, _ in STREET[4:8]]


@needs_browser
def test_who_does_not_want_to_be_asked_is_not(phone, server):
    phone.page.get_by_label("Preguntarme antes de enviar").uncheck()
    begin(phone)
    drive(phone, STREET[:3], 3)
    finish(phone)
    received(phone)
    assert len(server.rows()) == 5 + ITS_END
    check(phone)


@needs_browser
def test_a_lost_answer_is_asked_for_again_with_the_same_bytes(phone, server):
    """A server that names its time, finds the body too large, and one whose answer is lost on the way."""
    server.refusals, server.n_lost = [(503, {"Retry-After": "600"}), (413, {})], 1
    stop_clock(phone)
    begin(phone)
    drive(phone, STREET[:6], 6)
    finish(phone)
    send(phone)
    wait_until(phone, lambda: has_asked(phone, server))
    phone.page.get_by_text("Estamos ocupados").wait_for()
    phone.page.locator(".trip .chip", has_text="por enviar").wait_for()
    phone.page.evaluate("dispatchEvent(new Event('online'))")  # in vain: the server named a time
    phone.page.clock.run_for(1000)
    phone.page.wait_for_timeout(300)
    assert server.n_asked == 1
    phone.page.clock.fast_forward(601_000)
    phone.page.get_by_text("Aún no hay respuesta").wait_for()
    assert len(server.rows()) == 8 + ITS_END  # kept, and the phone does not know
    phone.page.evaluate("dispatchEvent(new Event('online'))")
    wait_until(phone, lambda: has_asked(phone, server, 4))
    received(phone)
    assert server.n_asked == 4
    assert [len(batch) for batch in server.batches()] == [8 + ITS_END]


@needs_browser
def test_a_body_that_is_too_large_is_halved(phone, server):
    server.refusals = [(413, {}), (413, {})]
    begin(phone)
    drive(phone, STREET[:2], 2)
    finish(phone)
    phone.page.evaluate(MANY_ROWS)
    send(phone)
    received(phone)
    assert [len(batch) for batch in server.batches()] == [50] * 6 + [4 + ITS_END]
    assert {row.get("kind") for row in server.batches()[0]} >= {"label", "mode"}  # a ride may arrive in parts
    assert len({row["k"] for row in server.rows()}) == 304 + ITS_END


@needs_browser
def test_a_shared_phone_keeps_accounts_apart(phone, server, add_rider):
    add_rider("Nopal")
    begin(phone)
    drive(phone, STREET[:4], 4)
    finish(phone)
    log_out(phone)
    phone.page.goto("/record/")
    phone.page.locator("#visitor").wait_for()
    assert phone.page.locator(".trip").count() == 0
    phone.context.set_offline(True)
    phone.page.reload()
    phone.page.locator("#visitor").wait_for()
    assert phone.page.locator(".trip").count() == 0
    phone.context.set_offline(False)
    log_in_as(phone, "Nopal")
    phone.page.wait_for_timeout(300)
    assert phone.page.locator(".trip").count() == 0
    assert server.rows() == []
    log_out(phone)
    log_in_as(phone, "Coyote")
    send(phone)
    received(phone)
    assert len(server.rows()) == 6 + ITS_END


def test_rows_of_one_rider_cannot_come_as_those_of_another(server, add_rider, log_in):
    """Whoever logs in between the question and the batch: the token was given to somebody else."""
    add_rider("Coyote")
    add_rider("Nopal")
    token = log_in("Coyote").get("/record/rider").json["csrf"]
    nopal = log_in("Nopal")
    headers = {"X-CSRFToken": token, "Origin": "http://localhost"}
    assert nopal.post(SEND, json={"points": [], "events": []}, headers=headers).status_code == 400
    headers["X-CSRFToken"] = nopal.get("/record/rider").json["csrf"]
    assert nopal.post(SEND, json={"points": [], "events": []}, headers=headers).json == {"ack": []}


@needs_browser
def test_a_session_that_ended_costs_nothing(phone, server):
    begin(phone)
    drive(phone, STREET[:4], 4)
    phone.context.clear_cookies(name="transitmap")
    finish_unseen(phone)
    phone.page.get_by_role("link", name="Entrar").wait_for()
    log_in_as(phone, "Coyote")
    send(phone)
    received(phone)
    assert len(server.rows()) == 6 + ITS_END


def finish_unseen(visit: Visit) -> None:
    visit.page.get_by_role("button", name="Terminar", exact=True).click()
    visit.page.evaluate("dispatchEvent(new Event('focus'))")


@needs_browser
def test_the_worker_sends_when_the_browser_wakes_it(phone, server):
    stop_clock(phone)  # by itself the page tries again after five seconds
    begin(phone)
    drive(phone, STREET[:4], 4)
    finish(phone)
    server.refusals = [(503, {})]
    send(phone)
    wait_until(phone, lambda: has_asked(phone, server))
    phone.page.get_by_text("Aún no hay respuesta").wait_for()
    protocol = phone.context.new_cdp_session(phone.page)
    workers: list[dict[str, Any]] = []
    protocol.on("ServiceWorker.workerRegistrationUpdated", lambda told: workers.extend(told["registrations"]))
    protocol.send("ServiceWorker.enable")
    wait_until(phone, lambda: bool(workers))  # the browser tells of those that it has
    wake = {"registrationId": workers[0]["registrationId"], "tag": "recorder", "lastChance": False}
    protocol.send("ServiceWorker.dispatchSyncEvent", {"origin": phone.site, **wake})
    received(phone)  # told by the worker
    assert (server.n_asked, len(server.rows())) == (2, 6 + ITS_END)


@needs_browser
def test_no_signal_is_said_and_the_gap_stays(phone, server):
    phone.page.clock.install()
    begin(phone)
    drive(phone, STREET[:2], 2)
    phone.page.clock.fast_forward(16_000)
    phone.page.get_by_text("Llevamos un rato sin posición").wait_for()
    tap(phone, "Aquí para")
    phone.page.get_by_text("sin posición: no hay señal").wait_for(state="attached")
    finish(phone)
    send(phone)
    received(phone)
    stop = next(row for row in server.rows() if row.get("kind") == "stop")
    assert (stop["lat"], stop["lon"]) == (None, None)
    assert len([row for row in server.rows() if "acc" in row]) == 2


@needs_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_use_it(phone, scheme):
    """axe on each screen, nothing sticks out at 320 pixels, targets for a thumb, taps by keyboard."""

    page, found = phone.page, []
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.set_viewport_size(NARROW)
    found += faults(page)
    begin(phone, "Ruta 1 a Chapultepec por Reforma")
    drive(phone, STREET[:12], 12)
    page.locator("[data-kind=stop]").focus()
    page.keyboard.press("Enter")
    page.get_by_text("Anotado: Aquí para").wait_for(state="attached")
    found += faults(page)
    page.get_by_role("button", name="Oscurecer la pantalla").click()
    found += faults(page)
    page.keyboard.press("Escape")
    finish(phone)
    page.locator(".trip summary").click()
    found += faults(page)
    assert found == []
    check(phone)


def faults(page: Any) -> list[str]:
    from axe_playwright_python.sync_playwright import Axe

    found = [one["id"] + one["nodes"][0]["html"][:120] for one in Axe().run(page).response["violations"]]
    width = page.evaluate("document.documentElement.scrollWidth")
    found += [f"{width} wide"] if width > NARROW["width"] else []
    for target in page.locator("main").locator(TARGETS).all():
        box = target.bounding_box()
        if box["height"] < 44 or box["width"] < 44:
            found.append(f"{target.inner_text()} is small: {box}")
    return found


@needs_browser
def test_the_screen_is_kept_on_again_after_it_was_let_go(phone):
    phone.page.evaluate("""() => {
      const request = navigator.wakeLock.request.bind(navigator.wakeLock);
      navigator.wakeLock.request = async kind => (window.lock = await request(kind));
    }""")
    begin(phone)
    phone.page.get_by_text("La pantalla se queda encendida sola").wait_for()
    phone.page.evaluate("() => window.lock.release()")
    phone.page.get_by_text("no puede mantener encendida").wait_for()
    phone.page.evaluate("() => document.dispatchEvent(new Event('visibilitychange'))")
    phone.page.get_by_text("La pantalla se queda encendida sola").wait_for()
    finish(phone)
    phone.page.wait_for_function("() => window.lock.released")
    check(phone)


@needs_browser
def test_what_arrived_long_ago_is_off_the_list(phone, server):
    begin(phone)
    drive(phone, STREET[:2], 2)
    finish(phone)
    send(phone)
    received(phone)
    phone.page.clock.install(time=time.time() + 8 * 86_400)
    phone.page.reload()
    ready(phone)
    phone.page.wait_for_function("() => !document.querySelector('.trip')")


@needs_browser
def test_another_tab_does_not_finish_a_ride_that_goes_on(phone, server):
    begin(phone)
    drive(phone, STREET[:2], 2)
    other = phone.context.new_page()
    other.goto("/record/")
    other.get_by_role("button", name="Terminarlo").click()
    other.get_by_text("en otra pestaña").wait_for()
    phone.page.bring_to_front()
    drive(phone, STREET[2:4], 4)
    finish(phone)
    assert "posiciones: 4" in phone.page.locator(".trip").inner_text()


@needs_browser
def test_a_ride_can_be_kept_as_gpx(phone):
    import gpxpy

    stop_clock(phone)
    begin(phone, "57 <R&D>")
    drive(phone, STREET[:3], 3)
    tap(phone, "Subí")
    finish(phone)
    with phone.page.expect_download() as download:
        phone.page.get_by_role("button", name="Guardar como GPX").click()
    gpx = gpxpy.parse(Path(download.value.path()).read_text())
    track = gpx.tracks[0]
    assert (track.name, gpx.waypoints[0].name) == ("57 <R&D>", "board")
    assert [(fix.latitude, fix.longitude) for fix in track.segments[0].points] == STREET[:3]
    assert track.segments[0].points[0].time is not None
    check(phone)


@needs_browser
def test_it_speaks_english_too(phone):
    [spanish] = phone.page.evaluate("caches.keys()")
    phone.page.goto("/record/?lang=en")
    phone.page.get_by_role("button", name="Start recording").wait_for()
    wait_until(phone, lambda: spanish not in phone.page.evaluate("caches.keys()"))
    phone.page.goto("/record/")
    phone.page.get_by_role("button", name="Start recording").wait_for()
    phone.page.goto("/?lang=es")  # chosen elsewhere
    phone.page.goto("/record/")
    phone.page.get_by_role("button", name="Empezar a grabar").wait_for()
    phone.context.set_offline(True)
    phone.page.reload()
    phone.page.locator("#start").wait_for()
    check(phone)
