"""The service on a port: waitress around `create_app`, made for many slow phones."""

from __future__ import annotations

import gc
import logging
import resource
import signal
import sys
import time
from typing import TYPE_CHECKING, Any

from flask import json
from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.server import TcpWSGIServer, create_server
from waitress.utilities import Error

from webapp import create_app, errors
from webapp.headers import HEADERS
from webapp.settings import Settings, settings_from_environment
from webapp.uploads import MAX_FIELD_BYTES

if TYPE_CHECKING:
    from flask import Flask

CONNECTION_LIMIT = 2000
FILES_OF_OURS = 40
"""So many open files are for databases, bodies and children; a connection more would cost us one of them."""
THREADS = 4
GRACE_S = 10.0
"""Who is told to end answers what has come whole, or comes within so long."""
TURN_S = 0.5
DISK_FAILED = 74
"""The exit status of a service whose disk failed (EX_IOERR)."""
SLOW_CLIENT_S = 120
RECEIVE_BYTES = 65_536  # a batch of 120 kB in 2 pieces instead of 15
TOO_LARGE = 413
SAID = {
    "too_large": "El archivo es demasiado grande. / The file is too large.",
    "bad_request": "No entendimos la solicitud. / We did not understand the request.",
}


class Refused(Error):
    """Our words for what never becomes a request: sent before a byte of its body is read."""

    def __init__(self, error: Error, detail: str) -> None:
        super().__init__(detail)
        self.code, self.reason = error.code, error.reason

    def to_response(self, ident: str | None = None) -> tuple[str, list[tuple[str, str]], bytes]:
        """The problem as the API would say it; a browser shows it as text."""
        code = "too_large" if self.code == TOO_LARGE else "bad_request"
        problem = {
            "type": f"/help/#{code}",
            "title": SAID[code],
            "status": self.code,
            "code": code,
            "detail": self.body,
        }
        headers = [("Content-Type", "application/problem+json"), *HEADERS.items()]
        return f"{self.code} {self.reason}", headers, json.dumps(problem).encode()


class Parser(HTTPRequestParser):
    """Waitress's own, with our answer to what is too large, and none to a body of two lengths."""

    def parse_header(self, header_plus: bytes) -> None:
        """As waitress does. Content-Length beside Transfer-Encoding is how requests are smuggled, two hosts
        how a proxy and we are made to mean different ones: refused.

        Raises:
            ParsingError: both headers are there, Host is twice, or whatever waitress finds.
        """
        names = [line.partition(b":")[0].strip().lower() for line in header_plus.split(b"\n")[1:]]
        if b"content-length" in names and b"transfer-encoding" in names:
            raise ParsingError("Content-Length and Transfer-Encoding together")
        if names.count(b"host") > 1:
            raise ParsingError("Host twice")
        super().parse_header(header_plus)

    def received(self, data: bytes) -> int:
        """As waitress does."""
        n_bytes: int = super().received(data)
        if self.error is not None and not isinstance(self.error, Refused):
            limit_mb = self.adj.max_request_body_size // 1_000_000
            is_large = self.error.code == TOO_LARGE
            too_large = f"limit {limit_mb} MB; compress it as .gz or split it by day"
            self.error = Refused(self.error, too_large if is_large else str(self.error.body))
        return n_bytes


class WithoutPath(logging.Filter):
    """Waitress names the path of a request that failed: a phone's has its token in it."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Always; the path is cut off."""
        said, found, _ = record.getMessage().partition(" while serving ")
        if found:
            record.msg, record.args = f"{said}{found}a request", ()
        return True


WITHOUT_PATH = WithoutPath()


class Channel(HTTPChannel):
    """One connection."""

    parser_class = Parser


def serve(host: str, port: int, settings: Settings | None = None) -> int:
    """Serves until told to end; prints the address once it answers. The database must be upgraded.

    0, or DISK_FAILED where nothing can be kept any more.
    """
    settings = settings or settings_from_environment()
    app = create_app(settings)
    gc.collect()
    gc.freeze()  # what is here stays: looked through at each full collection it cost 100 ms now and then
    told: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, frame: told.append(number))
    server = make_server(app, host, port, settings.config.collect.max_upload_bytes)
    shown = f"[{host}]" if ":" in host else host
    sys.stdout.write(f"transitmap: http://{shown}:{server.effective_port}\n")
    sys.stdout.flush()
    while not told and not errors.has_disk_failed(app):
        turn(server)
    end(server)
    return DISK_FAILED if errors.has_disk_failed(app) else 0


def turn(server: Any, within_s: float = TURN_S) -> None:
    """What has come is read, what is ready goes out."""
    wasyncore.loop(within_s, use_poll=True, map=server._map, count=1)


def end(server: Any, grace_s: float = GRACE_S) -> None:
    """Takes no more connections, answers the requests that are here or coming, then closes."""
    until_s = time.monotonic() + grace_s
    wasyncore.dispatcher.close(server)
    while time.monotonic() < until_s and any(_is_busy(one) for one in [*server.active_channels.values()]):
        turn(server, 0.05)
    server.task_dispatcher.shutdown()
    wasyncore.close_all(server._map, ignore_all=True)


def _is_busy(channel: HTTPChannel) -> bool:
    return bool(channel.requests or channel.total_outbufs_len or channel.request is not None)


def make_server(app: Flask, host: str, port: int, max_upload_bytes: int) -> Any:
    """A server that listens but does not run yet; `effective_port` says where (port 0 takes a free one).

    Slow connections cost a file each and no thread; there may be so many as files may be open.
    """
    logging.getLogger("waitress").addFilter(WITHOUT_PATH)
    sockets: dict[int, Any] = {}
    server = create_server(
        app,
        map=sockets,
        host=host,
        port=port,
        threads=THREADS,
        connection_limit=max(1, min(CONNECTION_LIMIT, _open_files() - FILES_OF_OURS)),
        asyncore_use_poll=True,
        channel_timeout=SLOW_CLIENT_S,
        recv_bytes=RECEIVE_BYTES,
        max_request_body_size=max_upload_bytes + MAX_FIELD_BYTES,
        ident=None,
        clear_untrusted_proxy_headers=False,
    )
    for one in sockets.values():
        if isinstance(one, TcpWSGIServer):
            one.channel_class = Channel
    return server


def _open_files() -> int:
    """How many files this process may have open, once it has asked for as many as it may ask for."""
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTION_LIMIT + FILES_OF_OURS
    allowed = max(allowed, wanted if most == resource.RLIM_INFINITY else min(wanted, most))
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, most))
    return allowed
