"""The ranking: this week first, my neighbours first, every line of the ledger behind it."""

from __future__ import annotations

import datetime
import re
import time

import pytest

from tests.webapp.city import publish
from tests.webapp.conftest import form_token
from transitmap import store
from transitmap.terms import city_day
from webapp import published

EVIDENCE = {"length_m": 1_200, "length_m_by_earlier_observers": {"0": 1_200}}
RULE = {"rule": "new_metres", "rules_version": "2026.1", "network_version": "", "evidence": EVIDENCE}
TEXT = {"text_es": "1.2 km nuevos: 12.0 puntos.", "text_en": "1.2 km: 12.0 points."}


@pytest.fixture
def award(app, add_rider):
    """Gives a rider points for a ride of now or of another day."""

    def give(name, points, when_s=None, verified=0, campaign_id=1, permille=0, **columns):
        with store.session(app.extensions["transitmap_engine"]) as session:
            known = store.user_by_name(session, name)
        user_id = known.id if known else add_rider(name)
        with app.test_request_context():
            zone = published.timezone()
        with store.session(app.extensions["transitmap_engine"]) as session:
            now_s = time.time() if when_s is None else when_s
            upload, _ = store.add_upload(session, user_id, f"{time.time_ns():064x}", "a.gpx", 9, now_s)
            ride = store.RideRow(
                sequence=store.next_ride_sequence(session), id=f"{upload.id}.1", upload_id=upload.id,
                user_id=user_id, ordinal=1, name="a.gpx", n_fixes=9, dropped={}, warnings=[], mode="bus",
                stretch={}, started_s=now_s, distance_m=1200.0, packed_sha256="0" * 64, **columns,
            )  # fmt: skip
            store.add_rides(session, [ride])
            if permille:
                session.add(store.Share(ride_id=ride.id, permille=permille))
            row = {"ride_id": ride.id, "user_id": user_id, "millipoints": points, "created_s": now_s}
            row |= {
                "verified_millipoints": verified,
                "campaign_id": campaign_id,
                "day": city_day(now_s, zone),
            }
            store.add_lines(session, [{**RULE, **TEXT, **row}])
        return user_id

    return give


def test_days_are_the_citys_before_any_page_was_asked_for(app):
    publish(app)
    with app.test_request_context():
        assert published.timezone() == "America/Mexico_City"


def test_this_week_is_shown_first_and_all_time_on_the_other_tab(award, client):
    award("Nueva", 2_500)
    award("Veterano", 90_000, time.time() - 30 * 86_400)
    week, ever = client.get("/standings/").text, client.get("/standings/?period=all").text
    assert "Nueva" in week
    assert "Veterano" not in week
    assert ever.index("Veterano") < ever.index("Nueva")
    board = client.get("/api/v1/standings?period=all").json
    first = {"rank": 1, "name": "Veterano", "points": 90.0, "verified_points": 0.0, "n_rides": 1}
    assert board["places"][0] == first
    assert (board["n"], board["campaign"], board["who"]) == (2, "city", "people")
    assert client.get("/api/v1/standings").json["period"] == "week"


def test_my_row_and_my_neighbours_come_before_the_top(award, log_in):
    for place in range(1, 61):
        award(f"Persona {place}", 100_000 - place * 1_000)
    page = log_in("Persona 57").get("/standings/").text
    near, top = page.split('id="first"')
    assert [name for name in (f"Persona {n}" for n in range(50, 61)) if f">{name}<" in near] == [
        "Persona 55",
        "Persona 56",
        "Persona 57",
        "Persona 58",
        "Persona 59",
    ]
    assert "Te faltan 1.0 puntos" in near
    assert ">Persona 1<" in top
    assert ">Persona 57<" not in top


def test_every_line_of_the_ledger_is_its_riders_alone(app, award, client, log_in):
    """Others get sums by month: no route, no day, no line (see benchmarks/privacy_attacks.py)."""
    march_s = datetime.datetime(2026, 3, 14, 18, tzinfo=datetime.UTC).timestamp()
    for points, when_s in ((12_000, march_s), (3_000, march_s + 86_400), (5_000, march_s + 30 * 86_400)):
        award("Coyote", points, when_s, route_name="Ruta 57")
    mine = log_in("Coyote").get("/standings/Coyote").text
    assert mine.count(TEXT["text_es"]) == 3
    assert log_in("Coyote").get("/standings/Coyote?lang=en").text.count(TEXT["text_en"]) == 3
    award("Zorro", 1)
    for page in (client.get("/standings/Coyote").text, log_in("Zorro").get("/standings/Coyote").text):
        assert TEXT["text_es"] not in page and "line-" not in page and "57" not in page
        table = re.sub(r"<[^>]+>|\s+", " ", page[page.index("<tbody>") :])
        assert re.search(r"abril de 2026 .*\+5.0 .*marzo de 2026 .*\+15.0 ", table), table
        assert "14" not in table


def test_who_opts_out_is_on_no_page(app, award, client):
    award("Coyote", 12_000)
    with store.session(app.extensions["transitmap_engine"]) as session:
        store.user_by_name(session, "Coyote").is_hidden = True
    assert client.get("/standings/Coyote").status_code == 404
    assert "Coyote" not in client.get("/standings/").text
    assert client.get("/api/v1/standings").json["places"] == []


def test_htmx_gets_the_inside_alone(award, client):
    award("Coyote", 12_000)
    part = client.get("/standings/?period=all", headers={"HX-Request": "true"}).text
    assert "<html" not in part
    assert "Coyote" in part


def test_names_are_shown_as_text(award, client):
    award("<b>Ana</b> & 'co'", 1_000)
    page = client.get("/standings/").text
    assert "<b>Ana" not in page
    assert "&lt;b&gt;Ana" in page


# --- what is confirmed, and what it takes ---------------------------------------------------------


def test_provisional_and_confirmed_points_are_told_apart_with_what_is_missing(award, log_in):
    award("Coyote", 10_000, verified=4_000)  # of 6 points more paid at once the other three quarters wait
    page = log_in("Coyote").get("/standings/").text
    assert "<dt>confirmados</dt><dd>4.0</dd>" in page
    assert "Hasta 18.0 puntos más" in page
    assert "El 25 % de lo que vale un viaje cuenta de inmediato" in page


def test_what_is_all_confirmed_waits_for_nothing(award, log_in):
    award("Coyote", 10_000, verified=10_000)
    assert "puntos más llegan" not in log_in("Coyote").get("/standings/").text


def test_a_rider_sees_level_badges_and_weeks_and_others_no_weeks(award, log_in, client):
    award("Coyote", 10_000, verified=4_000, permille=500, route_id="R1", direction_id=0)
    mine = log_in("Coyote").get("/standings/Coyote").text
    assert "Nivel 1: Parada" in mine
    assert "600 m que alguien más confirmó. Faltan 2.4 km para el nivel 2, Ramal." in mine
    assert "Terreno nuevo" in mine
    assert "grado 1 de 3" in mine
    assert "Semanas con viaje: 1." in mine
    theirs = client.get("/standings/Coyote").text
    assert "Nivel 1: Parada" in theirs
    assert "Semanas con viaje" not in theirs
    assert "Level 1: Stop" in client.get("/standings/Coyote?lang=en").text


def test_a_ride_that_was_reversed_gives_no_badge(app, award, client):
    award("Coyote", 10_000, verified=4_000, permille=500)
    with store.session(app.extensions["transitmap_engine"]) as session:
        (row,) = store.ledger_rows(session)
        back = {
            "ride_id": row.ride_id,
            "user_id": row.user_id,
            "created_s": row.created_s,
            "rule": "reversal",
        }
        back |= {"kind": "reversal", "millipoints": -10_000, "verified_millipoints": -4_000}
        store.add_lines(session, [{**RULE, **TEXT, **back}])
    page = client.get("/standings/Coyote").text
    assert "Todavía sin nivel" in page
    assert "grado 1" not in page


# --- campaigns, near me, other forms ----------------------------------------------------------------


@pytest.fixture
def race(app):
    """A second campaign that is open."""
    with store.session(app.extensions["transitmap_engine"]) as session:
        session.add(
            store.Campaign(
                id=2,
                slug="carrera",
                name_es="La carrera",
                name_en="The race",
                state="open",
                made_s=1.0,
                opened_s=1.0,
            )
        )


@pytest.mark.usefixtures("race")
def test_each_campaign_has_its_board_and_all_of_them_one(award, client):
    award("Ana", 3_000)
    award("Beto", 2_000, campaign_id=2)
    award("Beto", 1_500)
    names = {
        query: [
            (place["name"], place["points"])
            for place in client.get(f"/api/v1/standings?{query}").json["places"]
        ]
        for query in ("", "campaign=city", "campaign=carrera", "campaign=nada", "period=all")
    }
    assert names[""] == names["campaign=carrera"] == names["campaign=nada"] == [("Beto", 2.0)]
    assert names["campaign=city"] == [("Ana", 3.0), ("Beto", 1.5)]
    assert names["period=all"] == [("Beto", 3.5), ("Ana", 3.0)]
    page = client.get("/standings/?campaign=city").text
    assert '<option value="city" selected>' in page
    assert '<option value="carrera">La carrera</option>' in page


def test_a_draft_is_nobodys_business(app, race, client):
    with store.session(app.extensions["transitmap_engine"]) as session:
        session.get(store.Campaign, 2).state = "draft"
    assert "La carrera" not in client.get("/standings/").text
    assert client.get("/api/v1/standings?campaign=carrera").json["campaign"] == "city"


def test_near_me_is_for_riders_of_published_routes(app, award, log_in, client, monkeypatch):
    publish(app)
    assert "Entra a tu cuenta para ver" in client.get("/standings/?who=near").text
    assert client.get("/api/v1/standings?who=near").status_code == 401
    award("Coyote", 9_000)
    browser = log_in("Coyote")
    assert "Todavía ningún viaje tuyo" in browser.get("/standings/?who=near").text
    award("Coyote", 9_000, route_id="R1")
    assert "Muy pocas rutas" in browser.get("/standings/?who=near").text  # the city has two
    monkeypatch.setattr("transitmap.points.standings.MIN_NEAR_ROUTES", 1)
    for number in range(8):
        award(f"Vecina {number}", 1_000 * number, route_id="R1")
    award("Lejos", 5_000, route_id="R9")
    ever = (
        "/standings/?who=near&period=campaign"  # a line of the last hours of a Sunday is next week's in UTC
    )
    assert "Muy pocas rutas o personas" in browser.get(ever).text  # nine riders
    award("Vecina 8", 8_000, route_id="R1")
    page = browser.get(ever).text
    assert "Vecina 7" in page
    assert "Lejos" not in page
    assert "R1" not in page


def test_a_board_as_a_table_for_spreadsheets(award, client):
    award("=Ana", 3_000, verified=1_000)
    award("Beto", 2_000)
    answer = client.get("/api/v1/standings?format=csv")
    assert answer.mimetype == "text/csv"
    assert answer.text.splitlines() == [
        "rank,name,points,verified_points,n_rides",
        "1,'=Ana,3.0,1.0,1",
        "2,Beto,2.0,0.0,1",
    ]
    part = client.get("/api/v1/standings?first=1&limit=1").json
    assert [place["rank"] for place in part["places"]] == [2]
    assert client.get("/api/v1/standings?limit=1001").status_code == 422


def test_a_board_for_paper(award, client):
    award("Ana", 3_000)
    page = client.get("/standings/?print=1").text
    assert ">Ana<" in page
    assert "hx-get" not in page
    assert "1 de 1 lugares" in page


def test_a_reviewer_says_whom_she_has_met(app, add_rider, log_in):
    add_rider("vista"), add_rider("revisa", "reviewer"), add_rider("otra")
    with store.session(app.extensions["transitmap_engine"], write=False) as session:
        seen_id = store.user_by_name(session, "vista").id
    assert "Conozco a esta persona" not in app.test_client().get("/standings/vista").text
    assert "Conozco a esta persona" not in log_in("otra").get("/standings/vista").text
    reviewer = log_in("revisa")
    assert "No conozco" not in reviewer.get("/standings/vista").text
    for says, expected in (("yes", [seen_id]), ("no", []), ("yes", [seen_id])):
        form = {"met": says, "csrf_token": form_token(reviewer, "/standings/vista")}
        assert reviewer.post(f"/review/riders/{seen_id}/met", data=form).status_code == 303
        page = reviewer.get("/standings/vista").text
        assert ("No conozco a esta persona" in page) == bool(expected)
        with store.session(app.extensions["transitmap_engine"], write=False) as session:
            assert store.people_decided(session)["met"] == expected
    assert "onozco a esta persona" not in reviewer.get("/standings/revisa").text
