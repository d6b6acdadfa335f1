"""Our own files and the vendored ones: compressed once, checked by ETag, never from elsewhere."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from flask import Flask, Response, request, send_from_directory

ROOT = Path(__file__).parent / "static"
COMPRESSED = {".css", ".js", ".mjs", ".json", ".svg", ".txt"}
MIME = {".mjs": "text/javascript", ".js": "text/javascript"}
WEEK_S = 7 * 86_400


@dataclass(frozen=True)
class Packed:
    """A file as it goes out."""

    body: bytes
    etag: str


def init_app(app: Flask) -> None:
    """The route `static`, which `url_for('static', filename=...)` names with the file's own version."""
    app.add_url_rule("/static/<path:filename>", endpoint="static", view_func=serve_static)
    app.url_default_functions.setdefault(None, []).append(_add_version)


def _add_version(endpoint: str, values: dict[str, object]) -> None:
    """Marks a file's address with its time, so that browsers keep it until it changes."""
    path = ROOT / str(values.get("filename", ""))
    if endpoint == "static" and "v" not in values and path.is_file():
        values["v"] = format(int(path.stat().st_mtime), "x")


def serve_static(filename: str) -> Response:
    """A file below static/; compressed where the browser can read that."""
    path = ROOT / filename
    accepts = request.accept_encodings["gzip"] > 0
    if not accepts or path.suffix not in COMPRESSED or ".." in path.parts or not path.is_file():
        response = send_from_directory(ROOT, filename, mimetype=MIME.get(path.suffix), max_age=WEEK_S)
    else:
        packed = _pack(path, path.stat().st_mtime_ns)
        response = Response(packed.body, mimetype=MIME.get(path.suffix) or mimetypes.guess_type(filename)[0])
        response.headers["Content-Encoding"] = "gzip"
        response.set_etag(packed.etag)
        response.cache_control.max_age = WEEK_S
        response.make_conditional(request)
    response.headers["Vary"] = "Accept-Encoding"
    return response


@lru_cache(maxsize=64)
def _pack(path: Path, mtime_ns: int) -> Packed:
    body = gzip.compress(path.read_bytes(), compresslevel=9, mtime=0)
    return Packed(body, hashlib.sha256(body).hexdigest()[:32])
