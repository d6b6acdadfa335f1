"""GPSLogger's custom URL, in its words or all of them, and OpenGTS with its NMEA sentence."""

from __future__ import annotations

import re
from functools import reduce
from operator import xor

from transitmap.collect.clients.columns import KM_H, KNOT, MAX_TRIP_CHARS, Told, heard, number, text
from transitmap.collect.clients.decode import Item, first_of, read_items
from transitmap.model import Answer, Heard, Message

_TIMES = ("timestamp", "time", "timeoffset")
_LATITUDES, _LONGITUDES = ("lat", "latitude"), ("lon", "lng", "longitude")
_ACCURACIES, _NOTES = ("acc", "accuracy"), ("desc", "annotation")
_ANGLE = re.compile(r"([0-9]{0,3})([0-9]{2}(?:\.[0-9]{1,12})?)")
_MIN_FIELDS = 10


def hear(message: Message) -> Heard:
    """The position of a request.

    Raises:
        Unreadable: `empty`, `bad_json`, `bad_form`, `too_many`.
    """
    items = [{name.lower(): value for name, value in item.items()} for item in read_items(message)]
    return heard([_sentence(item) if "gprmc" in item else _told(item) for item in items])


def answer(message: Message, heard: Heard) -> Answer:
    """Nothing: any success is one."""
    return Answer()


def _told(item: Item) -> Told:
    """Parameters: a 0.0 stands for what is missing, `desc` for what the rider wrote there."""
    is_km_h = "spd" not in item and "spd_kph" in item
    return Told(
        lat=first_of(item, _LATITUDES),
        lon=first_of(item, _LONGITUDES),
        time=first_of(item, _TIMES),
        accuracy=first_of(item, _ACCURACIES),
        speed=item.get("spd_kph" if is_km_h else "spd"),
        speed_unit=KM_H if is_km_h else 1.0,
        trip=text(str(item.get("starttimestamp", "")), MAX_TRIP_CHARS),
        tap=text(first_of(item, _NOTES)),
    )


def _sentence(item: Item) -> Told:
    """OpenGTS: `$GPRMC,hhmmss,A,lat,N,lon,W,knots,course,ddmmyy,,*sum`, where degrees are not padded."""
    sentence, _, check = str(item["gprmc"]).strip().removeprefix("$").partition("*")
    fields = sentence.split(",")
    if len(fields) < _MIN_FIELDS or fields[0] != "GPRMC":
        return Told(None, None, None, why="bad_sentence")
    total = reduce(xor, sentence.encode("utf-8", "replace"), 0)
    if check and check.upper() != f"{total:02X}":
        return Told(None, None, None, why="bad_checksum")
    return Told(
        lat=_degrees(fields[3], fields[4], "S"),
        lon=_degrees(fields[5], fields[6], "W"),
        time=_time(fields[9], fields[1]),
        accuracy=first_of(item, _ACCURACIES),
        speed=fields[7],
        speed_unit=KNOT,
        why="" if fields[2] == "A" else "no_fix",
    )


def _degrees(angle: str, side: str, negative: str) -> float | None:
    """Degrees of `dddmm.mmmm`: two digits of minutes stand before the point, degrees are all before these."""
    match = _ANGLE.fullmatch(angle)
    if match is None or side not in ("N", "S", "E", "W"):
        return None
    degrees = number(match[1] or "0") + number(match[2]) / 60.0
    return -degrees if side == negative else degrees


def _time(date: str, clock: str) -> str:
    """`ddmmyy` and `hhmmss`, UTC, as ISO 8601; where either is none, what is read as none."""
    return f"20{date[4:6]}-{date[2:4]}-{date[0:2]}T{clock[0:2]}:{clock[2:4]}:{clock[4:6]}Z"
