"""Overland's batches, as Colota, GPSLogger and others send them too."""

from __future__ import annotations

from typing import Any

from transitmap.collect.clients.columns import MAX_TRIP_CHARS, Told, heard, number, text
from transitmap.collect.clients.decode import Item, Unreadable, as_object, read_json
from transitmap.model import Answer, Heard, Message

_REJECTED = ("no_position", "out_of_range", "no_time", "bad_time")
_NOWHERE = (None, None)


def hear(message: Message) -> Heard:
    """The locations of a batch; `current` is one of another batch and is left alone.

    Raises:
        Unreadable: `empty`, `bad_json`, `not_a_location`.
    """
    told = as_object(read_json(message.body))
    features = told.get("locations")
    if not isinstance(features, list):
        raise Unreadable("not_a_location")
    return _in_trip(heard([_told(as_object(feature)) for feature in features]), as_object(told.get("trip")))


def answer(message: Message, heard: Heard) -> Answer:
    """The word on which the phone forgets the batch, also what was wrong in it: a refusal comes back."""
    n_rejected = sum(heard.dropped.get(reason, 0) for reason in _REJECTED)
    rejected = f',"rejected":{n_rejected}' if n_rejected else ""
    return Answer(200, "application/json", f'{{"result":"ok"{rejected}}}'.encode())


def _told(feature: Item) -> Told:
    """One GeoJSON feature: a fix, or an event of the app."""
    told = feature.get("properties")
    properties: Item = told if type(told) is dict else {}
    accuracy, speed = properties.get("horizontal_accuracy"), properties.get("speed")
    why = ""
    if properties.get("action") or properties.get("type") == "trip":
        why = "event"
    elif speed is None and number(accuracy) == 0:
        why = "anchor"
    lon, lat = _place(feature.get("geometry"))
    trip = properties.get("trip_id")
    trip = text(trip, MAX_TRIP_CHARS) if trip else ""
    return Told(lat, lon, properties.get("timestamp"), accuracy, speed, 1.0, trip, False, why)


def _place(geometry: Any) -> tuple[Any, Any]:
    """Longitude and latitude of a point."""
    place = geometry.get("coordinates") if type(geometry) is dict else None
    return (place[0], place[1]) if type(place) is list and len(place) > 1 else _NOWHERE


def _in_trip(found: Heard, trip: Item) -> Heard:
    """The same with the mode that the rider chose for the trip that runs."""
    start, mode = text(trip.get("start"), MAX_TRIP_CHARS), text(trip.get("mode"), MAX_TRIP_CHARS)
    if start and mode and len(found.fixes):
        found.mode[start] = (float(found.fixes.time_s.max()), mode)
    return found
