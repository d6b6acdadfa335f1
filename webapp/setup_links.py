"""What makes each app send here: a link to tap, what its QR code says, and the fields to fill by hand."""

from __future__ import annotations

import base64
import json
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

from flask_babel import lazy_gettext as _

INTERVAL_S = 5
GPSLOGGER_QUERY = (
    "lat=%LAT&lon=%LON&timestamp=%TIMESTAMP&acc=%ACC&spd=%SPD&dir=%DIR&alt=%ALT&sat=%SAT&hdop=%HDOP"
    "&prov=%PROV&batt=%BATT&starttimestamp=%STARTTIMESTAMP&desc=%DESC"
)
OSMAND_QUERY = (
    "lat={0}&lon={1}&timestamp={2}&hdop={3}&altitude={4}&speed={5}&bearing={6}&batt={11}"  # never {13}
)
UNSAFE = re.compile("[?>~\x7f]")


@dataclass(frozen=True)
class Setup:
    """How one phone is set up. `fields` are (what the app calls it, what to put there)."""

    link: str = ""
    qr: str = ""
    fields: tuple[tuple[object, str], ...] = ()


def setup_of(app: str, root: str, key: str, device: str) -> Setup:
    """The set-up of a device with this key for an app; `root` is our own address, with its last slash."""
    return SETUPS[app](root, key, device)


def _owntracks(root: str, key: str, device: str) -> Setup:
    url, label = root + "ingest/owntracks", slug(device)
    config = {
        "_type": "configuration",
        "mode": 3,  # HTTP
        "url": url,
        "auth": True,
        "username": "transitmap",
        "password": key,
        "deviceId": label,
        "tid": (label.replace("-", "") + "tm")[:2].upper(),
        "monitoring": 2,  # move
        "moveModeLocatorInterval": INTERVAL_S,
        "locatorPriority": 0,  # GPS
        "locatorInterval": INTERVAL_S,
        "locatorDisplacement": INTERVAL_S,
    }
    link = "owntracks:///config?inline=" + safe_base64(config)
    fields = ((_("Mode"), "HTTP"), ("URL", url), (_("User"), "transitmap"), (_("Password"), key))
    return Setup(link, link, fields)


def _overland(root: str, key: str, device: str) -> Setup:
    url, label = root + "ingest/overland", slug(device)
    link = f"overland://setup?url={_escaped(url)}&token={key}&device_id={label}&unique_id=yes"
    fields = (("Receiver Endpoint URL", url), ("Access Token", key), ("Device ID", label))
    return Setup(link, link, fields)


def _traccar(root: str, key: str, device: str) -> Setup:
    url, label = f"{root}ingest/osmand/{key}", slug(device)
    options = f"id={label}&accuracy=highest&interval={INTERVAL_S}&distance=0&buffer=true&stop_detection=false"
    fields = ((_("Server address"), url), (_("Device identifier"), label))
    return Setup(f"org.traccar.client://x?url={_escaped(url)}&{options}", f"{url}?{options}", fields)


def _colota(root: str, key: str, device: str) -> Setup:
    url = root + "ingest/overland"
    config = {
        "endpoint": url,
        "interval": INTERVAL_S,
        "distance": 0,
        "syncInterval": 60,
        "apiTemplate": "overland",
        "overlandBatchSize": 50,
        "auth": {"type": "bearer", "bearerToken": key},
    }
    link = "colota://setup?config=" + safe_base64(config)
    fields = (("Endpoint", url), ("API template", "Overland"), ("Bearer token", key))
    return Setup(link, link, fields)


def _gpslogger(root: str, key: str, device: str) -> Setup:
    fields = (
        (_("Address for whole files"), f"{root}ingest/file/{key}"),
        (_("Address for live positions"), f"{root}ingest/gpslogger/{key}?{GPSLOGGER_QUERY}"),
    )
    return Setup(fields=fields)  # its links are made by the page: they end after a while


def _osmand(root: str, key: str, device: str) -> Setup:
    return Setup(fields=((_("Web address"), f"{root}ingest/osmand/{key}?{OSMAND_QUERY}"),))


def _phonetrack(root: str, key: str, device: str) -> Setup:
    fields = (
        (_("Server address"), root + "ingest/phonetrack"),
        ("Token", key),
        (_("Device name"), slug(device)),
    )
    return Setup(fields=fields)


def _ulogger(root: str, key: str, device: str) -> Setup:
    fields = (
        (_("Server address"), f"{root}ingest/ulogger/{key}"),
        (_("User"), "transitmap"),
        (_("Password"), "transitmap"),
    )
    return Setup(fields=fields)


def _program(root: str, key: str, device: str) -> Setup:
    return Setup(fields=((_("Key"), key), (_("Address for whole files"), root + "api/v1/traces")))


SETUPS: dict[str, Callable[[str, str, str], Setup]] = {
    "gpslogger": _gpslogger,
    "overland": _overland,
    "traccar": _traccar,
    "owntracks": _owntracks,
    "colota": _colota,
    "osmand": _osmand,
    "phonetrack": _phonetrack,
    "ulogger": _ulogger,
    "program": _program,
}


def gpslogger_properties(root: str, key: str, way: str) -> str:
    """GPSLogger's settings file: whole files after each trip (`file`), or each position at once (`live`)."""
    is_live = way == "live"
    lines = {
        "log_gpx": True,
        "log_gpx_11": False,
        "log_plain_text": is_live,  # what it could not send is sent again from this file
        "time_before_logging": INTERVAL_S if is_live else 1,
        "distance_before_logging": 0,
        "accuracy_before_logging": 0,
        "keep_fix": True,
        "autosend_enabled": True,
        "autosend_frequency_minutes": 60,
        "autosend_frequency_whenstoppressed": True,
        "autosend_sendzip": True,
        "autohttpfileupload_enabled": not is_live,
        "httpfileupload_url": f"{root}ingest/file/{key}",
        "httpfileupload_method": "POST",
        "httpfileupload_body_type": "form-data",
        "httpfileupload_headers": "",
        "log_customurl_enabled": is_live,
        "log_customurl_url": f"{root}ingest/gpslogger/{key}?{GPSLOGGER_QUERY}",
        "log_customurl_method": "GET",
    }
    return "".join(f"{name}={_property(value)}\n" for name, value in lines.items())


def _property(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def slug(device: str) -> str:
    """A device's name in letters that need no escaping anywhere."""
    plain = unicodedata.normalize("NFKD", device).encode("ascii", "ignore").decode().lower()
    return "-".join(re.findall("[a-z0-9]+", plain))[:24].strip("-") or "phone"


def safe_base64(config: dict[str, object]) -> str:
    """The JSON in standard base64 without `+`, `/` or `=`: no app can unescape it wrongly.

    `=` goes by spaces after the JSON. ASCII gives `+` and `/` only for `>`, `~`, `?` and DEL as the third of
    three bytes, and JSON may escape those.
    """
    text = UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(config, separators=(",", ":")))
    return base64.b64encode((text + " " * (-len(text) % 3)).encode("ascii")).decode("ascii")


def _escaped(text: str) -> str:
    return quote(text, safe="")
