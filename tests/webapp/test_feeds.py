"""The feed at its permanent address: what a trip planner's weekly pull needs."""

from __future__ import annotations

import datetime
import io
import time
import zipfile

import pytest

from tests.gtfs.small_city import TODAY
from tests.webapp.city import NOTICE, add_missions, publish
from tests.webapp.conftest import form_token
from transitmap import pipeline, store
from transitmap import versions as engine
from transitmap.config import DiffConfig
from transitmap.gtfs.pack import pack, unpack
from transitmap.model import Notice
from transitmap.versions import note_changes

GTFS = "/gtfs/gtfs.zip"


def test_no_feed_is_404_and_says_so(client):
    assert client.get(GTFS).status_code == 404
    assert "Todavía no hay datos publicados" in client.get("/feeds/").text


def test_the_feed_is_a_gtfs_zip(app, client):
    publish(app)
    answer = client.get(GTFS)
    assert answer.status_code == 200
    assert answer.mimetype == "application/zip"
    assert {"stops.txt", "routes.txt", "trips.txt", "stop_times.txt"} <= set(
        zipfile.ZipFile(io.BytesIO(answer.data)).namelist()
    )


def test_conditional_and_range_requests(app, client):
    publish(app)
    whole = client.get(GTFS)
    etag, modified = whole.headers["ETag"], whole.headers["Last-Modified"]
    assert client.get(GTFS, headers={"If-None-Match": etag}).status_code == 304
    assert client.get(GTFS, headers={"If-Modified-Since": modified}).status_code == 304
    part = client.get(GTFS, headers={"Range": "bytes=0-3"})
    assert (part.status_code, part.data) == (206, b"PK\x03\x04")
    assert part.headers["Content-Range"] == f"bytes 0-3/{len(whole.data)}"
    beyond = client.get(GTFS, headers={"Range": f"bytes={len(whole.data)}-"})
    assert beyond.status_code == 416
    head = client.head(GTFS)
    assert (head.status_code, head.data, head.headers["ETag"]) == (200, b"", etag)


def test_other_sites_may_read_the_open_data(app, client):
    publish(app)
    for path in (GTFS, "/gtfs/evidence.csv", "/api/v1/network.geojson", "/api/v1/standings"):
        assert client.get(path).headers["Access-Control-Allow-Origin"] == "*", path
    assert "Access-Control-Allow-Origin" not in client.get("/traces/").headers


def test_an_old_version_keeps_its_address(app, client):
    publish(app, "first")
    publish(app, "second")
    assert client.get("/gtfs/first/gtfs.zip").status_code == 200
    assert client.get("/gtfs/third/gtfs.zip").status_code == 404


def test_versions_and_notices_are_shown(app, client):
    publish(app, notices=(NOTICE,))
    page = client.get("/feeds/").text
    assert "fast_travel" in page
    assert "advertencia" in page
    assert "2026-11-22-0a1b2c3d" in page


@pytest.mark.parametrize(
    "name",
    [
        *("network.geojson", "network.kml", "network.gpx", "network.osm", "tables.zip", "timetable.html"),
        *("strips.zip", "map.svg", "network.gpkg", "stops.parquet"),
    ],
)
def test_the_feed_is_there_in_other_formats(app, client, name):
    publish(app)
    answer = client.get(f"/gtfs/export/{name}")
    assert answer.status_code == 200
    assert len(answer.data) > 500
    again = client.get(f"/gtfs/export/{name}", headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert f"/gtfs/export/{name}" in client.get("/feeds/").text


def test_the_feed_is_there_as_single_departures(app, client):
    publish(app)
    answer = client.get("/gtfs/gtfs-expanded.zip")
    expanded, feed = unpack(answer.data), unpack(client.get(GTFS).data)
    assert "frequencies.txt" not in expanded
    assert len(expanded["trips.txt"]["trip_id"]) > len(feed["trips.txt"]["trip_id"])
    again = client.get("/gtfs/gtfs-expanded.zip", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


def test_the_evidence_is_there_on_a_map(app, client):
    assert client.get("/gtfs/evidence.geojson").status_code == 404
    publish(app)
    answer = client.get("/gtfs/evidence.geojson")
    assert (answer.status_code, answer.mimetype) == (200, "application/geo+json")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    body = answer.json
    assert body["license"].startswith("https://opendatacommons.org/")
    kinds = [one["properties"]["kind"] for one in body["features"]]
    assert {kind: kinds.count(kind) for kind in kinds} == {
        "stop": 14,
        "pattern": 4,
        "segment": 13,  # the last way of the loop, which two people rode, is held back
        "headway": 7,
    }
    assert [one["kind"] for one in body["held_back"]] == ["segments", "patterns"]
    again = client.get("/gtfs/evidence.geojson", headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize(
    ("lang", "told"),
    [
        ("es", "Se retienen 2 de 6 recorridos: menos de 3 viajeros"),
        ("en", "2 of 6 patterns held back: fewer than 3 riders"),
    ],
)
def test_what_is_held_back_is_said_in_the_language_of_the_page(app, client, lang, told):
    publish(app)
    assert told in client.get("/feeds/", headers={"Accept-Language": lang}).text


@pytest.mark.parametrize("name", ["network.exe", "network", "network.parquet", "strips.svg", "strips"])
def test_a_format_nobody_knows_is_not_there(app, client, name):
    publish(app)
    assert client.get(f"/gtfs/export/{name}").status_code == 404


def test_strip_diagrams_come_as_a_zip_of_pictures(app, client):
    publish(app)
    with zipfile.ZipFile(io.BytesIO(client.get("/gtfs/export/strips.zip").data)) as strips:
        assert {name.rpartition(".")[2] for name in strips.namelist()} >= {"svg"}


def test_what_another_version_made_is_not_taken_for_this_one(app, client):
    publish(app, "1-first")
    tag = client.get("/gtfs/evidence.geojson").headers["ETag"]
    with store.session(app.extensions["transitmap_engine"]) as session:
        before = store.latest_feed(session)
        store.add_feed(session, store.feed_like(before, number=before.number + 1, id="2-second"))
    assert client.get("/gtfs/evidence.geojson", headers={"If-None-Match": tag}).status_code == 200


# --- versions ----------------------------------------------------------------------------------------


@pytest.fixture
def two_versions(app):
    """The small city, and the same with a stop renamed; the ids of both versions."""
    publish(app, "1-first")
    archive = app.extensions["transitmap_archive"]
    with store.session(app.extensions["transitmap_engine"]) as session:
        before = store.latest_feed(session)
        tables = unpack(archive.get(before.feed_sha256))
        tables["stops.txt"]["stop_name"][0] = "Otro Mercado"
        after = store.feed_like(before, number=2, id="2-second", feed_sha256=archive.put(pack(tables)))
        note_changes(archive, after, before, DiffConfig())
        store.add_feed(session, after)
    return "1-first", "2-second"


@pytest.fixture
def planner(add_rider, log_in):
    add_rider("planeadora", role="planner")
    return log_in("planeadora")


def test_a_version_tells_what_changed_with_it(two_versions, client):
    listed = client.get("/feeds/").text
    assert "Paradas: cambian de nombre 1" in listed
    page = client.get("/feeds/2-second/").text
    assert "ahora Otro Mercado." in page
    assert "now Otro Mercado." in client.get("/feeds/2-second/?lang=en").text
    assert "No hay una versión anterior" in client.get("/feeds/1-first/?lang=es").text
    (feature,) = client.get("/feeds/2-second/changes.geojson").get_json(force=True)["features"]
    assert (feature["geometry"]["type"], feature["properties"]["what"]) == ("Point", "renamed")
    assert client.get("/feeds/1-first/changes.geojson").get_json(force=True)["features"] == []
    assert client.get("/feeds/9-nowhere/").status_code == 404


def test_findings_are_said_in_words_with_what_to_do(app, client):
    hop = {**NOTICE, "rule": "fast_hop"}
    publish(app, notices=(NOTICE, hop, hop, {**NOTICE, "rule": "unknown_file", "severity": "info"}))
    page = client.get("/feeds/").text
    assert "el camión iría más rápido de lo que puede" in page
    assert "más viajes lo corrigen" in page
    assert "2 lugares" in page
    assert page.index("fast_hop") < page.index("unknown_file")


def test_a_feed_that_ends_soon_says_so(app, client, monkeypatch):
    publish(app)
    with store.session(app.extensions["transitmap_engine"], write=False) as session:
        body = app.extensions["transitmap_archive"].get(store.latest_feed(session).feed_sha256)
    end = engine.shelf_life(body, TODAY, None).end_day
    real, life = engine.shelf_life, []
    monkeypatch.setattr(engine, "shelf_life", lambda body, today, last_s: real(body, life[0], 1.79e9))
    for days, words in (
        (30, "Vigente hasta"),
        (13, "vencen en 13 días"),
        (1, "vencen en 1 día"),
        (-3, "hace 3 días"),
    ):
        life[:] = [end - datetime.timedelta(days=days)]
        page = client.get("/feeds/").text
        assert words in page
        assert ("Los viajes nuevos los renuevan" in page) == (days < 14)
        assert "Último viaje hace" in page


def test_a_planner_brings_a_version_back_and_lets_go(app, two_versions, planner, client, monkeypatch):
    monkeypatch.setattr(pipeline, "check_zip", lambda *a: ())
    first, second = two_versions
    was = client.get(GTFS).data
    token = form_token(planner, f"/feeds/{first}/")
    form = {"csrf_token": token, "note": "la parada se llama así"}
    assert planner.post(f"/feeds/{first}/roll-back", data=form).status_code == 302
    assert client.get(GTFS).data == client.get(f"/gtfs/{first}/gtfs.zip").data != was
    assert client.get(f"/gtfs/{second}/gtfs.zip").data == was
    page = client.get("/feeds/").text
    assert "De nuevo la versión 1-first." in page
    assert "la parada se llama así (planeadora)" in page
    assert "Se muestra de nuevo una versión anterior" in page
    assert "Dejar salir versiones nuevas" not in page
    again = planner.post(f"/feeds/{first}/roll-back", data=form, follow_redirects=True)
    assert "Esa versión es la vigente." in again.text
    assert planner.post("/feeds/resume", data=form).status_code == 302
    assert "Se muestra de nuevo una versión anterior" not in client.get("/feeds/").text


def test_a_version_with_errors_today_does_not_come_back(two_versions, planner, monkeypatch):
    flaw = Notice("no_service_today", "error", "calendar.txt", 0, "no service is active")
    monkeypatch.setattr(pipeline, "check_zip", lambda *a: (flaw,))
    form = {"csrf_token": form_token(planner, "/feeds/1-first/")}
    page = planner.post("/feeds/1-first/roll-back", data=form, follow_redirects=True).text
    assert "no puede volver: Ningún servicio corre hoy" in page
    assert planner.post("/feeds/9-nowhere/roll-back", data=form).status_code == 404


@pytest.mark.parametrize(
    ("role", "may"), [("rider", False), ("reviewer", False), ("planner", True), ("organiser", True)]
)
def test_who_may_bring_a_version_back(app, two_versions, add_rider, log_in, monkeypatch, role, may):
    monkeypatch.setattr(pipeline, "check_zip", lambda *a: ())
    add_rider("alguien", role=role)
    browser = log_in("alguien")
    assert ("Mostrar de nuevo esta versión" in browser.get("/feeds/1-first/").text) == may
    form = {"csrf_token": form_token(browser, "/accounts/")}
    expected = 302 if may else 403
    assert browser.post("/feeds/1-first/roll-back", data=form).status_code == expected
    assert browser.post("/feeds/resume", data=form).status_code == expected
    with store.session(app.extensions["transitmap_engine"], write=False) as session:
        assert len(store.feeds(session)) == (3 if may else 2)


def test_what_was_refused_is_for_planners(app, client, planner):
    flaw = {**NOTICE, "rule": "no_journey", "severity": "error"}
    with store.session(app.extensions["transitmap_engine"]) as session:
        store.add_refusal(session, "2026.1", 8, [flaw], time.time())
    assert "Ningún viaje lleva a nadie" in planner.get("/feeds/").text
    assert "Ningún viaje lleva a nadie" not in client.get("/feeds/").text
    publish(app)
    assert "Ningún viaje lleva a nadie" not in planner.get("/feeds/").text


def test_a_feed_that_was_taken_back_is_nowhere(app, client):
    """Somebody was erased, and too few people are left: no address shows what was published before."""
    route = publish(app, "1-0a1b2c3d")
    with store.session(app.extensions["transitmap_engine"]) as session:
        add_missions(session)
        stops = store.latest_feed(session).ids["stop_id"]
    public = ("/", "/network/", "/missions/", "/feeds/", "/api/v1/network.geojson", "/api/v1/missions")
    own = (
        f"/network/routes/{route}",
        "/feeds/1-0a1b2c3d/",
        "/gtfs/1-0a1b2c3d/gtfs.zip",
        GTFS,
        "/gtfs/evidence.csv",
    )
    items = "/ogc/collections/stops/items"
    assert {client.get(path).status_code for path in (*public, *own, items)} == {200}
    assert stops[0] in client.get(items).text
    with store.session(app.extensions["transitmap_engine"]) as session:
        empty = store.feed_like(store.latest_feed(session), number=2, id="2-withdrawn", feed_sha256="")
        store.add_feed(session, empty)
        store.withdraw_feeds(session, empty, {}, store.Trail(0, empty.id, (), is_rest=True))
    assert {client.get(path).status_code for path in own} == {404}
    assert {client.get(path).status_code for path in public} == {200}
    everything = "".join(client.get(path).text for path in (*public, items))
    assert not [one for one in ("1-0a1b2c3d", "19.53", "-96.9") if one in everything]
    assert "Todavía no hay datos publicados" in client.get("/feeds/").text
    publish(app, "3-4e5f6a7b")
    page = client.get("/feeds/").text
    assert "3-4e5f6a7b" in page
    assert "withdrawn" not in page
