"""Requests of live phones for the tests, and what is said in them."""

from __future__ import annotations

import json
from typing import Any

from transitmap.collect.hear import answer, hear
from transitmap.model import Heard, Message

RECEIVED_S = 1_795_371_335.0
JSON = "application/json; charset=utf-8"
FORM = "application/x-www-form-urlencoded"


def get(dialect: str, query: str) -> Message:
    return Message(dialect, RECEIVED_S, "GET", "", query, {}, b"")


def post(dialect: str, body: object, kind: str = JSON, **headers: str) -> Message:
    """A POST of bytes, of text, or of anything else as JSON."""
    if not isinstance(body, bytes):
        body = (body if isinstance(body, str) else json.dumps(body)).encode()
    return Message(dialect, RECEIVED_S, "POST", "", "", {"content-type": kind, **headers}, body)


def one(message: Message) -> tuple[float, float, float, float, float]:
    """Time, latitude, longitude, accuracy and claimed speed of the only fix."""
    heard = hear(message)
    assert (len(heard.fixes), heard.dropped) == (1, {})
    fixes = heard.fixes
    columns = (fixes.time_s, fixes.lat_deg, fixes.lon_deg, fixes.accuracy_m, heard.claimed_m_s)
    time_s, lat_deg, lon_deg, accuracy_m, claimed_m_s = (float(column[0]) for column in columns)
    return time_s, lat_deg, lon_deg, accuracy_m, claimed_m_s


def dropped(message: Message) -> dict[str, int]:
    """Why no fix was heard."""
    heard = hear(message)
    assert not len(heard.fixes)
    return heard.dropped


def reply(message: Message, heard: Heard | None = None) -> Any:
    """The body of the answer, as JSON where it says so; always 200."""
    said = answer(message, hear(message) if heard is None else heard)
    assert said.status == 200
    return json.loads(said.body) if said.content_type == "application/json" else said.body
