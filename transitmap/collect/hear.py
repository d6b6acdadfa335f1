"""One message of a live phone -> what it says, and what its app waits to be told."""

from __future__ import annotations

from collections.abc import Sequence

from transitmap.collect.clients import (
    gpslogger,
    locus,
    osmand,
    overland,
    owntracks,
    phonetrack,
    recorder,
    ulogger,
)
from transitmap.collect.clients.columns import nothing
from transitmap.collect.clients.decode import Unreadable
from transitmap.model import Answer, Heard, Message

_CLIENTS = {
    "gpslogger": (gpslogger.hear, gpslogger.answer),
    "locus": (locus.hear, locus.answer),
    "osmand": (osmand.hear, osmand.answer),
    "overland": (overland.hear, overland.answer),
    "owntracks": (owntracks.hear, owntracks.answer),
    "phonetrack": (phonetrack.hear, phonetrack.answer),
    "recorder": (recorder.hear, recorder.answer),
    "ulogger": (ulogger.hear, ulogger.answer),
}
DIALECTS = tuple(_CLIENTS)


def hear(message: Message) -> Heard:
    """What one message says. No content raises: what cannot be understood is counted in `dropped`.

    A phone sends a message that was refused again, for ever, and all others wait behind it.

    Raises:
        KeyError: nobody speaks that dialect.
    """
    hear_it = _CLIENTS[message.dialect][0]
    try:
        return hear_it(message)
    except Unreadable as error:
        return nothing(error.reason, error.n)
    except Exception:  # a fault of an adapter: whoever mends it reads the message again
        return nothing("unreadable")


def is_whole(messages: Sequence[Message]) -> list[bool]:
    """Which messages of one device speak of nothing but trips that are over and wholly here.

    Only our own recorder says when a trip is over.
    """
    whole = iter(recorder.is_whole([one for one in messages if one.dialect == "recorder"]))
    return [one.dialect == "recorder" and next(whole) for one in messages]


def answer(message: Message, heard: Heard) -> Answer:
    """The success reply of the app that sent the message."""
    return _CLIENTS[message.dialect][1](message, heard)
