"""PhoneTrack for Android: a position as a form or in the URL, a list of rows, or Colota's JSON for it."""

from __future__ import annotations

from typing import Any

from transitmap.collect.clients.columns import Told, heard, number
from transitmap.collect.clients.decode import Item, bounded, first_of, read_items
from transitmap.model import Answer, Heard, Message

_TIMES = ("timestamp", "tst", "datetime")
_ROW_FIELDS = 10
"""lat, lon, timestamp, alt, acc, battery, satellites, useragent, speed, bearing."""


def hear(message: Message) -> Heard:
    """The position of a request, or the rows of `logPostMultiple`.

    Raises:
        Unreadable: `empty`, `bad_json`, `bad_form`, `too_many`.
    """
    told = []
    for item in read_items(message):
        points = item.get("points")
        told += [_row(row) for row in bounded(points)] if isinstance(points, list) else [_told(item)]
    return heard(told)


def answer(message: Message, heard: Heard) -> Answer:
    """The word on which the app forgets what it sent."""
    return Answer(200, "application/json", b'{"done":1}')


def _told(item: Item) -> Told:
    """Names of the app, or those of Colota where the user left them as they are."""
    accuracy, speed = item.get("acc"), first_of(item, ("speed", "vel"))
    is_anchor = speed is None and number(accuracy) == 0
    why = "anchor" if is_anchor else ""
    return Told(item.get("lat"), item.get("lon"), first_of(item, _TIMES), accuracy, speed, why=why)


def _row(row: Any) -> Told:
    """One row of many: values without names."""
    if not isinstance(row, list):
        return Told(None, None, None, why="not_a_location")
    lat, lon, time, _, accuracy, _, _, _, speed, _ = [*row, *[None] * _ROW_FIELDS][:_ROW_FIELDS]
    return Told(lat, lon, time, accuracy, speed)
