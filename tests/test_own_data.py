"""Everything that is kept of somebody, in one zip: byte for byte, all rows, no keys, nobody else."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import gpxpy
import numpy as np
import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from sqlalchemy.orm import Session

from tests.test_publish import EAST, NOW_S, send
from transitmap import own_data, store
from transitmap.archive import Archive, unpack_ride
from transitmap.cli import main
from transitmap.model import Finding

RIDDLE = bytes(range(256)) * 3


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "archive")


@pytest.fixture
def ana(session: Session, archive: Archive) -> store.User:
    return make_ana(session, archive)


def make_ana(session: Session, archive: Archive) -> store.User:
    """Somebody with two rides, a refused file, a device and a message that waits; and somebody else."""
    for seed in (1, 2):
        send(session, archive, "ana", EAST, seed, seed)
    send(session, archive, "beto", EAST, 3, 3)
    user = store.user_by_name(session, "ana")
    assert user is not None
    upload, _ = store.add_upload(session, user.id, archive.put(RIDDLE), "../ñandú.bin", len(RIDDLE), NOW_S)
    store.settle_upload(session, upload, store.REFUSED, "not_a_trace")
    token, _ = store.add_token(session, user, "my phone", NOW_S)
    message = {"token_id": token.id, "sha256": "0" * 64, "received_s": 1.5, "dialect": "owntracks"}
    session.add(store.MessageRow(**message, n_fixes=1, packed=b"a waiting message"))
    session.flush()
    return user


def opened(session: Session, archive: Archive, user: store.User) -> zipfile.ZipFile:
    body = b"".join(own_data.stream(archive, own_data.gather(session, user, NOW_S)))
    packed = zipfile.ZipFile(io.BytesIO(body))
    assert packed.testzip() is None
    return packed


def test_what_was_sent_comes_back_byte_for_byte(session: Session, archive: Archive, ana: store.User) -> None:
    packed = opened(session, archive, ana)
    originals = {name: packed.read(name) for name in packed.namelist() if name.startswith("originals/")}
    uploads = store.uploads_of_user(session, ana.id)
    assert sorted(originals.values()) == sorted(archive.get(upload.sha256) for upload in uploads)
    assert originals[next(name for name in originals if name.endswith("/ñandú.bin"))] == RIDDLE
    assert [packed.read(name) for name in packed.namelist() if name.startswith("messages/")] == [
        b"a waiting message"
    ]
    assert json.loads(packed.read("missing.json")) == []


def test_tracks_are_gpx_of_the_clean_positions(session: Session, archive: Archive, ana: store.User) -> None:
    packed = opened(session, archive, ana)
    rows = [row for row in store.rides_after(session) if row.user_id == ana.id]
    assert sum(name.startswith("tracks/") for name in packed.namelist()) == len(rows) == 2
    for row in rows:
        fixes = unpack_ride(archive.get(row.packed_sha256)).fixes
        points = gpxpy.parse(packed.read(f"tracks/{row.id}.gpx").decode()).tracks[0].segments[0].points
        told = np.array([(p.latitude, p.longitude, p.time.timestamp()) for p in points])
        kept = np.column_stack([fixes.lat_deg, fixes.lon_deg, fixes.time_s])
        assert np.abs(told - kept).max(axis=0) == pytest.approx([0, 0, 0], abs=1e-3)
        assert np.array_equal(told[:, :2], kept[:, :2])


def test_all_rows_are_told_and_no_key(session: Session, archive: Archive, ana: store.User) -> None:
    packed = opened(session, archive, ana)
    tables = {name: json.loads(packed.read(name)) for name in packed.namelist() if name.endswith(".json")}
    assert tables["account.json"]["name"] == "ana"
    assert len(tables["ledger.json"]) == len(store.ledger_rows(session, user_id=ana.id)) > 0
    assert [row["name"] for row in tables["tokens.json"]] == ["my phone"]
    assert len(tables["uploads.json"]) == 3
    everything = b"".join(
        packed.read(name) for name in packed.namelist() if not name.startswith("originals/")
    )
    token = store.tokens_of_user(session, ana.id)[0]
    assert token.token_sha256.encode() not in everything
    assert b"password" not in packed.read("account.json")
    assert b"beto" not in everything
    assert "byte por byte" in packed.read("README.txt").decode()


def test_what_was_found_is_told_without_anybody_else(
    session: Session, archive: Archive, ana: store.User
) -> None:
    """What was only noted, too; neither whose ride it is like, nor which missions are checks."""
    one, other, beto = store.rides_after(session)
    assert one.user_id == other.user_id == ana.id != beto.user_id
    noted = Finding("copy", "shadow", 0.9, {"lag_s": 60.0}, beto.id, "", "")
    claimed = Finding("claimed_check", "soft", 1.0, {"missions": [7]}, "", "", "")
    store.add_findings(session, one.id, [noted, claimed], NOW_S)
    store.add_findings(session, beto.id, [noted], NOW_S)
    told = json.loads(opened(session, archive, ana).read("findings.json"))
    assert [(row["code"], row["tier"], row["state"], row["evidence"]) for row in told] == [
        ("copy", "shadow", "open", {"lag_s": 60.0}),
        ("claimed_check", "soft", "open", {}),
    ]
    assert {row["ride_id"] for row in told} == {one.id} != {other.id}
    assert not any("other_ride_id" in row for row in told)


def test_what_is_gone_is_named(session: Session, archive: Archive, ana: store.User) -> None:
    row = next(row for row in store.rides_after(session) if row.user_id == ana.id)
    archive.delete(row.packed_sha256)
    assert json.loads(opened(session, archive, ana).read("missing.json")) == [row.id]


def test_on_the_command_line(sqlite_engine: sa.Engine, archive: Archive, tmp_path: Path) -> None:
    with store.session(sqlite_engine) as session:
        make_ana(session, archive)
    url = str(sqlite_engine.url)
    where = ["--database-url", url, "--archive-url", str(tmp_path / "archive")]
    out = tmp_path / "ana.zip"
    done = CliRunner().invoke(main, ["users", "export", "Ana", "--out", str(out), *where])
    assert (done.exit_code, done.output) == (0, f"{out}: 3 uploads, 2 rides\n")
    assert "account.json" in zipfile.ZipFile(out).namelist()
    assert CliRunner().invoke(main, ["users", "export", "nobody", "--out", str(out), *where]).exit_code == 2
    done = CliRunner().invoke(main, ["users", "erase", "ana", "--yes", *where])
    assert (done.exit_code, done.output) == (0, "erased: 3 uploads, 2 rides\n"), done.output
    assert CliRunner().invoke(main, ["users", "erase", "ana", "--yes", *where]).exit_code == 2
    assert CliRunner().invoke(main, ["users", "erase", "beto", *where], input="n\n").exit_code == 1
