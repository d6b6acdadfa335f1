"""Every format is opened by a reader that is not ours, holds what the feed says and repeats its bytes."""

import csv
import io
import json
import sqlite3
import subprocess
import sys
import zipfile
from xml.etree import ElementTree as ET

import geopandas
import gpxpy
import osmium
import pyogrio
import pytest

from tests.gtfs.small_city import small_feed
from transitmap.gtfs.export import FORMATS, ExportRefused, export_feed, format_of

LICENCE = "https://opendatacommons.org/licenses/odbl/1-0/"
CONTRIBUTORS = "Personas que grabaron sus viajes"
METRE_DEG = 1e-5


@pytest.fixture(scope="module")
def exported(tables, evidence):
    def of(kind, layer=""):
        return export_feed(tables, kind, evidence, layer)

    return of


def osm_of(body, tmp_path):
    """What osmium reads of a body."""
    (tmp_path / "export.osm").write_bytes(body)
    found = Osm()
    found.apply_file(str(tmp_path / "export.osm"))
    return found


@pytest.fixture
def on_disk(exported, tmp_path):
    def of(kind, suffix, layer=""):
        path = tmp_path / f"export{suffix}"
        path.write_bytes(exported(kind, layer))
        return path

    return of


def test_geojson_is_read_by_gdal(on_disk, exported):
    features = geopandas.read_file(on_disk("geojson", ".geojson"))
    assert features["layer"].value_counts().to_dict() == {
        "stops": 16,
        "patterns": 4,
        "routes": 2,
        "evidence": 14,
    }
    stop = features[features["stop_id"] == "S1"].iloc[0]
    assert (stop.geometry.x, stop.geometry.y) == (stop["stop_lon"], stop["stop_lat"])
    assert features.id.is_unique
    said = json.loads(exported("geojson"))
    assert said["license"] == LICENCE and CONTRIBUTORS in said["attribution"]


def test_geojson_of_one_layer_holds_that_one(exported):
    features = json.loads(exported("geojson", "patterns"))["features"]
    assert {one["geometry"]["type"] for one in features} == {"LineString"}
    assert features[0]["properties"]["n_rides"] == 40


def test_csv_tables_say_what_their_columns_are(exported):
    with zipfile.ZipFile(io.BytesIO(exported("csv"))) as archive:
        package = json.loads(archive.read("datapackage.json"))
        assert LICENCE in archive.read("LICENCE.txt").decode()
        for resource in package["resources"]:
            rows = list(csv.reader(io.StringIO(archive.read(resource["path"]).decode(), newline="")))
            assert rows[0] == [field["name"] for field in resource["schema"]["fields"]]
            for field, values in zip(resource["schema"]["fields"], zip(*rows[1:], strict=True), strict=True):
                read = {"integer": int, "number": float, "string": str}[field["type"]]
                assert all(read(value) is not None for value in values if value), field
    assert package["licenses"] == [{"path": LICENCE}]
    assert [one["name"] for one in package["resources"]] == [
        "stops",
        "patterns",
        "routes",
        "calls",
        "headways",
        "evidence",
    ]


def test_no_cell_of_a_table_is_a_formula():
    tables = small_feed()
    tables["stops.txt"]["stop_name"][0] = "=HYPERLINK(1)"
    with zipfile.ZipFile(io.BytesIO(export_feed(tables, "csv"))) as archive:
        rows = list(csv.DictReader(io.StringIO(archive.read("stops.csv").decode())))
    assert rows[0]["stop_name"] == "'=HYPERLINK(1)"


def test_geopackage_is_read_by_gdal_and_sqlite(on_disk):
    path = on_disk("geopackage", ".gpkg")
    assert [tuple(one) for one in pyogrio.list_layers(path)] == [
        ("stops", "Point"),
        ("patterns", "LineString"),
        ("routes", "MultiLineString"),
        ("evidence", "LineString"),
        ("calls", None),
        ("headways", None),
    ]
    patterns = geopandas.read_file(path, layer="patterns")
    assert patterns.crs.to_epsg() == 4326
    assert patterns["n_rides"].tolist() == [40, 12, 30, 9]
    metres = patterns.to_crs(patterns.estimate_utm_crs()).length
    assert metres.tolist() == pytest.approx(patterns["length_m"].tolist(), rel=1e-3)
    headways = pyogrio.read_dataframe(path, layer="headways", read_geometry=False)
    assert headways["low_s"].isna().sum() == 1  # the one that the evidence leaves open
    with sqlite3.connect(path) as database:
        assert database.execute("pragma integrity_check").fetchone() == ("ok",)
        said = database.execute("select metadata from gpkg_metadata").fetchall()
    assert LICENCE in str(said) and CONTRIBUTORS in str(said)


@pytest.mark.parametrize(
    ("layer", "kind"), [("stops", "Point"), ("routes", "MultiLineString"), ("evidence", "LineString")]
)
def test_geoparquet_is_read_by_geopandas(on_disk, layer, kind):
    frame = geopandas.read_parquet(on_disk("geoparquet", ".parquet", layer))
    assert frame.crs.to_epsg() == 4326 or frame.crs.to_string() == "OGC:CRS84"
    assert set(frame.geom_type) == {kind}
    if layer == "stops":
        assert frame.geometry.x.tolist() == frame["stop_lon"].tolist()
        assert frame.geometry.y.tolist() == frame["stop_lat"].tolist()


def test_gpx_is_read_by_gpxpy_and_gdal(on_disk):
    path = on_disk("gpx", ".gpx")
    document = gpxpy.parse(path.read_text(encoding="utf-8"))
    assert (len(document.tracks), len(document.waypoints)) == (4, 16)
    assert document.copyright_license == LICENCE
    assert document.tracks[0].name == "12 hacia Central camionera"
    assert document.tracks[0].length_2d() == pytest.approx(3003, rel=5e-3)
    assert len(pyogrio.read_dataframe(path, layer="waypoints")) == 16


def test_kml_is_read_by_gdal(on_disk):
    path = on_disk("kml", ".kml")
    assert [one[0] for one in pyogrio.list_layers(path)] == ["stops", "patterns"]
    stops = geopandas.read_file(path, layer="stops")
    assert stops["Name"].iloc[0] == "Mercado Jáuregui" and stops["confidence"].iloc[0] == "0.9"
    text = path.read_text(encoding="utf-8")
    assert LICENCE in text and "ffb27200" in text  # blue, told as KML tells it


class Osm(osmium.SimpleHandler):
    """What osmium finds in a file."""

    def __init__(self):
        super().__init__()
        self.places, self.platforms, self.ways, self.relations = {}, {}, {}, {}

    def node(self, node):
        self.places[node.id] = (node.location.lat, node.location.lon)
        if len(node.tags):
            self.platforms[node.id] = dict(node.tags)

    def way(self, way):
        self.ways[way.id] = ([node.ref for node in way.nodes], dict(way.tags))

    def relation(self, relation):
        members = [(one.type, one.ref, one.role) for one in relation.members]
        self.relations[relation.id] = (dict(relation.tags), members)


def test_osm_is_read_by_osmium_and_can_never_be_uploaded(exported, tmp_path):
    body = exported("osm")
    assert ET.fromstring(body).attrib["upload"] == "never"
    found = osm_of(body, tmp_path)
    ids = [*found.places, *found.ways, *found.relations]
    assert max(ids) < 0 and len(set(ids)) == len(ids)
    assert len(found.platforms) == 14 and len(found.ways) == 4
    assert all(tags["public_transport"] == "platform" for tags in found.platforms.values())
    for nodes, tags in found.ways.values():
        assert set(nodes) <= set(found.places) and "highway" not in tags


def test_osm_routes_are_public_transport_version_two(exported, tmp_path):
    found = osm_of(exported("osm"), tmp_path)
    routes = {ref: one for ref, one in found.relations.items() if one[0]["type"] == "route"}
    masters = [one for one in found.relations.values() if one[0]["type"] == "route_master"]
    assert (len(routes), len(masters)) == (4, 2)
    tags, members = next(iter(routes.values()))
    assert [role for _, _, role in members] == ["platform"] * 4 + [""]
    assert tags["ref"] == "12" and tags["public_transport:version"] == "2"
    named = [tags["name"] for tags in found.platforms.values() if "name" in tags]
    assert set(named) == {"Central camionera", "Mercado Jáuregui", '"El Árbol", esquina'}
    assert tags["from"] == "Mercado Jáuregui" and tags["to"] == "Central camionera"
    # nobody knows the headway of the Saturday window: no interval
    assert tags["interval:conditional"] == "00:08:00 @ (Mo-Fr 06:00-09:00); 00:12:00 @ (Mo-Fr 09:00-22:00)"
    assert {ref for _, members in masters for _, ref, _ in members} == set(routes)
    tags = [one[0] for one in routes.values() if one[0]["gtfs:route_id"] == masters[1][0]["gtfs:route_id"]]
    assert tags[0]["interval"] == "00:15:00"


def test_osm_has_a_stop_area_a_station_and_no_platform_for_it(with_station, tmp_path):
    found = osm_of(export_feed(with_station, "osm"), tmp_path)
    areas = [one for one in found.relations.values() if one[0].get("public_transport") == "stop_area"]
    ((tags, members),) = areas
    assert tags["name"] == "Centro" and len(found.platforms) == 14
    assert [found.platforms[ref]["gtfs:stop_id"] for _, ref, _ in members] == ["S1", "S2"]


def test_the_same_feed_gives_the_same_bytes_in_another_process(tmp_path, exported, tables, evidence):
    (tmp_path / "in.json").write_text(json.dumps([tables, evidence]))
    code = (
        "import json, sys; from pathlib import Path; from transitmap.gtfs.export import export_feed\n"
        "tables, evidence = json.loads(Path('in.json').read_text())\n"
        "for kind in sys.argv[1:]:\n"
        "    layer = 'patterns' if kind == 'geoparquet' else ''\n"
        "    Path(kind).write_bytes(export_feed(tables, kind, evidence, layer))"
    )
    environment = {"PYTHONHASHSEED": "7", "PYTHONPATH": ":".join(sys.path), "TZ": "Asia/Tokyo"}
    subprocess.run([sys.executable, "-c", code, *FORMATS], cwd=tmp_path, env=environment, check=True)
    for kind in FORMATS:
        here = exported(kind, "patterns" if kind == "geoparquet" else "")
        assert (tmp_path / kind).read_bytes() == here, kind


def test_the_suffix_tells_the_format():
    assert format_of("x/City.GeoJSON") == "geojson"
    with pytest.raises(ExportRefused, match="shp"):
        format_of("city.shp")


@pytest.mark.parametrize(
    ("kind", "layer"), [("geoparquet", ""), ("shapefile", ""), ("gpx", "stops"), ("geojson", "trees")]
)
def test_what_cannot_be_exported_is_refused(tables, kind, layer):
    with pytest.raises(ExportRefused):
        export_feed(tables, kind, layer=layer)


@pytest.mark.parametrize("kind", ["csv", "geojson", "geopackage", "geoparquet"])
def test_a_feed_without_evidence_has_no_row_of_it(tables, kind, tmp_path):
    body = export_feed(tables, kind, layer="evidence" if kind == "geoparquet" else "")
    path = tmp_path / "export.gpkg"
    path.write_bytes(body)
    if kind == "geojson":
        assert "evidence" not in {one["properties"]["layer"] for one in json.loads(body)["features"]}
    if kind == "geopackage":
        assert len(pyogrio.read_dataframe(path, layer="evidence")) == 0
    if kind == "geoparquet":
        assert len(geopandas.read_parquet(path)) == 0
