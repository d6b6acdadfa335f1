"""Our own files and the vendored ones: compressed once, checked by ETag, never from elsewhere."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from flask import Flask, Response, request
from werkzeug.exceptions import NotFound
from werkzeug.utils import safe_join

ROOT = Path(__file__).parent / "static"
COMPRESSED = {".css", ".js", ".mjs", ".json", ".svg", ".txt"}
MIME = {".mjs": "text/javascript", ".js": "text/javascript"}
WEEK_S = 7 * 86_400


@dataclass(frozen=True)
class Held:
    """A file as it goes out."""

    body: bytes
    etag: str


def init_app(app: Flask) -> None:
    """The route `static`, which `url_for('static', filename=...)` names with the file's own version."""
    app.add_url_rule("/static/<path:filename>", endpoint="static", view_func=serve_static)
    app.url_default_functions.setdefault(None, []).append(_add_version)


def _add_version(endpoint: str, values: dict[str, object]) -> None:
    """Marks a file's address with its time, so that browsers keep it until it changes."""
    if endpoint != "static" or "v" in values:
        return
    path = ROOT / str(values.get("filename", ""))
    if path.is_file():
        values["v"] = format(int(path.stat().st_mtime), "x")


def serve_static(filename: str) -> Response:
    """A file below static/; compressed where the browser can read that.

    An address without its version, by which modules name each other, is asked about each time.
    """
    found = safe_join(str(ROOT), filename)
    path = Path(found) if found else ROOT
    if not path.is_file():
        raise NotFound
    is_packed = path.suffix in COMPRESSED and request.accept_encodings["gzip"] > 0
    held = _read(path, path.stat().st_mtime_ns, is_packed)
    response = Response(held.body, mimetype=MIME.get(path.suffix) or mimetypes.guess_type(filename)[0])
    if is_packed:
        response.headers["Content-Encoding"] = "gzip"
    response.headers["Vary"] = "Accept-Encoding"
    response.set_etag(held.etag)
    response.cache_control.max_age = WEEK_S if "v" in request.args else 0
    response.make_conditional(request)
    return response


@lru_cache(maxsize=64)
def _read(path: Path, mtime_ns: int, is_packed: bool) -> Held:
    """The file as it goes out, kept until it changes (`mtime_ns`): some 3 MB in all."""
    body = path.read_bytes()
    if is_packed:
        body = gzip.compress(body, compresslevel=9, mtime=0)
    return Held(body, hashlib.sha256(body).hexdigest()[:32])
