"""What one device said until it fell silent: its messages as one body, and such a body -> its rides."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from transitmap.collect.gather import fix_keys, gather
from transitmap.collect.hear import hear
from transitmap.config import Config
from transitmap.errors import UploadRefused
from transitmap.model import IntArray, Message, Ride

__all__ = ["bundle_keys", "fix_keys", "lone_marks", "pack_bundle", "read_bundle"]

_FIRST_LINE = b"transitmap live 1"
"""No format of a file begins so: a bundle that somebody makes up and sends as a file is no trace."""


def pack_bundle(device_name: str, messages: Sequence[Message], known: IntArray) -> bytes:
    """The messages as they came, in one body that can be read alone; the same messages give the same bytes.

    `known` are the `fix_keys` of what earlier bundles of the device hold; those that come again are noted.
    """
    keys = [fix_keys(hear(message).fixes) for message in messages]
    again = np.intersect1d(np.concatenate([np.zeros(0, np.int64), *keys]), known).astype("<i8")
    header = {"device": device_name, "known": _base64(again)}
    lines = sorted((message.received_s, _line(_packed(message))) for message in messages)
    return b"".join([_FIRST_LINE, b"\n", _line(header), *(line for _, line in lines)])


def _packed(message: Message) -> dict[str, Any]:
    """A message as JSON; its body as text where it is that, for whoever reads the archive."""
    try:
        body: str | dict[str, str] = message.body.decode()
    except UnicodeDecodeError:
        body = {"base64": _base64(message.body)}
    return {**vars(message), "body": body}


def _base64(values: Any) -> str:
    return base64.b64encode(values).decode()


def _line(value: dict[str, Any]) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def read_bundle(name: str, body: bytes, config: Config) -> list[Ride]:
    """The rides in what a device said, unscreened, as `gather` finds them.

    Raises:
        UploadRefused: `not_a_trace`, or what `gather` refuses.
    """
    known, messages = _unpacked(body)
    return gather(name, [hear(message) for message in messages], known, config.collect, config.live)


def lone_marks(name: str, body: bytes, config: Config) -> list[tuple[float, str]]:
    """When and what was marked while no ride of this bundle was under way, to the millisecond, in time order.

    Raises:
        UploadRefused: `not_a_trace`.
    """
    _, messages = _unpacked(body)
    taps = [hear(message).taps for message in messages]
    told = {one for some in taps for one in zip(some.time_s.tolist(), some.name, strict=True)}
    if not told:
        return []
    try:
        rides = read_bundle(name, body, config)
    except UploadRefused:
        rides = []
    told -= {one for ride in rides for one in zip(ride.taps.time_s.tolist(), ride.taps.name, strict=True)}
    return sorted((round(time_s, 3), words) for time_s, words in told if np.isfinite(time_s))


def bundle_keys(body: bytes) -> IntArray:
    """The `fix_keys` of all messages in a bundle: what comes again later is known by them.

    Raises:
        UploadRefused: `not_a_trace`.
    """
    _, messages = _unpacked(body)
    return np.concatenate([np.zeros(0, np.int64), *(fix_keys(hear(message).fixes) for message in messages)])


def _unpacked(body: bytes) -> tuple[IntArray, list[Message]]:
    """The keys of what is known, and the messages."""
    if not body.startswith(_FIRST_LINE + b"\n"):
        raise UploadRefused("not_a_trace", f"no bundle of messages: {len(body)} bytes")
    try:
        header, *packed = [json.loads(line) for line in body.splitlines()[1:]]
        known = np.frombuffer(base64.b64decode(header["known"]), "<i8").astype(np.int64)
        return known, [Message(**{**line, "body": _body(line["body"])}) for line in packed]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UploadRefused("not_a_trace", f"no bundle of messages: {type(error).__name__}") from error


def _body(packed: str | dict[str, str]) -> bytes:
    return packed.encode() if isinstance(packed, str) else base64.b64decode(packed["base64"])
