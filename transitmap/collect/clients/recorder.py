"""The page's own recorder: fixes and marks, each with a key that is told back once it is kept."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from transitmap.collect.clients.columns import MAX_TRIP_CHARS, Told, heard, numbers, text, times_s
from transitmap.collect.clients.decode import Item, Unreadable, as_object, objects, read_json
from transitmap.model import Answer, Heard, Message, Taps

MAX_KEY_CHARS = 100
_SAID = ("label", "mode")
_FINISH = "finish"
_PLACES = {"stop": "parada", "board": "sube", "alight": "baja"}
_CROWDING = {"seats": "asientos", "standing": "de pie", "packed": "lleno"}
_STEP_FREE = {"yes": "rampa", "true": "rampa", "no": "sin rampa", "false": "sin rampa"}
_FARE = re.compile(r"[0-9]{1,6}(?:[.,][0-9]{1,2})?")


def hear(message: Message) -> Heard:
    """The points of a message as fixes, its marks as taps by the names that inference knows.

    Raises:
        Unreadable: `empty`, `bad_json`, `too_many`.
    """
    points, events = _told_of(message)
    return _with_events(heard([_told(point) for point in points]), events)


def answer(message: Message, heard: Heard) -> Answer:
    """The keys of all that is kept: the recorder deletes these, and only these."""
    points, events = _readable(message)
    keys = [item.get("k") for item in (*points, *events)]
    ack = [key for key in keys if isinstance(key, str) and len(key) <= MAX_KEY_CHARS]
    return Answer(200, "application/json", json.dumps({"ack": ack}).encode())


def is_whole(messages: Sequence[Message]) -> list[bool]:
    """Which messages speak of trips alone that are over and of which everything is here.

    A recorder sends the end of a trip when all before it was acknowledged; it says how many rows that were,
    which holds also where another app sends in another order.
    """
    keys: dict[str, set[str]] = {}
    n_rows: dict[str, int] = {}
    trips: list[set[str]] = []
    for message in messages:
        points, events = _readable(message)
        trips.append({_trip(item) for item in (*points, *events)})
        for item in (*points, *events):
            keys.setdefault(_trip(item), set()).add(str(item.get("k")))
        n_rows |= _finished(events)
    return [bool(some) and all(_is_here(trip, keys, n_rows) for trip in some) for some in trips]


def _is_here(trip: str, keys: dict[str, set[str]], n_rows: dict[str, int]) -> bool:
    return trip in n_rows and len(keys[trip]) >= n_rows[trip]


def _readable(message: Message) -> tuple[list[Item], list[Item]]:
    try:
        return _told_of(message)
    except Unreadable:
        return [], []


def _told_of(message: Message) -> tuple[list[Item], list[Item]]:
    """The points and the events of a message.

    Raises:
        Unreadable: `empty`, `bad_json`, `too_many`.
    """
    told = as_object(read_json(message.body))
    return _list(told, "points"), _list(told, "events")


def _finished(events: list[Item]) -> dict[str, int]:
    """The trips that are over; of how many rows each is, 0 where that is not said."""
    ends = [event for event in events if event.get("kind") == _FINISH]
    return {_trip(event): int(words) if (words := _words(event)).isdecimal() else 0 for event in ends}


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
    finished = _finished(events)
    events = [event for event in events if event.get("kind") != _FINISH]
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
        finished=finished,
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
