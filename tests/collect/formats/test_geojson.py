"""GeoJSON with times: lines, points, parallel arrays; what has no times or another datum is refused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.collect.made_up import CONFIG, START_S
from transitmap.collect.formats.geojson import is_geojson, read_geojson
from transitmap.config import CollectConfig
from transitmap.errors import UploadRefused
from transitmap.model import Ride

PLACES = [[-99.1, 19.4], [-99.1, 19.4001]]
TIMES = ["2026-03-02T10:00:00Z", "2026-03-02T10:00:05Z"]
EXPECTED = [(START_S, 19.4, -99.1), (START_S + 5, 19.4001, -99.1)]


def feature(kind: str, coordinates: Any, **properties: Any) -> dict[str, Any]:
    return {
        "type": "Feature",
        "geometry": {"type": kind, "coordinates": coordinates},
        "properties": properties,
    }


def collection(*features: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": list(features), **more}


def point(second: int, **more: Any) -> dict[str, Any]:
    """As GPSLogger writes it."""
    ms = round((START_S + second) * 1000)
    told = {"time": f"2026-03-02T10:00:{second % 60:02}.000Z", "provider": "gps", "time_long": ms, **more}
    return feature("Point", [-99.1, 19.4], **told)


def read(document: Any, config: CollectConfig = CONFIG) -> list[Ride]:
    assert is_geojson(document)
    return read_geojson("ride.geojson", document, config)


def refusal(document: Any, config: CollectConfig = CONFIG) -> UploadRefused:
    with pytest.raises(UploadRefused) as caught:
        read(document, config)
    return caught.value


def rows(ride: Ride) -> list[tuple[float, float, float]]:
    columns = (ride.fixes.time_s, ride.fixes.lat_deg, ride.fixes.lon_deg)
    return list(zip(*(column.tolist() for column in columns), strict=True))


@pytest.mark.parametrize(
    "document",
    [
        feature("LineString", PLACES, coordTimes=TIMES),
        feature("LineString", PLACES, coordinateProperties={"times": TIMES, "heart": [1, 2]}),
        feature("LineString", PLACES, coordTimes=[round(START_S), str(round(START_S + 5))]),
        feature("LineString", [[*place, 2240.0] for place in PLACES], coordTimes=TIMES),
        feature("LineString", [[*place, 2240.0, 7.0] for place in PLACES], coordTimes=TIMES),
        feature("LineString", [[str(value) for value in place] for place in PLACES], coordTimes=TIMES),
        feature("MultiLineString", [[place] for place in PLACES], coordTimes=[[time] for time in TIMES]),
        feature("MultiLineString", [PLACES], coordinateProperties={"times": [TIMES]}),
        feature("MultiPoint", PLACES, time=TIMES, accuracy=[5, 0]),
        collection(*(feature("Point", place, time=time) for place, time in zip(PLACES, TIMES, strict=True))),
        collection(
            *(feature("Point", place, timestamp=time) for place, time in zip(PLACES, TIMES, strict=True)),
            feature("LineString", PLACES),
        ),
        {"locations": [feature("Point", place, timestamp=t) for place, t in zip(PLACES, TIMES, strict=True)]},
    ],
    ids=[
        *("coordTimes", "coordinateProperties", "numbers", "3-D", "4-D", "texts", "parts", "one part"),
        *("Colota before 2026", "points", "points and their line", "Overland"),
    ],
)
def test_lines_and_points_with_times(document: dict[str, Any]) -> None:
    (ride,) = read(document)
    assert rows(ride) == EXPECTED
    assert (ride.dropped, ride.warnings) == ({}, ())


def test_what_gpslogger_writes() -> None:
    (ride,) = read(
        collection(point(0, accuracy=5.0, speed=8.5), point(5, description="parada", accuracy=0.0))
    )
    assert ride.fixes.time_s.tolist() == [START_S, START_S + 5]
    assert str(ride.fixes.accuracy_m.tolist()) == "[5.0, nan]"
    assert (ride.taps.name, ride.taps.time_s.tolist()) == (("parada",), [START_S + 5])


def test_what_colota_writes_of_trips() -> None:
    trips = [point(second, trip=trip, note=None) for second, trip in ((0, 1), (5, 1), (9, 2))]
    assert [len(ride.fixes) for ride in read(collection(*trips))] == [2, 1]


def test_notes_of_a_parallel_array_are_taps() -> None:
    (ride,) = read(feature("MultiPoint", PLACES, time=TIMES, note=["", "parada"]))
    assert ride.taps.name == ("parada",)
    assert ride.taps.lat_deg.tolist() == [19.4001]


def test_each_line_is_a_ride_with_its_name() -> None:
    later = ["2026-03-02T11:00:00Z", "2026-03-02T11:00:05Z"]
    lines = (
        feature("LineString", PLACES, coordTimes=TIMES, name="  Ruta  1 ", type="Bus"),
        feature("LineString", PLACES, coordTimes=later),
    )
    assert [(ride.ride_id, ride.label, ride.declared_mode) for ride in read(collection(*lines))] == [
        ("ride.geojson", "Ruta 1", "bus"),
        ("ride.geojson#2", "", ""),
    ]


def test_positions_that_are_none_are_dropped_and_counted() -> None:
    bad = (
        *(feature("Point", place, time=TIMES[0]) for place in ([], [1], None, "x", {}, [None, None])),
        *(feature("Point", place, time=TIMES[0]) for place in (["a", "b"], [True, False], [[1], [2]])),
        {"type": "Feature", "geometry": None, "properties": None},
        feature("Polygon", [[PLACES]], time=TIMES[0]),
    )
    (ride,) = read(collection(point(0), *bad, point(5)))
    assert len(ride.fixes) == 2
    assert ride.dropped == {"no_position": 6, "bad_number": 3}


@pytest.mark.parametrize(
    "name",
    [
        *("urn:ogc:def:crs:OGC:1.3:CRS84", "urn:ogc:def:crs:EPSG::4326", "EPSG:4326", "WGS84", "WGS 84"),
        "http://www.opengis.net/def/crs/OGC/1.3/CRS84",
    ],
)
def test_the_datum_of_gps_may_be_named(name: str) -> None:
    crs = {"type": "name", "properties": {"name": name}}
    assert len(read(collection(feature("LineString", PLACES, coordTimes=TIMES), crs=crs))) == 1


@pytest.mark.parametrize(
    "crs",
    [
        {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32614"}},
        {"type": "name", "properties": {"name": "EPSG:14326"}},
        {"type": "EPSG", "properties": {"code": 6372}},
        {"type": "link", "properties": {"href": "http://example.com/crs/42"}},
        "EPSG:3857",
        {},
    ],
)
def test_any_other_datum_is_refused(crs: object) -> None:
    assert (
        refusal(collection(feature("LineString", PLACES, coordTimes=TIMES), crs=crs)).reason
        == "unsupported_crs"
    )


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (feature("LineString", PLACES), "no_timestamps"),
        (feature("LineString", PLACES, coordTimes=TIMES[:1]), "no_timestamps"),
        (feature("LineString", PLACES, coordTimes=[]), "no_timestamps"),
        (feature("LineString", PLACES, coordTimes="x"), "no_timestamps"),
        ({"type": "LineString", "coordinates": PLACES}, "no_timestamps"),
        (
            {"type": "GeometryCollection", "geometries": [{"type": "Point", "coordinates": [1, 2]}]},
            "no_timestamps",
        ),
        (collection(feature("Point", [-99.1, 19.4], name="home", date="")), "no_timestamps"),
        (collection(), "no_track_points"),
        (collection(feature("Polygon", [[PLACES]], coordTimes=TIMES)), "no_track_points"),
        ({"type": "FeatureCollection", "features": {"type": "Feature"}}, "no_track_points"),
    ],
)
def test_what_has_no_times_or_no_positions_is_refused(document: dict[str, Any], reason: str) -> None:
    assert refusal(document).reason == reason


def test_the_first_fix_too_many_ends_the_reading() -> None:
    config = CollectConfig(max_fixes=2)
    assert len(read(collection(point(0), point(5)), config)) == 1
    assert refusal(collection(point(0), point(5), point(9)), config).reason == "too_many_points"
    line = feature("LineString", [*PLACES, PLACES[0]], coordTimes=[*TIMES, TIMES[0]])
    assert refusal(line, config).reason == "too_many_points"


@pytest.mark.parametrize(
    "document", [[], {}, {"type": "Topology"}, {"locations": [{"lat": 1}]}, "Feature", None]
)
def test_other_json_is_not_geojson(document: object) -> None:
    assert not is_geojson(document)
