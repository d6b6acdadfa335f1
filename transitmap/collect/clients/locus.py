"""Locus Map's live tracking, as servers know it: parameters, seconds and metres a second."""

from __future__ import annotations

from transitmap.collect.clients.columns import Told, heard
from transitmap.collect.clients.decode import Item, first_of, read_items
from transitmap.model import Answer, Heard, Message

_TIMES = ("time", "timestamp")


def hear(message: Message) -> Heard:
    """The position of a request.

    Raises:
        Unreadable: `empty`, `bad_json`, `bad_form`, `too_many`.
    """
    return heard([_told(item) for item in read_items(message)])


def answer(message: Message, heard: Heard) -> Answer:
    """What PhoneTrack, whose route it borrows, says."""
    return Answer(200, "application/json", b'{"done":1}')


def _told(item: Item) -> Told:
    return Told(item.get("lat"), item.get("lon"), first_of(item, _TIMES), item.get("acc"), item.get("speed"))
