"""Google's timeline in its four shapes: sketches of rides by bus and rail, and nothing of homes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.collect.made_up import CONFIG, NOW_S
from transitmap.collect.formats.timeline import is_timeline, read_timeline
from transitmap.config import CollectConfig, Config
from transitmap.errors import UploadRefused
from transitmap.model import SPARSE, Ride
from transitmap.pipeline import collect_upload

TEN_S = 1772467200.0  # 2026-03-02T10:00:00-06:00
HOME, WORK = "19.3000000°, -99.2000000°", "19.5°, -99.0°"


def at(minute: int) -> str:
    return f"2026-03-02T{10 + minute // 60:02}:{minute % 60:02}:00.000-06:00"


def android(kind: str = "IN_BUS") -> dict[str, Any]:
    """A visit at home, the walk to the bus, the bus, the visit at work; paths of two hours each."""
    path = [{"point": f"19.{400 + minute}°, -99.1°", "time": at(minute)} for minute in range(0, 60, 6)]
    return {
        "semanticSegments": [
            {"startTime": at(0), "endTime": at(120), "timelinePath": path},
            {
                "startTime": at(0),
                "endTime": at(5),
                "visit": {"topCandidate": {"placeLocation": {"latLng": HOME}}},
            },
            journey(5, 10, "WALKING", {"latLng": HOME}, {"latLng": "19.409°, -99.1°"}),
            journey(10, 40, kind, {"latLng": "19.409°, -99.1°"}, {"latLng": "19.441°, -99.1°"}),
            {
                "startTime": at(40),
                "endTime": at(99),
                "visit": {"topCandidate": {"placeLocation": {"latLng": WORK}}},
            },
        ],
        "rawSignals": [
            {"position": signal(20, "19.4205°, -99.1°")},
            {"position": signal(50, WORK)},
            {"wifiScan": {"deliveryTime": at(21)}},
            {"activityRecord": {}},
        ],
        "userLocationProfile": {"frequentPlaces": [{"placeLocation": HOME, "label": "HOME"}]},
    }


def journey(first: int, last: int, kind: str, start: object, end: object) -> dict[str, Any]:
    activity = {"start": start, "end": end, "distanceMeters": 3000.0, "topCandidate": {"type": kind}}
    return {"startTime": at(first), "endTime": at(last), "activity": activity}


def signal(minute: int, place: str) -> dict[str, Any]:
    return {"LatLng": place, "accuracyMeters": 20, "source": "WIFI", "timestamp": at(minute)}


def iphone() -> list[dict[str, Any]]:
    path = [
        {"point": f"geo:19.{400 + minute},-99.1", "durationMinutesOffsetFromStartTime": str(minute)}
        for minute in range(0, 60, 6)
    ]
    return [
        {
            "startTime": at(0),
            "endTime": at(5),
            "visit": {"topCandidate": {"placeLocation": "geo:19.3,-99.2"}},
        },
        {"startTime": at(0), "endTime": at(120), "timelinePath": path},
        journey(10, 40, "in bus", "geo:19.409,-99.1,2240", "geo:19.441,-99.1"),
    ]


def takeout(kind: str = "IN_BUS") -> dict[str, Any]:
    ends = [
        {"latitudeE7": 194090000, "longitudeE7": -991000000},
        {"latitudeE7": 194410000, "longitudeE7": -991000000},
    ]
    raw = [{"latE7": 194200000, "lngE7": -991000000, "accuracyMeters": 20, "timestamp": at(20)}]
    segment = {
        "startLocation": ends[0],
        "endLocation": ends[1],
        "duration": {"startTimestamp": at(10), "endTimestamp": at(40)},
        "activityType": kind,
        "waypointPath": {"waypoints": [{"latE7": 194300000, "lngE7": -991000000}]},
        "simplifiedRawPath": {"points": raw},
    }
    visit = {"location": {"latitudeE7": 193000000, "longitudeE7": -992000000}}
    return {"timelineObjects": [{"placeVisit": visit}, {"activitySegment": segment}]}


def read(document: Any, config: CollectConfig = CONFIG) -> list[Ride]:
    assert is_timeline(document)
    return read_timeline("Timeline.json", document, config)


def refusal(document: Any, config: CollectConfig = CONFIG) -> UploadRefused:
    with pytest.raises(UploadRefused) as caught:
        read(document, config)
    return caught.value


def minutes(ride: Ride) -> list[float]:
    return [(time_s - TEN_S) / 60 for time_s in ride.fixes.time_s.tolist()]


@pytest.mark.parametrize(
    ("document", "at_minutes"),
    [
        (android(), [10, 12, 18, 20, 24, 30, 36, 40]),
        (iphone(), [10, 12, 18, 24, 30, 36, 40]),
        (takeout(), [10, 20, 40]),
    ],
    ids=["Android", "iPhone", "Takeout"],
)
def test_a_journey_by_bus_has_the_points_of_its_time(document: Any, at_minutes: list[float]) -> None:
    (ride,) = read(document)
    assert minutes(ride) == at_minutes
    assert (ride.fixes.lat_deg[0], ride.fixes.lat_deg[-1]) == (19.409, 19.441)
    assert set(ride.fixes.lon_deg.tolist()) == {-99.1}
    assert (ride.declared_mode, ride.dropped) == ("bus", {})
    assert ride.flagged == {SPARSE: len(ride.fixes)}
    assert ride.warnings == (SPARSE,)


@pytest.mark.parametrize("document", [android(), iphone(), takeout()], ids=["Android", "iPhone", "Takeout"])
def test_nothing_of_homes_and_places_of_work_is_read(document: Any) -> None:
    (ride,) = read(document)
    assert 19.4 < ride.fixes.lat_deg.min() <= ride.fixes.lat_deg.max() < 19.45


@pytest.mark.parametrize(
    ("kind", "mode"),
    [("IN_SUBWAY", "metro"), ("IN_TRAIN", "train"), ("in tram", "tram"), ("IN_FERRY", "ferry")],
)
def test_the_ways_that_google_tells_apart(kind: str, mode: str) -> None:
    assert read(android(kind))[0].declared_mode == mode


@pytest.mark.parametrize(
    "kind", ["IN_PASSENGER_VEHICLE", "WALKING", "CYCLING", "UNKNOWN_ACTIVITY_TYPE", "", None, 7]
)
def test_a_file_without_a_ride_is_refused(kind: Any) -> None:
    assert refusal(android(kind)).reason == "no_transit_rides"
    assert refusal(takeout(kind)).reason == "no_transit_rides"


def test_a_file_of_visits_alone_is_refused() -> None:
    assert refusal(iphone()[:1]).reason == "no_transit_rides"
    assert refusal({"timelineObjects": []}).reason == "no_track_points"


def test_each_journey_is_a_ride() -> None:
    document = android()
    document["semanticSegments"].append(journey(70, 80, "IN_SUBWAY", {"latLng": WORK}, {"latLng": WORK}))
    assert [(ride.ride_id, ride.declared_mode, len(ride.fixes)) for ride in read(document)] == [
        ("Timeline.json", "bus", 8),
        ("Timeline.json#2", "metro", 2),
    ]


def test_old_positions_are_cut_at_silences() -> None:
    where = {"latitudeE7": 194300000, "longitudeE7": -991300000, "accuracy": 20}
    wrapped = {"latitudeE7": 194400000, "longitudeE7": -991300000 + 2**32}
    records = [
        {**where, "timestampMs": "1772445600000"},
        {**wrapped, "timestamp": "2026-03-02T10:03:00Z"},
        {"timestamp": "2026-03-02T10:04:00Z", "activity": []},
        {**where, "timestamp": "2026-03-02T11:00:00.123Z"},
    ]
    rides = read({"locations": records})
    assert [len(ride.fixes) for ride in rides] == [2, 1]
    assert rides[0].fixes.lat_deg.tolist() == [19.43, 19.44]
    assert rides[0].fixes.lon_deg.tolist() == [-99.13, -99.13]
    assert str(rides[0].fixes.accuracy_m.tolist()) == "[20.0, nan]"
    assert rides[0].dropped == {"no_position": 1}
    assert all(ride.flagged == {SPARSE: len(ride.fixes)} for ride in rides)


def test_raw_signals_alone_are_read_as_they_are() -> None:
    (ride,) = read({"rawSignals": [{"position": signal(minute, "19.4°, -99.1°")} for minute in (1, 3)]})
    assert (minutes(ride), ride.fixes.accuracy_m.tolist()) == ([1, 3], [20, 20])


def test_odd_places_are_dropped_and_counted() -> None:
    document = iphone()
    document[1]["timelinePath"] += [
        {"point": "here", "time": at(15)},
        {"point": None, "time": at(16)},
        {"time": at(17)},
        {"point": "geo:19.4", "time": at(19)},
        {"point": "geo:19.4,-99.1", "durationMinutesOffsetFromStartTime": "soon"},
        {"point": "geo:1e5,-99.1", "time": at(21)},
        7,
    ]
    (ride,) = read(document)
    assert len(ride.fixes) == 7
    assert ride.dropped == {"bad_number": 3, "no_position": 2}


def test_the_first_fix_too_many_ends_the_reading() -> None:
    assert refusal(android(), CollectConfig(max_fixes=9)).reason == "too_many_points"
    assert (
        refusal({"locations": [{"latitudeE7": 1}] * 3}, CollectConfig(max_fixes=2)).reason
        == "too_many_points"
    )


@pytest.mark.parametrize(
    "document", [[], {}, [1], [{"startTime": "x"}], {"locations": []}, {"locations": [{"lat": 1}]}, "x", None]
)
def test_other_json_is_no_timeline(document: object) -> None:
    assert not is_timeline(document)


def test_a_journey_is_one_ride_however_few_its_points() -> None:
    document = android()
    document["semanticSegments"] = [
        journey(10, 70, "IN_BUS", {"latLng": "19.4°, -99.1°"}, {"latLng": "19.5°, -99.1°"})
    ]
    document["rawSignals"] = []
    (ride,) = collect_upload("Timeline.json", json.dumps(document).encode(), Config(), NOW_S)
    assert (minutes(ride), ride.flagged) == ([10, 70], {SPARSE: 2})
