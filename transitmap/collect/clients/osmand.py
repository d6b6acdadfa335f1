"""OsmAnd, Traccar Client 8 to 10, Colota's Traccar and Dawarich's app: parameters, an object or an array."""

from __future__ import annotations

from transitmap.collect.clients.columns import KNOT, Told, heard, number
from transitmap.collect.clients.decode import Item, as_object, first_of, read_items
from transitmap.model import Answer, Heard, Message

_TIMES = ("timestamp", "time", "tst")
_FALSE = ("false", "0")
_COLOTA_CHARGES = ("0", "1", "2", "3")


def hear(message: Message) -> Heard:
    """The position of a request, or those of a JSON array.

    Raises:
        Unreadable: `empty`, `bad_json`, `bad_form`, `too_many`.
    """
    return heard([_told(item) for item in read_items(message)])


def answer(message: Message, heard: Heard) -> Answer:
    """Nothing: any success is one."""
    return Answer()


def _told(item: Item) -> Told:
    """One position, in whichever of the shapes it is."""
    return _nested(item, item["location"]) if isinstance(item.get("location"), dict) else _flat(item)


def _nested(item: Item, location: Item) -> Told:
    """Traccar Client 9 (with `coords`) and Dawarich's app (without): metres a second, -1 unknown."""
    coords = as_object(location["coords"]) if "coords" in location else location
    accuracy, speed = coords.get("accuracy"), coords.get("speed")
    why = "heartbeat" if location.get("event") == "heartbeat" else _why_no_fix(accuracy, speed)
    return Told(
        lat=coords.get("latitude"),
        lon=coords.get("longitude"),
        time=location.get("timestamp"),
        accuracy=accuracy,
        speed=speed,
        is_mock=location.get("mock", item.get("mock")) is True,
        why=why,
    )


def _flat(item: Item) -> Told:
    """Parameters of a request, or an object of Traccar Client 10."""
    lat, lon = item.get("lat"), item.get("lon")
    if isinstance(item.get("location"), str):
        lat, _, lon = item["location"].partition(",")
    accuracy, speed = item.get("accuracy"), item.get("speed")
    is_invalid = str(item.get("valid", "")).lower() in _FALSE
    return Told(
        lat=lat,
        lon=lon,
        time=first_of(item, _TIMES),
        accuracy=item.get("hdop") if accuracy is None else accuracy,
        speed=speed,
        speed_unit=KNOT if _counts_in_knots(item) else 1.0,
        is_mock=str(item.get("mock", "")).lower() in ("true", "1"),
        why="no_fix" if is_invalid else _why_no_fix(accuracy, speed),
    )


def _why_no_fix(accuracy: object, speed: object) -> str:
    """Colota sends the middle of a zone as a position of no error at all."""
    return "anchor" if speed is None and number(accuracy) == 0 else ""


def _counts_in_knots(item: Item) -> bool:
    """Traccar, which names its device, does; Colota, whose `charge` is a code, counts in metres a second."""
    is_colota = item.get("id") == "colota" or str(item.get("charge")) in _COLOTA_CHARGES
    return ("id" in item or "deviceid" in item) and not is_colota
