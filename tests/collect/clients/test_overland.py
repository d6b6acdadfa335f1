"""Overland's batches and those of its imitators, by their literal payloads."""

from __future__ import annotations

import copy
import math
from typing import Any

import pytest

from tests.collect.clients.messages import dropped, one, post, reply
from transitmap.collect.hear import hear

FEATURE: dict[str, Any] = {
    "type": "Feature",
    "geometry": {"type": "Point", "coordinates": [-122.030581, 37.3318]},
    "properties": {
        "timestamp": "2015-10-01T08:00:00-0700", "altitude": 0, "speed": 4, "course": 90,
        "horizontal_accuracy": 30, "vertical_accuracy": -1, "speed_accuracy": 0.5, "course_accuracy": -1,
        "motion": ["driving"], "battery_state": "unplugged", "battery_level": 0.8, "device_id": "",
        "wifi": "", "unique_id": "", "trip_id": "2015-10-01T14:55:00Z",
    },
}  # fmt: skip
TRIP = {
    "mode": "bus",
    "start": "2015-10-01T14:55:00Z",
    "distance": 1234.5,
    "start_location": {},
    "current_location": {},
}
BATCH = {"locations": [FEATURE], "current": {}, "trip": TRIP}


def feature(coordinates: object = None, **properties: object) -> dict[str, Any]:
    """The feature with other properties; None leaves one out."""
    made = copy.deepcopy(FEATURE)
    if coordinates is not None:
        made["geometry"]["coordinates"] = coordinates
    made["properties"] = {
        name: value for name, value in {**made["properties"], **properties}.items() if value is not None
    }
    return made


def batch(*features: object) -> dict[str, Any]:
    return {"locations": list(features)}


def test_a_batch_says_where_and_when_and_on_what() -> None:
    message = post("overland", BATCH)
    assert one(message) == (1443711600, 37.3318, -122.030581, 30, 4)
    heard = hear(message)
    assert heard.trip == ("2015-10-01T14:55:00Z",)
    assert heard.mode == {"2015-10-01T14:55:00Z": (1443711600, "bus")}
    assert reply(message) == {"result": "ok"}


@pytest.mark.parametrize(
    ("written", "time_s"),
    [
        ("2015-10-01T15:00:00Z", 1443711600),
        ("2026-01-01T06:00:00.000-06:00", 1767268800),
        ("2026-01-01T12:00:00+00:00", 1767268800),
        ("2021-07-21T08:06:34.444Z", 1626854794.444),
        (1795371330, 1795371330),
        (1795371330000, 1795371330),
    ],
)
def test_times_come_in_many_forms(written: object, time_s: float) -> None:
    heard = hear(post("overland", batch(feature(timestamp=written))))
    assert heard.fixes.time_s.tolist() == [time_s]
    assert heard.flagged == {}


def test_a_time_without_a_zone_is_universal_time_and_flagged() -> None:
    heard = hear(post("overland", batch(feature(timestamp="2014-06-04 09:10:11"), feature())))
    assert heard.fixes.time_s.tolist() == [1401873011, 1443711600]
    assert heard.flagged == {"assumed_utc": 1}


def test_negative_values_are_unknown() -> None:
    values = one(post("overland", batch(feature(horizontal_accuracy=-1, speed=-1))))
    assert all(math.isnan(value) for value in values[3:])


def test_three_bad_of_two_hundred_cost_three() -> None:
    good = [feature([-122 + i * 1e-4, 37.3], timestamp=1443711600 + i) for i in range(197)]
    bad = [feature(["x", 1]), feature([0, 91]), feature(timestamp="soon")]
    message = post("overland", batch(*good[:100], *bad, *good[100:]))
    heard = hear(message)
    assert len(heard.fixes) == 197
    assert heard.dropped == {"no_position": 1, "out_of_range": 1, "bad_time": 1}
    assert reply(message) == {"result": "ok", "rejected": 3}


def test_events_of_the_app_are_no_fixes_and_no_faults() -> None:
    started = {
        "type": "Feature",
        "properties": {"action": "did_enter_background", "timestamp": "2015-10-01T15:00:00Z"},
    }
    visit = feature(action="visit", arrival_date="2015-10-01T15:00:00Z", departure_date=None)
    ended = feature(type="trip", mode="bus", start="2015-10-01T14:55:00Z", end="2015-10-01T15:00:00Z")
    message = post("overland", batch(started, visit, ended, feature()))
    assert hear(message).dropped == {"event": 3}
    assert len(hear(message).fixes) == 1
    assert reply(message) == {"result": "ok"}


def test_current_is_one_of_another_batch() -> None:
    assert len(hear(post("overland", {**BATCH, "current": FEATURE})).fixes) == 1


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("", "empty"),
        ("not json", "bad_json"),
        ('{"locations":[NaN]}', "bad_json"),
        ("[" * 100_000, "bad_json"),
        ("{}", "not_a_location"),
        ("[]", "not_a_location"),
        ('{"locations":7}', "not_a_location"),
    ],
)
def test_what_is_no_batch_does_not_come_back(body: str, reason: str) -> None:
    message = post("overland", body)
    assert dropped(message) == {reason: 1}
    assert reply(message) == {"result": "ok"}


@pytest.mark.parametrize(
    "odd", [None, 7, "x", [], {}, {"geometry": 3, "properties": 4}, {"geometry": {"coordinates": [1]}}]
)
def test_an_odd_feature_costs_only_itself(odd: object) -> None:
    heard = hear(post("overland", batch(FEATURE, odd, FEATURE)))
    assert (len(heard.fixes), heard.dropped) == (2, {"no_position": 1})


def test_odd_members_are_passed_over() -> None:
    odd = feature(trip_id=["x"], speed={"a": 1}, horizontal_accuracy="30", motion=7)
    assert one(post("overland", {**batch(odd), "trip": [1], "current": "x"}))[:4] == (
        1443711600, 37.3318, -122.030581, 30,
    )  # fmt: skip


def test_an_empty_batch_is_fine() -> None:
    message = post("overland", batch())
    assert (dropped(message), reply(message)) == ({}, {"result": "ok"})


def test_colota_names_its_device_outside() -> None:
    properties = {
        "timestamp": "2026-11-22T18:15:30Z", "horizontal_accuracy": 12, "altitude": 519, "speed": 8.5,
        "course": 180.5, "battery_level": 0.85, "battery_state": "charging",
    }  # fmt: skip
    told = {"type": "Feature", "geometry": FEATURE["geometry"], "properties": properties}
    message = post("overland", {"locations": [told], "device_id": "colota", "mine": "x"})
    assert one(message) == (1795371330, 37.3318, -122.030581, 12, 8.5)
    for name in ("speed", "altitude", "course"):
        del properties[name]
    assert dropped(
        post("overland", {"locations": [{**told, "properties": {**properties, "horizontal_accuracy": 0}}]})
    ) == {"anchor": 1}


def test_gpslogger_sends_it_to_dawarichs_address() -> None:
    told = feature(
        timestamp="2026-01-01T06:00:00.000-06:00", speed=4.5, activity="unknown", desired_accuracy=0,
        deffered=0, significant_change="unknown", wifi="unknown", trip_id=None,
    )  # fmt: skip
    assert one(
        post(
            "overland",
            batch(
                told,
            ),
        )
    )[::4] == (1767268800, 4.5)


def test_no_app_sends_so_many_and_none_is_read() -> None:
    heard = hear(post("overland", batch(*[{}] * 5_001)))
    assert (heard.n_told, heard.dropped) == (5_001, {"too_many": 5_001})
