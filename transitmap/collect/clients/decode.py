"""Bytes that strangers sent -> plain values: JSON, query strings, forms; what is none is `Unreadable`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl

from transitmap.collect.formats import json_text
from transitmap.errors import UploadRefused
from transitmap.model import Message

MAX_PARAMETERS = 200
MAX_FORM_CHARS = 65_536
MAX_ITEMS = 5_000
"""No phone waits for more: a megabyte of `{},` must not take seconds."""
_JSON_STARTS = (b"{", b"[")

Item = dict[str, Any]
"""One thing told: the members of a JSON object, or the parameters of a request."""


class Unreadable(Exception):
    """A message that says nothing; `reason` is the code by which its `n` things are counted."""

    def __init__(self, reason: str, n: int = 1) -> None:
        super().__init__(reason)
        self.reason, self.n = reason, n


def read_json(body: bytes) -> Any:
    """The value of a JSON text of finite numbers and whole characters, at most 1,024 levels deep.

    Raises:
        Unreadable: `empty`, `bad_json`.
    """
    if not body.strip():
        raise Unreadable("empty")
    if body.startswith(json_text.UTF16_MARKS):  # files come so, no app's messages do
        raise Unreadable("bad_json")
    try:
        return json_text.read_json(body)
    except UploadRefused as error:
        raise Unreadable("bad_json") from error


def read_items(message: Message) -> list[Item]:
    """The JSON objects of the body, or the parameters of the request as one; what is no object is empty.

    Raises:
        Unreadable: `empty`, `bad_json`, `bad_form`, `too_many`.
    """
    if message.body.lstrip()[:1] in _JSON_STARTS:
        return objects(read_json(message.body))
    return [read_parameters(message)]


def objects(told: Any) -> list[Item]:
    """A JSON object or the objects of an array; anything else in their place is an empty one.

    Raises:
        Unreadable: `too_many`.
    """
    return [as_object(one) for one in (bounded(told) if isinstance(told, list) else [told])]


def bounded(told: list[Any]) -> list[Any]:
    """The same list, if it is no longer than any app writes it.

    Raises:
        Unreadable: `too_many`.
    """
    if len(told) > MAX_ITEMS:
        raise Unreadable("too_many", len(told))
    return told


def as_object(told: Any) -> Item:
    """A JSON object, an empty one where it is none."""
    return told if isinstance(told, dict) else {}


def first_of(item: Item, names: Sequence[str]) -> Any:
    """The value of the first of several names that the item has; None where it has none."""
    return next((item[name] for name in names if name in item), None)


def read_parameters(message: Message) -> Item:
    """The parameters of the form in the body and of the query, which wins; of several with one name the last.

    Raises:
        Unreadable: `empty`, `bad_form` (too long, or of too many parameters).
    """
    form = _read_form(message)
    if not form and not message.query.strip():
        raise Unreadable("empty")
    return form | _pairs(message.query)


def _read_form(message: Message) -> Item:
    """The body as a form, in either of its encodings."""
    kind = message.headers.get("content-type", "")
    if message.body and kind.lower().startswith("multipart/form-data"):
        return _read_multipart(message.body, kind)
    return _pairs(message.body.decode("utf-8", "replace"))


def _pairs(text: str) -> Item:
    if len(text) > MAX_FORM_CHARS:
        raise Unreadable("bad_form")
    try:
        return dict(parse_qsl(text.strip(), keep_blank_values=True, max_num_fields=MAX_PARAMETERS))
    except ValueError as error:
        raise Unreadable("bad_form") from error


def _read_multipart(body: bytes, kind: str) -> Item:
    """The fields of a multipart form as far as it came; files are passed over."""
    from werkzeug.exceptions import RequestEntityTooLarge
    from werkzeug.http import parse_options_header
    from werkzeug.sansio.multipart import Data, Epilogue, Field, MultipartDecoder, NeedData

    boundary = parse_options_header(kind)[1].get("boundary", "").encode("latin-1", "replace")
    fields: dict[str, bytes] = {}
    name = ""
    try:
        decoder = MultipartDecoder(boundary, max_parts=MAX_PARAMETERS)
        decoder.receive_data(body)
        decoder.receive_data(None)
        while not isinstance(event := decoder.next_event(), Epilogue | NeedData):
            if isinstance(event, Data) and name:
                fields[name] = fields.get(name, b"") + event.data
            elif not isinstance(event, Data):
                name = event.name if isinstance(event, Field) else ""
    except RequestEntityTooLarge as error:
        raise Unreadable("bad_form") from error
    except ValueError:  # cut, or no multipart at all
        pass
    if not fields:
        raise Unreadable("bad_form")
    return {name: value.decode("utf-8", "replace") for name, value in fields.items()}
