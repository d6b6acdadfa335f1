"""Sending traces in tests: through the application, or byte by byte to the server that will serve it."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import select
import socket
import zipfile
from collections.abc import Iterable
from contextlib import suppress

from transitmap import store

TRACES = "/api/v1/traces"
HANGS_S = 600.0


def n_uploads(app) -> int:
    with store.session(app.extensions["transitmap_engine"], write=False) as session:
        return store.counts(session)["uploads"]


def problem(answer, status, code):
    """The members of a problem, which must be of this status and code."""
    assert (answer.status_code, answer.json.get("code")) == (status, code), answer.text
    assert answer.mimetype == "application/problem+json"
    assert answer.json["status"] == status
    assert answer.json["detail"]
    return answer.json


def exchange(port, request, end=False):
    """What the server answers to these bytes; `end` half-closes, as a phone that lost its signal does."""
    with socket.create_connection(("127.0.0.1", port), timeout=HANGS_S) as phone:
        with suppress(OSError):  # it may hang up in the middle: what it said before can still be read
            phone.sendall(request)
            if end:
                phone.shutdown(socket.SHUT_WR)
        return _answer(phone)


def _answer(phone: socket.socket) -> bytes:
    answer = b""
    while piece := phone.recv(65536):
        answer += piece
        head, found, body = answer.partition(b"\r\n\r\n")
        length = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        if found and length and len(body) >= int(length[0].split(b":")[1]):
            break
    return answer


def stream(port: int, head: bytes, pieces: Iterable[bytes]) -> tuple[bytes, int]:
    """The answer to a body sent piece by piece until one comes or the server hangs up; bytes sent by then."""
    n_bytes = 0
    with socket.create_connection(("127.0.0.1", port), timeout=HANGS_S) as phone:
        phone.sendall(head)
        for piece in pieces:
            readable, writable, _ = select.select([phone], [phone], [], HANGS_S)
            if readable:
                break
            assert writable, "the server neither reads nor answers"
            try:
                phone.sendall(piece)
            except (ConnectionResetError, BrokenPipeError):
                break
            n_bytes += len(piece)
        return _answer(phone), n_bytes


def head(device, *lines):
    """The head of an upload with the device's token."""
    token = device.headers["Authorization"]
    return "\r\n".join(
        [f"POST {TRACES} HTTP/1.1", "Host: localhost", f"Authorization: {token}", *lines, "", ""]
    ).encode()


def chunk(piece: bytes) -> bytes:
    """A piece as chunked transfer has it."""
    return b"%x\r\n%b\r\n" % (len(piece), piece)


def zipped(members: Iterable[tuple[str, bytes]]) -> bytes:
    """A zip of these files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in members:
            archive.writestr(name, body)
    return out.getvalue()


def gzipped(body: bytes) -> bytes:
    """The same compressed."""
    return gzip.compress(body, 6, mtime=0)


def digest(body: bytes) -> str:
    """The Content-Digest of a body."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"
