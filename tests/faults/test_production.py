"""The documented set-up, docs/nginx.conf before two services; many slow sockets before one."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.slow_sockets import attacked, honest, production
from tests.faults.service import (
    ANSWERS_WITHIN_S,
    Site,
    ask,
    lost_fixes,
    lost_uploads,
    make_site,
    riding,
    running,
)
from tests.faults.test_killed import NO_WORK, wait_for
from tests.machine import needs_program


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return make_site(tmp_path)


def test_slow_sockets_keep_nobody_from_a_thread(site: Site) -> None:
    """How slow it gets is measured by benchmarks/slow_sockets.py; more than select() could look at."""
    with running(site, more=NO_WORK), attacked(site, 1100):
        times_s = honest(site, "beside", 20)
    assert times_s.count(None) == 0


@needs_program("nginx")
def test_a_rolling_update_fails_nobody(site: Site) -> None:
    """One of two services ends: everything sent meanwhile is acknowledged at the first try."""
    with production(site) as (front, services), riding(front) as told:
        wait_for(told, 3)
        services[0].terminate()
        assert services[0].wait(ANSWERS_WITHIN_S) == 0
        wait_for(told, 5)
    assert told.n_uncertain == 0
    assert (lost_uploads(site, told), lost_fixes(site, told)) == ([], [])


@needs_program("nginx")
def test_nginx_says_what_we_would_and_logs_nobody(site: Site) -> None:
    with production(site) as (front, services):
        status, said = ask(front, "POST", "/api/v1/traces", bytes(27_000_000))
        assert status == 413
        assert b'"too_large"' in said
        path = f"/ingest/osmand/{site.keys[0]}?lat=19.4326&lon=-99.1332&timestamp=1795000000"
        assert ask(front, "GET", path)[0] == 200
        for service in services:
            service.kill()
            service.wait()
        status, said = ask(front, "GET", path)
        assert status == 503
        assert b'"busy"' in said
    logged = "".join(one.read_text() for one in site.folder.glob("transitmap.*"))
    assert "/ingest" in logged
    assert not [secret for secret in (site.keys[0], "19.4", "99.1") if secret in logged]
