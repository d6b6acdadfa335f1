"""200 canaries of one rider, erased: no file, row, blob, feed, map or log holds one of them afterwards."""

from __future__ import annotations

import gzip
import io
import logging
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import zstandard
from sqlalchemy.orm import Session

from tests.points.hand import DAY_S, NOON_S, bus_ride, gpx_of
from tests.test_publish import CONFIG, EAST, NOW_S, RULES, make, send
from transitmap import erase, store
from transitmap.archive import COLUMNS_MAGIC, RIDE_MAGIC, Archive, unpack_ride
from transitmap.contribute import contribute
from transitmap.gtfs.export import export_feed
from transitmap.gtfs.pack import unpack
from transitmap.replay import replay

pytestmark = pytest.mark.usefixtures("own_rules_only")
CROWD = replace(CONFIG, feed=replace(CONFIG.feed, min_riders=3))
NAME = "Canaria Cero"


def spread_canaries(session: Session, archive: Archive) -> list[bytes]:
    """Somebody who leaves something in every place where people leave something."""
    user = store.add_user(session, NAME, "hash-canary-0000", NOW_S)
    planted = [NAME, NAME.casefold(), "hash-canary-0000"]
    for number in range(6):
        ride = bus_ride(EAST, NOON_S + (20 + number) * DAY_S, 900 + number)
        label, file, tap = f"label-{number}-canary", f"file-{number}-canary.gpx", f"tap-{number}-canary"
        lat, lon = ride.fixes.lat_deg[40], ride.fixes.lon_deg[40]
        waypoint = f'<wpt lat="{lat:.7f}" lon="{lon:.7f}"><name>{tap}</name></wpt>'
        body = gpx_of(ride, label).replace(b"<trk>", waypoint.encode() + b"<trk>", 1)
        contribute(session, archive, user, file, body, CROWD, RULES, NOW_S + number, "words-canary")
        planted += [label, file, tap, f'lat="{lat:.7f}" lon="{lon:.7f}"', "words-canary"]
    for number in range(60):
        name, body = f"refused-{number}-canary.txt", f"no trace {number}-canary of mine".encode()
        contribute(session, archive, user, name, body, CROWD, RULES, NOW_S, "words-canary")
        planted += [name, body.decode()]
    for number in range(30):
        token, _ = store.add_token(session, user, f"device-{number}-canary", NOW_S)
        packed = f"message-{number}-canary lat 19.{number}4321".encode()
        row = {"token_id": token.id, "sha256": f"{number:064x}", "received_s": NOW_S, "dialect": "owntracks"}
        session.add(store.MessageRow(**row, n_fixes=1, packed=packed))
        planted += [token.name, token.token_sha256, packed.decode()]
    session.add(store.Login(id_sha256="cafe" * 16, user_id=user.id, opened_s=NOW_S))
    session.commit()
    return [word.encode() for word in dict.fromkeys([*planted, "cafe" * 16])]


def unfolded(body: bytes) -> Iterator[bytes]:
    """A body and what is inside it, however it is packed."""
    yield body
    if body.startswith((RIDE_MAGIC, COLUMNS_MAGIC)):
        yield zstandard.ZstdDecompressor().decompress(body[4:])
    if body.startswith(b"\x1f\x8b"):
        yield from unfolded(gzip.decompress(body))
    if body.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(body)) as packed:
            for name in packed.namelist():
                yield from unfolded(packed.read(name))


def places(session: Session, archive: Archive, url: str, log: str) -> Iterator[tuple[str, bytes]]:
    """Every byte that is left, with where it lies."""
    yield "log", log.encode()
    yield "rows", "\n".join(store.dump_rows(url)).encode()
    path = store.database_file(session)
    for file in [path, path.with_name(path.name + "-wal")] if path else []:
        yield file.suffix, file.read_bytes() if file.exists() else b""
    for sha, _ in archive.names():
        for body in unfolded(archive.get(sha)):
            yield f"blob {sha[:8]}", body
    for kind in ("erasures", "replaced"):
        yield kind, b"".join(archive.notes(kind))
    feed = store.latest_feed(session)
    tables, evidence = unpack(archive.get(feed.feed_sha256)), archive.get(feed.evidence_sha256).decode()
    for kind in ("geojson", "gpx", "kml"):
        yield kind, b"".join(unfolded(export_feed(tables, kind, evidence, "")))


def found(planted: list[bytes], where: Iterator[tuple[str, bytes]]) -> set[tuple[str, bytes]]:
    return {(place, canary) for place, body in where for canary in planted if canary in body}


def positions(archive: Archive, rides: list[str]) -> set[tuple[float, float]]:
    fixes = [unpack_ride(archive.get(sha)).fixes for sha in rides]
    return {place for one in fixes for place in zip(one.lat_deg.tolist(), one.lon_deg.tolist(), strict=True)}


def test_no_canary_is_left(
    session: Session, database_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    archive = Archive(tmp_path / "archive")
    for number in range(4):
        send(session, archive, f"rider {number}", EAST, number, number)
    make(session, archive, CROWD)
    planted = spread_canaries(session, archive)
    assert len(planted) >= 200
    make(session, archive, CROWD)
    before = {canary for _, canary in found(planted, places(session, archive, database_url, caplog.text))}
    assert len(before) >= 200, "or nothing is searched for where it is"
    user = store.user_by_name(session, NAME)
    rows = [row for row in store.rides_after(session) if row.user_id == user.id]
    mine = positions(archive, [row.packed_sha256 for row in rows])
    erase.erase(session, archive, user, CROWD, NOW_S)
    erase.finish(session, archive)
    feed = make(session, archive, CROWD)
    store.scrub(session)
    assert feed.n_rides == 4
    assert found(planted, places(session, archive, database_url, caplog.text)) == set()
    left = [sha for sha, _ in archive.names() if archive.get(sha).startswith(RIDE_MAGIC)]
    assert len(left) == 4
    assert mine and not mine & positions(archive, left)
    assert replay(session, archive, CROWD, RULES) == []
