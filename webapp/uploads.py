"""The bytes of a request, counted while they come: a cut or oversized body is refused, never shortened."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass, field

from flask import request
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder, NeedData

from webapp.errors import Problem

CHUNK = 1024 * 1024
MAX_FIELD_BYTES = 64 * 1024
MAX_PARTS = 20


@dataclass
class Received:
    """What a request brought: files as (name, body) in the order they came, and the form's fields."""

    files: list[tuple[str, bytes]] = field(default_factory=list)
    fields: dict[str, str] = field(default_factory=dict)


def receive(max_bytes: int, max_parts: int = MAX_PARTS) -> Received:
    """The files of this request, from a multipart form (parts named `file`) or as the raw body.

    `max_bytes` bounds each file, and all of them together up to the envelope of the form.

    Raises:
        Problem: `too_large` (by Content-Length, before a byte is read; or while counting), `incomplete_body`,
            `digest_mismatch`, `no_file`, `too_many_parts`, `field_too_large`.
    """
    is_form = request.mimetype == "multipart/form-data"
    boundary = request.mimetype_params.get("boundary", "") if is_form else ""
    envelope = MAX_FIELD_BYTES if boundary else 0
    chunks = _counted(max_bytes + envelope)
    if boundary:
        received = _read_form(chunks, boundary.encode("latin-1", "replace"), max_parts, max_bytes)
    else:
        received = Received(files=[(request.headers.get("X-Filename", "upload"), _read_raw(chunks))])
    if not received.files:
        raise Problem("no_file")
    return received


def receive_raw(max_bytes: int) -> bytes:
    """The body of this request as it came, whatever it is.

    Raises:
        Problem: `too_large`, `incomplete_body`, `digest_mismatch`.
    """
    return _read_raw(_counted(max_bytes))


def fields_of(body: bytes, boundary: str) -> dict[str, str] | None:
    """The fields of a form whose body is here, without its files; None where it is no whole form."""
    try:
        return _read_form(iter([body]), boundary.encode("latin-1", "replace"), MAX_PARTS, len(body)).fields
    except Problem:
        return None


def _counted(max_bytes: int) -> Iterator[bytes]:
    """The body in pieces; its length must be what Content-Length says, and within the limit."""
    declared = request.content_length
    limit_mb = max_bytes // 1_000_000
    if declared is not None and declared > max_bytes:
        raise Problem("too_large", f"{declared} bytes, limit {limit_mb} MB", limit_bytes=max_bytes)
    n_bytes = 0
    while piece := _read(CHUNK if declared is None else min(CHUNK, declared - n_bytes), n_bytes):
        n_bytes += len(piece)
        if n_bytes > max_bytes:
            raise Problem("too_large", f"more than {limit_mb} MB", limit_bytes=max_bytes)
        yield piece
    if declared is not None and n_bytes != declared:
        raise _incomplete(n_bytes)


def _read(at_most: int, n_bytes: int) -> bytes:
    """The next piece, from the server's own stream: counted here, so that no other limit can end it silently.

    Without a length only a stream that the server ends itself may be read to its end.
    """
    if request.content_length is None and not request.environ.get("wsgi.input_terminated"):
        return b""
    try:
        piece: bytes = request.environ["wsgi.input"].read(at_most)
    except (OSError, ValueError) as error:
        raise _incomplete(n_bytes) from error
    return piece


def _incomplete(n_bytes: int) -> Problem:
    expected = request.content_length
    return Problem("incomplete_body", f"{n_bytes} bytes came", expected=expected, received=n_bytes)


def _read_raw(chunks: Iterator[bytes]) -> bytes:
    """A raw body, checked against its Content-Digest (RFC 9530) where the sender gave one."""
    body = b"".join(chunks)
    for entry in request.headers.get("Content-Digest", "").split(","):
        name, _, value = entry.strip().partition("=")
        if name.lower() == "sha-256":
            _check_digest(body, value)
    return body


def _check_digest(body: bytes, value: str) -> None:
    try:
        expected = base64.b64decode(value.strip(":"), validate=True)
    except binascii.Error:
        expected = b""
    if not hmac.compare_digest(hashlib.sha256(body).digest(), expected):
        raise Problem("digest_mismatch")


def _read_form(chunks: Iterator[bytes], boundary: bytes, max_parts: int, max_bytes: int) -> Received:
    """The parts of a form; one that ends before its last boundary is incomplete."""
    decoder = MultipartDecoder(boundary, max_form_memory_size=None, max_parts=None)
    parts: list[tuple[Field | File, bytearray]] = []
    try:
        for event in _events(decoder, chunks):
            if isinstance(event, Field | File):
                parts.append((event, bytearray()))
                if len(parts) > max_parts:
                    raise Problem("too_many_parts", f"more than {max_parts} parts", limit=max_parts)
            elif isinstance(event, Data):
                _add_data(parts[-1], event.data, max_bytes)
    except (ValueError, RequestEntityTooLarge) as error:
        raise Problem("incomplete_body", "the form is cut or malformed") from error
    return _sorted_parts(parts)


def _events(decoder: MultipartDecoder, chunks: Iterator[bytes]) -> Iterator[object]:
    for chunk in _then_end(chunks):
        decoder.receive_data(chunk)
        event = decoder.next_event()
        while not isinstance(event, NeedData):
            yield event
            if isinstance(event, Epilogue):
                return
            event = decoder.next_event()


def _then_end(chunks: Iterator[bytes]) -> Iterator[bytes | None]:
    yield from chunks
    yield None


def _add_data(part: tuple[Field | File, bytearray], data: bytes, max_bytes: int) -> None:
    event, body = part
    body.extend(data)
    if isinstance(event, File) and len(body) > max_bytes:
        raise Problem("too_large", f"more than {max_bytes // 1_000_000} MB", limit_bytes=max_bytes)
    if isinstance(event, Field) and len(body) > MAX_FIELD_BYTES:
        raise Problem("field_too_large", f"limit {MAX_FIELD_BYTES} bytes", limit_bytes=MAX_FIELD_BYTES)


def _sorted_parts(parts: list[tuple[Field | File, bytearray]]) -> Received:
    received = Received()
    for event, body in parts:
        if isinstance(event, Field):
            received.fields[event.name] = body.decode("utf-8", "replace")
        elif event.name == "file" and (event.filename or body):
            received.files.append((event.filename or "upload", bytes(body)))
    return received
