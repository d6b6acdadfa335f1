"""How many questions a page asks the database: no more for a long list than for a short one, none twice."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa

from tests.webapp.city import add_missions, publish
from transitmap import store

TEXT = {"text_es": "1.2 km nuevos", "text_en": "1.2 km that nobody had"}
LINE = {"rule": "new_metres", "rules_version": "2026.1", "network_version": "", "evidence": {}, **TEXT}


@contextmanager
def asked(app) -> Iterator[list[str]]:
    """The statements of a block, as they were sent, with their values."""
    told: list[str] = []

    def note(connection, cursor, statement, values, context, executemany):
        if not statement.startswith(("BEGIN", "SAVEPOINT")):
            told.append(f"{' '.join(statement.split())} {values!r}")

    engine = app.extensions["transitmap_engine"]
    sa.event.listen(engine, "before_cursor_execute", note)
    yield told
    sa.event.remove(engine, "before_cursor_execute", note)


def add_rides(session, user_id: int, n: int, parent_id: str = "") -> str:
    """An upload with so many rides, or an archive with a member for each; its id."""
    now_s = time.time()
    envelope, _ = store.add_upload(
        session, user_id, f"{time.time_ns():064x}", "a", 9, now_s, parent_id=parent_id
    )
    store.settle_upload(session, envelope, store.UNDERSTOOD)
    for ordinal in range(1, n + 1):
        sequence = store.next_ride_sequence(session)
        ride = store.RideRow(
            sequence=sequence, id=f"ride{sequence}", upload_id=envelope.id, user_id=user_id, ordinal=ordinal,
            name="a.gpx", n_fixes=9, dropped={}, warnings=[], mode="bus", stretch={}, started_s=now_s,
            distance_m=1200.0, packed_sha256="0" * 64,
        )  # fmt: skip
        store.add_rides(session, [ride])
        line = {"ride_id": ride.id, "user_id": user_id, "millipoints": sequence, "created_s": now_s}
        store.add_lines(session, [LINE | line])
    return envelope.id


@pytest.fixture
def city(app, add_rider, log_in):
    """A published city with sixty riders and thirty teams; a browser of one of them, and two receipts."""
    publish(app)
    ids = [add_rider(f"Persona {n}") for n in range(60)]
    with store.session(app.extensions["transitmap_engine"]) as session:
        add_missions(session)
        for user_id in ids:
            add_rides(session, user_id, 1)
        for number in range(30):
            now_s = time.time()
            store.add_team(session, store.OWN_CAMPAIGN, f"Equipo {number}", ids[number], 0, now_s)
        many = add_rides(session, ids[30], 20)
        archive = add_rides(session, ids[30], 0)
        for _ in range(10):
            add_rides(session, ids[30], 2, archive)
    return log_in("Persona 30"), many, archive


PAGES = {
    "/": (6, 12),
    "/standings/": (3, 5),
    "/standings/?who=teams": (5, 7),
    "/standings/?who=near": (2, 4),
    "/standings/Persona 30": (7, 9),
    "/teams/": (4, 6),
    "/missions/": (5, 8),
    "/campaigns/city/": (5, 7),
    "/traces/": (0, 5),
}
"""The most that a page asks for: a visitor's, and a rider's, whose login and rows are asked for as well."""


@pytest.mark.parametrize("path", PAGES)
def test_a_page_asks_nothing_twice(app, city, client, path):
    browser, _, _ = city
    for reader, most in zip((client, browser), PAGES[path], strict=True):
        assert reader.get(path).status_code == 200  # what stays in memory is read by now
        with asked(app) as told:
            reader.get(path)
        assert [(n, statement) for statement, n in Counter(told).items() if n > 1] == []
        assert len(told) <= most, told


def test_a_receipt_of_many_rides_asks_as_much_as_that_of_one(app, city):
    """Rides and lines are read once for what became of the file and once for how its rider sees it."""
    browser, many, archive = city
    with store.session(app.extensions["transitmap_engine"]) as session:
        (one, *_) = store.uploads_of_user(session, store.user_by_name(session, "Persona 30").id)[-1:]
    n_asked = []
    for upload_id in (one.id, many, archive):
        browser.get(f"/traces/{upload_id}")
        with asked(app) as told:
            page = browser.get(f"/traces/{upload_id}").text
        n_asked.append(len(told))
    assert page.count("1.2 km nuevos") == 20
    assert n_asked[0] == n_asked[1] == 11
    assert n_asked[2] == n_asked[0] + 1  # in an archive there may be archives
