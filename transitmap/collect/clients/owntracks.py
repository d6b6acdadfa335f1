"""OwnTracks over HTTP, and who borrows its shape: Colota, PhoneTrack's own JSON, a mode of Overland."""

from __future__ import annotations

from transitmap.collect.clients.columns import APPLE_BELOW_S, KM_H, Told, heard, number, text
from transitmap.collect.clients.decode import Item, Unreadable, objects, read_json, read_parameters
from transitmap.model import Answer, Heard, Message

PLAIN = "plain"
"""`authorization-kind` of a Basic header whose token is not in base64: only Overland writes that."""
OVERLAND_BYTES = 2_000
"""Its message of one position has some 120 bytes; a photo of OwnTracks need not be read twice."""
_REGION_TRIGGERS = ("c", "C", "b")


def hear(message: Message) -> Heard:
    """The location in one message, or in each of several.

    Raises:
        Unreadable: `empty`, `bad_json`, `too_many`.
    """
    if not message.body.strip() and "lat=" in message.query:
        return heard([_told(read_parameters(message))])
    return heard([_told(item) for item in objects(read_json(message.body))])


def answer(message: Message, heard: Heard) -> Answer:
    """An array that asks the phone for nothing; Overland in this mode waits for its own word."""
    body = b'{"result":"ok"}' if _is_overland(message) else b"[]"
    return Answer(200, "application/json", body)


def _told(item: Item) -> Told:
    """One message: a location, or the reason why it is none."""
    return Told(
        lat=item.get("lat"),
        lon=item.get("lon"),
        time=item.get("tst"),
        accuracy=item.get("acc"),
        speed=item.get("vel"),
        speed_unit=KM_H if _counts_in_km_h(item) else 1.0,
        why=_why_no_fix(item),
        tap=text(item.get("poi")),
    )


def _why_no_fix(item: Item) -> str:
    """What is not a position, or not one of now: pings, region events and Colota's geofence centres."""
    kind = item.get("_type", "location")
    if kind == "encrypted":
        return "encrypted"
    if kind != "location" or not item:
        return "event" if kind == "transition" else "not_a_location"
    trigger = item.get("t")
    if trigger == "p":
        return "ping"
    if trigger in _REGION_TRIGGERS:
        return "region"
    return "anchor" if "vel" not in item and number(item.get("acc")) == 0 else ""


def _counts_in_km_h(item: Item) -> bool:
    """OwnTracks and PhoneTrack do; Colota, which counts in metres a second, has no topic and the tid AA."""
    return "topic" in item or item.get("tid", "AA") != "AA"


def _is_overland(message: Message) -> bool:
    """Told by its header, or by times that it alone counts from 2001."""
    if message.headers.get("authorization-kind") == PLAIN:
        return True
    if len(message.body) > OVERLAND_BYTES:
        return False
    try:
        items = objects(read_json(message.body))
    except Unreadable:
        return False
    return any(0 < number(item.get("tst")) < APPLE_BELOW_S and "topic" in item for item in items)
