"""The feed at its permanent address: what a trip planner's weekly pull needs."""

from __future__ import annotations

import io
import zipfile

import pytest

from tests.webapp.city import NOTICE, publish

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
    "name", ["network.geojson", "network.kml", "network.gpx", "network.osm", "network.zip"]
)
def test_the_feed_is_there_in_other_formats(app, client, name):
    publish(app)
    answer = client.get(f"/gtfs/export/{name}")
    assert answer.status_code == 200
    assert len(answer.data) > 500
    again = client.get(f"/gtfs/export/{name}", headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize("name", ["network.exe", "network", "network.parquet"])
def test_a_format_nobody_knows_is_not_there(app, client, name):
    publish(app)
    assert client.get(f"/gtfs/export/{name}").status_code == 404
