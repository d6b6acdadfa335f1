"""The ranking: this week first, my neighbours first, every line of the ledger behind it."""

from __future__ import annotations

import datetime
import time

import pytest

from transitmap import store
from webapp.standings import week_start_s

RULE = {"rule": "new_metres", "rules_version": "2026.1", "network_version": "", "evidence": {}}
TEXT = {"text_es": "1.2 km nuevos: 12.0 puntos.", "text_en": "1.2 km: 12.0 points."}


@pytest.fixture
def award(app, add_rider):
    """Gives a rider points for a ride of now or of another day."""

    def give(name, points, when_s=None):
        with store.session(app.extensions["transitmap_engine"]) as session:
            known = store.user_by_name(session, name)
        user_id = known.id if known else add_rider(name)
        with store.session(app.extensions["transitmap_engine"]) as session:
            now_s = time.time() if when_s is None else when_s
            upload, _ = store.add_upload(session, user_id, f"{time.time_ns():064x}", "a.gpx", 9, now_s)
            ride = store.RideRow(
                sequence=store.next_ride_sequence(session), id=f"{upload.id}.1", upload_id=upload.id,
                user_id=user_id, ordinal=1, name="a.gpx", n_fixes=9, dropped={}, warnings=[], mode="bus",
                stretch={}, started_s=now_s, distance_m=1200.0, packed_sha256="0" * 64,
            )  # fmt: skip
            store.add_rides(session, [ride])
            row = {"ride_id": ride.id, "user_id": user_id, "millipoints": points, "created_s": now_s}
            store.add_lines(session, [{**RULE, **TEXT, **row}])

    return give


def test_this_week_is_shown_first_and_all_time_on_the_other_tab(award, client):
    award("Nueva", 2_500)
    award("Veterano", 90_000, time.time() - 30 * 86_400)
    week, ever = client.get("/standings/").text, client.get("/standings/?period=all").text
    assert "Nueva" in week
    assert "Veterano" not in week
    assert ever.index("Veterano") < ever.index("Nueva")
    board = client.get("/api/v1/standings?period=all").json
    assert board["places"][0] == {"rank": 1, "name": "Veterano", "points": 90.0, "n_rides": 1}
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


def test_every_line_of_the_ledger_is_public_until_its_rider_opts_out(app, award, client):
    award("Coyote", 12_000)
    page = client.get("/standings/Coyote").text
    assert TEXT["text_es"] in page
    assert TEXT["text_en"] in client.get("/standings/Coyote?lang=en").text
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


def test_a_week_begins_on_monday_where_the_city_is():
    wednesday = datetime.datetime(2026, 11, 25, 3, 0, tzinfo=datetime.UTC)
    start = datetime.datetime.fromtimestamp(
        week_start_s(wednesday.timestamp(), "America/Mexico_City"), datetime.UTC
    )
    assert start == datetime.datetime(2026, 11, 23, 6, 0, tzinfo=datetime.UTC)
