"""The map's data and the list beside it say the same."""

from __future__ import annotations

from html import unescape

from tests.webapp.city import publish

EVIDENCE = {"kind", "name", "n_rides", "n_riders", "n_days", "confidence"}
LINE = {"pattern_id", "route_id", "long_name", "direction_id", "headsign", "colour", "stop_ids"}
KEYS = {"pattern": EVIDENCE | LINE, "stop": EVIDENCE | {"stop_id", "heading_deg", "spread_m"}}


def test_empty_before_the_first_feed(client):
    assert client.get("/api/v1/network.geojson").json == {"type": "FeatureCollection", "features": []}
    assert "Todavía no hay rutas publicadas" in client.get("/network/").text


def test_geojson_holds_lines_and_points_and_no_more_than_it_should(app, client):
    publish(app)
    answer = client.get("/api/v1/network.geojson")
    assert answer.mimetype == "application/geo+json"
    for feature in answer.json["features"]:
        assert set(feature["properties"]) == KEYS[feature["properties"]["kind"]]
    kinds = [feature["geometry"]["type"] for feature in answer.json["features"]]
    assert (kinds.count("LineString"), kinds.count("Point")) == (4, 14)
    lon_deg, lat_deg = answer.json["features"][0]["geometry"]["coordinates"][0]
    assert (round(lon_deg, 2), round(lat_deg, 2)) == (-96.92, 19.53)
    again = client.get("/api/v1/network.geojson", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


def test_the_list_equals_the_map(app, client):
    publish(app)
    page = unescape(client.get("/network/").text)
    features = client.get("/api/v1/network.geojson").json["features"]
    assert len(features) == 18
    for feature in features:
        assert feature["properties"]["name"] in page


def test_a_route_says_its_stops_times_and_evidence(app, client):
    route_id = publish(app)
    page = unescape(client.get(f"/network/routes/{route_id}").text)
    for text in (
        "Mercado Jáuregui",
        "Central camionera",
        "40 viajes",
        "8 personas",
        "95 %",
        "06:00–09:00",
        "8 min",
    ):
        assert text in page, text
    assert client.get("/network/routes/R999").status_code == 404
