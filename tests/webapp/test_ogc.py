"""OGC API - Features: what the standard asks, and GDAL's own client on the running service."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.webapp.city import publish
from tests.webapp.conftest import serving

ITEMS = "/ogc/collections/stops/items"
GDAL = """
import json, sys
import pyogrio
url = "OAPIF:" + sys.argv[1]
info = {"layers": sorted(name for name, _ in pyogrio.list_layers(url).tolist())}
stops = pyogrio.raw.read(url, layer="stops", PAGE_SIZE=3)
box = tuple(map(float, sys.argv[2].split(",")))
inside = pyogrio.raw.read(url, layer="stops", bbox=box)
lines = pyogrio.raw.read(url, layer="routes")
info |= {
    "ids": sorted(stops[3][stops[0]["fields"].tolist().index("stop_id")].tolist()),
    "inside": sorted(inside[3][inside[0]["fields"].tolist().index("stop_id")].tolist()),
    "kinds": [stops[0]["geometry_type"], lines[0]["geometry_type"]],
    "n_rides": stops[3][stops[0]["fields"].tolist().index("n_rides")].tolist(),
}
print(json.dumps(info))
"""


@pytest.fixture
def published(app):
    publish(app)


def links(body):
    return {one["rel"]: one["href"] for one in body["links"]}


def test_the_landing_page_leads_everywhere(published, client):
    told = links(client.get("/ogc/").json)
    assert set(told) == {"self", "service-desc", "conformance", "data"}
    for address in told.values():
        assert client.get(address).status_code == 200
    classes = client.get(told["conformance"]).json["conformsTo"]
    assert "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core" in classes
    assert client.get(told["service-desc"]).content_type == "application/vnd.oai.openapi+json;version=3.0"


def test_collections_say_where_they_are_and_under_which_licence(published, client):
    told = {one["id"]: one for one in client.get("/ogc/collections").json["collections"]}
    assert {"stops", "routes", "patterns", "evidence"} <= set(told)
    (west, south, east, north) = told["stops"]["extent"]["spatial"]["bbox"][0]
    assert -97 < west < east < -96
    assert 19 < south < north < 20
    assert links(told["stops"])["license"].startswith("https://opendatacommons.org/")
    assert client.get("/ogc/collections/stops").json == told["stops"]


def test_pages_hold_every_feature_once(published, client):
    ids, address = [], f"{ITEMS}?limit=3"
    while address:
        body = client.get(address).json
        assert body["numberReturned"] == len(body["features"]) <= 3
        ids += [one["id"] for one in body["features"]]
        address = links(body).get("next")
    assert len(set(ids)) == len(ids) == body["numberMatched"]
    assert len(ids) >= 14


def test_a_box_holds_what_lies_in_it(published, client):
    body = client.get(f"{ITEMS}?bbox=-96.921,19.529,-96.919,19.531").json
    assert {one["id"] for one in body["features"] if one["properties"]["location_type"] == 0} == {"S1", "S10"}
    three_d = client.get(f"{ITEMS}?bbox=-96.921,19.529,0,-96.919,19.531,9000").json
    assert three_d["numberMatched"] == body["numberMatched"]
    around = client.get(f"{ITEMS}?bbox=170,-90,-170,90").json
    assert around["numberMatched"] == 0
    across = client.get(f"{ITEMS}?bbox=-97,-90,-170,90").json  # eastwards, over the antimeridian
    assert across["numberMatched"] == client.get(ITEMS).json["numberMatched"]


@pytest.mark.parametrize(
    "query",
    [
        "bbox=1,2,3",
        "bbox=a,b,c,d",
        "bbox=0,5,1,2",
        "bbox=nan,0,1,1",
        "limit=0",
        "limit=x",
        "offset=-1",
        "colour=red",
    ],
)
def test_a_question_that_makes_no_sense_is_told(published, client, query):
    answer = client.get(f"{ITEMS}?{query}")
    assert answer.status_code == 400
    assert answer.mimetype == "application/problem+json"
    assert answer.json["detail"]


def test_one_feature_has_an_address(published, client):
    body = client.get(f"{ITEMS}/S1").json
    assert (body["id"], body["properties"]["stop_name"]) == ("S1", "Mercado Jáuregui")
    assert body["properties"]["n_riders"] == 4
    assert client.get(f"{ITEMS}/S999").status_code == 404
    assert client.get("/ogc/collections/calls").status_code == 404
    assert client.get("/ogc/collections/nothing/items").status_code == 404


def test_evidence_is_a_collection_of_ways_between_calls(published, client):
    body = client.get("/ogc/collections/evidence/items?limit=1000").json
    assert body["numberMatched"] == 13
    for one in body["features"]:
        assert one["geometry"]["type"] == "LineString"
        assert one["properties"]["n_riders"] >= 3
    way = client.get("/ogc/collections/evidence/items/P1%20S3%20S4")
    assert (way.status_code, way.json["properties"]["last_seen"]) == (200, "2026-11-20")


def test_other_sites_may_read_it_and_need_not_read_it_twice(published, client):
    answer = client.get(ITEMS)
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert client.get(ITEMS, headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304


def test_before_the_first_feed_there_is_nothing(client):
    assert client.get("/ogc/collections").json["collections"] == []
    assert client.get("/ogc/").status_code == 200


def test_gdal_reads_it_with_pages_and_a_box(published, app):
    with serving(app) as port:
        told = subprocess.run(
            [sys.executable, "-c", GDAL, f"http://127.0.0.1:{port}/ogc", "-96.921,19.529,-96.919,19.531"],
            capture_output=True,
            text=True,
            timeout=600,
            check=True,
        )
    info = json.loads(told.stdout)
    assert {"stops", "routes", "patterns", "evidence"} <= set(info["layers"])
    assert len(info["ids"]) == len(set(info["ids"])) >= 14  # PAGE_SIZE 3: five pages or more
    assert {"S1", "S10"} <= set(info["inside"]) <= {"S1", "S10", "TS1"}
    assert info["kinds"][0] == "Point"
    assert info["kinds"][1] == "MultiLineString"
    assert all(info["n_rides"][:3])
