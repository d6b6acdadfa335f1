"""OwnTracks and those who borrow its shape, by their literal payloads."""

from __future__ import annotations

import math
from typing import Any

import pytest

from tests.collect.clients.messages import JSON, dropped, get, one, post, reply
from transitmap.collect.hear import hear

LOCATION: dict[str, Any] = {
    "_type": "location", "lat": 48.85833, "lon": 2.29513, "tst": 1497349316, "acc": 5, "alt": 167, "vel": 61,
    "cog": 271, "vac": 21, "batt": 67, "bs": 1, "conn": "m", "t": "u", "tid": "JJ",
    "topic": "owntracks/jane/phone", "created_at": 1497349320, "m": 1, "motionactivities": ["automotive"],
    "_id": "5f1c",
}  # fmt: skip
COLOTA: dict[str, Any] = {
    "lat": 48.135124, "lon": 11.581981, "acc": 12, "alt": 519, "vel": 0, "batt": 85, "bs": 2,
    "tst": 1704067200, "bear": 180.5,
}  # fmt: skip
OVERLAND = (
    '{"_type":"location","lat":19.4326,"lon":-99.1332,"tst":817000000,"acc":8,"batt":80,'
    '"topic":"owntracks/jane/phone"}'
)


def test_a_location_says_where_and_when_and_claims_kilometres_an_hour() -> None:
    message = post("owntracks", LOCATION, **{"x-limit-u": "jane", "x-limit-d": "phone"})
    time_s, lat_deg, lon_deg, accuracy_m, claimed_m_s = one(message)
    assert (time_s, lat_deg, lon_deg, accuracy_m) == (1497349316, 48.85833, 2.29513, 5)
    assert claimed_m_s == pytest.approx(16.94, abs=0.005)
    assert reply(message) == []


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ('{"_type":"lwt","tst":1}', "not_a_location"),
        ("", "empty"),
        (" \n", "empty"),
        ('{"_type":"status"}', "not_a_location"),
        ('{"_type":"waypoint","lat":1,"lon":2,"tst":1497349316}', "not_a_location"),
        ('{"_type":"transition","lat":1,"lon":2,"tst":1497349316,"event":"enter"}', "event"),
        ('{"_type":"encrypted","data":"AAAA"}', "encrypted"),
        ("not json", "bad_json"),
        ("[" * 100_000, "bad_json"),
        ('{"_type":"location","lat":NaN,"lon":2,"tst":1497349316}', "bad_json"),
        ('{"_type":"location","lat":1e999,"lon":2,"tst":1497349316}', "bad_json"),
        (r'{"_type":"location","poi":"\ud800"}', "bad_json"),
        ("null", "not_a_location"),
        ('"location"', "not_a_location"),
        ("{}", "not_a_location"),
        ('{"_type":"location"}', "no_position"),
        ('{"_type":"location","lat":999,"lon":2,"tst":1497349316}', "out_of_range"),
        ('{"_type":"location","lat":1,"lon":2}', "no_time"),
        ('{"_type":"location","lat":1,"lon":2,"tst":-5}', "bad_time"),
        ('{"_type":"location","lat":1,"lon":2,"tst":99999999999999}', "bad_time"),  # the year 5138
        ('{"_type":"location","lat":1,"lon":2,"tst":100000000000000000}', "bad_time"),  # or 3170843
        ('{"_type":"location","lat":1,"lon":2,"tst":"yesterday"}', "bad_time"),
        ('{"_type":"location","lat":true,"lon":2,"tst":1497349316}', "no_position"),
        ('{"_type":"location","lat":"1_0","lon":2,"tst":1497349316}', "no_position"),
        ('{"_type":"location","lat":[1],"lon":{},"tst":1497349316}', "no_position"),
    ],
)
def test_what_is_no_location_is_counted_and_never_stops_the_queue(body: str, reason: str) -> None:
    message = post("owntracks", body)
    assert dropped(message) == {reason: 1}
    assert reply(message) == []


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32", "cp037"])
def test_text_that_is_not_utf_8_is_no_json(encoding: str) -> None:
    message = post("owntracks", '{"_type":"location","tid":"ñ"}'.encode(encoding, "replace"))
    assert dropped(message) == {"bad_json": 1}
    assert reply(message) == []


@pytest.mark.parametrize(
    ("trigger", "reason"),
    [("p", "ping"), ("c", "region"), ("C", "region"), ("b", "region"), ("t", ""), ("v", "")],
)
def test_old_positions_told_anew_are_no_fixes(trigger: str, reason: str) -> None:
    assert hear(post("owntracks", {**LOCATION, "t": trigger})).dropped == ({reason: 1} if reason else {})


def test_what_the_phone_leaves_out_is_unknown_and_not_zero() -> None:
    bare = {name: LOCATION[name] for name in ("_type", "lat", "lon", "tst", "topic")}
    assert all(math.isnan(value) for value in one(post("owntracks", bare))[3:])


def test_a_place_that_the_rider_names_is_a_tap() -> None:
    heard = hear(post("owntracks", {**LOCATION, "poi": "parada  Hidalgo\x00", "image": "aGk="}))
    assert heard.taps.name == ("parada Hidalgo",)
    assert (heard.taps.time_s[0], heard.taps.lat_deg[0]) == (1497349316, 48.85833)


def test_colota_claims_metres_a_second_whatever_it_dresses_as() -> None:
    moving = {**COLOTA, "vel": 8.5}
    dressed = {"_type": "location", **moving, "tid": "AA"}
    assert one(post("owntracks", moving)) == (1704067200, 48.135124, 11.581981, 12, 8.5)
    assert one(post("owntracks", dressed))[4] == 8.5
    assert one(post("owntracks", {"_type": "location", **moving}))[4] == 8.5


def test_the_middle_of_a_zone_is_no_fix() -> None:
    anchor = {name: value for name, value in COLOTA.items() if name not in ("vel", "alt", "bear")}
    assert dropped(post("owntracks", {**anchor, "acc": 0})) == {"anchor": 1}
    assert dropped(post("owntracks", {**anchor, "acc": 0, "_type": "location", "tid": "AA"})) == {"anchor": 1}
    assert dropped(post("owntracks", {**anchor, "acc": 0, "alt": 519})) == {"anchor": 1}
    assert math.isnan(one(post("owntracks", {**anchor, "acc": 0, "vel": 3.0}))[3])


def test_phonetracks_own_json_writes_numbers_as_text() -> None:
    body = (
        '{"_type":"location","lat":"19.4326","lon":"-99.1332","acc":"5.0","alt":"2240.0","batt":"87",'
        '"tst":1795371330,"vel":30,"tid":"Pixel (PhoneTrack/Android)"}'
    )
    assert one(post("owntracks", body)) == (1795371330, 19.4326, -99.1332, 5, pytest.approx(30 / 3.6))


def test_overland_in_this_mode_counts_from_2001_and_waits_for_its_own_word() -> None:
    message = post("owntracks", OVERLAND, **{"authorization-kind": "plain"})
    assert one(message)[:4] == (1795307200, 19.4326, -99.1332, 8)
    assert reply(message) == {"result": "ok"}
    assert reply(post("owntracks", OVERLAND)) == {"result": "ok"}, "its times give it away too"
    assert reply(post("owntracks", "not json", **{"authorization-kind": "plain"})) == {"result": "ok"}


def test_a_position_may_come_in_the_url() -> None:
    assert one(get("owntracks", "lat=19.4326&lon=-99.1332&tst=1795371330&acc=5&vel=3"))[:4] == (
        1795371330, 19.4326, -99.1332, 5,
    )  # fmt: skip


def test_several_messages_may_come_as_one() -> None:
    heard = hear(post("owntracks", [LOCATION, {"_type": "lwt"}, {**LOCATION, "tst": 1497349317}, 7], JSON))
    assert heard.fixes.time_s.tolist() == [1497349316, 1497349317]
    assert heard.dropped == {"not_a_location": 2}
    assert heard.n_told == 4
