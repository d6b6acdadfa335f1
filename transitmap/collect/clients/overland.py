"""Overland's batches, as Colota, GPSLogger and others send them too."""

from __future__ import annotations

from typing import Any

from transitmap.collect.clients.columns import MAX_TRIP_CHARS, heard_columns, number, text
from transitmap.collect.clients.decode import Item, Unreadable, as_object, objects, read_json
from transitmap.model import Answer, Heard, Message

_REJECTED = ("no_position", "out_of_range", "no_time", "bad_time")
_NOWHERE = (None, None)


def hear(message: Message) -> Heard:
    """The locations of a batch; `current` is one of another batch and is left alone.

    Raises:
        Unreadable: `empty`, `bad_json`, `not_a_location`, `too_many`.
    """
    told = as_object(read_json(message.body))
    features = told.get("locations")
    if not isinstance(features, list):
        raise Unreadable("not_a_location")
    return _in_trip(_batch(objects(features)), as_object(told.get("trip")))


def answer(message: Message, heard: Heard) -> Answer:
    """The word on which the phone forgets the batch, also what was wrong in it: a refusal comes back."""
    n_rejected = sum(heard.dropped.get(reason, 0) for reason in _REJECTED)
    rejected = f',"rejected":{n_rejected}' if n_rejected else ""
    return Answer(200, "application/json", f'{{"result":"ok"{rejected}}}'.encode())


def _batch(features: list[Item]) -> Heard:
    """GeoJSON features as columns: fixes, and events of the app."""
    properties = [as_object(feature.get("properties")) for feature in features]
    places = [_place(feature.get("geometry")) for feature in features]
    names = [told.get("trip_id") for told in properties]
    trip = {name: text(name, MAX_TRIP_CHARS) for name in {name for name in names if type(name) is str}}
    speed = [told.get("speed") for told in properties]
    accuracy = [told.get("horizontal_accuracy") for told in properties]
    n = len(features)
    return heard_columns(
        lat=[lat for _, lat in places],
        lon=[lon for lon, _ in places],
        time=[told.get("timestamp") for told in properties],
        accuracy=accuracy,
        speed=speed,
        speed_unit=[1.0] * n,
        trip=[trip[name] if type(name) is str else "" for name in names],
        is_mock=[False] * n,
        why=[_why_no_fix(*told) for told in zip(properties, accuracy, speed, strict=True)],
        tap=[""] * n,
    )


def _place(geometry: Any) -> tuple[Any, Any]:
    """Longitude and latitude of a point."""
    place = geometry.get("coordinates") if type(geometry) is dict else None
    return (place[0], place[1]) if type(place) is list and len(place) > 1 else _NOWHERE


def _why_no_fix(properties: Item, accuracy: Any, speed: Any) -> str:
    """Events of the app and of a trip, and the middles of zones that Colota sends."""
    if "action" in properties or properties.get("type") == "trip":
        return "event"
    return "anchor" if speed is None and number(accuracy) == 0 else ""


def _in_trip(found: Heard, trip: Item) -> Heard:
    """The same with the mode that the rider chose for the trip that runs."""
    start, mode = text(trip.get("start"), MAX_TRIP_CHARS), text(trip.get("mode"), MAX_TRIP_CHARS)
    if start and mode and len(found.fixes):
        found.mode[start] = (float(found.fixes.time_s.max()), mode)
    return found
