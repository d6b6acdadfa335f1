"""Everything that is kept of one rider, as a zip: what was sent byte by byte, and all that came of it."""

from __future__ import annotations

import datetime
import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from transitmap import store
from transitmap.archive import Archive, unpack_ride
from transitmap.consent import consent
from transitmap.model import DETECTORS, JsonObject, Ride

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

README = """\
Todo lo que este servicio guarda de ti.
  account.json      tu cuenta
  tokens.json       tus aparatos (sin sus llaves)
  uploads.json      lo que enviaste, con la versión de las palabras que aceptaste (consent)
  rides.json        qué fue cada viaje
  findings.json     qué nos pareció raro en un viaje, también lo que solo se anotó
  ledger.json       tus puntos, línea por línea
  usage.json        cuánto enviaste cada día
  logins.json       dónde tienes la sesión abierta
  observations.json en qué tramos cuentas en el mapa de ahora; van revueltos con una llave y no dicen dónde
  messages/         mensajes de tu teléfono que aún no son un viaje, tal como llegaron
  originals/        lo que enviaste, byte por byte
  tracks/           tus viajes limpios y sin sus extremos, en GPX
  missing.json      lo que ya no se guarda, por antiguo

Everything that this service keeps of you.
  account.json      your account
  tokens.json       your devices (without their keys)
  uploads.json      what you sent, with the version of the words you agreed to (consent)
  rides.json        what each trip was
  findings.json     what looked odd about a trip, also what was only noted
  ledger.json       your points, line by line
  usage.json        how much you sent on each day
  logins.json       where you are logged in
  observations.json on which stretches you count in the map of now; hashed with a key, they tell no place
  messages/         messages of your phone that are no trip yet, as they came
  originals/        what you sent, byte by byte
  tracks/           your trips, clean and without their ends, as GPX
  missing.json      what is kept no longer, because it is old

Lo que aceptaste / What you agreed to:
"""
SECRETS = {
    "users": ("password_hash", "name_key"),
    "tokens": ("token_sha256",),
    "logins": ("id_sha256",),
    "findings": ("other_ride_id",),
}
"""Columns that open something, and are nobody's data; or that are somebody else's."""


@dataclass(frozen=True)
class OwnData:
    """What is in the tables, ready to be told while no database is open; the blobs are read one by one."""

    tables: dict[str, list[JsonObject]]
    account: JsonObject
    uploads: tuple[tuple[str, str, str], ...]
    rides: tuple[tuple[str, str], ...]
    messages: tuple[tuple[str, bytes], ...]
    written_s: float


def gather(session: Session, user: store.User, now_s: float) -> OwnData:
    """All rows that speak of somebody."""
    rows = store.rows_of_user(session, user.id)
    shown = {
        name: [{key: value for key, value in row.items() if key not in SECRETS.get(name, ())} for row in some]
        for name, some in rows.items()
    }
    for row in shown["findings"]:
        if row["code"] not in DETECTORS:  # what it rests on is a check that others still ride, or a person
            row["evidence"] = {}
    messages = [(f"{row['id']}.{row['dialect']}", row.pop("packed")) for row in shown["messages"]]
    return OwnData(
        tables={name: some for name, some in shown.items() if name != "users"},
        account=shown["users"][0],
        uploads=tuple((row["id"], row["sha256"], row["name"]) for row in shown["uploads"]),
        rides=tuple(
            (f"{row['id']}{suffix}", row[column])
            for row in shown["rides"]
            for suffix, column in (("", "packed_sha256"), (".late", "late_sha256"))
            if row[column]
        ),
        messages=tuple((name, packed) for name, packed in messages if packed),
        written_s=now_s,
    )


def stream(archive: Archive, own: OwnData) -> Iterator[bytes]:
    """The zip in pieces, none larger than one upload; missing.json tells what the archive has no longer."""
    out = _Pipe()
    missing: list[str] = []
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
        for name, body in _members(archive, own, missing):
            packed.writestr(_dated(name, own.written_s), body, zipfile.ZIP_DEFLATED, 1)
            yield out.take()
        packed.writestr(_dated("missing.json", own.written_s), _json(missing))
    yield out.take()


def _members(archive: Archive, own: OwnData, missing: list[str]) -> Iterator[tuple[str, bytes | str]]:
    """Name and content of each file, the small ones first."""
    yield "README.txt", _readme()
    yield "account.json", _json(own.account)
    for table, rows in own.tables.items():
        yield f"{table}.json", _json(rows)
    for name, packed in own.messages:
        yield f"messages/{name}", packed
    for upload_id, sha256, name in own.uploads:
        if (body := _read(archive, sha256)) is None:
            missing.append(upload_id)
        else:
            yield f"originals/{upload_id}/{store.clean_name(name)}", body
    for ride_id, sha256 in own.rides:
        if (body := _read(archive, sha256)) is None:
            missing.append(ride_id)
        else:
            yield f"tracks/{ride_id}.gpx", gpx_of(unpack_ride(body))


def _read(archive: Archive, sha256: str) -> bytes | None:
    try:
        return archive.get(sha256)
    except KeyError:
        return None


def gpx_of(ride: Ride) -> str:
    """A clean ride as GPX 1.1: its fixes with their times, and what its rider tapped as waypoints."""
    from gpxpy import gpx

    document, track, segment = gpx.GPX(), gpx.GPXTrack(name=ride.label or None), gpx.GPXTrackSegment()
    document.creator = "transitmap"
    document.tracks.append(track)
    track.segments.append(segment)
    fixes, taps = ride.fixes, ride.taps
    columns = (fixes.lat_deg, fixes.lon_deg, fixes.time_s)
    for lat, lon, time_s in zip(*(column.tolist() for column in columns), strict=True):
        segment.points.append(gpx.GPXTrackPoint(lat, lon, time=_moment(time_s)))
    columns = (taps.lat_deg, taps.lon_deg, taps.time_s)
    for lat, lon, time_s, name in zip(*(column.tolist() for column in columns), taps.name, strict=True):
        time = _moment(time_s) if time_s == time_s else None
        document.waypoints.append(gpx.GPXWaypoint(lat, lon, time=time, name=name))
    return str(document.to_xml(version="1.1"))


def _moment(time_s: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(time_s, datetime.UTC)


def _json(what: Any) -> str:
    return json.dumps(what, ensure_ascii=False, indent=1, sort_keys=True, default=str)


def _dated(name: str, written_s: float) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name, _moment(written_s).timetuple()[:6])
    member.external_attr = 0o100600 << 16
    return member


def _readme() -> str:
    said = [README]
    for language in ("es", "en"):
        said += [f"{consent().version} ({language})", consent().sending.spoken(language), ""]
    return "\n".join(said)


class _Pipe(io.RawIOBase):
    """A file that is written at one end and taken away at the other."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        """Always."""
        return True

    def write(self, piece: Any) -> int:
        """Keeps a piece until it is taken."""
        self._pieces.append(bytes(piece))
        return len(piece)

    def take(self) -> bytes:
        """What was written since the last time."""
        taken = b"".join(self._pieces)
        self._pieces.clear()
        return taken
