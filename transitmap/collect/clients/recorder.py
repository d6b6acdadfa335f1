"""The page's own recorder: fixes and marks, each with a key that is told back once it is kept."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace

import numpy as np

from transitmap.collect.clients.columns import MAX_TRIP_CHARS, Told, heard, numbers, text, times_s
from transitmap.collect.clients.decode import Item, Unreadable, as_object, objects, read_json
from transitmap.model import Answer, Heard, Message, Taps

MAX_KEY_CHARS = 100
_SAID = ("label", "mode")
_PLACES = {"stop": "parada", "board": "sube", "alight": "baja"}
_CROWDING = {"seats": "asientos", "standing": "de pie", "packed": "lleno"}
_STEP_FREE = {"yes": "rampa", "true": "rampa", "no": "sin rampa", "false": "sin rampa"}
_FARE = re.compile(r"[0-9]{1,6}(?:[.,][0-9]{1,2})?")


def hear(message: Message) -> Heard:
    """The points of a message as fixes, its marks as taps by the names that inference knows.

    Raises:
        Unreadable: `empty`, `bad_json`, `too_many`.
    """
    told = as_object(read_json(message.body))
    points, events = (_list(told, name) for name in ("points", "events"))
    return _with_events(heard([_told(point) for point in points]), events)


def answer(message: Message, heard: Heard) -> Answer:
    """The keys of all that is kept: the recorder deletes these, and only these."""
    try:
        told = as_object(read_json(message.body))
        keys = [item.get("k") for name in ("points", "events") for item in _list(told, name)]
    except Unreadable:
        keys = []
    ack = [key for key in keys if isinstance(key, str) and len(key) <= MAX_KEY_CHARS]
    return Answer(200, "application/json", json.dumps({"ack": ack}).encode())


def _list(told: Item, name: str) -> list[Item]:
    return objects(told[name]) if isinstance(told.get(name), list) else []


def _told(point: Item) -> Told:
    """A fix in the fields of the browser's geolocation; `t` in milliseconds."""
    return Told(
        lat=point.get("lat"),
        lon=point.get("lon"),
        time=point.get("t"),
        accuracy=point.get("acc"),
        speed=point.get("spd"),
        trip=_trip(point),
    )


def _trip(item: Item) -> str:
    return text(item.get("trip"), MAX_TRIP_CHARS)


def _with_events(fixes: Heard, events: list[Item]) -> Heard:
    """The same with taps, labels and modes; events that say nothing, or not when, are counted."""
    if not events:
        return fixes
    time_s = times_s([event.get("t") for event in events])[0].tolist()
    timed = [(when_s, event) for when_s, event in zip(time_s, events, strict=True) if not math.isnan(when_s)]
    marks = [(when_s, event, name) for when_s, event in timed if (name := _name(event))]
    said = [(when_s, event) for when_s, event in timed if event.get("kind") in _SAID and _words(event)]
    odd = len(events) - len(marks) - len(said)
    return replace(
        fixes,
        taps=Taps(
            np.array([when_s for when_s, _, _ in marks], dtype=np.float64),
            numbers([event.get("lat") for _, event, _ in marks]),
            numbers([event.get("lon") for _, event, _ in marks]),
            tuple(name for _, _, name in marks),
        ),
        label=_last(said, "label"),
        mode=_last(said, "mode"),
        dropped={**fixes.dropped, "event": odd} if odd else fixes.dropped,
    )


def _name(event: Item) -> str:
    """What a mark is called where inference reads it; empty where it is none."""
    kind, words = event.get("kind"), _words(event)
    if kind == "stop":
        return words or _PLACES["stop"]
    if kind == "fare":
        fare = _FARE.search(words)
        return f"tarifa {fare[0]}" if fare else ""
    if kind == "crowding":
        return f"aforo {_CROWDING.get(words, words)}" if words else ""
    if kind == "step_free":
        return _STEP_FREE.get(words.lower(), "")
    return _PLACES.get(kind, "") if isinstance(kind, str) else ""


def _words(event: Item) -> str:
    """The text of an event; a fare may come as a number."""
    told = event.get("text")
    return text(told if isinstance(told, str) else json.dumps(told)) if told is not None else ""


def _last(said: list[tuple[float, Item]], kind: str) -> dict[str, tuple[float, str]]:
    """What was said last of each trip, and when."""
    last: dict[str, tuple[float, str]] = {}
    for when_s, event in said:
        if event["kind"] == kind:
            last[_trip(event)] = max((when_s, _words(event)), last.get(_trip(event), (-math.inf, "")))
    return last
