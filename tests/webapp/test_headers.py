"""Headers of every answer, static files, settings and what a fault says."""

from __future__ import annotations

import gzip
import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from transitmap.errors import ConfigError
from webapp import api, create_app, errors
from webapp.settings import keep_secret, settings_from_environment

PAGES = ("/", "/traces/", "/network/", "/api/v1/standings", "/static/style.css", "/nowhere")


@pytest.mark.parametrize("path", PAGES)
def test_security_headers_are_everywhere(client, path):
    headers = client.get(path).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"


def test_pages_are_not_kept_by_caches_and_files_are(client):
    assert client.get("/").headers["Cache-Control"] == "no-store"
    answer = client.get("/static/style.css", headers={"Accept-Encoding": "gzip"})
    assert "max-age" in answer.headers["Cache-Control"]
    assert gzip.decompress(answer.data) == client.get("/static/style.css").data
    again = client.get(
        "/static/style.css", headers={"Accept-Encoding": "gzip", "If-None-Match": answer.headers["ETag"]}
    )
    assert again.status_code == 304


def test_modules_are_served_as_javascript(client):
    for name in ("vendor/maplibre-gl.mjs", "vendor/maplibre-gl-worker.mjs", "map.js"):
        assert client.get(f"/static/{name}").mimetype == "text/javascript"


@pytest.mark.parametrize("name", ["../settings.py", "..%2fsettings.py", "vendor/", "nothing.js"])
def test_nothing_but_static_files_is_served(client, name):
    assert client.get(f"/static/{name}").status_code == 404


def test_a_fault_is_told_without_its_inside(app, client, monkeypatch, caplog):
    def broken(*_):
        raise RuntimeError("secret of Coyote at 19.5")

    monkeypatch.setattr(api, "worker_state", broken)
    answer = client.get("/health")
    assert (answer.status_code, answer.json["code"]) == (500, "fault")
    assert "Coyote" not in answer.text + caplog.text
    assert "RuntimeError" in caplog.text


def test_a_fault_in_answering_is_logged_without_the_path(app, client, monkeypatch, caplog):
    def broken(*_, **more):
        monkeypatch.undo()
        raise RuntimeError("secret of Coyote at 19.5")

    monkeypatch.setattr(errors, "answer", broken)
    answer = client.get("/nowhere/key-of-coyote")
    assert answer.status_code == 500
    assert "no answer to a fault: RuntimeError" in caplog.text
    assert "coyote" not in caplog.text.casefold()


def test_only_the_names_of_the_service_are_answered(settings):
    app = create_app(replace(settings, hosts=("mapa.example", ".rutas.example")))
    client = app.test_client()
    for host, status in (("mapa.example", 200), ("www.rutas.example", 200), ("evil.example", 400)):
        assert client.get("/help/", base_url=f"https://{host}").status_code == status, host
    app.extensions["transitmap_engine"].dispose()


def test_the_secret_is_made_once_and_only_ours_to_read(tmp_path):
    path = tmp_path / "var" / "secret"
    first = keep_secret(path)
    assert keep_secret(path) == first
    assert len(first) >= 43
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in path.parent.iterdir()] == ["secret"]


def test_a_secret_that_a_power_cut_emptied_is_made_anew(tmp_path):
    path = tmp_path / "secret"
    path.touch()
    made = keep_secret(path)
    assert len(made) >= 43
    assert keep_secret(path) == made


def test_workers_that_start_at_once_share_one_secret(tmp_path):
    with ThreadPoolExecutor(8) as workers:
        assert len(set(workers.map(keep_secret, [tmp_path / "secret"] * 8))) == 1


def test_settings_come_from_the_environment(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "campaign.toml").write_text("[feed]\nmin_riders = 2\n")
    made = settings_from_environment(
        {"TRANSITMAP_DATABASE_URL": "sqlite:///x.sqlite", "TRANSITMAP_CONFIG": "campaign.toml"}
    )
    assert made.database_url == "sqlite:///x.sqlite"
    assert made.config.feed.min_riders == 2
    assert made.secret_key not in repr(made)
    with pytest.raises(ConfigError):
        settings_from_environment({"TRANSITMAP_PROXIES": "-1"})


def test_the_openapi_document_names_the_routes(client):
    document = client.get("/api/v1/openapi.json").json
    assert {"/api/v1/traces", "/api/v1/standings", "/api/v1/network.geojson", "/health"} <= set(
        document["paths"]
    )
    assert set(document["paths"]["/api/v1/traces"]["post"]["responses"]) >= {
        "201",
        "401",
        "413",
        "415",
        "422",
    }
