"""Missions: listed, nearest first, reserved by one, left; routes looked after; nobody learns where one is."""

from __future__ import annotations

import logging
import time
from dataclasses import replace

import pytest

from tests.machine import needs_browser
from tests.webapp.city import add_missions, publish
from tests.webapp.conftest import form_token, serving
from tests.webapp.test_browser import PHONE, Visit
from transitmap import missions, store
from transitmap.config import EquityConfig

DAY_S = 86_400.0


@pytest.fixture
def engine(app):
    return app.extensions["transitmap_engine"]


@pytest.fixture
def made(app, engine):
    """The numbers of three missions of the published city."""
    publish(app)
    with store.session(engine) as session:
        return [one.id for one in add_missions(session)]


def post(browser, path, **form):
    return browser.post(path, data=form | {"csrf_token": form_token(browser, "/accounts/")})


def test_without_a_map_there_is_none(client):
    assert "Todavía no hay rutas publicadas" in client.get("/missions/").text
    assert client.get("/api/v1/missions").json == {"type": "FeatureCollection", "features": []}


def test_the_list_says_what_lacks_when_and_what_it_is_worth(made, client):
    page = client.get("/missions/").text
    assert "Lunes a viernes, de 5 a 10 de la mañana" in page
    assert page.index("×2.0") < page.index("×1.8") < page.index("×1.6")
    assert "faltan 2 viajes" in page
    assert "Nadie la ha grabado en este horario" in client.get(f"/missions/{made[0]}").text
    assert client.get("/missions/99999").status_code == 404


def test_near_a_stop_the_nearest_comes_first(app, made, client, engine):
    with app.test_request_context():
        from webapp import published

        far = max(published.latest_atlas().stops, key=lambda stop: stop.lat_deg)
    order = client.get(f"/missions/?near={far.id}").text
    assert order.index(f'data-mission="{made[2]}"') < order.index(f'data-mission="{made[0]}"')
    assert " a " in order and " km" in order
    assert client.get("/missions/?near=nowhere").status_code == 200


def test_the_api_gives_what_the_list_shows_and_not_which_are_checks(made, client, engine):
    with store.session(engine) as session:
        store.mission_by_id(session, made[1]).is_check = True
    answer = client.get("/api/v1/missions")
    features = answer.json["features"]
    assert answer.mimetype == "application/geo+json"
    assert [one["id"] for one in features] == made
    assert len({tuple(sorted(one["properties"])) for one in features}) == 1
    assert "check" not in answer.text.replace("seed_sha256", "")
    assert features[0]["geometry"]["coordinates"] == [-96.92, 19.53]


def test_one_rider_holds_it_and_another_is_told_so(made, add_rider, log_in):
    add_rider("Ana")
    add_rider("Beto")
    ana, beto = log_in("Ana"), log_in("Beto")
    assert post(ana, f"/missions/{made[0]}/reserve").status_code == 302
    assert "Es tuya hasta" in ana.get(f"/missions/{made[0]}").text
    assert "Reservadas por ti" in ana.get("/missions/").text
    post(beto, f"/missions/{made[0]}/reserve")
    page = beto.get(f"/missions/{made[0]}").text
    assert "Otra persona reservó esta misión" in page
    assert "Ana" not in page
    post(ana, f"/missions/{made[0]}/leave")
    assert "Reservarla" in beto.get(f"/missions/{made[0]}").text


def test_the_first_page_shows_mine_before_the_best(made, add_rider, log_in):
    add_rider("Ana")
    ana = log_in("Ana")
    assert f'data-mission="{made[0]}"' in ana.get("/").text
    post(ana, f"/missions/{made[2]}/reserve")
    page = ana.get("/").text
    assert f'data-mission="{made[2]}"' in page and f'data-mission="{made[0]}"' not in page


def test_who_looks_after_a_route_is_told_when_it_needs_a_ride(made, add_rider, log_in, engine):
    add_rider("Ana")
    ana = log_in("Ana")
    assert post(ana, "/missions/routes/R1/adopt").status_code == 302
    assert post(ana, "/missions/routes/R77/adopt").status_code == 404
    assert "Al día" in ana.get("/missions/").text
    last = int(time.time() // DAY_S) - 120
    with store.session(engine) as session:
        store.set_fact(
            session, missions.COVERAGE, f'{{"last_day": {{"R1": {last}}}, "stale_days": 90, "forecasts": []}}'
        )
    assert "desde hace 120 días" in ana.get("/missions/").text
    assert "desde hace 120 días" in ana.get("/").text
    post(ana, "/missions/routes/R1/release")
    assert "120 días" not in ana.get("/").text


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (210, 480, "entre 210 y 480 viajes"),
        (210, None, "al menos 210 viajes"),
        (None, None, "no se puede saber"),
    ],
)
def test_the_forecast_is_told_with_its_interval(made, client, engine, low, high, words):
    one = {"target_permille": 800, "share_permille": 412, "low": low, "expected": None, "high": high}
    with store.session(engine) as session:
        done = one | {"target_permille": 400}
        store.set_fact(
            session, missions.COVERAGE, missions.json.dumps({"forecasts": [done, one], "last_day": {}})
        )
    page = client.get("/missions/").text
    assert "El 41 %" in page and words in page


def test_the_grid_of_need_is_public(app, client, tmp_path):
    assert client.get("/api/v1/equity.geojson").json["features"] == []
    (tmp_path / "need.csv").write_text("lat,lon,weight\n19.4,-99.1,1.5\n", encoding="utf-8")
    settings = app.extensions["transitmap_settings"]
    config = replace(settings.config, equity=EquityConfig(grid=str(tmp_path / "need.csv")))
    app.extensions["transitmap_settings"] = replace(settings, config=config)
    app.extensions.pop("transitmap_equity")
    (one,) = client.get("/api/v1/equity.geojson").json["features"]
    assert one["properties"] == {"weight": 1.5}


@needs_browser
def test_nearest_first_without_telling_anybody_where(app, made, chromium, caplog):
    """The place a browser knows changes the list, and no request holds it."""
    with serving(app) as port, caplog.at_level(logging.DEBUG):
        here = {"latitude": 19.5449, "longitude": -96.9101}
        visit = Visit(
            chromium,
            f"http://127.0.0.1:{port}",
            viewport=PHONE,
            geolocation=here,
            permissions=["geolocation"],
        )
        asked = []
        visit.context.on("request", lambda one: asked.append(one.url + (one.post_data or "")))
        page = visit.page
        page.goto("/missions/")
        page.locator("#map[data-missions='3']").wait_for()
        first = page.locator("#missions > li").first
        assert first.get_attribute("data-mission") == str(made[0])
        page.get_by_role("button", name="Donde estoy").click()
        page.locator(f"#missions > li:first-child[data-mission='{made[2]}']").wait_for()
        assert " · a " in first.inner_text()
        visit.check()
        visit.context.close()
    assert not [one for one in asked if "19.54" in one or "96.91" in one]
    assert "19.54" not in caplog.text


@needs_browser
def test_what_is_near_is_found_beyond_the_first_page(app, engine, chromium):
    """Whoever looks for what is near must not only see what is worth most."""
    publish(app)
    with store.session(engine) as session:
        last = add_missions(session, 70)[-1].id
    with serving(app) as port:
        here = {"latitude": 19.53 + 69 / 200, "longitude": -96.92}
        visit = Visit(chromium, f"http://127.0.0.1:{port}", geolocation=here, permissions=["geolocation"])
        page = visit.page
        page.goto("/missions/")
        page.locator("#map[data-missions='60']").wait_for()
        page.get_by_role("button", name="Donde estoy").click()
        page.locator(f"#missions > li:first-child[data-mission='{last}']").wait_for()
        assert page.locator("#missions > li, #more > li").count() == 70
        visit.check()
        visit.context.close()


@needs_browser
def test_axe_finds_nothing_and_nothing_is_wider_than_a_phone(app, made, add_rider, chromium):
    from axe_playwright_python.sync_playwright import Axe

    add_rider("Coyote")
    with serving(app) as port:
        visit = Visit(
            chromium, f"http://127.0.0.1:{port}", viewport={"width": 320, "height": 640}, bypass_csp=True
        )
        page, axe = visit.page, Axe()
        page.goto("/accounts/log-in")
        page.get_by_label("Seudónimo").fill("Coyote")
        page.get_by_label("Contraseña").fill("tres palabras y una")
        page.locator("main button").first.click()
        page.wait_for_url("**/")
        for path in ("/missions/", f"/missions/{made[0]}", "/"):
            page.goto(path)
            page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
            assert page.evaluate("document.documentElement.scrollWidth") <= 320, path
            found = axe.run(page).response["violations"]
            assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == [], path
        visit.context.close()
