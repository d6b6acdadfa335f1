"""The page's own recorder: what it sends, and what it may delete."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

from tests.collect.clients.messages import dropped, one, post, reply
from transitmap.collect.hear import hear
from transitmap.infer import sayings
from transitmap.model import Ride

TRIP = "9b2f4b9e-6a53-4c1e-8a86-5f8f0c9f6d11"
T_MS = 1795371330000


def point(n: int = 0, **other: object) -> dict[str, Any]:
    return {
        "k": f"{TRIP}:{n}", "trip": TRIP, "lat": 19.43 + n * 1e-4, "lon": -99.13, "acc": 5, "spd": None,
        "hdg": None, "alt": 2240, "t": T_MS + n * 1000, **other,
    }  # fmt: skip


def event(kind: object, text: object = "", n: int = 100, **other: object) -> dict[str, Any]:
    return {**point(n), "kind": kind, "text": text, **other}


def sent(*rows: dict[str, Any]) -> dict[str, Any]:
    return {
        "points": [row for row in rows if "kind" not in row],
        "events": [row for row in rows if "kind" in row],
    }


def test_points_are_fixes_and_all_keys_are_acknowledged() -> None:
    message = post("recorder", sent(point()))
    assert one(message)[:4] == (1795371330, 19.43, -99.13, 5)
    assert hear(message).trip == (TRIP,)
    assert reply(message) == {"ack": [f"{TRIP}:0"]}
    bad = [point(2, lat=None), point(3, t="x"), event("nonsense", n=4)]
    many = post("recorder", sent(point(1), *bad, event("stop", n=5)))
    assert reply(many) == {"ack": [f"{TRIP}:{n}" for n in (1, 2, 3, 4, 5)]}, "what is bad stays bad"
    assert hear(many).dropped == {"no_position": 1, "bad_time": 1, "event": 1}


@pytest.mark.parametrize(
    ("kind", "text", "name"),
    [
        ("stop", "", "parada"),
        ("stop", "Metro Hidalgo", "Metro Hidalgo"),
        ("board", "", "sube"),
        ("alight", "", "baja"),
        ("fare", "7.50", "tarifa 7.50"),
        ("fare", "$ 7,50 pesos", "tarifa 7,50"),
        ("fare", 7.5, "tarifa 7.5"),
        ("fare", 7, "tarifa 7"),
        ("step_free", "yes", "rampa"),
        ("step_free", True, "rampa"),
        ("step_free", "no", "sin rampa"),
        ("crowding", "seats", "aforo asientos"),
        ("crowding", "standing", "aforo de pie"),
        ("crowding", "packed", "aforo lleno"),
        ("crowding", "3", "aforo 3"),
    ],
)
def test_a_mark_is_a_tap(kind: str, text: object, name: str) -> None:
    taps = hear(post("recorder", sent(event(kind, text)))).taps
    assert taps.name == (name,)
    assert (taps.time_s[0], taps.lat_deg[0], taps.lon_deg[0]) == (1795371430, 19.44, -99.13)


def test_inference_takes_stops_for_places_and_the_rest_for_what_it_says() -> None:
    rows = [event(kind) for kind in ("stop", "board", "alight")]
    rows += [
        event("fare", "7.50"),
        event("step_free", "yes"),
        event("step_free", "no"),
        event("crowding", "packed"),
    ]
    heard = hear(post("recorder", sent(point(), *rows)))
    (ride,), said = sayings.hear([Ride("x", heard.fixes, heard.taps)])
    assert ride.taps.name == ("parada", "sube", "baja")
    np.testing.assert_array_equal(said.fare, [7.5, np.nan, np.nan, np.nan])
    assert said.step_free.tolist() == [-1, 1, 0, -1]


@pytest.mark.parametrize(
    ("kind", "text"),
    [("fare", ""), ("fare", "free"), ("crowding", ""), ("step_free", "perhaps"), ("label", ""),
     ("mode", None), ("x", "y"), (None, ""), (7, ""), (["stop"], ""), ({}, "")],
)  # fmt: skip
def test_what_a_mark_does_not_say_is_counted(kind: object, text: object) -> None:
    heard = hear(post("recorder", sent(event(kind, text))))
    assert (len(heard.taps), heard.label, heard.mode, heard.dropped) == (0, {}, {}, {"event": 1})


def test_a_mark_without_a_time_is_counted_and_one_without_a_place_waits_for_it() -> None:
    assert hear(post("recorder", sent(event("stop", t=None)))).dropped == {"event": 1}
    taps = hear(post("recorder", sent(event("stop", lat=None, lon=None)))).taps
    assert math.isnan(taps.lat_deg[0])


def test_the_last_word_on_a_trip_holds() -> None:
    rows = [event("label", "Ruta 12", 2), event("label", "Ruta 1", 1), event("mode", "bus", 1, trip="other")]
    heard = hear(post("recorder", sent(*rows)))
    assert heard.label == {TRIP: (1795371332, "Ruta 12")}
    assert heard.mode == {"other": (1795371331, "bus")}
    assert not len(heard.taps)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("", "empty"),
        ("{", "bad_json"),
        ("[" * 100_000, "bad_json"),
        ('{"points":[NaN]}', "bad_json"),
        ('{"points":[' + "{}," * 5_000 + "{}]}", "too_many"),
    ],
    ids=["empty", "cut", "deep", "NaN", "many"],
)
def test_nothing_is_acknowledged_of_what_cannot_be_read(body: str, reason: str) -> None:
    message = post("recorder", body)
    assert list(dropped(message)) == [reason]
    assert reply(message) == {"ack": []}


@pytest.mark.parametrize(
    "odd", [{}, [], 7, {"points": 7, "events": "x"}, {"points": {}, "events": {"k": "x"}}]
)
def test_an_odd_body_says_nothing(odd: object) -> None:
    message = post("recorder", odd)
    assert (dropped(message), reply(message)) == ({}, {"ack": []})


def test_only_keys_are_told_back() -> None:
    rows = [point(1), point(2, k=7), point(3, k=None), point(4, k="x" * 101), point(5, k="<b>\u2028")]
    assert reply(post("recorder", {"points": [*rows, 7, None]})) == {"ack": [f"{TRIP}:1", "<b>\u2028"]}
    assert json.dumps(reply(post("recorder", sent())))
