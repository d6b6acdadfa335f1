"""Sixty names that are scripts (S7), in all that a rider or a file names: none runs, in a real browser."""

from __future__ import annotations

import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest
import sqlalchemy as sa

from tests.machine import WAIT_MS, needs_browser
from tests.webapp.city import NOTICE, publish
from tests.webapp.conftest import PASSWORD, serving
from tests.webapp.sending import TRACES
from tests.webapp.traces import ride
from transitmap import store
from transitmap.archive import pack_network, unpack_network
from transitmap.gtfs.feed.names import tidy

pytestmark = needs_browser
RUN = "alert(1)"
MADE = "script:not([src]), iframe, object, embed, marquee, video, audio, math, [onerror], [onload], [onfocus]"
ELEMENTS = (
    "<script>{}</script>", "<ScRiPt>{}</sCrIpT>", "<script src=data:,{}></script>", "<script >{}</script >",
    "<<script>{}//<</script>", "<scr<script>ipt>{}</scr</script>ipt>", "<script\x0c>{}</script>",
    "</script><script>{}</script>", "</title><script>{}</script>", "</textarea><script>{}</script>",
    "</style><script>{}</script>", "--><script>{}</script>", "]]><script>{}</script>",
    "<img src=x onerror={}>", "<img src=x onerror='{}'>", '<img src=x onerror="{}">',
    "<img/src=x/onerror={}>",
    "<img src=x:x onerror\n=\n{}>", "<IMG SRC=javascript:{}>", "<image src=x onerror={}>",
    "<svg onload={}>", "<svg/onload={}>", "<svg><script>{}</script></svg>",
    "<svg><animate onbegin={} dur=1s>",
    "<svg><set onbegin={} attributename=x>", "<svg><a xlink:href=javascript:{}><text>x",
    "<math><mi//xlink:href=x onclick={}>",
    "<body onload={}>", "<input autofocus onfocus={}>", "<select autofocus onfocus={}>",
    "<textarea autofocus onfocus={}>", "<video src=x onerror={}>", "<video><source onerror={}>",
    "<audio src=x onerror={}>", "<details open ontoggle={}>", "<marquee onstart={}>",
    "<object data=javascript:{}>",
    "<embed src=javascript:{}>", "<iframe src=javascript:{}>", "<iframe srcdoc='<script>{}</script>'>",
    "<iframe onload={}>", "<form action=javascript:{}><input type=submit>", "<isindex action=javascript:{}>",
    "<base href=javascript:/x/><a href=/{}>", "<link rel=stylesheet href=javascript:{}>",
    "<meta http-equiv=refresh content='0;url=javascript:{}'>", "<style>@import 'javascript:{}'</style>",
    "<style>*{background:url(javascript:{})}</style>", "<template><script>{}</script></template>",
    "<noscript><p title='</noscript><img src=x onerror={}>'>",
)  # fmt: skip
ATTRIBUTES = (
    '" onmouseover={} autofocus onfocus={} x="', "' onmouseover={} autofocus onfocus={} x='",
    "` onerror={} `",
    "x onerror={}", '"><img src=x onerror={}>', "'><img src=x onerror={}>", "javascript:{}",
    "\\u003cimg src=x onerror={}\\u003e",
)  # fmt: skip
TEMPLATES = (
    "{{constructor.constructor('{}')()}}",
    "${{}}",
    "%3Cscript%3E{}%3C/script%3E",
    "&lt;script&gt;{}&lt;/script&gt;",
)
PAYLOADS = tuple(one.replace("{}", RUN) for one in (*ELEMENTS, *ATTRIBUTES, *TEMPLATES))


WHERE_A_STOP_IS = """async () => {
  const features = (await (await fetch('/api/v1/network.geojson')).json()).features;
  const points = features.flatMap(
    one => one.geometry.type === 'Point' ? [one.geometry.coordinates] : one.geometry.coordinates);
  const north = lat => Math.log(Math.tan(Math.PI / 4 + lat * Math.PI / 360)) * 180 / Math.PI;
  const xs = points.map(one => one[0]), ys = points.map(one => north(one[1]));
  const [west, east] = [Math.min(...xs), Math.max(...xs)], [south, top] = [Math.min(...ys), Math.max(...ys)];
  const box = document.querySelector('#map').getBoundingClientRect();
  const scale = Math.min(
    (box.width - 80) / (east - west), (box.height - 80) / (top - south), 512 * 2 ** 15 / 360);
  const [lon, lat] = features.find(one => one.properties.kind === 'stop').geometry.coordinates;
  return [box.x + box.width / 2 + (lon - (west + east) / 2) * scale,
          box.y + box.height / 2 - (north(lat) - (south + top) / 2) * scale];
}"""
"""The map shows the whole network, 40 pixels inside its box."""


def test_there_are_sixty():
    assert len(set(PAYLOADS)) >= 60
    assert all(RUN in one for one in PAYLOADS)


class Watched:
    """A page of a browser in which a rider is logged in, and all that ran or was stopped on it."""

    def __init__(self, chromium: Any, site: str) -> None:
        self.heard: list[str] = []
        self.context = chromium.new_context(base_url=site, locale="es-MX")
        self.context.add_init_script(
            "addEventListener('securitypolicyviolation', e => console.error('CSP ' + e.violatedDirective))"
        )
        self.page = self.context.new_page()
        self.page.set_default_timeout(WAIT_MS)
        self.page.on("console", lambda said: self.heard.append(said.text) if "CSP" in said.text else None)
        self.page.on("pageerror", lambda error: self.heard.append(str(error)))
        self.page.on("dialog", self._ran)
        self.page.on("popup", lambda page: self.heard.append("a window"))

    def _ran(self, dialog: Any) -> None:
        self.heard.append("it ran")
        dialog.dismiss()

    def log_in(self, name: str) -> None:
        self.page.goto("/accounts/log-in")
        self.page.get_by_label("Seudónimo").fill(name)
        self.page.get_by_label("Contraseña").fill(PASSWORD)
        self.page.locator("main form button").first.click()
        self.page.wait_for_url("**/")

    def look(self, path: str, n_least: int) -> None:
        """Opens a page, touches all that may be touched, and says how many of the names are on it."""
        self.page.goto(path)
        self.page.evaluate(
            "document.querySelectorAll('main *').forEach(one => {"
            " for (const kind of ['mouseover', 'mouseenter', 'focus', 'toggle', 'animationstart'])"
            "  one.dispatchEvent(new Event(kind, {bubbles: true})); })"
        )
        shown = self.page.locator("main").inner_text() + self.page.content()
        assert shown.count(RUN) >= n_least, f"{path}: the names are there, {shown.count(RUN)} of {n_least}"
        assert self.heard == [], path
        assert self.page.locator(f"main :is({MADE})").count() == 0, path


@pytest.fixture
def hostile(app, password_hash):
    """Every text of the database that anybody may bring is one of the names."""
    notices = tuple({**NOTICE, "rule": one[:60], "message": one, "file": one} for one in PAYLOADS)
    route_id = publish(app, notices=notices)
    engine, archive = app.extensions["transitmap_engine"], app.extensions["transitmap_archive"]
    with store.session(engine) as session:
        rider = store.add_user(session, "Coyote", password_hash, 1.0, role="planner")
        _, key = store.add_token(session, rider, "phone", 1.0)
    answer = app.test_client().post(TRACES, data=ride(1), headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == 201
    with store.session(engine) as session:
        rider = store.user_by_id(session, 1)
        feed = store.latest_feed(session)
        network = unpack_network(archive.get(feed.network_sha256))
        n_stops, n_routes = len(network.stops.name), len(network.routes.short_name)
        names = [one for one in PAYLOADS if RUN in tidy(one)]  # of the others naming leaves nothing
        stops = replace(network.stops, name=tuple((names[::-1] * n_stops)[:n_stops]))
        routes = replace(network.routes, short_name=("",) * n_routes, long_name=tuple(names[:n_routes]))
        feed.network_sha256 = archive.put(pack_network(replace(network, stops=stops, routes=routes)))
        feed.note = PAYLOADS[0]
        _rename_all(session, rider)
    app.extensions.pop("transitmap_atlas", None)  # as another feed
    return route_id, answer.json["id"]


def _rename_all(session: Any, rider: store.User) -> None:
    now_s = time.time()
    first = session.scalars(sa.select(store.RideRow)).one()
    line = session.scalars(sa.select(store.LedgerRow)).first()
    first.label = first.name = first.route_name = PAYLOADS[13]
    first.warnings, first.dropped = list(PAYLOADS), dict.fromkeys(PAYLOADS, 1)
    new = {
        "_sa_instance_state",
        "sequence",
        "id",
        "ordinal",
        "user_id",
        "label",
        "name",
        "reason",
        "route_id",
    }
    like_first = {key: value for key, value in vars(first).items() if key not in new}
    like_line = {"rules_version": line.rules_version, "network_version": line.network_version, "evidence": {}}
    for k, name in enumerate(PAYLOADS):
        store.add_token(session, rider, name, now_s, app="overland")
        upload, _ = store.add_upload(session, rider.id, f"{k:064}", name, 5, now_s)
        store.settle_upload(session, upload, store.REFUSED, "too_short", name)
        other = store.User(name=name, name_key=f"x{k}", created_s=1.0)
        session.add(other)
        session.flush()
        more = {"ordinal": 100 + k, "user_id": other.id, "label": name, "name": name, "reason": name[:60]}
        session.add(store.RideRow(sequence=1000 + k, id=f"r{k}", route_id="", **more, **like_first))
        session.flush()
        said = {"ride_id": f"r{k}", "text_es": name, "text_en": name, "created_s": now_s, **like_line}
        for who, sequence, rule in ((other, 1000 + k, "new_stop"), (rider, 2000 + k, "again")):
            more = {"user_id": who.id, "rule": rule, "millipoints": sequence}
            store.add_lines(session, [more | said])


def test_s7_no_name_runs_anywhere(app, hostile, chromium):
    route_id, upload_id = hostile
    n = len(PAYLOADS)
    with serving(app) as port:
        watched = Watched(chromium, f"http://127.0.0.1:{port}")
        watched.log_in("Coyote")
        watched.look("/phones/", n)
        watched.look("/phones/5", 1)
        watched.look("/traces/", n)
        watched.look(f"/traces/{upload_id}", n)
        watched.look("/standings/?period=all", 40)
        watched.look("/standings/Coyote", n)
        watched.look("/feeds/", n)
        watched.look("/network/", 5)
        watched.page.locator("#map[data-ready]").wait_for()
        watched.page.mouse.click(*watched.page.evaluate(WHERE_A_STOP_IS))
        assert RUN in watched.page.locator(".maplibregl-popup").inner_text()
        assert watched.heard == []
        watched.look(f"/network/routes/{route_id}", 3)
        watched.page.locator("#map[data-ready]").wait_for()
        watched.look("/", 0)
        watched.page.goto("/traces/")
        named = [f"{one}.gpx".replace("/", "∕") for one in PAYLOADS[13:20]]
        files = [{"name": one, "mimeType": "text/xml", "buffer": b"x"} for one in named]
        watched.page.locator("#file").set_input_files(files)
        watched.page.locator("#upload button").click()
        watched.page.locator("#sent article:has(p)").nth(len(files) - 1).wait_for()
        watched.look("/phones/apps/overland", 0)
        watched.look("/record/", 0)
        assert watched.heard == []
        watched.context.close()


# --- S9: a foreign page ------------------------------------------------------------------------------


FORMS = ("/accounts/privacy", "/accounts/log-out", "/phones/", "/ingest/recorder", "/privacy/erase", TRACES)
FIELDS = (
    "<input name=is_hidden value=1><input name='{&quot;points&quot;:[],&quot;x&quot;:&quot;' value='&quot;}'>"
)


@pytest.fixture
def foreign_page():
    """A page of another site that sends a form to ours as soon as it is opened."""
    form: dict[str, str] = {}

    class Page(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(
                f"<form method=post action='{form['action']}' enctype='{form['enctype']}'>{FIELDS}</form>"
                "<script>document.forms[0].submit()</script>".encode()
            )

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Page)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://localhost:{server.server_port}/", form
    server.shutdown()
    server.server_close()


def test_s9_no_form_of_a_foreign_page_does_anything(app, add_rider, chromium, foreign_page):
    add_rider("Coyote")
    url, form = foreign_page
    with serving(app) as port:
        watched = Watched(chromium, f"http://127.0.0.1:{port}")
        watched.log_in("Coyote")
        watched.context.set_default_timeout(WAIT_MS)
        for path in FORMS:
            for enctype in ("application/x-www-form-urlencoded", "multipart/form-data", "text/plain"):
                form |= {"action": f"http://127.0.0.1:{port}{path}", "enctype": enctype}
                page = watched.context.new_page()  # one that goes on elsewhere can interrupt the next visit
                with page.expect_response(lambda answer, path=path: answer.url.endswith(path)) as told:
                    page.goto(url, wait_until="commit")
                assert told.value.status in (400, 401), (path, enctype)
                page.close()
        watched.page.goto("/accounts/")
        assert watched.page.get_by_role("heading").first.is_visible(), "still logged in"
        watched.context.close()
    with store.session(app.extensions["transitmap_engine"], write=False) as session:
        assert not store.user_by_id(session, 1).is_hidden
        assert store.tokens_of_user(session, 1) == []
