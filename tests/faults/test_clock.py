"""The server's clock jumps forward and back: nobody is locked out, nothing waits for ever."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from tests.faults.service import Site, ask, make_site, n_rows, running, trace
from tests.machine import needs_program
from transitmap import store
from transitmap.contribute import LEASE_S
from transitmap.work import MAX_WAIT_S

YEAR_S = 31_557_600.0
NOW_S = 1_790_000_000.0


@pytest.fixture
def upload(session: Session) -> store.Upload:
    rider = store.add_user(session, "Ana", "hash", NOW_S)
    return store.add_upload(session, rider.id, "ab" * 32, "a.gpx", 10, NOW_S)[0]


@pytest.mark.parametrize("ahead_s", [2 * YEAR_S, 3 * 86_400.0])
def test_a_lease_taken_by_a_clock_ahead_does_not_last(session, upload, ahead_s: float) -> None:
    assert store.lease_upload(session, NOW_S + ahead_s, LEASE_S) is not None
    assert store.is_upload_waiting(session, NOW_S)
    assert store.lease_upload(session, NOW_S, LEASE_S) is not None
    assert store.lease_upload(session, NOW_S + 1, LEASE_S) is None


def test_a_lease_lasts_as_long_as_it_may(session, upload) -> None:
    store.give_back_upload(session, upload, NOW_S + MAX_WAIT_S)
    assert not store.is_upload_waiting(session, NOW_S)
    assert not store.is_upload_waiting(session, NOW_S - 3600)
    assert store.is_upload_waiting(session, NOW_S + MAX_WAIT_S)


@pytest.mark.parametrize("jump_s", [2 * YEAR_S, -3600.0, -2 * YEAR_S])
def test_a_bucket_fills_after_a_jump(session: Session, jump_s: float) -> None:
    for _ in range(3):
        store.take(session, "k", 0.1, 3.0, NOW_S)
    assert store.take(session, "k", 0.1, 3.0, NOW_S) > 0
    store.take(session, "k", 0.1, 3.0, NOW_S + jump_s)
    assert store.take(session, "k", 0.1, 3.0, NOW_S + jump_s + 11.0) == 0.0


@needs_program("faketime")
def test_a_service_whose_clock_was_two_years_ahead_goes_on(tmp_path: Path) -> None:
    site: Site = make_site(tmp_path, n_riders=1)
    headers = {"Authorization": f"Bearer {site.keys[0]}"}
    more = ("--no-work",)
    with running(site, ("faketime", "-f", "+2y"), more):
        assert ask(site, "POST", "/api/v1/traces", trace(0, 1), headers)[0] == 201
        later = headers | {"Prefer": "respond-async"}
        assert ask(site, "POST", "/api/v1/traces", trace(0, 2), later)[0] == 202
    with running(site, more=more):
        assert ask(site, "POST", "/api/v1/traces", trace(0, 2), headers)[0] in (200, 201)
        assert ask(site, "POST", "/api/v1/traces", trace(0, 3), headers)[0] == 201
    assert n_rows(site)["rides"] == 3
