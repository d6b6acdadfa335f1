"""Whatever a phone sends: nothing raises, and each app is told what it waits for."""

from __future__ import annotations

import json
import os
import re
import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.collect.clients import (
    test_gpslogger,
    test_osmand,
    test_overland,
    test_owntracks,
    test_phonetrack,
    test_recorder,
    test_ulogger,
)
from tests.collect.clients.messages import FORM, JSON, RECEIVED_S, post
from transitmap.collect.hear import DIALECTS, answer, hear
from transitmap.model import Heard, Message

HEARD_WITHIN_S = 3.0
REPLIES = {
    "gpslogger": rb"",
    "locus": rb'\{"done":1\}',
    "osmand": rb"",
    "overland": rb'\{"result":"ok"(,"rejected":\d+)?\}',
    "owntracks": rb'\[\]|\{"result":"ok"\}',
    "phonetrack": rb'\{"done":1\}',
    "recorder": rb'\{"ack": \[.*\]\}',
    "ulogger": rb'\{"error":false,"trackid":1\}|',
}
BODIES = [
    json.dumps(said).encode()
    for said in (
        test_owntracks.LOCATION,
        test_owntracks.COLOTA,
        test_overland.BATCH,
        test_osmand.TRACCAR_9,
        json.loads(test_osmand.TRACCAR_10),
        json.loads(test_phonetrack.MANY),
        test_recorder.sent(test_recorder.point(), test_recorder.event("fare", "7.50")),
    )
]
QUERIES = [
    test_gpslogger.ALL,
    test_gpslogger.OPENGTS,
    test_phonetrack.ONE,
    test_ulogger.form(**test_ulogger.POSITION),
]
HOSTILE: list[bytes] = [
    *(b"[" * 100_000, b'{"a":' * 100_000, b"{}", b"[]", b"[[]]", b"null", b"0", b'""', b"\0", b"\xff\xfe"),
    *(b'\xef\xbb\xbf{"lat":1}', b'{"lat":NaN,"lon":Infinity}', b'{"lat":1e999}', b'{"lat":"\\ud800"}'),
    *(b'{"lat":"\\u0000"}', b"[NaN]", b"&" * 900_000, b"a=b&" * 200_000, b"--x\r\n" * 180_000),
    *(json.dumps(test_owntracks.LOCATION).encode(codec) for codec in ("utf-16", "utf-32", "cp037")),
    *(b"{" + b'"lat":1,' * 50_000 + b'"lon":2}', b'{"lat":' + b"9" * 900_000 + b"}"),
    *(b"[" + b"{}," * 300_000 + b"{}]", b'{"locations":[' + b"{}," * 300_000 + b"{}]}"),
    *(b'{"points":[' + b"[]," * 300_000 + b"[]]}", b'{"points":[' + b"{}," * 300_000 + b"{}]}"),
    *(b'{"events":[' + b'{"kind":1},' * 80_000 + b"{}]}", b"%" * 60_000, b"%" * 900_000, b"\n" * 900_000),
    b"[" + b'{"lat":"1","lon":2,"tst":"3"},' * 4_900 + b"{}]",
]

words = st.text(max_size=20) | st.sampled_from(["1.5", "nan", "2026-01-01T00:00:00Z"])
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | words,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
parameters = st.sampled_from(
    ["lat", "lon", "time", "timestamp", "acc", "speed", "gprmc", "desc", "valid", "location", "action"]
)
kinds = st.sampled_from([JSON, FORM, test_ulogger.KIND, "multipart/form-data", "text/plain", ""])


def check(message: Message) -> Heard:
    """That a message is heard and answered, in columns of one length and the app's own words."""
    heard = hear(message)
    n = len(heard.fixes)
    fixes = heard.fixes
    columns = (fixes.lat_deg, fixes.lon_deg, fixes.accuracy_m, heard.trip, heard.is_mock, heard.claimed_m_s)
    assert [len(column) for column in columns] == [n] * 6
    assert np.isfinite(heard.fixes.time_s).all()
    assert (np.abs(heard.fixes.lat_deg) <= 90).all()
    assert (np.abs(heard.fixes.lon_deg) <= 180).all()
    assert all(isinstance(count, int) and count > 0 for count in heard.dropped.values())
    assert len(heard.taps.name) == len(heard.taps.time_s) == len(heard.taps.lat_deg)
    said = answer(message, heard)
    assert said.status == 200
    assert re.fullmatch(REPLIES[message.dialect], said.body)
    return heard


def test_every_app_that_has_a_file_is_heard() -> None:
    assert sorted(REPLIES) == sorted(DIALECTS)


def test_an_unknown_dialect_is_a_bad_call() -> None:
    with pytest.raises(KeyError):
        hear(post("morse", b""))


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("body", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_body_costs_a_moment_and_a_count(dialect: str, body: bytes) -> None:
    for kind in (JSON,) if body[:1] in (b"{", b"[") else (FORM, test_ulogger.KIND):
        message = post(dialect, body, kind)
        begin_s = time.process_time()
        check(message)
        assert time.process_time() - begin_s < HEARD_WITHIN_S


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    "query", ["\ud800=\udfff&lat=\ud800", "%ff=%00&lat=%ud800", "=&;&&", "lat", "a=1&" * 50_000]
)
def test_a_hostile_query_costs_a_moment_and_a_count(dialect: str, query: str) -> None:
    for method in ("GET", "POST", "HEAD"):
        check(Message(dialect, RECEIVED_S, method, "\ud800", query, {"user-agent": "\ud800"}, b""))


@given(st.sampled_from(DIALECTS), st.binary(max_size=200), kinds, st.text(max_size=60))
def test_random_bytes_never_raise(dialect: str, body: bytes, kind: str, query: str) -> None:
    check(replace(post(dialect, body, kind), query=query))


def mutated(draw: Any, value: Any) -> Any:
    """The same JSON with some value in it exchanged for another."""
    if draw(st.integers(0, 9)) == 0:
        return draw(json_values)
    if isinstance(value, dict):
        return {name: mutated(draw, one) for name, one in value.items()}
    return [mutated(draw, one) for one in value] if isinstance(value, list) else value


@given(st.data(), st.sampled_from(DIALECTS), st.sampled_from(BODIES), kinds)
def test_mutated_json_never_raises(data: st.DataObject, dialect: str, body: bytes, kind: str) -> None:
    check(post(dialect, json.dumps(mutated(data.draw, json.loads(body))), kind))


@given(
    st.sampled_from(DIALECTS),
    st.sampled_from([*BODIES, *map(str.encode, QUERIES)]),
    st.integers(0),
    st.binary(max_size=4),
)
def test_a_message_with_other_bytes_in_it_never_raises(
    dialect: str, body: bytes, at: int, other: bytes
) -> None:
    at %= len(body) + 1
    body = body[:at] + other + body[at + len(other) :]
    check(post(dialect, body))
    check(replace(post(dialect, b""), method="GET", query=body.decode("utf-8", "surrogateescape")))


@given(st.sampled_from(QUERIES), st.dictionaries(parameters, st.text(max_size=30), max_size=4))
def test_other_values_in_a_query_never_raise(query: str, other: dict[str, str]) -> None:
    said = "&".join([query, *(f"{name}={value}" for name, value in other.items())])
    for dialect in DIALECTS:
        check(replace(post(dialect, b""), query=said))


def test_a_batch_of_two_hundred_costs_little_more_than_its_json() -> None:
    """The bound on a quiet core is a millisecond; beside others only the ratio can be trusted."""
    import orjson

    times = [f"2026-11-22T18:{15 + n // 60}:{n % 60:02}Z" for n in range(200)]
    message = post("overland", {"locations": [test_overland.feature(timestamp=one) for one in times]})
    took_s = {}
    for name, call in (("json", lambda: orjson.loads(message.body)), ("hear", lambda: hear(message))):
        runs = []
        for _ in range(40):
            begin_s = time.process_time()
            call()
            runs.append(time.process_time() - begin_s)
        took_s[name] = min(runs)
    assert len(hear(message).fixes) == 200
    assert took_s["hear"] < 8 * took_s["json"], os.getloadavg()
