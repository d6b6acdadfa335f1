"""OsmAnd, three Traccar Clients, Colota and Dawarich's app, by their literal requests."""

from __future__ import annotations

import math
from typing import Any

import pytest

from tests.collect.clients.messages import FORM, RECEIVED_S, dropped, get, one, post, reply
from transitmap.collect.hear import hear
from transitmap.model import Message

TRACCAR_9: dict[str, Any] = {
    "location": {
        "timestamp": "2025-06-15T13:45:12.862Z",
        "coords": {
            "latitude": 37.4219983, "longitude": -122.084, "accuracy": 5, "speed": 0, "heading": -1,
            "altitude": 5, "speed_accuracy": -1, "heading_accuracy": -1, "altitude_accuracy": -1,
            "ellipsoidal_altitude": 0, "floor": None,
        },
        "is_moving": False, "odometer": 0, "event": "motionchange", "age": 188,
        "battery": {"level": 1, "is_charging": False}, "activity": {"type": "in_vehicle", "confidence": 100},
        "mock": True, "uuid": "2FB04C65-99CF-42AB-8DD3-EBCB4B108BF8", "extras": {},
        "_": "&id=48241179&lat=37.42&lon=-122.08&",
    },
    "device_id": "48241179",
}  # fmt: skip
TRACCAR_10 = (
    '[{"id":"48241179","lat":19.4326,"lon":-99.1332,"timestamp":1795371330,"accuracy":5.0,"altitude":2240.0,'
    '"speed":16.5,"bearing":270.0,"batt":87.0,"charge":false}]'
)


def test_osmand_counts_in_milliseconds_and_calls_its_accuracy_hdop() -> None:
    message = get("osmand", "lat=60&lon=30&timestamp=1442068686579&speed=5.1&hdop=6.0")
    assert one(message) == (1442068686.579, 60, 30, 6, 5.1)
    assert reply(message) == b""
    recommended = (
        "lat=19.4326&lon=-99.1332&timestamp=1795371330123&hdop=4.5&altitude=2240.0&speed=8.5&batt=87"
    )
    assert one(get("osmand", recommended)) == (1795371330.123, 19.4326, -99.1332, 4.5, 8.5)


@pytest.mark.parametrize("version", ["query", "form", "both"])
def test_traccar_8_claims_knots(version: str) -> None:
    said = "id=123456&timestamp=1377177267&lat=60.0&lon=30.0&speed=10.0&bearing=0.0&altitude=0&accuracy=5"
    message = get("osmand", said) if version == "query" else post("osmand", said, FORM)
    if version == "both":
        message = Message("osmand", RECEIVED_S, "POST", "", said, {"content-type": FORM}, b"lat=1&lon=2")
    assert one(message) == (1377177267, 60, 30, 5, pytest.approx(5.144, abs=0.0005))
    assert reply(message) == b""


@pytest.mark.parametrize(
    ("written", "time_s", "flagged"),
    [
        ("1377177267", 1377177267, {}),
        ("1377177267000", 1377177267, {}),
        ("2013-08-22T13:14:27Z", 1377177267, {}),
        ("2013-08-22T13:14:27%2B00:00", 1377177267, {}),
        ("2013-08-22T07:14:27.000-06:00", 1377177267, {}),
        ("2013-08-22T15:14:27+02:00", 1377177267, {}),  # the plus of a query is a space
        ("2014-06-04+09:10:11", 1401873011, {"assumed_utc": 1}),
    ],
)
def test_a_time_in_any_of_its_forms(written: str, time_s: float, flagged: dict[str, int]) -> None:
    heard = hear(get("osmand", f"id=1&lat=60&lon=30&timestamp={written}"))
    assert (heard.fixes.time_s.tolist(), heard.flagged) == ([time_s], flagged)


def test_the_token_names_the_device_so_that_no_id_is_needed() -> None:
    assert one(
        get("osmand", "location=60.0,30.0&timestamp=1377177267&heading=3&valid=true&driverUniqueId=x")
    )[1:3] == (60, 30)


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("id=1&timestamp=1377177267&cell=334,20,1,2,-80&cell=334,20,1,3", "no_position"),
        ("id=1&lat=60&lon=30", "no_time"),
        ("id=1&lat=60&lon=30&timestamp=", "no_time"),
        ("id=1&lat=60&lon=30&timestamp=x", "bad_time"),
        ("id=1&lat=60&lon=30&timestamp=-5", "bad_time"),
        ("id=1&lat=nan&lon=inf&timestamp=1377177267", "no_position"),
        ("id=1&lat=%D9%A5&lon=30&timestamp=1377177267", "no_position"),
        ("id=1&lat=91&lon=30&timestamp=1377177267", "out_of_range"),
        ("id=1&lat=60&lon=30&timestamp=1377177267&valid=false", "no_fix"),
        ("id=colota&lat=60&lon=30&timestamp=1377177267&accuracy=0&batt=85&charge=2", "anchor"),
        ("id=1&notificationToken=x", "no_position"),
        ("", "empty"),
        ("&".join(f"a{i}=1" for i in range(300)), "bad_form"),
        ("\ud800=\ud800&lat=\udcff", "no_position"),
    ],
)
def test_what_is_no_position_is_counted(query: str, reason: str) -> None:
    message = get("osmand", query)
    assert dropped(message) == {reason: 1}
    assert reply(message) == b""


def test_traccar_9_claims_metres_a_second_and_tells_that_it_is_mocked() -> None:
    message = post("osmand", TRACCAR_9)
    assert one(message) == (1749995112.862, 37.4219983, -122.084, 5, 0)
    assert hear(message).is_mock.tolist() == [True]
    coords = {**TRACCAR_9["location"]["coords"], "speed": 18.67}
    said = {"location": {"timestamp": "2021-07-21T08:06:34.444Z", "coords": coords}, "device_id": "1"}
    assert one(post("osmand", said))[::4] == (1626854794.444, 18.67)
    assert hear(post("osmand", said)).is_mock.tolist() == [False]
    coords["speed"] = coords["accuracy"] = -1
    assert all(math.isnan(value) for value in one(post("osmand", said))[3:])


def test_traccar_9_may_send_no_place_or_an_old_one() -> None:
    location = TRACCAR_9["location"]
    assert dropped(post("osmand", {"location": {"timestamp": location["timestamp"]}})) == {"no_position": 1}
    assert dropped(post("osmand", {"location": {**location, "event": "heartbeat"}})) == {"heartbeat": 1}
    assert dropped(post("osmand", {"location": {**location, "coords": 7}})) == {"no_position": 1}


def test_traccar_10_claims_knots_as_a_form_and_as_an_array() -> None:
    assert one(post("osmand", TRACCAR_10)) == (
        1795371330,
        19.4326,
        -99.1332,
        5,
        pytest.approx(8.488, abs=0.0005),
    )
    form = (
        "id=48241179&lat=19.4326&lon=-99.1332&timestamp=1795371330&accuracy=5.0&altitude=2240.0&speed=16.5"
        "&bearing=270.0&batt=87.0&charge=false&battery_health=good&battery_voltage=4.1&battery_temp=31"
    )
    assert one(post("osmand", form, FORM)) == one(post("osmand", TRACCAR_10))
    assert one(post("osmand", TRACCAR_10[1:-1])) == one(post("osmand", TRACCAR_10))
    assert dropped(post("osmand", "id=1&notificationToken=x", FORM)) == {"no_position": 1}
    assert reply(post("osmand", "id=1&notificationToken=x", FORM)) == b""


def test_colota_claims_metres_a_second_here_too() -> None:
    said = (
        "id=colota&lat=48.135124&lon=11.581981&accuracy=12&altitude=519&speed=8.5&batt=85&charge=2"
        "&timestamp=1704067200&bearing=180.5"
    )
    assert one(get("osmand", said)) == (1704067200, 48.135124, 11.581981, 12, 8.5)
    coords = {"latitude": 48.135124, "longitude": 11.581981, "accuracy": 0}
    assert dropped(post("osmand", {"location": {"timestamp": 1704067200, "coords": coords}})) == {"anchor": 1}


def test_dawarichs_app_is_flat() -> None:
    location = {
        "latitude": 19.4326, "longitude": -99.1332, "timestamp": "2026-11-22T18:15:30Z", "altitude": 2240,
        "accuracy": 5, "speed": 8.5,
    }  # fmt: skip
    said = {"location": location, "battery": {"level": 0.8, "is_charging": False}, "device_id": "x"}
    assert one(post("osmand", said)) == (1795371330, 19.4326, -99.1332, 5, 8.5)


@pytest.mark.parametrize("body", ["[" * 100_000, '{"lat":NaN}', "{", '[{"lat":1}'])
def test_bad_json_is_counted(body: str) -> None:
    message = post("osmand", body)
    assert (dropped(message), reply(message)) == ({"bad_json": 1}, b"")


def test_many_of_an_array_are_read_one_by_one() -> None:
    heard = hear(
        post(
            "osmand",
            [
                {"lat": 1, "lon": 2, "timestamp": 1377177267},
                7,
                {"lat": "1.5", "lon": 2, "timestamp": "2013-08-22T13:14:28Z"},
            ],
        )
    )
    assert (heard.fixes.time_s.tolist(), heard.fixes.lat_deg.tolist()) == ([1377177267, 1377177268], [1, 1.5])
    assert heard.dropped == {"no_position": 1}
