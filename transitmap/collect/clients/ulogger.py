"""uLogger: a form an action, of which `addpos` holds a position; a photo may come beside it."""

from __future__ import annotations

from transitmap.collect.clients.columns import Told, heard, nothing, text
from transitmap.collect.clients.decode import Item, read_parameters
from transitmap.model import Answer, Heard, Message

_POSITION = "addpos"


def hear(message: Message) -> Heard:
    """The position of an `addpos`; signing in, a new track and a ping tell none.

    Raises:
        Unreadable: `empty`, `bad_form`.
    """
    if message.method == "HEAD":
        return nothing()
    item = read_parameters(message)
    return heard([_told(item)]) if item.get("action", _POSITION) == _POSITION else nothing()


def answer(message: Message, heard: Heard) -> Answer:
    """No error, whatever came; every track has the one number that a new one is given: silence ends rides."""
    body = b"" if message.method == "HEAD" else b'{"error":false,"trackid":1}'
    return Answer(200, "application/json", body)


def _told(item: Item) -> Told:
    return Told(
        lat=item.get("lat"),
        lon=item.get("lon"),
        time=item.get("time"),
        accuracy=item.get("accuracy"),
        speed=item.get("speed"),
        tap=text(item.get("comment")),
    )
